"""Where the time of a fit goes: seconds in the functions that are its steps, by Python's profiler."""

from __future__ import annotations

import cProfile
import pstats
from collections.abc import Callable, Mapping

__all__ = ["STEPS", "SUMS", "shares_table", "steps_of"]

Step = tuple[str, str]
"""End of the path of a file, and the name of a function in it."""

STEPS: Mapping[str, tuple[Step, ...]] = {
    "check of the values": (
        ("estimators/neighbor_map.py", "_checked_samples"),
        ("estimators/samples.py", "check_samples"),
    ),
    "principal components": (("neighbors/coordinates.py", "measure"),),
    "neighbours": (("neighbors/measured.py", "weighted_neighbors"), ("estimators/running.py", "gathered")),
    "relaxation": (("training/neighbor_layout.py", "lay_out"),),
    "encoder: its standardisation": (("estimators/trunk.py", "trunk_for"), ("estimators/encoder.py", "encoder_for")),
    "encoder: training": (("training/neighbor_layout.py", "train_places"), ("training/loop.py", "train_rows")),
    "map of all rows": (("estimators/samples.py", "map_samples"),),
    "what novelty needs": (("estimators/reference.py", "reference_of"),),
}
"""Functions of each step. None calls one of another step, and of several in a step the first that ran counts."""


SUMS = ("the rest", "all")
"""What stands behind the steps."""


def steps_of(call: Callable[[], object]) -> dict[str, float]:
    """Return the seconds of each step of a call, of the rest, and of all."""
    profiler = cProfile.Profile()
    profiler.runcall(call)
    stats = pstats.Stats(profiler).stats  # type: ignore[attr-defined]  # typeshed lacks it
    cumulative = {(path, name): times[3] for (path, _, name), times in stats.items()}
    total = sum(times[2] for times in stats.values())
    found = {}
    for step, functions in STEPS.items():
        seconds = [
            spent
            for end, wanted in functions
            for (path, name), spent in cumulative.items()
            if name == wanted and path.endswith(end)
        ]
        if seconds:
            found[step] = seconds[0]
    return {**found, **dict(zip(SUMS, (total - sum(found.values()), total), strict=True))}


def shares_table(name: str, seconds: Mapping[str, float]) -> str:
    """Return steps as a table in Markdown.

    Examples
    --------
    >>> print(shares_table("NeighborMap", {"neighbours": 3.0, "the rest": 1.0, "all": 4.0}))
    | NeighborMap | seconds | share |
    |---|---|---|
    | neighbours | 3 | 75 % |
    | the rest | 1 | 25 % |
    | all | 4 | 100 % |
    """
    lines = [f"| {name} | seconds | share |", "|---|---|---|"]
    lines += [f"| {step} | {spent:.3g} | {100 * spent / seconds['all']:.0f} % |" for step, spent in seconds.items()]
    return "\n".join(lines)
