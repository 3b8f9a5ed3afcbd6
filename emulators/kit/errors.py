"""What goes wrong in an emulator: a refused request, a bad option."""

from __future__ import annotations

from collections.abc import Mapping


class Refused(Exception):
    """A request the vendor would not serve; the emulator turns it into the vendor's error reply.

    `message` and `extra` are for the vendor-shaped body. `note` goes only to the request log: it may say what a
    real vendor keeps to itself, such as why a signature did not match. `headers` are added to the reply.
    """

    def __init__(
        self,
        status: int,
        message: str = "",
        *,
        extra: object = None,
        headers: Mapping[str, str] | None = None,
        note: str = "",
    ) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message
        self.extra = extra
        self.headers = dict(headers or {})
        self.note = note


class BadOption(ValueError):
    """An option that cannot be used; the text names the option, its value and what would be accepted."""
