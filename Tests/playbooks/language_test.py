"""The expression language against small cases written from the vendor's published documentation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from warroom.core.context import merged
from warroom.core.dt import evaluate
from warroom.core.expression_errors import ExpressionError, Unsupported
from warroom.core.filter_scripts import SCRIPT_FILTERS
from warroom.core.filters import STOCK_FILTERS, holds
from warroom.core.transformers import SCRIPT_TRANSFORMERS, STOCK_TRANSFORMERS, transform

FOLDER = Path(__file__).parent / "cases" / "language"


def cases(name: str) -> list[Any]:
    document = yaml.safe_load((FOLDER / f"{name}.yml").read_text(encoding="utf-8"))
    return [pytest.param({"context": document.get("context"), **case}, id=case["name"]) for case in document["cases"]]


@pytest.mark.parametrize("case", cases("dt"))
def test_dt_case_gives_what_the_documentation_says(case: dict[str, Any]) -> None:
    if "refuses" in case:
        with pytest.raises(Unsupported) as refused:
            evaluate(case["context"], case["expression"])
        assert case["refuses"] in refused.value.feature
    else:
        assert evaluate(case["context"], case["expression"]) == case["gives"]


@pytest.mark.parametrize("case", cases("filters"))
def test_filter_case_gives_what_the_documentation_says(case: dict[str, Any]) -> None:
    def outcome() -> bool:
        return holds(case["operator"], case["left"], case.get("right"), case.get("ignorecase", False))

    if "fails" in case:
        with pytest.raises(ExpressionError) as failed:
            outcome()
        assert case["fails"] in str(failed.value)
    else:
        assert outcome() is case["gives"]


@pytest.mark.parametrize("case", cases("transformers"))
def test_transformer_case_gives_what_the_documentation_says(case: dict[str, Any]) -> None:
    if "fails" in case:
        with pytest.raises(ExpressionError) as failed:
            transform(case["operator"], case["value"], case.get("args", {}))
        assert case["fails"] in str(failed.value)
    else:
        assert transform(case["operator"], case["value"], case.get("args", {})) == case["gives"]


@pytest.mark.parametrize("case", cases("context"))
def test_context_case_gives_what_the_documentation_says(case: dict[str, Any]) -> None:
    assert merged(case["before"], case["outputs"]) == case["after"]


def test_docs_name_exactly_the_filters_and_transformers_that_there_are() -> None:
    text = (Path(__file__).parents[2] / "docs" / "expressions.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("- ")]
    documented = [set(re.findall(r"`([\w-]+)`", line)) for line in lines]
    transformers = {**STOCK_TRANSFORMERS, **SCRIPT_TRANSFORMERS}
    whole = {name for name, transformer in transformers.items() if transformer.whole}
    assert set.union(*documented[:6]) == {*STOCK_FILTERS, *SCRIPT_FILTERS}
    assert documented[6] | documented[8] == {*transformers} - whole
    assert documented[7] | documented[9] == whole
