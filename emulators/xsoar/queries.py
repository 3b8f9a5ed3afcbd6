"""The part of the server's query language that is modelled: fields, quotes, and, or, not, minus, brackets. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from emulators.kit import Refused

Record = Mapping[str, Any]
Test = Callable[[Record], bool]

_TOKEN = re.compile(
    r"""\s*(?:(?P<bracket>[()])|(?P<minus>-)(?=[\w(])|(?P<field>\w+)\s*:\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s()":]+))|(?P<word>and|or|not)(?=[\s(]))""",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\s_-]+")
_OWN = {"value": "value", "type": "indicator_type", "id": "id"}
_CUSTOM = frozenset({"aliases", "stixaliases", "tags"})


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str = ""
    field: str = ""


def matcher(query: str, *, part_words: bool) -> Test:
    """What a record must be to be found. Raises Refused(400) for what is not modelled or cannot be read."""
    if not query.strip():
        return lambda record: True
    reader = _Reader(list(_tokens(query)), part_words)
    test = reader.either()
    if reader.rest:
        raise Refused(400, f"the query cannot be read from {reader.rest[0].text or reader.rest[0].field!r} on")
    return test


def _tokens(query: str) -> Iterator[_Token]:
    place = 0
    while query[place:].strip():
        found = _TOKEN.match(query, place)
        if found is None:
            raise Refused(400, f"the query cannot be read at {query[place:].strip()[:40]!r}")
        place = found.end()
        if "*" in (found["bare"] or ""):
            raise Refused(400, "wildcards in a query are not modelled")
        if found["field"]:
            text = found["bare"] if found["quoted"] is None else re.sub(r"\\(.)", r"\1", found["quoted"])
            yield _Token("term", text, found["field"].lower())
        elif found["word"]:
            yield _Token(found["word"].lower(), found["word"])
        else:
            yield _Token("-" if found["minus"] else found["bracket"], found[0].strip())


class _Reader:
    """Recursive descent over the tokens; `rest` is what has not been read."""

    def __init__(self, tokens: list[_Token], part_words: bool) -> None:
        self.rest = tokens
        self.part_words = part_words

    def either(self) -> Test:
        """Parts joined by `or`."""
        tests = [self.both()]
        while self._take("or"):
            tests.append(self.both())
        return lambda record: any(test(record) for test in tests)

    def both(self) -> Test:
        """Parts joined by `and`, written or not."""
        tests = [self.one()]
        while self._take("and") or (self.rest and self.rest[0].kind in ("term", "(", "-", "not")):
            tests.append(self.one())
        return lambda record: all(test(record) for test in tests)

    def one(self) -> Test:
        """A term, a bracket, or the opposite of one."""
        if self._take("not") or self._take("-"):
            test = self.one()
            return lambda record: not test(record)
        if self._take("("):
            test = self.either()
            if not self._take(")"):
                raise Refused(400, "a bracket of the query is not closed")
            return test
        if not self.rest or self.rest[0].kind != "term":
            raise Refused(400, "a term is missing in the query")
        return self._term(self.rest.pop(0))

    def _take(self, kind: str) -> bool:
        if self.rest and self.rest[0].kind == kind:
            self.rest.pop(0)
            return True
        return False

    def _term(self, token: _Token) -> Test:
        if token.field not in _OWN and token.field not in _CUSTOM:
            raise Refused(400, f"the field '{token.field}' of the query is not modelled")
        wanted = token.text.casefold()

        def test(record: Record) -> bool:
            return any(self._same(text, wanted, token.field) for text in _texts(record, token.field))

        return test

    def _same(self, text: str, wanted: str, field: str) -> bool:
        if self.part_words and field not in ("type", "id"):
            return f" {wanted} " in " " + " ".join(_WORD.findall(text)) + " " or text == wanted
        return text == wanted


def _texts(record: Record, field: str) -> list[str]:
    value = record.get(_OWN[field]) if field in _OWN else (record.get("CustomFields") or {}).get(field)
    return [str(one).casefold() for one in (value if isinstance(value, list) else [value]) if one is not None]
