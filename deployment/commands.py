"""What the commands share: arguments, Ctrl-C, closed pipes, full disks, and output that is written completely or not at all.

A command calls `start` before its other imports, which take most of its time, and ends with `run`.

The exit status is 0, or 1 when files cannot be read or written, or 2 when the arguments or a deployment are refused. A command that is
stopped exits with 128 and the number of the signal: 130 for Ctrl-C, 141 when its output pipe is closed.

Owns: the process. Leaves to others: what a command does. It imports nothing that takes time.
"""

import argparse
import errno
import functools
import os
import re
import select
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from types import FrameType, TracebackType
from typing import NoReturn, ParamSpec, TextIO

P = ParamSpec("P")

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_STDOUT, _STDERR = 1, 2
# How Node reports errors of the system: `EFBIG: file too large, write`, `EACCES: permission denied, mkdir '/a'`.
_NODE_ERROR = re.compile(r"\bE[A-Z0-9]+: (?P<reason>[a-z ]+), \w+(?: '(?P<path>[^']+)')?")


class CannotWriteError(Exception):
    """A file or directory cannot be written.

    Args:
        what: the path, or a description.
        reason: the error message of the system.
    """

    def __init__(self, what: object, reason: str) -> None:
        super().__init__(f"{what}: cannot be written: {reason.lower()}")


class Arguments(argparse.ArgumentParser):
    """The arguments of a command; a mistake in them is reported in one line.

    Args:
        program: how the command is called.
        names: its first arguments, which are required.
    """

    def __init__(self, program: str, *names: str) -> None:
        super().__init__(program)
        for name in names:
            self.add_argument(name, metavar=name.upper())

    def error(self, message: str) -> NoReturn:
        """Exit with status 2."""
        self.exit(2, f"{_printable(message)}; {' '.join(self.format_usage().split())}\n")


def start() -> None:
    """Set up signals and errors so that the process ends with the right exit status and without a traceback."""
    for number in _SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup ignores SIGHUP; keep that
            signal.signal(number, _stop)
    sys.excepthook = _report
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # for terminals that cannot show every character


def run(command: Callable[..., int], arguments: argparse.ArgumentParser) -> NoReturn:
    """Call a command with the arguments of the command line, and exit with the status that it returns."""
    parsed = arguments.parse_args()
    try:
        status = command(**vars(parsed))
        if sys.stdout:  # closed from the start under `>&-`
            sys.stdout.flush()
    except OSError as error:
        if error.errno == errno.EPIPE and any(map(_is_unread, (_STDOUT, _STDERR))):
            _silence(_STDOUT, _STDERR)
            status = 128 + signal.SIGPIPE
        elif error.filename is None:  # files have names
            _silence(_STDOUT)
            raise CannotWriteError("standard output", error.strerror or str(error)) from None
        else:
            raise
    _ignore_signals()  # the work is done
    sys.exit(status)


def refuse(message: object) -> int:
    """Print why a command does nothing, and return its exit status."""
    print(message, file=sys.stderr)  # noqa: T201
    return 2


def refused(*errors: type[Exception]) -> Callable[[Callable[P, int]], Callable[P, int]]:
    """Let a command end with `refuse` when it raises one of these errors."""

    def decorate(command: Callable[P, int]) -> Callable[P, int]:
        @functools.wraps(command)
        def or_refused(*args: P.args, **kwargs: P.kwargs) -> int:
            try:
                return command(*args, **kwargs)
            except errors as error:
                return refuse(error)

        return or_refused

    return decorate


def terraform() -> str:
    """Return the program that runs as Terraform: the value of `TERRAFORM_BINARY_NAME`, which the cdktf CLI reads too.

    Without that variable it is `terraform`, or `tofu` where only OpenTofu is installed.
    """
    installed = filter(shutil.which, ("terraform", "tofu"))
    return os.environ.get("TERRAFORM_BINARY_NAME") or next(installed, "terraform")


@contextmanager
def step(what: str, stream: TextIO | None = None) -> Iterator[None]:
    """Print a step of a long command before it starts. In a terminal its time follows on the same line when it is done.

    Args:
        what: the step.
        stream: where it is printed. Standard error by default.
    """
    stream = stream or sys.stderr
    is_timed = stream.isatty() and not os.environ.get("CI")
    print(what, end=" … " if is_timed else "\n", file=stream, flush=True)
    began, taken = time.perf_counter(), ""
    try:
        yield
        taken = f"{time.perf_counter() - began:.1f} s"
    finally:
        if is_timed:
            print(taken, file=stream)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Provide a folder that is removed at the end, also when the command is stopped."""
    with _not_stopped():
        folder = tempfile.TemporaryDirectory()
    try:
        yield Path(folder.name)
    finally:
        with _not_stopped():
            folder.cleanup()


def write_files(directory: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a directory, all or none. Other files stay.

    Each is written to a temporary file, and moved to its place when all of them are written.

    Args:
        directory: the directory; it is created if it does not exist.
        files: their contents by path in the directory.

    Raises:
        CannotWriteError: when one of them cannot be written; then nothing has changed.
    """
    if folders := [directory / name for name in files if (directory / name).is_dir()]:
        raise CannotWriteError(folders[0], os.strerror(errno.EISDIR))
    staged: dict[Path, Path] = {}
    created: list[Path] = []
    try:
        for name, content in files.items():
            path = directory / name
            for folder in reversed([path.parent, *path.parent.parents]):
                if not folder.is_dir():
                    folder.mkdir()
                    created.append(folder)
            staged[path] = path.with_name(f".{path.name}.{os.getpid()}")
            staged[path].write_bytes(content)
        with _not_stopped():
            for path, written in staged.items():
                written.replace(path)
    except BaseException as error:
        with _not_stopped(), suppress(OSError):
            for written in staged.values():
                written.unlink(missing_ok=True)
            for folder in reversed(created):
                folder.rmdir()
        if isinstance(error, OSError):
            raise CannotWriteError(directory, error.strerror or str(error)) from None
        raise


@contextmanager
def _not_stopped() -> Iterator[None]:
    """Delay signals, for work that must not be interrupted."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _stop(number: int, _: FrameType | None) -> NoReturn:
    _ignore_signals()  # only cleanup remains
    _silence(_STDERR)  # interrupted code may print errors
    sys.exit(128 + number)


def _ignore_signals() -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _report(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Report errors of the system in one line, and all others, which are bugs, with a traceback."""
    refused_by_node = _NODE_ERROR.search(str(error)) if isinstance(error, Exception) else None
    if isinstance(error, CannotWriteError):
        line = str(error)
    elif isinstance(error, OSError):
        line = f"{error.filename or 'temporary files'}: {(error.strerror or str(error)).lower()}"
    elif refused_by_node:
        line = f"{refused_by_node['path'] or 'temporary files'}: {refused_by_node['reason']}"
    else:
        sys.__excepthook__(kind, error, traceback)
        return
    print(_printable(line), file=sys.stderr)  # noqa: T201
    _silence(_STDERR)  # jsii raises an error when it ends before it has started


def _printable(text: str) -> str:
    return repr(text)[1:-1]


def _is_unread(descriptor: int) -> bool:
    """Return whether this is a pipe whose reader has closed it."""
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


def _silence(*descriptors: int) -> None:
    nothing = os.open(os.devnull, os.O_WRONLY)
    for descriptor in descriptors:
        os.dup2(nothing, descriptor)
