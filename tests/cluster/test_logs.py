"""The log is one JSON line for each transition of Ready, with its cause, and without any token."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cluster.ending import end
from cluster.shop import Object, Shop, eventually, listed, token_of
from controlplane import ControlPlane, OperatorProcess
from controlplane.launch import grant_operator

CLAIMS = {"sub": "canary-person", "email": "canary@example.com", "jti": "canary-jti"}


def told(operator: OperatorProcess, shop: Shop) -> list[tuple[str, str]]:
    """What the lines about the shop's checks say of Ready, oldest first."""
    about = f"TokenCheck {shop.namespace}/"
    lines = [one for one in operator.log_lines() if one.get("message", "").startswith(about)]
    return [(one.get("ready", ""), one["reason"]) for one in lines if "reason" in one]


def test_each_transition_is_one_line_and_what_changes_nothing_is_none(
    shop: Shop, launch_operator: Callable[..., OperatorProcess]
) -> None:
    operator = launch_operator()
    expected = {"providerRef": {"name": shop.provider()}}
    shop.secret("payments", shop.signer.token(**CLAIMS))
    shop.check("checkout", listed("payments", **expected))
    shop.reads("checkout", "True", "AllChecksPassed")
    story = [("True", "AllChecksPassed")]
    for token, line in (
        (shop.signer.token(**CLAIMS), None),  # rotated: Ready says what it said
        (shop.signer.expired(**CLAIMS), ("False", "TokenExpired")),
        (shop.signer.expired(), None),
        (shop.signer.token(exp=None), ("True", "PassedWithWarnings")),
        (shop.signer.token(**CLAIMS), ("True", "AllChecksPassed")),
    ):
        version = shop.secret("payments", token)["metadata"]["resourceVersion"]
        shop.wait("checkout", lambda it, new=version: _version(it) == new)
        story += [line] if line else []
        eventually(lambda: told(operator, shop)[-1:] == story[-1:])  # noqa: B023 called now
    shop.annotate("TokenCheck", "checkout", check_now="1")
    shop.wait("checkout", lambda it: it["status"].get("lastHandledCheckNow") == "1")
    shop.change("checkout", suspend=True)
    shop.wait("checkout", lambda it: it["status"]["conditions"][0]["type"] == "Suspended")
    shop.change("checkout", suspend=None)
    shop.reads("checkout", "True", "AllChecksPassed")
    story += [("", "Suspended"), ("True", "AllChecksPassed")]
    eventually(lambda: told(operator, shop) == story)
    assert "canary" not in operator.log_text()


def test_a_log_for_which_there_is_no_room_holds_nothing_up(
    shop: Shop, controlplane: ControlPlane, tmp_path: Path
) -> None:
    """The log is all that the operator writes to a disk; here each write ends in ENOSPC."""
    log = tmp_path / "operator.log"
    operator = OperatorProcess(grant_operator(controlplane), log, plane=controlplane)
    full = ["sh", "-c", 'exec "$@" >/dev/full 2>&1', "sh"]
    operator.server.command = [*full, *operator.server.command, "--log-level", "DEBUG"]
    try:
        operator.start()
        shop.secret("payments", shop.signer.token())
        shop.check("checkout", listed("payments", providerRef={"name": shop.provider()}))
        shop.reads("checkout", "True", "AllChecksPassed")
        shop.secret("payments", shop.signer.expired())
        shop.reads("checkout", "False", "TokenExpired")
        assert operator.get("/healthz")[0] == operator.get("/readyz")[0] == 200
        operator.server.require_alive()
    finally:
        end(operator)
    assert not log.read_text()


def test_every_line_is_json_with_time_level_and_logger(
    shop: Shop, launch_operator: Callable[..., OperatorProcess]
) -> None:
    operator = launch_operator(args=["--log-level", "DEBUG"])
    shop.secret("payments", shop.signer.token())
    shop.check("checkout", listed("payments", providerRef={"name": shop.provider()}))
    shop.reads("checkout", "True", "AllChecksPassed")
    eventually(lambda: told(operator, shop))
    operator.stop()
    lines = list(operator.log_lines())
    assert len(lines) == len(operator.log_text().splitlines())
    for line in lines:
        assert {"time", "level", "logger", "message"} <= set(line), line
    assert lines[-1]["message"] == "stopped"


def _version(found: Object) -> str:
    return str(token_of(found).get("resourceVersion"))
