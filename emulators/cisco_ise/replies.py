"""Replies in the shapes of the two APIs: JSON and HTML of ERS, XML of MnT."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from emulators.kit import Refused, Reply

XML_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
NO_SESSION_CODE = 34110
_TEXTS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    413: "Request Entity Too Large",
    415: "Unsupported Media Type",
    429: "Too Many Requests",
    500: "Internal Server Error",
}


@dataclass(frozen=True)
class ErsFailure:
    """As `extra` of a Refused: the ERS operation that failed, such as `PUT-apply-ancendpoint`, and where."""

    operation: str
    href: str = ""


@dataclass(frozen=True)
class MntFailure:
    """As `extra` of a Refused: the kind of MnT look-up that failed, and what for."""

    kind: str
    asked: str


def error_reply(refused: Refused) -> Reply:
    """JSON for what ERS says itself, XML for what MnT says, an HTML page for what the web server in front says."""
    if isinstance(refused.extra, ErsFailure):
        return _ers_error(refused, refused.extra)
    if isinstance(refused.extra, MntFailure):
        return _mnt_error(refused, refused.extra)
    return _page(refused)


def _ers_error(refused: Refused, failure: ErsFailure) -> Reply:
    message = {"title": refused.message, "type": "ERROR", "code": "Application resource validation exception"}
    link = {"rel": "related", "href": failure.href, "type": "application/xml"}
    body = {"operation": failure.operation, "messages": [message], "link": link}
    return Reply.json({"ERSResponse": body}, refused.status)


def _mnt_error(refused: Refused, failure: MntFailure) -> Reply:
    rows = {
        "http-code": refused.status,
        "cpm-code": NO_SESSION_CODE,
        "description": "Server has encountered error while processing the REST request",
        "module-name": "MnT",
        "internal-error-info": refused.message,
        "requested-operation": "Get By Type",
        "resource-id": failure.asked,
        "resource-name": "N/A",
        "resource-type": failure.kind,
        "status": "SERVER_ERROR",
    }
    return xml_reply("<mnt-rest-result>", (tag(name, value) for name, value in rows.items()), refused.status)


def _page(refused: Refused) -> Reply:
    text = _TEXTS.get(refused.status, "Error")
    body = (
        f"<html><head><title>HTTP Status {refused.status} - {text}</title></head>"
        f"<body><h1>HTTP Status {refused.status} - {escape(refused.message or text)}</h1></body></html>"
    )
    return Reply(refused.status, body.encode(), {"Content-Type": "text/html;charset=utf-8"})


def tag(name: str, value: object) -> str:
    """One XML element with text; empty for None."""
    return "" if value is None else f"<{name}>{escape(str(value), quote=False)}</{name}>"


def xml_reply(opening: str, inside: Iterable[str], status: int = 200) -> Reply:
    """An XML document; `opening` is its first tag with attributes."""
    name = opening.strip("<>").split()[0]
    body = f"{XML_HEAD}{opening}{''.join(inside)}</{name}>"
    return Reply(status, body.encode(), {"Content-Type": "application/xml"})
