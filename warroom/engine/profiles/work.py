"""Runs the scripts of the pack against a server, and says what they did."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from warroom.engine.errors import UsageError
from warroom.engine.host import Host
from warroom.engine.profiles.articles import Article
from warroom.engine.profiles.outputs import Rows, outputs
from warroom.engine.profiles.settings import Watch
from warroom.engine.results import RunResult
from warroom.engine.xsoar import Change, XsoarServer

UPDATE, AUDIT = "threat-profile-update", "threat-profile-audit"
Status = Literal["ok", "unsettled", "error"]


@dataclass(frozen=True)
class UpdateResult:
    """What became of each profile and article, and every write that was done, or would be in a dry run.

    status: ok; unsettled, when a name has no record or several; error, when something failed.
    """

    status: Status
    profiles: Rows
    articles: Rows
    changes: list[Change] = field(default_factory=list)
    error: str = ""


@dataclass(frozen=True)
class AuditResult:
    """What keeps articles from profiles."""

    findings: Rows
    text: str
    error: str = ""


def update(host: Host, server: XsoarServer, watch: Watch, articles: Sequence[Article]) -> UpdateResult:
    """Puts the articles on the profiles that they name. Raises UsageError when it is not said whose."""
    if not watch.names and not watch.query:
        raise UsageError("whose profiles? Give --name or --query")
    args = {**watch.script_args(), "articles": json.dumps([dict(one) for one in articles])}
    result = _run(host, UPDATE, args, server)
    profiles = outputs(result.entries, "ThreatProfile.Update")
    settled = all(profile["status"] not in ("missing", "ambiguous") for profile in profiles)
    failed = result.status != "ok" or any(profile["status"] == "failed" for profile in profiles)
    status: Status = "error" if failed else "ok" if settled else "unsettled"
    return UpdateResult(
        status, profiles, outputs(result.entries, "ThreatProfile.Article"), server.changes, result.error or ""
    )


def audit(host: Host, server: XsoarServer, query: str, kinds: Sequence[str]) -> AuditResult:
    """Finds doubles, shared aliases and gaps in the profiles; changes nothing."""
    given = {"query": query, "findings": list(kinds)}
    result = _run(host, AUDIT, {name: value for name, value in given.items() if value}, server)
    text = "\n".join(str(entry["HumanReadable"]) for entry in result.entries if entry.get("HumanReadable"))
    return AuditResult(outputs(result.entries, "ThreatProfile.Audit"), text, result.error or "")


def _run(host: Host, script: str, args: Mapping[str, Any], server: XsoarServer) -> RunResult:
    if host.catalog.script(script) is None:
        raise UsageError(f"the script {script} is not among the content; run `warroom content add PATH-TO-Packs`")
    return host.run_script(script, args, server=server)
