"""Typed access to a parsed yml, so that every complaint names file and key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from warroom.content.errors import ContentError

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Node:
    """A mapping inside a yml file, with the dotted key it lies under."""

    file: Path
    key: str
    data: Mapping[str, Any]

    def error(self, name: str, reason: str) -> ContentError:
        """An error about the entry `name` of this mapping."""
        return ContentError(self.file, self._path(name), reason)

    def text(self, name: str, default: str | None = None) -> str:
        """A scalar as text, booleans as true/false. Raises ContentError when missing without default or no scalar."""
        value = self.data.get(name)
        if value is None:
            if default is None:
                raise self.error(name, "is missing")
            return default
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, (Mapping, list)):
            raise self.error(name, "must be one value, not a list or mapping")
        return str(value)

    def flag(self, name: str) -> bool:
        """A boolean, False when missing. Raises ContentError for anything but true and false."""
        value = self.data.get(name)
        if value is None:
            return False
        if isinstance(value, bool):
            return value
        if str(value).lower() in {"true", "false"}:
            return str(value).lower() == "true"
        raise self.error(name, f"must be true or false, not {value!r}")

    def number(self, name: str) -> int:
        """A whole number. Raises ContentError when missing or something else."""
        try:
            return int(self.text(name))
        except ValueError as error:
            if isinstance(error, ContentError):
                raise
            raise self.error(name, f"must be a whole number, not {self.data[name]!r}") from None

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of scalars as texts, empty when missing."""
        value = self.data.get(name)
        if value is None:
            return ()
        if not isinstance(value, list):
            raise self.error(name, "must be a list")
        return tuple("" if item is None else str(item) for item in value)

    def child(self, name: str) -> Node:
        """The mapping under `name`, empty when missing."""
        value = self.data.get(name)
        if value is None:
            value = {}
        if not isinstance(value, Mapping):
            raise self.error(name, "must be a mapping")
        return Node(self.file, self._path(name), value)

    def children(self, name: str) -> Iterator[Node]:
        """The mappings of the list under `name`, in order."""
        value = self.data.get(name)
        if value is None:
            return
        if not isinstance(value, list):
            raise self.error(name, "must be a list")
        for index, item in enumerate(value):
            if not isinstance(item, Mapping):
                raise self.error(f"{name}[{index}]", "must be a mapping")
            yield Node(self.file, self._path(f"{name}[{index}]"), item)

    def _path(self, name: str) -> str:
        return f"{self.key}.{name}" if self.key else name


def load_yml(file: Path) -> Node:
    """The parsed file, to be read only: files of the same content share it.

    Raises ContentError when it cannot be read, is no YAML or no mapping.
    """
    try:
        data = _parsed(file.read_bytes())
    except OSError as error:
        raise ContentError(file, "", error.strerror or str(error)) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ContentError(file, "", "is not valid YAML: " + " ".join(str(error).split())) from error
    if not isinstance(data, Mapping):
        raise ContentError(file, "", "is not a content item: the file holds no mapping")
    return Node(file, "", data)


# Parsing is most of the work of reading packs, and a process reads the same ones for every home that it opens.
@lru_cache(maxsize=512)
def _parsed(content: bytes) -> Any:
    return yaml.load(content, Loader=_Loader)  # noqa: S506 - a safe loader, in C where there is one
