"""Commands, the record of a cycle and what Vectra is shown, against a Vectra in memory; killed at every step."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import demistomock as demisto
import pytest
import VectraAutomatedResponse
from CommonServerPython import CommandResults, DemistoException
from VectraAutomatedResponse import (
    NOTE_LENGTH,
    PENDING_SECONDS,
    RETRY_PAUSES,
    Request,
    VectraBusyError,
    VectraConfigError,
    account_from_item,
    client_limits,
    decoded,
    element_tag,
    elements_in_tags,
    encoded,
    fetch_incidents,
    host_from_item,
    is_outcome,
    main,
    make_plan,
    merged_tags,
    new_state,
    note_text,
    run_command,
    settings_from_params,
    with_history,
    with_outcomes,
)
from VectraAutomatedResponse_fakes_test import (
    CLOUD,
    NOW,
    PARAMS,
    FakeVectra,
    Killed,
    World,
    account_item,
    detection_item,
    groups_items,
    host_item,
    obeyed,
    row,
    settings,
)

BLOCK, UNBLOCK = "vectra_host_block", "vectra_host_unblock"
MARK = "VAR Host Blocked"


def world(*hosts: dict[str, Any], **more: Any) -> World:
    objects = {"hosts": list(hosts), "groups": groups_items(), "accounts": [], "detections": []}
    params = {
        name: more.pop(name) for name in list(more) if name not in ("groups", "accounts", "detections", "entities")
    }
    return World(FakeVectra(**{**objects, **more}), **params)


def run(here: World, command: str, **args: Any) -> CommandResults:
    result = run_command(command, here.brain, args)
    assert isinstance(result, CommandResults)
    return result


def outputs(here: World, command: str, **args: Any) -> Any:
    return run(here, command, **args).outputs


def plan_of(here: World, **args: Any) -> dict[str, Any]:
    made: dict[str, Any] = outputs(here, "vectra-response-plan", **args)
    return made


Answer = Callable[[Mapping[str, Any], float], list[dict[str, Any]]]


def cycle(here: World, answer: Answer = obeyed, **args: Any) -> dict[str, Any]:
    """One cycle as the script runs it, with JSON texts as arguments. Gives back the plan."""
    owner = f"cycle-{here.seconds}"
    run(here, "vectra-response-cycle-record", stage="start", owner=owner)
    plan = plan_of(here, **args)
    decisions = plan["decisions"]
    run(here, "vectra-response-cycle-record", stage="intent", owner=owner, decisions=json.dumps(decisions))
    for decision in decisions:
        rows = json.dumps(answer(decision, here.seconds))
        given = {"decisions": json.dumps([decision]), "outcomes": rows}
        run(here, "vectra-response-cycle-record", stage="outcome", owner=owner, **given)
    run(here, "vectra-response-cycle-record", stage="end", owner=owner)
    return plan


def tags_of(here: World, number: int = 41) -> list[str]:
    return list(here.vectra.item("host", str(number))["tags"])


def notes_of(here: World, key: str = "host:41") -> list[str]:
    return [note["note"] for note in here.vectra.all_notes.get(key, [])]


# ---- the cycle


def test_cycle_block_then_release_leaves_vectra_as_it_was_plus_two_notes() -> None:
    here = world(host_item(41, tags=["finance", BLOCK]))
    cycle(here)
    assert tags_of(here) == ["finance", BLOCK, MARK, element_tag("edr_1", "host:41@edr_1")]
    assert MARK in tags_of(here) and elements_in_tags(tags_of(here)) == {"edr_1": ["host:41@edr_1"]}
    assert here.vectra.reads <= 12
    here.vectra.item("host", "41")["tags"].remove(BLOCK)
    here.seconds += 60
    cycle(here)
    assert tags_of(here) == ["finance"]
    assert [text.partition(" on ")[0] for text in notes_of(here)] == ["VAR: Blocked", "VAR: Unblocked"]
    assert "carries the tag 'vectra_host_block'" in notes_of(here)[0] and "by edr_1" in notes_of(here)[0]
    assert here.state["entities"] == {}


def test_cycle_with_nothing_to_do_writes_nothing() -> None:
    here = world(host_item(41, tags=[BLOCK]))
    cycle(here)
    before, tags = len(here.vectra.writes), tags_of(here)
    for _ in range(3):
        here.seconds += 300
        assert cycle(here)["decisions"] == []
    assert len(here.vectra.writes) == before and tags_of(here) == tags


def test_defect_2_failing_driver_keeps_its_own_record_and_nobody_elses() -> None:
    here = world(host_item(41, tags=[BLOCK]))
    cycle(here, lambda one, at: [row(one, "edr_1", at, element="a"), row(one, "fw_1", at, element="b")])
    here.vectra.item("host", "41")["tags"].remove(BLOCK)
    here.seconds += 60

    def one_fails(one: Mapping[str, Any], at: float) -> list[dict[str, Any]]:
        failed = row(one, "fw_1", at, element="b", status="failed", contained=True, reason="no route")
        return [row(one, "edr_1", at, element="a"), failed]

    cycle(here, one_fails)
    assert elements_in_tags(tags_of(here)) == {"fw_1": ["b"]} and MARK in tags_of(here)
    (left,) = outputs(here, "vectra-response-status")["elements"]
    assert (left["instance"], left["element"], left["status"], left["reason"]) == ("fw_1", "b", "failed", "no route")


@pytest.mark.parametrize("status", ["failed", "unsupported"])
def test_defect_3_release_that_failed_is_no_success_for_any_kind(status: str) -> None:
    here = world(detections=[detection_item(9001, tags=["block"])])
    cycle(here)
    here.vectra.item("detection", "9001")["tags"].remove("block")
    here.seconds += 60
    element = "detection:9001@edr_1"
    cycle(here, lambda one, at: [row(one, "edr_1", at, element=element, status=status, contained=True)])
    assert outputs(here, "vectra-response-status")["contained"] == 1
    assert "VAR Detection Blocked" in here.vectra.item("detection", "9001")["tags"]


def test_defect_5_tags_that_cannot_be_written_are_written_by_a_later_cycle() -> None:
    here = world(host_item(41, tags=[BLOCK]))
    here.vectra.broken["tags"] = VectraBusyError("busy", 503)
    cycle(here)
    assert tags_of(here) == [BLOCK] and outputs(here, "vectra-response-status")["contained"] == 1
    here.vectra.broken.clear()
    here.seconds += 60
    assert cycle(here)["decisions"] == []
    assert elements_in_tags(tags_of(here)) == {"edr_1": ["host:41@edr_1"]} and len(notes_of(here)) == 1


def test_defect_15_many_elements_are_all_released() -> None:
    here = world(host_item(41, tags=[BLOCK]))
    names = [f"e{number}" for number in range(6)]
    cycle(here, lambda one, at: [row(one, "fw_1", at, element=name) for name in names])
    here.vectra.item("host", "41")["tags"].remove(BLOCK)
    here.seconds += 60
    plan = cycle(here)
    assert plan["decisions"][0]["elements"] == {"fw_1": names} and tags_of(here) == []


def test_defect_16_host_with_the_tag_block_is_released() -> None:
    here = world(host_item(41, tags=[BLOCK, "block"]))
    cycle(here)
    here.vectra.item("host", "41")["tags"].remove(BLOCK)
    here.seconds += 60
    cycle(here)
    assert tags_of(here) == ["block"]


def test_defect_19_tags_set_meanwhile_survive() -> None:
    here = world(host_item(41, tags=[BLOCK]))
    plan = plan_of(here)
    decisions = json.dumps(plan["decisions"])
    run(here, "vectra-response-cycle-record", stage="intent", decisions=decisions)
    here.vectra.item("host", "41")["tags"].append("analyst: looking")
    rows = json.dumps(obeyed(plan["decisions"][0], NOW))
    run(here, "vectra-response-cycle-record", stage="outcome", decisions=decisions, outcomes=rows)
    assert "analyst: looking" in tags_of(here)


def test_tags_that_were_wiped_lose_no_state() -> None:
    here = world(host_item(41, tags=[BLOCK]))
    cycle(here)
    here.vectra.item("host", "41")["tags"] = []
    here.seconds += 60
    assert cycle(here)["decisions"][0]["elements"] == {"edr_1": ["host:41@edr_1"]}


def test_tag_that_vectra_refuses_is_left_out_and_said() -> None:
    here = world(host_item(41, tags=[BLOCK]))
    here.vectra.refused = {element_tag("edr_1", "x")}
    plan = plan_of(here)
    given = {"decisions": json.dumps(plan["decisions"])}
    run(here, "vectra-response-cycle-record", stage="intent", **given)
    rows = json.dumps([row(plan["decisions"][0], "edr_1", element="x")])
    result = outputs(here, "vectra-response-cycle-record", stage="outcome", outcomes=rows, **given)
    assert "left out" in result["errors"][0] and tags_of(here) == [BLOCK, MARK]


@pytest.mark.parametrize(
    ("params", "tagged", "noted"), [({"write_tags": "false"}, 0, 1), ({"write_notes": "false"}, 1, 0)]
)
def test_tags_and_notes_can_be_switched_off(params: dict[str, str], tagged: int, noted: int) -> None:
    here = world(host_item(41, tags=[BLOCK]), **params)
    cycle(here)
    assert (MARK in tags_of(here)) == bool(tagged) and len(notes_of(here)) == noted


def test_entity_deleted_in_vectra_does_not_stop_the_record() -> None:
    here = world(host_item(41, tags=[BLOCK]))
    plan = plan_of(here)
    here.vectra.objects["hosts"].clear()
    given = {"decisions": json.dumps(plan["decisions"]), "outcomes": json.dumps(obeyed(plan["decisions"][0], NOW))}
    run(here, "vectra-response-cycle-record", stage="intent", **given)
    assert outputs(here, "vectra-response-cycle-record", stage="outcome", **given)["errors"] == []
    assert outputs(here, "vectra-response-status")["contained"] == 1


def test_host_that_vectra_forgot_is_released_after_three_cycles() -> None:
    here = world(host_item(41, tags=[BLOCK]))
    cycle(here)
    here.vectra.objects["hosts"].clear()
    released = []
    for _ in range(4):
        here.seconds += 300
        released.append([decision["id"] for decision in cycle(here)["decisions"]])
    assert released == [[], [], ["unblock host:41"], []]


def test_rows_of_another_brain_are_left_out() -> None:
    here = world(host_item(41, tags=[BLOCK]))
    (decision,) = plan_of(here)["decisions"]
    rows = [row(decision, "edr_1"), row(decision, "edr_2", brain="brain_2"), row(decision, "")]
    result = outputs(here, "vectra-response-cycle-record", stage="outcome", outcomes=json.dumps(rows))
    assert (result["outcomes"], result["ignored"]) == (1, 2)


def test_reconcile_rows_settle_what_was_pending() -> None:
    here = world(host_item(41, tags=[BLOCK]))
    cycle(here, lambda one, at: [row(one, "edr_1", at, element="a", status="pending", reference="7")])
    assert outputs(here, "vectra-response-status")["pending"] == 1
    assert notes_of(here)[0].startswith("VAR: Block ordered on ")
    (decision,) = [{"action": "reconcile", "key": "host:41"}]
    done = row(decision, "edr_1", NOW + 60, element="a", status="applied", contained=True)
    run(here, "vectra-response-cycle-record", stage="outcome", outcomes=json.dumps([done]))
    status = outputs(here, "vectra-response-status")
    assert (status["pending"], status["contained"]) == (0, 1)


def test_note_tells_which_driver_is_done_and_which_has_only_an_order() -> None:
    here = world(host_item(41, tags=[BLOCK]))
    rows = {"edr_1": "pending", "nac_1": "applied"}
    cycle(here, lambda one, at: [row(one, name, at, element="a", status=status) for name, status in rows.items()])
    (note,) = notes_of(here)
    assert note.startswith("VAR: Blocked on ")
    assert " by edr_1 (ordered), nac_1" in note


def test_reconcile_row_of_a_finished_release_removes_the_element() -> None:
    here = world(host_item(41, tags=[BLOCK]))
    cycle(here, lambda one, at: [row(one, "edr_1", at, element="a")])
    here.vectra.item("host", "41")["tags"].remove(BLOCK)
    here.seconds += 60
    cycle(here, lambda one, at: [row(one, "edr_1", at, element="a", status="pending", contained=True)])
    done = row({"action": "reconcile", "key": "host:41"}, "edr_1", here.seconds + 60, element="a", contained=False)
    run(here, "vectra-response-cycle-record", stage="outcome", outcomes=json.dumps([done]))
    run(here, "vectra-response-cycle-record", stage="end")
    assert here.state["entities"] == {} and tags_of(here) == []


def test_defect_23_drivers_without_an_answer_are_no_crash() -> None:
    here = world(accounts=[account_item(7, tags=["vectra_account_block"])])
    cycle(here, lambda one, at: [row(one, "edr_1", at, element="a")])
    here.vectra.item("account", "7")["tags"].remove("vectra_account_block")
    here.seconds += 60
    cycle(here, lambda one, at: [])
    assert outputs(here, "vectra-response-status")["elements"][0]["reason"] == "no answer"
    here.seconds += 300
    cycle(here)
    assert here.state["entities"] == {}


def test_older_outcome_does_not_undo_a_newer_one() -> None:
    decision = {"action": "block", "key": "host:41"}
    new = with_outcomes(new_state(), [], [row(decision, "edr_1", NOW, element="a")], "brain_1", NOW)
    old = row(decision, "edr_1", NOW - 10, element="a", status="failed", contained=False)
    assert with_outcomes(new, [], [old], "brain_1", NOW) == new


def test_lease_second_cycle_is_told_that_it_is_busy_until_the_first_ends() -> None:
    here = world()
    assert outputs(here, "vectra-response-cycle-record", stage="start", owner="one")["busy"] is False
    assert outputs(here, "vectra-response-cycle-record", stage="start", owner="two")["busy"] is True
    assert outputs(here, "vectra-response-cycle-record", stage="start", owner="one")["busy"] is False
    run(here, "vectra-response-cycle-record", stage="end", owner="two")
    assert outputs(here, "vectra-response-cycle-record", stage="start", owner="two")["busy"] is True
    run(here, "vectra-response-cycle-record", stage="end", owner="one")
    assert outputs(here, "vectra-response-cycle-record", stage="start", owner="two")["busy"] is False


def test_lease_of_a_cycle_that_died_ends_by_itself() -> None:
    here = world()
    run(here, "vectra-response-cycle-record", stage="start", owner="one")
    here.seconds += 601
    assert outputs(here, "vectra-response-cycle-record", stage="start", owner="two")["busy"] is False


def test_lease_that_was_lost_stops_the_cycle_before_it_acts() -> None:
    here = world(host_item(41, tags=[BLOCK]))
    run(here, "vectra-response-cycle-record", stage="start", owner="slow")
    decisions = json.dumps(plan_of(here)["decisions"])
    here.seconds += 601
    run(here, "vectra-response-cycle-record", stage="start", owner="other")
    with pytest.raises(DemistoException, match="taken over"):
        run(here, "vectra-response-cycle-record", stage="intent", owner="slow", decisions=decisions)
    assert here.state["entities"] == {}


def test_emergency_stop_after_the_plan_refuses_the_blocks() -> None:
    here = world(host_item(41, tags=[BLOCK]))
    decisions = json.dumps(plan_of(here)["decisions"])
    run(here, "vectra-response-stop", active="true")
    with pytest.raises(DemistoException, match="emergency stop"):
        run(here, "vectra-response-cycle-record", stage="intent", decisions=decisions)
    assert here.state["entities"] == {}


def test_emergency_stop_in_the_middle_keeps_what_was_done_and_stops_the_rest() -> None:
    here = world(host_item(41, tags=[BLOCK]), host_item(42, tags=[BLOCK]))
    first, second = plan_of(here)["decisions"]
    run(here, "vectra-response-cycle-record", stage="intent", decisions=json.dumps([first, second]))
    run(here, "vectra-response-stop", active="true")
    given = {"decisions": json.dumps([first]), "outcomes": json.dumps(obeyed(first, NOW))}
    with pytest.raises(DemistoException, match="emergency stop"):
        run(here, "vectra-response-cycle-record", stage="outcome", **given)
    assert outputs(here, "vectra-response-status")["contained"] == 1 and MARK in tags_of(here)
    assert plan_of(here)["mode"] == "stopped"


@pytest.mark.parametrize("owned", [True, False])
def test_emergency_stop_releases_go_on_beside_blocks_that_were_left_open(owned: bool) -> None:
    here = world(*(host_item(number, tags=[BLOCK]) for number in (41, 42, 43)))
    first, second, third = plan_of(here)["decisions"]
    run(here, "vectra-response-cycle-record", stage="intent", decisions=json.dumps([first, second, third]))
    for decision in (first, second):
        given = {"decisions": json.dumps([decision]), "outcomes": json.dumps(obeyed(decision, NOW))}
        run(here, "vectra-response-cycle-record", stage="outcome", **given)
    run(here, "vectra-response-stop", active="true")
    for number in (41, 42):
        here.vectra.item("host", str(number))["tags"].remove(BLOCK)
    here.seconds += 60
    plan = cycle(here) if owned else plan_of(here)
    assert [decision["id"] for decision in plan["decisions"]] == ["unblock host:41", "unblock host:42"]
    for decision in [] if owned else plan["decisions"]:
        given = {"decisions": json.dumps([decision]), "outcomes": json.dumps(obeyed(decision, here.seconds))}
        run(here, "vectra-response-cycle-record", stage="outcome", **given)
    assert outputs(here, "vectra-response-status")["contained"] == 0


def test_emergency_stop_between_a_release_and_the_first_block_is_in_time() -> None:
    here = world(host_item(41, tags=[BLOCK]), host_item(42))
    cycle(here)
    here.vectra.item("host", "41")["tags"].remove(BLOCK)
    here.vectra.item("host", "42")["tags"].append(BLOCK)
    here.seconds += 60
    run(here, "vectra-response-cycle-record", stage="start", owner="one")
    release, block = plan_of(here)["decisions"]
    run(here, "vectra-response-cycle-record", stage="intent", owner="one", decisions=json.dumps([release, block]))
    run(here, "vectra-response-stop", active="true")
    given = {"decisions": json.dumps([release]), "outcomes": json.dumps(obeyed(release, here.seconds))}
    with pytest.raises(DemistoException, match="emergency stop"):
        run(here, "vectra-response-cycle-record", stage="outcome", owner="one", **given)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"stage": "maybe"}, "'stage': 'maybe'"),
        ({"stage": "start"}, "'owner' is empty"),
        ({"stage": "intent", "decisions": "{"}, "'decisions' is no JSON"),
        ({"stage": "intent", "decisions": "[1]"}, "no JSON list of objects"),
        ({"stage": "intent", "decisions": '[{"id": "x", "action": "burn"}]'}, "'x' is no decision"),
        ({"stage": "outcome", "outcomes": "7"}, "'outcomes' is no JSON list"),
    ],
)
def test_record_wrong_arguments_are_named(args: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        run(world(), "vectra-response-cycle-record", **args)


def test_outcome_row_without_its_parts_is_none() -> None:
    assert not is_outcome({"entity": "host:41", "action": "block", "instance": "edr_1"})


# ---- kill -9 at every step


class Fuse:
    """Ends the process at the step asked for."""

    def __init__(self, at: int) -> None:
        self.left = at

    def step(self, name: str) -> None:
        if self.left == 0:
            raise Killed(name)
        self.left -= 1


class Product:
    """A driver with a product: what is really blocked, by element."""

    def __init__(self) -> None:
        self.blocked: set[str] = set()

    def answer(self, one: Mapping[str, Any], at: float) -> list[dict[str, Any]]:
        element = f"{one['key']}@edr_1"
        if one["action"] == "block":
            status = "already" if element in self.blocked else "applied"
            self.blocked.add(element)
            return [row(one, "edr_1", at, element=element, status=status, contained=True)]
        status = "applied" if element in self.blocked else "already"
        self.blocked.discard(element)
        return [row(one, "edr_1", at, element=element, status=status, contained=False)]


def story(here: World, product: Product, fuse: Fuse | None) -> bool:
    """Block, then release, each by one cycle; False when the process was killed on the way."""
    if fuse is not None:
        here.vectra.step = here.context.step = fuse.step
    try:
        cycle(here, product.answer)
    except Killed:
        return False
    return True


@pytest.mark.parametrize("wanted", [True, False])
def test_kill_at_every_step_products_state_and_tags_agree_after_the_next_cycle(wanted: bool) -> None:
    for at in range(200):
        here, product = world(host_item(41, tags=["finance", BLOCK])), Product()
        if not wanted:
            cycle(here, product.answer)
            here.vectra.item("host", "41")["tags"].remove(BLOCK)
            here.seconds += 60
        survived = story(here, product, Fuse(at))
        here.vectra.step = here.context.step = lambda name: None
        for _ in range(2):
            here.seconds += 601
            cycle(here, product.answer)
        elements = elements_in_tags(tags_of(here))
        assert product.blocked == ({"host:41@edr_1"} if wanted else set()), at
        assert elements == ({"edr_1": ["host:41@edr_1"]} if wanted else {}), at
        assert outputs(here, "vectra-response-status")["contained"] == int(wanted), at
        assert tags_of(here)[0] == "finance" and (MARK in tags_of(here)) == wanted, at
        assert not any(record["intent"] or record["note"] for record in here.state["entities"].values()), at
        if survived:
            assert at > 8
            return
    pytest.fail("the story never ended")


def test_kill_between_block_and_record_is_undone_when_the_reason_is_gone() -> None:
    here, product = world(host_item(41, tags=[BLOCK])), Product()
    decisions = plan_of(here)["decisions"]
    run(here, "vectra-response-cycle-record", stage="intent", decisions=json.dumps(decisions))
    product.answer(decisions[0], NOW)
    here.vectra.item("host", "41")["tags"].remove(BLOCK)
    here.seconds += 601
    cycle(here, product.answer)
    assert product.blocked == set() and here.state["entities"] == {}


def test_two_runs_at_once_lose_nothing() -> None:
    here = world(host_item(41, tags=[BLOCK]), host_item(42, tags=[BLOCK]))
    first, second = plan_of(here)["decisions"]
    run(here, "vectra-response-cycle-record", stage="intent", decisions=json.dumps([first, second]))

    def meanwhile(name: str) -> None:
        if name == "before context":
            here.context.step = lambda name: None
            given = {"decisions": json.dumps([second]), "outcomes": json.dumps(obeyed(second, NOW))}
            run(here, "vectra-response-cycle-record", stage="outcome", **given)

    here.context.step = meanwhile
    given = {"decisions": json.dumps([first]), "outcomes": json.dumps(obeyed(first, NOW))}
    run(here, "vectra-response-cycle-record", stage="outcome", **given)
    assert outputs(here, "vectra-response-status")["contained"] == 2


# ---- reading


def test_defect_24_and_25_plan_costs_at_most_twelve_reads_whatever_the_groups() -> None:
    many = [{"id": number} for number in range(1, 2001)]
    uids = [{"uid": f"nobody{number}@corp.test"} for number in range(2000)]
    here = world(
        *(host_item(number) for number in range(1, 50)),
        groups=[
            *groups_items(account=uids),
            {"id": 8, "type": "host", "name": "NoBlock", "members": many},
        ],
        accounts=[account_item(number) for number in range(1, 50)],
        detections=[detection_item(9000 + number, host=host_item(number)) for number in range(1, 50)],
        host_score="80 or 80",
        account_score="80 or 80",
        host_detection_types="One",
        account_detection_types="Two",
        account_block_group="Block",
        host_block_group="Block",
    )
    for _ in range(3):
        here.vectra.reads = 0
        here.seconds += 60
        plan = plan_of(here)
        assert plan["decisions"] == [] and plan["reads"] <= 12


def test_defect_24_detections_of_bad_hosts_cost_one_read() -> None:
    bad = [host_item(number, threat=90, certainty=90) for number in range(1, 40)]
    found = [detection_item(9000 + item["id"], host=item) for item in bad]
    here = world(*bad, detections=found, detection_host_score="80 and 80", max_new_blocks="0")
    plan = plan_of(here)
    assert len(plan["held_back"]) == 39 and plan["reads"] <= 5


def test_group_member_is_looked_up_only_when_it_is_blocked() -> None:
    here = world(
        *(host_item(number) for number in range(1, 31)),
        groups=groups_items(host=[{"id": number} for number in range(1, 31)]),
        host_block_group="Block",
        max_new_blocks="2",
    )
    plan = plan_of(here)
    assert [decision["args"]["ip"] for decision in plan["decisions"]] == ["10.0.0.2", "10.0.0.3"]
    assert [path for path, _ in here.vectra.asked if path.startswith("hosts/")] == ["hosts/1", "hosts/2"]


def test_account_of_the_block_group_is_found_by_its_uid() -> None:
    here = world(
        accounts=[account_item(7), account_item(77, name="O365:xuser7@corp.test", display_name="x")],
        groups=groups_items(account=[{"uid": "User7@corp.test"}]),
        account_block_group="Block",
    )
    plan = plan_of(here)
    assert [decision["key"] for decision in plan["decisions"]] == ["account:7"]
    cycle(here)
    here.vectra.reads = 0
    here.seconds += 60
    assert plan_of(here)["decisions"] == []


def test_urgent_entity_gets_its_address_from_its_host() -> None:
    urgent = {"id": 41, "type": "host", "name": "pc-41", "urgency_score": 95, "tags": []}
    calm = {"id": 42, "type": "host", "name": "pc-42", "urgency_score": 10, "tags": []}
    here = world(host_item(41), host_item(42), entities=[calm, urgent])
    here.brain = here.brain_with(settings(**CLOUD, token_creds=None, host_urgency="90"))
    (decision,) = plan_of(here)["decisions"]
    assert decision["args"]["ip"] == "10.0.0.42" and "urgency 95" in decision["reasons"][0]


def test_details_of_who_is_held_back_are_not_read_in_every_cycle() -> None:
    urgent = [{"id": n, "type": "host", "name": f"pc-{n}", "urgency_score": 95, "tags": []} for n in range(1, 31)]
    here = world(*(host_item(n, is_key_asset=True) for n in range(1, 31)), entities=urgent)
    here.brain = here.brain_with(settings(**CLOUD, token_creds=None, host_urgency="90"))
    for _ in range(2):
        here.vectra.reads = 0
        here.seconds += 60
        plan = plan_of(here)
    assert plan["reads"] <= 12 and len(plan["held_back"]) == 30 and plan["decisions"] == []
    here.vectra.item("host", "1")["is_key_asset"] = False
    here.seconds += 3601
    assert [decision["id"] for decision in plan_of(here)["decisions"]] == ["block host:1"]


def test_defect_6_one_list_that_fails_stops_nothing_else() -> None:
    here = world(host_item(41, tags=[BLOCK]))
    here.vectra.broken["accounts"] = VectraBusyError("Vectra answered 500 to accounts", 500)
    plan = plan_of(here)
    assert [decision["id"] for decision in plan["decisions"]] == ["block host:41"]
    assert "Vectra answered 500 to accounts" in plan["errors"][0]


def test_plan_nothing_readable_is_an_error() -> None:
    here = world()
    error = VectraConfigError("Vectra answered 401 to groups", 401)
    here.vectra.broken = dict.fromkeys(("groups", "hosts", "accounts", "detections"), error)
    with pytest.raises(DemistoException, match=r"Nothing could be read from Vectra.*401"):
        plan_of(here)


def test_defect_44_dry_run_names_everything_and_changes_nothing() -> None:
    here = world(host_item(41, tags=[BLOCK]))
    result = run(here, "vectra-response-plan", dry_run="true", destinations="8.8.8.8")
    assert result.outputs["mode"] == "dry_run" and here.context.context == {} and here.vectra.writes == []
    text = str(result.readable_output)
    assert "pc-41" in text and "static list static" in text and "nothing is to be done" in text


def test_plan_static_list_arguments_are_taken() -> None:
    here = world()
    (decision,) = plan_of(here, destinations=["8.8.8.8"], list="dns")["decisions"]
    assert decision["key"] == "destinations:dns" and decision["args"]["list"] == "dns"
    assert "gone" in plan_of(here, destinations_error="gone")["errors"][0]


def test_plan_drivers_argument_is_checked() -> None:
    with pytest.raises(ValueError, match="'drivers': an entry has no 'commands'"):
        plan_of(world(), drivers='[{"instance": "a", "brand": "b"}]')


def test_brain_keeps_its_first_name() -> None:
    here = world(host_item(41, tags=[BLOCK]))
    cycle(here)
    renamed = World.__new__(World)
    renamed.__dict__.update(here.__dict__)
    renamed.brain = VectraAutomatedResponse.replace(here.brain, instance="renamed")
    here.vectra.item("host", "41")["tags"].remove(BLOCK)
    assert plan_of(renamed)["decisions"][0]["args"]["brain"] == "brain_1"


# ---- other commands


def test_status_shows_open_intents_failures_and_holds() -> None:
    here = world(host_item(41, tags=[BLOCK]), host_item(42, tags=[BLOCK]))
    first, second = plan_of(here)["decisions"]
    run(here, "vectra-response-cycle-record", stage="intent", decisions=json.dumps([first, second]))
    failed = row(second, "fw_1", element="", status="failed", contained=False, reason="no route")
    given = {"decisions": json.dumps([second]), "outcomes": json.dumps([failed])}
    run(here, "vectra-response-cycle-record", stage="outcome", **given)
    run(here, "vectra-response-release", keys="host:41", reason="checked")
    status = outputs(here, "vectra-response-status")
    assert [(entry["key"], entry["status"]) for entry in status["elements"]] == [
        ("host:41", "intended"),
        ("host:42", "failed"),
    ]
    assert (status["pending"], status["failed"], status["held"][0]["why"]) == (1, 1, "checked")
    assert len(outputs(here, "vectra-response-status", keys="host:42")["elements"]) == 1


def test_history_tells_what_lasts_and_what_is_over_for_how_long() -> None:
    here = world(host_item(41, tags=[BLOCK]), host_item(42, tags=[BLOCK]))
    cycle(here)
    began = here.seconds
    here.seconds += 2 * 3600
    run(here, "vectra-response-release", keys="host:41")
    cycle(here)
    ended = here.seconds
    here.seconds += 3600
    rows = outputs(here, "vectra-response-history")
    assert [(row["key"], row["hours"], bool(row["until"])) for row in rows] == [
        ("host:41", 2.0, True),
        ("host:42", 3.0, False),
    ]
    assert {row["since"] for row in rows} == {int(began)}
    assert rows[0]["until"] == int(ended) and rows[0]["why"] == rows[1]["why"] != ""
    later = outputs(here, "vectra-response-history", since="30 minutes")
    assert [row["key"] for row in later] == ["host:42"]
    assert [row["key"] for row in outputs(here, "vectra-response-history", page="2", page_size="1")] == ["host:42"]


def test_history_same_outcomes_again_are_told_once() -> None:
    here = world(host_item(41, tags=[BLOCK]))
    [decision] = cycle(here)["decisions"]
    state, rows = here.state, [row(decision, "edr_1", NOW + 60, action="unblock", contained=False)]
    once = with_outcomes(state, [], rows, "brain", NOW + 60)
    twice = with_outcomes(once, [], rows, "brain", NOW + 90)
    assert len(once["history"]) == len(twice["history"]) == 1


def test_history_keeps_the_latest_and_a_state_without_one_gets_it() -> None:
    old = {"until": NOW - 93 * 86_400}
    many = [{"until": NOW, "number": number} for number in range(600)]
    state = with_history({"history": [old]}, many, NOW)
    assert [item["number"] for item in state["history"]] == list(range(100, 600))
    assert with_history({}, many[:1], NOW)["history"] == many[:1]


def test_history_time_that_cannot_be_read_is_named() -> None:
    with pytest.raises(ValueError, match="Argument 'since': 'whenever' is neither a time nor a period"):
        run(world(), "vectra-response-history", since="whenever")


def test_release_everything_stops_and_releases() -> None:
    here = world(host_item(41, tags=[BLOCK]), host_item(42, tags=[BLOCK]))
    cycle(here)
    assert len(outputs(here, "vectra-response-release", all="true")) == 2
    here.seconds += 60
    plan = cycle(here)
    assert plan["mode"] == "stopped" and len(plan["decisions"]) == 2
    assert outputs(here, "vectra-response-status")["contained"] == 0
    run(here, "vectra-response-stop", active="false")
    assert plan_of(here)["decisions"] == []
    outputs(here, "vectra-response-release", all="true", lift="true")
    assert len(plan_of(here)["decisions"]) == 2


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({}, "either the argument 'keys' or 'all=true'"),
        ({"keys": "host:41", "all": "true"}, "either"),
        ({"keys": "41"}, "'41' is no key"),
        ({"keys": "host:41", "hours": "-1"}, "'hours': -1"),
    ],
)
def test_release_wrong_arguments_are_named(args: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        run(world(), "vectra-response-release", **args)


def test_stop_by_parameter_cannot_be_ended_by_command() -> None:
    here = world(emergency_stop="true")
    result = run(here, "vectra-response-stop", active="false")
    assert result.outputs["stopped"] is True and "by the parameter" in str(result.readable_output)


def imported_world(**settings: str) -> World:
    """A host that VAR blocked at two clients, taken over; the tags of another one name nothing."""
    tags = [MARK, "VAR ID:PAN Client:10.0.0.42", "VAR ID:FortiEDR Client:02:aa:00:00:00:07", "VAR ID:broken"]
    here = world(host_item(41, tags=tags), host_item(42, tags=[MARK]), **settings)
    run(here, "vectra-response-import", clients=CLIENTS)
    return here


def edit(here: World, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the record of the host in place."""

    def changed(state: dict[str, Any]) -> dict[str, Any]:
        change(state["entities"]["host:41"])
        return state

    here.brain.state.update(changed)


def own_element(here: World) -> dict[str, Any]:
    """An element that a driver blocked itself."""
    return {**here.state["entities"]["host:41"]["elements"]["panos_1"]["10.0.0.42"], "imported": False}


CLIENTS = '{"PAN Client": "panos_1", "FortiEDR Client": "edr_1"}'
VAR_BLOCKED = {"edr_1": ["02:aa:00:00:00:07"], "panos_1": ["10.0.0.42"]}


def adoption(decision: Mapping[str, Any], at: float, edr: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The firewall lets go at once; the other one answers what is given."""
    return [
        row(decision, "panos_1", at, element="10.0.0.42"),
        row(decision, "edr_1", at, **{"element": "02:aa:00:00:00:07", **edr}),
    ]


def test_import_dry_run_names_what_would_be_taken_over_and_what_cannot() -> None:
    tags = [MARK, "VAR ID:PAN Client:10.0.0.42", "VAR ID:broken"]
    here = world(host_item(41, tags=tags), host_item(42, tags=[MARK]), host_item(43, tags=["VAR Host Blocked by hand"]))
    result = run(here, "vectra-response-import", clients=CLIENTS, dry_run="true")
    (found,) = result.outputs
    assert (found["instance"], found["element"]) == ("panos_1", "10.0.0.42")
    assert "without an element: host:42" in str(result.readable_output)
    assert here.context.context == {}


def test_import_release_asks_the_drivers_to_take_over_just_what_var_blocked() -> None:
    here = imported_world()
    (decision,) = plan_of(here)["decisions"]
    assert (decision["adopt"], decision["elements"]) == (VAR_BLOCKED, {})
    assert decision["instances"] == ["edr_1", "panos_1"] and "elements" not in decision["args"]
    cycle(here, lambda one, at: adoption(one, at, {}))
    assert (outputs(here, "vectra-response-status")["elements"], tags_of(here)) == ([], [])
    assert plan_of(here)["decisions"] == []


def test_import_that_was_free_already_is_over_too() -> None:
    here = imported_world()
    cycle(here, lambda one, at: adoption(one, at, {"status": "already", "contained": False}))
    assert (outputs(here, "vectra-response-status")["elements"], tags_of(here)) == ([], [])


def test_import_release_that_failed_is_asked_for_again_as_before() -> None:
    here = imported_world()
    cycle(here, lambda one, at: adoption(one, at, {"status": "failed", "contained": True, "reason": "no connection"}))
    assert plan_of(here)["decisions"] == []
    here.seconds += RETRY_PAUSES[0] + 1
    (decision,) = plan_of(here)["decisions"]
    assert (decision["adopt"], decision["elements"]) == ({"edr_1": ["02:aa:00:00:00:07"]}, {})


def test_import_release_that_the_driver_has_on_record_is_not_taken_over_twice() -> None:
    here = imported_world()
    cycle(here, lambda one, at: adoption(one, at, {"status": "pending", "contained": True}))
    here.seconds += PENDING_SECONDS + 1
    (decision,) = plan_of(here)["decisions"]
    assert (decision["adopt"], decision["elements"]) == ({}, {"edr_1": ["02:aa:00:00:00:07"]})


def test_import_own_elements_beside_it_are_released_without_taking_over() -> None:
    here = imported_world()
    own = own_element(here)
    edit(here, lambda record: record["elements"]["edr_1"].update(ours=own))
    (decision,) = plan_of(here)["decisions"]
    assert (decision["adopt"], decision["elements"]) == (VAR_BLOCKED, {"edr_1": ["ours"]})


@pytest.mark.parametrize("action", ["block", "groom", "reconcile"])
@pytest.mark.parametrize("element", ["02:aa:00:00:00:07", ""])
def test_import_is_not_lost_when_the_driver_calls_it_someone_elses(action: str, element: str) -> None:
    here = imported_world()
    before = here.state["entities"]["host:41"]["elements"]
    answer = {"key": "host:41", "action": action}
    said = row(answer, "edr_1", here.seconds, element=element, status="already", contained=False)
    after = with_outcomes(here.state, [], [said], "brain_1", here.seconds)["entities"]["host:41"]
    assert after["elements"] == before
    assert not element or after["attempts"] == {}


def test_import_is_left_out_of_grooming_until_a_driver_has_it() -> None:
    here = imported_world()
    here.vectra.item("host", "41")["tags"].append(BLOCK)
    assert plan_of(here, groom="true")["decisions"] == []
    edit(here, lambda record: record["elements"].update(nac_1={"ours": own_element(here)}))
    (decision,) = plan_of(here, groom="true")["decisions"]
    assert (decision["action"], decision["instances"], decision["adopt"]) == ("groom", ["nac_1"], {})


def test_import_after_an_interrupted_block_asks_everyone_and_takes_over_what_var_blocked() -> None:
    here = imported_world()
    edit(here, lambda record: record.update(intent={"action": "block", "at": 0}))
    (decision,) = plan_of(here)["decisions"]
    assert (decision["instances"], decision["elements"], decision["adopt"]) == (None, {}, VAR_BLOCKED)


def test_import_twice_is_as_once() -> None:
    here = world(host_item(41, tags=[MARK, "VAR ID:PAN Client:10.0.0.42"]))
    run(here, "vectra-response-import")
    before = here.state
    here.seconds += 60
    run(here, "vectra-response-import")
    assert here.state == before


def test_import_wrong_clients_are_named() -> None:
    with pytest.raises(ValueError, match="'clients' is no JSON object"):
        run(world(), "vectra-response-import", clients="[]")


def test_lists_show_the_same_names_for_every_version() -> None:
    here = world(
        host_item(41, threat=None, t_score=70, key_asset=True, is_key_asset=None),
        accounts=[account_item(7)],
        detections=[detection_item(9001, host=host_item(41))],
    )
    (shown,) = outputs(here, "vectra-host-list", ip="10.0.0.42", limit="5")
    assert (shown["threat"], shown["key_asset"], shown["ip"]) == (70, True, "10.0.0.42")
    assert here.vectra.asked[-1] == ("hosts", {"last_source": "10.0.0.42"})
    assert outputs(here, "vectra-account-list", id="7")[0]["name"] == "O365:user7@corp.test"
    assert outputs(here, "vectra-detection-list")[0]["src_host"] == "host:41"
    assert outputs(here, "vectra-group-list", type="host")[0]["members"] == ["999"]
    assert outputs(here, "vectra-host-list", id="4711") == []


def test_list_wrong_page_is_named() -> None:
    with pytest.raises(ValueError, match="'limit': 9999"):
        run(world(), "vectra-host-list", limit="9999")


def test_tag_commands_change_only_what_they_are_told() -> None:
    here = world(host_item(41, tags=["a", "b"]))
    place = {"type": "host", "id": "41"}
    assert outputs(here, "vectra-tag-list", **place)["tags"] == ["a", "b"]
    assert outputs(here, "vectra-tag-add", **place, tags="b,c")["tags"] == ["a", "b", "c"]
    assert outputs(here, "vectra-tag-remove", **place, tags="a")["tags"] == ["b", "c"]
    assert tags_of(here) == ["b", "c"] and len(here.vectra.writes) == 2


def test_note_commands_add_change_and_remove() -> None:
    here, place = world(host_item(41)), {"type": "host", "id": "41"}
    added = outputs(here, "vectra-note-add", **place, note="one &amp; two")
    assert added["notes"][0]["note"] == "one & two"
    assert outputs(here, "vectra-note-update", **place, note_id="1", note="x")["notes"][0]["note"] == "x"
    assert outputs(here, "vectra-note-list", **place)["notes"][0]["id"] == 1
    assert outputs(here, "vectra-note-remove", **place, note_id="1")["notes"] == []


@pytest.mark.parametrize(
    ("command", "args", "said"),
    [
        ("vectra-tag-list", {"type": "ip", "id": "1"}, "'type': 'ip'"),
        ("vectra-tag-list", {"type": "host", "id": "x"}, "'id': 'x'"),
        ("vectra-tag-add", {"type": "host", "id": "41"}, "'tags' is empty"),
        ("vectra-note-add", {"type": "host", "id": "41"}, "'note' is empty"),
        ("vectra-note-remove", {"type": "host", "id": "41"}, "'note_id'"),
    ],
)
def test_tag_and_note_wrong_arguments_are_named(command: str, args: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        run(world(host_item(41)), command, **args)


def test_fetch_makes_one_incident_per_new_decision() -> None:
    here = world(host_item(41, tags=[BLOCK]))
    incidents, last = fetch_incidents(here.brain, {})
    assert incidents[0]["name"] == "Vectra asks to block host pc-41" and incidents[0]["severity"] == 3
    assert json.loads(incidents[0]["rawJSON"])["key"] == "host:41"
    assert fetch_incidents(here.brain, last) == ([], last)
    here.vectra.item("host", "41")["tags"] = []
    _, none = fetch_incidents(here.brain, last)
    here.vectra.item("host", "41")["tags"] = [BLOCK]
    assert len(fetch_incidents(here.brain, none)[0]) == 1
    assert here.context.context == {} and here.vectra.writes == []


def test_fetch_while_vectra_fails_is_an_error_and_forgets_nothing() -> None:
    here = world(host_item(41, tags=[BLOCK]))
    _, last = fetch_incidents(here.brain, {})
    here.vectra.broken["accounts"] = VectraBusyError("500", 500)
    here.vectra.item("host", "41")["tags"] = []
    with pytest.raises(DemistoException, match="accounts could not be read"):
        fetch_incidents(here.brain, last)


def test_fetch_cap_leaves_the_rest_for_the_next_time() -> None:
    here = world(*(host_item(number, tags=[BLOCK]) for number in range(1, 6)), max_fetch="3")
    first, last = fetch_incidents(here.brain, {})
    second, _ = fetch_incidents(here.brain, last)
    assert (len(first), len(second)) == (3, 2)


def test_module_test_tells_what_is_missing() -> None:
    here = world()
    assert run_command("test-module", here.brain, {}) == "ok"
    here.vectra.objects["groups"] = here.vectra.objects["groups"][1:]
    assert "no group of hosts named 'NoBlock'" in run_command("test-module", here.brain, {})


def test_unknown_command_is_refused() -> None:
    with pytest.raises(NotImplementedError, match="'vectra-nothing'"):
        run_command("vectra-nothing", world().brain, {})


# ---- values


@pytest.mark.parametrize(
    "element", ["10.0.0.0/24", "jane@corp.test", "a=b+c", "DOM\\user", "a,b", "ä", "enc.x", " x", "a_b"]
)
@pytest.mark.parametrize("client", ["edr_1", "Client: one", "Ümlaut", "enc."])
def test_element_of_any_text_comes_back_from_its_tag(client: str, element: str) -> None:
    tag = element_tag(client, element)
    assert all((char.isalnum() and char.isascii()) or char in "_:. -" for char in tag)
    assert elements_in_tags([tag]) == {client: [element]}


def test_plain_element_is_written_as_var_does() -> None:
    assert element_tag("PAN Client", "02:aa:00:00:00:07") == "VAR ID:PAN Client:02:aa:00:00:00:07"
    assert decoded("a_2fb") == "a_2fb" and encoded("a_2fb", VectraAutomatedResponse._PLAIN_ELEMENT) == "a_2fb"


def test_defect_18_odd_tags_are_no_elements() -> None:
    tags = ["VAR ID:foo", "VAR ID::x", "VAR ID", "VAR ID: R ID:x", "VAR ID:a:", "var id:b:c"]
    assert elements_in_tags(tags) == {"R ID": ["x"]}
    assert client_limits(["Client VPN", "client", "CLIENT:Pan", "client: "]) == ["pan"]


def test_merged_tags_marker_stays_while_elements_of_others_stand() -> None:
    foreign = "VAR ID:Other:1"
    assert merged_tags([MARK, foreign, "x"], [MARK], []) == [foreign, "x", MARK]
    assert merged_tags(["x", MARK, "x"], [MARK], []) == ["x"]
    assert merged_tags(["x"], [], [MARK]) == ["x", MARK]


def test_note_has_the_time_zone_and_fits() -> None:
    note = json.dumps({"word": "Blocked", "at": NOW, "by": ["edr_1"], "why": ["y" * 9000]})
    text = note_text(note, settings(time_zone="Europe/Zurich").window.zone)
    assert text.startswith("VAR: Blocked on 09 Oct 2025 at 10:53:20 CEST by edr_1.") and len(text) == NOTE_LENGTH


@pytest.mark.parametrize("nested", [True, False])
def test_defect_33_directory_data_is_read_in_both_shapes(nested: bool) -> None:
    data = {"sAMAccountName": "jdoe", "user_principal_name": "jane.doe@corp.test"}
    item = account_item(
        7, tags=["Context:vip", "Context: board"], **({"ldap": data} if nested else {**data, "ldap": {}})
    )
    args = account_from_item(item).args
    assert (args["sam"], args["upn"], args["context"]) == ("jdoe", "jane.doe@corp.test", "board")
    assert account_from_item(account_item(7)).args["sam"] == "user7"


def test_host_names_and_artifacts_are_found() -> None:
    kinds = {"rdns": "r.corp", "dns": "d.corp", "vmachine_info": "vm", "vm_uuid": "u", "aws_vm_uuid": "i-1"}
    artifacts = [{"type": kind, "value": value} for kind, value in kinds.items()]
    args = host_from_item(host_item(41, host_artifact_set=artifacts, previous_ips=["10.9.9.9"])).args
    assert (args["fqdn"], args["vm_name"], args["vm_uuid"], args["aws_id"]) == ("d.corp", "vm", "u", "i-1")
    assert args["previous_ips"] == ["10.9.9.9"]


def test_defect_33_last_seen_stays_in_utc() -> None:
    assert host_from_item(host_item(41, last_seen="2025-02-03T08:01:22Z")).args["last_seen"] == "2025-02-03T08:01:22Z"
    assert "last_seen" not in host_from_item(host_item(41)).args


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"url": "brain"}, "'url'"),
        ({"url": "https://user:x@brain.example.com"}, "'url'"),
        ({"api_version": "2.4"}, "'api_version'"),
        ({"token_creds": {}}, "Give 'token_creds'"),
        ({"client_creds": {"identifier": "a"}}, "give both"),
        ({"client_creds": {"identifier": "a", "password": "b"}}, "not both"),
        ({"token_creds": {"password": "a b"}}, "'token_creds'"),
        ({"url": "https://x.portal.vectra.ai"}, "API clients only"),
        ({"host_score": "80"}, "'host_score'"),
        ({"host_score": "80 xor 70"}, "'host_score'"),
        ({"host_score": "101 and 1"}, "'host_score'"),
        ({"host_score": "90 or 0"}, "reached by everything"),
        ({"account_score": "0 and 0"}, "reached by everything"),
        ({"host_urgency": "101"}, "'host_urgency'"),
        ({"host_block_tag": "a,b"}, "'host_block_tag'"),
        ({"block_days": "noday"}, "'block_days'"),
        ({"block_start": "25"}, "'block_start'"),
        ({"block_end": "8:75"}, "'block_end'"),
        ({"time_zone": "Mars/Base"}, "'time_zone'"),
        ({"own_networks": "10.0.0.0/99"}, "'own_networks'"),
        ({"max_new_blocks": "many"}, "'max_new_blocks'"),
        ({"missing_cycles": "0"}, "'missing_cycles'"),
        ({"dry_run": "perhaps"}, "'dry_run'"),
    ],
)
def test_defect_26_and_36_wrong_parameter_is_named(params: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        settings_from_params({**PARAMS, **params})
    assert "made-up" not in str(caught.value)


def test_defect_34_and_35_texts_from_forms_mean_what_they_say() -> None:
    chosen = settings(explicit_unblock="False", host_urgency="", host_score="80 and 70", host_block_group="")
    assert chosen.safety.explicit_unblock is False and chosen.host.urgency is None
    assert str(chosen.host.score) == "80 and 70" and chosen.host.block_group == ""


def test_defect_39_settings_never_show_a_secret() -> None:
    assert "made-up" not in repr(settings())


@pytest.mark.parametrize(
    ("url", "version"),
    [
        ("https://brain.example.com/api/v2.5/", "2.5"),
        ("https://brain.example.com", "2.5"),
        ("https://t.uw2.portal.vectra.ai", "3.4"),
    ],
)
def test_api_version_follows_the_address(url: str, version: str) -> None:
    logins = CLOUD if "portal" in url else PARAMS
    chosen = settings_from_params({**logins, "url": url})
    assert chosen.version == version and chosen.url == url.partition("/api")[0]


# ---- main


def test_main_wrong_parameter_is_an_error_entry(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []
    monkeypatch.setattr(demisto, "params", lambda: {**PARAMS, "host_score": "80"})
    monkeypatch.setattr(demisto, "command", lambda: "vectra-response-plan")
    monkeypatch.setattr(VectraAutomatedResponse, "return_error", lambda message, error=None: said.append(message))
    main()
    assert said[0].startswith("vectra-response-plan: Parameter 'host_score'")
    capsys.readouterr()


def test_main_stop_goes_through_the_versioned_context(monkeypatch: pytest.MonkeyPatch) -> None:
    results: list[Any] = []
    monkeypatch.setattr(demisto, "params", lambda: PARAMS)
    monkeypatch.setattr(demisto, "command", lambda: "vectra-response-stop")
    monkeypatch.setattr(demisto, "args", lambda: {"active": "true"})
    monkeypatch.setattr(demisto, "integrationInstance", lambda: "brain_1")
    monkeypatch.setattr(VectraAutomatedResponse, "return_results", results.append)
    main()
    assert results[0].outputs == {"brain": "brain_1", "stopped": True}
    stored = demisto.getIntegrationContextVersioned(refresh=True)["context"]
    assert json.loads(stored["state"])["stopped"] is True


def test_make_plan_counts_its_reads() -> None:
    here = world()
    _, reads = make_plan(here.brain, Request())
    assert reads == here.vectra.reads == 4
