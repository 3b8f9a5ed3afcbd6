"""The processes of the demo: the real command line and the real emulator, each command shown as a user types it."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import orjson
import requests

ROOT = Path(__file__).resolve().parent.parent
READY_SECONDS = 20.0
STOP_SECONDS = 5.0
INSERT_PATH = "/public_api/v1/indicators/tim_insert_jsons/"


class DemoFailed(Exception):
    """The demo cannot go on; the text says why."""


@dataclass(frozen=True)
class Narrator:
    """Tells the story on `stream`. The commands write to the same stream."""

    stream: TextIO

    @property
    def on_terminal(self) -> bool:
        """Whether commands draw progress bars by themselves: they do on stderr."""
        return sys.stderr.isatty()

    def step(self, number: int, title: str) -> None:
        """The heading of a step."""
        self.say(f"\n=== {number}. {title} ===")

    def part(self, title: str) -> None:
        """The heading of a story."""
        self.say(f"\n##### {title} #####")

    def say(self, text: str = "") -> None:
        """One or more lines, out at once, because the commands do not share our buffer."""
        print(text, file=self.stream, flush=True)

    def command(self, words: Sequence[str], redirected: str = "") -> None:
        """A command as it is typed."""
        self.say(f"\n$ warroom {shlex.join(words)}{redirected}")


@dataclass(frozen=True)
class Warroom:
    """The `warroom` program in one home. `folder` takes its temporary files, so a killed run leaves none behind."""

    tell: Narrator
    environ: Mapping[str, str]
    folder: Path

    @classmethod
    def in_folder(cls, folder: Path, tell: Narrator) -> Warroom:
        """A program whose home is `folder`/home; makes the folder. Raises DemoFailed when the program is not installed
        beside this Python."""
        if not _program().exists():
            raise DemoFailed(f"{_program()} is missing: install this checkout into the environment of {sys.executable}")
        temporary = folder / "tmp"
        temporary.mkdir(parents=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("WARROOM_")}
        return cls(tell, {**kept, "WARROOM_HOME": str(folder / "home"), "TMPDIR": str(temporary)}, folder)

    def with_variables(self, variables: Mapping[str, str]) -> Warroom:
        """The same program with more environment variables."""
        return Warroom(self.tell, {**self.environ, **variables}, self.folder)

    def show(self, *words: str, good: tuple[int, ...] = (0,), errors_to: Path | None = None) -> None:
        """Runs a command before the eyes of the user. Raises DemoFailed for an exit code that is not `good`."""
        self.tell.command(words, f" 2> {shown(errors_to)}" if errors_to else "")
        with errors_to.open("wb") if errors_to else contextlib.nullcontext() as errors:
            done = subprocess.run(
                self._argv(words), env=dict(self.environ), cwd=ROOT, stdout=self.tell.stream, stderr=errors, check=False
            )
        if done.returncode not in good:
            raise DemoFailed(f"`warroom {shlex.join(words)}` ended with exit code {done.returncode}")

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Starts a command before the eyes of the user; its stdout comes through a pipe, progress bars are its own."""
        self.tell.command(words)
        return subprocess.Popen(self._argv(words), env=dict(self.environ), cwd=ROOT, stdout=subprocess.PIPE)

    def ask(self, *words: str) -> Any:
        """The JSON answer of a command that is not shown. Raises DemoFailed when it fails."""
        argv = self._argv([*words, "--json"])
        done = subprocess.run(argv, env=dict(self.environ), cwd=ROOT, capture_output=True, check=False)
        if done.returncode:
            raise DemoFailed(f"`warroom {shlex.join(words)}`: {done.stderr.decode('utf-8', 'replace').strip()}")
        return orjson.loads(done.stdout)

    def _argv(self, words: Sequence[str]) -> list[str]:
        return [str(_program()), *words]


def _program() -> Path:
    return Path(sysconfig.get_path("scripts")) / "warroom"


@dataclass(frozen=True)
class EmulatorProcess:
    """An emulator in a process of its own, with its side door. `credentials` is what else it printed."""

    process: subprocess.Popen[bytes]
    url: str
    admin: str
    credentials: Mapping[str, str]

    def sent(self) -> int:
        """Records that were sent in inserts so far, repetitions included."""
        return int(self._get("requests?last=0")["totals"]["records"])

    def inserts(self) -> list[dict[str, Any]]:
        """The log entries of all inserts."""
        return [entry for entry in self._get("requests")["requests"] if entry["path"] == INSERT_PATH]

    def totals(self) -> dict[str, Any]:
        """Requests and bytes of all calls."""
        return dict(self._get("requests?last=0")["totals"])

    def statuses(self) -> list[int]:
        """The status of each reply so far."""
        return [int(entry["status"]) for entry in self._get("requests")["requests"]]

    def count(self) -> int:
        """Living rules."""
        return int(self._get("count")["rules"])

    def rows(self) -> Iterator[dict[str, Any]]:
        """Every indicator rule that it holds, deleted ones too."""
        return self.objects("rule")

    def objects(self, kind: str) -> Iterator[dict[str, Any]]:
        """Everything of one kind that it holds, such as endpoints or hosts."""
        with requests.get(f"{self.admin}/dump", stream=True, timeout=60) as reply:
            reply.raise_for_status()
            found = map(orjson.loads, reply.iter_lines(chunk_size=1 << 20))
            yield from (row for row in found if row["kind"] == kind)

    def edit(self, edits: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """An operator's hand in the product. Raises DemoFailed when an edit is refused."""
        return self.post("edit", list(edits))

    def post(self, door: str, payload: object) -> dict[str, Any]:
        """Any call of the side door. Raises DemoFailed when it is refused."""
        reply = requests.post(f"{self.admin}/{door}", json=payload, timeout=60)
        if reply.status_code != 200:
            raise DemoFailed(f"the emulator refused {door}: {reply.text}")
        return dict(reply.json())

    def _get(self, name: str) -> Any:
        reply = requests.get(f"{self.admin}/{name}", timeout=60)
        reply.raise_for_status()
        return reply.json()


@contextlib.contextmanager
def emulator(warroom: Warroom, name: str) -> Iterator[EmulatorProcess]:
    """An emulator for as long as the block lasts, whatever ends it. Raises DemoFailed when it does not start."""
    process = warroom.start("emulator", name)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise DemoFailed(f"the emulator {name} did not start (exit code {process.wait(READY_SECONDS)})")
        ready = json.loads(line)
        yield EmulatorProcess(process, ready.pop("url"), ready.pop("admin"), ready)
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ends a process that may have ended already: asked first, killed then."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()


@contextlib.contextmanager
def fresh_folder(keep: bool) -> Iterator[Path]:
    """A new folder below .demo/ of the checkout; removed at the end unless it is to be kept."""
    base = ROOT / ".demo"
    base.mkdir(exist_ok=True)
    if keep:
        yield Path(tempfile.mkdtemp(prefix="run-", dir=base))
        return
    with tempfile.TemporaryDirectory(prefix="run-", dir=base, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def shown(path: Path) -> str:
    """A path as a user in the checkout writes it."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
