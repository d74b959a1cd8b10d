"""Regions of Google Cloud and the letters of their zones.

Owns: the list, and the rule that a zone of a known region exists. Leaves to others: the form of the names (`gcp_names`), and what a
zone offers.

There is a list because some regions skip letters: `us-east1-a` has the form of a zone, but does not exist. A region that is not on the list
is accepted with a warning.

Source: https://cloud.google.com/compute/docs/regions-zones (2026-09-20)
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from gitpod_pov.faults import Fault

_REGIONS = (
    *("africa-south1", "asia-east1", "asia-east2", "asia-northeast1", "asia-northeast2", "asia-northeast3", "asia-south1", "asia-south2"),
    *("asia-southeast1", "asia-southeast2", "asia-southeast3", "australia-southeast1", "australia-southeast2"),
    *("europe-central2", "europe-north1", "europe-north2", "europe-southwest1", "europe-west1", "europe-west2", "europe-west3"),
    *("europe-west4", "europe-west6", "europe-west8", "europe-west9", "europe-west10", "europe-west12"),
    *("me-central1", "me-central2", "me-west1", "northamerica-northeast1", "northamerica-northeast2", "northamerica-south1"),
    *("southamerica-east1", "southamerica-west1", "us-central1", "us-east1", "us-east4", "us-east5", "us-south1"),
    *("us-west1", "us-west2", "us-west3", "us-west4"),
)
_LETTERS: Mapping[str, str] = MappingProxyType(
    {**dict.fromkeys(_REGIONS, "abc"), "europe-west1": "bcd", "us-central1": "abcf", "us-east1": "bcd"}
)
"""The letters of each region's zones."""


def is_known_region(region: str) -> bool:
    """Return whether the region is on the list."""
    return region in _LETTERS


def known_zones(region: str) -> list[str]:
    """Return the zones of a known region; none for another region."""
    return [f"{region}-{letter}" for letter in _LETTERS.get(region, "")]


def zone_faults(region: str, zones: Sequence[str]) -> Iterator[Fault]:
    """Yield a fault for every zone outside the region, and for every one that a known region does not have.

    Passes AI zones, such as us-central1-ai1a.
    """
    known = known_zones(region)
    for index, zone in enumerate(zones):
        if not zone.startswith(f"{region}-"):
            yield Fault(("zones", index), f"is not a zone of {region}")
        elif known and zone not in known and re.fullmatch(rf"{region}-[a-z]", zone):
            yield Fault(("zones", index), f"does not exist; the zones of {region} are {', '.join(known)}")
