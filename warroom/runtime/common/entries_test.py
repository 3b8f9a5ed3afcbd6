from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from warroom.runtime.common.entries import (
    DemistoException,
    get_error,
    is_error,
    return_error,
    return_outputs,
    return_warning,
)
from warroom.runtime.common.files import file_result_existing_file, fileResult
from warroom.runtime.common.mirroring import (
    GetMappingFieldsResponse,
    GetModifiedRemoteDataArgs,
    GetModifiedRemoteDataResponse,
    GetRemoteDataArgs,
    GetRemoteDataResponse,
    SchemeTypeMapping,
    UpdateRemoteSystemArgs,
)
from warroom.runtime.common.results import CommandResults, return_results

ERROR = {"Type": 4, "Contents": "broken"}


def test_return_error_writes_an_entry_and_exits_with_zero(demisto: Any) -> None:
    with pytest.raises(SystemExit) as ended:
        return_error("no access", error="detail")
    assert ended.value.code == 0
    assert demisto.last_results() == [
        {"Type": 4, "ContentsFormat": "text", "Contents": "no access", "EntryContext": None}
    ]
    assert demisto.last_logs() == [("error", "no access\ndetail")]


@pytest.mark.parametrize(
    "command", ["fetch-incidents", "fetch-credentials", "long-running-execution", "fetch-indicators"]
)
def test_return_error_in_a_fetch_raises(demisto: Any, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setattr(demisto, "command", lambda: command)
    with pytest.raises(Exception, match="no access"):
        return_error("no access")
    assert demisto.last_results() == []


def test_return_error_long_text_is_cut_in_the_middle(demisto: Any) -> None:
    with pytest.raises(SystemExit):
        return_error("a" * 30_000 + "b" * 30_000)
    text = demisto.last_results()[0]["Contents"]
    assert len(text) <= 50_000
    assert text[0] == "a" and text[-1] == "b"


def test_return_error_in_get_modified_remote_data_asks_to_skip(demisto: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demisto, "command", lambda: "get-modified-remote-data")
    with pytest.raises(SystemExit):
        return_error("busy")
    assert demisto.last_results()[0]["Contents"] == "skip update. error: busy"


def test_return_warning_exits_only_when_asked(demisto: Any) -> None:
    return_warning("careful")
    with pytest.raises(SystemExit):
        return_warning("careful", exit=True, warning="why")
    assert [entry["Type"] for entry in demisto.last_results()] == [11, 11]
    assert demisto.last_logs() == [("debug", "why")]


def test_get_error_joins_the_errors_of_all_entries() -> None:
    assert get_error([ERROR, {"Type": 1, "Contents": "fine"}, ERROR]) == "broken\nbroken"
    assert is_error(ERROR) and not is_error([{"Type": 1}]) and not is_error(None)
    with pytest.raises(ValueError, match="is_error"):
        get_error([])


def test_demisto_exception_carries_cause_and_response() -> None:
    cause = ValueError("x")
    error = DemistoException("text", cause, "response")
    assert (str(error), error.exception, error.res) == ("text", cause, "response")


def test_return_outputs_text_only_is_a_text_entry(demisto: Any) -> None:
    return_outputs("hello")
    return_outputs("hello", {"A": 1})
    assert [entry["Contents"] for entry in demisto.last_results()] == ["hello", {"A": 1}]


def test_command_results_entry_has_the_documented_keys() -> None:
    entry = CommandResults("A", "id", {"id": 1}).to_context()
    assert list(entry) == [
        "Type", "ContentsFormat", "Contents", "HumanReadable", "EntryContext", "IndicatorTimeline",
        "IgnoreAutoExtract", "Note", "Relationships",
    ]  # fmt: skip
    assert entry["HumanReadable"].startswith("### Results\n")
    assert entry["EntryContext"] == {"A(val.id && val.id == obj.id)": {"id": 1}}


def test_command_results_several_key_fields_are_joined() -> None:
    (key,) = CommandResults("A", ["x", "y"], {"x": 1, "y": 2}).to_context()["EntryContext"]
    assert key == "A(val.x && val.x == obj.x && val.y && val.y == obj.y)"


def test_command_results_list_without_prefix_raises() -> None:
    with pytest.raises(ValueError, match="outputs_prefix"):
        CommandResults(outputs=[1])


def test_command_results_dict_without_prefix_goes_to_the_root() -> None:
    assert CommandResults(outputs={"A": 1}).to_context()["EntryContext"] == {"A": 1}


def test_command_results_empty_outputs_have_no_context_and_no_table() -> None:
    entry = CommandResults("A", outputs=[]).to_context()
    assert (entry["EntryContext"], entry["HumanReadable"], entry["Contents"]) == ({}, None, [])


def test_command_results_replace_existing_needs_a_dot() -> None:
    entry = CommandResults("A.B", outputs=[1], replace_existing=True).to_context()
    assert entry["EntryContext"] == {"A(true)": {"B": [1]}}
    with pytest.raises(DemistoException, match="dot"):
        CommandResults("A", outputs=[1], replace_existing=True).to_context()


def test_command_results_text_options_are_passed_on() -> None:
    entry = CommandResults(readable_output="hi", tags=["t"], mark_as_note=True, ignore_auto_extract=True).to_context()
    assert (entry["Contents"], entry["ContentsFormat"]) == ("hi", "text")
    assert (entry["Tags"], entry["Note"], entry["IgnoreAutoExtract"]) == (["t"], True, True)


def test_command_results_indicator_and_indicators_together_raise() -> None:
    with pytest.raises(ValueError, match="not both"):
        CommandResults(indicator=object(), indicators=[object()])


def test_return_results_each_kind_reaches_the_server(demisto: Any) -> None:
    return_results(None)
    return_results("text")
    return_results(7)
    return_results([CommandResults(readable_output="first"), "second", {"third": 3}])
    given = demisto.last_results()
    assert given[:2] == ["text", "7"]
    assert given[2]["Contents"] == "first"
    assert given[3] == ["second", {"third": 3}]


def test_return_results_mirroring_answers_keep_their_form(demisto: Any) -> None:
    return_results(GetModifiedRemoteDataResponse(["1"]))
    return_results(GetRemoteDataResponse({"id": 1}, [{"Contents": "c"}]))
    return_results(GetMappingFieldsResponse(SchemeTypeMapping("Type", {"f": "d"})))
    modified, remote, mapping = demisto.last_results()
    assert modified["Contents"] == ["1"]
    assert remote == [{"id": 1}, {"Contents": "c"}]
    assert mapping == {"Type": {"f": "d"}}


def test_get_remote_data_response_empty_object_gives_none() -> None:
    assert GetRemoteDataResponse({}, [{"Contents": "c"}]).extract_for_local() is None


def test_mirroring_arguments_are_read_by_their_server_names() -> None:
    remote = GetRemoteDataArgs({"id": "1", "lastUpdate": "t"})
    assert (remote.remote_incident_id, remote.last_update) == ("1", "t")
    assert GetModifiedRemoteDataArgs({"lastUpdate": "t"}).last_update == "t"
    update = UpdateRemoteSystemArgs({"remoteId": "1", "incidentChanged": True, "status": 2})
    assert (update.remote_incident_id, update.incident_changed, update.inc_status) == ("1", True, 2)
    assert (update.data, update.entries, update.delta) == ({}, [], {})


def test_file_result_writes_below_the_investigation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, demisto: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    entry = fileResult("../../etc/report.txt", "content")
    assert (entry["Type"], entry["File"]) == (3, "report.txt")
    assert (tmp_path / f"1_{entry['FileID']}").read_text() == "content"
    assert fileResult("x", b"1", 9)["Type"] == 9


def test_file_result_existing_file_is_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, demisto: Any) -> None:
    monkeypatch.chdir(tmp_path)
    Path("made.bin").write_bytes(b"1")
    entry = file_result_existing_file("made.bin", "shown.bin")
    assert entry["File"] == "shown.bin"
    assert not Path("made.bin").exists()
    assert (tmp_path / f"1_{entry['FileID']}").read_bytes() == b"1"
