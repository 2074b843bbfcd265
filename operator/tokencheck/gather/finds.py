"""What was found in values before: one that did not change is not searched again."""

from collections import OrderedDict
from dataclasses import dataclass

from tokencheck.model.facts import Facts

MAX_BYTES = 8 * 1024 * 1024
# Of a token besides its text, about: its path and facts.
_TOKEN_BYTES = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search of one value gave.

    Args:
        cost: bytes of YAML that were read for it.
        size: bytes of the tokens' texts.
        tokens: the path of each, and what its text says about itself; never the text.
    """

    cost: int
    size: int
    tokens: tuple[tuple[str, Facts], ...]

    @property
    def weight(self) -> int:
        """Return about how many bytes it takes to keep this."""
        return self.size + _TOKEN_BYTES * (1 + len(self.tokens))


class Finds:
    """The latest results by the fingerprint of the value; the one not used for longest goes first.

    Of one event loop. Whoever writes a new value 20 times a second fills no more than the limit.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        """Start empty."""
        self._max_bytes = max_bytes
        self._found: OrderedDict[bytes, Found] = OrderedDict()
        self._bytes = 0

    def get(self, mark: bytes) -> Found | None:
        """Return what was found in the value with this fingerprint, if it is still kept."""
        found = self._found.get(mark)
        if found is not None:
            self._found.move_to_end(mark)
        return found

    def put(self, mark: bytes, found: Found) -> None:
        """Keep what was found, and let go of the oldest beyond the limit."""
        self._bytes -= old.weight if (old := self._found.pop(mark, None)) else 0
        self._found[mark] = found
        self._bytes += found.weight
        while self._bytes > self._max_bytes:
            self._bytes -= self._found.popitem(last=False)[1].weight

    def __len__(self) -> int:
        """Return how many results are kept."""
        return len(self._found)
