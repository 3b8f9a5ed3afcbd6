"""What the content graph of the SDK would check, and how yml, code and README hang together.

Each check takes a `Repository` and returns one line per fault, naming the file; an empty list means that all is well.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from Tests.content.repository import Item, Repository, built_words, star_imports, words

# Commands and scripts that every server has. Add a name here only when it is in the server or in pack Base or
# CommonScripts, which are installed everywhere.
ON_EVERY_SERVER = frozenset(
    """
    AddEvidence DeleteContext GetErrorsFromEntry GetTime IsIntegrationAvailable Print PrintErrorEntry Set
    SetAndHandleEmpty SetGridField Sleep
    associateIndicatorToIncident closeInvestigation createList createNewIncident createNewIndicator deleteIndicators
    enrichIndicators expireIndicators findIndicators getIncidents getIndicator getList investigate setIncident
    setIndicator setIndicators setList taskComplete unexpireIndicators
    """.split()
)

# Parameters that the server reads; the code of an integration need not know them.
READ_BY_SERVER = frozenset(
    """
    defaultIgnore engine engineGroup feed feedBypassExclusionList feedExpirationInterval feedExpirationPolicy
    feedFetchInterval feedIncremental feedReliability feedReputation incidentFetchInterval incidentType
    integrationLogLevel integrationReliability isFetch mappingId outgoingMapperId
    """.split()
)

INTEGRATION_FILES = ("{}.py", "{}_test.py", "README.md", "{}_description.md", "{}_image.png", "command_examples.txt")
SCRIPT_FILES = ("{}.py", "{}_test.py", "README.md")
# A name in a README: alone in a table cell or in a list there, or between backticks.
MENTION = r"(?:\|\s*|`|^\|[^|\n]*, ){}(?:\s*\||`|, )"


def duplicate_ids(repository: Repository) -> list[str]:
    """Ids, names, command-line names of fields and module names that occur twice within one kind, in any pack."""
    seen: dict[tuple[str, str, str], list[Item]] = defaultdict(list)
    for item in repository.items:
        for label, key in _identities(item):
            seen[item.kind, label, key.casefold()].append(item)
    return [
        f"{items[1].path}: {label} {key!r} of this {kind} is also in {items[0].path}"
        for (kind, label, key), items in seen.items()
        if len(items) > 1
    ]


def _identities(item: Item) -> Iterator[tuple[str, str]]:
    yield "id", item.id
    if item.name:
        yield "name", item.name
    if item.data.get("cliName"):
        yield "cliName", item.data["cliName"]
    if item.has_code:
        yield "module", item.module


def missing_files(repository: Repository) -> list[str]:
    """Files that the folder of each integration and script must have."""
    faults = []
    for item in repository.with_code:
        patterns = INTEGRATION_FILES if item.kind == "integration" else SCRIPT_FILES
        wanted = [pattern.format(item.module) for pattern in patterns]
        faults += [f"{item.path.parent}: {name} is missing" for name in wanted if not (item.folder / name).is_file()]
    return faults


def api_module_imports(repository: Repository) -> list[str]:
    """ApiModules that do not exist, are imported twice, inside a function, or without `*`."""
    faults = []
    for item in repository.with_code:
        names = [name for name in star_imports(item.tree) if name.endswith("ApiModule")]
        faults += [f"{item.path}: {name} does not exist" for name in names if name not in repository.api_modules]
        faults += [
            f"{item.path}: {name} is imported twice" for name in sorted({n for n in names if names.count(n) > 1})
        ]
        faults += [f"{item.path}: {name} must be imported at the top with *" for name in _hidden_imports(item.tree)]
    return faults


def _hidden_imports(tree: ast.Module) -> list[str]:
    """ApiModules imported in a form or place that the SDK does not replace."""
    replaced = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.names[0].name == "*"]
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node not in replaced:
            names.append(node.module or "")
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return [name for name in names if name.endswith("ApiModule")]


def unknown_references(repository: Repository) -> list[str]:
    """Commands, scripts, playbooks, mappers and test playbooks that are named but not here."""
    return [
        f"{item.path}: {where}: {fault}" for item, where, fault in _references(repository) if fault.endswith("exist")
    ]


def deprecated_in_use(repository: Repository) -> list[str]:
    """Deprecated commands, scripts and playbooks that something still names."""
    return [
        f"{item.path}: {where}: {fault}"
        for item, where, fault in _references(repository)
        if fault.endswith("deprecated")
    ]


def _references(repository: Repository) -> Iterator[tuple[Item, str, str]]:
    """(item, place in it, fault) for every reference that is wrong."""
    known = _Names(repository)
    for item in repository.items:
        for where, kind, name in _named(item):
            if fault := known.fault(kind, name):
                yield item, where, f"{kind} {name!r} {fault}"


class _Names:
    """Everything that can be named, with whether it is deprecated."""

    def __init__(self, repository: Repository) -> None:
        self.by_kind: dict[str, dict[str, bool]] = {
            kind: {key: item.deprecated for item in repository.of(kind) for key in (item.id, item.name) if key}
            for kind in ("script", "playbook", "classifier or mapper", "integration")
        }
        self.by_kind["command"] = repository.commands
        self.by_kind["command or script"] = {**self.by_kind["script"], **repository.commands}
        for kind in ("command", "script", "command or script"):
            self.by_kind[kind].update(dict.fromkeys(ON_EVERY_SERVER, False))

    def fault(self, kind: str, name: str) -> str:
        if name not in self.by_kind[kind]:
            return "does not exist"
        return "is deprecated" if self.by_kind[kind][name] else ""


def _named(item: Item) -> Iterator[tuple[str, str, str]]:
    """(place, kind, name) of everything that an item names."""
    if item.kind == "playbook":
        for number, task in item.tasks:
            yield from _named_by_task(f"task {number}", task)
    for key in ("defaultclassifier", "defaultmapperin", "defaultmapperout"):
        if item.data.get(key):
            yield key, "classifier or mapper", item.data[key]
    for test in _as_list(item.data.get("tests")):
        if not str(test).lower().startswith("no test"):
            yield "tests", "playbook", str(test)
    if item.has_code:
        for command in (item.data.get("dependson") or {}).get("must") or []:
            yield "dependson", "command or script", str(command).rpartition("|||")[2]
        for line, name in _executed(item.tree):
            yield f"{item.module}.py:{line}", "command or script", name


def _named_by_task(where: str, task: dict[str, object]) -> Iterator[tuple[str, str, str]]:
    if name := str(task.get("scriptName") or ""):
        yield where, "script", name
    brand, bars, name = str(task.get("script") or "").rpartition("|||")
    if name and not bars:
        yield where, "script", name
    elif name and brand != "Builtin":
        yield where, "command", name
        if brand:
            yield where, "integration", brand
    if name := str(task.get("playbookName") or task.get("playbookId") or ""):
        yield where, "playbook", name


def _executed(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, name) of every command that code runs by a literal name."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        first = node.args[0]
        if called in {"executeCommand", "execute_command"} and isinstance(first, ast.Constant):
            yield node.lineno, str(first.value)


def _as_list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else [value] if value else []


def declared_but_not_in_code(repository: Repository) -> list[str]:
    """Commands, arguments and parameters of a yml that the code never names, so that using them has no effect."""
    faults = []
    for item in repository.with_code:
        trees = repository.trees(item)
        used = set().union(*(words(tree) for tree in trees))
        built = [pattern for tree in trees for pattern in built_words(tree)]
        for what, name in _declared(item):
            if name not in used and not any(pattern.fullmatch(name) for pattern in built):
                faults.append(f"{item.path}: {what} is not in the code")
    return faults


def _declared(item: Item) -> Iterator[tuple[str, str]]:
    for command in item.commands:
        yield f"command {command['name']}", command["name"]
        for argument in command.get("arguments") or []:
            yield f"argument {argument['name']} of {command['name']}", argument["name"]
    for argument in item.data.get("args") or []:
        yield f"argument {argument['name']}", argument["name"]
    for parameter in item.parameters:
        if parameter["name"] not in READ_BY_SERVER:
            yield f"parameter {parameter['name']}", parameter["name"]


def not_in_readme(repository: Repository) -> list[str]:
    """Commands without a section of their own in the README, and arguments, outputs and parameters not in a table."""
    faults = []
    for item in repository.with_code:
        readme = item.folder / "README.md"
        text = readme.read_text(encoding="utf-8") if readme.is_file() else ""
        faults += [f"{item.path.parent}/README.md: {what} is not described" for what in _undescribed(item, text)]
    return faults


def _undescribed(item: Item, readme: str) -> Iterator[str]:
    for command in item.commands:
        if command.get("hidden"):
            continue
        name = command["name"]
        section = _section(readme, name)
        if not section:
            yield f"command {name}"
            continue
        for kind, key in (("arguments", "name"), ("outputs", "contextPath")):
            for entry in command.get(kind) or []:
                if not entry.get("hidden") and not _mentions(section, entry[key]):
                    yield f"{kind[:-1]} {entry[key]} of {name}"
    for parameter in item.parameters:
        label = parameter.get("display") or parameter.get("displaypassword") or ""
        if label and not parameter.get("hidden") and not _mentions(readme, label):
            yield f"parameter {label!r}"


def _section(readme: str, command: str) -> str:
    """From the heading that names the command to the next heading of the same level or a higher one."""
    found = re.search(rf"^(#+) `?{re.escape(command)}`?\s*$(.*?)(?=^#{{1,3}} |\Z)", readme, re.MULTILINE | re.DOTALL)
    return found[2] if found else ""


def _mentions(text: str, name: str) -> bool:
    return re.search(MENTION.format(re.escape(name)), text, re.MULTILINE) is not None


def wrong_examples(repository: Repository) -> list[str]:
    """Lines of command_examples.txt that name a command or argument which the integration does not have."""
    faults = []
    for item in repository.of("integration"):
        examples = item.folder / "command_examples.txt"
        lines = examples.read_text(encoding="utf-8").splitlines() if examples.is_file() else []
        arguments = {c["name"]: {a["name"] for a in c.get("arguments") or []} for c in item.commands}
        for number, line in enumerate(lines, 1):
            if line.strip() and (fault := _wrong_example(line, arguments)):
                faults.append(f"{item.path.parent}/command_examples.txt:{number}: {fault}")
    return faults


def _wrong_example(line: str, arguments: dict[str, set[str]]) -> str:
    name, *rest = line.split(maxsplit=1)
    command = name.removeprefix("!")
    if not name.startswith("!") or command not in arguments:
        return f"{name!r} is no command of this integration"
    bare = re.sub(r'"(?:\\.|[^"\\])*"|`[^`]*`', "", " ".join(rest))
    unknown = sorted(set(re.findall(r"(?:^|\s)([\w-]+)=", bare)) - arguments[command])
    return f"{command} has no argument {', '.join(unknown)}" if unknown else ""


CHECKS: tuple[Callable[[Repository], list[str]], ...] = (
    duplicate_ids,
    missing_files,
    api_module_imports,
    unknown_references,
    deprecated_in_use,
    declared_but_not_in_code,
    not_in_readme,
    wrong_examples,
)
