"""A rehearsal: real Terraform on a synthesized stack, with stand-ins for its providers.

Owns the Terraform process: its working directory, its environment and its commands, and the reading of what it
prints. Nothing is downloaded: Terraform does not install providers that it is told to attach to, whatever version a
configuration or a lock file asks for.

    with attach([cluster_stack, rbac_stack], tmp_path / "journal.jsonl") as stand_ins:
        cluster = Workspace(stand_ins, cluster_stack, tmp_path / "cluster")
        cluster.init()
        plan = cluster.plan()
        cluster.apply(plan)
        assert not cluster.plan().changes

What a rehearsal shows: that Terraform accepts the configuration, in which order it acts, what a second plan would do.
What it cannot show: quota, permissions, and whether the real API likes the values.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from rehearsal.stand_in import StandIns

Verb = Literal["create", "read", "update", "delete", "replace", "no-op", "forget"]

CONFIGURATION_FILES = ("cdk.tf.json", "main.tf.json")
OVERRIDE_FILE = "rehearsal_override.tf.json"


class TerraformError(Exception):
    """A Terraform command failed. `output` is what it printed."""

    def __init__(self, command: list[str], code: int, output: str) -> None:
        super().__init__(f"{' '.join(command)} ended with {code}:\n{output}")
        self.command, self.code, self.output = command, code, output


@dataclass(frozen=True)
class Action:
    """What a plan does to one resource.

    because: the paths that force a replacement, as `node_config.0.oauth_scopes`
    before, after: values; what is only known after the apply is missing in `after`
    """

    address: str
    type: str
    verb: Verb
    because: tuple[str, ...]
    before: dict[str, Any] | None
    after: dict[str, Any] | None

    @property
    def changed(self) -> set[str]:
        """The arguments that an update or a replacement changes."""
        before, after = self.before or {}, self.after or {}
        return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


@dataclass(frozen=True)
class Plan:
    """A saved plan.

    actions: everything it speaks of, by address
    outputs: verb by output
    drift: what Terraform found changed behind its back, by address
    """

    file: Path
    actions: dict[str, Action]
    outputs: dict[str, Verb]
    drift: dict[str, Action] = field(default_factory=dict)

    @property
    def changes(self) -> dict[str, Verb]:
        """Verb by address, for resources that change. Empty for a plan without changes."""
        return {address: action.verb for address, action in self.actions.items() if action.verb not in ("no-op", "read")}

    @property
    def empty(self) -> bool:
        """Whether Terraform would say that there is nothing to do, outputs included."""
        return not self.changes and all(verb == "no-op" for verb in self.outputs.values())


def _verb(actions: list[str]) -> Verb:
    if len(actions) > 1:
        return "replace"
    verb: Verb = actions[0]  # type: ignore[assignment]
    return verb


def _read_actions(changes: list[dict[str, Any]]) -> dict[str, Action]:
    return {
        change["address"]: Action(
            change["address"],
            change["type"],
            _verb(change["change"]["actions"]),
            tuple(".".join(map(str, path)) for path in change["change"].get("replace_paths", [])),
            change["change"]["before"],
            change["change"]["after"],
        )
        for change in changes
    }


def configuration(stack: Path) -> dict[str, Any]:
    """The synthesized configuration of a stack: the file itself, or the one in its folder."""
    files = [stack] if stack.is_file() else [stack / name for name in CONFIGURATION_FILES if (stack / name).exists()]
    if not files:
        raise FileNotFoundError(f"no {' or '.join(CONFIGURATION_FILES)} in {stack}")
    read: dict[str, Any] = json.loads(files[0].read_text())
    return read


def attach(stacks: Iterable[Path], journal: Path) -> StandIns:
    """Stand-ins that know every resource and data source of the stacks: a context manager that stops them again."""
    read = [configuration(stack) for stack in stacks]
    resources = {kind for content in read for kind in content.get("resource", {})}
    data_sources = {kind for content in read for kind in content.get("data", {})}
    return StandIns(journal, resources, data_sources)


class Workspace:
    """One stack, copied to a directory of its own, and Terraform in it.

    stack: a synthesized folder, or a configuration file in JSON; it is only read
    directory: is created; the relative path of a local backend starts here, so lay it as deep as the path climbs

    A backend that is not local is overridden by a local one. The methods are Terraform's commands; each raises
    `TerraformError` where Terraform reports a failure.
    """

    def __init__(self, stand_ins: StandIns, stack: Path, directory: Path) -> None:
        self.stand_ins, self.directory = stand_ins, directory
        directory.mkdir(parents=True, exist_ok=True)
        own = directory / ".rehearsal"
        own.mkdir(exist_ok=True)
        self._plans = own
        (own / "terraform.rc").write_text("")
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("TF_", "GOOGLE_", "KUBE"))},
            **stand_ins.environment,
            "CHECKPOINT_DISABLE": "1",
            "TF_CLI_CONFIG_FILE": str(own / "terraform.rc"),
            "TF_DATA_DIR": str(own / "data"),
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
        }
        self.synthesize(stack)

    def synthesize(self, stack: Path) -> None:
        """Take over a configuration, in place of the one before: what an engineer does who changes a deployment."""
        content = configuration(stack)
        (self.directory / "cdk.tf.json").write_text(json.dumps(content, indent=2))
        for folder in ("assets", "charts"):
            if (stack / folder).is_dir():
                shutil.copytree(stack / folder, self.directory / folder, dirs_exist_ok=True)
        lock = stack / ".terraform.lock.hcl"
        if lock.exists():
            shutil.copy(lock, self.directory)
        settings = content.get("terraform", {})
        local = "local" in settings.get("backend", {"local": {}}) and "cloud" not in settings
        (self.directory / OVERRIDE_FILE).unlink(missing_ok=True)
        if not local:
            override = {"terraform": {"backend": {"local": {"path": "terraform.tfstate"}}}}
            (self.directory / OVERRIDE_FILE).write_text(json.dumps(override))

    def configured(self, address: str) -> dict[str, Any]:
        """The arguments of one resource in the copied configuration, `type.name`."""
        kind, name = address.split(".")
        block: dict[str, Any] = json.loads((self.directory / "cdk.tf.json").read_text())["resource"][kind][name]
        return block

    def edit(self, address: str, **arguments: Any) -> None:
        """Change arguments of one resource, `type.name`, in the copied configuration; None takes an argument out."""
        file = self.directory / "cdk.tf.json"
        content = json.loads(file.read_text())
        kind, name = address.split(".")
        block = content["resource"][kind][name]
        for argument, value in arguments.items():
            if value is None:
                del block[argument]
            else:
                block[argument] = value
        file.write_text(json.dumps(content, indent=2))

    # Commands

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """A command in a process of its own, to be interrupted or killed."""
        return subprocess.Popen(
            ["terraform", *arguments, "-no-color"],
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str) -> str:
        with self.start(*arguments) as process:
            output, _ = process.communicate()
        if process.returncode:
            raise TerraformError(["terraform", *arguments], process.returncode, output)
        return output

    def init(self) -> None:
        self.run("init")

    def validate(self) -> list[str]:
        """The warnings of a valid configuration."""
        with self.start("validate", "-json") as process:
            output, _ = process.communicate()
        result = json.loads(output)
        messages = [f"{one['summary']}: {one.get('detail', '')}" for one in result["diagnostics"]]
        if not result["valid"]:
            raise TerraformError(["terraform", "validate"], process.returncode, "\n".join(messages))
        return messages

    def plan(self, *arguments: str) -> Plan:
        """Plan into a file, with further arguments such as `-destroy`."""
        file = self._plans / f"{len(list(self._plans.glob('*.plan'))) + 1}.plan"
        self.run("plan", f"-out={file}", *arguments)
        content = json.loads(self.run("show", "-json", str(file)))
        outputs = {name: _verb(change["actions"]) for name, change in content.get("output_changes", {}).items()}
        drift = _read_actions(content.get("resource_drift", []))
        return Plan(file, _read_actions(content.get("resource_changes", [])), outputs, drift)

    def apply(self, plan: Plan | None = None) -> str:
        """Apply a saved plan, or plan and apply."""
        return self.run("apply", str(plan.file)) if plan else self.run("apply", "-auto-approve")

    def destroy(self) -> str:
        return self.run("destroy", "-auto-approve")

    def state(self) -> dict[str, dict[str, Any]]:
        """The values of what the state holds, by address; empty after a destroy."""
        content = json.loads(self.run("show", "-json"))
        resources = content.get("values", {}).get("root_module", {}).get("resources", [])
        return {resource["address"]: resource["values"] for resource in resources if resource["mode"] == "managed"}

    def tainted(self) -> set[str]:
        """Addresses that the next apply replaces because their creation failed half-way."""
        content = json.loads(self.run("show", "-json"))
        resources = content.get("values", {}).get("root_module", {}).get("resources", [])
        return {resource["address"] for resource in resources if resource.get("tainted")}

    def outputs(self) -> dict[str, Any]:
        return {name: output["value"] for name, output in json.loads(self.run("output", "-json")).items()}
