"""What to write: an assessment and a rollout become status, events and the next moment to look.

Way through the room: `plan` calls `following` (where the rollout stands), `conditions` (what each
condition says),
`stalled` (what deployers are told), `status` (the whole, within its budget), `transitions` (what
changed).
Not here: any judgement of tokens, any I/O, any clock.
"""
