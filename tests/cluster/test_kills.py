"""An operator that is killed at an API call leaves no wrong verdict and no event untold.

The long form, every call of every scenario, is `make faults-kill`.
"""

from __future__ import annotations

import random
from pathlib import Path

from controlplane import ControlPlane
from faults.kills.__main__ import play
from faults.kills.campaign import Campaign
from faults.kills.report import table, unsound
from faults.kills.scenarios import ALL

# Another share each time, and it says which: in the long run all of them. An odd number, or each
# death chosen would be of one way.
THIRD, SHARE = 3, 9


def test_an_operator_killed_at_any_call_leaves_no_wrong_verdict_and_no_event_untold(
    bare_controlplane: ControlPlane, tmp_path: Path
) -> None:
    scenario, death = (random.randrange(n) for n in (THIRD, SHARE))  # noqa: S311 - a choice of tests
    print(f"every third scenario from {scenario} on, every ninth death from {death} on")
    with Campaign(bare_controlplane, tmp_path) as campaign:
        fates = play(campaign, ALL[scenario::THIRD], print, every=SHARE, first=death)
    print(table(fates))
    assert not unsound(fates)
    assert not campaign.faults
    assert any(not fate.missed for fate in fates)
