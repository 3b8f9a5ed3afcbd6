from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from warroom.engine.errors import UsageError
from warroom.engine.xsoar.connection import connection_of


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("https://xsoar.example.com/", "https://xsoar.example.com"),
        (" https://XSOAR.example.com:8443// ", "https://xsoar.example.com:8443"),
        ("https://[::1]:8443/acc_tenant/", "https://[::1]:8443/acc_tenant"),
    ],
)
def test_connection_of_address_loses_slashes_at_its_end(given: str, url: str) -> None:
    assert connection_of({"url": given}).url == url


def test_connection_of_prefixes_follow_the_version() -> None:
    assert connection_of({"url": "https://x"}).prefixes == ("",)
    assert connection_of({"url": "https://x", "key_id": "1"}).prefixes == ("/xsoar/public/v1", "/xsoar")
    assert connection_of({"url": "https://x", "key_id": "1", "prefix": "a/b/"}).prefixes == ("/a/b",)
    assert connection_of({"url": "https://x", "key_id": "1", "prefix": ""}).prefixes == ("",)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"url": "xsoar.example.com"}, "no address"),
        ({"url": "https://x:port"}, "no address"),
        ({"url": "https://x/?a=b"}, "no address"),
        ({"url": "https://me:hidden@x"}, "must not hold"),
        ({"key_type": "advanced"}, "give --key-id"),
        ({"key_type": "other"}, "one of standard, advanced"),
        ({"key_id": "sieben\u00e9"}, "no id"),
        ({"prefix": "/a?b"}, "no prefix"),
        ({"timeout_seconds": 0}, "above 0"),
        ({"ca_file": "nowhere.pem"}, "no file of certificates"),
    ],
)
def test_connection_of_what_is_wrong_is_named(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told) as caught:
        connection_of({"url": "https://x", **changes})
    assert "hidden" not in str(caught.value)


def test_connection_of_survives_the_store(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    made = connection_of({"url": "https://x", "key_id": "7", "ca_file": str(tmp_path / "ca.pem"), "insecure": True})
    assert connection_of({**made.as_dict(), "from_a_later_version": 1}) == made
