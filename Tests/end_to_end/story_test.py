"""A new user's way through the real command line and a real emulator process, each command once."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from Tests.terminal import Shell

OWN_CSV = "".join(
    line + "\n"
    for line in (
        "value,verdict,comment,expiration,tags",
        "203.0.113.7,bad,C2 of case 12,2099-01-02T03:04:05Z,apt;c2",
        'evil.example.com,malicious,"a comma, and a ""quote""",,',
        "44d88612fea8a8f36de82e1278abb02f,bad,,never,",
        "198.51.100.20,suspicious,,,",
        "not an indicator,bad,,,",
        "2001:db8::7,bad,,,",
    )
)


@contextmanager
def emulator_process(shell: Shell, *options: str) -> Iterator[dict[str, str]]:
    """`warroom emulator cortex_xdr` with what it prints when it is ready."""
    process = shell.start("emulator", "cortex_xdr", *options)
    try:
        assert process.stdout is not None
        ready: dict[str, str] = json.loads(process.stdout.readline())
        yield ready
    finally:
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, b"", b"")


def dump(ready: dict[str, str]) -> dict[str, dict[str, Any]]:
    lines = requests.get(f"{ready['admin']}/dump", timeout=10).text.splitlines()
    return {row["RULE_INDICATOR"]: row for row in map(json.loads, lines)}


def post(ready: dict[str, str], name: str, body: Any) -> None:
    requests.post(f"{ready['admin']}/{name}", json=body, timeout=10).raise_for_status()


@pytest.mark.slow
def test_new_user_syncs_own_list_and_gets_a_change_back(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "home", {"PATH": "/usr/bin:/bin"})
    with emulator_process(shell, "--state", str(tmp_path / "tenant.db"), "--api-key-type", "standard") as ready:
        assert set(ready) == {"url", "api_key_id", "api_key", "api_key_type", "admin"}
        shell.good("init")
        (tmp_path / "iocs.csv").write_text(OWN_CSV)
        ended = shell.run("indicator", "import", str(tmp_path / "iocs.csv"))
        assert ended.returncode == 1
        assert ended.stderr.splitlines() == [line for line in ended.stderr.splitlines() if line.startswith("line 6: ")]
        assert "not an indicator" in ended.stderr and "5 created" in ended.stdout and "1 refused" in ended.stdout

        (tmp_path / "key").write_text(ready["api_key"] + "\n")
        (tmp_path / "id").write_text(ready["api_key_id"] + "\n")
        said = shell.good(
            "instance", "add", "CortexXDR_IOC", "--no-store-secrets", "-p", f"url={ready['url']}",
            "-p", "severity=high",
            "-p", "query=reputation:Bad", "-p", f"apikey_creds=@{tmp_path / 'key'}",
            "-p", f"apikey_id_creds=@{tmp_path / 'id'}",
        )  # fmt: skip
        name = "CortexXDRIOC_instance_1"
        assert name in said
        assert [row["name"] for row in shell.json("instance", "list")] == [name]
        assert shell.good("instance", "test", name) == "ok\n"
        assert dump(ready) == {}

        fetched = shell.json("fetch", name)
        assert fetched["status"] == "ok"
        rules = dump(ready)
        assert set(rules) == {"203.0.113.7", "evil.example.com", "44d88612fea8a8f36de82e1278abb02f"}
        first = rules["203.0.113.7"]
        assert (first["RULE_COMMENT"], first["RULE_EXPIRATION_TIME"]) == ("C2 of case 12", 4071006245000)
        assert (first["RULE_SEVERITY"], first["REPUTATION"], first["IOC_TYPE"]) == ("SEV_040_HIGH", "BAD", "IP")
        assert rules["evil.example.com"]["RULE_COMMENT"] == 'a comma, and a "quote"'

        post(ready, "edit", {"indicator": "evil.example.com", "severity": "LOW", "status": "DISABLED"})
        assert shell.json("fetch", name)["status"] == "ok"
        custom = shell.json("indicator", "show", "evil.example.com")["CustomFields"]
        assert custom["xdriocstatus"] == "disabled"
        assert dump(ready)["evil.example.com"]["RULE_SEVERITY"] == "SEV_020_LOW"

        aside = shell.json("run", "!xdr-iocs-rejects")[0]["entries"][0]["EntryContext"]
        assert [row["indicator"] for row in next(iter(aside.values()))] == ["2001:db8::7"]
        pushed = shell.json("run", "!xdr-iocs-push indicator=198.51.100.20,192.0.2.99")[0]
        rows = {row["indicator"]: row["status"] for row in next(iter(pushed["entries"][0]["EntryContext"].values()))}
        assert rows == {"198.51.100.20": "pushed", "192.0.2.99": "not_found"}
        assert dump(ready)["198.51.100.20"]["REPUTATION"] == "SUSPICIOUS"
        shell.good("run", "!xdr-iocs-enable indicator=evil.example.com")
        assert dump(ready)["evil.example.com"]["RULE_STATUS"] == "ENABLED"
        shell.good("indicator", "set", "203.0.113.7", "comments=now with a note")
        shell.good("fetch", name)
        assert dump(ready)["203.0.113.7"]["RULE_COMMENT"] == "now with a note"
        shell.good("run", "!xdr-iocs-status", "--using", name)
        for command in ("create-sync-file zip=true set_time=false", "to-keep-file", "set-sync-time time=2020-01-01"):
            shell.good("run", f"!xdr-iocs-{command}")

        assert shell.json("context", name)["version"] > 0
        entries = shell.json("entries", "--last", "100")
        assert {entry["status"] for entry in entries} == {"ok"}
        assert [entry["command"] for entry in entries][:3] == ["test-module", "fetch-indicators", "fetch-indicators"]
        assert shell.good("indicator", "count", "reputation:Bad").strip() == "4"
        assert len(shell.json("indicator", "search", "sourceBrands:Import", "--limit", "3")) == 3
        shell.good("indicator", "export", str(tmp_path / "out.csv"))
        assert (tmp_path / "out.csv").read_text().count("\n") == 6

        shell.good("instance", "disable", name)
        assert shell.run("fetch", name).returncode == 2
        shell.good("instance", "enable", name)
        shell.good("instance", "show", name)
        (tmp_path / "key").write_text("another-key\n")
        ended = shell.run("instance", "test", name)
        assert (ended.returncode, ended.stderr.count("\n")) == (1, 1) and "401" in ended.stderr
        shell.good("instance", "remove", name)
        assert shell.json("instance", "list") == []


@pytest.mark.slow
def test_emulator_state_file_outlasts_the_process(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "home")
    with emulator_process(shell, "--state", str(tmp_path / "tenant.db")) as ready:
        post(ready, "seed", {"indicators": [{"indicator": "192.0.2.1", "type": "IP", "severity": "LOW"}]})
        first = (dump(ready), ready["api_key"])
    with emulator_process(shell, "--state", str(tmp_path / "tenant.db")) as ready:
        assert (dump(ready), ready["api_key"]) == first


def test_fetch_loop_goes_on_until_it_is_told_to_stop(tmp_path: Path) -> None:
    from Tests.world import INSTANCE, synced

    with synced(tmp_path / "home", 8) as (_, emulator):
        shell = Shell(tmp_path / "home")
        process = shell.start("fetch", INSTANCE, "--loop")
        assert process.stderr is not None
        waiting = process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=20)
        assert b"next run in 1200 s" in waiting
        assert process.returncode == 0 and b"ok" in out
        assert len(emulator.requests) >= 2


@pytest.mark.parametrize("name", ["out.csv", "out.json", "out.jsonl", "out.txt"])
def test_export_and_import_into_another_home_is_a_round_trip(tmp_path: Path, name: str) -> None:
    first, second = Shell(tmp_path / "first"), Shell(tmp_path / "second")
    for shell in (first, second):
        shell.good("init")
    first.run("indicator", "import", "-", given=OWN_CSV)
    first.good("indicator", "export", str(tmp_path / name))
    second.good("indicator", "import", str(tmp_path / name))
    again = tmp_path / f"again-{name}"
    second.good("indicator", "export", str(again))
    keys = ("value",) if name.endswith("txt") else ("value", "indicator_type", "score", "expiration", "CustomFields")
    held = [
        sorted(
            [{key: row[key] for key in keys} for row in shell.json("indicator", "search", "")],
            key=lambda row: str(row["value"]),
        )
        for shell in (first, second)
    ]
    assert held[0] == held[1]
    assert len(held[0]) == 5


STIX = {
    "type": "bundle", "id": "bundle--2a3e6f0c-7a2d-4a1b-9a63-3b6a5c9a1f00", "objects": [
        {
            "type": "indicator", "id": "indicator--2a3e6f0c-7a2d-4a1b-9a63-3b6a5c9a1f01", "spec_version": "2.1",
            "created": "2024-01-01T00:00:00Z", "modified": "2024-01-01T00:00:00Z", "valid_from": "2024-01-01T00:00:00Z",
            "pattern_type": "stix", "pattern": "[ipv4-addr:value = '203.0.113.50']",
        },
        {
            "type": "indicator", "id": "indicator--2a3e6f0c-7a2d-4a1b-9a63-3b6a5c9a1f02", "spec_version": "2.1",
            "created": "2024-01-01T00:00:00Z", "modified": "2024-01-01T00:00:00Z", "valid_from": "2024-01-01T00:00:00Z",
            "pattern_type": "stix", "pattern": "[domain-name:value = 'stix.example.com']",
        },
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "code", "values", "refused"),
    [
        ("value,score\n203.0.113.50,3\nstix.example.com,2\n", 0, 2, []),
        ("203.0.113.50\n\nstix[.]example[.]com\n", 0, 2, []),
        ('[{"value": "203.0.113.50"}, {"value": "stix.example.com", "type": "Domain"}]', 0, 2, []),
        ('{"value": "203.0.113.50"}\n{"value": "stix.example.com"}\n', 0, 2, []),
        (json.dumps(STIX), 0, 2, []),
        ("203.0.113.50\nnot one\nstix.example.com\n999.1.2.3\n", 1, 2, ["line 2", "line 4"]),
        ('{"value": "203.0.113.50"}\n{broken\n{"value": "stix.example.com"}\n', 1, 2, ["line 2"]),
        ("value,verdict\n203.0.113.50,purple\nstix.example.com,bad\n", 1, 1, ["line 2"]),
        ("\ufeffvalue;verdict\r\n203.0.113.50;bad\r\nstix.example.com;bad\r\n", 0, 2, []),
        ("203.0.113.50\n203.0.113.50\nSTIX.example.com\nstix.example.com\n", 0, 2, []),
    ],
)
def test_import_takes_the_good_and_names_the_refused_by_line(
    tmp_path: Path, text: str, code: int, values: int, refused: list[str]
) -> None:
    shell = Shell(tmp_path / "home")
    shell.good("init")
    ended = shell.run("indicator", "import", "-", given=text)
    assert (ended.returncode, [line.split(":")[0] for line in ended.stderr.splitlines()]) == (code, refused)
    assert int(shell.good("indicator", "count")) == values


def test_import_of_bytes_that_are_no_text_refuses_the_line_only(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "home")
    shell.good("init")
    ended = shell.run("indicator", "import", "-", given=b"203.0.113.50\nb\xff\xfed.example.com\nstix.example.com\n")
    assert ended.returncode == 1 and ended.stderr.startswith("line 2: ") and ended.stderr.count("\n") == 1
    assert shell.good("indicator", "count").strip() == "2"


def test_several_processes_import_and_search_one_home_at_once(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "home")
    shell.good("init")
    for part in range(4):
        lines = "".join(f"10.{part % 3}.{n // 250}.{n % 250}\n" for n in range(1500))
        (tmp_path / f"{part}.txt").write_text(lines)
    running: list[subprocess.Popen[bytes]] = []
    for part in range(4):
        running.append(shell.start("indicator", "import", str(tmp_path / f"{part}.txt"), "--source", f"Brand{part}"))
        running.append(shell.start("indicator", "search", "type:IP", "--limit", "5000", "--json"))
    for process in running:
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, b""), err
        assert out
    assert shell.good("indicator", "count").strip() == "4500"
    assert shell.good("indicator", "count", "sourceBrands:Brand3").strip() == "1500"
    both = shell.json("indicator", "search", "sourceBrands:Brand0 and sourceBrands:Brand3", "--limit", "2000")
    assert len(both) == 1500
    stamps = [row["modified"] for row in shell.json("indicator", "search", "", "--limit", "9999")]
    assert stamps == sorted(set(stamps))


def test_first_commands_work_from_another_folder_after_content_add(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "home")
    shell.good("init")
    shell.good("content", "add", "Packs")
    argv = replace(shell).argv("content", "list", "--json")
    done = subprocess.run(argv, cwd=tmp_path, env=shell.variables(), capture_output=True, check=True, timeout=60)
    assert "CortexXDRIOC" in {item["id"] for item in json.loads(done.stdout)["items"]}
