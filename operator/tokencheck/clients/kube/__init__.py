"""The Kubernetes API server: one transport, small informers, fenced writes.

What is not here: Kopf (our own kinds are handed in by `app`), retries of passes (the queue's), and
any judgement. Every module but `transport` and `configuration` is free of the kubernetes package,
of which no more is loaded than they name. All code runs in one event loop; nothing is locked
against threads.

* `transport`: requests and streams, with time limits, a rate limit and a write guard.
* `informer`: one list and watch that is never silently wrong; `fleet`: the informers of one
  resource.
* `cache`: the inventory that passes read, with informers started on demand.
* `status`, `events`: the only writers. `objects`: plain lists of our own kinds.
"""

from tokencheck.clients.kube.package import spare_the_rest

spare_the_rest()
