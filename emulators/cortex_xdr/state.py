"""Everything one emulated Cortex XDR tenant remembers, by product area."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import orjson

from emulators.cortex_xdr.indicators import operator
from emulators.cortex_xdr.indicators.rows import dump_row
from emulators.cortex_xdr.indicators.rules import Rules
from emulators.cortex_xdr.options import XdrOptions
from emulators.kit import Database


class XdrState:
    """The tenant. `rules` holds its indicators; further product areas stand beside it."""

    def __init__(self, options: XdrOptions, now_ms: Callable[[], int], *, fresh: bool) -> None:
        """Opens `options.state`, or memory. Raises BadOption when the file cannot be used."""
        self._database = Database(options.state, "cortex_xdr", fresh=fresh)
        self._now_ms = now_ms
        self._settings = self._database.collection("settings")
        self.rules = Rules(self._database, now_ms, options.tenant_limit)

    def key(self, given: str | None) -> str:
        """The API key of the tenant: the one given, else the one kept, else a new one; kept from then on."""
        key = given or self._settings.get("api_key") or secrets.token_urlsafe(48)
        self._settings.put("api_key", key)
        return str(key)

    def dump(self) -> Iterator[bytes]:
        """One JSON document per rule, in order of id, deleted ones included."""
        return (orjson.dumps(dump_row(rule)) for rule in self.rules.all())

    def count(self) -> dict[str, Any]:
        """Rules by type, status and source."""
        return self.rules.count()

    def seed(self, payload: Any) -> dict[str, Any]:
        """See `operator.seed`."""
        return operator.seed(self.rules, payload, self._now_ms())

    def edit(self, payload: Any) -> dict[str, Any]:
        """See `operator.edit`."""
        return operator.edit(self.rules, payload)

    def close(self) -> None:
        """Close the database."""
        self._database.close()
