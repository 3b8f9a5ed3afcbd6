"""Sockets: HTTP/1.1 with keep-alive on werkzeug's threaded server, and replies that break on purpose."""

from __future__ import annotations

import logging
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from emulators.kit.errors import BadOption

log = logging.getLogger("emulators")

# How long stopping may take, against how often an idle server wakes.
_POLL_SECONDS = 0.02

WHOLE, TORN, RESET = "whole", "torn", "reset"


@dataclass
class Answer:
    """A reply ready for the wire.

    `ending`: WHOLE; TORN, without its proper end (half of a body in hand, pieces as given); RESET, nothing at all.

    `keep_alive` is False when the request was not read to its end, so the connection cannot carry another one.
    """

    status: int
    headers: dict[str, str]
    body: bytes | Iterator[bytes]
    ending: str = WHOLE
    keep_alive: bool = True


Application = Callable[[dict[str, Any]], Answer]


class _Connections:
    """The open client connections of one server, so that stopping it also ends the idle ones."""

    def __init__(self) -> None:
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def add(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.add(connection)

    def remove(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.discard(connection)

    def close_all(self) -> None:
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class _Served:
    """What the handler finds as `server.app`; werkzeug only passes it on."""

    def __init__(self, application: Application) -> None:
        self.answer = application
        self.connections = _Connections()

    def __call__(self, environ: Any, start_response: Any) -> Any:
        raise RuntimeError("served by KeepAliveHandler, not as WSGI")


class KeepAliveHandler(WSGIRequestHandler):
    """Werkzeug's handler closes after each request and waits 10 ms for stray input; this one keeps connections open.

    That is safe here because every body is read to its end before the reply, or the connection is closed.
    """

    protocol_version = "HTTP/1.1"
    # Header and body are written separately: with Nagle on, each reply would wait for a delayed ACK.
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024

    @property
    def _served(self) -> _Served:
        served = self.server.app
        assert isinstance(served, _Served)
        return served

    def setup(self) -> None:
        super().setup()
        self._served.connections.add(self.connection)

    def finish(self) -> None:
        self._served.connections.remove(self.connection)
        with suppress(OSError, ValueError):
            super().finish()
        # Not closed yet when the client is gone and the last reply could not be flushed.
        self.rfile.close()

    def run_wsgi(self) -> None:
        if self.headers.get("Expect", "").lower().strip() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
        answer = self._served.answer(self.make_environ())
        try:
            self._write(answer)
        except ConnectionError:
            self.close_connection = True
        finally:
            if not isinstance(answer.body, bytes) and hasattr(answer.body, "close"):
                answer.body.close()

    def _write(self, answer: Answer) -> None:
        if answer.ending == RESET:
            self._reset()
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if not answer.keep_alive:
            self.send_header("Connection", "close")
        if isinstance(answer.body, bytes):
            self._write_bytes(answer.body, answer.ending)
        else:
            self._write_pieces(answer.body, answer.ending)
        self.wfile.flush()

    def _write_bytes(self, body: bytes, ending: str) -> None:
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if ending == TORN:
            body = body[: len(body) // 2]
            self.close_connection = True
        if self.command != "HEAD":
            self.wfile.write(body)

    def _write_pieces(self, pieces: Iterator[bytes], ending: str) -> None:
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for piece in filter(None, pieces):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            if ending == WHOLE:
                self.wfile.write(b"0\r\n\r\n")
                return
        except ConnectionError:
            pass
        except Exception:
            log.exception("%s broke off", self.path)
        # Too late for an error status: a body without its end is how HTTP says that it is not whole.
        self.close_connection = True

    def _reset(self) -> None:
        """Make the client see `connection reset` and not an orderly end: linger 0, closed below the buffers."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._served.connections.remove(self.connection)
        os.close(self.connection.detach())

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing: the request log is the emulator's own."""


class Listener:
    """A bound server that serves in threads of its own between `start` and `stop`."""

    def __init__(self, host: str, port: int, application: Application) -> None:
        """Binds; port 0 takes a free one. Raises BadOption when the address cannot be used."""
        self._served = _Served(application)
        self._server = _bind(host, port, self._served)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(_POLL_SECONDS,), daemon=True)
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._server.server_address[1]}"

    def start(self) -> None:
        """Accept connections from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Stop accepting, end idle connections, free the port."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._served.connections.close_all()


def _bind(host: str, port: int, served: _Served) -> BaseWSGIServer:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        bound = socket.create_server((host, port), family=family, backlog=128)
    except (OSError, OverflowError) as error:
        raise BadOption(f"--host {host} --port {port}: cannot listen there ({error})") from None
    with bound:
        return make_server(host, port, served, threaded=True, request_handler=KeepAliveHandler, fd=bound.fileno())
