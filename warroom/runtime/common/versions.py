"""What kind of server runs the code, and in which version.

Nothing is remembered between calls: the answer is part of what a run starts with.
"""

from __future__ import annotations

from typing import Any

from warroom.runtime.common.entries import DemistoException
from warroom.runtime.common.server import demisto

__all__ = [
    "get_demisto_version", "get_demisto_version_as_str", "is_demisto_version_ge", "is_integration_command_execution",
    "is_using_engine", "is_versioned_context_available", "is_xsiam", "is_xsiam_or_xsoar_saas", "is_xsoar",
    "is_xsoar_hosted", "is_xsoar_on_prem", "is_xsoar_saas",
]  # fmt: skip


def get_demisto_version() -> dict[str, Any]:
    """{"version", "buildNumber", "platform"}. Raises AttributeError when the server object does not tell."""
    if not hasattr(demisto, "demistoVersion"):
        raise AttributeError("demistoVersion() is not available")
    version: dict[str, Any] = demisto.demistoVersion()
    return version


def get_demisto_version_as_str() -> str:
    """`version-buildNumber`, "" when the server does not tell."""
    try:
        version = get_demisto_version()
        return f"{version['version']}-{version['buildNumber']}"
    except (AttributeError, KeyError):
        return ""


def is_demisto_version_ge(version: str, build_number: str = "") -> bool:
    """True when the server is of this version or later; of the same version, `build_number` decides when given.

    Parts are compared as numbers, missing ones count as 0. A version that is not made of numbers belongs to a
    development build and counts as later than any other. False when the server does not tell.
    """
    try:
        server = get_demisto_version()
        own, asked = _parts(server["version"]), _parts(version)
        if own != asked or not build_number:
            return own >= asked
        return int(server["buildNumber"]) >= int(build_number)
    except ValueError:
        return True
    except AttributeError:
        return False


def _parts(version: str) -> tuple[int, ...]:
    numbers = [int(part) for part in version.split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _platform() -> str:
    return str(get_demisto_version().get("platform") or "")


def is_xsiam_or_xsoar_saas() -> bool:
    """True from version 8.0.0 on."""
    return is_demisto_version_ge("8.0.0")


def is_xsoar() -> bool:
    """True on XSOAR of any kind."""
    return "xsoar" in _platform()


def is_xsoar_on_prem() -> bool:
    """True on XSOAR before version 8."""
    return _platform() == "xsoar" and not is_demisto_version_ge("8.0.0")


def is_xsoar_hosted() -> bool:
    """True on XSOAR 6 run by the vendor."""
    return _platform() == "xsoar_hosted"


def is_xsoar_saas() -> bool:
    """True on XSOAR from version 8 on."""
    return _platform() == "xsoar" and is_demisto_version_ge("8.0.0")


def is_xsiam() -> bool:
    """True on XSIAM."""
    return _platform() == "x2"


def is_using_engine() -> bool:
    """True when the run takes place on an engine."""
    return bool(get_demisto_version().get("engine"))


def is_versioned_context_available() -> bool:
    """True when the integration context has versions: from server version 6.0.0 on."""
    return is_demisto_version_ge("6.0.0")


def is_integration_command_execution() -> bool:
    """True in the code of an integration, False in a script. Raises DemistoException where nothing tells."""
    context = getattr(demisto, "callingContext", None)
    if not isinstance(context, dict):
        raise DemistoException("the calling context is not available")
    commands = (context.get("context") or {}).get("ExecutedCommands") or [{}]
    return str(commands[0].get("moduleBrand", "")) != "Scripts"
