"""Arguments and answers of the mirroring commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from warroom.runtime.common.entries import EntryFormat, EntryType, IncidentStatus

__all__ = [
    "GetMappingFieldsResponse", "GetModifiedRemoteDataArgs", "GetModifiedRemoteDataResponse", "GetRemoteDataArgs",
    "GetRemoteDataResponse", "SchemeTypeMapping", "UpdateRemoteSystemArgs",
]  # fmt: skip


class GetRemoteDataArgs:
    """Arguments of get-remote-data: which incident, and since when."""

    def __init__(self, args: Mapping[str, Any]) -> None:
        self.remote_incident_id = args.get("id")
        self.last_update = args.get("lastUpdate")


class GetModifiedRemoteDataArgs:
    """Arguments of get-modified-remote-data: since when."""

    def __init__(self, args: Mapping[str, Any]) -> None:
        self.last_update = args.get("lastUpdate")


class UpdateRemoteSystemArgs:
    """Arguments of update-remote-system: the incident as it is here, and what changed in it."""

    def __init__(self, args: Mapping[str, Any]) -> None:
        self.data = args.get("data") or {}
        self.entries = args.get("entries") or []
        self.incident_changed = args.get("incidentChanged")
        self.remote_incident_id = args.get("remoteId")
        self.inc_status = args.get("status", IncidentStatus.PENDING)
        self.delta = args.get("delta") or {}


class GetRemoteDataResponse:
    """Answer of get-remote-data: the incident as it is there, and entries to add."""

    def __init__(self, mirrored_object: Mapping[str, Any], entries: Sequence[Mapping[str, Any]] | None = None) -> None:
        self.mirrored_object = mirrored_object
        self.entries = entries or []

    def extract_for_local(self) -> list[Any] | None:
        """The object and its entries as one list, None when the object is empty."""
        return [self.mirrored_object, *self.entries] if self.mirrored_object else None


class GetModifiedRemoteDataResponse:
    """Answer of get-modified-remote-data: the ids of what changed, or whole objects."""

    def __init__(
        self, modified_incident_ids: Sequence[str], modified_incident_entries: Sequence[Any] | None = None
    ) -> None:
        self.modified_incident_ids = modified_incident_ids
        self.modified_incident_entries = modified_incident_entries

    def to_entry(self) -> dict[str, Any]:
        """The entry of this answer."""
        contents = self.modified_incident_ids or self.modified_incident_entries or []
        return {"Contents": contents, "ContentsFormat": EntryFormat.JSON, "Type": EntryType.NOTE}


class SchemeTypeMapping:
    """The fields of one type of incident, each with a description."""

    def __init__(self, type_name: str = "", fields: Mapping[str, Any] | None = None) -> None:
        self.type_name = type_name
        self.fields: dict[str, Any] = dict(fields or {})

    def add_field(self, name: str, description: Any = "") -> None:
        """Adds a field."""
        self.fields[name] = description

    def extract_mapping(self) -> dict[str, Any]:
        """{type: {field: description}}."""
        return {self.type_name: self.fields}


class GetMappingFieldsResponse:
    """Answer of get-mapping-fields: the fields of each type."""

    def __init__(self, scheme_types_mapping: SchemeTypeMapping | Sequence[SchemeTypeMapping] | None = None) -> None:
        given = [scheme_types_mapping] if isinstance(scheme_types_mapping, SchemeTypeMapping) else scheme_types_mapping
        self.scheme_types_mappings: list[SchemeTypeMapping] = list(given or [])

    def add_scheme_type(self, scheme_type_mapping: SchemeTypeMapping) -> None:
        """Adds a type."""
        self.scheme_types_mappings.append(scheme_type_mapping)

    def extract_mapping(self) -> dict[str, Any]:
        """{type: {field: description}} of all types."""
        return {name: fields for item in self.scheme_types_mappings for name, fields in item.extract_mapping().items()}
