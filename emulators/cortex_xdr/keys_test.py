"""Keys over real HTTP."""

from __future__ import annotations

import pytest
import requests

from emulators.cortex_xdr.conftest import NOW_MS, Client, Start, advanced_headers, nonce
from emulators.cortex_xdr.indicators.routes import BASE
from emulators.kit.xdrkeys import LIFE_MS, Nonces, signature

CALL = b'{"request_data": {"last_update_ts": 0}}'


def status(client: Client, headers: dict[str, str]) -> int:
    return requests.post(f"{client.emulator.url}{BASE}get_changes", data=CALL, headers=headers, timeout=5).status_code


def test_signature_is_the_documented_digest() -> None:
    # sha256("keyNONCE1700000000000"), worked out apart from this code with sha256sum.
    assert signature("key", "NONCE", "1700000000000") == (
        "2c293f8bcb49f27772ec1bf38baba0e230fde8620645767400339cf80068dc10"
    )


@pytest.mark.parametrize("kind", ["advanced", "standard"])
def test_key_good_is_accepted_and_wrong_is_401(xdr: Start, kind: str) -> None:
    client = xdr(api_key_type=kind, api_key="secret", api_key_id="7")
    assert client.keys()["x-xdr-auth-id"] == "7"
    assert status(client, client.keys()) == 200
    assert status(client, {**client.keys(), "x-xdr-auth-id": "8"}) == 401
    assert status(client, {**client.keys(), "Authorization": "0" * 64}) == 401
    assert status(client, {}) == 401


def test_key_wrong_reply_has_the_vendor_shape_and_no_reason(xdr: Start) -> None:
    client = xdr()
    reply = client.send("get_changes", {}, {"Authorization": "wrong"})
    assert reply.json()["reply"]["err_code"] == 401 and reply.json()["reply"]["err_extra"] is None
    assert client.emulator.requests.latest(1)[0].note == "the signature is wrong"


def test_key_standard_signed_as_advanced_is_401_and_the_other_way_round(xdr: Start) -> None:
    standard, advanced = xdr(api_key_type="standard", api_key="k"), xdr(api_key_type="advanced", api_key="k")
    signed, plain = advanced_headers("1", "k", NOW_MS), {"x-xdr-auth-id": "1", "Authorization": "k"}
    assert (status(standard, signed), status(advanced, plain)) == (401, 401)
    # The right key with the other kind's headers is not a standard call either.
    assert status(standard, {**signed, "Authorization": "k"}) == 401


@pytest.mark.parametrize(
    ("age_ms", "wanted"),
    [(0, 200), (LIFE_MS, 200), (LIFE_MS + 1, 401), (-LIFE_MS, 200), (-LIFE_MS - 1, 401)],
)
def test_signature_age_decides(xdr: Start, age_ms: int, wanted: int) -> None:
    client = xdr(api_key="k")
    assert status(client, advanced_headers("1", "k", NOW_MS - age_ms)) == wanted


def test_signature_ages_on_the_emulators_clock(xdr: Start) -> None:
    client = xdr()
    headers = client.keys()
    client.admin("clock", {"advance": 301})
    assert status(client, headers) == 401
    assert status(client, client.keys()) == 200


def test_nonce_used_twice_is_401(xdr: Start) -> None:
    client = xdr()
    headers = client.keys()
    assert [status(client, headers) for _ in range(2)] == [200, 401]
    assert client.emulator.requests.latest(1)[0].note == "x-xdr-nonce was used before"


def test_nonce_of_a_failed_request_stays_unused(xdr: Start) -> None:
    client = xdr()
    headers = client.keys()
    assert status(client, {**headers, "Authorization": "wrong"}) == 401
    assert status(client, headers) == 200


@pytest.mark.parametrize("bad", ["", "x" * 63, "x" * 65, "-" * 64])
def test_nonce_of_another_form_is_401(xdr: Start, bad: str) -> None:
    client = xdr(api_key="k")
    headers = {**advanced_headers("1", "k", NOW_MS), "x-xdr-nonce": bad}
    assert status(client, {**headers, "Authorization": signature("k", bad, str(NOW_MS))}) == 401


@pytest.mark.parametrize("bad", ["", "soon", str(NOW_MS // 1000), "9" * 30])
def test_timestamp_of_another_form_is_401(xdr: Start, bad: str) -> None:
    client = xdr(api_key="k")
    fresh = nonce()
    headers = {"x-xdr-auth-id": "1", "x-xdr-nonce": fresh, "x-xdr-timestamp": bad}
    assert status(client, {**headers, "Authorization": signature("k", fresh, bad)}) == 401


def test_nonces_are_forgotten_when_their_signatures_are_dead() -> None:
    nonces = Nonces()
    assert nonces.is_new("a", 0)
    assert not nonces.is_new("a", 2 * LIFE_MS)
    assert nonces.is_new("a", 2 * LIFE_MS + 1)


def test_key_survives_reset_and_fault_expires_it(xdr: Start) -> None:
    client = xdr()
    client.admin("reset", {})
    assert status(client, client.keys()) == 200
    client.admin("faults", {"kind": "expired_key", "count": 1})
    assert [status(client, client.keys()) for _ in range(2)] == [401, 200]
