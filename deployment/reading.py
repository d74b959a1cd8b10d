"""Reads the deployment files of a folder.

Owns: which files are read, the rules between files, and the one-line messages in which every refused value is told. Leaves to
others: what a file may say (`model`).
"""

import difflib
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import combinations, product
from pathlib import Path
from typing import Any

from gitpod_pov.cluster_network import ClusterNetworkConfig, ranges_of
from gitpod_pov.configuration import Configuration, Fault, Faults, escaped, show
from gitpod_pov.gcp_names import Pattern

from deployment.model import Deployment

DEPLOYMENTS = Path(__file__).parents[1] / "deployments"
"""The folder that the commands read."""

_NAME = Pattern(
    r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?",
    "a deployment name: at most 40 lower-case letters, digits and hyphens, the first a letter, the last no hyphen",
)


class RefusedDeploymentsError(Exception):
    """The deployments of a folder are refused.

    Attributes:
        messages: one line for each fault, sorted by file and key.
    """

    def __init__(self, messages: list[str]) -> None:
        super().__init__("\n".join(messages))
        self.messages = messages


def load_deployments(folder: Path) -> dict[str, Deployment]:
    """Read every deployment of a folder, by name.

    Args:
        folder: holds one `NAME.toml` for each deployment.

    Raises:
        RefusedDeploymentsError: with every fault of every file.
    """
    try:
        files = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise RefusedDeploymentsError([f"{_shown(folder)}: cannot be read: {_reason(error)}"]) from None
    if not files:
        raise RefusedDeploymentsError([f"{_shown(folder)}: holds no deployment, add a file NAME.toml"])
    deployments: dict[Path, Deployment] = {}
    known: dict[Path, Configuration] = {}  # of a refused file what is valid of it
    faults: list[tuple[Path, Fault]] = []
    for path in files:
        try:
            known[path] = deployments[path] = _load(path)
        except Faults as error:
            faults += ((path, fault) for fault in error.faults)
            if error.known:
                known[path] = error.known
    faults += _collisions(known)
    if faults:
        faults.sort(key=lambda found: (found[0], found[1].rank))
        raise RefusedDeploymentsError([f"{_shown(path)}: {fault}" for path, fault in faults])
    return {path.stem: deployment for path, deployment in deployments.items()}


def _load(path: Path) -> Deployment:
    """Return the deployment that a file describes.

    Raises:
        Faults: with every fault of the file.
    """
    if fault := _no_deployment_file(path):
        raise Faults([Fault((), fault)])
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise Faults([Fault((), f"cannot be read: {_reason(error)}")]) from None
    except UnicodeDecodeError as error:
        raise Faults(
            [Fault((), f"is not UTF-8 text, byte {error.start + 1} is {error.object[error.start]:#04x}: save it as UTF-8")]
        ) from None
    if text.startswith("\ufeff"):
        raise Faults([Fault((), "begins with a byte order mark, save it as UTF-8 without one")])
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Faults([Fault((), f"is not TOML: {_told(error)}")]) from None
    except RecursionError:
        raise Faults([Fault((), "is not TOML that can be read: nested too deeply")]) from None
    except ValueError:  # from int(), which takes no more digits
        raise Faults([Fault((), "is not TOML that can be read: a number has more than 4300 digits")]) from None
    return Deployment.checked(content)


def _no_deployment_file(path: Path) -> str | None:
    """Return why nothing is read from a path, if so."""
    if path.is_symlink() and not path.exists():
        return "is a link to nothing, mend it or take it out of the folder"
    if not path.is_file():  # a directory; or a pipe, from which a read would wait forever
        return "is no file, take it out of the folder"
    if path.suffix != ".toml":
        return "is no deployment file, name it NAME.toml or take it out of the folder"
    try:
        _NAME.check(path.stem)
    except ValueError as error:
        return f"has a name that {error}"
    return None


def _told(error: tomllib.TOMLDecodeError) -> str:
    """Return what tomllib says of a syntax error, in the terms of a file rather than of Python."""
    reason = str(error).replace("Cannot overwrite a value", "A key is given a second value")
    reason = re.sub(r"\(('.*?'),?\)", lambda keys: keys[1].replace("', '", "."), reason)
    return escaped(reason[:1].lower() + reason[1:])


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()


def _shown(path: Path) -> str:
    """Return the path as a person at the prompt would write it, with nothing in it that a terminal would act on."""
    with suppress(ValueError, OSError):  # it lies elsewhere, or the current directory is gone
        path = path.absolute().relative_to(Path.cwd())
    return escaped(path.as_posix())


# What a deployment creates in its project, by the key that names it: the kind, and where its name must be unique.
_OWNED: dict[tuple[str, str], Callable[[Deployment], tuple[str, ...] | None]] = {
    ("cluster", "name"): lambda d: ("cluster", d.project, d.region, d.cluster.name),
    ("identity", "account_id"): lambda d: ("service account", d.project, d.identity.account_id),
    ("network", "network"): lambda d: ("network", d.project, d.network.network) if d.network.create_network else None,
    ("network", "subnetwork"): lambda d: ("subnetwork", d.project, d.region, d.network.subnetwork_of(d.cluster.name)),
}


def _collisions(deployments: Mapping[Path, Any]) -> Iterator[tuple[Path, Fault]]:
    """Yield a fault for everything that a deployment would create and an earlier one creates already."""
    owners: dict[tuple[str, ...], Path] = {}
    for path, deployment in deployments.items():
        for key, owned in _OWNED.items():
            with suppress(AttributeError):  # a value that it needs is refused already
                if (what := owned(deployment)) and (owner := owners.setdefault(what, path)) != path:
                    message = f"is taken: {_shown(owner)} creates the {what[0]} of that name in project '{what[1]}', choose another"
                    yield path, Fault(key, message, what[-1])
    for (first, one), (second, other) in combinations(deployments.items(), 2):
        with suppress(AttributeError):
            if (one.project, one.network.network) == (other.project, other.network.network):
                yield from ((second, fault) for fault in _overlaps(first, one.network, other.network))


def _overlaps(path: Path, network: ClusterNetworkConfig, other: ClusterNetworkConfig) -> Iterator[Fault]:
    for (taken_key, taken), (key, cidr) in product(ranges_of(network).items(), ranges_of(other).items()):
        if cidr.overlaps(taken):
            message = f"overlaps network.{taken_key} '{taken}' of {_shown(path)} in the same network, use a range apart from it"
            yield Fault(("network", key), message, str(cidr))


def load_deployment(name: str, folder: Path) -> Deployment:
    """Read every deployment of a folder and return one of them.

    Raises:
        RefusedDeploymentsError: with every fault of every file, or with the names there are when `name` is not one of them.
    """
    return find_deployment(name, load_deployments(folder))


def find_deployment(name: str, deployments: Mapping[str, Deployment]) -> Deployment:
    """Return the deployment of that name.

    Raises:
        RefusedDeploymentsError: when there is none; the message is the same in every command.
    """
    if name not in deployments:
        near = difflib.get_close_matches(Path(name).stem, deployments, n=1)  # the stem, for those who give the path of the file
        suggestion = f"; did you mean '{near[0]}'?" if near else ""
        raise RefusedDeploymentsError([f"there is no deployment {show(name)}; known: {', '.join(deployments)}{suggestion}"])
    return deployments[name]
