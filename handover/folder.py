"""The files of a hand-over.

Owns: which files there are and what each holds: a root configuration for each stack, the same stacks as modules, an example that calls
every module, and a manifest of checksums. Leaves to others: the configuration itself, the README's text and the picture.

Why Terraform's JSON form: its blocks and arguments come out of the synth as they are, and every tool of Terraform reads it.
"""

import copy
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from gitpod_pov.gke_cluster import oldest_google
from gitpod_pov.node_pool import all_pools
from gitpod_pov.provider_versions import SUPPORTED, module_range, parsed

from deployment.commands import write_files
from deployment.model import Deployment
from deployment.parameters import ParameterKey
from handover.example import DATA_REFERENCE, example
from handover.picture import picture
from handover.readme import readme
from handover.stacks import HandoverError, Stack, parameters_in, stacks_of
from handover.variables import Json, parameters_of, variable, variable_name

MANIFEST = "MANIFEST.sha256"


def files_of(name: str, deployment: Deployment) -> dict[str, bytes]:
    """Return the files of a hand-over by path, the manifest among them.

    Raises:
        HandoverError: when there can be none of this deployment.
    """
    stacks, risks = stacks_of(name, deployment)
    roots = {f"{number}-{stack.name}": stack for number, stack in enumerate(stacks, 1)}
    variables = {key: variable(deployment, key) for key in parameters_of(deployment)}
    oldest: dict[str, str] = {provider: supported.bindings for provider, supported in SUPPORTED.items()}
    google = deployment.providers.google
    upgrades = (pool.upgrade_settings.oldest_google(google) for pool in all_pools(deployment).values())
    oldest["google"] = max([oldest_google(deployment.cluster, google), *upgrades], key=parsed)
    modules = [_without_providers(stack) for stack in stacks]
    files: dict[str, Any] = _in_folder("example", example(stacks, modules, deployment))
    for folder, stack in roots.items():
        files |= _in_folder(folder, _root(stack, variables))
    for module in modules:
        files |= _in_folder(f"modules/{module.name}", _module(module, variables, oldest))
    files["picture.svg"] = picture(name, deployment, [f"Folder {folder}" for folder in roots])
    files["README.md"] = readme(name, deployment, roots=roots, modules=modules, variables=variables, risks=risks)
    found = {path: _bytes(content) for path, content in sorted(files.items())}
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {path}\n" for path, content in found.items())
    return {**found, MANIFEST: sums.encode()}


def write(files: dict[str, bytes], directory: Path) -> None:
    """Write a hand-over in place of an earlier one; what else is there, such as a state, stays.

    Raises:
        HandoverError: when the folder holds something and no hand-over.
    """
    manifest = directory / MANIFEST
    earlier = manifest.read_text().splitlines() if manifest.exists() else []
    if not manifest.exists() and directory.exists() and any(directory.iterdir()):
        raise HandoverError(f"{directory}: is not empty and does not contain a hand-over: choose another folder with TO=DIR")
    write_files(directory, files)
    for path in {line.partition("  ")[2] for line in earlier} - files.keys():
        if (directory / path).is_file() and (directory / path).resolve().is_relative_to(directory.resolve()):
            (directory / path).unlink()


def _in_folder(folder: str, files: Json) -> Json:
    return {f"{folder}/{path}": content for path, content in files.items() if content}


def _bytes(content: Json | str | bytes) -> bytes:
    if isinstance(content, dict):
        content = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    return content.encode() if isinstance(content, str) else content


def _root(stack: Stack, variables: dict[ParameterKey, Json]) -> Json:
    terraform = dict(stack.content["terraform"])
    backend = {key: terraform.pop(key) for key in ("backend", "cloud") if key in terraform}
    if "local" in backend.get("backend", {}):
        backend = {}  # Terraform's own default: a file beside the configuration
    return {
        "terraform.tf.json": {"terraform": terraform, "provider": stack.content["provider"]},
        "backend.tf.json": {"terraform": backend} if backend else {},
        **_configuration(stack, variables),
        "terraform.tfvars.example": _example_values(stack, variables),
    }


def _module(module: Stack, variables: dict[ParameterKey, Json], oldest: dict[str, str]) -> Json:
    terraform = {key: value for key, value in module.content["terraform"].items() if key not in {"backend", "cloud"}}
    required = terraform["required_providers"]
    providers = {name: {**one, "version": module_range(one["version"], oldest[name])} for name, one in required.items()}
    return {"terraform.tf.json": {"terraform": {**terraform, "required_providers": providers}}, **_configuration(module, variables)}


def _configuration(stack: Stack, variables: dict[ParameterKey, Json]) -> Json:
    main = {section: content for section, content in stack.content.items() if content and section not in _FILES_OF_THEIR_OWN}
    for section in main.keys() & {"data", "resource"}:
        main[section] = {kind: {name: _in_reading_order(block) for name, block in named.items()} for kind, named in main[section].items()}
    return {
        "variables.tf.json": {"variable": {variable_name(key): variables[key] for key in stack.parameters}} if stack.parameters else {},
        "main.tf.json": main,
        "outputs.tf.json": {"output": stack.content["output"]} if stack.content["output"] else {},
        **stack.assets,
    }


_FILES_OF_THEIR_OWN = {"terraform", "provider", "output"}
"""Sections of a configuration that are not in `main.tf.json`."""


def _in_reading_order(block: Json) -> Json:
    """Return a block with its arguments in alphabetical order between those that say how many and those that say when."""
    order = {"count": 0, "depends_on": 2, "lifecycle": 3}
    return dict(sorted(block.items(), key=lambda item: (order.get(item[0], 1), item[0])))


def _example_values(stack: Stack, variables: dict[ParameterKey, Json]) -> str:
    return "\n".join(
        f"# {variables[key]['description']}\n{variable_name(key)} = {json.dumps(variables[key]['default'])}\n" for key in stack.parameters
    )


def _without_providers(stack: Stack) -> Stack:
    """Return a stack without its providers, and without the data sources that only those read."""
    content = copy.deepcopy({section: blocks for section, blocks in stack.content.items() if section != "provider"})
    text = json.dumps(content)
    for kind, name, _ in DATA_REFERENCE.findall(json.dumps(stack.content["provider"])):
        if f"data.{kind}.{name}" not in text:
            content["data"][kind].pop(name, None)
    content["data"] = {kind: named for kind, named in content["data"].items() if named}
    return replace(stack, content=content, parameters=parameters_in(content, stack.parameters))
