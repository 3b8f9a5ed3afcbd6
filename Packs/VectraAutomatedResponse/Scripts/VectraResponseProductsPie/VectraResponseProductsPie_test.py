from VectraResponseProductsPie import by_product


def test_by_product_counts_contained_elements_only() -> None:
    rows = [
        {"instance": "xdr", "contained": True},
        {"instance": "fw", "contained": True},
        {"instance": "fw", "contained": True},
        {"instance": "nac", "contained": False},
    ]
    assert [(item["name"], item["data"]) for item in by_product(rows)] == [("fw", [2]), ("xdr", [1])]
