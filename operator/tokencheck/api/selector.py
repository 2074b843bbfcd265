"""Label selectors. Source: apimachinery metav1.LabelSelector."""

from collections.abc import Mapping
from dataclasses import dataclass

from tokencheck.api.fields import Fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """A label selector; `all` selects every object."""

    all: bool = False
    match_labels: tuple[tuple[str, str], ...] = ()
    expressions: tuple[tuple[str, str, tuple[str, ...]], ...] = ()  # key, operator, values

    def selects(self, labels: Mapping[str, str]) -> bool:
        """Return whether an object with these labels is selected.

        An empty selector selects nothing.
        """
        if self.all:
            return True
        if not self.match_labels and not self.expressions:
            return False
        return all(labels.get(k) == v for k, v in self.match_labels) and all(
            _matches(labels, expression) for expression in self.expressions
        )


def _matches(labels: Mapping[str, str], expression: tuple[str, str, tuple[str, ...]]) -> bool:
    key, operator, values = expression
    return {
        "In": labels.get(key) in values,
        "NotIn": labels.get(key) not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }.get(operator, False)


def parse_selector(fields: Fields, *, all_of_them: bool = False) -> Selector:
    """Return the selector that `fields` holds, or one of all objects."""
    return Selector(
        all=all_of_them,
        match_labels=tuple((k, str(v)) for k, v in fields.child("matchLabels").values.items()),
        expressions=tuple(
            (one.required_text("key"), one.required_text("operator"), one.texts("values"))
            for one in fields.children("matchExpressions")
        ),
    )
