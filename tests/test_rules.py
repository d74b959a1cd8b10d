"""Every rule of a deployment file, with examples of both kinds and the whole line that refuses each bad one.

`RULES` is the specification as data. A rule without examples fails, unless `NO_INPUT` says why none can be given.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from gitpod_pov.node_pool import WORKLOAD_LABELS
from gitpod_pov.risks import Risk

import pytest

from deployment.reading import RefusedDeploymentsError, load_deployments
from tests.existing import NETWORK

RULES = {
    "project": "^[a-z][a-z0-9-]{4,28}[a-z0-9]$; the name, not the number",
    "region": "^[a-z]+-[a-z]+[0-9]+$",
    "zone": "^[a-z]+-[a-z]+[0-9]+-(ai[0-9]+)?[a-z]$",
    "zones in the region": "every zone in the region",
    "zones that exist": "a known region has the zone; tests/constructs/test_locations.py has more",
    "zones once": "no zone twice",
    "service account id": "6 to 30 characters, ^[a-z]([-a-z0-9]*[a-z0-9])?$",
    "cluster name": "at most 40, ^[a-z]([-a-z0-9]*[a-z0-9])?$",
    "node pool name": "at most 40, ^[a-z]([-a-z0-9]*[a-z0-9])?$",
    "network name": "^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$",
    "subnetwork name": "^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$",
    "subnetwork named after the cluster": "gitpod-<cluster> matches it too",
    "range names": "^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$; two different ones",
    "existing subnetwork": "named, with both of its ranges, and left as it is",
    "role": "roles/…, projects/…/roles/… or organizations/…/roles/…",
    "custom role": "of the project itself, not of another one",
    "roles once": "none twice",
    "existing service account": "the e-mail address of a service account, of any project; no account_id beside it",
    "grants apart": "two deployments do not grant one role to one existing account",
    "API": "<name>.googleapis.com",
    "APIs once": "none twice",
    "Kubernetes version": r"^\d+\.\d+(\.\d+)?(-gke\.\d+)?$",
    "node counts": "0 <= min <= initial <= max; max >= 1",
    "disk size": "10 GB or more, whole GB",
    "max pods per node": "8 to 256",
    "OAuth scopes": "full URLs without a trailing slash; the aliases default and gke-default are refused with the list they stand for",
    "node label syntax": "Kubernetes label syntax",
    "node label prefixes": "kubernetes.io/ and k8s.io/ prefixes refused",
    "labels of GKE": "no label that GKE sets itself; tests/constructs/test_reserved_names.py has more",
    "workload labels": "the five workload labels may not be overridden with another value",
    "total node counts": "0 <= min <= max; max >= 1; initial x zones <= max; not with the counts per zone",
    "upgrade settings": "settings of the chosen strategy only; an upgrade can start; not with a google version that cannot create it",
    "additional pools": "a valid GKE name, other than the main pool's; no name key",
    "workloads": "known, at most one additional pool for each, and no other pool has its label; the main pool may",
    "taints": "no taint repels a workload of its pool",
    "ranges for all pools": "the sum over all pools fits the node and the Pod range",
    "network tags": "^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$, none twice, at most 63",
    "GCP resource labels": "key ^[a-z][a-z0-9_-]{0,62}$, value ^[a-z0-9_-]{0,63}$, at most 64",
    "node metadata": "may not drop or change disable-legacy-endpoints",
    "metadata of GKE": "no key that GKE uses itself, and no more than it accepts; tests/constructs/test_reserved_names.py has more",
    "CIDR ranges": "valid, host bits zero, IPv4",
    "usable ranges": "inside one private range, or public and not Google's; none that Google Cloud prohibits",
    "nodes range": "/29 or larger",
    "services range": "/16 to /27",
    "ranges apart": "none overlapping another",
    "auto-mode range": "none inside 10.128.0.0/9 on the auto-mode default network",
    "Pod range capacity": "at least max nodes x zones blocks of the per-node size (32 - ceil(log2(2 x max pods))), zones taken as 3 "
    "where none are named; the message gives the largest max_nodes that fits and the smallest range that would do",
    "default pool capacity": "not fewer than the removed default pool takes (one node per zone, default max pods)",
    "node range capacity": "at least that many node addresses (plus the four that Google keeps)",
    "network policy": "calico or dataplane-v2",
    "notifications": "projects/PROJECT/topics/TOPIC, or an empty string",
    "release channel": "UNSPECIFIED, RAPID, REGULAR, STABLE, EXTENDED",
    "auto-upgrade": "with a channel auto_upgrade and auto_repair are true (left out: derived); without one both values are allowed",
    "provider version": "exact, within the supported range, and new enough for what the deployment uses",
    "admins": "user:, group: or serviceAccount: + an e-mail address; allUsers and the like refused",
    "groups": "group: only with cluster.rbac_security_group",
    "admins once": "none twice",
    "ClusterRole": "RBAC path segment: not . or .., no / or %",
    "bindings": "a name for a Terraform address and an RBAC object, which no other binding has; a ClusterRole, members, a namespace",
    "binding name": "RBAC path segment: not . or .., no / or %; not a binding of Kubernetes or GKE",
    "DNS name": "lowercase, labels of 1 to 63, without the trailing dot (added by the program)",
    "backend": "exactly the keys of its type",
    "deployment name": "makes both stack names: ^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$; unique",
    "deployments apart": "two deployments may not own the same cluster or service account of one project",
    "local state apart": "nor the same local state file",
    "unknown keys": "refused, with the nearest known key suggested",
    # Beyond the specification: what passed it and broke a synth, a plan or an apply.
    "addresses apart": "no two roles whose grants would have one Terraform address",
    "numbers": "no more nodes and GB than there can be, which is also what JSON and Node carry unchanged",
    "machine": "machine, disk and image type have the form of one",
    "machines of nodes": "x86 machines that exist and that GKE supports; tests/constructs/test_machine_types.py has more",
    "boot disks": "the machines can boot from the disk; tests/constructs/test_machine_types.py has more",
    "node images": "images with Linux and containerd; tests/constructs/test_node_images.py has more",
    "managed Prometheus": "not false beside monitoring components that need it",
    "free text": "no ${ and %{, which Terraform would read as expressions; no control characters",
    "backend values": "bucket, account, key, organization and host have the form of one",
    "host project": "a project ID; roles are granted to GKE's service agents only with one",
    "created network": "a network that is created is not the default one",
    "subnetwork of the default network": "not the name of the one that it has already",
    "authorized networks": "clients' networks, private ones with a private endpoint",
    "maintenance window": "4 to 24 hours at least once a week, which makes up the 48 hours in 92 days that GKE requires",
    "maintenance exclusions": "as many and as long as GKE accepts",
    "ranges of one network": "two deployments in one network of a project have no common addresses",
    "required": "project and region, and what a backend needs",
    "types": "strings, whole numbers, booleans, lists and tables are not converted into one another",
    "risks": "only known risks are acknowledged, none twice",
}

NO_INPUT = {
    "local state apart": "the file is named after the stack, and no two stacks have one name: test_no_two_stacks_share_a_state_file",
}


@dataclass(frozen=True)
class Example:
    """A deployment file, written as what differs from a minimal one.

    Attributes:
        rule: its key in `RULES`.
        toml: more lines of the file; a line `KEY = …` before any section takes the place of the minimal file's own.
        refused: what follows `deployments/pov.toml: ` on each line of the output; nothing for a good example.
    """

    rule: str
    toml: str
    refused: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        top = self.toml.partition("[")[0] if self.toml.startswith("[") else self.toml
        defaults = {"project": "demo-project", "region": "us-central1"}
        return "".join(f'{key} = "{value}"\n' for key, value in defaults.items() if not top.startswith(f"{key} =")) + self.toml


def values(rule: str, section: str, key: str, good: tuple[Any, ...], bad: Mapping[Any, str]) -> Iterator[Example]:
    """Yield an example for each value of one key; a bad one comes with the text that follows it in the message."""
    head, path = (f"[{section}]\n", f"{section}.{key}") if section else ("", key)
    for value in good:
        yield Example(rule, f"{head}{key} = {toml(value)}\n")
    for value, message in bad.items():
        yield Example(rule, f"{head}{key} = {toml(value)}\n", (f"{path}: {toml(value)} {message}",))


def toml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else f"'{value}'" if isinstance(value, str) else str(value)


def items(rule: str, section: str, key: str, good: tuple[str, ...], bad: Mapping[str, str]) -> Iterator[Example]:
    """Yield an example for each item of one list, as its second item where it is bad."""
    for value in good:
        yield Example(rule, f"[{section}]\n{key} = ['{value}']\n")
    for value, message in bad.items():
        yield Example(rule, f"[{section}]\n{key} = ['{good[0]}', '{value}']\n", (f"{section}.{key}[1]: '{value}' {message}",))


PROJECT = (
    "is not a project ID: 6 to 30 lowercase letters, digits and hyphens, starting with a letter and "
    "not ending with a hyphen (use the ID, not the number)"
)
RESOURCE_KEY = (
    "is not a resource label key: at most 63 lowercase letters, digits, hyphens and underscores, "
    "starting with a letter and not with goog-, which Google reserves"
)
REPELS = (
    "'NO_SCHEDULE' would repel Gitpod's workloads, which tolerate no taints: use PREFER_NO_SCHEDULE, or taint a pool that has no workloads"
)
TAG = "is not a network tag: at most 63 lowercase letters, digits and hyphens, starting with a letter and not ending with a hyphen"
RESOURCE_VALUE = "is not a resource label value: at most 63 lowercase letters, digits, hyphens and underscores"
REGION = "is not a region, such as us-central1 (for one zone of it, set zones)"
ZONE = "is not a zone, such as us-central1-a"
ACCOUNT = "is not a service account ID: 6 to 30 lowercase letters, digits and hyphens, starting with a letter and not ending with a hyphen"
GKE_NAME = "is not a valid GKE name: at most 40 lowercase letters, digits and hyphens, starting with a letter and not ending with a hyphen"
GCE_NAME = (
    "is not a valid Compute Engine name: at most 63 lowercase letters, digits and hyphens, starting "
    "with a letter and not ending with a hyphen"
)
ROLE = (
    "is not a role: roles/NAME, projects/PROJECT/roles/ID or organizations/NUMBER/roles/ID, with an ID of 3 to 64 letters, digits, "
    "underscores and dots"
)
API = "is not an API: NAME.googleapis.com"
VERSION = "is not a Kubernetes version, such as 1.33, 1.33.4 or 1.33.4-gke.1245000"
SCOPE = "is not an OAuth scope: https://www.googleapis.com/auth/NAME without a trailing slash"
ALIAS = (
    "is a gcloud alias; use the scopes that it stands for: https://www.googleapis.com/auth/cloud-platform, "
    "https://www.googleapis.com/auth/userinfo.email"
)
LABEL_KEY = (
    "is not a label key: an optional DNS prefix and /, then at most 63 letters, digits, hyphens, underscores and dots, the first and last "
    "a letter or digit"
)
LABEL = "is not a label value: at most 63 letters, digits, hyphens, underscores and dots, starting and ending with a letter or digit"
LABEL_PREFIX = "is under kubernetes.io or k8s.io, which Kubernetes reserves: use another prefix"
TWICE = "is listed twice"
MEMBER = "is not a member: user:EMAIL, group:EMAIL, or serviceAccount:EMAIL with a lowercase address that ends in gserviceaccount.com"
NO_GROUPS = (
    'has no effect: RBAC ignores "group:" members unless cluster.rbac_security_group is set; set it to gke-security-groups@DOMAIN, or '
    "list the users"
)
BINDING = "[admins.bindings.observers]\n"
OWN = "is the name of a binding that {} creates: choose another, such as gitpod-admins"
RBAC = "is not a valid RBAC name: it must not be empty, . or .., and must not contain /, %, ${ or control characters"
TEXT = "is not plain text: it must not contain control characters, ${ or %{, which Terraform evaluates"
BUCKET = (
    "is not a bucket name: 3 to 222 lowercase letters, digits, hyphens, underscores and dots, starting and ending with a letter or digit"
)
BUCKET_LENGTH = "is too long: a bucket name has at most 63 characters, or 63 in each part between dots"
BUCKET_DOTS = "has a dot next to another dot or a hyphen: a bucket name with dots must be a valid domain name"
BUCKET_GOOGLE = "starts with goog, or contains google or a close misspelling of it, which Cloud Storage does not allow in a bucket name"
PREFIX = (
    "is not an object prefix, such as team/gitpod: names separated by single slashes, none of them . "
    "or .., without ${, %{ or control characters"
)
SERVICE_ACCOUNT = "is not the e-mail address of a service account, such as ID@PROJECT.iam.gserviceaccount.com"
NODES = "nodes@platform-project.iam.gserviceaccount.com"
ORGANIZATION = "is not an organization name: 3 to 40 letters, digits, hyphens and underscores"
PROJECT_NAME = "is not a project name: 3 to 40 letters, digits, hyphens, underscores and spaces, not starting or ending with a space"
HOSTNAME = "is not a host name, such as tfe.example.com, with an optional port: without https://, a path or xn-- labels"
PRIVATE_RANGE = "use a private range, such as 10.0.0.0/20"
NOT_PRIVATE = (
    "is not a private range, which GKE requires with cluster.private_endpoint: use the range from which the clients reach the VPC "
    "network, or set cluster.private_endpoint to false"
)
WEEKLY_WINDOW = "[cluster.maintenance_window]\nstart_time = '2027-01-02T03:00:00Z'\nrecurrence = 'FREQ=WEEKLY;BYDAY=SA'\n"
EVERY = "remove authorized_networks to allow all of them, or list yours"
LEFT_AS_IT_IS = (
    "cannot be set if network.create_subnetwork is false, which leaves an existing subnetwork and its network as they are: remove it"
)
AUTO_MODE = (
    "overlaps 10.128.0.0/9, which the auto-mode network 'default' reserves: use a range outside it, such as one below "
    "10.128.0.0, or another network"
)
COUNTS = "must be from node_pool.min_nodes {} to node_pool.max_nodes {}"
DOMAIN = (
    "is not a domain name, such as gitpod.acme-corp.dev: two or more labels with dots between them, each with at most 63 lowercase "
    "letters, digits and hyphens; write other letters in Punycode (xn--)"
)
INGRESS = "[ingress]\nacme_email = 'ops@acme-corp.dev'\ndomain = '{}'"
URL = "https://www.googleapis.com/auth/"


def ranges(**cidrs: str) -> str:
    return "[network]\n" + "".join(f"{key} = '{cidr}'\n" for key, cidr in cidrs.items())


def existing(**values: Any) -> str:
    """Return a section of a network whose subnetwork exists, with these values in addition."""
    return "[network]\n" + "".join(f"{key} = {toml(value)}\n" for key, value in {**NETWORK, **values}.items())


def pool(max_nodes: int, network: str, *, zones: tuple[str, ...] = (), more: str = "") -> str:
    return f"zones = {list(zones)}\n{network}[node_pool]\nmax_nodes = {max_nodes}\n{more}"


def pods_per_node(pods: int, *, default: int | None = None) -> str:
    return f"max_pods_per_node = {pods}\n[cluster]\ndefault_max_pods_per_node = {default or pods}"


def backend(**keys: str) -> str:
    return "[backend]\n" + "".join(f"{key} = {toml(value)}\n" for key, value in keys.items())


def exclusions(*scopes: str) -> str:
    """Return a section with an exclusion of a week for each scope, one in every month from 2027 on."""
    return "".join(
        f"[[cluster.maintenance_exclusions]]\nname = 'e{index}'\nscope = '{scope}'\n"
        f"start_time = '{2027 + index // 12}-{index % 12 + 1:02}-01T00:00:00Z'\n"
        f"end_time = '{2027 + index // 12}-{index % 12 + 1:02}-08T00:00:00Z'\n"
        for index, scope in enumerate(scopes)
    )


ONE_ZONE = ("us-central1-a",)
DEFAULT_SUBNETWORK = (
    "is the name of the subnetwork that the auto-mode network 'default' has in every region: choose another, or leave it out"
)
GROUPS = "[cluster]\nrbac_security_group = 'gke-security-groups@example.com'\n"
EXAMPLES = [
    *values(
        "project",
        "",
        "project",
        ("abcdef", "demo-1", "a" * 30),
        dict.fromkeys(("abcde", "a" * 31, "123456789012", "1abcde", "abcdef-", "Abcdef", "ab_def", "example.com:demo", ""), PROJECT),
    ),
    *values(
        "region",
        "",
        "region",
        ("us-central1", "northamerica-northeast2", "europe-west12"),
        dict.fromkeys(("us-central1-a", "us-central", "central1", "US-central1", "us-central1 "), REGION),
    ),
    Example("zone", "zones = ['us-central1-a', 'us-central1-f']"),
    *(
        Example("zone", f"zones = ['us-central1-a', '{zone}']", (f"zones[1]: '{zone}' {ZONE}",))
        for zone in ("us-central1", "a", "us-central1-ab", "us-central1-A")
    ),
    Example("zones in the region", "region = 'us-central1'\nzones = ['us-central1-a']"),
    Example(
        "zones in the region",
        "zones = ['us-central1-a', 'us-central2-a', 'europe-west1-b']",
        ("zones[1]: 'us-central2-a' is not a zone of us-central1", "zones[2]: 'europe-west1-b' is not a zone of us-central1"),
    ),
    Example(
        "zones in the region",
        "region = 'us-central12'\nzones = ['us-central1-a']",
        ("zones[0]: 'us-central1-a' is not a zone of us-central12",),
    ),
    Example("zones that exist", "region = 'us-east1'\nzones = ['us-east1-b', 'us-east1-c', 'us-east1-d']"),
    Example(
        "zones that exist",
        "region = 'us-east1'\nzones = ['us-east1-a']",
        ("zones[0]: 'us-east1-a' does not exist; the zones of us-east1 are us-east1-b, us-east1-c, us-east1-d",),
    ),
    Example("zones once", "zones = ['us-central1-a', 'us-central1-b', 'us-central1-c']"),
    Example("zones once", "zones = ['us-central1-a', 'us-central1-b', 'us-central1-a']", (f"zones[2]: 'us-central1-a' {TWICE}",)),
    *values(
        "service account id",
        "identity",
        "account_id",
        ("abcdef", "a" * 30, "gitpod-gke"),
        dict.fromkeys(("abcde", "a" * 31, "abcdef-", "1abcdef", "Abcdef", "abc.def"), ACCOUNT),
    ),
    *values(
        "cluster name", "cluster", "name", ("a", "a" * 39, "a" * 40), dict.fromkeys(("a" * 41, "a-", "-a", "1a", "A", "a_b", ""), GKE_NAME)
    ),
    *values(
        "node pool name", "node_pool", "name", ("a", "a" * 39, "a" * 40), dict.fromkeys(("a" * 41, "a-", "-a", "1a", "A", ""), GKE_NAME)
    ),
    *values("network name", "network", "network", ("a", "a" * 62, "a" * 63), dict.fromkeys(("a" * 64, "a-", "1a", "A", ""), GCE_NAME)),
    *values("subnetwork name", "network", "subnetwork", ("a", "a" * 63), dict.fromkeys(("a" * 64, "a-", "1a", "A", ""), GCE_NAME)),
    Example("subnetwork named after the cluster", f"[cluster]\nname = '{'a' * 40}'"),
    Example("subnetwork named after the cluster", f"[cluster]\nname = '{'a' * 57}'", (f"cluster.name: '{'a' * 57}' {GKE_NAME}",)),
    *items(
        "role",
        "identity",
        "roles",
        (
            "roles/storage.admin",
            "projects/demo-project/roles/gitpod_Nodes.v1",
            f"projects/demo-project/roles/{'a' * 64}",
            "organizations/123456789012/roles/git",
        ),
        dict.fromkeys(
            (
                "storage.admin",
                "roles/",
                "roles/Default",
                "projects/Demo/roles/a",
                "organizations/demo/roles/a",
                "folders/1/roles/a",
                "roles/a/b",
                "projects/demo-project/roles/ab",
                "organizations/123456789012/roles/a-role",
            ),
            ROLE,
        ),
    ),
    Example("custom role", "[identity]\nroles = ['projects/demo-project/roles/nodes', 'organizations/1/roles/nodes']"),
    *(
        Example(
            "custom role",
            f"[identity]\nroles = ['projects/{project}/roles/nodes']",
            (
                (
                    f"identity.roles[0]: 'projects/{project}/roles/nodes' is a custom role of project '{project}', which cannot be granted "
                    "in 'demo-project': create it there, or use an organization role"
                ),
            ),
        )
        for project in ("other-project", "demo-project1", "demo-projec")
    ),
    Example("role", "[identity]\nroles = []"),
    Example("roles once", "[identity]\nroles = ['roles/a', 'roles/b']"),
    Example("roles once", "[identity]\nroles = ['roles/a', 'roles/b', 'roles/a']", (f"identity.roles[2]: 'roles/a' {TWICE}",)),
    *items(
        "API",
        "apis",
        "services",
        ("container.googleapis.com", "a-b.c.googleapis.com"),
        dict.fromkeys(
            ("container", "googleapis.com", ".googleapis.com", "Container.googleapis.com", "a.googleapis.com.", "a_b.googleapis.com"), API
        ),
    ),
    Example("APIs once", "[apis]\nservices = ['a.googleapis.com', 'b.googleapis.com']"),
    Example(
        "APIs once",
        "[apis]\nservices = ['a.googleapis.com', 'a.googleapis.com']",
        (f"apis.services[1]: 'a.googleapis.com' {TWICE}",),
    ),
    *values(
        "Kubernetes version",
        "cluster",
        "version",
        ("1.33", "1.33.4", "1.33.4-gke.1245000", "1.33-gke.1"),
        {
            **dict.fromkeys(("1", "latest", "-", "v1.33", "1.33.4-gke", "1.33.", "1.33.4.5", "\u0661.\u0663", ""), VERSION),
            1.33: "must be a string, in quotes",
        },
    ),
    Example("node counts", "[node_pool]\nmin_nodes = 0\ninitial_nodes = 0\nmax_nodes = 1"),
    Example("node counts", "[node_pool]\nmin_nodes = 2\ninitial_nodes = 2\nmax_nodes = 2"),
    Example("node counts", "[node_pool]\nmin_nodes = 1\ninitial_nodes = 3\nmax_nodes = 3"),
    Example("node counts", "[node_pool]\nmin_nodes = -1", ("node_pool.min_nodes: -1 must be 0 or more",)),
    Example("node counts", "[node_pool]\nmin_nodes = 0\ninitial_nodes = -1", ("node_pool.initial_nodes: -1 must be 0 or more",)),
    Example("node counts", "[node_pool]\nmin_nodes = 0\ninitial_nodes = 0\nmax_nodes = 0", ("node_pool.max_nodes: 0 must be 1 or more",)),
    Example("node counts", "[node_pool]\nmin_nodes = 2", (f"node_pool.initial_nodes: 1 {COUNTS.format(2, 50)}",)),
    Example("node counts", "[node_pool]\ninitial_nodes = 4\nmax_nodes = 3", (f"node_pool.initial_nodes: 4 {COUNTS.format(1, 3)}",)),
    Example(
        "node counts",
        "[node_pool]\nmin_nodes = 4\nmax_nodes = 3",
        ("node_pool.min_nodes: 4 is greater than node_pool.max_nodes 3: lower it, or raise node_pool.max_nodes",),
    ),
    *values(
        "disk size",
        "node_pool",
        "disk_size_gb",
        (10, 11),
        {
            9: "must be 10 or more",
            -10: "must be 10 or more",
            10.5: "must be a whole number",
            "100": "must be a whole number, without quotes",
        },
    ),
    *values("max pods per node", "node_pool", "max_pods_per_node", (8, 9, 255, 256), {7: "must be 8 or more", 257: "must be 256 or less"}),
    *values("max pods per node", "cluster", "default_max_pods_per_node", (8, 256), {7: "must be 8 or more", 257: "must be 256 or less"}),
    *items(
        "OAuth scopes",
        "node_pool",
        "oauth_scopes",
        (f"{URL}cloud-platform", f"{URL}devstorage.read_only"),
        {
            "default": ALIAS,
            "gke-default": ALIAS,
            "cloud-platform": SCOPE,
            URL: SCOPE,
            f"http{URL[5:]}compute": SCOPE,
            f"{URL}cloud-platform/": SCOPE,
            f"{URL}compute//": SCOPE,
            f"{URL}cloud-platform": TWICE,
        },
    ),
    Example(
        "node label syntax",
        f"[node_pool.labels]\na = ''\n'example.com/A_b.c-D' = '{'a' * 63}'\n{'a' * 63} = 'B_1.x-y'\n'{'a' * 253}/a' = 'a'",
    ),
    *(
        Example("node label syntax", f"[node_pool.labels]\n{written} = 'a'", (f"node_pool.labels.{shown or written}: '{key}' {LABEL_KEY}",))
        for key, written, shown in (
            ("a" * 64, "a" * 64, ""),
            ("a-", "a-", ""),
            ("", '""', ""),
            ("a b", '"a b"', ""),
            ("a/b/c", '"a/b/c"', ""),
            ("A.com/b", '"A.com/b"', ""),
            ("/b", '"/b"', ""),
            ("a\\n", '"a\\n"', ""),
        )
    ),
    *(
        Example("node label syntax", f"[node_pool.labels]\na = '{value}'", (f"node_pool.labels.a: '{value}' {LABEL}",))
        for value in ("a" * 64, "-a", "a_", "a b", "a/b")
    ),
    Example("node label prefixes", "[node_pool.labels]\n'notkubernetes.io/a' = 'b'\n'k8s.io.example.com/a' = 'b'\n'k8s.io' = 'b'"),
    *(
        Example("node label prefixes", f"[node_pool.labels]\n'{key}' = 'b'", (f'node_pool.labels."{key}": {LABEL_PREFIX}',))
        for key in ("kubernetes.io/a", "k8s.io/a", "node.kubernetes.io/a", "x.y.k8s.io/a")
    ),
    Example("labels of GKE", "[node_pool.labels]\n'cloud.google.com/compute-class' = 'a'"),
    Example(
        "labels of GKE",
        "[node_pool.labels]\n'cloud.google.com/gke-nodepool' = 'a'",
        ('node_pool.labels."cloud.google.com/gke-nodepool": is a label that GKE sets: remove it',),
    ),
    *(Example("workload labels", f"[node_pool.labels]\n'{label}' = 'true'") for label in WORKLOAD_LABELS),
    *(
        Example(
            "workload labels",
            f"[node_pool.labels]\n'{label}' = 'false'",
            (f"node_pool.labels.\"{label}\": 'false' must be 'true', because Gitpod schedules its workloads by this label: remove it",),
        )
        for label in WORKLOAD_LABELS
    ),
    Example("total node counts", "[node_pool]\nmax_total_nodes = 3"),
    Example(
        "total node counts",
        "[node_pool]\nmin_total_nodes = 0\nmax_total_nodes = 65000\n[network]\npods_cidr = '240.0.0.0/7'"
        "\nnodes_cidr = '10.0.0.0/15'\nservices_cidr = '10.4.0.0/20'",
    ),
    Example("total node counts", "zones = ['us-central1-a']\n[node_pool]\nmin_total_nodes = 2\nmax_total_nodes = 2"),
    Example("total node counts", "[pools.spot]\ninitial_nodes = 2\nmin_total_nodes = 1\nmax_total_nodes = 6"),
    Example(
        "total node counts",
        "[node_pool]\nmin_total_nodes = 5\nmax_total_nodes = 4",
        ("node_pool.min_total_nodes: 5 is greater than node_pool.max_total_nodes 4: lower it, or raise node_pool.max_total_nodes",),
    ),
    Example(
        "total node counts", "[node_pool]\nmin_total_nodes = 5", ("node_pool.max_total_nodes: is required with node_pool.min_total_nodes",)
    ),
    Example("total node counts", "[pools.a]\nmin_total_nodes = 5", ("pools.a.max_total_nodes: is required with min_total_nodes",)),
    *values("total node counts", "node_pool", "max_total_nodes", (), {0: "must be 1 or more", 65001: "must be 65000 or less"}),
    *(
        Example(
            "total node counts",
            f"[{section}]\nmax_total_nodes = 9\n{key} = {value}",
            (
                (
                    f"{section}.{key}: {value} cannot be combined with {shown}max_total_nodes, which limits the whole region: remove one "
                    "of the two"
                ),
            ),
        )
        for section, shown in (("node_pool", "node_pool."), ("pools.spot", ""))
        for key, value in (("min_nodes", 1), ("max_nodes", 50))
    ),
    Example(
        "total node counts",
        "[pools.spot]\ninitial_nodes = 2\nmax_total_nodes = 5",
        ("pools.spot.initial_nodes: 2 means 6 nodes in 3 zones, more than max_total_nodes 5: lower it, or raise the maximum",),
    ),
    Example(
        "total node counts",
        "zones = ['us-central1-a']\n[node_pool]\ninitial_nodes = 6\nmax_total_nodes = 5",
        ("node_pool.initial_nodes: 6 means 6 nodes in 1 zone, more than node_pool.max_total_nodes 5: lower it, or raise the maximum",),
    ),
    *(
        Example("upgrade settings", f"[{section}.upgrade_settings]\n{settings}")
        for section in ("node_pool", "pools.spot")
        for settings in (
            "max_surge = 0\nmax_unavailable = 1",
            "strategy = 'SURGE'\nmax_surge = 1000",
            "max_unavailable = 0",
            "strategy = 'BLUE_GREEN'",
            "strategy = 'BLUE_GREEN'\nnode_pool_soak_duration = '604800s'\nbatch_node_count = 3\nbatch_soak_duration = '0s'",
            "strategy = 'BLUE_GREEN'\n[providers]\ngoogle = '7.18.0'",
        )
    ),
    *(
        Example("upgrade settings", f"[{section}.upgrade_settings]\n{settings}", (f"{section}.upgrade_settings.{refused}",))
        for section in ("node_pool", "pools.spot")
        for settings, refused in (
            ("max_surge = 0", "max_surge: 0 prevents upgrades, because max_unavailable is also 0: set one of them to 1 or more"),
            ("max_surge = -1", "max_surge: -1 must be 0 or more"),
            ("strategy = 'ROLLING'", "strategy: 'ROLLING' must be 'SURGE' or 'BLUE_GREEN'"),
            (
                "batch_node_count = 2",
                "batch_node_count: 2 is a setting of the strategy BLUE_GREEN: remove it, or set strategy to BLUE_GREEN",
            ),
            (
                "strategy = 'BLUE_GREEN'\nmax_surge = 1",
                "max_surge: 1 is a setting of the strategy SURGE: remove it, or set strategy to SURGE",
            ),
            ("strategy = 'BLUE_GREEN'\nbatch_node_count = 0", "batch_node_count: 0 must be 1 or more"),
            (
                "strategy = 'BLUE_GREEN'\nbatch_soak_duration = '1h'",
                "batch_soak_duration: '1h' is not a duration in seconds, such as 3600s",
            ),
            (
                "strategy = 'BLUE_GREEN'\nnode_pool_soak_duration = '604801s'",
                "node_pool_soak_duration: '604801s' must be 604800s (7 days) or less",
            ),
            (
                "strategy = 'BLUE_GREEN'\n[providers]\ngoogle = '7.13.0'",
                (
                    "strategy: 'BLUE_GREEN' does not work with google 7.13.0, which has a bug in blue_green_settings: require google "
                    "7.18.0 or newer"
                ),
            ),
        )
    ),
    Example("additional pools", f"[pools.a]\n[pools.{'b' * 40}]\nspot = true"),
    Example("additional pools", "[pools.gitpod]\n[node_pool]\nname = 'main'"),
    Example("additional pools", "pools = {}"),
    *(
        Example("additional pools", f"[pools.'{name}']", (f"pools.{shown}: '{name}' {GKE_NAME}",))
        for name, shown in (("A", "A"), ("a" * 41, "a" * 41), ("a-", "a-"), ("a.b", '"a.b"'))
    ),
    Example("additional pools", "[pools.gitpod]", ("pools.gitpod: has the name of node_pool: choose another name",)),
    Example("additional pools", "[pools]\nspot = true", ("pools.spot: true must be a table",)),
    Example("additional pools", "pools = 1", ("pools: 1 must be a table",)),
    Example(
        "workloads",
        "[pools.a]\nworkloads = ['meta', 'ide', 'workspace_services']\n[pools.b]\nworkloads = ['workspace_regular', 'workspace_headless']"
        "\n[pools.c]\nworkloads = []\n[node_pool.labels]\n'gitpod.io/workload_ide' = 'true'",
    ),
    Example("workloads", "[pools.a]\nworkloads = ['ide']\nlabels = { 'gitpod.io/workload_ide' = 'true' }"),
    Example(
        "workloads",
        "[pools.a]\nworkloads = ['gitpod.io/workload_ide']",
        (
            (
                "pools.a.workloads[0]: 'gitpod.io/workload_ide' must be 'meta', 'ide', 'workspace_services', 'workspace_regular' or "
                "'workspace_headless'"
            ),
        ),
    ),
    Example("workloads", "[pools.a]\nworkloads = ['ide', 'ide']", ("pools.a.workloads[1]: 'ide' is listed twice",)),
    Example(
        "workloads",
        "[pools.a]\nworkloads = ['ide']\n[pools.b]\nworkloads = ['meta', 'ide']",
        ("pools.b.workloads[1]: 'ide' is also in pools.a.workloads: a workload belongs to at most one additional pool, so remove one",),
    ),
    Example(
        "workloads",
        "[pools.a.labels]\n'gitpod.io/workload_ide' = 'true'",
        ("pools.a.labels.\"gitpod.io/workload_ide\": 'true' is the label of a workload: list 'ide' in workloads instead",),
    ),
    Example("taints", "[[pools.a.taints]]\nkey = 'a'\neffect = 'NO_EXECUTE'"),
    Example("taints", "[pools.a]\nworkloads = ['ide']\ntaints = [{ key = 'a', effect = 'PREFER_NO_SCHEDULE' }]"),
    Example(
        "taints",
        "[pools.a]\nworkloads = ['meta', 'ide', 'workspace_services', 'workspace_regular', 'workspace_headless']\n"
        "[[node_pool.taints]]\nkey = 'a'\neffect = 'NO_SCHEDULE'",
    ),
    *(
        Example("taints", f"{toml_text}[[{section}.taints]]\nkey = 'a'\neffect = 'NO_SCHEDULE'", (f"{section}.taints[0].effect: {REPELS}",))
        for section, toml_text in (
            ("node_pool", ""),
            ("node_pool", "[pools.a]\nworkloads = ['ide']\n"),
            ("node_pool", "[node_pool.labels]\n'gitpod.io/workload_ide' = 'true'\n"),
            ("pools.a", "[pools.a]\nworkloads = ['ide']\n"),
        )
    ),
    Example("ranges for all pools", "zones = ['us-central1-a']\n[network]\npods_cidr = '10.4.0.0/18'\n[pools.a]\nmax_nodes = 14"),
    Example(
        "ranges for all pools",
        "zones = ['us-central1-a']\n[network]\npods_cidr = '10.4.0.0/18'\n[pools.a]\nmax_nodes = 15",
        (
            (
                "network.pods_cidr: '10.4.0.0/18' has 16384 addresses, but the pools can need up to 16640 (node_pool 12800, pools.a 3840): "
                "use a /17 or larger, or lower the maximum of a pool"
            ),
        ),
    ),
    Example(
        "ranges for all pools",
        "[network]\nnodes_cidr = '10.0.0.0/24'\n[pools.a]\nmax_total_nodes = 100\n[pools.b]\nmax_nodes = 1",
        (
            (
                "network.nodes_cidr: '10.0.0.0/24' has room for 252 nodes, but the pools can need up to 253 (node_pool 150, pools.a 100, "
                "pools.b 3): use a /23 or larger, or lower the maximum of a pool"
            ),
        ),
    ),
    Example(
        "ranges for all pools",
        "[network]\npods_cidr = '10.4.0.0/22'\n[node_pool]\nmax_total_nodes = 5",
        (
            (
                "network.pods_cidr: '10.4.0.0/22' has room for 4 nodes, but 5 are possible: use a /21 or larger, or lower "
                "node_pool.max_total_nodes to 4"
            ),
        ),
    ),
    *items("network tags", "cluster", "network_tags", ("a", "a" * 63, "gke-nodes"), dict.fromkeys(("A", "a_b", "a-", "a" * 64, ""), TAG)),
    Example("network tags", f"[cluster]\nnetwork_tags = {[f't{n}' for n in range(63)]}"),
    Example(
        "network tags",
        f"[cluster]\nnetwork_tags = {[f't{n}' for n in range(64)]}",
        ("cluster.network_tags: has 64 tags, but at most 63 are allowed",),
    ),
    Example("network tags", "[cluster]\nnetwork_tags = ['a', 'a']", ("cluster.network_tags[1]: 'a' is listed twice",)),
    *(
        Example("GCP resource labels", f"[cluster.resource_labels]\n{key} = '{value}'")
        for key, value in (("team", "platform"), ("k" * 63, "v" * 63), ("a_b-1", ""), ("google", "1"))
    ),
    Example("GCP resource labels", "[cluster.resource_labels]\n" + "\n".join(f"l{n} = ''" for n in range(64))),
    Example(
        "GCP resource labels",
        "[cluster.resource_labels]\n" + "\n".join(f"l{n} = ''" for n in range(65)),
        ("cluster.resource_labels: has 65 labels, but at most 64 are allowed",),
    ),
    *(
        Example(
            "GCP resource labels", f"[cluster.resource_labels]\n{key} = ''", (f"cluster.resource_labels.{key}: '{key}' {RESOURCE_KEY}",)
        )
        for key in ("Team", "1a", "k" * 64, "goog-gke")
    ),
    *(
        Example(
            "GCP resource labels",
            f"[cluster.resource_labels]\nteam = '{value}'",
            (f"cluster.resource_labels.team: '{value}' {RESOURCE_VALUE}",),
        )
        for value in ("A", "a.b", "v" * 64)
    ),
    Example("node metadata", "[node_pool.metadata]\ndisable-legacy-endpoints = 'true'\nteam = 'platform'"),
    Example("node metadata", "[node_pool]\nmetadata = {}"),
    Example("metadata of GKE", "[node_pool.metadata]\nserial-port-logging-enable = 'true'"),
    Example(
        "metadata of GKE",
        "[node_pool.metadata]\nuser-data = 'a'",
        ("node_pool.metadata.user-data: is a key that GKE reserves: use another one",),
    ),
    Example(
        "node metadata",
        "[node_pool.metadata]\ndisable-legacy-endpoints = 'false'",
        (
            (
                "node_pool.metadata.disable-legacy-endpoints: 'false' must be 'true', or the provider replaces "
                "the pool at every apply: remove the key"
            ),
        ),
    ),
    *(
        Example(
            "node metadata",
            f"[node_pool.metadata]\n{key} = 'a'",
            (f"node_pool.metadata.{key}: '{shown}' is not a metadata key: 1 to 128 letters, digits, hyphens and underscores",),
        )
        for key, shown in (('"a b"', "a b"), ('""', ""))
    ),
    *values(
        "CIDR ranges",
        "network",
        "nodes_cidr",
        ("10.0.0.0/20", "192.168.0.0/16"),
        {
            "10.0.0.1/20": "has host bits set: use 10.0.0.0/20",
            "10.0.0.0/33": "is not an IPv4 range: the prefix must be /0 to /32",
            "10.0.0.0/255.255.240.0": "is not in CIDR notation: use 10.0.0.0/20",
            "10.0.0.0": "has no prefix length: add one, such as /20",
            **dict.fromkeys(
                ("10.0.0/20", "10.0.0.256/32", "fd00::/64", "ten", "", "10.00.0.0/20"), "is not an IPv4 range, such as 10.0.0.0/20"
            ),
        },
    ),
    *(
        Example("usable ranges", ranges(services_cidr=cidr))
        for cidr in ("172.20.0.0/16", "192.168.0.0/16", "100.64.0.0/16", "198.18.0.0/16", "203.0.113.0/24", "250.0.0.0/16", "11.0.0.0/16")
    ),
    *(
        Example("usable ranges", ranges(services_cidr=cidr), (f"network.services_cidr: '{cidr}' {why}: {PRIVATE_RANGE}",))
        for cidr, why in {
            "0.1.0.0/16": "overlaps 0.0.0.0/8, the current network (RFC 1122), which no subnetwork can have",
            "127.0.0.0/16": "overlaps 127.0.0.0/8, loopback (RFC 1122), which no subnetwork can have",
            "169.254.0.0/16": "overlaps 169.254.0.0/16, link-local (RFC 3927), which no subnetwork can have",
            "239.1.0.0/16": "overlaps 224.0.0.0/4, multicast (RFC 5771), which no subnetwork can have",
            "255.255.0.0/16": "overlaps 255.255.255.255/32, the limited broadcast address (RFC 919), which no subnetwork can have",
            "199.36.153.0/24": (
                "overlaps 199.36.153.4/30, restricted.googleapis.com, for Private Google Access, which no subnetwork can have"
            ),
            "8.8.8.0/24": "overlaps 8.8.8.0/24, which belongs to Google and which no subnetwork can have",
            "34.118.224.0/20": "overlaps 34.64.0.0/10, which belongs to Google and which no subnetwork can have",
            "192.0.0.0/16": "is larger than the private range 192.0.0.0/24 in it, which is not allowed",
        }.items()
    ),
    *(
        Example("usable ranges", ranges(nodes_cidr="10.0.0.0/20", pods_cidr=cidr), (f"network.pods_cidr: '{cidr}' {why}: {PRIVATE_RANGE}",))
        for cidr, why in {
            "172.0.0.0/10": "is larger than the private range 172.16.0.0/12 in it, which is not allowed",
            "192.160.0.0/11": "overlaps 192.178.0.0/15, which belongs to Google and which no subnetwork can have",
            "168.0.0.0/5": "overlaps 169.254.0.0/16, link-local (RFC 3927), which no subnetwork can have",
        }.items()
    ),
    Example("nodes range", pool(1, ranges(nodes_cidr="10.0.0.0/29"), zones=ONE_ZONE)),
    Example(
        "nodes range",
        pool(1, ranges(nodes_cidr="10.0.0.0/30"), zones=ONE_ZONE),
        (
            "network.nodes_cidr: '10.0.0.0/30' has room for 0 nodes, but 1 are possible (1 per zone in 1 zone): use a /29 or larger",
            "network.nodes_cidr: '10.0.0.0/30' must be /29 or larger",
        ),
    ),
    *values(
        "services range",
        "network",
        "services_cidr",
        ("10.16.0.0/16", "10.16.0.0/17", "10.16.0.0/27"),
        {
            "10.16.0.0/15": "must be /16 to /27",
            "10.16.0.0/28": "must be /16 to /27",
        },
    ),
    Example("ranges apart", ranges(nodes_cidr="10.3.0.0/16", pods_cidr="10.4.0.0/14", services_cidr="10.8.0.0/16")),
    Example(
        "ranges apart",
        ranges(nodes_cidr="10.4.0.0/20"),
        ("network.pods_cidr: '10.4.0.0/14' overlaps network.nodes_cidr '10.4.0.0/20': use a range that does not overlap it",),
    ),
    Example(
        "ranges apart",
        ranges(services_cidr="10.7.255.0/24"),
        ("network.services_cidr: '10.7.255.0/24' overlaps network.pods_cidr '10.4.0.0/14': use a range that does not overlap it",),
    ),
    Example(
        "ranges apart",
        ranges(services_cidr="10.0.0.0/20"),
        ("network.services_cidr: '10.0.0.0/20' overlaps network.nodes_cidr '10.0.0.0/20': use a range that does not overlap it",),
    ),
    Example("auto-mode range", ranges(nodes_cidr="10.127.0.0/16", pods_cidr="11.0.0.0/14")),
    Example("auto-mode range", ranges(network="demo", nodes_cidr="10.128.0.0/20")),
    Example("auto-mode range", ranges(nodes_cidr="10.128.0.0/20"), (f"network.nodes_cidr: '10.128.0.0/20' {AUTO_MODE}",)),
    Example("auto-mode range", ranges(pods_cidr="10.252.0.0/14"), (f"network.pods_cidr: '10.252.0.0/14' {AUTO_MODE}",)),
    Example("auto-mode range", ranges(services_cidr="10.255.255.0/24"), (f"network.services_cidr: '10.255.255.0/24' {AUTO_MODE}",)),
    # 110 pods take a /24 each: a /20 holds 16 of them.
    Example("Pod range capacity", pool(5, ranges(pods_cidr="10.4.0.0/20"))),
    Example(
        "Pod range capacity",
        pool(6, ranges(pods_cidr="10.4.0.0/20")),
        (
            (
                "network.pods_cidr: '10.4.0.0/20' has room for 16 nodes, but 18 are possible (6 per zone in 3 zones): use a /19 or larger, "
                "or lower node_pool.max_nodes to 5"
            ),
        ),
    ),
    Example("Pod range capacity", pool(50, ranges(pods_cidr="10.4.0.0/16"))),
    Example(
        "Pod range capacity",
        pool(50, ranges(pods_cidr="10.4.0.0/17")),
        (
            (
                "network.pods_cidr: '10.4.0.0/17' has room for 128 nodes, but 150 are possible (50 per zone in 3 zones): use a /16 or "
                "larger, or lower node_pool.max_nodes to 42"
            ),
        ),
    ),
    Example(
        "Pod range capacity",
        ranges(pods_cidr="10.4.0.0/20"),
        (
            (
                "network.pods_cidr: '10.4.0.0/20' has room for 16 nodes, but 150 are possible (50 per zone in 3 zones): use a /16 or "
                "larger, or lower node_pool.max_nodes to 5"
            ),
        ),
    ),
    Example("Pod range capacity", pool(16, ranges(pods_cidr="10.4.0.0/20"), zones=ONE_ZONE)),
    Example(
        "Pod range capacity",
        pool(17, ranges(pods_cidr="10.4.0.0/20"), zones=ONE_ZONE),
        (
            (
                "network.pods_cidr: '10.4.0.0/20' has room for 16 nodes, but 17 are possible (17 per zone in 1 zone): use a /19 or larger, "
                "or lower node_pool.max_nodes to 16"
            ),
        ),
    ),
    Example("Pod range capacity", pool(1, ranges(pods_cidr="10.4.0.0/24"), zones=ONE_ZONE)),
    Example(
        "Pod range capacity",
        pool(1, ranges(pods_cidr="10.4.0.0/24"), zones=("us-central1-a", "us-central1-b"), more=pods_per_node(110, default=8)),
        ("network.pods_cidr: '10.4.0.0/24' has room for 1 node, but 2 are possible (1 per zone in 2 zones): use a /23 or larger",),
    ),
    *(
        Example("Pod range capacity", pool(1, ranges(pods_cidr=f"10.4.0.0/{prefix}"), zones=ONE_ZONE, more=pods_per_node(pods)))
        for pods, prefix in ((8, 28), (9, 27), (16, 27), (17, 26), (64, 25), (65, 24), (128, 24), (129, 23), (256, 23))
    ),
    *(
        Example(
            "Pod range capacity",
            pool(1, ranges(pods_cidr=f"10.4.0.0/{prefix + 1}"), zones=ONE_ZONE, more=pods_per_node(pods, default=8)),
            (
                (
                    f"network.pods_cidr: '10.4.0.0/{prefix + 1}' has room for 0 nodes, but 1 are possible "
                    f"(1 per zone in 1 zone): use a /{prefix} or larger"
                ),
            ),
        )
        for pods, prefix in ((9, 27), (65, 24), (129, 23))
    ),
    *(
        Example(
            "default pool capacity",
            pool(1, ranges(pods_cidr=f"10.4.0.0/{prefix}"), zones=ONE_ZONE[:1] if one else (), more=pods_per_node(8, default=default)),
            ()
            if fits
            else (
                (
                    f"network.pods_cidr: '10.4.0.0/{prefix}' is too small for the default node pool, which GKE creates first with one node "
                    f"per zone and cluster.default_max_pods_per_node {default}: use a /{prefix - 1} or larger, or lower "
                    "cluster.default_max_pods_per_node"
                ),
            ),
        )
        for default, one, prefix, fits in (
            (110, True, 24, True),
            (110, True, 25, False),
            (110, False, 22, True),
            (110, False, 23, False),
            (32, True, 26, True),
            (32, True, 27, False),
        )
    ),
    Example("node range capacity", pool(20, ranges(nodes_cidr="10.0.0.0/26"))),
    Example(
        "node range capacity",
        pool(21, ranges(nodes_cidr="10.0.0.0/26")),
        (
            (
                "network.nodes_cidr: '10.0.0.0/26' has room for 60 nodes, but 63 are possible (21 per zone in 3 zones): use a /25 or "
                "larger, or lower node_pool.max_nodes to 20"
            ),
        ),
    ),
    Example("node range capacity", pool(60, ranges(nodes_cidr="10.0.0.0/26"), zones=ONE_ZONE)),
    Example(
        "node range capacity",
        pool(61, ranges(nodes_cidr="10.0.0.0/26"), zones=ONE_ZONE),
        (
            (
                "network.nodes_cidr: '10.0.0.0/26' has room for 60 nodes, but 61 are possible (61 per zone in 1 zone): use a /25 or "
                "larger, or lower node_pool.max_nodes to 60"
            ),
        ),
    ),
    *(
        Example(
            "release channel", f"[cluster]\nrelease_channel = '{channel}'\n[node_pool]\nauto_upgrade = {toml(channel != 'UNSPECIFIED')}"
        )
        for channel in ("UNSPECIFIED", "RAPID", "REGULAR", "STABLE", "EXTENDED")
    ),
    *values(
        "release channel",
        "cluster",
        "release_channel",
        (),
        dict.fromkeys(("regular", "NONE", "", 1), "must be 'UNSPECIFIED', 'RAPID', 'REGULAR', 'STABLE' or 'EXTENDED'"),
    ),
    Example("auto-upgrade", "[cluster]\nrelease_channel = 'STABLE'\n[node_pool]\nauto_upgrade = true"),
    Example("auto-upgrade", "[cluster]\nrelease_channel = 'STABLE'"),
    *(
        Example("auto-upgrade", f"[cluster]\nrelease_channel = 'UNSPECIFIED'\n[node_pool]\n{key} = {value}")
        for key in ("auto_upgrade", "auto_repair")
        for value in ("true", "false")
    ),
    *(
        Example(
            "auto-upgrade",
            f"[cluster]\nrelease_channel = '{channel}'\n[node_pool]\n{key} = false",
            (
                (
                    f"node_pool.{key}: false must be true in the release channel {channel}: remove it; use "
                    "cluster.maintenance_exclusions to keep the versions as they are"
                ),
            ),
        )
        for key in ("auto_upgrade", "auto_repair")
        for channel in ("RAPID", "REGULAR", "STABLE", "EXTENDED")
    ),
    *values(
        "provider version",
        "providers",
        "google",
        ("7.12.0", "7.45.0", "7.46.1", "8.7.0", "8.99.99"),
        dict.fromkeys(
            (
                "6.49.3",
                "9.0.0",
                "10.0.0",
                "7.45",
                "7",
                "~> 7.45",
                ">= 7.45.0",
                "v7.45.0",
                "7.45.0-beta1",
                "07.45.0",
                "latest",
                "",
                "7.4\u0665.0",
            ),
            "is not a supported version: use an exact version, 6.50.0 or newer and below 9.0.0",
        ),
    ),
    *values(
        "provider version",
        "providers",
        "kubernetes",
        ("2.38.0", "2.100.0", "3.2.1", "3.3.0"),
        dict.fromkeys(
            ("2.37.9", "2.4.0", "4.0.0", "3.2", "1.13.4"),
            "is not a supported version: use an exact version, 2.38.0 or newer and below 4.0.0",
        ),
    ),
    Example("provider version", "[providers]\ngoogle = '6.50.0'\n[cluster]\nmaintenance_exclusions = []"),
    *items(
        "admins",
        "admins",
        "members",
        (
            "user:a@example.com",
            "user:Ohara_1%x+y@Sub-1.Example.com",
            "user:ci@demo.iam.gserviceaccount.com",
            "serviceAccount:a@demo.iam.gserviceaccount.com",
            "serviceAccount:123456789012-compute@developer.gserviceaccount.com",
            "serviceAccount:demo-project@appspot.gserviceaccount.com",
            "serviceAccount:nodes@legacy.example.com.iam.gserviceaccount.com",
            "serviceAccount:service-1@gcp-sa-logging.iam.gserviceaccount.com",
        ),
        dict.fromkeys(
            (
                "allUsers",
                "allAuthenticatedUsers",
                "domain:example.com",
                "a@example.com",
                "user:",
                "user:a",
                "user:a@b",
                "USER:a@example.com",
                "deleted:user:a@example.com",
                "user:a b@example.com",
                "user:a@-example.com",
                "user:a@example..com",
                "user:a@10.0.0.1",
                "serviceAccount:a@example.com",
                "serviceAccount:CI@demo.iam.gserviceaccount.com",
                "serviceAccount:ci@demo.iam.gserviceaccounts.com",
                "serviceAccount:demo.svc.id.goog[ns/account]",
                "principal://iam.googleapis.com/a",
            ),
            MEMBER,
        ),
    ),
    Example(
        "admins", f"[admins]\nmembers = ['user:{'a' * 65}@example.com']", (f"admins.members[0]: 'user:{'a' * 65}@example.…' {MEMBER}",)
    ),
    Example("admins", '[admins]\nmembers = ["user:o\'hara@example.com"]'),
    Example("groups", f"{GROUPS}[admins]\nmembers = ['group:x.y+z@sub.example.com', 'user:a@example.com']"),
    Example(
        "groups",
        "[admins]\nmembers = ['user:a@example.com', 'group:b@example.com', 'group:c@example.com']",
        (f"admins.members[1]: 'group:b@example.com' {NO_GROUPS}", f"admins.members[2]: 'group:c@example.com' {NO_GROUPS}"),
    ),
    Example(
        "groups",
        f"{GROUPS}[admins]\nmembers = ['group:ci@demo.iam.gserviceaccount.com']",
        (
            (
                "admins.members[0]: 'group:ci@demo.iam.gserviceaccount.com' is a service account, not a group: "
                "use serviceAccount: instead of group:"
            ),
        ),
    ),
    *values(
        "network policy",
        "cluster",
        "network_policy",
        ("calico", "dataplane-v2"),
        dict.fromkeys(("cilium", "Calico", "ADVANCED_DATAPATH", ""), "must be 'calico' or 'dataplane-v2'"),
    ),
    *values(
        "notifications",
        "cluster",
        "notification_topic",
        ("", "projects/demo-project/topics/gke-upgrades", "projects/demo-project/topics/a.b~c+d%2F_"),
        dict.fromkeys(
            ("gke-upgrades", "projects/demo-project/topics/", "projects/demo-project/subscriptions/gke"),
            "is not a Pub/Sub topic: projects/PROJECT/topics/TOPIC, or an empty string for none",
        ),
    ),
    Example("bindings", f"{BINDING}role = 'view'\nmembers = ['user:a@example.com']"),
    Example("bindings", f"{GROUPS}{BINDING}role = 'edit'\nmembers = ['group:a@example.com', 'user:a@example.com']\nnamespace = 'gitpod'"),
    Example("bindings", "[admins.bindings.Dev-2_x]\nrole = 'gitpod:viewers'\nmembers = ['user:a@example.com']\nnamespace = 'kube-system'"),
    Example("bindings", f"{BINDING}role = 'a/b'\nmembers = ['user:a@example.com']", (f"admins.bindings.observers.role: 'a/b' {RBAC}",)),
    Example("bindings", f"{BINDING}role = 'view'\nmembers = ['a']", (f"admins.bindings.observers.members[0]: 'a' {MEMBER}",)),
    Example("bindings", f"{BINDING}role = 'view'\nmembers = []", ("admins.bindings.observers.members: [] must not be empty",)),
    Example(
        "bindings",
        f"{BINDING}role = 'view'\nmembers = ['user:a@example.com']\nnamespace = 'a.b'",
        (
            (
                "admins.bindings.observers.namespace: 'a.b' is not a namespace: at most 63 lowercase letters, digits and hyphens, "
                "starting and ending with a letter or digit"
            ),
        ),
    ),
    Example(
        "bindings",
        f"{BINDING}role = 'view'\nmembers = ['user:a@example.com', 'group:b@example.com']",
        (f"admins.bindings.observers.members[1]: 'group:b@example.com' {NO_GROUPS}",),
    ),
    Example(
        "bindings",
        f"{GROUPS}{BINDING}role = 'view'\nmembers = ['group:ci@demo.iam.gserviceaccount.com']",
        (
            (
                "admins.bindings.observers.members[0]: 'group:ci@demo.iam.gserviceaccount.com' is a service account, not a group: use "
                "serviceAccount: instead of group:"
            ),
        ),
    ),
    Example(
        "bindings",
        "[admins]\nbinding_name = 'a'\n[admins.bindings.a]\nrole = 'view'\nmembers = ['user:a@example.com']",
        ("admins.bindings.a: has the name in admins.binding_name: choose another name",),
    ),
    Example("admins once", f"{GROUPS}[admins]\nmembers = ['user:a@example.com', 'group:a@example.com', 'user:A@example.com']"),
    Example(
        "admins once",
        "[admins]\nmembers = ['user:a@example.com', 'user:a@example.com']",
        (f"admins.members[1]: 'user:a@example.com' {TWICE}",),
    ),
    *values(
        "ClusterRole",
        "admins",
        "cluster_role",
        ("view", "system:node", "a.b", "..."),
        dict.fromkeys(("", ".", "..", "a/b", "a%b", "${a}"), RBAC),
    ),
    *values(
        "binding name", "admins", "binding_name", ("view", "$", "{}", ".a"), dict.fromkeys(("", ".", "..", "a/b", "a%b", "a${b}"), RBAC)
    ),
    *values(
        "binding name",
        "admins",
        "binding_name",
        ("cluster-admin-binding", "gitpod:admins", "admin", "system", "not-system:node", "Cluster-Admin", "gke"),
        {
            **dict.fromkeys(
                ("cluster-admin", "system:node", "system:controller:job-controller", "system:new-in-1.40"), OWN.format("Kubernetes")
            ),
            **dict.fromkeys(("npd-binding", "gce:cloud-provider", "gmp-system:operator", "event-exporter-rb"), OWN.format("GKE")),
        },
    ),
    Example("binding name", '[admins]\nbinding_name = "a\\u0007b"', (rf"admins.binding_name: 'a\x07b' {RBAC}",)),
    *(Example("DNS name", INGRESS.format(domain)) for domain in ("gitpod.acme-corp.dev", f"{'a' * 63}.dev")),
    *(
        Example("DNS name", INGRESS.format(domain), (f"ingress.domain: '{domain}' {problem}",))
        for domain, problem in (
            ("Acme.dev", "has uppercase letters: use lowercase"),
            ("acme.dev.", "ends with a dot: remove it"),
            (f"{'a' * 64}.dev", DOMAIN),
            ("acme..dev", DOMAIN),
        )
    ),
    Example("backend", "[backend]\ntype = 'local'"),
    Example(
        "backend",
        "[backend]\ntype = 'gcs'\nbucket = 'abc'\nprefix = 'a/b'\nimpersonate_service_account = 'a@b.iam.gserviceaccount.com'\n"
        "kms_encryption_key = 'projects/key-project/locations/eu/keyRings/b/cryptoKeys/c'",
    ),
    Example("backend", "[backend]\ntype = 'cloud'\norganization = 'demo'\nhostname = 'tfe.example.com:8443'\nproject = 'Demo Project'"),
    Example("backend", "[backend]\ntype = 'local'\nbucket = 'abc'", ("backend.bucket: unknown key; the known keys are type",)),
    Example(
        "backend",
        "[backend]\ntype = 'gcs'\nprefix = 'a'\nbucket = 'abc'\norganization = 'a'",
        ("backend.organization: unknown key; the known keys are type, bucket, prefix, impersonate_service_account, kms_encryption_key",),
    ),
    Example("backend", "[backend]\ntype = 's3'\nbucket = 'abc'", ("backend.type: 's3' must be 'local', 'gcs' or 'cloud'",)),
    Example("backend", "[backend]\nbucket = 'abc'", ("backend.type: is required; it decides which other keys are allowed",)),
    Example("backend", "[backend]\ntype = 1", ("backend.type: 1 must be 'local', 'gcs' or 'cloud'",)),
    Example("backend", "backend = 'gcs'", ("backend: 'gcs' must be a table",)),
    Example("unknown keys", ""),
    Example("unknown keys", "regoin = 'us-central1'", ("regoin: unknown key; did you mean 'region'?",)),
    Example("unknown keys", "Zones = []", ("Zones: unknown key; did you mean 'zones'?",)),
    Example("unknown keys", "[nodepool]\nmax_nodes = 1", ("nodepool: unknown key; did you mean 'node_pool'?",)),
    Example("unknown keys", "[node_pool]\nmax_node = 1", ("node_pool.max_node: unknown key; did you mean 'max_nodes'?",)),
    Example(
        "unknown keys",
        "[backend]\ntype = 'gcs'\nprefix = 'a'\nbuckte = 'abc'\nbucket = 'abc'",
        ("backend.buckte: unknown key; did you mean 'bucket'?",),
    ),
    Example("unknown keys", "[apis]\nxyz = 1", ("apis.xyz: unknown key; the known keys are manage, services",)),
    Example("unknown keys", '[apis]\n"a\\u001b[31m.b" = 1', (r'apis."a\x1b[31m.b": unknown key; the known keys are manage, services',)),
    *values(
        "existing service account",
        "identity",
        "email",
        (
            *("nodes@demo-project.iam.gserviceaccount.com", "nodes@other-project.iam.gserviceaccount.com"),
            *("1234567890-compute@developer.gserviceaccount.com", "nodes@other-project.example.com.iam.gserviceaccount.com"),
        ),
        {
            **dict.fromkeys(("nodes", "nodes@example.com", "Nodes@demo-project.iam.gserviceaccount.com", ""), SERVICE_ACCOUNT),
            "serviceAccount:nodes@demo-project.iam.gserviceaccount.com": SERVICE_ACCOUNT,
        },
    ),
    Example("existing service account", f"[identity]\nemail = '{NODES}'\nroles = 'least-privilege'\ngrant_roles = false"),
    Example("existing service account", f"profile = 'hardened'\n[identity]\nemail = '{NODES}'"),
    Example(
        "existing service account",
        f"[identity]\nemail = '{NODES}'\naccount_id = 'gitpod-nodes'",
        (
            (
                "identity.account_id: 'gitpod-nodes' contradicts identity.email: an existing account is not created; remove account_id, or "
                "remove identity.email"
            ),
        ),
    ),
    Example("addresses apart", f"[identity]\nemail = '{NODES}'\nroles = ['roles/a.b', 'roles/a_b']"),
    Example("addresses apart", "[identity]\nroles = ['roles/a.b', 'roles/a.c', 'projects/demo-project/roles/a.b']"),
    Example(
        "addresses apart",
        "[identity]\nroles = ['roles/a.b', 'roles/a_b']",
        ("identity.roles[1]: 'roles/a_b' has the same Terraform address as 'roles/a.b': grant one of the two outside this deployment",),
    ),
    Example(
        "numbers", "zones = ['us-central1-a']\n[network]\npods_cidr = '10.4.0.0/14'\n[node_pool]\nmax_nodes = 1000\ndisk_size_gb = 65536"
    ),
    *values("numbers", "node_pool", "max_nodes", (), {1001: "must be 1000 or less", 10**60: "must be 1000 or less"}),
    *values("numbers", "node_pool", "disk_size_gb", (), {65537: "must be 65536 or less"}),
    Example("numbers", f"[node_pool]\ndisk_size_gb = 0x{'f' * 9000}", (f"node_pool.disk_size_gb: 0x{'f' * 77}… must be 65536 or less",)),
    *values(
        "machine",
        "node_pool",
        "machine_type",
        ("e2-medium", "n2-custom-8-16384-ext"),
        dict.fromkeys(("", "N2D", "n2d", "a/b", "${a}-b"), "is not a machine type, such as n2d-standard-16"),
    ),
    *values(
        "machine",
        "node_pool",
        "disk_type",
        ("pd-balanced", "pd-standard"),
        dict.fromkeys(("", "SSD", "pd ssd"), "is not a disk type, such as pd-ssd"),
    ),
    *values(
        "machine",
        "node_pool",
        "image_type",
        ("COS_CONTAINERD",),
        dict.fromkeys(("", "ubuntu", "UBUNTU-CONTAINERD"), "is not an image type, such as UBUNTU_CONTAINERD"),
    ),
    *values(
        "machines of nodes",
        "node_pool",
        "machine_type",
        ("e2-medium", "c2d-highcpu-112", "custom-4-8192", "n7-standard-8"),
        {
            "t2a-standard-4": "is an Arm machine type, but Gitpod's images require x86; use an x86 type, such as n2d-standard-16",
            "n2-custom-5-8192": "has 5 vCPUs; custom machine types of n2 have 2 to 32 in steps of 2 or 36 to 128 in steps of 4",
        },
    ),
    *(
        Example("boot disks", f"[node_pool]\nmachine_type = '{machine_type}'\ndisk_type = '{disk_type}'")
        for machine_type, disk_type in (("n4-standard-8", "hyperdisk-balanced"), ("c3-standard-8", "pd-ssd"), ("e2-standard-8", "pd-new"))
    ),
    Example(
        "boot disks",
        "[node_pool]\nmachine_type = 'n4-standard-8'",
        ("node_pool.disk_type: 'pd-ssd' cannot be the boot disk of n4 machines; use hyperdisk-balanced",),
    ),
    *values(
        "node images",
        "node_pool",
        "image_type",
        ("UBUNTU_CONTAINERD", "COS_CONTAINERD"),
        {"COS": "runs Docker, which GKE removed in version 1.24; use UBUNTU_CONTAINERD"},
    ),
    Example("managed Prometheus", "[cluster]\nmanaged_prometheus = false\nmonitoring_components = ['SYSTEM_COMPONENTS', 'SCHEDULER']"),
    Example(
        "managed Prometheus",
        "[cluster]\nmanaged_prometheus = false\nmonitoring_components = ['SYSTEM_COMPONENTS', 'POD']",
        (("cluster.monitoring_components[1]: 'POD' needs managed Prometheus; leave it out, or set cluster.managed_prometheus to true"),),
    ),
    *values("free text", "node_pool.metadata", "note", ("", "a $b {c} 100% ä", "$ {a}"), dict.fromkeys(("${a}", "a%{b}", "$${a}"), TEXT)),
    Example("free text", '[node_pool.metadata]\nnote = "a\\n\\tb"'),
    Example("free text", '[node_pool.metadata]\nnote = "a\\u0000b"', (rf"node_pool.metadata.note: 'a\x00b' {TEXT}",)),
    *(
        Example("backend values", f"[backend]\ntype = 'gcs'\nprefix = 'a'\nbucket = '{bucket}'")
        for bucket in (
            "abc",
            "a" * 63,
            "1-a_b",
            "0.1.2.3.4",
            "states.example.com",
            f"{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 30}",
            "my-goog",
        )
    ),
    *(
        Example(
            "backend values", f"[backend]\ntype = 'gcs'\nprefix = 'a'\nbucket = '{bucket}'", (f"backend.bucket: '{shown or bucket}' {why}",)
        )
        for bucket, why, shown in (
            *((bucket, BUCKET, "") for bucket in ("ab", "Abc", "gs://abc", "abc-", "_abc", "a b", "a/b", "abc.")),
            ("a" * 223, BUCKET, "a" * 79 + "…"),
            ("a" * 64, BUCKET_LENGTH, ""),
            (f"{'a' * 64}.com", BUCKET_LENGTH, ""),
            *((bucket, BUCKET_DOTS, "") for bucket in ("a..b", "a.-b.com", "a-.b.com")),
            ("192.168.5.4", "is an IP address, which Cloud Storage does not allow as a bucket name", ""),
            *((bucket, BUCKET_GOOGLE, "") for bucket in ("goog-states", "google", "my-google-states", "g00gle-states", "a.goog1e.com")),
        )
    ),
    *(
        Example("backend values", f"[backend]\ntype = 'gcs'\nbucket = 'abc'\nprefix = '{prefix}'")
        for prefix in ("a", "a/b c/ü", "...", "a/.b/..c", "a:b*c?", ".well-known/a", "x" * 959)
    ),
    *(
        Example(
            "backend values", f'[backend]\ntype = "gcs"\nbucket = "abc"\nprefix = "{written}"', (f"backend.prefix: '{shown}' {PREFIX}",)
        )
        for written, shown in (
            ("", ""),
            ("/", "/"),
            ("/a", "/a"),
            ("a/", "a/"),
            ("a//b", "a//b"),
            (".", "."),
            ("..", ".."),
            ("../a", "../a"),
            ("a/../b", "a/../b"),
            ("a/.", "a/."),
            ("gs://abc/a", "gs://abc/a"),
            ("a\\nb", r"a\nb"),
            ("${a}", "${a}"),
            (".well-known/acme-challenge/a", ".well-known/acme-challenge/a"),
        )
    ),
    Example(
        "backend values",
        f"[backend]\ntype = 'gcs'\nbucket = 'abc'\nprefix = '{'ü' * 500}'",
        (f"backend.prefix: '{'ü' * 79}…' has 1000 bytes in UTF-8: use at most 959, since the name of an object has at most 1024",),
    ),
    *(
        Example("backend values", f"[backend]\ntype = 'gcs'\nprefix = 'a'\nbucket = 'abc'\nimpersonate_service_account = '{account}'")
        for account in (
            "ci@demo-project.iam.gserviceaccount.com",
            "demo-project@appspot.gserviceaccount.com",
            "1-compute@developer.gserviceaccount.com",
            "ci@legacy.example.com.iam.gserviceaccount.com",
        )
    ),
    *(
        Example(
            "backend values",
            f"[backend]\ntype = 'gcs'\nprefix = 'a'\nbucket = 'abc'\nimpersonate_service_account = '{account}'",
            (f"backend.impersonate_service_account: '{account}' {SERVICE_ACCOUNT}",),
        )
        for account in (
            "jane@example.com",
            "serviceAccount:ci@demo-project.iam.gserviceaccount.com",
            "CI@demo-project.iam.gserviceaccount.com",
            "ci@demo-project.iam.gserviceaccount.co",
            "ci@gserviceaccount.com.example.com",
            "demo-project",
            "projects/-/serviceAccounts/ci@demo-project.iam.gserviceaccount.com",
        )
    ),
    *(
        Example("backend values", backend(**{"type": "cloud", "organization": "acme", key: value}))
        for key, values in {
            "hostname": (
                "localhost",
                "10.0.0.5:8443",
                "tfe.example.com:65535",
                "bücher.example.com",
                f"{'a' * 63}.example.com",
                "a--b.com",
            ),
            "project": ("Default Project", "a_b-C 1", "abc", "a" * 40),
        }.items()
        for value in values
    ),
    *(
        Example("backend values", f"[backend]\ntype = 'cloud'\norganization = '{value}'")
        for value in ("abc", "Acme_Corp-1", "a" * 40, "-a_")
    ),
    *(
        Example(
            "backend values",
            backend(**{"type": "cloud", "organization": "acme", key: value}),
            (f"backend.{key}: '{value}' {why}",),
        )
        for key, why, values in (
            ("organization", ORGANIZATION, ("ab", "a" * 41, "a b", "acme.com", "acme/team", "ácme", "")),
            ("project", PROJECT_NAME, ("ab", "a" * 41, " abc", "abc ", "a.b", "a/b", "prøject", "")),
            (
                "hostname",
                HOSTNAME,
                (
                    *(
                        "https://example.com",
                        "example.com/",
                        "-a.example.com",
                        "a-.example.com",
                        "a..example.com",
                        "example.com.",
                        "a_b.com",
                    ),
                    *(
                        "example.com:",
                        "example.com:0",
                        "example.com:abc",
                        "example.com:123456",
                        f"{'a' * 64}.com",
                        "xn--bcher-kva.example",
                        "",
                    ),
                ),
            ),
            ("hostname", "has a port above 65535", ("example.com:65536", "example.com:99999")),
        )
        for value in values
    ),
    Example(
        "backend values",
        f"[backend]\ntype = 'cloud'\norganization = 'acme'\nhostname = '{'a.' * 130}com'",
        (f"backend.hostname: '{'a.' * 39}a…' {HOSTNAME}",),
    ),
    *(
        Example("backend values", f"[backend]\ntype = 'cloud'\norganization = 'acme'\nprefix = '{prefix}'")
        for prefix in ("a", "Team_1", "-", "x" * 60)
    ),
    *(
        Example(
            "backend values",
            f"[backend]\ntype = 'cloud'\norganization = 'acme'\nprefix = '{prefix}'",
            (f"backend.prefix: '{prefix}' is not a prefix of workspace names: letters, digits, hyphens and underscores",),
        )
        for prefix in ("", "a b", "a/b", "a.b", "${a}", "ä")
    ),
    Example(
        "backend values",
        "[backend]\ntype = 'gcs'\nprefix = 'a'\nbucket = 'abc'\nimpersonate_service_account = 'a'\nkms_encryption_key = 'b'",
        (
            f"backend.impersonate_service_account: 'a' {SERVICE_ACCOUNT}",
            (
                "backend.kms_encryption_key: 'b' is not a Cloud KMS key: projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY, "
                "without a version"
            ),
        ),
    ),
    Example(
        "backend values",
        "[backend]\ntype = 'cloud'\norganization = 'a b'\nhostname = 'https://example.com/'",
        (
            f"backend.hostname: 'https://example.com/' {HOSTNAME}",
            f"backend.organization: 'a b' {ORGANIZATION}",
        ),
    ),
    *(
        example
        for key in ("pods_range_name", "services_range_name")
        for example in values("range names", "network", key, ("a", "a" * 63), dict.fromkeys(("a" * 64, "a-", "1a", "A", ""), GCE_NAME))
    ),
    Example(
        "range names",
        "[network]\npods_range_name = 'services'",
        ("network.services_range_name: 'services' is also the Pod range: name another secondary range",),
    ),
    Example(
        "range names",
        existing(services_range_name="platform-pods"),
        ("network.services_range_name: 'platform-pods' is also the Pod range: name another secondary range",),
    ),
    Example("range names", "[network]\npods_range_name = 'services'\nservices_range_name = 'pods'"),
    *values("host project", "network", "host_project", ("host-project", "demo-project"), dict.fromkeys(("Host", "123456789012"), PROJECT)),
    Example("host project", "[network]\nhost_project = 'host-project'\ngrant_service_agents = true"),
    Example("host project", existing(host_project="host-project", grant_service_agents=True, cloud_nat=True)),
    Example(
        "host project",
        "[network]\ngrant_service_agents = true",
        (
            (
                "network.grant_service_agents: true needs network.host_project, in which the roles are granted: set it, or remove "
                "network.grant_service_agents"
            ),
        ),
    ),
    Example("existing subnetwork", existing()),
    Example("existing subnetwork", existing(cloud_nat=True)),
    Example("existing subnetwork", existing(cloud_nat=False, flow_logs=False, create_network=False)),
    Example("existing subnetwork", existing(network="default", subnetwork="default")),
    Example("existing subnetwork", "profile = 'hardened'\n" + existing()),
    Example("existing subnetwork", "handover = { parameters = ['zones', 'node_pool.max_nodes'] }\n" + existing()),
    Example(
        "existing subnetwork",
        "[network]\ncreate_subnetwork = false",
        (
            (
                "network.pods_range_name: is required if network.create_subnetwork is false: set it to the name of the existing secondary "
                "range for Pods"
            ),
            (
                "network.services_range_name: is required if network.create_subnetwork is false: set it to the name of the existing "
                "secondary range for Services"
            ),
            "network.subnetwork: is required if network.create_subnetwork is false: set it to the name of the existing subnetwork",
        ),
    ),
    *(
        Example("existing subnetwork", existing(**{key: value}), (f"network.{key}: {toml(value)} {LEFT_AS_IT_IS}",))
        for key, value in {
            "create_network": True,
            "nodes_cidr": "10.0.0.0/20",
            "pods_cidr": "10.4.0.0/14",
            "services_cidr": "192.168.0.0/20",
            "private_google_access": True,
            "flow_logs": True,
        }.items()
    ),
    Example(
        "existing subnetwork",
        "profile = 'hardened'\n" + existing(nodes_cidr="10.0.0.0/20", pods_cidr="10.0.0.0/20"),
        (
            f"network.nodes_cidr: '10.0.0.0/20' {LEFT_AS_IT_IS}",
            f"network.pods_cidr: '10.0.0.0/20' {LEFT_AS_IT_IS}",
        ),
    ),
    Example("created network", "[network]\ncreate_network = true\nnetwork = 'demo'"),
    Example(
        "created network",
        "[network]\ncreate_network = true",
        (
            (
                "network.network: 'default' is the network that Google creates in new projects: name another "
                "network, or set network.create_network to false"
            ),
        ),
    ),
    *values("subnetwork of the default network", "network", "subnetwork", ("default1", "gitpod"), {"default": DEFAULT_SUBNETWORK}),
    Example("subnetwork of the default network", "[network]\nnetwork = 'platform'\nsubnetwork = 'default'"),
    Example("subnetwork of the default network", "[network]\nnetwork = 'platform'\nsubnetwork = 'platform'"),
    Example("subnetwork of the default network", "[network]\nnetwork = 'trial'\ncreate_network = true\nsubnetwork = 'default'"),
    *(
        Example("authorized networks", f"[cluster]\nprivate_endpoint = {toml(private)}\nauthorized_networks = {{ office = '{cidr}' }}")
        for private, cidrs in {
            True: ("10.0.0.0/8", "192.168.1.7/32", "100.64.0.0/10", "172.16.0.0/12", "203.0.113.0/24"),
            False: ("8.8.8.8/32", "34.64.0.0/10", "128.0.0.0/1", "0.0.0.0/1", "10.0.0.0/7", "199.36.153.8/30"),
        }.items()
        for cidr in cidrs
    ),
    Example("authorized networks", "[cluster]\nprivate_endpoint = true\nauthorized_networks = {}"),
    *(
        Example(
            "authorized networks",
            f"[cluster]\nprivate_endpoint = {toml(private)}\nauthorized_networks = {{ vpn = '10.0.0.0/8', office = '{cidr}' }}",
            (f"cluster.authorized_networks.office: '{cidr}' {why}",),
        )
        for private, cidr, why in (
            *((True, cidr, NOT_PRIVATE) for cidr in ("8.8.8.8/32", "0.0.0.0/0", "10.0.0.0/7", "172.32.0.0/16", "128.0.0.0/1")),
            (False, "0.0.0.0/0", f"allows every network: {EVERY}"),
            (
                False,
                "127.0.0.1/32",
                ("is in 127.0.0.0/8, loopback (RFC 1122), which cannot contain clients: list the network of the clients"),
            ),
            (
                True,
                "169.254.1.0/24",
                "is in 169.254.0.0/16, link-local (RFC 3927), which cannot contain clients: list the network of the clients",
            ),
            (
                False,
                "224.0.0.0/4",
                ("is in 224.0.0.0/4, multicast (RFC 5771), which cannot contain clients: list the network of the clients"),
            ),
        )
    ),
    Example(
        "authorized networks",
        "[cluster]\nauthorized_networks = { a = '0.0.0.0/1', b = '128.0.0.0/2', c = '192.0.0.0/2' }",
        (f"cluster.authorized_networks: allows every network, taken together: {EVERY}",),
    ),
    Example("authorized networks", "[cluster]\nauthorized_networks = { a = '0.0.0.0/1', b = '128.0.0.0/2', c = '192.0.0.0/3' }"),
    Example("maintenance window", f"{WEEKLY_WINDOW}end_time = '2027-01-02T07:00:00Z'"),
    Example(
        "maintenance window",
        f"{WEEKLY_WINDOW}end_time = '2027-01-02T06:59:59Z'",
        ("cluster.maintenance_window.end_time: '2027-01-02T06:59:59Z' must be 4 to 24 hours after start_time 2027-01-02T03:00:00Z",),
    ),
    Example("maintenance exclusions", exclusions(*(["NO_UPGRADES"] * 3 + ["NO_MINOR_UPGRADES"] * 17))),
    Example(
        "maintenance exclusions",
        exclusions(*["NO_MINOR_UPGRADES"] * 21),
        ("cluster.maintenance_exclusions: has 21 exclusions, but at most 20 are allowed",),
    ),
    Example(
        "maintenance exclusions",
        exclusions(*["NO_UPGRADES"] * 5),
        tuple(
            (
                f"cluster.maintenance_exclusions[{index}].scope: 'NO_UPGRADES' is the scope of 5 exclusions, but at "
                "most 3 are allowed: use another scope"
            )
            for index in (3, 4)
        ),
    ),
    Example("required", "project = 'abcdef'"),
    Example(
        "required",
        "[backend]\ntype = 'gcs'",
        (
            "backend.bucket: is required: Name of an existing bucket",
            (
                "backend.prefix: is required: Prefix of the object names, followed by the stack's name. Choose one that no other clone "
                "uses: clones with the same prefix share states. Earlier versions used 'gitpod-pov'; keep it for existing states"
            ),
        ),
    ),
    Example("required", "[backend]\ntype = 'cloud'", ("backend.organization: is required: Name of the organization",)),
    Example("types", "zones = ['us-central1-a']\n[apis]\nmanage = false"),
    Example("types", "zones = 'us-central1-a'", ("zones: 'us-central1-a' must be a list",)),
    Example("types", "zones = [['us-central1-a']]", ("zones[0]: ['us-central1-a'] must be a string",)),
    Example("types", "project = 2026-01-31", ("project: 2026-01-31 must be a string, in quotes",)),
    Example("types", "project = 2026-01-31T10:00:00Z", ("project: 2026-01-31T10:00:00+00:00 must be a string, in quotes",)),
    Example("types", "project = 10:00:00", ("project: 10:00:00 must be a string, in quotes",)),
    Example("types", "cluster = 5", ("cluster: 5 must be a table",)),
    Example("types", "[[cluster]]\nname = 'a'", ("cluster: [{name = 'a'}] must be a table",)),
    Example("types", "[node_pool]\nlabels = ['a']", ("node_pool.labels: ['a'] must be a table",)),
    Example("types", "[node_pool.labels]\na = 1", ("node_pool.labels.a: 1 must be a string, in quotes",)),
    Example("types", "[node_pool]\nauto_repair = 'true'", ("node_pool.auto_repair: 'true' must be true or false, without quotes",)),
    Example("types", "[node_pool]\nauto_repair = 1", ("node_pool.auto_repair: 1 must be true or false",)),
    *(
        Example("types", f"[node_pool]\nmax_nodes = {value}", (f"node_pool.max_nodes: {value} must be a whole number",))
        for value in ("true", "inf", "-inf", "nan", "1.0", "{a = {b = [1, 'c']}}")
    ),
    Example("risks", "acknowledged_risks = ['public-control-plane', 'no-release-channel']"),
    Example(
        "risks",
        "acknowledged_risks = ['public-control-plan']",
        (
            (
                "acknowledged_risks[0]: 'public-control-plan' must be "
                + " or ".join(", ".join(f"'{risk}'" for risk in get_args(Risk)).rsplit(", ", 1))
            ),
        ),
    ),
    Example(
        "risks",
        "acknowledged_risks = ['public-control-plane', 'public-control-plane']",
        (f"acknowledged_risks[1]: 'public-control-plane' {TWICE}",),
    ),
]


@dataclass(frozen=True)
class FilesExample:
    """Several deployment files; `refused` is each whole line of the output."""

    rule: str
    files: Mapping[str, str]
    refused: tuple[str, ...] = ()


MINIMAL = "project = 'demo-project'\nregion = 'us-central1'\n"
APART = "[cluster]\nname = 'other'\n[identity]\naccount_id = 'gitpod-other'\n"
OTHER_RANGES = ranges(nodes_cidr="10.16.0.0/20", pods_cidr="10.20.0.0/14", services_cidr="10.24.0.0/20")
NAME = (
    "has a name that is not a deployment name: at most 40 lowercase letters, digits and hyphens, "
    "starting with a letter and not ending with a hyphen"
)
OTHER_CLUSTER = f"[cluster]\nname = 'other'\n{OTHER_RANGES}"
SHARED = f"[identity]\nemail = '{NODES}'\ngrant_roles = true\nroles = [{{}}]\n"
REMOVED = (
    "would grant {} to {} in project 'demo-project', as deployments/{}.toml does, and a destroy of one of them would remove the grant for "
    "both; remove grant_roles"
)
TAKEN = "is already in use: deployments/a.toml creates the {} with this name in project 'demo-project'; choose another"
COMMON = "of deployments/a.toml in the same network; choose another"

FILES_EXAMPLES = [
    *(FilesExample("deployment name", {f"{name}.toml": MINIMAL}) for name in ("a", "a-1", "a" * 39, "a" * 40)),
    *(
        FilesExample("deployment name", {f"{name}.toml": MINIMAL}, (f"deployments/{name}.toml: {NAME}",))
        for name in ("a" * 41, "A", "a-", "1a", "a_b", "a.b", "ä", "a b")
    ),
    FilesExample("deployments apart", {"a.toml": MINIMAL, "b.toml": MINIMAL + APART + OTHER_RANGES}),
    FilesExample("deployments apart", {"a.toml": MINIMAL, "b.toml": MINIMAL.replace("demo-project", "other-project")}),
    FilesExample(
        "deployments apart",
        {
            "a.toml": MINIMAL,
            "b.toml": f"project = 'demo-project'\nregion = 'europe-west1'\n[identity]\naccount_id = 'gitpod-other'\n{OTHER_RANGES}",
        },
    ),
    FilesExample(
        "deployments apart",
        {"a.toml": MINIMAL, "b.toml": MINIMAL + OTHER_RANGES},
        (
            f"deployments/b.toml: cluster.name: 'gitpod' {TAKEN.format('cluster')}",
            f"deployments/b.toml: identity.account_id: 'gitpod-gke' {TAKEN.format('service account')}",
            f"deployments/b.toml: network.subnetwork: 'gitpod-gitpod' {TAKEN.format('subnetwork')}",
        ),
    ),
    FilesExample(
        "deployments apart",
        {
            "a.toml": MINIMAL + "[network]\nnetwork = 'demo'\ncreate_network = true\n",
            "b.toml": MINIMAL + APART + OTHER_RANGES + "network = 'demo'\ncreate_network = true\n",
        },
        (f"deployments/b.toml: network.network: 'demo' {TAKEN.format('network')}",),
    ),
    FilesExample("deployments apart", {"a.toml": MINIMAL, "b.toml": MINIMAL + OTHER_CLUSTER + f"[identity]\nemail = '{NODES}'"}),
    FilesExample(
        "grants apart",
        {
            "a.toml": MINIMAL + SHARED.format("'roles/a', 'roles/b'"),
            "b.toml": MINIMAL + OTHER_CLUSTER + SHARED.format("'roles/c'"),
            "c.toml": MINIMAL.replace("demo-project", "third-project") + SHARED.format("'roles/a'"),
        },
    ),
    FilesExample(
        "grants apart",
        {
            "a.toml": MINIMAL + SHARED.format("'roles/a', 'roles/b'"),
            "b.toml": MINIMAL + OTHER_CLUSTER + SHARED.format("'roles/c', 'roles/b'"),
        },
        (f"deployments/b.toml: identity.grant_roles: {REMOVED.format('roles/b', NODES, 'a')}",),
    ),
    FilesExample(
        "grants apart",
        {
            "a.toml": MINIMAL + OTHER_CLUSTER + "[identity]\nemail = 'gitpod-gke@demo-project.iam.gserviceaccount.com'\ngrant_roles = true",
            "b.toml": MINIMAL,
        },
        (
            "deployments/a.toml: identity.grant_roles: "
            + REMOVED.format("roles/storage.admin", "gitpod-gke@demo-project.iam.gserviceaccount.com", "b"),
        ),
    ),
    FilesExample("ranges of one network", {"a.toml": MINIMAL, "b.toml": MINIMAL + APART + "[network]\nnetwork = 'demo'"}),
    FilesExample(
        "ranges of one network",
        {"a.toml": MINIMAL, "b.toml": MINIMAL + APART},
        (
            f"deployments/b.toml: network.nodes_cidr: '10.0.0.0/20' overlaps network.nodes_cidr '10.0.0.0/20' {COMMON}",
            f"deployments/b.toml: network.pods_cidr: '10.4.0.0/14' overlaps network.pods_cidr '10.4.0.0/14' {COMMON}",
            f"deployments/b.toml: network.services_cidr: '10.8.0.0/20' overlaps network.services_cidr '10.8.0.0/20' {COMMON}",
        ),
    ),
    FilesExample(
        "required",
        {"a.toml": ""},
        (
            "deployments/a.toml: project: is required: ID of an existing Google Cloud project with billing",
            "deployments/a.toml: region: is required: Region of the cluster, such as us-central1",
        ),
    ),
]

ALL: list[Example | FilesExample] = [*EXAMPLES, *FILES_EXAMPLES]


def answer(folder: Path, files: Mapping[str, str]) -> tuple[str, ...]:
    (folder / "deployments").mkdir()
    for name, text in files.items():
        (folder / "deployments" / name).write_text(text, encoding="utf-8")
    try:
        load_deployments(folder / "deployments")
    except RefusedDeploymentsError as error:
        return tuple(error.messages)
    return ()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example.rule}-{'bad' if example.refused else 'good'}")
def test_one_file(example: Example, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert answer(tmp_path, {"pov.toml": example.text}) == tuple(f"deployments/pov.toml: {line}" for line in example.refused)


@pytest.mark.parametrize("example", FILES_EXAMPLES, ids=lambda example: f"{example.rule}-{'bad' if example.refused else 'good'}")
def test_files(example: FilesExample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert answer(tmp_path, example.files) == example.refused


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_examples(rule: str) -> None:
    kinds = {bool(example.refused) for example in ALL if example.rule == rule}
    assert kinds == (set() if rule in NO_INPUT else {True, False}), RULES[rule]


def test_every_example_has_a_rule() -> None:
    assert {example.rule for example in ALL} | NO_INPUT.keys() == RULES.keys()
