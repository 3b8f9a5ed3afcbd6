"""Argument vectors, values and real program runs. Tests named `defect` hold what a well-known script got wrong."""

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import demistomock as demisto
import ExternalCallResponse
import pytest
from ExternalCallResponse import *
from hypothesis import given
from hypothesis import strategies as st

RECORDER = """#!/bin/sh
for argument in "$@"; do printf '[%s]' "$argument"; done >> "{folder}/calls"
printf '\\n' >> "{folder}/calls"
"""


def program(folder: Path, body: str, name: str = "program") -> str:
    path = folder / name
    path.write_text(body.replace("{folder}", str(folder)))
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def recorder(tmp_path: Path) -> str:
    return program(tmp_path, RECORDER)


def calls(folder: Path) -> list[str]:
    path = folder / "calls"
    return path.read_text().splitlines() if path.is_file() else []


def params_for(path: str, *arguments: str, kinds: tuple[str, ...] = ("host",), **more: Any) -> dict[str, Any]:
    commands = {
        f"{kind}_{action}_cmd": json.dumps([path, action, *arguments]) for kind in kinds for action in ACTIONS[:2]
    }
    return {**commands, **more}


def driver_run(params: dict[str, Any]) -> DriverRun:
    port = ContextPort(demisto.getIntegrationContextVersioned, demisto.setIntegrationContextVersioned)
    ledger = VersionedState(port, DRIVER_STATE_VERSION, new_ledger, lambda attempt: None)
    return DriverRun(ExternalCallDriver(settings_from_params(params)), ledger, lambda: 1e9, BRAND, "mine")


def do(run: DriverRun, command: str, **args: Any) -> list[dict[str, Any]]:
    return driver_command(command, args, run).outputs


def told(rows: list[dict[str, Any]]) -> list[tuple[str, str, bool]]:
    return [(row["element"], row["status"], row["contained"]) for row in rows]


# ---- what other scripts got wrong


def test_defect_37_arguments_of_one_call_do_not_pile_up_in_the_next(tmp_path: Path, recorder: str) -> None:
    run = driver_run(params_for(recorder, "{ip}"))
    for ip in ("10.0.0.1", "10.0.0.2"):
        do(run, "vectra-block-host", ip=ip)
    assert calls(tmp_path) == ["[block][10.0.0.1]", "[block][10.0.0.2]"]


def test_defect_37_detection_has_one_call_for_each_destination(tmp_path: Path, recorder: str) -> None:
    run = driver_run(params_for(recorder, "{ip}", kinds=("detection",)))
    rows = do(run, "vectra-block-detection", dst_ips="198.51.100.7,198.51.100.8", detection_id="9")
    assert told(rows) == [("198.51.100.7", "applied", True), ("198.51.100.8", "applied", True)]
    assert calls(tmp_path) == ["[block][198.51.100.7]", "[block][198.51.100.8]"]


def test_defect_37_unblock_uses_the_blocked_address_and_not_todays(tmp_path: Path, recorder: str) -> None:
    run = driver_run(params_for(recorder, "{ip}", "{name}"))
    do(run, "vectra-block-host", ip="10.0.0.1", host_id="41", host_name="pc")
    do(run, "vectra-unblock-host", ip="10.0.0.99", host_id="41")
    assert calls(tmp_path) == ["[block][10.0.0.1][pc]", "[unblock][10.0.0.1][pc]"]


def test_defect_recorded_element_is_the_value_handed_over(recorder: str) -> None:
    run = driver_run(params_for(recorder, "{account}", kinds=("account",)))
    assert told(do(run, "vectra-block-account", account="AD:jane@example.com")) == [("jane", "applied", True)]


def test_defect_37_program_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    path = program(tmp_path, '#!/bin/sh\nsleep 30 & echo $! > "{folder}/child"\necho started\nsleep 30\n')
    run = driver_run(params_for(path, "{ip}", command_timeout="0.15"))
    started = time.monotonic()
    [row] = do(run, "vectra-block-host", ip="10.0.0.1")
    assert time.monotonic() - started < 5
    assert (row["status"], row["contained"]) == ("pending", True)
    assert row["reason"] == f"{path} was ended after 0.15 seconds. It wrote: started"
    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 5
    while is_running(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_running(child)


def is_running(pid: int) -> bool:
    """Whether the process still works; one that nobody has waited for yet does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.is_file() and stat.read_text().rpartition(")")[2].split()[0] == "Z")


def test_defect_program_does_not_inherit_our_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER_SECRET", "must-not-arrive")
    path = program(tmp_path, "#!/bin/sh\nenv | sort\n")
    secret = {"identifier": "FIREWALL_TOKEN", "password": "s3cr3t-value"}
    run = driver_run(params_for(path, "{ip}", secret_env=secret))
    [row] = do(run, "vectra-block-host", ip="10.0.0.1")
    names = {line.partition("=")[0] for line in row["reason"].removeprefix("exit code 0: ").splitlines()}
    assert names - {"PWD", "OLDPWD", "SHLVL", "_"} == {"FIREWALL_TOKEN", "LANG", "PATH"}
    assert "FIREWALL_TOKEN=****" in row["reason"] and "s3cr3t" not in row["reason"]


def test_defect_output_is_kept_and_cut_and_has_no_control_characters(tmp_path: Path) -> None:
    path = program(tmp_path, "#!/bin/sh\nprintf 'abc\\033[31m\\377defghij'\n")
    run = driver_run(params_for(path, "{ip}", max_output="9"))
    [row] = do(run, "vectra-block-host", ip="10.0.0.1")
    assert row["reason"] == "exit code 0: abc [31m\ufffd"


def test_defect_missing_program_is_a_failed_outcome() -> None:
    run = driver_run(params_for("/nowhere/block", "{ip}"))
    [row] = do(run, "vectra-block-host", ip="10.0.0.1")
    assert (row["status"], row["contained"]) == ("failed", False)
    assert row["reason"] == "/nowhere/block cannot be started: No such file or directory."


def test_defect_empty_context_is_an_empty_argument(tmp_path: Path, recorder: str) -> None:
    run = driver_run(params_for(recorder, "{account}", "{context}", kinds=("account",)))
    do(run, "vectra-block-account", account="jane")
    assert calls(tmp_path) == ["[block][jane][]"]


def test_defect_groom_follows_the_address(tmp_path: Path, recorder: str) -> None:
    run = driver_run(params_for(recorder, "{ip}"))
    do(run, "vectra-block-host", ip="10.0.0.1", host_id="41")
    do(run, "vectra-groom-host", ip="10.0.0.2", host_id="41")
    assert calls(tmp_path)[1:] == ["[block][10.0.0.2]", "[unblock][10.0.0.1]"]


@pytest.mark.parametrize(
    ("kind", "args", "reason"),
    [
        ("account", {"account": "--force"}, "begins with '-'"),
        ("account", {"account": "x", "sam": "a;rm"}, "characters other than"),
        ("account", {"account": "x", "sam": "a\nb"}, "contains control characters"),
        ("account", {"account": "x", "sam": "a" * 257}, "longer than 256 characters"),
        ("account", {"account": "x", "context": "-v"}, "begins with '-'"),
        ("host", {"ip": "10.0.0.1", "host_name": "-o pc"}, "begins with '-'"),
        ("host", {"ip": "10.0.0.1", "host_name": "pc\x1b[0m"}, "contains control characters"),
        ("host", {"ip": "10.0.0.1"}, "There is no name"),
        ("destinations", {"destinations": "-x.example"}, "begins with '-'"),
        ("destinations", {"destinations": "bad example"}, "neither an address"),
    ],
)
def test_defect_values_from_outside_cannot_become_options(
    tmp_path: Path, recorder: str, kind: str, args: dict[str, str], reason: str
) -> None:
    wanted = {"host": ("{ip}", "{name}"), "account": ("{account}", "{context}"), "destinations": ("{destination}",)}
    run = driver_run(params_for(recorder, *wanted[kind], kinds=(kind,)))
    [row] = do(run, f"vectra-block-{kind}", **args)
    assert (row["status"], row["contained"]) == ("unsupported", False)
    assert reason in row["reason"]
    assert calls(tmp_path) == []


# ---- argument vectors


def test_argument_vector_replaces_inside_one_argument_and_only_once() -> None:
    vector = argument_vector(("/p", "--name={name}", "{ip}"), {"name": "{ip} $(id)", "ip": "10.0.0.1"})
    assert vector == ["/p", "--name={ip} $(id)", "10.0.0.1"]


@given(st.text(max_size=300))
def test_argument_vector_any_name_is_one_argument_or_refused(name: str) -> None:
    try:
        vector = argument_vector(("/p", "{name}"), {"name": name})
    except BadValueError:
        return
    assert vector == ["/p", name]
    assert name and not name.startswith("-") and name.isprintable() and len(name) <= 256


@pytest.mark.parametrize(
    ("written", "usual"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:DB8::0:1", "2001:db8::1"),
        ("192.0.2.9/24", "192.0.2.0/24"),
        ("192.0.2.1 - 192.0.2.9", "192.0.2.1-192.0.2.9"),
        ("Evil.Example.", "evil.example"),
        ("*.evil.example", "*.evil.example"),
        ("a b", None),
        ("", None),
    ],
)
def test_usual_destination(written: str, usual: str | None) -> None:
    assert usual_destination(written) == usual


@pytest.mark.parametrize(
    ("account", "login"),
    [
        (Account("1", "O365:jane@example.com"), "jane"),
        (Account("1", "x", sam=" jane "), "jane"),
        (Account("1", "", display_name="AD:jane"), "jane"),
        (Account("1", "jane"), "jane"),
    ],
)
def test_account_login(account: Account, login: str) -> None:
    assert account_login(account) == login


# ---- settings


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"host_block_cmd": "/opt/x {ip}"}, r"host_block_cmd: give a JSON list of texts, such as \[\"/opt/block.sh\""),
        ({"host_block_cmd": "[]"}, "host_block_cmd: give a JSON list"),
        ({"host_block_cmd": '["block", "{ip}"]'}, "host_block_cmd: the program 'block' must be a whole path"),
        ({"host_block_cmd": '["/opt/{ip}"]'}, "must be a whole path and without placeholders"),
        ({"host_block_cmd": '["/x", "{account}"]'}, r"host_block_cmd: {account} is unknown here, use {ip}, {name}"),
        ({"host_block_cmd": '["/x"]'}, "host_block_cmd: it names nothing to act on"),
        ({"host_block_cmd": '["/x", "{ip}"]'}, "host_unblock_cmd is needed, because host_block_cmd is set"),
        ({"account_state_cmd": '["/x", "{account}"]'}, "account_block_cmd is needed"),
        ({"command_timeout": "soon"}, "'command_timeout' .*: 'soon' is not a number"),
        ({"max_output": "-1"}, "'max_output' .*: '-1' is not between 0 and 1000000"),
        ({"secret_env": {"identifier": "LD_PRELOAD", "password": "x"}}, "secret_env: 'LD_PRELOAD' cannot be the name"),
        ({"secret_env": {"identifier": "", "password": "x"}}, "secret_env: '' cannot be the name"),
        ({"secret_env": {"identifier": "A", "password": "x\0"}}, "secret_env: the value contains a zero byte"),
    ],
)
def test_settings_wrong_value_is_named(params: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        settings_from_params(params)


def test_settings_secret_is_not_in_the_message() -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is looked at below
        settings_from_params({"secret_env": {"identifier": "1", "password": "s3cr3t"}})
    assert "s3cr3t" not in str(caught.value)


# ---- behaviour


def test_block_hook_that_is_not_configured_is_unsupported(recorder: str) -> None:
    run = driver_run(params_for(recorder, "{ip}"))
    [row] = do(run, "vectra-block-account", account="jane")
    assert (row["status"], row["contained"]) == ("unsupported", False)
    assert row["reason"] == "No command is configured for account: account_block_cmd is empty."


def test_block_exit_code_is_told(tmp_path: Path) -> None:
    path = program(tmp_path, "#!/bin/sh\necho no such host\nexit 3\n")
    [row] = do(driver_run(params_for(path, "{ip}")), "vectra-block-host", ip="10.0.0.1")
    assert (row["status"], row["contained"]) == ("failed", False)
    assert row["reason"] == f"{path} ended with exit code 3: no such host"


def test_block_host_without_address_runs_nothing(tmp_path: Path, recorder: str) -> None:
    [row] = do(driver_run(params_for(recorder, "{ip}")), "vectra-block-host", host_name="pc")
    assert (row["status"], row["reason"]) == (
        "failed",
        "Vectra knows no IP address for this host, so no command is run.",
    )
    assert calls(tmp_path) == []


def test_block_domain_where_the_command_takes_addresses_is_unsupported(tmp_path: Path, recorder: str) -> None:
    run = driver_run(params_for(recorder, "{ip}", kinds=("detection",)))
    rows = do(run, "vectra-block-detection", dst_ips="198.51.100.7", dst_domains="bad.example")
    assert told(rows) == [("198.51.100.7", "applied", True), ("bad.example", "unsupported", False)]
    assert calls(tmp_path) == ["[block][198.51.100.7]"]


def test_unblock_destinations_in_any_spelling(tmp_path: Path, recorder: str) -> None:
    run = driver_run(params_for(recorder, "{destination}", kinds=("destinations",)))
    do(run, "vectra-block-destinations", destinations="192.0.2.9/24,Evil.Example")
    do(run, "vectra-unblock-destinations", destinations="192.0.2.9/24,Evil.Example")
    assert calls(tmp_path)[2:] == ["[unblock][192.0.2.0/24]", "[unblock][evil.example]"]


@pytest.mark.parametrize(("code", "status"), [(0, "already"), (1, "applied"), (2, "applied")])
def test_state_command_tells_what_others_blocked(tmp_path: Path, recorder: str, code: int, status: str) -> None:
    state = program(tmp_path, f"#!/bin/sh\nexit {code}\n", "state")
    run = driver_run(params_for(recorder, "{ip}", host_state_cmd=json.dumps([state, "{ip}"])))
    assert [row["status"] for row in do(run, "vectra-block-host", ip="10.0.0.1")] == [status]


@pytest.mark.parametrize(("code", "state"), [(0, "blocked"), (1, "free"), (7, "unknown")])
def test_state_command_exit_code_is_the_state(tmp_path: Path, recorder: str, code: int, state: str) -> None:
    path = program(tmp_path, f"#!/bin/sh\nexit {code}\n", "state")
    driver = driver_run(params_for(recorder, "{ip}", host_state_cmd=json.dumps([path, "{ip}"]))).driver
    assert driver.state("10.0.0.1", new_record("host", {}, 0)).state == state


@pytest.mark.parametrize(
    ("phase", "state"), [("new", "free"), ("blocking", "free"), ("blocked", "blocked"), ("releasing", "blocked")]
)
def test_state_without_command_trusts_what_was_done(recorder: str, phase: str, state: str) -> None:
    driver = driver_run(params_for(recorder, "{ip}")).driver
    assert driver.state("10.0.0.1", {**new_record("host", {}, 0), "phase": phase}).state == state


def test_reconcile_after_a_run_that_was_cut_off_calls_again(tmp_path: Path, recorder: str) -> None:
    run = driver_run(params_for(recorder, "{ip}"))
    intent = [Target("10.0.0.1", {"vectra_id": "41"})]
    run.ledger.update(lambda ledger: with_block_intent(ledger, "host", intent, "one/host:41", 0))
    assert told(do(run, "vectra-response-reconcile")) == [("10.0.0.1", "applied", True)]
    assert calls(tmp_path) == ["[block][10.0.0.1]"]


def test_output_secret_at_the_cut_is_not_shown_in_part(tmp_path: Path) -> None:
    path = program(tmp_path, '#!/bin/sh\nprintf "12345678%s" "$TOKEN"\n')
    run = driver_run(
        params_for(path, "{ip}", max_output="10", secret_env={"identifier": "TOKEN", "password": "s3cr3t"})
    )
    [row] = do(run, "vectra-block-host", ip="10.0.0.1")
    assert row["reason"] == "exit code 0: 12345678**"


def test_program_left_in_the_background_does_not_hold_us_up(tmp_path: Path) -> None:
    path = program(tmp_path, "#!/bin/sh\nsleep 2 &\necho done\n")
    started = time.monotonic()
    [row] = do(driver_run(params_for(path, "{ip}")), "vectra-block-host", ip="10.0.0.1")
    assert row["reason"] == "exit code 0: done"
    assert time.monotonic() - started < 1.5


# ---- as the server calls it


def run_main(monkeypatch: pytest.MonkeyPatch, command: str, params: dict[str, Any], **args: Any) -> Any:
    monkeypatch.setattr(demisto, "command", lambda: command)
    monkeypatch.setattr(demisto, "params", lambda: params)
    monkeypatch.setattr(demisto, "args", lambda: args)
    with suppress(SystemExit):  # return_error ends the run after its entry
        ExternalCallResponse.main()
    return demisto.last_results()[-1]


def test_main_test_module_looks_at_the_programs(monkeypatch: pytest.MonkeyPatch, recorder: str, tmp_path: Path) -> None:
    assert run_main(monkeypatch, "test-module", params_for(recorder, "{ip}")) == "ok"
    assert calls(tmp_path) == []
    assert run_main(monkeypatch, "test-module", {}) == "No command is configured, so nothing would ever be done."
    missing = run_main(monkeypatch, "test-module", params_for("/nowhere/block", "{ip}"))
    assert missing.startswith("/nowhere/block is not there or may not be run")


def test_main_wrong_argument_is_an_error_entry(monkeypatch: pytest.MonkeyPatch, recorder: str) -> None:
    entry = run_main(monkeypatch, "vectra-block-host", params_for(recorder, "{ip}"), ip="10.0.0.300")
    assert entry["Contents"] == "vectra-block-host: Argument 'ip': '10.0.0.300' is not an IP address."


def test_main_block_gives_the_outcome(monkeypatch: pytest.MonkeyPatch, recorder: str) -> None:
    entry = run_main(monkeypatch, "vectra-block-host", params_for(recorder, "{ip}"), ip="10.0.0.1")
    [rows] = entry["EntryContext"].values()
    assert told(rows) == [("10.0.0.1", "applied", True)]
