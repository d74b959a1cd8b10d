"""A rehearsal: real Terraform on a synthesized stack, with stand-ins for its providers.

Owns the Terraform process: its working directory, its environment and its commands, and the reading of what it prints. Nothing is
downloaded: Terraform does not install providers that are reattached, whatever version a configuration or a lock file requires.

    with attach([cluster_stack, rbac_stack], tmp_path / "journal.jsonl") as stand_ins:
        cluster = Workspace(stand_ins, cluster_stack, tmp_path / "cluster")
        cluster.init()
        plan = cluster.plan()
        cluster.apply(plan)
        assert not cluster.plan().changes

A rehearsal shows that Terraform accepts the configuration, in which order it acts and what a second plan would do. It cannot show quota,
permissions, or whether the real API accepts the values.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from deployment import commands
from rehearsal.stand_in import StandIns, required_versions

Verb = Literal["create", "read", "update", "delete", "replace", "no-op", "forget"]

CONFIGURATION_FILES = ("cdk.tf.json", "main.tf.json")
OVERRIDE_FILE = "rehearsal_override.tf.json"
_REQUIRED_IN_HCL = re.compile(r'\b(\w+)\s*=\s*\{[^{}]*?\bversion\s*=\s*"([^"]+)"[^{}]*\}')


class TerraformError(Exception):
    """A Terraform command failed.

    Attributes:
        command: the command and its arguments.
        code: its exit status.
        output: what it printed.
    """

    def __init__(self, command: list[str], code: int, output: str) -> None:
        super().__init__(f"{' '.join(command)} ended with {code}:\n{output}")
        self.command, self.code, self.output = command, code, output


@dataclass(frozen=True)
class Action:
    """What a plan does to one resource.

    Attributes:
        address: the resource's address.
        type: its type.
        verb: what is done.
        because: the paths that force a replacement, such as ``node_config.0.oauth_scopes``.
        before: the values before, or None.
        after: the values after, or None; what is only known after the apply is missing.
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

    Attributes:
        file: where it is saved.
        actions: what it does to each resource, by address.
        outputs: what it does to each output, by name.
        drift: what changed without Terraform, by address.
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
        """Whether Terraform has nothing to do, outputs included."""
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
    """Return the synthesized configuration of a stack: the file itself, or the one in its folder.

    Raises:
        FileNotFoundError: when the folder has none.
    """
    files = [stack] if stack.is_file() else [stack / name for name in CONFIGURATION_FILES if (stack / name).exists()]
    if not files:
        raise FileNotFoundError(f"no {' or '.join(CONFIGURATION_FILES)} in {stack}")
    read: dict[str, Any] = json.loads(files[0].read_text())
    return read


def attach(stacks: Iterable[Path], journal: Path, versions: Mapping[str, str] | None = None) -> StandIns:
    """Return stand-ins that know every resource and data source of the stacks: a context manager that stops them again.

    Args:
        stacks: synthesized folders, or configuration files in JSON.
        journal: the file for the journal.
        versions: version by provider, whatever the stacks require.
    """
    return StandIns(journal, [configuration(stack) for stack in stacks], versions=versions)


class Workspace:
    """One stack, copied to its own directory, and Terraform in it.

    A backend that is not local is overridden by a local one. The methods are Terraform's commands. Each raises `TerraformError` when
    Terraform fails.

    Attributes:
        stand_ins: the providers.
        directory: Terraform's working directory.
        environment: the environment variables of its commands, besides those of the stand-ins.
    """

    def __init__(self, stand_ins: StandIns, stack: Path, directory: Path) -> None:
        """Copy the stack.

        Args:
            stand_ins: the providers.
            stack: a synthesized folder, or a configuration file in JSON; it is only read.
            directory: is created. The relative path of a local backend starts here, so it must be as deep as the path climbs.
        """
        self.stand_ins, self.directory = stand_ins, directory
        directory.mkdir(parents=True, exist_ok=True)
        own = directory / ".rehearsal"
        own.mkdir(exist_ok=True)
        self._plans = own
        (own / "terraform.rc").write_text("")
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("TF_", "GOOGLE_", "KUBE"))},
            "CHECKPOINT_DISABLE": "1",
            "TF_CLI_CONFIG_FILE": str(own / "terraform.rc"),
            "TF_DATA_DIR": str(own / "data"),
            "TF_IN_AUTOMATION": "1",
            "GOGC": "400",  # less garbage collection, a sixth of the processor time of such short processes
            "TF_INPUT": "0",
        }
        self.synthesize(stack)

    def synthesize(self, stack: Path) -> None:
        """Replace the configuration, as an engineer who changes a deployment does."""
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
        """Return the arguments of one resource, `type.name`, in the copied configuration."""
        kind, name = address.split(".")
        block: dict[str, Any] = json.loads((self.directory / "cdk.tf.json").read_text())["resource"][kind][name]
        return block

    def edit(self, address: str, **arguments: Any) -> None:
        """Change arguments of one resource, `type.name`, in the copied configuration; None removes an argument."""
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
        """Start a command in a separate process, to be interrupted or killed."""
        return subprocess.Popen(
            [commands.terraform(), *arguments, "-no-color"],
            cwd=self.directory,
            env={**self.environment, **self._environment_of_providers()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _environment_of_providers(self) -> dict[str, str]:
        requirements: dict[str, list[str]] = {}
        for file in sorted(self.directory.glob("*.tf")):
            for name, version in _REQUIRED_IN_HCL.findall(file.read_text().partition("required_providers")[2]):
                requirements.setdefault(name, []).append(version)
        contents = [json.loads(file.read_text()) for file in sorted(self.directory.glob("*.tf.json"))]
        for name, version in (one for content in contents for one in required_versions(content)):
            requirements.setdefault(name, []).append(version)
        return self.stand_ins.environment_for(requirements, contents)

    def run(self, *arguments: str) -> str:
        """Run a command and return what it prints."""
        with self.start(*arguments) as process:
            output, _ = process.communicate()
        if process.returncode:
            raise TerraformError([commands.terraform(), *arguments], process.returncode, output)
        return output

    def init(self) -> None:
        """Initialize the directory."""
        self.run("init")

    def validate(self) -> list[str]:
        """Return the warnings of a valid configuration."""
        with self.start("validate", "-json") as process:
            output, _ = process.communicate()
        result = json.loads(output)
        messages = [f"{one['summary']}: {one.get('detail', '')}" for one in result["diagnostics"]]
        if not result["valid"]:
            raise TerraformError([commands.terraform(), "validate"], process.returncode, "\n".join(messages))
        return messages

    def plan(self, *arguments: str) -> Plan:
        """Plan into a file, with additional arguments such as `-destroy`."""
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
        """Destroy everything that the state has."""
        return self.run("destroy", "-auto-approve")

    def import_(self, address: str, id: str) -> str:
        """Add an object that already exists to the state."""
        return self.run("import", address, id)

    def untaint(self, address: str) -> str:
        """Remove the mark by which the next apply would replace a resource."""
        return self.run("untaint", address)

    def state_rm(self, address: str) -> str:
        """Remove a resource from the state, without destroying it."""
        return self.run("state", "rm", address)

    def state(self) -> dict[str, dict[str, Any]]:
        """Return the values of the resources in the state, by address; it is empty after a destroy."""
        return {resource["address"]: resource["values"] for resource in self._resources()}

    def tainted(self) -> set[str]:
        """Return the addresses that the next apply replaces because their creation failed."""
        return {resource["address"] for resource in self._resources() if resource.get("tainted")}

    def _resources(self) -> list[dict[str, Any]]:
        content = json.loads(self.run("show", "-json"))
        resources = content.get("values", {}).get("root_module", {}).get("resources", [])
        return [resource for resource in resources if resource["mode"] == "managed"]

    def outputs(self) -> dict[str, Any]:
        """Return the values of the outputs, by name."""
        return {name: output["value"] for name, output in json.loads(self.run("output", "-json")).items()}
