"""Is the cluster fit: does the API server answer, do the clocks agree, are the CRDs the right ones?

The API server's clock is the yardstick: it is the one that all others can see.
"""

from collections.abc import Iterator, Mapping

from tokencheck.core.doctor.diagnosis import Area, Diagnosis, well
from tokencheck.core.doctor.facts import Crd, Page, Server
from tokencheck.model.evidence import Absent, Denied, Unread
from tokencheck.model.finding import Result

# The Date header has whole seconds, and an answer takes its time.
TOLERATED_S = 2.0
# Source: the default leeway of claims; beyond it verdicts are wrong at the edges.
HARMFUL_S = 60.0
INSTALL = "kubectl apply --server-side -f crds/"


def server(seen: Server) -> Iterator[Diagnosis]:
    """Say which server answers, and as whom it knows the caller."""
    who = f", and knows you as {seen.user}" if seen.user else ""
    yield well(Area.SERVER, f"{seen.url} answers: Kubernetes {seen.version}{who}")


def clock_of_caller(seen: Server) -> Iterator[Diagnosis]:
    """Compare the clock of this machine: explain, verify and audit judge by it."""
    if seen.ahead_s is None:
        yield Diagnosis(
            area=Area.CLOCK, result=Result.UNKNOWN, said="the API server does not tell its time"
        )
    elif abs(seen.ahead_s) > TOLERATED_S:
        yield _skewed("this machine", -seen.ahead_s, "verify, audit and explain --at judge by it")
    else:
        yield well(Area.CLOCK, "this machine and the API server agree")


def clock_of_operator(page: Page, who: str) -> Iterator[Diagnosis]:
    """Compare the clock of an operator: all verdicts are judged by it."""
    if page.ahead_s is None:
        return
    if abs(page.ahead_s) > TOLERATED_S:
        yield _skewed(who, page.ahead_s, "tokens end too early or too late in its verdicts")
    else:
        yield well(Area.CLOCK, f"{who} and the API server agree")


def _skewed(who: str, ahead_s: float, means: str) -> Diagnosis:
    word = "ahead of" if ahead_s > 0 else "behind"
    return Diagnosis(
        area=Area.CLOCK,
        result=Result.FAIL if abs(ahead_s) > HARMFUL_S else Result.WARN,
        said=f"the clock of {who} is {abs(ahead_s):.0f} s {word} that of the API server",
        means=means,
        mend=("timedatectl set-ntp true    # on that machine",),
    )


def crds(
    installed: Mapping[str, Crd | Unread], shipped: Mapping[str, str], version: str
) -> Iterator[Diagnosis]:
    """Compare each CRD with the one that this program ships.

    Args:
        installed: by name.
        shipped: name -> digest.
        version: of the API that must be served.
    """
    found = [_crd(name, installed[name], digest, version) for name, digest in shipped.items()]
    bad = [one for one in found if one is not None]
    yield from bad
    if not bad:
        yield well(Area.CRDS, f"{' and '.join(shipped)} are installed, as this version ships them")


def _crd(name: str, seen: Crd | Unread, digest: str, version: str) -> Diagnosis | None:
    match seen:
        case Absent():
            return _wrong(name, "is not installed", "TokenChecks cannot be made", INSTALL)
        case Denied():
            return Diagnosis(
                area=Area.CRDS,
                result=Result.UNKNOWN,
                said=f"you may not get the CRD {name}",
                means="whether it is the one that this version ships is not known",
                mend=(f"kubectl auth can-i get crd/{name}",),
            )
        case Crd() if not seen.established:
            look = f"kubectl get crd {name} -o jsonpath='{{.status.conditions}}'"
            return _wrong(name, "is not served yet", "TokenChecks cannot be made", look)
        case Crd() if version not in seen.served:
            said = f"serves {', '.join(seen.served) or 'no version'}, and not {version}"
            return _wrong(name, said, "this version of tokencheck cannot use it", INSTALL)
        case Crd() if seen.digest != digest:
            return _wrong(
                name,
                "has another schema than the one that this version ships",
                "the API server drops fields that it does not know, and refuses others",
                INSTALL,
            )
        case Crd():
            return None
        case _:
            return Diagnosis(
                area=Area.CRDS, result=Result.UNKNOWN, said=f"the CRD {name} could not be read"
            )


def _wrong(name: str, said: str, means: str, mend: str) -> Diagnosis:
    return Diagnosis(
        area=Area.CRDS,
        result=Result.FAIL,
        said=f"the CRD {name} {said}",
        means=means,
        mend=(mend,),
    )
