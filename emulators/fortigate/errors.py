"""What a FortiGate answers when it refuses: status, its own number, and the words of its command line."""

from __future__ import annotations

from emulators.kit import Refused

NO_ENTRY = -3
TABLE_FULL = -4
EXISTS = -5
NO_RIGHT = -14
IN_USE = -23
EMPTY = -56
BAD_CHARACTER = -173
BAD_VALUE = -651


def absent() -> Refused:
    """The object or the table is not there."""
    return Refused(404, extra=NO_ENTRY)


def exists() -> Refused:
    """Something has this name."""
    return Refused(500, "A duplicate entry already exists.", extra=EXISTS)


def in_use(count: int) -> Refused:
    """Others refer to it."""
    return Refused(500, f"The entry is used by other {count} entries", extra=IN_USE)


def empty_group() -> Refused:
    """A group has to have a member in this release."""
    return Refused(500, "node_check_object fail! for member \n\nAttribute 'member' MUST be set.", extra=EMPTY)


def full(what: str) -> Refused:
    """A table of the model has no room left."""
    return Refused(500, f"{what}: the maximum number of entries has been reached.", extra=TABLE_FULL)


def no_member(name: str, *, bare: bool) -> Refused:
    """A group is to have a member that is not an object."""
    return Refused(
        500 if bare else 424, f"entry not found in datasource\n\nvalue parse error before '{name}'", extra=NO_ENTRY
    )


def bad_value(field: str, value: object) -> Refused:
    """A field does not take this value."""
    return Refused(424, f"{field}: value parse error before '{value}'", extra=BAD_VALUE)


def bad_character(name: str) -> Refused:
    """A name with a character that could be markup."""
    return Refused(
        424,
        f"The string contains XSS vulnerability characters\n\nvalue parse error before '{name}'",
        extra=BAD_CHARACTER,
    )


def no_right(what: str) -> Refused:
    """The access profile does not allow it."""
    return Refused(403, extra=NO_RIGHT, note=f"the access profile does not allow to {what}")
