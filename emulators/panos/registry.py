"""The registered addresses of all devices: which tags each has, until when, and what a restart leaves of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from emulators.kit import Database

TAGS_PER_ADDRESS = 32
_SEPARATOR = "|"


class Place(NamedTuple):
    """Where a table is: one virtual system of one device."""

    serial: str
    vsys: str

    @property
    def key(self) -> str:
        return f"{self.serial}{_SEPARATOR}{self.vsys}{_SEPARATOR}"


@dataclass(frozen=True)
class Change:
    """One tag to put on an address, or to take off it. `timeout` in seconds, 0 is none."""

    action: str
    address: str
    tag: str
    persistent: bool = True
    timeout: int = 0


class Registered(NamedTuple):
    """One row: an address and its tags by name, with `until` (epoch seconds, 0 is for ever) and `persistent`."""

    address: str
    tags: dict[str, dict[str, Any]]


class Registry:
    """Rows by place and address. A change takes effect when it is due; call `settle` before looking."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now
        self._rows = database.collection("registered")
        self._queue = database.collection("queue")

    def rows(self, place: Place) -> list[Registered]:
        """The rows of one place, in order of address text."""
        found = ((key.rpartition(_SEPARATOR)[2], row) for key, row in self._rows.items() if key.startswith(place.key))
        return [Registered(address, row["tags"]) for address, row in found]

    def all(self) -> Iterator[tuple[Place, Registered]]:
        """Every row of every place."""
        for key, row in self._rows.items():
            serial, vsys, address = key.split(_SEPARATOR)
            yield Place(serial, vsys), Registered(address, row["tags"])

    def tags(self, place: Place, address: str) -> dict[str, dict[str, Any]]:
        """The tags of one address; empty when it is not registered."""
        row = self._rows.get(place.key + address)
        return dict(row["tags"]) if row else {}

    def tags_to_be(self, place: Place, address: str) -> set[str]:
        """The tags that one address has once everything that waits has taken effect: by these orders are answered."""
        tags = set(self.tags(place, address))
        for _, item in self._queue.items():
            change = Change(**item["change"])
            if Place(*item["place"]) == place and change.address == address:
                (tags.add if change.action == "register" else tags.discard)(change.tag)
        return tags

    def order(self, place: Place, changes: Sequence[Change], delay: float) -> None:
        """Let changes take effect after `delay` seconds, in the order they came."""
        due = self._now() + delay
        for number, change in enumerate(changes, len(self._queue)):
            key = f"{due:020.3f}{_SEPARATOR}{number:08}"
            self._queue.put(key, {"place": list(place), "change": vars(change), "due": due})
        self.settle()

    def settle(self, everything: bool = False) -> None:
        """Carry out what is due, or all that waits; drop tags whose time is over."""
        with self._database.transaction():
            for key, item in list(self._queue.items()):
                if everything or item["due"] <= self._now():
                    self._carry_out(Place(*item["place"]), Change(**item["change"]))
                    self._queue.remove(key)
            self._keep(lambda place, tag: not tag["until"] or tag["until"] > self._now())

    def restart(self, serial: str) -> None:
        """What a reboot does: tags that are not persistent are gone, and so is what had not taken effect."""
        for key, item in list(self._queue.items()):
            if item["place"][0] == serial:
                self._queue.remove(key)
        self._keep(lambda place, tag: place.serial != serial or tag["persistent"])

    def clear(self, serial: str) -> None:
        """What `clear registered-ip all` does on one device."""
        self._keep(lambda place, tag: place.serial != serial)

    def _carry_out(self, place: Place, change: Change) -> None:
        tags = self.tags(place, change.address)
        if change.action == "register":
            until = self._now() + change.timeout if change.timeout else 0
            tags[change.tag] = {"until": until, "persistent": change.persistent and not change.timeout}
        else:
            tags.pop(change.tag, None)
        self._write(place.key + change.address, tags)

    def _keep(self, wanted: Callable[[Place, dict[str, Any]], bool]) -> None:
        for place, row in list(self.all()):
            tags = {name: tag for name, tag in row.tags.items() if wanted(place, tag)}
            if len(tags) != len(row.tags):
                self._write(place.key + row.address, tags)

    def _write(self, key: str, tags: dict[str, Any]) -> None:
        if tags:
            self._rows.put(key, {"tags": tags})
        else:
            self._rows.remove(key)

    def count(self) -> int:
        """Addresses with at least one tag, over all places."""
        return len(self._rows)
