"""What a TokenProvider is good for, as it is told to who may use it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tokencheck.api.tokenprovider import parse_tokenprovider
from tokencheck.core.hosts.offered import offered_of

CASES = yaml.safe_load((Path(__file__).parent / "offered.yaml").read_text())


@pytest.mark.parametrize("case", CASES)
def test_what_it_is_good_for(case: str) -> None:
    spec = {"allowedNamespaces": {"all": True}} | CASES[case]["spec"]
    status = CASES[case].get("status", {})
    provider = parse_tokenprovider({"metadata": {"name": "p"}, "spec": spec, "status": status})
    assert provider.invalid == ()
    assert offered_of(provider) == {"name": "p"} | CASES[case]["told"]
