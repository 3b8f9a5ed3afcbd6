"""Runs playbooks: walks their tasks, keeps a journal that a restart goes on from, asks people."""

from __future__ import annotations

from warroom.engine.playbooks.answers import Answers, Asked, Reply, read_answers
from warroom.engine.playbooks.events import Event, PlaybookRun

__all__ = ["Answers", "Asked", "Event", "PlaybookRun", "Reply", "read_answers"]
