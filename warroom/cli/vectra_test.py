"""`warroom vectra` on a small pack whose cycle does what its list of destinations says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from warroom.cli.app import App, Terminal
from warroom.cli.main import cli, main
from warroom.cli.vectra import Timer
from warroom.cli.vectra_setup import INTERVAL_SETTING, LIST_SETTING
from warroom.engine import Host
from warroom.engine.vectra import single_run

SECRET = "a-very-secret-token"
Run = Callable[..., tuple[int, str, str]]

SCRIPT = """
import demistomock as demisto
from CommonServerPython import *


def main():
    args = demisto.args()
    wish = args.get("destinations", "").strip()
    if wish == "crash":
        raise RuntimeError("the script broke")
    seen = demisto.executeCommand("fake-plan", {}) if wish == "secret" else []
    status = wish if wish in ("error", "busy") else "ok"
    output = {"status": status, "args": args, "seen": [entry["Contents"] for entry in seen]}
    return_results(CommandResults("VectraResponse.Cycle", "at", output, readable_output="the timeline"))


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
"""
BRAIN = """
import demistomock as demisto
from CommonServerPython import *

if demisto.command() == "test-module":
    return_results("ok" if demisto.params().get("url") != "http://broken" else "no answer")
else:
    return_results({"token": len((demisto.params().get("token_creds") or {}).get("password") or "")})
"""


def integration(name: str, command: str, *parameters: dict[str, Any]) -> dict[str, Any]:
    script = {"type": "python", "script": "-", "dockerimage": "demisto/python3:3.12", "commands": [{"name": command}]}
    head = {"commonfields": {"id": name, "version": -1}, "name": name, "display": f"{name} display"}
    return {**head, "category": "Utilities", "configuration": list(parameters), "script": script}


def write_response_pack(packs: Path) -> None:
    """A brain with a token, a driver, a notifier, and the script."""
    pack = packs / "Response"
    url = {"name": "url", "display": "Server URL", "type": 0, "required": True}
    token = {"name": "token_creds", "displaypassword": "API token", "type": 9, "hiddenusername": True}
    rule = {"name": "host_score", "display": "Hosts: block from this score", "type": 0, "defaultvalue": "80 and 70"}
    items = [
        integration("VectraAutomatedResponse", "fake-plan", url, token, rule),
        integration("FakeResponse", "vectra-block-host"),
        integration("ResponseNotifier", "response-notify-send"),
    ]
    for item in items:
        folder = pack / "Integrations" / item["name"]
        folder.mkdir(parents=True)
        (folder / f"{item['name']}.yml").write_text(yaml.safe_dump(item))
        (folder / f"{item['name']}.py").write_text(BRAIN)
    folder = pack / "Scripts" / "VectraResponseCycle"
    folder.mkdir(parents=True)
    arguments = [
        {"name": name} for name in ("owner", "dry_run", "groom", "list_name", "destinations", "destinations_error")
    ]
    script = {"commonfields": {"id": "VectraResponseCycle", "version": -1}, "name": "VectraResponseCycle"}
    more = {"type": "python", "script": "-", "args": arguments}
    (folder / "VectraResponseCycle.yml").write_text(yaml.safe_dump({**script, **more}))
    (folder / "VectraResponseCycle.py").write_text(SCRIPT)
    (pack / "pack_metadata.json").write_text('{"name": "Response"}')


@pytest.fixture
def warroom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs one command line in an existing home; gives exit code, stdout, stderr."""
    write_response_pack(tmp_path / "Packs")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WARROOM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    monkeypatch.delenv("WARROOM_KEYRING_PASSPHRASE", raising=False)

    def run(*argv: object) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main([str(word) for word in argv])
        told = capfd.readouterr()
        return code, told.out, told.err

    assert run("init")[0] == 0
    return run


def typed(home: Path, argv: list[str], answers: list[str], environ: dict[str, str] | None = None) -> Result:
    """Runs a command line with a person at the terminal who gives these answers."""
    app = App(home, Terminal(reads=True, shows=False, shows_errors=False), environ or {"PATH": os.environ["PATH"]})
    return CliRunner().invoke(cli, argv, obj=app, input="\n".join([*answers, ""]))


def a_list(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "block.txt"
    path.write_text(text)
    return path


# ---- run


@pytest.mark.parametrize(("wish", "code"), [("", 0), ("error", 1), ("busy", 3), ("crash", 1)])
def test_run_exit_code_tells_the_result(warroom: Run, tmp_path: Path, wish: str, code: int) -> None:
    got, out, err = warroom("vectra", "run", "--list", a_list(tmp_path, wish))
    assert got == code
    assert ("the timeline" in out) == (wish != "crash")
    assert ("the script broke" in err) == (wish == "crash")


def test_run_json_is_one_document_with_what_the_script_was_told(warroom: Run, tmp_path: Path) -> None:
    code, out, _ = warroom(
        "vectra", "run", "--dry-run", "--groom", "--json", "--list", a_list(tmp_path, "203.0.113.9\n")
    )
    found = json.loads(out)
    assert (code, found["status"], found["error"]) == (0, "ok", None)
    args = found["args"]
    assert (args["dry_run"], args["groom"], args["list_name"]) == ("true", "true", "block")
    assert args["destinations"] == "203.0.113.9\n"
    assert args["owner"] == json.loads(warroom("vectra", "run", "--json")[1])["args"]["owner"]


def test_run_list_that_is_gone_is_told_and_is_not_an_empty_list(warroom: Run, tmp_path: Path) -> None:
    args = json.loads(warroom("vectra", "run", "--json", "--list", tmp_path / "gone.txt")[1])["args"]
    assert "destinations" not in args
    assert args["destinations_error"].endswith("gone.txt: No such file or directory")


def test_run_takes_the_stored_list_unless_another_is_named(warroom: Run, tmp_path: Path) -> None:
    with Host.open(tmp_path / "home") as host:
        host.store.settings.set(LIST_SETTING, str(a_list(tmp_path, "203.0.113.9")))
    assert json.loads(warroom("vectra", "run", "--json")[1])["args"]["destinations"] == "203.0.113.9"


def test_run_second_run_in_the_same_home_does_nothing(warroom: Run, tmp_path: Path) -> None:
    with single_run(tmp_path / "home"):
        code, out, err = warroom("vectra", "run")
    assert (code, out) == (3, "")
    assert "another run of the Vectra response is going on" in err
    with Host.open(tmp_path / "home") as host:
        assert host.store.entries.last() == []


def test_run_without_the_content_says_how_to_add_it(
    warroom: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    code, _, err = warroom("vectra", "run")
    assert (code, "run `warroom content add" in err) == (2, True)


def test_timer_period_is_from_start_to_start_and_late_points_are_left_out() -> None:
    clock, starts = [1000.0], []
    lasts = iter([10, 130, 5, 1])

    def step() -> None:
        starts.append(clock[0])
        clock[0] += next(lasts)

    def wait(seconds: float) -> bool:
        clock[0] += seconds
        return len(starts) == 4

    Timer(lambda: clock[0], wait).repeat(60, step)
    assert starts == [1000, 1060, 1240, 1300]


def test_run_loop_sigterm_finishes_the_cycle_and_ends_well(warroom: Run, tmp_path: Path) -> None:
    argv = [sys.executable, "-c", "import sys; from warroom.cli.main import main; sys.exit(main())"]
    argv += ["vectra", "run", "--loop", "--json", "--interval", "0.001"]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    with subprocess.Popen(argv, stdout=subprocess.PIPE, env=environ, cwd=tmp_path, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(2)]
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
    assert process.returncode == 0
    told = [json.loads(line) for line in [*lines, *rest.splitlines()]]
    assert {cycle["status"] for cycle in told} == {"ok"}
    with Host.open(tmp_path / "home") as host:
        assert [entry.status for entry in host.store.entries.last()] == ["ok"] * len(told)


# ---- secrets


def with_brain(home: Path) -> None:
    with Host.open(home, environ={}) as host:
        host.add_instance("VectraAutomatedResponse", "a", {"url": "http://a"}, {"token_creds": SECRET}, "plaintext")
        host.add_instance("FakeResponse", "driver", {}, {}, "plaintext")


def test_run_no_store_secrets_without_a_terminal_names_the_variable(warroom: Run, tmp_path: Path) -> None:
    with_brain(tmp_path / "home")
    code, _, err = warroom("vectra", "run", "--no-store-secrets")
    assert (code, "set WARROOM_SECRET__A__TOKEN_CREDS" in err) == (2, True)


@pytest.mark.parametrize("from_variable", [True, False])
def test_run_no_store_secrets_takes_the_variable_else_asks_once(
    warroom: Run, tmp_path: Path, from_variable: bool
) -> None:
    with_brain(tmp_path / "home")
    environ = {"PATH": os.environ["PATH"]} | ({"WARROOM_SECRET__A__TOKEN_CREDS": "four"} if from_variable else {})
    argv = ["vectra", "run", "--no-store-secrets", "--json", "--list", str(a_list(tmp_path, "secret"))]
    result = typed(tmp_path / "home", argv, [] if from_variable else ["four"], environ)
    assert result.exit_code == 0
    assert json.loads(result.stdout.splitlines()[-1])["seen"] == [{"token": 4}]
    assert ("API token of a" in result.stderr) != from_variable


# ---- configure


def test_configure_needs_a_terminal(warroom: Run) -> None:
    code, _, err = warroom("vectra", "configure")
    assert (code, "needs a terminal" in err) == (2, True)


def test_configure_asks_for_brains_drivers_notifier_and_runner(warroom: Run, tmp_path: Path) -> None:
    answers = [
        "brain-a", "http://a", SECRET, "90 and 80",  # brain
        "n",  # another brain
        "y", "1", "my driver",  # driver
        "n",
        "y", "notifier",
        "10", "block.txt",
    ]  # fmt: skip
    result = typed(tmp_path / "home", ["vectra", "configure", "--no-store-secrets"], answers)
    assert result.exit_code == 0, result.output
    with Host.open(tmp_path / "home") as host:
        found = {item.name: (item.brand, item.params) for item in host.store.instances.list()}
        params = {"url": "http://a", "token_creds": {"identifier": ""}, "host_score": "90 and 80"}
        assert found["brain-a"] == ("VectraAutomatedResponse", params)
        assert (found["my driver"][0], found["notifier"][0]) == ("FakeResponse", "ResponseNotifier")
        assert host.store.settings.get(INTERVAL_SETTING) == 10
        assert host.store.settings.get(LIST_SETTING) == str(tmp_path / "block.txt")
    assert SECRET not in result.output


def test_configure_goes_on_from_what_is_there_and_tells_a_failed_test(warroom: Run, tmp_path: Path) -> None:
    with_brain(tmp_path / "home")
    answers = ["y", "a", "http://b", SECRET, "", "b", "http://broken", SECRET, "", "n", "n", "n", "", ""]
    result = typed(tmp_path / "home", ["vectra", "configure", "--no-store-secrets"], answers)
    assert "there is already a (VectraAutomatedResponse display)" in result.stdout
    assert "there is already an instance called 'a'; once more" in result.stderr
    assert "added b; the test answered no answer" in result.stdout
    assert (result.exit_code, "the test failed for b; the instances are kept" in result.stderr) == (1, True)
    with Host.open(tmp_path / "home") as host:
        assert host.store.settings.get(LIST_SETTING) is None
