"""Reads the deployment files of a folder.

Owns: which files are read, what no file may contain, the rules between files, and how faults are reported. Leaves to others: the model of
a deployment (`model`).
"""

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from gitpod_pov.cluster_network import ranges_of
from gitpod_pov.configuration import RefusedValueError, without_tokens
from gitpod_pov.faults import Fault, Faults, escaped, printable, refuse, show
from gitpod_pov.gcp_names import Pattern
from gitpod_pov.tokens import is_token

from deployment.model import Deployment

DEPLOYMENTS = Path(__file__).parents[1] / "deployments"
"""The folder that the commands read."""

_NAME = Pattern(
    r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?",
    "a deployment name: at most 40 lowercase letters, digits and hyphens, starting with a letter and not ending with a hyphen",
)

_TOKENS = ("${TfToken[", "#{TfToken[", "&{TfToken[")
"""How cdktf marks values that are known only at apply: https://developer.hashicorp.com/terraform/cdktf/concepts/tokens

The configurations accept them, from an application. In a file, cdktf would look up a token that does not exist.
"""


class RefusedDeploymentsError(Exception):
    """The deployments of a folder are refused.

    Attributes:
        messages: one line for each fault, sorted by file and key.
    """

    def __init__(self, messages: list[str]) -> None:
        super().__init__("\n".join(messages))
        self.messages = messages

    @classmethod
    def of(cls, faults: Iterable[tuple[Path, Fault]]) -> "RefusedDeploymentsError":
        """Return the error with these faults, each with its file."""
        ordered = sorted(faults, key=lambda found: (found[0], found[1].rank))
        shown = {path: display_path(path) for path, _ in ordered}
        return cls([f"{shown[path]}: {fault}" for path, fault in ordered])


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
        raise RefusedDeploymentsError([f"{display_path(folder)}: cannot be read: {_reason(error)}"]) from None
    if not files:
        raise RefusedDeploymentsError([f"{display_path(folder)}: has no deployments; add a file NAME.toml"])
    deployments: dict[Path, Deployment] = {}  # of a refused file, what is known of it
    faults: list[tuple[Path, Fault]] = []
    for path in files:
        try:
            deployments[path] = _load(path)
        except Faults as error:
            faults += ((path, fault) for fault in error.faults)
            if isinstance(error.known, Deployment):
                deployments[path] = error.known
    faults += faults_between(deployments)
    if faults:
        raise RefusedDeploymentsError.of(faults)
    return {path.stem: deployment for path, deployment in deployments.items()}


def _load(path: Path) -> Deployment:
    """Return the deployment that a file describes.

    Raises:
        Faults: with every fault of the file.
    """
    content = _content(path)
    reserved = list(_reserved_text(content))
    try:
        deployment = Deployment.checked(content)
    except Faults as error:
        keys = {fault.key for fault in reserved}
        raise Faults([*reserved, *(fault for fault in error.faults if fault.key not in keys)], error.known) from None
    refuse(reserved, without_tokens(deployment))
    return deployment


def _content(path: Path) -> dict[str, Any]:
    """Return the content of a file.

    Raises:
        Faults: with the reason why there is none.
    """
    try:
        reason = _not_a_deployment_file(path)
        if not reason:
            text = path.read_bytes().decode()
            if not text.startswith("\ufeff"):
                return tomllib.loads(text)
            reason = "begins with a byte order mark; save it as UTF-8 without one"
    except OSError as error:
        reason = f"cannot be read: {_reason(error)}"
    except UnicodeDecodeError as error:
        reason = f"is not UTF-8 text: byte {error.start + 1} is {error.object[error.start]:#04x}; save it as UTF-8"
    except tomllib.TOMLDecodeError as error:
        reason = f"is not TOML: {_syntax_error(error)}"
    except RecursionError:
        reason = "cannot be read: its values are nested too deeply"
    except ValueError:  # from int(), which limits the number of digits
        reason = "cannot be read: it has a number of more than 4300 digits"
    raise Faults([Fault((), reason)])


def _not_a_deployment_file(path: Path) -> str | None:
    """Return why a path is not read, or None."""
    if path.is_symlink() and not path.exists():
        return "is a broken link; repair it or move it out of this folder"
    if not path.is_file():  # a directory, or a pipe, where a read would block
        return "is not a file; move it out of this folder"
    if path.suffix != ".toml":
        return "is not a deployment file; name it NAME.toml or move it out of this folder"
    return name_problem(path.stem)


def name_problem(name: str) -> str | None:
    """Return why a deployment cannot have a name, or None."""
    try:
        _NAME.check(name)
    except ValueError as error:
        return f"has a name that {error}"
    return None


def _syntax_error(error: tomllib.TOMLDecodeError) -> str:
    """Return what tomllib says about a syntax error, in TOML's terms instead of Python's."""
    reason, _, place = str(error).rpartition(" (at ")
    reason = reason.replace("Cannot overwrite a value", "A key is given a second value")
    reason = re.sub(r"\(('.*?'),?\)", lambda keys: keys[1].replace("', '", "."), reason)
    return printable(f"{reason[:1].lower()}{reason[1:]}") + escaped(f" (at {place}")


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()


def display_path(path: Path) -> str:
    """Return the path relative to the current directory if it is inside, with control characters escaped."""
    with suppress(ValueError, OSError):  # it is elsewhere, or the current directory is gone
        path = path.absolute().relative_to(Path.cwd())
    return escaped(path.as_posix())


def _reserved_text(content: dict[str, Any]) -> Iterator[Fault]:
    """Yield a fault for every key and every text with a special meaning in cdktf or JavaScript, at any depth."""
    pending: list[tuple[tuple[str | int, ...], Any]] = [((), content)]
    while pending:  # instead of a recursion, for which tables can be nested too deeply
        key, value = pending.pop()
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        pending += (((*key, part), item) for part, item in items)
        name = key[-1] if key else None
        if name == "__proto__":
            yield Fault(key, "is not allowed as a key: JavaScript, in which cdktf runs, reserves it; choose another key")
        if isinstance(value, float) and is_token(value):
            yield Fault(key, "is a number that cdktf reserves for tokens; write the value itself", value)
        for token in _TOKENS:
            if isinstance(name, str) and token in name:
                yield Fault(key, f"is not allowed as a key: it contains '{token}', which cdktf reserves for tokens; choose another key")
            if isinstance(value, str) and token in value:
                yield Fault(key, f"must not contain '{token}', which cdktf reserves for tokens; write the value itself", value)


def faults_between(deployments: Mapping[Path, Deployment]) -> Iterator[tuple[Path, Fault]]:
    """Yield a fault for everything that a deployment would create or use, and another one has already."""
    yield from _collisions(deployments)
    yield from _shared_grants(deployments)
    yield from _overlaps(deployments)


_Identity = tuple[object, ...]


@dataclass(frozen=True)
class _Single:
    """Something that only one deployment can have.

    Attributes:
        key: the input that asks for it.
        of: what identifies it: its kind, where it is, and last the value of the input; None where a deployment does not ask for it.
        problem: what is wrong if an earlier deployment, its `owner`, has it too; it follows the word `is`.
        part_of: what identifies the thing that it belongs to. If two deployments create that too, only that is reported.
    """

    key: tuple[str, str]
    of: Callable[[Deployment], _Identity | None]
    problem: str = "already in use: {owner} creates the {0} with this name in project '{1}'; choose another"
    part_of: Callable[[Deployment], _Identity | None] = lambda _: None


def _cluster(d: Deployment) -> _Identity:
    return "cluster", d.project, d.region, d.cluster.name


def _subnetwork(d: Deployment) -> _Identity:
    return "subnetwork", d.network.project_of(d.project), d.region, d.network.subnetwork_of(d.cluster.name)


def _created_subnetwork(d: Deployment) -> _Identity | None:
    return _subnetwork(d) if d.network.create_subnetwork else None


_SINGLE = (
    _Single(("cluster", "name"), _cluster),
    _Single(
        ("identity", "account_id"), lambda d: ("service account", d.project, d.identity.account_id) if d.identity.email is None else None
    ),
    _Single(
        ("network", "network"),
        lambda d: ("network", d.network.project_of(d.project), d.network.network) if d.network.create_network else None,
    ),
    _Single(("network", "subnetwork"), _created_subnetwork),
    _Single(("ingress", "domain"), lambda d: ("DNS records", d.project, d.ingress.domain) if d.ingress else None),
    _Single(
        ("ingress", "zone"),
        lambda d: ("DNS zone", d.project, d.ingress.zone_of(d.cluster.name)) if d.ingress and d.ingress.create_zone else None,
    ),
    _Single(("ingress", "account_id"), lambda d: ("service account", d.project, d.ingress.account_id) if d.ingress else None),
    _Single(
        ("network", "cloud_nat"),
        lambda d: ("Cloud NAT", _subnetwork(d), True) if d.network.cloud_nat else None,
        "not possible here: {owner} creates Cloud NAT for this subnetwork, which can have only one: set it to false",
        part_of=_created_subnetwork,
    ),
    _Single(
        ("cluster", "name"),
        lambda d: ("router", d.network.project_of(d.project), d.region, d.cluster.name) if d.network.cloud_nat else None,
        "not possible here: {owner} creates a router with the name of this cluster in the project of the network: choose another name",
        part_of=_cluster,
    ),
    _Single(
        ("network", "grant_service_agents"),
        lambda d: (
            ("grants", d.project, d.network.host_project, True) if d.network.grant_service_agents and d.network.host_project else None
        ),
        "not possible here: {owner} grants these roles, and a destroy of one of the two would remove the grants of both: set it to false",
    ),
)


def _collisions(deployments: Mapping[Path, Deployment]) -> Iterator[tuple[Path, Fault]]:
    """Yield a fault for everything that a deployment asks for and that an earlier one has already."""
    owners: dict[_Identity, Path] = {}
    for path, deployment in deployments.items():
        for single in _SINGLE:
            with suppress(RefusedValueError):
                if not (what := single.of(deployment)) or (owner := owners.setdefault(what, path)) == path:
                    continue
                if (whole := single.part_of(deployment)) is None or whole != single.part_of(deployments[owner]):
                    yield path, Fault(single.key, "is " + single.problem.format(*what, owner=display_path(owner)), what[-1])


def _shared_grants(deployments: Mapping[Path, Deployment]) -> Iterator[tuple[Path, Fault]]:
    """Yield a fault for every deployment that grants an existing account a role that another deployment grants it too."""
    owners: dict[tuple[str, str, str], Path] = {}
    for existing in (False, True):  # first the deployments that create the account
        for path, deployment in deployments.items():
            with suppress(RefusedValueError):
                identity, project = deployment.identity, deployment.project
                if (identity.email is not None) is not existing or not identity.grants_roles:
                    continue
                email = identity.email_in(project)
                shared = [role for role in identity.roles if owners.setdefault((project, email, role), path) != path]
                if shared and existing:
                    owner = display_path(owners[project, email, shared[0]])
                    message = (
                        f"would grant {shared[0]} to {email} in project '{project}', as {owner} does, and a destroy of one of them would "
                        "remove the grant for both; remove grant_roles"
                    )
                    yield path, Fault(("identity", "grant_roles"), message)


def _overlaps(deployments: Mapping[Path, Deployment]) -> Iterator[tuple[Path, Fault]]:
    """Yield a fault for every range that overlaps one of an earlier deployment in the same network, the first such deployment only.

    Ranges in CIDR notation overlap where one is inside the other: where the prefix of one begins with that of the other.
    """
    ranges: dict[Path, dict[str, IPv4Network]] = {}
    exactly, inside = dict[_Identity, Path](), dict[_Identity, Path]()  # by network and prefix: the first with it, and the first within it
    for path, deployment in deployments.items():
        with suppress(RefusedValueError):
            place = deployment.network.project_of(deployment.project), deployment.network.network
            own = ranges[path] = ranges_of(deployment.network)
            prefixes = {key: [(place, bits) for bits in _prefixes(cidr)] for key, cidr in own.items()}
            for key, cidr in own.items():
                found = [inside.get(prefixes[key][-1]), *map(exactly.get, prefixes[key])]
                if first := min(filter(None, found), default=None):
                    for taken_key, taken in ranges[first].items():
                        if taken.overlaps(cidr):
                            message = f"overlaps network.{taken_key} '{taken}' of {display_path(first)} in the same network; choose another"
                            yield path, Fault(("network", key), message, str(cidr))
            for own_prefixes in prefixes.values():
                exactly.setdefault(own_prefixes[-1], path)
                for prefix in own_prefixes:
                    inside.setdefault(prefix, path)


def _prefixes(cidr: IPv4Network) -> list[str]:
    """Return the first bits of a range's addresses, from none of them to all that they have in common."""
    bits = f"{int(cidr.network_address):032b}"
    return [bits[:length] for length in range(cidr.prefixlen + 1)]


def load_deployment(name: str, folder: Path) -> Deployment:
    """Read every deployment of a folder and return one of them.

    Raises:
        RefusedDeploymentsError: with every fault of every file, or with the names of the other deployments if this one does not exist.
    """
    return find_deployment(name, load_deployments(folder))


def find_deployment(name: str, deployments: Mapping[str, Deployment]) -> Deployment:
    """Return the deployment of that name.

    Raises:
        RefusedDeploymentsError: when there is none; the message is the same in every command.
    """
    if name not in deployments:
        near = difflib.get_close_matches(Path(name).stem, deployments, n=1)  # the stem, in case the path of the file was given
        suggestion = f"; did you mean '{near[0]}'?" if near else ""
        raise RefusedDeploymentsError([f"there is no deployment {show(name)}; known: {', '.join(deployments)}{suggestion}"])
    return deployments[name]
