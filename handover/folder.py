"""The files of a hand-over.

Owns: which files there are and what each contains: a root module for each stack, the same stacks as modules for a caller, an example that
calls every module, and a manifest of checksums. Also which files a later hand-over may replace. Leaves to others: the configuration
itself, its HCL text, the README's text and the picture.
"""

import copy
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from gitpod_pov.gke_cluster import oldest_google
from gitpod_pov.node_pool import all_pools
from gitpod_pov.provider_versions import SUPPORTED, module_range, parsed

from deployment.commands import write_files
from deployment.model import Deployment
from deployment.parameters import ParameterKey
from handover.comments import comments_of
from handover.contents import Handover
from handover.example import DATA_REFERENCE, example
from handover.hcl import Forms, hcl, values_file
from handover.picture import picture
from handover.readme import readme
from handover.stacks import Format, HandoverError, Stack, parameters_in, reading_order, stacks_of
from handover.variables import Json, is_required, parameters_of, variable, variable_name

MANIFEST = "MANIFEST.sha256"
_CHECKSUM = re.compile(r"(?P<sum>[0-9a-f]{64})  (?P<path>.+)")

KEPT = ("terraform.tfvars", "backend.tf", "backend.tf.json")
"""Names of the files that are written once and belong to the team from then on. They are not in the manifest."""


def files_of(name: str, deployment: Deployment, form: Format = "hcl") -> dict[str, bytes]:
    """Return the files of a hand-over by path, including the manifest.

    Args:
        name: the deployment's name.
        deployment: the deployment.
        form: the syntax of the configuration.

    Raises:
        HandoverError: when no hand-over of this deployment is possible.
    """
    stacks = stacks_of(name, deployment)
    modules = [_without_providers(stack) for stack in stacks]
    variables = {key: variable(deployment, key) for key in parameters_of(deployment)}
    handover = Handover(name, deployment, {f"{number}-{one.name}": one for number, one in enumerate(stacks, 1)}, modules, variables, form)
    contents = {"example": example(stacks, modules, deployment)}
    contents |= {folder: _root(stack, handover) for folder, stack in handover.roots.items()}
    contents |= {f"modules/{module.name}": _module(module, handover) for module in modules}
    files = _hcl_files(contents, handover) if form == "hcl" else _json_files(contents)
    files |= {f"{folder}/{path}": asset for folder, stack in handover.folders.items() for path, asset in stack.source.assets.items()}
    values = "terraform.tfvars" if form == "hcl" else "terraform.tfvars.example"
    for folder, stack in handover.roots.items():
        if stack.parameters:
            files[f"{folder}/{values}"] = values_file({variable_name(key): variables[key] for key in stack.parameters})
    files["picture.svg"] = picture(name, deployment, {f"Folder {folder}": stack.source for folder, stack in handover.roots.items()})
    files["README.md"] = readme(handover)
    found = {path: content.encode() if isinstance(content, str) else content for path, content in sorted(files.items())}
    sums = "".join(f"{_checksum(content)}  {path}\n" for path, content in found.items() if Path(path).name not in KEPT)
    return {**found, MANIFEST: sums.encode()}


def write(files: Mapping[str, bytes], directory: Path, *, force: bool = False) -> list[str]:
    """Write a hand-over, in place of an earlier one, and return the paths of the files that it keeps as they are.

    Every file is checked before one is written. What else is in the folder, such as a state, stays.

    Args:
        files: the files by path.
        directory: the folder.
        force: whether to overwrite files that were edited.

    Raises:
        HandoverError: when the folder is not empty and does not contain a hand-over, contains one in the other format, or has files that
            were edited and would change.
    """
    earlier = _earlier(directory)
    if earlier and _is_json(earlier) != _is_json(files):
        other = "JSON" if _is_json(earlier) else "HCL"
        raise HandoverError(
            f"{directory}: contains a hand-over in {other}: use FORMAT={other.lower()}, or choose another folder with TO=DIR"
        )
    kept = [path for path in files if Path(path).name in KEPT and (directory / path).exists()]
    new = {path: content for path, content in files.items() if path not in kept}
    inside = directory.resolve()
    removed = [path for path in earlier if path not in files and (directory / path).resolve().is_relative_to(inside)]
    edited = sorted(
        path for path in (*new, *removed) if path != MANIFEST and _was_edited(directory / path, earlier.get(path), new.get(path))
    )
    if edited and not force:
        raise HandoverError(
            "\n".join(
                f"{directory / path}: was edited after the last hand-over, and this one changes it: move the edit to your own file, "
                "or overwrite it with FORCE=1"
                for path in edited
            )
        )
    write_files(directory, new)
    for path in removed:
        (directory / path).unlink(missing_ok=True)
    return kept


def _earlier(directory: Path) -> dict[str, str]:
    """Return the checksums of the hand-over that a folder contains, by path; none for a folder that is empty or missing."""
    manifest = directory / MANIFEST
    lines = manifest.read_text(encoding="utf-8").splitlines() if manifest.is_file() else []
    sums = {found["path"]: found["sum"] for line in lines if (found := _CHECKSUM.fullmatch(line))}
    if directory.is_dir() and any(directory.iterdir()) and (len(sums) < len(lines) or "README.md" not in sums):
        raise HandoverError(f"{directory}: is not empty and does not contain a hand-over: choose another folder with TO=DIR")
    return sums


def _is_json(paths: Mapping[str, object]) -> bool:
    return any(path.endswith(".tf.json") for path in paths)


def _was_edited(file: Path, written: str | None, content: bytes | None) -> bool:
    """Return whether a file is neither as the last hand-over wrote it nor as this one does."""
    return file.is_file() and file.read_bytes() != content and _checksum(file.read_bytes()) != written


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _hcl_files(contents: Mapping[str, Mapping[str, Json]], handover: Handover) -> dict[str, str | bytes]:
    forms = Forms.of(content for files in contents.values() for content in files.values())
    found: dict[str, str | bytes] = {}
    for folder, files in contents.items():
        stack = handover.folders.get(folder)
        comments, order = (comments_of(stack), reading_order(stack)) if stack else ({}, [])
        found |= {f"{folder}/{name}.tf": hcl(content, forms, comments, order) for name, content in files.items() if any(content.values())}
    return found


def _json_files(contents: Mapping[str, Mapping[str, Json]]) -> dict[str, str | bytes]:
    found: dict[str, str | bytes] = {}
    for folder, files in contents.items():
        merged = {**files, "terraform": files["versions"] | files.get("providers", {}), "versions": {}, "providers": {}}
        texts = {name: json.dumps(content, indent=2, ensure_ascii=False) for name, content in merged.items() if any(content.values())}
        found |= {f"{folder}/{name}.tf.json": f"{text}\n" for name, text in texts.items()}
    return found


def _root(stack: Stack, handover: Handover) -> dict[str, Json]:
    terraform = dict(stack.content["terraform"])
    backend = {key: terraform.pop(key) for key in _BACKENDS & terraform.keys()}
    if "local" in backend.get("backend", {}):
        backend = {}  # Terraform's own default: a file beside the configuration
    content = _configuration(stack, handover, terraform)
    return {**content, "providers": {"provider": stack.content["provider"]}, "backend": {"terraform": backend}}


def _module(module: Stack, handover: Handover) -> dict[str, Json]:
    cluster, google = handover.deployment.cluster, handover.deployment.providers.google
    oldest: dict[str, str] = {provider: supported.bindings for provider, supported in SUPPORTED.items()}
    upgrades = (pool.upgrade_settings.oldest_google(google) for pool in all_pools(handover.deployment).values())
    oldest["google"] = max([oldest_google(cluster, google), *upgrades], key=parsed)
    terraform = {key: value for key, value in module.content["terraform"].items() if key not in _BACKENDS}
    required = terraform["required_providers"]
    providers = {name: {**one, "version": module_range(one["version"], oldest[name])} for name, one in required.items()}
    return _configuration(module, handover, {**terraform, "required_providers": providers})


def _configuration(stack: Stack, handover: Handover, terraform: Json) -> dict[str, Json]:
    """Return what a root and a module have in common, in JSON syntax by file name without extension."""
    main = {section: content for section, content in stack.content.items() if content and section not in _FILES_OF_THEIR_OWN}
    for section in main.keys() & {"data", "resource"}:
        main[section] = {kind: {name: _in_reading_order(block) for name, block in named.items()} for kind, named in main[section].items()}
    return {
        "versions": {"terraform": terraform},
        "variables": {"variable": {variable_name(key): _declared(key, handover) for key in stack.parameters}},
        "main": main,
        "outputs": {"output": stack.content["output"]},
    }


def _declared(key: ParameterKey, handover: Handover) -> Json:
    """Return the block of a variable; in HCL without a default where two calls of a module must differ."""
    optional = handover.form == "json" or not is_required(handover.deployment, key)
    return {name: value for name, value in handover.variables[key].items() if optional or name != "default"}


_BACKENDS = frozenset({"backend", "cloud"})
_FILES_OF_THEIR_OWN = {"terraform", "provider", "output"}
"""Sections of a configuration that are not in the file `main`."""


def _in_reading_order(block: Json) -> Json:
    """Return a block with its arguments in alphabetical order between those that say how many and those that say when."""
    order = {"count": 0, "depends_on": 2, "lifecycle": 3}
    return dict(sorted(block.items(), key=lambda item: (order.get(item[0], 1), item[0])))


def _without_providers(stack: Stack) -> Stack:
    """Return a stack without its providers, and without the data sources that only those read."""
    content = copy.deepcopy({section: blocks for section, blocks in stack.content.items() if section != "provider"})
    text = json.dumps(content)
    for kind, name, _ in DATA_REFERENCE.findall(json.dumps(stack.content["provider"])):
        if f"data.{kind}.{name}" not in text:
            content["data"][kind].pop(name, None)
    content["data"] = {kind: named for kind, named in content["data"].items() if named}
    return replace(stack, content=content, parameters=parameters_in(content, stack.parameters))
