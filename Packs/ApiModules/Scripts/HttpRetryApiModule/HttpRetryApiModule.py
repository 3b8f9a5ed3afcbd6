"""The one retry loop for HTTP calls: how often, how long, how fast, and what `Retry-After` asks for.

It knows no vendor. A client makes one try a function that raises `HttpBusyError`, or a class of its own with the same
four attributes that is made from text and status, when the try may be repeated; everything else passes through
untouched.
"""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, TypeVar

import demistomock as demisto  # noqa: F401
from CommonServerPython import *

HttpResult = TypeVar("HttpResult")
HTTP_REPEATABLE_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504, 599})
HTTP_TURNED_AWAY_STATUS = frozenset({425, 429})


class HttpBusyError(DemistoException):
    """The other side was busy or unreachable; the same call may succeed later.

    `status` is the HTTP status, 0 when there was no reply. `retry_after` is what the other side asked for, in seconds,
    or None. `unsent`: there was not even a connection.
    """

    def __init__(self, message: str, status: int = 0, retry_after: float | None = None, unsent: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after
        self.unsent = unsent


@dataclass(frozen=True)
class HttpTiming:
    """Everything that has to do with time, so that tests can stand in for it.

    `now` is the epoch in seconds, `monotonic` any steadily growing number of seconds, `sleep` waits that long,
    `jitter` gives a number from 0 up to, not including, 1.
    """

    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random


@dataclass(frozen=True)
class HttpRetryPolicy:
    """How often and how long to try: `attempts` tries, waits growing from `base_seconds` up to `cap_seconds`."""

    attempts: int = 6
    base_seconds: float = 0.5
    cap_seconds: float = 30.0

    def delay(self, tries: int, retry_after: float | None, jitter: float) -> float:
        """Seconds to wait after `tries` failed tries. `Retry-After` is a lower bound and is obeyed."""
        grown = min(self.cap_seconds, self.base_seconds * 2 ** (tries - 1))
        spread = grown * (0.5 + jitter / 2)
        return spread if retry_after is None else max(spread, retry_after)


def http_retry_after(value: str | None, now: float) -> float | None:
    """Seconds asked for by a `Retry-After` header, a number or an HTTP date; None when absent or unreadable."""
    if not value:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (TypeError, ValueError):
        return None


class HttpPacer:
    """Spaces the starts of requests of all threads: at most `rate` per second, slower after a 429, back in small steps.

    The limit is shared with everyone else who uses the API, so the rate that really works is found, not known. Both
    steps are shares of the rate in use, so that it settles close to the limit also where that is far below `rate`.

    `sent` counts the requests that were let through, `throttled` the answers 429.
    """

    SLOWEST = 0.5
    SLOWER = 0.85
    FASTER = 1.02

    def __init__(self, rate: float, timing: HttpTiming) -> None:
        self.rate = rate
        self.allowed = rate
        self.timing = timing
        self.next_start = 0.0
        self.sent = 0
        self.throttled = 0
        self.lock = threading.Lock()

    def wait(self) -> None:
        """Block until the caller may start its request."""
        with self.lock:
            now = self.timing.monotonic()
            start = max(now, self.next_start)
            self.next_start = start + 1.0 / self.allowed
            self.sent += 1
        if start > now:
            self.timing.sleep(start - now)

    def turned_away(self) -> None:
        """The answer was 429."""
        with self.lock:
            self.throttled += 1

    def slower(self, pause_seconds: float) -> None:
        """After a 429: nobody starts before the pause is over, and the rate drops by a step."""
        with self.lock:
            self.allowed = max(min(self.SLOWEST, self.rate), self.allowed * self.SLOWER)
            self.next_start = max(self.next_start, self.timing.monotonic() + pause_seconds)

    def faster(self) -> None:
        """A request was accepted: come back to the configured rate, a fiftieth faster each time."""
        with self.lock:
            self.allowed = min(self.rate, self.allowed * self.FASTER)


class HttpRetry:
    """Repeats tries until one gets through, a person is needed, or tries or time are used up. Safe for threads.

    Args:
        rate: requests per second that may start at most.
        deadline: value of `timing.monotonic` after which no further wait is started; None for no limit.
    """

    def __init__(
        self,
        rate: float = 8.0,
        policy: HttpRetryPolicy | None = None,
        timing: HttpTiming | None = None,
        deadline: float | None = None,
    ) -> None:
        self.policy = policy or HttpRetryPolicy()
        self.timing = timing or HttpTiming()
        self.pacer = HttpPacer(rate, self.timing)
        self.deadline = deadline

    @classmethod
    def of(
        cls, settings: Any, timing: HttpTiming | None = None, seconds: float | None = None, **waits: float
    ) -> "HttpRetry":
        """The loop for settings with a `rate` and `tries`, such as HttpSettings of the ParametersApiModule.

        `seconds`: how long the run may take from now on; None for no limit. `waits`: of HttpRetryPolicy.
        """
        timing = timing or HttpTiming()
        policy = HttpRetryPolicy(settings.tries, **waits)
        return cls(settings.rate, policy, timing, None if seconds is None else timing.monotonic() + seconds)

    def now(self) -> float:
        """The time for what a request says of itself: the epoch in seconds."""
        return self.timing.now()

    def seconds_left(self) -> float | None:
        """Time to the deadline, 0 when it is over; None when there is none."""
        return None if self.deadline is None else max(0.0, self.deadline - self.timing.monotonic())

    def seconds_asked(self, retry_after: str | None) -> float | None:
        """`http_retry_after` of a header, from now."""
        return http_retry_after(retry_after, self.timing.now())

    def repeatable(self, status: int) -> bool:
        """The same call may succeed later: the other side was busy or failed."""
        return status in HTTP_REPEATABLE_STATUS or status >= 500

    def run(
        self,
        one_try: Callable[[], HttpResult],
        busy: type[Exception] = HttpBusyError,
        *,
        paused: type[Exception] | None = None,
        once: Callable[[Any], Exception] | None = None,
    ) -> HttpResult:
        """The result of the first try that gets through.

        `one_try` calls `pacer.wait()` before each request it sends. What it raises that is no `busy` ends the loop.

        Args:
            paused: raised in place of `busy` for a 429 at the deadline: at a limit, nothing is broken.
            once: the call must not be carried out twice. It is repeated only when the other side certainly did not
                begin it: no connection, 425 or 429. Of any other `busy` this makes the exception to raise.

        Raises:
            busy: tries or time are used up; the text says which.
        """
        tries = 0
        while True:
            tries += 1
            try:
                result = one_try()
            except busy as error:
                if once is not None and not _not_begun(error):
                    raise once(error) from error
                self._wait_or_give_up(error, tries, paused)
                continue
            self.pacer.faster()
            return result

    def _wait_or_give_up(self, error: Any, tries: int, paused: type[Exception] | None) -> None:
        delay = self.policy.delay(tries, error.retry_after, self.timing.jitter())
        late = self.deadline is not None and self.timing.monotonic() + delay > self.deadline
        limited = error.status == HTTPStatus.TOO_MANY_REQUESTS
        if limited:
            self.pacer.turned_away()
        if tries >= self.policy.attempts or late:
            reason = "the time for this run is used up" if late else f"{tries} tries failed"
            kind: Callable[[str, int], Exception] = paused if paused and late and limited else type(error)
            raise kind(f"{error} ({reason}; the next run tries again)", error.status) from error
        if limited:
            self.pacer.slower(delay)
        else:
            self.timing.sleep(delay)


def _not_begun(error: Any) -> bool:
    """Certainly nothing was carried out: the call was turned away, or never arrived."""
    return bool(error.unsent) or error.status in HTTP_TURNED_AWAY_STATUS
