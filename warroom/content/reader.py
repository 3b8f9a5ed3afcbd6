"""One yml file, and the Python beside or inside it, as an integration or a script."""

from __future__ import annotations

import json
import re
from pathlib import Path

from warroom.content.errors import ContentError
from warroom.content.model import Argument, Code, Command, Integration, Parameter, Script
from warroom.content.node import Node, load_yml

_MARKETPLACES_HERE = frozenset({"xsoar", "xsoar_saas", "xsoar_on_prem"})
_PLACEHOLDERS = frozenset({"", "-"})


def read_item(file: Path) -> Integration | Script | None:
    """The item that `file` declares, or None for a yml of another kind (playbook, field, layout).

    Works on source form (code in a .py beside the yml) and on unified form (code in the yml).
    Raises ContentError naming file and key.
    """
    return read_root(load_yml(file))


def read_root(root: Node) -> Integration | Script | None:
    """As `read_item`, for a yml that is parsed already."""
    if isinstance(root.data.get("configuration"), list) and "script" in root.data:
        return _integration(root)
    if isinstance(root.data.get("script"), str) and "tasks" not in root.data:
        return _script(root)
    return None


def pack_of(file: Path) -> str:
    """Name of the pack folder that `file` lies in; "" for a file outside any pack."""
    for folder in file.parents:
        if (folder / "pack_metadata.json").is_file() or folder.parent.name == "Packs":
            return folder.name
    return ""


def pack_display(folder: Path) -> str:
    """The name in pack_metadata.json, "" when there is none. Raises ContentError when the file is broken."""
    file = folder / "pack_metadata.json"
    try:
        return str(json.loads(file.read_bytes()).get("name", ""))
    except FileNotFoundError:
        return ""
    except (OSError, ValueError, AttributeError) as error:
        raise ContentError(file, "", f"is not valid pack metadata: {error}") from error


def _integration(root: Node) -> Integration:
    script = root.child("script")
    name = root.text("name")
    return Integration(
        id=root.child("commonfields").text("id"),
        name=name,
        display=root.text("display", name),
        pack=pack_of(root.file),
        file=root.file,
        code=_code(root.file, script.text("script", ""), script, "type"),
        parameters=tuple(_parameter(node) for node in root.children("configuration")),
        commands=tuple(_command(node) for node in script.children("commands")),
        sections=root.texts("sectionorder"),
        category=root.text("category", ""),
        feed=script.flag("feed"),
        is_fetch=script.flag("isfetch"),
        long_running=script.flag("longRunning"),
    )


def _script(root: Node) -> Script:
    return Script(
        id=root.child("commonfields").text("id"),
        name=root.text("name"),
        pack=pack_of(root.file),
        file=root.file,
        code=_code(root.file, root.text("script", ""), root, "type"),
        arguments=tuple(_argument(node) for node in root.children("args")),
        description=root.text("comment", ""),
        timeout_seconds=_timeout(root),
        outputs=_outputs(root),
        tags=root.texts("tags"),
        deprecated=root.flag("deprecated"),
    )


def _timeout(root: Node) -> float | None:
    """Seconds of a value such as 300ns, 10s, 5m or 1h; 0 means that the server decides."""
    text = root.text("timeout", "0")
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ns|ms|s|m|h)?", text)
    if match is None:
        raise root.error("timeout", f"must be a duration such as 300s, not {text!r}")
    factor = {"ns": 1e-9, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}[match[2] or "s"]
    return float(match[1]) * factor or None


def _parameter(node: Node) -> Parameter:
    kind = node.number("type")
    return Parameter(
        name=node.text("name"),
        display=node.text("display", ""),
        type=kind,
        default=_default(node),
        required=node.flag("required"),
        hidden=_hidden(node),
        options=node.texts("options"),
        help=node.text("additionalinfo", ""),
        section=node.text("section", ""),
        advanced=node.flag("advanced"),
        display_password=node.text("displaypassword", ""),
        hidden_username=node.flag("hiddenusername"),
        hidden_password=node.flag("hiddenpassword"),
    )


def _default(node: Node) -> str:
    value = node.data.get("defaultvalue")
    return ",".join(node.texts("defaultvalue")) if isinstance(value, list) else node.text("defaultvalue", "")


def _hidden(node: Node) -> bool:
    if isinstance(node.data.get("hidden"), list):
        return bool(_MARKETPLACES_HERE & set(node.texts("hidden")))
    return node.flag("hidden")


def _command(node: Node) -> Command:
    arguments = tuple(_argument(child) for child in node.children("arguments"))
    description, outputs = node.text("description", ""), _outputs(node)
    return Command(node.text("name"), arguments, description, node.flag("deprecated"), outputs,
                   harmful=node.flag("execution"))  # fmt: skip


def _outputs(node: Node) -> tuple[str, ...]:
    """The context paths that a command or script declares, without those that are left blank."""
    return tuple(path for child in node.children("outputs") if (path := child.text("contextPath", "")))


def _argument(node: Node) -> Argument:
    auto = node.text("auto", "").upper() == "PREDEFINED"
    return Argument(
        name=node.text("name"),
        required=node.flag("required"),
        is_default=node.flag("default"),
        is_array=node.flag("isArray"),
        secret=node.flag("secret"),
        predefined=node.texts("predefined") if auto or "predefined" in node.data else (),
        default_value=node.text("defaultValue", "") if node.data.get("defaultValue") is not None else None,
        description=node.text("description", ""),
    )


def _code(file: Path, inline: str, node: Node, type_key: str) -> Code:
    language = node.text(type_key, "python")
    if language != "python":
        raise node.error(type_key, f"is {language!r}; this host runs Python only")
    if inline.strip() not in _PLACEHOLDERS:
        return Code(module=_module_name(file.stem), source=inline)
    path = _python_file(file)
    return Code(module=_module_name(path.stem), path=path, python_path=_shared_modules(file))


def _python_file(file: Path) -> Path:
    same = file.with_suffix(".py")
    if same.is_file():
        return same
    candidates = [
        path for path in sorted(file.parent.glob("*.py")) if not path.stem.endswith("_test") and path.stem != "conftest"
    ]
    if len(candidates) == 1:
        return candidates[0]
    raise ContentError(file, "script", f"holds no code and there is no {same.name} beside it")


def _module_name(stem: str) -> str:
    return re.sub(r"\W", "_", stem)


def _shared_modules(file: Path) -> tuple[Path, ...]:
    for folder in file.parents:
        scripts = folder / "ApiModules" / "Scripts"
        if scripts.is_dir():
            return tuple(sorted(path for path in scripts.iterdir() if path.is_dir()))
    return ()
