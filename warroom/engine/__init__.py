"""Runs content: the only part of the house with processes, clocks and time limits."""

from __future__ import annotations

from warroom.engine.errors import EngineError, HomeMissing, SecretError, UsageError
from warroom.engine.host import Host
from warroom.engine.results import LogLine, Progress, RunResult

__all__ = ["EngineError", "HomeMissing", "Host", "LogLine", "Progress", "RunResult", "SecretError", "UsageError"]
