"""Gives every test of this package a server object without memories."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def demisto() -> Iterator[Any]:
    """The mock, empty before and after."""
    # The root conftest.py makes it importable only after pytest has read this file.
    mock = importlib.import_module("demistomock")
    mock.reset()
    yield mock
    mock.reset()
