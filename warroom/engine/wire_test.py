from __future__ import annotations

import pytest

from warroom.engine.wire import decode, encode


def test_decode_state_keeps_integers_of_any_size() -> None:
    line = b'{"type":"executeCommand","command":"setLastRun","args":{"value":{"n":123456789012345678901234567890}}}'
    assert decode(line)["args"]["value"]["n"] == 123456789012345678901234567890


def test_decode_what_only_python_writes_is_understood() -> None:
    assert decode(b'{"a":Infinity}') == {"a": float("inf")}


def test_decode_other_text_is_refused() -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        decode(b"hello\n")


def test_encode_integers_of_any_size_come_back() -> None:
    assert encode({"n": 2**70, "t": "\u00e9"}) == b'{"n":1180591620717411303424,"t":"\xc3\xa9"}'
