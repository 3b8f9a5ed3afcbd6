"""A client of the XML API, and emulators that stop with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import pytest
import requests

from emulators.panos import Panos, running

NOW = 1_800_000_000.0


def message(action: str, *entries: tuple[str, list[str]], timeout: str = "", **attributes: str) -> str:
    """A uid-message with one entry for each (address, tags)."""
    root = Element("uid-message")
    SubElement(root, "version").text = "1.0"
    SubElement(root, "type").text = "update"
    section = SubElement(SubElement(root, "payload"), action)
    for address, tags in entries:
        entry = SubElement(section, "entry", {"ip": address, **attributes})
        listed = SubElement(entry, "tag")
        for tag in tags:
            SubElement(listed, "member", {"timeout": timeout} if timeout else {}).text = tag
    return ElementTree.tostring(root, encoding="unicode")


def show(inside: str) -> str:
    """The command that shows registered addresses."""
    return f"<show><object><registered-ip>{inside}</registered-ip></object></show>"


@dataclass
class Client:
    """Calls one emulator the way a good client does; every answer is parsed."""

    emulator: Panos
    http: requests.Session

    def raw(self, form: Any, key: str | None = None, **more: Any) -> requests.Response:
        """One call; the form as it is."""
        headers = {"X-PAN-KEY": self.emulator.api_key if key is None else key}
        return self.http.post(self.emulator.url + "/api/", data=form, headers=headers, timeout=5, **more)

    def call(self, kind: str, command: str, **more: str) -> Element:
        """One call; the root of the answer."""
        reply = self.raw({"type": kind, "cmd": command, **more})
        assert reply.status_code == 200, reply.text
        return ElementTree.fromstring(reply.text)

    def change(self, action: str, address: str, *tags: str, timeout: str = "", **more: str) -> Element:
        """Register or unregister tags of one address."""
        attributes = {"persistent": more.pop("persistent")} if "persistent" in more else {}
        return self.call("user-id", message(action, (address, list(tags)), timeout=timeout, **attributes), **more)

    def tags(self, inside: str = "<all/>", **more: str) -> dict[str, list[str]]:
        """Tags by address, of a command that must be good."""
        root = self.call("op", show(inside), **more)
        assert root.get("status") == "success", ElementTree.tostring(root)
        rows = root.findall("result/entry")
        return {str(row.get("ip")): [str(one.text) for one in row.findall("tag/member")] for row in rows}

    def edit(self, **change: Any) -> Any:
        """The side door's edit."""
        return self.http.post(f"{self.emulator.admin}/edit", json=change, timeout=5)


def problems(root: Element) -> list[tuple[str | None, str | None]]:
    """(address, message) of the entries that were not carried out."""
    return [(one.get("ip"), one.get("message")) for one in root.iter("entry") if one.get("message")]


def error(root: Element) -> tuple[str | None, str]:
    """Code and text of an error."""
    assert root.get("status") == "error"
    return root.get("code"), "".join(root.itertext())


Start = Callable[..., Client]


@pytest.fixture
def panos() -> Iterator[Start]:
    """Starts emulators: `panos(version="9.1.0")` gives a client; the clock stands."""
    with ExitStack() as stack:

        def start(**options: Any) -> Client:
            emulator = stack.enter_context(running(clock=lambda: NOW, **options))
            return Client(emulator, stack.enter_context(requests.Session()))

        yield start
