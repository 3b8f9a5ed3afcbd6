"""insert_csv's text."""

from __future__ import annotations

import pytest

from emulators.cortex_xdr.indicators.csvform import csv_records
from emulators.kit import Refused

HEADER = (
    "indicator,type,severity,expiration_date,comment,reputation,reliability,class,"
    "vendor.name,vendor.reputation,vendor.reliability"
)


def test_csv_full_and_empty_cells_become_records() -> None:
    text = f'{HEADER}\nbad.example,DOMAIN_NAME,HIGH,-1,"a, b",BAD,A,C2,Feed,BAD,B\n\n1.2.3.4,IP,LOW,Never,,,,,,,\n'
    assert list(csv_records(text)) == [
        {
            "indicator": "bad.example", "type": "DOMAIN_NAME", "severity": "HIGH", "expiration_date": -1,
            "comment": "a, b", "reputation": "BAD", "reliability": "A", "class": "C2",
            "vendors": [{"vendor_name": "Feed", "reputation": "BAD", "reliability": "B"}],
        },
        {"indicator": "1.2.3.4", "type": "IP", "severity": "LOW", "expiration_date": "Never"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "",
        "indicator,type\na,b",
        "indicator,type,severity,colour\n",
        "indicator,type,severity,type\n",
        "indicator,type,severity\na,b",
        'indicator,type,severity\n"a"b,c,d',
    ],
)
def test_csv_wrong_is_refused(text: str) -> None:
    with pytest.raises(Refused) as caught:
        list(csv_records(text))
    assert caught.value.status == 400
