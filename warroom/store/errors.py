"""What the store refuses, all of it ValueError so that callers can tell users."""

from __future__ import annotations


class StoreError(ValueError):
    """The store file cannot be used as asked; the text says why."""


class StaleVersion(StoreError):
    """A versioned write whose version is no longer the stored one: read again, then write."""
