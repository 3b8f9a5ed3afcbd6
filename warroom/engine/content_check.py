"""Every check of content that this house makes and the SDK cannot: it needs all content at once, and runs nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from warroom.content import Catalog, Command
from warroom.content.catalog import Problem
from warroom.core.call_check import check_calls
from warroom.core.filter_scripts import SCRIPT_FILTERS
from warroom.core.filters import STOCK_FILTERS
from warroom.core.findings import Finding
from warroom.core.graph_check import check_graph
from warroom.core.job_check import check_job
from warroom.core.known import BUILTIN, Callee, Known, Slot
from warroom.core.path_check import check_paths
from warroom.core.playbook import Playbook
from warroom.core.transformers import SCRIPT_TRANSFORMERS, STOCK_TRANSFORMERS
from warroom.engine.arguments import MODIFIER_NAMES, REFUSED_MODIFIERS
from warroom.engine.builtins import COMMANDS
from warroom.engine.playbooks.house import GENERIC_POLLING, generic_polling


def check_content(paths: Sequence[Path], around: Sequence[Path] = ()) -> list[Finding]:
    """The findings about everything under `paths`, by file and in the order of the tasks.

    What lies under `around` may be called, and is not looked at. Raises nothing for broken files: they are findings.
    """
    catalog = Catalog.read([*_real(paths), *_real(around)])
    known = known_content(catalog)
    looked_at = _real(paths)
    found = [*_problems(catalog.problems), *_same_names(catalog.playbooks)]
    for playbook in catalog.playbooks:
        found += [*check_graph(playbook), *check_calls(playbook, known), *check_paths(playbook, known)]
    for job in catalog.jobs:
        found += check_job(job, known)
    mine = [finding for finding in found if _below(finding.file, looked_at)]
    return sorted(mine, key=lambda finding: str(finding.file))


def known_content(catalog: Catalog) -> Known:
    """What the playbooks of a catalog may call, the host's own commands included."""
    commands: dict[str, list[Callee]] = {}
    brands: dict[str, str] = {}
    for integration in catalog.integrations:
        brands.update({name.casefold(): integration.id for name in (integration.id, integration.name)})
        for command in integration.commands:
            commands.setdefault(command.name, []).append(_callee(command, integration.id))
    return Known(
        commands=commands,
        scripts=_scripts(catalog),
        builtins={command.name: _callee(command, BUILTIN) for command in COMMANDS},
        playbooks=_callable_playbooks(catalog.playbooks),
        brands=brands,
        modifiers=frozenset(MODIFIER_NAMES),
        refused=REFUSED_MODIFIERS,
        filters=frozenset([*STOCK_FILTERS, *SCRIPT_FILTERS]),
        transformers={name: item.arguments for name, item in {**SCRIPT_TRANSFORMERS, **STOCK_TRANSFORMERS}.items()},
    )


def _callable_playbooks(playbooks: Sequence[Playbook]) -> Sequence[Playbook]:
    """Those of the packs, and the one that the host brings along unless a pack does."""
    brought = any(item.name == GENERIC_POLLING for item in playbooks)
    return playbooks if brought else (*playbooks, generic_polling())


def _scripts(catalog: Catalog) -> Mapping[str, Callee]:
    return {name: _callee(script.command, "") for script in catalog.scripts for name in (script.id, script.name)}


def _callee(command: Command, brand: str) -> Callee:
    slots = {
        item.name: Slot(item.name, item.required and not item.default_value, item.predefined, item.is_array)
        for item in command.arguments
    }
    return Callee(command.name, brand, slots, command.outputs, command.deprecated, command.any_argument)


def _problems(problems: Iterable[Problem]) -> Iterator[Finding]:
    for problem in problems:
        reason = problem.reason.removeprefix(f"{problem.file}: ")
        code, mend = ("duplicate-id", "give one of the two another id") if problem.duplicate else (
            "unreadable", "correct the file; until then it is left out")  # fmt: skip
        yield Finding("error", code, problem.file.name, problem.file, reason, mend)


def _same_names(playbooks: Sequence[Playbook]) -> Iterator[Finding]:
    """Sub-playbooks are called by name, so a name must be one playbook's only."""
    first: dict[str, Playbook] = {}
    for playbook in playbooks:
        other = first.setdefault(playbook.name, playbook)
        if other is not playbook:
            what = f"the name is that of another playbook, too: {other.file}"
            yield Finding("error", "duplicate-name", playbook.name, playbook.file, what, "rename one of the two")


def _real(paths: Sequence[Path]) -> list[Path]:
    return [path.resolve() for path in paths]


def _below(file: Path, paths: Sequence[Path]) -> bool:
    return any(file == path or path in file.parents for path in paths)
