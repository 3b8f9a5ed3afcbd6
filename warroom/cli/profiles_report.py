"""What `warroom profiles update` prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click

from warroom.cli.app import App
from warroom.cli.output import print_json, print_rows
from warroom.engine.profiles import UpdateResult
from warroom.engine.xsoar import Change


@dataclass(frozen=True)
class Report:
    """What is told of an update. `problems` of its sources; `left_out`: articles that do not count."""

    result: UpdateResult
    problems: list[str]
    left_out: int
    written: bool


def report_update(app: App, report: Report, *, as_json: bool) -> None:
    """Everything as JSON, or what is not unchanged and each write for a person."""
    result = report.result
    changes = [change_as_dict(change) for change in result.changes]
    if as_json:
        print_json({
            "status": result.status, "dry_run": not report.written, "error": result.error,
            "source_problems": report.problems, "profiles": profiles_as_dicts(report), "articles": result.articles,
            "left_out": report.left_out, "changes": changes,
        })  # fmt: skip
        return
    told = [profile for profile in result.profiles if profile["status"] != "unchanged"]
    columns = ("name", "status", "added", "id", "reason")
    print_rows(app.terminal, columns, ([profile[name] for name in columns] for profile in told))
    for change in changes:
        for line in change_lines(change, write=report.written):
            click.echo(line)
    click.echo(summary(report))
    for problem in [*report.problems, *([result.error] if result.error else [])]:
        click.echo(problem, err=True)


def profiles_as_dicts(report: Report) -> list[dict[str, Any]]:
    """What became of each profile; the script itself does not know that a dry run is one."""
    return [{**profile, "dry_run": not report.written} for profile in report.result.profiles]


def summary(report: Report) -> str:
    """One line of numbers."""
    result, left_out = report.result, report.left_out
    matched = sum(bool(article["matched"]) for article in result.articles)
    more = f" ({left_out} left out)" if left_out else ""
    done = "were changed" if report.written else "would be changed; nothing was, because --write is not given"
    return (
        f"{len(result.articles)} articles{more}, {matched} of them name one of {len(result.profiles)} profiles; "
        f"{len({change.id for change in result.changes})} records {done}"
    )


def change_as_dict(change: Change) -> dict[str, Any]:
    """A write: rows of grids as those that come and go, other fields as they become."""
    fields: dict[str, Any] = {}
    for name, after in change.after.items():
        before = change.before.get(name) or []
        if _is_grid(after):
            fields[name] = {
                "added": [row for row in after if row not in before],
                "dropped": [row for row in before if row not in after],
            }
        else:
            fields[name] = after
    return {"value": change.value, "id": change.id, "created": change.created, "fields": fields}


def change_lines(change: Mapping[str, Any], *, write: bool) -> list[str]:
    """A write for a person."""
    if change["created"]:
        return [f"{change['value']}: {'made' if write else 'would be made'}"]
    lines = [f"{change['value']} ({change['id']}):"]
    for name, value in change["fields"].items():
        if isinstance(value, Mapping):
            lines += [f"  + {name}: {_row_text(row)}" for row in value["added"]]
            lines += [f"  - {name}: {_row_text(row)}" for row in value["dropped"]]
        else:
            lines.append(f"  = {name}: {', '.join(value) if isinstance(value, list) else value}")
    return lines


def _is_grid(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(row, dict) for row in value)


def _row_text(row: Any) -> str:
    if not isinstance(row, Mapping):
        return str(row)
    names = ("timestamp", "title", "notes", "link")
    return " | ".join(str(row[name]) for name in names if row.get(name))
