from VectraResponseContainedNumber import contained


def test_contained_counts_an_entity_once_per_brain() -> None:
    rows = [
        {"brain": "a", "key": "host:1", "contained": True},
        {"brain": "a", "key": "host:1", "contained": True},
        {"brain": "b", "key": "host:1", "contained": True},
        {"brain": "a", "key": "host:2", "contained": False},
    ]
    assert contained(rows) == 2
