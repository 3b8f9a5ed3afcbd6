"""The vendor's error shape: `{"errors": ["..."]}`."""

from __future__ import annotations

from emulators.kit import Refused, Reply

_TEXTS = {
    400: "Bad Request",
    401: "Invalid API key",
    403: "You don't have permission to do that",
    404: "Not found",
    405: "Method not allowed",
    413: "Request entity too large",
    429: "API rate limit exceeded for organization",
    500: "Internal server error",
}


def error_reply(refused: Refused) -> Reply:
    """The reply for `refused`; gateway errors (502 to 504) are a page of HTML."""
    text = refused.message or _TEXTS.get(refused.status, "Request failed")
    if refused.status in (502, 503, 504):
        return Reply(
            refused.status, f"<html><body><h1>{text}</h1></body></html>".encode(), {"Content-Type": "text/html"}
        )
    return Reply.json({"errors": [text]}, refused.status)
