from __future__ import annotations

import pytest

from warroom.content.model import Argument, Command
from warroom.engine.arguments import Modifiers, bind, masked, name_pairs, rounds, split_modifiers
from warroom.engine.errors import UsageError

COMMAND = Command(
    "echo",
    (
        Argument("text", required=True, is_default=True),
        Argument("mood", predefined=("good", "bad"), default_value="good"),
        Argument("many", is_array=True, predefined=("a", "b", "c")),
        Argument("password", secret=True),
    ),
)


def test_name_pairs_value_without_name_goes_to_the_default_argument() -> None:
    assert name_pairs(COMMAND, [(None, "hello"), ("mood", "bad")]) == {"text": "hello", "mood": "bad"}


def test_name_pairs_second_value_is_refused() -> None:
    with pytest.raises(UsageError, match="argument text is given twice"):
        name_pairs(COMMAND, [(None, "hello"), (None, "you")])


def test_name_pairs_without_default_argument_is_refused() -> None:
    with pytest.raises(UsageError, match="there is no default argument"):
        name_pairs(Command("x"), [(None, "hello")])


def test_bind_fills_defaults_and_turns_scalars_into_text() -> None:
    assert bind(COMMAND, {"text": 5, "many": ["a", "b"]}) == {"text": "5", "many": ["a", "b"], "mood": "good"}


@pytest.mark.parametrize(
    ("args", "reasons"),
    [
        ({}, ["argument text is required"]),
        ({"text": ""}, ["argument text is required"]),
        ({"text": "x", "moood": "bad"}, ["unknown argument moood; did you mean mood?"]),
        ({"text": "x", "mood": "ugly"}, ["argument mood cannot be ugly; allowed: good, bad"]),
        ({"text": "x", "many": "a,z"}, ["argument many cannot be z; allowed: a, b, c"]),
        ({"mood": "ugly", "x": 1}, ["unknown argument x", "argument text is required", "argument mood cannot be"]),
    ],
)
def test_bind_wrong_arguments_are_all_named_in_one_line(args: dict[str, object], reasons: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        bind(COMMAND, args)
    assert "\n" not in str(caught.value)
    assert all(reason in str(caught.value) for reason in reasons)


def test_rounds_list_for_a_plain_argument_runs_once_per_item() -> None:
    args: dict[str, object] = {"text": ["x", "y"], "password": ["1"], "many": ["a", "b"]}
    assert list(rounds(COMMAND, args)) == [
        {"text": "x", "password": "1", "many": ["a", "b"]},
        {"text": "y", "many": ["a", "b"]},
    ]


def test_split_modifiers_known_ones_are_read() -> None:
    rest, modifiers = split_modifiers(COMMAND, {
        "text": "x", "using": "a, b", "using-brand": "B", "execution-timeout": "5", "retry-count": "2",
        "retry-interval": "0", "raw-response": "true", "ignore-outputs": "TRUE", "extend-context": "A=b.c::D=",
    })  # fmt: skip
    assert rest == {"text": "x"}
    assert modifiers == Modifiers(("a", "b"), "B", 5, 2, 0, True, True, (("A", "b.c"), ("D", "")))


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("execution-timeout", "0", "execution-timeout must be a whole number of at least 1, not '0'"),
        ("retry-count", "many", "retry-count must be a whole number"),
        ("raw-response", "yes", "raw-response must be true or false"),
        ("extend-context", "path", "extend-context must be Key=path"),
        ("auto-extract", "none", "auto-extract is not supported by this host"),
    ],
)
def test_split_modifiers_bad_one_is_named(name: str, value: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        split_modifiers(COMMAND, {name: value})


def test_split_modifiers_name_that_the_command_declares_stays_with_it() -> None:
    rest, modifiers = split_modifiers(Command("x", (Argument("tags"),)), {"tags": "red"})
    assert rest == {"tags": "red"} and modifiers == Modifiers()


def test_masked_secret_argument_is_replaced() -> None:
    assert masked(COMMAND, {"text": "x", "password": "p"}) == {"text": "x", "password": "******"}
