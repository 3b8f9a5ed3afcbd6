"""Names and texts: headers of tables, letter case, Markdown."""
# ruff: noqa: A002, N802, N803 (the names are the server's)

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

__all__ = [
    "camel_case_to_underscore", "camelize", "camelize_string", "createContext", "pascalToSpace", "snakify",
    "stringEscapeMD", "stringUnEscape", "string_to_context_key", "string_to_table_header", "underscoreToCamelCase",
]  # fmt: skip

_WORD = re.compile(r"[A-Z]{2,}(?=[A-Z][a-z]|[0-9]|\b|_)|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-!])")


def pascalToSpace(s: Any) -> Any:
    """`someWordsHere` as `Some Words Here`; acronyms stay together. What is not a text is returned as it is."""
    if not isinstance(s, str):
        return s
    return " ".join(word[:1].upper() + word[1:] for word in _WORD.findall(s)) or s


def string_to_table_header(string: str) -> str:
    """`some_words` as `Some Words`. Raises TypeError for what is not a text."""
    if not isinstance(string, str):
        raise TypeError(f"a table header is made from a text, not from {type(string).__name__}")
    return " ".join(word.capitalize() for word in string.replace("_", " ").split(" "))


def string_to_context_key(string: str) -> str:
    """`some_words` as `SomeWords`. Raises TypeError for what is not a text."""
    if not isinstance(string, str):
        raise TypeError(f"a context key is made from a text, not from {type(string).__name__}")
    return "".join(word.capitalize() for word in string.split("_"))


def underscoreToCamelCase(s: Any, upper_camel: bool = True) -> Any:
    """`some_words` as `SomeWords`, or `someWords` when not `upper_camel`. What is not a text is returned as it is."""
    return camelize_string(s, "_", upper_camel) if isinstance(s, str) else s


def camelize_string(src_str: str, delim: str = "_", upper_camel: bool = True) -> str:
    """The parts between `delim` joined, each with a capital first letter (the first only when `upper_camel`)."""
    if not src_str:
        return ""
    joined = "".join(part[:1].upper() + part[1:].lower() for part in src_str.split(delim))
    return joined if upper_camel else joined[:1].lower() + joined[1:]


def camelize(src: Any, delim: str = " ", upper_camel: bool = True) -> Any:
    """The dict, or each dict of the list, with its keys in camel case; deeper levels too."""
    return _with_keys(src, lambda key: camelize_string(str(key), delim, upper_camel))


def camel_case_to_underscore(s: str) -> str:
    """`someWords` as `some_words`."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])|(?<=[A-Z])([A-Z])(?=[a-z])", r"_\1\2", s).lower()


def snakify(src: Any) -> Any:
    """The dict, or each dict of the list, with its keys in snake case; deeper levels too."""
    return _with_keys(src, lambda key: camel_case_to_underscore(str(key)))


def _with_keys(src: Any, rename: Callable[[Any], str]) -> Any:
    if isinstance(src, dict):
        return {rename(key): _with_keys(value, rename) for key, value in src.items()}
    if isinstance(src, list):
        return [_with_keys(item, rename) for item in src]
    return src


def createContext(
    data: Any,
    id: str | None = None,
    keyTransform: Callable[[Any], Any] | None = None,
    removeNull: bool = False,
) -> Any:
    """The dict, or list of dicts, with top-level keys put through `keyTransform`; empty values dropped on request."""
    if isinstance(data, (list, tuple)):
        return [createContext(item, id, keyTransform, removeNull) for item in data]
    rename = keyTransform or str
    return {rename(key): value for key, value in data.items() if not removeNull or value not in (None, "", [], {})}


def stringEscapeMD(st: str, minimal_escaping: bool = False, escape_multiline: bool = False) -> str:
    """The text with Markdown signs escaped: `|` only when `minimal_escaping`, and line ends as <br> on request."""
    if escape_multiline:
        st = st.replace("\r\n", "<br>").replace("\r", "<br>").replace("\n", "<br>")
    if minimal_escaping:
        return re.sub(r"([|`])", r"\\\1", st)
    return _MARKDOWN.sub(r"\\\1", st)


def stringUnEscape(st: str) -> str:
    """The text with the two-character forms of return, line end and tab as these characters."""
    return st.replace("\\r", "\r").replace("\\n", "\n").replace("\\t", "\t")
