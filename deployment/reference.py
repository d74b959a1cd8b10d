"""The reference of the constructs in docs/constructs.md, from their signatures and docstrings. `python -m deployment.schema` writes it.

Owns: which constructs and functions are listed, and in which order. Leaves to others: the descriptions, which are the docstrings, and the
rest of the document, which is written by hand.
"""

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

from gitpod_pov.cluster_admins import ClusterAdmins, ClusterAdminsConfig
from gitpod_pov.cluster_network import ClusterNetwork, ClusterNetworkConfig
from gitpod_pov.configuration import Configuration
from gitpod_pov.dns_identity import DnsIdentity, DnsIdentityConfig
from gitpod_pov.dns_zone import DnsZone, DnsZoneConfig
from gitpod_pov.gke_cluster import GkeCluster, GkeClusterConfig
from gitpod_pov.ingress_charts import IngressCharts, IngressChartsConfig
from gitpod_pov.node_identity import NodeIdentity, NodeIdentityConfig
from gitpod_pov.node_pool import LabelledNodePool, NodePoolConfig
from gitpod_pov.project_apis import ProjectApis, ProjectApisConfig
from gitpod_pov.provider_versions import require_providers
from gitpod_pov.risks import acknowledge

CONSTRUCTS: dict[type[Any], type[Configuration]] = {
    ProjectApis: ProjectApisConfig,
    NodeIdentity: NodeIdentityConfig,
    ClusterNetwork: ClusterNetworkConfig,
    GkeCluster: GkeClusterConfig,
    LabelledNodePool: NodePoolConfig,
    ClusterAdmins: ClusterAdminsConfig,
    DnsZone: DnsZoneConfig,
    DnsIdentity: DnsIdentityConfig,
    IngressCharts: IngressChartsConfig,
}
"""Every construct with its configuration, in the order in which an app adds them."""

FUNCTIONS: tuple[Callable[..., Any], ...] = (require_providers, acknowledge)

BEGIN, END = "<!-- reference:begin -->\n", "<!-- reference:end -->\n"


def reference(table_of: Callable[[type[Configuration]], str]) -> str:
    """Return the reference.

    Args:
        table_of: returns the table of a configuration's fields.
    """
    parts: list[str] = []
    for construct, config in CONSTRUCTS.items():
        summary, sections = _docstring(construct)
        _, of_init = _docstring(construct.__init__)
        parts += [f"### {construct.__name__}", summary, _code(construct, f"{construct.__name__}, {config.__name__}")]
        parts += _table(("argument", "description"), _entries(of_init.get("Args", "")))
        parts += _table(("attribute", "description"), _entries(sections.get("Attributes", "")))
        parts += [f"Raises {text}" for text in _raised(of_init.get("Raises", ""))]
        parts += [f"Fields of `{config.__name__}`:", table_of(config)]
    for function in FUNCTIONS:
        summary, sections = _docstring(function)
        parts += [f"### {function.__name__}", summary, _code(function, function.__name__)]
        parts += _table(("argument", "description"), _entries(sections.get("Args", "")))
        parts += [f"Raises {text}" for text in _raised(sections.get("Raises", ""))]
    return "\n\n".join(parts) + "\n"


def _docstring(documented: Any) -> tuple[str, dict[str, str]]:
    """Return a docstring's text before its sections, each paragraph on one line, and its sections by heading."""
    text, *rest = re.split(r"^(Args|Attributes|Raises|Returns):\n", inspect.getdoc(documented) or "", flags=re.MULTILINE)
    paragraphs = "\n\n".join(" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n"))
    return paragraphs, dict(zip(rest[::2], rest[1::2], strict=True))


def _entries(section: str) -> Iterator[tuple[str, str]]:
    """Yield name and description of each entry of a section."""
    for entry in re.split(r"^    (?=\S)", section, flags=re.MULTILINE)[1:]:
        names, _, description = entry.partition(": ")
        yield ", ".join(f"`{name}`" for name in names.split(", ")), " ".join(description.split())


def _raised(section: str) -> Iterator[str]:
    return (f"{error} {description}" for error, description in _entries(section))


def _table(head: tuple[str, str], rows: Iterator[tuple[str, str]]) -> list[str]:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return ["\n".join([f"| {' | '.join(head)} |", "|---|---|", *lines])] if lines else []


def _code(documented: Callable[..., Any], names: str) -> str:
    # jsii's metaclass hides the signature of a class.
    called = vars(documented).get("__init__", documented)
    parameters = [parameter for parameter in inspect.signature(called).parameters.values() if parameter.name != "self"]
    keywords = [f"    {parameter.name}: {_annotation(parameter)}," for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]
    positional = ", ".join(parameter.name for parameter in parameters if parameter.kind is parameter.POSITIONAL_OR_KEYWORD)
    signature = (
        "\n".join([f"{documented.__name__}({positional}, *,", *keywords, ")"]) if keywords else f"{documented.__name__}({positional})"
    )
    return f"```python\nfrom {documented.__module__} import {names}\n\n{signature}\n```"


def _annotation(parameter: inspect.Parameter) -> str:
    text = parameter.annotation if isinstance(parameter.annotation, str) else inspect.formatannotation(parameter.annotation)
    default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
    return re.sub(r"\b(?:\w+\.)+(?=[A-Za-z])", "", text) + default
