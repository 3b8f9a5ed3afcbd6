from typing import Any

import pytest
from VectraResponseRequest import CommandFailed, ask_from_args, carry_out, request_results, steps_of

CONTAIN = {"action": "contain", "key": "host:41", "brain": "a", "block_tag": "b", "unblock_tag": "u", "reason": "why"}
RELEASE = {**CONTAIN, "action": "release", "hours": "3"}


class Vectra:
    """Takes commands, and fails at one of them."""

    def __init__(self, fails: str = "") -> None:
        self.fails, self.calls = fails, list[tuple[str, dict[str, str]]]()

    def do(self, command: str, args: dict[str, str]) -> None:
        if command == self.fails:
            raise CommandFailed("login refused")
        self.calls.append((command, args))


def commands(args: dict[str, Any]) -> list[str]:
    return [command for _, command, _ in steps_of(ask_from_args(args))]


def test_steps_of_contain_set_the_tag_alone() -> None:
    assert commands(CONTAIN) == ["vectra-tag-add"]


def test_steps_of_contain_what_is_kept_free_end_that_first() -> None:
    asked = {**CONTAIN, "end_release": "true"}
    assert commands(asked) == ["vectra-tag-remove", "vectra-response-release", "vectra-tag-add"]
    assert commands({**asked, "unblock_tag": ""}) == ["vectra-response-release", "vectra-tag-add"]


def test_steps_of_release_take_the_tag_off_before_the_release() -> None:
    assert commands(RELEASE) == ["vectra-tag-remove", "vectra-response-release"]
    assert commands({**RELEASE, "block_tag": ""}) == ["vectra-response-release"]


def test_carry_out_does_all_steps_and_leaves_a_note() -> None:
    vectra = Vectra()
    done, warning = carry_out(ask_from_args(RELEASE), vectra.do)
    assert (done, warning) == (["the tag b was taken off", "the release was ordered"], "")
    assert vectra.calls == [
        ("vectra-tag-remove", {"type": "host", "id": "41", "tags": "b"}),
        ("vectra-response-release", {"keys": "host:41", "hours": "3", "reason": "why"}),
        ("vectra-note-add", {"type": "host", "id": "41", "note": "Asked by a person to release: why"}),
    ]


def test_carry_out_without_a_note_writes_none() -> None:
    vectra = Vectra()
    carry_out(ask_from_args({**CONTAIN, "note": "false"}), vectra.do)
    assert [command for command, _ in vectra.calls] == ["vectra-tag-add"]


def test_carry_out_step_that_fails_tells_what_was_done_before() -> None:
    with pytest.raises(
        CommandFailed, match=r"vectra-response-release: login refused\. Before that the tag b was taken"
    ):
        carry_out(ask_from_args(RELEASE), Vectra("vectra-response-release").do)
    with pytest.raises(CommandFailed, match=r"vectra-tag-add: login refused\. Nothing was changed"):
        carry_out(ask_from_args(CONTAIN), Vectra("vectra-tag-add").do)


def test_carry_out_note_that_fails_is_a_warning() -> None:
    done, warning = carry_out(ask_from_args(CONTAIN), Vectra("vectra-note-add").do)
    assert done == ["the tag b was set"] and warning == "The note could not be written: login refused"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"action": "block"}, "'action': 'block' is not one of contain, release"),
        ({"key": "destinations:x"}, "'key': 'destinations:x' is no key"),
        ({"brain": ""}, "'brain' is empty"),
        ({"block_tag": ""}, "'block_tag' is empty"),
        ({"end_release": "maybe"}, "'end_release' must be true or false"),
    ],
)
def test_ask_from_args_wrong_argument_is_named(change: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ask_from_args({**CONTAIN, **change})


def test_request_results_say_it_in_lines() -> None:
    result = request_results(ask_from_args(CONTAIN), ["the tag b was set"], "careful")
    assert result.readable_output == "a: contain host:41\n- the tag b was set\n- careful"
