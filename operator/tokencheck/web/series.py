"""The series of each check, as text, faster than a general library can make them.

At 10,000 checks there are half a million lines; prometheus_client takes 4 s for them, in which
nothing else could run. Here the lines that checks of equal results share are made once, each
check only fills its labels in, and the caller gets a piece at a time.
Source: Prometheus text format 0.0.4.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import islice

from tokencheck.model.finding import Result
from tokencheck.web.board import Entry, TokenTimes

PIECE = 100  # checks rendered at once: about 2 ms
_LABELS = "\0"  # stands for the labels of the check; no name in Kubernetes has it
STATUSES = ("True", "False", "Unknown")
_RESULTS = (
    Result.PASS,
    Result.WARN,
    Result.FAIL,
    Result.UNKNOWN,
)  # one that is skipped has no series


def escaped(text: str) -> str:
    """Return `text` as a label value holds it."""
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def rendered(entries: Sequence[Entry]) -> Iterator[str]:
    """Yield the text of all families, in pieces of bounded size."""
    for name, help_text, lines in _FAMILIES:
        yield f"# HELP {name} {help_text}\n# TYPE {name} gauge\n"
        rest = iter(entries)
        while piece := tuple(islice(rest, PIECE)):
            yield "".join(map(lines, piece))


def _labels(entry: Entry) -> str:
    return f'namespace="{entry.namespace}",name="{entry.name}"'


def _info(entry: Entry) -> str:
    return f'tokencheck_info{{{_labels(entry)},owner="{escaped(entry.owner)}"}} 1\n'


def _expirations(entry: Entry) -> str:
    return "".join(
        _token_line("tokencheck_token_expiration_timestamp_seconds", entry, token, token.expires_at)
        for token in entry.tokens
        if token.expires_at is not None
    )


def _issues(entry: Entry) -> str:
    return "".join(
        _token_line("tokencheck_token_issued_timestamp_seconds", entry, token, token.issued_at)
        for token in entry.tokens
        if token.issued_at is not None
    )


def _token_line(name: str, entry: Entry, token: TokenTimes, value: float) -> str:
    return f'{name}{{{_labels(entry)},token="{escaped(token.name)}"}} {value!r}\n'


def _results(entry: Entry) -> str:
    judged = tuple(pair for pair in entry.results if pair[1] is not Result.SKIP)
    return _states("check_result", "check", "result", judged, _RESULTS).replace(
        _LABELS, _labels(entry)
    )


def _condition_states(entry: Entry) -> str:
    return _states("condition", "condition", "status", entry.conditions, STATUSES).replace(
        _LABELS, _labels(entry)
    )


@lru_cache(maxsize=4096)
def _states(
    family: str, of: str, state: str, now: tuple[tuple[str, str], ...], possible: tuple[str, ...]
) -> str:
    """Return a line of 0 or 1 for each possible state, so that an alert on ``== 0`` fires too."""
    return "".join(
        f'tokencheck_{family}{{{_LABELS},{of}="{what}",{state}="{value}"}} '
        f"{int(value == current)}\n"
        for what, current in now
        for value in possible
    )


def _success(entry: Entry) -> str:
    if entry.judged_at is None:
        return ""
    return f"tokencheck_last_success_timestamp_seconds{{{_labels(entry)}}} {entry.judged_at!r}\n"


def _stale(entry: Entry) -> str:
    return f"tokencheck_pods_stale{{{_labels(entry)}}} {entry.stale_pods}\n"


_FAMILIES: tuple[tuple[str, str, Callable[[Entry], str]], ...] = (
    ("tokencheck_info", "Whose a TokenCheck is, to be joined into alerts.", _info),
    (
        "tokencheck_token_expiration_timestamp_seconds",
        "When a token ends, where that is known; tokens kept for tests included.",
        _expirations,
    ),
    (
        "tokencheck_token_issued_timestamp_seconds",
        "When a token was issued, where it says so.",
        _issues,
    ),
    (
        "tokencheck_check_result",
        "1 for the worst result of a check over the Live tokens; no series where it was skipped.",
        _results,
    ),
    (
        "tokencheck_condition",
        "1 for the status that a condition of a TokenCheck has.",
        _condition_states,
    ),
    (
        "tokencheck_last_success_timestamp_seconds",
        "When the tokens of a TokenCheck were last judged and the verdict stood in its status.",
        _success,
    ),
    ("tokencheck_pods_stale", "Running Pods that hold an older token than the Secret.", _stale),
)
