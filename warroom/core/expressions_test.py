"""Tests for `warroom.core.expressions`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from warroom.core.expression_errors import ExpressionError, Unsupported
from warroom.core.expressions import Checked, Scope, check, read_path, references, resolve

VERDICTS = [
    {"Vendor": "alpha", "Score": 3, "Indicator": "x.example"},
    {"Vendor": "beta", "Score": 1, "Indicator": "y.example"},
    {"Vendor": "alpha", "Score": 2, "Indicator": "z.example"},
]
SCOPE = Scope(
    context={"Verdict": VERDICTS, "File": {"Name": "a.exe", "Size": 7}, "One": ["x"], "Flag": True},
    inputs={"Vendors": ["alpha"], "Word": "Hello", "Many": ["a", "b"]},
    incident={
        "name": "case",
        "severity": 2,
        "CustomFields": {"color": "red", "name": "hidden"},
        "labels": [{"type": "Brand", "value": "X"}, {"type": "Tag", "value": "1"}, {"type": "Tag", "value": "2"}],
    },
    lists={"allowed": "a,b", "doc": '{"a": 1}'}.get,
    modules={"one": {"brand": "Alpha", "state": "active"}, "two": {"brand": "Beta", "state": "disabled"}},
    indicators=[{"value": "x.example", "score": 3}],
    others={"investigation": {"id": "7"}},
    clock=lambda: 10.0,
)


def literal(text: Any) -> dict[str, Any]:
    return {"value": {"simple": text}}


def path(text: str) -> dict[str, Any]:
    return {"value": {"simple": text}, "iscontext": True}


def complex_of(root: str, accessor: str = "", **parts: Any) -> dict[str, Any]:
    return {"complex": {"root": root, **({"accessor": accessor} if accessor else {}), **parts}}


def clause(operator: str, left: Any, right: Any = None, **more: Any) -> dict[str, Any]:
    return {"operator": operator, "left": left, **({"right": right} if right else {}), **more}


@pytest.mark.parametrize(
    ("simple", "value"),
    [
        ("plain", "plain"),
        ("", ""),
        (5, "5"),
        (True, "true"),
        (None, None),
        ("${File.Size}", 7),
        ("${Flag}", True),
        ("${File}", {"Name": "a.exe", "Size": 7}),
        ("${One}", ["x"]),
        ("${nope}", None),
        ("size ${File.Size}", "size 7"),
        (" ${File.Size}", " 7"),
        ("${inputs.Many}!", "a,b!"),
        ("${File}.", '{"Name":"a.exe","Size":7}.'),
        ("[${nope}]", "[]"),
        ("${Flag}${Flag}", "truetrue"),
        ("${Verdict(val.Score > 2).Vendor}", "alpha"),
        ("${Verdict.Score=val * 10}", [30, 10, 20]),
        ("${inputs.Word}", "Hello"),
        ("${incident.name}/${incident.color}", "case/red"),
        ("${incident.labels.Brand}", "X"),
        ("${incident.labels.Tag}", ["1", "2"]),
        ("${lists.allowed}", "a,b"),
        ("${lists.unknown}", None),
        ("${.=val.lists.allowed.length}", 3),
        ("${.=JSON.stringify(val.lists)}", "{}"),
        ("${modules(val.state == 'active').name}", "one"),
        ("${playbookQuery.value}", "x.example"),
        ("${investigation.id}", "7"),
        ("${Flag=Date.now()}", 10000),
        ("cost ${5", "cost ${5"),
    ],
)
def test_resolve_simple_reads_paths_and_keeps_lone_types(simple: Any, value: Any) -> None:
    assert resolve({"simple": simple}, SCOPE) == value


@pytest.mark.parametrize("expression", [None, {}, {"complex": {}}, {"complex": None}])
def test_resolve_nothing_is_none(expression: Any) -> None:
    assert resolve(expression, SCOPE) is None


def test_resolve_complex_goes_by_root_filters_accessor_transformers() -> None:
    expression = complex_of(
        "Verdict",
        "Indicator",
        filters=[
            [clause("isEqualString", path("Verdict.Vendor"), path("inputs.Vendors"))],
            [
                clause("greaterThan", path("Verdict.Score"), literal("2")),
                clause("endWith", path("Verdict.Indicator"), literal("z.example")),
            ],
        ],
        transformers=[
            {"operator": "toUpperCase"},
            {"operator": "append", "args": {"item": path("${File.Name}")}},
            {"operator": "join", "args": {"separator": literal("|")}},
        ],
    )
    assert resolve(expression, SCOPE) == "X.EXAMPLE|Z.EXAMPLE|a.exe"


@pytest.mark.parametrize("left", ["Vendor", "Verdict.Vendor", "${Verdict.Vendor}"])
def test_resolve_filter_left_is_read_from_the_item(left: str) -> None:
    expression = complex_of("Verdict", "Score", filters=[[clause("isEqualString", path(left), literal("alpha"))]])
    assert resolve(expression, SCOPE) == [3, 2]


def test_resolve_filter_on_the_items_themselves() -> None:
    keeps = [[clause("isNotEqualString", path("inputs.Many"), literal("a"))]]
    assert resolve(complex_of("inputs.Many", filters=keeps), SCOPE) == "b"


def test_resolve_filter_left_complex_is_worked_on_for_each_item() -> None:
    left = {"value": complex_of("Verdict", "Indicator", transformers=[{"operator": "toUpperCase"}]), "iscontext": True}
    keeps = [[clause("isEqualString", left, literal("Y.EXAMPLE"))]]
    assert resolve(complex_of("Verdict", "Score", filters=keeps), SCOPE) == 1


def test_resolve_filter_left_of_another_root_is_the_same_for_all() -> None:
    keeps = [[clause("isEqualString", path("inputs.Word"), literal("Hello"))]]
    assert resolve(complex_of("inputs.Many", filters=keeps), SCOPE) == ["a", "b"]


def test_resolve_filter_that_none_passes_gives_nothing() -> None:
    keeps = [[clause("isEqualString", path("brand"), literal("Gamma"))]]
    assert resolve(complex_of("modules", "name", filters=keeps), SCOPE) is None
    assert not check([[clause("isExists", {"value": complex_of("modules", filters=keeps)})]], SCOPE).holds


def test_resolve_literal_of_an_argument_keeps_its_dollar_signs() -> None:
    work = [{"operator": "replaceMatch", "args": {"regex": literal("(l+)"), "replaceWith": literal("<${1}>")}}]
    assert resolve(complex_of("inputs.Word", transformers=work), SCOPE) == "He<ll>o"


def test_resolve_empty_argument_is_not_given() -> None:
    work = [{"operator": "concat", "args": {"prefix": {}, "suffix": {"value": {}}}}]
    assert resolve(complex_of("inputs.Word", transformers=work), SCOPE) == "Hello"


def scripted(whole: bool) -> tuple[Scope, list[tuple[str, Mapping[str, Any]]]]:
    calls: list[tuple[str, Mapping[str, Any]]] = []

    def run(name: str, arguments: Mapping[str, Any]) -> Any:
        calls.append((name, arguments))
        return f"<{arguments['value']}>"

    return Scope(inputs=SCOPE.inputs, scripts=run, takes_list=lambda _: whole), calls


def test_resolve_script_runs_once_for_each_item() -> None:
    scope, calls = scripted(whole=False)
    work = [{"operator": "Mine", "args": {"x": literal("1"), "y": {}}}]
    assert resolve(complex_of("inputs.Many", transformers=work), scope) == ["<a>", "<b>"]
    assert calls == [("Mine", {"value": "a", "x": "1"}), ("Mine", {"value": "b", "x": "1"})]


def test_resolve_script_with_the_whole_list_runs_once() -> None:
    scope, calls = scripted(whole=True)
    assert resolve(complex_of("inputs.Many", transformers=[{"operator": "Mine"}]), scope) == "<['a', 'b']>"
    assert calls == [("Mine", {"value": ["a", "b"]})]


def test_resolve_unknown_transformer_is_refused_by_name() -> None:
    with pytest.raises(Unsupported, match="transformer Pretty"):
        resolve(complex_of("inputs.Word", transformers=[{"operator": "Pretty"}]), SCOPE)


def test_resolve_path_into_a_list_is_refused() -> None:
    with pytest.raises(Unsupported, match="path into a list"):
        read_path("lists.doc.a", SCOPE)


def test_check_first_group_that_fails_decides_and_tells_what_it_saw() -> None:
    clauses = [
        [clause("isEqualString", path("inputs.Word"), literal("bye")), clause("isExists", path("File.Name"))],
        [clause("greaterThan", path("Verdict.Score"), literal("5")), clause("isTrue", path("nope"))],
        [clause("isExists", path("never"))],
    ]
    assert check(clauses, SCOPE) == Checked(
        False,
        'File.Name = "a.exe" isExists: yes; Verdict.Score = [3, 1, 2] greaterThan "5": no; nope = nothing isTrue: no',
    )


def test_check_all_groups_hold() -> None:
    clauses = [
        [clause("isEqualString", path("inputs.Word"), literal("hello"), ignorecase=True)],
        [clause("in", literal("a"), path("inputs.Many"))],
    ]
    why = 'inputs.Word = "Hello" isEqualString "hello": yes; "a" in inputs.Many = ["a", "b"]: yes'
    assert check(clauses, SCOPE) == Checked(True, why)


def test_check_reads_the_left_side_once() -> None:
    counted = {"value": complex_of("Verdict", transformers=[{"operator": "count"}])}
    found = check([[clause("isEqualNumber", counted, literal("3"))]], SCOPE)
    assert found == Checked(True, 'Verdict | count = 3 isEqualNumber "3": yes')


def test_check_long_values_are_shortened() -> None:
    scope = Scope(context={"A": ["x" * 40] * 40})
    why = check([[clause("isExists", path("A"))]], scope).why
    assert len(why) < 120
    assert "(40 items)" in why


def test_check_comparison_after_a_true_one_is_not_made() -> None:
    clauses = [[clause("isExists", path("File")), clause("isTrue", path("inputs.Word"))]]
    assert check(clauses, SCOPE).holds


def test_check_nothing_holds() -> None:
    assert check([], SCOPE).holds
    assert not check([[]], SCOPE).holds


@pytest.mark.parametrize(
    ("given", "holds"), [(True, True), ("yes", True), ("False", False), (None, False), ([True], True)]
)
def test_check_filter_script_decides(given: Any, holds: bool) -> None:
    calls: list[Any] = []

    def run(name: str, arguments: Mapping[str, Any]) -> Any:
        calls.append((name, arguments))
        return given

    found = check([[clause("Mine", path("a"), literal("b"))]], Scope(context={"a": [1]}, scripts=run))
    assert found.holds is holds
    assert calls == [("Mine", {"left": [1], "right": "b"})]


def test_check_filter_script_that_gives_neither_is_refused() -> None:
    scope = Scope(scripts=lambda _name, _arguments: "perhaps")
    with pytest.raises(ExpressionError, match='gave "perhaps"'):
        check([[clause("Mine", literal("a"), literal("b"))]], scope)


def test_check_error_names_path_and_operator() -> None:
    with pytest.raises(ExpressionError, match=r"^inputs\.Word isTrue: "):
        check([[clause("isTrue", path("inputs.Word"))]], SCOPE)
    with pytest.raises(Unsupported, match=r"^inputs\.Word Pretty: not supported"):
        check([[clause("Pretty", path("inputs.Word"))]], SCOPE)


def test_check_broken_value_is_named() -> None:
    with pytest.raises(ExpressionError, match="a value is"):
        check([[{"operator": "isExists", "left": {"value": "text"}}]], SCOPE)


@pytest.mark.parametrize(
    ("expression", "paths"),
    [
        (None, []),
        ({"simple": "plain"}, []),
        ({"simple": 5}, []),
        ({"simple": "${a.b} and ${inputs.x} and ${a.b}"}, ["a.b", "inputs.x"]),
        ({"simple": "${a(val.x == val1---other.k).b.[0].c=val.q}"}, ["a.b.c", "other.k"]),
        (complex_of("${A}", "B"), ["A.B"]),
        (
            complex_of(
                "A",
                filters=[[clause("isEqualString", path("A.k"), path("inputs.y")), clause("isExists", path("m"))]],
                transformers=[
                    {"operator": "append", "args": {"item": {"value": complex_of("C", "D")}, "z": literal("E")}}
                ],
            ),
            ["A", "A.k", "inputs.y", "A.m", "C.D"],
        ),
        ([[clause("isEqualString", path("L"), literal("R"))], [clause("in", path("L"), path("R"))]], ["L", "R"]),
    ],
)
def test_references_are_the_paths_that_are_read(expression: Any, paths: list[str]) -> None:
    assert references(expression) == paths
