"""One child, from the host's side of the line: what it says is answered or collected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from warroom.engine.results import NOTE, LogLine, text_entry
from warroom.engine.services import Services
from warroom.engine.wire import decode

OnCall = Callable[[str, str, int], None]
LOG_LINES = 10_000


@dataclass
class Session:
    """Speaks the line protocol with one child and collects its results. Texts are kept as they came, unmasked."""

    services: Services
    on_call: OnCall | None = None
    entries: list[dict[str, Any]] = field(default_factory=list)
    logs: list[LogLine] = field(default_factory=list)
    incidents: list[dict[str, Any]] = field(default_factory=list)
    crash: str | None = None

    def handle(self, line: bytes, pid: int) -> bytes | None:
        """The answer to one line of the child, None when it expects none."""
        try:
            message = decode(line)
            kind = message["type"]
        except (ValueError, TypeError, KeyError):
            # A stray write to the protocol channel is output, not a reason to lose the run.
            self._log("stderr", line.decode("utf-8", "replace").rstrip("\n"))
            return None
        if kind == "executeCommand":
            return self._call(str(message["command"]), message.get("args") or {}, pid)
        self._collect(kind, message)
        return None

    def _call(self, name: str, args: dict[str, Any], pid: int) -> bytes:
        if self.on_call is None:
            return self.services.answer(name, args) + b"\n"
        self.on_call("before", name, pid)
        answer = self.services.answer(name, args)
        self.on_call("after", name, pid)
        return answer + b"\n"

    def _collect(self, kind: str, message: dict[str, Any]) -> None:
        if kind == "result":
            self.entries.extend(message.get("results") or [])
        elif kind == "log" and message.get("level") == "warroom":
            self.entries.append(text_entry(NOTE, str(message.get("message"))))
        elif kind == "log":
            self._log(str(message.get("level")), str(message.get("message")))
        elif kind == "incidents":
            self.incidents.extend(message.get("value") or [])
        elif kind == "crash":
            self.crash = str(message.get("error") or "the content stopped with an error")
            self._log("error", str(message.get("traceback") or ""))
        else:
            self._log("error", f"the child sent {kind!r}, which this host does not know")

    def _log(self, level: str, message: str) -> None:
        if len(self.logs) < LOG_LINES:
            self.logs.append(LogLine(level, message))
        elif len(self.logs) == LOG_LINES:
            self.logs.append(LogLine("error", f"more than {LOG_LINES} log lines; the rest is left out"))
