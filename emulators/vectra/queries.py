"""What a query string asks for, read strictly and turned into SQL. Pure; everything wrong is Refused(422)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from emulators.kit import Refused
from emulators.vectra.moments import read_moment

LARGEST_PAGE = 5_000
_DEFAULT_PAGE = 50
_LARGEST_NUMBER = 2**53
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}
# The text search spares the JSON of nearly all hosts from being read.
_HAS_MAC = (
    "instr(lower(more), ?) > 0 AND EXISTS (SELECT 1 FROM json_each(json_extract(more, '$.host_artifact_set'))"
    " WHERE json_extract(value, '$.type') = 'mac' AND lower(json_extract(value, '$.value')) = ?)"
)
PAGING = frozenset({"page", "page_size"})


class Condition(NamedTuple):
    """A part of a WHERE clause and the values of its placeholders."""

    sql: str
    values: tuple[object, ...] = ()


Reader = Callable[[str, str], Condition]


@dataclass(frozen=True)
class ListQuery:
    """One page of a list: which documents, in which order, which of their fields (None: all)."""

    conditions: tuple[Condition, ...]
    page: int
    page_size: int
    order: str
    fields: frozenset[str] | None
    excluded: frozenset[str]

    @property
    def where(self) -> str:
        """The WHERE clause."""
        return " AND ".join(condition.sql for condition in self.conditions) or "1"

    @property
    def values(self) -> tuple[object, ...]:
        """The values of its placeholders."""
        return tuple(value for condition in self.conditions for value in condition.values)

    def wants(self, name: str) -> bool:
        """Whether this field is to be shown."""
        return name not in self.excluded and (self.fields is None or name in self.fields)


def single_values(arguments: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The arguments by name. Raises Refused(422) for a name given twice."""
    values = dict(arguments)
    if len(values) != len(arguments):
        raise Refused(422, "A query parameter is given twice.")
    return values


def read_page(values: Mapping[str, str]) -> tuple[int, int]:
    """(page, page_size). Raises Refused: 404 for a page that cannot exist, 422 for a wrong size."""
    size = whole("page_size", values["page_size"]) if "page_size" in values else _DEFAULT_PAGE
    if not 1 <= size <= LARGEST_PAGE:
        raise Refused(422, f"page_size is {size}; it must lie between 1 and {LARGEST_PAGE}.")
    text = values.get("page", "1")
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= _LARGEST_NUMBER):
        raise invalid_page()
    return int(text), size


def invalid_page() -> Refused:
    """The answer to a page that does not exist."""
    return Refused(404, "Invalid page.")


def read_order(text: str | None, columns: Mapping[str, str], last: str) -> str:
    """ORDER BY from `ordering`: one name of `columns`, with `-` for descending; then, or without it, by `last`."""
    if text is None:
        return last
    name = text.removeprefix("-")
    if name not in columns:
        raise Refused(422, f"ordering is '{text}'; it must be one of {', '.join(sorted(columns))}.")
    return f"{columns[name]} {'DESC' if text.startswith('-') else 'ASC'}, {last}"


def read_names(name: str, text: str | None, known: Collection[str]) -> frozenset[str] | None:
    """The comma list of field names of a parameter; None when it is not given."""
    if text is None:
        return None
    names = frozenset(part.strip() for part in text.split(","))
    if unknown := sorted(names.difference(known)):
        raise Refused(422, f"{name} has unknown names: {', '.join(unknown)}.")
    return names


def whole(name: str, text: str) -> int:
    """A number that is not negative. Raises Refused(422)."""
    if not (text.isascii() and text.isdecimal() and int(text) <= _LARGEST_NUMBER):
        raise Refused(422, f"{name} is '{text}'; it must be a whole number.")
    return int(text)


def boolean(name: str, text: str) -> bool:
    """true, false, 1 or 0. Raises Refused(422)."""
    if text.lower() not in _BOOLEANS:
        raise Refused(422, f"{name} is '{text}'; it must be true or false.")
    return _BOOLEANS[text.lower()]


def comma_list(name: str, text: str) -> list[str]:
    """The parts of a comma list without blanks around them. Raises Refused(422) when there is none."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        raise Refused(422, f"{name} is empty.")
    return parts


def choice(name: str, text: str, choices: Collection[str]) -> str:
    """`text` when it is one of `choices`. Raises Refused(422)."""
    if text not in choices:
        raise Refused(422, f"{name} is '{text}'; it must be one of {', '.join(choices)}.")
    return text


def at_least(column: str) -> Reader:
    """The column is the number or more."""
    return lambda name, text: Condition(f"{column} >= ?", (whole(name, text),))


def at_most(column: str) -> Reader:
    """The column is the number or less."""
    return lambda name, text: Condition(f"{column} <= ?", (whole(name, text),))


def same(column: str, choices: Collection[str] | None = None) -> Reader:
    """The column is the text, which may have to be one of `choices`."""
    return lambda name, text: Condition(f"{column} = ?", (text if choices is None else choice(name, text, choices),))


def contains(column: str) -> Reader:
    """The column contains the text, in any case."""
    return lambda name, text: Condition(f"instr(lower({column}), lower(?)) > 0", (text,))


def flag(column: str) -> Reader:
    """The column is true or false."""
    return lambda name, text: Condition(f"{column} = ?", (boolean(name, text),))


def any_number(column: str) -> Reader:
    """The column is one of the numbers of a comma list."""

    def read(name: str, text: str) -> Condition:
        numbers = [whole(name, part) for part in comma_list(name, text)]
        return Condition(f"{column} IN (SELECT value FROM json_each(?))", (str(numbers),))  # noqa: S608 - a column of the code

    return read


def not_before(column: str) -> Reader:
    """The column is the moment or later."""

    def read(name: str, text: str) -> Condition:
        moment = read_moment(text)
        if moment is None:
            raise Refused(422, f"{name} is '{text}'; it must be a moment such as 2025-02-03T08:01:22Z.")
        return Condition(f"{column} >= ?", (moment,))

    return read


def tagged(kinds: Sequence[str], key: str, *, exact: bool) -> Reader:
    """Any of the names of a comma list is (`exact`) or is part of a tag, in any case, of an object of these kinds."""
    found = "tag = ?" if exact else "instr(lower(tag), lower(?)) > 0"
    of_kinds = ", ".join(f"'{kind}'" for kind in kinds)
    selected = "kind, id" if key.startswith("(") else "id"

    def read(name: str, text: str) -> Condition:
        names = comma_list(name, text)
        any_of = " OR ".join([found] * len(names))
        return Condition(
            f"{key} IN (SELECT {selected} FROM tags WHERE kind IN ({of_kinds}) AND ({any_of}))",  # noqa: S608
            tuple(names),
        )

    return read


def has_mac(name: str, text: str) -> Condition:
    """One of the host's artifacts is this MAC address, in any case."""
    wanted = text.lower()
    return Condition(_HAS_MAC, (wanted, wanted))
