"""A small part of JavaScript: the expressions in selectors and mutators of the context query language.

There are literals (texts, numbers, regular expressions, lists, objects), `===` `!==` `==` `!=` `<` `<=` `>` `>=` `in`,
`&&` `||` `!` `?:` `typeof`, arithmetic, `a.b`, `a["b"]`, calls, arrow functions of one expression, `function`s made of
`return`, `var` and `if`, and what `warroom.core.js_methods` and `warroom.core.js_globals` name. Loops, assignments,
templates, other methods and other names raise Unsupported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput

from warroom.core import js_methods
from warroom.core.expression_errors import ExpressionError, Unsupported
from warroom.core.js_globals import call_global, construct, is_global
from warroom.core.js_values import (
    UNDEFINED,
    Function,
    added,
    equal,
    is_number,
    kind,
    less,
    number_text,
    plain,
    same,
    to_number,
    to_text,
    truthy,
    whole,
)

MAX_STEPS = 1_000_000
MAX_DEPTH = 60
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_CONSTANTS: Mapping[str, Any] = {
    "true": True, "false": False, "null": None, "undefined": UNDEFINED, "NaN": float("nan"), "Infinity": float("inf"),
}  # fmt: skip

Node = Any  # a Tree, a Token or None


def parse(source: str) -> Tree[Token]:
    """The syntax tree of an expression. Raises Unsupported, naming the place, for all that is not in `js.lark`."""
    return _parsed(source)


# Selectors are asked for every item of a list, and the same few again and again.
@lru_cache(maxsize=512)
def _parsed(source: str) -> Tree[Token]:
    try:
        return _parser().parse(source)
    except UnexpectedInput as error:
        at = error.pos_in_stream if error.pos_in_stream is not None and error.pos_in_stream >= 0 else len(source)
        found = source[at : at + 30] or "the end"
        raise Unsupported(f"JavaScript at {found!r} in {source!r}") from None


# The parser is immutable and takes a while to build, hence one for the process.
@lru_cache(maxsize=1)
def _parser() -> Lark:
    return Lark.open("js.lark", rel_to=__file__, parser="lalr", propagate_positions=False)


def run(
    source: str, names: Mapping[str, Any], *, bind: Callable[[str], Any] | None = None, now: float | None = None
) -> Any:
    """The value of an expression, as JSON, or `UNDEFINED`.

    `names` are the values of names such as `val`. `bind` gives the value of a binding `val1---path` for its path. `now`
    (seconds since 1970) is for `new Date()` and `Date.now()`. Raises ExpressionError for what JavaScript would throw,
    Unsupported for what it knows and this does not.
    """
    machine = Machine(source, bind, now)
    try:
        result = machine.run(parse(source), names)
    except RecursionError:
        raise Unsupported(f"JavaScript nested so deep in {source[:80]!r}") from None
    return result if result is UNDEFINED else plain(result)


class _Return(Exception):
    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


class Machine:
    """One evaluation: counts its steps, so that it ends."""

    def __init__(self, source: str, bind: Callable[[str], Any] | None, now: float | None) -> None:
        self._source = source
        self._bind = bind
        self._now = now
        self._steps = 0
        self._depth = 0

    def run(self, tree: Tree[Token], names: Mapping[str, Any]) -> Any:
        scope = dict(names)
        for part in tree.children:
            if isinstance(part, Tree) and _declares(part):
                scope[str(part.children[0])] = self._function(part.children, scope)
        result: Any = UNDEFINED
        for part in tree.children:
            if not _declares(part):
                result = self.value(part, scope)
        return result

    def value(self, node: Node, scope: dict[str, Any]) -> Any:
        """The value of one node of the tree."""
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise ExpressionError(f"takes more than {MAX_STEPS} steps: {self._source[:80]!r}")
        method: Callable[[list[Any], dict[str, Any]], Any] = getattr(self, f"_{node.data}")
        return method(node.children, scope)

    def _number(self, parts: list[Any], _: dict[str, Any]) -> Any:
        return to_number(str(parts[0]))

    def _string(self, parts: list[Any], _: dict[str, Any]) -> Any:
        return _unquoted(str(parts[0]))

    def _pattern(self, parts: list[Any], _: dict[str, Any]) -> Any:
        source, _slash, flags = str(parts[0])[1:].rpartition("/")
        return js_methods.pattern(source, flags)

    def _name(self, parts: list[Any], scope: dict[str, Any]) -> Any:
        name = str(parts[0])
        if name in scope:
            return scope[name]
        if name in _CONSTANTS:
            return _CONSTANTS[name]
        if is_global(name):
            return Function(name, lambda arguments: call_global(name, "", arguments, self._now))
        raise Unsupported(f"the name {name} in {self._source!r}")

    def _binding(self, parts: list[Any], _: dict[str, Any]) -> Any:
        path = str(parts[0]).partition("---")[2]
        if self._bind is None:
            raise Unsupported(f"the binding {parts[0]} at this place")
        return self._bind(path)

    def _list(self, parts: list[Any], scope: dict[str, Any]) -> Any:
        return self._arguments(parts[0], scope)

    def _object(self, parts: list[Any], scope: dict[str, Any]) -> Any:
        pairs = [part.children for part in parts if part is not None]
        return {_key(key): self.value(value, scope) for key, value in pairs}

    def _conditional(self, parts: list[Any], scope: dict[str, Any]) -> Any:
        test, yes, no = parts
        return self.value(yes if truthy(self.value(test, scope)) else no, scope)

    def _either(self, parts: list[Any], scope: dict[str, Any]) -> Any:
        value: Any = None
        for part in parts:
            value = self.value(part, scope)
            if truthy(value):
                break
        return value

    def _both(self, parts: list[Any], scope: dict[str, Any]) -> Any:
        value: Any = None
        for part in parts:
            value = self.value(part, scope)
            if not truthy(value):
                break
        return value

    def _equality(self, parts: list[Any], scope: dict[str, Any]) -> Any:
        left = self.value(parts[0], scope)
        for operator, part in zip(parts[1::2], parts[2::2], strict=True):
            left = _compare(str(operator), left, self.value(part, scope))
        return left

    _relation = _equality

    def _sum(self, parts: list[Any], scope: dict[str, Any]) -> Any:
        left = self.value(parts[0], scope)
        for operator, part in zip(parts[1::2], parts[2::2], strict=True):
            left = _compute(str(operator), left, self.value(part, scope))
        return left

    _product = _sum

    def _prefix(self, parts: list[Any], scope: dict[str, Any]) -> Any:
        operator, value = str(parts[0]), self.value(parts[1], scope)
        if operator == "!":
            return not truthy(value)
        if operator == "typeof":
            return kind(value)
        return whole(to_number(value) if operator == "+" else -to_number(value))

    def _member(self, parts: list[Any], scope: dict[str, Any]) -> Any:
        return js_methods.member(self._owner(parts[0], scope), str(parts[1]))

    def _item(self, parts: list[Any], scope: dict[str, Any]) -> Any:
        key = self.value(parts[1], scope)
        return js_methods.member(self._owner(parts[0], scope), number_text(key) if is_number(key) else to_text(key))

    def _owner(self, node: Node, scope: dict[str, Any]) -> Any:
        value = self.value(node, scope)
        if isinstance(value, Function):
            raise Unsupported(f"a property of {value.name} in {self._source!r}")
        return value

    def _call(self, parts: list[Any], scope: dict[str, Any]) -> Any:
        target, given = parts
        if target.data != "member":
            function = self.value(target, scope)
            if not isinstance(function, Function):
                raise ExpressionError(f"calls what is no function: {self._source!r}")
            return function.call(self._arguments(given, scope))
        owner, name = target.children[0], str(target.children[1])
        if owner.data == "name" and is_global(str(owner.children[0])) and str(owner.children[0]) not in scope:
            return call_global(str(owner.children[0]), name, self._arguments(given, scope), self._now)
        return js_methods.call(self.value(owner, scope), name, self._arguments(given, scope))

    def _created(self, parts: list[Any], scope: dict[str, Any]) -> Any:
        return construct(str(parts[0]), self._arguments(parts[1], scope), self._now)

    def _function(self, parts: list[Any], scope: dict[str, Any]) -> Function:
        name, parameters, block = parts
        names = [str(parameter) for parameter in parameters.children]
        return Function(str(name or "function"), lambda given: self._run(block, scope, names, given))

    def _arrow(self, parts: list[Any], scope: dict[str, Any]) -> Function:
        names, body = _parameters(parts[0], self._source), parts[1]
        return Function("=>", lambda given: self._enter(body, scope, names, given))

    def _run(self, block: Node, scope: dict[str, Any], names: Sequence[str], given: Sequence[Any]) -> Any:
        try:
            self._enter(block, scope, names, given)
        except _Return as result:
            return result.value
        return UNDEFINED

    def _enter(self, body: Node, scope: dict[str, Any], names: Sequence[str], given: Sequence[Any]) -> Any:
        if self._depth >= MAX_DEPTH:
            raise ExpressionError(f"functions call each other more than {MAX_DEPTH} deep: {self._source[:80]!r}")
        values = [*given, *([UNDEFINED] * len(names))]
        self._depth += 1
        try:
            return self.value(body, {**scope, **dict(zip(names, values, strict=False))})
        finally:
            self._depth -= 1

    def _block(self, parts: list[Any], scope: dict[str, Any]) -> Any:
        for part in parts:
            self.value(part, scope)
        return UNDEFINED

    def _give(self, parts: list[Any], scope: dict[str, Any]) -> Any:
        raise _Return(UNDEFINED if parts[0] is None else self.value(parts[0], scope))

    def _declare(self, parts: list[Any], scope: dict[str, Any]) -> Any:
        scope[str(parts[0])] = self.value(parts[1], scope)
        return UNDEFINED

    def _branch(self, parts: list[Any], scope: dict[str, Any]) -> Any:
        test, yes, no = parts
        taken = yes if truthy(self.value(test, scope)) else no
        return UNDEFINED if taken is None else self.value(taken, scope)

    def _arguments(self, parts: Node, scope: dict[str, Any]) -> list[Any]:
        children = [] if parts is None else parts.children if isinstance(parts, Tree) else parts
        return [self.value(part, scope) for part in children]


def _declares(node: Node) -> bool:
    return isinstance(node, Tree) and node.data == "function" and node.children[0] is not None


def _parameters(node: Node, source: str) -> list[str]:
    if isinstance(node, Token):
        return [str(node)]
    if node.data in ("names", "name"):
        return [str(child) for child in node.children]
    raise Unsupported(f"JavaScript parameters that are no names in {source!r}")


def _key(token: Token) -> str:
    text = str(token)
    return _unquoted(text) if text[0] in "\"'" else text


def _unquoted(text: str) -> str:
    return re.sub(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", _unescaped, text[1:-1], flags=re.DOTALL)


def _unescaped(found: re.Match[str]) -> str:
    code = found.group(1)
    if len(code) > 1:
        return chr(int(code[1:], 16))
    return _ESCAPES.get(code, code)


def _compare(operator: str, left: Any, right: Any) -> bool:
    if operator in ("===", "!=="):
        return same(left, right) == (operator == "===")
    if operator in ("==", "!="):
        return equal(left, right) == (operator == "==")
    if operator == "in":
        return js_methods.has(left, right)
    if operator == "instanceof":
        raise Unsupported("JavaScript instanceof")
    first, second = (left, right) if operator in ("<", ">=") else (right, left)
    found = less(first, second)
    return found is not None and found == (operator in ("<", ">"))


def _compute(operator: str, left: Any, right: Any) -> Any:
    if operator == "+":
        return added(left, right)
    first, second = to_number(left), to_number(right)
    if operator == "-":
        return whole(first - second)
    return whole(first * second) if operator == "*" else js_methods.divided(first, second, operator)
