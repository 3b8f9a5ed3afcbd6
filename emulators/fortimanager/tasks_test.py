"""Installations: what devices get, when, and what goes wrong."""

from __future__ import annotations

from emulators.fortimanager.conftest import ADDRESS, GROUP, ROOT, WORKSPACE, Client, Start

STATUS = f"{ROOT}/_package/status"


def put(client: Client, name: str = "h", group: str = "inside", ip: str = "10.0.0.1") -> None:
    for call in (
        ("exec", f"{WORKSPACE}/lock", None),
        ("add", ADDRESS, {"name": name, "subnet": f"{ip}/32"}),
        ("add", f"{GROUP}/{group}/member", [name]),
        ("exec", f"{WORKSPACE}/commit", None),
    ):
        assert client.call(*call)[0] == 0


def statuses(client: Client) -> dict[str, str]:
    return {row["dev"]: row["status"] for row in client.call("get", STATUS)[1] or []}


def blocked(client: Client, side: str = "source") -> dict[str, frozenset[str]]:
    return {name: found[side] - {"0.0.0.0/32"} for name, found in client.emulator.state.enforced().items()}


def test_saved_change_makes_the_package_modified_and_an_installation_enforces_it(start: Start) -> None:
    client = start()
    assert statuses(client) == {"fgt-1": "installed", "fgt-2": "installed"}
    put(client)
    assert statuses(client) == {"fgt-1": "modified", "fgt-2": "modified"}
    assert blocked(client) == {"fgt-1/root": frozenset(), "fgt-2/root": frozenset()}
    task = client.install()
    assert (task["percent"], task["num_err"], task["state"]) == (100, 0, "done")
    assert statuses(client) == {"fgt-1": "installed", "fgt-2": "installed"}
    assert blocked(client) == {"fgt-1/root": {"10.0.0.1/32"}, "fgt-2/root": {"10.0.0.1/32"}}
    assert blocked(client, "destination")["fgt-1/root"] == frozenset()


def test_change_outside_the_package_leaves_it_installed(start: Start) -> None:
    client = start(workspace_mode="disabled")
    client.call("add", ADDRESS, {"name": "x", "subnet": "10.0.0.9/32"})
    assert statuses(client)["fgt-1"] == "installed"


def test_status_of_one_package_and_none_where_nothing_was_installed(start: Start) -> None:
    client = start()
    client.emulator.state.seed(
        {
            "devices": [{"adom": "root", "name": "fgt-3"}],
            "packages": [
                {"adom": "root", "name": "new", "scope": [{"name": "fgt-3", "vdom": "root"}], "policies": [],
                 "installed": False}
            ],
        }
    )  # fmt: skip
    assert len(client.call("get", f"{ROOT}/pkg/branches/base/_package/status")[1]) == 2
    assert client.call("get", f"{ROOT}/pkg/new/_package/status") == (0, None)
    assert client.call("get", "/pm/pkg/adom/root/new")[1]["scope member"] == [{"name": "fgt-3", "vdom": "root"}]


def test_scope_installs_on_these_devices_only(start: Start) -> None:
    client = start()
    put(client)
    client.install(scope=[{"name": "fgt-1", "vdom": "root"}])
    assert statuses(client) == {"fgt-1": "installed", "fgt-2": "modified"}
    order = {"adom": "root", "pkg": "branches/base", "scope": [{"name": "fgt-9"}]}
    assert client.call("exec", "/securityconsole/install/package", order)[0] == -3


def test_task_runs_for_its_time_and_then_takes_effect(start: Start) -> None:
    client = start(task_seconds=10)
    put(client)
    task = client.install()
    assert (task["state"], task["percent"], task["num_err"]) == ("running", 0, 0)
    client.emulator.clock.advance(5)
    assert client.task(1)["percent"] >= 50 and not blocked(client)["fgt-1/root"]
    client.emulator.clock.advance(6)
    assert client.task(1)["state"] == "done" and blocked(client)["fgt-1/root"]
    code, [latest] = client.call("get", "/task/task/", range=[0, 1], sortings=[{"id": -1}], loadsub=0)
    assert (code, latest["id"], latest["title"]) == (0, 1, "Install Package")


def test_tasks_on_hold_wait_until_they_are_let_go(start: Start) -> None:
    client = start()
    put(client)
    client.emulator.state.edit({"tasks": {"hold": True}})
    assert client.install()["percent"] == 50
    client.emulator.state.edit({"tasks": {"hold": False}})
    assert client.task(1)["num_done"] == 4


def test_device_that_is_not_reached_fails_in_the_task_while_the_call_succeeds(start: Start) -> None:
    client = start()
    put(client)
    client.emulator.state.edit({"device": {"name": "fgt-2", "reachable": False}})
    task = client.install()
    [bad] = [line for line in task["line"] if line["state"] == "error"]
    assert (task["num_err"], task["state"], bad["name"], bad["err"]) == (1, "error", "fgt-2", 0)
    assert statuses(client) == {"fgt-1": "installed", "fgt-2": "modified"}


def test_empty_group_is_refused_by_older_releases_only(start: Start) -> None:
    client = start(workspace_mode="disabled")
    client.call("delete", f"{GROUP}/inside/member", ["none"])
    task = client.install()
    assert [line["detail"] for line in task["line"] if line["state"] == "error"] == [
        "Copy device failed. firewall addrgrp inside: member cannot be empty"
    ]
    assert statuses(client) == {"fgt-1": "installed", "fgt-2": "modified"}


def test_installation_fails_without_the_lock_or_when_it_is_given_up_too_early(start: Start) -> None:
    client = start(task_seconds=10)
    put(client)
    assert client.install()["state"] == "running"
    client.call("exec", f"{WORKSPACE}/unlock")
    client.emulator.clock.advance(11)
    assert client.task(1)["line"][0]["detail"] == "Copy device failed. no write permission"
    client.install()
    client.emulator.clock.advance(11)
    assert client.task(2)["num_err"] == 2 and not blocked(client)["fgt-1/root"]


def test_operator_installs_changes_members_and_statuses_by_hand(start: Start) -> None:
    client = start()
    state = client.emulator.state
    state.edit(
        [
            {"object": {"adom": "root", "table": "address", "data": {"name": "h", "subnet": "10.0.0.1/32"}}},
            {"members": {"adom": "root", "table": "addrgrp", "group": "outside", "add": ["h"]}},
            {"install": {"adom": "root", "pkg": "branches/base"}},
        ]
    )
    assert blocked(client, "destination")["fgt-1/root"] == {"10.0.0.1/32"}
    state.edit({"device": {"name": "fgt-1", "status": "unknown"}})
    assert statuses(client)["fgt-1"] == "unknown"
    state.edit({"members": {"adom": "root", "table": "addrgrp", "group": "outside", "remove": ["h"]}})
    state.edit({"delete_object": {"adom": "root", "table": "address", "name": "h"}})
    assert client.call("get", f"{ADDRESS}/h")[0] == -3
