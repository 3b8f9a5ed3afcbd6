"""The order of a search and the place where the next page begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_COLUMNS = {
    "id": "seq",
    "value": "key",
    "type": "type",
    "indicator_type": "type",
    "score": "score",
    "verdict": "score",
    "reputation": "score",
    "modified": "modified",
    "expiration": "expiration",
    "timestamp": "created",
    "created": "created",
    "firstSeen": "first_seen",
    "lastSeen": "last_seen",
}
_TEXTS = ("key", "type")


@dataclass(frozen=True)
class Order:
    """Columns with their direction (True = ascending); the last one is always unique."""

    columns: tuple[tuple[str, bool], ...]

    @property
    def by_modified(self) -> bool:
        """The walk follows the index of changes."""
        return self.columns[0][0] == "modified"

    @property
    def ascending(self) -> bool:
        """Direction of the first column."""
        return self.columns[0][1]

    def sql(self, *, indexed: bool) -> str:
        """The ORDER BY list. With `indexed` False the database may not choose an index for its sake."""
        plus = "" if indexed else "+"
        return ", ".join(f"{plus}{column} {'asc' if up else 'desc'}" for column, up in self.columns)

    def place(self, row: Sequence[Any]) -> list[Any]:
        """The content of the order's columns in a row, as `after` takes it; ids are texts as in documents."""
        return [str(one) if column == "seq" else one for (column, _), one in zip(self.columns, row, strict=True)]

    def after(self, place: Sequence[Any]) -> tuple[str, list[Any]]:
        """The condition for rows beyond `place`, and its values. Raises ValueError when `place` is of another walk."""
        if len(place) != len(self.columns):
            raise ValueError(
                f"search_after {list(place)!r}: this sort needs {len(self.columns)} values, as a page gave them"
            )
        checked = [self._checked(column, one) for (column, _), one in zip(self.columns, place, strict=True)]
        if len(checked) == 1:
            column, up = self.columns[0]
            return f"{column} {'>' if up else '<'} ?", checked
        steps, values = [], []
        for last in range(len(checked)):
            same = [f"{column} = ?" for column, _ in self.columns[:last]]
            column, up = self.columns[last]
            steps.append("(" + " and ".join([*same, f"{column} {'>' if up else '<'} ?"]) + ")")
            values.extend(checked[: last + 1])
        return "(" + " or ".join(steps) + ")", values

    def _checked(self, column: str, one: Any) -> Any:
        if column in _TEXTS:
            if isinstance(one, str):
                return one
        elif isinstance(one, int) and not isinstance(one, bool):
            return one
        elif isinstance(one, str) and one.lstrip("-").isdigit():
            return int(one)
        raise ValueError(f"search_after {one!r}: not a place in this sort; give back what a page returned")


def order(sort: Sequence[tuple[str, bool]] | None) -> Order:
    """The order for a `sort` of (field, ascending); by id without one. Raises ValueError for other fields."""
    columns: list[tuple[str, bool]] = []
    for field, ascending in sort or ():
        if field not in _COLUMNS:
            raise ValueError(f"sort field {field!r}: use one of {', '.join(sorted(_COLUMNS))}")
        column = _COLUMNS[field]
        if all(column != known for known, _ in columns):
            columns.append((column, bool(ascending)))
        # `modified` is unique, as is the id, so nothing after them can matter.
        if column in ("modified", "seq"):
            return Order(tuple(columns))
    return Order((*columns, ("seq", columns[-1][1] if columns else True)))
