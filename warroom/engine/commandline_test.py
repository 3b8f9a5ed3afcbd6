from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.engine.commandline import parse_command_line
from warroom.engine.errors import UsageError


@pytest.mark.parametrize(
    ("text", "name", "pairs"),
    [
        ("!ip", "ip", ()),
        ("  !ip ip=192.0.2.1  ", "ip", (("ip", "192.0.2.1"),)),
        ("!ip 192.0.2.1", "ip", ((None, "192.0.2.1"),)),
        ('!note text="two words" mood=good', "note", (("text", "two words"), ("mood", "good"))),
        (r'!note text="a \"b\" \\ c:\d"', "note", (("text", r'a "b" \ c:\d'),)),
        ('!set json=`{"a": "b c", "d": "\\n"}`', "set", (("json", '{"a": "b c", "d": "\\n"}'),)),
        ("!url http://example.com/?a=b&c=d", "url", ((None, "http://example.com/?a=b&c=d"),)),
        ("!a b= c=1", "a", (("b", ""), ("c", "1"))),
        ('!a b=x"y', "a", (("b", 'x"y'),)),
        ("!a using-brand=X b.c=1", "a", (("using-brand", "X"), ("b.c", "1"))),
        ("!a b=`two\nlines`", "a", (("b", "two\nlines"),)),
    ],
)
def test_parse_command_line_known_text_gives_parts(text: str, name: str, pairs: tuple[object, ...]) -> None:
    parsed = parse_command_line(text)
    assert (parsed.name, parsed.pairs) == (name, pairs)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ip 1", "starts with !"),
        ("", "starts with !"),
        ("!", "starts with !"),
        ("!ip=1", "starts with !"),
        ('!a b="c', "the double quote at character 6 is not closed"),
        ("!a b=`c", "the backtick at character 6 is not closed"),
        ('!a b="c"d', "a blank is missing after the closing quote at character 8"),
    ],
)
def test_parse_command_line_broken_text_is_refused(text: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        parse_command_line(text)


@given(st.dictionaries(st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True), st.text(), max_size=4))
def test_parse_command_line_quoted_values_come_back_unchanged(args: dict[str, str]) -> None:
    def quoted(value: str) -> str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    text = " ".join(["!command", *(f"{name}={quoted(value)}" for name, value in args.items())])
    assert dict(parse_command_line(text).pairs) == args
