"""Threads, repetition and waiting."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from warroom.runtime.common.server import calling_context, demisto

__all__ = ["retry", "safe_sleep", "support_multithreading"]

LOCK_SECONDS = 60


def support_multithreading() -> None:
    """Lets several threads call the server: each call waits for its turn, at most 60 s, then raises RuntimeError.

    Calling it again changes nothing. Without a server, in unit tests, it does nothing.
    """
    send = getattr(demisto, "_Demisto__do", None)
    if send is None or getattr(send, "locked", False):
        return
    demisto._Demisto__do = _Locked(send, LOCK_SECONDS)


class _Locked:
    locked = True

    def __init__(self, send: Callable[[Mapping[str, Any]], Any], seconds: float) -> None:
        self._send = send
        self._seconds = seconds
        self._lock = threading.Lock()

    def __call__(self, cmd: Mapping[str, Any]) -> Any:
        if not self._lock.acquire(timeout=self._seconds):
            raise RuntimeError(f"no turn to call the server within {self._seconds} seconds")
        try:
            return self._send(cmd)
        finally:
            self._lock.release()


def retry(
    times: int = 3,
    delay: float = 1,
    exceptions: type[Exception] | tuple[type[Exception], ...] = Exception,
    sleep: Callable[[float], None] = time.sleep,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Makes a function try up to `times` times, `delay` seconds apart, while it raises `exceptions`.

    The last exception is raised.
    """

    def decorate(func: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(func)
        def run(*args: Any, **named: Any) -> Any:
            for tried in range(1, times):
                try:
                    return func(*args, **named)
                except exceptions as error:
                    demisto.debug(f"{func.__name__} failed in try {tried} of {times}: {error}")
                sleep(delay)
            return func(*args, **named)

        return run

    return decorate


def safe_sleep(duration_seconds: float, sleep: Callable[[float], None] = time.sleep) -> None:
    """Sleeps. Raises ValueError at once when the run's time limit is shorter than that."""
    minutes = calling_context().get("runDuration")
    if minutes and duration_seconds > float(minutes) * 60:
        raise ValueError(f"{duration_seconds} seconds are longer than the time limit of this run, {minutes} minutes")
    sleep(duration_seconds)
