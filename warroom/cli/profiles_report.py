"""What `warroom profiles update` prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from warroom.cli.app import App
from warroom.cli.output import print_json, print_rows
from warroom.engine.profiles import UpdateResult
from warroom.engine.xsoar import Change


def report_update(app: App, result: UpdateResult, *, left_out: int, write: bool, as_json: bool) -> None:
    """Everything as JSON, or what is not unchanged and each write for a person."""
    changes = [change_as_dict(change) for change in result.changes]
    if as_json:
        print_json({
            "status": result.status, "dry_run": not write, "error": result.error, "profiles": result.profiles,
            "articles": result.articles, "left_out": left_out, "changes": changes,
        })  # fmt: skip
        return
    told = [profile for profile in result.profiles if profile["status"] != "unchanged"]
    columns = ("name", "status", "added", "id", "reason")
    print_rows(app.terminal, columns, ([profile[name] for name in columns] for profile in told))
    for change in changes:
        for line in change_lines(change, write=write):
            click.echo(line)
    click.echo(summary(result, left_out, write=write))
    if result.error:
        click.echo(result.error, err=True)


def summary(result: UpdateResult, left_out: int, *, write: bool) -> str:
    """One line of numbers."""
    matched = sum(bool(article["matched"]) for article in result.articles)
    more = f" ({left_out} left out)" if left_out else ""
    done = "were changed" if write else "would be changed; nothing was, because --write is not given"
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
