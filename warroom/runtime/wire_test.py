from __future__ import annotations

import io
import threading
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warroom.runtime.wire import HostGone, Wire, encode

NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def wire(*replies: Any) -> tuple[Wire, io.BytesIO]:
    writer = io.BytesIO()
    return Wire(io.BytesIO(b"".join(orjson.dumps(reply) + b"\n" for reply in replies)), writer), writer


@given(JSON)
def test_encode_any_json_value_is_one_line_that_reads_back(value: Any) -> None:
    line = encode(value)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert orjson.loads(line) == value


def test_encode_large_numbers_and_broken_text_are_kept_readable() -> None:
    assert b"1" * 30 in encode({"n": int("1" * 30)})
    assert orjson.loads(encode({"t": "a\ud800b"})) == {"t": "a?b"}


@dataclass
class Thing:
    x: int = 1


@pytest.mark.parametrize("value", [datetime(2024, 1, 1, tzinfo=timezone.utc), Thing(), {1, 2}, b"x"])
def test_encode_what_json_cannot_express_raises_type_error(value: Any) -> None:
    with pytest.raises(TypeError):
        encode({"value": value})


def test_send_what_json_cannot_express_writes_nothing() -> None:
    line, writer = wire()
    with pytest.raises(TypeError):
        line.send({"value": object()})
    assert writer.getvalue() == b""


def test_ask_reply_gives_the_result_and_refusal_raises_value_error() -> None:
    line, writer = wire({"ok": True, "result": [1]}, {"ok": False, "error": "no such command"})
    assert line.ask({"type": "executeCommand", "command": "a"}) == [1]
    with pytest.raises(ValueError, match="no such command"):
        line.ask({"type": "executeCommand", "command": "b"})
    assert [orjson.loads(text)["command"] for text in writer.getvalue().splitlines()] == ["a", "b"]


def test_ask_host_gone_is_told() -> None:
    line, _ = wire()
    with pytest.raises(HostGone, match="getLastRun"):
        line.ask({"type": "executeCommand", "command": "getLastRun"})


class SlowReader(io.BytesIO):
    """Answers once it is allowed to."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.entered = threading.Event()
        self.allowed = threading.Event()

    def readline(self, size: int | None = -1) -> bytes:
        self.entered.set()
        self.allowed.wait(5)
        return super().readline(size)


def test_ask_second_thread_meanwhile_is_refused_with_advice() -> None:
    reader = SlowReader(b'{"ok":true,"result":1}\n')
    line = Wire(reader, io.BytesIO())
    answers: list[Any] = []
    first = threading.Thread(target=lambda: answers.append(line.ask({"type": "executeCommand", "command": "a"})))
    first.start()
    reader.entered.wait(5)
    with pytest.raises(RuntimeError, match="support_multithreading"):
        line.ask({"type": "executeCommand", "command": "b"})
    line.send({"type": "log"})
    reader.allowed.set()
    first.join(5)
    assert answers == [1]
