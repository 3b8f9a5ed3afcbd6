"""Verdicts (0 unknown, 1 good, 2 suspicious, 3 bad) and source reliability (A+ best, F worst)."""

from __future__ import annotations

SCORES = {
    "unknown": 0, "none": 0,
    "good": 1, "benign": 1,
    "suspicious": 2,
    "bad": 3, "malicious": 3,
}  # fmt: skip
NAMES = ("Unknown", "Good", "Suspicious", "Bad")
_RANKS = {"A++": 8, "A+": 7, "A": 6, "B": 5, "C": 4, "D": 3, "E": 2, "F": 1}


def score_of(verdict: object) -> int | None:
    """0..3 for a verdict word in any case, or a number or text 0..3; None for anything else."""
    if isinstance(verdict, str):
        word = verdict.strip().lower()
        return int(word) if word in ("0", "1", "2", "3") else SCORES.get(word)
    if isinstance(verdict, bool) or not isinstance(verdict, (int, float)):
        return None
    return int(verdict) if verdict in (0, 1, 2, 3) else None


def reliability_letter(text: object) -> str:
    """The letter part of a reliability, for example "A+" of "A+ - 3rd party enrichment"; "" when unknown."""
    letter = str(text or "").split(" ", 1)[0].upper()
    return letter if letter in _RANKS else ""


def reliability_rank(text: object) -> int:
    """Higher is better; 0 for an unknown reliability."""
    return _RANKS.get(reliability_letter(text), 0)
