"""The section `[ingress]` of a deployment file: its rules with other sections and files, the profile, and what it implies."""

from pathlib import Path

import pytest

from deployment.model import Deployment
from deployment.reading import RefusedDeploymentsError, load_deployments
from stacks.__main__ import main as show
from tests.app import deployment

MINIMAL = "project = 'demo-project'\nregion = 'us-central1'\n"
INGRESS = "[ingress]\ndomain = 'gitpod.acme-corp.dev'\nacme_email = 'ops@acme-corp.dev'\n"
APART = """\
[cluster]
name = 'other'
[identity]
account_id = 'gitpod-other'
[network]
nodes_cidr = '10.16.0.0/20'
pods_cidr = '10.20.0.0/14'
services_cidr = '10.24.0.0/20'
"""
TAKEN = "is already in use: a.toml creates the {} with this name in project 'demo-project'"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def answer(folder: Path, **files: str) -> list[str]:
    """Return the lines that refuse the files; none where they are accepted."""
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text)
    try:
        load_deployments(folder)
    except RefusedDeploymentsError as error:
        return error.messages
    return []


def read(folder: Path, text: str) -> Deployment:
    assert answer(folder, pov=text) == []
    return load_deployments(folder)["pov"]


class TestSection:
    def test_is_optional(self, folder: Path) -> None:
        assert read(folder, MINIMAL).ingress is None

    def test_needs_a_domain_and_an_email(self, folder: Path) -> None:
        lines = answer(folder, pov=f"{MINIMAL}[ingress]\n")
        assert [line.split(": ")[1:3] for line in lines] == [
            ["ingress.acme_email", "is required"],
            ["ingress.domain", "is required"],
        ]

    def test_has_these_defaults(self, folder: Path) -> None:
        ingress = read(folder, MINIMAL + INGRESS).ingress
        assert ingress is not None
        assert ingress.model_dump() == {
            "domain": "gitpod.acme-corp.dev",
            "zone": None,
            "create_zone": True,
            "account_id": "gitpod-dns01-solver",
            "dns_access": "guide",
            "acme_email": "ops@acme-corp.dev",
            "acme_server": "production",
            "issuer_name": "gitpod-issuer",
            "cert_manager_version": "v1.21.1",
            "external_dns_version": "1.21.1",
            "chart_repository": None,
        }

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            (
                "domain = '*.acme-corp.dev'",
                "ingress.domain: '*.acme-corp.dev' is a wildcard: use the domain itself, names below it are included",
            ),
            (
                "domain = 'co.uk'",
                "ingress.domain: 'co.uk' is a public suffix: use a domain that is registered under it, such as acme-corp.co.uk",
            ),
            ("domain = 'gitpod.example.com'", "ingress.domain: 'gitpod.example.com' is reserved for examples: use a domain that you own"),
            ("domain = 7", "ingress.domain: 7 must be a string, in quotes"),
            (
                "acme_email = 'ops@acme'",
                "ingress.acme_email: 'ops@acme' is not an e-mail address with a public domain, such as ops@acme-corp.dev",
            ),
            ("acme_server = 'test'", "ingress.acme_server: 'test' must be 'production' or 'staging'"),
            ("domian = 'acme.dev'", "ingress.domian: unknown key; did you mean 'domain'?"),
        ],
    )
    def test_refuses_in_one_line(self, folder: Path, line: str, message: str) -> None:
        key = line.partition(" ")[0]
        kept = "".join(f"{given}\n" for given in INGRESS.splitlines() if not given.startswith(f"{key} ="))
        assert answer(folder, pov=f"{MINIMAL}{kept}{line}\n") == [f"pov.toml: {message}"]


class TestWorkloadIdentity:
    def test_is_derived(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert read(folder, MINIMAL + INGRESS).cluster.workload_identity is True
        assert show("pov", folder) == 0
        assert "workload_identity = true  # derived" in capsys.readouterr().out.splitlines()

    @pytest.mark.parametrize(
        ("text", "origin"),
        [
            (f"{MINIMAL}{INGRESS}[cluster]\nworkload_identity = true\n", "file"),
            (f"profile = 'hardened'\n{MINIMAL}{INGRESS}", "profile"),
        ],
    )
    def test_may_have_been_set(self, folder: Path, capsys: pytest.CaptureFixture[str], text: str, origin: str) -> None:
        assert read(folder, text).cluster.workload_identity is True
        assert show("pov", folder) == 0
        assert f"workload_identity = true  # {origin}" in capsys.readouterr().out.splitlines()

    def test_is_left_alone_without_the_section(self, folder: Path) -> None:
        assert read(folder, MINIMAL).cluster.workload_identity is None

    def test_may_not_be_off(self, folder: Path) -> None:
        assert answer(folder, pov=f"{MINIMAL}{INGRESS}[cluster]\nworkload_identity = false\n") == [
            (
                "pov.toml: cluster.workload_identity: false contradicts [ingress]: external-dns and cert-manager use Workload Identity to "
                "reach Cloud DNS; remove it or set it to true"
            )
        ]


class TestProfile:
    @pytest.mark.parametrize(
        ("profile", "given", "access"),
        [
            ("reference", "", "guide"),
            ("hardened", "", "least-privilege"),
            ("hardened", "dns_access = 'guide'\n", "guide"),
        ],
    )
    def test_sets_the_access(self, folder: Path, profile: str, given: str, access: str) -> None:
        ingress = read(folder, f"profile = '{profile}'\n{MINIMAL}{INGRESS}{given}").ingress
        assert ingress is not None
        assert ingress.dns_access == access

    def test_does_not_add_the_section(self, folder: Path) -> None:
        assert read(folder, f"profile = 'hardened'\n{MINIMAL}").ingress is None


class TestDeploymentsOfOneProject:
    def test_deployments_need_unique_names(self, folder: Path) -> None:
        lines = answer(folder, a=MINIMAL + INGRESS, b=f"{MINIMAL}{APART}{INGRESS}zone = 'gitpod'\n")
        assert [line.rpartition("; ")[0] for line in lines] == [
            f"b.toml: ingress.account_id: 'gitpod-dns01-solver' {TAKEN.format('service account')}",
            f"b.toml: ingress.domain: 'gitpod.acme-corp.dev' {TAKEN.format('DNS records')}",
            f"b.toml: ingress.zone: 'gitpod' {TAKEN.format('DNS zone')}",
        ]

    def test_deployments_of_different_regions_also_need_unique_names(self, folder: Path) -> None:
        other = f"project = 'demo-project'\nregion = 'europe-west1'\n{APART.replace('other', 'gitpod', 1)}"
        ingress = INGRESS.replace("gitpod.acme", "trial.acme") + "account_id = 'other-solver'\n"
        (line,) = answer(folder, a=MINIMAL + INGRESS, b=other + ingress)
        assert line.startswith(f"b.toml: ingress.zone: 'gitpod' {TAKEN.format('DNS zone')}")

    def test_node_service_account_of_another_deployment_is_refused(self, folder: Path) -> None:
        lines = answer(folder, a=MINIMAL, b=f"{MINIMAL}{APART}{INGRESS}account_id = 'gitpod-gke'\n")
        assert [line.partition(" is already in use")[0] for line in lines] == ["b.toml: ingress.account_id: 'gitpod-gke'"]

    def test_unique_names_are_accepted(self, folder: Path) -> None:
        ingress = INGRESS.replace("gitpod.acme", "trial.gitpod.acme")
        assert answer(folder, a=MINIMAL + INGRESS, b=f"{MINIMAL}{APART}{ingress}account_id = 'other-solver'\n") == []

    def test_different_projects_may_use_the_same_names(self, folder: Path) -> None:
        assert answer(folder, a=MINIMAL + INGRESS, b=MINIMAL.replace("demo", "other") + INGRESS) == []

    def test_a_shared_existing_zone_is_refused(self, folder: Path) -> None:
        ingress = f"{INGRESS}create_zone = false\nzone = 'acme'\n"
        lines = answer(folder, a=MINIMAL + ingress, b=f"{MINIMAL}{APART}{ingress}account_id = 'other-solver'\n")
        assert [line.partition(" is already in use")[0] for line in lines] == ["b.toml: ingress.domain: 'gitpod.acme-corp.dev'"]


def test_the_account_is_not_that_of_the_nodes(folder: Path) -> None:
    assert answer(folder, pov=f"{MINIMAL}{INGRESS}account_id = 'gitpod-gke'\n") == [
        "pov.toml: ingress.account_id: 'gitpod-gke' is identity.account_id, the node service account: choose another"
    ]


@pytest.mark.parametrize("version", ["3.1.1", "3.1.2", "3.99.0"])
def test_accepts_an_exact_version_of_the_helm_provider(version: str) -> None:
    assert deployment(providers={"helm": version}).providers.helm == version


@pytest.mark.parametrize("version", ["3.1.0", "2.17.0", "4.0.0", "~> 3.1", "3.1", "v3.1.1", "latest"])
def test_refuses_another_version_of_the_helm_provider(folder: Path, version: str) -> None:
    assert answer(folder, pov=f"{MINIMAL}[providers]\nhelm = '{version}'\n") == [
        f"pov.toml: providers.helm: '{version}' is not a supported version: use an exact version, 3.1.1 or newer and below 4.0.0"
    ]
