"""Calls of the REST API, repeated for as long as that may help."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from warroom.engine.errors import ServerError
from warroom.engine.masking import Masker
from warroom.engine.xsoar.connection import Connection
from warroom.engine.xsoar.library import Library

# urllib3 is imported where it is used: every command imports this file, and few call a server.
if TYPE_CHECKING:
    from urllib3.util import Retry

REPEATABLE = frozenset({408, 425, 429, 500, 502, 503, 504})
NOT_BEGUN = frozenset({425, 429})
NO_SUCH_PATH = frozenset({404, 405})
TRIES = 6
SHORTEST_WAIT, LONGEST_WAIT = 0.5, 300.0
# After so many calls in a row that were given up the server is taken for gone, so that a long list of names ends.
GIVEN_UP = 3
LONGEST_TEXT = 300


class XsoarError(ServerError):
    """A call that failed for good. `status` is the HTTP status, 0 when there was no answer."""

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True)
class Timing:
    """What has to do with time, so that tests can stand in for it. `jitter` gives 0 up to, not including, 1."""

    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random


@dataclass(frozen=True)
class _Failure:
    """One try that failed. `begun`: the server may have carried it out."""

    text: str
    status: int = 0
    repeatable: bool = True
    begun: bool = True
    headers: Mapping[str, str] | None = None


class Client:
    """One server. Every try is signed anew, so that an advanced key can be used for the next one.

    Raises XsoarError from all calls, with one line that holds no key.
    """

    def __init__(
        self, connection: Connection, key: str, timing: Timing | None = None, environ: Mapping[str, str] | None = None
    ) -> None:
        """Raises UsageError when demisto-py is not installed."""
        self._library = Library(connection, key, os.environ if environ is None else environ)
        self._prefixes = list(connection.prefixes)
        self._settled = False
        self._timing = timing or Timing()
        self._masker = Masker.of([key])
        self._given_up = 0
        self._gone: XsoarError | None = None
        self.requests = 0

    @property
    def prefix(self) -> str:
        """What stands before the paths of the calls."""
        return self._prefixes[0]

    def call(self, method: str, path: str, body: Any = None, *, twice: bool = True) -> Any:
        """The parsed answer. `twice`: the call does no harm when it is carried out twice."""
        from urllib3.exceptions import MaxRetryError
        from urllib3.util import Retry

        if self._gone is not None:
            raise self._gone
        policy = Retry(TRIES - 1, allowed_methods=None, backoff_factor=0.5, backoff_max=30)
        while True:
            found = self._try(method, path, body)
            if not isinstance(found, _Failure):
                self._settled, self._given_up = True, 0
                return found
            if not self._settled and found.status in NO_SUCH_PATH and len(self._prefixes) > 1:
                del self._prefixes[0]
                continue
            if not found.repeatable or (found.begun and not twice):
                self._give_up(found, len(policy.history) + 1)
            try:
                policy = policy.increment(method, path, error=RuntimeError(found.text))
            except MaxRetryError:
                self._give_up(found, TRIES)
            self._wait(policy, found)

    def _try(self, method: str, path: str, body: Any) -> Any:
        from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

        self.requests += 1
        try:
            answer = self._library.send(method, self.prefix, path, body)
        except self._library.refusal as error:
            return self._refused(error)
        except (HTTPError, OSError) as error:
            begun = not isinstance(error, (NewConnectionError, ConnectTimeoutError))
            return _Failure(f"no answer: {_reason(error)}", begun=begun)
        except UnicodeDecodeError:
            return _Failure("the answer is no text", repeatable=False)
        if isinstance(answer, str) and answer.lstrip().startswith("<"):
            # Servers show their web page for a path that they do not know.
            return _Failure("the answer is a web page; is this the address of the API?", 404, repeatable=False)
        return answer

    def _refused(self, error: Any) -> _Failure:
        status = int(error.status or 0)
        if not status:
            return _Failure(f"no safe connection: {_reason(error)}", repeatable=False, begun=False)
        text = f"status {status}: {_told(error.body) or error.reason}"
        return _Failure(text, status, status in REPEATABLE, status not in NOT_BEGUN, error.headers)

    def _wait(self, policy: Retry, failure: _Failure) -> None:
        from urllib3.exceptions import InvalidHeader

        spread = max(policy.get_backoff_time(), SHORTEST_WAIT) * (0.5 + self._timing.jitter() / 2)
        asked = 0.0
        with suppress(InvalidHeader):
            asked = policy.parse_retry_after((failure.headers or {}).get("Retry-After") or "0")
        if asked > LONGEST_WAIT:
            self._give_up(failure, len(policy.history), f"; it asks to wait {asked:.0f} s")
        self._timing.sleep(max(spread, asked))

    def _give_up(self, failure: _Failure, tried: int, more: str = "") -> NoReturn:
        times = f" ({tried} tries)" if tried > 1 else ""
        error = XsoarError(self._masker.text(f"{failure.text}{times}{more}"), failure.status)
        # A refusal is about one call; a server that nobody reaches, or that does not know the key, is about all.
        lost = failure.repeatable or not failure.status
        self._given_up = self._given_up + 1 if lost else 0
        if self._given_up >= GIVEN_UP or failure.status == 401:
            self._gone = error
        raise error


def _reason(error: BaseException) -> str:
    text = str(getattr(error, "reason", None) or error)
    return " ".join(text.rpartition(">: ")[2].split())[:LONGEST_TEXT] or type(error).__name__


def _told(body: Any) -> str:
    """What the server says of an error, in one line."""
    try:
        found = json.loads(body) if isinstance(body, str) else None
    except ValueError:
        found = None
    inner = found.get("reply", found) if isinstance(found, dict) else {}
    names = ("detail", "err_msg", "error", "title", "message")
    told = next((inner[name] for name in names if isinstance(inner, dict) and inner.get(name)), "")
    return " ".join(str(told).split())[:LONGEST_TEXT]
