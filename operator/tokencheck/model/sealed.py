"""`Sealed`: secret text that cannot print, copy, pickle or compare itself.

Not covered: memory dumps, debuggers, private attribute access (ruff SLF001 refuses it in review).
"""

from typing import NoReturn

_SHOWN = "Sealed(***)"


class Sealed:
    """Holds secret bytes; every text form of it is ``Sealed(***)``."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        """Seal `value`; only `model.reveal.reveal` gives it back."""
        self._value = value

    def __repr__(self) -> str:
        """Return a constant."""
        return _SHOWN

    __str__ = __repr__

    def __format__(self, spec: str, /) -> str:
        """Return a constant, whatever the format."""
        return _SHOWN

    def __len__(self) -> int:
        """Return the number of bytes held."""
        return len(self._value)

    def __bool__(self) -> bool:
        """Return whether any byte is held."""
        return bool(self._value)

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError("a Sealed value cannot be copied, pickled or hashed")

    __copy__ = __deepcopy__ = __reduce__ = __reduce_ex__ = _refuse
    __hash__ = None  # type: ignore[assignment]
