"""War room commands that scripts run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from warroom.runtime.common.entries import DemistoException, EntryType, get_error, is_error
from warroom.runtime.common.server import demisto
from warroom.runtime.common.tables import tableToMarkdown

__all__ = ["CommandRunner", "execute_command", "is_debug_entry"]


def is_debug_entry(execute_command_result: Any) -> bool:
    """True for an entry that holds a debug-mode log."""
    return isinstance(execute_command_result, dict) and execute_command_result.get("Type") == EntryType.DEBUG_MODE_FILE


def execute_command(
    command: str, args: Mapping[str, Any], extract_contents: bool = True, fail_on_error: bool = True
) -> Any:
    """Runs a war room command and returns its contents: those of the only entry, or a list, debug entries left out.

    Raises DemistoException when any entry is an error, also when a command that ran on several instances failed on one
    only. Without `fail_on_error` it returns (True, contents) or (False, error text). Without `extract_contents` the
    contents are the entries. Raises DemistoException in an integration, which cannot run commands.
    """
    if not hasattr(demisto, "executeCommand"):
        raise DemistoException(f"{command}: commands can be run by scripts only")
    entries = demisto.executeCommand(command, args)
    if is_error(entries):
        text = get_error(entries)
        if not fail_on_error:
            return False, text
        raise DemistoException(f"Failed to execute {command}. Error details:\n{text}")
    found = _contents(entries) if extract_contents else entries
    return found if fail_on_error else (True, found)


def _contents(entries: Any) -> Any:
    if not isinstance(entries, list):
        return {} if entries is None else entries
    found = [entry["Contents"] for entry in entries if isinstance(entry, dict) and not is_debug_entry(entry)]
    return found[0] if len(found) == 1 else found


class CommandRunner:
    """Runs commands that may be answered by several instances, and keeps good answers and errors apart."""

    class Command:
        """A command with the arguments of one run, or of several."""

        def __init__(
            self,
            commands: str | Sequence[str],
            args_lst: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
            brand: str | None = None,
            instance: str | None = None,
        ) -> None:
            self.commands = [commands] if isinstance(commands, str) else list(commands)
            given = [args_lst] if isinstance(args_lst, Mapping) else list(args_lst or [{}])
            chosen = {"using-brand": brand, "using": instance}
            extra = {name: value for name, value in chosen.items() if value}
            self.args_lst = [{**args, **extra} for args in given]

    class Result:
        """What one instance answered."""

        def __init__(self, command: str, args: Mapping[str, Any], brand: str, instance: str, result: Any) -> None:
            self.command = command
            self.args = args
            self.brand = brand
            self.instance = instance
            self.result = result

    @staticmethod
    def execute_commands(
        command: CommandRunner.Command, extract_contents: bool = True
    ) -> tuple[list[CommandRunner.Result], list[CommandRunner.Result]]:
        """(answers, errors), one for each instance that answered. A command that nobody offers is an error too."""
        results: list[CommandRunner.Result] = []
        errors: list[CommandRunner.Result] = []
        for name in command.commands:
            for args in command.args_lst:
                good, bad = CommandRunner._run(name, args, extract_contents)
                results += good
                errors += bad
        return results, errors

    @staticmethod
    def _run(
        name: str, args: Mapping[str, Any], extract: bool
    ) -> tuple[list[CommandRunner.Result], list[CommandRunner.Result]]:
        try:
            entries = demisto.executeCommand(name, args)
        except ValueError as error:
            return [], [CommandRunner.Result(name, args, "none", "none", str(error))]
        groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for entry in entries or []:
            if not is_debug_entry(entry):
                key = (str(entry.get("Brand", "none")), str(entry.get("ModuleName", "none")))
                groups.setdefault(key, []).append(entry)
        bad = {key: get_error(group) for key, group in groups.items() if is_error(group)}
        good = {key: _contents(group) if extract else group for key, group in groups.items() if key not in bad}
        return _results(name, args, good), _results(name, args, bad)

    @staticmethod
    def run_commands_with_summary(
        commands: Sequence[CommandRunner.Command], extract_contents: bool = True
    ) -> tuple[list[CommandRunner.Result], list[dict[str, Any]]]:
        """(answers, entries): runs all, and gives a note entry with a table of what each instance said."""
        results: list[CommandRunner.Result] = []
        rows: list[dict[str, Any]] = []
        for command in commands:
            good, bad = CommandRunner.execute_commands(command, extract_contents)
            results += good
            rows += [_row(item, "Success") for item in good] + [_row(item, str(item.result)) for item in bad]
        table = tableToMarkdown("Results Summary", rows, headers=["Instance", "Command", "Result"])
        entry = {"Type": EntryType.NOTE, "ContentsFormat": "markdown", "Contents": table, "HumanReadable": table}
        return results, [entry]


def _results(
    name: str, args: Mapping[str, Any], by_instance: Mapping[tuple[str, str], Any]
) -> list[CommandRunner.Result]:
    return [CommandRunner.Result(name, args, brand, instance, v) for (brand, instance), v in by_instance.items()]


def _row(item: CommandRunner.Result, text: str) -> dict[str, Any]:
    return {"Instance": f"{item.brand}: {item.instance}", "Command": item.command, "Result": text}
