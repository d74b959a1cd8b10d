import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stacks.ingress_stack import IngressStack
from stacks.registry import build
from tests.app import ROOT, Synthesized, deployment

INGRESS: dict[str, Any] = {"domain": "gitpod.acme-corp.dev", "acme_email": "ops@acme-corp.dev"}


@pytest.fixture
def app(synth: Callable[..., Synthesized]) -> Synthesized:
    return synth(ingress=INGRESS)


class TestStack:
    def test_exists_only_with_the_section_and_comes_after_the_rbac_stack(self, synth: Callable[..., Synthesized]) -> None:
        assert list(synth().manifest["stacks"]) == ["pov-cluster", "pov-rbac"]
        stacks = synth(ingress=INGRESS).manifest["stacks"]
        assert list(stacks) == ["pov-cluster", "pov-ingress", "pov-rbac"]
        assert stacks["pov-ingress"]["dependencies"] == ["pov-rbac"]

    def test_is_refused_without_the_section(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match=r"has no section \[ingress\]"):
            IngressStack(build({}, str(tmp_path)), "pov-ingress", deployment())

    def test_changes_no_other_stack_but_for_workload_identity(self, synth: Callable[..., Synthesized]) -> None:
        with_identity = {stack: synth(cluster={"workload_identity": True}).text(stack) for stack in ("pov-cluster", "pov-rbac")}
        app = synth(ingress=INGRESS)
        assert {stack: app.text(stack) for stack in with_identity} == with_identity

    def test_addresses(self, app: Synthesized) -> None:
        """Addresses are a contract: a change here is a breaking change, with a moved block and a line in the changelog."""
        assert app.addresses("pov-ingress") == {
            "data.google_client_config.client",
            "data.google_container_cluster.cluster",
            "google_dns_managed_zone.zone",
            "google_project_iam_member.dns_identity_dns_admin",
            "google_project_service.apis_iamcredentials",
            "google_service_account.dns_identity",
            "google_service_account_iam_member.dns_identity_as_cert_manager",
            "google_service_account_iam_member.dns_identity_as_external_dns",
            "helm_release.charts_cert_manager",
            "helm_release.charts_external_dns",
            "helm_release.charts_issuer",
            "kubernetes_namespace_v1.charts_cert_manager_namespace",
            "kubernetes_namespace_v1.charts_external_dns_namespace",
        }

    def test_outputs(self, app: Synthesized) -> None:
        outputs = app.stack("pov-ingress")["output"]
        assert {name: output["value"] for name, output in outputs.items()} == {
            "name_servers": "${google_dns_managed_zone.zone.name_servers}",
            "dns_zone": "${google_dns_managed_zone.zone.name}",
            "dns_service_account_email": "${google_service_account.dns_identity.email}",
            "dns_names": ["gitpod.acme-corp.dev", "*.gitpod.acme-corp.dev", "*.ws.gitpod.acme-corp.dev"],
            "installation_settings": {
                "domain": "gitpod.acme-corp.dev",
                "self_signed_certificate": False,
                "cert_manager": True,
                "issuer_name": "gitpod-issuer",
                "issuer_type": "cluster issuer",
            },
            "check_command": "kubectl wait --for=condition=Ready clusterissuer/gitpod-issuer --timeout=5m",
        }
        assert all(output["description"].endswith(".") for output in outputs.values())

    def test_has_no_path_of_the_machine(self, app: Synthesized) -> None:
        assert str(ROOT) not in app.text("pov-ingress")
        assert str(app.outdir) not in app.text("pov-ingress")


class TestProviders:
    def test_have_the_versions_of_the_deployment(self, synth: Callable[..., Synthesized]) -> None:
        versions = {"google": "7.40.0", "kubernetes": "3.2.1", "helm": "3.1.2"}
        app = synth(ingress=INGRESS, providers=versions)
        required = app.stack("pov-ingress")["terraform"]["required_providers"]
        assert required == {name: {"source": f"hashicorp/{name}", "version": version} for name, version in versions.items()}
        assert "helm" not in app.stack("pov-rbac")["terraform"]["required_providers"]
        assert "untested-provider-version" in app.warnings("pov-ingress")

    @pytest.mark.parametrize("sections", [{}, {"cluster": {"dns_endpoint": True}}, {"profile": "hardened"}], ids=str)
    def test_connect_as_the_rbac_stack_does(self, synth: Callable[..., Synthesized], sections: dict[str, Any]) -> None:
        app = synth(ingress=INGRESS, **sections)
        (of_rbac,) = app.stack("pov-rbac")["provider"]["kubernetes"]
        providers = app.stack("pov-ingress")["provider"]
        assert providers["kubernetes"] == [of_rbac]
        assert providers["helm"] == [{"kubernetes": of_rbac}]


class TestApis:
    @pytest.mark.parametrize(
        ("apis", "enabled"),
        [
            ({}, {"iamcredentials.googleapis.com"}),
            ({"services": ["container.googleapis.com"]}, {"dns.googleapis.com", "iamcredentials.googleapis.com"}),
            ({"services": ["dns.googleapis.com", "iamcredentials.googleapis.com"]}, set()),
            ({"manage": False}, set()),
        ],
        ids=["by default", "one is left out", "none is left out", "not managed"],
    )
    def test_enables_apis_that_the_cluster_stack_does_not_enable(
        self, synth: Callable[..., Synthesized], apis: dict[str, Any], enabled: set[str]
    ) -> None:
        app = synth(apis=apis, ingress=INGRESS)
        services = app.stack("pov-ingress")["resource"].get("google_project_service", {})
        assert {block["service"] for block in services.values()} == enabled
        assert not any(block["disable_on_destroy"] for block in services.values())
        waiting = app.resource("pov-ingress", "google_service_account.dns_identity").get("depends_on", [])
        assert {address.partition(".")[2] for address in waiting} == services.keys()


def loaded_by_a_synth(tmp_path: Path, **sections: Any) -> set[str]:
    """Return the modules that a process has loaded after the synth of a deployment."""
    program = (
        "import json, sys\n"
        "from deployment.model import Deployment\n"
        "from stacks.registry import build\n"
        f"build({{'pov': Deployment.model_validate(json.loads(sys.argv[1]))}}, {str(tmp_path)!r}).synth()\n"
        "print(json.dumps(sorted(sys.modules)))\n"
    )
    content = json.dumps({"project": "demo-project", "region": "us-central1", **sections})
    done = subprocess.run([sys.executable, "-c", program, content], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def test_other_deployments_do_not_load_it(tmp_path: Path) -> None:
    own = ("cdktf_cdktf_provider_helm", "publicsuffixlist", "cdktf_cdktf_provider_google.dns_managed_zone")
    without = loaded_by_a_synth(tmp_path)
    assert not [name for name in without if name.startswith(own) or "namespace_v1" in name]
    with_it = loaded_by_a_synth(tmp_path, ingress=INGRESS)
    assert {*own, "cdktf_cdktf_provider_helm.release"} <= with_it
    # And of the provider package only what it uses.
    modules = {name.split(".")[1] for name in with_it if name.startswith("cdktf_cdktf_provider_helm.")}
    assert modules - {"_jsii", "_private"} == {"provider", "release"}


def test_chart_is_written_into_the_output_folder_of_the_cdktf_cli(tmp_path: Path) -> None:
    program = (
        "import json, sys\n"
        "from deployment.model import Deployment\n"
        "from stacks.registry import build\n"
        "build({'pov': Deployment.model_validate(json.loads(sys.argv[1]))}).synth()\n"
    )
    content = json.dumps({"project": "demo-project", "region": "us-central1", "ingress": INGRESS})
    (tmp_path / "a folder").mkdir()
    environment = {**os.environ, "CDKTF_OUTDIR": "a folder/cdktf.out", "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", program, content], cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "a folder" / "cdktf.out" / "stacks" / "pov-ingress" / "charts" / "gitpod-issuer" / "Chart.yaml").is_file()
