from collections.abc import Callable
from typing import Any

from gitpod_pov.faults import faults_of

import pytest
from pydantic import ValidationError

from tests.app import Synthesized, deployment

# Regions and their zones as https://cloud.google.com/compute/docs/regions-zones lists them.
SKIPPING = {"europe-west1": "bcd", "us-central1": "abcf", "us-east1": "bcd"}
WITH_A_B_C = """
africa-south1 asia-east1 asia-east2 asia-northeast1 asia-northeast2 asia-northeast3 asia-south1 asia-south2 asia-southeast1 asia-southeast2
asia-southeast3 australia-southeast1 australia-southeast2 europe-central2 europe-north1 europe-north2 europe-southwest1 europe-west2
europe-west3 europe-west4 europe-west6 europe-west8 europe-west9 europe-west10 europe-west12 me-central1 me-central2 me-west1
northamerica-northeast1 northamerica-northeast2 northamerica-south1 southamerica-east1 southamerica-west1 us-east4 us-east5 us-south1
us-west1 us-west2 us-west3 us-west4
"""
ZONES = {**dict.fromkeys(WITH_A_B_C.split(), "abc"), **SKIPPING}
MISSING = [
    ("us-central1", "us-central1-d", "us-central1-a, us-central1-b, us-central1-c, us-central1-f"),
    ("us-central1", "us-central1-e", "us-central1-a, us-central1-b, us-central1-c, us-central1-f"),
    ("us-east1", "us-east1-a", "us-east1-b, us-east1-c, us-east1-d"),
    ("europe-west1", "europe-west1-a", "europe-west1-b, europe-west1-c, europe-west1-d"),
    ("europe-west1", "europe-west1-e", "europe-west1-b, europe-west1-c, europe-west1-d"),
    ("europe-west4", "europe-west4-d", "europe-west4-a, europe-west4-b, europe-west4-c"),
    ("us-west1", "us-west1-z", "us-west1-a, us-west1-b, us-west1-c"),
    ("asia-southeast1", "asia-southeast1-f", "asia-southeast1-a, asia-southeast1-b, asia-southeast1-c"),
]


def refused(**values: Any) -> list[str]:
    try:
        deployment(**values)
    except ValidationError as error:
        return [str(fault) for fault in faults_of(error)]
    return []


@pytest.mark.parametrize("region", ZONES)
def test_every_zone_of_a_region(synth: Callable[..., Synthesized], region: str) -> None:
    zones = [f"{region}-{letter}" for letter in ZONES[region]]
    app = synth(region=region, zones=zones, node_pool={"max_nodes": 1})
    assert app.resource("pov-cluster", "google_container_cluster.cluster")["node_locations"] == zones
    assert "unknown-region" not in app.warnings("pov-cluster")


@pytest.mark.parametrize(("region", "zone", "known"), MISSING)
def test_a_zone_that_does_not_exist(region: str, zone: str, known: str) -> None:
    assert refused(region=region, zones=[f"{region}-b", zone]) == [f"zones[1]: '{zone}' does not exist; the zones of {region} are {known}"]


@pytest.mark.parametrize(
    ("region", "zones"),
    [("us-central1", ["us-central1-ai1a"]), ("us-south1", ["us-south1-a", "us-south1-ai1b"]), ("us-west4", [])],
)
def test_ai_zones_and_no_zones(region: str, zones: list[str]) -> None:
    assert refused(region=region, zones=zones) == []


@pytest.mark.parametrize(
    ("region", "zone"), [("us-west8", "us-west8-a"), ("us-central2", "us-central2-b"), ("antarctica-south1", "antarctica-south1-z")]
)
def test_a_region_that_is_not_on_the_list_is_a_warning(synth: Callable[..., Synthesized], region: str, zone: str) -> None:
    app = synth(region=region, zones=[zone])
    assert app.resource("pov-cluster", "google_container_cluster.cluster")["node_locations"] == [zone]
    assert "unknown-region" in app.warnings("pov-cluster")


def test_a_zone_of_another_region_is_one_fault() -> None:
    assert refused(region="us-east1", zones=["us-east4-z"]) == ["zones[0]: 'us-east4-z' is not a zone of us-east1"]
