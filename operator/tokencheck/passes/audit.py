"""One pass over a whole cluster, or over manifests: survey, judge as the Secrets come, report."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from tokencheck.core.audit.report import report_of
from tokencheck.core.audit.rows import hardcoded_row, rows_of, unsearched_row
from tokencheck.core.drafts.implicit import check_of, planned, reference_to, unmounted
from tokencheck.gather.seen import Seen, see
from tokencheck.gather.sources import Sources
from tokencheck.gather.survey import Due, Waiting, due_now, hardcoded, holds_token, searched
from tokencheck.model.census import Census, Literal, Surveyed, Unsearched
from tokencheck.model.evidence import SecretContent
from tokencheck.model.report import Coverage, Report, Row
from tokencheck.passes.assess import assess_located

Tell = Callable[[str, int], None]  # what was looked at, and how many of it so far


@dataclass(slots=True)
class _Audit:
    """What one audit works with and has found so far."""

    census: Census
    sources: Sources
    now: datetime
    files: bool
    rows: list[Row]
    secrets: int = 0
    config_maps: int = 0


async def audit_pass(
    census: Census, now: datetime, *, sources: Sources, tell: Tell, files: bool = False
) -> Report:
    """Return the report on every token that `census` knows, judged at `now`.

    Args:
        census: of a cluster or of manifests.
        now: aware UTC; may lie in the future, to see what will have expired.
        sources: whose inventory is `census`.
        tell: told how far the audit is.
        files: whether `census` is of manifests, which need not be all there is.
    """
    audit = _Audit(census=census, sources=sources, now=now, files=files, rows=[])
    surveyed = await census.survey()
    tell("workloads", len(surveyed))
    for one in surveyed:
        of, holder = one.workload.namespace, f"{one.workload.kind}/{one.workload.name}"
        audit.rows += (hardcoded_row(of, holder, h) for h in hardcoded(one.literals, sources))
    await _config_maps(audit)
    checks = planned((one.workload for one in surveyed), census.checks())
    waiting = Waiting([(check, await see(check, sources)) for check in checks], census.all_pods())
    await _judge(audit, waiting.ready())
    async for content in census.secrets():
        audit.secrets += 1
        await _secret(audit, waiting, content)
        if audit.secrets % 100 == 0:
            tell("secrets", audit.secrets)
    await _judge(audit, waiting.rest())
    tell("secrets", audit.secrets)
    return report_of(audit.rows, _coverage(audit, surveyed), now)


async def _config_maps(audit: _Audit) -> None:
    async for content in audit.census.config_maps():
        audit.config_maps += 1
        of, holder = content.namespace, f"ConfigMap/{content.name}"
        found = list(searched(content))
        literals = [one for one in found if isinstance(one, Literal)]
        audit.rows += (hardcoded_row(of, holder, h) for h in hardcoded(literals, audit.sources))
        audit.rows += (unsearched_row(of, holder, v) for v in found if isinstance(v, Unsearched))


async def _secret(audit: _Audit, waiting: Waiting, content: SecretContent) -> None:
    place = (content.meta.namespace, content.meta.name)
    if waiting.awaits(place):
        audit.census.keep(content)
        await _judge(audit, waiting.arrived(place))
        return
    if not holds_token(content):
        return
    audit.census.keep(content)
    # Nobody's template takes it; a Pod may still, by a webhook or an older template.
    pod = waiting.pod_with(place)
    stand_in = unmounted(*place)
    check = check_of(place[0], reference_to(stand_in))
    due = due_now(check, Seen(workload=stand_in))
    await _assess(audit, due, f"Pod/{pod}" if pod else "")


async def _judge(audit: _Audit, due: Iterable[Due]) -> None:
    for one in due:
        ref = one.check.spec.workload
        await _assess(audit, one, f"{ref.kind}/{ref.name}" if ref else "")


async def _assess(audit: _Audit, due: Due, workload: str) -> None:
    assessment = await assess_located(due.check, due.seen, due.located, audit.sources, audit.now)
    audit.rows += rows_of(due.check, workload, assessment, files=audit.files)
    for place in due.done:
        audit.census.drop(*place)


def _coverage(audit: _Audit, surveyed: tuple[Surveyed, ...]) -> Coverage:
    with_token = {(row.namespace, row.secret) for row in audit.rows if row.secret and row.kind}
    return Coverage(
        namespaces=audit.census.namespaces,
        workloads=len(surveyed),
        pods=sum(1 for _ in audit.census.all_pods()),
        secrets=audit.secrets,
        config_maps=audit.config_maps,
        secrets_without_token=audit.secrets - len(with_token),
        automounting=sum(one.automounts for one in surveyed),
        gaps=audit.census.gaps,
        notes=audit.census.notes,
    )
