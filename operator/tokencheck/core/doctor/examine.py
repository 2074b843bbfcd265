"""All facts -> all diagnoses, in the order in which one would look."""

from collections.abc import Iterator, Mapping

from tokencheck.core.doctor import (
    admission,
    checks,
    cluster,
    cluster_checks,
    operator,
    providers,
    rights,
)
from tokencheck.core.doctor.diagnosis import Diagnosis
from tokencheck.core.doctor.facts import Facts
from tokencheck.model.evidence import Unread


def examine(
    facts: Facts, shipped: Mapping[str, str], version: str, commands: rights.Commands
) -> tuple[Diagnosis, ...]:
    """Return every diagnosis, what is well included.

    Args:
        facts: that were gathered.
        shipped: digest of each CRD that this program ships.
        version: of our API that must be served.
        commands: that grant rights.
    """
    return tuple(_all(facts, shipped, version, commands))


def _all(
    facts: Facts, shipped: Mapping[str, str], version: str, commands: rights.Commands
) -> Iterator[Diagnosis]:
    yield from cluster.server(facts.server)
    yield from cluster.clock_of_caller(facts.server)
    yield from cluster.crds(facts.crds, shipped, version)
    yield from rights.caller(facts.caller, facts.server.user, commands)
    yield from operator.presence(facts)
    yield from operator.leader(facts)
    if not isinstance(facts.setups, Unread) and facts.setups:
        yield from rights.operator(facts.operator, facts.setups[0], commands)
        yield from rights.reach(facts.setups[0])
    yield from admission.admission(facts.admission)
    yield from operator.pages(facts)
    yield from checks.checks(facts.checks, facts.setups)
    yield from cluster_checks.cluster_checks(facts.cluster_checks, facts.setups, commands)
    yield from providers.providers(facts.providers)
