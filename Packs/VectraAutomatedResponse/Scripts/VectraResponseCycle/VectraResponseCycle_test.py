"""The cycle on fakes that keep state: brains with a plan made from wishes, drivers with a product and a ledger."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import demistomock as demisto
import pytest
import VectraResponseCycle
from VectraResponseCycle import (
    CommandFailed,
    House,
    Options,
    Report,
    cycle_results,
    driver_list,
    list_text,
    options_from_args,
    read_destinations,
    run_cycle,
)

NOW = 1_760_000_000.0
KEYS = ("host:41", "host:42", "account:7")


class Killed(BaseException):
    """kill -9 of the script."""


class Fuse:
    """Counts effects and burns at one of them; effects before it stay."""

    def __init__(self, at: int | None = None) -> None:
        self.at, self.count = at, 0

    def step(self) -> None:
        self.count += 1
        if self.count == self.at:
            raise Killed


class FakeDriver:
    """One driver instance: a product that is really blocked or not, and claims that survive the script."""

    def __init__(self, name: str, kinds: tuple[str, ...] = ("host", "account")) -> None:
        self.name, self.kinds = name, kinds
        self.product: set[str] = set()
        self.claims: dict[str, set[str]] = {}
        self.orders: list[str] = []
        self.broken = False

    def run(self, action: str, args: Mapping[str, Any]) -> dict[str, Any]:
        if self.broken:
            return {"Type": 4, "Contents": "login refused", "ModuleName": self.name, "Brand": "Fake"}
        element = f"{self.name}-{args['ip']}" if action == "block" else args["elements"][0]
        claim = f"{args['brain']}/{args['key']}"
        claims = self.claims.setdefault(element, set())
        status = "applied"
        if action == "block":
            status = "already" if element in self.product else "applied"
            claims.add(claim)
            self.product.add(element)
        else:
            status = "applied" if claim in claims else "already"
            claims.discard(claim)
            if not claims:
                self.product.discard(element)
        self.orders.append(f"{action} {element}")
        row = {
            "action": action, "brain": args["brain"], "entity": args["key"], "brand": "Fake", "instance": self.name,
            "element": element, "status": status, "contained": action == "block", "reason": "", "reference": "",
            "time": int(NOW),
        }  # fmt: skip
        key = "VectraResponse.Outcome(val.instance == obj.instance)"
        return {"Type": 1, "Contents": [row], "EntryContext": {key: [row]}, "ModuleName": self.name, "Brand": "Fake"}


class FakeBrain:
    """One brain: who should be contained, what is on record, and the tags made from the record."""

    def __init__(self, name: str, wanted: set[str]) -> None:
        self.name, self.wanted = name, wanted
        self.entities: dict[str, dict[str, Any]] = {}
        self.lease: tuple[str, float] | None = None
        self.tags: dict[str, list[str]] = {}
        self.stages: list[str] = []
        self.plan_extra: dict[str, Any] = {}
        self.broken_at: set[str] = set()

    def plan(self) -> dict[str, Any]:
        decisions = []
        for key in KEYS:
            held = {name: sorted(found) for name, found in self.entity(key)["held"].items() if found}
            kind, _, number = key.partition(":")
            args = {"ip": f"10.0.0.{number}", "key": key, "brain": self.name}
            base = {"key": key, "type": kind, "name": f"name-{number}", "reasons": ["tag"], "args": args}
            if key in self.wanted and (not held or self.entity(key)["intent"]):
                decisions.append({**base, "id": f"block {key}", "action": "block", "instances": None, "elements": {}})
            elif key not in self.wanted and (held or self.entity(key)["intent"]):
                decisions.append(
                    {**base, "id": f"unblock {key}", "action": "unblock", "instances": None, "elements": held}
                )
        return {"brain": self.name, "mode": "act", "reads": 4, "decisions": decisions, **self.plan_extra}

    def entity(self, key: str) -> dict[str, Any]:
        return self.entities.setdefault(key, {"held": {}, "intent": None})

    def record(self, args: Mapping[str, Any], now: float) -> dict[str, Any]:
        stage, owner = args["stage"], args["owner"]
        self.stages.append(stage)
        if stage in self.broken_at:
            return {"Type": 4, "Contents": f"{stage} cannot be stored"}
        if stage == "start":
            busy = self.lease is not None and self.lease[0] != owner and self.lease[1] > now
            if not busy:
                self.lease = (owner, now + 600)
            return {"Type": 1, "EntryContext": {"VectraResponse.Cycle(val.brain == obj.brain)": {"busy": busy}}}
        for decision in json.loads(args["decisions"]):
            self.entity(decision["key"])["intent"] = decision["action"] if stage == "intent" else None
        for row in json.loads(args["outcomes"]):
            held = self.entity(row["entity"])["held"].setdefault(row["instance"], [])
            if row["contained"] and row["element"] not in held:
                held.append(row["element"])
            elif not row["contained"] and row["element"] in held:
                held.remove(row["element"])
        if stage == "end":
            self.lease = None
        self.tags = {
            key: sorted(f"{name}:{element}" for name, found in entity["held"].items() for element in found)
            for key, entity in self.entities.items()
        }
        return {"Type": 1, "EntryContext": {}}


class FakeHouse:
    """The server: routes commands to brains and drivers and burns the fuse around each effect."""

    def __init__(self, brains: list[FakeBrain], drivers: list[FakeDriver], fuse: Fuse | None = None) -> None:
        self.brains = {brain.name: brain for brain in brains}
        self.drivers, self.fuse, self.now = drivers, fuse or Fuse(), NOW
        self.lists: dict[str, str] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.reconciled: list[dict[str, Any]] = []
        self.notifiers: tuple[str, ...] = ("mailer",)

    @property
    def house(self) -> House:
        return House(self.execute, self.modules, self.supported, lambda: self.now)

    def modules(self) -> dict[str, dict[str, str]]:
        brands = [(name, VectraResponseCycle.BRAIN_BRAND) for name in self.brains]
        brands += [(name, VectraResponseCycle.NOTIFIER_BRAND) for name in self.notifiers]
        found = {name: {"brand": brand, "state": "active"} for name, brand in brands}
        return {**found, **{driver.name: {"brand": "Fake", "state": "active"} for driver in self.drivers}}

    def supported(self) -> dict[str, list[dict[str, str]]]:
        return {
            driver.name: [
                {"name": f"vectra-{action}-{kind}"} for kind in driver.kinds for action in ("block", "unblock")
            ]
            for driver in self.drivers
        }

    def execute(self, command: str, args: dict[str, Any]) -> list[dict[str, Any]]:
        self.calls.append((command, args))
        self.fuse.step()
        reply = self.route(command, args)
        self.fuse.step()
        return reply

    def route(self, command: str, args: dict[str, Any]) -> list[dict[str, Any]]:
        if command == VectraResponseCycle.PLAN:
            brain = self.brains[args["using"]]
            if "plan" in brain.broken_at:
                raise ValueError("the brain cannot be reached")
            return [{"Type": 1, "EntryContext": {"VectraResponse.Plan": brain.plan()}}]
        if command == VectraResponseCycle.RECORD:
            return [self.brains[args["using"]].record(args, self.now)]
        if command == VectraResponseCycle.RECONCILE:
            return [{"Type": 1, "EntryContext": {"VectraResponse.Outcome": self.reconciled}}]
        if command in ("response-notify-send", "send-mail"):
            self.sent.append((command, args))
            return [{"Type": 1, "Contents": "sent"}]
        if command == "getList":
            if args["listName"] not in self.lists:
                return [{"Type": 4, "Contents": "Item not found (8)"}]
            return [{"Type": 1, "Contents": self.lists[args["listName"]]}]
        return self.driver_command(command, args)

    def driver_command(self, command: str, args: dict[str, Any]) -> list[dict[str, Any]]:
        _, action, kind = command.split("-")
        able = [driver for driver in self.drivers if kind in driver.kinds]
        chosen = [driver for driver in able if args.get("using") in (None, driver.name)]
        if not chosen:
            raise ValueError(f"no enabled instance has {command}")
        entries = []
        for driver in chosen:
            entries.append(driver.run(action, args))
            self.fuse.step()
        return entries

    def essence(self) -> dict[str, Any]:
        """Products, claims, record and tags: what has to agree after a crash."""
        return {
            "products": {driver.name: sorted(driver.product) for driver in self.drivers},
            "claims": {driver.name: {k: sorted(v) for k, v in driver.claims.items() if v} for driver in self.drivers},
            "record": {
                name: {
                    key: (sorted((i, e) for i, found in entity["held"].items() for e in found), entity["intent"])
                    for key, entity in sorted(brain.entities.items())
                    if entity["held"] or entity["intent"]
                }
                for name, brain in self.brains.items()
            },
            "tags": {name: brain.tags for name, brain in self.brains.items()},
        }


def new_house(fuse: Fuse | None = None) -> FakeHouse:
    """Two brains that want the same host, two drivers; brain b has held an account that is to be released."""
    first, second = FakeBrain("a", {"host:41", "host:42"}), FakeBrain("b", {"host:41"})
    drivers = [FakeDriver("edr", ("host",)), FakeDriver("ad")]
    second.entity("account:7")["held"] = {"ad": ["ad-10.0.0.7"]}
    drivers[1].product.add("ad-10.0.0.7")
    drivers[1].claims["ad-10.0.0.7"] = {"b/account:7"}
    return FakeHouse([first, second], drivers, fuse)


def cycle(fake: FakeHouse, **changes: Any) -> Report:
    return run_cycle(fake.house, Options(**{"owner": "job", **changes}))


def effects_of_a_cycle() -> int:
    fuse = Fuse()
    cycle(new_house(fuse))
    return fuse.count


# ---- the cycle


def test_run_cycle_with_keys_carries_out_only_what_concerns_them() -> None:
    fake = new_house()
    report = cycle(fake, brains=("a",), keys=("host:42",))
    intents = [args["decisions"] for _, args in fake.calls if args.get("stage") == "intent"]
    assert [item["key"] for item in json.loads(intents[0])] == ["host:42"]
    assert sum(name == "vectra-block-host" for name, _ in fake.calls) == 1
    assert report.brains[0].decisions == 1


def test_run_cycle_order_is_lease_plan_intent_command_outcome_reconcile_end() -> None:
    fake = new_house()
    cycle(fake, brains=("a",))
    told = [args.get("stage", name) for name, args in fake.calls]
    block = ["vectra-block-host", "outcome"]
    assert told == [
        "start",
        VectraResponseCycle.PLAN,
        "intent",
        *block,
        *block,
        VectraResponseCycle.RECONCILE,
        "end",
        "response-notify-send",
    ]


@pytest.mark.parametrize(("groom", "args"), [(False, {}), (True, {"verify": "true"})])
def test_run_cycle_grooming_lets_the_drivers_look_at_what_is_settled(groom: bool, args: dict[str, str]) -> None:
    fake = new_house()
    cycle(fake, brains=("a",), groom=groom)
    assert [given for name, given in fake.calls if name == VectraResponseCycle.RECONCILE] == [args]


def test_run_cycle_everything_is_contained_released_and_recorded() -> None:
    fake = new_house()
    report = cycle(fake)
    assert report.status == "ok"
    assert fake.drivers[0].product == {"edr-10.0.0.41", "edr-10.0.0.42"}
    assert "ad-10.0.0.7" not in fake.drivers[1].product
    assert fake.brains["a"].tags["host:41"] == ["ad:ad-10.0.0.41", "edr:edr-10.0.0.41"]
    assert all(brain.lease is None for brain in fake.brains.values())


def test_run_cycle_element_of_two_brains_is_released_with_the_last() -> None:
    fake = new_house()
    cycle(fake)
    fake.brains["a"].wanted.discard("host:41")
    cycle(fake)
    assert "edr-10.0.0.41" in fake.drivers[0].product
    fake.brains["b"].wanted.clear()
    cycle(fake)
    assert "edr-10.0.0.41" not in fake.drivers[0].product


@pytest.mark.parametrize("at", range(1, effects_of_a_cycle() + 1))
def test_run_cycle_killed_at_any_effect_next_run_ends_as_undisturbed(at: int) -> None:
    undisturbed = new_house()
    cycle(undisturbed)
    cycle(undisturbed)
    fake = new_house(Fuse(at))
    with pytest.raises(Killed):
        cycle(fake)
    fake.fuse = Fuse()
    cycle(fake)
    cycle(fake)
    assert fake.essence() == undisturbed.essence()


def test_run_cycle_killed_by_another_owner_waits_for_the_lease_and_then_ends_right() -> None:
    fake = new_house(Fuse(8))
    with pytest.raises(Killed):
        cycle(fake, owner="job")
    fake.fuse = Fuse()
    early = cycle(fake, owner="other", brains=("a",))
    assert (early.status, early.brains[0].status) == ("busy", "busy")
    fake.now += 601
    assert cycle(fake, owner="other").status == "ok"
    assert fake.drivers[0].product == {"edr-10.0.0.41", "edr-10.0.0.42"}


def test_run_cycle_while_another_holds_the_lease_touches_nothing() -> None:
    fake = new_house()
    fake.brains["a"].lease = ("other", NOW + 10)
    report = cycle(fake, brains=("a",))
    assert report.status == "busy"
    assert [name for name, _ in fake.calls] == [VectraResponseCycle.RECORD]
    assert fake.brains["a"].lease == ("other", NOW + 10)
    assert "another cycle is running" in str(cycle_results(report, dry_run=False).readable_output)


@pytest.mark.parametrize("stage", ["plan", "start", "intent", "outcome", "end"])
def test_run_cycle_defect_14_broken_brain_does_not_stop_the_other(stage: str) -> None:
    fake = new_house()
    fake.brains["a"].broken_at = {stage}
    report = cycle(fake)
    assert {brain.brain: brain.status for brain in report.brains} == {"a": "error", "b": "ok"}
    assert "edr-10.0.0.41" in fake.drivers[0].product
    assert "ad-10.0.0.7" not in fake.drivers[1].product
    assert report.status == "error"


@pytest.mark.parametrize("stage", ["start", "plan", "intent"])
def test_run_cycle_without_recorded_intent_calls_no_driver(stage: str) -> None:
    fake = new_house()
    fake.brains["a"].broken_at = {stage}
    cycle(fake, brains=("a",))
    assert [driver.orders for driver in fake.drivers] == [[], []]


def test_run_cycle_outcome_that_cannot_be_recorded_stops_this_brain_acting() -> None:
    fake = new_house()
    fake.brains["a"].broken_at = {"outcome"}
    cycle(fake, brains=("a",))
    assert fake.drivers[0].orders == ["block edr-10.0.0.41"]


def test_run_cycle_broken_driver_is_a_failed_outcome_and_the_other_goes_on() -> None:
    fake = new_house()
    fake.drivers[0].broken = True
    report = cycle(fake, brains=("a",))
    assert fake.drivers[1].product >= {"ad-10.0.0.41", "ad-10.0.0.42"}
    outcomes = [json.loads(args["outcomes"]) for name, args in fake.calls if args.get("stage") == "outcome"]
    failed = [row for rows in outcomes for row in rows if row["status"] == "failed"]
    assert [(row["instance"], row["entity"], row["contained"], row["reason"]) for row in failed] == [
        ("edr", "host:41", False, "login refused"),
        ("edr", "host:42", False, "login refused"),
    ]
    assert (report.status, report.brains[0].failed) == ("error", 2)


def test_run_cycle_driver_that_fails_to_release_keeps_its_element_on_record() -> None:
    fake = new_house()
    fake.drivers[1].broken = True
    cycle(fake, brains=("b",))
    assert fake.brains["b"].entity("account:7")["held"] == {"ad": ["ad-10.0.0.7"]}


def test_run_cycle_command_that_no_driver_has_is_a_problem_and_records_the_decision() -> None:
    fake = new_house()
    fake.brains["a"].wanted = {"account:7", "host:41"}
    fake.drivers[1].kinds = ("host",)
    report = cycle(fake, brains=("a",))
    problem = "account name-7 (7): vectra-block-account: no enabled instance has vectra-block-account"
    assert [event.text for event in report.events if event.kind == "problem"] == [problem]
    assert "edr-10.0.0.41" in fake.drivers[0].product


def test_run_cycle_named_driver_that_is_gone_is_its_failed_outcome() -> None:
    fake = new_house()
    fake.brains["b"].entity("account:7")["held"] = {"gone": ["x"]}
    report = cycle(fake, brains=("b",))
    failed = [event for event in report.events if event.kind == "failed"]
    assert [(event.details["driver"], event.details["element"]) for event in failed] == [("gone", "x")]


def test_run_cycle_reconciled_outcomes_go_to_the_brain_they_belong_to() -> None:
    fake = new_house()
    row = {"action": "reconcile", "entity": "host:9", "instance": "edr", "element": "e", "status": "applied"}
    fake.reconciled = [
        {**row, "brain": "b", "contained": True},
        {**row, "brain": "war-room", "contained": False},
    ]
    report = cycle(fake, brains=("a",))
    assert fake.brains["b"].entity("host:9")["held"] == {"edr": ["e"]}
    assert {event.kind for event in report.events if event.details.get("entity") == "host:9"} == {
        "contained", "released",
    }  # fmt: skip


def test_run_cycle_dry_run_names_everything_and_changes_nothing() -> None:
    fake = new_house()
    before = fake.essence()
    report = cycle(fake, dry_run=True)
    assert fake.essence() == before
    assert [name for name, _ in fake.calls] == [VectraResponseCycle.PLAN, VectraResponseCycle.PLAN]
    assert [event.text for event in report.events] == [
        "block host name-41 (41) on every driver: tag",
        "block host name-42 (42) on every driver: tag",
        "block host name-41 (41) on every driver: tag",
        "unblock account name-7 (7) on ad ad-10.0.0.7: tag",
    ]


def test_run_cycle_quiet_cycle_tells_nobody() -> None:
    fake = new_house()
    cycle(fake)
    fake.sent.clear()
    report = cycle(fake)
    assert (fake.sent, report.notified) == ([], [])


def test_run_cycle_tells_once_with_all_categories() -> None:
    fake = new_house()
    fake.brains["a"].plan_extra = {"held_back": [{"key": "host:5", "name": "dc", "why": "cap of 1 reached"}]}
    fake.drivers[0].broken = True
    report = cycle(fake, mail_to="soc@corp.test")
    assert [name for name, _ in fake.sent] == ["response-notify-send", "send-mail"]
    groups = json.loads(fake.sent[0][1]["sections"])
    assert [group["title"] for group in groups] == ["Contained", "Released", "Failed", "Held back", "Nothing to do"]
    assert "a: host dc (5): cap of 1 reached" in fake.sent[1][1]["body"]
    assert report.notified == ["response-notify-send", "send-mail"]


def test_run_cycle_problems_alone_do_not_fill_a_mailbox() -> None:
    fake = new_house()
    fake.brains["a"].broken_at = {"plan"}
    cycle(fake, brains=("a",), mail_to="soc@corp.test")
    assert [name for name, _ in fake.sent] == ["response-notify-send"]


def test_run_cycle_without_notifier_or_notification_sends_nothing() -> None:
    fake = new_house()
    fake.notifiers = ()
    cycle(fake)
    other = new_house()
    cycle(other, notify=False, mail_to="soc@corp.test")
    assert (fake.sent, other.sent) == ([], [])


def test_run_cycle_message_that_cannot_be_sent_is_told_and_everything_else_is_done() -> None:
    fake = new_house()
    route = fake.route

    def failing(command: str, args: dict[str, Any]) -> list[dict[str, Any]]:
        if command == "response-notify-send":
            return [{"Type": 4, "Contents": "no connection", "ModuleName": "mailer"}]
        return route(command, args)

    fake.route = failing  # type: ignore[method-assign]
    report = cycle(fake)
    assert report.events[-1].text == "response-notify-send: mailer: no connection"
    assert (report.status, report.notified) == ("error", [])
    assert fake.brains["a"].lease is None


@pytest.mark.parametrize(
    ("brains", "reason"), [(("c",), "no enabled instance of VectraAutomatedResponse is called c"), ((), "There is no")]
)
def test_run_cycle_wrong_or_missing_brains_are_refused(brains: tuple[str, ...], reason: str) -> None:
    fake = FakeHouse([FakeBrain("a", set())] if brains else [], [])
    with pytest.raises(ValueError, match=reason):
        cycle(fake, brains=brains)
    assert fake.calls == []


def test_run_cycle_plan_is_told_which_drivers_there_are() -> None:
    fake = new_house()
    cycle(fake, brains=("a",), groom=True)
    [args] = [args for name, args in fake.calls if name == VectraResponseCycle.PLAN]
    assert (args["using"], args["groom"], args["dry_run"]) == ("a", "true", "false")
    assert [(item["instance"], item["brand"], len(item["commands"])) for item in json.loads(args["drivers"])] == [
        ("ad", "Fake", 4), ("edr", "Fake", 2),
    ]  # fmt: skip


def test_driver_list_commands_by_brand_and_disabled_instances() -> None:
    modules = {
        "edr": {"brand": "Edr", "state": "active"},
        "off": {"brand": "Edr", "state": "disabled"},
        "mail": {"brand": "Mail", "state": "active"},
    }
    commands = {"Edr": [{"name": "vectra-block-host"}, {"name": "edr-search"}], "Mail": [{"name": "send-mail"}]}
    house = House(lambda command, args: [], lambda: modules, lambda: commands, lambda: NOW)
    assert driver_list(house) == [{"instance": "edr", "brand": "Edr", "commands": ["vectra-block-host"]}]


def test_run_cycle_tags_that_could_not_be_written_are_a_warning() -> None:
    fake = new_house()
    brain = fake.brains["a"]
    record = brain.record

    def failing_tags(args: Mapping[str, Any], now: float) -> dict[str, Any]:
        errors = ["host:41: tag refused"] if args["stage"] == "end" else []
        return {
            **record(args, now),
            **({"EntryContext": {"VectraResponse.Record": {"errors": errors}}} if errors else {}),
        }

    brain.record = failing_tags  # type: ignore[method-assign]
    report = cycle(fake, brains=("a",))
    assert [event.text for event in report.events if event.kind == "warning"] == ["host:41: tag refused"]
    assert report.status == "ok"


# ---- static destinations


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {}),
        ({"destinations": ""}, {"destinations": ""}),
        ({"destinations_error": "no file"}, {"destinations_error": "no file"}),
        ({"list_name": "file", "destinations": "x"}, {"destinations": "x", "list": "file"}),
        ({"list_name": "there"}, {"destinations": "203.0.113.9", "list": "there"}),
        ({"list_name": "empty"}, {"destinations": "", "list": "empty"}),
        ({"list_name": "gone"}, {"destinations_error": "Item not found (8)", "list": "gone"}),
    ],
)
def test_read_destinations_missing_list_is_never_an_empty_one(
    options: dict[str, Any], expected: dict[str, str]
) -> None:
    fake = new_house()
    fake.lists = {"there": "203.0.113.9", "empty": ""}
    assert read_destinations(fake.house, Options("job", **options)) == expected


def test_read_destinations_refused_command_is_an_error_of_the_list() -> None:
    def refuse(command: str, args: dict[str, Any]) -> Any:
        raise ValueError("not allowed")

    house = House(refuse, dict, dict, lambda: NOW)
    expected = {"destinations_error": "not allowed", "list": "x"}
    assert read_destinations(house, Options("job", list_name="x")) == expected


def test_list_text_no_text_is_an_error() -> None:
    with pytest.raises(CommandFailed):
        list_text([])


# ---- the command


def test_options_from_args_texts_of_the_war_room_are_read() -> None:
    args = {"brains": "a, b", "dry_run": "true", "groom": "false", "list_name": " l ", "notify": "no"}
    assert options_from_args(args, "me") == Options("me", ("a", "b"), True, False, "l", None, "", False, "")
    assert options_from_args({"keys": "host:41, account:7"}, "me").keys == ("host:41", "account:7")
    assert options_from_args({"owner": "cron", "destinations": ""}, "me").destinations == ""
    with pytest.raises(ValueError, match="Argument 'dry_run' must be true or false, not 'maybe'"):
        options_from_args({"dry_run": "maybe"}, "me")


def in_the_war_room(monkeypatch: pytest.MonkeyPatch, fake: FakeHouse, args: dict[str, str]) -> None:
    monkeypatch.setattr(demisto, "args", lambda: args)
    monkeypatch.setattr(demisto, "executeCommand", fake.execute)
    monkeypatch.setattr(demisto, "getModules", fake.modules)
    monkeypatch.setattr(demisto, "getAllSupportedCommands", fake.supported)
    VectraResponseCycle.main()


def test_main_prints_the_timeline_and_sets_the_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    in_the_war_room(monkeypatch, new_house(), {})
    [entry] = demisto.last_results()
    assert "contained: host name-41 (41) by edr (edr-10.0.0.41) - tag" in entry["HumanReadable"]
    [output] = entry["EntryContext"].values()
    assert (output["status"], output["counts"]) == (
        "ok",
        {"contained": 6, "released": 1, "already": 2} | output["counts"],
    )


def test_main_wrong_argument_is_an_error_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit):
        in_the_war_room(monkeypatch, new_house(), {"brains": "nobody"})
    [entry] = demisto.last_results()
    assert (entry["Type"], "nobody" in entry["Contents"]) == (4, True)


def test_failures_are_exhaustive_no_call_raises_out_of_the_cycle() -> None:
    fake = new_house()

    def refuse(command: str, args: dict[str, Any]) -> Any:
        raise ValueError("the server is shutting down")

    execute: Callable[[str, dict[str, Any]], Any] = refuse
    report = run_cycle(House(execute, fake.modules, fake.supported, lambda: NOW), Options("job"))
    assert [brain.status for brain in report.brains] == ["error", "error"]
