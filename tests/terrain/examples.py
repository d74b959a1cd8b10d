"""Deployments that together use every input: the shipped ones, those of the other tests, and some that are drawn at random."""

import tomllib
from typing import Any

from hypothesis import HealthCheck, given, settings

from tests.app import ROOT
from tests.inputs import INPUTS, KEY, every_input, sections, with_input
from tests.stacks.test_life import VARIANTS
from tests.test_properties import deployments
from tests.test_risks import INGRESS, RISKS

WITHOUT_EFFECT_ON_RESOURCES: list[dict[str, Any]] = [
    {"backend": {"type": "local"}},
    {"backend": {"type": "gcs", "bucket": "states", "prefix": "trial", "kms_encryption_key": KEY}},
    {"backend": {"type": "gcs", "bucket": "states", "prefix": "trial", "impersonate_service_account": "a@b.iam.gserviceaccount.com"}},
    {"backend": {"type": "cloud", "organization": "acme", "hostname": "tfe.example.com", "project": "Trials"}},
    {"providers": {"google": "7.12.0", "kubernetes": "2.38.0", "helm": "3.1.2"}},
    {"handover": {"parameters": ["project"]}},
]


def drawn() -> list[dict[str, Any]]:
    """Return deployments that hypothesis draws, the same at every run."""
    found: list[dict[str, Any]] = []

    @settings(max_examples=20, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(deployments())
    def draw(content: dict[str, Any]) -> None:
        found.append(content)

    draw()
    return found


def examples() -> dict[str, dict[str, Any]]:
    """Return the deployments by name, each as the content of its file."""
    numbered = [
        *(with_input(key, value) for key, one in INPUTS.items() for value in (one.value, one.other) if value is not None),
        sections(*every_input()),
        *(content for risk in RISKS.values() for content in (risk.present, risk.absent)),
        *VARIANTS.values(),
        *WITHOUT_EFFECT_ON_RESOURCES,
        *drawn(),
    ]
    return {
        "reference": {"zones": ["us-central1-a"]},
        "hardened": {"profile": "hardened"},
        "ingress": {"ingress": INGRESS},
        **{path.stem: tomllib.loads(path.read_text()) for path in sorted((ROOT / "deployments").glob("*.toml"))},
        **{f"example-{number}": content for number, content in enumerate(numbered)},
    }
