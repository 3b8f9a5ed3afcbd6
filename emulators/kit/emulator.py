"""The way of a request through an emulator: faults, limits, key, route, state, reply, log."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map, MapAdapter, Rule

from emulators.kit.admin import PREFIX, SideDoor
from emulators.kit.clock import Clock
from emulators.kit.errors import BadOption, Refused
from emulators.kit.faults import Fault, FaultPlan
from emulators.kit.limits import BoundedBody, RateLimiter
from emulators.kit.messages import Call, Reply, Route, UploadRequest
from emulators.kit.options import Options
from emulators.kit.requestlog import LoggedRequest, RequestLog
from emulators.kit.state import State
from emulators.kit.strict import known_headers, known_names
from emulators.kit.wire import RESET, TORN, WHOLE, Answer, Listener

log = logging.getLogger("emulators")

StateT = TypeVar("StateT", bound=State)
OptionsT = TypeVar("OptionsT", bound=Options)
Observer = Callable[[str, Call], None]


_CONTENT_TYPES: dict[str, tuple[str, ...]] = {
    "json": ("", "application/json"),
    "multipart": ("multipart/form-data",),
    "none": (),
}


class _Cut(Exception):
    """The connection is to be reset in place of a reply."""


class Emulator(ABC, Generic[StateT, OptionsT]):
    """A vendor's API over real HTTP, with state. A vendor gives the abstract methods; the kit does the rest.

    Handlers run one at a time under `lock`, so what a handler changes is seen whole or not at all; take `lock` to look
    at `state` from another thread. Use it between `start` and `stop`, or through `running`.
    """

    name: ClassVar[str]
    vendor_headers: ClassVar[frozenset[str]] = frozenset()

    def __init__(
        self,
        options: OptionsT,
        *,
        clock: Callable[[], float] = time.time,
        observer: Observer | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Opens the state and binds the port, but does not serve yet. Raises BadOption."""
        self.options = options
        self.clock = Clock(clock)
        self.faults = FaultPlan()
        self.requests = RequestLog()
        self.lock = threading.RLock()
        self._observer = observer
        self._monotonic = monotonic
        self._sleep = sleep
        self._numbers = itertools.count(1)
        self._limiter = RateLimiter(options.rate, monotonic)
        self._routes: Sequence[Route] = ()
        self._map = Map(strict_slashes=False, merge_slashes=False)
        self._side_door = SideDoor(self)
        self.state: StateT = self.open_state(fresh=False)
        try:
            self._listener = Listener(options.host, options.port, self.answer)
        except BadOption:
            self.state.close()
            raise
        self.url = self._listener.url
        self.admin = self.url + PREFIX

    @abstractmethod
    def open_state(self, *, fresh: bool) -> StateT:
        """The vendor's state, from `options.state` when given; `fresh` begins anew. Raises BadOption."""

    @abstractmethod
    def routes(self) -> Sequence[Route]:
        """All calls of the vendor's API; handlers reach the state through `self.state` at the time of the call."""

    @abstractmethod
    def authenticate(self, call: Call) -> None:
        """Raises Refused when the request does not carry a good key."""

    @abstractmethod
    def error(self, refused: Refused) -> Reply:
        """The vendor's error reply; fills in the vendor's own text when `refused.message` is empty."""

    @abstractmethod
    def credentials(self) -> dict[str, str]:
        """What a client needs to sign in, as it is printed when the emulator is ready."""

    def key_expired(self) -> Refused:
        """The vendor's answer to a key that was good once."""
        return Refused(401)

    def forget(self) -> None:
        """Called on reset: drop what the vendor class itself remembers outside `state`."""

    def ready(self) -> dict[str, str]:
        """The line that is printed when the emulator is ready."""
        return {"url": self.url, **self.credentials(), "admin": self.admin}

    def start(self) -> None:
        """Serve from now on."""
        self._routes = self.routes()
        # A rule for each spelling: with strict_slashes off alone, a wrong method would be 404 without the slash.
        rules = [
            Rule(path, methods=[route.method], endpoint=index)
            for index, route in enumerate(self._routes)
            for path in dict.fromkeys((route.path, route.path.rstrip("/")))
        ]
        self._map = Map(rules, strict_slashes=False, merge_slashes=False)
        self._listener.start()

    def stop(self) -> None:
        """Stop serving and close the state; a request that is being applied is finished first."""
        self._listener.stop()
        with self.lock:
            self.state.close()

    def reset(self) -> None:
        """Begin anew: state, faults, request log, rate, clock. The key stays, so clients need no new configuration."""
        with self.lock:
            self.state.close()
            self.state = self.open_state(fresh=True)
            self.faults.clear()
            self.requests.clear()
            self.clock.restore()
            self._limiter = RateLimiter(self.options.rate, self._monotonic)
            self.forget()

    def locked(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """The pieces, each made under the lock but written without it: a slow reader must not stop the emulator."""
        while True:
            with self.lock:
                piece = next(pieces, None)
            if piece is None:
                return
            yield piece

    def answer(self, environ: dict[str, Any]) -> Answer:
        """Serve one request, from WSGI-style variables to what goes on the wire."""
        incoming = BoundedBody(environ["wsgi.input"], _length(environ), self.options.max_body)
        environ |= {"wsgi.input": incoming, "wsgi.input_terminated": True}
        request = UploadRequest(environ)
        call = Call(request, incoming, next(self._numbers))
        if _is_admin(call.path):
            return _finish(call, self._side_door.answer(call))
        return self._answer_vendor(call)

    def _answer_vendor(self, call: Call) -> Answer:
        started = self._monotonic()
        faults = self.faults.pick(call.method, call.path)
        call.note = ", ".join(fault.kind for fault in faults)
        ending = TORN if any(fault.kind == "torn" for fault in faults) else WHOLE
        try:
            reply = self._attempt(call, faults)
        except Refused as refused:
            reply = self._refusal(call, refused)
        except (_Cut, ConnectionError):
            # By a fault, or because the client went away while it was sending.
            reply, ending = Reply(0), RESET
        except Exception:
            log.exception("%s %s failed", call.method, call.path)
            reply = self.error(Refused(500))
        finally:
            call.request.close()
        answer = _finish(call, self._shape(call, reply), ending)
        return self._logged(call, answer, started)

    def _attempt(self, call: Call, faults: Sequence[Fault]) -> Reply:
        if self.options.latency:
            self._sleep(self.options.latency)
        route = self._match(call)
        self._read(call, route)
        self._strike(faults, "before")
        self.authenticate(call)
        if not self._limiter.admit():
            raise Refused(429, headers=_retry_after(self.options.retry_after))
        if isinstance(route, Refused):
            raise route
        self._check_form(call, route)
        reply = self._apply(call, route, twice=any(fault.kind == "duplicate" for fault in faults))
        self._strike(faults, "after")
        return reply

    def _strike(self, faults: Sequence[Fault], moment: str) -> None:
        for fault in faults:
            if fault.when == moment and fault.kind == "delay":
                self._sleep(fault.seconds)
            if fault.when == moment and fault.kind == "reset":
                raise _Cut
            if fault.when == moment and fault.kind == "status":
                raise Refused(fault.status, fault.message, headers=_retry_after(fault.retry_after))
            if moment == "before" and fault.kind == "expired_key":
                raise self.key_expired()

    def _match(self, call: Call) -> Route | Refused:
        adapter: MapAdapter = self._map.bind("", default_method=call.method)
        try:
            endpoint, call.arguments = adapter.match(call.path, method=call.method)
            route = self._routes[int(endpoint)]
        except MethodNotAllowed:
            return Refused(405)
        except HTTPException:
            return Refused(404)
        call.route = route.path
        return route

    def _read(self, call: Call, route: Route | Refused) -> None:
        """Take the whole body off the wire before anything is decided: only then can the connection live on."""
        if isinstance(route, Route) and route.max_body_bytes is not None:
            call.incoming.limit_bytes = route.max_body_bytes
        try:
            if isinstance(route, Route) and route.body == "multipart":
                _ = call.request.files
            else:
                call.body = call.incoming.read()
        except HTTPException as error:
            raise Refused(error.code or 400, error.description or "") from None
        call.incoming.drain()

    def _check_form(self, call: Call, route: Route) -> None:
        known_headers(call.headers.keys(), self.vendor_headers)
        known_names(call.request.args.keys(), route.query, "query string")
        given, wanted = call.request.mimetype, _CONTENT_TYPES[route.body]
        if not wanted and call.body:
            raise Refused(400, "This call takes no body")
        if wanted and given not in wanted:
            raise Refused(400, f"Content-Type is '{given}'; it must be {wanted[-1]}")

    def _apply(self, call: Call, route: Route, *, twice: bool) -> Reply:
        self._observe("before", call)
        with self.lock:
            if twice:
                route.handler(call)
            reply = route.handler(call)
        self._observe("after", call)
        return reply

    def _observe(self, phase: str, call: Call) -> None:
        if self._observer is not None:
            self._observer(phase, call)

    def _refusal(self, call: Call, refused: Refused) -> Reply:
        call.note = ", ".join(filter(None, (call.note, refused.note or refused.message)))
        reply = self.error(refused)
        reply.headers.update(refused.headers)
        return reply

    def _shape(self, call: Call, reply: Reply) -> Reply:
        if not isinstance(reply.body, bytes):
            reply.body = self.locked(reply.body)
        return reply.compressed() if call.request.accept_encodings["gzip"] > 0 else reply

    def _logged(self, call: Call, answer: Answer, started: float) -> Answer:
        """Enters the request in the log: at once when the body is in hand, else when its last piece is made."""

        def enter(bytes_out: int) -> None:
            seconds = self._monotonic() - started
            entry = LoggedRequest(call.number, self.clock.now(), call.method, call.path, answer.status,
                                  call.incoming.taken, bytes_out, call.records, seconds, call.note)  # fmt: skip
            self.requests.add(entry, call.route)

        if isinstance(answer.body, bytes):
            enter(len(answer.body) // 2 if answer.ending == TORN else len(answer.body))
        else:
            pieces = _torn(answer.body) if answer.ending == TORN else answer.body
            answer.body = _counted(pieces, enter)
        return answer


def _finish(call: Call, reply: Reply, ending: str = WHOLE) -> Answer:
    try:
        call.incoming.drain()
        drained = True
    except (Refused, OSError):
        drained = False
    return Answer(reply.status, dict(reply.headers), reply.body, ending, keep_alive=drained)


def _counted(pieces: Iterator[bytes], done: Callable[[int], None]) -> Iterator[bytes]:
    size = 0
    try:
        for piece in pieces:
            size += len(piece)
            yield piece
    finally:
        done(size)


def _torn(pieces: Iterator[bytes]) -> Iterator[bytes]:
    first = next(pieces, b"")
    yield first[: len(first) // 2]


def _length(environ: Mapping[str, Any]) -> int | None:
    if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
        return None
    text = environ.get("CONTENT_LENGTH") or "0"
    return int(text) if text.isdecimal() else 0


def _is_admin(path: str) -> bool:
    return path == PREFIX or path.startswith(PREFIX + "/")


def _retry_after(seconds: float | None) -> dict[str, str]:
    return {} if seconds is None else {"Retry-After": f"{seconds:g}"}
