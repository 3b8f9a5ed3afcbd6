"""The integration as a module, to measure its pure functions without a server."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from benchmarks.tenant import BRAND, ROOT
from benchmarks.values import SYNC_QUERY

PARAMS = {
    "url": "https://api-tenant.example.com", "severity": "high", "query": SYNC_QUERY,
    "apikey_creds": {"password": "made-up"}, "apikey_id_creds": {"password": "1"},
}  # fmt: skip


def module(name: str) -> ModuleType:
    """The source form of an ApiModule or of the integration, with this house's stand-ins for the server's modules."""
    folders = [ROOT / "warroom/runtime/shims", *sorted((ROOT / "Packs/ApiModules/Scripts").glob("*ApiModule"))]
    folders.append(ROOT / f"Packs/CortexXDR_IOC/Integrations/{BRAND}")
    sys.path[:0] = [str(folder) for folder in folders if str(folder) not in sys.path]
    return importlib.import_module(name)


def integration() -> ModuleType:
    """The integration."""
    return module(BRAND)


def settings(module: ModuleType) -> Any:
    """The settings of an instance with default parameters."""
    return module.settings_from_params(PARAMS)


def records(module: ModuleType, iocs: Sequence[dict[str, Any]], now_ms: int) -> list[dict[str, Any]]:
    """What goes to Cortex XDR for a page of indicators."""
    plan = module.plan_page(iocs, settings(module), now_ms)
    found: list[dict[str, Any]] = plan.records
    return found


def body(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The body of an insert, as the integration sends it."""
    return {"request_data": found, "validate": True}
