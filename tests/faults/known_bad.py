"""Builds of the operator with one guard taken out, which the suite must turn red."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from controlplane.launch import CHECKOUT


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Text of a source file, and what stands there instead."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """A bad build.

    Args:
        name: what it lacks.
        changes: of the sources below ``operator/tokencheck``.
        faults: classes of faults that show it, by name; none: it shows by itself.
        breaks: the invariants of which at least one must be broken.
        replicas: that show it; several elect who writes.
    """

    name: str
    changes: tuple[Change, ...]
    faults: tuple[str, ...] = ()
    breaks: tuple[str, ...]
    replicas: int = 1

    def make(self, folder: Path) -> Path:
        """A copy of the sources with the change; returns what PYTHONPATH must be.

        Raises:
            LookupError: the text to be replaced is not there, once: the table is out of date.
        """
        target = folder / "operator"
        shutil.copytree(CHECKOUT / "operator", target)
        for change in self.changes:
            path = target / "tokencheck" / change.file
            text = path.read_text()
            if text.count(change.old) != 1:
                raise LookupError(f"{self.name}: {change.file} does not hold the text once")
            path.write_text(text.replace(change.old, change.new))
        return target


NO_FENCE = Change(
    file="clients/kube/status.py",
    old='patch = {"metadata": {"uid": uid, "resourceVersion": resource_version}, "status": status}',
    new='patch = {"status": status}',
)
BUILDS = (
    Build(
        name="checks of namespaces that nobody selects",
        changes=(
            Change(
                file="core/spread/plan.py",
                old="if place.namespace in chosen and one.workloads",
                new="if (place.namespace in chosen or True) and one.workloads",
            ),
        ),
        breaks=("C1",),
    ),
    Build(
        name="no end of checks that nothing wants",
        changes=(
            Change(
                file="core/spread/plan.py",
                old="        if unwanted and not unknown and not standing.ending:\n",
                new="        if False:\n",
            ),
        ),
        breaks=("C3",),
    ),
    Build(
        name="a check that somebody wrote does not win",
        changes=(
            Change(
                file="core/spread/plan.py",
                old="        if one.maker not in makers and one.ref\n",
                new="        if False\n",
            ),
        ),
        breaks=("C3",),
    ),
    Build(
        name="no fence",
        changes=(NO_FENCE,),
        faults=("request late", "answer late"),
        breaks=("S1", "S2", "S3"),
    ),
    Build(
        name="merge of two writers",
        changes=(
            Change(
                file="clients/kube/status.py",
                old="        result = RESULTS.get(answer.status, WriteResult.FAILED)\n",
                new="        if answer.status == 409:\n"
                "            again = {'status': status}\n"
                "            answer = await self._transport.patch(f'{path}/status', again)\n"
                "        result = RESULTS.get(answer.status, WriteResult.FAILED)\n",
            ),
        ),
        faults=("request late", "answer late"),
        breaks=("S1", "S2", "S3"),
    ),
    Build(
        name="no compare on re-list",
        changes=(
            Change(
                file="clients/kube/informer.py",
                old="if self._whole or at != self.store.version(place):\n",
                new="if self.store.version(place) == UNKNOWN:\n",
            ),
            Change(
                file="clients/kube/informer.py",
                old="        return (at > known or (at == known and self._whole > 0))"
                " and self.target.wanted(place)\n",
                new="        return known == UNKNOWN and self.target.wanted(place)\n",
            ),
        ),
        faults=("event swallowed", "ERROR 410 in a watch"),
        breaks=("L1",),
    ),
    Build(
        name="no resync",
        changes=(
            Change(
                file="clients/kube/informer.py",
                old="            if self.state is State.SYNCED:\n                try:",
                new="            if False:\n                try:",
            ),
        ),
        faults=("event swallowed",),
        breaks=("L1",),
    ),
    Build(
        name="a lapse of the lead counts as nothing",
        changes=(
            Change(
                file="engine/elector.py",
                old="            self._tell(one)"
                "  # the belief may have ended unseen: what was held back since is due\n",
                new="",
            ),
        ),
        faults=("operator frozen beyond its belief",),
        breaks=("L1",),
        replicas=2,
    ),
    Build(
        name="a held-back pass does not come again",
        changes=(
            Change(
                file="app/passes.py",
                old="        return replace(following, retry=True) if late else following\n",
                new="        return following if late else following\n",
            ),
        ),
        faults=("operator frozen beyond its belief",),
        breaks=("L1",),
        replicas=2,
    ),
    Build(
        name="what builds on a held-back write is sent",
        changes=(
            Change(
                file="app/passes.py",
                old='        if key in self.held:\n            return WriteResult.STANDBY, ""\n',
                new="",
            ),
        ),
        faults=("operator frozen beyond its belief",),
        breaks=("L1", "S5"),
        replicas=2,
    ),
    Build(
        name="the server's words in a message",
        changes=(
            Change(
                file="clients/kube/reads.py",
                old="        case _:\n            return Failed(what=what)",
                new="        case _:\n            said = answer.body.decode(errors='replace')\n"
                "            return Failed(what=f'{what}: {said}')",
            ),
        ),
        faults=("500", "503"),
        breaks=("P1",),
    ),
    Build(
        name="an exception's text in a message",
        changes=(
            Change(
                file="core/tokens/claims.py",
                old="    if isinstance(value, bool) or not isinstance(value, int | float):\n"
                '        invalid.append((name, "is not a number of seconds since 1970"))\n'
                "    elif not value > 0:\n",
                new="    try:\n"
                "        value = int(value)\n"
                "    except (TypeError, ValueError) as error:\n"
                "        invalid.append((name, str(error)))\n"
                "        return None\n"
                "    if not value > 0:\n",
            ),
        ),
        breaks=("P1",),
    ),
    Build(
        name="no wake-up at exp",
        changes=(
            Change(
                file="core/outcome/plan.py",
                old="    moments = (assessment.wake_at, pulse.until, bypass",
                new="    moments = (pulse.until, bypass",
            ),
        ),
        breaks=("S4", "L1"),
    ),
    Build(
        name="a failed read means absent",
        changes=(
            Change(
                file="clients/kube/reads.py",
                old="        case _:\n            return Failed(what=what)",
                new="        case _:\n            return Absent(what=what)",
            ),
        ),
        faults=("500", "503"),
        breaks=("S2",),
    ),
    Build(
        name="the last value is good enough",
        changes=(
            Change(
                file="clients/kube/cache.py",
                old="        if not isinstance(body, bytes):\n            return body\n"
                "        content = secret_of(body)",
                new="        kept = self.__dict__.setdefault('kept', {})\n"
                "        body = kept.setdefault((namespace, name), body)\n"
                "        if not isinstance(body, bytes):\n            return body\n"
                "        content = secret_of(body)",
            ),
        ),
        breaks=("S1", "S2", "L1"),
    ),
    Build(
        name="a key that nobody knows is trusted",
        changes=(
            Change(
                file="core/tokens/keys.py",
                old='        detail = "no known key has the key id of the token"\n'
                "    return Signature(state=SignatureState.KEY_NOT_FOUND, detail=detail)",
                new='        detail = ""\n'
                "    return Signature(state=SignatureState.VERIFIED, detail=detail)",
            ),
        ),
        breaks=("S1",),
    ),
    Build(
        name="each write moves lastTransitionTime",
        changes=(
            Change(
                file="core/outcome/condition.py",
                old='began = since(old, now) if old.get("status") == condition.state else None',
                new="began = None",
            ),
        ),
        breaks=("S5",),
    ),
    Build(
        name="no Event",
        changes=(
            Change(
                file="publish/publish.py",
                old="        sinks.events.emit(event)",
                new="        pass",
            ),
        ),
        breaks=("L2",),
    ),
)
