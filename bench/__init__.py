"""The benchmark: ``python -m bench`` (``make bench``). What it measures and how is in docs/benchmark.md."""
