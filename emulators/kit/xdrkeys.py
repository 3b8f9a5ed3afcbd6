"""API keys of the Cortex products, checked as they do: standard keys as they are, advanced keys by signature."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import deque
from dataclasses import dataclass

from werkzeug.datastructures import Headers

from emulators.kit.errors import Refused

LIFE_MS = 5 * 60 * 1000

_NONCE = re.compile(r"[A-Za-z0-9]{64}")
_TIMESTAMP = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True)
class ApiKey:
    """One key. `kind` is `standard` or `advanced`; `id` is compared as text."""

    id: str
    secret: str
    kind: str


def signature(secret: str, nonce: str, timestamp: str) -> str:
    """The Authorization header of an advanced key: hex SHA-256 of key, nonce and timestamp (epoch ms) as one text."""
    return hashlib.sha256(f"{secret}{nonce}{timestamp}".encode()).hexdigest()


class Nonces:
    """The nonces seen within the life of a signature; memory is bounded by the requests of that time."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._order: deque[tuple[int, str]] = deque()

    def is_new(self, nonce: str, now_ms: int) -> bool:
        """True the first time within twice the life (a timestamp may lie one life ahead); it is then remembered."""
        while self._order and self._order[0][0] < now_ms - 2 * LIFE_MS:
            self._seen.discard(self._order.popleft()[1])
        if nonce in self._seen:
            return False
        self._seen.add(nonce)
        self._order.append((now_ms, nonce))
        return True


def check_key(headers: Headers, key: ApiKey, nonces: Nonces, now_ms: int) -> None:
    """Raises Refused(401) unless the headers carry this key in the way its kind asks for.

    The reply does not say why, as with the vendor; the request log does.
    """
    reason = _reason(headers, key, nonces, now_ms)
    if reason:
        raise Refused(401, note=reason)


def _reason(headers: Headers, key: ApiKey, nonces: Nonces, now_ms: int) -> str:
    if headers.get("x-xdr-auth-id") != key.id:
        return "x-xdr-auth-id is missing or not the id of the key"
    given = headers.get("Authorization", "")
    if key.kind == "advanced":
        return _reason_advanced(headers, given, key, nonces, now_ms)
    if "x-xdr-nonce" in headers or "x-xdr-timestamp" in headers:
        return "signed as an advanced key, but the key is a standard one"
    return "" if _same(given, key.secret) else "the key is wrong"


def _reason_advanced(headers: Headers, given: str, key: ApiKey, nonces: Nonces, now_ms: int) -> str:
    nonce, timestamp = headers.get("x-xdr-nonce", ""), headers.get("x-xdr-timestamp", "")
    if not nonce and not timestamp:
        return "not signed, but the key is an advanced one"
    if not _NONCE.fullmatch(nonce):
        return "x-xdr-nonce is not 64 letters and digits"
    if not _TIMESTAMP.fullmatch(timestamp) or abs(now_ms - int(timestamp)) > LIFE_MS:
        return "x-xdr-timestamp is not within 5 minutes of now, in milliseconds"
    if not _same(given, signature(key.secret, nonce, timestamp)):
        return "the signature is wrong"
    return "" if nonces.is_new(nonce, now_ms) else "x-xdr-nonce was used before"


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())
