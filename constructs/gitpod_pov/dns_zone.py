"""The public DNS zone for the names of a Gitpod installation.

Owns: the zone in Cloud DNS, or the look-up of an existing one. Leaves to others: the records in it, which external-dns and cert-manager
write, and the delegation, which only the owner of the parent domain can create.

The bindings are imported where they are used, so that apps without a zone do not load them.

Source: https://docs.cloud.google.com/dns/docs/zones
"""

from typing import Annotated

from gitpod_pov.configuration import Configuration
from gitpod_pov.domain_names import Domain
from gitpod_pov.gcp_names import Pattern
from gitpod_pov.project_apis import ProjectApis, waiting_for
from gitpod_pov.reasons import Reasons

from cdktf import Postcondition, TerraformProvider, TerraformResourceLifecycle
from constructs import Construct

ZoneName = Annotated[
    str,
    Pattern(
        r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?",
        "a Cloud DNS zone name: at most 63 lowercase letters, digits and hyphens, starting with a letter and not ending with a hyphen",
    ),
]
"""https://docs.cloud.google.com/dns/docs/reference/rest/v1/managedZones"""


class DnsZoneConfig(Configuration):
    """Configuration of `DnsZone`."""

    domain: Domain
    """Domain of the installation, which also uses `*.DOMAIN` and `*.ws.DOMAIN`. A change replaces the zone and its name servers."""

    zone: ZoneName | None = None
    """Name of the Cloud DNS zone. Default: the cluster's name. A change replaces the zone."""

    create_zone: bool = True
    """Whether to create the zone. If false, a public zone with this domain must exist in the project, and a destroy keeps it and its
    records.
    """

    def zone_of(self, cluster_name: str) -> str:
        """Return the name of the zone of a cluster: the configured one, or the cluster's own, as in the guide."""
        return self.zone or cluster_name


REASONS: Reasons = {
    "google_dns_managed_zone": {
        "": "The public DNS zone of the installation. Its parent domain must delegate the domain to the name servers in the outputs.",
        "force_destroy": "Cloud DNS does not delete a zone with records, and external-dns leaves its records when it is uninstalled.",
    },
    "data.google_dns_managed_zone": {"": "The existing public DNS zone of the installation."},
}


class DnsZone(Construct):
    """A public managed zone.

    Attributes:
        domain: the domain, without a trailing dot.
        name: name of the zone, as a token.
        name_servers: the name servers to delegate the domain to, as a token.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        project: str,
        cluster_name: str,
        config: DnsZoneConfig,
        apis: ProjectApis | None = None,
        provider: TerraformProvider | None = None,
    ) -> None:
        from cdktf_cdktf_provider_google.data_google_dns_managed_zone import DataGoogleDnsManagedZone
        from cdktf_cdktf_provider_google.dns_managed_zone import DnsManagedZone

        super().__init__(scope, id)
        self.domain = config.domain
        zone: DnsManagedZone | DataGoogleDnsManagedZone
        if config.create_zone:
            zone = DnsManagedZone(
                self,
                "Default",
                provider=provider,
                project=project,
                name=config.zone_of(cluster_name),
                dns_name=f"{config.domain}.",
                description="Automatically managed zone by kubernetes.io/external-dns",
                force_destroy=True,
                depends_on=waiting_for(apis),
            )
        else:  # without depends_on, which would delay the lookup and its postconditions from the plan to the apply
            zone = DataGoogleDnsManagedZone(
                self,
                "Default",
                provider=provider,
                project=project,
                name=config.zone_of(cluster_name),
                lifecycle=TerraformResourceLifecycle(postcondition=_postconditions(config.domain)),
            )
        self.name: str = zone.name
        self.name_servers: list[str] = zone.name_servers


def _postconditions(domain: str) -> list[Postcondition]:
    return [
        Postcondition(
            condition=f'${{self.dns_name == "{domain}."}}',
            error_message=(
                f"The zone ${{self.name}} has the DNS name ${{self.dns_name}}, but ingress.domain is {domain}. Set ingress.zone "
                "to the zone of the domain, or remove ingress.create_zone to create one."
            ),
        ),
        Postcondition(
            condition='${self.visibility == "public"}',
            error_message=(
                "The zone ${self.name} is private, so certificate authorities cannot resolve its names. Set ingress.zone to a public "
                "zone, or remove ingress.create_zone to create one."
            ),
        ),
    ]
