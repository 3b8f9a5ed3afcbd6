"""Pieces of streamed replies."""

from __future__ import annotations

import gzip
import json

from hypothesis import given
from hypothesis import strategies as st

from emulators.kit.messages import Reply, json_lines, json_list

ITEMS = st.lists(st.integers() | st.text(max_size=50))


@given(ITEMS, st.integers(1, 200))
def test_json_list_any_piece_size_is_the_same_list(items: list[object], piece_bytes: int) -> None:
    pieces = json_list(b'{"reply":[', (json.dumps(item).encode() for item in items), b"]}", piece_bytes)
    assert json.loads(b"".join(pieces)) == {"reply": items}


@given(ITEMS, st.integers(1, 200))
def test_json_lines_any_piece_size_is_one_item_per_line(items: list[object], piece_bytes: int) -> None:
    pieces = json_lines((json.dumps(item).encode() for item in items), piece_bytes)
    assert [json.loads(line) for line in b"".join(pieces).splitlines()] == items


@given(st.lists(st.binary(max_size=2_000)))
def test_compressed_stream_and_bytes_hold_the_same(pieces: list[bytes]) -> None:
    streamed = Reply.stream(iter(pieces)).compressed().body
    whole = b"".join(pieces)
    assert not isinstance(streamed, bytes)
    assert gzip.decompress(b"".join(streamed)) == whole
    packed = Reply(200, whole * 100 + b"x" * 500).compressed().body
    assert isinstance(packed, bytes) and gzip.decompress(packed) == whole * 100 + b"x" * 500
