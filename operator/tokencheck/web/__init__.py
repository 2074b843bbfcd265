"""What is shown over HTTP: metrics and health, from facts that are handed in.

`board` keeps the latest result of each check, `tally` what is counted, `sources` says where other
facts come from, `metrics` has every metric name, `health` says whether all is well, `server`
serves them. Not here: any decision, any token, any request to the cluster. All of it belongs to
the event loop of the engine.
"""
