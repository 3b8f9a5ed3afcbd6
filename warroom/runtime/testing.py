"""What the tests of this package share: a child whose host is the test, and the names that pack code imports."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

ROOT = Path(__file__).resolve().parents[2]
Answer = Callable[[str, Mapping[str, Any]], Any]


def job(source: str = "", **changes: Any) -> dict[str, Any]:
    """A first line for unified code, as a host would send it; `changes` replace its keys."""
    first = {
        "integration": True,
        "command": "test-module",
        "args": {},
        "params": {},
        "context": {"Inv": {"id": "1"}, "IntegrationBrand": "Sample", "ExecutedCommands": [{"moduleBrand": "Sample"}]},
        "code": {"path": None, "source": source, "module": "Sample", "python_path": []},
        "server": {"version": "8.8.0", "buildNumber": "1", "platform": "xsoar"},
        "urls": {"server": "https://localhost"},
        "limits": {},
    }
    return {**first, **changes}


@dataclass
class Run:
    """What a child said until it ended, calls included, and how it ended."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    status: int = -1
    stderr: str = ""

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The messages of one type."""
        return [message for message in self.messages if message["type"] == kind]

    @property
    def entries(self) -> list[dict[str, Any]]:
        """All entries, in order."""
        return [entry for message in self.of("result") for entry in message["results"]]

    @property
    def logs(self) -> list[tuple[str, str]]:
        """(level, text) of all logs, in order."""
        return [(message["level"], message["message"]) for message in self.of("log")]


def refuse(name: str, args: Mapping[str, Any]) -> Any:
    """A host that offers nothing."""
    raise ValueError(f"{name} is not offered")


def run_child(first: Mapping[str, Any], folder: Path, answer: Answer = refuse, **environ: str) -> Run:
    """Runs a real child to its end. `answer` gives the result of each call, its ValueError becomes a refusal."""
    run = Run()
    with _started(folder, environ) as process:
        assert process.stdin and process.stdout and process.stderr
        process.stdin.write(orjson.dumps(first) + b"\n")
        process.stdin.flush()
        for line in process.stdout:
            message = orjson.loads(line)
            run.messages.append(message)
            if message["type"] == "executeCommand":
                process.stdin.write(_reply(answer, message))
                process.stdin.flush()
        run.stderr = process.stderr.read().decode()
        run.status = process.wait()
    return run


def _reply(answer: Answer, message: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps({"ok": True, "result": answer(message["command"], message["args"])}) + b"\n"
    except ValueError as error:
        return orjson.dumps({"ok": False, "error": str(error)}) + b"\n"


@contextmanager
def _started(folder: Path, environ: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    kept = {name: os.environ[name] for name in ("PATH", "COMMON_SERVER_PYTHON") if name in os.environ}
    process = subprocess.Popen(
        [sys.executable, "-m", "warroom.runtime.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env={**kept, "PYTHONPATH": str(ROOT), **environ},
    )
    try:
        with process:
            yield process
    finally:
        if process.poll() is None:
            process.kill()
