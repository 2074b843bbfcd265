"""What happens in the demo, in order."""

from __future__ import annotations

import time

from demo.cluster import Cluster, DemoError
from demo.screen import Screen
from demo.shop import NAMESPACE, SOON_S, Shop, secret
from demo.watch import Row, Watch

_PATIENCE_S = 60.0
_JUDGED = ("True", "False")


def tell(cluster: Cluster) -> None:
    """Show the shop, a rotation, a rollout and an expiry; then events and what to type next.

    Raises:
        DemoError: something did not come as promised.
    """
    shop = Shop()
    rows: dict[str, Row] = {}
    with Screen(lambda: rows) as screen:
        screen.say("Eight Deployments mount a token each. One TokenCheck looks at each of them.")
        began = time.monotonic()
        cluster.apply(shop.manifests())
        watch = Watch(cluster, screen.changed)
        rows = watch.rows
        try:
            _settle(screen, watch, began)
            _rotate(screen, watch, cluster, shop)
            _roll_out(screen, watch, cluster)
            _expire(screen, watch)
        except DemoError as error:
            raise DemoError(
                f"{error}; the operator's log ends:\n{cluster.operator_log_end}"
            ) from None
        finally:
            watch.close()
    _events(screen, cluster)


def _wait(
    watch: Watch, name: str, ready: tuple[str, ...], what: str, timeout_s: float = _PATIENCE_S
) -> Row:
    if not watch.until(
        lambda rows: name in rows and rows[name].ready in ready, timeout_s=timeout_s
    ):
        raise DemoError(f"{what} was not seen within {timeout_s:.0f} s")
    return watch.rows[name]


def _settle(screen: Screen, watch: Watch, began: float) -> None:
    screen.doing("waiting for the first verdict of each, and for the rollouts to settle")
    if not watch.until(
        lambda rows: len(rows) == 8 and all(row.ready in _JUDGED for row in rows.values()),
        timeout_s=_PATIENCE_S,
    ):
        raise DemoError(f"not every check has a verdict after {_PATIENCE_S:.0f} s")
    screen.say(f"All judged {time.monotonic() - began:.1f} s after the apply.")


def _rotate(screen: Screen, watch: Watch, cluster: Cluster, shop: Shop) -> None:
    screen.doing("rotating Secret reports-api: the expired token is replaced by a good one")
    time.sleep(2)
    began = time.monotonic()
    cluster.apply([secret("reports", shop.token())])
    row = _wait(watch, "reports", ("True",), "the verdict of the rotated token")
    screen.say(
        f"Secret reports-api was rotated: Ready=True {_ms(row, began)} ms after kubectl apply."
    )


def _roll_out(screen: Screen, watch: Watch, cluster: Cluster) -> None:
    screen.doing("rolling Deployment checkout out: Ready is Unknown until it is settled and judged")
    time.sleep(2)
    began = time.monotonic()
    cluster.kubectl("rollout", "restart", "deployment/checkout", "-n", NAMESPACE)
    opened = _wait(watch, "checkout", ("Unknown",), "the start of the rollout")
    screen.say(
        f"Deployment checkout rolls out: Ready=Unknown {_ms(opened, began)} ms after kubectl."
    )
    row = _wait(watch, "checkout", ("True",), "the end of the rollout")
    screen.say(f"Deployment checkout is verified again {_ms(row, began)} ms after kubectl.")


def _expire(screen: Screen, watch: Watch) -> None:
    screen.doing(f"nothing happens now: the token of ledger ends {SOON_S} s after it was made")
    ends = watch.rows["ledger"].expires
    row = _wait(watch, "ledger", ("False",), "the end of ledger's token", SOON_S + _PATIENCE_S)
    if ends is None:
        raise DemoError("ledger's token has no end in the status")
    late = time.time() - ends.timestamp() - (time.monotonic() - row.seen_at)
    screen.say(f"The token of ledger ended, and Ready=False followed {late * 1000:.0f} ms later.")


def _ms(row: Row, began: float) -> int:
    return round((row.seen_at - began) * 1000)


def _events(screen: Screen, cluster: Cluster) -> None:
    columns = "TYPE:.type,REASON:.reason,OBJECT:.regarding.name,NOTE:.note"
    text = cluster.kubectl(
        *("get", "events.events.k8s.io", "-n", NAMESPACE, "-o", f"custom-columns={columns}"),
        *(
            "--field-selector",
            "reportingController=tokencheck.dev/operator",
            "--sort-by=.metadata.creationTimestamp",
        ),
    )
    lines = text.splitlines()
    screen.say("")
    screen.say("What the operator told (kubectl get events):")
    for line in lines[:1] + lines[1:][-12:]:
        screen.say(f"  {line[: screen.console.width - 2] if screen.console.is_terminal else line}")
