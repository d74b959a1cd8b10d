"""The controllers that maintain the DNS records and certificates of a Gitpod installation: external-dns and cert-manager.

Owns: their namespaces, Helm releases and chart values, and a ClusterIssuer, whose chart is part of this package and is copied into the
folder of the stack. Leaves to others: the zone (`DnsZone`), the access to it (`DnsIdentity`), and an Ingress controller, which Gitpod
does not need.

The ClusterIssuer is a Helm release, because a `kubernetes_manifest` needs the CRDs when Terraform plans, but cert-manager installs them
when it applies. Helm's `wait` does not wait until the ClusterIssuer is ready.

The bindings are imported where they are used, so that apps without this construct do not load the helm provider.

Sources: https://cert-manager.io/docs/configuration/acme/dns01/google/ and
https://github.com/kubernetes-sigs/external-dns/blob/v0.21.0/docs/tutorials/gke.md
"""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal

from gitpod_pov.configuration import Configuration
from gitpod_pov.dns_identity import DnsIdentity
from gitpod_pov.dns_zone import DnsZone
from gitpod_pov.domain_names import Email
from gitpod_pov.gcp_names import Pattern
from gitpod_pov.provider_versions import EXACT_VERSION, parsed
from gitpod_pov.reasons import Reasons

import jsii
from cdktf import Fn, IStackSynthesizer, ISynthesisSession, TerraformProvider, TerraformStack
from constructs import Construct
from pydantic import AfterValidator, WithJsonSchema

if TYPE_CHECKING:
    from cdktf_cdktf_provider_helm.release import Release

ISSUER_CHART = Path(__file__).parent / "charts" / "gitpod-issuer"
"""The chart of the ClusterIssuer. Each change needs a new version, or the helm provider does not notice it."""

ISSUER_CHART_VERSION = "1.0.0"

ISSUER_CHART_FOLDER = "charts/gitpod-issuer"
"""Where the chart is copied to, below the folder of the configuration. It is part of the state: a change is an update of the release."""

ACME_SERVERS = MappingProxyType(
    {
        "production": "https://acme-v02.api.letsencrypt.org/directory",
        "staging": "https://acme-staging-v02.api.letsencrypt.org/directory",
    }
)
"""https://letsencrypt.org/docs/acme-protocol-updates/ and https://letsencrypt.org/docs/staging-environment/"""

_SECONDS_PER_RELEASE = 600
_NAME_SERVERS = "8.8.8.8:53,1.1.1.1:53"  # the guide's
# Without a record type and a dot at the end, the TXT record that marks the owner of the domain's own A record would not be in the zone:
# https://github.com/kubernetes-sigs/external-dns/issues/4234. %{ would begin a directive in Terraform, hence the second %.
_OWNER_RECORD_PREFIX = "external-dns-%%{record_type}."


@dataclass(frozen=True)
class PublicChart:
    """A chart of another project.

    Attributes:
        name: the chart's name, also that of its release, its namespace and its service account.
        repository: the repository that publishes it.
        version: the version whose values were checked.
        oldest: the oldest version that has all values that are used here.
        because: the value that older versions lack.
    """

    name: str
    repository: str
    version: str
    oldest: str
    because: str

    def check_version(self, version: str) -> str:
        """Return the version.

        Raises:
            ValueError: when it is not exact or too old.
        """
        if not re.fullmatch(self.version_pattern, version):
            raise ValueError(f"is not an exact version of the {self.name} chart, such as {self.version}")
        if _release_of(version) < _release_of(self.oldest):
            raise ValueError(f"is too old: use {self.oldest} or newer, which has the chart value {self.because}")
        return version

    @property
    def version_pattern(self) -> str:
        """The form of an exact version of this chart."""
        prefix = "v" if self.version.startswith("v") else ""
        return prefix + EXACT_VERSION + r"(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"


def _release_of(version: str) -> tuple[int, ...]:
    """Return the numbers of a version, without the part that marks a pre-release."""
    return parsed(version.removeprefix("v").partition("-")[0])


CERT_MANAGER = PublicChart("cert-manager", "https://charts.jetstack.io", version="v1.21.1", oldest="v1.15.0", because="crds.enabled")
EXTERNAL_DNS = PublicChart(
    "external-dns", "https://kubernetes-sigs.github.io/external-dns/", version="1.21.1", oldest="1.14.0", because="provider.name"
)


def _version_of(chart: PublicChart) -> tuple[AfterValidator, WithJsonSchema]:
    return AfterValidator(chart.check_version), WithJsonSchema({"type": "string", "pattern": f"^{chart.version_pattern}$"})


IssuerName = Annotated[
    str,
    Pattern(
        r"(?=.{1,53}$)(?!cert-manager$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*",
        "an issuer name: at most 53 lowercase letters, digits, hyphens and dots, the first and last a letter or digit, and not "
        "cert-manager, the name of another release",
    ),
]
"""It is the name of a Helm release as well: https://github.com/helm/helm/blob/v3.19.0/pkg/chartutil/validate_name.go"""

ChartRepository = Annotated[
    str,
    Pattern(
        r"(https|oci)://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?(/[A-Za-z0-9._~%+-]+)*/?",
        "a chart repository: https:// or oci://, a host and a path, without user name and password",
    ),
]


class IngressChartsConfig(Configuration):
    """Configuration of `IngressCharts`."""

    acme_email: Email
    """E-mail address of the Let's Encrypt account."""

    acme_server: Literal["production", "staging"] = "production"
    """Let's Encrypt server. `staging` has high rate limits, but browsers do not trust its certificates. Existing certificates stay
    until they are renewed.
    """

    issuer_name: IssuerName = "gitpod-issuer"
    """Name of the ClusterIssuer, at most 53 characters. Certificates refer to it. A change replaces it."""

    cert_manager_version: Annotated[str, *_version_of(CERT_MANAGER)] = CERT_MANAGER.version
    """Exact version of the cert-manager chart, v1.15.0 or newer."""

    external_dns_version: Annotated[str, *_version_of(EXTERNAL_DNS)] = EXTERNAL_DNS.version
    """Exact version of the external-dns chart, 1.14.0 or newer."""

    chart_repository: ChartRepository | None = None
    """`https://` or `oci://` repository with both charts. Default: the repositories of the two projects. Images always come from
    quay.io and registry.k8s.io.
    """


REASONS: Reasons = {
    "kubernetes_namespace_v1": {"": "The namespace of a chart, which Terraform deletes after the release."},
    "helm_release": {
        "": "The Helm release {name}.",
        # https://github.com/hashicorp/terraform-provider-helm/issues/1669
        "upgrade_install": (
            "The provider drops a release from the state while it cannot reach the cluster. The next apply then adopts it again."
        ),
        "atomic": "A release that fails is rolled back, so that the next apply can install it again.",
        "depends_on": "The Pods need their access to Cloud DNS when they start.",
    },
}


class IngressCharts(Construct):
    """external-dns, cert-manager and a ClusterIssuer; needs a helm and a kubernetes provider in its stack.

    Attributes:
        issuer_name: name of the ClusterIssuer.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        project: str,
        region: str,
        cluster_name: str,
        zone: DnsZone,
        identity: DnsIdentity,
        config: IngressChartsConfig,
        provider: TerraformProvider | None = None,
        kubernetes_provider: TerraformProvider | None = None,
    ) -> None:
        """Add the namespaces and releases.

        Args:
            scope: the parent.
            id: the id.
            project: project of the zone and the cluster.
            region: region of the cluster.
            cluster_name: name of the cluster.
            zone: the zone whose records the controllers change.
            identity: the identity with which they change them.
            config: the configuration.
            provider: a helm provider, where the stack has several.
            kubernetes_provider: a kubernetes provider, where the stack has several.
        """
        super().__init__(scope, id)
        self.issuer_name = config.issuer_name
        self._identity, self._repository = identity, config.chart_repository
        self._provider, self._kubernetes_provider = provider, kubernetes_provider
        cert_manager = self._public_release(CERT_MANAGER, config.cert_manager_version, _cert_manager_values())
        owner = f"{project}-{region}-{cluster_name}"
        self._public_release(EXTERNAL_DNS, config.external_dns_version, _external_dns_values(project, owner, zone))
        self._release(
            "issuer",
            {"server": ACME_SERVERS[config.acme_server], "email": config.acme_email, "project": project, "hostedZoneName": zone.name},
            name=config.issuer_name,
            namespace=cert_manager.namespace,  # and so after the release, whose CRDs it needs
            chart=f"${{path.module}}/{ISSUER_CHART_FOLDER}",
            version=ISSUER_CHART_VERSION,
        )
        stack = TerraformStack.of(self)
        stack.synthesizer = _CopyIssuerChart(stack, stack.synthesizer)

    def _public_release(self, chart: PublicChart, version: str, values: dict[str, Any]) -> "Release":
        """Add a release in a separate namespace, which Terraform deletes after the release."""
        from cdktf_cdktf_provider_kubernetes.namespace_v1 import NamespaceV1, NamespaceV1Metadata

        address = chart.name.replace("-", "_")
        namespace = NamespaceV1(
            self, f"{address}_namespace", provider=self._kubernetes_provider, metadata=NamespaceV1Metadata(name=chart.name)
        )
        annotations = {"iam.gke.io/gcp-service-account": self._identity.email}
        return self._release(
            address,
            {**values, "serviceAccount": {"name": chart.name, "annotations": annotations}},
            name=chart.name,
            namespace=namespace.metadata.name,
            repository=self._repository or chart.repository,
            chart=chart.name,
            version=version,
            depends_on=self._identity.grants,
        )

    def _release(self, id: str, values: dict[str, Any], **arguments: Any) -> "Release":
        from cdktf_cdktf_provider_helm.release import Release

        return Release(
            self,
            id,
            provider=self._provider,
            values=[Fn.yamlencode(values)],
            atomic=True,
            cleanup_on_fail=True,
            wait=True,
            timeout=_SECONDS_PER_RELEASE,
            upgrade_install=True,
            **arguments,
        )


def _cert_manager_values() -> dict[str, Any]:
    return {
        # Kept when the release is uninstalled: with the CRDs, Kubernetes would delete every certificate.
        "crds": {"enabled": True, "keep": True},
        # The chart's default is kube-system.
        "global": {"leaderElection": {"namespace": CERT_MANAGER.name}},
        # Public ones, for networks in which the domain resolves differently.
        "dns01RecursiveNameservers": _NAME_SERVERS,
        "dns01RecursiveNameserversOnly": True,
        # GKE's firewall rules allow the control plane to reach this port on private nodes.
        "webhook": {"securePort": 10250},
    }


def _external_dns_values(project: str, owner: str, zone: DnsZone) -> dict[str, Any]:
    return {
        "provider": {"name": "google"},
        "sources": ["service", "ingress"],
        "policy": "sync",  # removes records too, but only its own
        "registry": "txt",
        "txtOwnerId": owner,
        "txtPrefix": _OWNER_RECORD_PREFIX,
        "domainFilters": [zone.domain],
        "logFormat": "json",
        "extraArgs": [
            f"--google-project={project}",
            "--google-zone-visibility=public",
            f"--zone-id-filter={zone.name}",
            "--txt-wildcard-replacement=wildcard",  # * is not allowed inside a name
        ],
    }


@jsii.implements(IStackSynthesizer)
class _CopyIssuerChart:
    """Synthesizes a stack as before and then copies the chart into its folder.

    Not a `TerraformAsset`: its path contains a hash or an address, and the path of the chart is part of the state.
    """

    def __init__(self, stack: TerraformStack, synthesizer: IStackSynthesizer) -> None:
        self._stack, self._synthesizer = stack, synthesizer

    def synthesize(self, session: ISynthesisSession) -> None:
        """Write the stack and the chart, wherever the app or the cdktf CLI wants them."""
        self._synthesizer.synthesize(session)
        folder = Path(session.outdir, session.manifest.for_stack(self._stack).working_directory, ISSUER_CHART_FOLDER)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(ISSUER_CHART, folder)
