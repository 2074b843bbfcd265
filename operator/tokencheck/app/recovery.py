"""The end of a time without writes is seen in seconds, by few requests.

When the API server refuses status writes or does not take them, each check tries again in a
back-off that grows to a minute: thousands of them must not hammer a server that is unwell. So that
none waits so long when all is well again, one check of each namespace, in turn, tries every few
seconds. The first that succeeds calls the others of its namespace, and one of each other namespace:
rights may have been taken from one namespace or from all.
"""

import asyncio
import random
from collections.abc import Callable
from itertools import islice

from tokencheck.model.keys import Key

PROBE_S = 3.0
PROBES = 50  # namespaces in which one check tries at a time


class Recovery:
    """The checks whose last status write did not get through. Of one event loop."""

    def __init__(self, due: Callable[[Key], None]) -> None:
        """Wait for nothing yet; `due` makes a pass over a check due now."""
        self._due = due
        self._waiting: dict[str, dict[Key, None]] = {}  # namespace -> keys, both in turn

    def failed(self, key: Key) -> None:
        """A write was refused or not answered: the check waits, behind the others."""
        keys = self._waiting.setdefault(key.namespace, {})
        keys.pop(key, None)
        keys[key] = None

    def worked(self, key: Key) -> None:
        """A write got through: whoever waited for that in its namespace tries now."""
        waited = self._waiting.pop(key.namespace, None)
        if waited is None:
            return
        waited.pop(key, None)
        for other in waited:
            self._due(other)
        self.probe()

    def forget(self, key: Key) -> None:
        """Wait for nothing of a check that is gone."""
        keys = self._waiting.get(key.namespace, {})
        keys.pop(key, None)
        if not keys:
            self._waiting.pop(key.namespace, None)

    def probe(self) -> None:
        """Let one check of each namespace try; of many namespaces, those not asked for longest."""
        for namespace in list(islice(self._waiting, PROBES)):
            keys = self._waiting[namespace] = self._waiting.pop(namespace)
            key = next(iter(keys))
            keys[key] = keys.pop(key)
            self._due(key)

    async def run(self) -> None:
        """Probe for ever, in jittered steps."""
        while True:
            await asyncio.sleep(PROBE_S * random.uniform(0.7, 1.0))  # noqa: S311 - jitter
            self.probe()
