"""`warroom job`: playbooks that run by themselves, at their times or after a feed changed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime

import click

from warroom.cli.app import App, json_option, pass_app
from warroom.cli.output import print_json, print_rows
from warroom.cli.run import stop_signals
from warroom.core.job_times import when_text
from warroom.core.playbook import Job
from warroom.engine import Host, UsageError
from warroom.engine.jobs import Note, Scheduler
from warroom.engine.jobs.board import is_enabled
from warroom.engine.jobs.house import find_job, job_house, set_job
from warroom.engine.lock import Locked, exclusive

LOCK_FILE = "jobs.lock"
_WAITING, _FAILED = 3, 1


@click.group()
def job() -> None:
    """Jobs: playbooks that run by themselves.

    Example: warroom job start
    """


@job.command("list")
@json_option
@pass_app
def list_jobs(app: App, as_json: bool) -> None:
    """Lists the jobs: when they run, when they ran last, and when they come due next.

    Example: warroom job list --json
    """
    with app.open() as host:
        watch = _scheduler(host, lambda work: work(), lambda note: None)
        rows = [_row(watch, item) for item in host.catalog.jobs]
    if as_json:
        print_json(rows)
        return
    columns = ("Job", "Playbook", "When", "Enabled", "Last run", "Next")
    print_rows(app.terminal, columns, [
        (row["name"], row["playbook"], row["when"], row["enabled"], row["last"], row["next"]) for row in rows
    ])  # fmt: skip


@job.command("show")
@click.argument("name")
@json_option
@pass_app
def show(app: App, name: str, as_json: bool) -> None:
    """Shows the journal of a job: runs, missed and skipped ones; oldest first.

    Example: warroom job show 'Vectra Response Cycle'
    """
    with app.open() as host:
        found = find_job(host, name)
        watch = _scheduler(host, lambda work: work(), lambda note: None)
        row, record = _row(watch, found), watch.house.board.read(found)
    if as_json:
        print_json(
            {**row, "inputs": {**found.inputs, **record.inputs}, "notes": [asdict(note) for note in record.notes]}
        )
        return
    for key, value in {**row, **{f"input {key}": value for key, value in record.inputs.items()}}.items():
        click.echo(f"{key}: {value if value is not None else ''}")
    for note in record.notes:
        click.echo(_line(note))


@job.command("run")
@click.argument("name")
@click.option("--input", "inputs", multiple=True, metavar="KEY=VALUE", help="An input of the playbook.")
@json_option
@pass_app
def run(app: App, name: str, inputs: tuple[str, ...], as_json: bool) -> None:
    """Runs a job now, whatever its times. Ends with 3 when the run waits for a person.

    A run that was killed goes on first where that does no harm; else it stays stopped, and stderr tells why.

    Example: warroom job run 'Vectra Response Cycle' --input groom=true
    """
    notes: list[Note] = []
    with app.open() as host:
        watch = _scheduler(host, lambda work: work(), notes.append)
        done = watch.run_now(find_job(host, name), _pairs(inputs))
    for note in notes:
        if note.run != done.id:
            click.echo(_line(note), err=True)
    if as_json:
        print_json(asdict(done))
    else:
        click.echo(f"run {done.id}: {done.status}" + (f": {done.error}" if done.error else ""))
    if done.status != "done":
        click.get_current_context().exit(_WAITING if done.status == "waiting" else _FAILED)


@job.command("set")
@click.argument("name")
@click.option("--enable/--disable", "enabled", default=None, help="Whether it runs by itself in this home.")
@click.option("--input", "inputs", multiple=True, metavar="KEY=VALUE", help="An input of the playbook, for every run.")
@click.option("--reset", is_flag=True, help="Back to what the job's file says.")
@pass_app
def settings(app: App, name: str, enabled: bool | None, inputs: tuple[str, ...], reset: bool) -> None:
    """Changes how a job runs in this home; its file stays as it is. KEY= takes an input back.

    Example: warroom job set 'Vectra Response Cycle' --disable
    """
    if not reset and enabled is None and not inputs:
        raise UsageError("give --enable, --disable, --input or --reset")
    with app.open() as host:
        found = find_job(host, name)
        record = set_job(host, found, enabled, _pairs(inputs), reset=reset)
    state = "enabled" if is_enabled(found, record) else "disabled"
    told = ", ".join(f"{key}={value}" for key, value in record.inputs.items())
    click.echo(f"{found.name}: {state}" + (f", {told}" if told else ""))


@job.command("start")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@json_option
@pass_app
def start(app: App, names: tuple[str, ...], as_json: bool) -> None:
    """Runs the jobs when they come due, for ever; only those named, when some are. SIGTERM and Ctrl-C end it.

    The first signal lets running jobs finish, a second one ends them at once; what is cut off goes on at the next
    start. One watch at a time in a home. A feed-triggered job waits for `warroom fetch` in another process.

    Example: warroom job start
    """
    lock = threading.Lock()

    def tell(note: Note) -> None:
        with lock:
            print_json(asdict(note)) if as_json else click.echo(_line(note))

    with app.open() as host:
        chosen = [find_job(host, name) for name in names] or list(host.catalog.jobs)
        if not chosen:
            raise UsageError("there are no jobs in the content of this home")
        try:
            with exclusive(host.home / LOCK_FILE):
                _watch(host, chosen, tell)
        except Locked:
            raise UsageError(f"another `warroom job start` is at work in {host.home}") from None


def _watch(host: Host, jobs: list[Job], tell: Callable[[Note], None]) -> None:
    threads: list[threading.Thread] = []

    def launch(work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        threads[:] = [*(item for item in threads if item.is_alive()), thread]
        thread.start()

    with stop_signals() as stop:
        watch = _scheduler(host, launch, tell, jobs)
        watch.begin()
        while not stop.is_set():
            watch.tick()
            stop.wait(watch.wait_seconds())
        for thread in threads:
            # In steps, so that a second signal gets through.
            while thread.is_alive():
                thread.join(0.2)


def _scheduler(
    host: Host,
    launch: Callable[[Callable[[], None]], None],
    tell: Callable[[Note], None],
    jobs: list[Job] | None = None,
) -> Scheduler:
    return Scheduler(job_house(host), host.catalog.jobs if jobs is None else jobs, launch, tell)


def _row(watch: Scheduler, item: Job) -> dict[str, object]:
    last = next(iter(watch.house.runs(item)), None)
    due = watch.next_due(item)
    return {
        "name": item.name, "playbook": item.playbook, "when": when_text(item),
        "enabled": is_enabled(item, watch.house.board.read(item)),
        "last": f"{last.began[:19]}Z {last.status} ({last.id})" if last else None,
        "next": _clock(due) if due is not None else None,
        "file": str(item.file),
    }  # fmt: skip


def _line(note: Note) -> str:
    run_id = f" [{note.run}]" if note.run else ""
    return f"{_clock(note.when)}  {note.job}: {note.kind}: {note.text}{run_id}"


def _clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def _pairs(inputs: tuple[str, ...]) -> Mapping[str, str]:
    pairs = {}
    for text in inputs:
        key, sign, value = text.partition("=")
        if not sign or not key:
            raise UsageError(f"--input must be KEY=VALUE, not {text!r}")
        pairs[key] = value
    return pairs
