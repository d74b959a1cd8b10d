"""The versions of the Terraform providers that a deployment requires.

Owns: the section `[providers]`. Leaves to others: which versions are accepted and what needs which
(`gitpod_pov.provider_versions`).
"""

from typing import Annotated

from gitpod_pov.configuration import Configuration
from gitpod_pov.provider_versions import EXACT_VERSION, SUPPORTED, Provider, version_problem

from pydantic import AfterValidator, WithJsonSchema


def _version_of(provider: Provider) -> tuple[AfterValidator, WithJsonSchema]:
    def check(version: str) -> str:
        if problem := version_problem(provider, version):
            raise ValueError(problem)
        return version

    return AfterValidator(check), WithJsonSchema({"type": "string", "pattern": f"^(?:{EXACT_VERSION})$"})


class ProvidersConfig(Configuration):
    """The exact versions of the providers."""

    google: Annotated[str, *_version_of("google")] = SUPPORTED["google"].default
    """Exact version of hashicorp/google, at least 6.50.0 and below 9.0.0. 6.50.0 and 7.45.0 are tested."""

    kubernetes: Annotated[str, *_version_of("kubernetes")] = SUPPORTED["kubernetes"].default
    """Exact version of hashicorp/kubernetes, at least 2.38.0 and below 4.0.0. 2.38.0 and 3.2.1 are tested."""

    helm: Annotated[str, *_version_of("helm")] = SUPPORTED["helm"].default
    """Exact version of hashicorp/helm for the ingress stack, at least 3.1.1 and below 4.0.0. 3.1.1 is tested with a stand-in only."""
