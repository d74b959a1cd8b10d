"""What checkov finds in hand-overs in HCL: nothing that is not accepted in the stacks that they come from.

Without checkov these tests are skipped; with REQUIRE_CHECKOV=1, which CI sets, they fail.
"""

import json
import subprocess
from typing import Any

import pytest

from checks.scan import ACCEPTED, CHECKOV
from handover.folder import files_of, write
from tests.app import deployment
from tests.checks.test_scan import TABLES
from tests.required import missing


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What checkov reports of the hand-overs of both profiles, with their variants."""
    if not CHECKOV.exists():
        missing("REQUIRE_CHECKOV", "checkov is not installed: run `make .checkov/.synced`")
    folder = tmp_path_factory.mktemp("scan")
    for table in ("reference", "hardened"):
        for name, sections in TABLES[table].items():
            write(files_of(name, deployment(zones=["us-central1-a"], **sections)), folder / table / name)
    options = ["--framework", "terraform", "--output", "json", "--skip-download", "--soft-fail"]
    process = subprocess.run([CHECKOV, "--directory", folder, *options], capture_output=True, text=True, check=True)
    reports = json.loads(process.stdout)
    return reports if isinstance(reports, list) else [reports]


def test_every_file_is_read(found: list[dict[str, Any]]) -> None:
    assert sum(report["summary"]["passed"] for report in found) > 0
    assert [error for report in found for error in report["results"]["parsing_errors"]] == []


def test_every_finding_is_accepted_in_the_stacks(found: list[dict[str, Any]]) -> None:
    findings = {
        (check["file_path"].split("/")[1], check["check_id"], check["resource"].rpartition(".")[2])
        for report in found
        for check in report["results"]["failed_checks"]
    }
    assert findings
    accepted = {
        (table, check, resource.rpartition(".")[2])
        for table in ("reference", "hardened")
        for check, entry in ACCEPTED[table].items()
        for resource in entry["resources"]
    }
    assert findings - accepted == set()
