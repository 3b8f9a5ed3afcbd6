import pytest
from VectraResponseProducts import product_results, products

DRIVERS = [
    {"instance": "xdr", "brand": "CortexXDRResponse", "commands": ["vectra-block-host", "vectra-unblock-host"]},
    {"instance": "fw", "brand": "PANOSResponse", "commands": ["vectra-block-destinations"]},
]


def test_products_only_those_with_one_of_the_commands_are_listed() -> None:
    assert [row["instance"] for row in products(DRIVERS, ["vectra-block-host"])] == ["xdr"]
    assert [row["instance"] for row in products(DRIVERS, ["vectra-block-host", "vectra-block-destinations"])] == [
        "xdr",
        "fw",
    ]
    assert products(DRIVERS, ["vectra-block-account"]) == []


def test_products_name_the_product_of_the_driver() -> None:
    assert products(DRIVERS, ["vectra-block-host"])[0]["product"] == "CortexXDR"


def test_products_command_of_no_driver_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'command': send-mail is no command of the driver interface"):
        products(DRIVERS, ["send-mail"])


def test_product_results_take_the_place_of_earlier_ones() -> None:
    entry = product_results(products(DRIVERS, ["vectra-block-host"]), ["vectra-block-host"]).to_context()
    [path] = entry["EntryContext"]
    assert path == "VectraResponse(true)" and [row["instance"] for row in entry["EntryContext"][path]["Product"]] == [
        "xdr"
    ]
