"""The preview of a list, on a server with one list and brains that refuse what they are told to."""

from typing import Any

import pytest
from VectraResponseDestinations import Change, House, answer_of, change_from_args, changed_text, preview

NAME = "l"


class Server:
    """A list (None: there is none), brains that refuse the entries of `bad`, block what is not in `contained`."""

    def __init__(self, text: str | None, bad: tuple[str, ...] = (), contained: tuple[str, ...] = ()) -> None:
        self.text, self.bad, self.contained = text, bad, contained
        self.errors: list[str] = []
        self.held: list[dict[str, Any]] = []
        self.broken = ""

    def house(self) -> House:
        modules = {name: {"brand": "VectraAutomatedResponse", "state": "active"} for name in ("a", "b")}
        return House(self.execute, lambda: modules, dict, lambda: 100.0)

    def execute(self, command: str, args: dict[str, Any]) -> Any:
        if command == self.broken:
            return [{"Type": 4, "Contents": "no answer"}]
        if command == "getList":
            missing = [{"Type": 4, "Contents": "Item not found (8)"}]
            return missing if self.text is None else [{"Type": 1, "Contents": self.text}]
        if command == "vectra-response-status":
            rows = [{"key": f"destinations:{NAME}", "element": e, "contained": True} for e in self.contained]
            return [{"EntryContext": {"VectraResponse.Status": {"elements": rows, "held": self.held}}}]
        return [{"EntryContext": {"VectraResponse.Plan": self.plan(args["destinations"])}}]

    def plan(self, text: str) -> dict[str, Any]:
        lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.split("#")[0].strip()]
        said = [f"Static list 'l', line {n}: {line!r} is private" for n, line in lines if line.split()[0] in self.bad]
        wanted = [line.split()[0] for _, line in lines if line.split()[0] not in (*self.bad, *self.contained)]
        block = {"key": f"destinations:{NAME}", "action": "block", "args": {"destinations": wanted}, "asked": ["fw"]}
        return {"decisions": [block] if wanted else [], "warnings": said, "errors": self.errors}


def look(server: Server, **change: Any) -> dict[str, Any]:
    return preview(server.house(), Change(NAME, **change))


def test_changed_text_keeps_lines_that_are_not_concerned() -> None:
    text = "# ours\n192.0.2.1  # old\n\n192.0.2.2"
    assert changed_text(text, Change(NAME, ("192.0.2.3", "192.0.2.1"), ("192.0.2.2",), "case 1")) == (
        "# ours\n192.0.2.1  # old\n\n192.0.2.3  # case 1"
    )


def test_changed_text_without_any_line_says_so_in_a_comment() -> None:
    assert changed_text("192.0.2.2", Change(NAME, (), ("192.0.2.2",))) == "# no entries"


def test_preview_new_entry_is_possible_and_shown_with_the_product() -> None:
    found = look(Server("192.0.2.1", contained=("192.0.2.1",)), add=("192.0.2.9",), comment="why")
    assert (found["verdict"], found["add"], found["blocks"], found["products"]) == (
        "possible", ["192.0.2.9"], ["192.0.2.9"], ["fw"],
    )  # fmt: skip
    assert found["text"] == "192.0.2.1\n192.0.2.9  # why" and "- To be added: 192.0.2.9" in found["card"]


def test_preview_refused_entry_never_gets_onto_the_list() -> None:
    found = look(Server("", bad=("10.0.0.1",)), add=("10.0.0.1", "192.0.2.9"))
    assert found["text"] == "192.0.2.9" and found["add"] == ["192.0.2.9"]
    assert found["refused"] == ["10.0.0.1: is private"]


def test_preview_nothing_usable_is_refused() -> None:
    assert look(Server("", bad=("10.0.0.1",)), add=("10.0.0.1",))["verdict"] == "refused"


def test_preview_list_that_is_contained_is_nothing_to_do() -> None:
    found = look(Server("192.0.2.1", contained=("192.0.2.1",)), add=("192.0.2.1",))
    assert (found["verdict"], found["waiting"], found["contained"]) == ("nothing", [], ["192.0.2.1"])


def test_preview_missing_list_is_an_empty_one_to_be_made() -> None:
    found = look(Server(None), add=("192.0.2.1",))
    assert (found["exists"], found["verdict"]) == (False, "possible") and "no such list yet" in found["card"]


@pytest.mark.parametrize("broken", ["getList", "vectra-response-plan"])
def test_preview_what_cannot_be_read_is_an_error(broken: str) -> None:
    server = Server("192.0.2.1")
    server.broken = broken
    found = look(server, add=("192.0.2.2",))
    assert found["verdict"] == "error" and "no answer" in found["errors"][0]


def test_preview_error_of_a_brain_about_the_list_stops_it() -> None:
    server = Server("192.0.2.1")
    server.errors = ["Static list 'l' asks for 900 changes at once", "The hosts could not be read"]
    said = "Static list 'l' asks for 900 changes at once"
    assert look(server)["errors"] == [f"a: {said}", f"b: {said}"]


def test_preview_last_entry_gone_is_told_though_the_brain_would_do_nothing() -> None:
    server = Server("192.0.2.1", contained=("192.0.2.1",))
    server.errors = ["Static list 'l' has no usable entry"]
    found = look(server, remove=("192.0.2.1", "192.0.2.7"))
    assert (found["last"], found["verdict"], found["unknown"]) == (True, "possible", ["192.0.2.7"])


@pytest.mark.parametrize(("until", "held"), [(0, ["a: x", "b: x"]), (200, ["a: x", "b: x"]), (50, [])])
def test_preview_release_of_the_list_counts_while_it_lasts(until: int, held: list[str]) -> None:
    server = Server("192.0.2.1")
    server.held = [{"key": "destinations:l", "why": "x", "until": until}]
    assert look(server)["held"] == held


def test_answer_of_empty_answers_is_empty() -> None:
    answer = answer_of("a", NAME, {}, {}, 0.0)
    assert not answer.blocks and not answer.contained and not answer.held


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({}, "'list_name' is empty"),
        ({"list_name": "l", "add": "a.b", "remove": "a.b"}, "both have a.b"),
        ({"list_name": "l", "add": "a.b # no"}, "an entry is one address"),
    ],
)
def test_change_from_args_wrong_argument_is_named(args: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        change_from_args(args)


def test_preview_without_a_brain_is_refused() -> None:
    with pytest.raises(ValueError, match="no enabled instance"):
        preview(House(lambda name, args: [], dict, dict, lambda: 0.0), Change(NAME))
