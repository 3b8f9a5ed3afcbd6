"""The integration context: one JSON object for each instance, kept by the server.

Writes that must not lose what another command wrote meanwhile go through the version that the read gave.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping
from typing import Any

from warroom.runtime.common.data import merge_lists
from warroom.runtime.common.server import demisto
from warroom.runtime.common.versions import is_versioned_context_available

__all__ = [
    "MAX_RETRIES_CONTEXT", "get_integration_context", "get_integration_context_with_version",
    "set_integration_context", "set_to_integration_context_with_retries", "update_integration_context",
]  # fmt: skip

MAX_RETRIES_CONTEXT = 3


def get_integration_context(sync: bool = True, with_version: bool = False) -> Any:
    """The context, or {"context", "version"} when `with_version`; `sync` reads it from the database."""
    if not is_versioned_context_available():
        return demisto.getIntegrationContext()
    found = demisto.getIntegrationContextVersioned(sync)
    return found if with_version else found.get("context", {})


def set_integration_context(context: Mapping[str, Any], sync: bool = True, version: Any = -1) -> Any:
    """Replaces the context. Raises ValueError when `version` is not the stored one; -1 overwrites without a check."""
    demisto.debug("the integration context is written")
    if is_versioned_context_available():
        return demisto.setIntegrationContextVersioned(context, version, sync)
    return demisto.setIntegrationContext(context)


def get_integration_context_with_version(sync: bool = True) -> tuple[dict[str, Any], Any]:
    """The context and its version, -1 on a server without versions. The version is compared by equality only."""
    found = get_integration_context(sync, with_version=True)
    if not is_versioned_context_available():
        return found, -1
    return found.get("context", {}), found.get("version")


def update_integration_context(
    context: Mapping[str, Any], object_keys: Mapping[str, str] | None = None, sync: bool = True
) -> tuple[dict[str, Any], Any]:
    """The stored context with the values of `context` put in as JSON text, and its version; nothing is written.

    Lists of a key in `object_keys` are merged by the key that stands there. Raises ValueError when a stored value that
    is touched is not JSON text.
    """
    stored, version = get_integration_context_with_version(sync)
    merge_keys = object_keys or {}
    for key, value in context.items():
        held = json.loads(stored[key]) if key in stored else []
        stored[key] = json.dumps(merge_lists(held, value, merge_keys[key]) if key in merge_keys else value)
    return stored, version


def set_to_integration_context_with_retries(
    context: Mapping[str, Any],
    object_keys: Mapping[str, str] | None = None,
    sync: bool = True,
    max_retry_times: int = MAX_RETRIES_CONTEXT,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Writes the values of `context` as JSON text, keeping other keys and what others write meanwhile.

    Reads, merges (see `update_integration_context`) and writes with the version read; after a conflict it waits 1 to
    100 ms and starts again. Raises Exception after `max_retry_times` conflicts, and ValueError at once when a stored
    value is not JSON text.
    """
    for tried in range(1, max_retry_times + 1):
        updated, version = update_integration_context(context, object_keys, sync)
        try:
            set_integration_context(updated, sync, version)
            return
        except ValueError as error:
            demisto.debug(f"the integration context was changed meanwhile (try {tried}): {error}")
        if tried < max_retry_times:
            sleep(random.randint(1, 100) / 1000)
    raise Exception(f"Max retry attempts exceeded: the integration context changed {max_retry_times} times meanwhile")
