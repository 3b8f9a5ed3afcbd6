"""Worlds that end with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from Tests.meraki_response.world import World

Make = Callable[..., "World"]


@pytest.fixture
def make() -> Iterator[Make]:
    """Starts dashboards: `make({"block_multiple_ip": "true"}, policy_limit=1)`."""
    # The search path for pack code is built after conftest files are read.
    from Tests.meraki_response.world import world

    with ExitStack() as stack:
        yield lambda params=None, **options: stack.enter_context(world(params, **options))
