"""The host's own commands, as playbooks and scripts use them."""

from __future__ import annotations

from typing import Any

import pytest

from Tests.playbooks.builder import World, book, command, path_taken, put, script, start, title, write_script
from warroom.engine import UsageError


def one(there: World, name: str, args: dict[str, Any], context: dict[str, Any] | None = None) -> Any:
    """A run with a single task of interest, after the context was filled."""
    tasks = [start("k0" if context else "1")]
    keys = list(context or {})
    for number, key in enumerate(keys):
        tasks.append(put(f"k{number}", key, (context or {})[key], f"k{number + 1}" if number + 1 < len(keys) else "1"))
    return there.run(book("B", *tasks, script("1", name, args)))


@pytest.mark.parametrize(
    ("args", "before", "after"),
    [
        ({"value": "x"}, {}, {"k": "x"}),
        ({"value": "5"}, {}, {"k": 5}),
        ({"value": "5", "stringify": "true"}, {}, {"k": "5"}),
        ({"value": "true"}, {}, {"k": True}),
        ({"value": '{"a": [1]}'}, {}, {"k": {"a": [1]}}),
        ({"value": "{broken"}, {}, {"k": "{broken"}),
        ({"value": "y"}, {"k": "x"}, {"k": "y"}),
        ({"value": "y", "append": "true"}, {"k": "x"}, {"k": ["x", "y"]}),
        ({"value": "z", "append": "true"}, {"k": ["x", "y"]}, {"k": ["x", "y", "z"]}),
    ],
)
def test_set_writes_what_it_was_given(
    there: World, args: dict[str, Any], before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert one(there, "Set", {"key": "k", **args}, before).context == after


def test_set_dotted_key_makes_an_object(there: World) -> None:
    assert one(there, "Set", {"key": "a.b.c", "value": "1"}).context == {"a": {"b": {"c": 1}}}


@pytest.mark.parametrize(
    ("args", "after"),
    [
        ({"value": ""}, {"k": "x"}),
        ({"value": "y", "append": "true"}, {"k": ["x", "y"]}),
        ({"value": "y", "append": "false"}, {"k": "y"}),
        ({"value": "[1, 2]", "append": "false"}, {"k": [1, 2]}),
    ],
)
def test_set_and_handle_empty_leaves_a_key_alone_without_a_value(
    there: World, args: dict[str, Any], after: dict[str, Any]
) -> None:
    assert one(there, "SetAndHandleEmpty", {"key": "k", **args}, {"k": "x"}).context == after


def test_set_multiple_values_makes_one_object(there: World) -> None:
    run = one(there, "SetMultipleValues", {"parent": "P", "keys": "a,b", "values": "1, 2"})
    assert run.context == {"P": {"a": "1", "b": "2"}}
    assert one(there, "SetMultipleValues", {"parent": "P", "keys": "a,b", "values": "1"}).status == "error"


@pytest.mark.parametrize(
    ("args", "after"),
    [
        ({"key": "a"}, {"b": {"c": 1, "d": 2}, "l": [1, 2, 3]}),
        ({"key": "a, b.c"}, {"b": {"d": 2}, "l": [1, 2, 3]}),
        ({"key": "nothing"}, {"a": "x", "b": {"c": 1, "d": 2}, "l": [1, 2, 3]}),
        ({"all": "yes"}, {}),
        ({"all": "yes", "keysToKeep": "a,b.c"}, {"a": "x", "b": {"c": 1}}),
        ({"key": "l", "index": "1"}, {"a": "x", "b": {"c": 1, "d": 2}, "l": [1, 3]}),
    ],
)
def test_delete_context_takes_away_what_it_names(there: World, args: dict[str, str], after: dict[str, Any]) -> None:
    run = one(there, "DeleteContext", args, {"a": "x", "b": {"c": 1, "d": 2}, "l": [1, 2, 3]})
    assert (run.status, run.context) == ("done", after)


@pytest.mark.parametrize("args", [{}, {"key": "l", "index": "9"}, {"key": "l", "index": "x"}])
def test_delete_context_wrong_use_is_an_error(there: World, args: dict[str, str]) -> None:
    assert one(there, "DeleteContext", args, {"l": [1]}).status == "error"


def test_set_incident_sets_system_and_custom_fields(there: World) -> None:
    run = one(there, "setIncident", {"severity": "high", "Owner": "me", "Agent ID": "7", "customFields": {"x": "y"}})
    [incident] = there.host.store.incidents.list()
    assert run.status == "done" and (incident["severity"], incident["owner"]) == (3, "me")
    assert incident["CustomFields"] == {"agentid": "7", "x": "y"}


@pytest.mark.parametrize("args", [{"severity": "huge"}, {"id": "7"}, {"customFields": "text"}])
def test_set_incident_wrong_field_is_an_error_and_changes_nothing(there: World, args: dict[str, Any]) -> None:
    assert one(there, "setIncident", {**args, "owner": "me"}).status == "error"
    assert "owner" not in there.host.store.incidents.list()[0]


def test_incident_fields_are_seen_by_the_next_task(there: World) -> None:
    run = there.run(
        book(
            "B",
            start(),
            script("1", "setIncident", {"owner": "me", "agent": "7"}, "2"),
            put("2", "seen", "${incident.owner} ${incident.agent}"),
        ),
        incident={"name": "given", "type": "T"},
    )
    assert run.context["seen"] == "me 7"
    assert there.host.store.incidents.list()[0]["name"] == "given"


def test_incident_by_id_is_the_stored_one(there: World) -> None:
    [known] = there.host.store.incidents.create([{"name": "known"}], "test")
    run = there.run(
        book("B", start(), put("1", "seen", "${incident.name}")), incident={"id": known["id"], "owner": "x"}
    )
    assert run.incident == known["id"] and run.context["seen"] == "known"
    with pytest.raises(UsageError, match="there is no incident '99'"):
        there.run(book("B", start(), title("1")), incident={"id": "99"})


def test_field_mapping_sets_fields_of_the_incident(there: World) -> None:
    mapping = [
        {"incidentfield": "Agent ID", "output": {"simple": "${a}"}},
        {"incidentfield": "Owner", "output": {"simple": "me"}},
    ]
    run = there.run(book("B", start(), put("1", "a", "7", fieldMapping=mapping)))
    [incident] = there.host.store.incidents.list()
    assert (incident["owner"], incident["CustomFields"]) == ("me", {"agentid": 7})
    assert "incident field Agent ID was set" in run.events[-1].notes


def test_close_and_reopen_investigation(there: World) -> None:
    run = there.run(book("B", start(), command("1", "Builtin|||closeInvestigation", {"closeReason": "Resolved"})))
    assert run.status == "done"
    [incident] = there.host.store.incidents.list()
    assert (incident["status"], incident["closeReason"]) == (2, "Resolved")
    again = there.run(book("C", start(), script("1", "reopenInvestigation", {"id": incident["id"]})))
    assert again.status == "done" and (there.host.store.incidents.get(incident["id"]) or {})["status"] == 1


def test_create_new_incident_gives_its_id(there: World) -> None:
    run = one(there, "createNewIncident", {"name": "found", "severity": "2", "customFields": {"a": "b"}})
    created = there.host.store.incidents.get(run.context["CreatedIncidentID"]) or {}
    assert (created["name"], created["severity"], created["CustomFields"]) == ("found", 2, {"a": "b"})


def test_link_incidents_both_ways(there: World) -> None:
    [other] = there.host.store.incidents.create([{"name": "other"}], "test")
    run = one(there, "linkIncidents", {"linkedIncidentIDs": other["id"]})
    assert (there.host.store.incidents.get(other["id"]) or {})["linkedIncidents"] == [run.incident]
    assert (there.host.store.incidents.get(run.incident) or {})["linkedIncidents"] == [other["id"]]


def test_indicators_are_made_set_found_and_linked(there: World) -> None:
    run = there.run(
        book(
            "B",
            start(),
            script("1", "createNewIndicator", {"value": "192.0.2.7", "verdict": "Bad"}, "2"),
            script("2", "setIndicator", {"value": "192.0.2.7", "customFields": {"xdriocstatus": "enabled"}}, "3"),
            script("3", "createNewIndicator", {"value": "evil.example.com"}, "4"),
            script("4", "setIndicators", {"indicatorsValues": "192.0.2.7,evil.example.com", "tags": "seen"}, "5"),
            script("5", "associateIndicatorsToIncident", {"indicatorsValues": ["evil.example.com"]}, "6"),
            script("6", "findIndicators", {"query": "reputation:Bad"}),
        )
    )
    assert run.status == "done", run.error
    assert [item["value"] for item in run.context["foundIndicators"]] == ["192.0.2.7"]
    known = there.host.store.indicators.get("192.0.2.7") or {}
    assert known["CustomFields"]["xdriocstatus"] == "enabled" and known["investigationIDs"] == [run.incident]


def test_set_indicator_value_with_a_comma_is_one_indicator(there: World) -> None:
    run = there.run(
        book(
            "B",
            start(),
            script("1", "createNewIndicator", {"value": "Bear, Fancy", "type": "Threat Actor"}, "2"),
            script("2", "setIndicator", {"value": "Bear, Fancy", "tags": "seen"}),
        )
    )
    assert run.status == "done", run.error
    assert (there.host.store.indicators.get("Bear, Fancy") or {})["CustomFields"]["tags"] == ["seen"]


def test_set_indicator_unknown_one_is_an_error(there: World) -> None:
    assert "no indicator" in one(there, "setIndicator", {"value": "192.0.2.7", "verdict": "Bad"}).error
    assert "no field was given" in one(there, "setIndicator", {"value": "192.0.2.7"}).error


def test_lists_are_kept_in_the_store(there: World) -> None:
    run = there.run(
        book(
            "B",
            start(),
            script("1", "createList", {"listName": "l", "listData": "a"}, "2"),
            script("2", "addToList", {"listName": "l", "listData": "b"}, "3"),
            script("3", "removeFromList", {"listName": "l", "listData": "a"}, "4"),
            put("4", "seen", "${lists.l}", "5"),
            script("5", "IsListExist", {"listName": "m"}, {"yes": "6", "no": "7"}, kind="condition"),
            title("6"),
            title("7"),
        )
    )
    assert run.context["seen"] == "b" and path_taken(run)[-1] == "7"


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ({}, "Tue Nov 14 2023 22:13:20 GMT+0000 (UTC)"),
        ({"dateFormat": "ISO"}, "2023-11-14T22:13:20.000Z"),
        ({"dateFormat": "UTC", "minutesAgo": "13", "daysAgo": "1"}, "Mon, 13 Nov 2023 22:00:20 GMT"),
        ({"dateFormat": "Month"}, "10"),
        ({"dateFormat": "DayInWeek", "date": "2024-02-25T00:00:00Z"}, "0"),
        ({"dateFormat": "Year", "monthsAgo": "11"}, "2022"),
    ],
)
def test_get_time_tells_the_time_in_the_form_asked_for(there: World, args: dict[str, str], told: str) -> None:
    run = one(there, "GetTime", args)
    assert run.context["TimeNow"] == told


def test_get_time_unknown_form_is_not_supported(there: World) -> None:
    run = one(there, "GetTime", {"dateFormat": "Locale"})
    assert run.status == "stopped" and "dateFormat Locale of GetTime" in run.error


@pytest.mark.parametrize(
    ("name", "args", "answer"),
    [
        ("Exists", {"value": "x"}, "yes"),
        ("Exists", {"value": "${nothing}"}, "no"),
        ("IsTrue", {"value": "True"}, "yes"),
        ("IsTrue", {"value": "no"}, "no"),
        ("AreValuesEqual", {"left": "a", "right": "a"}, "yes"),
        ("AreValuesEqual", {"left": "a", "right": "b"}, "no"),
        ("isError", {}, "no"),
    ],
)
def test_yes_or_no_scripts_choose_the_branch(there: World, name: str, args: dict[str, str], answer: str) -> None:
    run = there.run(
        book("B", start(), script("1", name, args, {"yes": "2", "no": "3"}, kind="condition"), title("2"), title("3"))
    )
    assert path_taken(run)[-1] == {"yes": "2", "no": "3"}[answer]


def test_script_sees_and_changes_the_incident_and_the_context(there: World) -> None:
    write_script(
        there.pack,
        "Look",
        """
demisto.setContext("fromScript.a", demisto.context()["k"])
demisto.executeCommand("setIncident", {"owner": demisto.incident()["name"]})
demisto.executeCommand("Set", {"key": "other", "value": demisto.investigation()["id"]})
demisto.results({"Type": 1, "ContentsFormat": "text", "Contents": "x", "EntryContext": {"Look.Done": "yes"}})
""",
    )
    run = one(there, "Look", {}, {"k": "v"})
    assert run.status == "done", run.error
    assert run.context == {"k": "v", "fromScript": {"a": "v"}, "other": int(run.incident), "Look": {"Done": "yes"}}
    assert there.host.store.incidents.list()[0]["owner"] == "B"


def test_script_of_a_pack_with_a_name_of_the_host_is_not_used(there: World) -> None:
    write_script(there.pack, "Set", "demisto.results('of the pack')", [{"name": "key"}, {"name": "value"}])
    assert one(there, "Set", {"key": "a", "value": "b"}).context == {"a": "b"}


def test_filter_script_of_a_pack_is_run_for_a_value(there: World) -> None:
    write_script(
        there.pack, "Twice", "demisto.results(demisto.args()['value'] * 2)", [{"name": "value"}], tags=["transformer"]
    )
    value = {"root": "a", "transformers": [{"operator": "Twice"}]}
    run = there.run(book("B", start(), put("1", "a", "xy", "2"), put("2", "seen", value)))
    assert run.context["seen"] == "xyxy"


def test_secret_argument_is_masked_in_events_and_in_the_inputs_that_lead_to_it(there: World) -> None:
    there.add_instance()
    run = there.run(
        book(
            "B",
            start(),
            command("1", "Tiny|||tiny-echo", {"text": "x", "password": "${inputs.word}"}),
            inputs={"word": "none"},
        ),
        word="hidden-word",
    )
    assert run.status == "done", run.error
    assert run.events[1].got["password"] == "******" and run.inputs == {"word": "******"}
    assert "hidden-word" not in repr([event.to_json() for event in run.events])


def test_command_outputs_extend_context_and_using(there: World) -> None:
    there.add_instance("first")
    there.add_instance("second")
    args = {"text": "x", "using": "second", "extend-context": "Whole.A=deep.a", "ignore-outputs": "true"}
    run = there.run(book("B", start(), command("1", "|||tiny-echo", args)))
    assert run.status == "done", run.error
    assert run.context == {"Whole": {"A": [1, 2]}}
    both = there.run(book("C", start(), command("1", "|||tiny-echo", {"text": "x"})))
    assert both.context["Tiny"] == {"Echo": ["x", "x"]}


def test_indicator_query_gives_the_playbook_its_indicators(there: World) -> None:
    for value in ("192.0.2.1", "192.0.2.2"):
        there.host.run_command(f"!createNewIndicator value={value} verdict=Bad")
    query = [{"key": "", "value": {}, "playbookInputQuery": {"query": "reputation:Bad", "queryEntity": "indicators"}}]
    one_book = book("B", start(), put("1", "seen", {"root": "playbookQuery", "accessor": "value"}))
    there.add({**one_book, "inputs": query})
    assert sorted(there.host.run_playbook("B").context["seen"]) == ["192.0.2.1", "192.0.2.2"]
    narrow = there.host.run_playbook("B", {"": "value:192.0.2.1"})
    assert narrow.context["seen"] in (["192.0.2.1"], "192.0.2.1")


def test_commands_on_an_incident_are_refused_outside_of_a_playbook(there: World) -> None:
    [result] = there.host.run_command("!setIncident owner=x")
    assert "only while a playbook runs" in str(result.error)
    [result] = there.host.run_command("!Set key=a value=b")
    assert result.entries[0]["EntryContext"] == {"a": "b"}
