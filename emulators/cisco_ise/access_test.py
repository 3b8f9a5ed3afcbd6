"""Who may do what, and the CSRF check."""

from __future__ import annotations

import pytest
import requests

from emulators.cisco_ise.conftest import MAC, Start

FETCH = {"X-CSRF-TOKEN": "fetch"}


@pytest.mark.parametrize(
    ("groups", "external", "expected"),
    [
        ("ERS Admin", False, (200, 204, 403)),
        ("ERS Operator", False, (200, 403, 403)),
        ("ERS Admin,MnT Admin", False, (200, 204, 200)),
        ("ERS Admin,MnT Admin", True, (200, 204, 401)),
        ("Super Admin", False, (200, 204, 200)),
        ("System Admin", False, (403, 403, 200)),
    ],
)
def test_groups_decide(ise: Start, groups: str, external: bool, expected: tuple[int, int, int]) -> None:
    client = ise()
    account = {"name": "bob", "password": "made-up", "groups": groups.split(","), "external": external}
    client.emulator.state.seed({"accounts": [account]})
    client.sign_in("bob", "made-up")
    asked = client.ers("GET", "ancpolicy"), client.order("apply"), client.mnt("ActiveCount")
    assert tuple(reply.status_code for reply in asked) == expected


def test_wrong_login_is_an_html_page(ise: Start) -> None:
    client = ise()
    client.sign_in(client.emulator.username, "wrong")
    for reply in (client.ers("GET", "ancpolicy"), client.order("apply"), client.mnt("ActiveCount")):
        assert (reply.status_code, reply.headers["Content-Type"]) == (401, "text/html;charset=utf-8")
    client.http.auth = None
    assert client.ers("GET", "ancpolicy").status_code == 401


def test_csrf_order_needs_token_and_cookie(ise: Start) -> None:
    client = ise(csrf="on")
    assert client.order("apply").status_code == 403
    fetched = client.ers("GET", "ancendpoint/versioninfo", headers=FETCH)
    token = {"X-CSRF-TOKEN": fetched.headers["X-CSRF-Token"]}
    assert client.order("apply", headers={"X-CSRF-TOKEN": "wrong"}).status_code == 403
    assert client.order("apply", headers=token).status_code == 204
    client.http.cookies.clear()
    assert client.order("clear", headers=token).status_code == 403


def test_csrf_token_ends(ise: Start) -> None:
    client = ise(csrf="on")
    fetched = client.ers("GET", "ancendpoint/versioninfo", headers=FETCH)
    client.edit(end_web_sessions=True)
    assert client.order("apply", headers={"X-CSRF-TOKEN": fetched.headers["X-CSRF-Token"]}).status_code == 403


def test_csrf_off_gives_no_token(ise: Start) -> None:
    fetched = ise().ers("GET", "ancendpoint/versioninfo", headers=FETCH)
    assert fetched.status_code == 200 and "X-CSRF-Token" not in fetched.headers


def test_ers_off_nobody_answers(ise: Start) -> None:
    client = ise()
    client.edit(ers="off")
    with pytest.raises(requests.ConnectionError):
        client.ers("GET", "ancpolicy")
    assert client.mnt("ActiveCount").status_code == 200
    client.edit(ers="on")
    assert client.ers("GET", "ancpolicy").status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Accept": "*/*"}, 406), ({"Content-Type": "application/xml"}, 415), ({"X-Odd": "1"}, 400)],
)
def test_media_types_and_headers_are_checked(ise: Start, headers: dict[str, str], status: int) -> None:
    client = ise()
    assert client.order("apply", headers=headers).status_code == status
    assert not client.emulator.ise.anc.policy_of(MAC)


def test_rate_over_both_apis_is_429(ise: Start) -> None:
    client = ise(rate=2)
    assert [client.ers("GET", "ancpolicy").status_code, client.mnt("ActiveCount").status_code] == [200, 200]
    assert client.ers("GET", "ancpolicy").status_code == 429
