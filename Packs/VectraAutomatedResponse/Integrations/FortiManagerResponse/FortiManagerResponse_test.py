"""Settings, elements, replies and the package's status as values, and `main` against answers in memory."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import demistomock as demisto
import pytest
from FortiManagerResponse import (
    EXTERNAL,
    INTERNAL,
    NAME_LENGTH,
    Account,
    Answer,
    Detection,
    FortiManagerClient,
    FortiManagerDriver,
    Group,
    Host,
    HttpTiming,
    Member,
    RefusedCallError,
    TargetError,
    answers_of,
    data_of,
    element_of,
    in_url,
    joined,
    main,
    member_from,
    mode_word,
    object_data,
    object_name,
    place_of,
    refusal_of,
    ruled_groups,
    settings_from_params,
    task_failure,
    thing_from,
    waiting_targets,
)
from hypothesis import given
from hypothesis import strategies as st

DATA = Path(__file__).parent / "test_data"
KEY = "made-up-key"
PARAMS: dict[str, Any] = {
    "url": "https://192.0.2.250/",
    "api_key": {"password": KEY},
    "policy_package": "branches/base",
    "internal_group": "in",
    "external_group": "out",
}
SETTINGS = settings_from_params(PARAMS)


# ---- settings


def test_settings_defaults_are_the_safe_ones() -> None:
    found = settings_from_params({"url": "https://fmg.example", "api_key": {"password": KEY}, "policy_package": "p"})
    assert (found.http.verify, found.http.proxy, found.install, found.domains) == (True, False, True, False)
    assert (found.adom, found.prefix, found.placeholder, found.workspace) == ("root", "vectra_", "none", "auto")
    assert found.groups == {
        (INTERNAL, 4): "Vectra-Internal-Block",
        (EXTERNAL, 4): "Vectra-External-Block",
        (INTERNAL, 6): "",
        (EXTERNAL, 6): "",
    }
    assert found.scope == ()


def test_settings_scope_is_pairs_with_root_as_usual() -> None:
    assert settings_from_params({**PARAMS, "install_scope": "fgt-1/dmz, fgt-2"}).scope == (
        ("fgt-1", "dmz"),
        ("fgt-2", "root"),
    )


def test_settings_switched_off_installation_and_empty_texts_are_kept() -> None:
    found = settings_from_params({**PARAMS, "install_policy": "false", "external_group": "", "placeholder": ""})
    assert (found.install, found.groups[EXTERNAL, 4], found.placeholder) == (False, "", "")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"url": "fmg.example"}, "'url'"),
        ({"api_key": {}}, "'api_key' .* or both parts of 'credentials'"),
        ({"api_key": {}, "credentials": {"identifier": "u"}}, "both parts of 'credentials'"),
        ({"policy_package": ""}, "'policy_package' .* is empty"),
        ({"adom": "a/b"}, "'adom' .* slash"),
        ({"internal_group": "a/b"}, "'internal_group'"),
        ({"object_prefix": "v/"}, "'object_prefix'"),
        ({"install_scope": "a/b/c"}, "'install_scope' .*'a/b/c'"),
        ({"use_workspace": "sometimes"}, "'use_workspace' .*'sometimes'"),
        ({"task_timeout": "600"}, "'task_timeout' .*between 0 and 180"),
        ({"lock_wait": "soon"}, "'lock_wait'"),
        ({"tries": "1.5"}, "'tries'"),
    ],
)
def test_settings_wrong_value_is_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words) as told:
        settings_from_params({**PARAMS, **change})
    assert KEY not in str(told.value)


# ---- elements


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0.0.0.0/0", "unspecified"),
        ("0.0.0.0", "unspecified"),
        ("127.0.0.1", "loopback"),
        ("169.254.3.4", "link-local"),
        ("224.0.0.0/8", "multicast"),
        ("255.255.255.255", "broadcast"),
        ("126.0.0.0-128.0.0.0", "loopback"),
        ("::/0", "unspecified"),
        ("::1", "loopback"),
        ("fe80::1", "link-local"),
        ("ff02::1", "multicast"),
        ("192.0.2.250", "FortiManager itself"),
        ("192.0.2.0/24", "FortiManager itself"),
        ("192.0.2.1-192.0.2.254", "FortiManager itself"),
        ("bad.example", "block_domains"),
        ("192.0.2.1", ""),
        ("198.51.100.0/24", ""),
        ("2001:db8::/32", ""),
    ],
)
def test_refusal_names_what_nobody_means_to_block(text: str, words: str) -> None:
    found = refusal_of(thing_from(text), SETTINGS)
    assert words in found and bool(found) is bool(words)


def test_refusal_lets_domains_pass_when_they_are_allowed() -> None:
    assert refusal_of(thing_from("bad.example"), settings_from_params({**PARAMS, "block_domains": "true"})) == ""


@pytest.mark.parametrize(
    ("element", "kind", "side", "value"),
    [
        ("internal:10.1.2.3", "detection", INTERNAL, "10.1.2.3"),
        ("external:2001:db8::1", "host", EXTERNAL, "2001:db8::1"),
        ("10.1.2.3", "host", INTERNAL, "10.1.2.3"),
        ("10.1.2.3", "destinations", EXTERNAL, "10.1.2.3"),
        ("2001:db8::1", "host", INTERNAL, "2001:db8::1"),
    ],
)
def test_place_of_our_form_and_of_a_bare_address(element: str, kind: str, side: str, value: str) -> None:
    place = place_of(element, {"kind": kind})
    assert (place.side, place.thing.text) == (side, value)


@given(st.text(max_size=40))
def test_place_of_any_text_is_a_place_or_a_refusal(text: str) -> None:
    try:
        place = place_of(text, {"kind": "host"})
    except ValueError:
        return
    assert place_of(element_of(place.side, place.thing.text), {}) == place


@given(st.ip_addresses(), st.ip_addresses())
def test_object_name_fits_and_tells_things_apart(one: Any, other: Any) -> None:
    names = [object_name("vectra_", thing_from(str(address))) for address in (one, other)]
    assert (names[0] == names[1]) is (one == other)
    assert all(len(name) <= NAME_LENGTH and "/" not in name for name in names)


def test_object_name_that_is_too_long_is_cut_and_stays_unique() -> None:
    names = {object_name("vectra_", thing_from(f"{'a' * 60}.{'b' * 50}.x{n}.example")) for n in range(3)}
    assert len(names) == 3 and all(len(name) == NAME_LENGTH for name in names)


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("10.1.2.3", {"type": "ipmask", "subnet": "10.1.2.3 255.255.255.255"}),
        ("10.1.2.0/24", {"type": "ipmask", "subnet": "10.1.2.0 255.255.255.0"}),
        ("10.1.2.3-10.1.2.9", {"type": "iprange", "start-ip": "10.1.2.3", "end-ip": "10.1.2.9"}),
        ("2001:db8::1", {"type": "ipprefix", "ip6": "2001:db8::1/128"}),
        ("bad.example", {"type": "fqdn", "fqdn": "bad.example"}),
    ],
)
def test_object_data_by_kind_reads_back_as_the_same_value(text: str, fields: dict[str, str]) -> None:
    made = object_data("n", thing_from(text), "c" * 300)
    assert made == {"name": "n", "comment": "c" * 255, **fields}
    assert member_from(made).value == text


# ---- targets


def driver(**params: str) -> FortiManagerDriver:
    return FortiManagerDriver(FortiManagerClient(settings_from_params({**PARAMS, **params}), HttpTiming()))


def test_targets_have_the_group_and_the_object_that_a_release_will_need() -> None:
    [target] = driver().targets(Host("41", "10.1.2.3"))
    assert target.element == "internal:10.1.2.3"
    assert target.facts == {"group": "in", "object": "vectra_10.1.2.3"}
    found = driver().targets(Detection("7", ("203.0.113.5",), ("Bad.Example",)))
    assert [target.element for target in found] == ["external:203.0.113.5", "external:bad.example"]


def test_targets_of_what_is_no_address_or_no_kind_of_this_product_are_told() -> None:
    for entity, status in (
        (Host("41"), "not_found"),
        (Detection("7"), "not_found"),
        (Account("a", "b"), "unsupported"),
    ):
        with pytest.raises(TargetError) as told:
            driver().targets(entity)
        assert told.value.status == status


@pytest.mark.parametrize(
    "element", ["external:nonsense", "external:0.0.0.0/0", "external:2001:db8::1", "external:b.example"]
)
def test_block_of_what_cannot_be_blocked_asks_for_nothing(element: str) -> None:
    [target] = driver().targets(Detection("7", (), (element.partition(":")[2],)))
    found = driver().block(target, {"claims": ["b/detection:7"], "facts": target.facts or {}})
    assert found.status == "unsupported" and found.reason


# ---- replies


@pytest.mark.parametrize(
    ("reply", "count", "codes"),
    [
        ({"result": [{"status": {"code": 0, "message": "OK"}}]}, 1, [0]),
        ({"result": {"status": {"code": -3, "message": "x"}}}, 1, [-3]),
        ({"result": [{"status": {"code": -11}}]}, 3, [-11, -11, -11]),
        ({"result": [{"status": {"code": 0}}]}, 2, None),
        ({"result": [{}]}, 1, [-1]),
        ({"result": "x"}, 1, None),
        ([], 1, None),
        (None, 1, None),
    ],
)
def test_answers_of_any_reply_are_as_many_as_the_calls(reply: Any, count: int, codes: Any) -> None:
    found = answers_of(reply, count)
    assert (None if found is None else [answer.code for answer in found]) == codes


def test_data_of_a_refusal_has_code_text_and_hint() -> None:
    with pytest.raises(RefusedCallError, match=r"/x \(-10147 no write permission\): .*lock of the ADOM") as told:
        data_of("/x", Answer(-10147, "no write permission", None))
    assert told.value.code == -10147 and not told.value.uncertain


@pytest.mark.parametrize(
    ("row", "value"),
    [
        ({"name": "a", "type": "ipmask", "subnet": ["10.0.0.0", "255.255.255.0"]}, "10.0.0.0/24"),
        ({"name": "a", "type": "ipmask", "subnet": "10.0.0.1 255.255.255.255"}, "10.0.0.1"),
        ({"name": "a", "type": "iprange", "subnet": ["0.0.0.0", "0.0.0.0"], "start-ip": "1.1.1.1", "end-ip": "1.1.1.2"},
         "1.1.1.1-1.1.1.2"),
        ({"name": "a", "type": "fqdn", "fqdn": "Bad.Example"}, "bad.example"),
        ({"name": "a", "type": "geography", "country": "x"}, ""),
        ({"name": "a", "type": "ipmask", "subnet": None}, ""),
        ({"name": "a", "obj type": "firewall addrgrp"}, ""),
    ],
)  # fmt: skip
def test_member_value_is_the_usual_text_or_nothing(row: dict[str, Any], value: str) -> None:
    assert member_from(row) == Member("a", value, "")


def rows(*statuses: tuple[str, str]) -> list[dict[str, str]]:
    return [{"dev": name, "vdom": "root", "pkg": "branches/base", "status": status} for name, status in statuses]


TWO = {"scope member": [{"name": "a", "vdom": "root"}, {"name": "b", "vdom": "root"}]}


@pytest.mark.parametrize(
    ("package", "status", "waiting"),
    [
        (TWO, rows(("a", "installed"), ("b", "imported")), ()),
        (TWO, rows(("a", "installed"), ("b", "modified")), ("b/root (modified)",)),
        (TWO, rows(("a", "installed")), ("b/root (never installed)",)),
        (TWO, None, ("a/root (never installed)", "b/root (never installed)")),
        # A device group has no VDOM; its members show up once the package was installed on them.
        ({"scope member": [{"name": "group"}]}, rows(("c", "unknown")), ("c/root (unknown)",)),
        ({}, [{"dev": "a", "vdom": "root", "pkg": "other", "status": "modified"}],
         ("the package branches/base has no device to be installed on",)),
    ],
)  # fmt: skip
def test_waiting_targets_are_those_that_do_not_have_the_package(package: Any, status: Any, waiting: Any) -> None:
    assert waiting_targets(package, status, SETTINGS) == waiting


def test_waiting_targets_with_a_scope_are_only_those_in_it() -> None:
    scoped = settings_from_params({**PARAMS, "install_scope": "a"})
    assert waiting_targets(TWO, rows(("a", "installed"), ("b", "modified")), scoped) == ()
    assert waiting_targets(TWO, rows(("b", "installed")), scoped) == ("a/root (never installed)",)


@pytest.mark.parametrize(
    ("policy", "found"),
    [
        ({"action": "deny", "status": "enable", "srcaddr": ["in"]}, {Group(4, "in")}),
        ({"action": 0, "status": 1, "srcaddr": ["in", "x"], "dstaddr": "out"}, {Group(4, "in"), Group(4, "out")}),
        ({"action": "deny", "srcaddr": ["in"]}, {Group(4, "in")}),
        ({"action": "deny", "status": "disable", "srcaddr": ["in"]}, set()),
        ({"action": "accept", "status": "enable", "srcaddr": ["in"]}, set()),
        ({"action": "deny", "status": "enable", "dstaddr": ["in"], "srcaddr": ["out"]}, set()),
    ],
)
def test_ruled_groups_are_sources_and_destinations_of_enabled_deny_rules(policy: Any, found: Any) -> None:
    assert ruled_groups([policy], SETTINGS) == found


def test_task_failure_tells_the_lines_that_failed_and_trusts_no_line_code() -> None:
    task = json.loads((DATA / "install_task.json").read_text(encoding="utf-8"))["result"][0]["data"]
    assert task_failure(task) == "fgt-1: install failed: the connection to the device is down"
    assert task_failure({**task, "num_err": 0, "state": "done"}) == ""
    assert task_failure({"num_err": 0, "state": "cancelled"}) == "it ended as cancelled"
    many = [{"name": f"d{n}", "detail": "x", "state": "error"} for n in range(7)]
    assert task_failure({"num_err": 7, "line": many}).endswith("d4: x; and 2 more")


def test_small_forms() -> None:
    assert in_url("a/b") == "a\\/b"
    assert joined([["a", "==", "1"], ["b", "==", "2"]]) == [["a", "==", "1"], "||", ["b", "==", "2"]]
    assert [mode_word({"m": raw}, "m") for raw in (0, "1", 3, "Normal", "")] == [
        "disabled", "normal", "per-adom", "normal", "disabled",
    ]  # fmt: skip


# ---- main


class Reply:
    """An HTTP reply."""

    status_code, content = 200, b"x"

    def __init__(self, body: Any) -> None:
        self.headers: dict[str, str] = {}
        self.json = lambda: body


def run_main(monkeypatch: pytest.MonkeyPatch, params: dict[str, Any], code: int) -> Any:
    demisto.reset()
    found = {"result": [{"status": {"code": code, "message": "said the server"}, "data": None, "url": "x"}]}
    monkeypatch.setattr(FortiManagerClient, "exchange", lambda *args: Reply(found))
    monkeypatch.setattr(demisto, "command", lambda: "test-module")
    monkeypatch.setattr(demisto, "params", lambda: params)
    monkeypatch.setattr(demisto, "args", dict)
    with suppress(SystemExit):
        main()
    [result] = demisto.last_results()
    return result


def test_main_tells_a_refusal_as_an_error_without_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run_main(monkeypatch, PARAMS, -11)
    assert result["Type"] == 4 and "test-module: FortiManager refused /sys/status (-11 said the server)" in str(result)
    assert KEY not in str(result)


def test_main_tells_a_wrong_parameter_as_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "'url'" in run_main(monkeypatch, {**PARAMS, "url": ""}, 0)["Contents"]
