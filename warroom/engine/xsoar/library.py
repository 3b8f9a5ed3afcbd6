"""demisto-py, set up for one server: the only place that knows the library.

It signs requests with both kinds of keys. Not used of it: `configure`, which changes addresses, reads half a dozen
variables and asks for a password when an advanced key comes without an id; the models, which forget the fields they
do not know and would send them back empty.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import Any

import certifi

from warroom.engine.errors import UsageError
from warroom.engine.xsoar.connection import Connection

CONNECT_SECONDS = 10.0
_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")


class Library:
    """One server through demisto-py. A request is sent once: no retries, no redirects."""

    def __init__(self, connection: Connection, key: str, environ: Mapping[str, str]) -> None:
        """Raises UsageError when the library is not installed."""
        self._connection = connection
        self._package = _demisto_client()
        self._api = _api(self._package, connection, key, environ)

    @property
    def refusal(self) -> type[Exception]:
        """What is raised for a status other than 2xx and for a certificate that is not trusted (status 0)."""
        return self._package.demisto_api.rest.ApiException  # type: ignore[no-any-return]

    def send(self, method: str, prefix: str, path: str, body: Any) -> Any:
        """The parsed answer, text when it is no JSON. Raises `refusal`, or urllib3's HTTPError."""
        from urllib3.exceptions import InsecureRequestWarning

        self._api.api_client.configuration.host = self._connection.url + prefix
        with warnings.catch_warnings():
            # Said once by the command line, not with every request.
            warnings.simplefilter("ignore", InsecureRequestWarning)
            answer, _, _ = self._api.generic_request(
                path, method, body, response_type="object",
                _request_timeout=(CONNECT_SECONDS, self._connection.timeout_seconds),
            )  # fmt: skip
        # The library puts an answer that has an `error` into a shell.
        return answer["response"] if isinstance(answer, dict) and answer.keys() == {"response", "error"} else answer


def _demisto_client() -> Any:
    try:
        with warnings.catch_warnings():
            # It imports distutils, which Python 3.11 warns of.
            warnings.simplefilter("ignore", DeprecationWarning)
            import demisto_client
    except ImportError as error:
        raise UsageError(f"this needs demisto-py: run `pip install 'warroom[xsoar]'` ({error})") from error
    return demisto_client


def _api(package: Any, connection: Connection, key: str, environ: Mapping[str, str]) -> Any:
    # Imported late: most commands of the program do without it.
    from requests.utils import get_environ_proxies, select_proxy

    api = package.demisto_api
    configuration = package.Configuration()
    for logger in configuration.logger.values():
        # It would write the library's warnings to stderr.
        logger.removeHandler(configuration.logger_stream_handler)
    configuration.verify_ssl = not connection.insecure
    configuration.ssl_ca_cert = connection.ca_file or _ca_file(environ)
    configuration.proxy = select_proxy(connection.url, get_environ_proxies(connection.url))
    if connection.key_type == "advanced":
        configuration.auth_signed_key = key
    else:
        configuration.api_key["Authorization"] = key
    if connection.key_id:
        configuration.api_key["x-xdr-auth-id"] = connection.key_id
    client = api.ApiClient(configuration)
    client.user_agent = "warroom"
    client.rest_client.pool_manager.connection_pool_kw["retries"] = False
    return api.DefaultApi(client)


def _ca_file(environ: Mapping[str, str]) -> str:
    named = next((environ[name] for name in _CA_VARIABLES if environ.get(name)), "")
    return named if os.path.isfile(named) else certifi.where()  # noqa: PTH113 - an empty name is no path
