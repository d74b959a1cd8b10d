"""The comments of the HCL files."""

import re
from typing import Any, get_args

from gitpod_pov.risks import Risk

import pytest

from handover.comments import _PROVIDER_VERSION, CAUSES
from handover.folder import files_of
from stacks.registry import STACK_KINDS
from tests.app import deployment
from tests.existing import NETWORK
from tests.inputs import every_input, sections

INGRESS: dict[str, Any] = {"domain": "gitpod.acme-corp.dev", "acme_email": "ops@acme-corp.dev"}
DEPLOYMENTS: dict[str, dict[str, Any]] = {
    "reference": {},
    "hardened": {"profile": "hardened", "cluster": {"private_nodes": True}, "network": {"cloud_nat": True}},
    "ingress": {"ingress": INGRESS},
    "existing zone": {"ingress": {**INGRESS, "create_zone": False, "zone": "gitpod", "dns_access": "least-privilege"}},
    "own network": {"network": {"network": "trial", "create_network": True, "cloud_nat": False}},
    "existing subnetwork": {"network": NETWORK},
    "Shared VPC": {"network": {"host_project": "host-project", "grant_service_agents": True}},
    "additional bindings": {
        "admins": {"bindings": {"observers": {"role": "view", "members": ["user:a@example.com"], "namespace": "gitpod"}}}
    },
    "every input": sections(*every_input()),
    "older google": {
        "providers": {"google": "6.50.0"},
        "cluster": {
            "maintenance_exclusions": [],
            "secrets_kms_key": "projects/keys-project/locations/us-central1/keyRings/ring/cryptoKeys/key",
        },
    },
}


def lines_of(sections: dict[str, Any]) -> list[str]:
    """Return the lines of the roots' main.tf files and versions.tf files."""
    files = files_of("pov", deployment(**sections))
    return [
        line
        for path, content in files.items()
        if re.fullmatch(r"\d-\w+/(main|versions)\.tf", path)
        for line in content.decode().splitlines()
    ]


def comments_at(lines: list[str], argument: str) -> str:
    """Return the comments above the lines that begin with an argument."""
    found: list[str] = []
    for at in (index for index, line in enumerate(lines) if line.strip().startswith(argument)):
        first = at
        while lines[first - 1].strip().startswith("# "):
            first -= 1
        found += (line.strip().removeprefix("# ") for line in lines[first:at])
    return " ".join(found)


@pytest.fixture(params=DEPLOYMENTS, scope="module")
def lines(request: pytest.FixtureRequest) -> list[str]:
    return lines_of(DEPLOYMENTS[request.param])


def test_every_resource_and_data_source_has_a_sentence(lines: list[str]) -> None:
    found = [(before, line) for before, line in zip(["", *lines], lines, strict=False) if re.match(r"(resource|data) ", line)]
    assert found
    for before, line in found:
        assert re.fullmatch(r"# .*\.", before), line
        assert not re.search(r"\{\w+\}", before), line


def test_every_entry_of_ignore_changes_has_a_reason(lines: list[str]) -> None:
    entries = 0
    for index, line in enumerate(lines):
        if line.strip() == "ignore_changes = [":
            end = lines.index("    ]", index)
            for before, entry in zip(lines[index:end], lines[index + 1 : end], strict=False):
                if not entry.strip().startswith("#"):
                    entries += 1
                    assert re.fullmatch(r" +# .*\.", before), entry
    assert entries > len(("cluster", "pool"))


def test_every_reason_is_written_somewhere() -> None:
    written = " ".join(" ".join(line.strip().removeprefix("# ") for line in lines_of(sections)) for sections in DEPLOYMENTS.values())
    for kind in STACK_KINDS:
        for reasons in kind.reasons.values():
            for resource_type, by_path in reasons.items():
                for path, reason in by_path.items():
                    before, after = re.split(r"\{\w+\}|$", reason)[:2]
                    assert before in written, f"{resource_type} {path}: {reason}"
                    assert after in written, f"{resource_type} {path}: {reason}"


def test_every_risk_has_an_argument_that_causes_it() -> None:
    assert {cause.risk for cause in CAUSES} | {_PROVIDER_VERSION} == set(get_args(Risk))


@pytest.mark.parametrize(
    ("name", "sections", "argument"),
    [
        ("node-account-is-cluster-admin", {}, 'role = "roles/container.admin"'),
        ("node-account-has-broad-role", {"identity": {"roles": ["roles/editor"]}}, 'role = "roles/editor"'),
        ("dns-account-changes-every-zone", {"ingress": INGRESS}, 'role = "roles/dns.admin"'),
        ("docker-bridge-range", {"network": {"services_cidr": "172.17.0.0/20"}}, "ip_cidr_range = var.network_services_cidr"),
        ("public-control-plane", {}, "enable_private_endpoint"),
        ("no-release-channel", {"cluster": {"release_channel": "UNSPECIFIED"}}, "channel ="),
        ("nodes-without-security-patches", {}, "maintenance_exclusion {"),
        ("node-in-every-zone", {}, "node_locations"),
        ("node-in-every-zone", {"handover": {"parameters": []}}, "location ="),
        (
            "no-room-for-surge-nodes",
            {"zones": ["us-central1-a"], "network": {"pods_cidr": "10.4.0.0/19"}, "node_pool": {"max_nodes": 32}},
            "max_surge",
        ),
        ("unknown-machine-type", {"node_pool": {"machine_type": "n7-standard-8"}}, "machine_type"),
        ("unknown-disk-type", {"node_pool": {"disk_type": "pd-new"}}, "disk_type"),
        ("image-not-ubuntu-containerd", {"node_pool": {"image_type": "COS_CONTAINERD"}}, "image_type"),
        ("applying-account-becomes-admin", {}, 'dynamic "subject"'),
        ("admin-email-has-capital-letters", {"admins": {"members": ["user:Jane@example.com"]}}, 'dynamic "subject"'),
        ("untested-provider-version", {"providers": {"google": "8.9.9"}}, "google = {"),
        ("dataplane-v2-instead-of-calico", {"cluster": {"network_policy": "dataplane-v2"}}, "datapath_provider"),
        (
            "destroy-removes-existing-grants",
            {"identity": {"email": "nodes@platform-project.iam.gserviceaccount.com", "grant_roles": True}},
            'role = "roles/storage.admin"',
        ),
        (
            "destroy-removes-existing-grants",
            {"network": {"host_project": "host-project", "grant_service_agents": True}},
            'role = "roles/compute.networkUser"',
        ),
        ("unknown-region", {"region": "us-north9", "zones": ["us-north9-a"]}, "location ="),
    ],
)
def test_a_risk_is_written_at_the_argument_that_causes_it(name: str, sections: dict[str, Any], argument: str) -> None:
    lines = lines_of(sections)
    assert f"Risk {name}: " in comments_at(lines, argument)
    assert not [line for line in lines if "; set " in line and f"Risk {name}" in line]
    acknowledged = lines_of({**sections, "acknowledged_risks": [name]})
    assert [line for line in acknowledged if f"# Risk {name}: " in line]


def test_a_risk_is_written_only_where_the_argument_is() -> None:
    """A pool that is upgraded blue-green has no surge nodes."""
    pools = {"other": {"max_nodes": 1, "upgrade_settings": {"strategy": "BLUE_GREEN"}}}
    lines = lines_of({"zones": ["us-central1-a"], "network": {"pods_cidr": "10.4.0.0/19"}, "node_pool": {"max_nodes": 31}, "pools": pools})
    assert len([line for line in lines if "Risk no-room-for-surge-nodes: " in line]) == 1


@pytest.mark.parametrize("cluster", [{}, {"version": "1.35.8-gke.1"}], ids=["newest version", "version"])
def test_the_version_is_said_to_be_ignored_where_it_is(cluster: dict[str, Any]) -> None:
    lines = lines_of({"cluster": cluster})
    assert ("min_master_version," in [line.strip() for line in lines]) == (not cluster)
    comment = comments_at(lines, "min_master_version =")
    assert comment == "The version at creation. A later change upgrades the control plane, unless ignore_changes below lists this argument."


GUIDE_RISKS: dict[str, Any] = {"ingress": INGRESS, "cluster": {"network_policy": "dataplane-v2"}}


@pytest.mark.parametrize("sections", [*DEPLOYMENTS.values(), GUIDE_RISKS], ids=[*DEPLOYMENTS, "dataplane v2"])
def test_no_text_refers_to_the_guide_which_the_folder_does_not_have(sections: dict[str, Any]) -> None:
    files = files_of("pov", deployment(**sections))
    assert not [path for path, content in files.items() if re.search(rb"\bthe\s+(#\s+)?guide\b", content)]


def test_comments_and_readme_call_the_inputs_of_risks_by_the_same_names() -> None:
    files = files_of("pov", deployment())
    main, readme = (files[path].decode() for path in ("1-cluster/main.tf", "README.md"))
    (meaning,) = re.findall(r"^\| `public-control-plane` \| (.*?) \|", readme, re.MULTILINE)
    (comment,) = re.findall(r"# Risk public-control-plane: ((?:.|\n *# )*)\.\n", main)
    assert meaning.startswith(re.sub(r"\n *# ", " ", comment))
    assert "; set cluster_authorized_networks, " in meaning
    assert "admins_members is empty" in files["2-rbac/main.tf"].decode()
    assert "admins_members is empty" in readme
    assert "admins.members" not in readme
