"""Orders to agents, and how they proceed with time. An action is one order per endpoint, under one id."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from emulators.cortex_xdr.endpoints.fleet import Fleet
from emulators.cortex_xdr.endpoints.machine import (
    CANCELED,
    CONNECTED,
    DONE,
    ENDS,
    IN_PROGRESS,
    ISOLATED,
    KINDS,
    PENDING,
    PENDING_RELEASE,
    UNISOLATED,
    WAITING,
    Kind,
    next_step,
    outcome,
)
from emulators.cortex_xdr.endpoints.records import Endpoint
from emulators.kit import Database

CONSOLE, PUBLIC_API = "console", "public API"

_TABLES = (
    """CREATE TABLE IF NOT EXISTS orders (
        action_id INTEGER NOT NULL, endpoint_id TEXT NOT NULL, kind TEXT NOT NULL, status TEXT NOT NULL, error TEXT,
        created INTEGER NOT NULL, changed INTEGER NOT NULL, due INTEGER, incident_id TEXT, source TEXT NOT NULL,
        ended INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (action_id, endpoint_id)) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS orders_due ON orders (due) WHERE due IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS orders_open ON orders (endpoint_id) WHERE NOT ended",
)
_PAGE = 1_000


@dataclass(frozen=True)
class Order:
    """One endpoint's part of an action. `due` is when the agent gets to its next step; None: it is not in touch, or
    the order has ended. Times are epoch ms."""

    action_id: int
    endpoint_id: str
    kind: str
    status: str
    error: str | None
    created: int
    changed: int
    due: int | None
    incident_id: str | None
    source: str

    @property
    def ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self.status in ENDS


_COLUMNS = tuple(spec.name for spec in fields(Order))


class Actions:
    """All orders of the tenant. Call `settle` before looking: time alone changes nothing here.

    An agent collects an order when it calls in and works on it for `work_ms`. An agent that is not in touch collects
    it when it is back. An endpoint has at most one order that has not ended.
    """

    def __init__(self, database: Database, fleet: Fleet, now_ms: Callable[[], int], work_ms: int) -> None:
        self._database = database
        self._connection = database.connection
        self._fleet = fleet
        self.now_ms = now_ms
        self._work_ms = work_ms
        for statement in _TABLES:
            self._connection.execute(statement)

    def settle(self) -> None:
        """Let everything happen that was due until now, in order of time."""
        query = "due <= ? ORDER BY due, action_id, endpoint_id LIMIT 1"
        while orders := self._select(query, self.now_ms()):
            with self._database.transaction():
                self._advance(orders[0], orders[0].due or 0)

    def place(self, kind: Kind, endpoints: Sequence[Endpoint], source: str, incident_id: str | None = None) -> int:
        """One action for these endpoints, which must be able to take it; returns its id."""
        now = self.now_ms()
        with self._database.transaction() as connection:
            (action_id,) = connection.execute("SELECT ifnull(max(action_id), 0) + 1 FROM orders").fetchone()
            for endpoint in endpoints:
                due = self._fleet.next_check_in(endpoint)
                order = Order(
                    action_id, endpoint.endpoint_id, kind.name, PENDING, None, now, now, due, incident_id, source
                )
                self._write(order)
                self._fleet.set_isolation(endpoint.endpoint_id, kind.waits, endpoint.isolated_date)
        return int(action_id)

    def of(self, action_id: int) -> list[Order]:
        """The orders of one action by endpoint id; none when there is no such action."""
        return self._select("action_id = ? ORDER BY endpoint_id", action_id)

    def all(self) -> Iterator[Order]:
        """Every order by action and endpoint, page by page."""
        place: tuple[int, str] = (0, "")
        query = f"(action_id, endpoint_id) > (?, ?) ORDER BY action_id, endpoint_id LIMIT {_PAGE}"
        while orders := self._select(query, *place):
            yield from orders
            place = (orders[-1].action_id, orders[-1].endpoint_id)

    def count(self) -> dict[str, Any]:
        """`actions`, and their orders by status."""
        (actions,) = self._connection.execute("SELECT count(DISTINCT action_id) FROM orders").fetchone()
        by_status = self._connection.execute("SELECT status, count(*) FROM orders GROUP BY 1 ORDER BY 1").fetchall()
        return {"actions": actions, "orders_by_status": dict(by_status)}

    def call_in(self, endpoint: Endpoint) -> None:
        """The agent is in touch now and does at once all that it was ordered; a deleted record is back."""
        now = self.now_ms()
        with self._database.transaction():
            self._fleet.set_status(endpoint.endpoint_id, CONNECTED, now, None)
            for order in self._open(endpoint.endpoint_id):
                while not order.ended:
                    order = self._advance(order, now)

    def set_connection(self, endpoint: Endpoint, status: str) -> None:
        """The agent comes back, and collects its orders now, or is out of touch. CONNECTED undoes a deletion."""
        now, back = self.now_ms(), status == CONNECTED
        last_seen, deleted = (now, None) if back else (endpoint.last_seen, endpoint.deleted_date)
        if back and endpoint.endpoint_status == CONNECTED:
            return
        with self._database.transaction():
            self._fleet.set_status(endpoint.endpoint_id, status, last_seen, deleted)
            for order in self._open(endpoint.endpoint_id):
                self._write(replace(order, due=now if back else None))

    def override(self, endpoint: Endpoint, is_isolated: str) -> None:
        """An analyst's hand: open orders are cancelled, and the record says `is_isolated`, whatever that is.

        A value that waits for the agent comes with an order from the console, so that it does not wait for ever.
        """
        now = self.now_ms()
        with self._database.transaction():
            for order in self._open(endpoint.endpoint_id):
                self._write(replace(order, status=CANCELED, changed=now, due=None))
            held = is_isolated in (ISOLATED, PENDING_RELEASE)
            endpoint = replace(endpoint, isolated_date=(endpoint.isolated_date or now) if held else None)
            self._fleet.set_isolation(endpoint.endpoint_id, is_isolated, endpoint.isolated_date)
            if is_isolated in WAITING:
                self.place(WAITING[is_isolated], [endpoint], CONSOLE)

    def set_status(self, order: Order, status: str, error: str | None) -> None:
        """What an operator or the agent makes of an open order; one of ENDS ends it, any other text is just shown."""
        now = self.now_ms()
        if status in ENDS:
            self._end(order, status, error, now)
            return
        due = now + self._work_ms if status == IN_PROGRESS and order.due is not None else order.due
        self._write(replace(order, status=status, error=error, changed=now, due=due))

    def _advance(self, order: Order, at: int) -> Order:
        endpoint = self._fleet.find(order.endpoint_id)
        assert endpoint is not None, "orders of records that are gone are never due"
        step = next_step(order.status, endpoint.order_result)
        if step not in ENDS:
            return self._write(replace(order, status=step, changed=at, due=at + self._work_ms))
        failed = step == endpoint.order_result and step not in DONE
        return self._end(order, step, endpoint.order_error if failed else None, at)

    def _end(self, order: Order, end: str, error: str | None, at: int) -> Order:
        endpoint = self._fleet.find(order.endpoint_id)
        is_isolated = outcome(KINDS[order.kind], end)
        if endpoint is not None:
            date = None if is_isolated == UNISOLATED else endpoint.isolated_date or at
            self._fleet.set_isolation(order.endpoint_id, is_isolated, date)
        return self._write(replace(order, status=end, error=error, changed=at, due=None))

    def _open(self, endpoint_id: str) -> list[Order]:
        return self._select("endpoint_id = ? AND NOT ended ORDER BY action_id", endpoint_id)

    def _select(self, where: str, *values: object) -> list[Order]:
        query = f"SELECT {', '.join(_COLUMNS)} FROM orders WHERE {where}"  # noqa: S608 - values are placeholders
        return [Order(*row) for row in self._connection.execute(query, values)]

    def _write(self, order: Order) -> Order:
        marks = ",".join("?" * (len(_COLUMNS) + 1))
        query = f"REPLACE INTO orders ({', '.join(_COLUMNS)}, ended) VALUES ({marks})"  # noqa: S608
        with self._database.transaction() as connection:
            connection.execute(query, (*(getattr(order, name) for name in _COLUMNS), order.ended))
        return order
