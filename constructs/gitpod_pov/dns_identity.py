"""The identity with which Pods change the records of a DNS zone.

Owns: one service account, its access to Cloud DNS, and the two Kubernetes service accounts that may act as it. Leaves to others: the
Kubernetes service accounts themselves, which the charts create (`IngressCharts`), and keys, of which there are none: the Pods get their
credentials through Workload Identity Federation for GKE.

The bindings are imported where they are used, so that apps without this construct do not load them.

Source: https://docs.cloud.google.com/kubernetes-engine/docs/how-to/workload-identity
"""

from typing import Literal

from gitpod_pov.configuration import Configuration
from gitpod_pov.dns_zone import DnsZone
from gitpod_pov.gcp_names import ServiceAccountId
from gitpod_pov.project_apis import ProjectApis, waiting_for
from gitpod_pov.reasons import Reasons
from gitpod_pov.risks import warn

from cdktf import ITerraformDependable, TerraformProvider
from constructs import Construct

KUBERNETES_SERVICE_ACCOUNTS = ("cert-manager", "external-dns")
"""The Kubernetes service accounts that act as the identity. Each is in the namespace of the same name."""


class DnsIdentityConfig(Configuration):
    """Configuration of `DnsIdentity`."""

    account_id: ServiceAccountId = "gitpod-dns01-solver"
    """ID of the service account that changes DNS records, also its display name."""

    dns_access: Literal["guide", "least-privilege"] = "guide"
    """Access of the service account. `guide`: roles/dns.admin on the project, which covers every zone. `least-privilege`: roles/dns.admin
    on the zone and roles/dns.reader on the project.
    """


REASONS: Reasons = {
    "google_service_account": {"": "The service account of external-dns and cert-manager."},
    "google_service_account_iam_member": {"": "Lets a controller impersonate the service account, without a key."},
    "google_project_iam_member": {"": "Grants {role} in the project to external-dns and cert-manager."},
    "google_dns_managed_zone_iam_member": {"": "Grants {role} in this zone only to external-dns and cert-manager."},
}


class DnsIdentity(Construct):
    """A service account for external-dns and cert-manager.

    Attributes:
        email: e-mail of the service account, as a token.
        grants: for `depends_on` of resources that need the access.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        project: str,
        zone: DnsZone,
        apis: ProjectApis | None = None,
        config: DnsIdentityConfig | None = None,
        provider: TerraformProvider | None = None,
    ) -> None:
        from cdktf_cdktf_provider_google.dns_managed_zone_iam_member import DnsManagedZoneIamMember
        from cdktf_cdktf_provider_google.project_iam_member import ProjectIamMember
        from cdktf_cdktf_provider_google.service_account import ServiceAccount
        from cdktf_cdktf_provider_google.service_account_iam_member import ServiceAccountIamMember

        super().__init__(scope, id)
        config = config or DnsIdentityConfig()
        account = ServiceAccount(
            self,
            "Default",
            provider=provider,
            project=project,
            account_id=config.account_id,
            display_name=config.account_id,
            depends_on=waiting_for(apis),
        )
        self.email: str = account.email
        self.grants: list[ITerraformDependable] = [
            ServiceAccountIamMember(
                self,
                f"as_{name.replace('-', '_')}",
                provider=provider,
                service_account_id=account.name,
                role="roles/iam.workloadIdentityUser",
                member=f"serviceAccount:{project}.svc.id.goog[{name}/{name}]",
            )
            for name in KUBERNETES_SERVICE_ACCOUNTS
        ]
        if config.dns_access == "least-privilege":
            self.grants += [
                DnsManagedZoneIamMember(
                    self,
                    "zone_admin",
                    provider=provider,
                    project=project,
                    managed_zone=zone.name,
                    role="roles/dns.admin",
                    member=account.member,
                ),
                ProjectIamMember(self, "dns_reader", provider=provider, project=project, role="roles/dns.reader", member=account.member),
            ]
            return
        self.grants.append(
            ProjectIamMember(self, "dns_admin", provider=provider, project=project, role="roles/dns.admin", member=account.member)
        )
        warn(
            self,
            "dns-account-changes-every-zone",
            "external-dns and cert-manager hold roles/dns.admin on the project, as in the guide, so they can change and delete every DNS "
            'zone in it; set ingress.dns_access to "least-privilege"',
        )
