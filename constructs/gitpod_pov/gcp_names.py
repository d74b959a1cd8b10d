"""Naming rules and value types of Google Cloud and Kubernetes that the configurations share.

Owns: one type for each kind of name or value, with the rule that Google's or Kubernetes' documentation gives for it. Leaves to
others: rules between several values, which are in the file of the construct or the deployment.

The API would refuse the same values, but after minutes of an apply instead of a second.
"""

import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from gitpod_pov.faults import Fault, refuse

from pydantic import AfterValidator, GetCoreSchemaHandler, GetJsonSchemaHandler, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema


@dataclass(frozen=True)
class Pattern:
    """A rule for a string: it matches `pattern` as a whole, else it "is not `allowed`".

    The pattern of a value that a hand-over can have as a parameter looks neither ahead nor back: Terraform's `regex` cannot.
    """

    pattern: str
    allowed: str

    def check(self, value: str) -> str:
        """Return the value.

        Raises:
            ValueError: when it does not match.
        """
        if not re.fullmatch(self.pattern, value):
            raise ValueError(f"is not {self.allowed}")
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        # JSON Schema searches for a pattern, Python's fullmatch takes it as a whole.
        return {**handler(schema), "pattern": f"^(?:{self.pattern})$"}


def repeated(values: Sequence[str]) -> Iterator[int]:
    """Yield the index of every value that is listed before."""
    seen: set[str] = set()
    for index, value in enumerate(values):
        if value in seen:
            yield index
        seen.add(value)


@dataclass(frozen=True)
class _Unique:
    def check(self, values: Sequence[str]) -> Sequence[str]:
        refuse((Fault((index,), "is listed twice", values[index]) for index in repeated(values)), values)
        return values

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "uniqueItems": True}


Unique = _Unique()
"""A rule for a list: no value is listed twice."""

ProjectId = Annotated[
    str,
    Pattern(
        r"[a-z][a-z0-9-]{4,28}[a-z0-9]",
        "a project ID: 6 to 30 lowercase letters, digits and hyphens, starting with a letter and not ending with a hyphen (use the ID, "
        "not the number)",
    ),
]
"""https://cloud.google.com/resource-manager/docs/creating-managing-projects

A legacy ID with a domain, `example.com:my-project`, is refused: what is derived from an ID, such as the workload pool, has another form
for it. An ID that contains google or ssl is accepted: no new project can have it, but existing ones do.
"""

Region = Annotated[str, Pattern(r"[a-z]+-[a-z]+[0-9]+", "a region, such as us-central1 (for one zone of it, set zones)")]
Zone = Annotated[str, Pattern(r"[a-z]+-[a-z]+[0-9]+-(ai[0-9]+)?[a-z]", "a zone, such as us-central1-a")]
"""https://cloud.google.com/compute/docs/regions-zones, and with ai https://cloud.google.com/compute/docs/regions-zones/ai-zones"""

ServiceAccountId = Annotated[
    str,
    Pattern(
        r"[a-z][-a-z0-9]{4,28}[a-z0-9]",
        "a service account ID: 6 to 30 lowercase letters, digits and hyphens, starting with a letter and not ending with a hyphen",
    ),
]
"""https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts/create"""

SERVICE_ACCOUNT_EMAIL = r"[a-z0-9]([a-z0-9.-]{0,126}[a-z0-9])?@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+gserviceaccount\.com"
"""What the e-mail address of a service account matches, one that Google creates included.

https://cloud.google.com/iam/docs/service-account-types
"""
ServiceAccountEmail = Annotated[
    str,
    Pattern(SERVICE_ACCOUNT_EMAIL, "the e-mail address of a service account, such as ID@PROJECT.iam.gserviceaccount.com"),
]


def _hyphenated(what: str, longest: int) -> Pattern:
    return Pattern(
        rf"[a-z]([-a-z0-9]{{0,{longest - 2}}}[a-z0-9])?",
        f"{what}: at most {longest} lowercase letters, digits and hyphens, starting with a letter and not ending with a hyphen",
    )


ClusterName = Annotated[str, _hyphenated("a valid GKE name", 40)]
NodePoolName = ClusterName
"""https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters"""

NetworkName = Annotated[str, _hyphenated("a valid Compute Engine name", 63)]
"""https://cloud.google.com/compute/docs/naming-resources"""

NetworkTag = Annotated[str, _hyphenated("a network tag", 63)]
"""https://cloud.google.com/vpc/docs/add-remove-network-tags#restrictions"""

Role = Annotated[
    str,
    Pattern(
        r"roles/[a-z][A-Za-z0-9_.]*|(projects/[a-z][a-z0-9-]{4,28}[a-z0-9]|organizations/[0-9]+)/roles/[A-Za-z0-9_.]{3,64}",
        "a role: roles/NAME, projects/PROJECT/roles/ID or organizations/NUMBER/roles/ID, with an ID of 3 to 64 letters, digits, "
        "underscores and dots",
    ),
]
"""https://cloud.google.com/iam/docs/roles-overview, and for the names https://cloud.google.com/iam/docs/creating-custom-roles"""

Api = Annotated[str, Pattern(r"[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)*\.googleapis\.com", "an API: NAME.googleapis.com")]
"""https://cloud.google.com/service-usage/docs/list-services"""

KubernetesVersion = Annotated[
    str, Pattern(r"[0-9]+\.[0-9]+(\.[0-9]+)?(-gke\.[0-9]+)?", "a Kubernetes version, such as 1.33, 1.33.4 or 1.33.4-gke.1245000")
]
"""https://cloud.google.com/kubernetes-engine/versioning"""


def _ipv4_range(value: str) -> str:
    try:
        network = ipaddress.IPv4Network(value)
    except ipaddress.NetmaskValueError:
        raise ValueError("is not an IPv4 range: the prefix must be /0 to /32") from None
    except ValueError as error:
        if "host bits" in str(error):
            raise ValueError(f"has host bits set: use {ipaddress.IPv4Network(value, strict=False)}") from None
        raise ValueError("is not an IPv4 range, such as 10.0.0.0/20") from None
    if "/" not in value:
        raise ValueError("has no prefix length: add one, such as /20")
    if str(network) != value:
        raise ValueError(f"is not in CIDR notation: use {network}")
    return value


Cidr = Annotated[
    str,
    AfterValidator(_ipv4_range),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}$"}),
]
"""An IPv4 range in CIDR notation with no host bit set."""

ResourceLabelKey = Annotated[
    str,
    Pattern(
        r"(?!goog-)[a-z][a-z0-9_-]{0,62}",
        "a resource label key: at most 63 lowercase letters, digits, hyphens and underscores, starting with a letter and not with goog-, "
        "which Google reserves",
    ),
]
ResourceLabelValue = Annotated[
    str,
    Pattern(r"[a-z0-9_-]{0,63}", "a resource label value: at most 63 lowercase letters, digits, hyphens and underscores"),
]
"""https://cloud.google.com/resource-manager/docs/labels-overview#requirements"""

KmsKey = Annotated[
    str,
    Pattern(
        r"projects/[a-z][a-z0-9-]{4,28}[a-z0-9]/locations/[a-z0-9-]+/keyRings/[A-Za-z0-9_-]{1,63}/cryptoKeys/[A-Za-z0-9_-]{1,63}",
        "a Cloud KMS key: projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY, without a version",
    ),
]
"""https://cloud.google.com/kms/docs/getting-resource-ids"""

RbacName = Annotated[
    str,
    Pattern(
        r"(?!\.\.?$)((?!\$\{)[^/%\x00-\x1f\x7f])+",
        "a valid RBAC name: it must not be empty, . or .., and must not contain /, %, ${ or control characters",
    ),
]
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#path-segment-names

Terraform does not accept the last two: it would read an expression, and it refuses control characters.
"""

PlainText = Annotated[
    str,
    Pattern(
        r"((?![$%]\{)[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f])*",
        "plain text: it must not contain control characters, ${ or %{, which Terraform evaluates",
    ),
]
"""Text without Terraform expressions or control characters."""

KubernetesLabelKey = Annotated[
    str,
    Pattern(
        r"(?=([^/]{1,253}/)?[^/]{1,63}$)([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?"
        r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?",
        "a label key: an optional DNS prefix and /, then at most 63 letters, digits, hyphens, underscores and dots, the first and "
        "last a letter or digit",
    ),
]
KubernetesLabelValue = Annotated[
    str,
    Pattern(
        r"(?=.{0,63}$)([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?",
        "a label value: at most 63 letters, digits, hyphens, underscores and dots, starting and ending with a letter or digit",
    ),
]
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set"""
