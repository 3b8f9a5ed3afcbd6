"""Objects as the API shows them, version by version. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from emulators.vectra.tables import Document
from emulators.vectra.versions import ApiVersion

_EVEN = 50


@dataclass(frozen=True)
class View:
    """Who asks, and how: `root` is the URL all calls of the version start with."""

    version: ApiVersion
    root: str
    account_uid: bool = True
    flat_directory: bool = False


@dataclass(frozen=True)
class Around:
    """What hangs on the objects of one page, by id; an id that is missing has nothing."""

    tags: Mapping[int, Sequence[str]] = field(default_factory=dict)
    notes: Mapping[int, str] = field(default_factory=dict)
    groups: Mapping[Any, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    detections: Mapping[int, Sequence[int]] = field(default_factory=dict)
    hosts: Mapping[int, Document] = field(default_factory=dict)
    accounts: Mapping[int, Document] = field(default_factory=dict)


def severity(threat: int, certainty: int) -> str:
    """The quadrant of a threat and certainty."""
    if threat >= _EVEN:
        return "Critical" if certainty >= _EVEN else "High"
    return "Medium" if certainty >= _EVEN else "Low"


def host_item(host: Document, around: Around, view: View) -> dict[str, Any]:
    """One item of `GET /hosts`, without what must be asked for."""
    return {
        **_entity_part(host, "hosts", around, view),
        "last_source": host["last_source"],
        "ip": host["last_source"],
        "previous_ips": host["previous_ips"],
        "probable_owner": host["probable_owner"],
        "host_artifact_set": host["host_artifact_set"],
        "key_asset": host["is_key_asset"],
        "is_key_asset": host["is_key_asset"],
        "targets_key_asset": host["is_targeting_key_asset"],
        "is_targeting_key_asset": host["is_targeting_key_asset"],
        "last_seen": host["last_seen"],
        "groups": around.groups.get(host["id"], ()),
    }


def account_item(account: Document, around: Around, view: View) -> dict[str, Any]:
    """One item of `GET /accounts`."""
    item = {
        **_entity_part(account, "accounts", around, view),
        "display_name": account["display_name"],
        "account_type": account["account_type"],
        "probable_home": account["probable_home"],
        "groups": around.groups.get(account["uid"], ()),
        "ldap": account["ldap"],
    }
    if view.account_uid:
        item["uid"] = account["uid"]
    if view.flat_directory:
        item |= account["ldap"] or {}
    return item


def _entity_part(entity: Document, path: str, around: Around, view: View) -> dict[str, Any]:
    part = {
        "id": entity["id"],
        "name": entity["name"],
        "url": f"{view.root}/{path}/{entity['id']}",
        "threat": entity["threat"],
        "certainty": entity["certainty"],
        "severity": severity(entity["threat"], entity["certainty"]),
        "state": entity["state"],
        "privilege_level": entity["privilege_level"],
        "privilege_category": entity["privilege_category"],
        "last_detection_timestamp": entity["last_detection_timestamp"],
        "tags": around.tags.get(entity["id"], ()),
        "note": around.notes.get(entity["id"]),
        "detection_set": _detection_urls(entity, around, view),
    }
    if view.version.old_names:
        part |= {"t_score": entity["threat"], "c_score": entity["certainty"]}
    return part


def entity_item(entity: Document, around: Around, view: View) -> dict[str, Any]:
    """One item of `GET /entities`; `around` is of the entity's own type."""
    path = "hosts" if entity["type"] == "host" else "accounts"
    item = {
        "id": entity["id"],
        "type": entity["type"],
        "name": entity["name"],
        "url": f"{view.root}/{path}/{entity['id']}",
        "urgency_score": entity["urgency_score"],
        "importance": entity["importance"],
        "is_prioritized": entity["is_prioritized"],
        "severity": severity(entity["threat"], entity["certainty"]),
        "state": entity["state"],
        "tags": around.tags.get(entity["id"], ()),
        "detection_set": _detection_urls(entity, around, view),
        "host_type": entity.get("host_type"),
        "account_type": entity.get("account_type"),
        "last_detection_timestamp": entity["last_detection_timestamp"],
        "last_modified_timestamp": entity["last_modified_timestamp"],
    }
    if view.version.old_names:
        item |= {"entity_type": entity["type"], "entity_importance": entity["importance"]}
    return item


def detection_item(detection: Document, around: Around, view: View) -> dict[str, Any]:
    """One item of `GET /detections`."""
    item = {
        "id": detection["id"],
        "url": f"{view.root}/detections/{detection['id']}",
        "detection_type": detection["detection_type"],
        "detection_category": detection["detection_category"],
        "threat": detection["threat"],
        "certainty": detection["certainty"],
        "is_targeting_key_asset": detection["is_targeting_key_asset"],
        "state": detection["state"],
        "is_triaged": detection["is_triaged"],
        "triage_rule_id": detection["triage_rule_id"],
        "src_ip": detection["src_ip"],
        "src_host": _src_host(around.hosts.get(_source(detection, "host")), around, view),
        "src_account": _src_account(around.accounts.get(_source(detection, "account")), view),
        "summary": detection["summary"],
        "first_timestamp": detection["first_timestamp"],
        "last_timestamp": detection["last_timestamp"],
        "tags": around.tags.get(detection["id"], ()),
        "note": around.notes.get(detection["id"]),
    }
    if view.version.old_names:
        item |= {
            "t_score": detection["threat"],
            "c_score": detection["certainty"],
            "category": detection["detection_category"],
            "targets_key_asset": detection["is_targeting_key_asset"],
        }
    if view.version.since("3.5"):
        closed = detection["state"] == "fixed"
        item |= {"state": "closed" if closed else item["state"], "investigation_status": "closed" if closed else "open"}
    return item


def _source(detection: Document, kind: str) -> int:
    return int(detection["src_id"]) if detection["src_type"] == kind else -1


def _src_host(host: Document | None, around: Around, view: View) -> dict[str, Any] | None:
    if host is None:
        return None
    return {
        "id": host["id"],
        "name": host["name"],
        "ip": host["last_source"],
        "url": f"{view.root}/hosts/{host['id']}",
        "is_key_asset": host["is_key_asset"],
        "groups": around.groups.get(host["id"], ()),
        "threat": host["threat"],
        "certainty": host["certainty"],
    }


def _src_account(account: Document | None, view: View) -> dict[str, Any] | None:
    if account is None:
        return None
    return {
        "id": account["id"],
        "name": account["name"],
        "url": f"{view.root}/accounts/{account['id']}",
        "threat": account["threat"],
        "certainty": account["certainty"],
        "privilege_level": account["privilege_level"],
        "privilege_category": account["privilege_category"],
    }


def group_item(
    group: Document, members: Sequence[Any] | None, hosts: Mapping[int, Document], view: View
) -> dict[str, Any]:
    """One item of `GET /groups`; without `members` when they are None."""
    item = {"id": group["id"], "type": group["type"], "name": group["name"], "description": group["description"]}
    if view.version.since("3.4"):
        item |= {
            "is_regex": group["is_regex"],
            "regex": group["regex"],
            "is_membership_evaluation_ongoing": group["is_membership_evaluation_ongoing"],
        }
    if members is not None:
        item["members"] = [_member(group["type"], member, hosts, view) for member in members]
    return item


def _member(kind: str, member: Any, hosts: Mapping[int, Document], view: View) -> object:
    if kind == "account":
        return {"uid": member}
    if kind != "host":
        return member
    host = hosts[member]
    return {
        "id": member,
        "name": host["name"],
        "is_key_asset": host["is_key_asset"],
        "url": f"{view.root}/hosts/{member}",
    }


def _detection_urls(entity: Document, around: Around, view: View) -> list[str]:
    return [f"{view.root}/detections/{key}" for key in around.detections.get(entity["id"], ())]
