"""Prints the effective values of a deployment, each with where it comes from: `make show DEPLOYMENT=pov`.

Owns: the form, which is that of a deployment file: what is printed can be read back and means the same. Leaves to others: reading and
refusing (`deployment`).
"""

import json
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from deployment import commands

if __name__ == "__main__":
    commands.start()

from gitpod_pov.configuration import Configuration

from pydantic import BaseModel

from deployment.ingress import derived_from_ingress
from deployment.model import Deployment
from deployment.profile import profile_of
from deployment.reading import DEPLOYMENTS, RefusedDeploymentsError, load_deployment

_LONGEST_LINE = 120


def effective_values(deployment: Deployment, content: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a deployment file that says everything, with `# file`, `# profile` or `# derived` where a value is no default.

    Args:
        deployment: the deployment as it is built.
        content: its file as it was read.
    """
    profile, derived = profile_of(content), derived_from_ingress(content)
    for key, value in _values(deployment):
        if not isinstance(value, BaseModel) and not _named_tables(value):
            yield from _lines(key, value, _origin(key, content, {}, {}))
    for section, values in _values(deployment):
        if isinstance(values, BaseModel):
            yield from _section(section, values, content.get(section, {}), profile.get(section, {}), derived.get(section, {}))
        for name, table in _named_tables(values).items():
            yield from _section(f"{section}.{name}", table, content[section][name], {}, {})


def _section(
    heading: str, values: BaseModel, given: Mapping[str, Any], profile: Mapping[str, Any], derived: Mapping[str, Any]
) -> Iterator[str]:
    yield from ("", f"[{heading}]")
    for key, value in _values(values):
        yield from _lines(key, value, _origin(key, given, profile, derived))


def _named_tables(value: Any) -> Mapping[str, BaseModel]:
    """Return the value if it is a table of configurations by name, such as `pools`; otherwise an empty one."""
    return value if isinstance(value, dict) and any(isinstance(item, BaseModel) for item in value.values()) else {}


def _values(model: BaseModel) -> Iterator[tuple[str, Any]]:
    without_effect = model.without_effect if isinstance(model, Configuration) else ()
    return ((key, None if key in without_effect else getattr(model, key)) for key in type(model).model_fields)


def _origin(key: str, given: Mapping[str, Any], profile: Mapping[str, Any], derived: Mapping[str, Any]) -> str:
    return next((f"  # {name}" for name, keys in (("file", given), ("profile", profile), ("derived", derived)) if key in keys), "")


def _lines(key: str, value: Any, origin: str) -> Iterator[str]:
    if value is None:
        yield f"# {key} is left out"
    elif isinstance(value, tuple) and len(f"{key} = {_toml(value)}") > _LONGEST_LINE:
        yield f"{key} = [{origin}"
        yield from (f"    {_toml(item)}," for item in value)
        yield "]"
    else:
        yield f"{key} = {_toml(value)}{origin}"


def _toml(value: Any) -> str:
    if isinstance(value, BaseModel):
        value = {key: inner for key, inner in _values(value) if inner is not None}
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(inner)}" for key, inner in value.items()) + " }" if value else "{}"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    # true, false, numbers and strings are written alike in JSON and TOML, but for characters that a terminal would act on.
    text = json.dumps(value, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in text)


def main(name: str, folder: Path = DEPLOYMENTS) -> int:
    """Print the effective values of the deployment `name`; return the exit status, 2 when it is refused or there is none."""
    try:
        deployment = load_deployment(name, folder)
    except RefusedDeploymentsError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    content = tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8"))
    print("\n".join(effective_values(deployment, content)))  # noqa: T201
    return 0


if __name__ == "__main__":
    arguments = commands.Arguments("python -m deployment.show")
    arguments.add_argument("name", metavar="NAME")
    commands.run(main, arguments)
