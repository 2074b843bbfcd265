"""The last test of all: nothing that any module brought out has a piece of any Secret's value."""

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
    assert run.found, place
    assert "shop/api#token" in run.found[0]
    assert token[10:22] not in "".join(run.found)


def test_what_came_before_is_not_searched_again(tmp_path: Path) -> None:
    run, token = WholeRun(tmp_path), secrets.token_urlsafe(30)
    (tmp_path / "operator.log").write_text(token)
    run.search("test_before")
    run.take(held(token))
    run.search("test_after")
    assert run.found == []


def test_nothing_that_came_out_of_the_run_has_a_piece_of_a_secret(whole_run: WholeRun) -> None:
    """Of all modules that ran before; a run of this one alone proves nothing."""
    print(
        f"{whole_run.values} values in {whole_run.searched_bytes / 1e6:.1f} MB"
        f" took {whole_run.took_s:.1f} s"
    )
    assert whole_run.found == []
