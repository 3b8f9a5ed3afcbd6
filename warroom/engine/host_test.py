from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from warroom.content.testing import write_pack, write_unified
from warroom.engine import Host, Progress, UsageError
from warroom.engine.errors import HomeMissing, SecretError

SECRET = "a-very-secret-key"
PARAMS = {"url": "http://tiny", "apikey_creds.identifier": "me"}


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    write_pack(tmp_path / "Packs")
    environ = {"PATH": os.environ["PATH"], "SHOULD_NOT": "arrive"}
    with Host.open(
        tmp_path / "home", content=[tmp_path / "Packs"], environ=environ, sleep=lambda seconds: None
    ) as host:
        yield host


@pytest.fixture
def tiny(host: Host) -> Host:
    host.add_instance("Tiny", "main", PARAMS, {"apikey_creds": SECRET}, "plaintext")
    return host


def test_run_command_result_becomes_entry_with_brand_and_instance(tiny: Host) -> None:
    [result] = tiny.run_command('!tiny-echo "two words" mood=bad password=hidden-word')
    assert (result.status, result.instance, result.brand) == ("ok", "main", "Tiny")
    assert result.entries[0]["HumanReadable"] == "echo two words"
    assert (result.entries[0]["Brand"], result.entries[0]["ModuleName"]) == ("Tiny", "main")
    assert result.entries[0]["EntryContext"] == {"Tiny.Echo": "two words"}
    assert result.max_rss_bytes > 5_000_000
    [entry] = tiny.store.entries.last(5)
    assert entry.args == {"text": "two words", "mood": "bad", "password": "******"}
    assert "hidden-word" not in json.dumps([entry.args, entry.contents])


def test_run_command_unified_form_gives_the_same(tiny: Host, tmp_path: Path) -> None:
    def essence(host: Host) -> list[tuple[object, ...]]:
        return [
            tuple(entry.get(key) for key in ("Type", "Contents", "HumanReadable", "EntryContext"))
            for result in host.run_command("!tiny-echo hello many=a,b")
            for entry in result.entries
        ]

    with Host.open(tmp_path / "home", content=[write_unified(tmp_path / "unified")], environ={}) as unified:
        assert unified.catalog.integrations[0].code.source
        assert essence(unified) == essence(tiny)


def test_run_command_secret_is_masked_in_entries_logs_errors_and_store(tiny: Host) -> None:
    [told] = tiny.run_command("!tiny-do what=secret")
    [crashed] = tiny.run_command("!tiny-do what=crash")
    assert told.entries[0]["Contents"] == "the key is ******"
    assert told.logs[0].message == "logged ******"
    assert crashed.error == "RuntimeError: broken with ******"
    assert SECRET not in repr([told, crashed, tiny.store.entries.last(5)])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("!tiny-ecko x", "unknown command !tiny-ecko; did you mean tiny-echo"),
        ("!tiny-echo", "argument text is required"),
        ("!tiny-echo x nope=1", "unknown argument nope"),
        ("!tiny-echo x mood=ugly", "argument mood cannot be ugly; allowed: good, bad"),
        ("!tiny-echo x using=mian", r"unknown instance 'mian'; did you mean main\?"),
        ("!tiny-echo x using-brand=Other", "no integration 'Other' has !tiny-echo"),
        ("!Print x using=main", "runs without an instance"),
    ],
)
def test_run_command_wrong_line_is_refused_and_leaves_no_entry(tiny: Host, line: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        tiny.run_command(line)
    assert tiny.store.entries.last(5) == []


def test_run_command_without_instance_is_refused(host: Host) -> None:
    with pytest.raises(UsageError, match="no enabled instance has !tiny-echo: add one"):
        host.run_command("!tiny-echo x")


def test_run_command_fans_out_and_one_failure_stops_nobody(tiny: Host) -> None:
    tiny.add_instance("Tiny", "broken", PARAMS, store_secrets="none")
    tiny.add_instance("Tiny", "other", PARAMS, {"apikey_creds": "another-secret"}, "plaintext")
    tiny.add_instance("Tiny", "off", PARAMS, {"apikey_creds": SECRET}, "plaintext")
    tiny.instances.enable("off", False)
    results = tiny.run_command("!tiny-echo x")
    assert [(result.instance, result.status) for result in results] == [
        ("broken", "error"), ("main", "ok"), ("other", "ok"),
    ]  # fmt: skip
    assert "the secret apikey_creds is not stored" in str(results[0].error)
    assert [result.instance for result in tiny.run_command("!tiny-echo x", using="other")] == ["other"]
    with pytest.raises(UsageError, match="instance off is disabled"):
        tiny.run_command("!tiny-echo x using=off")


def test_run_command_over_its_time_is_killed_and_the_entry_says_so(tiny: Host) -> None:
    [result] = tiny.run_command("!tiny-do what=sleep", timeout_seconds=0.7)
    assert result.status == "timeout"
    assert result.error == "tiny-do was stopped: it reached the time limit of 0.7 seconds"
    assert tiny.store.entries.last(1)[0].contents[0]["Contents"] == result.error


def test_run_command_error_entry_is_an_error(tiny: Host) -> None:
    [result] = tiny.run_command("!tiny-do what=error")
    assert (result.status, result.error) == ("error", "it went wrong")
    assert [entry["Type"] for entry in result.entries] == [4]


def test_run_command_retries_until_the_count_is_used_up(tiny: Host) -> None:
    tiny.run_command("!tiny-do what=error retry-count=2 retry-interval=1")
    assert len(tiny.store.entries.last(10)) == 3


def test_run_command_modifiers_shape_the_entry(tiny: Host) -> None:
    [result] = tiny.run_command("!tiny-echo x raw-response=true extend-context=Deep=deep.a::All=")
    assert "HumanReadable" not in result.entries[0]
    assert result.entries[0]["EntryContext"]["Deep"] == [1, 2]
    assert result.entries[0]["EntryContext"]["All"]["args"]["text"] == "x"
    [ignored] = tiny.run_command("!tiny-echo x ignore-outputs=true")
    assert "EntryContext" not in ignored.entries[0]


def test_run_command_file_is_kept_under_its_entry(tiny: Host) -> None:
    [result] = tiny.run_command("!tiny-do what=file")
    kept = tiny.home / "files" / result.entries[0]["ID"] / "report.txt"
    assert kept.read_text() == "some text"


def test_run_command_time_line_of_an_entry_is_kept_on_the_indicator_without_secrets(tiny: Host) -> None:
    tiny.fetch("main")
    tiny.run_command("!tiny-do what=told")
    doc = tiny.store.indicators.get("198.51.100.1")
    assert doc is not None
    assert (doc["comments"][-1]["source"], doc["comments"][-1]["type"]) == ("Tiny", "IndicatorCommentTimeLine")
    assert doc["comments"][-1]["content"].startswith("Update: seen with ")
    assert SECRET not in str(doc)


def test_run_command_child_sees_a_minimal_environment(tiny: Host) -> None:
    [result] = tiny.run_command("!tiny-do what=environment")
    assert "SHOULD_NOT" not in str(result.entries[0]["Contents"])


def test_run_command_last_run_is_the_business_of_fetches(tiny: Host) -> None:
    tiny.fetch("main")
    [result] = tiny.run_command("!tiny-do what=lastrun")
    assert result.status == "ok"
    assert tiny.store.last_runs.read(tiny.instances.get("main").id) == {"round": "1"}


def test_run_script_runs_commands_on_instances(tiny: Host) -> None:
    result = tiny.run_script("TinyScript", {"text": "hi"})
    assert result.entries[0]["Contents"] == "script saw 1 echo hi"
    assert [entry.command for entry in tiny.store.entries.last(5)] == ["tiny-echo", "TinyScript"]


def test_run_script_command_that_is_refused_fails_the_script(host: Host) -> None:
    result = host.run_script("TinyScript", {"text": "hi"})
    assert result.status == "error"
    assert "no enabled instance has !tiny-echo" in str(result.error)


def test_run_command_lists_are_kept(host: Host) -> None:
    host.run_command("!createList listName=colours listData=red,blue")
    host.run_command("!addToList colours listData=green")
    host.run_command("!removeFromList colours listData=red")
    [result] = host.run_command("!getList colours")
    assert result.entries[0]["Contents"] == "blue,green"
    [missing] = host.run_command("!getList shapes")
    assert (missing.status, missing.error) == ("error", "there is no list 'shapes'")


def test_run_command_new_indicator_gets_its_type(host: Host) -> None:
    host.run_command("!createNewIndicator www.example.com verdict=bad")
    found = host.store.indicators.get("www.example.com")
    assert found is not None and (found["indicator_type"], found["score"]) == ("Domain", 3)


def test_fetch_stores_indicators_under_the_instance_and_tells_progress(tiny: Host) -> None:
    told: list[Progress] = []
    result = tiny.fetch("main", on_progress=told.append)
    assert (result.status, result.indicators_created) == ("ok", 3)
    assert told == [Progress("tiny", 1, 2, "rounds")]
    assert result.entries[-1]["Contents"].endswith("tiny: 1 of 2 rounds")
    again = tiny.fetch("main", on_progress=told.append)
    assert told[1:] == [Progress("indicators", 3, None, "indicators")]
    assert "tiny" not in again.entries[-1]["Contents"]
    found = tiny.store.indicators.get("198.51.100.1")
    assert found is not None
    [feed] = found["moduleToFeedMap"].values()
    assert (feed["sourceInstance"], feed["reliability"]) == ("main", "B - Usually reliable")


def test_fetch_last_run_moves_only_when_the_fetch_ends_well(tiny: Host) -> None:
    instance = tiny.instances.get("main")
    assert tiny.fetch("main").status == "ok"
    instance.params["url"] = "http://broken"
    tiny.store.instances.update(instance)
    failed = tiny.fetch("main")
    assert (failed.status, failed.error) == ("error", "ValueError: the feed is down")
    assert tiny.store.last_runs.read(instance.id) == {"round": "1"}
    assert tiny.store.contexts.read(instance.id).version == 2


def test_fetch_killed_child_is_told_with_its_signal(tiny: Host) -> None:
    calls: list[tuple[str, str]] = []

    def kill(phase: str, name: str, pid: int) -> None:
        calls.append((phase, name))
        if (phase, name) == ("after", "setIntegrationContext"):
            os.kill(pid, signal.SIGKILL)

    result = tiny.fetch("main", on_call=kill)
    assert (result.status, result.error) == ("killed", "fetch-indicators was ended by SIGKILL")
    assert calls == [("before", "setIntegrationContext"), ("after", "setIntegrationContext")]
    assert tiny.store.contexts.read(tiny.instances.get("main").id).version == 1


def test_fetch_switched_off_is_refused(host: Host) -> None:
    host.add_instance("Tiny", "main", {**PARAMS, "feed": False}, {"apikey_creds": SECRET}, "plaintext")
    with pytest.raises(UsageError, match="does not fetch"):
        host.fetch("main")


def test_fetch_incidents_are_created(tmp_path: Path) -> None:
    pack = write_pack(tmp_path / "Packs")
    yml = (pack / "Integrations" / "Tiny" / "Tiny.yml").read_text().replace("feed: true", "isfetch: true")
    (pack / "Integrations" / "Tiny" / "Tiny.yml").write_text(yml)
    (pack / "Integrations" / "Tiny" / "Tiny.py").write_text(
        "import demistomock as demisto\n"
        "demisto.setLastRun({'id': '2'})\n"
        "demisto.incidents([{'name': 'one', 'rawJSON': '{}'}, {'name': 'two', 'rawJSON': '{}'}])\n"
    )
    with Host.open(tmp_path / "home", content=[tmp_path / "Packs"]) as host:
        host.add_instance("Tiny", "main", PARAMS, {"apikey_creds": SECRET}, "plaintext")
        result = host.fetch("main")
        assert [incident["name"] for incident in result.incidents] == ["one", "two"]
        assert len(host.store.incidents.list()) == 2
        assert host.store.last_runs.read(host.instances.get("main").id) == {"id": "2"}


def test_fetch_refused_indicators_are_a_warning(tmp_path: Path) -> None:
    pack = write_pack(tmp_path / "Packs")
    (pack / "Integrations" / "Tiny" / "Tiny.py").write_text(
        "import demistomock as demisto\n"
        "demisto.createIndicators([{'value': '', 'type': 'IP'}, {'value': '192.0.2.1', 'type': 'IP'}])\n"
    )
    with Host.open(tmp_path / "home", content=[tmp_path / "Packs"]) as host:
        host.add_instance("Tiny", "main", PARAMS, {"apikey_creds": SECRET}, "plaintext")
        result = host.fetch("main")
        [warning] = [entry["Contents"] for entry in result.entries if entry["Type"] == 11]
        assert result.status == "ok" and result.indicators_created == 1
        assert warning.startswith("1 indicators were refused:")


def test_search_query_that_is_wrong_reaches_the_content_as_an_error(tmp_path: Path) -> None:
    pack = write_pack(tmp_path / "Packs")
    (pack / "Integrations" / "Tiny" / "Tiny.py").write_text(
        "import demistomock as demisto\n"
        "demisto.results('ok ' + str(demisto.searchIndicators(query='type:IP', size=1)))\n"
        "try:\n    demisto.searchIndicators(query='type:(')\n"
        "except ValueError as error:\n    demisto.results('refused: ' + str(error))\n"
    )
    with Host.open(tmp_path / "home", content=[tmp_path / "Packs"]) as host:
        host.add_instance("Tiny", "main", PARAMS, {"apikey_creds": SECRET}, "plaintext")
        [result] = host.run_command("!tiny-do what=x")
        assert result.entries[0]["Contents"] == "ok {'iocs': None, 'total': 0, 'searchAfter': None}"
        assert result.entries[1]["Contents"].startswith("refused: ")


def test_test_instance_tells_the_answer(tiny: Host) -> None:
    assert tiny.test_instance("main").status == "ok"
    tiny.add_instance("Tiny", "bad", {**PARAMS, "url": "http://broken"}, {"apikey_creds": SECRET}, "plaintext")
    result = tiny.test_instance("bad")
    assert (result.status, result.error) == ("error", "no answer from the server")


def test_add_instance_refused_changes_nothing(host: Host) -> None:
    with pytest.raises(UsageError, match="parameter limit must be a whole number"):
        host.add_instance("Tiny", None, {**PARAMS, "limit": "x"}, {"apikey_creds": SECRET}, "plaintext")
    with pytest.raises(UsageError, match=r"parameter apikey_creds \(API Key\) is required"):
        host.add_instance("Tiny", None, PARAMS)
    assert host.store.instances.list() == []


def test_add_instance_names_count_and_are_unique(host: Host) -> None:
    names = [host.add_instance("Tiny", None, PARAMS, store_secrets="none").name for _ in range(2)]
    assert names == ["Tiny_instance_1", "Tiny_instance_2"]
    with pytest.raises(UsageError, match="already an instance called 'TINY_instance_1'"):
        host.add_instance("Tiny", "TINY_instance_1", PARAMS, store_secrets="none")


def test_remove_instance_forgets_secrets_context_and_last_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keyrings.cryptfile.cryptfile.ArgonAESEncryption.time_cost", 1)
    write_pack(tmp_path / "Packs")
    environ = {"WARROOM_KEYRING_PASSPHRASE": "pass"}
    with Host.open(tmp_path / "home", content=[tmp_path / "Packs"], environ=environ) as host:
        instance = host.add_instance("Tiny", "main", PARAMS, {"apikey_creds": SECRET}, "file")
        host.store.contexts.write(instance.id, {"a": "1"})
        assert len(list((tmp_path / "home" / "secrets").iterdir())) == 1
        host.instances.remove("main")
        assert list((tmp_path / "home" / "secrets").iterdir()) == []
        assert host.store.contexts.read(instance.id).version == 0


def test_open_store_is_for_its_owner_only(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with Host.open(tmp_path, content=[]):
        assert (tmp_path / "warroom.db").stat().st_mode & 0o777 == 0o600


def test_run_command_numbers_of_any_size_survive_in_the_context(tmp_path: Path) -> None:
    pack = write_pack(tmp_path / "Packs")
    (pack / "Integrations" / "Tiny" / "Tiny.py").write_text(
        "import demistomock as demisto\ndemisto.setIntegrationContext({'n': 2 ** 70 + 1})\n"
    )
    with Host.open(tmp_path / "home", content=[tmp_path / "Packs"]) as host:
        host.add_instance("Tiny", "main", PARAMS, {"apikey_creds": SECRET}, "plaintext")
        assert host.run_command("!tiny-do what=x")[0].status == "ok"
        assert host.store.contexts.read(host.instances.get("main").id).context == {"n": 2**70 + 1}


def test_open_missing_home_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(HomeMissing, match="run `warroom --home"):
        Host.open(tmp_path / "nowhere", create=False)
    assert list(tmp_path.iterdir()) == []


def test_run_settings_stored_secret_that_is_gone_is_named(tmp_path: Path) -> None:
    write_pack(tmp_path / "Packs")
    with Host.open(tmp_path / "home", content=[tmp_path / "Packs"], environ={}) as host:
        instance = host.add_instance("Tiny", "main", PARAMS, store_secrets="none")
        integration = host.instances.find_integration("Tiny")
        with pytest.raises(SecretError, match="set WARROOM_SECRET__MAIN__APIKEY_CREDS"):
            host.instances.run_settings(instance, integration)


def test_open_indicator_fields_can_be_queried_before_any_indicator_has_them(tmp_path: Path) -> None:
    fields = write_pack(tmp_path / "Packs") / "IndicatorFields"
    fields.mkdir()
    (fields / "indicatorfield-tinystate.json").write_text('{"cliName": "tinystate"}')
    with Host.open(tmp_path / "home", content=[tmp_path / "Packs"]) as host:
        assert host.catalog.indicator_fields == ("tinystate",)
        assert host.store.indicators.count("tinystate:open") == 0


def test_run_command_over_its_memory_is_told(tmp_path: Path) -> None:
    pack = write_pack(tmp_path / "Packs")
    (pack / "Integrations" / "Tiny" / "Tiny.py").write_text("ballast = bytearray(2_000_000_000)\n")
    with Host.open(tmp_path / "home", content=[tmp_path / "Packs"]) as host:
        host.add_instance("Tiny", "main", PARAMS, {"apikey_creds": SECRET}, "plaintext")
        [result] = host.run_command("!tiny-do what=x")
        assert (result.status, result.error) == (
            "killed", "tiny-do was stopped: it reached the memory limit of 1024 MB",
        )  # fmt: skip


def test_script_sees_instances_commands_addresses_and_files(tmp_path: Path) -> None:
    pack = write_pack(tmp_path / "Packs")
    (pack / "Scripts" / "TinyScript" / "TinyScript.py").write_text(
        "import json\n"
        "import demistomock as demisto\n"
        "entry = demisto.executeCommand('tiny-do', {'what': 'file'})[0]\n"
        "path = demisto.getFilePath(entry['ID'])['path']\n"
        "demisto.results({'Type': 1, 'ContentsFormat': 'json', 'Contents': {\n"
        "    'modules': demisto.getModules(), 'names': sorted(demisto.getAllSupportedCommands()),\n"
        "    'url': demisto.demistoUrls()['server'], 'text': open(path).read()}})\n"
    )
    with Host.open(tmp_path / "home", content=[tmp_path / "Packs"]) as host:
        host.add_instance("Tiny", "main", PARAMS, {"apikey_creds": SECRET}, "plaintext")
        result = host.run_script("TinyScript", {"text": "x"})
        assert result.error is None
        assert result.entries[0]["Contents"] == {
            "modules": {"main": {"brand": "Tiny", "category": "Utilities", "state": "active"}},
            "names": ["Builtin", "main"], "url": "https://localhost:8443", "text": "some text",
        }  # fmt: skip


def test_test_instance_context_cannot_be_set(tmp_path: Path) -> None:
    pack = write_pack(tmp_path / "Packs")
    (pack / "Integrations" / "Tiny" / "Tiny.py").write_text(
        "import demistomock as demisto\ndemisto.setIntegrationContext({})\ndemisto.results('ok')\n"
    )
    with Host.open(tmp_path / "home", content=[tmp_path / "Packs"]) as host:
        host.add_instance("Tiny", "main", PARAMS, {"apikey_creds": SECRET}, "plaintext")
        assert "the integration context cannot be set in test-module" in str(host.test_instance("main").error)
