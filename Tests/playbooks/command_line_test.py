"""`warroom playbook run`, `runs` and `resume`, as a person types them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from Tests.playbooks.builder import (
    SECRET,
    ask,
    book,
    collect,
    command,
    compare,
    decide,
    put,
    question,
    script,
    start,
    sub,
    title,
    world,
)
from Tests.terminal import Shell
from warroom.cli.app import App, Terminal
from warroom.cli.main import cli, main

GREETING = book(
    "Greeting", start(), decide("1", {"yes": "2", "#default#": "3"}, yes=[[compare("inputs.name", "isNotEmpty")]]),
    sub("2", "Inner", {"who": "${inputs.name}"}, "4"), title("3", "4"), put("4", "Said", "${Greeting.Text}"),
    inputs={"name": ""}, outputs=["Said"],
)  # fmt: skip
INNER = book(
    "Inner", start(), put("1", "Greeting.Text", "hello ${inputs.who}"), inputs={"who": ""}, outputs=["Greeting.Text"]
)
APPROVE = book(
    "Approve", start(), ask("1", {"yes": "2", "no": "3"}, name="Block it?"), put("2", "done", "1"), title("3")
)
FORM = book(
    "Form",
    start(),
    collect("1", [question("0", "Host", required=True)], "2", name="Host form"),
    put("2", "h", "${Host form.Answers.0}"),
    outputs=["h"],
)
FAILING = book("Failing", start(), script("1", "PrintErrorEntry", {"message": "it went wrong"}))
SECRETS = book(
    "Secrets",
    start(),
    command("1", "Tiny|||tiny-echo", {"text": "x", "password": "${inputs.word}"}),
    inputs={"word": ""},
)


@dataclass(frozen=True)
class Typed(Shell):
    """The command line in this process, without its start."""

    def run(self, *words: str, given: str | bytes = "") -> subprocess.CompletedProcess[str]:
        out, err = (io.TextIOWrapper(io.BytesIO(), write_through=True) for _ in range(2))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(["--home", str(self.home), *words])
        said = [stream.buffer.getvalue().decode() for stream in (out, err)]
        return subprocess.CompletedProcess(words, code, *said)


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    folder = tmp_path_factory.mktemp("cli")
    with world(folder) as one:
        one.add(GREETING, INNER, APPROVE, FORM, FAILING, SECRETS)
        one.add_instance()
        one.host.add_content(one.pack.parent)
    return Typed(folder / "home", {"PATH": os.environ["PATH"]})


def test_run_in_a_process_of_its_own_ends_with_its_code(shell: Shell) -> None:
    ended = Shell(shell.home, shell.environ).run("playbook", "run", "Approve")
    assert ended.returncode == 3 and "one of: yes, no" in ended.stdout


def test_run_tells_path_values_and_reasons(shell: Shell) -> None:
    ended = shell.run("playbook", "run", "Greeting", "--input", "name=you")
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert "1 Task 1 -> yes" in lines
    assert any(line.strip().startswith("why") and "you" in line for line in lines)
    assert "  1 Task 1 [Set]" in lines and any("gave Greeting" in line and "hello you" in line for line in lines)
    assert lines[-1] == "  Said = hello you"
    assert ended.stderr.startswith("run ") and "\x1b" not in ended.stdout + ended.stderr


def test_run_json_is_one_document_and_the_log_goes_aside(shell: Shell) -> None:
    found = shell.json("playbook", "run", "Greeting", "--input", "name=you")
    assert (found["status"], found["outputs"]) == ("done", {"Said": "hello you"})
    assert [event["task_id"] for event in found["events"] if not event["path"]] == ["0", "1", "2", "4"]


def test_run_error_ends_with_one_and_says_how_to_go_on(shell: Shell) -> None:
    ended = shell.run("playbook", "run", "Failing")
    assert ended.returncode == 1
    assert (
        "task 1 (Task 1) of Failing: it went wrong" in ended.stdout and "--again, --skip or --as-done" in ended.stdout
    )


def test_run_waits_with_three_and_resume_answers(shell: Shell, tmp_path: Path) -> None:
    ended = shell.run("playbook", "run", "Approve")
    assert ended.returncode == 3 and "one of: yes, no" in ended.stdout
    run_id = ended.stderr.split()[1]
    (tmp_path / "a.yml").write_text("Block it?: yes\n")
    said = shell.good("playbook", "resume", run_id, "--answers", str(tmp_path / "a.yml"))
    assert "why  answered 'yes'" in said
    assert shell.run("playbook", "resume", run_id).returncode == 2


def test_run_answers_from_a_file_fill_a_form(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"Host form": {"Host": "pc-7"}}))
    found = shell.json("playbook", "run", "Form", "--answers", str(tmp_path / "a.json"))
    assert found["outputs"] == {"h": "pc-7"}


def test_run_inputs_from_a_file_give_way_to_those_typed(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "i.yml").write_text("name: file\n")
    words = ("playbook", "run", "Greeting", "--input-file", str(tmp_path / "i.yml"))
    assert shell.json(*words)["outputs"] == {"Said": "hello file"}
    assert shell.json(*words, "--input", "name=typed")["outputs"] == {"Said": "hello typed"}


def test_run_incident_is_the_one_given(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "i.json").write_text('{"name": "from a file", "severity": "high"}')
    for given in ('{"name": "typed"}', str(tmp_path / "i.json")):
        assert shell.json("playbook", "run", "Greeting", "--input", "name=x", "--incident", given)["status"] == "done"


def test_runs_lists_and_tells_again(shell: Shell) -> None:
    run_id = shell.json("playbook", "run", "Greeting", "--input", "name=you")["id"]
    newest = shell.json("playbook", "runs", "--last", "1")[0]
    assert (newest["id"], newest["playbook"], newest["status"]) == (run_id, "Greeting", "done")
    assert "hello you" in shell.good("playbook", "runs", run_id)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("run", "Greting"), "did you mean Greeting"),
        (("run", "Greeting", "--input", "nome=x"), "no input 'nome'; did you mean name"),
        (("run", "Greeting", "--input", "name"), "write KEY=VALUE"),
        (("run", "Greeting", "--input-file", "missing.yml"), "missing.yml: No such file"),
        (("run", "Greeting", "--incident", "{broken"), "--incident is not valid JSON"),
        (("run", "Greeting", "--incident", '{"id": "999"}'), "there is no incident '999'"),
        (("run", "Approve", "--answers", "missing.yml"), "missing.yml"),
        (("resume", "nope"), "there is no run 'nope'"),
        (("runs", "nope"), "there is no run 'nope'"),
    ],
)
def test_wrong_use_is_refused_in_one_line(shell: Shell, words: tuple[str, ...], reason: str) -> None:
    ended = shell.run("playbook", *words)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1), ended.stderr
    assert reason in ended.stderr


@pytest.mark.parametrize(
    ("words", "typed", "code", "told"),
    [
        (("run", "Approve"), "maybe\nyes\n", 0, "why  answered 'yes'"),
        (("run", "Approve"), "\n", 3, "to answer: warroom playbook resume"),
        (("run", "Form"), "\npc-7\n", 3, "waits"),
        (("run", "Form"), "pc-7\n", 0, "h = pc-7"),
    ],
)
def test_terminal_is_asked_until_the_answer_fits(
    shell: Shell, words: tuple[str, ...], typed: str, code: int, told: str
) -> None:
    person = App(shell.home, Terminal(reads=True, shows=False, shows_errors=False), shell.environ)
    ended = CliRunner().invoke(cli, ["playbook", *words], obj=person, input=typed)
    assert ended.exit_code == code, ended.output
    assert told in ended.output


def test_secrets_are_in_no_output(shell: Shell) -> None:
    ended = shell.run("playbook", "run", "Secrets", "--input", "word=hidden-word", "--json")
    again = shell.run("playbook", "runs", ended.stderr.split()[1], "--json")
    told = ended.stdout + ended.stderr + again.stdout + again.stderr
    assert ended.returncode == 0 and "hidden-word" not in told and SECRET not in told
