"""A TokenCheck as its status stands, or as it is judged anew: one document, and its lines."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tokencheck.api.quantity import parse_time
from tokencheck.cli.exits import Exit, exit_of
from tokencheck.cli.moments import aged, relative
from tokencheck.cli.screen import Screen
from tokencheck.cli.tell import finding_lines, token_lines, told_counts
from tokencheck.model.finding import Verdict
from tokencheck.model.reasons import Reason

_KEPT = ("verdict", "owner", "summary", "rollout", "tokens", "findings", "omitted")


def condition_of(obj: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """Return the condition of that type, or an empty mapping."""
    conditions = (obj.get("status") or {}).get("conditions") or ()
    return next((c for c in conditions if c.get("type") == kind), {})


def current(obj: Mapping[str, Any]) -> bool:
    """Return whether the status is about the spec as it is now."""
    observed = (obj.get("status") or {}).get("observedGeneration")
    return bool(observed == obj["metadata"].get("generation"))


def document_of(obj: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the stored status says."""
    status = obj.get("status") or {}
    document: dict[str, Any] = {
        "namespace": obj["metadata"]["namespace"],
        "name": obj["metadata"]["name"],
        "current": current(obj),
        "conditions": list(status.get("conditions") or ()),
    }
    return document | {name: status[name] for name in _KEPT if name in status}


def exit_of_document(document: Mapping[str, Any]) -> Exit:
    """Return the exit code that tells the document's verdict; without one it is not known."""
    try:
        return exit_of(Verdict(document.get("verdict", "")))
    except ValueError:
        failed = any(
            c.get("type") == "Ready" and c.get("status") == "False" for c in document["conditions"]
        )
        return Exit.FINDINGS if failed else Exit.UNKNOWN


def told(document: Mapping[str, Any], now: datetime, screen: Screen) -> list[str]:
    """Return the lines for people: the conditions in short, each token, every finding."""
    lines = [*_title(document, now, screen), *_rollout(document)]
    now = parse_time(document.get("at")) or now
    for token in document.get("tokens") or ():
        verdict = screen.painted(token.get("verdict", "Unknown"))
        lines += ["", f"{screen.strong(token['name'])}: {verdict}"]
        lines += token_lines(token, now, screen)
    findings = document.get("findings") or ()
    if findings:
        sources = [t["source"] for t in document.get("tokens") or () if "source" in t]
        lines += ["", *finding_lines(findings, now, screen, sources=sources, tokens=True)]
    lines += ["", *_end(document)]
    return lines


def _title(document: Mapping[str, Any], now: datetime, screen: Screen) -> list[str]:
    name = screen.strong(f"TokenCheck {document['namespace']}/{document['name']}")
    if "at" in document:
        verdict = screen.painted(document["verdict"])
        return [f"{name}: {verdict} {_as_of(document['at'], now)}"]
    ready = next((c for c in document["conditions"] if c.get("type") == "Ready"), None)
    suspended = next((c for c in document["conditions"] if c.get("type") == "Suspended"), None)
    shown = ready or suspended
    if shown is None:
        return [f"{name}: not checked yet"]
    state = shown.get("status", "Unknown")
    word = f"{shown['type']}={state}"
    painted = screen.painted(word, state) if shown is ready else word
    lines = [f"{name}: {painted}, {shown.get('reason', '')} {_since(shown, now)}".rstrip()]
    lines += [f"  {part}" for part in screen.wrapped(aged(shown.get("message", ""), now), 2)]
    if not document["current"]:
        what = "it" if shown.get("reason") == Reason.PENDING else "the spec as it is now"
        lines.append(f"  The operator has not looked at {what} yet. Is it running?")
    return lines


def _as_of(at: str, now: datetime) -> str:
    moment = parse_time(at)
    return f"as of {at} ({relative(moment, now)})" if moment else f"as of {at}"


def _since(condition: Mapping[str, Any], now: datetime) -> str:
    moment = parse_time(condition.get("lastTransitionTime"))
    # The default of a fresh object is the epoch.
    return f"(since {relative(moment, now)})" if moment and moment.year > 1970 else ""


def _rollout(document: Mapping[str, Any]) -> list[str]:
    """How far the rollout is, and what holds it where Ready has not said so already."""
    said = {c.get("type"): c for c in document["conditions"]}
    followed, ready = said.get("RolloutVerified", {}), said.get("Ready", {})
    holds = "" if followed.get("status") == "True" else followed.get("message", "")
    held = [] if holds in ("", ready.get("message")) else [holds]
    rollout = document.get("rollout")
    if not rollout:
        return [f"  Rollout: {text}" for text in held]
    verified = rollout.get("verifiedGeneration")
    parts = [
        f"{rollout.get('kind', '')} {rollout.get('name', '')}",
        f"generation {rollout.get('generation', 0)}",
        f"revision {rollout['revision']}" if rollout.get("revision") else "",
        str(rollout.get("state", "")),
        f"verified generation {verified}" if verified is not None else "not verified yet",
    ]
    return [f"  {text}" for text in (f"Rollout: {', '.join(filter(None, parts))}", *held)]


def _end(document: Mapping[str, Any]) -> list[str]:
    lines = [told_counts(document.get("summary") or {})]
    left_out = {k: n for k, n in (document.get("omitted") or {}).items() if n}
    if left_out:
        what = " and ".join(f"{count} {name}" for name, count in left_out.items())
        lines.append(
            f"The status has no room for {what} more. All of them, judged with your own rights:"
            f" tokencheck explain {document['name']} -n {document['namespace']} --at +0s"
        )
    return lines
