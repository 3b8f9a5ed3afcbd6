"""Devices for the tests of this folder."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from Tests.fortigate_response.world import Start, World


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts devices: `start(fortios="7.0", placeholder=True)`."""
    # The search path for pack code is not there yet when pytest loads this file.
    with importlib.import_module("Tests.fortigate_response.world").worlds() as starting:
        yield starting


@pytest.fixture
def world(start: Start) -> World:
    """A device with empty groups."""
    return start()
