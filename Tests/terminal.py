"""The command line as a person or a script uses it: a process of its own."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from Tests.world import ENVIRON, ROOT

PROGRAM = (sys.executable, "-c", "import sys; from warroom.cli.main import main; sys.exit(main())")


@dataclass(frozen=True)
class Shell:
    """Runs `warroom` with one home, in the root of the repository, with nothing but `environ` around it."""

    home: Path
    environ: Mapping[str, str] = field(default_factory=lambda: ENVIRON)

    def argv(self, *words: str) -> list[str]:
        """The whole command."""
        return [*PROGRAM, "--home", str(self.home), *words]

    def run(self, *words: str, given: str | bytes = "") -> subprocess.CompletedProcess[str]:
        """Runs one command to its end; it must not leave a traceback."""
        sent = given if isinstance(given, bytes) else given.encode()
        # No terminal: nobody can be asked.
        done = subprocess.run(
            self.argv(*words), input=sent, capture_output=True, cwd=ROOT, env=self.variables(), timeout=120, check=False
        )
        ended = subprocess.CompletedProcess(words, done.returncode, done.stdout.decode(), done.stderr.decode())
        assert "Traceback" not in ended.stderr + ended.stdout, ended.stderr
        return ended

    def good(self, *words: str, given: str | bytes = "") -> str:
        """What a command that must succeed prints."""
        ended = self.run(*words, given=given)
        assert ended.returncode == 0, f"{words}: {ended.returncode} {ended.stderr}"
        return ended.stdout

    def json(self, *words: str) -> Any:
        """What a command that must succeed prints with --json: one document, and nothing beside it."""
        return json.loads(self.good(*words, "--json"))

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Starts a command and does not wait for it."""
        return subprocess.Popen(
            self.argv(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            cwd=ROOT, env=self.variables(),
        )  # fmt: skip

    def variables(self) -> dict[str, str]:
        """The environment of the program."""
        return {"PYTHONPATH": str(ROOT), **self.environ}

    def fingerprint(self) -> dict[str, str]:
        """A digest of every file of the home, what SQLite keeps in its journal included."""
        found = {
            str(path.relative_to(self.home)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.home.rglob("*"))
            if path.is_file() and not path.name.startswith("warroom.db")
        }
        with closing(sqlite3.connect(self.home / "warroom.db")) as connection:
            dump = "\n".join(connection.iterdump())
        return {**found, "warroom.db": hashlib.sha256(dump.encode()).hexdigest()}
