"""What the platform reads from the parameters of an instance: who delivers indicators, and how often. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from warroom.core.indicators import Source
from warroom.engine.errors import UsageError

LEAST_RELIABLE = "F - Reliability cannot be judged"
_INTERVAL_PARAMETERS = ("feedFetchInterval", "incidentFetchInterval")
_DEFAULT_MINUTES = {"feedFetchInterval": 240, "incidentFetchInterval": 1}
_EXPIRATION_MINUTES = 20_160


def source_of(brand: str, name: str, instance_id: str, params: Mapping[str, Any]) -> Source:
    """The source that this instance's indicators are stored under; missing parameters take the server's defaults."""
    reputation = str(params.get("feedReputation") or "")
    return Source(
        brand=brand,
        instance=name,
        instance_id=instance_id,
        reliability=str(params.get("feedReliability") or LEAST_RELIABLE),
        feed_reputation="" if reputation == "None" else reputation,
        expiration_policy=str(params.get("feedExpirationPolicy") or "indicatorType"),
        expiration_interval_minutes=int(params.get("feedExpirationInterval") or _EXPIRATION_MINUTES),
        bypass_exclusion=bool(params.get("feedBypassExclusionList")),
    )


def is_full_listing(params: Mapping[str, Any]) -> bool:
    """True when an indicator missing from a fetch has ended: policy suddenDeath on a feed that lists everything."""
    return params.get("feedExpirationPolicy") == "suddenDeath" and not params.get("feedIncremental")


def fetch_interval_seconds(params: Mapping[str, Any], *, feed: bool) -> float:
    """Seconds between two fetches. Raises UsageError when the parameter holds no number of minutes."""
    name = _INTERVAL_PARAMETERS[0 if feed else 1]
    value = params.get(name) or _DEFAULT_MINUTES[name]
    try:
        return float(value) * 60
    except (TypeError, ValueError):
        raise UsageError(f"parameter {name} must be a number of minutes, not {value!r}") from None
