"""The sweep over the whole run sees what it looks for; the end of each run tells what it found."""

from __future__ import annotations

import base64
import secrets
from pathlib import Path

import pytest

from cluster.cli import SAID
from cluster.wholerun import WholeRun
from issuer import Issuer


def held(value: str) -> dict[str, object]:
    meta = {"namespace": "shop", "name": "api"}
    return {"metadata": meta, "data": {"token": base64.b64encode(value.encode()).decode()}}


@pytest.mark.parametrize("place", ["log", "shown.log", "commands", "issuers", "audit.log"])
def test_a_planted_leak_is_found_wherever_it_stands(tmp_path: Path, place: str) -> None:
    run, token = WholeRun(tmp_path / "logs"), secrets.token_urlsafe(30)
    (tmp_path / "logs").mkdir()
    audit = tmp_path / "audit.log"
    run._audited.add(audit)  # noqa: SLF001 - as `follow` does for a control plane
    run.take(held(token))
    leak = f"refused: {token[10:22]} (try again)"
    match place:
        case "commands":
            SAID.append(leak)
        case "issuers":
            Issuer.heard.append(leak.encode())
        case "audit.log":
            audit.write_text(f'{{"requestObject":"{leak}"}}\n')
        case _:
            (tmp_path / "logs" / f"operator.{place}").write_text(leak)
    run.search("test_some")
    assert run.swept["found"], place
    assert "shop/api#token" in run.swept["found"][0]
    assert token[10:22] not in "".join(run.swept["found"])


def test_what_came_before_is_not_searched_again(tmp_path: Path) -> None:
    run, token = WholeRun(tmp_path), secrets.token_urlsafe(30)
    (tmp_path / "operator.log").write_text(token)
    run.search("test_before")
    run.take(held(token))
    run.search("test_after")
    assert run.swept["found"] == []
