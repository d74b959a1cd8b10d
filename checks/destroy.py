"""Refuses to destroy a protected deployment before anything is destroyed: `python -m checks.destroy NAME`, part of `make destroy`.

Terraform destroys the stacks in reverse order and would fail only at the protected cluster. By then, the stacks that depend on it would be
destroyed. Two things protect a cluster: the deployment file, from which synthesis writes `prevent_destroy`, and the state, from which the
provider reads `deletion_protection`. Leaves to others: the destroy itself, and removing the protection.

Exit status: 0 when nothing protects the deployment, 2 when it is protected or refused.
"""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deployment import commands

if __name__ == "__main__":
    commands.start()

from deployment.reading import DEPLOYMENTS, RefusedDeploymentsError, load_deployment
from stacks.registry import stack_names

OUTDIR = Path("cdktf.out")
"""Where `make destroy` has synthesized the stacks, below the current directory."""

_ARGUMENT = "deletion_protection"


class UnreadableStateError(Exception):
    """The state of a stack cannot be read; the message is the reason."""


@commands.refused(RefusedDeploymentsError)
def main(name: str, folder: Path = DEPLOYMENTS, outdir: Path = OUTDIR) -> int:
    """Print what protects the deployment `name`, if anything does, and how to remove the protection; return the exit status."""
    deployment = load_deployment(name, folder)
    by_file = deployment.cluster.deletion_protection
    protected, steps = [], []
    for stack in (outdir / "stacks" / stack for stack in stack_names(name, deployment)):
        if _ARGUMENT not in (stack / "cdk.tf.json").read_text():
            continue  # nothing in this stack can be protected
        try:
            resources = protectable(stack)
        except UnreadableStateError as error:
            print(f"{stack.name}: the state cannot be read: {error}", file=sys.stderr)  # noqa: T201
            protected += [f"any cluster in {stack.name}"] if by_file else []
            continue
        for resource in resources:
            by_state = resource["values"][_ARGUMENT]
            protected += [resource["address"]] if by_file or by_state else []
            if by_state and resource.get("tainted"):  # an apply would replace it, which the provider also refuses
                steps.append(f"run `{shlex.quote(commands.terraform())} -chdir={stack} untaint {resource['address']}`")
    if not protected:
        return 0
    file = f"{os.path.relpath(folder / name)}.toml"
    if by_file:
        steps.insert(0, f"set cluster.deletion_protection = false in {file}")
    steps += [f"run `make deploy DEPLOYMENT={name}`", f"run `make destroy DEPLOYMENT={name}`"]
    reason = "true" if by_file else "false is not applied yet: the state still"
    message = f"{file}: cluster.deletion_protection: {reason} protects {' and '.join(protected)}; nothing was destroyed"
    return commands.refuse(f"{message}: {', then '.join(steps)}")


def protectable(stack: Path) -> list[dict[str, Any]]:
    """Return the resources in the state of a synthesized stack that can be protected, as `terraform show -json` prints them.

    Raises:
        UnreadableStateError: when Terraform cannot show the state, not even after `terraform init`.
    """
    lock = stack / ".terraform.lock.hcl"
    locked = lock.exists()
    try:
        state = _show(stack)
    except UnreadableStateError:
        try:
            _terraform(stack, "init", "-input=false")
            state = _show(stack)
        finally:
            if not locked:  # without a lock file, the cdktf CLI also locks the providers for the platform of remote runs
                lock.unlink(missing_ok=True)
    return [one for one in _resources(state.get("values", {}).get("root_module", {})) if _ARGUMENT in one["values"]]


def _show(stack: Path) -> dict[str, Any]:
    try:
        state: dict[str, Any] = json.loads(_terraform(stack, "show", "-json"))
    except json.JSONDecodeError as error:
        raise UnreadableStateError(f"terraform show -json: {error}") from None
    return state


def _resources(module: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (resource for resource in module.get("resources", []) if resource["mode"] == "managed")
    for child in module.get("child_modules", []):
        yield from _resources(child)


def _terraform(stack: Path, *arguments: str) -> str:
    """Return what a Terraform command prints. The binary is the one that the cdktf CLI would run."""
    program = commands.terraform()
    try:
        result = subprocess.run(  # noqa: S603 - the user's own program
            [program, *arguments, "-no-color"], cwd=stack, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise UnreadableStateError(f"{program}: {error.strerror}") from None
    if result.returncode:
        raise UnreadableStateError(" ".join(result.stderr.replace("│", " ").split()))
    return result.stdout


if __name__ == "__main__":
    commands.run(main, commands.Arguments("python -m checks.destroy", "name"))
