"""Who may ask: passwords, sessions that end, the API key, rights."""

from __future__ import annotations

import pytest

from emulators.fortimanager.conftest import ADDRESS, WORKSPACE, Client, Start
from emulators.fortimanager.sessions import API_KEY
from emulators.kit import Fault


def test_login_wrong_password_is_minus_22_and_no_session_is_minus_11(start: Start) -> None:
    client = start(login=False)
    assert client.login("wrong") == -22
    assert client.call("get", "/sys/status")[0] == -11
    assert client.login() == 0 and client.call("get", "/sys/status")[0] == 0


def test_login_more_than_the_limit_is_refused_until_one_signs_out(start: Start) -> None:
    first = start(max_sessions=2)
    second, third = Client(first.emulator), Client(first.emulator)
    assert [second.login(), third.login()] == [0, -22]
    assert first.call("exec", "/sys/logout")[0] == 0
    assert third.login() == 0 and first.call("get", "/sys/status")[0] == -11


def test_session_idle_too_long_is_over_and_its_lock_with_it(start: Start) -> None:
    client = start(idle_seconds=900)
    assert client.call("exec", f"{WORKSPACE}/lock")[0] == 0
    client.emulator.clock.advance(800)
    assert client.call("get", f"{WORKSPACE}/lockinfo")[1][0]["lock_user"] == "warroom"
    client.emulator.clock.advance(901)
    assert client.call("get", "/sys/status")[0] == -11
    assert client.login() == 0 and client.call("get", f"{WORKSPACE}/lockinfo") == (0, None)


def test_api_key_needs_no_session_and_a_wrong_one_is_minus_11(start: Start) -> None:
    client = start(login=False)
    client.headers = {"Authorization": f"Bearer {API_KEY}"}
    assert client.call("get", "/sys/status")[0] == 0
    client.headers = {"Authorization": "Bearer wrong"}
    assert client.call("get", "/sys/status")[0] == -11


def test_restart_ends_sessions(start: Start) -> None:
    client = start()
    client.emulator.state.edit({"restart": {}})
    assert client.call("get", "/sys/status")[0] == -11


@pytest.mark.parametrize(
    ("options", "login", "read", "write"),
    [
        ({"rpc_permit": "none"}, -11, -11, -11),
        ({"rpc_permit": "read"}, 0, 0, -11),
        ({"allowed_adoms": "branch"}, 0, -11, -11),
        ({"allowed_adoms": "branch,root"}, 0, 0, 0),
    ],
)
def test_rights_decide_with_the_code_of_an_ended_session(
    start: Start, options: dict[str, str], login: int, read: int, write: int
) -> None:
    client = start(login=False, workspace_mode="disabled", **options)
    assert client.login() == login
    assert client.call("get", ADDRESS)[0] == read
    assert client.call("add", ADDRESS, {"name": "a", "subnet": "10.0.0.1/32"})[0] == write


def test_fault_expired_key_is_minus_11_in_a_200(start: Start) -> None:
    client = start()
    client.emulator.faults.add(Fault("expired_key", count=1))
    assert [client.call("get", "/sys/status")[0] for _ in range(2)] == [-11, 0]
