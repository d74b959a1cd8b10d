"""The picture of a deployment: what it says, where it is readable, and that its bytes depend on nothing but the deployment."""

import builtins
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cdktf_cdktf_provider_google.container_node_pool import (
    ContainerNodePool,
    ContainerNodePoolAutoscaling,
    ContainerNodePoolNodeConfig,
)
from cdktf_cdktf_provider_google.data_google_compute_subnetwork import DataGoogleComputeSubnetwork
from cdktf_cdktf_provider_google.storage_bucket import StorageBucket
from cdktf_cdktf_provider_google.storage_bucket_iam_member import StorageBucketIamMember
from constructs import Construct

from deployment.model import Deployment
from deployment.reading import load_deployments
from handover import drawing
from handover.drawing import Arrow, Box, Frame, draw
from handover.picture import main, picture
from handover.stacks import HandoverError
from stacks import registry
from stacks.base import GitpodStack
from stacks.registry import STACK_KINDS, StackKind
from tests.app import ROOT, deployment

SVG = "{http://www.w3.org/2000/svg}"
README_WIDTH = 830
ONE_ZONE: dict[str, Any] = {"project": "my-gitpod-pov", "zones": ["us-central1-a"]}
INGRESS: dict[str, Any] = {"domain": "gitpod.acme-corp.dev", "acme_email": "ops@acme-corp.dev"}
OFFICE = 'office <b>&"quoted"</b>'


class Picture:
    """A picture, read back."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.root = ET.fromstring(source)  # noqa: S314 - drawn here
        self.texts = [text.text or "" for text in self.root.iter(f"{SVG}text")]
        self.risks = {text.text for text in self.root.iter(f"{SVG}text") if text.get("class") == "risk"}
        self.width = int(self.root.get("width", ""))
        (description,) = self.root.iter(f"{SVG}desc")
        self.description = description.text or ""

    def arrows(self) -> set[str]:
        """Return the arrows in words: `A to B (text)`."""
        return set(self.description.partition("Arrows: ")[2].removesuffix(".").split("; "))


def drawn(**sections: Any) -> Picture:
    return Picture(picture("pov", deployment(**{**ONE_ZONE, **sections})))


@pytest.fixture(scope="module")
def reference() -> Picture:
    return drawn()


@pytest.fixture(scope="module")
def hardened() -> Picture:
    return drawn(profile="hardened")


@pytest.fixture(scope="module")
def with_ingress() -> Picture:
    return drawn(ingress=INGRESS)


class TestContent:
    def test_each_additional_pool_has_a_box(self) -> None:
        picture = drawn(pools={"spot": {"spot": True, "workloads": ["ide"], "max_total_nodes": 9}})
        pool = picture.texts[picture.texts.index("Node pool spot") :]
        assert pool[3:6] == ["0 to 9 nodes", "At creation: 1 per zone", "Spot VMs"]
        assert "Node pool gitpod" in picture.texts
        assert "gitpod.io/workload_ide=true" in pool
        assert "GKE cluster gitpod to Node pool spot (manages)" in picture.arrows()

    def test_has_the_names_and_values_of_the_deployment(self, reference: Picture) -> None:
        assert reference.texts == [
            *("external IP address", "external IP addresses", "manages", "identity of the nodes", "cluster-admin"),
            *("Project my-gitpod-pov", "Region us-central1", "Zone us-central1-a", "Stack pov-cluster", "Enables 8 APIs"),
            *("VPC network default (already exists)", "Stack pov-rbac", "Any network", "Internet"),
            *("GKE cluster gitpod", "Regional control plane in us-central1", "Release channel REGULAR"),
            *(
                "External IP address, open to any network",
                "Network policy: Calico",
                "public-control-plane",
                "nodes-without-security-patches",
            ),
            *("Service account gitpod-gke", "roles/container.admin", "roles/logging.logWriter", "roles/monitoring.metricWriter"),
            *("roles/storage.admin", "node-account-is-cluster-admin"),
            *("Subnetwork gitpod-gitpod", "Nodes 10.0.0.0/20: 4,092 nodes", "Pods 10.4.0.0/14: 1,024 nodes with 110 Pods"),
            "Services 10.8.0.0/20: 4,096 Services",
            *(
                "Node pool gitpod",
                "n2d-standard-16, 100 GB pd-ssd",
                "UBUNTU_CONTAINERD",
                "1 to 50 nodes per zone",
                "At creation: 1 per zone",
            ),
            *("External IP addresses", "gitpod.io/workload_ide=true", "gitpod.io/workload_meta=true"),
            *("gitpod.io/workload_workspace_headless=true", "gitpod.io/workload_workspace_regular=true"),
            "gitpod.io/workload_workspace_services=true",
            *("Administrators", "ClusterRole cluster-admin", "The account that runs Terraform", "applying-account-becomes-admin"),
        ]

    @pytest.mark.parametrize(
        ("sections", "expected"),
        [
            ({"project": "other-project"}, "Project other-project"),
            ({"region": "europe-west1", "zones": ["europe-west1-b", "europe-west1-c"]}, "Zones europe-west1-b, europe-west1-c"),
            ({"zones": []}, "Three zones of the region"),
            ({"network": {"network": "own", "create_network": True}}, "VPC network own"),
            ({"network": {"subnetwork": "nodes"}}, "Subnetwork nodes"),
            ({"network": {"nodes_cidr": "10.16.0.0/24"}}, "Nodes 10.16.0.0/24: 252 nodes"),
            ({"network": {"pods_cidr": "10.16.0.0/16"}, "node_pool": {"max_pods_per_node": 32}}, "1,024 nodes with 32 Pods"),
            ({"network": {"services_cidr": "10.16.0.0/24"}}, "Services 10.16.0.0/24: 256 Services"),
            ({"network": {"flow_logs": True}}, "VPC Flow Logs"),
            ({"cluster": {"name": "trial"}}, "GKE cluster trial"),
            ({"cluster": {"release_channel": "RAPID"}}, "Release channel RAPID"),
            ({"cluster": {"release_channel": "UNSPECIFIED"}}, "No release channel"),
            ({"cluster": {"version": "1.35.8-gke.1"}}, "Kubernetes 1.35.8-gke.1"),
            ({"cluster": {"authorized_networks": {}}}, "External IP address, for its own nodes"),
            ({"cluster": {"workload_identity": True}}, "Workload Identity Federation for GKE"),
            ({"node_pool": {"name": "workspaces"}}, "Node pool workspaces"),
            ({"node_pool": {"machine_type": "n2-standard-8", "disk_size_gb": 200}}, "n2-standard-8, 200 GB pd-ssd"),
            ({"node_pool": {"min_nodes": 2, "initial_nodes": 3, "max_nodes": 4}}, "2 to 4 nodes per zone"),
            ({"node_pool": {"labels": {"team": "platform"}}}, "team=platform"),
            ({"node_pool": {"spot": True}}, "Spot VMs"),
            ({"identity": {"account_id": "gitpod-trial"}}, "Service account gitpod-trial"),
            ({"identity": {"roles": ["roles/viewer"]}}, "roles/viewer"),
            ({"admins": {"members": ["user:alice@example.com"]}}, "User alice@example.com"),
            ({"admins": {"cluster_role": "view"}}, "Role binding cluster-admin-binding"),
            ({"apis": {"services": ["container.googleapis.com"]}}, "Enables 1 API"),
        ],
        ids=str,
    )
    def test_follows_each_value(self, reference: Picture, sections: dict[str, Any], expected: str) -> None:
        assert [text for text in drawn(**sections).texts if expected in text]
        assert not [text for text in reference.texts if text.endswith(expected)]

    def test_shows_who_can_reach_what(self, reference: Picture, hardened: Picture) -> None:
        inside = {
            "GKE cluster gitpod to Node pool gitpod (manages)",
            "Service account gitpod-gke to Node pool gitpod (identity of the nodes)",
            "Administrators to GKE cluster gitpod (cluster-admin)",
        }
        assert reference.arrows() == {
            "Any network to GKE cluster gitpod (external IP address)",
            "Node pool gitpod to Internet (external IP addresses)",
            *inside,
        }
        assert hardened.arrows() == {
            "Any network, with the IAM permission to GKE cluster gitpod (DNS endpoint)",
            "Node pool gitpod to Cloud NAT gitpod-gitpod",
            "Cloud NAT gitpod-gitpod to Internet (outgoing connections)",
            *inside,
        }

    @pytest.mark.parametrize(
        ("sections", "expected"),
        [
            ({"authorized_networks": {"office": "203.0.113.0/24"}}, {"Authorized networks to GKE cluster gitpod (external IP address)"}),
            ({"authorized_networks": {}}, set()),
            (
                {"private_endpoint": True, "authorized_networks": {"vpn": "10.64.0.0/24"}},
                {"Authorized networks to GKE cluster gitpod (internal IP address)"},
            ),
        ],
        ids=str,
    )
    def test_shows_which_networks_can_reach_the_control_plane(self, sections: dict[str, Any], expected: set[str]) -> None:
        found = drawn(cluster=sections)
        assert {arrow for arrow in found.arrows() if "address)" in arrow} == expected
        for name, cidr in sections["authorized_networks"].items():
            assert f"{name} {cidr}" in found.texts

    def test_shows_another_route_of_private_nodes(self) -> None:
        found = drawn(cluster={"private_nodes": True}, network={"cloud_nat": False})
        assert "Node pool gitpod to Internet (another route of the network)" in found.arrows()
        assert "No external IP addresses" in found.texts

    def test_has_the_parts_of_the_ingress(self, with_ingress: Picture) -> None:
        assert {"Stack pov-ingress", "DNS zone gitpod", "gitpod.acme-corp.dev", "Service account gitpod-dns01-solver"} <= {
            *with_ingress.texts
        }
        assert "dns-account-changes-every-zone" in with_ingress.risks
        assert with_ingress.arrows() >= {
            "Internet to DNS zone gitpod (DNS queries)",
            "Helm releases to DNS zone gitpod (DNS records)",
            "Helm releases to GKE cluster gitpod (run in the cluster)",
            "Helm releases to Let's Encrypt (certificates)",
            "Service account gitpod-dns01-solver to Helm releases (identity of the Pods)",
        }
        existing = drawn(ingress={**INGRESS, "create_zone": False, "zone": "corp", "acme_server": "staging"})
        assert {"DNS zone corp", "acme-staging-v02.api.letsencrypt.org"} <= {*existing.texts}

    @pytest.mark.parametrize("acknowledged", [[], ["public-control-plane"]], ids=str)
    def test_marks_every_risk_acknowledged_or_not(self, acknowledged: list[str]) -> None:
        found = drawn(zones=[], acknowledged_risks=acknowledged, providers={"google": "7.999.0"})
        assert found.risks == {
            *("public-control-plane", "nodes-without-security-patches", "node-account-is-cluster-admin", "applying-account-becomes-admin"),
            *("node-in-every-zone", "untested-provider-version"),
        }
        marks = [path for path in found.root.iter(f"{SVG}path") if path.get("class") == "risk"]
        assert len(marks) == len([text for text in found.root.iter(f"{SVG}text") if text.get("class") == "risk"])


class OthersStack(GitpodStack):
    """A separate node pool, an existing subnetwork, and types that the picture has no words for."""

    def __init__(self, scope: Construct, id: str, deployment: Deployment) -> None:
        super().__init__(scope, id, deployment)
        DataGoogleComputeSubnetwork(self, "network", name="shared-nodes", project="host-project", region=deployment.region)
        StorageBucket(self, "backups", name="acme-backups", location="US")
        StorageBucketIamMember(self, "readers", bucket="acme-backups", role="roles/storage.objectViewer", member="group:ops@example.com")
        pools = Construct(self, "pools")
        for name in ("first", "second"):
            ContainerNodePool(
                pools,
                name,
                cluster=deployment.cluster.name,
                name=name,
                max_pods_per_node=32,
                autoscaling=ContainerNodePoolAutoscaling(total_min_node_count=1, total_max_node_count=9),
                node_config=ContainerNodePoolNodeConfig(machine_type="n2-standard-4", disk_size_gb=50, disk_type="pd-ssd"),
            )


def test_draws_what_another_kind_of_stack_creates(monkeypatch: pytest.MonkeyPatch) -> None:
    others = StackKind("others", OthersStack, creates="what the picture does not know", depends_on=("cluster",))
    monkeypatch.setattr(registry, "STACK_KINDS", (*STACK_KINDS, others))
    found = drawn()
    assert {"Stack pov-others", "backups", "google_storage_bucket acme-backups", "roles/storage.objectViewer"} <= {*found.texts}
    assert {"VPC network of project host-project (already", "Subnetwork shared-nodes (already exists)"} <= {*found.texts}
    assert {"Node pool first", "Node pool second", "1 to 9 nodes"} <= {*found.texts}
    assert "None" not in " ".join(found.texts)
    assert {f"Node pool {name} to Internet (external IP addresses)" for name in ("first", "second")} <= found.arrows()


class TestReading:
    def test_has_a_text_alternative(self, reference: Picture) -> None:
        assert reference.root.get("role") == "img"
        (title,) = reference.root.iter(f"{SVG}title")
        (description,) = reference.root.iter(f"{SVG}desc")
        assert title.text == "Architecture of the deployment pov"
        assert reference.root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
        for text in reference.texts:
            assert text in reference.description

    def test_fits_the_width_of_a_readme(self, reference: Picture, hardened: Picture, with_ingress: Picture) -> None:
        assert reference.width <= README_WIDTH
        for other in (hardened, with_ingress):
            assert other.width <= README_WIDTH * 1.25  # twelve pixels become ten

    def test_has_contrast_on_light_and_on_dark(self, reference: Picture) -> None:
        light, dark = reference.source.split("@media (prefers-color-scheme: dark)")
        for style, backgrounds in ((light, (".paper, .box", ".stack")), (dark, (".paper, .box", ".stack"))):
            shades = [colour(style, selector, "fill") for selector in backgrounds]
            for selector in ("text", ".note, .head", ".risk"):
                assert min(contrast(colour(style, selector, "fill"), shade) for shade in shades) >= 4.5
            for selector in (".box, .frame, .arrow", ".stack"):  # WCAG 1.4.11: graphics need 3
                assert min(contrast(colour(style, selector, "stroke"), shade) for shade in shades) >= 3

    def test_no_text_leaves_its_box(self) -> None:
        found = drawn(**EXTREME)
        rectangles = [tuple(int(box.get(key, "")) for key in ("x", "y", "width", "height")) for box in found.root.iter(f"{SVG}rect")]
        for text in found.root.iter(f"{SVG}text"):
            x, y, length = (int(text.get(key, "")) for key in ("x", "y", "textLength"))
            around = [box for box in rectangles if box[0] <= x <= box[0] + box[2] and box[1] <= y <= box[1] + box[3]]
            smallest = min(around, key=lambda box: box[2] * box[3])
            assert x + length <= smallest[0] + smallest[2], text.text

    @pytest.mark.parametrize(
        ("text", "thousandths"), [("Node pool gitpod", 7560), ("WWWWWWWWWW", 9440), ("illicit", 1888), ("10.4.0.0/14", 5004)]
    )
    def test_a_cell_is_as_wide_as_its_text_in_helvetica(self, text: str, thousandths: int) -> None:
        """The sums are those of Adobe's font metrics."""
        assert thousandths * 0.012 - 1 <= drawing._width(text) <= thousandths * 0.012 * 1.1
        assert drawing._width(text, "title") > drawing._width(text)

    def test_shortens_long_lists(self) -> None:
        found = drawn(admins={"members": [f"user:person{number}@example.com" for number in range(100)]})
        assert "User person0@example.com" in found.texts
        assert "and 86 more lines" in found.texts


EXTREME: dict[str, Any] = {
    "project": "a-project-name-of-thirty-chars",
    "cluster": {"name": "w" * 40, "authorized_networks": {OFFICE: "203.0.113.0/24", "東京オフィス\t\ufffe": "198.51.100.0/24"}},
    "network": {"network": "n" * 63, "create_network": True, "subnetwork": "m" * 63},
    "node_pool": {"name": "m" * 40, "labels": {"example.com/" + "k" * 63: "v" * 63}},
    "ingress": {**INGRESS, "domain": f"{'x' * 60}.{'y' * 60}.dev"},
    "admins": {"members": [f"user:{'a' * 60}@{'b' * 60}.example.com"]},
}


class TestBytes:
    def test_escapes_every_text(self) -> None:
        found = drawn(**EXTREME)
        assert f"{OFFICE} 203.0.113.0/24" in "".join(found.texts)
        assert "東京オフィス" in "".join(found.texts)

    def test_the_fonts_of_the_machine_do_not_matter(self, reference: Picture, tmp_path: Path) -> None:
        (tmp_path / "fonts.conf").write_text('<?xml version="1.0"?><fontconfig/>')
        environment = {**os.environ, "FONTCONFIG_FILE": str(tmp_path / "fonts.conf"), "PYTHONHASHSEED": "1"}
        program = "import json, sys; from handover.picture import picture; from tests.app import deployment; "
        program += f"sys.stdout.reconfigure(encoding='utf-8'); print(picture('pov', deployment(**{ONE_ZONE!r})), end='')"
        again = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, check=True)
        assert again.stdout.decode() == reference.source

    def test_graphviz_gets_no_text(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It would measure a text with a font."""
        given: list[str] = []
        layout = drawing._layout

        def noted(dot: str) -> dict[str, Any]:
            given.append(dot)
            return layout(dot)

        monkeypatch.setattr(drawing, "_layout", noted)
        drawn(**EXTREME)
        (dot,) = given
        assert 'label=""' in dot  # or each box would have its name
        words = set(re.findall(r"[A-Za-z]\w*", dot))
        assert not {word for word in words if not re.fullmatch(r"box\d+|cluster\d+|[A-Z]+|[a-z]+", word)}
        assert not words & {"gitpod", "www", "Node", "roles", "us"}

    def test_the_repositorys_picture_is_the_one_of_the_shipped_deployment(self) -> None:
        shipped = load_deployments(ROOT / "deployments")["pov"]
        assert (ROOT / "docs" / "pov.svg").read_text(encoding="utf-8") == picture("pov", shipped), "run `make picture`"
        assert "](docs/pov.svg)" in (ROOT / "README.md").read_text(encoding="utf-8")


class TestCommand:
    def test_writes_the_picture(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main("pov", tmp_path) == 0
        assert capsys.readouterr().out == f"{tmp_path / 'pov.svg'}\n"
        assert (tmp_path / "pov.svg").read_bytes() == (ROOT / "docs" / "pov.svg").read_bytes()

    def test_refuses_an_unknown_deployment(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main("prod", tmp_path) == 2
        assert capsys.readouterr().err == "there is no deployment 'prod'; known: pov\n"
        assert not [*tmp_path.iterdir()]

    def test_says_that_graphviz_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        real: Callable[..., Any] = builtins.__import__

        def without_graphviz(name: str, *arguments: Any, **named: Any) -> Any:
            if name == "pygraphviz":
                raise ModuleNotFoundError("No module named 'pygraphviz'")
            return real(name, *arguments, **named)

        monkeypatch.setattr(builtins, "__import__", without_graphviz)
        with pytest.raises(
            HandoverError, match=r"^the picture needs Graphviz: .*; run `make handover` or `make picture`, which install it$"
        ):
            draw({}, [Frame(Box("frame"), boxes={"a": Box("a"), "b": Box("b")})], [Arrow("a", "b")], above=[], title="", description="")


def colour(style: str, selector: str, attribute: str) -> str:
    """Return the colour that the last rule with exactly this selector gives to an attribute."""
    rule = re.compile(rf"(?:^|[}}{{]) *{re.escape(selector)} {{[^}}]*\b{attribute}: (#[0-9a-f]{{6}})", re.MULTILINE)
    return str(rule.findall(style)[-1])


def contrast(first: str, second: str) -> float:
    """Return the contrast ratio of WCAG 2: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio"""
    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(hexadecimal: str) -> float:
    parts = (int(hexadecimal[index : index + 2], 16) / 255 for index in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
