"""What feeds say about how entities belong together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from warroom.store.database import Database
from warroom.store.errors import StoreError

_NAMES = ("name", "entityA", "entityB")
_SEARCH = """
    select doc from relationships
    where :any or entity_a in (select value from json_each(:entities))
        or entity_b in (select value from json_each(:entities))
    order by entity_a, name, entity_b, instance_id limit :size offset :skip"""


def pack(relationships: Any, brand: str, instance_id: str) -> list[tuple[Any, ...]]:
    """Rows for `put` from a list of `{"name", "entityA", "entityB", ...}`. Raises StoreError for anything else."""
    if not relationships:
        return []
    if not isinstance(relationships, (list, tuple)):
        raise StoreError("relationships is not a list")
    return [_packed(one, brand, instance_id) for one in relationships]


def _packed(one: Any, brand: str, instance_id: str) -> tuple[Any, ...]:
    if not isinstance(one, Mapping) or not all(isinstance(one.get(name), str) and one[name] for name in _NAMES):
        raise StoreError(f"a relationship needs {', '.join(_NAMES)} as texts")
    try:
        doc = orjson.dumps({**one, "brand": brand, "instance": instance_id})
    except TypeError as error:
        raise StoreError(f"a relationship cannot be stored as JSON: {error}") from error
    return (one["name"], one["entityA"], one["entityB"], instance_id, doc)


class Relationships:
    """One record by name, both ends and instance."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Creates or replaces what `pack` made."""
        self._database.run_many("insert or replace into relationships values (?, ?, ?, ?, ?)", rows)

    def search(self, entities: Sequence[str] = (), *, size: int = 100, page: int = 0) -> list[dict[str, Any]]:
        """Those with one of the entities at either end, all without entities, in stable order."""
        values = {
            "any": not entities,
            "entities": orjson.dumps(list(entities)).decode(),
            "size": max(0, size),
            "skip": max(0, size * page),
        }
        return [orjson.loads(doc) for (doc,) in self._database.rows(_SEARCH, values)]
