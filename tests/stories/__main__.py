"""Tell each story in full, one process for each step, and print how long each took: ``python -m tests.stories``.

It runs by the Python of the environment that is to be tried, outside the repository; ``make stories`` makes that
environment. The exit code is 1 if a step failed or a story took longer than `_MOST_SECONDS`.
"""

from __future__ import annotations

import argparse
import importlib.util
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.stories.telling import STORIES, Story

_MOST_SECONDS = 300.0
"""Longest time of a story, in seconds."""


def told(story: Story, folder: Path, size: float) -> tuple[float, str]:
    """Return the seconds that the steps of a story took in a folder, and what failed; "" if nothing did."""
    story.prepare(folder, size)
    began = time.perf_counter()
    for step in story.steps:
        is_command = step.startswith("drlim ")
        command = [str(Path(sys.executable).parent / "drlim"), *step.split()[1:]] if is_command else []
        done = subprocess.run(
            command or [sys.executable, "-c", step], cwd=folder, capture_output=True, text=True, check=False
        )
        name = step if is_command else "Python"
        print(f"\n$ {name}\n{done.stdout}{done.stderr}", flush=True)  # noqa: T201 - a script
        if done.returncode or (is_command and "drlim: error" in done.stderr):
            return time.perf_counter() - began, f"{name}: exit code {done.returncode}"
    seconds = time.perf_counter() - began
    missing = not list(folder.glob(story.picture))
    return seconds, f"no picture {story.picture}" if missing else ""


def _processor_seconds() -> float:
    """Return the seconds that all processes started here have computed; they hardly depend on what else runs."""
    found = resource.getrusage(resource.RUSAGE_CHILDREN)
    return found.ru_utime + found.ru_stime


def main() -> int:
    """Tell the stories wanted, print a table, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="beginning of the names of the stories to tell")
    parser.add_argument("--size", type=float, default=None, help="size of the data; by default of each story, in full")
    parser.add_argument("--keep", type=Path, default=None, help="folder to keep data, maps and pictures in")
    given = parser.parse_args()
    rows, failed, used = [], False, _processor_seconds()
    with tempfile.TemporaryDirectory() as temporary:
        for story in STORIES:
            if not story.name.startswith(given.only):
                continue
            if importlib.util.find_spec(story.needs) is None:
                rows.append(f"| {story.name} | not told: {story.needs} is not installed | | |")
                continue
            folder = (given.keep or Path(temporary)) / story.name.replace(" ", "_")
            folder.mkdir(parents=True)
            seconds, failure = told(story, folder.resolve(), given.size or story.full)
            failed = failed or bool(failure) or seconds > _MOST_SECONDS
            used, before = _processor_seconds(), used
            rows.append(f"| {story.name} | {failure or 'none'} | {seconds:.0f} | {used - before:.0f} |")
            print(rows[-1], flush=True)  # noqa: T201 - a script
    print("\n| story | error on the way | seconds to the picture | of a processor |\n|---|---|---|---|")  # noqa: T201 - a script
    print("\n".join(rows))  # noqa: T201 - a script
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
