"""What a `get` on a table may ask for: filter, order, range and fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from emulators.fortimanager.codes import BAD_PARAMETER, Failed
from emulators.fortimanager.rpc import Part

Row = Mapping[str, Any]


def selected(rows: Sequence[Row], part: Part) -> list[dict[str, Any]]:
    """The rows that a call asks for. Raises Failed(-8) for a form that is not known."""
    found = [dict(row) for row in rows if not part.filter or fits(row, part.filter)]
    for sorting in reversed(part.sortings):
        for name, direction in sorting.items():
            found.sort(key=lambda row: row.get(name), reverse=direction < 0)  # type: ignore[arg-type,return-value]
    if part.range:
        first, count = part.range
        found = found[first : first + count]
    return [with_fields(row, part.fields) for row in found]


def with_fields(row: Row, fields: Sequence[str]) -> dict[str, Any]:
    """Only these fields of a row; all without any."""
    return {name: row[name] for name in fields if name in row} if fields else dict(row)


def fits(row: Row, condition: Sequence[Any]) -> bool:
    """Whether a row fits `[field, operator, value...]`, or such conditions joined by `&&` or `||`."""
    if condition and isinstance(condition[0], list):
        results = [fits(row, item) for item in condition[::2]]
        joints = set(condition[1::2])
        if len(condition) % 2 == 0 or len(joints) > 1 or joints - {"&&", "||"}:
            raise Failed(BAD_PARAMETER, "filter")
        return any(results) if joints == {"||"} else all(results)
    if len(condition) < 3 or not all(isinstance(item, str | int) for item in condition):
        raise Failed(BAD_PARAMETER, "filter")
    name, operator, *values = condition
    found = row.get(name)
    if operator == "==":
        return bool(found == values[0])
    if operator == "in":
        return found in values
    if operator == "contain":
        return isinstance(found, list) and values[0] in found
    raise Failed(BAD_PARAMETER, f"filter {operator}")
