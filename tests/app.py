"""Synthesizes deployments through `app.synth()` and reads the output back.

Not through cdktf's `Testing.synth`, which skips `prepareStack`: https://github.com/hashicorp/terraform-cdk/issues/3538
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployment.model import Deployment
from stacks.registry import build

ROOT = Path(__file__).parents[1]
"""The repository."""


@dataclass(frozen=True)
class Synthesized:
    outdir: Path

    @property
    def manifest(self) -> dict[str, Any]:
        manifest: dict[str, Any] = json.loads((self.outdir / "manifest.json").read_text())
        return manifest

    def text(self, stack: str) -> str:
        """Return the Terraform JSON of a stack, found through the manifest, as cdktf's matchers take it."""
        path: str = self.manifest["stacks"][stack]["synthesizedStackPath"]
        return (self.outdir / path).read_text()

    def stack(self, stack: str) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.text(stack))
        return parsed

    def resource(self, stack: str, address: str) -> dict[str, Any]:
        """Return one resource by its address, without cdktf's bookkeeping."""
        kind, name = address.split(".")
        resource: dict[str, Any] = self.stack(stack)["resource"][kind][name]
        return {key: value for key, value in resource.items() if key != "//"}

    def addresses(self, stack: str) -> set[str]:
        """Return the address of every resource and data source."""
        parsed = self.stack(stack)
        return {f"{kind}.{name}" for kind, named in parsed.get("resource", {}).items() for name in named} | {
            f"data.{kind}.{name}" for kind, named in parsed.get("data", {}).items() for name in named
        }

    def warnings(self, stack: str) -> set[str]:
        """Return the names of the risks that the stack warns about."""
        return {annotation["message"].partition(":")[0] for annotation in self.manifest["stacks"][stack]["annotations"]}


def synthesize(deployments: Mapping[str, Deployment], outdir: Path) -> Synthesized:
    build(deployments, str(outdir)).synth()
    return Synthesized(outdir)


def deployment(**sections: Any) -> Deployment:
    """Return a deployment as a file with these values would give; project and region have a value where none is given."""
    return Deployment.model_validate({"project": "demo-project", "region": "us-central1", **sections})
