import re
from collections.abc import Callable
from pathlib import Path

import pytest
from cdktf import App, TerraformLocal, TerraformOutput
from constructs import Construct

from deployment.reading import load_deployments
from stacks.base import GitpodStack
from tests.app import ROOT, Synthesized, deployment, synthesize


class TestAddresses:
    def test_of_the_shipped_deployment(self, synthesized: Synthesized) -> None:
        """Addresses are a contract: a change here is a breaking change, with a moved block and a line in the changelog."""
        assert synthesized.addresses("pov-cluster") == {
            "data.google_container_engine_versions.cluster_versions",
            "google_compute_subnetwork.network_subnetwork",
            "google_container_cluster.cluster",
            "google_container_node_pool.node_pool",
            "google_project_iam_member.identity_container_admin",
            "google_project_iam_member.identity_logging_logWriter",
            "google_project_iam_member.identity_monitoring_metricWriter",
            "google_project_iam_member.identity_storage_admin",
            "google_project_service.apis_artifactregistry",
            "google_project_service.apis_cloudbilling",
            "google_project_service.apis_cloudresourcemanager",
            "google_project_service.apis_compute",
            "google_project_service.apis_container",
            "google_project_service.apis_dns",
            "google_project_service.apis_iam",
            "google_project_service.apis_sqladmin",
            "google_service_account.identity",
        }
        assert synthesized.addresses("pov-rbac") == {
            "data.google_client_config.client",
            "data.google_client_openid_userinfo.admins_applying_account",
            "data.google_container_cluster.cluster",
            "kubernetes_cluster_role_binding_v1.admins",
        }

    @pytest.fixture
    def stack(self, tmp_path: Path) -> GitpodStack:
        return GitpodStack(App(outdir=str(tmp_path)), "pov-cluster", deployment())

    def test_a_collision_is_an_error(self, stack: GitpodStack) -> None:
        first, second = TerraformLocal(stack, "a_b", 1), TerraformLocal(Construct(stack, "a"), "b", 2)
        assert first.friendly_unique_id == "a_b"
        with pytest.raises(RuntimeError, match="'pov-cluster/a_b' and 'pov-cluster/a/b' have the same Terraform address 'a_b'"):
            _ = second.friendly_unique_id

    def test_node_and_python_allocate_the_same(self, stack: GitpodStack) -> None:
        inner = Construct(stack, "identity")
        elements = [TerraformLocal(inner, "Default", 1), TerraformLocal(inner, "storage_admin", 1), TerraformLocal(stack, "project", 1)]
        in_node = [element.friendly_unique_id for element in elements]
        assert in_node == ["identity", "identity_storage_admin", "project"]
        assert [stack._allocate_logical_id(element) for element in elements] == in_node

    def test_an_output_may_have_the_address_of_another_element(self, stack: GitpodStack) -> None:
        output, local = TerraformOutput(stack, "a_b", value=1), TerraformLocal(Construct(stack, "a"), "b", 2)
        assert [output.friendly_unique_id, local.friendly_unique_id] == ["a_b", "a_b"]
        assert [stack._allocate_logical_id(element) for element in (output, local)] == ["a_b", "a_b"]

    def test_python_refuses_what_node_refuses(self, stack: GitpodStack) -> None:
        first, second = TerraformLocal(stack, "a_b", 1), TerraformLocal(Construct(stack, "a"), "b", 2)
        assert stack._allocate_logical_id(first) == "a_b"
        with pytest.raises(ValueError, match="'pov-cluster/a_b' and 'pov-cluster/a/b' have the same Terraform address 'a_b'"):
            stack._allocate_logical_id(second)
        with pytest.raises(ValueError, match=r"'pov-cluster/storage\.admin' cannot be a Terraform address"):
            stack._allocate_logical_id(TerraformLocal(stack, "storage.admin", 1))

    def test_a_character_that_cdktf_would_delete_is_an_error(self, stack: GitpodStack) -> None:
        element = TerraformLocal(stack, "storage.admin", 1)
        with pytest.raises(RuntimeError, match=r"'pov-cluster/storage\.admin' cannot be a Terraform address"):
            _ = element.friendly_unique_id


class TestOutput:
    def test_both_stacks_are_complete(self, synthesized: Synthesized) -> None:
        assert synthesized.manifest["stacks"].keys() == {"pov-cluster", "pov-rbac"}

    def test_the_manifest_names_the_dependency(self, synthesized: Synthesized) -> None:
        stacks = synthesized.manifest["stacks"]
        assert (stacks["pov-cluster"]["dependencies"], stacks["pov-rbac"]["dependencies"]) == ([], ["pov-cluster"])

    def test_no_path_of_the_machine(self, synthesized: Synthesized) -> None:
        texts = [path.read_text() for path in synthesized.outdir.rglob("*") if path.is_file()]
        assert len(texts) == 3
        for text in texts:
            assert not re.search(r'["\s=(]/[A-Za-z]', text)
            assert str(ROOT) not in text

    def test_no_token_left(self, synthesized: Synthesized) -> None:
        for stack in ("pov-cluster", "pov-rbac"):
            assert "TfToken" not in synthesized.text(stack)

    def test_a_second_synth_writes_the_same_bytes(self, synthesized: Synthesized, tmp_path: Path) -> None:
        again = synthesize(load_deployments(ROOT / "deployments"), tmp_path)
        for path in synthesized.outdir.rglob("*.json"):
            assert (again.outdir / path.relative_to(synthesized.outdir)).read_bytes() == path.read_bytes()

    def test_requirements_are_written_out_in_full(self, synthesized: Synthesized) -> None:
        google = {"source": "hashicorp/google", "version": "7.45.0"}
        kubernetes = {"source": "hashicorp/kubernetes", "version": "2.38.0"}
        for stack, providers in {
            "pov-cluster": {"google": google},
            "pov-rbac": {"google": google, "kubernetes": kubernetes},
        }.items():
            terraform = synthesized.stack(stack)["terraform"]
            assert (terraform["required_version"], terraform["required_providers"]) == (">= 1.6.0", providers)

    def test_the_rbac_stack_needs_no_remote_state(self, synthesized: Synthesized) -> None:
        assert "terraform_remote_state" not in synthesized.text("pov-rbac")


class TestOutputs:
    def test_of_the_cluster_stack(self, synthesized: Synthesized) -> None:
        outputs = synthesized.stack("pov-cluster")["output"]
        assert {name: output["value"] for name, output in outputs.items()} == {
            "project": "my-gitpod-pov",
            "cluster_id": "${google_container_cluster.cluster.id}",
            "cluster_name": "${google_container_cluster.cluster.name}",
            "cluster_location": "${google_container_cluster.cluster.location}",
            "endpoint": "${google_container_cluster.cluster.endpoint}",
            "dns_endpoint": "${google_container_cluster.cluster.control_plane_endpoints_config[0].dns_endpoint_config[0].endpoint}",
            "ca_certificate": "${base64decode(google_container_cluster.cluster.master_auth[0].cluster_ca_certificate)}",
            "workload_pool": "${google_container_cluster.cluster.project}.svc.id.goog",
            "control_plane_version": "${google_container_cluster.cluster.master_version}",
            "node_pool_id": "${google_container_node_pool.node_pool.id}",
            "node_pool_name": "${google_container_node_pool.node_pool.name}",
            "node_service_account_id": "${google_service_account.identity.name}",
            "node_service_account_email": "${google_service_account.identity.email}",
            "network_id": "projects/my-gitpod-pov/global/networks/default",
            "network_name": "default",
            "subnetwork_id": "${google_compute_subnetwork.network_subnetwork.id}",
            "subnetwork_name": "${google_compute_subnetwork.network_subnetwork.name}",
            "pods_range_name": "pods",
            "services_range_name": "services",
            "get_credentials_command": (
                "gcloud container clusters get-credentials ${google_container_cluster.cluster.name} "
                "--region ${google_container_cluster.cluster.location} --project my-gitpod-pov"
            ),
        }

    def test_of_a_network_that_is_created(self, synth: Callable[..., Synthesized]) -> None:
        outputs = synth(network={"network": "trial", "create_network": True}).stack("pov-cluster")["output"]
        assert outputs["network_id"]["value"] == "${google_compute_network.network.id}"
        assert outputs["network_name"]["value"] == "${google_compute_network.network.name}"

    def test_each_is_described_and_none_needs_to_be_sensitive(self, synthesized: Synthesized) -> None:
        outputs = [output for stack in ("pov-cluster", "pov-rbac") for output in synthesized.stack(stack)["output"].values()]
        assert all(output["description"].endswith(".") for output in outputs)
        assert not any("sensitive" in output for output in outputs)


class TestProviders:
    def test_kubernetes_is_configured_from_the_cluster_found_by_name(self, synthesized: Synthesized) -> None:
        stack = synthesized.stack("pov-rbac")
        cluster = stack["data"]["google_container_cluster"]["cluster"]
        assert (cluster["project"], cluster["location"], cluster["name"]) == ("my-gitpod-pov", "us-central1", "gitpod")
        assert stack["provider"]["kubernetes"] == [
            {
                "host": "https://${data.google_container_cluster.cluster.endpoint}",
                "cluster_ca_certificate": ("${base64decode(data.google_container_cluster.cluster.master_auth[0].cluster_ca_certificate)}"),
                "token": "${data.google_client_config.client.access_token}",
            }
        ]


class TestBackends:
    def test_local_is_relative_to_the_stacks_folder(self, synthesized: Synthesized) -> None:
        for stack in ("pov-cluster", "pov-rbac"):
            assert synthesized.stack(stack)["terraform"]["backend"] == {"local": {"path": f"../../../terraform.{stack}.tfstate"}}

    def test_gcs(self, synth: Callable[..., Synthesized]) -> None:
        app = synth(backend={"type": "gcs", "bucket": "states", "prefix": "trial"})
        for stack in ("pov-cluster", "pov-rbac"):
            assert app.stack(stack)["terraform"]["backend"] == {"gcs": {"bucket": "states", "prefix": f"trial/{stack}"}}


def test_each_deployment_has_its_own_two_stacks(tmp_path: Path) -> None:
    app = synthesize({"a": deployment(), "b": deployment(project="other-project")}, tmp_path)
    assert app.manifest["stacks"].keys() == {"a-cluster", "a-rbac", "b-cluster", "b-rbac"}
    assert app.manifest["stacks"]["b-rbac"]["dependencies"] == ["b-cluster"]
