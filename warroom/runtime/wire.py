"""One JSON object per line, over two binary streams, between the code that runs and its host."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import orjson

# Dates and dataclasses are refused, as by the server, so that content does not come to rely on them.
_OPTIONS = (
    orjson.OPT_APPEND_NEWLINE
    | orjson.OPT_NON_STR_KEYS
    | orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_DATACLASS
)


class HostGone(Exception):
    """The host closed the line before it answered."""


@dataclass
class Wire:
    """Sends messages and waits for replies. `send` may be called by any thread, `ask` by one at a time."""

    reader: BinaryIO
    writer: BinaryIO
    _writing: threading.Lock = field(default_factory=threading.Lock)
    _asking: threading.Lock = field(default_factory=threading.Lock)

    def send(self, message: Mapping[str, Any]) -> None:
        """Writes one message. Raises TypeError, and writes nothing, when it holds what JSON cannot express."""
        line = encode(message)
        with self._writing:
            self.writer.write(line)
            self.writer.flush()

    def ask(self, message: Mapping[str, Any]) -> Any:
        """The `result` of the reply to a message.

        Raises ValueError with the host's text when the host refuses, HostGone when it is gone, and RuntimeError when
        another thread is waiting for a reply: on the server the two would get each other's answers.
        """
        if not self._asking.acquire(blocking=False):
            raise RuntimeError("two threads called the server at the same time; call support_multithreading() first")
        try:
            self.send(message)
            line = self.reader.readline()
        finally:
            self._asking.release()
        if not line:
            raise HostGone(f"the host ended before it answered {message.get('command')}")
        reply = orjson.loads(line)
        if not reply.get("ok"):
            raise ValueError(str(reply.get("error") or "the server refused the call"))
        return reply.get("result")


def encode(message: Any) -> bytes:
    """The message as a line. Raises TypeError for what JSON cannot express."""
    try:
        return orjson.dumps(message, option=_OPTIONS)
    except orjson.JSONEncodeError:
        # Numbers above 64 bits and halves of surrogate pairs are fine for the server's JSON; what is left raises here.
        return json.dumps(message, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
