"""Everything the emulated sites remember: their sources, and since when each shows what it shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from emulators.kit import Database, Refused
from emulators.kit.strict import LIST, OBJECT, TEXT, Field, json_object
from emulators.news.options import NewsOptions
from emulators.news.sources import changed_source, checked_items, checked_name, new_source

_PUBLISH = {"source": Field(TEXT), "items": Field(LIST)}
_EDIT = {"publish": Field(OBJECT, required=False), "sources": Field(OBJECT, required=False)}


class NewsState:
    """Sources by name."""

    def __init__(self, options: NewsOptions, now: Callable[[], float], *, fresh: bool) -> None:
        """Opens `options.state`, or memory. Raises BadOption when the file cannot be used."""
        self._database = Database(options.state, "news", fresh=fresh)
        self._sources = self._database.collection("sources")
        self._now = now

    def source(self, name: str) -> dict[str, Any]:
        """A source, with `changed` in seconds since the epoch. Raises Refused(404)."""
        found: dict[str, Any] | None = self._sources.get(name)
        if found is None:
            raise Refused(404, f"there is no source '{name}'")
        return found

    def dump(self) -> Iterator[bytes]:
        """One line for each source."""
        for name, source in self._sources.items():
            yield orjson.dumps({"kind": "source", "name": name, "source": source})

    def count(self) -> dict[str, Any]:
        """Sources, and items in all of them."""
        return {
            "sources": len(self._sources),
            "items": sum(len(source["items"]) for _, source in self._sources.items()),
        }

    def seed(self, payload: Any) -> dict[str, Any]:
        """`{"sources": {name: source}}`: replaces those of the same name."""
        given = json_object(payload, {"sources": Field(OBJECT)})["sources"]
        with self._database.transaction():
            for name, value in given.items():
                self._put(checked_name(name), new_source(value, f"sources.{name}"))
        return self.count()

    def edit(self, payload: Any) -> dict[str, Any]:
        """`{"publish": {"source", "items"}}` adds items as the newest, `{"sources": {name: settings}}` changes some."""
        given = json_object(payload, _EDIT)
        if not given:
            raise Refused(400, "nothing to edit: give publish or sources")
        with self._database.transaction():
            if "publish" in given:
                self._publish(json_object(given["publish"], _PUBLISH, "publish"))
            for name, value in given.get("sources", {}).items():
                self._put(name, changed_source(self.source(name), value, f"sources.{name}"))
        return self.count()

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def _publish(self, given: dict[str, Any]) -> None:
        source = self.source(given["source"])
        items = checked_items(given["items"], "publish.items")
        self._put(given["source"], {**source, "items": [*source["items"], *items]})

    def _put(self, name: str, source: dict[str, Any]) -> None:
        self._sources.put(name, {**source, "changed": self._now()})
