"""The numbers this library promises, each measured beside what it is compared with.

``python -m benchmarks`` from the root of the repository runs all of them; docs/performance.md says what they mean.
"""
