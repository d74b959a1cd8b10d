"""What checkov finds in the profiles, in the shipped deployments and in those that weaken a profile.

checkov runs once for all of them. Without it these tests are skipped; with REQUIRE_CHECKOV=1, which CI sets, they fail.
"""

import json
import subprocess
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, get_args

from gitpod_pov.risks import Risk

import pytest

from checks import scan as checks_scan
from checks.scan import ACCEPTED, Result, ScanError, remaining, scan
from checks.scan import main as scan_one
from deployment.model import Deployment
from deployment.profile import Profile
from deployment.reading import DEPLOYMENTS, load_deployments
from tests.app import deployment
from tests.required import missing

KEY = "projects/keys-project/locations/us-central1/keyRings/ring/cryptoKeys/key"
OWN_NETWORK = {"network": {"network": "own", "create_network": True}}
INGRESS = {"ingress": {"domain": "gitpod.acme-corp.dev", "acme_email": "ops@acme-corp.dev"}}
HARDENED = {"profile": "hardened"}
EVERY_INPUT = {
    "profile": "hardened",
    "cluster": {
        "secrets_kms_key": KEY,
        "boot_disk_kms_key": KEY,
        "rbac_security_group": "gke-security-groups@example.com",
        "resource_labels": {"team": "platform"},
    },
    "node_pool": {"confidential_nodes": True},
}
# By table of accepted.toml: the deployments in which, together, everything is found that it lists.
TABLES: Mapping[str, dict[str, dict[str, Any]]] = MappingProxyType(
    {
        "reference": {"reference": {}, "reference-own-network": OWN_NETWORK, "reference-ingress": INGRESS},
        "hardened": {
            "hardened": HARDENED,
            "hardened-own-network": {**HARDENED, **OWN_NETWORK},
            "hardened-ingress": {**HARDENED, **INGRESS},
        },
        "every-input": {"every-input": EVERY_INPUT},
    }
)
# Deployments with a finding that neither profile has, and the risk that covers it.
WEAKENED: Mapping[str, tuple[dict[str, Any], set[tuple[str, str]], Risk | None]] = MappingProxyType(
    {
        "guide-roles": (
            {**HARDENED, "identity": {"roles": "guide"}},
            {("CKV_GCP_42", "identity_container_admin"), ("CKV_GCP_42", "identity_storage_admin")},
            "node-account-is-cluster-admin",
        ),
        "no-channel": ({"cluster": {"release_channel": "UNSPECIFIED"}}, {("CKV_GCP_10", "node_pool")}, "no-release-channel"),
        "no-flow-logs": ({**HARDENED, "network": {"flow_logs": False}}, {("CKV_GCP_26", "network_subnetwork")}, None),
        "project-owner": (
            {"identity": {"roles": ["roles/owner"]}},
            {(check, "identity_owner") for check in ("CKV_GCP_42", "CKV_GCP_49", "CKV_GCP_117")},
            None,
        ),
    }
)
SCANNED: dict[str, Deployment] = {
    **{name: deployment(zones=["us-central1-a"], **one) for variants in TABLES.values() for name, one in variants.items()},
    **{name: deployment(zones=["us-central1-a"], **one) for name, (one, _, _) in WEAKENED.items()},
    **load_deployments(DEPLOYMENTS),
}


@pytest.fixture(scope="module")
def results() -> list[Result]:
    if not checks_scan.CHECKOV.exists():
        missing("REQUIRE_CHECKOV", "checkov is not installed: run `make .checkov/.synced`")
    return scan(SCANNED)


def of(name: str, results: list[Result]) -> list[Result]:
    return [result for result in results if result.deployment == name]


@pytest.mark.parametrize("table", TABLES)
def test_the_findings_of_a_profile_are_those_that_are_accepted(results: list[Result], table: str) -> None:
    found = {(one.check, one.resource) for name in TABLES[table] for one in of(name, results) if not one.passed}
    assert found == {(check, resource) for check, entry in ACCEPTED[table].items() for resource in entry["resources"]}


@pytest.mark.parametrize("name", SCANNED)
def test_the_whole_output_is_read(results: list[Result], name: str) -> None:
    """Otherwise, no finding would mean that nothing was scanned."""
    assert {"cluster", "node_pool", "admins"} <= {one.resource for one in of(name, results) if one.passed}


@pytest.mark.parametrize("name", load_deployments(DEPLOYMENTS))
def test_shipped_deployments_have_only_accepted_findings(results: list[Result], name: str) -> None:
    assert remaining(SCANNED[name], of(name, results)) == {}


@pytest.mark.parametrize("name", WEAKENED)
def test_a_weakened_profile_has_findings_unless_the_risk_is_acknowledged(results: list[Result], name: str) -> None:
    sections, expected, risk = WEAKENED[name]
    found = remaining(SCANNED[name], of(name, results))
    assert {(one.check, one.resource) for one in found} == expected
    remedy = f"add '{risk}' to acknowledged_risks" if risk else "accept it with a reason in checks/accepted.toml"
    assert set(found.values()) == {f"change the input, or {remedy}"}

    all_but_one = [other for other in get_args(Risk) if other != risk]
    assert remaining(deployment(**sections, acknowledged_risks=all_but_one), of(name, results)) == found
    if risk:
        assert remaining(deployment(**sections, acknowledged_risks=[risk]), of(name, results)) == {}


def test_a_deployment_can_accept_its_own_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    finding = Result("trial", "CKV_GCP_26", "network_subnetwork", "flow logs", passed=False)
    hardened = deployment(**HARDENED)
    assert finding in remaining(hardened, [finding])
    entry = {"CKV_GCP_26": {"resources": ["network_subnetwork"], "reason": "nobody reads them"}}
    monkeypatch.setitem(ACCEPTED, "deployments", {"trial": entry})
    assert remaining(hardened, [finding]) == {}
    monkeypatch.setitem(ACCEPTED, "deployments", {"other": entry})
    assert finding in remaining(hardened, [finding])


class TestAccepted:
    def test_each_entry_has_its_reason(self) -> None:
        assert ACCEPTED.keys() == {*TABLES, "risks"}
        for name, table in ACCEPTED.items():
            keys = {"resources", "reason", *(["risk"] if name == "risks" else [])}
            assert all(entry.keys() == keys and len(entry["reason"]) > 20 for entry in table.values())

    def test_every_profile_has_a_table(self) -> None:
        assert set(get_args(Profile)) <= ACCEPTED.keys()

    def test_every_finding_of_hardened_is_one_of_reference(self) -> None:
        assert ACCEPTED["every-input"].keys() < ACCEPTED["hardened"].keys() < ACCEPTED["reference"].keys()

    def test_each_risk_exists_and_covers_a_finding(self) -> None:
        covered = {risk for _, _, risk in WEAKENED.values() if risk}
        assert {entry["risk"] for entry in ACCEPTED["risks"].values()} == covered <= set(get_args(Risk))

    def test_the_documentation_lists_the_risks(self) -> None:
        documented = (DEPLOYMENTS.parent / "docs" / "hardening.md").read_text()
        for check, entry in ACCEPTED["risks"].items():
            resources = ", ".join(f"`{resource}`" for resource in entry["resources"])
            assert f"| {check} | {resources} | `{entry['risk']}` |" in documented


class TestCommand:
    """Without checkov, whose results are given."""

    ACCEPTED = Result("pov", "CKV_GCP_21", "cluster", "labels", passed=False)

    def run(self, monkeypatch: pytest.MonkeyPatch, *results: Result) -> int:
        monkeypatch.setattr(checks_scan, "scan", lambda _: list(results))
        monkeypatch.chdir(DEPLOYMENTS.parent)
        return scan_one("pov")

    def test_prints_findings_that_are_not_accepted(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        assert self.run(monkeypatch, self.ACCEPTED, Result("pov", "CKV_GCP_99", "cluster", "be safe", passed=False)) == 1
        assert capsys.readouterr().out.splitlines() == [
            "deployments/pov.toml: CKV_GCP_99 cluster: be safe: change the input, or accept it with a reason in checks/accepted.toml",
            "deployments/pov.toml: findings: 2, of them accepted or acknowledged: 1",
        ]

    def test_passes_when_every_finding_is_accepted(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        assert self.run(monkeypatch, self.ACCEPTED, Result("pov", "CKV_GCP_99", "cluster", "be safe", passed=True)) == 0
        assert capsys.readouterr().out == "deployments/pov.toml: findings: 1, of them accepted or acknowledged: 1\n"

    def test_an_unknown_deployment(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert scan_one("prod") == 2
        assert capsys.readouterr().err == "there is no deployment 'prod'; known: pov\n"

    @pytest.mark.parametrize(
        ("code", "errors", "files", "message"),
        [
            (1, 0, ["/pov/pov-cluster.tf.json"], "checkov ended with 1: no such framework"),
            (0, 1, ["/pov/pov-cluster.tf.json"], "checkov did not read every stack"),
            (0, 0, [], "checkov did not read every stack"),
        ],
        ids=["it fails", "it cannot read a file", "it reads nothing"],
    )
    def test_a_scan_that_did_not_happen_is_an_error(
        self, monkeypatch: pytest.MonkeyPatch, code: int, errors: int, files: list[str], message: str
    ) -> None:
        passed = [{"file_path": file, "check_id": "CKV_GCP_1", "resource": "cluster", "check_name": "logs"} for file in files]
        output = json.dumps({"summary": {"parsing_errors": errors}, "results": {"passed_checks": passed, "failed_checks": []}})
        monkeypatch.setattr(checks_scan, "CHECKOV", DEPLOYMENTS)
        answer = subprocess.CompletedProcess([], code, output, "no such framework\n")
        monkeypatch.setattr(subprocess, "run", lambda *_, **__: answer)
        with pytest.raises(ScanError, match=message):
            scan({"pov": deployment()})
