import importlib
import pkgutil

import gitpod_pov
from gitpod_pov.descriptions import descriptions
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
    text = reference(lambda config: f"fields of {config.__name__}: {', '.join(descriptions(config))}")
    for construct, config in CONSTRUCTS.items():
        section = text.partition(f"### {construct.__name__}\n")[2].partition("\n### ")[0]
        assert f"from {construct.__module__} import {construct.__name__}, {config.__name__}\n" in section
        assert f"{construct.__name__}(scope, id, *,\n" in section
        assert "| attribute | description |\n" in section
        assert f"fields of {config.__name__}: {next(iter(config.model_fields))}" in section
    for function in FUNCTIONS:
        assert f"### {function.__name__}\n" in text


def test_an_argument_has_its_type_and_default_and_an_attribute_its_text() -> None:
    text = reference(lambda _: "")
    assert "    identity: NodeIdentity" in text
    assert "    zones: Sequence[str] = ()," in text
    assert "| `ca_certificate` | certificate of the control plane's certificate authority, in PEM, as a token. |" in text
    assert "Raises `Faults` when a zone is not in the region" in text
    assert f"### {GkeCluster.__name__}\n\nA regional GKE cluster" in text
