"""Commands that run again by themselves until their work is done."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from warroom.runtime.common.args import argToBoolean
from warroom.runtime.common.entries import DemistoException
from warroom.runtime.common.results import CommandResults
from warroom.runtime.common.server import demisto
from warroom.runtime.common.versions import is_demisto_version_ge

__all__ = ["PollResult", "ScheduledCommand", "polling_function"]

SHORTEST_INTERVAL_SECONDS = 10
HIDE_MESSAGE = "hide_polling_output"


class ScheduledCommand:
    """The next run of a command, told to the server by the entry of a CommandResults.

    `next_run_in_seconds` is at least 10; `timeout_in_seconds` ends the sequence, None leaves that to the server.
    """

    VERSION_MISMATCH = "This command polls by itself, which needs a server of version 6.2.0 or later."

    def __init__(
        self,
        command: str,
        next_run_in_seconds: int,
        args: Mapping[str, Any] | None = None,
        timeout_in_seconds: int | None = None,
        items_remaining: int = 0,
    ) -> None:
        self.raise_error_if_not_supported()
        self._command = command
        self._next_run = str(max(int(next_run_in_seconds), SHORTEST_INTERVAL_SECONDS))
        self._args = args
        self._timeout = None if timeout_in_seconds is None else str(timeout_in_seconds)
        self._items_remaining = items_remaining

    @staticmethod
    def supports_polling() -> bool:
        """True from server version 6.2.0 on."""
        return is_demisto_version_ge("6.2.0")

    @staticmethod
    def raise_error_if_not_supported() -> None:
        """Raises DemistoException on a server that has no polling commands."""
        if not ScheduledCommand.supports_polling():
            raise DemistoException(ScheduledCommand.VERSION_MISMATCH)

    def to_results(self) -> dict[str, Any]:
        """The keys of the entry that make the server run the command again."""
        found = {
            "PollingCommand": self._command,
            "NextRun": self._next_run,
            "PollingArgs": self._args,
            "Timeout": self._timeout,
            "PollingItemsRemaining": self._items_remaining,
        }
        return {name: value for name, value in found.items() if value or name == "PollingItemsRemaining"}


class PollResult:
    """What one round of a polling command gives: its answer, and whether to go on.

    `args_for_next_run` stand in for the arguments of this run; `partial_result` is shown while the polling goes on.
    """

    def __init__(
        self,
        response: Any,
        continue_to_poll: bool | Callable[[], bool] = False,
        args_for_next_run: Mapping[str, Any] | None = None,
        partial_result: CommandResults | None = None,
    ) -> None:
        self.response = response
        self.continue_to_poll = continue_to_poll
        self.args_for_next_run = args_for_next_run
        self.partial_result = partial_result

    @property
    def goes_on(self) -> bool:
        """True when another round is wanted."""
        wanted = self.continue_to_poll
        return bool(wanted() if callable(wanted) else wanted)


def polling_function(
    name: str,
    interval: int = 30,
    timeout: int = 600,
    poll_message: str = "Fetching Results:",
    polling_arg_name: str = "polling",
    requires_polling_arg: bool = True,
) -> Callable[[Callable[..., PollResult]], Callable[..., Any]]:
    """Makes `func(args, ...) -> PollResult` a polling command of this name.

    The arguments `interval_in_seconds` and `timeout_in_seconds` of the command go before `interval` and `timeout`
    (seconds). Without the polling argument the function runs once and its response is returned.
    """

    def decorate(func: Callable[..., PollResult]) -> Callable[..., Any]:
        @functools.wraps(func)
        def poll(args: dict[str, Any], *rest: Any, **named: Any) -> Any:
            wanted = not requires_polling_arg or argToBoolean(args.get(polling_arg_name) or False)
            if wanted:
                ScheduledCommand.raise_error_if_not_supported()
            result = func(args, *rest, **named)
            if not wanted or not result.goes_on:
                return result.response
            return _next_round(name, args, result, interval, timeout, poll_message)

        return poll

    return decorate


def _next_round(
    name: str, args: Mapping[str, Any], result: PollResult, interval: int, timeout: int, message: str
) -> CommandResults:
    shown = result.partial_result
    if shown is None:
        quiet = argToBoolean(args.get(HIDE_MESSAGE) or False)
        shown = CommandResults(readable_output=None if quiet else message)
    next_args = dict(result.args_for_next_run or args)
    next_args[HIDE_MESSAGE] = True
    demisto.debug(f"{name} runs again")
    shown.scheduled_command = ScheduledCommand(
        command=name,
        next_run_in_seconds=int(args.get("interval_in_seconds") or interval),
        args=next_args,
        timeout_in_seconds=int(args.get("timeout_in_seconds") or timeout),
    )
    return shown
