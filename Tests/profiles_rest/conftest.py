"""Worlds that end with the test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from Tests.profiles_rest.world import Start, World, world


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """`start(generation="6", index_lag=30)` gives a world."""
    with ExitStack() as stack:

        def begin(**options: Any) -> World:
            return stack.enter_context(world(tmp_path, **options))

        yield begin
