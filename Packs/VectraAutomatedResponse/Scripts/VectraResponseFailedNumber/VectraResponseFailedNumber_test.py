from VectraResponseFailedNumber import failed


def test_failed_counts_only_failures() -> None:
    assert failed([{"status": "failed"}, {"status": "pending"}, {"status": "failed"}]) == 2
