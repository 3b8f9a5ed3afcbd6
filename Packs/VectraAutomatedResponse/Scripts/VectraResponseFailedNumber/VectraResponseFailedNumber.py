"""How many elements or drivers failed, as a number of a dashboard."""

from collections.abc import Iterable, Mapping
from typing import Any

from CommonServerPython import *
from ResponseHouseApiModule import *


def failed(rows: Iterable[Mapping[str, Any]]) -> int:
    """Elements that could not be contained or released, and drivers that refused an entity. They are tried again."""
    return sum(row.get("status") == "failed" for row in rows)


def main() -> None:
    """Answer in the form that the server draws."""
    try:
        return_results(str(failed(elements_now(house_of()))))
    except Exception as error:
        return_error(f"VectraResponseFailedNumber: {error}", error=error)


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
