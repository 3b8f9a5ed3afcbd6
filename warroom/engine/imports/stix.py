"""STIX 2.0 and 2.1: the indicator objects of a bundle."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TextIO

from warroom.engine.imports.jsontext import guarded
from warroom.engine.imports.records import Record

_TYPES: Mapping[str, Mapping[str, str]] = {
    "ipv4-addr": {"value": "IP"},
    "ipv6-addr": {"value": "IPv6"},
    "domain-name": {"value": "Domain"},
    "url": {"value": "URL"},
    "email-addr": {"value": "Email"},
    "windows-registry-key": {"key": "Registry Key"},
    "mutex": {"name": "Mutex"},
}
_HASHES = ("sha256", "sha1", "md5", "sha512")
_BAD, _SUSPICIOUS, _GOOD = "3", "2", "1"
_VERDICTS = {
    "malicious-activity": _BAD, "compromised": _BAD, "attribution": _SUSPICIOUS,
    "anomalous-activity": _SUSPICIOUS, "anonymization": _SUSPICIOUS, "benign": _GOOD,
}  # fmt: skip
_TEXT = re.compile(r"'(?:[^'\\]|\\.)*'")


def read_stix(stream: TextIO) -> Iterator[Record]:
    """One record per value in the patterns of the bundle's indicators; objects of other kinds say nothing here.

    A pattern that means several things at once (AND between objects, other comparisons than =) is refused: its
    values are no indicators by themselves.
    """
    yield from guarded(stream, ("objects",), _indicator)


def _indicator(line: int, item: Any) -> Iterator[Record]:
    if not isinstance(item, dict) or item.get("type") != "indicator":
        return
    common = _common(item)
    pattern = item.get("pattern")
    if item.get("revoked"):
        yield Record(line, {"value": pattern, **common}, "the indicator is revoked")
        return
    if not isinstance(pattern, str) or item.get("pattern_type", "stix") != "stix":
        yield Record(line, {"value": item.get("id")}, "the pattern is no STIX pattern")
        return
    try:
        found = pattern_values(pattern)
    except ValueError as error:
        yield Record(line, {"value": pattern}, str(error))
        return
    for kind, value, extra in found:
        yield Record(line, {"value": value, "type": kind, **common, **extra})


def pattern_values(pattern: str) -> list[tuple[str, str, dict[str, str]]]:
    """(type, value, other hashes of the same file) of a pattern. Raises ValueError with the reason when it has none."""
    inspected = _inspect(pattern)
    if set(inspected.observation_ops) - {"OR"} or inspected.qualifiers:
        raise ValueError("the pattern combines several observations")
    both = " AND " in _TEXT.sub("''", pattern)
    kinds = list(inspected.comparisons)
    if both and kinds != ["file"]:
        raise ValueError("the pattern holds only when several things come together")
    found: list[tuple[str, str, dict[str, str]]] = []
    for kind in kinds:
        pairs = [_pair(kind, comparison) for comparison in inspected.comparisons[kind]]
        found.extend(_strongest(pairs) if both else [(name, value, {}) for name, _, value in pairs])
    return found


def _inspect(pattern: str) -> Any:
    # Its grammars are large, and every command would wait for them.
    from stix2patterns.exceptions import ParseException
    from stix2patterns.v20.pattern import Pattern as Pattern20
    from stix2patterns.v21.pattern import Pattern as Pattern21

    try:
        return Pattern21(pattern).inspect()
    except ParseException:
        try:
            return Pattern20(pattern).inspect()
        except ParseException as error:
            raise ValueError(f"the pattern cannot be read: {' '.join(str(error).split())}") from None


def _pair(kind: str, comparison: Any) -> tuple[str, str, str]:
    path, operator, literal = comparison
    if operator != "=":
        raise ValueError(f"the pattern compares with {operator}, only = names a value")
    value = _unquoted(str(literal))
    if kind == "file" and path[0] == "hashes":
        name = str(path[-1]).lower().replace("-", "")
        if name in _HASHES:
            return "File", name, value
    elif path[0] in _TYPES.get(kind, {}):
        type_name = _TYPES[kind][path[0]]
        return ("CIDR" if type_name == "IP" and "/" in value else type_name), "", value
    raise ValueError(f"{kind}:{'.'.join(map(str, path))} is no indicator type of XSOAR")


def _strongest(pairs: list[tuple[str, str, str]]) -> list[tuple[str, str, dict[str, str]]]:
    ordered = sorted(pairs, key=lambda pair: _HASHES.index(pair[1]))
    if len({pair[1] for pair in pairs}) != len(pairs):
        raise ValueError("the pattern asks for two different hashes of the same kind")
    return [("File", ordered[0][2], {name: value for _, name, value in ordered[1:]})]


def _unquoted(literal: str) -> str:
    return re.sub(r"\\(.)", r"\1", literal[1:-1]) if literal.startswith("'") else literal


def _common(item: Mapping[str, Any]) -> dict[str, Any]:
    kinds = [*(item.get("indicator_types") or []), *(item.get("labels") or [])]
    verdicts = [_VERDICTS[kind] for kind in kinds if kind in _VERDICTS]
    common: dict[str, Any] = {"stixid": item.get("id")}
    if verdicts:
        common["verdict"] = max(verdicts)
    tags = [str(label) for label in item.get("labels") or [] if label not in _VERDICTS]
    if tags:
        common["tags"] = tags
    if item.get("valid_until"):
        common["expiration"] = item["valid_until"]
    if item.get("description") or item.get("name"):
        common["comment"] = str(item.get("description") or item["name"])
    return common
