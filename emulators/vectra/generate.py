"""Made-up hosts, accounts, detections and groups, each made from its number: the same every time. Pure."""

from __future__ import annotations

from typing import Any

from emulators.vectra.attributes import GROUP_TYPES
from emulators.vectra.moments import moment
from emulators.vectra.tables import Document

_START = 1_735_689_600
_SITES = ("berlin", "lyon", "oslo", "porto")
_TEAMS = ("finance", "sales", "research", "lab", "legal")
_KINDS = (
    ("Hidden HTTPS Tunnel", "command"),
    ("External Remote Access", "command"),
    ("Data Smuggler", "exfiltration"),
    ("Port Scan", "reconnaissance"),
    ("Suspicious Remote Execution", "lateral"),
    ("Brute-Force", "lateral"),
    ("Ransomware File Activity", "lateral"),
    ("Cryptocurrency Mining", "botnet"),
)


def _mixed(number: int, salt: int) -> int:
    """A number below 2**32 that looks random."""
    mixed = (number * 2_654_435_761 + salt * 40_503 + 12_345) & 0xFFFFFFFF
    mixed = ((mixed ^ (mixed >> 15)) * 2_246_822_519) & 0xFFFFFFFF
    return mixed ^ (mixed >> 13)


def _scores(number: int, salt: int) -> dict[str, Any]:
    """Nine of ten entities are quiet, as in a real brain."""
    if _mixed(number, salt) % 10:
        return {"threat": 0, "certainty": 0, "urgency_score": 0, "is_prioritized": False, "state": "inactive"}
    threat, certainty = _mixed(number, salt + 1) % 100, _mixed(number, salt + 2) % 100
    urgency = (threat + certainty) // 2
    return {
        "threat": threat,
        "certainty": certainty,
        "urgency_score": urgency,
        "is_prioritized": urgency >= PRIORITIZED_FROM,
        "state": "active",
    }


PRIORITIZED_FROM = 50


def _seen(number: int) -> str:
    return moment(_START + number % 86_400)


def _entity(kind: str, number: int, name: str, salt: int) -> Document:
    seen = _seen(number)
    return {
        "type": kind,
        "id": number,
        "name": name,
        **_scores(number, salt),
        "importance": _mixed(number, salt + 3) % 3,
        "is_key_asset": not number % 50,
        "is_targeting_key_asset": not number % 70,
        "last_detection_timestamp": seen,
        "last_modified_timestamp": seen,
        "ldap": None,
    }


def host(number: int) -> Document:
    """Host `number`, from 1 to about 16 million: `host-0000041` at 10.0.0.41."""
    name, address = f"host-{number:07}", f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    mac = f"02:00:5e:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"
    seen = _seen(number)
    return {
        **_entity("host", number, name, 1),
        "last_source": address,
        "previous_ips": [],
        "probable_owner": f"user{number}" if not number % 3 else None,
        "host_artifact_set": [
            {"type": "mac", "value": mac, "source": "dhcp", "siem": False},
            {"type": "dns", "value": f"{name}.corp.example", "source": "dns", "siem": False},
        ],
        "host_type": ["windows"] if number % 4 else ["linux"],
        "privilege_level": None,
        "privilege_category": None,
        # Both forms of a moment are seen in the field.
        "last_seen": seen if number % 3 else seen.replace("Z", f".{number % 1_000_000:06}Z"),
        "external": None,
    }


def account(number: int) -> Document:
    """Account `number`: `O365:user41@corp.example` with the uid `user41@corp.example`."""
    level = _mixed(number, 9) % 10 + 1
    return {
        **_entity("account", number, f"O365:user{number}@corp.example", 5),
        "uid": f"user{number}@corp.example",
        "display_name": f"O365:user{number}@corp.example",
        "account_type": ["o365"],
        "probable_home": None,
        "privilege_level": level,
        "privilege_category": "low" if level < 4 else "medium" if level < 8 else "high",
    }


def tags(number: int) -> tuple[str, ...]:
    """One object of ten has tags."""
    if number % 10:
        return ()
    return (_TEAMS[number // 10 % len(_TEAMS)], f"site:{_SITES[number // 10 % len(_SITES)]}")


def detection(number: int, hosts: int, accounts: int) -> Document:
    """Detection `number`, of one of the generated hosts, or each fifth one of an account, where there are any."""
    of_account = bool(accounts) and (not number % 5 or not hosts)
    source = (number * 7_919) % (accounts if of_account else max(hosts, 1)) + 1
    has_source = of_account or bool(hosts)
    made, category = _KINDS[_mixed(number, 11) % len(_KINDS)]
    seen = _seen(number)
    return {
        "id": number,
        "detection_type": made,
        "detection_category": category,
        "threat": _mixed(number, 12) % 100,
        "certainty": _mixed(number, 13) % 100,
        "state": ("active", "active", "inactive", "fixed")[number % 4],
        "is_triaged": not number % 6,
        "triage_rule_id": 1 if not number % 6 else None,
        "is_targeting_key_asset": not number % 70,
        "src_type": ("account" if of_account else "host") if has_source else None,
        "src_id": source if has_source else None,
        "src_ip": host(source)["last_source"] if has_source and not of_account else None,
        "first_timestamp": seen,
        "last_timestamp": seen,
        "summary": {
            "dst_ips": [f"203.0.113.{number % 254 + 1}", f"10.200.0.{number % 254 + 1}"],
            "target_domains": [f"c{number % 1_000}.bad.example"],
            "bytes_sent": number,
        },
    }


def group(number: int) -> Document:
    """Group `number`: the types in turn."""
    kind = GROUP_TYPES[(number - 1) % len(GROUP_TYPES)]
    return {
        "id": number,
        "type": kind,
        "name": f"{kind}-group-{number}",
        "description": "",
        "regex": None,
        "is_regex": False,
        "is_membership_evaluation_ongoing": False,
    }


def members(number: int, size: int, hosts: int, accounts: int) -> list[int | str]:
    """Up to `size` members of generated group `number`."""
    kind, spread = group(number)["type"], range(number, number + size)
    if kind == "host":
        return sorted({place % hosts + 1 for place in spread}) if hosts else []
    if kind == "account":
        return sorted({f"user{place % accounts + 1}@corp.example" for place in spread}) if accounts else []
    if kind == "ip":
        return [f"198.51.{place >> 8 & 255}.{place & 255}" for place in spread]
    return [f"d{place}.group.example" for place in spread]
