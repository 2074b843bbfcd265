"""How urgent a request to the API server is, by what it asks for."""

from enum import IntEnum

from tokencheck.clients.kube.call import Call, is_collection, resource_of


class Urgency(IntEnum):
    """Kinds of requests, the most urgent first. A 429 is about one kind alone."""

    LEASE = 0  # late, another replica takes over
    WRITE = 1  # of a status: late, a verdict is
    READ = 2  # one object that a pass wants: late, one verdict is
    EVENT = 3  # tells what the status says already
    LIST = 4  # and opened watches: large, and nobody waits for them who has no other way


def urgency_of(call: Call) -> Urgency:
    """Return the kind of a request; a review, which is sent with POST, is a read."""
    resource = resource_of(call.path)
    if resource == "leases":
        return Urgency.LEASE
    if resource == "events" and call.method != "GET":
        return Urgency.EVENT
    if "dryRun" in call.params or (resource == "tokenchecks" and call.method != "GET"):
        return Urgency.EVENT  # no verdict waits for it
    if call.method == "PATCH":
        return Urgency.WRITE
    return Urgency.LIST if call.method == "GET" and is_collection(call.path) else Urgency.READ
