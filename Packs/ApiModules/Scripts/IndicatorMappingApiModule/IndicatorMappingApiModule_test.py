"""The mapping by itself, without the integration: it needs nothing but values and something with its settings."""

from dataclasses import dataclass

import pytest
from IndicatorMappingApiModule import RejectedRecordError, outgoing, plan_inbound, xdr_record

NOW = 1_767_225_600_000


@dataclass(frozen=True)
class Mapping:
    severity: str = "HIGH"
    override_severity: bool = True
    severity_field: str = "sourceoriginalseverity"
    comment_field: str = "comments"
    link_prefix: str = ""
    comments_as_tags: bool = False
    tags: tuple[str, ...] = ()
    tlp_color: str = ""
    label: str = ""
    instance: str = ""


IOC = {"id": "1", "value": "bad.example", "indicator_type": "Domain", "score": 3}
ROW = {
    "RULE_INDICATOR": "bad.example",
    "IOC_TYPE": "DOMAIN_NAME",
    "RULE_SEVERITY": "SEV_020_LOW",
    "RULE_STATUS": "DISABLED",
    "RULE_MODIFY_TIME": NOW,
    "RULE_EXPIRATION_TIME": -1,
    "REPUTATION": "BAD",
}


def test_record_of_an_indicator_without_anything_else_has_the_required_keys_only() -> None:
    assert xdr_record(IOC, Mapping(), NOW) == {
        "indicator": "bad.example",
        "type": "DOMAIN_NAME",
        "severity": "HIGH",
        "reputation": "BAD",
        "expiration_date": -1,
    }


def test_record_of_a_url_is_refused_with_its_type() -> None:
    with pytest.raises(RejectedRecordError, match="no IOC type for URL"):
        xdr_record({**IOC, "indicator_type": "URL"}, Mapping(), NOW)


def test_a_change_of_xdr_that_xsoar_took_is_not_sent_back() -> None:
    (item,) = plan_inbound([ROW], {"bad.example": IOC}, Mapping(), NOW).items
    after = {**IOC, "CustomFields": item["fields"]}
    assert not outgoing(after, xdr_record(after, Mapping(), NOW)).news
