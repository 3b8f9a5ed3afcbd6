"""A secret stays where it was put: not in the home, a log, an entry, a command line, an environment or an output."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from emulators.kit import Fault
from Tests.terminal import Shell
from Tests.world import deliver, open_home, samples, tenant

SECRET = "Recognisable-Key/8f3a+with\"quote'and=signs"
PARTS = (SECRET, "Recognisable-Key", "8f3a+with")
PASSPHRASE = "another-recognisable-phrase"
QUIET = {"PATH": "/usr/bin:/bin", "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
WAYS: dict[str, tuple[Mapping[str, str], list[str]]] = {
    "environment": ({"WARROOM_SECRET__MAIN__APIKEY_CREDS": SECRET}, ["--no-store-secrets"]),
    "named file": ({}, ["--no-store-secrets", "-p", "apikey_creds=@{key}"]),
    "named variable": ({"MY_KEY": SECRET}, ["--no-store-secrets", "-p", "apikey_creds=env:MY_KEY"]),
    "encrypted file": ({"WARROOM_KEYRING_PASSPHRASE": PASSPHRASE}, ["-p", "apikey_creds=@{key}"]),
    "hidden parameter": ({}, ["--no-store-secrets", "-p", "apikey=@{key}"]),
}


def found_in(text: str) -> list[str]:
    return [part for part in (*PARTS, PASSPHRASE) if part in text]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("way", WAYS)
def test_secret_appears_nowhere(tmp_path: Path, way: str) -> None:
    environ, options = WAYS[way]
    (tmp_path / "key").write_text(SECRET + "\n")
    seen: list[str] = []

    def watch(phase: str, call: Any) -> None:
        # While a request is being applied the child and its host are alive and at work.
        for process in psutil.Process().children(recursive=True):
            name = Path(f"/proc/{process.pid}")
            seen.append((name / "cmdline").read_bytes().decode())
            if "warroom.runtime.child" in seen[-1]:
                seen.append((name / "environ").read_bytes().decode())

    with tenant(watch, api_key=SECRET, api_key_id="7") as emulator:
        shell = Shell(tmp_path / "home", {**QUIET, "WARROOM_SECRET__MAIN__APIKEY_ID_CREDS": "7", **environ})
        shell.good("init")
        with open_home(tmp_path / "home") as host:
            deliver(host, samples(20))
        told = [
            shell.run(*words)
            for words in (
                ["instance", "add", "CortexXDRIOC", "--name", "main", "-p", f"url={emulator.url}", "-p", "severity=low",
                 "-p", "extensive_logs=true", *(option.format(key=tmp_path / "key") for option in options)],
                ["instance", "show", "main"],
                ["instance", "show", "main", "--json"],
                ["instance", "test", "main"],
                ["fetch", "main", "--json"],
                ["run", "!xdr-iocs-push indicator=192.0.2.200", "--json"],
                ["run", f'!xdr-iocs-push indicator="{SECRET.replace(chr(34), "")}"', "--json"],
                ["entries", "--json"],
                ["context", "main", "--json"],
            )
        ]  # fmt: skip
        assert [ended.returncode for ended in told] == [0] * len(told), [ended.stderr for ended in told]
        emulator.faults.add(Fault("expired_key"))
        told += [shell.run("instance", "test", "main"), shell.run("fetch", "main"), shell.run("entries")]
        assert [ended.returncode for ended in told[-3:]] == [1, 1, 0]
    # Given as a value on purpose, in a form that is no longer the secret itself.
    typed = SECRET.replace('"', "")
    outputs = "\n".join(ended.stdout + ended.stderr for ended in told).replace(typed, "")
    assert found_in(outputs) == []
    assert any("warroom.runtime.child" in text for text in seen)
    assert found_in("\n".join(seen).replace(typed, "")) == []
    files = [path for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert any(path.name == "warroom.db" for path in files)
    for path in files:
        text = path.read_bytes().decode("latin-1").replace(typed, "")
        assert found_in(text) == [], path
        assert path.stat().st_mode & 0o077 == 0 or (tmp_path / "home").stat().st_mode & 0o077 == 0, path


def test_home_is_closed_to_other_people(tmp_path: Path) -> None:
    Shell(tmp_path / "home").good("init")
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700
    assert os.access(tmp_path / "home", os.W_OK)


def test_secret_in_plain_is_kept_only_when_asked_for(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(SECRET)
    shell = Shell(tmp_path / "home", QUIET)
    shell.good("init")
    words = ["instance", "add", "CortexXDRIOC", "-p", "url=https://api-x.example.com", "-p", "severity=low"]
    words += ["-p", f"apikey_creds=@{tmp_path / 'key'}"]
    refused = shell.run(*words)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "--plaintext" in refused.stderr and shell.json("instance", "list") == []
    shell.good(*words, "--plaintext")
    shown = shell.good("instance", "show", "CortexXDRIOC_instance_1")
    assert "plain text" in shown and found_in(shown) == []
