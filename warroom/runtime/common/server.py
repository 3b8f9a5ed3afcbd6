"""The one door from this package to the server object.

`demisto` is the module `demistomock` of the search path: a mock in unit tests, the live object in a child process.
Functions must look its attributes up at call time, so that what a test patches there takes effect.
"""

from __future__ import annotations

from typing import Any

import demistomock  # type: ignore[import-not-found,unused-ignore]

demisto: Any = demistomock


def calling_context() -> dict[str, Any]:
    """What the server told about this run; {} where the server object has none."""
    context = getattr(demisto, "callingContext", {})
    return context.get("context") or {} if isinstance(context, dict) else {}


def is_integration() -> bool:
    """True in the code of an integration, False in a script or where nothing tells."""
    context = getattr(demisto, "callingContext", {})
    return bool(context.get("integration")) if isinstance(context, dict) else False


def brand() -> str:
    """The brand of the integration that runs, "" in a script."""
    return str(calling_context().get("IntegrationBrand") or "") if is_integration() else ""
