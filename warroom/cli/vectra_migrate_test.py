"""`warroom vectra migrate` against the packs of this repository, so that every parameter it names is one they have."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from warroom.cli.app import App, Terminal
from warroom.cli.main import cli
from warroom.cli.vectra_migrate import local_zone
from warroom.cli.vectra_setup import INTERVAL_SETTING, LIST_SETTING
from warroom.engine import Host
from warroom.store import Instance

PACKS = Path(__file__).resolve().parents[2] / "Packs"
CLIENT_SECRET, KEY, MAIL_SECRET = "client-secret-word", "cortex-key-word", "mail-secret-word"
CONFIG = """
COGNITO_URL = ["https://brain-a.corp.test"]
SLEEP_MINUTES = 10
THIRD_PARTY_CLIENTS = ["pan_cortex", "external_call", "test_client", "meraki"]
BLOCK_DAYS = ["weekday"]
BLOCK_START_TIME = 8
BLOCK_END_TIME = 17
BLOCK_HOST_TAG = "quarantine"
BLOCK_HOST_THREAT_CERTAINTY = (80, "and", 70)
BLOCK_HOST_DETECTION_TYPES = ["Hidden DNS Tunnel"]
BLOCK_HOST_DETECTION_TYPES_MIN_TC_SCORE = (50, "and", 50)
STATIC_BLOCK_DESTINATION_IPS = "static.txt"
SEND_EMAIL = True
SMTP_SERVER = "mail.corp.test"
SMTP_PORT = 587
SRC_EMAIL = "var@corp.test"
DST_EMAIL = "soc@corp.test"
SMTP_AUTH = True
SMTP_USER = "var"
"""
VAR_SECRETS = {
    "https://brain-a.corp.test_Client_ID": "client-7",
    "https://brain-a.corp.test_Secret_Key": CLIENT_SECRET,
    "VAR_Email": MAIL_SECRET,
}


@pytest.fixture
def var(tmp_path: Path) -> Path:
    """An installation of VAR; gives its config.py."""
    cortex = tmp_path / "var" / "third_party_clients" / "pan_cortex"
    call = tmp_path / "var" / "third_party_clients" / "external_call"
    for folder in (cortex, call):
        folder.mkdir(parents=True)
    values = {"URL": "https://api-x.test", "KEY_ID": "7", "API_TOKEN": KEY, "API_TYPE": "advanced"}
    text = "".join(f'CORTEX_{name} = "{value}"\n' for name, value in values.items())
    (cortex / "cortex_config.py").write_text(text)
    (call / "external_call_config.py").write_text('HOST_BLOCK_CMD = ["/bin/true"]\nHOST_UNBLOCK_CMD = ["/bin/true"]\n')
    (tmp_path / "var" / "static.txt").write_text("203.0.113.9\n")
    config = tmp_path / "var" / "config.py"
    config.write_text(CONFIG)
    return config


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    monkeypatch.setattr("keyrings.cryptfile.cryptfile.ArgonAESEncryption.time_cost", 1)
    with Host.open(tmp_path / "home") as host:
        host.add_content(PACKS)
    return tmp_path / "home"


def moved(home: Path, *argv: object, environ: dict[str, str] | None = None, answers: list[str] | None = None) -> Result:
    """Runs migrate with these variables; with answers, a person sits at the terminal."""
    given = {
        "PATH": os.environ["PATH"],
        "WARROOM_KEYRING_PASSPHRASE": "phrase",
        "TZ": "Europe/Zurich",
        **(environ or {}),
    }
    app = App(home, Terminal(reads=answers is not None, shows=False, shows_errors=False), given)
    words = ["vectra", "migrate", *map(str, argv)]
    return CliRunner().invoke(cli, words, obj=app, input="\n".join([*(answers or []), ""]))


def instances(home: Path) -> dict[str, Instance]:
    with Host.open(home) as host:
        return {item.name: item for item in host.store.instances.list()}


def run_params(home: Path, name: str) -> dict[str, Any]:
    """The parameters as a run of the instance gets them, secrets included."""
    with Host.open(home, environ={"WARROOM_KEYRING_PASSPHRASE": "phrase"}) as host:
        instance = host.instances.get(name)
        return host.instances.run_settings(instance, host.instances.find_integration(instance.brand)).params


def test_migrate_var_becomes_instances_with_its_secrets(home: Path, var: Path) -> None:
    result = moved(home, var, environ=VAR_SECRETS)
    assert result.exit_code == 0, result.output
    found = instances(home)
    assert {name: item.brand for name, item in found.items()} == {
        "brain-a.corp.test": "VectraAutomatedResponse", "pan_cortex": "CortexXDRResponse",
        "external_call": "ExternalCallResponse", "test_client": "TestResponse", "notifier": "ResponseNotifier",
    }  # fmt: skip
    brain = run_params(home, "brain-a.corp.test")
    assert (brain["client_creds"]["identifier"], brain["client_creds"]["password"]) == ("client-7", CLIENT_SECRET)
    assert (brain["host_score"], brain["block_start"], brain["time_zone"]) == ("80 and 70", "08:00", "Europe/Zurich")
    assert run_params(home, "pan_cortex")["apikey_creds"]["password"] == KEY
    mail = run_params(home, "notifier")["credentials"]
    assert (mail["identifier"], mail["password"]) == ("var", MAIL_SECRET)


def test_migrate_says_line_by_line_what_became_of_each_setting(home: Path, var: Path) -> None:
    lines = moved(home, var, "--dry-run").stdout.splitlines()
    assert "config.py:8: BLOCK_HOST_TAG: taken: host_block_tag = quarantine" in lines
    by_hand = "its settings are not read; add it by `warroom instance add MerakiResponse --name meraki`"
    assert f"config.py:4: THIRD_PARTY_CLIENTS: to do: meraki: {by_hand}" in lines
    assert "cortex_config.py:4: CORTEX_API_TYPE: taken: api_key_type = advanced" in lines


def test_migrate_dry_run_changes_nothing_and_names_the_instances(home: Path, var: Path) -> None:
    result = moved(home, var, "--dry-run")
    assert result.exit_code == 0
    assert "instance brain-a.corp.test (VectraAutomatedResponse): would be added" in result.stdout
    assert instances(home) == {}
    with Host.open(home) as host:
        assert host.store.settings.get(INTERVAL_SETTING) is None


def test_migrate_twice_changes_nothing_the_second_time(home: Path, var: Path) -> None:
    moved(home, var, environ=VAR_SECRETS)
    before = instances(home)
    second = moved(home, var, environ=VAR_SECRETS)
    assert (second.exit_code, instances(home)) == (0, before)
    assert "instance notifier (ResponseNotifier): is there already; nothing to do" in second.stdout
    var.write_text(CONFIG.replace("(80,", "(90,"))
    third = moved(home, var, environ=VAR_SECRETS)
    assert "it stays as it is, and differs in host_score" in third.stdout
    assert instances(home) == before


def test_migrate_no_secret_is_printed(home: Path, var: Path) -> None:
    result = moved(home, var, environ=VAR_SECRETS)
    assert not [word for word in (CLIENT_SECRET, KEY, MAIL_SECRET) if word in result.output]
    kept = (home / "warroom.db").read_bytes()
    assert not [word for word in (CLIENT_SECRET, KEY, MAIL_SECRET) if word.encode() in kept]


def test_migrate_secrets_that_are_nowhere_are_asked_for(home: Path, var: Path) -> None:
    result = moved(home, var, answers=["client-8", CLIENT_SECRET, MAIL_SECRET])
    assert result.exit_code == 0, result.output
    assert run_params(home, "brain-a.corp.test")["client_creds"]["identifier"] == "client-8"


def test_migrate_identity_that_is_nowhere_leaves_the_brain_out_and_the_exit_code_says_so(home: Path, var: Path) -> None:
    result = moved(home, var)
    assert (result.exit_code, "not added: brain-a.corp.test" in result.stderr) == (1, True)
    assert "set the variable https://brain-a.corp.test_Client_ID" in result.stderr
    assert set(instances(home)) == {"pan_cortex", "external_call", "test_client", "notifier"}


def test_migrate_no_store_secrets_keeps_none(home: Path, var: Path) -> None:
    assert moved(home, var, "--no-store-secrets", environ=VAR_SECRETS).exit_code == 0
    references = [secret for item in instances(home).values() for secret in item.secrets.values()]
    assert {reference["backend"] for reference in references} == {"none"}


def test_migrate_keeps_interval_and_list_for_the_runner(home: Path, var: Path) -> None:
    moved(home, var)
    with Host.open(home) as host:
        assert host.store.settings.get(INTERVAL_SETTING) == 10
        assert host.store.settings.get(LIST_SETTING) == str(var.parent / "static.txt")
    (var.parent / "static.txt").unlink()
    assert "static.txt: is not there; it is not taken over" in moved(home, var).stdout


def test_migrate_clients_without_settings_are_told(home: Path, var: Path, tmp_path: Path) -> None:
    result = moved(home, var, "--third-party-dir", tmp_path / "elsewhere")
    assert "pan_cortex: to do: its settings were not found; name the folder with --third-party-dir" in result.stdout
    assert "instance pan_cortex (CortexXDRResponse): parameter url" in result.stderr


@pytest.mark.parametrize(("content", "reason"), [(b"\xff", "it is not UTF-8 text"), (b"x = [", "is no Python file")])
def test_migrate_broken_file_is_one_error(home: Path, tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "broken.py").write_bytes(content)
    result = moved(home, tmp_path / "broken.py")
    assert reason in str(result.exception)
    assert "cannot be read: No such file" in str(moved(home, tmp_path / "gone.py").exception)


def test_migrate_runs_nothing_of_the_file(home: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap.py"
    trap.write_text(f"__import__('pathlib').Path({str(tmp_path / 'ran')!r}).touch()\nA = print('ran')\n")
    moved(home, trap)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("variable", "target", "expected"),
    [
        ("Europe/Zurich", "zoneinfo/Asia/Tokyo", "Europe/Zurich"),
        (":Asia/Tokyo", "elsewhere", "Asia/Tokyo"),
        ("CET-1CEST", "zoneinfo/Europe/Berlin", ""),
        ("", "zoneinfo/Europe/Berlin", "Europe/Berlin"),
        ("", "elsewhere", ""),
    ],
)
def test_local_zone_is_named_as_the_system_does(tmp_path: Path, variable: str, target: str, expected: str) -> None:
    link = tmp_path / "localtime"
    link.symlink_to(tmp_path / target)
    assert local_zone({"TZ": variable}, link) == expected
