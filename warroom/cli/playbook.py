"""`warroom playbook list`, `show` and `graph`: what there is, as a table, a tree and a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from warroom.cli.app import App, json_option, pass_app
from warroom.cli.output import print_json, print_rows
from warroom.content import Catalog
from warroom.core.outline import Arm, Step, outline
from warroom.core.picture import picture
from warroom.core.playbook import Input, Playbook, Task
from warroom.core.wording import (
    arguments_text,
    call_text,
    clauses_text,
    expression_text,
    label_text,
    notes,
    shortened,
)
from warroom.engine import UsageError
from warroom.engine.run_path import run_path

_WIDTH = 110


@click.group()
def playbook() -> None:
    """Playbooks: list, read, draw and run them.

    Example: warroom playbook show 'Vectra Automated Response - Cycle'
    """


@playbook.command("list")
@json_option
@pass_app
def list_playbooks(app: App, as_json: bool) -> None:
    """Lists the playbooks.

    Example: warroom playbook list --json
    """
    with app.open() as host:
        catalog = host.catalog
    columns = ("name", "id", "pack", "tasks", "inputs", "file")
    rows = [
        (item.name, item.id, item.pack, len(item.tasks), len(item.inputs), str(item.file)) for item in catalog.playbooks
    ]
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
        return
    print_rows(app.terminal, ("Name", "Id", "Pack", "Tasks", "Inputs", "File"), rows)


@playbook.command("show")
@click.argument("name")
@json_option
@pass_app
def show(app: App, name: str, as_json: bool) -> None:
    """Shows a playbook as a tree, in the order of execution: tasks, branches, what they run.

    Example: warroom playbook show 'Vectra Automated Response - Cycle'
    """
    with app.open() as host:
        found = find_playbook(host.catalog, name)
    if as_json:
        print_json(_described(found))
        return
    for line in tree(found):
        click.echo(line)


@playbook.command("graph")
@click.argument("name")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.svg",
              help="Where the picture goes. Default: standard output.")  # fmt: skip
@click.option("--run", "run_id", metavar="ID", help="Colour the way that this run took.")
@pass_app
def graph(app: App, name: str, output: Path | None, run_id: str | None) -> None:
    """Draws a playbook as SVG.

    Example: warroom playbook graph 'Vectra Automated Response - Cycle' -o cycle.svg
    """
    with app.open() as host:
        found = find_playbook(host.catalog, name)
        path = run_path(host.playbook_runs.get(run_id), found) if run_id else None
    save_picture(picture(found, path), output)


def save_picture(drawn: str, output: Path | None) -> None:
    """Writes the picture to a file, or to standard output without one. Raises UsageError when it cannot."""
    if output is None:
        click.echo(drawn, nl=False)
        return
    if output.suffix.lower() != ".svg":
        raise UsageError(f"{output}: the picture is SVG, so the file must end in .svg")
    try:
        output.write_text(drawn, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}") from error
    click.echo(f"wrote {output}")


def find_playbook(catalog: Catalog, name: str) -> Playbook:
    """The playbook of this name or id. Raises UsageError with near names."""
    try:
        return catalog.playbook(name)
    except LookupError as error:
        raise UsageError(str(error.args[0])) from None


def tree(found: Playbook) -> Iterator[str]:
    """The lines of `playbook show`: heading, inputs, steps, outputs."""
    yield found.name
    if found.description:
        yield f"  {shortened(found.description, _WIDTH)}"
    if found.inputs:
        yield "inputs:"
        yield from (f"  {_input_text(item)}" for item in found.inputs)
    yield "steps:"
    names = {task_id: task.name or task.kind for task_id, task in found.tasks.items()}
    yield from _steps(outline(found), "  ", names)
    if found.outputs:
        yield "outputs:"
        yield from (f"  {item.path}" for item in found.outputs)


def _input_text(item: Input) -> str:
    if not item.key:
        return shortened(f"{item.entity or 'indicators'} found by: {item.query}", _WIDTH)
    value = expression_text(item.value)
    default = f" = {value}" if value else ""
    return shortened(f"{item.key}{default}{' (required)' if item.required and not value else ''}", _WIDTH)


def _steps(steps: Sequence[Step], indent: str, names: dict[str, str]) -> Iterator[str]:
    for step in steps:
        yield from _task_lines(step.task, indent)
        for arm in step.arms:
            yield from _arm(step.task, arm, indent + "    ", names)
        if step.join:
            yield f"{indent}-> {step.join}  {names[step.join]}"


def _task_lines(task: Task, indent: str) -> Iterator[str]:
    call = call_text(task)
    parts = [f"{task.id}  {task.name or task.kind}", *([f"[{call}]"] if call else [])]
    yield indent + "  ".join(parts)
    inner = indent + " " * (len(task.id) + 2)
    yield from (f"{inner}{line}" for line in arguments_text(task, _WIDTH - len(inner)))
    if task.message:
        asked = [*task.message.questions]
        yield from (f"{inner}asks: {shortened(item.label or expression_text(item.label_from), 80)}" for item in asked)
    more = notes(task)
    if more:
        yield f"{inner}({'; '.join(more)})"


def _arm(task: Task, arm: Arm, indent: str, names: dict[str, str]) -> Iterator[str]:
    clauses = next((clauses_text(item.clauses) for item in task.branches if item.label == arm.label), "")
    heading = "at once" if arm.at_once else label_text(arm.label) or "then"
    yield f"{indent}{heading}:" + (f"  {shortened(clauses, _WIDTH - len(indent))}" if clauses else "")
    yield from _steps(arm.steps, indent + "  ", names)
    yield from (f"{indent}  -> {item}  {names[item]}" for item in arm.joins)


def _described(found: Playbook) -> dict[str, object]:
    return {
        "id": found.id, "name": found.name, "pack": found.pack, "file": str(found.file),
        "description": found.description,
        "inputs": [
            {"key": item.key, "value": expression_text(item.value), "required": item.required, "query": item.query}
            for item in found.inputs
        ],
        "outputs": [item.path for item in found.outputs],
        "start": found.start,
        "tasks": [_described_task(task) for task in found.tasks.values()],
    }  # fmt: skip


def _described_task(task: Task) -> dict[str, object]:
    return {
        "id": task.id, "name": task.name, "kind": task.kind, "runs": call_text(task),
        "arguments": {name: expression_text(value) for name, value in task.arguments.items()},
        "next": {label: list(targets) for label, targets in task.next.items()},
        "conditions": {branch.label: clauses_text(branch.clauses) for branch in task.branches},
        "notes": notes(task),
    }  # fmt: skip
