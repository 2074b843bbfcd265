"""Decisions, and nothing else: values in, values out.

Each package here is a room that does not know the other rooms; `gather` and `passes` join them. Not
here: any I/O, any clock (`now` is an argument), logging, threads. Bad data comes back as a value
and never raises, so every function may be called from any thread at any time.
"""
