"""JSON of the line protocol, from the host's side."""

from __future__ import annotations

import json
from typing import Any

import orjson

# State must come back as it was written, and the fast decoder rounds integers beyond 64 bits.
_EXACT = (b'"setIntegrationContext', b'"setLastRun', b'"setLastMirrorRun', b'"setAssetsLastRun')
_HEAD_BYTES = 120


def decode(line: bytes) -> Any:
    """The value of one line. Raises ValueError when it is no JSON."""
    if any(name in line[:_HEAD_BYTES] for name in _EXACT):
        return json.loads(line)
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return json.loads(line)


def encode(value: Any) -> bytes:
    """The value as JSON. Raises TypeError for what JSON cannot express."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
