"""The effective values of a deployment, each with its source, as `make show` prints them.

Owns: the sources, and the form, which is that of a deployment file: what is printed can be read back and gives the same Terraform. Leaves
to others: reading and refusing (`reading`), and the values themselves, which the constructs derive.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gitpod_pov.configuration import Configuration

from deployment.ingress import derived_from_ingress
from deployment.model import Deployment
from deployment.profile import PROFILES

_LONGEST_LINE = 120


_DERIVED: dict[tuple[str, str], Callable[[Deployment], Any]] = {
    ("identity", "grant_roles"): lambda d: d.identity.grants_roles,
    ("network", "subnetwork"): lambda d: d.network.subnetwork_of(d.cluster.name),
    ("network", "pods_range_name"): lambda d: d.network.pods_range,
    ("network", "services_range_name"): lambda d: d.network.services_range,
    ("network", "private_google_access"): lambda d: (d.network.create_subnetwork and d.cluster.private_nodes) or None,
    ("cluster", "maintenance_exclusions"): lambda d: d.cluster.effective_exclusions,
    **dict.fromkeys((("node_pool", "auto_upgrade"), ("pools", "auto_upgrade")), lambda d: d.cluster.has_release_channel),
    **dict.fromkeys((("node_pool", "auto_repair"), ("pools", "auto_repair")), lambda _: True),
    ("ingress", "zone"): lambda d: d.ingress and d.ingress.zone_of(d.cluster.name),
}
"""What the constructs use for an input that is left out, by section and input; None if nothing is derived."""


def effective_values(deployment: Deployment, content: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a deployment file with every input, each followed by its source: file, profile, default or derived.

    Args:
        deployment: the deployment as it is built.
        content: its file as it was read.
    """
    profile, implied = PROFILES[deployment.profile], derived_from_ingress(content)
    for key, value in _values(deployment):
        if not isinstance(value, Configuration) and not _named_tables(value):
            yield from _lines(key, value, "file" if key in content else "default")
    for section, values in _values(deployment):
        if isinstance(values, Configuration):
            yield from ("", f"[{section}]")
            sources = {"file": content.get(section, {}), "profile": profile.get(section, {}), "derived": implied.get(section, {})}
            yield from _section(deployment, section, values, sources)
        for name, table in _named_tables(values).items():
            yield from ("", f"[{section}.{name}]")
            yield from _section(deployment, section, table, {"file": content[section][name]})


def _section(deployment: Deployment, section: str, values: Configuration, sources: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for key, value in _values(values):
        source = next((source for source, keys in sources.items() if key in keys and value is not None), "default")
        derived = _DERIVED[section, key](deployment) if value is None and (section, key) in _DERIVED else None
        yield from _lines(key, value, source) if derived is None else _lines(key, derived, "derived")


def _named_tables(value: Any) -> Mapping[str, Configuration]:
    """Return the value if it is a table of configurations by name, such as `pools`; otherwise an empty one."""
    return value if isinstance(value, dict) and any(isinstance(item, Configuration) for item in value.values()) else {}


def _values(model: Configuration) -> Iterator[tuple[str, Any]]:
    return ((key, None if key in model.without_effect else getattr(model, key)) for key in type(model).model_fields)


def _lines(key: str, value: Any, source: str) -> Iterator[str]:
    if value is None:
        yield f"# {key} is not set  # {source}"
    elif isinstance(value, tuple) and len(f"{key} = {_toml(value)}") > _LONGEST_LINE:
        yield f"{key} = [  # {source}"
        yield from (f"    {_toml(item)}," for item in value)
        yield "]"
    else:
        yield f"{key} = {_toml(value)}  # {source}"


def _toml(value: Any) -> str:
    if isinstance(value, Configuration):
        value = {key: inner for key, inner in _values(value) if inner is not None}
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(inner)}" for key, inner in value.items()) + " }" if value else "{}"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    # true, false, numbers and strings are written alike in JSON and TOML, but for characters that a terminal would act on.
    text = json.dumps(value, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in text)
