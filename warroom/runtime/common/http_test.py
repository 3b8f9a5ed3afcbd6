from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from xml.etree.ElementTree import ParseError

import pytest
import requests

from warroom.runtime.common.entries import DemistoException
from warroom.runtime.common.http import BaseClient, ensure_proxy_has_http_prefix, handle_insecure, handle_proxy

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")


class Vendor(ThreadingHTTPServer):
    """Answers every request with `status` and `body`, and keeps (method, path, header X, body)."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status, self.body = 200, b"{}"
        self.seen: list[tuple[str, str, str | None, bytes]] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    def answer(self) -> None:
        vendor: Any = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        vendor.seen.append((self.command, self.path, self.headers.get("X"), body))
        self.send_response(vendor.status)
        self.send_header("Content-Length", str(len(vendor.body)))
        self.end_headers()
        self.wfile.write(vendor.body)

    do_GET = do_POST = answer  # noqa: N815

    def log_message(self, *args: Any) -> None:
        """Stays silent."""


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with Vendor() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    # Set first, so that what the code removes comes back afterwards.
    for name in (*PROXIES, "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "REQUESTS_TIMEOUT"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def test_http_request_returns_json_and_joins_the_address(vendor: Vendor) -> None:
    vendor.body = b'{"a": 1}'
    client = BaseClient(vendor.url, headers={"X": "client"})
    assert client._http_request("GET", "/v1") == {"a": 1}
    client._http_request("POST", full_url=f"{vendor.url}/v2", json_data={"b": 2}, headers={})
    assert vendor.seen == [("GET", "/v1", "client", b""), ("POST", "/v2", None, b'{"b": 2}')]


def test_http_request_empty_suffix_calls_the_base_with_a_slash(vendor: Vendor) -> None:
    BaseClient(f"{vendor.url}/base")._http_request("GET")
    assert vendor.seen[0][1] == "/base/"


@pytest.mark.parametrize(("kind", "result"), [("text", "<a/>"), ("content", b"<a/>")])
def test_http_request_other_kinds_of_body(vendor: Vendor, kind: str, result: object) -> None:
    vendor.body = b"<a/>"
    assert BaseClient(vendor.url)._http_request("GET", resp_type=kind) == result


def test_http_request_xml_is_only_checked(vendor: Vendor) -> None:
    vendor.body = b"<a/>"
    assert BaseClient(vendor.url)._http_request("GET", resp_type="xml").text == "<a/>"
    vendor.body = b"<a>"
    with pytest.raises(ParseError):
        BaseClient(vendor.url)._http_request("GET", resp_type="xml")


@pytest.mark.parametrize("status", [200, 204])
def test_http_request_empty_body_as_json_raises(vendor: Vendor, status: int) -> None:
    vendor.status, vendor.body = status, b""
    with pytest.raises(DemistoException, match="Failed to parse json"):
        BaseClient(vendor.url)._http_request("GET")


def test_http_request_return_empty_response_for_204_only(vendor: Vendor) -> None:
    vendor.status, vendor.body = 204, b""
    assert BaseClient(vendor.url)._http_request("GET", return_empty_response=True).status_code == 204
    vendor.status = 200
    with pytest.raises(DemistoException):
        BaseClient(vendor.url)._http_request("GET", return_empty_response=True)


def test_http_request_refused_status_raises_with_the_response(vendor: Vendor) -> None:
    vendor.status, vendor.body = 503, b'{"why": "busy"}'
    with pytest.raises(DemistoException, match=r"Error in API call \[503\](.|\n)*busy") as raised:
        BaseClient(vendor.url)._http_request("GET", retries=2)
    assert raised.value.res.status_code == 503
    assert len(vendor.seen) == 1, "retries are mounted for https:// only"


def test_http_request_ok_codes_of_call_and_client_decide(vendor: Vendor) -> None:
    vendor.status = 404
    assert BaseClient(vendor.url, ok_codes=(404,))._http_request("GET") == {}
    assert BaseClient(vendor.url)._http_request("GET", ok_codes=[404]) == {}
    vendor.status = 200
    with pytest.raises(DemistoException, match=r"\[200\]"):
        BaseClient(vendor.url, ok_codes=(404,))._http_request("GET")


def test_http_request_own_error_handler_is_asked(vendor: Vendor) -> None:
    vendor.status = 400
    seen: list[int] = []
    BaseClient(vendor.url)._http_request("GET", error_handler=lambda response: seen.append(response.status_code))
    assert seen == [400]


def test_implement_retry_mounts_https_with_the_schedule_of_the_server() -> None:
    client = BaseClient("https://127.0.0.1")
    client._implement_retry(3, [500], 0.2)
    retry = client._session.get_adapter("https://127.0.0.1").max_retries  # type: ignore[attr-defined]
    assert (retry.total, retry.status_forcelist, retry.backoff_factor) == (3, [500], 0.2)
    assert set(retry.allowed_methods) == {"GET", "POST", "PUT", "PATCH", "DELETE"}
    waits = []
    for _ in range(3):
        retry = retry.increment("GET", "/", error=OSError())
        waits.append(retry.get_backoff_time())
    assert waits == [0, 0.4, 0.8]


class Refusing:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def request(self, *args: Any, **kwargs: Any) -> Any:
        raise self.error


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (requests.exceptions.ConnectTimeout("x"), "Connection Timeout Error"),
        (requests.exceptions.SSLError("x"), "SSL Certificate Verification Failed"),
        (requests.exceptions.ProxyError("x"), "Proxy Error"),
        (requests.exceptions.ConnectionError("x"), "Connection Error"),
        (requests.exceptions.RetryError("x"), "Max Retries Error"),
    ],
)
def test_http_request_connection_failures_are_mapped(error: Exception, text: str) -> None:
    client = BaseClient("https://127.0.0.1")
    client._session = Refusing(error)  # type: ignore[assignment]
    with pytest.raises(DemistoException, match=text) as raised:
        client._http_request("GET")
    assert raised.value.exception is error


def test_http_request_read_timeout_and_unverified_ssl_error_are_raised_as_they_are() -> None:
    client = BaseClient("https://127.0.0.1", verify=False)
    for error in (requests.exceptions.ReadTimeout("x"), requests.exceptions.SSLError("x")):
        client._session = Refusing(error)  # type: ignore[assignment]
        with pytest.raises(type(error)):
            client._http_request("GET")


def test_base_client_removes_proxies_and_certificates_it_shall_not_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "proxy:3128")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/bundle")
    BaseClient("https://127.0.0.1", proxy=True)
    assert (os.environ["HTTPS_PROXY"], os.environ["REQUESTS_CA_BUNDLE"]) == ("http://proxy:3128", "/bundle")
    BaseClient("https://127.0.0.1", verify=False)
    assert "HTTPS_PROXY" not in os.environ
    assert "REQUESTS_CA_BUNDLE" not in os.environ


def test_base_client_timeout_gives_way_to_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert BaseClient("https://127.0.0.1", timeout=7).timeout == 7
    monkeypatch.setenv("REQUESTS_TIMEOUT", "3")
    assert BaseClient("https://127.0.0.1", timeout=7).timeout == 3


def test_handle_proxy_gives_the_environment_or_removes_it(monkeypatch: pytest.MonkeyPatch, demisto: Any) -> None:
    monkeypatch.setenv("http_proxy", "http://a")
    monkeypatch.setenv("HTTPS_PROXY", "b")
    monkeypatch.setattr(demisto, "params", lambda: {"proxy": True, "insecure": True})
    monkeypatch.setenv("CURL_CA_BUNDLE", "/bundle")
    assert handle_proxy() == {"http": "http://a", "https": "http://b"}
    assert "CURL_CA_BUNDLE" not in os.environ
    assert handle_insecure() is True
    monkeypatch.setattr(demisto, "params", dict)
    assert handle_proxy() == {}
    assert not any(name in os.environ for name in PROXIES)


def test_ensure_proxy_has_http_prefix_keeps_known_schemes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "socks5://a")
    ensure_proxy_has_http_prefix()
    assert os.environ["HTTP_PROXY"] == "socks5://a"
