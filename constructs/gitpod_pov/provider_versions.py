"""The versions of the Terraform providers that a stack requires.

Owns: the versions that are accepted and those that are tested, the oldest version that each optional argument needs, and the helper
that writes a version into a stack. Leaves to others: the arguments themselves.

The versions differ from those of the bindings, which only provide types. The bindings pin google 6.50.0 from August 2025, which replaces
clusters and disables CPU limits in cases where newer versions do not. Arguments that the bindings lack are written with overrides.
"""

import re
from dataclasses import dataclass
from typing import Literal
from weakref import WeakKeyDictionary

from cdktf import TerraformStack
from constructs import IConstruct

Provider = Literal["google", "kubernetes", "helm"]

EXACT_VERSION = r"(0|[1-9][0-9]{0,5})(\.(0|[1-9][0-9]{0,5})){2}"
"""The form of an exact version. Constraints such as `~> 7.45` and pre-releases do not match."""


@dataclass(frozen=True)
class SupportedVersions:
    """The versions of a provider that are accepted.

    Attributes:
        bindings: the version that the bindings write into a stack by themselves. It is also the oldest version that is accepted.
        default: the version that a stack requires unless it says otherwise.
        newest_tested: the newest version that was tested, helm with a stand-in, the others with the real provider. A newer one gives a
            warning.
        below: the first major version that is not accepted.
    """

    bindings: str
    default: str
    newest_tested: str
    below: int


SUPPORTED: dict[Provider, SupportedVersions] = {
    "google": SupportedVersions(bindings="6.50.0", default="7.45.0", newest_tested="7.45.0", below=9),
    "kubernetes": SupportedVersions(bindings="2.38.0", default="2.38.0", newest_tested="3.2.1", below=4),
    "helm": SupportedVersions(bindings="3.1.1", default="3.1.1", newest_tested="3.1.1", below=4),
}

Feature = Literal["exclusion-until-end-of-support", "stable-database-encryption-state", "dataplane-optimization-mode"]

# https://github.com/hashicorp/terraform-provider-google/blob/main/CHANGELOG.md
MINIMUM_VERSIONS: dict[Feature, str] = {
    "exclusion-until-end-of-support": "7.12.0",  # added `end_time_behavior` field to `google_container_cluster`
    "stable-database-encryption-state": "7.30.0",  # fixed a permadiff where `database_encryption.state` ...
    "dataplane-optimization-mode": "7.38.0",  # added `dataplane_optimization_mode` in `google_container_cluster`
}
"""The oldest google version that has a feature which the bindings' version lacks."""

_REQUIRED: WeakKeyDictionary[TerraformStack, dict[Provider, str]] = WeakKeyDictionary()


def parsed(version: str) -> tuple[int, ...]:
    """Return an exact version as numbers that compare."""
    return tuple(map(int, version.split(".")))


def require_providers(
    stack: TerraformStack, *, google: str = SUPPORTED["google"].default, kubernetes: str | None = None, helm: str | None = None
) -> None:
    """Set the provider versions that a stack requires.

    Call it before any construct is added: constructs that need a newer provider than the stack requires raise an error.

    Args:
        stack: the stack.
        google: exact version of hashicorp/google, 6.50.0 or newer and below 9.
        kubernetes: exact version of hashicorp/kubernetes, 2.38.0 or newer and below 4. Left out, the stack requires none.
        helm: exact version of hashicorp/helm, 3.1.1 or newer and below 4. Left out, the stack requires none.

    Raises:
        ValueError: when a version is not accepted.
    """
    given: dict[Provider, str | None] = {"google": google, "kubernetes": kubernetes, "helm": helm}
    versions = {provider: version for provider, version in given.items() if version is not None}
    for provider, version in versions.items():
        if fault := version_problem(provider, version):
            raise ValueError(f"{provider}: '{version}' {fault}")
    _REQUIRED[stack] = versions
    for provider, version in versions.items():
        stack.add_override(f"terraform.required_providers.{provider}", {"source": f"hashicorp/{provider}", "version": version})


def version_problem(provider: Provider, version: str) -> str | None:
    """Return why a version is not accepted, in words that continue a message after the value; None when it is."""
    supported = SUPPORTED[provider]
    if re.fullmatch(EXACT_VERSION, version) and parsed(supported.bindings) <= parsed(version) < (supported.below,):
        return None
    return f"is not a supported version: use an exact version, {supported.bindings} or newer and below {supported.below}.0.0"


def required_version(scope: IConstruct, provider: Provider) -> str:
    """Return the version that the stack of a construct requires: the one set by `require_providers`, else the bindings'."""
    return _REQUIRED.get(TerraformStack.of(scope), {}).get(provider, SUPPORTED[provider].bindings)


def has(feature: Feature, version: str) -> bool:
    """Return whether a google version is new enough for a feature."""
    return parsed(version) >= parsed(MINIMUM_VERSIONS[feature])


def newer_than_tested(provider: Provider, version: str) -> bool:
    """Return whether a version is newer than the newest one that was tested."""
    return parsed(version) > parsed(SUPPORTED[provider].newest_tested)


def module_range(version: str, minimum: str) -> str:
    """Return the version constraint of a module: from `minimum` to below the next major version after `version`."""
    return f">= {minimum}, < {parsed(version)[0] + 1}.0.0"
