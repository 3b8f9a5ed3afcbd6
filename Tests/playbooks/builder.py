"""Small playbooks as yml, a pack to put them in, and a home that runs them on a clock of its own."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from warroom.content.testing import write_pack
from warroom.core.playbook import ALWAYS
from warroom.engine import Host
from warroom.engine.playbooks import Answers, Event, PlaybookRun

SECRET = "a-very-secret-key"
Yml = dict[str, Any]
Next = str | Sequence[str] | Mapping[str, Any] | None


def value(given: Any) -> Yml:
    """An argument: text stands for `simple`, a mapping with `root` for `complex`; anything else is JSON text."""
    if isinstance(given, dict) and "root" in given:
        return {"complex": given}
    return {"simple": given if isinstance(given, str) else json.dumps(given)}


def task(task_id: str, kind: str, then: Next = None, name: str = "", **more: Any) -> tuple[str, Yml]:
    """One task. `then` is the next task, several, or a mapping of labels; the rest as in the functions below."""
    inner = {"id": str(uuid.UUID(int=1)), "version": -1, "name": name or f"Task {task_id}", "brand": "",
             "iscommand": False, **more.pop("inner", {})}  # fmt: skip
    body = {"id": task_id, "taskid": inner["id"], "type": kind, "task": inner, "separatecontext": False, **more}
    branches = then if isinstance(then, Mapping) else {ALWAYS: then} if then else {}
    if branches:
        body["nexttasks"] = {label: [ids] if isinstance(ids, str) else list(ids) for label, ids in branches.items()}
    return task_id, body


def start(then: Next = "1") -> tuple[str, Yml]:
    """The start task, with id 0."""
    return task("0", "start", then)


def title(task_id: str, then: Next = None, **more: Any) -> tuple[str, Yml]:
    """A heading."""
    return task(task_id, "title", then, **more)


def script(
    task_id: str, name: str, args: Mapping[str, Any] | None = None, then: Next = None, **more: Any
) -> tuple[str, Yml]:
    """A task that runs a script."""
    inner = {"scriptName": name, **more.pop("inner", {})}
    return task(task_id, more.pop("kind", "regular"), then, inner=inner, **_arguments(args), **more)


def command(
    task_id: str, name: str, args: Mapping[str, Any] | None = None, then: Next = None, **more: Any
) -> tuple[str, Yml]:
    """A task that runs a command: `Brand|||name`, or `|||name` for every instance that has it."""
    brand = name.partition("|||")[0]
    inner = {"script": name, "iscommand": True, "brand": brand, **more.pop("inner", {})}
    return task(task_id, more.pop("kind", "regular"), then, inner=inner, **_arguments(args), **more)


def put(task_id: str, key: str, given: Any, then: Next = None, **more: Any) -> tuple[str, Yml]:
    """A task that sets a key of the context; `append` is one of the further ones."""
    args = {"key": key, "value": given, **({"append": "true"} if more.pop("append", False) else {})}
    return script(task_id, "Set", args, then, **more)


def sub(
    task_id: str, playbook: str, args: Mapping[str, Any] | None = None, then: Next = None, **more: Any
) -> tuple[str, Yml]:
    """A sub-playbook with a context of its own, unless `separatecontext=False`."""
    inner = {"playbookName": playbook}
    return task(task_id, "playbook", then, inner=inner, **{"separatecontext": True, **_arguments(args), **more})


def ask(task_id: str, then: Next, **more: Any) -> tuple[str, Yml]:
    """A condition that a person decides."""
    return task(task_id, "condition", then, **more)


def decide(task_id: str, then: Mapping[str, Any], **branches: Any) -> tuple[str, Yml]:
    """A condition: `yes=[[equal("a", "1")]]` is one branch."""
    conditions = [{"label": label, "condition": clauses} for label, clauses in branches.items()]
    return task(task_id, "condition", then, conditions=conditions)


def compare(left: str, operator: str, right: str | None = None, **more: Any) -> Yml:
    """A comparison of a context path with a literal."""
    found: Yml = {"operator": operator, "left": {"value": {"simple": left}, "iscontext": True}, **more}
    return {**found, "right": {"value": {"simple": right}}} if right is not None else found


def collect(task_id: str, questions: Sequence[Yml], then: Next = None, **more: Any) -> tuple[str, Yml]:
    """A data collection."""
    form = {"title": more.get("name", "Form"), "questions": list(questions)}
    return task(task_id, "collection", then, message={"to": None}, form=form, **more)


def question(question_id: str, label: str, kind: str = "shortText", **more: Any) -> Yml:
    """A question of a form."""
    return {"id": question_id, "label": "", "labelarg": {"simple": label}, "type": kind, **more}


def book(
    name: str,
    *tasks: tuple[str, Yml],
    inputs: Mapping[str, Any] | None = None,
    outputs: Sequence[str] = (),
    **more: Any,
) -> Yml:
    """A playbook. `inputs` are keys with defaults; a default of None is a required input."""
    declared = [
        {"key": key, "value": {} if default is None else value(default), "required": default is None}
        for key, default in (inputs or {}).items()
    ]
    return {
        "id": name, "version": -1, "name": name, "description": "d", "starttaskid": "0", "tasks": dict(tasks),
        "inputs": declared, "outputs": [{"contextPath": path} for path in outputs], **more,
    }  # fmt: skip


def _arguments(args: Mapping[str, Any] | None) -> Yml:
    return {"scriptarguments": {key: value(given) for key, given in args.items()}} if args else {}


def write_playbooks(pack: Path, *books: Yml) -> None:
    """Writes playbooks into a pack."""
    folder = pack / "Playbooks"
    folder.mkdir(parents=True, exist_ok=True)
    for one in books:
        (folder / f"playbook-{one['name'].replace(' ', '_')}.yml").write_text(yaml.safe_dump(one, sort_keys=False))


def write_script(pack: Path, name: str, code: str, args: Sequence[Yml] = (), **more: Any) -> None:
    """Writes a script into a pack; the code sees `demisto` and CommonServerPython."""
    folder = pack / "Scripts" / name
    folder.mkdir(parents=True, exist_ok=True)
    yml = {
        "commonfields": {"id": name, "version": -1},
        "name": name,
        "type": "python",
        "script": "-",
        "args": list(args),
        **more,
    }
    (folder / f"{name}.yml").write_text(yaml.safe_dump(yml))
    head = "import demistomock as demisto\nfrom CommonServerPython import *\n\n"
    (folder / f"{name}.py").write_text(head + code)


@dataclass
class Clock:
    """Seconds since 1970; sleeping moves it."""

    now: float = 1_700_000_000.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class World:
    """A home with the pack Tiny, and everything a test looks at."""

    host: Host
    pack: Path
    clock: Clock
    events: list[Event] = field(default_factory=list)

    def add(self, *books: Yml) -> None:
        """Adds playbooks; the catalog is read again."""
        write_playbooks(self.pack, *books)
        self.host._catalog = None

    def add_instance(self, name: str = "main") -> None:
        """Adds an instance of Tiny."""
        params = {"url": "http://tiny", "apikey_creds.identifier": "me"}
        self.host.add_instance("Tiny", name, params, {"apikey_creds": SECRET}, "plaintext")

    def run(
        self, *books: Yml, answers: Answers | None = None, incident: Mapping[str, Any] | None = None, **inputs: Any
    ) -> PlaybookRun:
        """Runs the first of the playbooks given."""
        self.add(*books)
        return self.host.run_playbook(
            books[0]["name"], inputs, answers=answers, incident=incident, on_event=self.events.append
        )


@contextmanager
def world(folder: Path, environ: Mapping[str, str] | None = None) -> Iterator[World]:
    """A new home in `folder`."""
    clock = Clock()
    pack = write_pack(folder / "Packs")
    with Host.open(
        folder / "home",
        content=[folder / "Packs"],
        clock=clock,
        sleep=clock.sleep,
        environ=environ or {"PATH": "/usr/bin:/bin"},
    ) as host:
        yield World(host, pack, clock)


def path_taken(run: PlaybookRun) -> list[str]:
    """The ids of the tasks that ended, with the path of their playbook, in order of their beginning."""
    return [
        f"{event.path}/{event.task_id}" if event.path else event.task_id
        for event in run.events
        if event.status in ("done", "skipped", "error")
    ]
