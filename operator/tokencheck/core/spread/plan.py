"""Which TokenChecks are to be made, renewed and removed, so that each workload has the right one.

Absence is only believed of what was listed: while workloads of a kind cannot be read, no TokenCheck
of theirs is removed, and while namespaces or TokenChecks cannot, nothing is done at all.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tokencheck.api.clustertokencheck import LABEL_ENABLED, ClusterTokenCheck
from tokencheck.core.spread.wanted import made, place_of, renewed
from tokencheck.model.estate import (
    NEEDED,
    Estate,
    Labels,
    Place,
    Plan,
    Remove,
    Standing,
    Step,
    Tally,
    Whose,
)


@dataclass(slots=True)
class _Draft:
    """A plan in the making."""

    steps: list[Step] = field(default_factory=list)
    checked: list[Place] = field(default_factory=list)
    taken: list[Place] = field(default_factory=list)
    selected: int = 0
    hand_written: int = 0
    opted_out: int = 0
    others: int = 0

    def done(self) -> Plan:
        tally = Tally(
            selected=self.selected,
            checked=tuple(self.checked),
            hand_written=self.hand_written,
            opted_out=self.opted_out,
            others=self.others,
            taken=tuple(self.taken),
        )
        return Plan(steps=tuple(self.steps), tally=tally)


def plans_of(estate: Estate) -> Mapping[str, Plan]:
    """Return the plan of each ClusterTokenCheck, by name: removals first, since they free names.

    A TokenCheck that somebody wrote for a workload wins, and so does one whose maker is not there.
    Of two ClusterTokenChecks the older one does. One whose spec is wrong wants nothing, and what
    it made before stays.
    """
    if NEEDED & set(estate.unread):
        return {name: Plan() for name in estate.cluster_checks}
    sound = sorted(
        (one for one in estate.cluster_checks.values() if not one.invalid), key=lambda one: one.age
    )
    drafts = {one.name: _Draft() for one in estate.cluster_checks.values()}
    makers = {one.uid for one in estate.cluster_checks.values()}
    by_hand = {
        Whose(place.namespace, one.ref.kind, one.ref.name)
        for place, one in estate.checks.items()
        if one.maker not in makers and one.ref
    }
    given: dict[Whose, ClusterTokenCheck] = {}
    for one in sound:
        for whose, labels in _selected(one, estate):
            if _is_free(drafts[one.name], labels, by_hand=whose in by_hand, given=whose in given):
                given[whose] = one
    places = _places(given, drafts)
    wanted = {place: given[whose].uid for place, whose in places.items()}
    for one in sound:
        drafts[one.name].steps += _removals(one, estate, wanted)
    for place, whose in places.items():
        one, labels = given[whose], estate.workloads[whose.kind][Place(whose.namespace, whose.name)]
        _keep(one, whose, labels, estate.checks.get(place), drafts[one.name])
    return {name: draft.done() for name, draft in drafts.items()}


def _places(
    given: Mapping[Whose, ClusterTokenCheck], drafts: Mapping[str, _Draft]
) -> dict[Place, Whose]:
    """Return whose each place is: of two workloads that come to the same name the first has it."""
    places: dict[Place, Whose] = {}
    for whose in given:
        place = place_of(whose)
        if (other := places.setdefault(place, whose)) != whose:
            places[place], second = sorted((other, whose))
            drafts[given[second].name].taken.append(place)
    return places


def _selected(one: ClusterTokenCheck, estate: Estate) -> Iterator[tuple[Whose, Labels]]:
    chosen = {name for name, labels in estate.namespaces.items() if one.namespaces.selects(labels)}
    for kind in one.kinds:
        for place, labels in estate.workloads.get(kind, {}).items():
            if place.namespace in chosen and one.workloads.selects(labels):
                yield Whose(place.namespace, kind, place.name), labels


def _is_free(draft: _Draft, labels: Labels, *, by_hand: bool, given: bool) -> bool:
    """Return whether the workload is for this ClusterTokenCheck, and count it as what it is."""
    draft.selected += 1
    if labels.get(LABEL_ENABLED) == "false":
        draft.opted_out += 1
    elif by_hand:
        draft.hand_written += 1
    elif given:
        draft.others += 1
    else:
        return True
    return False


def _removals(
    one: ClusterTokenCheck, estate: Estate, wanted: Mapping[Place, str]
) -> Iterator[Remove]:
    """Yield what it made and nothing wants of it any more."""
    for place, standing in estate.checks.items():
        kind = standing.ref.kind if standing.ref else ""
        unknown = kind in one.kinds and kind not in estate.workloads
        unwanted = standing.maker == one.uid and wanted.get(place) != one.uid
        if unwanted and not unknown and not standing.ending:
            yield Remove(place=place, standing=standing)


def _keep(
    one: ClusterTokenCheck,
    whose: Whose,
    labels: Labels,
    standing: Standing | None,
    draft: _Draft,
) -> None:
    place = place_of(whose)
    if standing is None:
        draft.steps.append(made(one, whose, labels))
    elif standing.maker != one.uid or standing.ending:
        draft.taken.append(place)  # its maker may be about to remove it; until then it is told
    else:
        draft.checked.append(place)
        if (step := renewed(one, whose, labels, standing)) is not None:
            draft.steps.append(step)
