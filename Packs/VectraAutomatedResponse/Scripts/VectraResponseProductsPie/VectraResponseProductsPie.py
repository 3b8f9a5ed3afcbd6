"""Who contains how much now, as a pie of a dashboard."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from CommonServerPython import *
from ResponseHouseApiModule import *


def by_product(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Contained elements by driver instance."""
    return chart_of(Counter(str(row.get("instance")) for row in rows if row.get("contained")))


def main() -> None:
    """Answer in the form that the server draws."""
    try:
        return_results(json.dumps(by_product(elements_now(house_of()))))
    except Exception as error:
        return_error(f"VectraResponseProductsPie: {error}", error=error)


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
