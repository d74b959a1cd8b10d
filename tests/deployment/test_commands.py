"""The steps of a long command, and the arguments of every command. Signals, pipes and disks: tests/test_hidden_faults.py."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from deployment.commands import step
from tests.app import ROOT

PROGRAM = "from deployment.commands import step\nwith step('first'): print('within')\nwith step('second'): {}"


def in_a_terminal(last: str, **environment: str) -> str:
    """Return what a program with two steps prints on standard error, a terminal."""
    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "CI"} | environment
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(last)], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=theirs
    ) as process:
        os.close(theirs)
        printed = b""
        while True:
            try:
                read = os.read(ours, 1024)
            except OSError:  # Linux: the other end is closed
                break
            printed += read
            if not read:
                break
        process.wait()
    os.close(ours)
    return printed.decode().replace("\r\n", "\n")


def test_a_terminal_shows_the_time_of_each_step_on_its_line() -> None:
    assert re.fullmatch(r"first … \d+\.\d s\nsecond … \d+\.\d s\n", in_a_terminal("pass"))


def test_message_of_a_failed_step_starts_on_a_new_line() -> None:
    assert re.fullmatch(r"first … \d+\.\d s\nsecond … \nfailed\n", in_a_terminal("raise SystemExit('failed')"))


def test_ci_gets_plain_lines_in_a_terminal_too() -> None:
    assert in_a_terminal("pass", CI="true") == "first\nsecond\n"


def test_a_step_is_printed_before_it_starts(capfd: pytest.CaptureFixture[str]) -> None:
    with step("first"):
        assert capfd.readouterr().err == "first\n"
    assert capfd.readouterr().err == ""


def test_the_steps_of_a_handover_are_no_part_of_its_output(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "handover", "pov", str(tmp_path / "pov")]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stderr.splitlines() == ["synthesize pov with its values and with variables", f"write {tmp_path / 'pov'}"]
    assert all(line.startswith(f"{tmp_path / 'pov'}/") for line in result.stdout.splitlines())


COMMANDS = {
    **dict.fromkeys(("stacks", "handover", "handover.picture", "rehearsal", "checks.destroy", "checks.scan"), "NAME"),
    "deployment.new": "NAME PROJECT REGION",
    "deployment.schema": "",
}


def test_every_command_is_listed() -> None:
    found = {
        ".".join(path.with_suffix("").relative_to(ROOT).parts).removesuffix(".__main__")
        for package in ("stacks", "deployment", "handover", "rehearsal", "checks")
        for path in (ROOT / package).rglob("*.py")
        if 'if __name__ == "__main__":' in path.read_text()
    }
    assert found == COMMANDS.keys()


@pytest.mark.parametrize(("module", "arguments"), COMMANDS.items())
def test_every_command_names_its_arguments(module: str, arguments: str) -> None:
    run = subprocess.run([sys.executable, "-m", module, "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
    usage = " ".join(run.stdout.partition("\n\n")[0].split())
    assert usage.startswith(f"usage: python -m {module} [-h]")
    assert [word for word in usage.split() if word.isupper()][: len(arguments.split())] == arguments.split()
    if arguments:
        run = subprocess.run([sys.executable, "-m", module], cwd=ROOT, capture_output=True, text=True, check=False)
        assert (run.returncode, run.stdout) == (2, "")
        assert run.stderr.startswith("the following arguments are required: ")
        assert run.stderr.count("\n") == 1
