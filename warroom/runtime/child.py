"""The process that runs content: `python -m warroom.runtime.child`, started by a host that speaks its line protocol.

The first line on stdin says what to run; from then on content's calls go out on stdout and replies come in on stdin.
Status 0 is a normal end, `sys.exit` and `return_error` included; after an uncaught exception it is 1.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import io
import linecache
import os
import sys
import threading
import traceback
import types
from collections.abc import Callable, Mapping, Sequence
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any, BinaryIO, cast

import orjson

from warroom.runtime.demisto import Demisto
from warroom.runtime.masking import masker
from warroom.runtime.wire import Wire

BUFFER_BYTES = 1 << 20
SHIMS = Path(__file__).resolve().parent / "shims"
# Made beforehand: when memory has run out there may be too little left to make it.
OUT_OF_MEMORY = b'{"type":"crash","error":"MemoryError: the memory limit was reached","traceback":""}\n'


class WarRoomStream(io.TextIOBase):
    """A stdout that gives each complete line to `write_line`; every thread has a line of its own."""

    def __init__(self, write_line: Callable[[str], None]) -> None:
        self._write_line = write_line
        self._open = threading.local()

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, rest = (getattr(self._open, "text", "") + text).split("\n")
        self._open.text = rest
        for line in lines:
            self._write_line(line)
        return len(text)

    def end(self) -> None:
        """Gives away what this thread wrote without a line end."""
        if getattr(self._open, "text", ""):
            self.write("\n")


def claim_channels() -> tuple[BinaryIO, BinaryIO]:
    """The protocol's streams, taken away from stdin and stdout: stray output goes to stderr, stray input is empty."""
    reader = os.fdopen(os.dup(0), "rb", BUFFER_BYTES)
    writer = os.fdopen(os.dup(1), "wb", BUFFER_BYTES)
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    return reader, writer


def apply_limits(limits: Mapping[str, Any], pid: int) -> None:
    """Memory (address space) in `memory_bytes` and the number of `cpus`, each where the platform has it."""
    memory = limits.get("memory_bytes")
    if memory:
        _limit_memory(int(memory))
    cpus = limits.get("cpus")
    if cpus and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, chosen_cpus(sorted(os.sched_getaffinity(0)), int(cpus), pid))


def _limit_memory(memory: int) -> None:
    try:
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (memory if hard < 0 else min(memory, hard), hard))
    except (ImportError, AttributeError, ValueError, OSError):
        # macOS names the limit and refuses it, Windows has none.
        return


def chosen_cpus(available: Sequence[int], count: int, pid: int) -> set[int]:
    """`count` of the available CPUs, neighbours in a circle that starts at a place given by the process id."""
    return {available[(pid + step) % len(available)] for step in range(min(count, len(available)))}


def prepare_path(code: Mapping[str, Any], environ: Mapping[str, str]) -> None:
    """Puts shared modules, the folder in COMMON_SERVER_PYTHON and the stand-ins in front of the search path."""
    given = environ.get("COMMON_SERVER_PYTHON")
    sys.path[:0] = [*([given] if given else []), str(SHIMS), *map(str, code.get("python_path") or ())]


def load(code: Mapping[str, Any]) -> tuple[types.CodeType, str]:
    """The compiled code and its file name. Raises SyntaxError, or OSError when the file cannot be read."""
    if code.get("path"):
        path = str(code["path"])
        return cast(types.CodeType, SourceFileLoader("__main__", path).get_code("__main__")), path
    name, source = f"{code.get('module') or 'content'} (unified)", str(code["source"])
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    return compile(source, name, "exec", dont_inherit=True), name


# The server puts the text of CommonServerPython in front of content, so its private names are seen there, too.
_OF_EVERY_MODULE = frozenset(
    "__all__ __annotations__ __builtins__ __cached__ __doc__ __file__ __loader__ __name__ __package__ __path__"
    " __spec__".split()
)


def main_module(demisto: Demisto, filename: str) -> types.ModuleType:
    """The module that content runs as, with what the server puts in front of it; sys.modules holds it as __main__."""
    module = types.ModuleType("__main__")
    common = importlib.import_module("CommonServerPython")
    user = importlib.import_module("CommonServerUserPython")
    for source in (common, user):
        vars(module).update({name: value for name, value in vars(source).items() if name not in _OF_EVERY_MODULE})
    vars(module).update(demisto=demisto, __file__=filename, __builtins__=__builtins__)
    sys.modules["__main__"] = module
    return module


def run(job: Mapping[str, Any], wire: Wire) -> int:
    """Runs content to its end and tells the host how it went. Returns the exit status."""
    demisto = Demisto(wire, job)
    stream = WarRoomStream(demisto.log)
    # The module name leads to the object itself, as `import demistomock as demisto` expects.
    sys.modules["demistomock"] = cast(types.ModuleType, demisto)
    try:
        prepare_path(job["code"], os.environ)
        apply_limits(job.get("limits") or {}, os.getpid())
        code, filename = load(job["code"])
        module = main_module(demisto, filename)
        sys.argv, sys.stdout = [filename], stream
        exec(code, vars(module))  # noqa: S102 (running content is what this process is for)
    except SystemExit as end:
        if isinstance(end.code, str):
            demisto.error(end.code)
    except BaseException as error:  # noqa: BLE001 (whatever it is, the host has to know)
        report(error, wire, masker(job.get("secrets") or ()))
        return 1
    stream.end()
    return 0


def report(error: BaseException, wire: Wire, mask: Callable[[Any], Any]) -> None:
    """Sends the crash message: the text of the exception, and its traceback from content's first line on."""
    try:
        trace = "".join(traceback.format_exception(type(error), error, _own_frames_off(error)))
        wire.send({"type": "crash", "error": mask(headline(error)), "traceback": mask(trace)})
    except MemoryError:
        error.__traceback__ = None
        wire.writer.write(OUT_OF_MEMORY)
        wire.writer.flush()


def headline(error: BaseException) -> str:
    """The text of an exception that was raised for the user, the type in front for any other."""
    if type(error).__name__ in ("Exception", "DemistoException") and str(error):
        return str(error)
    return f"{type(error).__name__}: {error}"


def _own_frames_off(error: BaseException) -> types.TracebackType | None:
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return trace or error.__traceback__


def main() -> int:
    """Takes the channels, reads the first line and runs it."""
    # At its end the interpreter looks through all that was imported, for a fifth of the time of a short run.
    atexit.register(gc.freeze)
    reader, writer = claim_channels()
    line = reader.readline()
    if not line.strip():
        sys.stderr.write("warroom.runtime.child is started by a host; it was given nothing to run\n")
        return 2
    return run(orjson.loads(line), Wire(reader, writer))


if __name__ == "__main__":
    sys.exit(main())
