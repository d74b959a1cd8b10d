from collections.abc import Callable
from typing import Any

import pytest
from cdktf import Testing

from tests.app import Synthesized

INGRESS: dict[str, Any] = {"domain": "gitpod.acme-corp.dev", "acme_email": "ops@acme-corp.dev"}
MEMBER = "${google_service_account.dns_identity.member}"


def grants(app: Synthesized) -> dict[str, dict[str, Any]]:
    resources = app.stack("pov-ingress")["resource"]
    return {
        f"{kind}.{name}": {key: value for key, value in block.items() if key != "//"}
        for kind, named in resources.items()
        if "_iam_" in kind
        for name, block in named.items()
    }


AS_PODS = {
    f"google_service_account_iam_member.dns_identity_as_{name.replace('-', '_')}": {
        "service_account_id": "${google_service_account.dns_identity.name}",
        "role": "roles/iam.workloadIdentityUser",
        "member": f"serviceAccount:demo-project.svc.id.goog[{name}/{name}]",
    }
    for name in ("cert-manager", "external-dns")
}


def test_service_account(synth: Callable[..., Synthesized]) -> None:
    assert Testing.to_have_resource_with_properties(
        synth(ingress=INGRESS).text("pov-ingress"),
        "google_service_account",
        {"account_id": "gitpod-dns01-solver", "display_name": "gitpod-dns01-solver", "project": "demo-project"},
    )


def test_the_guide_grants_every_zone_of_the_project(synth: Callable[..., Synthesized]) -> None:
    assert grants(synth(ingress=INGRESS)) == {
        **AS_PODS,
        "google_project_iam_member.dns_identity_dns_admin": {"project": "demo-project", "role": "roles/dns.admin", "member": MEMBER},
    }


@pytest.mark.parametrize(
    ("create_zone", "zone"),
    [(True, "${google_dns_managed_zone.zone.name}"), (False, "${data.google_dns_managed_zone.zone.name}")],
)
def test_least_privilege_grants_one_zone_and_the_list_of_zones(synth: Callable[..., Synthesized], zone: str, *, create_zone: bool) -> None:
    assert grants(synth(ingress={**INGRESS, "dns_access": "least-privilege", "create_zone": create_zone})) == {
        **AS_PODS,
        "google_dns_managed_zone_iam_member.dns_identity_zone_admin": {
            "project": "demo-project",
            "managed_zone": zone,
            "role": "roles/dns.admin",
            "member": MEMBER,
        },
        "google_project_iam_member.dns_identity_dns_reader": {"project": "demo-project", "role": "roles/dns.reader", "member": MEMBER},
    }


def test_there_are_no_keys(synth: Callable[..., Synthesized]) -> None:
    app = synth(ingress=INGRESS)
    assert not {"google_service_account_key", "kubernetes_secret", "kubernetes_secret_v1"} & app.stack("pov-ingress")["resource"].keys()
