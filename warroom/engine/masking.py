"""Takes secret values out of everything that is kept or shown. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

MASK = "******"
SHORTEST_PART = 6

Value = TypeVar("Value")


@dataclass(frozen=True)
class Masker:
    """Replaces secret values in texts and in anything made of dicts, lists and texts.

    A secret of fewer than six characters is replaced only where it is the whole text: as a part it would
    also hit harmless text, such as the digits of an address.
    """

    whole: frozenset[str]
    parts: re.Pattern[str] | None

    @classmethod
    def of(cls, secrets: Iterable[str]) -> Masker:
        """A masker for these values, in their plain, JSON and URL forms. Empty texts are ignored."""
        known = {secret for secret in secrets if secret}
        long = {form for secret in known if len(secret) >= SHORTEST_PART for form in _forms(secret)}
        pattern = "|".join(re.escape(form) for form in sorted(long, key=len, reverse=True))
        return cls(frozenset(known), re.compile(pattern) if pattern else None)

    def text(self, text: str) -> str:
        """The text without secrets."""
        if text in self.whole:
            return MASK
        return self.parts.sub(MASK, text) if self.parts else text

    def value(self, value: Value) -> Value:
        """The same shape with every text in it masked, keys of mappings too."""
        masked: Value = self._any(value) if self.whole else value
        return masked

    def _any(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(key) if isinstance(key, str) else key: self._any(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._any(item) for item in value]
        return value


def _forms(secret: str) -> set[str]:
    return {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], quote(secret, safe="")}
