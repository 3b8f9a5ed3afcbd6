"""Verdicts: the score of an indicator, who gave it, and how far that source is to be trusted."""

from __future__ import annotations

from typing import Any

from warroom.runtime.common.server import brand

__all__ = ["DBotScoreReliability", "DBotScoreType"]


class _Names:
    # The public constants of a class, in the order of the class.
    @classmethod
    def _values(cls) -> list[str]:
        return [value for name, value in vars(cls).items() if name[0] != "_" and isinstance(value, str)]


class DBotScoreType(_Names):
    """Kinds of indicators in verdicts."""

    IP = "ip"
    FILE = "file"
    DOMAIN = "domain"
    URL = "url"
    CVE = "cve"
    ACCOUNT = "account"
    CIDR = "cidr"
    DOMAINGLOB = "domainglob"
    CERTIFICATE = "certificate"
    CRYPTOCURRENCY = "cryptocurrency"
    EMAIL = "email"
    ATTACKPATTERN = "attackpattern"
    CUSTOM = "custom"

    @staticmethod
    def is_valid_type(_type: str) -> bool:
        """True for the names of this class."""
        return _type in DBotScoreType._values()


class DBotScoreReliability(_Names):
    """How far a source is to be trusted, best first."""

    A_PLUS = "A+ - 3rd party enrichment"
    A = "A - Completely reliable"
    B = "B - Usually reliable"
    C = "C - Fairly reliable"
    D = "D - Not usually reliable"
    E = "E - Unreliable"
    F = "F - Reliability cannot be judged"

    @staticmethod
    def is_valid_type(_type: str) -> bool:
        """True for the texts of this class."""
        return _type in DBotScoreReliability._values()

    @staticmethod
    def get_dbot_score_reliability_from_str(reliability_str: str) -> str:
        """The text for a text or a letter such as `A+`. Raises ValueError for anything else."""
        for text in DBotScoreReliability._values():
            if reliability_str in (text, text.partition(" ")[0]):
                return text
        raise ValueError(f"{reliability_str!r} is no reliability; one of {DBotScoreReliability._values()}")


class DBotScore:
    """One verdict.

    `score` is 0 (none) to 3 (bad). In an integration the vendor is the brand, whatever `integration_name` says. Raises
    TypeError for an unknown type, score or reliability.
    """

    NONE = 0
    GOOD = 1
    SUSPICIOUS = 2
    BAD = 3

    CONTEXT_PATH = (
        "DBotScore(val.Indicator && val.Indicator == obj.Indicator && val.Vendor == obj.Vendor && val.Type == obj.Type)"
    )

    def __init__(
        self,
        indicator: str,
        indicator_type: str,
        integration_name: str = "",
        score: int | None = None,
        malicious_description: str | None = None,
        reliability: str | None = None,
        message: str | None = None,
    ) -> None:
        _check(DBotScoreType.is_valid_type(indicator_type), "indicator_type", indicator_type)
        _check(DBotScore.is_valid_score(score), "score", score)
        if reliability:
            _check(DBotScoreReliability.is_valid_type(reliability), "reliability", reliability)
        self.indicator = indicator
        self.indicator_type = indicator_type
        self.integration_name = brand() or integration_name
        self.score = score
        self.malicious_description = malicious_description
        self.reliability = reliability
        self.message = message

    @staticmethod
    def is_valid_score(score: Any) -> bool:
        """True for 0 to 3."""
        return score in (DBotScore.NONE, DBotScore.GOOD, DBotScore.SUSPICIOUS, DBotScore.BAD)

    @staticmethod
    def get_context_path() -> str:
        """The key of verdicts in the context."""
        return DBotScore.CONTEXT_PATH

    def to_context(self) -> dict[str, Any]:
        """{context path: verdict}."""
        found: dict[str, Any] = {
            "Indicator": self.indicator,
            "Type": self.indicator_type,
            "Vendor": self.integration_name,
            "Score": self.score,
        }
        if self.reliability:
            found["Reliability"] = self.reliability
        if self.message:
            found["Message"] = self.message
        return {DBotScore.CONTEXT_PATH: found}

    def to_readable(self) -> str:
        """The name of the score."""
        return ("Unknown", "Good", "Suspicious", "Bad")[self.score or 0]


def _check(valid: bool, name: str, value: Any) -> None:
    if not valid:
        raise TypeError(f"DBotScore: {name} must not be {value!r}")
