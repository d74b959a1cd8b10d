"""Provider packages whose resources are imported when they are asked for, of CDKTF (cdktf) and CDK Terrain (cdktn).

Owns the import hook. There are two layouts of these packages:

- Up to cdktn 0.23 most end with a line `from . import <resource>` for each resource. They are run from their own sources
  without these lines; the names become attributes that import their module at first use.
- Newer ones, such as cdktn-provider-google 19.10 and 20.0, import their resources on demand by themselves (PEP 562).
  They are run as they are; only the Node side has to be made lazy.

Everything else about importing is left to the finders and loaders that are there already.
"""

import importlib
import re
import sys
import warnings
from collections.abc import Sequence
from importlib.abc import InspectLoader, Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from gitpod_pov.bindings import BindingsWarning, kernel_hooks, type_checks

from jsii._reference_map import _submodule_fqn_map

_GENERATED = re.compile(r"(?:cdktf|cdktn|constructs|((?:cdktf_cdktf|cdktn)_provider_\w+))(\.\w+)?")
_SUBMODULE_IMPORT = re.compile(r"^from \. import (\w+)$", re.MULTILINE)
_OWN_LOOKUP = re.compile(r"^def __getattr__\(", re.MULTILINE)


def install() -> None:
    """Load the provider packages that are imported from now on lazily."""
    for name in ("cdktf._private", "cdktn._private", "constructs._private"):
        if name in sys.modules:
            type_checks.cheaper(vars(sys.modules[name]))
    sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    """Finds what the other finders find, and wraps the loaders of modules that jsii generated."""

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        generated = _GENERATED.fullmatch(fullname)
        if generated is None:
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        spec = next(filter(None, (finder.find_spec(fullname, path, target) for finder in others)), None)
        if spec is not None and isinstance(spec.loader, InspectLoader):
            provider, submodule = generated.groups()
            spec.loader = _Generated(spec.loader) if submodule or not provider else _Provider(spec.loader)
        return spec


class _Generated(Loader):
    """Loads a module as its own loader does, then makes its type checks cheaper."""

    def __init__(self, own: InspectLoader) -> None:
        self.own = own

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.own.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        # From here on nobody sees that there was another loader: `inspect` and `importlib.resources` ask for it.
        module.__spec__.loader = module.__loader__ = self.own
        type_checks.import_typeguard()
        self.run(module)
        # Not what is in `sys.modules` by now: generated modules put a module with the public names in their place.
        type_checks.cheaper(vars(module))

    def run(self, module: ModuleType) -> None:
        """Execute the module in its namespace."""
        self.own.exec_module(module)

    def __getattr__(self, name: str) -> Any:
        # For those who ask a spec's loader for source or code without loading.
        return getattr(self.own, name)


class _Provider(_Generated):
    """Runs a provider package without importing its resources."""

    def run(self, module: ModuleType) -> None:
        kernel_hooks.load()
        try:
            assembly = self.run_lazily(module)
        except Exception as error:  # whatever does not fit; an error of the package's own comes again
            warnings.warn(f"{module.__name__} loads in full: {error}", BindingsWarning, stacklevel=3)
            sys.modules[module.__name__] = module
            super().run(module)
            return
        if not kernel_hooks.is_lazy(assembly):
            warnings.warn(f"{assembly} loads in full in Node: unknown index", BindingsWarning, stacklevel=3)

    def run_lazily(self, module: ModuleType) -> str:
        """Run the package so that its resources are looked up when they are asked for; return the name of its jsii assembly."""
        name = module.__name__
        source = self.own.get_source(name) or ""
        if resources := frozenset(_SUBMODULE_IMPORT.findall(source)):
            exec(compile(_SUBMODULE_IMPORT.sub("", source), str(module.__file__), "exec", dont_inherit=True), vars(module))
        elif _OWN_LOOKUP.search(source):
            super().run(module)
        else:
            raise ValueError("no list of resources")
        assembly: str = importlib.import_module(f"{name}._jsii").__jsii_assembly__.name
        if resources:
            _look_up(resources, sys.modules[name])
            # Where jsii looks for the module of a class that Node returns and nobody imported; else: "Unknown type".
            _submodule_fqn_map.update((f"{assembly}.{_camel_case(it)}", f"{name}.{it}") for it in resources)
        return assembly


def _look_up(resources: frozenset[str], package: ModuleType) -> None:
    """Have the modules of a package's resources imported when they are asked for."""
    name = package.__name__

    def get_resource(attribute: str) -> ModuleType:
        if attribute not in resources:
            raise AttributeError(f"module {name!r} has no attribute {attribute!r}")
        return importlib.import_module(f"{name}.{attribute}")

    vars(package).update(__getattr__=get_resource, __dir__=lambda: sorted({*vars(package), *resources}))


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
