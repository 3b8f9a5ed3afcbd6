"""`warroom playbook run`, `runs` and `resume`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
import yaml

from warroom.cli.app import App, json_option, pass_app
from warroom.cli.output import print_json, print_rows
from warroom.cli.playbook_log import RunLog, as_json, asked_lines, lines, summary
from warroom.engine import Host, UsageError
from warroom.engine.playbooks import Answers, Asked, PlaybookRun, Reply, read_answers
from warroom.engine.playbooks.answers import AskedQuestion, from_mapping, read_reply

WAITING = 3
_FILE = click.Path(path_type=Path, dir_okay=False)
_answers_option = click.option("--answers", "answers_file", type=_FILE, metavar="FILE",
                               help="Answers (yml or JSON): name or id of a task -> label or answers.")  # fmt: skip


@click.command()
@click.argument("name")
@click.option("--input", "-i", "pairs", multiple=True, metavar="KEY=VALUE", help="An input; again for each.")
@click.option("--input-file", type=_FILE, metavar="FILE", help="Inputs as a yml or JSON object; --input wins.")
@click.option("--incident", metavar="JSON|FILE", help="Fields of the incident to work on; with its id a stored one.")
@_answers_option
@json_option
@pass_app
def run(
    app: App, name: str, pairs: tuple[str, ...], input_file: Path | None, incident: str | None,
    answers_file: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Runs the playbook NAME, and tells each task: what it got and gave, and why a branch was taken.

    Questions are answered by --answers, else at the terminal; without either the run waits. Exit code 0: done,
    1: an error, 2: bad use, 3: it waits.

    Example: warroom playbook run 'Vectra Automated Response - Cycle' --input groom=true
    """
    inputs = {**(_mapping_file(input_file) if input_file else {}), **_pairs(pairs)}
    fields = _incident(incident) if incident else None
    log = RunLog(app.terminal, to_stderr=as_json)
    with app.open() as host:
        answers = _answers(app, host, host.playbook_runs.house.playbook(name).name, answers_file)
        found = host.run_playbook(
            name, inputs, incident=fields, answers=answers, on_event=log.event, on_progress=log.progress,
            on_start=lambda run_id: click.echo(f"run {run_id}", err=True),
        )  # fmt: skip
    _end(found, json_wanted=as_json)


@click.command()
@click.argument("run_id", metavar="RUN", required=False)
@click.option("--last", metavar="N", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many.")
@json_option
@pass_app
def runs(app: App, run_id: str | None, last: int, as_json: bool) -> None:
    """Lists the runs of playbooks, newest first; with RUN tells that one again.

    Example: warroom playbook runs --last 5
    """
    with app.open() as host:
        if run_id is not None:
            _tell(host.playbook_runs.get(run_id), json_wanted=as_json)
            return
        found = host.playbook_runs.list(size=last)
    columns = ("id", "playbook", "status", "job", "began", "error")
    rows = [tuple(getattr(one, column) for column in columns) for one in found]
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
        return
    print_rows(app.terminal, ("Run", "Playbook", "Status", "Job", "Began", "Error"), rows)


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option(
    "--again", "decision", flag_value="again", help="Run the task that failed, or whose end is unknown, again."
)
@click.option("--skip", "decision", flag_value="skip", help="Leave that task out, and what only it leads to.")
@click.option("--as-done", "decision", flag_value="as-done", help="Go on as if that task had ended well.")
@_answers_option
@json_option
@pass_app
def resume(app: App, run_id: str, decision: Any, answers_file: Path | None, as_json: bool) -> None:
    """Goes on with a run that waits, failed or was killed. Exit codes are those of `playbook run`.

    Example: warroom playbook resume 3f0c --answers answers.yml
    """
    log = RunLog(app.terminal, to_stderr=as_json)
    with app.open() as host:
        stored = host.playbook_runs.get(run_id)
        answers = _answers(app, host, stored.playbook, answers_file)
        found = host.resume_playbook(
            stored.id, decision=decision, answers=answers, on_event=log.event, on_progress=log.progress
        )
    _end(found, json_wanted=as_json)


def _end(found: PlaybookRun, *, json_wanted: bool) -> None:
    if json_wanted:
        print_json(as_json(found))
    else:
        for line in summary(found):
            click.echo(line)
    code = {"done": 0, "waiting": WAITING}.get(found.status, 1)
    if code:
        click.get_current_context().exit(code)


def _tell(found: PlaybookRun, *, json_wanted: bool) -> None:
    if json_wanted:
        print_json(as_json(found))
        return
    for event in found.events:
        for line in lines(event):
            click.echo(line)
    for line in summary(found):
        click.echo(line)


def _pairs(pairs: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        key, sign, value = pair.partition("=")
        if not sign:
            raise UsageError(f"--input {pair}: write KEY=VALUE")
        found[key] = value
    return found


def _mapping_file(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8")
        data = json.loads(text) if file.suffix == ".json" else yaml.safe_load(text)
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from error
    except (ValueError, yaml.YAMLError) as error:
        raise UsageError(f"{file}: cannot be read: {error}") from error
    if not isinstance(data, Mapping):
        raise UsageError(f"{file}: must hold an object")
    return {str(key): value for key, value in data.items()}


def _incident(text: str) -> dict[str, Any]:
    if not text.lstrip().startswith("{"):
        return _mapping_file(Path(text))
    try:
        found: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise UsageError(f"--incident is not valid JSON: {error}") from error
    return found


def _answers(app: App, host: Host, playbook: str, file: Path | None) -> Answers:
    """Answers of the file first, then those of the person at the terminal."""
    house = host.playbook_runs.house
    given = from_mapping(read_answers(file), house.family(house.playbook(playbook))) if file else None

    def answer(asked: Asked) -> Reply | None:
        found = given(asked) if given else None
        return found if found is not None or not app.terminal.reads else _ask(asked)

    return answer


def _ask(asked: Asked) -> Reply | None:
    """The answer of the person at the terminal; None when they want to answer later."""
    for line in asked_lines(asked):
        click.echo(line, err=True)
    if asked.questions:
        return _until_right(asked, lambda: {question.id: _one(question) for question in asked.questions})
    if asked.labels:
        return _until_right(asked, lambda: click.prompt("answer", err=True, default="", show_default=False))
    done = click.confirm("is it done?", default=True, err=True)
    return Reply() if done else None


def _one(question: AskedQuestion) -> str:
    return str(click.prompt(question.label or question.id, err=True, default="", show_default=False))


def _until_right(asked: Asked, prompt: Callable[[], Any]) -> Reply | None:
    while True:
        given = prompt()
        if given == "" or (isinstance(given, dict) and not any(given.values())):
            return None
        try:
            return read_reply(asked, given)
        except UsageError as error:
            click.echo(str(error), err=True)
