"""XML in and out: reading that takes no declarations, and replies as PAN-OS writes them."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from emulators.kit import Refused, Reply

INVALID_CREDENTIAL = "Invalid Credential"
BAD_REQUEST, FORBIDDEN, NOT_FOUND, INVALID_COMMAND, MALFORMED = 400, 403, 13, 17, 18


def refuse(code: int, text: str, note: str = "") -> Refused:
    """A refusal with an error code of the XML API; its HTTP status is decided by the options."""
    return Refused(200, text, extra=code, note=note or text)


def parsed(text: str) -> Element:
    """The document. Raises Refused (18) for what is not XML, or declares a document type or entities."""
    try:
        if "<!" in text:
            raise refuse(MALFORMED, "Malformed Request: declarations are not allowed")
        return ElementTree.fromstring(text)  # noqa: S314 - without declarations nothing can be expanded or fetched
    except ElementTree.ParseError as error:
        raise refuse(MALFORMED, f"Malformed Request: {error}") from None


def reply(root: Element, status: int = 200) -> Reply:
    """The document as a reply."""
    body = ElementTree.tostring(root, encoding="utf-8")
    return Reply(status, body, {"Content-Type": "application/xml; charset=UTF-8"})


def success(result: Element) -> Reply:
    """`result` in the envelope of a success."""
    root = Element("response", status="success")
    root.append(result)
    return reply(root)


def error_document(code: int, text: str) -> Element:
    """An error with a code. Those of the front door have their text in `result/msg`, the others in `msg/line`."""
    root = Element("response", status="error", code=str(code))
    if code in (BAD_REQUEST, FORBIDDEN):
        SubElement(SubElement(root, "result"), "msg").text = text
    else:
        SubElement(SubElement(root, "msg"), "line").text = text
    return root


def only(parent: Element, known: Iterable[str], where: str) -> None:
    """Raises Refused (17) for a child element that is not one of `known`, or for text where none belongs."""
    allowed = set(known)
    for child in parent:
        if child.tag not in allowed:
            raise refuse(INVALID_COMMAND, f"{where} -> {child.tag} is unexpected")
    if allowed and (parent.text or "").strip():
        raise refuse(INVALID_COMMAND, f"{where} has text where none belongs")


def attributes(element: Element, known: Iterable[str], where: str) -> None:
    """Raises Refused (17) for an attribute that is not one of `known`."""
    unknown = sorted(set(element.attrib) - set(known))
    if unknown:
        raise refuse(INVALID_COMMAND, f"{where} has unexpected attributes: {', '.join(unknown)}")
