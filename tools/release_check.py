"""Build the release twice and try it as a stranger would: see RELEASING.md. Run by ``make release-check``.

Needs the packages build and twine, git, and a package index for what drlim needs. Leaves the two files in ``dist/``.
"""

from __future__ import annotations

import argparse
import email
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent

TESTED = ("3.11",)
"""Versions of Python on which all tests are run."""

IN_THE_WHEEL = (
    "drlim/py.typed",
    "drlim/__init__.pyi",
    "drlim/runtime.py",
    "drlim/explorer/page.js",
    "drlim/data/NOTICE.md",
)
"""Files without which the wheel is incomplete."""

README_SCRIPT = r"""
import csv, doctest, importlib.metadata, random, re, shlex, subprocess, sys
from pathlib import Path
import drlim
assert "site-packages" in drlim.__file__, drlim.__file__
text = importlib.metadata.metadata("drlim").get_payload() or importlib.metadata.metadata("drlim")["Description"]
examples = doctest.DocTestParser().get_doctest(text, {}, "README.md", "README.md", 0)
failed = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(examples).failed
assert examples.examples and not failed, f"{failed} of {len(examples.examples)} examples fail"
for name, n in {"table.csv": 80, "new.csv": 5}.items():
    with open(name, "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow("abc")
        rows.writerows([random.gauss(0, 1) for _ in "abc"] for _ in range(n))
commands = re.findall(r"^    (drlim .*)", text, flags=re.MULTILINE)
assert commands
for command in commands:
    program = Path(sys.executable).parent / "drlim"
    subprocess.run([str(program), *shlex.split(command)[1:]], check=True, stdout=subprocess.DEVNULL)
print(f"{len(examples.examples)} examples and {len(commands)} commands of the README run")
"""
"""What is run in the empty environment, in an empty folder."""


def run(*command: object, cwd: Path, env: dict[str, str] | None = None) -> str:
    """Run a command and return its output; end with it where it fails."""
    done = subprocess.run(  # noqa: S603 - commands of this script
        [str(part) for part in command], cwd=cwd, env=env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(str(part) for part in command)[:300]} fails:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def checked_out(folder: Path) -> Path:
    """Write the files of the commit into a folder."""
    git = [shutil.which("git") or "git", "archive", "HEAD"]
    content = subprocess.run(git, cwd=ROOT, capture_output=True, check=True).stdout  # noqa: S603 - nothing of a user's
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def built(source: Path, dist: Path) -> dict[str, bytes]:
    """Build the source archive, and the wheel from it; return both by name."""
    seconds = run("git", "log", "-1", "--format=%ct", cwd=ROOT).strip()
    env = {**os.environ, "SOURCE_DATE_EPOCH": seconds}
    run(sys.executable, "-m", "build", "--outdir", dist, source, cwd=source, env=env)
    return {path.name: path.read_bytes() for path in sorted(dist.iterdir())}


def problems_of(wheel: Path) -> list[str]:
    """Return what is wrong with the names and the metadata in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (described,) = [name for name in names if name.endswith(".dist-info/METADATA")]
        metadata = email.message_from_bytes(archive.read(described))
    sources = (ROOT / "src" / "drlim" / "__init__.py").read_text(encoding="utf-8")
    folder = described.partition("/")[0]
    version = metadata["Version"]
    named = [one.rpartition(" ")[2] for one in metadata.get_all("Classifier", []) if "Python :: 3." in one]
    found = {
        f"version {version} is not __version__": f'__version__ = "{version}"' in sources,
        f"classifiers name {named}, tested are {TESTED}": tuple(named) == TESTED,
        f"requires-python is {metadata['Requires-Python']}": metadata["Requires-Python"] == f">={TESTED[0]}",
        "the README is not in it": "# drlim" in metadata.get_payload(),
        "the license is not in it": f"{folder}/licenses/LICENSE" in names,
        "it holds files beside drlim": all(name.startswith(("drlim/", f"{folder}/")) for name in names),
        "it holds caches": not any("__pycache__" in name or name.endswith(".pyc") for name in names),
        **{f"{name} is missing": name in names for name in IN_THE_WHEEL},
    }
    return [problem for problem, holds in found.items() if not holds]


def try_in_an_empty_environment(wheel: Path, folder: Path) -> str:
    """Install a wheel outside the repository, run the README there, and return what was run."""
    run(sys.executable, "-m", "venv", folder / "env", cwd=folder)
    python = folder / "env" / "bin" / "python"
    constraints = ROOT / "constraints.txt"
    run(python, "-m", "pip", "install", "--quiet", "--constraint", constraints, f"{wheel}[viz]", cwd=folder)
    (folder / "empty").mkdir()
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return run(python, "-I", "-c", README_SCRIPT, cwd=folder / "empty", env=env)


def main() -> int:
    """Check the release, and print what was checked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-install", action="store_true", help="leave out the empty environment")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        once, again = (built(checked_out(folder / name), folder / f"dist-{name}") for name in ("one", "two"))
        different = [name for name in once if once[name] != again.get(name)]
        if different or len(once) != 2:
            sys.exit(f"Built twice, these differ: {different}" if different else f"Built: {list(once)}")
        print("built twice with the same bytes:")
        for name, content in once.items():
            print(f"  {hashlib.sha256(content).hexdigest()}  {name}  {len(content)} bytes")
        dist = ROOT / "dist"
        shutil.rmtree(dist, ignore_errors=True)
        shutil.copytree(folder / "dist-one", dist)
        files = sorted(dist.iterdir())
        run(sys.executable, "-m", "twine", "check", "--strict", *files, cwd=ROOT)
        (wheel,) = dist.glob("*.whl")
        problems = problems_of(wheel)
        if problems:
            sys.exit("The wheel is wrong: " + "; ".join(problems))
        print("metadata checked")
        if not given.no_install:
            print(try_in_an_empty_environment(wheel, folder).splitlines()[-1])
    print("the release may go out")
    return 0


if __name__ == "__main__":
    sys.exit(main())
