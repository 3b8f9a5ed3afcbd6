"""What `from CommonServerPython import *` gives, and the mock of unit tests."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from warroom.runtime import common
from warroom.runtime.demisto import Demisto
from warroom.runtime.testing import ROOT

# What public packs use without importing it themselves.
STANDARD = (
    "json os re sys time requests datetime timedelta timezone base64 traceback Any Callable Dict List Optional Set "
    "Tuple Union cast logging random socket uuid hashlib urllib3 demisto register_module_line IS_PY3"
).split()


@pytest.fixture
def names() -> dict[str, Any]:
    found: dict[str, Any] = {}
    exec("from CommonServerPython import *", found)  # noqa: S102
    return found


@pytest.fixture
def mock() -> Iterator[Any]:
    module = importlib.import_module("demistomock")
    module.reset()
    yield module
    module.reset()


def test_common_server_python_gives_every_public_name_of_every_part(names: dict[str, Any]) -> None:
    for part in pkgutil.iter_modules(common.__path__):
        module = importlib.import_module(f"warroom.runtime.common.{part.name}")
        missing = [name for name in getattr(module, "__all__", ()) if names.get(name) is not getattr(module, name)]
        assert missing == [], part.name


def test_common_server_python_gives_the_standard_names(names: dict[str, Any]) -> None:
    assert [name for name in STANDARD if name not in names] == []
    assert names["register_module_line"]("Sample", "start", 1) is None


def test_common_server_python_leaves_slow_modules_alone() -> None:
    shims = ROOT / "warroom" / "runtime" / "shims"
    script = (
        "import sys, CommonServerPython; print(sorted({'dateparser', 'tldextract', 'dateutil'} & set(sys.modules)))"
    )
    environ = {"PYTHONPATH": f"{shims}:{ROOT}"}
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, env=environ, check=True)
    assert ended.stdout == b"[]\n"


def test_mock_has_every_function_of_the_live_object_with_its_parameters(mock: Any) -> None:
    for name, live in inspect.getmembers(Demisto, inspect.isfunction):
        if name.startswith("_"):
            continue
        own = list(inspect.signature(getattr(mock, name)).parameters)
        expected = [item for item in inspect.signature(live).parameters if item not in ("self", "kwargs")]
        assert own == expected, name
    assert callable(mock.executeCommand)


def test_mock_remembers_what_it_was_given_until_reset(mock: Any, capsys: pytest.CaptureFixture[str]) -> None:
    mock.results("a")
    mock.credentials([1])
    mock.incidents([{"name": "n"}])
    mock.addEntry("1", "e")
    mock.error("bad", 1)
    mock.info("i")
    mock.debug("d")
    mock.log("l")
    mock.createIndicators([{"value": "v"}])
    mock.createIncidents([{"name": "n"}])
    mock.updateModuleHealth({"eventsPulled": 1})
    mock.heartbeat()
    assert mock.last_results() == [
        "a", [1], {"Type": 1, "Contents": '[{"name": "n"}]', "ContentsFormat": "json"}, "e",
    ]  # fmt: skip
    assert mock.last_logs() == [("error", "bad 1"), ("info", "i"), ("debug", "d"), ("warroom", "l")]
    assert mock.created_indicators() == [{"value": "v"}]
    assert mock.last_health() == [({"eventsPulled": 1}, False)]
    mock.reset()
    assert mock.last_results() == mock.last_logs() == mock.created_indicators() == mock.last_health() == []
    assert capsys.readouterr() == ("", "")


def test_mock_state_is_read_back_as_a_copy(mock: Any) -> None:
    state = {"a": ["b"]}
    mock.setIntegrationContext(state)
    mock.setLastRun(state)
    mock.setLastMirrorRun(state)
    mock.setAssetsLastRun(state)
    state["a"].append("later")
    for read in (mock.getIntegrationContext, mock.getLastRun, mock.getLastMirrorRun, mock.getAssetsLastRun):
        assert read() == {"a": ["b"]}


def test_mock_versioned_context_follows_the_server(mock: Any) -> None:
    found = mock.getIntegrationContextVersioned()
    mock.setIntegrationContextVersioned({"a": "1"}, found["version"], True)
    with pytest.raises(ValueError, match="version"):
        mock.setIntegrationContextVersioned({"a": "2"}, found["version"])
    mock.setIntegrationContextVersioned({"a": "3"}, -1)
    assert mock.getIntegrationContextVersioned()["context"] == {"a": "3"}


def test_mock_answers_like_a_server_without_content(mock: Any) -> None:
    assert mock.params() == mock.args() == mock.getLastRun() == mock.context() == mock.parentEntry() == {}
    assert mock.searchIndicators() == {"iocs": None, "total": 0, "searchAfter": None}
    assert mock.searchRelationships()["data"] == []
    assert mock.demistoVersion()["platform"] == "xsoar"
    assert mock.incident() == {}
    assert mock.dt({"a": 1}, "a") == 1
    assert mock.getArg("x", "default") == "default"
    with pytest.raises(ValueError, match="sample-do"):
        mock.executeCommand("sample-do", {})


def test_docs_name_exactly_what_there_is() -> None:
    rows = [line for line in (ROOT / "docs" / "runtime.md").read_text().splitlines() if line.startswith("| ")]
    documented = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    parts = [
        importlib.import_module(f"warroom.runtime.common.{part.name}") for part in pkgutil.iter_modules(common.__path__)
    ]
    assert documented == {name for part in parts for name in getattr(part, "__all__", ())}
