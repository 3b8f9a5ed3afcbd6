"""All content under some paths, and finding one item of it by the names people use."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from warroom.content.errors import ContentError
from warroom.content.jobs import read_job
from warroom.content.model import Integration, Script
from warroom.content.node import load_yml
from warroom.content.playbooks import is_playbook, read_playbook
from warroom.content.reader import pack_display, read_root
from warroom.core.names import near as near
from warroom.core.playbook import Job, Playbook

Item = Integration | Script | Playbook | Job

_IN_PACK = (
    "Integrations/*/*.yml", "Integrations/*.yml", "Scripts/*/*.yml", "Scripts/*.yml", "Playbooks/*.yml",
    "TestPlaybooks/*.yml", "Jobs/*.json",
)  # fmt: skip
_BESIDE = ("*.yml", "job-*.json")
_FIELD_FILES = tuple(f"{prefix}IndicatorFields/*.json" for prefix in ("", "*/", "Packs/*/"))


@dataclass(frozen=True)
class Problem:
    """A file that was left out, and why in one line. `duplicate`: only because its id is taken."""

    file: Path
    reason: str
    duplicate: bool = False


@dataclass(frozen=True)
class Catalog:
    """Items of each kind, in reading order, cliNames of indicator fields, and the files left out."""

    integrations: tuple[Integration, ...] = ()
    scripts: tuple[Script, ...] = ()
    problems: tuple[Problem, ...] = ()
    indicator_fields: tuple[str, ...] = ()
    playbooks: tuple[Playbook, ...] = ()
    jobs: tuple[Job, ...] = ()

    @classmethod
    def read(cls, paths: Sequence[Path]) -> Catalog:
        """Reads every path: repository, Packs folder, pack, folder of one item, folder of unified yml, or one yml.

        A broken file and a second item with a known id are left out and told in `problems`; the rest is kept.
        """
        found: dict[tuple[type, str], Item] = {}
        problems: list[Problem] = []
        for file in _unique(file for path in paths for file in content_files(path)):
            try:
                item = read_file(file)
            except ContentError as error:
                problems.append(Problem(file, str(error)))
                continue
            if item is None:
                continue
            first = found.setdefault((type(item), item.id), item)
            if first is not item:
                reason = f"{file}: id: {item.id!r} is already defined by {first.file}"
                problems.append(Problem(file, reason, duplicate=True))
        fields = tuple(indicator_fields(paths, problems))
        items = list(found.values())
        return cls(
            tuple(item for item in items if isinstance(item, Integration)),
            tuple(item for item in items if isinstance(item, Script)),
            tuple(problems),
            fields,
            tuple(item for item in items if isinstance(item, Playbook)),
            tuple(item for item in items if isinstance(item, Job)),
        )

    def integration(self, brand: str) -> Integration:
        """The integration with this id, name or display (any case), or the only one of the pack with this name.

        Raises LookupError with one line that offers near names.
        """
        wanted = brand.casefold()
        for item in self.integrations:
            if wanted in {item.id.casefold(), item.name.casefold(), item.display.casefold()}:
                return item
        in_pack = [item for item in self.integrations if wanted in _pack_names(item)]
        if len(in_pack) == 1:
            return in_pack[0]
        if in_pack:
            names = ", ".join(item.id for item in in_pack)
            raise LookupError(f"pack {brand!r} has several integrations, name one of: {names}")
        raise LookupError(self._unknown("integration", brand, [item.id for item in self.integrations]))

    def script(self, name: str) -> Script | None:
        """The script of this name or id, or None."""
        return next((item for item in self.scripts if name in (item.name, item.id)), None)

    def playbook(self, name: str) -> Playbook:
        """The playbook with this name or id. Raises LookupError with one line that offers near names."""
        exact = [item for item in self.playbooks if name in (item.name, item.id)]
        folded = name.casefold()
        near_enough = [item for item in self.playbooks if folded in (item.name.casefold(), item.id.casefold())]
        if found := exact or near_enough:
            return found[0]
        raise LookupError(self._unknown("playbook", name, [item.name for item in self.playbooks]))

    def job(self, name: str) -> Job:
        """The job with this name or id. Raises LookupError with one line that offers near names."""
        found = next((item for item in self.jobs if name in (item.name, item.id)), None)
        if found is None:
            raise LookupError(self._unknown("job", name, [item.name for item in self.jobs]))
        return found

    def _unknown(self, kind: str, name: str, known: Sequence[str]) -> str:
        text = f"unknown {kind} {name!r}{near(name, known)}"
        if self.problems:
            text += f" ({len(self.problems)} content files could not be read; see `warroom content list`)"
        elif not known:
            text += "; no content was found: run `warroom content add PATH` or start where a Packs folder is"
        return text


def read_file(file: Path) -> Item | None:
    """The item that `file` declares, or None for a file of a kind that this host does not know.

    Raises ContentError naming file and key.
    """
    if file.suffix == ".json":
        return read_job(file)
    root = load_yml(file)
    return read_playbook(root) if is_playbook(root.data) else read_root(root)


def content_files(path: Path) -> Iterator[Path]:
    """The files under `path` that may be content items, in a stable order; none for a missing path."""
    if path.is_file():
        yield path
        return
    folders = [path / "Packs"] if (path / "Packs").is_dir() else [path]
    for folder in folders:
        for pattern in _BESIDE:
            yield from sorted(folder.glob(pattern))
        for pattern in _IN_PACK:
            yield from sorted(folder.glob(pattern))
            yield from sorted(folder.glob(f"*/{pattern}"))


def indicator_fields(paths: Sequence[Path], problems: list[Problem]) -> Iterator[str]:
    """The cliName of every indicator field under the paths; what cannot be read is added to `problems`."""
    files = (file for path in paths for pattern in _FIELD_FILES for file in sorted(path.glob(pattern)))
    for file in _unique(files):
        try:
            yield str(json.loads(file.read_bytes())["cliName"])
        except (OSError, ValueError, KeyError, TypeError):
            problems.append(Problem(file, f"{file}: cliName: is missing, or the file is no JSON object"))


def _unique(files: Iterable[Path]) -> Iterator[Path]:
    return iter(dict.fromkeys(files))


def _pack_names(item: Integration) -> set[str]:
    names = {item.pack.casefold()}
    for folder in item.file.parents:
        if folder.name == item.pack:
            names.add(_display_or_empty(folder))
            break
    return names - {""}


def _display_or_empty(folder: Path) -> str:
    try:
        return pack_display(folder).casefold()
    except ContentError:  # broken metadata is no reason to hide the pack's integrations
        return ""
