from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from warroom.cli.app import App, Terminal
from warroom.cli.main import cli, main
from warroom.cli.output import print_rows
from warroom.content.testing import write_pack
from warroom.engine import Host

SECRET = "a-very-secret-key"
MANUAL = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text(SECRET + "\n")
    return path


@pytest.fixture
def warroom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs one command line in an existing home; gives exit code, stdout, stderr."""
    # The real cost of a key, a quarter of a second, is no part of what is tested here.
    monkeypatch.setattr("keyrings.cryptfile.cryptfile.ArgonAESEncryption.time_cost", 1)
    write_pack(tmp_path / "Packs")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WARROOM_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("WARROOM_KEYRING_PASSPHRASE", raising=False)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")

    def run(*argv: object) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main([str(word) for word in argv])
        told = capfd.readouterr()
        return code, told.out, told.err

    assert run("init")[0] == 0
    return run


@pytest.fixture
def main_instance(warroom: Run, key: Path) -> Run:
    options = ("-p", "url=http://tiny", "-p", "apikey_creds.identifier=me", "-p", f"apikey_creds=@{key}")
    assert warroom("instance", "add", "Tiny", "--name", "main", *options, "--plaintext")[0] == 0
    return warroom


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


@pytest.mark.parametrize(
    ("path", "command"), list(commands(cli)), ids=lambda item: "-".join(item) if isinstance(item, tuple) else ""
)
def test_command_is_documented_and_has_help_with_an_example(path: tuple[str, ...], command: click.Command) -> None:
    manual = MANUAL.read_text(encoding="utf-8")
    assert f"`warroom {' '.join(path)}" in manual
    assert command.help and f"Example: warroom {' '.join(path)}" in command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{parameter.opts} has no help"


def test_manual_names_no_command_that_is_not_there() -> None:
    known = {" ".join(path) for path, _ in commands(cli)}
    headings = re.findall(r"^### (.*)$", MANUAL.read_text(encoding="utf-8"), re.MULTILINE)
    named = [
        re.sub(r" (?:[A-Z]|').*", "", text) for line in headings for text in re.findall(r"`warroom ([^`]*)`", line)
    ]
    assert named and set(named) <= known


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (["instance", "show", "mian"], "unknown instance 'mian'"),
        (["instance", "add", "Tinny"], "unknown integration 'Tinny'; did you mean Tiny?"),
        (["instance", "add", "Tiny", "-p", "urk=x"], "Tiny has no parameter urk; did you mean url?"),
        (["instance", "add", "Tiny", "-p", "url=a", "-p", "url=b"], "parameter url is given twice"),
        (["instance", "add", "Tiny", "-p", "apikey_creds=plain-secret"], "parameter apikey_creds is secret"),
        (["instance", "add", "Tiny", "-p", "token=plain-secret"], "parameter token is secret"),
        (["instance", "add", "Tiny", "-p", "token=env:NOT_SET"], "the environment variable NOT_SET is not set"),
        (["instance", "add", "Tiny", "-p", "token=@/nowhere"], "the secret file /nowhere cannot be read"),
        (["instance", "add", "Tiny", "-p", "token"], "nobody can be asked without a terminal"),
        (["instance", "add", "Tiny", "--plaintext", "--no-store-secrets"], "exclude each other"),
        (["configure", "Tiny"], "needs a terminal"),
        (["indicator", "search", "type:("], ""),
        (["indicator", "show", "192.0.2.1"], "there is no indicator '192.0.2.1'"),
        (["indicator", "set", "192.0.2.1", "verdict=bad"], "192.0.2.1"),
        (["indicator", "import", "nowhere.csv"], "nowhere.csv cannot be read: No such file"),
        (["indicator", "import", "-", "--verdict", "worst"], "--verdict must be unknown, good, suspicious or bad"),
        (["indicator", "import", "-", "--format", "xml"], "'xml' is not one of"),
        (["indicator", "export", "x.doc"], "the format of x.doc cannot be told"),
        (["indicator", "export", "nowhere/x.csv"], "nowhere/x.csv cannot be written"),
        (["run", "tiny-echo x"], "a war room command starts with !"),
        (["run", "!tiny-ecko x"], "unknown command !tiny-ecko; did you mean tiny-echo"),
        (["run", "!TinyScript"], "argument text is required"),
        (["fetch", "main"], "unknown instance 'main'"),
        (["context", "main"], "unknown instance 'main'"),
        (["entries", "--last", "0"], "0 is not in the range"),
        (["emulator", "cortex_xdrr"], "unknown emulator 'cortex_xdrr'; did you mean cortex_xdr?"),
        (["content", "add", "nowhere"], "there is no integration, script, playbook or job in"),
        (["content", "remove", "Packs"], "is not among the content paths"),
        (["init", "--server-url", "localhost"], "--server-url must begin with http"),
        (["nonsense"], "No such command 'nonsense'"),
    ],
)
def test_main_bad_use_is_one_line_and_changes_nothing(
    warroom: Run, tmp_path: Path, argv: list[str], reason: str
) -> None:
    code, out, err = warroom(*argv)
    assert code == 2
    assert out == "" and err.startswith("Error: ") and err.count("\n") == 1
    assert reason in err
    assert "plain-secret" not in err
    with Host.open(tmp_path / "home") as host:
        assert host.store.instances.list() == [] and host.store.entries.last() == []
        assert host.store.indicators.count() == 0 and not host.store.settings.get("content.paths")


def test_main_missing_home_names_init_and_makes_nothing(warroom: Run, tmp_path: Path) -> None:
    code, _, err = warroom("--home", tmp_path / "other", "entries")
    assert code == 2 and f"run `warroom --home {tmp_path / 'other'} init`" in err
    assert not (tmp_path / "other").exists()


def test_main_unexpected_error_is_one_line_that_names_the_log(
    warroom: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(App, "open", lambda self: 1 / 0)
    code, _, err = warroom("entries")
    [log] = (tmp_path / "home" / "logs").iterdir()
    assert code == 1 and err.count("\n") == 1
    assert f"ZeroDivisionError: division by zero (unexpected; details in {log})" in err
    assert "Traceback" in log.read_text()


def test_init_again_keeps_what_is_there(main_instance: Run) -> None:
    assert main_instance("init")[0] == 0
    assert "main\tTiny\tenabled" in main_instance("instance", "list")[1]


def test_instance_add_without_keyring_names_the_choices(warroom: Run, key: Path) -> None:
    options = ("-p", "url=x", "-p", "apikey_creds.identifier=me", "-p", f"apikey_creds=@{key}")
    code, _, err = warroom("instance", "add", "Tiny", *options)
    assert code == 2 and err.count("\n") == 1
    for choice in ("WARROOM_KEYRING_PASSPHRASE", "--no-store-secrets", "--plaintext"):
        assert choice in err
    assert warroom("instance", "list")[1] == ""


def test_instance_add_secret_from_variable_goes_to_the_encrypted_file(
    warroom: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARROOM_KEYRING_PASSPHRASE", "pass")
    monkeypatch.setenv("MY_KEY", SECRET)
    options = ("-p", "url=x", "-p", "apikey_creds.identifier=me", "-p", "apikey_creds=env:MY_KEY")
    assert warroom("instance", "add", "Tiny", *options)[0] == 0
    monkeypatch.delenv("MY_KEY")
    kept = [path.read_bytes() for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert not any(SECRET.encode() in data for data in kept)
    shown = warroom("instance", "show", "Tiny_instance_1")[1]
    assert "apikey_creds\tstored in the encrypted secrets file" in shown
    code, out, _ = warroom("run", "!tiny-do what=secret")
    assert (code, out) == (0, "the key is ******\n")


def test_instance_show_never_prints_secrets(main_instance: Run) -> None:
    for argv in (["instance", "show", "main"], ["instance", "show", "main", "--json"]):
        _, out, _ = main_instance(*argv)
        assert "in plain text" in out and SECRET not in out


def test_instance_set_changes_what_is_named_and_keeps_the_rest(main_instance: Run) -> None:
    before = json.loads(main_instance("instance", "show", "main", "--json")[1])
    assert main_instance("instance", "set", "main", "-p", "limit=5", "-p", "colours=", "-p", "feed=false") == (
        0,
        "changed colours, feed, limit of main\n",
        "",
    )
    after = json.loads(main_instance("instance", "show", "main", "--json")[1])
    changed = {"limit": "5", "colours": [], "feed": False}
    assert after == {**before, "params": {**before["params"], **changed}}


def test_instance_set_secret_replaces_the_one_before_it(main_instance: Run, tmp_path: Path) -> None:
    newer = tmp_path / "newer"
    newer.write_text("the-key-after-rotation\n")
    assert main_instance("instance", "set", "main", "-p", f"apikey_creds=@{newer}")[0] == 0
    with Host.open(tmp_path / "home") as host:
        instance = host.instances.get("main")
        settings = host.instances.run_settings(instance, host.instances.find_integration("Tiny"))
    assert settings.secrets == ("the-key-after-rotation",)
    assert settings.params["apikey_creds"]["identifier"] == "me"


@pytest.mark.parametrize(
    ("pairs", "told"),
    [
        (["url="], "parameter url (Server URL) is required"),
        (["limit=5", "urk=x"], "no parameter urk"),
        (["limit=5", "limit=6"], "given twice"),
        (["limit=many"], "must be a whole number"),
        (["limit=5", "token=plain"], "parameter token is secret"),
    ],
)
def test_instance_set_bad_value_changes_nothing(main_instance: Run, pairs: list[str], told: str) -> None:
    before = main_instance("instance", "show", "main", "--json")[1]
    code, _, err = main_instance("instance", "set", "main", *(word for pair in pairs for word in ("-p", pair)))
    assert code == 2 and told in err
    assert main_instance("instance", "show", "main", "--json")[1] == before


def test_instance_test_failure_gives_exit_code_1(main_instance: Run, key: Path) -> None:
    assert main_instance("instance", "test", "main") == (0, "ok\n", "")
    options = ("-p", "url=http://broken", "-p", "apikey_creds.identifier=me", "-p", f"apikey_creds=@{key}")
    main_instance("instance", "add", "Tiny", "--name", "bad", *options, "--plaintext")
    assert main_instance("instance", "test", "bad") == (1, "", "bad: no answer from the server\n")


def test_instance_disable_enable_remove_follow_each_other(main_instance: Run) -> None:
    assert main_instance("instance", "disable", "main")[0] == 0
    assert main_instance("fetch", "main")[0] == 2
    assert main_instance("instance", "enable", "main")[0] == 0
    assert json.loads(main_instance("instance", "list", "--json")[1])[0]["enabled"] is True
    assert main_instance("instance", "remove", "main")[0] == 0
    assert json.loads(main_instance("instance", "list", "--json")[1]) == []


def test_run_result_and_failure_are_told_by_stream_and_code(main_instance: Run) -> None:
    assert main_instance("run", "!tiny-echo hello") == (0, "echo hello\n", "")
    assert main_instance("run", "!tiny-do what=error") == (1, "", "it went wrong\n")
    code, out, err = main_instance("run", "!tiny-do what=error", "--json")
    [result] = json.loads(out)
    assert (code, err, result["status"], result["error"]) == (1, "", "error", "it went wrong")


def test_fetch_context_and_entries_tell_what_happened(main_instance: Run) -> None:
    code, out, _ = main_instance("fetch", "main", "--json")
    assert code == 0 and json.loads(out)["indicators_created"] == 3
    context = json.loads(main_instance("context", "main", "--json")[1])
    assert context["version"] == 1 and "progress" in context["context"]
    [entry] = json.loads(main_instance("entries", "--json")[1])
    assert (entry["command"], entry["status"]) == ("fetch-indicators", "ok")
    assert "!fetch-indicators\tok\t" in main_instance("entries", "--last", "1")[1]
    assert main_instance("indicator", "count", "sourceBrands:Tiny")[1] == "3\n"


def test_indicator_import_search_set_export_work_together(warroom: Run, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(
        "value,verdict,tags,comment,port\n192.0.2.1,bad,a;b,seen,80\nnonsense,,,,\nwww.example.com,good,,,\n"
    )
    code, out, err = warroom("indicator", "import", "in.csv")
    assert code == 1 and out.startswith("3 read: 2 created, 1 refused")
    assert err.startswith("line 3: nonsense: ") and err.count("\n") == 1
    assert warroom("indicator", "set", "www.example.com", "verdict=suspicious", "note=x")[0] == 0
    assert warroom("indicator", "search", "reputation:Bad")[1].startswith("192.0.2.1\tIP\tBad\tactive\t")
    [found] = json.loads(warroom("indicator", "search", "port:80", "--json")[1])
    assert found["CustomFields"] == {"tags": ["a", "b"], "port": "80"}
    assert warroom("indicator", "export", "out.csv", "--fields", "port")[0] == 0
    rows = (tmp_path / "out.csv").read_text().splitlines()
    assert rows[0] == "value,type,verdict,tags,expiration,comment,modified,sourceBrands,port"
    assert rows[1].startswith('192.0.2.1,IP,Bad,"a,b",,seen,') and rows[2].startswith(
        "www.example.com,Domain,Suspicious"
    )
    assert warroom("--home", tmp_path / "second", "init")[0] == 0
    assert warroom("--home", tmp_path / "second", "indicator", "import", "out.csv")[0] == 0
    assert warroom("--home", tmp_path / "second", "indicator", "count", "tags:a and port:80")[1] == "1\n"


@pytest.mark.parametrize("name", ["out.json", "out.jsonl", "out.txt"])
def test_indicator_export_can_be_imported_again(warroom: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / "in.txt").write_text("192.0.2.1\nwww.example.com\n")
    assert warroom("indicator", "import", "in.txt", "--verdict", "bad")[0] == 0
    assert warroom("indicator", "export", name)[1] == f"2 indicators written to {name}\n"
    assert warroom("--home", "second", "init")[0] == 0
    assert warroom("--home", "second", "indicator", "import", name, "--verdict", "bad")[0] == 0
    assert warroom("--home", "second", "indicator", "count", "reputation:Bad")[1] == "2\n"


def test_content_add_list_remove_follow_each_other(warroom: Run, tmp_path: Path) -> None:
    assert warroom("content", "add", "Packs")[0] == 0
    listed = json.loads(warroom("content", "list", "--json")[1])
    assert listed["paths"] == [str(tmp_path / "Packs")]
    assert [item["id"] for item in listed["items"]] == ["Tiny", "TinyScript"]
    assert warroom("content", "remove", "Packs")[0] == 0


def test_configure_asks_checks_hides_and_tests(warroom: Run, tmp_path: Path) -> None:
    app = App(tmp_path / "home", Terminal(True, False, False), {"WARROOM_KEYRING_PASSPHRASE": "pass"})
    answers = ["", "http://tiny", "me", "", SECRET, "maybe", "true", "x", "30", "10", "A - Completely reliable", ""]
    result = CliRunner().invoke(cli, ["configure", "Tiny"], obj=app, input="\n".join(answers) + "\n")
    assert result.exit_code == 0, result.output
    for told in ("parameter url is required", "API Key is required", "must be true or false, not 'maybe'",
                 "must be a number of minutes", "the test answered ok"):  # fmt: skip
        assert told in result.output
    assert SECRET not in result.output and "Token" not in result.output
    with Host.open(tmp_path / "home") as host:
        [instance] = host.store.instances.list()
        assert instance.params["feedReliability"] == "A - Completely reliable"
        assert (instance.params["feedFetchInterval"], instance.params["limit"]) == ("30", "10")


def test_instance_add_asks_for_a_required_secret_where_a_person_is(warroom: Run, tmp_path: Path) -> None:
    app = App(tmp_path / "home", Terminal(True, False, False), {})
    options = ["-p", "url=x", "-p", "apikey_creds.identifier=me", "--plaintext"]
    result = CliRunner().invoke(cli, ["instance", "add", "Tiny", *options], obj=app, input=SECRET + "\n")
    assert result.exit_code == 0 and "API Key (apikey_creds)" in result.output and SECRET not in result.output
    assert warroom("run", "!tiny-do what=secret") == (0, "the key is ******\n", "")


def test_instance_add_without_storing_reads_the_named_place_at_each_run(
    warroom: Run, tmp_path: Path, key: Path
) -> None:
    options = ("-p", "url=x", "-p", "apikey_creds.identifier=me", "-p", f"apikey_creds=@{key}", "--no-store-secrets")
    assert warroom("instance", "add", "Tiny", "--name", "main", *options)[0] == 0
    assert SECRET.encode() not in (tmp_path / "home" / "warroom.db").read_bytes()
    assert warroom("run", "!tiny-do what=secret")[1] == "the key is ******\n"
    key.unlink()
    code, _, err = warroom("run", "!tiny-do what=secret")
    assert code == 1 and f"the secret file {key} cannot be read" in err


def test_fetch_loop_ends_cleanly_at_a_signal(main_instance: Run, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", "import sys; from warroom.cli.main import main; sys.exit(main())", "fetch", "main",
         "--loop", "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "WARROOM_HOME": str(tmp_path / "home")}, cwd=tmp_path,
    )  # fmt: skip
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["status"] == "ok"
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "")
    assert time.monotonic() - started < 10


def test_emulator_runs_as_a_module_with_its_own_options(
    warroom: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "made_up_emulators" / "some_vendor"
    folder.mkdir(parents=True)
    for package in (folder, folder.parent):
        (package / "__init__.py").touch()
    (folder / "__main__.py").write_text("import sys\nprint(__name__, sys.argv[1:])\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("warroom.cli.emulator._PACKAGE", "made_up_emulators")
    monkeypatch.setattr(sys, "argv", sys.argv)
    code, out, _ = warroom("emulator", "some-vendor", "--port", "0", "--help")
    assert (code, out) == (0, "__main__ ['--port', '0', '--help']\n")
    assert warroom("emulator")[1].endswith("Emulators: some_vendor\n")


def test_main_no_color_and_no_table_without_a_terminal(main_instance: Run) -> None:
    for argv in (["instance", "list"], ["content", "list"], ["instance", "show", "main"]):
        assert "\x1b" not in main_instance(*argv)[1] and "\u2503" not in main_instance(*argv)[1]


def test_print_rows_on_a_terminal_is_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows(Terminal(True, True, True), ("Name", "Brand"), [("main", "Tiny")])
    out = capsys.readouterr().out
    assert "Name" in out and "main" in out and "\u2502" in out


def test_start_leaves_out_what_few_commands_need() -> None:
    late = ("stix2patterns", "tldextract", "requests", "urllib3")
    code = f"import sys, warroom.cli.main; print([name for name in {late} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=MANUAL.parents[1], check=True
    )
    assert done.stdout == "[]\n"
