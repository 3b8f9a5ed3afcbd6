"""The values of the demo: real ones, from data packages that are installed with it, or the user's own list."""

from __future__ import annotations

import csv
import importlib.util
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import disposable_email_domains

_LISTS = Path("data/misp-warninglists/lists")
_WARNING_LISTS = "pymispwarninglists 1.7.0"


@dataclass(frozen=True)
class ValueList:
    """One published list. `package` is a distribution on PyPI with its version; `values` are as published, but for
    the dot in front of some domains."""

    name: str
    package: str
    about: str
    values: Sequence[str]


def published_lists() -> list[ValueList]:
    """The lists of the demo in the order of use. Raises FileNotFoundError when a data package has another shape."""
    return [
        _warning_list("public-dns-v4", "IPv4 addresses of public DNS resolvers"),
        _warning_list("public-dns-hostname", "host names of public DNS resolvers"),
        ValueList(
            "blocklist",
            "disposable-email-domains 0.0.293",
            "domains of throw-away mail addresses",
            sorted(disposable_email_domains.blocklist),
        ),
        _warning_list("dynamic-dns", "domains of dynamic DNS services, without their leading dot"),
        _warning_list("ti-falsepositives", "MD5, SHA-1 and SHA-256 of harmless files that often cause false alarms"),
    ]


def _warning_list(name: str, about: str) -> ValueList:
    spec = importlib.util.find_spec("pymispwarninglists")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the package pymispwarninglists is not installed")
    text = (Path(spec.origin).parent / _LISTS / name / "list.json").read_text(encoding="utf-8")
    values = [value.removeprefix(".") for value in json.loads(text)["list"]]
    return ValueList(name, _WARNING_LISTS, about, values)


def distinct(lists: Sequence[ValueList]) -> Iterator[tuple[str, str]]:
    """(value, name of the first list that has it), each value once; capitals do not make a value another one."""
    seen: set[str] = set()
    for one in lists:
        for value in one.values:
            key = value.lower()
            if key not in seen:
                seen.add(key)
                yield value, one.name


def write_csv(lists: Sequence[ValueList], path: Path) -> int:
    """One row per distinct value: value, verdict Bad, and the list as tag. Returns the number of rows."""
    rows = [(value, "Bad", name) for value, name in distinct(lists)]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("value", "verdict", "tags"))
        writer.writerows(rows)
    return len(rows)
