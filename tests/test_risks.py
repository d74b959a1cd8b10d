"""Each risk gives a warning when it is present, and none when it is absent or acknowledged."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from gitpod_pov.risks import Risk

import pytest

from tests.app import Synthesized


@dataclass(frozen=True)
class Example:
    """A risk: the construct that carries it, sections of a deployment with and without it, and the remedy in the warning."""

    path: str
    present: dict[str, Any]
    absent: dict[str, Any]
    remedy: str

    @property
    def stack(self) -> str:
        return self.path.partition("/")[0]


INGRESS = {"domain": "gitpod.acme-corp.dev", "acme_email": "ops@acme-corp.dev"}

RISKS: dict[Risk, Example] = {
    "node-account-is-cluster-admin": Example(
        "pov-cluster/identity",
        {},
        {"identity": {"roles": ["roles/logging.logWriter"]}},
        'set identity.roles to "least-privilege"',
    ),
    "node-account-has-broad-role": Example(
        "pov-cluster/identity",
        {"identity": {"roles": ["roles/logging.logWriter", "roles/editor"]}},
        {},
        'set identity.roles to "least-privilege", or to the roles that the workloads need',
    ),
    "destroy-removes-existing-grants": Example(
        "pov-cluster/identity",
        {"identity": {"email": "nodes@platform-project.iam.gserviceaccount.com", "grant_roles": True}},
        {"identity": {"email": "nodes@platform-project.iam.gserviceaccount.com"}},
        "leave grant_roles out and grant the roles outside of this deployment",
    ),
    "docker-bridge-range": Example(
        "pov-cluster/network",
        {"network": {"services_cidr": "172.17.0.0/20"}},
        {"network": {"services_cidr": "172.18.0.0/20"}},
        "use a range that does not overlap it",
    ),
    "public-control-plane": Example(
        "pov-cluster/cluster",
        {},
        {"cluster": {"authorized_networks": {"office": "203.0.113.0/24"}}},
        "set cluster.authorized_networks, and for a control plane without an external IP address also",
    ),
    "dataplane-v2-instead-of-calico": Example(
        "pov-cluster/cluster",
        {"cluster": {"network_policy": "dataplane-v2"}},
        {"cluster": {"network_policy": "calico"}},
        "to use Calico, remove cluster.network_policy before you create the cluster",
    ),
    "no-release-channel": Example(
        "pov-cluster/cluster",
        {"cluster": {"release_channel": "UNSPECIFIED"}},
        {},
        "since 2026-08-21 and ends support for existing ones on 2027-06-14; to join a channel, apply node_pool.auto_upgrade = true first",
    ),
    "nodes-without-security-patches": Example(
        "pov-cluster/cluster",
        {},
        {"cluster": {"maintenance_exclusions": [{"name": "a", "scope": "NO_MINOR_UPGRADES"}]}},
        "set cluster.maintenance_exclusions to []",
    ),
    "node-in-every-zone": Example("pov-cluster/cluster", {}, {"zones": ["us-central1-a"]}, "set zones to a single zone"),
    "no-room-for-surge-nodes": Example(
        "pov-cluster/node_pool",
        {"network": {"pods_cidr": "10.4.0.0/18"}, "node_pool": {"max_nodes": 64}, "zones": ["us-central1-a"]},
        {"network": {"pods_cidr": "10.4.0.0/18"}, "node_pool": {"max_nodes": 63}, "zones": ["us-central1-a"]},
        "use a larger network.pods_cidr or network.nodes_cidr, or lower the maximum of a pool",
    ),
    "applying-account-becomes-admin": Example(
        "pov-rbac/admins", {}, {"admins": {"members": ["user:a@example.com"]}}, "list the administrators in admins.members"
    ),
    "admin-email-has-capital-letters": Example(
        "pov-rbac/admins",
        {"admins": {"members": ["user:Jane@example.com"]}},
        {"admins": {"members": ["user:jane@example.com"]}},
        "write each address as `kubectl auth whoami` prints it for that user",
    ),
    "dns-account-changes-every-zone": Example(
        "pov-ingress/dns_identity",
        {"ingress": INGRESS},
        {"ingress": {**INGRESS, "dns_access": "least-privilege"}},
        'set ingress.dns_access to "least-privilege"',
    ),
    "untested-provider-version": Example(
        "pov-cluster", {"providers": {"google": "7.45.1"}}, {"providers": {"google": "7.45.0"}}, "read the plan before you apply"
    ),
    "unknown-region": Example(
        "pov-cluster/cluster",
        {"region": "us-west8"},
        {"region": "us-west4"},
        "'us-west8' is not on the list of known regions; check region with gcloud compute regions list",
    ),
    "unknown-machine-type": Example(
        "pov-cluster/node_pool",
        {"node_pool": {"machine_type": "n7-standard-8"}},
        {"node_pool": {"machine_type": "n2-standard-8"}},
        "check node_pool.machine_type with gcloud compute machine-types list",
    ),
    "unknown-disk-type": Example(
        "pov-cluster/node_pool",
        {"node_pool": {"machine_type": "n7-standard-8", "disk_type": "hyperdisk-new"}},
        {"node_pool": {"machine_type": "n7-standard-8", "disk_type": "pd-balanced"}},
        "check node_pool.disk_type with gcloud compute disk-types list",
    ),
    "image-not-ubuntu-containerd": Example(
        "pov-cluster/node_pool",
        {"node_pool": {"image_type": "COS_CONTAINERD"}},
        {"node_pool": {"image_type": "UBUNTU_CONTAINERD"}},
        "set node_pool.image_type to UBUNTU_CONTAINERD",
    ),
}


def test_every_risk_is_listed() -> None:
    assert list(RISKS) == list(get_args(Risk))


@pytest.mark.parametrize("risk", RISKS)
class TestRisk:
    def test_has_a_warning_with_name_and_remedy(self, synth: Callable[..., Synthesized], risk: Risk) -> None:
        example = RISKS[risk]
        annotations = synth(**example.present).manifest["stacks"][example.stack]["annotations"]
        (annotation,) = [found for found in annotations if found["message"].startswith(f"{risk}: ")]
        assert (annotation["level"], annotation["constructPath"]) == ("@cdktf/warn", example.path)
        assert example.remedy in annotation["message"]

    def test_has_no_warning_when_it_is_absent(self, synth: Callable[..., Synthesized], risk: Risk) -> None:
        assert risk not in synth(**RISKS[risk].absent).warnings(RISKS[risk].stack)

    def test_has_no_warning_when_it_is_acknowledged_and_the_output_is_the_same(self, synth: Callable[..., Synthesized], risk: Risk) -> None:
        example = RISKS[risk]
        loud = synth(**example.present)
        warnings, text = loud.warnings(example.stack), loud.text(example.stack)
        quiet = synth(**example.present, acknowledged_risks=[risk])
        assert quiet.warnings(example.stack) == warnings - {risk}
        assert quiet.text(example.stack) == text


def test_the_guide_has_these_risks(synth: Callable[..., Synthesized]) -> None:
    assert synth().warnings("pov-cluster") == {
        *("node-account-is-cluster-admin", "public-control-plane", "nodes-without-security-patches", "node-in-every-zone")
    }
    assert synth().warnings("pov-rbac") == {"applying-account-becomes-admin"}
    assert synth(ingress=INGRESS).warnings("pov-ingress") == {"dns-account-changes-every-zone"}


@pytest.mark.parametrize(("scope", "warned"), [("NO_UPGRADES", True), ("NO_MINOR_OR_NODE_UPGRADES", True), ("NO_MINOR_UPGRADES", False)])
def test_only_exclusions_that_stop_node_upgrades_stop_security_patches(
    synth: Callable[..., Synthesized], scope: str, *, warned: bool
) -> None:
    exclusion = {"name": "a", "scope": scope, "start_time": "2027-01-01T00:00:00Z", "end_time": "2027-01-10T00:00:00Z"}
    app = synth(cluster={"maintenance_exclusions": [exclusion]})
    assert ("nodes-without-security-patches" in app.warnings("pov-cluster")) is warned


def test_a_stack_with_an_untested_provider_has_a_warning(synth: Callable[..., Synthesized]) -> None:
    app = synth(providers={"kubernetes": "3.2.2"})
    assert "untested-provider-version" not in app.warnings("pov-cluster")
    assert "untested-provider-version" in app.warnings("pov-rbac")


APP = """
from gitpod_pov.cluster_admins import ClusterAdmins
from gitpod_pov.risks import acknowledge
from cdktf import App, TerraformStack
from cdktf_cdktf_provider_google.provider import GoogleProvider
from cdktf_cdktf_provider_kubernetes.provider import KubernetesProvider
import sys

app = App()
stack = TerraformStack(app, "trial")
acknowledge(stack, tuple(sys.argv[1:]))
GoogleProvider(stack, "google")
KubernetesProvider(stack, "kubernetes")
ClusterAdmins(stack, "admins")
app.synth()
"""


class TestAnApp:
    """An app that does not print its own manifest: `python app.py`, alone and under the cdktf CLI."""

    @staticmethod
    def run(folder: Path, *acknowledged: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        (folder / "app.py").write_text(APP)
        variables = {name: value for name, value in os.environ.items() if name != "CDKTF_OUTDIR"} | environment
        command = [sys.executable, "app.py", *acknowledged]
        return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=True)

    def test_alone_prints_each_warning_once(self, tmp_path: Path) -> None:
        result = self.run(tmp_path)
        assert result.stdout == ""
        (line,) = result.stderr.splitlines()
        assert line.startswith("warning: trial/admins: applying-account-becomes-admin: admins.members is empty")

    def test_alone_prints_no_acknowledged_risk(self, tmp_path: Path) -> None:
        assert self.run(tmp_path, "applying-account-becomes-admin").stderr == ""

    def test_under_the_cli_only_the_cli_prints(self, tmp_path: Path) -> None:
        assert self.run(tmp_path, CDKTF_OUTDIR=str(tmp_path / "out")).stderr == ""
        assert "applying-account-becomes-admin" in (tmp_path / "out" / "manifest.json").read_text()


def test_the_app_of_deployments_prints_nothing_on_standard_error(
    synth: Callable[..., Synthesized], capfd: pytest.CaptureFixture[str]
) -> None:
    assert synth().warnings("pov-rbac")
    assert capfd.readouterr().err == ""
