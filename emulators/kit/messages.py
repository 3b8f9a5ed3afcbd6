"""A request on its way through an emulator, and the reply to it."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, BinaryIO, cast

import orjson
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Request

from emulators.kit.errors import Refused
from emulators.kit.limits import BoundedBody
from emulators.kit.strict import json_body

_COMPRESS_FROM_BYTES = 500
_GZIP_WINDOW = 31
_FASTEST = 1


class UploadRequest(Request):
    """Werkzeug's request, except that temporary files of a broken upload can be closed, too."""

    def __init__(self, environ: dict[str, Any]) -> None:
        super().__init__(environ)
        self._uploads: list[IO[bytes]] = []

    def _get_file_stream(self, *args: Any, **kwargs: Any) -> IO[bytes]:
        stream = super()._get_file_stream(*args, **kwargs)
        self._uploads.append(stream)
        return stream

    def close(self) -> None:
        """Close all uploaded files."""
        super().close()
        for stream in self._uploads:
            stream.close()


@dataclass
class Call:
    """One request, read but not yet answered.

    `number` counts from 1 over the life of the emulator. `body` is the whole body except for multipart routes, whose
    parts are in `files`. Handlers set `records` (how many the request or its reply carries) and may set `note`.
    """

    request: UploadRequest
    incoming: BoundedBody
    number: int
    body: bytes = b""
    records: int = 0
    note: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    route: str = "(no route)"

    @property
    def method(self) -> str:
        """GET, POST and so on, upper case."""
        return self.request.method

    @property
    def path(self) -> str:
        """The path as asked, without the query."""
        return self.request.path

    @property
    def headers(self) -> Headers:
        """The request's headers; names in any case."""
        return self.request.headers

    def json(self) -> Any:
        """The parsed body. Raises Refused(400) when it is not JSON."""
        return json_body(self.body)

    def file(self, part: str) -> BinaryIO:
        """The one uploaded file, from its start. Raises Refused(400) unless it is the only part and has this name."""
        files = list(self.request.files.items(multi=True))
        fields = [name for name, _ in self.request.form.items(multi=True)]
        if fields or [name for name, _ in files] != [part]:
            names = fields + [name for name, _ in files]
            raise Refused(400, f"The upload must have exactly one file part named '{part}', not {names}")
        stream = files[0][1].stream
        stream.seek(0)
        return cast(BinaryIO, stream)


@dataclass
class Reply:
    """What goes back: a body in hand, or an iterator of pieces that is written as it is made."""

    status: int = 200
    body: bytes | Iterator[bytes] = b""
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
        """A JSON reply."""
        return cls(status, orjson.dumps(value), {"Content-Type": "application/json", **(headers or {})})

    @classmethod
    def stream(cls, pieces: Iterator[bytes], content_type: str = "application/json") -> Reply:
        """A reply whose body is made while it is written; memory does not grow with its size."""
        return cls(200, pieces, {"Content-Type": content_type})

    def compressed(self) -> Reply:
        """The same reply gzip-compressed; small bodies stay as they are."""
        if isinstance(self.body, bytes) and len(self.body) < _COMPRESS_FROM_BYTES:
            return self
        headers = {**self.headers, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        if isinstance(self.body, bytes):
            return Reply(self.status, gzip.compress(self.body, _FASTEST), headers)
        return Reply(self.status, _gzip(self.body), headers)


Handler = Callable[[Call], Reply]


@dataclass(frozen=True)
class Route:
    """One vendor call. `path` in werkzeug's notation; a path that ends with / is also served without it.

    body: `json` (also without a Content-Type, as many clients send it), `multipart`, or `none`. `query`: the names the
    query string may have. `max_body_bytes` overrides the emulator's own limit; 0 is none.
    """

    method: str
    path: str
    handler: Handler
    body: str = "json"
    query: frozenset[str] = frozenset()
    max_body_bytes: int | None = None


def json_list(opening: bytes, items: Iterable[bytes], closing: bytes, piece_bytes: int = 64 * 1024) -> Iterator[bytes]:
    """JSON items joined by commas between `opening` and `closing`, in pieces of about `piece_bytes`."""
    piece = bytearray(opening)
    separator = b""
    for item in items:
        piece += separator
        piece += item
        separator = b","
        if len(piece) >= piece_bytes:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece) + closing


def json_lines(items: Iterable[bytes], piece_bytes: int = 64 * 1024) -> Iterator[bytes]:
    """JSON items, one per line, in pieces of about `piece_bytes`."""
    piece = bytearray()
    for item in items:
        piece += item
        piece += b"\n"
        if len(piece) >= piece_bytes:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)


def _gzip(pieces: Iterator[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(_FASTEST, zlib.DEFLATED, _GZIP_WINDOW)
    for piece in pieces:
        if packed := packer.compress(piece):
            yield packed
    yield packer.flush()
