"""One job JSON as a `Job`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from warroom.content.errors import ContentError
from warroom.content.node import Node
from warroom.content.reader import pack_of
from warroom.core.job_times import seconds_of
from warroom.core.playbook import Job

_KEYS = frozenset(
    """
    id name playbookId details isFeed isAllFeeds selectedFeeds scheduled recurrent cron cronView humanCron startDate
    shouldTriggerNew closePrevRun notifyOwner type severity owner CustomFields labels fromVersion toServerVersion
    description tags packID itemVersion version locked system timezone timezoneOffset minutesToTimeout rawName rawType
    supportedModules supportedFeatures endingDate
    """.split()
)
_PERIODS = {"minutes": 60.0, "hours": 3600.0, "days": 86400.0, "weeks": 604800.0}
_ONLY_AT_A_TIME = frozenset({"atTimeMinute", "days", "hoursPeriod"})
_INCIDENT = {"name": "name", "type": "type", "severity": "severity", "owner": "owner", "details": "details"}


def read_job(file: Path) -> Job | None:
    """The job of a JSON file, or None for a JSON of another kind. Raises ContentError naming file and key."""
    root = _load(file)
    if "playbookId" not in root.data or "isFeed" not in root.data:
        return None
    by_feed = root.flag("isFeed")
    cron, period = ("", 0.0) if by_feed else _times(root)
    return Job(
        name=root.text("name"),
        playbook=root.text("playbookId"),
        cron=cron,
        period_seconds=period,
        by_feed=by_feed,
        all_feeds=root.flag("isAllFeeds"),
        feeds=root.texts("selectedFeeds"),
        run_both=root.flag("shouldTriggerNew") and not root.flag("closePrevRun"),
        close_previous=root.flag("closePrevRun"),
        file=file,
        id=root.text("id", root.text("name")),
        pack=pack_of(file),
        details=root.text("details", ""),
        start=_date(root, "startDate"),
        end=_date(root, "endingDate"),
        timezone=root.text("timezone", ""),
        enabled=by_feed or "scheduled" not in root.data or root.flag("scheduled"),
        incident=_incident(root),
        unknown=tuple(key for key in root.data if key not in _KEYS),
    )


def _load(file: Path) -> Node:
    try:
        data = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise ContentError(file, "", f"is not valid JSON: {error}") from error
    if not isinstance(data, Mapping):
        raise ContentError(file, "", "is not a job: the file holds no object")
    return Node(file, "", data)


def _times(root: Node) -> tuple[str, float]:
    """Cron text and period in seconds, one of them set; both empty for a job that runs once at its start date."""
    cron = root.text("cron", "").strip()
    human = root.child("humanCron")
    if cron and (root.flag("cronView") or not human.data):
        if len(cron.split()) != 5:
            raise root.error("cron", f"must have 5 fields (minute hour day month weekday), not {cron!r}")
        return cron, 0.0
    if not human.data:
        return "", 0.0
    unit = human.text("timePeriodType", "").lower()
    if unit not in _PERIODS:
        raise human.error("timePeriodType", f"must be one of {', '.join(_PERIODS)}, not {unit!r}")
    if human.text("atTimeHour", ""):
        return _at_time(human, unit), 0.0
    for name in _ONLY_AT_A_TIME & set(human.data):
        if human.data[name]:
            raise human.error(name, "is not understood without atTimeHour; give a cron line")
    return "", human.number("timePeriod") * _PERIODS[unit]


def _at_time(human: Node, unit: str) -> str:
    """The cron line of `every day (or week, on these days) at this time`."""
    minute, hour = human.text("atTimeMinute", "0") or "0", human.text("atTimeHour")
    days = [day[:3].lower() for day in human.texts("days")]
    if human.number("timePeriod") != 1 or unit not in {"days", "weeks"} or (unit == "weeks" and not days):
        raise human.error(
            "atTimeHour", "is understood for every day, and for every week on given days; give a cron line"
        )
    return f"{minute} {hour} * * {','.join(days) or '*'}"


def _date(root: Node, key: str) -> str:
    """An ISO time, "" for none and for the year 1, which says none."""
    text = root.text(key, "")
    if not text or text.startswith("0001-"):
        return ""
    if seconds_of(text) is None:
        raise root.error(key, f"must be a time such as 2024-02-28T12:00:00Z, not {text!r}")
    return text


def _incident(root: Node) -> dict[str, Any]:
    """The fields of the incident that each run gets, named as an incident names them."""
    fields = {name: root.data[key] for key, name in _INCIDENT.items() if root.data.get(key) not in (None, "")}
    custom = root.child("CustomFields").data
    return {**fields, **({"CustomFields": dict(custom)} if custom else {})}
