"""Settings, replies, choosing and the state table as values, and `main` against a tenant in memory."""

import json
from pathlib import Path
from typing import Any

import CortexXDRResponse
import demistomock as demisto
import pytest
from CortexXDRResponse import (
    AWAY,
    HELD,
    HERE,
    ISOLATE,
    ISOLATED,
    PENDING_ISOLATION,
    PENDING_RELEASE,
    RELEASE,
    STATE_TABLE,
    UNISOLATED,
    Endpoint,
    Host,
    HttpTiming,
    ProductError,
    TargetError,
    XDRClient,
    XDRRefusedError,
    action_end_of,
    action_id_of,
    action_of,
    agreement,
    choose_endpoint,
    endpoint_page,
    first_label,
    is_synthetic,
    is_wrong_state,
    isolation_of,
    list_of,
    main,
    name_spellings,
    reference_of,
    row_for,
    row_words,
    settings_from_params,
)
from hypothesis import given
from hypothesis import strategies as st

DATA = Path(__file__).parent / "test_data"
ENDPOINT_ID = "0123456789abcdef0123456789abcdef"
SECRET = "Very-Secret-Key"
PARAMS = {
    "url": "https://api-t.example/public_api/v1/",
    "apikey_id_creds": {"password": "7"},
    "apikey_creds": {"password": SECRET},
}
REPLY = json.loads((DATA / "get_endpoint.json").read_text(encoding="utf-8"))["reply"]


# ---- settings


def test_settings_have_careful_defaults() -> None:
    made = settings_from_params(PARAMS)
    assert (made.url, made.key.key_id, made.key.key_type, made.detect_key_type) == (
        "https://api-t.example", "7", "advanced", True,
    )  # fmt: skip
    assert (made.queue_isolate, made.queue_release, made.adopt, made.verify, made.proxy) == (
        False,
        True,
        False,
        True,
        False,
    )
    assert (made.poll, made.timeout, made.incident_id) == (10, 60, "")


def test_settings_take_every_parameter() -> None:
    given_params = {
        "api_key_type": "Standard", "offline_isolate": "queue", "offline_release": "wait", "poll": "0", "timeout": 30,
        "adopt_existing_isolation": "true", "incident_id": " 9 ", "insecure": True, "proxy": "true",
    }  # fmt: skip
    made = settings_from_params({**PARAMS, **given_params})
    assert (made.key.key_type, made.detect_key_type) == ("standard", False)
    assert (made.queue_isolate, made.queue_release, made.adopt, made.verify, made.proxy) == (
        True,
        False,
        True,
        False,
        True,
    )
    assert (made.poll, made.timeout, made.incident_id) == (0, 30, "9")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("url", "api-t.example", "'url'"),
        ("api_key_type", "hmac", "auto, advanced, standard"),
        ("offline_isolate", "never", "skip, queue"),
        ("offline_release", "skip", "queue, wait"),
        ("poll", "121", "between 0 and 120"),
        ("poll", "-1", "between"),
        ("poll", "soon", "not a number"),
        ("timeout", "0", "between 0.1 and 600"),
        ("timeout", "nan", "between"),
        ("adopt_existing_isolation", "perhaps", "neither true nor false"),
        ("insecure", "perhaps", "neither true nor false"),
        ("proxy", "perhaps", "neither true nor false"),
        ("apikey_creds", {}, "is empty"),
        ("apikey_creds", {"password": f"{SECRET} x"}, "Copy it again"),
        ("apikey_id_creds", None, "is empty"),
    ],
)
def test_settings_name_the_parameter_that_is_wrong_and_show_no_secret(name: str, value: Any, says: str) -> None:
    with pytest.raises(ValueError, match=f"'{name}'") as caught:
        settings_from_params({**PARAMS, name: value})
    assert says in str(caught.value) and SECRET not in str(caught.value)


# ---- replies


def test_endpoints_are_read_from_the_documented_reply() -> None:
    (first, second), total = endpoint_page(REPLY)
    assert total == 2
    assert first == Endpoint(
        ENDPOINT_ID, "WS-12", "CONNECTED", UNISOLATED, frozenset({"005056aabbcc", "005056aabbcd"}), 1_795_000_000_000
    )
    assert (second.name, second.contact, second.isolation, second.macs) == (
        "f" * 32, AWAY, PENDING_RELEASE, frozenset({"0a0b0c0d0e0f"}),
    )  # fmt: skip


@pytest.mark.parametrize("reply", [None, [], "text", 5, {}, {"endpoints": None}, {"endpoints": {}}])
def test_endpoints_in_no_form_known_are_a_product_error(reply: Any) -> None:
    with pytest.raises(ProductError, match="get_endpoint"):
        endpoint_page(reply)


def test_endpoints_empty_page_ends_the_walk_whatever_the_total_says() -> None:
    assert endpoint_page({"endpoints": [], "total_count": 5000}) == ([], 0)


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("AGENT_ISOLATED", ISOLATED), ("agent_unisolated", UNISOLATED), ("isolated", ISOLATED), (None, ""), ("", ""),
        ("AGENT_PENDING_ISOLATION_CANCELLATION", PENDING_RELEASE), ("AGENT_PENDING_UNISOLATION", PENDING_RELEASE),
        ("AGENT_PENDING_ISOLATION", PENDING_ISOLATION), ("AGENT_NEW", "NEW"),
    ],
)  # fmt: skip
def test_isolation_is_read_without_case_and_prefix(raw: Any, wanted: str) -> None:
    assert isolation_of(raw) == wanted


@pytest.mark.parametrize(("raw", "wanted"), [(None, []), ("", []), ("a", ["a"]), (["a", None, 1], ["a", "1"])])
def test_lists_may_be_null_or_text(raw: Any, wanted: list[str]) -> None:
    assert list_of(raw) == wanted


@pytest.mark.parametrize(
    ("reply", "wanted"),
    [
        ({"action_id": "17", "status": "1", "endpoints_count": "1"}, "17"), ({"action_id": 17}, "17"),
        ({"group_action_id": 17}, "17"), (17, "17"), ("17", "17"), ({}, ""), (None, ""), (True, ""), ([], ""),
    ],
)  # fmt: skip
def test_action_id_is_read_from_each_form(reply: Any, wanted: str) -> None:
    assert action_id_of(reply) == wanted


@pytest.mark.parametrize(
    ("reply", "wanted"),
    [
        ({"data": {ENDPOINT_ID: "FAILED"}, "errorReasons": {ENDPOINT_ID: {"errorDescription": "x"}}}, ("FAILED", "x")),
        ({"data": {ENDPOINT_ID: "failed"}, "errorReasons": None}, ("FAILED", "")),
        ({"data": {ENDPOINT_ID: "PENDING"}}, ("PENDING", "")),
        ({"data": {"other": "FAILED"}}, ("", "")),
        ({"data": None}, ("", "")),
        ("text", ("", "")),
    ],
)
def test_action_status_is_read_with_and_without_reasons(reply: Any, wanted: tuple[str, str]) -> None:
    assert action_end_of(reply, ENDPOINT_ID) == wanted


def test_wrong_state_is_told_from_other_500s() -> None:
    assert is_wrong_state(XDRRefusedError("... - No endpoint was found for creating the requested action", 500))
    assert is_wrong_state(XDRRefusedError("x: can't create group action id for UNISOLATE", 500))
    assert not is_wrong_state(XDRRefusedError("An error occurred while processing XDR public API", 500))


def test_reference_names_the_kind_of_order() -> None:
    assert action_of(reference_of(ISOLATE, "17"), ISOLATE) == "17"
    assert action_of(reference_of(ISOLATE, "17"), RELEASE) == ""
    assert (reference_of(ISOLATE, ""), action_of("", ISOLATE)) == ("", "")


# ---- choosing


def endpoint(
    name: str = "WS-1", status: str = "CONNECTED", macs: tuple[str, ...] = (), key: str = ENDPOINT_ID
) -> Endpoint:
    return Endpoint(key, name, status, UNISOLATED, frozenset(macs), 0)


@pytest.mark.parametrize(
    ("name", "synthetic"),
    [("IP-10.0.0.1", True), ("ip-fe80::1", True), ("10.0.0.1", True), ("IP-cam", False), ("WS-1", False), ("", False)],
)
def test_names_made_from_addresses_are_known(name: str, synthetic: bool) -> None:
    assert is_synthetic(name) is synthetic


def test_spellings_hold_short_and_full_names_once() -> None:
    spellings = name_spellings(Host("41", name="Ws-1.corp.example", fqdn="WS-1.corp.example"))
    assert spellings == ["Ws-1.corp.example", "WS-1.corp.example", "Ws-1", "WS-1", "ws-1"]
    assert name_spellings(Host("41", "10.0.0.1", "IP-10.0.0.1")) == []


@pytest.mark.parametrize(
    ("host", "macs", "wanted"),
    [
        (Host("1", name="ws-1.corp"), (), True),
        (Host("1", name="other"), (), False),
        (Host("1", name="IP-10.0.0.1"), ("005056aabbcc",), None),
        (Host("1", name="other", macs=("00:50:56:aa:bb:cc",)), ("005056aabbcc",), True),
        (Host("1", name="WS-1", macs=("00:50:56:aa:bb:dd",)), ("005056aabbcc",), True),
        (Host("1", macs=("00:50:56:aa:bb:dd",)), ("005056aabbcc",), False),
        (Host("1", macs=("00:50:56:aa:bb:dd",)), (), None),
    ],
)
def test_agreement_by_name_or_mac_where_they_can_be_compared(
    host: Host, macs: tuple[str, ...], wanted: bool | None
) -> None:
    assert agreement(host, endpoint(macs=macs)) is wanted


KINDS_OF_HOST = st.builds(
    Host,
    st.just("41"),
    name=st.sampled_from(["", "IP-10.0.0.1", "WS-1", "ws-2.corp"]),
    macs=st.sampled_from([(), ("00:50:56:aa:bb:01",), ("00:50:56:aa:bb:02",)]),
)
FOUND = st.lists(
    st.builds(
        endpoint,
        st.sampled_from(["WS-1", "WS-2", "WS-3"]),
        st.sampled_from(["CONNECTED", "DISCONNECTED", "LOST", "UNINSTALLED"]),
        st.sampled_from([(), ("005056aabb01",), ("005056aabb02",)]),
        st.uuids().map(str),
    ),
    max_size=4,
)


def choice(host: Host, found: list[Endpoint]) -> Endpoint | TargetError:
    try:
        return choose_endpoint(host, found)
    except TargetError as error:
        return error


@given(KINDS_OF_HOST, FOUND)
def test_chosen_endpoint_never_contradicts_the_host(host: Host, found: list[Endpoint]) -> None:
    chosen = choice(host, found)
    if isinstance(chosen, TargetError):
        assert chosen.status == ("failed" if found else "not_found")
        return
    assert chosen in found and agreement(host, chosen) is not False
    rivals = [one for one in found if one is not chosen and one.status != "UNINSTALLED" and agreement(host, one)]
    assert not rivals or (chosen.status == "CONNECTED" and all(one.status != "CONNECTED" for one in rivals))


@given(KINDS_OF_HOST, FOUND, st.randoms(use_true_random=False))
def test_choice_does_not_depend_on_the_order(host: Host, found: list[Endpoint], random: Any) -> None:
    mixed = list(found)
    random.shuffle(mixed)
    first, second = choice(host, found), choice(host, mixed)
    assert first == second or (isinstance(first, TargetError) and isinstance(second, TargetError))


def test_names_are_compared_up_to_the_first_dot() -> None:
    assert first_label("WS-1.Corp.Example") == first_label("ws-1") == "ws-1"


# ---- the state table


def test_table_has_a_row_for_every_state_of_a_living_agent() -> None:
    states = (UNISOLATED, ISOLATED, PENDING_ISOLATION, PENDING_RELEASE)
    assert set(STATE_TABLE) == {(r, c, s) for r in (ISOLATE, RELEASE) for c in (HERE, AWAY) for s in states}


def test_table_calls_in_the_opposite_state_only() -> None:
    calls = {key for key, row in STATE_TABLE.items() if row.move in ("order", "queue")}
    assert calls == {(ISOLATE, c, UNISOLATED) for c in (HERE, AWAY)} | {(RELEASE, c, ISOLATED) for c in (HERE, AWAY)}


def test_table_never_keeps_what_somebody_else_did() -> None:
    kept = {key for key, row in STATE_TABLE.items() if key[0] == ISOLATE and row.theirs in ("applied", "pending")}
    assert kept == {(ISOLATE, HERE, UNISOLATED)}
    assert all(STATE_TABLE[ISOLATE, contact, state].theirs == "already" for contact in (HERE, AWAY) for state in HELD)


@pytest.mark.parametrize("request_", [ISOLATE, RELEASE])
@pytest.mark.parametrize("status", ["CONNECTED", "LOST", "UNINSTALLED", "NEW", ""])
@pytest.mark.parametrize("state", [UNISOLATED, ISOLATED, PENDING_ISOLATION, PENDING_RELEASE, "NEW", ""])
def test_every_state_has_words_that_name_the_endpoint(request_: str, status: str, state: str) -> None:
    seen = Endpoint(ENDPOINT_ID, "WS-1", status, state, frozenset(), 0)
    row = row_for(request_, seen)
    words = row_words(row, ENDPOINT_ID, seen, "isolate 17")
    assert "WS-1" in words and "{" not in words
    assert row.ours in ("applied", "pending", "already", "not_found", "failed")


@pytest.mark.parametrize("request_", [ISOLATE, RELEASE])
def test_endpoint_that_is_gone_is_called_by_the_name_on_record(request_: str) -> None:
    words = row_words(row_for(request_, None), ENDPOINT_ID, None, "", "WS-1")
    assert ENDPOINT_ID in words and "WS-1" in words


# ---- main


class Tenant:
    """One endpoint; its agent does at once what is ordered. Stands in for the calls of XDRClient."""

    def __init__(self) -> None:
        self.isolation = "AGENT_UNISOLATED"
        self.asked: list[tuple[str, Any]] = []
        self.error: Exception | None = None

    def post(self, client: XDRClient, path: str, data: Any, once: bool = False) -> Any:
        self.asked.append((path, data))
        client.detect_key_type = False
        if self.error is not None:
            raise self.error
        if path.endswith("isolate"):
            assert once
            self.isolation = {"isolate": "AGENT_ISOLATED", "unisolate": "AGENT_UNISOLATED"}[path.rpartition("/")[2]]
            return {"action_id": len(self.asked)}
        row = {**REPLY["endpoints"][0], "is_isolated": self.isolation}
        return {"total_count": 1, "endpoints": [row]}


@pytest.fixture
def tenant(monkeypatch: pytest.MonkeyPatch) -> Tenant:
    made = Tenant()

    def post(client: XDRClient, path: str, data: Any, once: bool = False) -> Any:
        return made.post(client, path, data, once)

    monkeypatch.setattr(XDRClient, "post", post)
    monkeypatch.setattr(demisto, "integrationInstance", lambda: "xdr-1")
    return made


def run(monkeypatch: pytest.MonkeyPatch, command: str, **args: str) -> Any:
    monkeypatch.setattr(demisto, "command", lambda: command)
    monkeypatch.setattr(demisto, "args", lambda: args)
    monkeypatch.setattr(demisto, "params", lambda: PARAMS)
    results: list[Any] = []
    monkeypatch.setattr(CortexXDRResponse, "return_results", results.append)
    monkeypatch.setattr(CortexXDRResponse, "return_error", lambda text, error=None: results.append(text))
    main()
    (result,) = results
    return result


def test_main_blocks_and_releases_and_tells_of_it(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(
        monkeypatch, "vectra-block-host", ip="10.1.2.3", host_name="ws-12", host_id="41", brain="b", reason="why"
    )
    (row,) = result.outputs
    assert result.outputs_prefix == "VectraResponse.Outcome"
    time_free = {name: value for name, value in row.items() if name != "time"}
    assert time_free == {
        "action": "block", "brain": "b", "entity": "host:41", "brand": "CortexXDRResponse", "instance": "xdr-1",
        "element": ENDPOINT_ID, "entry": "", "status": "applied", "contained": True, "reason": "WS-12 is isolated",
        "reference": "isolate 4",
    }  # fmt: skip
    assert tenant.asked[0] == (
        "endpoints/get_endpoint",
        {
            "search_from": 0,
            "search_to": 100,
            "sort": {"field": "last_seen", "keyword": "DESC"},
            "filters": [{"field": "ip_list", "operator": "in", "value": ["10.1.2.3"]}],
        },
    )
    assert tenant.asked[3] == ("endpoints/isolate", {"endpoint_id": ENDPOINT_ID})
    (row,) = run(monkeypatch, "vectra-unblock-host", host_id="41", brain="b", elements=ENDPOINT_ID).outputs
    assert (row["status"], row["contained"], tenant.isolation) == ("applied", False, "AGENT_UNISOLATED")
    assert run(monkeypatch, "vectra-response-reconcile").outputs == []


def test_main_remembers_the_kind_of_key_beside_the_ledger(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    run(monkeypatch, "vectra-block-host", ip="10.1.2.3")
    context = demisto.getIntegrationContextVersioned()["context"]
    assert context["key_type"] == "advanced"
    assert set(json.loads(context["state"])["elements"]) == {ENDPOINT_ID}


def test_main_test_module_asks_for_one_endpoint(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, "test-module") == "ok"
    assert tenant.asked == [("endpoints/get_endpoint", {"search_from": 0, "search_to": 1})]


@pytest.mark.parametrize(
    ("command", "args", "says"),
    [
        ("vectra-block-host", {"ip": "10.1.2"}, "'10.1.2' is not an IP address"),
        ("no-such-command", {}, "no-such-command"),
    ],
)
def test_main_refuses_what_it_cannot_understand(
    command: str, args: dict[str, str], says: str, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert says in run(monkeypatch, command, **args)
    assert tenant.asked == []


def test_main_entities_that_are_no_hosts_are_unsupported(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    (row,) = run(monkeypatch, "vectra-block-account", account="jane").outputs
    assert (row["status"], tenant.asked) == ("unsupported", [])


def test_waiting_stops_at_the_time_that_was_set(tenant: Tenant) -> None:
    slept: list[float] = []
    clock = [0.0]

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock[0] += seconds

    timing = HttpTiming(lambda: clock[0], lambda: clock[0], sleep, lambda: 0.0)
    driver = CortexXDRResponse.new_driver(settings_from_params({**PARAMS, "poll": "7"}), timing)
    while driver.wait():
        pass
    assert slept == [3, 3, 1]
