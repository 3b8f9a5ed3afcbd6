from __future__ import annotations

import io
from typing import Any

import orjson
import pytest

from warroom.runtime.demisto import Demisto, entries_of
from warroom.runtime.testing import job
from warroom.runtime.wire import Wire


def demisto(*replies: Any, **changes: Any) -> tuple[Demisto, io.BytesIO]:
    writer = io.BytesIO()
    lines = b"".join(orjson.dumps({"ok": True, "result": reply}) + b"\n" for reply in replies)
    return Demisto(Wire(io.BytesIO(lines), writer), job(**changes)), writer


def said(writer: io.BytesIO) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in writer.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("given", "entries"),
    [
        (None, []),
        ("ok", [{"Type": 1, "ContentsFormat": "text", "Contents": "ok"}]),
        (5, [{"Type": 1, "ContentsFormat": "text", "Contents": "5"}]),
        ({"a": 1}, [{"Type": 1, "ContentsFormat": "json", "Contents": {"a": 1}}]),
        ({"Contents": "x", "ContentsFormat": "text"}, [{"Contents": "x", "ContentsFormat": "text"}]),
        (["a", []], [{"Type": 1, "ContentsFormat": "text", "Contents": "a"}]),
    ],
)
def test_entries_of_each_kind_of_result(given: Any, entries: list[dict[str, Any]]) -> None:
    assert entries_of(given) == entries


def test_results_none_sends_nothing() -> None:
    server, writer = demisto()
    server.results(None)
    assert said(writer) == []


def test_params_in_a_script_are_empty() -> None:
    assert demisto(integration=False, params={"a": 1})[0].params() == {}


def test_get_arg_and_param_follow_dotted_paths() -> None:
    server, _ = demisto(args={"a": {"b": 1}}, params={"credentials": {"identifier": "me"}})
    assert server.getArg("a.b") == 1
    assert server.getArg("a.c", "none") == "none"
    assert server.getParam("credentials.identifier") == "me"
    assert server.getParam("credentials.password") is None
    assert server.gets({"a": 1}, "a") == "1"


@pytest.mark.parametrize("name", ["getModules", "getAllSupportedCommands"])
def test_script_functions_in_an_integration_raise_value_error(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}.* script only"):
        getattr(demisto()[0], name)()


@pytest.mark.parametrize(
    "name", ["getLastRun", "getLastMirrorRun", "getAssetsLastRun", "getIntegrationContext", "createIndicators"]
)
def test_integration_functions_in_a_script_raise_value_error(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}.* integration only"):
        getattr(demisto(integration=False)[0], name)()


def test_execute_command_exists_in_scripts_only() -> None:
    assert not hasattr(demisto()[0], "executeCommand")
    server, writer = demisto([{"Type": 1}], integration=False)
    assert server.executeCommand("ip", {"ip": "192.0.2.1"}) == [{"Type": 1}]
    assert said(writer) == [{"type": "executeCommand", "command": "ip", "args": {"ip": "192.0.2.1"}}]


def test_incidents_of_an_integration_are_handed_over_and_a_script_reads_them() -> None:
    server, writer = demisto()
    server.incidents([{"name": "a"}])
    assert said(writer) == [{"type": "incidents", "value": [{"name": "a"}]}]
    context = {"Incidents": [{"id": "7"}]}
    assert demisto(integration=False, context=context)[0].incident() == {"id": "7"}
    assert demisto()[0].incident() == {}


def test_set_context_sends_path_and_value() -> None:
    server, writer = demisto(None, integration=False)
    server.setContext("a.b", [1])
    assert said(writer)[0]["args"] == {"name": "a.b", "value": [1]}


def test_integration_context_plain_and_versioned_use_one_write() -> None:
    server, writer = demisto({"context": {"k": "v"}, "version": 3}, None, None, None)
    assert server.getIntegrationContextVersioned(True) == {"context": {"k": "v"}, "version": 3}
    server.setIntegrationContextVersioned({}, 3, True)
    server.setIntegrationContext({})
    assert server.getIntegrationContext() == {}
    calls = [(message["command"], message["args"]) for message in said(writer)]
    assert calls == [
        ("getIntegrationContextVersioned", {"refresh": True}),
        ("setIntegrationContext", {"value": {}, "version": 3, "sync": True}),
        ("setIntegrationContext", {"value": {}, "version": -1, "sync": False}),
        ("getIntegrationContext", {"refresh": False}),
    ]


def test_last_runs_of_all_kinds_are_transported() -> None:
    server, writer = demisto({"t": 1}, None, None, None)
    assert server.getLastRun() == {"t": 1}
    server.setLastRun({"t": 2})
    server.setLastMirrorRun({"t": 3})
    server.setAssetsLastRun({"t": 4})
    assert [message["command"] for message in said(writer)] == [
        "getLastRun", "setLastRun", "setLastMirrorRun", "setAssetsLastRun",
    ]  # fmt: skip


def test_search_indicators_sends_the_arguments_of_the_contract() -> None:
    server, writer = demisto({"iocs": None, "total": 0, "searchAfter": None})
    assert server.searchIndicators(query="type:IP", size=2, searchAfter=["x"])["iocs"] is None
    assert set(said(writer)[0]["args"]) == {
        "fromDate", "query", "size", "page", "toDate", "value", "searchAfter", "populateFields", "sort",
    }  # fmt: skip


def test_logs_have_levels_and_join_their_arguments() -> None:
    server, writer = demisto()
    server.debug("a", 1)
    server.log("b")
    assert [(item["level"], item["message"]) for item in said(writer)] == [("debug", "a 1"), ("warroom", "b")]


def test_secrets_are_masked_in_logs_and_errors_but_not_in_results() -> None:
    server, writer = demisto(secrets=["hunter2"])
    server.error("key hunter2")
    server.results({"Type": 4, "ContentsFormat": "text", "Contents": {"hunter2": ["hunter2"]}})
    server.results("hunter2")
    log, error, result = said(writer)
    assert log["message"] == "key ******"
    assert error["results"][0]["Contents"] == {"******": ["******"]}
    assert result["results"][0]["Contents"] == "hunter2"


def test_urls_come_from_the_first_line_or_from_the_host() -> None:
    assert demisto()[0].demistoUrls() == {"server": "https://localhost"}
    assert demisto({"server": "asked"}, urls=None)[0].demistoUrls() == {"server": "asked"}


def test_dt_dotted_path_goes_through_lists() -> None:
    server, _ = demisto()
    context = {"a": [{"b": 1}, {"c": 2}, {"b": {"d": 3}}]}
    assert server.dt(context, "a.b") == [1, {"d": 3}]
    assert server.dt(context, "a.x") is None
    assert server.dt(context, "x.y") is None


def test_dt_selector_and_mutator_are_javascript() -> None:
    context = {"a": [{"b": 1, "c": "x"}, {"b": 2, "c": "y"}]}
    assert demisto()[0].dt(context, "a(val.b == '2').c=val.toUpperCase()") == "Y"
    assert demisto()[0].dt(context, "a.[0].c") == "x"


@pytest.mark.parametrize("expression", ["a(while(true){})", "a.[-1]", "a---b", ""])
def test_dt_anything_else_raises_and_names_the_expression(expression: str) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - content catches ValueError, and the text is what counts
        demisto()[0].dt({"a": [1]}, expression)
    assert (expression or "''") in str(raised.value)
