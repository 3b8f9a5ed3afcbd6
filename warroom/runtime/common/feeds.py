"""What feeds keep between two fetches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from warroom.runtime.common.context import get_integration_context, set_integration_context
from warroom.runtime.common.server import demisto
from warroom.runtime.common.versions import is_demisto_version_ge

__all__ = ["get_feed_last_run", "get_last_mirror_run", "set_feed_last_run", "set_last_mirror_run"]


def get_feed_last_run() -> dict[str, Any]:
    """What the last fetch of this feed stored; what an older server kept in the integration context is moved here."""
    if not is_demisto_version_ge("6.2.0"):
        found: dict[str, Any] = get_integration_context()
        return found
    stored: dict[str, Any] = demisto.getLastRun() or {}
    older = {} if stored else get_integration_context()
    if older:
        set_feed_last_run(older)
        set_integration_context({})
    return stored or older


def set_feed_last_run(last_run_indicators: Mapping[str, Any]) -> None:
    """Stores what the next fetch of this feed shall find."""
    if is_demisto_version_ge("6.2.0"):
        demisto.setLastRun(last_run_indicators)
    else:
        set_integration_context(last_run_indicators)


def get_last_mirror_run() -> dict[str, Any]:
    """What the last mirroring stored."""
    found: dict[str, Any] = demisto.getLastMirrorRun() or {}
    return found


def set_last_mirror_run(last_mirror_run: Mapping[str, Any]) -> None:
    """Stores what the next mirroring shall find."""
    demisto.setLastMirrorRun(last_mirror_run)
