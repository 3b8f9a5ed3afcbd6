from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from warroom.runtime import child
from warroom.runtime.testing import job, run_child

STARTUP_SECONDS = 0.45


def test_child_test_module_answers_ok(tmp_path: Path) -> None:
    run = run_child(job("demisto.results('ok')"), tmp_path)
    assert run.status == 0
    assert run.entries == [{"Type": 1, "ContentsFormat": "text", "Contents": "ok"}]
    assert run.stderr == ""


def test_child_start_stays_within_its_budget(tmp_path: Path) -> None:
    # Processor time: the time on the clock would measure what else this machine does.
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run_child(job("from CommonServerPython import *\nreturn_results('ok')"), tmp_path)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime <= STARTUP_SECONDS


def test_child_print_becomes_war_room_logs(tmp_path: Path) -> None:
    run = run_child(job("print('one')\nprint('two', end='')"), tmp_path)
    assert run.logs == [("warroom", "one"), ("warroom", "two")]


def test_child_output_of_a_subprocess_leaves_the_protocol_whole(tmp_path: Path) -> None:
    source = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'print(7)'])\ndemisto.results('ok')"
    run = run_child(job(source), tmp_path)
    assert [entry["Contents"] for entry in run.entries] == ["ok"]
    assert run.stderr == "7\n"


def test_child_stdin_of_content_is_empty(tmp_path: Path) -> None:
    run = run_child(job("demisto.results(repr(sys.stdin.read()))"), tmp_path)
    assert run.entries[0]["Contents"] == "''"


def test_child_runs_main_guard_and_dataclasses(tmp_path: Path) -> None:
    source = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\nfrom typing import NamedTuple\n"
        "@dataclass(frozen=True)\nclass Point:\n    x: int\n    y: 'list[int]'\n"
        "class Pair(NamedTuple):\n    a: int\n"
        "if __name__ in ('__main__', '__builtin__', 'builtins'):\n    demisto.results(str(Point(1, [2]).y[0]))\n"
    )
    run = run_child(job(source), tmp_path)
    assert run.of("crash") == []
    assert run.entries[0]["Contents"] == "2"


def test_child_annotations_of_content_are_evaluated(tmp_path: Path) -> None:
    # The house's own `from __future__ import annotations` must not reach the code it compiles.
    run = run_child(job("def f(x: int): ...\ndemisto.results(f.__annotations__['x'].__name__)"), tmp_path)
    assert run.entries[0]["Contents"] == "int"


def test_child_source_form_finds_modules_of_python_path(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "HouseApiModule.py").write_text("from CommonServerPython import *\nVALUE = argToList('a,b')\n")
    main = tmp_path / "Sample.py"
    main.write_text(
        "import demistomock as demisto\nfrom CommonServerPython import *\nfrom CommonServerUserPython import *\n"
        "from HouseApiModule import *\nreturn_results(','.join(VALUE))\n"
    )
    code = {"path": str(main), "source": None, "module": "Sample", "python_path": [str(shared)]}
    run = run_child(job(code=code), tmp_path)
    assert [entry["Contents"] for entry in run.entries] == ["a,b"]


def test_child_return_error_ends_with_status_zero(tmp_path: Path) -> None:
    run = run_child(job("return_error('no access')\ndemisto.results('not reached')", command="sample-do"), tmp_path)
    assert run.status == 0
    assert [(entry["Type"], entry["Contents"]) for entry in run.entries] == [(4, "no access")]


def test_child_sys_exit_with_a_code_ends_with_status_zero(tmp_path: Path) -> None:
    assert run_child(job("sys.exit(3)"), tmp_path).status == 0


def test_child_uncaught_exception_names_real_file_and_line(tmp_path: Path) -> None:
    main = tmp_path / "Sample.py"
    main.write_text("def broken():\n    raise KeyError('gone')\n\n\nbroken()\n")
    run = run_child(job(code={"path": str(main), "source": None, "module": "Sample", "python_path": []}), tmp_path)
    assert run.status == 1
    (crash,) = run.of("crash")
    assert crash["error"] == "KeyError: 'gone'"
    assert f'File "{main}", line 2, in broken\n    raise KeyError' in crash["traceback"]
    assert "child.py" not in crash["traceback"]


def test_child_uncaught_exception_in_unified_code_shows_the_line(tmp_path: Path) -> None:
    run = run_child(job("x = 1\nraise DemistoException('for the user')"), tmp_path)
    (crash,) = run.of("crash")
    assert crash["error"] == "for the user"
    assert "line 2, in <module>\n    raise DemistoException" in crash["traceback"]


def test_child_runs_the_marks_that_unified_code_begins_and_ends_with(tmp_path: Path) -> None:
    source = (
        "register_module_line('Sample', 'start', __line__())\n"
        "line = __line__()\ndemisto.results(str(line))\n"
        "register_module_line('Sample', 'end', __line__())\n"
    )
    run = run_child(job(source), tmp_path)
    assert run.of("crash") == []
    assert run.entries[0]["Contents"] == "2"


def test_child_syntax_error_is_a_crash(tmp_path: Path) -> None:
    (crash,) = run_child(job("def :"), tmp_path).of("crash")
    assert crash["error"].startswith("SyntaxError")


def test_child_calls_reach_the_host_and_refusals_raise_value_error(tmp_path: Path) -> None:
    def answer(name: str, args: Any) -> Any:
        if name == "searchIndicators":
            return {"iocs": [{"value": args["query"]}], "total": 1, "searchAfter": None}
        raise ValueError("stale version")

    source = (
        "found = demisto.searchIndicators(query='type:IP')\n"
        "try:\n    demisto.setIntegrationContextVersioned({'a': '1'}, 7, True)\n"
        "except ValueError as error:\n    demisto.results(found['iocs'][0]['value'] + str(error))\n"
    )
    run = run_child(job(source), tmp_path, answer)
    assert run.entries[0]["Contents"] == "type:IPstale version"
    assert run.of("executeCommand")[1]["args"] == {"value": {"a": "1"}, "version": 7, "sync": True}


def test_child_secrets_are_masked_in_logs_errors_and_crash(tmp_path: Path) -> None:
    source = "demisto.debug(KEY)\nprint(KEY)\ndemisto.results({'Type': 4, 'ContentsFormat': 'text', 'Contents': KEY})\n"
    first = job("KEY = demisto.params()['key']\n" + source + "raise ValueError(KEY)")
    run = run_child({**first, "params": {"key": "top-secret"}, "secrets": ["top-secret"]}, tmp_path)
    assert len(run.messages) == 4
    assert "top-secret" not in str(run.messages)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the platform has no CPU affinity")
def test_child_memory_limit_ends_in_a_crash_message(tmp_path: Path) -> None:
    source = "demisto.results(str(len(os.sched_getaffinity(0))))\nhoard = bytearray(600 << 20)"
    run = run_child(job(source, limits={"memory_bytes": 512 << 20, "cpus": 1}), tmp_path)
    assert run.status == 1
    assert run.entries[0]["Contents"] == "1"
    assert run.of("crash")[0]["error"].startswith("MemoryError")


def test_child_threads_with_support_multithreading_all_get_their_answer(tmp_path: Path) -> None:
    source = (
        "from concurrent.futures import ThreadPoolExecutor\nsupport_multithreading()\n"
        "def ask(n):\n    demisto.debug(n)\n    return demisto.searchIndicators(query=str(n))['total'] == n\n"
        "with ThreadPoolExecutor(8) as pool:\n    demisto.results(str(all(pool.map(ask, range(100)))))\n"
    )
    run = run_child(job(source), tmp_path, lambda name, args: {"iocs": [], "total": int(args["query"])})
    assert run.entries[0]["Contents"] == "True"
    assert len(run.logs) == 100


def test_child_own_common_server_python_goes_first(tmp_path: Path) -> None:
    (tmp_path / "CommonServerPython.py").write_text("import demistomock as demisto\nWHOSE = 'mine'\n")
    run = run_child(job("demisto.results(WHOSE)"), tmp_path, COMMON_SERVER_PYTHON=str(tmp_path))
    assert run.entries[0]["Contents"] == "mine"


def test_child_without_a_first_line_says_what_it_is(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "warroom.runtime.child"],
        input=b"",
        capture_output=True,
        check=False,
        cwd=child.SHIMS.parents[2],
    )
    assert ended.returncode == 2
    assert b"started by a host" in ended.stderr


def test_chosen_cpus_wraps_around_and_never_exceeds_what_there_is() -> None:
    assert child.chosen_cpus([0, 1, 2], 2, pid=5) == {2, 0}
    assert child.chosen_cpus([4], 8, pid=123) == {4}


def test_headline_of_an_empty_exception_is_its_type() -> None:
    assert child.headline(Exception()) == "Exception: "


def test_war_room_stream_keeps_lines_together() -> None:
    lines: list[str] = []
    stream = child.WarRoomStream(lines.append)
    stream.write("a")
    stream.write("b\nc\nd")
    stream.end()
    stream.end()
    assert lines == ["ab", "c", "d"]
