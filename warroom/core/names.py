"""Names that people mistype."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def near(name: str, known: Iterable[str]) -> str:
    """`; did you mean A or B?` for names like `name`, "" when none is near."""
    by_folded = {item.casefold(): item for item in known}
    close = difflib.get_close_matches(name.casefold(), list(by_folded), n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(by_folded[item] for item in close)}?" if close else ""
