"""A server with indicators, and how a change of a record lives through failures and through others who write."""

import copy
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from CommonServerPython import DemistoException
from ThreatProfilesApiModule import ProfileServer, found_records, merged_rows, name_query, profile_server, quoted

TERM = re.compile(r'([\w.-]+):("(?:\\.|[^"\\])*"|[^\s()]+)')


class FakeServer:
    """Indicators by id; finds by parts of words, which is more than was asked for, as servers may.

    `lag` searches do not know a new record. `before_write` is called with the command and may raise.
    """

    def __init__(self, *records: Mapping[str, Any]) -> None:
        self.stored = {str(record["id"]): dict(copy.deepcopy(record)) for record in records}
        self.commands: list[tuple[str, dict[str, Any]]] = []
        self.queries: list[str] = []
        self.pauses: list[int] = []
        self.lag = 0
        self.page = 100
        self.excluded: set[str] = set()
        self.before_write: Callable[[str, dict[str, Any]], None] = lambda command, args: None
        self.before_search: Callable[[str], None] = lambda query: None

    def search(self, query: str = "", size: int = 100, **more: Any) -> dict[str, Any]:
        self.queries.append(query)
        self.before_search(query)
        found = [copy.deepcopy(record) for record in self.stored.values() if self.fits(record, query)]
        start = int((more.get("searchAfter") or [0])[0])
        page = found[start : start + min(size, self.page)]
        return {"iocs": page or None, "total": len(found), "searchAfter": [start + len(page)] if page else None}

    def fits(self, record: dict[str, Any], query: str) -> bool:
        terms = [(name, re.sub(r"\\(.)", r"\1", word.strip('"'))) for name, word in TERM.findall(query)]
        types = [word.casefold() for name, word in terms if name == "type"]
        if record.get("unseen", 0):
            self.stored[record["id"]]["unseen"] -= 1
            return False
        if types and str(record.get("indicator_type")).casefold() not in types:
            return False
        fields = {**(record.get("CustomFields") or {}), "value": [record["value"]], "id": [record["id"]]}
        others = [(name, word) for name, word in terms if name != "type"]
        return not others or any(
            word.casefold() in str(one).casefold() for name, word in others for one in fields.get(name) or []
        )

    def execute(self, command: str, args: dict[str, Any]) -> Any:
        self.before_write(command, args)
        self.commands.append((command, args))
        if command == "createNewIndicator":
            return self.create(args)
        if command != "setIndicator":
            raise DemistoException(f"unknown command {command}")
        record = next(one for one in self.stored.values() if one["value"] == args["value"])
        fields = {name: copy.deepcopy(value) for name, value in args.items() if name != "value"}
        record["CustomFields"] = {**(record.get("CustomFields") or {}), **fields}
        return "done"

    def create(self, args: dict[str, Any]) -> Any:
        if args["value"] in self.excluded:
            return "done - Indicator was not created"
        key = f"new-{len(self.stored)}"
        self.stored[key] = {
            "id": key, "value": args["value"], "indicator_type": args["type"], "CustomFields": None, "unseen": self.lag,
        }  # fmt: skip
        return f"Indicator {args['value']} is known" if self.lag else copy.deepcopy(self.stored[key])

    def fields(self, key: str) -> dict[str, Any]:
        return self.stored[key].get("CustomFields") or {}

    @property
    def written(self) -> list[str]:
        return [args["value"] for command, args in self.commands if command == "setIndicator"]


def actor(key: str, value: str, *aliases: str, kind: str = "Threat Actor", **fields: Any) -> dict[str, Any]:
    """An indicator as the server gives it."""
    return {"id": key, "value": value, "indicator_type": kind, "CustomFields": {"aliases": list(aliases), **fields}}


def server_of(fake: FakeServer) -> ProfileServer:
    return ProfileServer(fake.search, fake.execute, fake.pauses.append)


def refuse(times: int, then: Callable[[], None] = lambda: None) -> Callable[[str, dict[str, Any]], None]:
    """Fails the first writes; `then` is what another did meanwhile."""
    left = [times]

    def before_write(command: str, args: dict[str, Any]) -> None:
        if left[0]:
            left[0] -= 1
            then()
            raise DemistoException("version conflict (409)")

    return before_write


def add_row(record: Mapping[str, Any]) -> dict[str, Any]:
    rows, added = merged_rows((record.get("CustomFields") or {}).get("publications"), [{"link": "https://a.example/1"}])
    return {"publications": rows} if added else {}


def test_change_conflict_is_read_again_and_merged_and_nothing_is_lost() -> None:
    fake = FakeServer(actor("1", "Turla"))
    other = {"link": "https://b.example/2"}
    fake.before_write = refuse(2, lambda: fake.stored["1"]["CustomFields"].update(publications=[other]))
    server_of(fake).change(actor("1", "Turla"), add_row)
    assert fake.fields("1")["publications"] == [other, {"link": "https://a.example/1"}]
    assert fake.pauses == [1, 2]


def test_change_that_keeps_failing_is_raised_after_three_tries() -> None:
    fake = FakeServer(actor("1", "Turla"))
    fake.before_write = refuse(3)
    with pytest.raises(DemistoException, match="409"):
        server_of(fake).change(actor("1", "Turla"), add_row)
    assert fake.fields("1") == {"aliases": []} and fake.pauses == [1, 2]


def test_change_with_nothing_to_write_writes_nothing() -> None:
    fake = FakeServer(actor("1", "Turla", publications=[{"link": "https://a.example/1"}]))
    assert server_of(fake).change(actor("1", "Turla"), add_row) == {}
    assert fake.commands == []


def test_change_dry_run_tells_and_writes_nothing() -> None:
    fake = FakeServer(actor("1", "Turla"))
    assert server_of(fake).change(actor("1", "Turla"), add_row, dry_run=True)["publications"]
    assert fake.commands == []


def test_fresh_record_the_search_does_not_know_stays_as_it_was() -> None:
    record = actor("9", "Turla")
    assert server_of(FakeServer(actor("1", "Turla Group"))).fresh(record) is record


def test_found_records_walks_all_pages() -> None:
    fake = FakeServer(*(actor(str(number), f"Actor {number}") for number in range(7)))
    fake.page = 3
    assert len(list(found_records(fake.search, "type:Threat*"))) == 0
    assert [record["id"] for record in found_records(fake.search, "")] == list("0123456")


def test_name_query_check_7_name_with_quotes_and_operators_is_one_word() -> None:
    name = 'Fancy" or type:"Malware" or value:"\\Bear'
    assert quoted(name) == '"Fancy\\" or type:\\"Malware\\" or value:\\"\\\\Bear"'
    assert TERM.findall(name_query(name, ["Threat Actor"])) == [
        ("value", quoted(name)),
        ("aliases", quoted(name)),
        ("type", '"Threat Actor"'),
    ]


def test_profile_server_waits_longer_with_each_try(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)
    monkeypatch.setattr("random.random", lambda: 0.5)
    for attempt in (1, 2):
        profile_server().pause(attempt)
    assert waited == [0.5, 1.0]
