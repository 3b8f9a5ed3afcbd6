"""Emulators that stop with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from emulators.news import News, running

Start = Callable[..., News]


@pytest.fixture
def news() -> Iterator[Start]:
    """Starts sites: `news(blog={"items": [...]}, window=2)`; they stop with the test."""
    with ExitStack() as stack:

        def start(window: int = 0, **sources: Any) -> News:
            emulator = stack.enter_context(running(window=window, clock=lambda: 1_750_000_000.0))
            with emulator.lock:
                emulator.state.seed({"sources": sources})
            return emulator

        yield start
