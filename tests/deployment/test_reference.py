import importlib
import pkgutil
import re
from typing import Any

import gitpod_pov
from gitpod_pov.configuration import Configuration
from gitpod_pov.gke_cluster import GkeCluster

from constructs import Construct

from deployment.reference import CONSTRUCTS, FUNCTIONS, reference


def test_lists_every_construct_of_the_package() -> None:
    modules = [importlib.import_module(f"gitpod_pov.{module.name}") for module in pkgutil.iter_modules(gitpod_pov.__path__)]
    found = {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Construct) and value.__module__ == module.__name__ and value.__name__[0] != "_"
    }
    assert CONSTRUCTS.keys() == found


def test_every_construct_has_its_arguments_attributes_and_fields() -> None:
    text = reference(lambda config, fields: f"fields of {config.__name__}: {', '.join(sorted(fields))}")
    for construct, (main, *others) in CONSTRUCTS.items():
        section = text.partition(f"### {construct.__name__}\n")[2].partition("\n### ")[0]
        assert f"{construct.__name__}(scope, id, *,\n" in section
        assert "| attribute | description |\n" in section
        assert f"fields of {main.__name__}: {', '.join(sorted(main.model_fields))}" in section
        for other in others:
            assert f"fields of {other.__name__}: {', '.join(sorted(other.model_fields.keys() - main.model_fields.keys()))}" in section
    for function in FUNCTIONS:
        assert f"### {function.__name__}\n" in text


def test_every_name_that_an_app_needs_has_its_import() -> None:
    text = reference(lambda _, __: "")
    imported: dict[str, Any] = {}
    for line in re.findall(r"^from gitpod_pov\..* import .*$", text, re.MULTILINE):
        exec(line, imported)  # noqa: S102 - the lines of the reference are those of this package
    package = [importlib.import_module(f"gitpod_pov.{module.name}") for module in pkgutil.iter_modules(gitpod_pov.__path__)]
    configurations = {name for module in package for name, value in vars(module).items() if is_public_configuration(value)}
    assert {"BindingConfig", "MaintenanceWindow", "NodeTaint", "UpgradeSettings"} <= configurations
    assert configurations - imported.keys() == {"Configuration", "NodePoolSettings"}, "base classes"


def is_public_configuration(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, Configuration) and value.__name__[0] != "_"


def test_an_argument_has_its_type_and_default_and_an_attribute_its_text() -> None:
    text = reference(lambda _, __: "")
    assert "    identity: NodeIdentity" in text
    assert "    zones: Sequence[str] = ()," in text
    assert "    pools: Mapping[str, AdditionalNodePoolConfig] = {}," in text
    assert "| `ca_certificate` | certificate of the control plane's certificate authority, in PEM, as a token. It is public" in text
    assert "Raises `Faults` when a zone is not in the region" in text
    assert f"### {GkeCluster.__name__}\n\nA regional GKE cluster" in text
