"""Holds the packs of this repository to every check, and proves on a small sound repository that each check bites."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from Tests.content import checks
from Tests.content.repository import Repository, read

ROOT = Path(__file__).resolve().parents[2]
Check = Callable[[Repository], list[str]]
INTEGRATION = "Packs/One/Integrations/Sync"
MODULE = "Packs/ApiModules/Scripts/SharedApiModule"

CODE = """
import demistomock as demisto
from CommonServerPython import *
from SharedApiModule import *

def main() -> None:
    address = demisto.params()["url"]
    if demisto.command() == "sync-push":
        push(address, demisto.args().get("indicator"))
"""
README = """
| **Parameter** | **Required** |
| --- | --- |
| Server URL | True |

### sync-push

| **Argument Name** | **Description** |
| --- | --- |
| indicator | What to push. |

| **Path** | **Type** |
| --- | --- |
| Sync.Pushed | Number |

### Notes
"""


def integration() -> dict[str, Any]:
    command = {
        "name": "sync-push",
        "arguments": [{"name": "indicator"}],
        "outputs": [{"contextPath": "Sync.Pushed"}],
    }
    return {
        "commonfields": {"id": "Sync", "version": -1},
        "name": "Sync",
        "configuration": [{"name": "url", "display": "Server URL"}, {"name": "feed", "display": ""}],
        "script": {"commands": [command]},
        "tests": ["No tests"],
    }


def playbook(task: dict[str, Any]) -> dict[str, Any]:
    return {"id": "Flow", "name": "Flow", "tasks": {"0": {"task": {}}, "1": {"task": task}}}


class Sample:
    """A repository on disk without faults, to be spoilt by one change at a time."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.yml(f"{INTEGRATION}/Sync.yml", integration())
        self.text(f"{INTEGRATION}/Sync.py", CODE)
        self.text(f"{INTEGRATION}/README.md", README)
        self.text(f"{INTEGRATION}/command_examples.txt", '!sync-push indicator="a=b c=d"\n')
        for name in ("Sync_test.py", "Sync_description.md", "Sync_image.png"):
            self.text(f"{INTEGRATION}/{name}", "")
        self.yml(
            f"{MODULE}/SharedApiModule.yml", {"commonfields": {"id": "SharedApiModule"}, "name": "SharedApiModule"}
        )
        for name in ("SharedApiModule.py", "SharedApiModule_test.py", "README.md"):
            self.text(f"{MODULE}/{name}", "")

    def text(self, path: str, text: str) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def yml(self, path: str, data: dict[str, Any]) -> None:
        self.text(path, yaml.safe_dump(data))

    def faults(self, check: Check) -> list[str]:
        return check(read(self.root))


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    return Sample(tmp_path)


@pytest.fixture(scope="module")
def packs() -> Repository:
    return read(ROOT)


def names(check: Check) -> str:
    return check.__name__


@pytest.mark.parametrize("check", checks.CHECKS, ids=names)
def test_packs_every_check_finds_nothing(check: Check, packs: Repository) -> None:
    faults = check(packs)

    assert not faults, "\n".join(faults)


def test_read_packs_are_found(packs: Repository) -> None:
    assert {"integration", "script", "indicator field"} <= {item.kind for item in packs.items}


@pytest.mark.parametrize("check", checks.CHECKS, ids=names)
def test_sound_sample_every_check_finds_nothing(check: Check, sample: Sample) -> None:
    assert sample.faults(check) == []


@pytest.mark.parametrize(
    ("other", "label"),
    [
        pytest.param({"commonfields": {"id": "Sync"}, "name": "Other"}, "id", id="same_id"),
        pytest.param({"commonfields": {"id": "Other"}, "name": "sync"}, "name", id="same_name_in_other_case"),
    ],
)
def test_duplicate_ids_second_pack_has_same_is_found(sample: Sample, other: dict[str, Any], label: str) -> None:
    sample.yml("Packs/Two/Integrations/Other/Other.yml", other)

    [fault] = sample.faults(checks.duplicate_ids)

    assert fault.startswith(f"Packs/Two/Integrations/Other/Other.yml: {label} 'sync' of this integration is also in")


def test_duplicate_ids_same_module_name_is_found(sample: Sample) -> None:
    sample.yml("Packs/Two/Scripts/SharedApiModule/SharedApiModule.yml", {"commonfields": {"id": "x"}, "name": "y"})

    assert any("module 'sharedapimodule'" in fault for fault in sample.faults(checks.duplicate_ids))


def test_missing_files_no_image_is_found(sample: Sample) -> None:
    (sample.root / INTEGRATION / "Sync_image.png").unlink()

    assert sample.faults(checks.missing_files) == [f"{INTEGRATION}: Sync_image.png is missing"]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        pytest.param("from SharedApiModule import *", "SharedApiModule is imported twice", id="twice"),
        pytest.param("from GoneApiModule import *", "GoneApiModule does not exist", id="unknown"),
        pytest.param("from SharedApiModule import x", "SharedApiModule must be imported at the top with *", id="names"),
        pytest.param("import SharedApiModule", "SharedApiModule must be imported at the top with *", id="plain"),
    ],
)
def test_api_module_imports_wrong_import_is_found(sample: Sample, line: str, fault: str) -> None:
    sample.text(f"{INTEGRATION}/Sync.py", f"{CODE}\n{line}\n")

    assert sample.faults(checks.api_module_imports) == [f"{INTEGRATION}/Sync.yml: {fault}"]


@pytest.mark.parametrize(
    ("task", "fault"),
    [
        pytest.param({"scriptName": "NoSuch"}, "script 'NoSuch' does not exist", id="script_name"),
        pytest.param({"script": "NoSuch"}, "script 'NoSuch' does not exist", id="script"),
        pytest.param({"script": "|||no-such"}, "command 'no-such' does not exist", id="command"),
        pytest.param({"script": "NoBrand|||sync-push"}, "integration 'NoBrand' does not exist", id="brand"),
        pytest.param({"playbookName": "NoSuch"}, "playbook 'NoSuch' does not exist", id="playbook"),
    ],
)
def test_unknown_references_wrong_task_is_found(sample: Sample, task: dict[str, Any], fault: str) -> None:
    sample.yml("Packs/One/Playbooks/playbook-Flow.yml", playbook(task))

    assert sample.faults(checks.unknown_references) == [f"Packs/One/Playbooks/playbook-Flow.yml: task 1: {fault}"]


@pytest.mark.parametrize(
    "task",
    [
        pytest.param({"script": "|||sync-push"}, id="any_brand"),
        pytest.param({"script": "Sync|||sync-push"}, id="brand"),
        pytest.param({"script": "Builtin|||setIndicator"}, id="server"),
        pytest.param({"scriptName": "SharedApiModule"}, id="script"),
        pytest.param({"playbookName": "Flow"}, id="playbook"),
    ],
)
def test_unknown_references_known_name_passes(sample: Sample, task: dict[str, Any]) -> None:
    sample.yml("Packs/One/Playbooks/playbook-Flow.yml", playbook(task))

    assert sample.faults(checks.unknown_references) == []


def test_unknown_references_code_runs_unknown_command_is_found(sample: Sample) -> None:
    sample.text(f"{INTEGRATION}/Sync.py", f"{CODE}\n    demisto.executeCommand('no-such', {{}})\n")

    [fault] = sample.faults(checks.unknown_references)

    assert fault.endswith("command or script 'no-such' does not exist")


@pytest.mark.parametrize("key", ["defaultmapperin", "defaultclassifier"])
def test_unknown_references_missing_mapper_is_found(sample: Sample, key: str) -> None:
    sample.yml(f"{INTEGRATION}/Sync.yml", {**integration(), key: "NoSuch"})

    assert sample.faults(checks.unknown_references) == [
        f"{INTEGRATION}/Sync.yml: {key}: classifier or mapper 'NoSuch' does not exist"
    ]


def test_unknown_references_missing_test_playbook_is_found(sample: Sample) -> None:
    sample.yml(f"{INTEGRATION}/Sync.yml", {**integration(), "tests": ["NoSuch"]})

    assert len(sample.faults(checks.unknown_references)) == 1


def test_deprecated_in_use_command_in_playbook_is_found(sample: Sample) -> None:
    data = integration()
    data["script"]["commands"][0]["deprecated"] = True
    sample.yml(f"{INTEGRATION}/Sync.yml", data)
    sample.yml("Packs/One/Playbooks/playbook-Flow.yml", playbook({"script": "|||sync-push"}))

    [fault] = sample.faults(checks.deprecated_in_use)

    assert fault.endswith("task 1: command 'sync-push' is deprecated")


@pytest.mark.parametrize(
    ("word", "fault"),
    [
        pytest.param('"sync-push"', "command sync-push", id="command"),
        pytest.param('"indicator"', "argument indicator of sync-push", id="argument"),
        pytest.param('"url"', "parameter url", id="parameter"),
    ],
)
def test_declared_but_not_in_code_name_gone_is_found(sample: Sample, word: str, fault: str) -> None:
    sample.text(f"{INTEGRATION}/Sync.py", CODE.replace(word, '"x"'))

    assert sample.faults(checks.declared_but_not_in_code) == [f"{INTEGRATION}/Sync.yml: {fault} is not in the code"]


def test_declared_but_not_in_code_name_in_api_module_passes(sample: Sample) -> None:
    sample.text(f"{INTEGRATION}/Sync.py", CODE.replace('"indicator"', "NAME"))
    sample.text(f"{MODULE}/SharedApiModule.py", "NAME = 'indicator'\n")

    assert sample.faults(checks.declared_but_not_in_code) == []


def test_declared_but_not_in_code_name_made_by_f_string_passes(sample: Sample) -> None:
    data = integration()
    data["configuration"].append({"name": "apikey_creds", "display": ""})
    sample.yml(f"{INTEGRATION}/Sync.yml", data)
    assert len(sample.faults(checks.declared_but_not_in_code)) == 1

    sample.text(
        f"{INTEGRATION}/Sync.py", CODE + "    credentials = f'{address}_creds'\n    text = f'{address}: {address}'\n"
    )

    assert sample.faults(checks.declared_but_not_in_code) == []


@pytest.mark.parametrize(
    "cell", ["| First, Server URL |", "| Server URL, Last |", "| First, Server URL, Last |", "`Server URL`"]
)
def test_not_in_readme_parameter_in_list_passes(sample: Sample, cell: str) -> None:
    sample.text(f"{INTEGRATION}/README.md", README.replace("| Server URL |", cell))

    assert sample.faults(checks.not_in_readme) == []


@pytest.mark.parametrize(
    ("gone", "fault"),
    [
        pytest.param("### sync-push", "command sync-push", id="command"),
        pytest.param("| indicator |", "argument indicator of sync-push", id="argument"),
        pytest.param("| Sync.Pushed |", "output Sync.Pushed of sync-push", id="output"),
        pytest.param("| Server URL |", "parameter 'Server URL'", id="parameter"),
    ],
)
def test_not_in_readme_line_gone_is_found(sample: Sample, gone: str, fault: str) -> None:
    sample.text(f"{INTEGRATION}/README.md", README.replace(gone, ""))

    assert sample.faults(checks.not_in_readme) == [f"{INTEGRATION}/README.md: {fault} is not described"]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        pytest.param("!sync-pull", "'!sync-pull' is no command of this integration", id="command"),
        pytest.param("sync-push", "'sync-push' is no command of this integration", id="no_mark"),
        pytest.param('!sync-push value="x"', "sync-push has no argument value", id="argument"),
    ],
)
def test_wrong_examples_wrong_line_is_found(sample: Sample, line: str, fault: str) -> None:
    sample.text(f"{INTEGRATION}/command_examples.txt", f"{line}\n")

    assert sample.faults(checks.wrong_examples) == [f"{INTEGRATION}/command_examples.txt:1: {fault}"]


def test_checks_every_function_of_the_module_is_run() -> None:
    public: Sequence[str] = [
        name for name, value in vars(checks).items() if getattr(value, "__module__", "") == checks.__name__
    ]

    assert {name for name in public if not name.startswith("_")} == {check.__name__ for check in checks.CHECKS}
