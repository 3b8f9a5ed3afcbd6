"""Integration context, feeds, versions and threads: what touches the server's state."""

from __future__ import annotations

import json
from typing import Any

import pytest

from warroom.runtime.common.context import (
    get_integration_context,
    get_integration_context_with_version,
    set_integration_context,
    set_to_integration_context_with_retries,
    update_integration_context,
)
from warroom.runtime.common.entries import DemistoException
from warroom.runtime.common.feeds import (
    get_feed_last_run,
    get_last_mirror_run,
    set_feed_last_run,
    set_last_mirror_run,
)
from warroom.runtime.common.threads import retry, safe_sleep, support_multithreading
from warroom.runtime.common.versions import (
    get_demisto_version_as_str,
    is_demisto_version_ge,
    is_integration_command_execution,
    is_using_engine,
    is_xsiam,
    is_xsiam_or_xsoar_saas,
    is_xsoar,
    is_xsoar_hosted,
    is_xsoar_on_prem,
    is_xsoar_saas,
)


def serve(monkeypatch: pytest.MonkeyPatch, demisto: Any, version: str, platform: str = "xsoar", **more: Any) -> None:
    found = {"version": version, "buildNumber": "50", "platform": platform, **more}
    monkeypatch.setattr(demisto, "demistoVersion", lambda: found)


@pytest.mark.parametrize(
    ("server", "asked", "later"),
    [
        ("6.9.0", "6.10.0", False),
        ("6.10.0", "6.9.0", True),
        ("8", "8.0.0", True),
        ("dev", "9.9.9", True),
        ("6.1.0.1", "6.1", True),
    ],
)
def test_version_ge_compares_parts_as_numbers(
    monkeypatch: pytest.MonkeyPatch, demisto: Any, server: str, asked: str, later: bool
) -> None:
    serve(monkeypatch, demisto, server)
    assert is_demisto_version_ge(asked) is later


def test_version_ge_same_version_is_decided_by_the_build(monkeypatch: pytest.MonkeyPatch, demisto: Any) -> None:
    serve(monkeypatch, demisto, "6.1.0")
    assert is_demisto_version_ge("6.1.0", "50")
    assert not is_demisto_version_ge("6.1.0", "51")
    assert get_demisto_version_as_str() == "6.1.0-50"


def test_version_unknown_server_is_never_later(monkeypatch: pytest.MonkeyPatch, demisto: Any) -> None:
    monkeypatch.delattr(demisto, "demistoVersion")
    assert not is_demisto_version_ge("5.0.0")
    assert get_demisto_version_as_str() == ""


@pytest.mark.parametrize(
    ("version", "platform", "expected"),
    [
        ("6.9.0", "xsoar", (True, True, False, False, False, False)),
        ("8.8.0", "xsoar", (True, False, False, True, False, True)),
        ("6.9.0", "xsoar_hosted", (True, False, True, False, False, False)),
        ("8.8.0", "x2", (False, False, False, False, True, True)),
    ],
)
def test_platform_of_each_server(
    monkeypatch: pytest.MonkeyPatch, demisto: Any, version: str, platform: str, expected: tuple[bool, ...]
) -> None:
    serve(monkeypatch, demisto, version, platform)
    kinds = (is_xsoar, is_xsoar_on_prem, is_xsoar_hosted, is_xsoar_saas, is_xsiam, is_xsiam_or_xsoar_saas)
    assert tuple(kind() for kind in kinds) == expected


def test_engine_and_kind_of_content_are_told(monkeypatch: pytest.MonkeyPatch, demisto: Any) -> None:
    assert not is_using_engine()
    serve(monkeypatch, demisto, "8.8.0", engine="e1")
    assert is_using_engine()
    assert is_integration_command_execution()
    monkeypatch.setattr(demisto, "callingContext", {"context": {"ExecutedCommands": [{"moduleBrand": "Scripts"}]}})
    assert not is_integration_command_execution()


def test_context_versioned_read_and_write(demisto: Any) -> None:
    set_integration_context({"a": "1"})
    assert get_integration_context() == {"a": "1"}
    context, version = get_integration_context_with_version()
    assert get_integration_context(with_version=True) == {"context": context, "version": version}
    set_integration_context({"a": "2"}, version=version)
    with pytest.raises(ValueError, match="version"):
        set_integration_context({"a": "3"}, version=version)


def test_context_old_server_has_no_versions(monkeypatch: pytest.MonkeyPatch, demisto: Any) -> None:
    serve(monkeypatch, demisto, "5.5.0")
    monkeypatch.delattr(demisto, "getIntegrationContextVersioned")
    set_integration_context({"a": "1"})
    assert get_integration_context_with_version() == ({"a": "1"}, -1)


def test_context_with_retries_writes_json_text_and_keeps_other_keys(demisto: Any) -> None:
    demisto.setIntegrationContext({"other": "plain", "list": json.dumps([{"id": 1}, {"id": 2}])})
    set_to_integration_context_with_retries({"list": [{"id": 2, "remove": True}, {"id": 3}]}, {"list": "id"})
    assert demisto.getIntegrationContext() == {"other": "plain", "list": json.dumps([{"id": 1}, {"id": 3}])}
    assert update_integration_context({"new": 1})[0]["new"] == "1"


def test_context_with_retries_text_that_is_not_json_raises_at_once(demisto: Any) -> None:
    demisto.setIntegrationContext({"key": "plain"})
    waits: list[float] = []
    with pytest.raises(ValueError, match="Expecting value"):
        set_to_integration_context_with_retries({"key": 1}, sleep=waits.append)
    assert waits == []


def test_context_with_retries_conflict_is_tried_again_then_raised(
    monkeypatch: pytest.MonkeyPatch, demisto: Any
) -> None:
    waits: list[float] = []
    write, failures = demisto.setIntegrationContextVersioned, [1, 1]

    def conflicting(context: Any, version: Any, sync: bool) -> None:
        if failures:
            failures.pop()
            raise ValueError("stale")
        write(context, version, sync)

    monkeypatch.setattr(demisto, "setIntegrationContextVersioned", conflicting)
    set_to_integration_context_with_retries({"key": 1}, sleep=waits.append)
    assert demisto.getIntegrationContext() == {"key": "1"}
    failures.extend([1] * 9)
    with pytest.raises(Exception, match="Max retry attempts exceeded"):
        set_to_integration_context_with_retries({"key": 2}, sleep=waits.append)
    assert len(waits) == 4
    assert all(0.001 <= wait <= 0.1 for wait in waits)


def test_feed_last_run_moves_what_an_older_server_kept(demisto: Any) -> None:
    demisto.setIntegrationContext({"time": "1"})
    assert get_feed_last_run() == {"time": "1"}
    assert demisto.getIntegrationContext() == {}
    assert demisto.getLastRun() == {"time": "1"}
    set_feed_last_run({"time": "2"})
    assert get_feed_last_run() == {"time": "2"}


def test_feed_last_run_of_an_older_server_is_the_context(monkeypatch: pytest.MonkeyPatch, demisto: Any) -> None:
    serve(monkeypatch, demisto, "6.0.0")
    set_feed_last_run({"time": "1"})
    assert get_feed_last_run() == {"time": "1"}
    assert demisto.getLastRun() == {}


def test_last_mirror_run_is_stored(demisto: Any) -> None:
    assert get_last_mirror_run() == {}
    set_last_mirror_run({"time": "1"})
    assert get_last_mirror_run() == {"time": "1"}


def test_support_multithreading_wraps_once_and_mock_needs_nothing(
    monkeypatch: pytest.MonkeyPatch, demisto: Any
) -> None:
    support_multithreading()
    assert not hasattr(demisto, "_Demisto__do")
    monkeypatch.setattr(demisto, "_Demisto__do", lambda cmd: cmd["type"], raising=False)
    support_multithreading()
    wrapped = demisto._Demisto__do
    support_multithreading()
    assert demisto._Demisto__do is wrapped
    assert wrapped({"type": "log"}) == "log"


def test_retry_fixed_delay_and_last_error_is_raised(demisto: Any) -> None:
    waits: list[float] = []
    calls: list[int] = []

    @retry(times=3, delay=2, exceptions=KeyError, sleep=waits.append)
    def failing(kind: type[Exception]) -> None:
        calls.append(1)
        raise kind(len(calls))

    with pytest.raises(KeyError, match="3"):
        failing(KeyError)
    with pytest.raises(ValueError, match="4"):
        failing(ValueError)
    assert waits == [2, 2]


def test_safe_sleep_longer_than_the_run_raises(monkeypatch: pytest.MonkeyPatch, demisto: Any) -> None:
    waits: list[float] = []
    monkeypatch.setattr(demisto, "callingContext", {"context": {"runDuration": 1}})
    safe_sleep(60, waits.append)
    with pytest.raises(ValueError, match="longer"):
        safe_sleep(61, waits.append)
    assert waits == [60]


def test_integration_command_execution_unknown_raises(monkeypatch: pytest.MonkeyPatch, demisto: Any) -> None:
    monkeypatch.delattr(demisto, "callingContext")
    with pytest.raises(DemistoException):
        is_integration_command_execution()
