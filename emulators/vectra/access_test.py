"""Tokens over real HTTP."""

from __future__ import annotations

import pytest
import requests

from emulators.kit import BadOption
from emulators.vectra.conftest import RUX, VERSIONS, Start
from emulators.vectra.options import VectraOptions


@pytest.mark.parametrize("version", VERSIONS)
def test_token_call_good_client_gets_bearer_and_refresh_only_on_rux(vectra: Start, version: str) -> None:
    client = vectra(version, expires_in=60, refresh_expires_in=120)
    reply = client.sign_in()
    common = {"access_token", "token_type", "expires_in"}
    assert reply.keys() == (common if version == "2.5" else common | {"refresh_token", "refresh_expires_in"})
    assert (reply["expires_in"], reply.get("refresh_expires_in", 120)) == (60, 120)
    assert client.get("hosts")["count"] == 0


@pytest.mark.parametrize("version", VERSIONS)
def test_version_not_offered_is_404_also_with_its_token_path(vectra: Start, version: str) -> None:
    client = vectra(version)
    url = client.emulator.url
    for other in set(VERSIONS) - {version}:
        assert client.http.get(f"{url}/api/v{other}/hosts").status_code == 404
    wrong = "/oauth2/token" if version == "2.5" else "/api/v2.5/oauth2/token"
    assert client.http.post(url + wrong, data={"grant_type": "client_credentials"}).status_code == 404


def test_personal_token_good_is_accepted_and_bearer_is_401(vectra: Start) -> None:
    client = vectra("2.5", auth="token", token="sesame")
    assert client.http.headers["Authorization"] == "Token sesame"
    assert client.get("hosts")["count"] == 0
    for header in ("Bearer sesame", "Token wrong", "sesame", ""):
        reply = client.http.get(f"{client.emulator.url}/api/v2.5/hosts", headers={"Authorization": header})
        assert (reply.status_code, reply.json()) == (401, {"detail": "Invalid token."})
    assert client.http.post(f"{client.emulator.url}/api/v2.5/oauth2/token", data={}).status_code == 404


@pytest.mark.parametrize("header", ["", "Bearer wrong", "Token {good}", "bearer {good}", "{good}"])
def test_bearer_missing_or_wrong_is_401(vectra: Start, header: str) -> None:
    client = vectra()
    good = client.sign_in()["access_token"]
    reply = requests.get(
        f"{client.emulator.url}/api/v3.4/hosts", headers={"Authorization": header.format(good=good)}, timeout=5
    )
    assert (reply.status_code, reply.json()) == (401, {"details": "Invalid token."})


def test_refresh_token_is_no_access_token(vectra: Start) -> None:
    client = vectra()
    client.http.headers["Authorization"] = "Bearer " + client.sign_in()["refresh_token"]
    assert client.call("GET", "hosts").status_code == 401


def test_access_token_past_its_life_is_401_until_refreshed(vectra: Start) -> None:
    client = vectra(expires_in=60, refresh_expires_in=120)
    refresh = client.sign_in()["refresh_token"]
    client.admin("clock", {"advance": 59})
    assert client.call("GET", "hosts").status_code == 200
    client.admin("clock", {"advance": 1})
    assert client.call("GET", "hosts").status_code == 401
    assert client.emulator.requests.latest(1)[0].note == "the access token has expired"
    renewed = client.token(grant_type="refresh_token", refresh_token=refresh).json()
    assert renewed.keys() == {"access_token", "token_type", "expires_in"}
    client.http.headers["Authorization"] = f"Bearer {renewed['access_token']}"
    assert client.call("GET", "hosts").status_code == 200
    client.admin("clock", {"advance": 60})
    assert client.token(grant_type="refresh_token", refresh_token=refresh).status_code == 401


@pytest.mark.parametrize(
    ("kind", "access", "refresh"), [("access", 401, 200), ("refresh", 200, 401), ("all", 401, 401)]
)
def test_tokens_ended_by_the_side_door_are_401(vectra: Start, kind: str, access: int, refresh: int) -> None:
    client = vectra()
    token = client.sign_in()["refresh_token"]
    client.admin("edit", {"tokens": kind})
    assert client.call("GET", "hosts").status_code == access
    assert client.token(grant_type="refresh_token", refresh_token=token).status_code == refresh


def test_token_call_wrong_client_is_401_and_wrong_form_400(vectra: Start) -> None:
    client = vectra()
    url = f"{client.emulator.url}/oauth2/token"
    assert client.token(secret="wrong").status_code == 401
    assert requests.post(url, data={"grant_type": "client_credentials"}, timeout=5).status_code == 401
    assert client.token(grant_type="password").status_code == 400
    assert client.token(grant_type="client_credentials", scope="all").status_code == 400
    assert client.token(grant_type="refresh_token", refresh_token="unknown").status_code == 401
    good = (client.emulator.client_id, client.emulator.client_secret)
    assert requests.post(url, json={"grant_type": "client_credentials"}, auth=good, timeout=5).status_code == 400
    assert requests.get(url, auth=good, timeout=5).status_code == 405


def test_token_call_refresh_on_qux_is_400(vectra: Start) -> None:
    assert vectra("2.5").token(grant_type="refresh_token", refresh_token="x").status_code == 400


def test_reset_keeps_secret_and_forgets_tokens(vectra: Start) -> None:
    client = vectra()
    client.admin("reset", {})
    assert client.call("GET", "hosts").status_code == 401
    client.sign_in()
    assert client.call("GET", "hosts").status_code == 200


def test_fault_expired_key_is_401_for_a_good_token(vectra: Start) -> None:
    client = vectra()
    client.admin("faults", {"kind": "expired_key", "path": "/api/*", "count": 1})
    assert [client.call("GET", "hosts").status_code for _ in range(2)] == [401, 200]


@pytest.mark.parametrize("version", RUX)
def test_option_personal_token_on_rux_is_refused(version: str) -> None:
    with pytest.raises(BadOption, match="--auth token"):
        VectraOptions(api_version=version, auth="token")
