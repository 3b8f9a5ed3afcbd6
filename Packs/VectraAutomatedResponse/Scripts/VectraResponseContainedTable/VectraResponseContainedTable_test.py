from VectraResponseContainedTable import table


def test_table_has_what_is_contained_and_what_failed_the_latest_first() -> None:
    rows = [
        {"brain": "a", "key": "host:1", "name": "pc", "contained": True, "status": "applied", "since": 1, "why": "tag"},
        {
            "brain": "a",
            "key": "host:2",
            "contained": False,
            "status": "failed",
            "since": 60,
            "reason": "login\nrefused",
        },
        {"brain": "a", "key": "host:3", "contained": False, "status": "not_found"},
    ]
    made = table(rows)
    assert made["total"] == 2
    assert [(row["Entity"], row["Since"], row["Why"]) for row in made["data"]] == [
        ("host 2", "1970-01-01 00:01Z", "login refused"),
        ("host pc (1)", "1970-01-01 00:00Z", "tag"),
    ]
