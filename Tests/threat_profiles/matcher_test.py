"""The matcher on real names, and the search for a name on the real store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks import pack
from benchmarks.galaxies import actors, labels
from benchmarks.mapping import cpu_seconds
from benchmarks.match import MODULE, Score, matcher_of, scored
from warroom.store import Source, Store

SOURCE = Source("Feed", "feed", "feed-1", "B - Usually reliable")
TRICKY = (
    'Fancy" or type:"Malware',
    "back\\slash\\",
    'value:"Turla"',
    "Tur*",
    "-Turla and (x)",
    "C++ [Team], one",
    "/re.*/",
)


def test_matcher_check_6_precision_and_recall_on_the_labelled_set_in_time() -> None:
    module, watched = pack.module(MODULE), actors()
    known = labels(watched)
    assert (len(watched), len(known), sum(map(len, known.values()))) == (864, 2_670, 2_980)
    found: list[Score] = []
    spent = cpu_seconds(lambda: found.append(scored(matcher_of(module, watched), module, known)))
    assert found[0].precision >= 0.90 and found[0].recall >= 0.45
    assert spent < 2


@pytest.mark.parametrize("name", TRICKY)
def test_name_query_check_7_finds_only_the_record_of_that_name(tmp_path: Path, name: str) -> None:
    module = pack.module(MODULE)
    items: list[dict[str, Any]] = [{"value": value, "type": "Threat Actor"} for value in (*TRICKY, "Turla", "Turtle")]
    items += [{"value": "Mirai", "type": "Malware", "fields": {"aliases": list(TRICKY)}}]
    items += [{"value": "Sandworm", "type": "Threat Actor", "fields": {"aliases": ["Voodoo Bear"]}}]
    with Store.open(tmp_path / "store.db") as store:
        store.indicators.apply(items, SOURCE)
        found = list(store.indicators.iterate(module.name_query(name, ["Threat Actor"])))
        assert [doc["value"] for doc in found if module.has_name(doc, name, ["Threat Actor"])] == [name]
        [malware] = store.indicators.iterate(module.name_query(name, ["Malware"]))
        assert malware["value"] == "Mirai" and module.has_name(malware, name)
        [alias] = store.indicators.iterate(module.name_query("voodoo bear"))
        assert alias["value"] == "Sandworm"
