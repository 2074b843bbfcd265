"""Reading untyped JSON: every access says what is wrong instead of raising."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from tokencheck.api.invalid import Invalid
from tokencheck.api.quantity import Span, parse_duration, parse_span, parse_time

E = TypeVar("E", bound=StrEnum)


@dataclass(slots=True)
class Fields:
    """One JSON object of a spec.

    Faults are gathered in `faults`, shared by all objects of that spec.
    """

    path: str
    values: Mapping[str, Any]
    faults: list[Invalid] = field(default_factory=list)

    def fault(self, name: str, message: str) -> None:
        """Record that the field `name` is wrong."""
        self.faults.append(
            Invalid(field=f"{self.path}.{name}" if name else self.path, message=message)
        )

    def child(self, name: str) -> "Fields":
        """Return the object in `name`; an empty one when it is absent."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, Mapping):
            self.fault(name, "must be an object")
        return Fields(
            f"{self.path}.{name}", value if isinstance(value, Mapping) else {}, self.faults
        )

    def children(self, name: str) -> list["Fields"]:
        """Return the objects of the list in `name`."""
        value = self.values.get(name)
        items = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
        return [
            Fields(f"{self.path}.{name}[{i}]", item, self.faults)
            for i, item in enumerate(items)
            if isinstance(item, Mapping)
        ]

    def text(self, name: str) -> str | None:
        """Return the non-empty string in `name`, or None when it is absent."""
        value = self.values.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            self.fault(name, "must be a string")
            return None
        return value

    def required_text(self, name: str) -> str:
        """Return the string in `name`; "" and a fault when it is absent."""
        value = self.text(name)
        if value is None and not any(f.field == f"{self.path}.{name}" for f in self.faults):
            self.fault(name, "must be given")
        return value or ""

    def texts(self, name: str) -> tuple[str, ...]:
        """Return the strings of the list in `name`."""
        value = self.values.get(name) or ()
        if (
            isinstance(value, str)
            or not isinstance(value, Sequence)
            or not all(isinstance(v, str) for v in value)
        ):
            self.fault(name, "must be a list of strings")
            return ()
        return tuple(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return the boolean in `name`."""
        value = self.values.get(name)
        return value if isinstance(value, bool) else default

    def choice(self, name: str, kind: type[E], default: E) -> E:
        """Return the member of `kind` that `name` holds."""
        value = self.text(name)
        if value is None:
            return default
        if value not in set(kind):
            self.fault(name, f"must be one of {', '.join(kind)}")
            return default
        return kind(value)

    def duration(self, name: str) -> timedelta | None:
        """Return the duration in `name`, or None when it is absent."""
        text = self.text(name)
        value = parse_duration(text)
        if text is not None and value is None:
            self.fault(name, "must be a duration such as 72h, 90d or 1d12h")
        return value

    def span(self, name: str) -> Span | None:
        """Return the duration or share in `name`, or None when it is absent."""
        text = self.text(name)
        value = parse_span(text)
        if text is not None and value is None:
            self.fault(
                name,
                "must be a duration such as 72h or 90d, or a share of the lifetime such as 20%",
            )
        return value

    def time(self, name: str) -> datetime | None:
        """Return the time in `name`, or None when it is absent."""
        text = self.text(name)
        value = parse_time(text)
        if text is not None and value is None:
            self.fault(name, "must be a time such as 2027-01-31T00:00:00Z")
        return value
