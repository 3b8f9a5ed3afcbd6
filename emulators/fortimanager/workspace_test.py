"""Locks: who may write, what others see, what is lost."""

from __future__ import annotations

import pytest

from emulators.fortimanager.conftest import ADDRESS, WORKSPACE, Client, Start

HOST = {"name": "h", "subnet": "10.0.0.1/32"}


def other(client: Client) -> Client:
    found = Client(client.emulator)
    assert found.login() == 0
    return found


def test_write_without_the_lock_is_refused(start: Start) -> None:
    client = start()
    assert client.call("add", ADDRESS, HOST)[0] == -10147
    assert client.call("exec", f"{WORKSPACE}/commit")[0] == -20058


def test_draft_is_seen_by_its_session_until_it_is_committed(start: Start) -> None:
    client = start()
    reader = other(client)
    client.call("exec", f"{WORKSPACE}/lock")
    assert client.call("add", ADDRESS, HOST)[0] == 0
    assert client.call("get", f"{WORKSPACE}/dirty")[1] == {"dirty": 1}
    assert [one.call("get", f"{ADDRESS}/h")[0] for one in (client, reader)] == [0, -3]
    assert client.call("exec", f"{WORKSPACE}/commit")[0] == 0
    assert reader.call("get", f"{ADDRESS}/h")[0] == 0
    assert client.call("get", f"{WORKSPACE}/dirty")[1] == {"dirty": 0}


@pytest.mark.parametrize("end", [f"{WORKSPACE}/unlock", "/sys/logout"])
def test_draft_that_is_not_committed_is_lost_with_the_lock(start: Start, end: str) -> None:
    client = start()
    client.call("exec", f"{WORKSPACE}/lock")
    client.call("add", ADDRESS, HOST)
    assert client.call("exec", end)[0] == 0
    assert other(client).call("get", f"{ADDRESS}/h")[0] == -3
    assert other(client).call("exec", f"{WORKSPACE}/lock")[0] == 0


def test_lock_of_another_session_of_the_same_user_is_refused(start: Start) -> None:
    for code in (-20055, -20036):
        client = start(locked_code=code)
        second = other(client)
        assert [client.call("exec", f"{WORKSPACE}/lock")[0] for _ in range(2)] == [0, 0]
        assert second.call("exec", f"{WORKSPACE}/lock")[0] == code
        assert second.call("exec", f"{WORKSPACE}/unlock")[0] == -20058
        assert second.call("get", f"{WORKSPACE}/lockinfo")[1][0]["lock_user"] == "warroom"


def test_lock_of_a_person_in_the_console_is_refused_until_it_is_given_up(start: Start) -> None:
    client = start()
    client.emulator.state.edit({"lock": {"adom": "root", "user": "alice"}})
    assert client.call("exec", f"{WORKSPACE}/lock")[0] == -20055
    assert client.call("get", f"{WORKSPACE}/lockinfo")[1][0]["lock_user"] == "alice"
    client.emulator.state.edit({"lock": {"adom": "root", "user": None}})
    assert client.call("exec", f"{WORKSPACE}/lock")[0] == 0


def test_lock_needs_a_mode_that_has_locks(start: Start) -> None:
    client = start(workspace_mode="disabled")
    assert client.call("exec", f"{WORKSPACE}/lock")[0] == -9
    assert client.call("get", f"{WORKSPACE}/lockinfo")[0] == -9
    assert client.call("add", ADDRESS, HOST)[0] == 0


def test_lock_per_adom_only_where_it_is_switched_on(start: Start) -> None:
    client = start(workspace_mode="per-adom")
    client.emulator.state.seed({"adoms": [{"name": "branch", "workspace_mode": 1}]})
    assert client.call("get", "/cli/global/system/global")[1] == {"workspace-mode": "per-adom"}
    assert client.call("add", ADDRESS, HOST)[0] == 0
    assert client.call("get", "/dvmdb/adom/branch", fields=["workspace_mode"])[1]["workspace_mode"] == 1
    assert client.call("add", ADDRESS.replace("root", "branch"), HOST)[0] == -10147


def test_write_in_workflow_mode_needs_a_session_that_is_not_modelled(start: Start) -> None:
    client = start(workspace_mode="workflow")
    assert client.call("exec", f"{WORKSPACE}/lock")[0] == 0
    assert client.call("add", ADDRESS, HOST)[0] == -14
