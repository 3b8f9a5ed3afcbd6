"""What was contained within a period, for how long, by which product and why; what still is, and what failed.

As text for the war room, as sections for the notifier, and as files for those who do not look there.
"""

import csv
import html
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import demistomock as demisto
from CommonServerPython import *
from ResponseHouseApiModule import *

COLUMNS = ("brain", "key", "name", "instance", "element", "since", "until", "hours", "why")
HEADINGS = ("Brain", "What", "Name", "By", "Element", "Since", "Until", "Hours", "Why")
ROWS_IN_WAR_ROOM = 50
MOST_ROWS = "5000"


@dataclass(frozen=True)
class Gathered:
    """What the brains say: rows of the history, rows of the status, and why brains could not be asked."""

    history: tuple[dict[str, Any], ...]
    elements: tuple[dict[str, Any], ...]
    stopped: tuple[str, ...]
    errors: tuple[str, ...]


def gather(house: House, since: str) -> Gathered:
    """Ask every brain. Raises ValueError when there is none; a brain that fails is among the errors."""
    asked = {"since": since, "limit": MOST_ROWS}
    history, errors = rows_of_brains(house, "vectra-response-history", asked, "VectraResponse.History")
    statuses, more = rows_of_brains(house, "vectra-response-status", {}, "VectraResponse.Status")
    elements = [{"brain": status.get("brain"), **row} for status in statuses for row in status.get("elements") or []]
    stopped = tuple(str(status.get("brain")) for status in statuses if status.get("stopped"))
    return Gathered(tuple(history), tuple(elements), stopped, tuple(dict.fromkeys([*errors, *more])))


# ---- pure


def report_of(found: Gathered, since: str, now: float) -> dict[str, Any]:
    """The numbers of the report. Entities are counted once per brain; hours are of each element at each product."""
    lasting = [row for row in found.history if not row["until"]]
    failed = [row for row in found.elements if row.get("status") == "failed"]
    return {
        "period": since,
        "at": int(now),
        "contained": len(entities(found.history)),
        "released": len(entities(row for row in found.history if row["until"]) - entities(lasting)),
        "still": len(entities(lasting)),
        "failed": len(failed),
        "hours": round(sum(float(row["hours"]) for row in found.history), 1),
        "by_product": dict(Counter(str(row["instance"]) for row in found.history).most_common()),
        "by_type": dict(Counter(key.partition(":")[0] for _, key in entities(found.history)).most_common()),
        "by_reason": dict(Counter(reason(row) for row in one_per_entity(found.history)).most_common()),
        "stopped": list(found.stopped),
        "errors": list(found.errors),
        "failures": [failure(row) for row in failed],
    }


def entities(rows: Iterable[Mapping[str, Any]]) -> set[tuple[str, str]]:
    return {(str(row.get("brain")), str(row["key"])) for row in rows}


def one_per_entity(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return list({(row.get("brain"), row["key"], row["since"]): row for row in rows}.values())


def reason(row: Mapping[str, Any]) -> str:
    return one_line(row.get("why")) or "no reason on record"


def failure(row: Mapping[str, Any]) -> str:
    what = who(str(row["key"]), str(row.get("name") or ""))
    by = row.get("instance") or "no driver"
    return f"{row.get('brain')}: {what} by {by}: {one_line(row.get('reason')) or 'failed'}"


def clock_text(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%MZ") if seconds else ""


def table_rows(history: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The history as a table for people: what lasts first, then the latest."""
    ordered = sorted(history, key=lambda row: (bool(row["until"]), -row["since"], row["key"], row["instance"]))
    return [
        {
            heading: clock_text(row[name]) or "still contained"
            if name in ("since", "until")
            else one_line(row.get(name))
            for heading, name in zip(HEADINGS, COLUMNS, strict=True)
        }
        for row in ordered
    ]


def summary(report: Mapping[str, Any]) -> list[str]:
    """The report in a few lines."""
    counted = f"{report['contained']} contained in the last {report['period']}, {report['released']} of them released"
    lines = [f"{counted}, {report['still']} still contained; {report['hours']} hours of containment in all."]
    for label, name in (("By product", "by_product"), ("By type", "by_type"), ("Why", "by_reason")):
        if report[name]:
            lines.append(f"{label}: {', '.join(f'{what} {count}' for what, count in report[name].items())}.")
    lines += [f"The emergency stop of {brain} is on." for brain in report["stopped"]]
    return lines


def title_of(report: Mapping[str, Any]) -> str:
    return f"Vectra response: {report['contained']} contained, {report['still']} still, {report['failed']} failed"


def markdown(report: Mapping[str, Any], rows: Sequence[Mapping[str, str]]) -> str:
    """The report for the war room; long tables are cut, the files have everything."""
    parts = [f"## {title_of(report)}", *summary(report)]
    parts.append(tableToMarkdown("Containments", list(rows[:ROWS_IN_WAR_ROOM]), headers=list(HEADINGS)))
    if len(rows) > ROWS_IN_WAR_ROOM:
        parts.append(f"{len(rows) - ROWS_IN_WAR_ROOM} more are in the files.")
    for label, name in (("Failed", "failures"), ("Brains that could not be asked", "errors")):
        if report[name]:
            parts.append(f"### {label}\n" + "\n".join(f"- {text}" for text in report[name]))
    return "\n\n".join(parts)


def sections(report: Mapping[str, Any], rows: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """The report as sections of response-notify-send; what is empty is left out."""
    lasting = [row for row in rows if row["Until"] == "still contained"]
    groups = (
        ("Summary", "info", summary(report)),
        ("Still contained", "warning", [row_text(row) for row in lasting]),
        ("Released", "info", [row_text(row) for row in rows if row not in lasting]),
        ("Failed", "error", report["failures"]),
        ("Brains that could not be asked", "error", report["errors"]),
    )
    return [
        {"title": title, "level": level, "kind": "report", "news": True, "items": [{"text": text} for text in lines]}
        for title, level, lines in groups
        if lines
    ]


def row_text(row: Mapping[str, str]) -> str:
    what = who(row["What"], row["Name"])
    when = f"{row['Since']} to {row['Until']}, {row['Hours']} h"
    return f"{row['Brain']}: {what} by {row['By']} ({row['Element']}), {when}: {row['Why']}"


def as_csv(rows: Sequence[Mapping[str, str]]) -> str:
    """The table as CSV. A cell that a spreadsheet would take for a formula gets an apostrophe in front."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(HEADINGS)
    writer.writerows([[safe_cell(row[heading]) for heading in HEADINGS] for row in rows])
    return text.getvalue()


def safe_cell(text: str) -> str:
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def as_html(report: Mapping[str, Any], rows: Sequence[Mapping[str, str]]) -> str:
    """The report as a page that needs nothing else."""
    head = "".join(f"<th>{html.escape(heading)}</th>" for heading in HEADINGS)
    body = "\n".join(
        "<tr>" + "".join(f"<td>{html.escape(row[heading])}</td>" for heading in HEADINGS) + "</tr>" for row in rows
    )
    told = [*summary(report), *(f"Failed: {text}" for text in report["failures"])]
    told += [f"Could not be asked: {text}" for text in report["errors"]]
    lines = "\n".join(f"<li>{html.escape(text)}</li>" for text in told)
    style = "body{font-family:sans-serif;margin:2em}td,th{border:1px solid #999;padding:.3em .6em;text-align:left}"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title_of(report))}</title>'
        f"<style>{style} table{{border-collapse:collapse}}</style></head>\n"
        f"<body><h1>{html.escape(title_of(report))}</h1>\n"
        f"<p>{clock_text(report['at'])}</p>\n<ul>\n{lines}\n</ul>\n"
        f"<table><thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></body></html>\n"
    )


def main() -> None:
    """Report. A brain that cannot be asked is told in the report; an error entry means wrong arguments or no brain."""
    try:
        args, house = demisto.args(), house_of()
        since = str(args.get("since") or "7 days")
        found = gather(house, since)
        report, rows = report_of(found, since, house.now()), table_rows(found.history)
        text = markdown(report, rows)
        outputs = {
            **report,
            "title": title_of(report),
            "markdown": text,
            "sections": json.dumps(sections(report, rows)),
        }
        return_results(
            CommandResults(
                outputs_prefix="VectraResponse.Report", outputs=outputs, readable_output=text, replace_existing=True
            )
        )
        if flag(args, "files", default=True):
            day = datetime.fromtimestamp(house.now(), timezone.utc).strftime("%Y-%m-%d")
            return_results(fileResult(f"vectra-response-{day}.html", as_html(report, rows)))
            return_results(fileResult(f"vectra-response-{day}.csv", as_csv(rows)))
    except Exception as error:
        return_error(f"VectraResponseReport: {error}", error=error)


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
