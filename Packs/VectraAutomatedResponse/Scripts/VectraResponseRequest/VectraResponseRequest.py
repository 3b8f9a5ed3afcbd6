"""Puts on Vectra what a person decided: the block tag, or its end and a release. The next cycle carries it out.

Containment by hand goes the same way as all other, so that tags, record and drivers go on agreeing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import demistomock as demisto
from CommonServerPython import *
from ResponseHouseApiModule import *

ACTIONS = ("contain", "release")
LONGEST_NOTE = 8000


@dataclass(frozen=True)
class Ask:
    """One request. Tags are those that this brain listens to; `end_release` ends what keeps the entity free."""

    action: str
    brain: str
    kind: str
    number: str
    block_tag: str
    unblock_tag: str
    reason: str
    hours: str
    end_release: bool
    note: bool

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.number}"


def ask_from_args(args: Mapping[str, Any]) -> Ask:
    """The arguments, checked. Raises ValueError naming argument and value."""
    action, (kind, _, number) = str(args.get("action") or ""), str(args.get("key") or "").partition(":")
    if action not in ACTIONS:
        raise ValueError(f"Argument 'action': {action!r} is not one of {', '.join(ACTIONS)}.")
    if kind not in ("host", "account", "detection") or not number.isdigit():
        raise ValueError(f"Argument 'key': {str(args.get('key'))!r} is no key such as host:41.")
    if not args.get("brain"):
        raise ValueError("Argument 'brain' is empty; it names the instance that knows the entity.")
    if action == "contain" and not args.get("block_tag"):
        raise ValueError("Argument 'block_tag' is empty; without it nothing on Vectra asks for containment.")
    return Ask(
        action=action,
        brain=str(args["brain"]),
        kind=kind,
        number=number,
        block_tag=str(args.get("block_tag") or ""),
        unblock_tag=str(args.get("unblock_tag") or ""),
        reason=one_line(args.get("reason")) or "no reason given",
        hours=str(args.get("hours") or "24"),
        end_release=flag(args, "end_release"),
        note=flag(args, "note", default=True),
    )


def steps_of(ask: Ask) -> list[tuple[str, str, dict[str, str]]]:
    """(what it does in words, command, arguments) in the order in which a failure in between does least harm.

    What keeps the entity free is ended before the block tag is set, and the block tag is taken off before the release.
    """
    place = {"type": ask.kind, "id": ask.number}
    end = [("the release was ended", "vectra-response-release", {"keys": ask.key, "lift": "true"})]
    if ask.unblock_tag:
        off = {**place, "tags": ask.unblock_tag}
        end.insert(0, (f"the tag {ask.unblock_tag} was taken off", "vectra-tag-remove", off))
    tag = {**place, "tags": ask.block_tag}
    if ask.action == "contain":
        return [
            *(end if ask.end_release else []),
            (f"the tag {ask.block_tag} was set", "vectra-tag-add", tag),
        ]
    free = {"keys": ask.key, "hours": ask.hours, "reason": ask.reason}
    off_first = [(f"the tag {ask.block_tag} was taken off", "vectra-tag-remove", tag)] if ask.block_tag else []
    return [*off_first, ("the release was ordered", "vectra-response-release", free)]


def carry_out(ask: Ask, do: Callable[[str, dict[str, str]], object]) -> tuple[list[str], str]:
    """Do the steps one by one; gives what was done, and a warning. Raises CommandFailed naming what was done before."""
    done: list[str] = []
    for said, command, args in steps_of(ask):
        try:
            do(command, args)
        except CommandFailed as error:
            before = f" Before that {', '.join(done)}." if done else " Nothing was changed."
            raise CommandFailed(f"{command}: {error}.{before}") from error
        done.append(said)
    return done, leave_note(ask, do) if ask.note else ""


def leave_note(ask: Ask, do: Callable[[str, dict[str, str]], object]) -> str:
    """Tell on Vectra who asked and why; a note that cannot be written is no reason to stop."""
    text = f"Asked by a person to {ask.action}: {ask.reason}"[:LONGEST_NOTE]
    try:
        do("vectra-note-add", {"type": ask.kind, "id": ask.number, "note": text})
    except CommandFailed as error:
        return f"The note could not be written: {error}"
    return ""


def request_results(ask: Ask, done: list[str], warning: str) -> CommandResults:
    lines = [f"{ask.brain}: {ask.action} {ask.key}", *done, *([warning] if warning else [])]
    return CommandResults(
        outputs_prefix="VectraResponse.Request",
        outputs={
            "brain": ask.brain,
            "key": ask.key,
            "action": ask.action,
            "reason": ask.reason,
            "done": done,
            "warning": warning,
        },
        readable_output="\n- ".join(lines),
        replace_existing=True,
    )


def main() -> None:
    """Put the request on Vectra. An error entry tells what was done before it failed."""
    try:
        house, ask = house_of(), ask_from_args(demisto.args())
        done, warning = carry_out(ask, lambda command, args: ask_brain(house, ask.brain, command, args))
        return_results(request_results(ask, done, warning))
    except Exception as error:
        return_error(f"VectraResponseRequest: {error}", error=error)


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
