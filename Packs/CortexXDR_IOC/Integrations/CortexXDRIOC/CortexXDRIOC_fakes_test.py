"""XSOAR, Cortex XDR and the world around them in memory, for the suites beside this file. Holds no tests."""

import copy
import io
import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import IO, Any

import requests
from CortexXDRIOC import (
    IOC_BRAND,
    RULES_PAGE,
    STATE_VERSION,
    VERSIONED_STATE_KEY,
    ContextPort,
    HttpRetry,
    HttpTiming,
    IndicatorClient,
    InsertReply,
    Settings,
    Sync,
    VersionedState,
    XDRKey,
    XDRRetryError,
    XsoarServer,
    epoch_ms,
    instant_ns,
    new_state,
    settings_from_params,
)

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
INSTANCE_ID = "own-instance"
MEMORY_FIELD = "xdriocstate"
SEVERITY_CODE = {
    "INFO": "SEV_010_INFO",
    "LOW": "SEV_020_LOW",
    "MEDIUM": "SEV_030_MEDIUM",
    "HIGH": "SEV_040_HIGH",
    "CRITICAL": "SEV_050_CRITICAL",
}
ROW_KEY = {
    "severity": "RULE_SEVERITY",
    "comment": "RULE_COMMENT",
    "status": "RULE_STATUS",
    "reputation": "REPUTATION",
    "expiration_date": "RULE_EXPIRATION_TIME",
    "class": "KLASS",
    "reliability": "RELIABILITY",
    "hits": "NUMBER_OF_HITS",
}


class Killed(BaseException):
    """The process ended here, as by kill -9."""


class WarRoom:
    """`demisto` as `main` meets it on a server, whichever mock is on the search path: what was returned and logged is
    kept, and the context has versions.
    """

    def __init__(self, replace: Callable[[str, Any], None]) -> None:
        """`replace(name, function)` puts a function into `demisto`."""
        self.results: list[Any] = []
        self.logs: list[str] = []
        self.context: dict[str, Any] = {}
        self.version = 0
        for name in ("debug", "info", "error", "log"):
            replace(name, lambda *words: self.logs.append(" ".join(map(str, words))))
        replace("results", self.results.append)
        replace("demistoVersion", lambda: {"version": "8.8.0", "buildNumber": "1", "platform": "xsoar"})
        replace(
            "getIntegrationContextVersioned", lambda refresh=False: {"context": self.context, "version": self.version}
        )
        replace("setIntegrationContextVersioned", self.write)

    def write(self, context: dict[str, Any], version: Any, sync: bool = False) -> None:
        if version != self.version:
            raise ValueError("stale")
        self.context, self.version = context, self.version + 1


class Clock:
    """Time that moves only when told to; `sleep` moves it. `monotonic` and the calendar run together."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.lock = threading.Lock()
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        with self.lock:
            self.slept.append(seconds)
            self.seconds += seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds

    def iso(self) -> str:
        return (START + timedelta(seconds=self.seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def timing(self) -> HttpTiming:
        start = START.timestamp()
        return HttpTiming(lambda: start + self.seconds, lambda: self.seconds, self.sleep, lambda: 0.0)


class Wire:
    """Counts every call that crosses the border of the process and ends the process at the call asked for."""

    def __init__(self) -> None:
        self.calls = 0
        self.names: list[str] = []
        self.kill_at: int | None = None
        self.lock = threading.Lock()

    def step(self, name: str) -> None:
        """Called right before and right after each effect. Once dead, everything is."""
        with self.lock:
            if self.kill_at is not None and self.calls >= self.kill_at:
                raise Killed(name)
            self.calls += 1
            self.names.append(name)


class FakeXsoar:
    """The indicators of a server and the integration context of one of its instances.

    Understands the pieces of a query that the sync writes: bounds of `modified`, lists of `value:"..."` and of the two
    fields with hashes, and the Sync Query, also negated, which stands for `matches`; `queries` tells what others find.
    `modified` moves only on real change, and always forward.
    """

    def __init__(self, clock: Clock, wire: Wire | None = None) -> None:
        self.clock = clock
        self.wire = wire or Wire()
        self.docs: dict[str, dict[str, Any]] = {}
        self.added = 0
        self.hidden: set[str] = set()
        self.matches: Callable[[Mapping[str, Any]], bool] = lambda doc: doc["score"] == 3
        self.queries: dict[str, Callable[[Mapping[str, Any]], bool]] = {
            "tags:keep": lambda doc: "keep" in doc["CustomFields"].get("tags", [])
        }
        self.gives_position = True
        self.context: dict[str, Any] = {}
        self.version = 0
        self.searches: list[dict[str, Any]] = []
        self.created: list[dict[str, Any]] = []
        self.logs: list[str] = []
        self.create_fails: list[Exception] = []
        self.instance = INSTANCE_ID

    def beside(self, instance: str) -> "FakeXsoar":
        """The same server as another instance of the integration sees it."""
        other = FakeXsoar(self.clock, Wire())
        other.docs, other.hidden, other.instance = self.docs, self.hidden, instance
        other.matches = self.matches
        return other

    # -- what people and feeds do

    def add(self, value: str, kind: str = "IP", tick: float = 0.001, **more: Any) -> dict[str, Any]:
        """An indicator from some feed."""
        self.clock.advance(tick)
        self.added += 1
        number = self.added
        doc = {
            "id": f"{number:05}",
            "value": value,
            "indicator_type": kind,
            "score": 3,
            "expiration": "0001-01-01T00:00:00Z",
            "modified": self.clock.iso(),
            "manualScore": False,
            "manuallyEditedFields": [],
            "comments": [],
            "moduleToFeedMap": {},
            "CustomFields": {},
            **more,
        }
        self.docs[str(doc["id"])] = doc
        return doc

    def by_value(self, value: str) -> dict[str, Any]:
        return next(doc for doc in self.docs.values() if doc["value"].lower() == value.lower())

    def feed(self, value: str, **fields: Any) -> None:
        """Another source sets custom fields, `score` or `expiration`; fields set by hand stay."""
        self._change(value, fields, manual=False)

    def edit(self, value: str, **fields: Any) -> None:
        """A person sets custom fields, `score`, `expiration` or adds a comment; feeds do not change these any more."""
        self._change(value, fields, manual=True)

    def _change(self, value: str, fields: Mapping[str, Any], manual: bool) -> None:
        doc = self.by_value(value)
        before = copy.deepcopy(doc)
        for name, content in fields.items():
            if not manual and name in doc["manuallyEditedFields"]:
                continue
            if name == "comments":
                entry = {"type": "IndicatorCommentRegular", "content": content}
                doc["comments"] = [*(doc["comments"] or []), entry]
            elif name in ("score", "expiration"):
                doc[name] = content
                doc["manualScore"] = doc["manualScore"] or (manual and name == "score")
            else:
                doc["CustomFields"] = {**(doc["CustomFields"] or {}), name: content}
            if manual and name not in doc["manuallyEditedFields"]:
                doc["manuallyEditedFields"] = [*doc["manuallyEditedFields"], name]
        self._moved(doc, before)

    def _moved(self, doc: dict[str, Any], before: Mapping[str, Any]) -> None:
        if doc != before:
            self.clock.advance(0.001)
            doc["modified"] = self.clock.iso()

    # -- what the integration sees

    def server(self) -> XsoarServer:
        return XsoarServer(self.search, self.create, self.logs.append)

    def search(
        self,
        query: str = "",
        size: int = 100,
        sort: Sequence[Mapping[str, Any]] = (),
        searchAfter: list[Any] | None = None,  # noqa: N803 - the name is the server's
        value: str = "",
        populateFields: str = "",  # noqa: N803 - the name is the server's
    ) -> dict[str, Any]:
        self.wire.step("search")
        asked = {"query": query, "size": size, "sort": sort, "after": searchAfter, "value": value}
        self.searches.append(asked)
        found = [doc for doc in self.docs.values() if doc["id"] not in self.hidden and self._fits(doc, query, value)]
        ascending = not sort or bool(sort[0]["asc"])
        found.sort(key=_order, reverse=not ascending)
        total = len(found)
        if searchAfter:
            at = (instant_ns(searchAfter[0]), searchAfter[1])
            found = [doc for doc in found if (_order(doc) > at if ascending else _order(doc) < at)]
        page = copy.deepcopy(found[:size])
        after = [page[-1].get("modified"), page[-1]["id"]] if page and self.gives_position else None
        return {"iocs": page or None, "total": total, "searchAfter": after}

    def _fits(self, doc: Mapping[str, Any], query: str, value: str) -> bool:
        if value:
            return bool(doc["value"].lower() == value.lower())
        assert query, "a search without a query finds everything"
        if wanted := _values_of(query):
            known = {"value": doc["value"], **(doc["CustomFields"] or {})}
            found = wanted & {(name, str(known.get(name)).lower()) for name in ("value", "sha256", "md5")}
            return bool(found) and self._found(doc, query)
        for name, one in re.findall(r"\) and (type|reputation):(\w+)$", query):
            held = doc["indicator_type"] if name == "type" else {1: "Good", 2: "Suspicious", 3: "Bad"}.get(doc["score"])
            if held != one:
                return False
        moment = _order(doc)[0]
        for sign, bound in re.findall(r"modified:(>=|<)(\S+)", query):
            if moment < instant_ns(bound) if sign == ">=" else moment >= instant_ns(bound):
                return False
        return self._found(doc, query)

    def _found(self, doc: Mapping[str, Any], query: str) -> bool:
        for text, finds in self.queries.items():
            if f"({text})" in query:
                return finds(doc)
        if "-(expirationStatus" in query:
            return not self.matches(doc)
        return "expirationStatus" not in query or self.matches(doc)

    def create(self, items: list[dict[str, Any]]) -> None:
        self.wire.step("create")
        if self.create_fails:
            raise self.create_fails.pop()
        for item in items:
            self.created.append(copy.deepcopy(item))
            self._merge(item)
        self.wire.step("created")

    def _merge(self, item: dict[str, Any]) -> None:
        known = [doc for doc in self.docs.values() if doc["value"].lower() == item["value"].lower()]
        doc = known[0] if known else self.add(item["value"], item["type"], score=item["score"])
        before = copy.deepcopy(doc)
        fields = dict(item["fields"])
        expiration = fields.pop("expirationdate", None)
        entry = {"sourceBrand": IOC_BRAND, "score": item["score"], "reliability": "A - Completely reliable"}
        entry["sourceInstance"] = self.instance
        doc["moduleToFeedMap"] = {**(doc["moduleToFeedMap"] or {}), self.instance: entry}
        if expiration and "expiration" not in doc["manuallyEditedFields"]:
            doc["expiration"] = expiration
        if not doc["manualScore"]:
            doc["score"] = max(item["score"], before["score"])
        custom = dict(doc["CustomFields"] or {})
        for name, content in fields.items():
            if name == "tags":
                custom["tags"] = list(dict.fromkeys([*custom.get("tags", []), *content]))
            elif name not in doc["manuallyEditedFields"]:
                custom[name] = content
        doc["CustomFields"] = custom
        if known:
            self._moved(doc, before)

    def port(self) -> ContextPort:
        return ContextPort(self.read, self.write)

    def read(self) -> dict[str, Any]:
        self.wire.step("read")
        return {"context": copy.deepcopy(self.context), "version": self.version}

    def write(self, context: dict[str, Any], version: Any) -> None:
        self.wire.step("write")
        if version != self.version:
            raise ValueError(f"version {version} is stale")
        self.context, self.version = copy.deepcopy(context), self.version + 1
        self.wire.step("written")

    def state(self) -> dict[str, Any]:
        """The stored state of the integration."""
        found: dict[str, Any] = json.loads(self.context[VERSIONED_STATE_KEY])
        return found


@lru_cache(maxsize=4)
def _values_of(query: str) -> frozenset[tuple[str, str]]:
    """The values and hashes that a query asks for, in lower case, with their fields."""
    terms = re.findall(r'(value|sha256|md5):"((?:[^"\\]|\\.)*)"', query)
    return frozenset((name, re.sub(r"\\(.)", r"\1", one).lower()) for name, one in terms)


def _order(doc: Mapping[str, Any]) -> tuple[int, str]:
    try:
        return instant_ns(doc["modified"]), doc["id"]
    except (KeyError, TypeError, ValueError):
        return 2**62, doc["id"]


class Rows:
    """A `get_changes` reply that was read."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def windows(self, size: int = 3) -> Iterator[list[dict[str, Any]]]:
        times = sorted({row["RULE_MODIFY_TIME"] for row in self.rows})
        for start in range(0, len(times), size):
            some = set(times[start : start + size])
            yield sorted((r for r in self.rows if r["RULE_MODIFY_TIME"] in some), key=lambda r: r["RULE_MODIFY_TIME"])

    def close(self) -> None:
        """Nothing is open."""


class FakeXdr:
    """The IOCs of a tenant, with the calls that the sync makes of its client.

    An insert that says nothing about status or comment leaves them as they are. `shows_own` tells whether
    `get_changes` has what this integration wrote.
    """

    def __init__(self, clock: Clock, wire: Wire | None = None, shows_own: bool = False) -> None:
        self.clock = clock
        self.wire = wire or Wire()
        self.shows_own = shows_own
        self.rules: dict[str, dict[str, Any]] = {}
        self.own: set[str] = set()
        self.refuses: dict[str, str] = {}
        self.insert_fails: list[Exception] = []
        self.changes_fail: list[Exception] = []
        self.requests: list[tuple[str, Any]] = []
        self.key = XDRKey("1", "secret", "advanced")
        self.last_ms = 0
        self.retry = HttpRetry(1e9, timing=clock.timing())
        self.lock = threading.Lock()

    def arrive(self, name: str) -> None:
        """A request comes in."""
        self.wire.step(name)
        self.retry.pacer.wait()

    def _stamp(self) -> int:
        now = int((START.timestamp() + self.clock.seconds) * 1000)
        self.last_ms = max(now, self.last_ms + 1)
        return self.last_ms

    def _write(self, value: str, changes: Mapping[str, Any], own: bool) -> None:
        fresh: dict[str, Any] = {"status": "ENABLED", "comment": "", "class": "", "reliability": ""}
        fresh |= {"expiration_date": -1, "source": "operator"}
        rule = self.rules.get(value) or {}
        kept = {} if rule.get("deleted") else rule
        self.rules[value] = {**fresh, **kept, **changes, "indicator": value, "t": self._stamp()}
        (self.own.add if own else self.own.discard)(value)

    # -- what operators do

    def operate(self, value: str, kind: str = "IP", **changes: Any) -> None:
        """An operator adds, changes or (`deleted=True`) deletes an IOC."""
        new = {} if self.lives(value) else {"type": kind, "severity": "HIGH", "reputation": "BAD"}
        self._write(value, {**new, **changes}, own=False)

    def lives(self, value: str) -> bool:
        """Is there a rule of this value that is not deleted?"""
        return value in self.rules and not self.rules[value].get("deleted")

    # -- the calls

    def insert(self, records: Sequence[Mapping[str, Any]]) -> InsertReply:
        self.arrive("insert")
        with self.lock:
            self.requests.append(("insert", copy.deepcopy(list(records))))
            if self.insert_fails:
                raise self.insert_fails.pop(0)
            errors = []
            for record in records:
                value = record["indicator"]
                if value in self.refuses:
                    errors.append((value, self.refuses[value]))
                    continue
                changes = {k: v for k, v in record.items() if k not in ("indicator", "vendors")}
                changes["source"] = "XSOAR TIM"
                expiration = changes["expiration_date"]
                if expiration is not None and 0 < expiration <= (START.timestamp() + self.clock.seconds) * 1000:
                    errors.append((value, "expiration date cannot be in the past"))
                    continue
                changes["expiration_date"] = -1 if expiration is None else expiration
                if "comment" in changes:
                    changes["comment"] = ", ".join(changes["comment"])
                self._write(value, changes, own=True)
        self.wire.step("inserted")
        return InsertReply(errors)

    def set_status(self, values: Sequence[str], enabled: bool) -> None:
        self.arrive("status")
        with self.lock:
            self.requests.append(("enable" if enabled else "disable", list(values)))
            for value in values:
                if self.lives(value):
                    self._write(value, {"status": "ENABLED" if enabled else "DISABLED"}, own=True)
        self.wire.step("status set")

    def changes(self, since_ms: int) -> Rows:
        self.arrive("changes")
        self.requests.append(("changes", since_ms))
        if self.changes_fail:
            raise self.changes_fail.pop(0)
        shown = (rule for v, rule in self.rules.items() if self.shows_own or v not in self.own)
        return Rows([self.row(rule) for rule in shown if rule["t"] >= since_ms][::-1])

    def read_back(self, start: int = 0, values: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """The living rules in order of value or, with `values`, those; as `get` shows them."""
        self.arrive("get")
        found = [rule for _, rule in sorted(self.rules.items()) if not rule.get("deleted")]
        found = [rule for rule in found if values is None or rule["indicator"] in values]
        return [self.shown(rule) for rule in found[start : start + RULES_PAGE]]

    def with_hits(self, start: int, count: int) -> list[dict[str, Any]]:
        """The living rules with hits in order of value."""
        self.arrive("get")
        found = [rule for _, rule in sorted(self.rules.items()) if rule.get("hits") and not rule.get("deleted")]
        return [self.shown(rule) for rule in found[start : start + count]]

    def delete(self, value: str) -> bool:
        self.arrive("delete")
        with self.lock:
            self.requests.append(("delete", value))
            found = self.lives(value)
            if found:
                self._write(value, {"deleted": True}, own=True)
        self.wire.step("deleted")
        return found

    @staticmethod
    def shown(rule: Mapping[str, Any]) -> dict[str, Any]:
        names = ("indicator", "type", "status", "comment", "expiration_date", "reputation", "reliability")
        return {
            **{name: rule[name] for name in names},
            "rule_id": int.from_bytes(rule["indicator"].encode(), "big"),
            "severity": SEVERITY_CODE.get(rule["severity"], rule["severity"]),
            "default_expiration_enabled": False,
            "modification_time": rule["t"],
            "source": rule["source"],
            "number_of_issues": rule.get("hits", 0),
        }

    def upload(self, path: str, write: Callable[[IO[bytes]], Any]) -> None:
        raise NotImplementedError("uploads are tested over HTTP")

    @staticmethod
    def row(rule: Mapping[str, Any]) -> dict[str, Any]:
        row = {ROW_KEY[name]: rule.get(name) for name in ROW_KEY}
        row["RULE_SEVERITY"] = SEVERITY_CODE.get(rule.get("severity", ""), rule.get("severity"))
        return {
            **row,
            "RULE_INDICATOR": rule["indicator"],
            "IOC_TYPE": rule["type"],
            "RULE_MODIFY_TIME": rule["t"],
            "MARKED_DELETED": int(bool(rule.get("deleted"))),
        }

    def inserted(self) -> list[dict[str, Any]]:
        """Every record of every insert, in order."""
        return [record for name, records in self.requests if name == "insert" for record in records]

    def sent(self) -> Counter[str]:
        """How often each value was sent."""
        return Counter(record["indicator"] for record in self.inserted())

    def writes(self) -> int:
        """How many requests could have changed something."""
        return sum(name != "changes" for name, _ in self.requests)


class Api(IndicatorClient):
    """The real client, answered in memory: `answers` holds (status, body) per path ending; the last one stays."""

    def __init__(self, timing: HttpTiming, key_type: str = "advanced", **more: Any) -> None:
        key, retry = XDRKey("1", "secret", key_type), HttpRetry(1e9, timing=timing)
        super().__init__("https://api-tenant.example", key, retry, **more)
        self.answers: dict[str, list[tuple[int, Any]]] = {}
        self.seen: list[dict[str, Any]] = []

    def _http_request(self, method: str, **more: Any) -> requests.Response:  # type: ignore[override]
        data = more["data"]
        body = data.read() if hasattr(data, "read") else data
        self.seen.append({**more, "method": method, "data": body})
        path = more["full_url"].rstrip("/").rpartition("/")[2]
        known = self.answers.get(path) or [(200, {"reply": [] if path == "get_changes" else {"success": True}})]
        status, answer = known.pop(0) if len(known) > 1 else known[0]
        response = requests.Response()
        response.status_code = status
        response.raw = io.BytesIO(answer if isinstance(answer, bytes) else json.dumps(answer).encode())
        return response

    def records(self) -> list[list[dict[str, Any]]]:
        """The records of each insert."""
        bodies = [json.loads(one["data"]) for one in self.seen if one["full_url"].endswith("/tim_insert_jsons/")]
        return [body["request_data"] for body in bodies]


PARAMS: dict[str, Any] = {
    "url": "https://api-tenant.example",
    "apikey_id_creds": {"password": "1"},
    "apikey_creds": {"password": "secret-of-the-key"},
    "severity": "high",
    "query": "reputation:Bad",
    "feedTags": "Cortex XDR",
}


def settings(**params: Any) -> Settings:
    """Settings of an instance that has the least, and `params`."""
    return settings_from_params({**PARAMS, **params}, "https://xsoar.example", instance=INSTANCE_ID)


class World:
    """Both sides, one clock, and runs of one instance between them."""

    def __init__(self, shows_own: bool = False, **params: Any) -> None:
        self.clock = Clock()
        self.wire = Wire()
        self.xsoar = FakeXsoar(self.clock, self.wire)
        self.xdr = FakeXdr(self.clock, self.wire, shows_own)
        self.settings = settings(**{"request_size": "4", **params})

    def sync(self, budget: float = 1000, client: Any = None) -> Sync:
        """A new run, as a new process would make it."""
        timing = self.clock.timing()
        self.xdr.retry = HttpRetry(1e9, timing=timing)
        port = self.xsoar.port()
        state = VersionedState(port, STATE_VERSION, lambda: new_state(int(timing.now() * 1000)), lambda attempt: None)
        client = client or self.xdr
        return Sync(self.settings, client, self.xsoar.server(), state, timing, self.clock.seconds + budget)

    def add_many(self, count: int, tick: float = 1.0) -> list[str]:
        values = [f"10.0.{number // 250}.{number % 250}" for number in range(count)]
        for value in values:
            self.xsoar.add(value, tick=tick)
        return values


def busy(text: str = "Cortex XDR answered 500") -> XDRRetryError:
    return XDRRetryError(text, 500)


def expires_ms(doc: Mapping[str, Any]) -> int:
    """When an indicator expires, as XDR counts."""
    return -1 if doc["expiration"].startswith("0001") else epoch_ms(doc["expiration"])
