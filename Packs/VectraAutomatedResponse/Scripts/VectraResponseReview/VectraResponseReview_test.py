"""The review on a house of two brains that answer from tables."""

from typing import Any

import pytest
from VectraResponseReview import House, Wanted, card, record_of, review, review_results, verdict_of, wanted_from_args

HOST = {"id": 41, "name": "pc", "ip": "10.0.0.1", "threat": 80, "key_asset": False, "tags": ["x"]}
BLOCK = {"key": "host:41", "action": "block", "reasons": ["tag"], "asked": ["edr"]}
TAGS = {"host": {"block": "b", "unblock": "u"}}
KNOWN = {"state": "free"}


def entry(path: str, value: Any) -> list[dict[str, Any]]:
    return [{"Type": 1, "EntryContext": {f"VectraResponse.{path}(val.x == obj.x)": value}}]


class Server:
    """Brains by name, each with rows and a plan; None cannot be asked. `drivers` are instances with commands."""

    def __init__(self, drivers: tuple[str, ...] = ("vectra-block-host",), **brains: Any) -> None:
        self.brains = brains
        self.drivers = drivers
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def house(self) -> House:
        modules = {name: {"brand": "VectraAutomatedResponse", "state": "active"} for name in self.brains}
        modules["edr"] = {"brand": "Edr", "state": "active"}
        commands = {"edr": [{"name": name} for name in self.drivers]}
        return House(self.execute, lambda: modules, lambda: commands, lambda: 0.0)

    def execute(self, command: str, args: dict[str, Any]) -> Any:
        self.asked.append((command, args))
        brain = self.brains[args["using"]]
        if brain is None or command in brain.get("broken", ()):
            return [{"Type": 4, "Contents": "no answer", "ModuleName": args["using"]}]
        if command == "vectra-response-status":
            return entry("Status", {"elements": brain.get("elements", [])})
        if command == "vectra-response-plan":
            return entry("Plan", {"tags": TAGS, **brain.get("plan", {"decisions": [BLOCK]})})
        if command == "vectra-detection-list":
            return entry("Detection", [{"id": 9, "type": "C2", "threat": 1, "certainty": 2}])
        return entry(command.split("-")[1].capitalize(), brain.get("rows", []))


def look(server: Server, number: str = "41", address: str = "", brain: str = "", **more: Any) -> dict[str, Any]:
    return review(server.house(), Wanted("host", number, address, brain, **more))


# ---- finding it


def test_review_known_host_has_facts_plan_and_products() -> None:
    found = look(Server(a={"rows": [HOST]}))
    assert (found["brain"], found["key"], found["verdict"], found["products"]) == ("a", "host:41", "possible", ["edr"])
    assert (found["block_tag"], found["threat"], found["detections"]) == ("b", 80, ["C2 (9), 1 and 2"])


def test_review_asks_what_a_block_tag_would_bring() -> None:
    server = Server(a={"rows": [HOST]})
    look(server)
    [args] = [args for command, args in server.asked if command == "vectra-response-plan"]
    assert args["tagged"] == "host:41" and '"instance": "edr"' in args["drivers"]


def test_review_brief_asks_for_the_record_alone() -> None:
    server = Server(a={"rows": [HOST]})
    assert look(server, brief=True)["state"] == "free"
    assert [command for command, _ in server.asked] == ["vectra-host-list", "vectra-response-status"]


def test_review_address_takes_only_the_host_that_has_it() -> None:
    rows = [{**HOST, "id": 40, "ip": "10.0.0.11"}, HOST]
    assert look(Server(a={"rows": rows}), "", "10.0.0.1")["key"] == "host:41"


def test_review_two_that_fit_are_ambiguous_and_named() -> None:
    found = look(Server(a={"rows": [HOST]}, b={"rows": [HOST]}))
    assert found["verdict"] == "ambiguous" and "pc (host:41) on a, pc (host:41) on b" in found["why"]
    assert look(Server(a={"rows": [HOST]}, b={"rows": [HOST]}), brain="b")["brain"] == "b"


def test_review_address_that_vectra_does_not_know_may_be_contained_directly() -> None:
    found = look(Server(a={}), "", "10.0.0.9")
    assert (found["verdict"], found["key"], found["products"]) == ("unknown", "host:10.0.0.9", ["edr"])


def test_review_unknown_without_address_or_driver_is_not_possible() -> None:
    assert look(Server(a={}), "41")["verdict"] == "not_possible"
    assert look(Server(drivers=(), a={}), "", "10.0.0.9")["verdict"] == "not_possible"


@pytest.mark.parametrize("brain", [None, {"rows": [HOST], "broken": ("vectra-response-plan",)}])
def test_review_brain_that_cannot_be_asked_is_unreadable_not_unknown(brain: Any) -> None:
    found = look(Server(a=brain), "", "10.0.0.1")
    assert found["verdict"] == "unreadable" and "a: no answer" in found["why"]


def test_review_no_answer_in_the_reply_is_unreadable() -> None:
    server = Server(a={"rows": [HOST]})
    plain = server.execute
    house = server.house()
    silent = House(
        lambda name, args: [] if name == "vectra-response-status" else plain(name, args),
        house.modules, house.supported, house.now,
    )  # fmt: skip
    assert review(silent, Wanted("host", "41", "", ""))["verdict"] == "unreadable"


# ---- what is possible


@pytest.mark.parametrize(
    ("state", "plan", "verdict", "why"),
    [
        ("contained", {}, "contained", "contained already"),
        ("ordered", {}, "contained", "ordered already"),
        ("free", {"held_back": [{"key": "host:41", "why": "released by command: x"}]}, "released", "kept free"),
        ("free", {"held_back": [{"key": "host:41", "why": "carries the unblock tag 'u'"}]}, "released", "kept free"),
        (
            "free",
            {"held_back": [{"key": "host:41", "why": "member of no-block group 'N'"}]},
            "not_possible",
            "held back",
        ),
        ("free", {"decisions": [{**BLOCK, "asked": []}]}, "not_possible", "No enabled driver"),
        ("contained", {"decisions": [{**BLOCK, "action": "unblock"}]}, "not_possible", "about to be released: tag"),
        ("free", {"errors": ["host:41: no tag asks", "other"]}, "not_possible", "host:41: no tag asks"),
        ("free", {}, "not_possible", "would not contain it"),
        ("failed", {"decisions": [BLOCK]}, "possible", ""),
    ],
)
def test_verdict_of_record_and_plan(state: str, plan: dict[str, Any], verdict: str, why: str) -> None:
    found = verdict_of("host:41", {"state": state}, plan)
    assert found["verdict"] == verdict and why in found["why"]


def row(status: str, contained: bool) -> dict[str, Any]:
    return {"key": "host:41", "instance": "edr", "element": "e", "status": status, "contained": contained}


@pytest.mark.parametrize(
    ("rows", "state"),
    [
        ([], "free"),
        ([row("applied", True), row("failed", False)], "contained"),
        ([row("pending", True)], "ordered"),
        ([row("releasing", True), row("applied", True)], "releasing"),
        ([row("failed", False)], "failed"),
        ([{**row("applied", True), "key": "host:42"}], "free"),
    ],
)
def test_record_of_elements_is_one_state(rows: list[dict[str, Any]], state: str) -> None:
    assert record_of("host:41", {"elements": rows})["state"] == state


def test_record_of_failures_name_the_driver_and_what_it_said() -> None:
    found = record_of("host:41", {"elements": [{**row("failed", False), "reason": "agent offline"}]})
    assert found["failures"] == ["edr: agent offline"] and found["holding"] == []


# ---- arguments and text


def test_wanted_from_args_address_wins_over_the_id_of_the_incident() -> None:
    assert wanted_from_args({"type": "host", "id": "41", "address": "10.0.0.9"}) == Wanted("host", "", "10.0.0.9", "")


def test_wanted_from_args_a_key_is_taken_as_an_id() -> None:
    assert wanted_from_args({"type": "host", "id": "host:41", "brief": "true"}) == Wanted("host", "41", "", "", True)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"type": "list", "id": "1"}, "'type': 'list' is not one of"),
        ({"type": "host"}, "Give the argument 'id'"),
        ({"type": "detection", "address": "8.8.8.8"}, "Give the argument 'id'"),
        ({"type": "host", "id": "account:7"}, "account:7 is no host"),
    ],
)
def test_wanted_from_args_wrong_argument_is_named(args: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        wanted_from_args(args)


@pytest.mark.parametrize("brain", ["", "z"])
def test_review_without_that_brain_is_refused(brain: str) -> None:
    with pytest.raises(ValueError, match="no enabled instance"):
        look(Server() if not brain else Server(a={}), brain=brain)


def test_card_has_a_line_per_fact_and_leaves_out_what_is_not_known() -> None:
    text = card(look(Server(a={"rows": [HOST]})))
    assert text.startswith("### host pc (41)\n- Brain: a\n- Address: 10.0.0.1\n- Threat: 80\n")
    assert "Urgency" not in text and text.endswith("- State: free")


def test_review_results_take_the_place_of_earlier_ones() -> None:
    given = review_results(look(Server(a={"rows": [HOST]})), 0.0).to_context()["EntryContext"]
    assert list(given) == ["VectraResponse(true)"] and given["VectraResponse(true)"]["Review"]["at"].startswith("1970")
