from collections.abc import Callable
from typing import Any

from gitpod_pov.dns_zone import DnsZoneConfig
from gitpod_pov.faults import Faults

import pytest
from cdktf import Testing

from tests.app import Synthesized

INGRESS: dict[str, Any] = {"domain": "gitpod.acme-corp.dev", "acme_email": "ops@acme-corp.dev"}
ZONE = "google_dns_managed_zone.zone"


def test_is_a_public_zone_that_a_destroy_empties(synth: Callable[..., Synthesized]) -> None:
    app = synth(ingress=INGRESS)
    assert Testing.to_have_resource_with_properties(
        app.text("pov-ingress"),
        "google_dns_managed_zone",
        {
            "name": "gitpod",
            "project": "demo-project",
            "dns_name": "gitpod.acme-corp.dev.",
            "description": "Automatically managed zone by kubernetes.io/external-dns",
            "force_destroy": True,
        },
    )
    assert app.resource("pov-ingress", ZONE).get("visibility", "public") == "public"


@pytest.mark.parametrize(
    ("sections", "name"),
    [({}, "gitpod"), ({"cluster": {"name": "trial"}}, "trial"), ({"cluster": {"name": "trial"}, "ingress": {"zone": "own"}}, "own")],
)
def test_is_named_after_the_cluster_unless_it_has_a_name(synth: Callable[..., Synthesized], sections: dict[str, Any], name: str) -> None:
    app = synth(**{**sections, "ingress": {**INGRESS, **sections.get("ingress", {})}})
    assert app.resource("pov-ingress", ZONE)["name"] == name
    outputs = app.stack("pov-ingress")["output"]
    assert outputs["name_servers"]["value"] == f"${{{ZONE}.name_servers}}"
    assert outputs["dns_zone"]["value"] == f"${{{ZONE}.name}}"


def test_an_existing_zone_is_only_read(synth: Callable[..., Synthesized]) -> None:
    app = synth(ingress={**INGRESS, "create_zone": False, "zone": "own"})
    assert ZONE not in app.addresses("pov-ingress")
    zone = app.stack("pov-ingress")["data"]["google_dns_managed_zone"]["zone"]
    assert (zone["name"], zone["project"]) == ("own", "demo-project")
    conditions = [postcondition["condition"] for postcondition in zone["lifecycle"]["postcondition"]]
    assert conditions == ['${self.dns_name == "gitpod.acme-corp.dev."}', '${self.visibility == "public"}']
    # With depends_on, Terraform would read it, and check it, after the plan.
    assert "depends_on" not in zone


@pytest.mark.parametrize("zone", ["a", "a" * 63, "acme-corp-dev", "a1"])
def test_accepts_a_zone_name(zone: str) -> None:
    assert DnsZoneConfig(domain="acme.dev", zone=zone).zone == zone


@pytest.mark.parametrize("zone", ["", "a" * 64, "A", "1a", "a-", "-a", "a_b", "a.b"])
def test_refuses_a_zone_name(zone: str) -> None:
    with pytest.raises(Faults, match="is not a Cloud DNS zone name: at most 63 lowercase letters"):
        DnsZoneConfig.checked({"domain": "acme.dev", "zone": zone})
