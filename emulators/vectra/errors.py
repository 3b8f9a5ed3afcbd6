"""Error replies in all the shapes that Vectra is known to answer with."""

from __future__ import annotations

import html
from collections.abc import Callable

from emulators.kit import Refused, Reply

_TEXTS = {
    400: "Bad request.",
    401: "Invalid token.",
    403: "You do not have permission to perform this action.",
    404: "Not found.",
    405: "Method not allowed.",
    409: "Conflict.",
    413: "Request entity too large.",
    422: "Invalid query parameter.",
    429: "Request was throttled.",
    500: "Internal server error.",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Time-out",
}

_SHAPES: dict[str, Callable[[str], object]] = {
    "detail": lambda text: {"detail": text},
    "details": lambda text: {"details": text},
    "errors": lambda text: {"errors": [{"title": text}]},
    "meta": lambda text: {"_meta": {"level": "error", "message": text}},
}
_PLAIN: dict[str, tuple[str, str]] = {
    "text": ("text/plain", "{}"),
    "html": ("text/html", "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center></body></html>"),
}
SHAPES = (*_SHAPES, *_PLAIN)
_SHAPE_OF_STATUS = {400: "meta", 422: "errors", 502: "html", 503: "html", 504: "html"}


def error_reply(refused: Refused, *, rux: bool) -> Reply:
    """The reply for `refused`. A message `shape: text` asks for one of SHAPES; else the status decides.

    400 is `meta`, 422 is `errors`, gateway statuses are `html`, 401 is `details` on RUX; the rest is `detail`.
    An empty text is filled in.
    """
    shape, text = _split(refused.message)
    shape = shape or ("details" if refused.status == 401 and rux else _SHAPE_OF_STATUS.get(refused.status, "detail"))
    text = text or _TEXTS.get(refused.status, "Request failed.")
    if shape in _PLAIN:
        content_type, form = _PLAIN[shape]
        shown = form.format(html.escape(text) if shape == "html" else text)
        return Reply(refused.status, shown.encode(), {"Content-Type": content_type})
    return Reply.json(_SHAPES[shape](text), refused.status)


def _split(message: str) -> tuple[str, str]:
    before, colon, after = message.partition(":")
    return (before, after.strip()) if colon and before in SHAPES else ("", message)
