"""The story of the demo, step by step."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from demo.compare import SEVERITY_FIELD, Comparison, compare
from demo.data import ValueList, published_lists, write_csv
from demo.first_sync import Run, Watch, killed_run, whole_run
from demo.stage import DemoFailed, EmulatorProcess, Narrator, Warroom, shown

INSTANCE = "xdr"
SYNC_QUERY = "reputation:Bad and (type:File or type:Domain or type:IP)"
SEVERITY = "high"
IN_FLIGHT = 2
LARGEST_REQUEST = 4_000
ACTORS = 6
REFUSALS_SHOWN = 3
# A fetch that has nothing else to do looks through the tenant until its time is used up.
REMOVAL_SECONDS = 10

Edit = Mapping[str, Any]


@dataclass(frozen=True)
class Cast:
    """Six rules that something is done to."""

    severity: str
    comment: str
    disabled: str
    deleted: str
    pushed: str
    switched: str


@dataclass
class Outcome:
    """What the demo measured. `problems` is empty exactly when all that it promises holds."""

    rows: dict[str, object] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def expect(self, holds: bool, otherwise: str) -> None:
        """Notes a problem unless it holds."""
        if not holds:
            self.problems.append(otherwise)


@dataclass
class Story:
    """Tells the story. `meddle` is called before both sides are compared; it is for tests that must see a failure."""

    tell: Narrator
    folder: Path
    warroom: Warroom
    emulator: EmulatorProcess
    own_list: Path | None = None
    meddle: Callable[[EmulatorProcess], object] = lambda emulator: None
    outcome: Outcome = field(default_factory=Outcome)

    def run(self) -> Outcome:
        """All steps in order. Raises DemoFailed when one cannot be done."""
        started = time.monotonic()
        request_size = request_size_for(self.own_list)
        self.install(request_size)
        self.load()
        runs = self.first_sync(request_size)
        self.rejects()
        actors = self.choose()
        echoed = self.operator(actors)
        self.war_room(actors)
        self.change_of_mind(actors)
        self.meddle(self.emulator)
        self.close(runs, echoed)
        self.outcome.rows["all steps, seconds"] = round(time.monotonic() - started, 1)
        return self.outcome

    # -- 1

    def install(self, request_size: int) -> None:
        """A home, the pack, an instance."""
        tell = self.tell
        tell.step(1, "A fresh home, the pack, an instance that points to the emulated tenant")
        tell.say(f"The emulator answers at {self.emulator.url}, its side door at {self.emulator.admin}.")
        tell.say("Secrets come from environment variables, WARROOM_SECRET__<INSTANCE>__<PARAMETER>: no keyring is")
        tell.say("needed, nothing is stored, and no secret stands in a command line.")
        variables = secret_variables(self.emulator.credentials)
        for name in variables:
            tell.say(f"$ export {name}=...")
        tell.say(f"$ export WARROOM_HOME={shown(Path(self.warroom.environ['WARROOM_HOME']))}")
        self.warroom = self.warroom.with_variables(variables)
        self.warroom.show("init")
        self.warroom.show("content", "add", "Packs")
        parameters = [
            f"url={self.emulator.url}", f"query={SYNC_QUERY}", f"severity={SEVERITY}", "override_severity=false",
            *([f"request_size={request_size}"] if request_size != LARGEST_REQUEST else []),
        ]  # fmt: skip
        given = [word for parameter in parameters for word in ("-p", parameter)]
        self.warroom.show("instance", "add", "CortexXDRIOC", "--name", INSTANCE, *given, "--no-store-secrets")
        self.warroom.show("instance", "test", INSTANCE)

    # -- 2

    def load(self) -> None:
        """Values into the home: those of the data packages, or the user's own."""
        if self.own_list is not None:
            self.tell.step(2, f"Your own list, {self.own_list.name}")
            self.tell.say("The verdict Bad is assigned where the list has none, since the sync sends Bad ones only.")
            self._import(self.own_list, "--verdict", "Bad")
            return
        lists = published_lists()
        path = self.folder / "indicators.csv"
        rows = write_csv(lists, path)
        self.tell.step(2, f"{rows:,} real values from packages on PyPI")
        for line in about(lists, rows):
            self.tell.say(line)
        self._import(path)

    def _import(self, path: Path, *options: str) -> None:
        refused = self.folder / "refused.txt"
        self.warroom.show("indicator", "import", shown(path), *options, good=(0, 1, 2), errors_to=refused)
        lines = [line for line in refused.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
        if any(line.startswith("Error:") for line in lines):
            raise DemoFailed(lines[-1])
        if lines:
            self.tell.say(f"{len(lines)} rows are no indicators; {shown(refused)} says why, line by line, such as:")
            for line in lines[:: max(1, len(lines) // REFUSALS_SHOWN)][:REFUSALS_SHOWN]:
                self.tell.say(f"  {line}")

    # -- 3

    def first_sync(self, request_size: int) -> list[Run]:
        """The first sync: killed half way, then the same command again."""
        total = int(self.warroom.ask("indicator", "count", SYNC_QUERY)["count"])
        if not total:
            raise DemoFailed(f"the list has no indicator that fits {SYNC_QUERY!r}")
        self.tell.step(3, f"First sync of {total:,} indicators, killed half way and resumed")
        watch = Watch(self.tell, self.emulator, total)
        first = killed_run(self.warroom, watch, INSTANCE)
        if not first.killed:
            self.tell.say("The list is too short to be caught half way: the run was complete before it was killed.")
            self.outcome.rows["records sent twice after the kill"] = "not killed, the list is too short"
            return [first]
        held = self.emulator.count()
        self.tell.say(f"The emulator holds {held:,} indicators of the killed run. The same command again:")
        runs = [first, whole_run(self.warroom, watch, INSTANCE)]
        self._repeated(request_size)
        return runs

    def _repeated(self, request_size: int) -> None:
        # Before anything else is done, a rule that was written at two different times was sent twice.
        repeated = sum(row["RULE_MODIFY_TIME"] > row["RULE_INSERT_TIME"] for row in self.emulator.rows())
        most = IN_FLIGHT * request_size
        text = f"{repeated:,} records were sent twice; the {IN_FLIGHT} requests in flight hold at most {most:,}."
        self.tell.say(text)
        self.outcome.rows["records sent twice after the kill"] = repeated
        self.outcome.expect(repeated <= most, f"{repeated:,} records were sent twice, more than the {most:,} in flight")

    # -- 4

    def rejects(self) -> None:
        """What XDR does not take."""
        self.tell.step(4, "What was set aside, and why")
        self.warroom.show("run", "!xdr-iocs-rejects limit=5")

    # -- 5

    def choose(self) -> Cast:
        """Six rules, of different types where there are some. Raises DemoFailed when there are fewer."""
        chosen = spread(self.emulator.rows(), ACTORS)
        if len(chosen) < ACTORS:
            raise DemoFailed(f"Cortex XDR took {len(chosen)} indicators; the demo needs at least {ACTORS}")
        return Cast(*chosen)

    def operator(self, actors: Cast) -> int:
        """An operator changes rules in XDR; the changes are fetched. Returns how many records came back as echo."""
        self.tell.step(5, "An operator changes four rules in Cortex XDR, and XSOAR follows")
        self._edit([
            {"indicator": actors.severity, "severity": "CRITICAL"},
            {"indicator": actors.comment, "comment": "seen in case 4711"},
            {"indicator": actors.disabled, "status": "DISABLED"},
            {"indicator": actors.deleted, "delete": True},
        ])  # fmt: skip
        before = len(self.emulator.inserts())
        self.warroom.show("fetch", INSTANCE)
        self.warroom.show("indicator", "show", actors.comment)
        self.tell.say("\nAnother fetch, to see whether anything of it goes back:")
        self.warroom.show("fetch", INSTANCE)
        self._followed(actors)
        echoed = sum(int(entry["records"]) for entry in self.emulator.inserts()[before:])
        self.tell.say(f"In both fetches {echoed} records were sent to Cortex XDR: nothing is echoed.")
        self.outcome.expect(echoed == 0, f"{echoed} records went back to Cortex XDR after the operator's changes")
        return echoed

    def _edit(self, edits: Sequence[Edit]) -> None:
        self.tell.say(f"\nPOST {self.emulator.admin}/edit")
        for edit in edits:
            self.tell.say(f"  {json.dumps(edit)}")
        self.tell.say(f"  -> {json.dumps(self.emulator.edit(edits))}")

    def _followed(self, actors: Cast) -> None:
        wanted = {
            (actors.severity, SEVERITY_FIELD): "CRITICAL",
            (actors.comment, "xdrioccomment"): "seen in case 4711",
            (actors.disabled, "xdriocstatus"): "disabled",
            (actors.deleted, "xdriocstatus"): "deleted",
        }
        for (value, name), content in wanted.items():
            held = self.warroom.ask("indicator", "show", value)["CustomFields"].get(name)
            agrees = str(held).lower() == content.lower()
            self.tell.say(f"  {value}: {name} is {held!r} in XSOAR")
            self.outcome.expect(agrees, f"{value}: {name} is {held!r} in XSOAR, but Cortex XDR says {content!r}")

    # -- 6

    def war_room(self, actors: Cast) -> None:
        """A person's edit pushed by name, one rule disabled, one enabled again."""
        self.tell.step(6, "Commands in the war room")
        self.warroom.show("indicator", "set", actors.pushed, f"{SEVERITY_FIELD}=low")
        self.warroom.show("run", f"!xdr-iocs-push indicator={actors.pushed}")
        self.warroom.show("run", f"!xdr-iocs-disable indicator={actors.switched}")
        self.warroom.show("run", f"!xdr-iocs-enable indicator={actors.disabled}")
        self.warroom.show("fetch", INSTANCE)
        wanted = {actors.pushed: ("RULE_SEVERITY", "SEV_020_LOW"), actors.switched: ("RULE_STATUS", "DISABLED"),
                  actors.disabled: ("RULE_STATUS", "ENABLED")}  # fmt: skip
        rows = {row["RULE_INDICATOR"]: row for row in self.emulator.rows() if row["RULE_INDICATOR"] in wanted}
        for value, (name, content) in wanted.items():
            held = rows.get(value, {}).get(name)
            self.tell.say(f"  {value}: {name} is {held} in Cortex XDR")
            self.outcome.expect(held == content, f"{value}: {name} is {held} in Cortex XDR, not {content}")

    # -- 7

    def change_of_mind(self, actors: Cast) -> None:
        """What XSOAR does not want any more leaves XDR by policy, on record, and is back when it is wanted again."""
        tell, value = self.tell, actors.severity
        tell.step(7, "XSOAR changes its mind: what it does not want any more is disabled, and enabled again")
        policy = ("-p", "removal_policy=disable", "-p", f"fetch_time_budget_seconds={REMOVAL_SECONDS}")
        self.warroom.show("instance", "set", INSTANCE, *policy)
        for verdict, status in (("good", "DISABLED"), ("bad", "ENABLED")):
            tell.say(f"\nSomebody judges an indicator {verdict}:")
            self.warroom.show("indicator", "set", value, f"verdict={verdict}")
            self.warroom.show("fetch", INSTANCE)
            self.warroom.show("run", "!xdr-iocs-removed")
            held = next(row["RULE_STATUS"] for row in self.emulator.rows() if row["RULE_INDICATOR"] == value)
            tell.say(f"  {value}: RULE_STATUS is {held} in Cortex XDR")
            self.outcome.expect(held == status, f"{value}: RULE_STATUS is {held} in Cortex XDR, not {status}")

    # -- 8

    def close(self, runs: list[Run], echoed: int) -> None:
        """Compares both sides, every value and field, and makes the closing table."""
        self.tell.step(8, "Are both sides equal? Every indicator, field by field")
        path = self.folder / "synced.jsonl"
        query = f"expirationStatus:active and ({SYNC_QUERY})"
        self.warroom.show("indicator", "export", shown(path), "--query", query)
        severity = "SEV_040_HIGH"
        with path.open("rb") as stream:
            found = compare(map(orjson.loads, stream), self.emulator.rows(), severity)
        self.tell.say("\nAnd what the sync itself says:")
        self.warroom.show("run", "!xdr-iocs-status")
        self._judge(found)
        self._numbers(found, runs, echoed)

    def _judge(self, found: Comparison) -> None:
        outcome = self.outcome
        outcome.expect(found.agrees, "both sides are not equal")
        outcome.expect(not found.lost, f"{len(found.lost)} lost, such as {', '.join(found.lost[:5])}")
        outcome.expect(not found.surplus, f"{len(found.surplus)} in XDR only, such as {', '.join(found.surplus[:5])}")
        for one in found.differences[:10]:
            told = f"{one.value}: {one.field} is {one.xsoar!r} in XSOAR, {one.xdr!r} in Cortex XDR"
            outcome.problems.append(told)

    def _numbers(self, found: Comparison, runs: list[Run], echoed: int) -> None:
        totals, seconds = self.emulator.totals(), sum(run.seconds for run in runs)
        self.outcome.rows = {
            "both sides equal": "yes" if found.agrees else "NO",
            "indicators compared": found.expected,
            "equal in every field": found.equal,
            "lost": len(found.lost),
            "in XDR without reason": len(found.surplus),
            "fields that differ": len(found.differences),
            "set aside, XDR takes no such value": found.not_taken,
            "deleted by the operator, kept deleted": found.deleted,
            "echoed to XDR": echoed,
            **self.outcome.rows,
            "requests, all steps": totals["requests"],
            "bytes sent, all steps": totals["bytes_in"],
            "first sync, seconds (all runs)": round(seconds, 1),
            "first sync, indicators per second": round(found.expected / seconds),
            "first sync, peak memory of the run, MB": max(run.peak_mb for run in runs),
        }


def secret_variables(credentials: Mapping[str, str]) -> dict[str, str]:
    """The environment variables that carry the key of the instance."""
    prefix = f"WARROOM_SECRET__{INSTANCE.upper()}__"
    return {f"{prefix}APIKEY_ID_CREDS": credentials["api_key_id"], f"{prefix}APIKEY_CREDS": credentials["api_key"]}


def request_size_for(own_list: Path | None) -> int:
    """A short list goes out in small requests, so that it can be killed half way; 20 bytes per value are assumed."""
    if own_list is None:
        return LARGEST_REQUEST
    return min(LARGEST_REQUEST, max(1, own_list.stat().st_size // 20 // 20))


def about(lists: Sequence[ValueList], rows: int) -> Iterator[str]:
    """What the values are, honestly."""
    for one in lists:
        yield f"  {len(one.values):>7,}  {one.package}, {one.name}: {one.about}"
    yield f"  {rows:>7,}  different values in all"
    yield "They are real and mostly harmless: they are here for their number. The verdict Bad is assigned to all of"
    yield "them for this demo only, so that the sync sends them; it says nothing about their owners."


def spread(rows: Iterator[dict[str, Any]], wanted: int) -> list[str]:
    """Values of living rules, the types in turn."""
    by_type: dict[str, list[str]] = {}
    for row in rows:
        found = by_type.setdefault(row["IOC_TYPE"], [])
        if len(found) < wanted and not row["MARKED_DELETED"]:
            found.append(row["RULE_INDICATOR"])
    turns = (values[turn] for turn in range(wanted) for values in by_type.values() if turn < len(values))
    return [value for value, _ in zip(turns, range(wanted), strict=False)]
