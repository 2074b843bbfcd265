"""The log is one JSON line for each transition of Ready, with its cause, and without any token."""

from __future__ import annotations

from collections.abc import Callable

from cluster.shop import Object, Shop, eventually, listed, token_of
from controlplane import OperatorProcess

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
