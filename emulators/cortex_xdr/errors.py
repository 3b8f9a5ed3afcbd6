"""Error replies in the shape of the Cortex XDR public API."""

from __future__ import annotations

from emulators.kit import Refused, Reply

_TEXTS = {
    400: "Bad request",
    401: "Public API request unauthorized",
    402: "Public API request refused: the license does not include this call",
    403: "Public API request forbidden: the role of this key does not allow it",
    404: "Not found",
    405: "Method not allowed",
    413: "Request body too large",
    429: "Too many requests",
    500: "An error occurred while processing XDR public API",
}


def error_reply(refused: Refused, *, wrapped: bool = True) -> Reply:
    """`{"err_code", "err_msg", "err_extra"}`, inside `reply` when `wrapped`, with the HTTP status of `refused`."""
    message = refused.message or _TEXTS.get(refused.status, "Request failed")
    body = {"err_code": refused.status, "err_msg": message, "err_extra": refused.extra}
    return Reply.json({"reply": body} if wrapped else body, refused.status)
