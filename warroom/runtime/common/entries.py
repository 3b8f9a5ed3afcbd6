"""War room entries: their kinds, their making, and errors in them."""
# ruff: noqa: A002 (the names are the server's)

from __future__ import annotations

import sys
import traceback
from collections.abc import Mapping
from typing import Any, NoReturn

from warroom.runtime.common.server import demisto

__all__ = [
    "DemistoException", "EntryFormat", "EntryType", "IncidentSeverity", "IncidentStatus", "entryTypes", "formats",
    "get_error", "isError", "is_error", "return_error", "return_outputs", "return_warning",
]  # fmt: skip

LONGEST_ERROR = 50_000
# The server learns of a failed fetch from a failed process; an error entry would count as fetched.
RAISING_COMMANDS = ("fetch-incidents", "fetch-credentials", "long-running-execution", "fetch-indicators")


class DemistoException(Exception):
    """A failure told to the user by its text.

    `exception` is the cause, if any, and `res` the HTTP response, if one came.
    """

    def __init__(self, message: Any, exception: BaseException | None = None, res: Any = None, *args: Any) -> None:
        super().__init__(message, *args)
        self.message = message
        self.exception = exception
        self.res = res

    def __str__(self) -> str:
        return str(self.message)


class EntryType:
    """Kinds of war room entries."""

    NOTE = 1
    DOWNLOAD_AGENT = 2
    FILE = 3
    ERROR = 4
    PINNED = 5
    USER_MANAGEMENT = 6
    IMAGE = 7
    PLAYGROUND_ERROR = 8
    ENTRY_INFO_FILE = 9
    VIDEO_FILE = 10
    WARNING = 11
    STATIC_VIDEO_FILE = 12
    MAP_ENTRY_TYPE = 15
    DEBUG_MODE_FILE = 16
    WIDGET = 17
    EXECUTION_METRICS = 19


class EntryFormat:
    """How the contents of an entry are to be read."""

    HTML = "html"
    TABLE = "table"
    JSON = "json"
    TEXT = "text"
    DBOT_RESPONSE = "dbotCommandResponse"
    MARKDOWN = "markdown"

    @classmethod
    def is_valid_type(cls, _type: str) -> bool:
        """True for the formats of this class."""
        return _type in formats.values()


class IncidentStatus:
    """States of an incident."""

    PENDING = 0
    ACTIVE = 1
    DONE = 2
    ARCHIVE = 3


class IncidentSeverity:
    """Severities of an incident."""

    UNKNOWN = 0
    INFO = 0.5
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


entryTypes = {  # noqa: N816
    "note": 1, "downloadAgent": 2, "file": 3, "error": 4, "pinned": 5, "userManagement": 6, "image": 7,
    "playgroundError": 8, "entryInfoFile": 9, "warning": 11, "map": 15, "debugModeFile": 16, "widget": 17,
}  # fmt: skip
formats = {
    "html": "html", "table": "table", "json": "json", "text": "text", "dbotResponse": "dbotCommandResponse",
    "markdown": "markdown",
}  # fmt: skip


def return_outputs(
    readable_output: str | None,
    outputs: Mapping[str, Any] | None = None,
    raw_response: Any = None,
    timeline: list[dict[str, Any]] | None = None,
    ignore_auto_extract: bool = False,
) -> None:
    """Gives the user one entry. Kept for older code: `return_results` with `CommandResults` does the same."""
    entry: dict[str, Any] = {
        "Type": EntryType.NOTE,
        "HumanReadable": readable_output,
        "ContentsFormat": EntryFormat.TEXT if isinstance(raw_response, str) else EntryFormat.JSON,
        "Contents": raw_response if raw_response is not None else outputs,
        "EntryContext": outputs,
        "IndicatorTimeline": timeline or [],
        "IgnoreAutoExtract": ignore_auto_extract,
    }
    if readable_output and not outputs and raw_response is None:
        entry |= {"ContentsFormat": EntryFormat.TEXT, "Contents": readable_output}
    demisto.results(entry)


def return_error(message: Any, error: Any = "", outputs: Mapping[str, Any] | None = None) -> NoReturn:
    """Tells the user of a failure and ends the run.

    Writes an error entry and raises SystemExit(0), which passes `except Exception`. In the fetch commands and
    long-running-execution it raises Exception in its place. A text over 50 000 characters is cut in the middle.
    """
    text = _shortened(str(message))
    command = demisto.command()
    detail = "" if sys.exc_info()[0] is None else f"\n{traceback.format_exc()}"
    demisto.error(f"{text}{detail}" + (f"\n{error}" if error else ""))
    if command in RAISING_COMMANDS:
        raise Exception(text)
    if command == "get-modified-remote-data":
        text = f"skip update. error: {text}"
    demisto.results(
        {"Type": EntryType.ERROR, "ContentsFormat": EntryFormat.TEXT, "Contents": text, "EntryContext": outputs}
    )
    sys.exit(0)


def _shortened(text: str) -> str:
    if len(text) <= LONGEST_ERROR:
        return text
    mark = "\n...cut...\n"
    half = (LONGEST_ERROR - len(mark)) // 2
    return text[:half] + mark + text[-half:]


def return_warning(
    message: str,
    exit: bool = False,
    warning: str = "",
    outputs: Any = None,
    ignore_auto_extract: bool = False,
) -> None:
    """Gives the user a warning entry; `exit` ends the run with SystemExit(0)."""
    if warning:
        demisto.debug(warning)
    demisto.results(
        {
            "Type": EntryType.WARNING,
            "ContentsFormat": EntryFormat.TEXT,
            "IgnoreAutoExtract": ignore_auto_extract,
            "Contents": str(message),
            "EntryContext": outputs,
        }
    )
    if exit:
        sys.exit(0)


def is_error(execute_command_result: Any) -> bool:
    """True when an entry, or any entry of a list, is an error."""
    entries = execute_command_result if isinstance(execute_command_result, list) else [execute_command_result]
    return any(isinstance(entry, dict) and entry.get("Type") == EntryType.ERROR for entry in entries)


isError = is_error  # noqa: N816


def get_error(execute_command_result: Any) -> str:
    """The texts of all error entries, one per line. Raises ValueError when there are none."""
    if not is_error(execute_command_result):
        raise ValueError("get_error was given a result without an error entry; check with is_error first")
    entries = execute_command_result if isinstance(execute_command_result, list) else [execute_command_result]
    return "\n".join(str(entry["Contents"]) for entry in entries if is_error(entry))
