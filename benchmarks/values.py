"""Made-up indicators for the benchmarks: the same for the same numbers, about 2 KB each with three sources."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

from warroom.store import Source, Store

STEP = 5_000
SYNC_QUERY = "reputation:Bad and (type:File or type:Domain or type:IP)"
SOURCES = (
    Source("Feed One", "feed-one", "benchmark-1", "B - Usually reliable"),
    Source("Feed Two", "feed-two", "benchmark-2", "C - Fairly reliable"),
    Source("Feed Three", "feed-three", "benchmark-3", "A - Completely reliable"),
)
_WORDS = "beacon loader stealer dropper proxy panel staging phishing exfiltration callback".split()


def value_of(number: int) -> tuple[str, str]:
    """(value, type) of an indicator: hashes, domains and addresses in turn, no value twice below 2^24."""
    digest = hashlib.sha256(b"%d" % number).hexdigest()
    if number % 3 == 0:
        return digest, "File"
    if number % 3 == 1:
        return f"{digest[:12]}.{_WORDS[number % 10]}.example", "Domain"
    return ".".join(map(str, ((11 << 24) + number).to_bytes(4, "big"))), "IP"


def item(number: int, source: int, round_number: int = 0) -> dict[str, Any]:
    """What a source says about an indicator; another round says something new."""
    value, kind = value_of(number)
    word = _WORDS[(number + source) % 10]
    fields: dict[str, Any] = {"tags": [word, f"campaign-{number % 97}"]}
    if source == 0:
        fields |= {"description": f"seen as {word} in round {round_number}", "comments": f"round {round_number}"}
    if source == 2 and number % 4:
        fields["expirationdate"] = f"{2040 + number % 9}-0{1 + number % 9}-1{number % 8}T12:34:56Z"
    return {"value": value, "type": kind, "score": 3, "fields": fields}


def fill(store: Store, first: int, end: int, tell: Callable[[int], None] = lambda done: None) -> None:
    """Indicators `first` to before `end`, each from three sources."""
    for numbers in _steps(first, end):
        for source in range(len(SOURCES)):
            store.indicators.apply([item(number, source) for number in numbers], SOURCES[source])
        tell(numbers.stop)


def change(store: Store, numbers: range, round_number: int) -> None:
    """Lets one source say something new about these indicators."""
    for start in range(0, len(numbers), STEP):
        part = numbers[start : start + STEP]
        store.indicators.apply([item(number, 0, round_number) for number in part], SOURCES[0])


def _steps(first: int, end: int) -> Iterator[range]:
    return (range(start, min(end, start + STEP)) for start in range(first, end, STEP))
