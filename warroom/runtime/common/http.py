"""The HTTP client that integrations build on."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn
from urllib.parse import quote
from xml.etree import ElementTree

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from warroom.runtime.common.data import urljoin
from warroom.runtime.common.entries import DemistoException
from warroom.runtime.common.server import brand, demisto

__all__ = [
    "BaseClient", "ensure_proxy_has_http_prefix", "handle_insecure", "handle_proxy", "skip_cert_verification",
    "skip_proxy",
]  # fmt: skip

PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
CERTIFICATE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
RETRIED_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def skip_proxy() -> None:
    """Removes the proxy variables from the environment of this process."""
    for name in PROXY_VARIABLES:
        os.environ.pop(name, None)


def skip_cert_verification() -> None:
    """Removes the variables that name certificate bundles from the environment of this process."""
    for name in CERTIFICATE_VARIABLES:
        os.environ.pop(name, None)


def ensure_proxy_has_http_prefix() -> None:
    """Puts `http://` before proxy addresses in the environment that have no scheme."""
    for name in PROXY_VARIABLES:
        address = os.environ.get(name)
        if address and not address.startswith(("http://", "https://", "socks5://", "socks5h://", "socks4://")):
            os.environ[name] = f"http://{address}"


def handle_insecure(insecure_param_name: str | None = None) -> Any:
    """What the parameter `insecure` or `unsecure`, or the named one, asks for. True also drops certificate bundles."""
    names = (insecure_param_name,) if insecure_param_name else ("insecure", "unsecure")
    insecure = any(demisto.params().get(name) for name in names)
    if insecure:
        skip_cert_verification()
    return insecure


def handle_proxy(
    proxy_param_name: str = "proxy",
    checkbox_default_value: bool = False,
    handle_insecure: bool = True,
    insecure_param_name: str | None = None,
) -> dict[str, str]:
    """{"http", "https"}: the proxies of the environment when the parameter asks for them, else {} and they are removed.

    When the parameter `insecure` or `unsecure` (or the named one) is set, certificate bundles are removed too.
    """
    proxies = {}
    if demisto.params().get(proxy_param_name, checkbox_default_value):
        ensure_proxy_has_http_prefix()
        proxies = {scheme: _proxy(scheme) for scheme in ("http", "https")}
    else:
        skip_proxy()
    if handle_insecure:
        _insecure(insecure_param_name)
    return proxies


_insecure = handle_insecure


def _proxy(scheme: str) -> str:
    return os.environ.get(f"{scheme}_proxy") or os.environ.get(f"{scheme.upper()}_PROXY") or ""


class _PermissiveAdapter(HTTPAdapter):
    # A user who switched verification off wants to reach old servers, which today's defaults refuse.
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> Any:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_ciphers("DEFAULT:@SECLEVEL=1")
        context.options |= 0x4  # OP_LEGACY_SERVER_CONNECT, which Python names from 3.12 on only
        return super().init_poolmanager(*args, ssl_context=context, **kwargs)  # type: ignore[no-untyped-call,unused-ignore]


class BaseClient:
    """A vendor's address with what every call to it needs.

    `verify=False` and `proxy=False` also remove the certificate and proxy variables of the process. `ok_codes` are the
    statuses that are no errors; without them any below 400. `timeout` is in seconds and gives way to the environment
    variable REQUESTS_TIMEOUT.<brand> or REQUESTS_TIMEOUT.
    """

    REQUESTS_TIMEOUT = 60

    def __init__(
        self,
        base_url: str,
        verify: bool = True,
        proxy: bool = False,
        ok_codes: Iterable[int] = (),
        headers: Mapping[str, str] | None = None,
        auth: Any = None,
        timeout: float = REQUESTS_TIMEOUT,
    ) -> None:
        self._base_url = base_url
        self._verify = verify
        self._ok_codes = tuple(ok_codes or ())
        self._headers = headers
        self._auth = auth
        self._session = requests.Session()
        self.timeout = _timeout_seconds(timeout)
        if proxy:
            ensure_proxy_has_http_prefix()
        else:
            skip_proxy()
        if not verify:
            skip_cert_verification()
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
            self._session.mount("https://", _PermissiveAdapter())

    def _implement_retry(
        self,
        retries: int = 0,
        status_list_to_retry: Iterable[int] | None = None,
        backoff_factor: float = 5,
        backoff_jitter: float = 0.0,
        raise_on_redirect: bool = False,
        raise_on_status: bool = False,
    ) -> None:
        """Makes this and later calls of the session repeat failed requests. Works on https:// only, as on the server.

        The first repetition follows at once, later ones after factor*2, factor*4, ... seconds, at most 120.
        """
        retry = Retry(
            total=retries, read=retries, connect=retries, status=retries,
            backoff_factor=backoff_factor, backoff_jitter=backoff_jitter,
            status_forcelist=list(status_list_to_retry or ()), allowed_methods=RETRIED_METHODS,
            raise_on_status=raise_on_status, raise_on_redirect=raise_on_redirect,
        )  # fmt: skip
        adapter = HTTPAdapter if self._verify else _PermissiveAdapter
        self._session.mount("https://", adapter(max_retries=retry))

    def _http_request(
        self,
        method: str,
        url_suffix: str = "",
        full_url: str | None = None,
        headers: Mapping[str, str] | None = None,
        auth: Any = None,
        json_data: Any = None,
        params: Any = None,
        data: Any = None,
        files: Any = None,
        timeout: float | None = None,
        resp_type: str = "json",
        ok_codes: Iterable[int] | None = None,
        return_empty_response: bool = False,
        retries: int = 0,
        status_list_to_retry: Iterable[int] | None = None,
        backoff_factor: float = 5,
        backoff_jitter: float = 0.0,
        raise_on_redirect: bool = False,
        raise_on_status: bool = False,
        error_handler: Callable[[requests.Response], Any] | None = None,
        empty_valid_codes: Iterable[int] | None = None,
        params_parser: Callable[..., str] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Sends one request and returns the body as `resp_type` (json, text, content, xml, response) says.

        `headers` stand in for the client's, they are not merged. An empty `url_suffix` calls the base with a slash at
        its end. `return_empty_response` gives the response itself for the statuses in `empty_valid_codes` (204).
        Raises DemistoException for failed connections, refused statuses and bodies that are not JSON; the response is
        in its `res`, the cause in its `exception`. A read time-out is raised as requests.ReadTimeout, bad XML as
        ParseError.
        """
        if retries:
            self._implement_retry(
                retries, status_list_to_retry, backoff_factor, backoff_jitter, raise_on_redirect, raise_on_status
            )
        if params_parser is not None and params:
            params = params_parser(params, quote_via=quote)
        try:
            response = self._session.request(
                method, full_url or urljoin(self._base_url, url_suffix), verify=self._verify, params=params, data=data,
                json=json_data, files=files, headers=self._headers if headers is None else headers,
                auth=auth or self._auth, timeout=self.timeout if timeout is None else timeout, **kwargs,
            )  # fmt: skip
        except requests.exceptions.RequestException as error:
            raise self._connection_failure(error) from error
        if not self._is_status_code_valid(response, ok_codes):
            (error_handler or self.client_error_handler)(response)
        # The body comes last: looking at it would read a streamed reply whole.
        if return_empty_response and response.status_code in (empty_valid_codes or (204,)) and not response.content:
            return response
        return _body(response, resp_type)

    def _is_status_code_valid(self, response: requests.Response, ok_codes: Iterable[int] | None = None) -> bool:
        accepted = tuple(ok_codes or ()) or self._ok_codes
        return response.status_code in accepted if accepted else response.ok

    def client_error_handler(self, res: requests.Response) -> NoReturn:
        """Raises DemistoException with status, reason and body of a refused request."""
        message = f"Error in API call [{res.status_code}] - {res.reason}"
        try:
            message += f"\n{json.dumps(res.json())}"
        except ValueError:
            message += f"\n{res.text}"
        raise DemistoException(message, res=res)

    def _connection_failure(self, error: requests.exceptions.RequestException) -> Exception:
        if isinstance(error, requests.exceptions.SSLError) and not self._verify:
            return error
        for kind, message in CONNECTION_FAILURES:
            if isinstance(error, kind):
                return DemistoException(f"{message}\nError type: {type(error).__name__}\n{error}", error)
        return error


# In this order: a connect time-out, an SSL and a proxy error are connection errors too.
CONNECTION_FAILURES: tuple[tuple[type[Exception], str], ...] = (
    (
        requests.exceptions.ConnectTimeout,
        "Connection Timeout Error - the server did not answer. Check the server URL and the network.",
    ),
    (
        requests.exceptions.SSLError,
        "SSL Certificate Verification Failed - tick 'Trust any certificate' only if you know why it fails.",
    ),
    (
        requests.exceptions.ProxyError,
        "Proxy Error - if 'Use system proxy' is ticked, try without it or check the proxy settings of the host.",
    ),
    (
        requests.exceptions.ConnectionError,
        "Connection Error - the server could not be reached. Check the server URL and the network.",
    ),
    (requests.exceptions.RetryError, "Max Retries Error - the request failed in every try."),
)


def _timeout_seconds(default: float) -> float:
    for name in (f"REQUESTS_TIMEOUT.{brand()}", "REQUESTS_TIMEOUT"):
        try:
            return float(os.environ[name])
        except (KeyError, ValueError):
            continue
    return default


def _body(response: requests.Response, kind: str) -> Any:
    kind = kind.lower()
    if kind == "text":
        return response.text
    if kind == "content":
        return response.content
    if kind == "xml":
        # Only whether it is well formed is of interest here; the caller reads the text.
        ElementTree.fromstring(response.text)  # noqa: S314
        return response
    if kind == "json":
        try:
            return response.json()
        except ValueError as error:
            raise DemistoException(
                f"Failed to parse json object from response: {response.content!r}", error, response
            ) from error
    return response
