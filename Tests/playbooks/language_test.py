"""The expression language against small cases written from the vendor's published documentation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from warroom.core.context import merged
from warroom.core.dt import evaluate
from warroom.core.expression_errors import ExpressionError, Unsupported
from warroom.core.filters import holds
from warroom.core.transformers import transform

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
