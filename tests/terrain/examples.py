"""Deployments that together use every input: the shipped ones, those of the other tests, and some that are drawn at random."""

import tomllib
from typing import Any

from hypothesis import HealthCheck, given, settings

from tests.app import ROOT
from tests.checkov.test_checkov import SCANNED
from tests.stacks.test_inputs import INPUTS, KEY
from tests.stacks.test_life import VARIANTS
from tests.stacks.test_life_hardened import IN_PLACE, REPLACED
from tests.test_properties import deployments

ELSEWHERE: list[dict[str, Any]] = [
    {"backend": {"type": "local"}},
    {
        "backend": {
            "type": "gcs",
            "bucket": "states",
            "prefix": "trial",
            "kms_encryption_key": KEY,
        }
    },
    {"backend": {"type": "cloud", "organization": "acme", "hostname": "tfe.example.com", "project": "Trials"}},
    {"providers": {"google": "7.12.0", "kubernetes": "2.38.0"}},
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
    """Return the deployments by name, each as the sections of its file."""
    of_inputs = [{section: {field: value}} for key, cases in INPUTS.items() for value, _ in cases for section, field in [key.split(".")]]
    numbered = [*of_inputs, *VARIANTS.values(), IN_PLACE, *(sections for sections, _ in REPLACED), *SCANNED.values(), *ELSEWHERE, *drawn()]
    return {
        "reference": {"zones": ["us-central1-a"]},
        "hardened": {"profile": "hardened"},
        **{path.stem: tomllib.loads(path.read_text()) for path in sorted((ROOT / "deployments").glob("*.toml"))},
        **{f"example-{number}": sections for number, sections in enumerate(numbered)},
    }
