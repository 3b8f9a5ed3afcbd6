"""How many hosts, accounts, detections and lists are contained now, as a number of a dashboard."""

from collections.abc import Iterable, Mapping
from typing import Any

from CommonServerPython import *
from ResponseHouseApiModule import *


def contained(rows: Iterable[Mapping[str, Any]]) -> int:
    """Entities, each counted once per brain, however many products contain it."""
    return len({(row.get("brain"), row.get("key")) for row in rows if row.get("contained")})


def main() -> None:
    """Answer in the form that the server draws."""
    try:
        return_results(str(contained(elements_now(house_of()))))
    except Exception as error:
        return_error(f"VectraResponseContainedNumber: {error}", error=error)


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
