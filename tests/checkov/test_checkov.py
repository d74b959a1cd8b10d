"""Scans the synthesized output with checkov and compares its findings with those that are accepted.

checkov runs from an environment of its own (`make .checkov/.synced`), since its dependencies are many and pinned. Without it the tests
skip; with REQUIRE_CHECKOV=1, which CI sets, they fail.

What is scanned is a copy, changed in two places. The `terraform` block is left out: checkov's reader of Terraform JSON fails on
`required_version`, a string where it expects a table, and the block holds nothing to scan. The node account's member is written out:
checkov does not resolve references, and would not see which grants are a service account's. cdktf's `//` keys it skips by itself.
"""

import json
import os
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from tests.app import ROOT, deployment, synthesize

CHECKOV = ROOT / ".checkov" / "bin" / "checkov"
ACCEPTED = tomllib.loads((Path(__file__).parent / "accepted.toml").read_text())
KEY = "projects/keys-project/locations/us-central1/keyRings/ring/cryptoKeys/key"
SCANNED: Mapping[str, dict[str, Any]] = MappingProxyType(
    {
        "reference": {},
        "hardened": {"profile": "hardened"},
        "every-input": {
            "profile": "hardened",
            "cluster": {
                "secrets_kms_key": KEY,
                "boot_disk_kms_key": KEY,
                "rbac_security_group": "gke-security-groups@example.com",
                "resource_labels": {"team": "platform"},
            },
            "node_pool": {"confidential_nodes": True},
        },
    }
)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    if not CHECKOV.exists():
        reason = "checkov is not installed, `make .checkov/.synced` does it"
        if os.environ.get("REQUIRE_CHECKOV") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("scanned")
    for name, sections in SCANNED.items():
        app = synthesize({"pov": deployment(zones=["us-central1-a"], **sections)}, tmp_path_factory.mktemp(name))
        for stack in ("pov-cluster", "pov-rbac"):
            content = app.stack(stack)
            del content["terraform"]
            text = json.dumps(content).replace(
                "${google_service_account.identity.member}", "serviceAccount:gitpod-gke@demo-project.iam.gserviceaccount.com"
            )
            (folder / name).mkdir(exist_ok=True)
            (folder / name / f"{stack}.tf.json").write_text(text)
    command: list[str | Path] = [
        CHECKOV,
        "--directory",
        folder,
        "--framework",
        "terraform_json",
        "--output",
        "json",
        "--skip-download",
        "--soft-fail",
    ]
    result = subprocess.run(command, env={**os.environ, "HOME": str(folder)}, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def of(profile: str, checks: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {
        (check["check_id"], check["resource"].removeprefix("resource."))
        for check in checks
        if check["file_path"].startswith(f"/{profile}/")
    }


@pytest.mark.parametrize("profile", SCANNED)
def test_findings_are_those_that_are_accepted(report: dict[str, Any], profile: str) -> None:
    accepted = {(check, resource) for check, entry in ACCEPTED[profile].items() for resource in entry["resources"]}
    assert of(profile, report["results"]["failed_checks"]) == accepted


@pytest.mark.parametrize("profile", SCANNED)
def test_the_whole_output_is_read(report: dict[str, Any], profile: str) -> None:
    """Else no finding would mean that nothing was looked at."""
    assert report["summary"]["parsing_errors"] == 0
    passed = of(profile, report["results"]["passed_checks"])
    assert {"cluster", "node_pool", "identity_logging_logWriter"} <= {resource for _, resource in passed}


def test_each_accepted_finding_has_its_reason() -> None:
    assert ACCEPTED.keys() == SCANNED.keys()
    for entries in ACCEPTED.values():
        assert all(entry.keys() == {"resources", "reason"} and len(entry["reason"]) > 20 for entry in entries.values())


def test_hardened_has_no_finding_that_reference_has_not() -> None:
    assert ACCEPTED["every-input"].keys() < ACCEPTED["hardened"].keys() < ACCEPTED["reference"].keys()
