"""State of an integration instance, kept as one JSON text in the versioned integration context.

Runs of the same instance may overlap (a fetch and a command, two engines). Each change is therefore a pure function
that is applied to
the newest stored state and written with the version it was read with; when somebody else wrote in between, it is
applied again.
"""

import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import demistomock as demisto  # noqa: F401
from CommonServerPython import *

VERSIONED_STATE_KEY = "state"


class StateConflictError(DemistoException):
    """Others kept writing this state while this run tried to. Nothing of this run's last change was stored."""


class StateTooNewError(DemistoException):
    """The stored state was written by a newer version of this integration, which this version cannot read."""


@dataclass(frozen=True)
class ContextPort:
    """The integration context as two functions, as the server offers them.

    `read()` gives `{"context": {...}, "version": opaque}` from the database. `write(context, version)` stores at once
    and raises
    ValueError when the stored version is not `version` any more.
    """

    read: Callable[[], dict[str, Any]]
    write: Callable[[dict[str, Any], Any], None]

    @classmethod
    def of(cls, server: Any) -> "ContextPort":
        """The context of the running instance; `server` is `demisto`, which only `main` has."""
        return cls(
            read=lambda: server.getIntegrationContextVersioned(refresh=True),
            write=lambda context, version: server.setIntegrationContextVersioned(context, version, sync=True),
        )


def pause_between_tries(attempt: int) -> None:
    """Sleeps a random moment, up to a tenth of a second longer with each try."""
    time.sleep(random.random() * 0.1 * attempt)


@dataclass
class VersionedState:
    """Reads and changes the state under one key of the context, leaving other keys alone.

    Args:
        port: the integration context.
        version: version of the state's shape, stored as its member `v`.
        initial: makes the state of an instance that has none.
        migrations: `migrations[n]` turns a state of version n into one of version n + 1.
        pause: called between two tries with the number of the try; sleeps a random moment.
        key: the context key that holds this state. Several states may share a context, each under a key of its own.
    """

    port: ContextPort
    version: int
    initial: Callable[[], dict[str, Any]]
    pause: Callable[[int], None] = pause_between_tries
    migrations: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = field(default_factory=dict)
    attempts: int = 20
    key: str = VERSIONED_STATE_KEY

    def load(self) -> dict[str, Any]:
        """The stored state in today's shape, or the initial one. Raises StateTooNewError or ValueError when it
        cannot be read.
        """
        return self.decode(self.port.read().get("context") or {})

    def update(self, change: Callable[[dict[str, Any]], dict[str, Any]], **texts: str) -> dict[str, Any]:
        """Store `change(newest state)`, and with it other context keys in the same write. Gives back what was stored.

        `change` must be a function of its argument alone: it runs again when somebody else wrote in between. What it
        raises is passed on
        and nothing is stored.

        Raises:
            StateConflictError: others wrote at each of the tries.
        """
        for attempt in range(1, self.attempts + 1):
            stored = self.port.read()
            context = dict(stored.get("context") or {})
            state = change(self.decode(context))
            text = json.dumps({**state, "v": self.version}, separators=(",", ":"))
            try:
                self.port.write({**context, **texts, self.key: text}, stored.get("version"))
            except ValueError:
                self.pause(attempt)
                continue
            return state
        raise StateConflictError(
            f"The state of this instance was changed by others {self.attempts} times in a row; nothing was stored."
        )

    def decode(self, context: dict[str, Any]) -> dict[str, Any]:
        text = context.get(self.key)
        if not text:
            return self.initial()
        try:
            state = json.loads(text)
            while state["v"] < self.version:
                state = {**self.migrations[state["v"]](state), "v": state["v"] + 1}
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"The stored state of this instance cannot be read ({type(error).__name__}). "
                "To start anew, reset the integration cache of the instance."
            ) from error
        if state["v"] > self.version:
            raise StateTooNewError(
                f"The stored state has version {state['v']}, this integration reads up to version {self.version}. "
                "Install the newer pack again, or reset the integration cache to start anew."
            )
        return state
