"""Indicators as content gives them to the context: what is known of one, and its verdict.

Each kind is a table from argument to key of the context, in the order of the arguments; a dot in a key makes a nested
dict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from warroom.runtime.common import verdicts

__all__ = ["Common", "IndicatorsTimeline"]

DESCRIBING = {
    "tags": "Tags",
    "malware_family": "MalwareFamily",
    "feed_related_indicators": "FeedRelatedIndicators",
    "community_notes": "CommunityNotes",
    "publications": "Publications",
    "threat_types": "ThreatTypes",
    "traffic_light_protocol": "TrafficLightProtocol",
    "stix_id": "STIXID",
    "relationships": "Relationships",
}


class Record:
    """A piece of an indicator, made of the arguments in `FIELDS`. Raises TypeError for any other argument."""

    FIELDS: ClassVar[Mapping[str, str]] = {}

    def __init__(self, *values: Any, **named: Any) -> None:
        if len(values) > len(self.FIELDS):
            raise TypeError(f"{type(self).__name__} takes {len(self.FIELDS)} arguments, not {len(values)}")
        given = {**dict(zip(self.FIELDS, values, strict=False)), **named}
        unknown = sorted(set(given) - set(self.FIELDS))
        if unknown:
            raise TypeError(f"{type(self).__name__} has no argument {', '.join(unknown)}")
        for name in self.FIELDS:
            setattr(self, name, given.get(name))

    def to_context(self) -> dict[str, Any]:
        """The keys of the context with their values; what is None is left out."""
        found: dict[str, Any] = {}
        for name, path in self.FIELDS.items():
            value = getattr(self, name)
            if path and value is not None:
                _put(found, path.split("."), _as_context(value))
        return found


def _put(target: dict[str, Any], path: Sequence[str], value: Any) -> None:
    for step in path[:-1]:
        target = target.setdefault(step, {})
    target[path[-1]] = value


def _as_context(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_as_context(item) for item in value]
    return value.to_context() if hasattr(value, "to_context") else value


class Indicator(Record):
    """An indicator with a verdict. The first argument is its value, `dbot_score` is needed.

    `to_context` gives the indicator below `CONTEXT_PATH` and its verdict below the path of verdicts. Raises ValueError
    without a verdict.
    """

    CONTEXT_PATH: ClassVar[str] = ""
    dbot_score: verdicts.DBotScore

    def __init__(self, *values: Any, **named: Any) -> None:
        super().__init__(*values, **named)
        if not isinstance(self.dbot_score, verdicts.DBotScore):
            raise ValueError(f"{type(self).__name__}: dbot_score must be a Common.DBotScore")

    def to_context(self) -> dict[str, Any]:
        """{context path: indicator, path of verdicts: verdict}."""
        found = super().to_context()
        if self.dbot_score.score == verdicts.DBotScore.BAD:
            found["Malicious"] = {
                "Vendor": self.dbot_score.integration_name,
                "Description": self.dbot_score.malicious_description,
            }
        return {self.CONTEXT_PATH: found, **self.dbot_score.to_context()}


class IP(Indicator):
    """An IP address."""

    CONTEXT_PATH = "IP(val.Address && val.Address == obj.Address)"
    FIELDS: ClassVar[Mapping[str, str]] = {
        "ip": "Address", "dbot_score": "", "asn": "ASN", "as_owner": "ASOwner", "region": "Region", "port": "Port",
        "internal": "Internal", "updated_date": "UpdatedDate", "registrar_abuse_name": "Registrar.Abuse.Name",
        "registrar_abuse_address": "Registrar.Abuse.Address", "registrar_abuse_country": "Registrar.Abuse.Country",
        "registrar_abuse_network": "Registrar.Abuse.Network", "registrar_abuse_phone": "Registrar.Abuse.Phone",
        "registrar_abuse_email": "Registrar.Abuse.Email", "campaign": "Campaign", "hostname": "Hostname",
        "geo_latitude": "", "geo_longitude": "", "geo_country": "Geo.Country",
        "geo_description": "Geo.Description", "detection_engines": "DetectionEngines",
        "positive_engines": "PositiveDetections", "organization_name": "Organization.Name",
        "organization_type": "Organization.Type", "description": "Description", "blocked": "Blocked", **DESCRIBING,
    }  # fmt: skip

    def to_context(self) -> dict[str, Any]:
        """As of any indicator; latitude and longitude together are the location."""
        found = super().to_context()
        latitude, longitude = getattr(self, "geo_latitude", None), getattr(self, "geo_longitude", None)
        if latitude is not None and longitude is not None:
            found[self.CONTEXT_PATH].setdefault("Geo", {})["Location"] = f"{latitude}:{longitude}"
        return found


class Domain(Indicator):
    """A domain."""

    CONTEXT_PATH = "Domain(val.Name && val.Name == obj.Name)"
    FIELDS: ClassVar[Mapping[str, str]] = {
        "domain": "Name", "dbot_score": "", "dns": "DNS", "detection_engines": "DetectionEngines",
        "positive_detections": "PositiveDetections", "organization": "Organization", "sub_domains": "Subdomains",
        "creation_date": "CreationDate", "updated_date": "UpdatedDate", "expiration_date": "ExpirationDate",
        "domain_status": "DomainStatus", "name_servers": "NameServers", "registrar_name": "Registrar.Name",
        "registrar_abuse_email": "Registrar.AbuseEmail", "registrar_abuse_phone": "Registrar.AbusePhone",
        "registrant_name": "Registrant.Name", "registrant_email": "Registrant.Email",
        "registrant_phone": "Registrant.Phone", "registrant_country": "Registrant.Country",
        "admin_name": "Admin.Name", "admin_email": "Admin.Email", "admin_phone": "Admin.Phone",
        "admin_country": "Admin.Country", "domain_idn_name": "DomainIDNName", "port": "Port", "internal": "Internal",
        "category": "Category", "campaign": "Campaign", "geo_country": "Geo.Country",
        "geo_description": "Geo.Description", "tech_country": "Tech.Country", "tech_name": "Tech.Name",
        "tech_email": "Tech.Email", "tech_organization": "Tech.Organization", "billing": "Billing",
        "whois_records": "WhoisRecords", "description": "Description", "blocked": "Blocked", **DESCRIBING,
    }  # fmt: skip


class URL(Indicator):
    """A URL."""

    CONTEXT_PATH = "URL(val.Data && val.Data == obj.Data)"
    FIELDS: ClassVar[Mapping[str, str]] = {
        "url": "Data", "dbot_score": "", "detection_engines": "DetectionEngines",
        "positive_detections": "PositiveDetections", "category": "Category", "description": "Description",
        "asn": "ASN", "as_owner": "ASOwner", "geo_country": "Geo.Country", "organization": "Organization",
        "port": "Port", "internal": "Internal", "campaign": "Campaign", "blocked": "Blocked", **DESCRIBING,
    }  # fmt: skip


class File(Indicator):
    """A file, known by one hash or several."""

    CONTEXT_PATH = (
        "File(val.MD5 && val.MD5 == obj.MD5 || val.SHA1 && val.SHA1 == obj.SHA1 || "
        "val.SHA256 && val.SHA256 == obj.SHA256 || val.SHA512 && val.SHA512 == obj.SHA512 || "
        "val.CRC32 && val.CRC32 == obj.CRC32 || val.CTPH && val.CTPH == obj.CTPH || "
        "val.SSDeep && val.SSDeep == obj.SSDeep)"
    )
    FIELDS: ClassVar[Mapping[str, str]] = {
        "dbot_score": "", "name": "Name", "entry_id": "EntryID", "size": "Size", "md5": "MD5", "sha1": "SHA1",
        "sha256": "SHA256", "sha512": "SHA512", "ssdeep": "SSDeep", "extension": "Extension", "file_type": "Type",
        "hostname": "Hostname", "path": "Path", "company": "Company", "product_name": "ProductName",
        "digital_signature__publisher": "DigitalSignature.Publisher", "signature": "Signature", "actor": "Actor",
        "quarantined": "Quarantined", "organization": "Organization", "associated_file_names": "AssociatedFileNames",
        "behaviors": "Behavior", "campaign": "Campaign", "imphash": "Imphash", "description": "Description",
        "creation_date": "CreationDate", "hashes": "Hashes", **DESCRIBING,
    }  # fmt: skip


class EMAIL(Indicator):
    """An e-mail address."""

    CONTEXT_PATH = "Email(val.Address && val.Address == obj.Address)"
    FIELDS: ClassVar[Mapping[str, str]] = {
        "address": "Address", "dbot_score": "", "domain": "Domain", "blocked": "Blocked",
        "description": "Description", "internal": "Internal", **DESCRIBING,
    }  # fmt: skip


class CVE(Indicator):
    """A vulnerability. A verdict of score 0 is made when none is given."""

    CONTEXT_PATH = "CVE(val.ID && val.ID == obj.ID)"
    FIELDS: ClassVar[Mapping[str, str]] = {
        "id": "ID", "cvss": "CVSS.Score", "published": "Published", "modified": "Modified",
        "description": "Description", "cvss_version": "CVSS.Version", "cvss_vector": "CVSS.Vector",
        "cvss_table": "CVSS.Table", "vulnerable_products": "VulnerableProducts", "dbot_score": "", **DESCRIBING,
    }  # fmt: skip

    def __init__(self, *values: Any, **named: Any) -> None:
        if not named.get("dbot_score"):
            value = named.get("id") or (values[0] if values else "")
            named["dbot_score"] = verdicts.DBotScore(value, verdicts.DBotScoreType.CVE, score=0)
        super().__init__(*values, **named)


class Account(Indicator):
    """A user account."""

    CONTEXT_PATH = "Account(val.ID && val.ID == obj.ID)"
    FIELDS: ClassVar[Mapping[str, str]] = {
        "id": "ID", "type": "Type", "username": "Username", "display_name": "DisplayName", "groups": "Groups",
        "domain": "Domain", "email_address": "Email.Address", "telephone_number": "TelephoneNumber",
        "office": "Office", "job_title": "JobTitle", "department": "Department", "country": "Country",
        "state": "State", "city": "City", "street": "Street", "is_enabled": "IsEnabled", "dbot_score": "",
        **DESCRIBING,
    }  # fmt: skip


class Cryptocurrency(Indicator):
    """An address of a cryptocurrency."""

    CONTEXT_PATH = "Cryptocurrency(val.Address && val.Address == obj.Address)"
    FIELDS: ClassVar[Mapping[str, str]] = {
        "address": "Address", "address_type": "AddressType", "dbot_score": "", **DESCRIBING,
    }  # fmt: skip


class AttackPattern(Indicator):
    """A technique of attackers."""

    CONTEXT_PATH = "AttackPattern(val.value && val.value == obj.value)"
    FIELDS: ClassVar[Mapping[str, str]] = {
        "stix_id": "STIXID", "kill_chain_phases": "KillChainPhases", "first_seen_by_source": "FirstSeenBySource",
        "description": "Description", "operating_system_refs": "OperatingSystemRefs",
        "publications": "Publications", "mitre_id": "MITREID", "tags": "Tags", "value": "Value",
        "traffic_light_protocol": "TrafficLightProtocol", "dbot_score": "",
    }  # fmt: skip


class Endpoint(Record):
    """A host. It has no verdict."""

    CONTEXT_PATH = "Endpoint(val.ID && val.ID == obj.ID && val.Vendor == obj.Vendor)"
    FIELDS: ClassVar[Mapping[str, str]] = {
        "id": "ID", "hostname": "Hostname", "ip_address": "IPAddress", "domain": "Domain",
        "mac_address": "MACAddress", "os": "OS", "os_version": "OSVersion", "dhcp_server": "DHCPServer",
        "bios_version": "BIOSVersion", "model": "Model", "memory": "Memory", "processors": "Processors",
        "processor": "Processor", "relationships": "Relationships", "vendor": "Vendor", "status": "Status",
        "is_isolated": "IsIsolated",
    }  # fmt: skip

    def to_context(self) -> dict[str, Any]:
        """{context path: host}."""
        return {self.CONTEXT_PATH: super().to_context()}


class CustomIndicator:
    """An indicator of a kind of its own. Raises ValueError when value, prefix or verdict is missing."""

    def __init__(
        self,
        indicator_type: str,
        value: Any,
        dbot_score: verdicts.DBotScore,
        params: Mapping[str, Any],
        prefix_str: str,
    ) -> None:
        if not isinstance(dbot_score, verdicts.DBotScore):
            raise ValueError("CustomIndicator: dbot_score must be a Common.DBotScore")
        if not value or not prefix_str:
            raise ValueError("CustomIndicator: value and prefix_str must not be empty")
        self.indicator_type = indicator_type
        self.value = value
        self.dbot_score = dbot_score
        self.params = params
        self.CONTEXT_PATH = f"{prefix_str}(val.value && val.value == obj.value)"

    def to_context(self) -> dict[str, Any]:
        """{context path: indicator, path of verdicts: verdict}."""
        return {self.CONTEXT_PATH: {"value": self.value, **self.params}, **self.dbot_score.to_context()}


class FeedRelatedIndicators(Record):
    """An indicator that a feed names together with this one."""

    FIELDS: ClassVar[Mapping[str, str]] = {
        "value": "value", "indicator_type": "type", "description": "description",
    }  # fmt: skip


class CommunityNotes(Record):
    """A note of a community."""

    FIELDS: ClassVar[Mapping[str, str]] = {"note": "note", "timestamp": "timestamp"}


class Publications(Record):
    """A publication about an indicator."""

    FIELDS: ClassVar[Mapping[str, str]] = {
        "source": "source", "title": "title", "link": "link", "timestamp": "timestamp",
    }  # fmt: skip


class Behaviors(Record):
    """Something that a file does."""

    FIELDS: ClassVar[Mapping[str, str]] = {"details": "details", "action": "title"}


class ThreatTypes(Record):
    """A kind of threat, and how sure the source is."""

    FIELDS: ClassVar[Mapping[str, str]] = {
        "threat_category": "threatcategory", "threat_category_confidence": "threatcategoryconfidence",
    }  # fmt: skip


class FileSignature(Record):
    """The signature of a file."""

    FIELDS: ClassVar[Mapping[str, str]] = {
        "authentihash": "Authentihash", "copyright": "Copyright", "description": "Description",
        "file_version": "FileVersion", "internal_name": "InternalName", "original_name": "OriginalName",
    }  # fmt: skip


class Common:
    """All kinds of indicators and their parts, below one name."""

    DBotScore = verdicts.DBotScore
    Indicator = Indicator
    IP = IP
    Domain = Domain
    URL = URL
    File = File
    EMAIL = EMAIL
    CVE = CVE
    Account = Account
    Cryptocurrency = Cryptocurrency
    AttackPattern = AttackPattern
    Endpoint = Endpoint
    CustomIndicator = CustomIndicator
    FeedRelatedIndicators = FeedRelatedIndicators
    CommunityNotes = CommunityNotes
    Publications = Publications
    Behaviors = Behaviors
    ThreatTypes = ThreatTypes
    FileSignature = FileSignature


class IndicatorsTimeline:
    """A line in the timeline of each indicator. One category or message is used for all."""

    def __init__(
        self,
        indicators: Sequence[str] | None = None,
        category: str | None = None,
        message: str | None = None,
    ) -> None:
        extra = {name: text for name, text in (("Category", category), ("Message", message)) if text}
        self.indicators_timeline = [{"Value": value, **extra} for value in indicators or ()]
