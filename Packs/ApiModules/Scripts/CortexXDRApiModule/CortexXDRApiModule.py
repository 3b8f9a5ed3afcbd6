"""HTTP client of the Cortex XDR public API, shared by every integration that talks to Cortex XDR.

It signs each try anew, paces requests below the tenant's limit, repeats what may be repeated and sorts every failure
by what the caller
has to do next:

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
import random
import re
import secrets
import string
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import demistomock as demisto  # noqa: F401
import requests
from CommonServerPython import *
from urllib3.exceptions import NewConnectionError

XDR_NONCE_LENGTH = 64
XDR_NONCE_ALPHABET = string.ascii_letters + string.digits
XDR_KEY_TYPES = ("advanced", "standard")
XDR_GRACE_SECONDS = 20.0
XDR_REPEATABLE_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504, 599})
XDR_TURNED_AWAY_STATUS = frozenset({425, 429})
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

    @property
    def not_begun(self) -> bool:
        """Certainly nothing was carried out: XDR turned the call away, or was never reached."""
        return self.unsent or self.status in XDR_TURNED_AWAY_STATUS


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


@dataclass(frozen=True)
class XDRTiming:
    """Everything that has to do with time, so that tests can stand in for it.

    `now` is the epoch in seconds, `monotonic` any steadily growing number of seconds, `sleep` waits that long,
    `jitter` gives a number from 0 up to, not including, 1.
    """

    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random


@dataclass(frozen=True)
class XDRRetryPolicy:
    """How often and how long to try: `attempts` tries, waits growing from `base_seconds` up to `cap_seconds`."""

    attempts: int = 6
    base_seconds: float = 0.5
    cap_seconds: float = 30.0

    def delay(self, tries: int, retry_after: float | None, jitter: float) -> float:
        """Seconds to wait after `tries` failed tries. What XDR asks for by `Retry-After` is a lower bound and is
        obeyed.
        """
        grown = min(self.cap_seconds, self.base_seconds * 2 ** (tries - 1))
        spread = grown * (0.5 + jitter / 2)
        return spread if retry_after is None else max(spread, retry_after)


def xdr_retry_after(value: str | None, now: float) -> float | None:
    """Seconds asked for by a `Retry-After` header, given as seconds or as an HTTP date; None when absent or
    unreadable.
    """
    if not value:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (TypeError, ValueError):
        return None


class XDRPacer:
    """Spaces the starts of requests of all threads: at most `rate` per second, slower after a 429, back in small steps.

    The limit of a tenant is shared with everyone else who uses its API, so the rate that really works is found, not
    known. Both steps are shares of the rate in use, so that it settles close to the limit also where that is far below
    `rate`.
    """

    SLOWEST = 0.5
    SLOWER = 0.85
    FASTER = 1.02

    def __init__(self, rate: float, timing: XDRTiming) -> None:
        self.rate = rate
        self.allowed = rate
        self.timing = timing
        self.next_start = 0.0
        self.lock = threading.Lock()

    def wait(self) -> None:
        """Block until the caller may start its request."""
        with self.lock:
            now = self.timing.monotonic()
            start = max(now, self.next_start)
            self.next_start = start + 1.0 / self.allowed
        if start > now:
            self.timing.sleep(start - now)

    def slower(self, pause_seconds: float) -> None:
        """XDR said 429: nobody starts before the pause is over, and the rate drops by a step."""
        with self.lock:
            self.allowed = max(min(self.SLOWEST, self.rate), self.allowed * self.SLOWER)
            self.next_start = max(self.next_start, self.timing.monotonic() + pause_seconds)

    def faster(self) -> None:
        """A request was accepted: come back to the configured rate, a fiftieth faster each time."""
        with self.lock:
            self.allowed = min(self.rate, self.allowed * self.FASTER)


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
        deadline: value of `timing.monotonic` after which no further wait is started and 20 seconds after which the last
            request has ended; None for no limit.
        detect_key_type: on a 401, go on with the other kind of key (`key` tells which is in use).
        source_headers: headers sent with every call, besides the key's.
    """

    def __init__(
        self,
        url: str,
        key: XDRKey,
        *,
        verify: bool = True,
        proxy: bool = False,
        timeout_seconds: float = 120,
        rate: float = 8.0,
        retries: XDRRetryPolicy | None = None,
        timing: XDRTiming | None = None,
        deadline: float | None = None,
        source_headers: Mapping[str, str] | None = None,
        detect_key_type: bool = False,
    ) -> None:
        super().__init__(base_url=xdr_base_url(url), verify=verify, proxy=proxy, timeout=timeout_seconds)
        self.key = key
        self.retries = retries or XDRRetryPolicy()
        self.timing = timing or XDRTiming()
        self.pacer = XDRPacer(rate, self.timing)
        self.deadline = deadline
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
        tries = 0
        while True:
            tries += 1
            try:
                return self.one_try(path, body, content_type, read)
            except XDRRetryError as error:
                if once and not error.not_begun:
                    raise xdr_once_failure(error) from error
                self.wait_or_give_up(error, tries)

    def wait_or_give_up(self, error: XDRRetryError, tries: int) -> None:
        delay = self.retries.delay(tries, error.retry_after, self.timing.jitter())
        late = self.deadline is not None and self.timing.monotonic() + delay > self.deadline
        if tries >= self.retries.attempts or late:
            reason = "the time for this run is used up" if late else f"{tries} tries failed"
            paused = late and error.status == HTTPStatus.TOO_MANY_REQUESTS
            kind = XDRPausedError if paused else XDRRetryError
            raise kind(f"{error} ({reason}; the next run tries again)", error.status) from error
        if error.status == HTTPStatus.TOO_MANY_REQUESTS:
            self.pacer.slower(delay)
        else:
            self.timing.sleep(delay)

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
        self.pacer.faster()
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
        self.pacer.wait()
        nonce = "".join(secrets.choice(XDR_NONCE_ALPHABET) for _ in range(XDR_NONCE_LENGTH))
        headers = {
            **self.source_headers,
            **self.key.headers(nonce, int(self.timing.now() * 1000)),
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
        if self.deadline is None:
            return self.timeout_seconds
        left = self.deadline - self.timing.monotonic()
        return min(self.timeout_seconds, max(left, 0.0) + XDR_GRACE_SECONDS)

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
        if status in XDR_REPEATABLE_STATUS or status >= 500:
            return XDRRetryError(said, status, xdr_retry_after(response.headers.get("Retry-After"), self.timing.now()))
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
    return XDRRetryError(f"Cortex XDR did not answer {path} ({name})", unsent=xdr_was_never_sent(cause))


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
