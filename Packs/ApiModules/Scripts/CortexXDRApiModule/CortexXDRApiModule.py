"""HTTP client of the Cortex XDR public API, shared by every integration that talks to Cortex XDR.

It signs each try anew and sorts every failure by what the caller has to do next. Pacing and repeating is the part of
the `HttpRetry` of HttpRetryApiModule that the integration hands in.

    XDRError                  root; its text is written for the user
    |-- XDRConfigError        the user must act: key, role, licence, address, certificate, proxy
    |-- XDRRetryError         XDR was busy or unreachable and the tries or the time are used up: call again later
    |   `-- XDRPausedError    429 until the time was used up
    |-- XDRTooLargeError      413: send fewer records per request
    |-- XDRBadRequestError    XDR does not accept this body
    |-- XDRRefusedError       500 to a call that is sent once: XDR could not do it in the present state
    `-- XDRLostReplyError     a call that is sent once got no answer: look what became of it before sending it again
"""

import hashlib
import json
import re
import secrets
import string
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol

import demistomock as demisto  # noqa: F401
import requests
from CommonServerPython import *
from urllib3.exceptions import NewConnectionError

XDR_NONCE_LENGTH = 64
XDR_NONCE_ALPHABET = string.ascii_letters + string.digits
XDR_KEY_TYPES = ("advanced", "standard")
XDR_GRACE_SECONDS = 20.0
XDR_CONFIG_HINTS = {
    401: "the API key, its ID or its type is wrong, the key has expired, or the clock of this machine is minutes off",
    402: "the licence of this tenant does not include this call",
    403: "the role of the API key does not have the right for this call",
    404: "there is no Cortex XDR API at this address; use the API URL, https://api-<tenant address>",
}


class XDRError(DemistoException):
    """Root of all failures of a Cortex XDR call. `status` is the HTTP status, 0 when there was no reply."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class XDRConfigError(XDRError):
    """A person must change something: key, role, licence, address, certificate or proxy."""


class XDRRetryError(XDRError):
    """Busy or unreachable, and the tries or the time for this call are used up. The same call may succeed later.

    `retry_after` is what XDR asked for, in seconds, or None. `unsent`: there was not even a connection.
    """

    def __init__(self, message: str, status: int = 0, retry_after: float | None = None, unsent: bool = False) -> None:
        super().__init__(message, status)
        self.retry_after = retry_after
        self.unsent = unsent


class XDRPausedError(XDRRetryError):
    """429 until the time of this run was used up: the tenant is at its limit of requests, nothing is broken."""


class XDRTooLargeError(XDRError):
    """413: the body is larger than XDR takes."""


class XDRBadRequestError(XDRError):
    """XDR understood the call and refuses the body."""


class XDRRefusedError(XDRError):
    """500 to a call that is sent once. XDR says so to what it cannot do now, such as isolating what is isolated."""


class XDRLostReplyError(XDRError):
    """A call that is sent once was sent, and no usable answer came. It may or may not have been carried out."""


@dataclass(frozen=True)
class XDRKey:
    """An API key. `key_type` is `advanced` (signed requests) or `standard` (the key itself is sent)."""

    key_id: str
    secret: str
    key_type: str

    def __repr__(self) -> str:
        return f"XDRKey(key_id={self.key_id!r}, key_type={self.key_type!r})"

    def headers(self, nonce: str, timestamp_ms: int) -> dict[str, str]:
        """Authentication headers for one request, from the published key scheme of the Cortex XDR API.

        Args:
            nonce: 64 letters and digits, new for each request. Not used by a standard key.
            timestamp_ms: UTC epoch in milliseconds; XDR accepts a signature for about five minutes.
        """
        if self.key_type == "standard":
            return {"Authorization": self.secret, "x-xdr-auth-id": self.key_id}
        text = f"{self.secret}{nonce}{timestamp_ms}"
        return {
            "Authorization": hashlib.sha256(text.encode("utf-8")).hexdigest(),
            "x-xdr-auth-id": self.key_id,
            "x-xdr-nonce": nonce,
            "x-xdr-timestamp": str(timestamp_ms),
        }


class XDRRetry(Protocol):
    """What the client needs of `HttpRetry`. It is named here because no ApiModule imports another."""

    @property
    def pacer(self) -> Any:
        """Its `wait()` blocks until a request may start."""

    def now(self) -> float:
        """The epoch in seconds."""

    def seconds_left(self) -> float | None:
        """Time to the deadline, 0 when it is over; None when there is none."""

    def seconds_asked(self, retry_after: str | None) -> float | None:
        """The seconds of a `Retry-After` header."""

    def repeatable(self, status: int) -> bool:
        """Whether the same call may succeed later."""

    def run(
        self,
        one_try: Callable[[], Any],
        busy: type[Exception],
        *,
        paused: type[Exception] | None = None,
        once: Callable[[Any], Exception] | None = None,
    ) -> Any:
        """The result of the first try that gets through."""


def xdr_base_url(url: str) -> str:
    """The API address without a trailing slash or a pasted `/public_api/v1` or `/xsoar` ending.

    Raises:
        ValueError: not an http(s) address; names the value.
    """
    clean = (url or "").strip().rstrip("/")
    for ending in ("/public_api/v1", "/xsoar"):
        clean = clean.removesuffix(ending).rstrip("/")
    if not re.match(r"https?://[^/\s]+$", clean):
        raise ValueError(
            f"Parameter 'url' (Server URL): {url!r} is not an API address such as https://api-tenant.xdr.eu.paloaltonetworks.com"
        )
    return clean


def xdr_error_text(response: requests.Response) -> str:
    """What XDR says about a failure, from either place where it puts it, in at most 300 characters."""
    try:
        body = response.json()
    except ValueError:
        return " ".join(response.text.split())[:300]
    if isinstance(body, dict):
        inner = body.get("reply")
        reply = inner if isinstance(inner, dict) else body
        parts = [str(reply[name]) for name in ("err_msg", "err_extra", "message", "error") if reply.get(name)]
        if parts:
            return ": ".join(parts)[:300]
    return json.dumps(body)[:300]


class XDRClient(BaseClient):
    """POSTs to `<url>/public_api/v1/...`. Safe to use from several threads.

    A call of this API is a POST, and repeating most of them has the effect of doing it once (lookups, inserts that
    replace), so time-outs and broken connections are repeated as well as 408, 425, 429 and 5xx. For orders that are
    not of that kind say `once=True`: they are repeated only when XDR certainly did not begin them.

    Args:
        retry: paces and repeats the calls, an `HttpRetry`. The last request has ended 20 seconds after its deadline.
        detect_key_type: on a 401, go on with the other kind of key (`key` tells which is in use).
        source_headers: headers sent with every call, besides the key's.
    """

    def __init__(
        self,
        url: str,
        key: XDRKey,
        retry: XDRRetry,
        *,
        verify: bool = True,
        proxy: bool = False,
        timeout_seconds: float = 120,
        source_headers: Mapping[str, str] | None = None,
        detect_key_type: bool = False,
    ) -> None:
        super().__init__(base_url=xdr_base_url(url), verify=verify, proxy=proxy, timeout=timeout_seconds)
        self.key = key
        self.retry = retry
        self.source_headers = dict(source_headers or {})
        self.detect_key_type = detect_key_type
        self.key_lock = threading.Lock()
        self.timeout_seconds = timeout_seconds

    def post(self, path: str, request_data: Any, once: bool = False) -> Any:
        """Send `{"request_data": ...}` and give back the parsed reply, without its outer `reply` key where there is
        one.
        """
        return self.call(path, json.dumps({"request_data": request_data}).encode("utf-8"), once=once)

    def call(
        self,
        path: str,
        body: Any,
        content_type: str = "application/json",
        read: Callable[[requests.Response], Any] | None = None,
        once: bool = False,
    ) -> Any:
        """Send a finished body and give back what `read` makes of the reply.

        Args:
            body: bytes, or a function that opens a binary file; it is called for each try.
            read: makes the result from a reply whose body has not been read yet. What it raises because the body is
            torn or is no
                JSON (`requests.RequestException`, `ValueError`) counts as a failed try. Default: the parsed JSON as
                in `post`.
            once: the call must not be carried out twice, and 500 is an answer to it.

        Raises:
            XDRError: see the tree at the top of this file; XDRRefusedError and XDRLostReplyError with `once` only.
        """
        return self.retry.run(
            lambda: self.one_try(path, body, content_type, read),
            XDRRetryError,
            paused=XDRPausedError,
            once=xdr_once_failure if once else None,
        )

    def one_try(self, path: str, body: Any, content_type: str, read: Callable[[requests.Response], Any] | None) -> Any:
        used, stream = self.key, read is not None
        response = self.send(path, body, content_type, stream)
        if response.status_code == HTTPStatus.UNAUTHORIZED and self.switch_key_type(used):
            response.close()
            response = self.send(path, body, content_type, stream)
        if response.status_code >= 300:
            raise self.failure(path, response)
        try:
            result = (read or xdr_reply)(response)
        except (requests.RequestException, ValueError) as error:
            raise XDRRetryError(
                f"The reply of Cortex XDR to {path} broke off or is no JSON ({type(error).__name__})"
            ) from error
        finally:
            response.close()
        self.detect_key_type = False
        return result

    def switch_key_type(self, used: XDRKey) -> bool:
        """After a 401 with `used`: is there another kind of key to try? The first thread that asks switches, the
        others follow.
        """
        with self.key_lock:
            if self.key is not used:
                return True
            if not self.detect_key_type:
                return False
            self.detect_key_type = False
            self.key = XDRKey(used.key_id, used.secret, XDR_KEY_TYPES[1 - XDR_KEY_TYPES.index(used.key_type)])
            return True

    def send(self, path: str, body: Any, content_type: str, stream: bool) -> requests.Response:
        self.retry.pacer.wait()
        nonce = "".join(secrets.choice(XDR_NONCE_ALPHABET) for _ in range(XDR_NONCE_LENGTH))
        headers = {
            **self.source_headers,
            **self.key.headers(nonce, int(self.retry.now() * 1000)),
            "Content-Type": content_type,
        }
        opened = body() if callable(body) else None
        try:
            return self._http_request(
                "POST",
                full_url=f"{self._base_url}/public_api/v1/{path}",
                headers=headers,
                data=opened or body,
                timeout=self.time_for_one_request(),
                resp_type="response",
                ok_codes=tuple(range(100, 600)),
                stream=stream,
            )
        except (DemistoException, requests.RequestException, OSError) as error:
            raise xdr_connection_failure(f"{self._base_url}/public_api/v1/{path}", error) from error
        finally:
            if opened is not None:
                opened.close()

    def time_for_one_request(self) -> float:
        """The time-out of the next request: shorter near the deadline, to end before the server ends the run."""
        left = self.retry.seconds_left()
        return self.timeout_seconds if left is None else min(self.timeout_seconds, left + XDR_GRACE_SECONDS)

    def failure(self, path: str, response: requests.Response) -> XDRError:
        """The exception that fits a reply which is not a success."""
        status = response.status_code
        # A proxy or a test server may echo the request.
        text = xdr_error_text(response).replace(self.key.secret, "...")
        said = f"Cortex XDR answered {status} to {path}" + (f": {text}" if text else "")
        if status in XDR_CONFIG_HINTS:
            return XDRConfigError(f"{said}. Probably {XDR_CONFIG_HINTS[status]}.", status)
        if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return XDRTooLargeError(said, status)
        if self.retry.repeatable(status):
            return XDRRetryError(said, status, self.retry.seconds_asked(response.headers.get("Retry-After")))
        return XDRBadRequestError(said, status)


def xdr_connection_failure(path: str, error: Exception) -> XDRError:
    """Sort a request that got no reply: certificates and proxies need the user, all else may pass."""
    cause = getattr(error, "exception", None) or error
    name = type(cause).__name__
    if isinstance(cause, requests.exceptions.SSLError):
        return XDRConfigError(
            f"{path}: the certificate of Cortex XDR could not be verified. "
            "Check the address, or the proxy that opens TLS."
        )
    if isinstance(cause, requests.exceptions.ProxyError):
        return XDRConfigError(f"{path}: the proxy refused the connection. Check the system proxy settings.")
    if isinstance(cause, requests.exceptions.InvalidURL | requests.exceptions.MissingSchema):
        return XDRConfigError(f"{path}: the server URL cannot be used.")
    if xdr_was_never_sent(cause):
        hint = "nothing listens there, or nothing gets there: check the server URL, the proxy and the firewall"
        return XDRRetryError(f"Cortex XDR did not answer {path} ({name}): {hint}", unsent=True)
    return XDRRetryError(f"Cortex XDR did not answer {path} ({name})")


def xdr_was_never_sent(error: Exception) -> bool:
    """True when no connection was made. All other broken connections may have carried the request there."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(error, requests.exceptions.ConnectTimeout) or isinstance(reason, NewConnectionError)


def xdr_once_failure(error: XDRRetryError) -> XDRError:
    """What a failed try means for a call that is sent once."""
    if error.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return XDRRefusedError(str(error), error.status)
    return XDRLostReplyError(f"{error}; whether it was carried out is not known", error.status)


def xdr_reply(response: requests.Response) -> Any:
    """The parsed body, unwrapped from `reply` where it is wrapped. Raises ValueError when it is no JSON."""
    body = response.json()
    return body["reply"] if isinstance(body, dict) and "reply" in body else body
