"""Scans the stacks of a deployment with checkov: `python -m checks.scan NAME`, part of `make scan`.

Owns: what is scanned, and which findings are accepted. A finding is accepted if `accepted.toml` lists it with a reason, for the profile
of the deployment or for the deployment itself, or if the deployment acknowledges the risk that the finding is about. Leaves to others:
checkov, which runs from its own environment (`make .checkov/.synced`), because it has many pinned dependencies.

checkov scans a copy that is changed in two places. The copy does not have the `terraform` block: checkov's reader of Terraform JSON fails
on `required_version`, a string where it expects a table, and the block contains nothing to scan. The copy contains the member of the node
service account: checkov does not resolve references, and would not see which grants belong to a service account. checkov ignores cdktf's
`//` keys.

Exit status: 0 when every finding is accepted, 1 when one is not, 2 when the deployment is refused or checkov does not run.
"""

import json
import os
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployment import commands

if __name__ == "__main__":
    commands.start()

from deployment.model import Deployment
from deployment.reading import DEPLOYMENTS, RefusedDeploymentsError, load_deployment
from stacks.registry import synthesize

CHECKOV = DEPLOYMENTS.parent / ".checkov" / "bin" / "checkov"
ACCEPTED: dict[str, Any] = tomllib.loads((Path(__file__).parent / "accepted.toml").read_text())
_MEMBER = "${google_service_account.identity.member}"


class ScanError(Exception):
    """checkov did not run, or did not read its input."""


@dataclass(frozen=True)
class Result:
    """The result of a check by checkov for a resource.

    Attributes:
        deployment: name of the deployment.
        check: ID of the check, such as CKV_GCP_26.
        resource: name of the resource, as checkov writes it.
        title: what the check requires.
        passed: whether the resource passes.
    """

    deployment: str
    check: str
    resource: str
    title: str
    passed: bool


def scan(deployments: Mapping[str, Deployment]) -> list[Result]:
    """Return the results of checkov for the stacks of deployments, by name.

    Raises:
        ScanError: when checkov is not installed, fails, or has no result for one of them.
    """
    if not CHECKOV.exists():
        raise ScanError("checkov is not installed: run `make .checkov/.synced`")
    with tempfile.TemporaryDirectory() as temporary:
        for name, deployment in deployments.items():
            with commands.step(f"synthesize {name}"):
                _write(name, deployment, Path(temporary) / "scanned" / name)
        options = ["--framework", "terraform_json", "--output", "json", "--skip-download", "--soft-fail"]
        with commands.step("run checkov"):
            process = subprocess.run(  # noqa: S603 - the pinned program
                [str(CHECKOV), "--directory", f"{temporary}/scanned", *options],
                env={**os.environ, "HOME": temporary},
                capture_output=True,
                text=True,
                check=False,
            )
    if process.returncode:
        raise ScanError(f"checkov ended with {process.returncode}: {process.stderr.strip()}")
    report = json.loads(process.stdout)
    results = list(_results(report))
    if report["summary"]["parsing_errors"] or deployments.keys() - {result.deployment for result in results}:
        raise ScanError("checkov did not read every stack")
    return results


def _write(name: str, deployment: Deployment, folder: Path) -> None:
    """Write the stacks of a deployment into a folder, in a form that checkov can read."""
    folder.mkdir(parents=True)
    account = f"serviceAccount:{deployment.identity.email_in(deployment.project)}"
    for stack in synthesize(name, deployment):
        content = {section: blocks for section, blocks in stack.content.items() if section != "terraform"}
        (folder / f"{stack.name}.tf.json").write_text(json.dumps(content).replace(_MEMBER, account))


def _results(report: dict[str, Any]) -> Iterator[Result]:
    for passed, checks in ((True, "passed_checks"), (False, "failed_checks")):
        for check in report["results"][checks]:
            deployment = check["file_path"].split("/")[1]
            yield Result(deployment, check["check_id"], check["resource"].removeprefix("resource."), check["check_name"], passed)


def remaining(deployment: Deployment, results: list[Result]) -> dict[Result, str]:
    """Return the findings that are not accepted, each with what to do.

    Args:
        deployment: the deployment.
        results: the results of checkov for it.
    """
    found = {}
    for result in results:
        accepted = (ACCEPTED[deployment.profile], ACCEPTED.get("deployments", {}).get(result.deployment, {}))
        if result.passed or any(result.resource in table.get(result.check, {}).get("resources", ()) for table in accepted):
            continue
        remedy = "change the input, or accept it with a reason in checks/accepted.toml"
        risk = ACCEPTED["risks"].get(result.check, {})
        if result.resource in risk.get("resources", ()):
            if risk["risk"] in deployment.acknowledged_risks:
                continue
            remedy = f"change the input, or add '{risk['risk']}' to acknowledged_risks"
        found[result] = remedy
    return found


@commands.refused(RefusedDeploymentsError, ScanError)
def main(name: str, folder: Path = DEPLOYMENTS) -> int:
    """Scan the deployment `name` and print the findings that are not accepted; return the exit status."""
    deployment = load_deployment(name, folder)
    results = scan({name: deployment})
    found = remaining(deployment, results)
    file = f"{os.path.relpath(folder / name)}.toml"
    for result, remedy in found.items():
        print(f"{file}: {result.check} {result.resource}: {result.title}: {remedy}")  # noqa: T201
    findings = sum(not result.passed for result in results)
    print(f"{file}: findings: {findings}, of them accepted or acknowledged: {findings - len(found)}")  # noqa: T201
    return 1 if found else 0


if __name__ == "__main__":
    commands.run(main, commands.Arguments("python -m checks.scan", "name"))
