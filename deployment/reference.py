"""The reference of the constructs in docs/constructs.md, from their signatures and docstrings. `python -m deployment.schema` writes it.

Owns: which constructs and functions are listed, and in which order. Leaves to others: the descriptions, which are the docstrings, and the
rest of the document, which is written by hand.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import Any, get_args

from gitpod_pov.cluster_admins import ClusterAdmins, ClusterAdminsConfig
from gitpod_pov.cluster_network import ClusterNetwork, ClusterNetworkConfig
from gitpod_pov.configuration import Configuration
from gitpod_pov.dns_identity import DnsIdentity, DnsIdentityConfig
from gitpod_pov.dns_zone import DnsZone, DnsZoneConfig
from gitpod_pov.gke_cluster import GkeCluster, GkeClusterConfig
from gitpod_pov.ingress_charts import IngressCharts, IngressChartsConfig
from gitpod_pov.node_identity import NodeIdentity, NodeIdentityConfig
from gitpod_pov.node_pool import AdditionalNodePoolConfig, LabelledNodePool, NodePoolConfig
from gitpod_pov.project_apis import ProjectApis, ProjectApisConfig
from gitpod_pov.provider_versions import require_providers
from gitpod_pov.risks import acknowledge

CONSTRUCTS: dict[type[Any], tuple[type[Configuration], ...]] = {
    ProjectApis: (ProjectApisConfig,),
    NodeIdentity: (NodeIdentityConfig,),
    ClusterNetwork: (ClusterNetworkConfig,),
    GkeCluster: (GkeClusterConfig,),
    LabelledNodePool: (NodePoolConfig, AdditionalNodePoolConfig),
    ClusterAdmins: (ClusterAdminsConfig,),
    DnsZone: (DnsZoneConfig,),
    DnsIdentity: (DnsIdentityConfig,),
    IngressCharts: (IngressChartsConfig,),
}
"""Every construct with its configurations, in the order in which an app adds them."""

FUNCTIONS: tuple[Callable[..., Any], ...] = (require_providers, acknowledge)

BEGIN, END = "<!-- reference:begin -->\n", "<!-- reference:end -->\n"


def reference(table_of: Callable[[type[Configuration], AbstractSet[str]], str]) -> str:
    """Return the reference.

    Args:
        table_of: returns the table of some fields of a configuration.
    """
    parts: list[str] = []
    for construct, configs in CONSTRUCTS.items():
        parts += _entry(construct, construct.__init__, (construct, *_nested(configs)))
        main, *others = configs
        parts += [f"Fields of `{main.__name__}`:", table_of(main, frozenset(main.model_fields))]
        for config in others:
            parts += [f"Fields that only `{config.__name__}` has:", table_of(config, config.model_fields.keys() - main.model_fields.keys())]
    for function in FUNCTIONS:
        parts += _entry(function, function, (function,))
    return "\n\n".join(parts) + "\n"


def _nested(annotations: Iterable[Any]) -> Iterator[type[Configuration]]:
    """Yield configurations, and those that are the values of their fields."""
    for annotation in annotations:
        inner = get_args(annotation)
        if isinstance(annotation, type) and issubclass(annotation, Configuration):
            yield annotation
            inner = tuple(field.annotation for field in annotation.model_fields.values())
        yield from _nested(inner)


def _entry(documented: Any, called: Callable[..., Any], imported: Iterable[Any]) -> Iterator[str]:
    """Yield the parts of the entry of a construct, which is called by its `__init__`, or of a function."""
    summary, sections = _docstring(documented)
    sections |= _docstring(called)[1]
    yield from (f"### {documented.__name__}", summary, _code(documented, called, imported))
    for kind, section in (("argument", "Args"), ("attribute", "Attributes")):
        if rows := [f"| {name} | {description} |" for name, description in _items(sections.get(section, ""))]:
            yield "\n".join([f"| {kind} | description |", "|---|---|", *rows])
    yield from (f"Raises {error} {description}" for error, description in _items(sections.get("Raises", "")))


def _docstring(documented: Any) -> tuple[str, dict[str, str]]:
    """Return a docstring's text before its sections, each paragraph on one line, and its sections by heading."""
    text, *rest = re.split(r"^(Args|Attributes|Raises|Returns):\n", inspect.getdoc(documented) or "", flags=re.MULTILINE)
    paragraphs = "\n\n".join(" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n"))
    return paragraphs, dict(zip(rest[::2], rest[1::2], strict=True))


def _items(section: str) -> Iterator[tuple[str, str]]:
    """Yield name and description of each item of a section."""
    for item in re.split(r"^    (?=\S)", section, flags=re.MULTILINE)[1:]:
        names, _, description = item.partition(": ")
        yield ", ".join(f"`{name}`" for name in names.split(", ")), " ".join(description.split())


def _code(documented: Any, called: Callable[..., Any], imported: Iterable[Any]) -> str:
    modules: dict[str, list[str]] = {}
    for name, module in sorted({(one.__name__, one.__module__) for one in imported}):
        modules.setdefault(module, []).append(name)
    imports = "\n".join(f"from {module} import {', '.join(names)}" for module, names in sorted(modules.items()))
    parameters = [parameter for parameter in inspect.signature(called).parameters.values() if parameter.name != "self"]
    keywords = [f"    {_as_written(parameter)}," for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]
    positional = ", ".join(parameter.name for parameter in parameters if parameter.kind is parameter.POSITIONAL_OR_KEYWORD)
    signature = "\n".join([f"({positional}, *,", *keywords, ")"]) if keywords else f"({positional})"
    return f"```python\n{imports}\n\n{documented.__name__}{signature}\n```"


def _as_written(parameter: inspect.Parameter) -> str:
    """Return a parameter without the modules in its annotation, without quotes around it, and with a constant map as a literal."""
    written = re.sub(r"mappingproxy\((.*)\)$", r"\1", re.sub(r": '(.*?)'", r": \1", str(parameter)))
    return re.sub(r"\b(?:\w+\.)+(?=[A-Za-z])", "", written)
