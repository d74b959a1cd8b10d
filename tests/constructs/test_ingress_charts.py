import hashlib
import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from gitpod_pov.dns_identity import KUBERNETES_SERVICE_ACCOUNTS, DnsIdentity
from gitpod_pov.dns_zone import DnsZone, DnsZoneConfig
from gitpod_pov.faults import Faults
from gitpod_pov.ingress_charts import (
    ACME_SERVERS,
    CERT_MANAGER,
    EXTERNAL_DNS,
    ISSUER_CHART,
    ISSUER_CHART_FOLDER,
    ISSUER_CHART_VERSION,
    IngressCharts,
    IngressChartsConfig,
    PublicChart,
)

import helm_python as helm
import jsonschema
import pytest
from cdktf import App, TerraformStack
from cdktf_cdktf_provider_google.provider import GoogleProvider
from cdktf_cdktf_provider_helm.provider import HelmProvider
from cdktf_cdktf_provider_kubernetes.provider import KubernetesProvider

from tests.app import Synthesized

KNOWN = tomllib.loads(Path(__file__).with_name("charts.toml").read_text())
CHARTS = (CERT_MANAGER, EXTERNAL_DNS)
INGRESS = {"domain": "gitpod.acme-corp.dev", "acme_email": "ops@acme-corp.dev"}
ISSUER_VALUES = {
    "server": ACME_SERVERS["production"],
    "email": "ops@acme-corp.dev",
    "project": "demo-project",
    "hostedZoneName": "gitpod",
}


def leaves(values: Mapping[str, Any], known: Mapping[str, str], path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each value with its path; a path that is known as a map is not entered."""
    for key, value in values.items():
        here = f"{path}{key}"
        if isinstance(value, dict) and here not in known:
            yield from leaves(value, known, f"{here}.")
        else:
            yield here, value


@pytest.fixture
def values(monkeypatch: pytest.MonkeyPatch, synth: Callable[..., Synthesized]) -> Callable[..., dict[str, dict[str, Any]]]:
    """Return the values of each release, as they are before they become an expression."""

    def of(**ingress: Any) -> dict[str, dict[str, Any]]:
        seen: dict[str, dict[str, Any]] = {}
        release = IngressCharts._release

        def record(charts: IngressCharts, id: str, values: dict[str, Any], **arguments: Any) -> Any:
            seen[id] = values
            return release(charts, id, values, **arguments)

        monkeypatch.setattr(IngressCharts, "_release", record)
        synth(ingress={**INGRESS, **ingress})
        return seen

    return of


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: str(chart.name))
class TestPublicChart:
    def test_the_default_version_is_the_one_whose_values_are_known(self, chart: PublicChart) -> None:
        assert chart.version == KNOWN[chart.name]["version"]
        assert chart.version in KNOWN[chart.name]["source"]

    def test_chart_has_every_value_that_is_set(self, chart: PublicChart, values: Callable[..., dict[str, dict[str, Any]]]) -> None:
        known = KNOWN[chart.name]["values"]
        given = dict(leaves(values()[chart.name.replace("-", "_")], known))
        assert {path: type(value).__name__ for path, value in given.items()} == known


def test_external_dns_has_every_flag_that_is_set(values: Callable[..., dict[str, dict[str, Any]]]) -> None:
    assert sorted(argument.partition("=")[0] for argument in values()["external_dns"]["extraArgs"]) == KNOWN["external-dns"]["flags"]


def test_each_release_runs_under_a_service_account_that_may_act_as_the_identity(
    values: Callable[..., dict[str, dict[str, Any]]], synth: Callable[..., Synthesized]
) -> None:
    assert tuple(chart.name for chart in CHARTS) == KUBERNETES_SERVICE_ACCOUNTS
    given = values()
    for chart in CHARTS:
        address = chart.name.replace("-", "_")
        assert given[address]["serviceAccount"]["name"] == chart.name
        namespace = synth(ingress=INGRESS).resource("pov-ingress", f"kubernetes_namespace_v1.charts_{address}_namespace")
        assert namespace["metadata"]["name"] == chart.name


class TestReleases:
    def test_have_the_arguments_that_make_a_failure_harmless(self, synth: Callable[..., Synthesized]) -> None:
        releases = synth(ingress=INGRESS).stack("pov-ingress")["resource"]["helm_release"]
        assert releases.keys() == {"charts_cert_manager", "charts_external_dns", "charts_issuer"}
        for release in releases.values():
            assert {key: release[key] for key in ("atomic", "cleanup_on_fail", "wait", "upgrade_install", "timeout")} == {
                **dict.fromkeys(("atomic", "cleanup_on_fail", "wait", "upgrade_install"), True),
                "timeout": 600,
            }
            assert len(release["values"]) == 1
            assert release["values"][0].startswith("${yamlencode(")
            assert "create_namespace" not in release

    def test_come_from_the_repositories_of_the_projects(self, synth: Callable[..., Synthesized]) -> None:
        app = synth(ingress=INGRESS)
        for chart, repository in ((CERT_MANAGER, "https://charts.jetstack.io"), (EXTERNAL_DNS, EXTERNAL_DNS.repository)):
            release = app.resource("pov-ingress", f"helm_release.charts_{chart.name.replace('-', '_')}")
            assert (release["repository"], release["chart"], release["version"]) == (repository, chart.name, chart.version)

    @pytest.mark.parametrize("mirror", ["https://mirror.acme-corp.dev/charts", "oci://mirror.acme-corp.dev:5000/charts"])
    def test_come_from_a_mirror(self, synth: Callable[..., Synthesized], mirror: str) -> None:
        releases = synth(ingress={**INGRESS, "chart_repository": mirror}).stack("pov-ingress")["resource"]["helm_release"]
        assert {name: release.get("repository") for name, release in releases.items()} == {
            "charts_cert_manager": mirror,
            "charts_external_dns": mirror,
            "charts_issuer": None,
        }


class TestKnownProblems:
    """Known problems of these charts; docs/ingress.md describes them."""

    def test_certificates_outlive_the_release(self, values: Callable[..., dict[str, dict[str, Any]]]) -> None:
        assert values()["cert_manager"]["crds"] == {"enabled": True, "keep": True}

    def test_the_control_plane_of_private_nodes_reaches_the_webhook(self, values: Callable[..., dict[str, dict[str, Any]]]) -> None:
        assert values()["cert_manager"]["webhook"]["securePort"] == 10250

    def test_challenges_are_checked_with_public_name_servers(self, values: Callable[..., dict[str, dict[str, Any]]]) -> None:
        given = values()["cert_manager"]
        assert (given["dns01RecursiveNameservers"], given["dns01RecursiveNameserversOnly"]) == ("8.8.8.8:53,1.1.1.1:53", True)

    def test_an_owner_record_is_in_the_zone_even_for_the_domain_itself(self, values: Callable[..., dict[str, dict[str, Any]]]) -> None:
        prefix = values()["external_dns"]["txtPrefix"].replace("%%{record_type}", "a")
        zone = INGRESS["domain"]
        # How external-dns v0.21.0 names them: registry/mapper/mapper.go, `ToTXTName`.
        for name in (zone, f"wildcard.{zone}", f"wildcard.ws.{zone}"):
            record = f"{prefix}{name}"
            assert record.endswith(f".{zone}")
            assert all(len(label) <= 63 for label in record.split("."))
            assert not record.startswith("a-")

    def test_a_wildcard_record_has_an_owner_record(self, values: Callable[..., dict[str, dict[str, Any]]]) -> None:
        assert "--txt-wildcard-replacement=wildcard" in values()["external_dns"]["extraArgs"]

    def test_two_clusters_of_one_project_are_two_owners(self, synth: Callable[..., Synthesized]) -> None:
        app = synth(region="europe-west1", cluster={"name": "trial"}, ingress=INGRESS)
        (text,) = app.resource("pov-ingress", "helm_release.charts_external_dns")["values"]
        assert '"txtOwnerId" = "demo-project-europe-west1-trial"' in text

    def test_only_the_zone_of_the_deployment_is_touched(self, values: Callable[..., dict[str, dict[str, Any]]]) -> None:
        given = values()["external_dns"]
        assert given["domainFilters"] == [INGRESS["domain"]]
        assert {argument.partition("=")[0] for argument in given["extraArgs"]} >= {"--zone-id-filter", "--google-zone-visibility"}
        assert given["policy"] == "sync"


class TestIssuerChart:
    def rendered(self, values: dict[str, str], name: str = "gitpod-issuer") -> dict[str, Any]:
        with helm.Chart.load(str(ISSUER_CHART)) as chart:
            manifests = chart.render(values, name=name, namespace="cert-manager")
        assert list(manifests) == ["gitpod-issuer/templates/cluster-issuer.yaml"]
        return dict(helm.values_from_yaml(manifests["gitpod-issuer/templates/cluster-issuer.yaml"]))

    def test_renders_a_valid_cluster_issuer(self) -> None:
        manifest = self.rendered(ISSUER_VALUES, name="1")
        jsonschema.validate(manifest, json.loads(KNOWN["cluster-issuer"]["schema"]))
        assert manifest["metadata"]["name"] == "1"
        acme = manifest["spec"]["acme"]
        assert (acme["server"], acme["email"]) == (ISSUER_VALUES["server"], ISSUER_VALUES["email"])
        assert acme["privateKeySecretRef"]["name"] == "issuer-account-key"
        assert acme["solvers"] == [{"dns01": {"cloudDNS": {"project": "demo-project", "hostedZoneName": "gitpod"}}}]

    @pytest.mark.parametrize("missing", ISSUER_VALUES)
    def test_is_not_rendered_without_a_value(self, missing: str) -> None:
        with pytest.raises(helm.HelmError, match=f"{missing} is required"):
            self.rendered({**ISSUER_VALUES, missing: ""})

    def test_takes_the_values_that_the_release_gives(self, values: Callable[..., dict[str, dict[str, Any]]]) -> None:
        with helm.Chart.load(str(ISSUER_CHART)) as chart:
            assert values()["issuer"].keys() == dict(chart.values).keys() == ISSUER_VALUES.keys()

    @pytest.mark.parametrize("server", ACME_SERVERS)
    def test_gets_the_directory_of_the_acme_server(self, values: Callable[..., dict[str, dict[str, Any]]], server: str) -> None:
        assert values(acme_server=server)["issuer"]["server"] == ACME_SERVERS[server]

    def test_has_the_version_that_the_release_requires(self) -> None:
        with helm.Chart.load(str(ISSUER_CHART)) as chart:
            assert chart.version == ISSUER_CHART_VERSION
        assert not [finding for finding in helm.lint(str(ISSUER_CHART))["messages"] if finding["severity"] == "ERROR"]

    def test_changes_only_together_with_its_version(self) -> None:
        """The helm provider does not update a release of a local chart that changes otherwise: raise the version, and then the digest."""
        digest = hashlib.sha256()
        for path in sorted(ISSUER_CHART.rglob("*.yaml")):
            digest.update(path.relative_to(ISSUER_CHART).as_posix().encode() + path.read_bytes())
        assert {"version": ISSUER_CHART_VERSION, "sha256": digest.hexdigest()} == KNOWN["issuer-chart"]

    def test_is_copied_beside_the_configuration(self, synth: Callable[..., Synthesized]) -> None:
        app = synth(ingress=INGRESS)
        folder = app.outdir / "stacks" / "pov-ingress"
        copied = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        chart = {path.relative_to(ISSUER_CHART).as_posix(): path.read_bytes() for path in ISSUER_CHART.rglob("*") if path.is_file()}
        assert copied.keys() - {"cdk.tf.json"} == {f"{ISSUER_CHART_FOLDER}/{path}" for path in chart}
        assert all(copied[f"{ISSUER_CHART_FOLDER}/{path}"] == content for path, content in chart.items())
        release = app.resource("pov-ingress", "helm_release.charts_issuer")
        assert release["chart"] == f"${{path.module}}/{ISSUER_CHART_FOLDER}"
        assert not list((app.outdir / "stacks" / "pov-rbac").rglob("charts"))

    def test_a_second_synth_removes_what_is_not_in_the_chart(self, synth: Callable[..., Synthesized]) -> None:
        folder = synth(ingress=INGRESS).outdir / "stacks" / "pov-ingress" / ISSUER_CHART_FOLDER
        (folder / "templates" / "old.yaml").touch()
        synth(ingress=INGRESS)
        assert not (folder / "templates" / "old.yaml").exists()


def test_a_stack_of_another_app_gets_the_chart_and_its_providers(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path))
    stack = TerraformStack(app, "trial")
    GoogleProvider(stack, "google")
    kubernetes = KubernetesProvider(stack, "kubernetes", alias="other")
    helm_provider = HelmProvider(stack, "helm", alias="other")
    zone = DnsZone(stack, "zone", project="demo-project", cluster_name="gitpod", config=DnsZoneConfig(domain="gitpod.acme-corp.dev"))
    IngressCharts(
        stack,
        "charts",
        project="demo-project",
        region="us-central1",
        cluster_name="gitpod",
        zone=zone,
        identity=DnsIdentity(stack, "identity", project="demo-project", zone=zone),
        config=IngressChartsConfig(acme_email="ops@acme-corp.dev"),
        provider=helm_provider,
        kubernetes_provider=kubernetes,
    )
    app.synth()
    folder = tmp_path / "stacks" / "trial"
    assert (folder / ISSUER_CHART_FOLDER / "Chart.yaml").is_file()
    resources = json.loads((folder / "cdk.tf.json").read_text())["resource"]
    assert {block["provider"] for block in resources["helm_release"].values()} == {"helm.other"}
    assert {block["provider"] for block in resources["kubernetes_namespace_v1"].values()} == {"kubernetes.other"}


VALID: dict[str, list[str]] = {
    "cert_manager_version": ["v1.21.1", "v1.15.0", "v1.22.0-beta.1", "v2.0.0"],
    "external_dns_version": ["1.21.1", "1.14.0", "1.22.0-rc.1", "2.0.0"],
    "issuer_name": ["a", "a" * 53, "letsencrypt.production", "cert-manager-issuer", "1"],
    "chart_repository": [
        "https://charts.acme-corp.dev",
        "https://acme-corp.dev/a_b/c~d/",
        "oci://europe-docker.pkg.dev/demo-project/charts",
        "https://mirror:8443/helm",
    ],
    "acme_email": ["ops@acme-corp.dev", "Ops+Gitpod@Acme.co.uk", "o'neil@gmail.com", "a%b@acme.dev", "a@xn--bcher-kva.de"],
}
REFUSED: dict[str, dict[str, str]] = {
    "cert_manager_version": {
        **dict.fromkeys(
            ("1.21.1", "v1.21", "v1", "~> v1.21", ">= v1.21.1", "v1.21.x", "v01.21.1", "latest", "", "v1.21.1 "),
            "is not an exact version of the cert-manager chart, such as v1.21.1",
        ),
        **dict.fromkeys(("v1.14.9", "v0.16.1"), "is too old: use v1.15.0 or newer, which has the chart value crds.enabled"),
    },
    "external_dns_version": {
        **dict.fromkeys(
            ("v1.21.1", "1.21", "^1.21.1", "1.21.*", ">1.0.0", "latest"),
            "is not an exact version of the external-dns chart, such as 1.21.1",
        ),
        "1.13.1": "is too old: use 1.14.0 or newer, which has the chart value provider.name",
    },
    "issuer_name": dict.fromkeys(("", "a" * 54, "A", "a_b", "-a", "a-", "a..b", ".a", "a/b", "cert-manager"), "is not an issuer name"),
    "chart_repository": dict.fromkeys(
        (
            "http://charts.acme-corp.dev",
            "charts.acme-corp.dev",
            "https://",
            "https://user:password@acme-corp.dev",
            "https://acme-corp.dev/${x}",
            "https://acme-corp.dev/%{x}",
            "https://acme-corp.dev/a b",
            "file:///charts",
            "s3://charts",
            "",
        ),
        "is not a chart repository",
    ),
    "acme_email": {
        **dict.fromkeys(
            ("ops", "ops@acme", "@acme.dev", "ops@", "ops@acme..dev", "ops acme@acme.dev", 'a"b@acme.dev', "ops@[192.0.2.1]", ""),
            "is not an e-mail address with a public domain",
        ),
        **dict.fromkeys(("ops@example.com", "ops@mail.example.org", "ops@example.co.uk"), "has a domain that is reserved for examples"),
        "ops@acme.internal": "has a domain that is under .internal",
        "ops@co.uk": "has a domain that is a public suffix",
    },
    "acme_server": {"https://acme-v02.api.letsencrypt.org/directory": "must be 'production' or 'staging'"},
}


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in VALID.items() for value in values])
def test_accepts(key: str, value: str) -> None:
    assert getattr(IngressChartsConfig.checked({"acme_email": "ops@acme-corp.dev", key: value}), key) == value


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in REFUSED.items() for value in values])
def test_refuses(key: str, value: str) -> None:
    with pytest.raises(Faults) as refused:
        IngressChartsConfig.checked({"acme_email": "ops@acme-corp.dev", key: value})
    assert [str(fault).startswith(f"{key}: '{value}' {REFUSED[key][value]}") for fault in refused.value.faults] == [True]
