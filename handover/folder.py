"""The files of a hand-over.

Owns: which files there are and what each holds: a root configuration for each stack, the same two as modules, an example that calls
both, and a manifest of checksums. Leaves to others: the configuration itself, the README's text and the picture.

Why Terraform's JSON form: its blocks and arguments come out of the synth as they are, and every tool of Terraform reads it.
"""

import copy
import hashlib
import json
import re
from pathlib import Path
from typing import Any

from deployment.model import Deployment
from deployment.parameters import ParameterKey
from handover.picture import picture
from handover.readme import readme
from handover.stacks import HandoverError, Stack, parameters_in, stacks_of
from handover.variables import Json, value_of, variable, variable_name

MANIFEST = "MANIFEST.sha256"
_FOLDERS = {"cluster": "1-cluster", "rbac": "2-rbac"}
_CLUSTER_LOOK_UP = re.compile(r"data\.google_container_cluster\.\w+\.([\w.\[\]]+)")


def files_of(name: str, deployment: Deployment) -> dict[str, bytes]:
    """Return the files of a hand-over by path, the manifest among them.

    Raises:
        HandoverError: when there can be none of this deployment.
    """
    stacks, risks = stacks_of(name, deployment)
    variables = {key: variable(deployment, key) for key in deployment.handover.parameters}
    files: dict[str, Any] = {}
    for stack in stacks:
        files |= _in_folder(_FOLDERS[stack.name], _root(stack, variables))
    modules = [_without_providers(stack) for stack in stacks]
    example = _example(stacks, modules, deployment)
    for module in modules:
        files |= _in_folder(f"modules/{module.name}", _module(module, variables))
    files |= _in_folder("example", example)
    texts = {path: content if isinstance(content, str) else _json(content) for path, content in files.items()}
    texts["picture.svg"] = picture(stacks)
    texts["README.md"] = readme(
        name, deployment, roots=dict(zip(_FOLDERS.values(), stacks, strict=True)), modules=modules, variables=variables, risks=risks
    )
    found = {path: text.encode() for path, text in sorted(texts.items())}
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {path}\n" for path, content in found.items())
    return {**found, MANIFEST: sums.encode()}


def write(files: dict[str, bytes], directory: Path) -> None:
    """Write a hand-over in place of an earlier one; what else is there, such as a state, stays.

    Raises:
        HandoverError: when the folder holds something and no hand-over.
    """
    manifest = directory / MANIFEST
    if manifest.exists():
        for line in manifest.read_text().splitlines():
            earlier = (directory / line.partition("  ")[2]).resolve()
            if earlier.is_relative_to(directory.resolve()):
                earlier.unlink(missing_ok=True)
    elif directory.exists() and any(directory.iterdir()):
        raise HandoverError(f"{directory}: is not empty and holds no hand-over, name another folder with TO=DIR")
    for path, content in files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_bytes(content)


def _in_folder(folder: str, files: Json) -> Json:
    return {f"{folder}/{path}": content for path, content in files.items() if content}


def _json(content: Json) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


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


def _module(module: Stack, variables: dict[ParameterKey, Json]) -> Json:
    terraform = {key: value for key, value in module.content["terraform"].items() if key not in {"backend", "cloud"}}
    providers = {
        name: {**provider, "version": _compatible_with(provider["version"])} for name, provider in terraform["required_providers"].items()
    }
    return {"terraform.tf.json": {"terraform": {**terraform, "required_providers": providers}}, **_configuration(module, variables)}


def _configuration(stack: Stack, variables: dict[ParameterKey, Json]) -> Json:
    main = {key: stack.content[key] for key in ("locals", "data", "resource") if stack.content.get(key)}
    for section in ("data", "resource"):
        main[section] = {
            kind: {name: _in_reading_order(block) for name, block in named.items()} for kind, named in main.get(section, {}).items()
        }
    return {
        "variables.tf.json": {"variable": {variable_name(key): variables[key] for key in stack.parameters}} if stack.parameters else {},
        "main.tf.json": {key: value for key, value in main.items() if value},
        "outputs.tf.json": {"output": stack.content["output"]},
    }


def _in_reading_order(block: Json) -> Json:
    """Return a block with its arguments in alphabetical order between those that say how many and those that say when."""
    order = {"count": 0, "depends_on": 2, "lifecycle": 3}
    return dict(sorted(block.items(), key=lambda item: (order.get(item[0], 1), item[0])))


def _compatible_with(version: str) -> str:
    return f">= {version}, < {int(version.partition('.')[0]) + 1}.0.0"


def _example_values(stack: Stack, variables: dict[ParameterKey, Json]) -> str:
    return "\n".join(
        f"# {variables[key]['description']}\n{variable_name(key)} = {json.dumps(variables[key]['default'])}\n" for key in stack.parameters
    )


def _without_providers(stack: Stack) -> Stack:
    """Return a stack without its providers, and without what only those need."""
    content = copy.deepcopy({key: value for key, value in stack.content.items() if key != "provider"})
    text = json.dumps(content)
    content["data"] = {
        kind: kept
        for kind, named in content.get("data", {}).items()
        if (kept := {name: block for name, block in named.items() if f"data.{kind}.{name}" in text})
    }
    return Stack(stack.name, content, parameters_in(content, stack.parameters), stack.groups)


def _example(stacks: list[Stack], modules: list[Stack], deployment: Deployment) -> Json:
    """Return a root that calls both modules; what the second's provider looks up, the first's outputs tell it.

    The look-up itself would fail in the first plan, when there is no cluster yet.
    """
    providers: Json = {}
    data: Json = {}
    required: Json = {}
    for stack, module in zip(stacks, modules, strict=True):
        text = json.dumps(stack.content["provider"])
        for key in stack.parameters:
            text = text.replace(f"${{var.{variable_name(key)}}}", str(value_of(deployment, key)))
        for path in _CLUSTER_LOOK_UP.findall(text):
            output = path.rpartition(".")[2]
            ((name, _),) = modules[0].content["resource"]["google_container_cluster"].items()
            modules[0].content["output"].setdefault(
                output,
                {"description": f"The cluster's {path}, for a provider.", "value": f"${{google_container_cluster.{name}.{path}}}"},
            )
        providers |= json.loads(_CLUSTER_LOOK_UP.sub(lambda found: f"module.cluster.{found[1].rpartition('.')[2]}", text))
        for kind, named in stack.content.get("data", {}).items():
            moved = {one: block for one, block in named.items() if one not in module.content["data"].get(kind, {})}
            if moved and kind != "google_container_cluster":
                data[kind] = moved
        required |= stack.content["terraform"]["required_providers"]
    calls = {
        module.name: {
            "source": f"../modules/{module.name}",
            **{variable_name(key): _plain(value_of(deployment, key)) for key in module.parameters},
        }
        for module in modules
    }
    return {
        "terraform.tf.json": {
            "terraform": {"required_version": stacks[0].content["terraform"]["required_version"], "required_providers": required},
            "provider": providers,
        },
        "main.tf.json": {"data": data, "module": calls},
        "outputs.tf.json": {
            "output": {
                name: {"description": output["description"], "value": f"${{module.{module.name}.{name}}}"}
                for module in modules
                for name, output in module.content["output"].items()
            }
        },
    }


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
