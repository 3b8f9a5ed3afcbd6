"""How many containments began on each of the last seven days, as a bar of a dashboard."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from CommonServerPython import *
from ResponseHouseApiModule import *

DAYS = 7


def by_day(rows: Iterable[Mapping[str, Any]], now: float) -> list[dict[str, Any]]:
    """Entities whose containment began on a day (UTC), in the order of the days; days without any are there too."""
    today = datetime.fromtimestamp(now, timezone.utc)
    days = {(today - timedelta(days=back)).strftime("%m-%d"): 0 for back in reversed(range(DAYS))}
    begun = {(row.get("brain"), row.get("key"), day_of(float(row["since"]))) for row in rows}
    counted = Counter(day for _, _, day in begun if day in days)
    bars = {item["name"]: item for item in chart_of({**days, **counted})}
    return [bars[day] for day in days]


def day_of(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%m-%d")


def answer(house: House) -> str:
    """Raises CommandFailed when no brain can be asked."""
    asked = {"since": f"{DAYS} days", "limit": "5000"}
    rows, errors = rows_of_brains(house, "vectra-response-history", asked, "VectraResponse.History")
    if errors and not rows:
        raise CommandFailed("; ".join(errors))
    return json.dumps(by_day(rows, house.now()))


def main() -> None:
    """Answer in the form that the server draws."""
    try:
        return_results(answer(house_of()))
    except Exception as error:
        return_error(f"VectraResponseDaysBar: {error}", error=error)


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
