"""Jobs: playbooks that run by themselves, at their times or after a feed changed."""

from __future__ import annotations

from warroom.engine.jobs.board import Board, JobRecord, Note
from warroom.engine.jobs.scheduler import Scheduler

__all__ = ["Board", "JobRecord", "Note", "Scheduler"]
