"""The demo: a shop with good and bad tokens on a real control plane, watched while it changes.

* `cluster`: where it runs (a control plane of its own, or an existing context) and its clean end.
* `shop`: the manifests, with tokens made now. `watch`: what TokenChecks say, as it happens.
* `screen`: how it is shown, on a terminal or piped. `story`: what happens, in order.
"""
