"""The way in: a change becomes due keys.

`feed` takes changes, `index` knows which objects depend on what changed, `queue` says which is
next. Not here: any clock (moments are arguments), any await, any thread. All of it belongs to one
event loop; a change from another thread comes in through that loop's `call_soon_threadsafe`.
"""
