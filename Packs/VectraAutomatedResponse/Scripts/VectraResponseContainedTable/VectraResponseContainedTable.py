"""What is contained now and what failed, as a table of a dashboard."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any

from CommonServerPython import *
from ResponseHouseApiModule import *


def table(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What is contained and what failed, the latest first, in the form of the server."""
    chosen = [row for row in rows if row.get("contained") or row.get("status") == "failed"]
    shown = [table_row(row) for row in sorted(chosen, key=lambda row: -float(row.get("since") or 0))]
    return {"total": len(shown), "data": shown}


def table_row(row: Mapping[str, Any]) -> dict[str, str]:
    since = float(row.get("since") or 0)
    return {
        "Brain": str(row.get("brain") or ""),
        "Entity": who(str(row.get("key")), str(row.get("name") or "")),
        "Status": str(row.get("status") or ""),
        "By": str(row.get("instance") or ""),
        "Since": datetime.fromtimestamp(since, timezone.utc).strftime("%Y-%m-%d %H:%MZ") if since else "",
        "Why": one_line(row.get("why") or row.get("reason")),
    }


def main() -> None:
    """Answer in the form that the server draws."""
    try:
        return_results(json.dumps(table(elements_now(house_of()))))
    except Exception as error:
        return_error(f"VectraResponseContainedTable: {error}", error=error)


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
