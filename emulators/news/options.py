"""Options of the news emulator."""

from __future__ import annotations

from dataclasses import dataclass

from emulators.kit import Options, option


@dataclass(frozen=True)
class NewsOptions(Options):
    """Stateful emulator of news sites: feeds in RSS and Atom and plain pages, with everything that goes wrong there."""

    window: int = option(0, "newest items that a source shows when it does not say; 0 is all of them", parse=int)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check("window", self.window >= 0, "it must not be negative")
