"""Relationships between two indicators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from warroom.runtime.common import server

__all__ = ["EntityRelationship"]

RELATED_TO = "related-to"
# Pairs of names for the two directions; a single name reads the same both ways.
_DIRECTIONS = (
    "attributed-to attribution-of", "authored-by author-of", "beacons-to communicated-by",
    "bundled-in bundles", "communicated-with", "compromises compromised-by", "connects-to communicated-by",
    "consists-of part-of", "contains contained-in", "controls controlled-by", "created-by created",
    "delivers delivered-by", "detects detected-by", "downloads downloaded-by", "drops dropped-by",
    "duplicate-of", "exfiltrates-to exfiltrated-from", "exploits exploited-by", "has originated-from",
    "hosts hosted-on", "identifies identified-by", "impersonates impersonated-by", "indicates indicated-by",
    "injects-from injects-into", "investigates investigated-by", "is-also", "known-as", "located-at location-of",
    "lookalike-of", "mitigates mitigated-by", "observed-in", "owns owned-by", "prevents prevented-by",
    "related-to", "remediates remediated-by", "resolves-to resolved-from", "seen-on", "sent sent-by",
    "sub-domain-of supra-domain-of", "sub-technique-of parent-technique-of", "targets targeted-by",
    "uploaded-to uploaded-from", "uses used-by", "variant-of", "vulnerability-of has-vulnerability",
)  # fmt: skip


def _reverses() -> dict[str, str]:
    found: dict[str, str] = {}
    for names in map(str.split, _DIRECTIONS):
        forward, backward = names[0], names[-1]
        found.setdefault(forward, backward)
        found.setdefault(backward, forward)
    return found


class EntityRelationship:
    """That `entity_a` is in the relationship `name` to `entity_b`.

    A name that is not known has the reverse name `related-to`. Raises ValueError when an entity or its type is missing.
    """

    class Relationships:
        """Names of relationships."""

        RELATED_TO = RELATED_TO
        INDICATES = "indicates"
        USES = "uses"
        USED_BY = "used-by"
        RESOLVES_TO = "resolves-to"
        RESOLVED_FROM = "resolved-from"
        COMMUNICATED_WITH = "communicated-with"
        CONTAINS = "contains"
        PART_OF = "part-of"
        SUB_DOMAIN_OF = "sub-domain-of"
        TARGETS = "targets"
        HOSTS = "hosts"
        HOSTED_ON = "hosted-on"
        DROPS = "drops"
        DROPPED_BY = "dropped-by"
        DOWNLOADS = "downloads"
        DOWNLOADED_BY = "downloaded-by"
        DUPLICATE_OF = "duplicate-of"
        ATTRIBUTED_TO = "attributed-to"
        EXPLOITS = "exploits"
        MITIGATES = "mitigates"
        VARIANT_OF = "variant-of"

        RELATIONSHIPS_NAMES = _reverses()

        @staticmethod
        def is_valid(_type: str) -> bool:
            """True for a known name."""
            return _type in EntityRelationship.Relationships.RELATIONSHIPS_NAMES

        @staticmethod
        def get_reverse(name: str) -> str:
            """The name of the other direction, `related-to` when it is not known."""
            return EntityRelationship.Relationships.RELATIONSHIPS_NAMES.get(name, RELATED_TO)

    class RelationshipsTypes:
        """Kinds of relationships."""

        INDICATOR_TO_INDICATOR = "IndicatorToIndicator"

    class RelationshipsFamily:
        """Families of entities."""

        INDICATOR = "Indicator"

    def __init__(
        self,
        name: str,
        entity_a: str,
        entity_a_type: str,
        entity_b: str,
        entity_b_type: str,
        reverse_name: str = "",
        relationship_type: str = "IndicatorToIndicator",
        entity_a_family: str = "Indicator",
        entity_b_family: str = "Indicator",
        source_reliability: str = "",
        fields: Mapping[str, Any] | None = None,
        brand: str = "",
    ) -> None:
        given = (("entity_a", entity_a), ("entity_a_type", entity_a_type), ("entity_b", entity_b))
        missing = [part for part, value in (*given, ("entity_b_type", entity_b_type)) if not value]
        if missing:
            raise ValueError(f"EntityRelationship: {', '.join(missing)} must not be empty")
        self._name = name
        self._reverse_name = reverse_name or EntityRelationship.Relationships.get_reverse(name)
        self._relationship_type = relationship_type
        self._entity_a, self._entity_a_type, self._entity_a_family = entity_a, entity_a_type, entity_a_family
        self._entity_b, self._entity_b_type, self._entity_b_family = entity_b, entity_b_type, entity_b_family
        self._source_reliability = source_reliability
        self._fields = dict(fields or {})
        self._brand = brand or server.brand()

    def to_indicator(self) -> dict[str, Any]:
        """The form that belongs to an indicator given to createIndicators."""
        return {
            "name": self._name,
            "reverseName": self._reverse_name,
            "type": self._relationship_type,
            "entityA": self._entity_a,
            "entityAFamily": self._entity_a_family,
            "entityAType": self._entity_a_type,
            "entityB": self._entity_b,
            "entityBFamily": self._entity_b_family,
            "entityBType": self._entity_b_type,
            "fields": self._fields,
        }

    def to_entry(self) -> dict[str, Any]:
        """The form that belongs to an entry of the war room."""
        found = self.to_indicator()
        extra = {"reliability": self._source_reliability, "brand": self._brand}
        return found | {name: value for name, value in extra.items() if value}

    def to_context(self) -> dict[str, Any]:
        """The form that belongs to the context of an indicator."""
        return {
            "Relationship": self._name,
            "EntityA": self._entity_a,
            "EntityAType": self._entity_a_type,
            "EntityB": self._entity_b,
            "EntityBType": self._entity_b_type,
        }
