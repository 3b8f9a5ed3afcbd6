"""Benchmarks: each number as a ratio against a floor that was measured in the same run."""
