"""Everything one emulated Cortex XDR tenant remembers, by product area."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import orjson

from emulators.cortex_xdr.endpoints.actions import Actions
from emulators.cortex_xdr.endpoints.fleet import Fleet
from emulators.cortex_xdr.endpoints.operator import SEED, Console
from emulators.cortex_xdr.indicators import operator
from emulators.cortex_xdr.indicators.rows import dump_row
from emulators.cortex_xdr.indicators.rules import Rules
from emulators.cortex_xdr.options import XdrOptions
from emulators.kit import Database


class XdrState:
    """The tenant: `rules` are its indicators, `fleet` its endpoints, `actions` the orders to their agents."""

    def __init__(self, options: XdrOptions, now_ms: Callable[[], int], *, fresh: bool) -> None:
        """Opens `options.state`, or memory. Raises BadOption when the file cannot be used."""
        self._database = Database(options.state, "cortex_xdr", fresh=fresh)
        self._now_ms = now_ms
        self._settings = self._database.collection("settings")
        self.rules = Rules(self._database, now_ms, options.tenant_limit)
        self.fleet = Fleet(self._database, now_ms, round(options.check_in_seconds * 1000))
        self.actions = Actions(self._database, self.fleet, now_ms, round(options.work_seconds * 1000))
        self._console = Console(self.fleet, self.actions)

    def key(self, given: str | None) -> str:
        """The API key of the tenant: the one given, else the one kept, else a new one; kept from then on."""
        key = given or self._settings.get("api_key") or secrets.token_urlsafe(48)
        self._settings.put("api_key", key)
        return str(key)

    def dump(self) -> Iterator[bytes]:
        """One JSON document per rule, then per endpoint, then per order to an agent; deleted ones included."""
        self.actions.settle()
        rules = (dump_row(rule) for rule in self.rules.all())
        endpoints = ({"kind": "endpoint", **vars(endpoint)} for endpoint in self.fleet.all(deleted=True))
        orders = ({**vars(order), "order": order.kind, "kind": "action"} for order in self.actions.all())
        return map(orjson.dumps, itertools.chain(rules, endpoints, orders))

    def count(self) -> dict[str, Any]:
        """Rules by type, status and source; endpoints by status and isolation; orders by status."""
        self.actions.settle()
        return {**self.rules.count(), **self.fleet.count(), **self.actions.count()}

    def seed(self, payload: Any) -> dict[str, Any]:
        """See `indicators.operator.seed` and `Console.seed`: `{"rules": living}`, with `endpoints` if some came."""
        self.actions.settle()
        body = payload if isinstance(payload, dict) else {}
        for_endpoints = {name: value for name, value in body.items() if name in SEED}
        others = {name: value for name, value in body.items() if name not in SEED}
        with self.rules.change():
            self._console.seed(for_endpoints, self._now_ms())
            rules = operator.seed(self.rules, others if for_endpoints else payload, self._now_ms())
        return {**rules, "endpoints": self.fleet.total(())} if for_endpoints else rules

    def edit(self, payload: Any) -> dict[str, Any]:
        """One edit or a list of them, of rules, endpoints and actions; all or none: `{"edited": n}`."""
        self.actions.settle()
        edits = payload if isinstance(payload, list) else [payload]
        with self.rules.change():
            for one in edits:
                if isinstance(one, dict) and not one.keys().isdisjoint(("endpoint_id", "action_id")):
                    self._console.edit(one)
                else:
                    operator.edit(self.rules, one)
        return {"edited": len(edits)}

    def close(self) -> None:
        """Close the database."""
        self._database.close()
