"""Error replies in the shape of the server."""

from __future__ import annotations

from emulators.kit import Refused, Reply

_TITLES = {
    400: ("bad_request", "Bad request"),
    401: ("unauthorized", "Unauthorized"),
    403: ("forbidden", "Forbidden"),
    404: ("not_found", "Not found"),
    405: ("method_not_allowed", "Method not allowed"),
    409: ("optimistic_lock", "DB version conflict"),
    413: ("too_large", "Request body too large"),
    429: ("too_many_requests", "Too many requests"),
}


def error_reply(refused: Refused) -> Reply:
    """`{"id", "status", "title", "detail", "error", "encrypted", "multires"}` with the HTTP status of `refused`."""
    key, title = _TITLES.get(refused.status, ("internal_error", "Internal error"))
    body = {
        "id": key, "status": refused.status, "title": title, "detail": refused.message or title,
        "error": refused.message, "encrypted": False, "multires": None,
    }  # fmt: skip
    return Reply.json(body, refused.status)
