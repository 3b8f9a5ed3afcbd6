"""Values of arguments, inputs and conditions.

An expression is `{"simple": text}` or `{"complex": {root, accessor, filters, transformers}}`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from warroom.core.expression_errors import Unsupported
from warroom.core.playbook import Clauses, Expression


def no_list(name: str) -> str | None:
    """There is no list of any name."""
    return None


def no_script(name: str, arguments: Mapping[str, Any]) -> Any:
    """There is no script of any name. Raises Unsupported."""
    raise Unsupported(f"filter or transformer {name}")


@dataclass(frozen=True)
class Scope:
    """What an expression can see. Nothing in it is changed.

    `context` is the run's context; `inputs` the resolved inputs of the playbook by key; `incident` its fields in the
    server's shape (custom ones below `CustomFields`, `labels` as list of {type, value}); `lists` gives the text of a
    list, None when there is none; `modules` the instances by name, each {brand, state}; `indicators` what the query of
    an indicator playbook found (root `playbookQuery`); `scripts` runs a filter or transformer script of a pack with its
    arguments (`value`, or `left` and `right`, and its own) and gives what it returned, or raises Unsupported when there
    is none; `others` holds further roots (`investigation`, ...); `clock` gives seconds since 1970.
    """

    context: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    incident: Mapping[str, Any] = field(default_factory=dict)
    lists: Callable[[str], str | None] = no_list
    modules: Mapping[str, Any] = field(default_factory=dict)
    indicators: Sequence[Mapping[str, Any]] = ()
    scripts: Callable[[str, Mapping[str, Any]], Any] = no_script
    others: Mapping[str, Any] = field(default_factory=dict)
    clock: Callable[[], float] = time.time


@dataclass(frozen=True)
class Checked:
    """Whether clauses hold; `why` tells a person each comparison that decided, with the values seen, shortened."""

    holds: bool
    why: str


def resolve(expression: Expression | None, scope: Scope) -> Any:
    """The value of an expression; None for none and for a path that leads nowhere.

    A lone `${path}` keeps its JSON type; mixed text becomes text, lists joined by commas, nothing as an empty text.
    Raises ExpressionError, Unsupported among them.
    """
    raise NotImplementedError


def check(clauses: Clauses, scope: Scope) -> Checked:
    """Whether all of (any of (one comparison)) hold. Left and right are read once, as whole values. No clauses hold.

    Raises ExpressionError when a value cannot be cast, Unsupported for an operator that neither stock nor a script is.
    """
    raise NotImplementedError


def references(expression: Expression | Clauses | None) -> list[str]:
    """The paths that an expression (or clauses) reads, with their root, each once, in order; no selectors in them."""
    raise NotImplementedError
