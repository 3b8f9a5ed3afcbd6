from typing import Any

import pytest
from ResponseHouseApiModule import (
    CommandFailed,
    House,
    ask_brain,
    chart_of,
    context_items,
    driver_list,
    elements_now,
    errors_of,
    flag,
    house_of,
    instances_of,
    list_text,
    rows_of_brains,
    run,
    who,
    words,
)

ERROR = {"Type": 4, "Contents": "login\nrefused", "ModuleName": "edr", "Brand": "Edr"}
MODULES = {
    "brain-b": {"brand": "VectraAutomatedResponse", "state": "active"},
    "brain-a": {"brand": "VectraAutomatedResponse", "state": "active"},
    "off": {"brand": "VectraAutomatedResponse", "state": "disabled"},
    "edr": {"brand": "Edr", "state": "active"},
}
COMMANDS = {"Edr": [{"name": "vectra-block-host"}, {"name": "ip"}], "brain-a": [{"name": "vectra-response-plan"}]}


def house(answer: Any = None) -> House:
    def execute(command: str, args: dict[str, Any]) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return House(execute, lambda: MODULES, lambda: COMMANDS, lambda: 0.0)


def test_instances_of_brand_gives_enabled_ones_by_name() -> None:
    assert instances_of(house(), "VectraAutomatedResponse") == ["brain-a", "brain-b"]


def test_driver_list_commands_of_the_brand_count_and_brains_do_not() -> None:
    assert driver_list(house()) == [{"instance": "edr", "brand": "Edr", "commands": ["vectra-block-host"]}]


def test_run_refusal_of_the_server_is_command_failed_in_one_line() -> None:
    with pytest.raises(CommandFailed, match="no such command"):
        run(house(ValueError("no such\ncommand")), "x", {})


def test_ask_brain_error_entry_is_command_failed() -> None:
    with pytest.raises(CommandFailed, match="login refused"):
        ask_brain(house([ERROR]), "brain-a", "x", {})


def test_context_items_paths_with_keys_are_read_as_one_flat_list() -> None:
    entries: list[dict[str, Any]] = [
        {"EntryContext": {"A.B(val.k == obj.k)": [{"k": 1}], "A.C": {"k": 2}}},
        {"EntryContext": {"A.B": {"k": 3}}},
    ]
    assert context_items(entries, "A.B") == [{"k": 1}, {"k": 3}]
    assert errors_of([ERROR]) == [("edr", "Edr", "login refused")]


def test_list_text_missing_list_is_not_an_empty_one() -> None:
    assert list_text([{"Type": 1, "Contents": "a"}]) == "a"
    for entries in ([], [ERROR], [{"Type": 1, "Contents": None}]):
        with pytest.raises(CommandFailed):
            list_text(entries)


@pytest.mark.parametrize(("key", "name", "said"), [("host:4", "pc", "host pc (4)"), ("host:4", "", "host 4")])
def test_who_names_kind_name_and_number(key: str, name: str, said: str) -> None:
    assert who(key, name) == said


def test_words_and_flag_read_arguments() -> None:
    assert words({"a": "x, ,y"}, "a") == ("x", "y") and words({}, "a") == ()
    assert flag({"a": "yes"}, "a") and flag({}, "a", default=True)
    with pytest.raises(ValueError, match="'a' must be true or false, not 'maybe'"):
        flag({"a": "maybe"}, "a")


def test_house_of_the_server_asks_it() -> None:
    assert house_of().now() > 1_600_000_000


def test_rows_of_brains_one_that_fails_is_named_and_stops_nobody() -> None:
    def execute(command: str, args: dict[str, Any]) -> Any:
        return [ERROR] if args["using"] == "brain-a" else [{"EntryContext": {"A": {"k": 1}}}]

    some = House(execute, lambda: MODULES, lambda: COMMANDS, lambda: 0.0)
    assert rows_of_brains(some, "x", {}, "A") == ([{"k": 1}], ["brain-a: login refused"])
    with pytest.raises(ValueError, match="no enabled instance"):
        rows_of_brains(House(execute, dict, dict, lambda: 0.0), "x", {}, "A")


def test_elements_now_have_their_brain_and_no_answer_is_not_nothing() -> None:
    status = {"brain": "b", "elements": [{"key": "host:4"}]}
    answer = [{"EntryContext": {"VectraResponse.Status(val.brain == obj.brain)": status}}]
    assert elements_now(house(answer)) == [{"brain": "b", "key": "host:4"}] * 2
    with pytest.raises(CommandFailed, match="brain-a: login refused; brain-b: login refused"):
        elements_now(house([ERROR]))


def test_chart_of_counts_is_in_the_order_of_size() -> None:
    assert [(item["name"], item["data"]) for item in chart_of({"a": 1, "b": 2})] == [("b", [2]), ("a", [1])]
