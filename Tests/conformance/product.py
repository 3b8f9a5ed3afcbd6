"""What the suite has to know about a product: how to bring it into each situation, and how to read its own truth."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

# Situations that some products cannot get into. A driver whose product cannot says so in `lacks`, with the reason.
SITUATIONS = ("others_block", "former", "lose", "unknown", "several", "slow_job", "refused_job")
FAULTS = ("expired_token", "too_many_requests", "server_error", "torn_body", "time_out")


@dataclass(frozen=True)
class Subject:
    """An entity: the arguments of its block command without `brain`, and the elements to be blocked for it."""

    args: Mapping[str, str]
    elements: frozenset[str]


class Product(ABC):
    """A product for the length of one test, with one instance of its driver.

    `drivers/<Driver>.py` has a context manager `product(folder)` that starts the emulator and gives one of these;
    `folder` is an empty folder for files. Everything here acts on the emulator itself, never through the driver.
    """

    # situation or fault, or `situation/kind` -> why this product cannot get into it.
    lacks: ClassVar[Mapping[str, str]] = {}
    # Reads the integration context of the instance; set by the suite before anything runs.
    context: Callable[[], Mapping[str, Any]]

    @property
    @abstractmethod
    def params(self) -> Mapping[str, str]:
        """Parameters of the instance that differ from the yml; `<name>.identifier` is the user part of credentials."""

    @property
    def secrets(self) -> Mapping[str, str]:
        """Values of secret parameters. None of them may show up in a result, a log or the context."""
        return {}

    @abstractmethod
    def subject(self, kind: str) -> Subject:
        """An entity of this kind (host, account, detection, destinations) that the product knows and nobody blocked."""

    @abstractmethod
    def contained(self) -> frozenset[str]:
        """The truth: all elements that are blocked in the product now, by anybody."""

    def others_block(self, subject: Subject) -> None:
        """Somebody else blocks the subject in the product's own console."""
        raise NotImplementedError

    def former(self, subject: Subject) -> None:
        """Set what a block will replace, and not a block itself: another policy, a setting of a person."""
        raise NotImplementedError

    def is_former(self, subject: Subject) -> bool:
        """Is what `former` set there again, whole and unchanged?"""
        raise NotImplementedError

    def lose(self, subject: Subject) -> None:
        """The product loses what it blocks of the subject: a reboot, a clean-up, an operator. It is not `contained`."""
        raise NotImplementedError

    def unknown(self, kind: str) -> Mapping[str, str]:
        """Arguments of an entity that the product does not know."""
        raise NotImplementedError

    def several(self, kind: str) -> Subject:
        """An entity that fits several things in the product; `elements` are those that may be blocked, often none."""
        raise NotImplementedError

    def slow_job(self) -> None:
        """From now on orders are accepted, and take effect at `finish`."""
        raise NotImplementedError

    def finish(self) -> None:  # noqa: B027 - nothing to finish where orders take effect at once
        """Let everything that was ordered take effect, and further orders at once."""

    def refused_job(self) -> None:
        """From now on orders to block are refused, or accepted and then given up."""
        raise NotImplementedError

    def fault(self, name: str) -> None:
        """From now on something goes wrong with every request, or with every order; one of FAULTS.

        Time-outs of the instance are to be short enough for a test.
        """
        raise NotImplementedError

    def heal(self) -> None:  # noqa: B027 - nothing to heal where nothing goes wrong
        """End every fault and refusal."""
