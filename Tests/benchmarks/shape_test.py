"""The benchmarks run and give lines of the right shape. Nothing here depends on how fast the machine is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import match
from benchmarks.__main__ import NAMES, Sizes, main
from benchmarks.scale import Step
from benchmarks.store import Line
from benchmarks.sync import memory
from benchmarks.values import SOURCES, item, value_of
from emulators.cortex_xdr.indicators.values import fits


@pytest.mark.slow
def test_benchmarks_quick_give_every_line_with_its_floor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = tmp_path / "numbers.json"
    assert main(["mapping", "first-sync", "incremental", "inbound", "--quick", "--json", str(found)]) == 0
    told = json.loads(found.read_text(encoding="utf-8"))
    assert set(told) == {"machine", "lines"}
    lines = [Line(**line) for line in told["lines"]]
    assert all(line.measured > 0 and line.floor > 0 and line.ratio > 0 for line in lines)
    subjects = ("mapping and json of 200", "first sync of 200", "first sync of 400", "incremental, 1 % of 400",
                "inbound, 50 changes")  # fmt: skip
    for subject in subjects:
        assert any(line.name.startswith(subject) for line in lines), subject
    assert {line.unit for line in lines if line.name.endswith("peak memory")} == {"MB"}
    assert "first sync of 400, peak memory" in capsys.readouterr().out


@pytest.mark.slow
def test_benchmarks_scale_tells_measured_and_computed_apart(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scale", "--quick"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.strip() and "measured" not in line]
    computed = [line for line in lines if line.startswith("computed: ")]
    assert (len(lines), len(computed)) == (12, 7)
    assert all("4,000,000" in line or "200,000" in line for line in computed[:5])


def test_scale_is_the_rule_of_three_and_never_faster_than_the_tenant_allows() -> None:
    step = Step("step", 1_000, 20, 1.0).of(4_000_000)
    assert (step.requests, step.seconds) == (80_000, 4_000.0)
    assert (step.computed.measured, step.computed.ratio) == (80_000 / 10 / 60, 1.0)
    slow = Step("step", 1_000, 20, 5.0)
    assert (slow.line.measured, slow.line.floor, slow.line.ratio) == (5.0, 2.0, 2.5)


def test_benchmarks_match_gives_ratios_of_pairs_and_of_time() -> None:
    lines = match.measure(links=50, rounds=1)
    assert [line.unit for line in lines] == ["pairs"] * 5 + ["ms CPU"] * 2
    assert all(0 < line.ratio <= 1 for line in lines[:5])
    assert lines[1].measured == lines[4].measured <= lines[4].floor <= lines[1].floor
    assert all(line.ratio == line.measured / line.floor for line in lines)


def test_benchmarks_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["speed"])
    assert ended.value.code == 2
    assert "mapping" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["0", "many", ""])
def test_benchmarks_size_that_is_no_number_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--size", text])
    assert "--size" in capsys.readouterr().err


def test_benchmarks_default_sizes_are_those_of_the_promise() -> None:
    assert Sizes().sync == (40_000, 200_000, 800_000)
    assert set(NAMES) >= {"store", "mapping", "match", "first-sync", "slow-tenant", "incremental", "inbound"}


def test_memory_largest_is_compared_with_smallest() -> None:
    lines = memory("first sync", {40: 100.0, 800: 110.0})
    assert [(line.measured, line.floor, line.ratio) for line in lines] == [(100.0, 100.0, 1.0), (110.0, 100.0, 1.1)]


def test_value_of_numbers_give_distinct_values_that_xdr_takes() -> None:
    kinds = {"File": "HASH", "Domain": "DOMAIN_NAME", "IP": "IP"}
    found = [value_of(number) for number in (*range(3_000), 799_998, 799_999)]
    assert len({value for value, _ in found}) == len(found)
    assert all(fits(kinds[kind], value) for value, kind in found)


def test_item_same_number_is_the_same_and_another_round_is_news() -> None:
    assert [item(7, source) for source in range(len(SOURCES))] == [item(7, source) for source in range(len(SOURCES))]
    assert item(7, 0, 1) != item(7, 0)
