from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from warroom.cli.main import main

Run = Callable[..., tuple[int, str, str]]
TASKS: dict[str, Any] = {
    "0": {"id": "0", "type": "start", "task": {"name": ""}, "nexttasks": {"#none#": ["1"]}},
    "1": {"id": "1", "type": "condition", "task": {"name": "Is it the world?"},
          "nexttasks": {"yes": ["2"], "#default#": ["3"]}, "conditions": [{"label": "yes", "condition": [[
              {"operator": "isEqualString", "left": {"value": {"simple": "inputs.who"}, "iscontext": True},
               "right": {"value": {"simple": "world"}}}]]}]},
    "2": {"id": "2", "type": "regular", "task": {"name": "Greet", "scriptName": "Print"},
          "nexttasks": {"#none#": ["4"]},
          "scriptarguments": {"value": {"simple": "hello ${inputs.who}"}}},
    "3": {"id": "3", "type": "regular", "task": {"name": "Ask somebody"}, "nexttasks": {"#none#": ["4"]}},
    "4": {"id": "4", "type": "regular", "task": {"name": "Close", "script": "Builtin|||closeInvestigation",
                                               "iscommand": True, "brand": "Builtin"}},
}  # fmt: skip
PLAYBOOK = {
    "id": "Greeting", "name": "Greeting", "description": "Greets.", "starttaskid": "0", "tasks": TASKS,
    "inputs": [{"key": "who", "value": {"simple": "world"}}, {"key": "must", "value": {}, "required": False}],
    "outputs": [],
}  # fmt: skip
JOB = {"id": "greet", "name": "Greet often", "playbookId": "Greeting", "isFeed": False, "details": "",
       "humanCron": {"timePeriodType": "minutes", "timePeriod": 5}}  # fmt: skip


@pytest.fixture
def warroom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs one command line in a home with one playbook and one job; gives exit code, stdout, stderr."""
    pack = tmp_path / "Packs" / "Small"
    for folder, name, text in (
        ("Playbooks", "playbook-Greeting.yml", yaml.safe_dump(PLAYBOOK)), ("Jobs", "job-Greet.json", json.dumps(JOB)),
    ):  # fmt: skip
        (pack / folder).mkdir(parents=True)
        (pack / folder / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WARROOM_HOME", str(tmp_path / "home"))

    def run(*argv: object) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main([str(word) for word in argv])
        told = capfd.readouterr()
        return code, told.out, told.err

    assert run("init")[0] == 0
    return run


def test_playbook_list_names_every_playbook(warroom: Run) -> None:
    assert warroom("playbook", "list")[1].split("\t")[:5] == ["Greeting", "Greeting", "Small", "5", "2"]
    assert json.loads(warroom("playbook", "list", "--json")[1])[0]["name"] == "Greeting"


def test_playbook_show_is_a_tree_in_the_order_of_execution(warroom: Run) -> None:
    assert warroom("playbook", "show", "greeting")[1] == (
        "Greeting\n"
        "  Greets.\n"
        "inputs:\n"
        "  who = world\n"
        "  must\n"
        "steps:\n"
        "  0  start\n"
        "  1  Is it the world?\n"
        '      yes:  inputs.who isEqualString "world"\n'
        "        2  Greet  [Print]\n"
        "           value=hello ${inputs.who}\n"
        "        -> 4  Close\n"
        "      otherwise:\n"
        "        3  Ask somebody  [waits for a person]\n"
        "        -> 4  Close\n"
        "  4  Close  [!closeInvestigation]\n"
    )


def test_playbook_show_as_json_holds_tasks_and_conditions(warroom: Run) -> None:
    shown = json.loads(warroom("playbook", "show", "Greeting", "--json")[1])
    assert shown["tasks"][1]["conditions"] == {"yes": 'inputs.who isEqualString "world"'}
    assert shown["tasks"][2]["arguments"] == {"value": "hello ${inputs.who}"}


def test_playbook_graph_writes_a_picture(warroom: Run, tmp_path: Path) -> None:
    assert warroom("playbook", "graph", "Greeting", "-o", "out.svg")[1] == "wrote out.svg\n"
    assert ET.parse(tmp_path / "out.svg").getroot().tag.endswith("svg")
    assert warroom("playbook", "graph", "Greeting")[1] == (tmp_path / "out.svg").read_text(encoding="utf-8")


def test_playbook_graph_colours_the_way_of_a_run(warroom: Run) -> None:
    run_id = json.loads(warroom("job", "run", "greet", "--json")[1])["id"]
    drawn = warroom("playbook", "graph", "Greeting", "--run", run_id)[1]
    assert f"Greeting — run {run_id}" in drawn
    assert drawn.count('"line taken"') == 3 and drawn.count('"box regular done"') == 2


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        (["playbook", "show", "Greetin"], "unknown playbook 'Greetin'; did you mean Greeting?"),
        (["playbook", "graph", "Greeting", "-o", "out.png"], "the file must end in .svg"),
        (["playbook", "graph", "Greeting", "-o", "no/such/out.svg"], "cannot be written: No such file"),
        (["playbook", "graph", "Greeting", "--run", "nope"], "there is no run 'nope'"),
        (["job", "run", "greeet"], "unknown job 'greeet'"),
        (["job", "run", "greet", "--input", "who"], "--input must be KEY=VALUE, not 'who'"),
        (["job", "set", "greet"], "give --enable, --disable, --input or --reset"),
        (["job", "set", "greet", "--input", "wo=x"], "has no input 'wo'"),
        (["content", "check", "nowhere"], "does not exist"),
    ],
)
def test_bad_use_is_one_line_and_code_2(warroom: Run, argv: list[str], complaint: str) -> None:
    code, out, err = warroom(*argv)
    assert (code, out) == (2, "")
    assert complaint in err and err.count("\n") == 1


def test_content_check_warnings_alone_are_fine(warroom: Run) -> None:
    code, out, _ = warroom("content", "check")
    assert code == 0
    assert "warning: Greeting: input must is declared and never read; use it, or remove it" in out
    assert "0 errors, 1 warnings in " in out


def test_content_check_error_ends_with_1_and_needs_no_home(
    warroom: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARROOM_HOME", str(tmp_path / "other"))
    wrong = {**TASKS, "2": {**TASKS["2"], "task": {"name": "Greet", "scriptName": "Prinnt"}}}
    file = tmp_path / "Packs" / "Small" / "Playbooks" / "playbook-Greeting.yml"
    file.write_text(yaml.safe_dump({**PLAYBOOK, "tasks": wrong}))
    code, out, _ = warroom("content", "check", "Packs", "--json")
    told = json.loads(out)
    assert code == 1 and told["errors"] == 1
    found = next(item for item in told["findings"] if item["level"] == "error")
    assert (found["code"], found["task"], found["file"]) == ("unknown-script", "2", str(file))
    assert not (tmp_path / "other").exists()


def test_content_list_has_playbooks_and_jobs(warroom: Run) -> None:
    kinds = [item["kind"] for item in json.loads(warroom("content", "list", "--json")[1])["items"]]
    assert kinds == ["playbook", "job"]


def test_job_run_tells_how_it_ended_and_show_keeps_it(warroom: Run) -> None:
    assert warroom("job", "run", "Greet often")[1].endswith(": done\n")
    code, out, _ = warroom("job", "run", "greet", "--input", "who=nobody")
    assert code == 3 and out.endswith(": waiting\n")
    assert warroom("job", "run", "greet")[0] == 2
    notes = json.loads(warroom("job", "show", "greet", "--json")[1])["notes"]
    assert [note["kind"] for note in notes] == ["ended", "waiting"]
    assert "waits for a person" in warroom("job", "show", "greet")[1]


def test_job_list_tells_when_and_what_the_home_changed(warroom: Run) -> None:
    [row] = json.loads(warroom("job", "list", "--json")[1])
    assert (row["when"], row["enabled"], row["last"]) == ("every 5 minutes", True, None)
    assert warroom("job", "set", "greet", "--disable", "--input", "who=me")[1] == "Greet often: disabled, who=me\n"
    [row] = json.loads(warroom("job", "list", "--json")[1])
    assert (row["enabled"], row["next"]) == (False, None)
    assert warroom("job", "set", "greet", "--reset")[1] == "Greet often: enabled\n"


def test_job_start_runs_what_is_due_and_ends_cleanly_at_a_signal(warroom: Run, tmp_path: Path) -> None:
    root = str(Path(__file__).resolve().parents[2])
    process = subprocess.Popen(
        [sys.executable, "-c", "import sys; from warroom.cli.main import main; sys.exit(main())", "job", "start",
         "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
        env={**os.environ, "WARROOM_HOME": str(tmp_path / "home"), "PYTHONPATH": root},
    )  # fmt: skip
    assert process.stdout is not None
    told = [json.loads(process.stdout.readline()) for _ in range(2)]
    code, _, err = warroom("job", "start")
    process.send_signal(signal.SIGTERM)
    out, errors = process.communicate(timeout=20)
    assert [note["kind"] for note in told] == ["started", "ended"]
    assert (process.returncode, out, errors) == (0, "", "")
    assert code == 2 and "another `warroom job start` is at work" in err
