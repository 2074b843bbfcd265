"""The TokenChecks that an audit judges by: one for each workload and each Secret nobody mounts."""

from collections.abc import Iterable
from dataclasses import replace

from tokencheck.api.tokencheck import Level, Policy, Spec, TokenCheck, WorkloadRef
from tokencheck.model.workload import Site, SiteKind, Workload

SECRET = "Secret"
_PLACE = tuple[str, str, str]  # namespace, kind, name


def check_of(namespace: str, ref: WorkloadRef) -> TokenCheck:
    """Return the check of a workload that has none: every token that it mounts, by defaults.

    That nobody vouches for a token is no news where nobody was asked to: it is no warning here.
    """
    return TokenCheck(
        namespace=namespace,
        name="",
        uid="",
        generation=0,
        resource_version="",
        spec=Spec(workload=ref, policy=Policy(unverified=Level.IGNORE)),
    )


def reference_to(workload: Workload) -> WorkloadRef:
    """Return how a check names the workload."""
    return WorkloadRef(api_version=workload.api_version, kind=workload.kind, name=workload.name)


def unmounted(namespace: str, secret: str) -> Workload:
    """Return a stand-in for the workload that a Secret does not have: it takes every key.

    The one site is a volume, which keeps no old value, so that nothing but the text is judged.
    """
    site = Site(kind=SiteKind.VOLUME, container="", where="", secret=secret)
    return Workload(
        api_version="v1",
        kind=SECRET,
        namespace=namespace,
        name=secret,
        uid="",
        generation=0,
        template_hash="",
        sites=(site,),
    )


def planned(workloads: Iterable[Workload], written: Iterable[TokenCheck]) -> list[TokenCheck]:
    """Return every check that is to be judged: those that were written, else implicit ones.

    A written one counts unless it is suspended or broken; it then also looks for the tokens that
    it does not name, since an audit is about all of them.
    """
    usable = [c for c in written if not c.invalid and not c.spec.suspend]
    covered = {place for check in usable if (place := _place(check)) is not None}
    implicit = [
        check_of(w.namespace, reference_to(w))
        for w in workloads
        if (w.namespace, w.kind, w.name) not in covered
    ]
    return [replace(c, spec=replace(c.spec, discover=True)) for c in usable] + implicit


def _place(check: TokenCheck) -> _PLACE | None:
    ref = check.spec.workload
    return None if ref is None else (check.namespace, ref.kind, ref.name)
