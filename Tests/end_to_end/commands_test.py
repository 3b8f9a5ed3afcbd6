"""The commands that a person gives, over real HTTP and in real child processes: push, delete, reset and the like."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulators.cortex_xdr import CortexXdr
from emulators.kit import Fault
from Tests.world import (
    INSTANCE,
    Recorder,
    add_instance,
    deliver,
    in_xdr,
    in_xsoar,
    inserts,
    open_home,
    samples,
    sync_state,
    tenant,
)
from warroom.engine import Host

COUNT = 120
Place = tuple[Host, CortexXdr]


@pytest.fixture(params=["hide", "show"])
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    with tenant(own_writes=request.param) as emulator, open_home(tmp_path / "home") as host:
        deliver(host, samples(COUNT))
        add_instance(host, emulator.url, request_size="20")
        assert host.fetch(INSTANCE).status == "ok"
        yield host, emulator


def ask(host: Host, line: str, **hooks: Any) -> tuple[Any, str]:
    """The context and the text of one command that went well."""
    (result,) = host.run_command(line, **hooks)
    assert result.status == "ok", result.error
    entry = result.entries[-1]
    ((path, content),) = entry["EntryContext"].items()
    # What replaces the former result lies one level deeper.
    return (next(iter(content.values())) if path.endswith("(true)") else content), entry["HumanReadable"]


def refused(host: Host, line: str) -> str:
    """Why a command failed."""
    (result,) = host.run_command(line)
    assert result.status == "error"
    return str(result.error)


# ---- push


def test_push_with_overrides_holds_until_xsoar_changes_the_field(place: Place) -> None:
    host, emulator = place
    line = '!xdr-iocs-push indicator=host-1.example.com severity=low expiration=never comment="case 7, kit"'
    rows, text = ask(host, line)
    assert rows == [{"indicator": "host-1.example.com", "status": "pushed", "reason": ""}]
    assert "severity=LOW; expiration=never; comment=case 7, kit" in text
    sent = inserts(emulator)[1]
    for _ in range(2):
        assert host.fetch(INSTANCE).status == "ok"
    held = in_xdr(emulator)["host-1.example.com"]
    assert (held["RULE_SEVERITY"], held["RULE_EXPIRATION_TIME"], held["RULE_COMMENT"]) == (
        "SEV_020_LOW",
        -1,
        "case 7, kit",
    )
    assert inserts(emulator)[1] == sent
    ((row,), _) = ask(host, "!xdr-iocs-compare indicator=host-1.example.com")
    assert row["finding"] == "equal"
    host.store.indicators.edit("host-1.example.com", {"comments": "a person's word"})
    assert host.fetch(INSTANCE).status == "ok"
    held = in_xdr(emulator)["host-1.example.com"]
    assert (held["RULE_SEVERITY"], held["RULE_COMMENT"]) == ("SEV_020_LOW", "a person's word")


def test_push_by_query_stops_at_a_refused_page_and_goes_on_with_its_next(place: Place) -> None:
    host, emulator = place
    before = sync_state(host)
    asked = '!xdr-iocs-push query="type:Domain or value:192.0.2.200" severity=critical'
    dry, text = ask(host, f"{asked} dry_run=true")
    assert "nothing was sent" in text and dry["would_push"] == 32
    fault = {"path": "*tim_insert_jsons*", "kind": "status", "status": 403, "after": 1, "count": 1}
    emulator.faults.add(Fault.parse(fault))
    told = refused(host, f"{asked} dry_run=false")
    after = told.rpartition("after=")[2].split()[0]
    assert "of 32 indicators" in told
    outputs, text = ask(host, f"{asked} after={after}")
    assert (outputs["complete"], outputs["looked_at"], outputs["pushed"]) == (True, 32, 12)
    held = in_xdr(emulator)
    critical = {value for value, row in held.items() if row["RULE_SEVERITY"] == "SEV_050_CRITICAL"}
    assert len(critical) == 31 and "192.0.2.200" in critical
    state = sync_state(host)
    assert all(state[name] == before[name] for name in ("fresh", "bulk", "inbound", "counts"))
    assert set(state["rejects"]) == set(before["rejects"])


def test_dry_runs_ask_nothing_of_the_tenant_and_write_nothing(place: Place) -> None:
    host, emulator = place
    host.store.indicators.edit("host-1.example.com", {"comments": "news"})
    before, calls = (in_xdr(emulator), in_xsoar(host), sync_state(host)), len(emulator.requests.latest())
    recorder = Recorder()
    for more, count in (("", 1), ("indicator=host-1.example.com,none.example", 1), ("query=type:Domain", 31)):
        line = f"!xdr-iocs-push {more} dry_run=true" + (" severity=low" if more else "")
        outputs, _ = ask(host, line, on_call=recorder.server)
        assert (outputs["would_push"], outputs["not_found"]) == (count, int("none" in more))
    assert (in_xdr(emulator), in_xsoar(host), sync_state(host)) == before
    assert len(emulator.requests.latest()) == calls
    assert {name for _, name in recorder.calls} <= {"searchIndicators", "getIntegrationContextVersioned"}


# ---- delete


def test_deleted_iocs_stay_deleted_until_somebody_wants_them(place: Place) -> None:
    host, emulator = place
    record = {"indicator": "operator.example", "type": "DOMAIN_NAME", "severity": "HIGH", "comment": ["by hand"]}
    emulator.state.seed({"indicators": [record], "source": "Console user ann", "own": False})
    rows, text = ask(host, "!xdr-iocs-delete indicator=host-1.example.com,operator.example,nowhere.example")
    assert [row["status"] for row in rows] == ["deleted", "deleted", "not_found"]
    assert (rows[1]["source"], rows[1]["comment"], rows[1]["in_xsoar"]) == ("Console user ann", "by hand", False)
    assert "2 of 3 deleted" in text
    for _ in range(2):
        assert host.fetch(INSTANCE).status == "ok"
        living = in_xdr(emulator, deleted=False)
        assert not {"host-1.example.com", "operator.example"} & living.keys() and len(living) == COUNT - 1
    assert in_xsoar(host)["host-1.example.com"]["CustomFields"]["xdriocstatus"] == "deleted"
    host.store.indicators.edit("host-1.example.com", {"comments": "wanted again"})
    assert host.fetch(INSTANCE).status == "ok"
    assert in_xdr(emulator)["host-1.example.com"]["MARKED_DELETED"] == 0


def test_delete_that_fails_in_the_middle_shows_rows_and_an_error(place: Place) -> None:
    host, emulator = place
    fault = {"path": "*indicators/delete", "kind": "status", "status": 403, "after": 1}
    emulator.faults.add(Fault.parse(fault))
    (result,) = host.run_command("!xdr-iocs-delete indicator=host-1.example.com,host-5.example.com,host-9.example.com")
    assert result.status == "error" and "role of the API key" in str(result.error)
    rows = result.entries[0]["EntryContext"]["CortexXDRIOC.Deleted(val.indicator && val.indicator == obj.indicator)"]
    assert sorted(row["status"] for row in rows) == ["deleted", "failed", "failed"]
    emulator.faults.clear()
    rows, _ = ask(host, "!xdr-iocs-delete indicator=host-1.example.com,host-5.example.com,host-9.example.com")
    assert sorted(row["status"] for row in rows) == ["deleted", "deleted", "not_found"]


# ---- what a fetch would bring


def test_get_indicators_shows_what_the_next_fetch_brings(place: Place) -> None:
    host, emulator = place
    emulator.state.edit({"indicator": "host-1.example.com", "severity": "LOW", "comment": "noisy"})
    emulator.state.edit({"indicator": "host-5.example.com", "delete": True})
    before = (in_xsoar(host), sync_state(host))
    rows, text = ask(host, "!xdr-iocs-get-indicators")
    assert (in_xsoar(host), sync_state(host)) == before
    assert {row["value"]: row["status"] for row in rows} == {
        "host-1.example.com": "ENABLED",
        "host-5.example.com": "DELETED",
    }
    assert "would bring 2 indicators" in text
    assert host.fetch(INSTANCE).status == "ok"
    (result,) = host.run_command("!xdr-iocs-get-indicators")
    assert "would bring 0 indicators" in result.entries[-1]["HumanReadable"]


# ---- reset


def test_reset_tells_first_and_then_sends_and_reads_again(place: Place) -> None:
    host, emulator = place
    emulator.state.edit({"indicator": "host-1.example.com", "comment": "noisy"})
    assert host.fetch(INSTANCE).status == "ok"
    before, sent = sync_state(host), inserts(emulator)[1]
    rows, text = ask(host, '!xdr-iocs-reset to="1 day ago"')
    out, back = rows
    assert (out["again"], out["done"], back["done"]) == (COUNT + 4, False, False) and back["again"] >= 1
    assert sync_state(host) == before
    line = text.rpartition("`!")[2].rstrip("`\n")
    rows, _ = ask(host, f"!{line}")
    assert all(row["done"] for row in rows)
    assert host.fetch(INSTANCE).status == "ok"
    # One indicator remembers what XDR holds, three cannot be sent.
    assert inserts(emulator)[1] - sent == COUNT
    assert in_xdr(emulator)["host-1.example.com"]["RULE_COMMENT"] == "noisy"


def test_reset_anew_is_a_first_sync_again(place: Place) -> None:
    host, emulator = place
    sent = inserts(emulator)[1]
    ((row,), _) = ask(host, "!xdr-iocs-reset anew=true confirm=true")
    assert (row["again"], row["done"]) == (COUNT + 4, True)
    assert sync_state(host)["bulk"]["open"]
    assert host.fetch(INSTANCE).status == "ok"
    assert inserts(emulator)[1] - sent == COUNT + 1
    assert not sync_state(host)["bulk"]["open"]


# ---- rejects


def test_retry_tries_the_chosen_ones_now(place: Place) -> None:
    host, emulator = place
    emulator.state.seed(
        {
            "indicators": [{"indicator": "C:\\x.exe", "type": "PATH", "severity": "HIGH"}],
            "source": "Console user ann",
            "own": False,
        }
    )
    assert host.fetch(INSTANCE).status == "ok"
    rows, _ = ask(host, "!xdr-iocs-rejects retry=true reason=mismatch")
    assert [(row["indicator"], row["outcome"]) for row in rows] == [("b\u00fccher.example", "still set aside")]
    rows, text = ask(host, "!xdr-iocs-rejects retry=true")
    assert {row["outcome"] for row in rows} == {"still set aside"} and "5 still set aside" in text
    rows, _ = ask(host, '!xdr-iocs-rejects direction="from XDR"')
    assert [row["indicator"] for row in rows] == ["C:\\x.exe"]
    emulator.state.edit({"indicator": "C:\\x.exe", "delete": True})
    assert host.store.indicators.delete("2001:db8::1")
    rows, _ = ask(host, "!xdr-iocs-rejects retry=true")
    gone = {row["indicator"] for row in rows if row["outcome"] == "gone"}
    assert gone == {"C:\\x.exe", "2001:db8::1"}
    rows, _ = ask(host, "!xdr-iocs-rejects")
    assert len(rows) == 3
