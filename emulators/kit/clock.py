"""The time an emulator lives in: real, shifted, or stopped."""

from __future__ import annotations

import time
from collections.abc import Callable


class Clock:
    """Seconds since the epoch as the emulated vendor sees them.

    Follows `base` plus a shift, or stands still while frozen. Only wall-clock questions (key age, expiry,
    modification times) use it; rates and durations are measured on a monotonic clock, so a frozen emulator
    still answers at its normal rate.
    """

    def __init__(self, base: Callable[[], float] = time.time) -> None:
        self._base = base
        self._shift = 0.0
        self._frozen_at: float | None = None

    @property
    def frozen(self) -> bool:
        """True while the clock stands still."""
        return self._frozen_at is not None

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._base() + self._shift if self._frozen_at is None else self._frozen_at

    def now_ms(self) -> int:
        """Whole milliseconds since the epoch."""
        return int(self.now() * 1000)

    def set(self, seconds: float) -> None:
        """Jump to `seconds` since the epoch; a frozen clock stays frozen there."""
        if self._frozen_at is None:
            self._shift = seconds - self._base()
        else:
            self._frozen_at = seconds

    def advance(self, seconds: float) -> None:
        """Move by `seconds`, backwards when negative."""
        self.set(self.now() + seconds)

    def freeze(self) -> None:
        """Stop at the present moment; does nothing when already frozen."""
        self._frozen_at = self.now()

    def resume(self) -> None:
        """Go on from the moment the clock was frozen at; does nothing when it is running."""
        if self._frozen_at is not None:
            moment, self._frozen_at = self._frozen_at, None
            self.set(moment)

    def restore(self) -> None:
        """Back to the base clock, running."""
        self._shift, self._frozen_at = 0.0, None
