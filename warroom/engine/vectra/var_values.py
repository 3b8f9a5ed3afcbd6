"""Values of VAR's settings as texts for parameters. Each function gives the text and a remark, "" when all is the same.

They raise ValueError with the reason when a value cannot be taken over.
"""

from __future__ import annotations

from typing import Any

NEVER = 100
Taken = tuple[str, str]


def text_of(value: Any) -> Taken:
    """A text; nothing stands for off."""
    if value is None:
        return "", "is off"
    if not isinstance(value, str):
        raise ValueError(f"is {value!r}, which is no text")
    return value.strip(), "" if value.strip() else "is off"


def lines_of(value: Any) -> Taken:
    """A list of texts, one per line."""
    items = [value] if isinstance(value, str) and value else value or []
    if not isinstance(items, (list, tuple, set)) or not all(isinstance(item, str) for item in items):
        raise ValueError(f"is {value!r}, which is no list of texts")
    odd = [item for item in items if "," in item or "\n" in item]
    if odd:
        raise ValueError(f"holds {odd[0]!r}; entries cannot have commas or line breaks, write each as one")
    return "\n".join(item.strip() for item in items if item.strip()), ""


def score_of(value: Any) -> Taken:
    """A pair of threat and certainty such as `80 and 70`; a pair that no entity can reach is off."""
    pair = _pair(value)
    if pair is None:
        return "", "is off"
    threat, operator, certainty, remark = pair
    unreachable = [threat >= NEVER, certainty >= NEVER]
    if all(unreachable) or (operator == "and" and any(unreachable)):
        return "", "is off (scores end at 99)"
    if operator == "or" and min(threat, certainty) == 0:
        remark = f"{remark}; beware: 'or' with 0 is true for everything".lstrip("; ")
    return f"{threat} {operator} {certainty}", remark


def minimum_of(value: Any, *, used: bool) -> Taken:
    """The least score for detection types. Out of reach must stay so here, because empty would mean no minimum."""
    pair = _pair(value)
    if pair is None or not used:
        return "", "" if used else "has no effect without detection types"
    threat, operator, certainty, remark = pair
    remark = f"{remark}; VAR asked for more than this, here it is at least this".lstrip("; ")
    return f"{min(threat, NEVER)} {operator} {min(certainty, NEVER)}", remark


def urgency_of(value: Any) -> Taken:
    """A whole number from 0 to 100; anything above is off, as are None and an empty text."""
    if value is None or value == "":
        return "", "is off"
    number = whole_of(value)
    return (str(number), "") if number <= NEVER else ("", "is off (urgency ends at 100)")


def hour_of(value: Any) -> Taken:
    """A full hour from 0 to 23 as a time of day; nothing stands for no bound."""
    if value is None or value == "":
        return "", ""
    number = whole_of(value)
    if not 0 <= number <= 23:
        raise ValueError(f"is {value!r}, which is no hour from 0 to 23")
    return f"{number:02}:00", ""


def flag_of(value: Any) -> Taken:
    """true or false. VAR took any text for true, also `False`; here a text counts as what it says."""
    if isinstance(value, bool):
        return str(value).lower(), ""
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower(), "is a text, which VAR took for True; it is taken as what it says"
    raise ValueError(f"is {value!r}, which is neither True nor False")


def whole_of(value: Any) -> int:
    """A whole number, also one that the configuration helper wrote as text."""
    text = str(value).strip()
    if isinstance(value, bool) or not text.lstrip("-").isdecimal():
        raise ValueError(f"is {value!r}, which is no whole number")
    return int(text)


def _pair(value: Any) -> tuple[int, str, int, str] | None:
    if value is None or value in ("", ()):
        return None
    if not isinstance(value, (tuple, list)) or len(value) != 3:
        raise ValueError(f"is {value!r}, which is no pair such as (80, 'and', 70)")
    threat, operator, certainty = whole_of(value[0]), str(value[1]).strip(), whole_of(value[2])
    if operator.lower() not in ("and", "or") or not (threat >= 0 and certainty >= 0):
        raise ValueError(f"is {value!r}, which is no pair such as (80, 'and', 70)")
    remark = "VAR took AND in capitals for 'or'; here it is 'and'" if operator == "AND" else ""
    return threat, operator.lower(), certainty, remark
