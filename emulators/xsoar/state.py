"""Everything that one emulated server remembers: indicators, when its search knows of them, the exclusion list."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from emulators.kit import Database, Refused
from emulators.kit.strict import LIST, OBJECT, TEXT, Field, json_object, text_list
from emulators.xsoar.options import XsoarOptions
from emulators.xsoar.records import checked, edited, new_record

_SEED = {"indicators": Field(LIST, required=False), "excluded": Field(LIST, required=False)}
_EDIT = {
    "value": Field(TEXT, required=False),
    "fields": Field(OBJECT, required=False),
    "delete": Field(TEXT, required=False),
    "exclude": Field(TEXT, required=False),
}
_SEED_INDICATOR = {
    "value": Field(TEXT), "type": Field(TEXT), "fields": Field(OBJECT, required=False, nullable=True),
}  # fmt: skip


class XsoarState:
    """Indicators by id. A document has the `record`, and what the search knows of it until `known_at`."""

    def __init__(self, options: XsoarOptions, now: Callable[[], float], *, fresh: bool) -> None:
        """Opens `options.state`, or memory. Raises BadOption when the file cannot be used."""
        self._database = Database(options.state, "xsoar", fresh=fresh)
        self._options = options
        self._now = now
        self._settings = self._database.collection("settings")
        self._documents = self._database.collection("indicators")
        self._excluded = self._database.collection("excluded")

    def key(self, given: str | None) -> str:
        """The API key of the server: the one given, else the one kept, else a new one; kept from then on."""
        key = given or self._settings.get("api_key") or secrets.token_urlsafe(48)
        self._settings.put("api_key", key)
        return str(key)

    def records(self) -> Iterator[dict[str, Any]]:
        """All records as they are, by id."""
        return (document["record"] for _, document in self._documents.items())

    def known(self) -> Iterator[dict[str, Any]]:
        """What the search knows at this moment."""
        for _, document in self._documents.items():
            seen = document["record"] if self._now() >= document["known_at"] else document["was"]
            if seen is not None:
                yield seen

    def with_value(self, value: str) -> dict[str, Any] | None:
        """The record of a value, in small or capital letters."""
        return next((one for one in self.records() if one["value"].casefold() == value.casefold()), None)

    def is_excluded(self, value: str) -> bool:
        """Is the value on the exclusion list?"""
        return self._excluded.get(value.casefold()) is not None

    def make(self, given: Mapping[str, Any], *, seeded: bool = False) -> dict[str, Any]:
        """Stores a new record. The search knows a seeded one at once."""
        number = int(self._settings.get("last_id") or 0) + 1
        with self._database.transaction():
            self._settings.put("last_id", number)
            record = new_record(given, str(number), self._moment())
            self._put(record, None, 0.0 if seeded else self._options.index_lag)
        return record

    def change(self, given: Mapping[str, Any], *, keep: bool, seeded: bool = False) -> dict[str, Any]:
        """Stores an edit. Raises Refused: 404 without such a record, 409 or 400 for an old version."""
        document = self._documents.get(str(given.get("id")))
        if document is None:
            raise Refused(404, f"indicator {given.get('id')} does not exist")
        old = document["record"]
        if given.get("version") not in (-1, old["version"]):
            told = f"DB Version {given.get('version')} of indicator {old['id']} is not the latest, {old['version']}"
            raise Refused(self._options.stale, told)
        record = edited(old, given, self._moment(), keep=keep)
        late = self._options.index_lag if self._options.lagging == "all" and not seeded else 0.0
        seen = old if self._now() >= document["known_at"] else document["was"]
        with self._database.transaction():
            self._put(record, seen, max(late, document["known_at"] - self._now()))
        return record

    def dump(self) -> Iterator[bytes]:
        """One line for each record and each excluded value."""
        records = ({"kind": "indicator", **record} for record in self.records())
        excluded = ({"kind": "excluded", "value": value} for value, _ in self._excluded.items())
        return map(orjson.dumps, itertools.chain(records, excluded))

    def count(self) -> dict[str, Any]:
        """How many records, and excluded values."""
        return {"indicators": len(self._documents), "excluded": len(self._excluded)}

    def seed(self, payload: Any) -> dict[str, Any]:
        """`{"indicators": [{"value", "type", "fields"}], "excluded": [value]}`."""
        given = json_object(payload, _SEED, "seed")
        with self._database.transaction():
            for place, item in enumerate(given.get("indicators", [])):
                self._seed(json_object(item, _SEED_INDICATOR, f"indicators[{place}]"))
            for value in text_list(given.get("excluded", []), "excluded"):
                self._excluded.put(value.casefold(), {"value": value})
        return self.count()

    def edit(self, payload: Any) -> dict[str, Any]:
        """`{"value", "fields"}` sets custom fields of a record, `{"delete": value}`, `{"exclude": value}`."""
        given = json_object(payload, _EDIT, "edit")
        with self._database.transaction():
            if "value" in given:
                record = self._must_find(given["value"])
                change = {"id": record["id"], "version": -1, "CustomFields": given.get("fields", {})}
                checked({"value": record["value"], "indicator_type": "x", **change}, "edit")
                self.change(change, keep=True, seeded=True)
            if "delete" in given:
                self._documents.remove(self._must_find(given["delete"])["id"])
            if "exclude" in given:
                self._excluded.put(given["exclude"].casefold(), {"value": given["exclude"]})
        return self.count()

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def _seed(self, item: Mapping[str, Any]) -> None:
        fields = item.get("fields", {})
        record = {"value": item["value"], "indicator_type": item["type"], "CustomFields": fields}
        made = self.make(checked(record, "indicators"), seeded=True)
        if fields is None:  # as some records have it that were made by other means
            self._documents.put(made["id"], {"record": {**made, "CustomFields": None}, "was": None, "known_at": 0.0})

    def _must_find(self, value: str) -> dict[str, Any]:
        record = self.with_value(value)
        if record is None:
            raise Refused(404, f"there is no record '{value}'")
        return record

    def _put(self, record: Mapping[str, Any], was: Mapping[str, Any] | None, late: float) -> None:
        known_at = self._now() + late if late > 0 else 0.0
        self._documents.put(str(record["id"]), {"record": record, "was": was, "known_at": known_at})

    def _moment(self) -> float:
        """Now, and later than every change before: the search goes on from the latest one."""
        last = float(self._settings.get("last_moment") or 0)
        moment = max(self._now(), last + 0.000_01)
        self._settings.put("last_moment", moment)
        return moment


def sort_values(record: Mapping[str, Any]) -> list[str]:
    """Where a record stands in the order of the search."""
    return [str(record["modified"]), str(record["id"]).zfill(12)]
