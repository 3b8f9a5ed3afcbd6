"""The benchmarks run and give lines of the right shape. Nothing here depends on how fast the machine is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import match, scale
from benchmarks.__main__ import NAMES, Sizes, main
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


@pytest.mark.slow
def test_benchmarks_scale_tells_measured_from_computed(tmp_path: Path) -> None:
    found = tmp_path / "numbers.json"
    assert main(["scale", "--quick", "--json", str(found)]) == 0
    lines = [Line(**line) for line in json.loads(found.read_text(encoding="utf-8"))["lines"]]
    assert all(line.measured > 0 and line.floor > 0 and line.ratio > 0 for line in lines)
    kinds = [line.name.partition(":")[0] for line in lines]
    assert kinds == sorted(kinds, key=["step", "checked", "computed"].index)
    assert kinds.count("checked") == 1 and kinds.count("step") > 10 and kinds.count("computed") > 10


def test_scale_arithmetic_is_that_of_whoever_is_slower() -> None:
    costs = scale.Costs(
        search=0.02, mapping=0.01, json=0.01, request=0.05, row=0.001, by_value=0.01, listed=0.01, compare=0.001,
        look=0.01, disable=0.01, start=1.0, run_mb=200.0, context=0.01, context_mb=2.0,
        whole_page=0.08,
    )  # fmt: skip
    told = {line.name.partition(", ")[2]: line for line in scale.computed(costs, 4_000_000)}
    assert (told["first sync"].measured, told["first sync"].ratio) == (100.0, 1.0)
    assert told["removal, a whole look"].measured == pytest.approx(44_445 / 10 / 60, rel=1e-3)
    assert told["churn 5% a day on each side, a run"].measured == pytest.approx(1.0 + 0.1 + 2_778 * 0.001)
    slow = {line.name.partition(", ")[2]: line for line in scale.computed(costs, 4_000_000, rate=1_000)}
    assert slow["first sync"].measured == pytest.approx(1_000 * costs.whole_page)
