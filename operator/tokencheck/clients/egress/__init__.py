"""The only way out of the process but the one to the API server.

Every request goes to an address that an admin wrote into a TokenProvider. The guards stand where
they cannot be forgotten: `client` refuses a place that is not listed and an answer that is too
large or moves elsewhere, `dial` resolves once and dials only what was checked, `stream` compares
what is sent with what was meant, and `tls` makes the context by hand. Not here: what is asked and
what an answer means (``core.questions``), when it is asked and for how long it holds
(``gather.keyring``).

All of it runs in one event loop; only name look-ups have threads of their own (`names`).
"""
