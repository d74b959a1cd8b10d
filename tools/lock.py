"""Refreshes Pipfile.lock and package-lock.json so that neither names an index address: `make lock`.

Leaves to others: which index is asked, a matter of the machine. Why strip: pipenv writes the address of its default index into the
lock even where the Pipfile has no [[source]], and installs from a lock without one all the same.

Usage: python tools/lock.py PIPENV NODE NPM_CLI
"""

import json
import os
import subprocess
import sys
from pathlib import Path


def main(pipenv: str, node: str, npm_cli: str) -> None:
    """Lock with the given programs, in the current directory."""
    subprocess.run([pipenv, "lock"], check=True)  # noqa: S603 - the Makefile's own programs
    lock = Path("Pipfile.lock")
    content = json.loads(lock.read_text())
    content["_meta"]["sources"] = []
    for section in ("default", "develop"):
        for package in content[section].values():
            package.pop("index", None)
    lock.write_text(json.dumps(content, indent=4) + "\n")
    npm = [node, npm_cli, "install", "--package-lock-only", "--omit-lockfile-registry-resolved", "--no-fund", "--no-audit"]
    subprocess.run(npm, check=True, env={**os.environ, "PATH": f"{Path(node).parent}:{os.environ['PATH']}"})  # noqa: S603


if __name__ == "__main__":
    main(*sys.argv[1:])
