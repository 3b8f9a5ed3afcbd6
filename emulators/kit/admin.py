"""The side door: the same names in every emulator, for tests, demos and people. Not part of any vendor's API."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from emulators.kit.errors import Refused
from emulators.kit.faults import parse_faults
from emulators.kit.messages import Call, Reply, json_lines
from emulators.kit.requestlog import as_json
from emulators.kit.strict import BOOLEAN, NUMBER, Field, json_object, known_names

if TYPE_CHECKING:
    from emulators.kit.emulator import Emulator

log = logging.getLogger("emulators")

PREFIX = "/_admin"

_CLOCK_FIELDS = {
    "set": Field(NUMBER, required=False),
    "advance": Field(NUMBER, required=False),
    "freeze": Field(BOOLEAN, required=False),
}


class SideDoor:
    """GET dump, count, requests, faults, clock; POST seed, edit, faults, clock, reset.

    Its requests are not logged, not limited, need no key and meet no faults. Errors are 400 with
    `{"error": ..., "detail": ...}`.
    """

    def __init__(self, emulator: Emulator[Any, Any]) -> None:
        self._emulator = emulator
        self._doors: dict[tuple[str, str], Callable[[Call], Reply]] = {
            ("GET", ""): self._index,
            ("GET", "dump"): self._dump,
            ("GET", "count"): lambda call: Reply.json(emulator.state.count()),
            ("GET", "requests"): self._requests,
            ("GET", "faults"): lambda call: Reply.json({"faults": emulator.faults.report()}),
            ("GET", "clock"): lambda call: self._clock_reply(),
            ("POST", "seed"): lambda call: Reply.json(emulator.state.seed(call.json())),
            ("POST", "edit"): lambda call: Reply.json(emulator.state.edit(call.json())),
            ("POST", "faults"): self._arm,
            ("POST", "clock"): self._set_clock,
            ("POST", "reset"): self._reset,
        }

    def answer(self, call: Call) -> Reply:
        """Serve one request of the side door."""
        name = call.path[len(PREFIX) :].strip("/")
        try:
            call.incoming.limit_bytes = 0
            call.body = call.incoming.read()
            if (call.method, name) not in self._doors:
                raise Refused(404, f"{call.method} {name} is not here", extra=self._names())
            # Streamed replies take the lock piece by piece.
            with self._emulator.lock:
                return self._doors[call.method, name](call)
        except Refused as refused:
            return Reply.json({"error": refused.message, "detail": refused.extra}, refused.status)
        except Exception as error:
            log.exception("%s %s failed", call.method, call.path)
            return Reply.json({"error": "the emulator failed", "detail": repr(error)}, 500)

    def _names(self) -> list[str]:
        return [f"{method} {name}" for method, name in self._doors if name]

    def _index(self, call: Call) -> Reply:
        return Reply.json({"emulator": self._emulator.name, "doors": self._names()})

    def _dump(self, call: Call) -> Reply:
        pieces = self._emulator.locked(json_lines(self._emulator.state.dump()))
        return Reply.stream(pieces, "application/x-ndjson")

    def _requests(self, call: Call) -> Reply:
        known_names(call.request.args.keys(), ("last",), "query string")
        text = call.request.args.get("last")
        if text is not None and not text.isdecimal():
            raise Refused(400, f"last is '{text}'; it must be a whole number")
        log = self._emulator.requests
        latest = log.latest(None if text is None else int(text))
        return Reply.json({"totals": log.totals(), "requests": as_json(latest)})

    def _arm(self, call: Call) -> Reply:
        clear, faults = parse_faults(call.json())
        if clear:
            self._emulator.faults.clear()
        self._emulator.faults.add(*faults)
        return Reply.json({"faults": self._emulator.faults.report()})

    def _set_clock(self, call: Call) -> Reply:
        change = json_object(call.json(), _CLOCK_FIELDS)
        clock = self._emulator.clock
        if "set" in change:
            clock.set(change["set"])
        if "advance" in change:
            clock.advance(change["advance"])
        if "freeze" in change:
            (clock.freeze if change["freeze"] else clock.resume)()
        return self._clock_reply()

    def _clock_reply(self) -> Reply:
        return Reply.json({"now": self._emulator.clock.now(), "frozen": self._emulator.clock.frozen})

    def _reset(self, call: Call) -> Reply:
        if call.body:
            json_object(call.json(), {})
        self._emulator.reset()
        return Reply.json({"reset": True})
