"""Deployments of any content: one that passes the checks can be synthesized, and the faults of every other one are reported."""

import json
import re
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

from gitpod_pov.gke_cluster import ReleaseChannel
from gitpod_pov.node_pool import WORKLOAD_LABELS, WORKLOADS
from gitpod_pov.risks import Risk

import jsonschema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployment.model import Deployment
from deployment.reading import RefusedDeploymentsError, load_deployments
from deployment.schema import schema
from tests.app import Synthesized, synthesize

REGIONS = ("us-central1", "northamerica-northeast2")
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=20).filter(
    lambda text: not re.search(r"[$%]\{", text)
)


def names(longest: int, shortest: int = 1) -> st.SearchStrategy[str]:
    """Return names at and near both bounds of their length."""
    lengths = st.sampled_from(sorted({shortest, shortest + 1, longest - 1, longest}))
    return lengths.flatmap(lambda length: st.from_regex(rf"[a-z][a-z0-9-]{{{length - 1}}}", fullmatch=True)).map(
        lambda n: re.sub("-$", "0", n)
    )


def lists(items: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(items, max_size=3, unique=True)


def sections(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return a table in which each key can be left out."""
    return st.fixed_dictionaries({}, optional=keys)


def roles(project: str) -> st.SearchStrategy[list[str]]:
    return lists(
        st.one_of(
            st.from_regex(r"roles/[a-z][A-Za-z0-9.]{1,9}", fullmatch=True),
            st.from_regex(rf"projects/{project}/roles/[A-Z][A-Za-z0-9.]{{2,9}}", fullmatch=True),
            st.from_regex(r"organizations/[0-9]{1,12}/roles/[A-Za-z0-9.]{3,9}", fullmatch=True),
        )
    )


LABEL = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?", fullmatch=True)
RBAC = st.from_regex(r"[^/%${}.\x00-\x1f\x7f]{1,20}", fullmatch=True)
MEMBERS = lists(
    st.from_regex(
        r"(user|group):[A-Za-z]{1,5}@[a-z]{1,5}\.com|serviceAccount:[a-z]{1,5}@[a-z]{1,5}\.iam\.gserviceaccount\.com", fullmatch=True
    )
)
PREFIX = st.lists(
    TEXT.map(lambda text: text.replace("/", "")).filter(lambda text: text not in {"", ".", ".."}), min_size=1, max_size=3
).map("/".join)
BACKENDS = st.one_of(
    st.just({"type": "local"}),
    st.fixed_dictionaries(
        {"type": st.just("gcs"), "bucket": names(63, 3).filter(lambda name: "goog" not in name), "prefix": PREFIX},
        optional={"impersonate_service_account": st.just("a@b.iam.gserviceaccount.com")},
    ),
    st.fixed_dictionaries(
        {"type": st.just("cloud"), "organization": names(40, 3)},
        optional={"project": st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9 _-]{1,38}[A-Za-z0-9_-]", fullmatch=True), "prefix": names(20, 1)},
    ),
)


@st.composite
def networks(draw: st.DrawFn) -> dict[str, Any]:
    """Return ranges apart from each other, and each large enough for the largest pool, down to the smallest that is."""
    return {
        "nodes_cidr": f"10.{draw(st.integers(0, 63))}.0.0/{draw(st.sampled_from((16, 19, 20)))}",
        "pods_cidr": f"10.64.0.0/{draw(st.sampled_from((10, 11)))}",
        "services_cidr": f"172.{draw(st.integers(16, 31))}.0.0/{draw(st.sampled_from((16, 17, 26, 27)))}",
        **draw(sections(subnetwork=names(63))),
        **draw(st.sampled_from(({}, {"network": "demo"}, {"network": "demo", "create_network": True}))),
    }


MACHINES: tuple[dict[str, str], ...] = (
    {},
    {"machine_type": "e2-medium", "disk_type": "pd-standard"},
    {"machine_type": "n2-custom-8-16384-ext"},
    {"machine_type": "c4-standard-8", "disk_type": "hyperdisk-balanced"},
    {"machine_type": "n7-standard-8", "disk_type": "hyperdisk-new"},
)


@st.composite
def pools(draw: st.DrawFn) -> dict[str, Any]:
    smallest, first, largest = sorted(draw(st.tuples(*[st.sampled_from((0, 1, 2, 999, 1000))] * 3)))
    return {
        "min_nodes": smallest,
        "initial_nodes": first,
        "max_nodes": max(largest, 1),
        **draw(st.sampled_from(MACHINES)),
        **draw(
            sections(
                name=names(40),
                disk_size_gb=st.sampled_from((10, 11, 65_535, 65_536)),
                image_type=st.sampled_from(("UBUNTU_CONTAINERD", "COS_CONTAINERD")),
                max_pods_per_node=st.sampled_from((8, 9, 255, 256)),
                oauth_scopes=lists(st.from_regex(r"https://www\.googleapis\.com/auth/[a-z.]{1,20}", fullmatch=True)),
                labels=st.dictionaries(LABEL, LABEL | st.just(""), max_size=3).map(
                    lambda own: {**own, **dict(list(WORKLOAD_LABELS.items())[:1])}
                ),
                metadata=st.dictionaries(st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True), TEXT, max_size=3),
            )
        ),
    }


UPGRADES = st.sampled_from(
    (
        {},
        {"max_surge": 0, "max_unavailable": 1},
        {"max_surge": 1000},
        {"strategy": "BLUE_GREEN"},
        {"strategy": "BLUE_GREEN", "node_pool_soak_duration": "604800s", "batch_node_count": 1000, "batch_soak_duration": "0s"},
    )
)


@st.composite
def additional_pools(draw: st.DrawFn, channel: str) -> dict[str, Any]:
    """Return small pools, of which each workload has at most one."""
    workloads = draw(st.permutations(WORKLOADS))
    made = {}
    for name in draw(st.lists(names(40), max_size=3, unique=True)):
        own, workloads = workloads[: (taken := draw(st.integers(0, 3)))], workloads[taken:]
        limits = draw(st.sampled_from(({"max_nodes": 30}, {"max_total_nodes": 90}, {"min_total_nodes": 0, "max_total_nodes": 3})))
        taints = [{"key": "a", "effect": "PREFER_NO_SCHEDULE" if own else "NO_SCHEDULE"}]
        optional = draw(sections(spot=st.booleans(), taints=st.just(taints), upgrade_settings=UPGRADES))
        made[name] = {**limits, **draw(management(channel)), **draw(st.sampled_from(MACHINES)), **optional, "workloads": own}
    return made


def management(channel: str) -> st.SearchStrategy[dict[str, Any]]:
    """Return automatic upgrades and repairs: only on in a release channel, on or off without one."""
    values = st.booleans() if channel == "UNSPECIFIED" else st.sampled_from([True])
    return sections(auto_upgrade=values, auto_repair=values)


DOMAINS = st.from_regex(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.){1,3}acme-corp\.(dev|co\.uk|xn--p1ai)", fullmatch=True)
INGRESS = st.fixed_dictionaries(
    {"domain": DOMAINS, "acme_email": DOMAINS.map(lambda domain: f"Ops+%'$&@{domain}")},
    optional={
        "zone": names(63),
        "create_zone": st.booleans(),
        "account_id": names(29, 6).map(lambda name: f"z{name}"),  # not that of the nodes
        "dns_access": st.sampled_from(("guide", "least-privilege")),
        "acme_server": st.sampled_from(("production", "staging")),
        "issuer_name": st.from_regex(r"[a-z0-9]([a-z0-9.]?[a-z0-9]){0,26}", fullmatch=True),
        "cert_manager_version": st.sampled_from(("v1.15.0", "v1.22.0-alpha.1")),
        "external_dns_version": st.sampled_from(("1.14.0", "2.0.0")),
        "chart_repository": st.sampled_from(("oci://mirror/a", "https://mirror:8443/a%20b/")),
    },
)


@st.composite
def deployments(draw: st.DrawFn) -> dict[str, Any]:
    project, region, channel = draw(names(30, 6)), draw(st.sampled_from(REGIONS)), draw(st.sampled_from(get_args(ReleaseChannel)))
    members = draw(MEMBERS)
    node_pool = {**draw(pools()), **draw(management(channel)), **draw(sections(upgrade_settings=UPGRADES))}
    groups = {"rbac_security_group": "gke-security-groups@example.com"} if any(member.startswith("group:") for member in members) else {}
    return {
        "project": project,
        "region": region,
        "zones": draw(lists(st.sampled_from("abc"))) and [f"{region}-{letter}" for letter in draw(lists(st.sampled_from("abc")))],
        "network": draw(networks()),
        "cluster": {
            "release_channel": channel,
            **groups,
            **draw(
                sections(
                    name=names(40),
                    version=st.sampled_from(("1.33", "1.33.4-gke.1245000")),
                    default_max_pods_per_node=st.sampled_from((8, 256)),
                    deletion_protection=st.booleans(),
                )
            ),
        },
        "node_pool": node_pool,
        "pools": draw(additional_pools(channel).filter(lambda pools: node_pool.get("name", "gitpod") not in pools)),
        **draw(
            sections(
                acknowledged_risks=lists(st.sampled_from(get_args(Risk))),
                apis=sections(
                    manage=st.booleans(),
                    services=lists(st.from_regex(r"[a-z][a-z0-9-]{0,9}(\.[a-z]{1,9})?\.googleapis\.com", fullmatch=True)),
                ),
                identity=sections(account_id=names(30, 6), roles=roles(project)),
                admins=sections(members=st.just(members), cluster_role=RBAC, binding_name=RBAC),
                ingress=INGRESS,
                backend=BACKENDS,
            )
        ),
    }


def outputs(app: Synthesized) -> dict[Path, bytes]:
    return {path.relative_to(app.outdir): path.read_bytes() for path in app.outdir.rglob("*") if path.is_file()}


def strings(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    for item in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from strings(item)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], derandomize=True)
@given(deployments())
def test_what_passes_the_checks_synthesizes_to_the_same_bytes_and_loses_nothing(content: dict[str, Any]) -> None:
    deployment = Deployment.checked(content)
    with TemporaryDirectory() as first, TemporaryDirectory() as second:
        app = synthesize({"pov": deployment}, Path(first))
        assert outputs(app) == outputs(synthesize({"pov": deployment}, Path(second)))
        for text in outputs(app).values():
            assert b"TfToken" not in text
            assert str(Path.cwd()).encode() not in text
            assert first.encode() not in text
        for name in app.manifest["stacks"]:
            assert not [text for text in strings(app.stack(name)["terraform"]) if text.startswith("/")]
        services = deployment.apis.services if deployment.apis.manage else ()
        addresses = app.addresses("pov-cluster")
        assert len([address for address in addresses if address.startswith("google_project_service.")]) == len(services)
        assert len([address for address in addresses if address.startswith("google_project_iam_member.")]) == len(deployment.identity.roles)
        pool = app.resource("pov-cluster", "google_container_node_pool.node_pool")
        others = {name: app.resource("pov-cluster", f"google_container_node_pool.node_pool_{name}") for name in deployment.pools}
        assert [other["name"] for other in others.values()] == list(others)
        moved = {f"gitpod.io/workload_{workload}" for other in deployment.pools.values() for workload in other.workloads}
        rest = {label: value for label, value in WORKLOAD_LABELS.items() if label not in moved}
        assert pool["node_config"]["labels"] == ({**deployment.node_pool.labels, **rest} or {"gitpod.io/workloads": "none"})
        assert pool["autoscaling"] == {"min_node_count": deployment.node_pool.min_nodes, "max_node_count": deployment.node_pool.max_nodes}
        binding = app.resource("pov-rbac", "kubernetes_cluster_role_binding_v1.admins")
        assert len(binding["subject"]) == max(len(deployment.admins.members), 1)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], derandomize=True)
@given(deployments())
def test_what_passes_the_checks_has_room_for_its_nodes_and_keeps_the_schema(content: dict[str, Any]) -> None:
    deployment = Deployment.checked(content)
    jsonschema.Draft7Validator(SCHEMA).validate(content)
    nodes, addresses = 0.0, 0.0
    for pool in (deployment.node_pool, *deployment.pools.values()):
        most = pool.max_total_nodes or pool.max_nodes * (len(deployment.zones) or 3)
        nodes += most
        addresses += most * next(size for size in (16, 32, 64, 128, 256, 512) if size >= 2 * pool.max_pods_per_node)
    assert IPv4Network(deployment.network.pods_cidr).num_addresses >= addresses
    assert IPv4Network(deployment.network.nodes_cidr).num_addresses >= nodes + 4


SCHEMA = schema()


def is_reported(content: bytes) -> None:
    """Load a file with this content; whatever is raised but a refusal in lines that are safe to print fails the test."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "pov.toml").write_bytes(content)
        messages: list[str] | None = None
        try:
            load_deployments(Path(folder))
        except RefusedDeploymentsError as error:
            messages = error.messages
    assert messages != []
    for message in messages or ():
        assert message.isprintable(), message
        assert message.startswith(f"{folder}/pov.toml: ")


FUZZ = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)


@FUZZ
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    is_reported(content)


@FUZZ
@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(content: str) -> None:
    is_reported(content.encode("utf-8", "surrogatepass"))


SECTIONS = SCHEMA["properties"]
KEYS = st.one_of(
    st.sampled_from([*SECTIONS, "type", "bucket"]),
    st.sampled_from([key for section in SECTIONS.values() for key in section.get("properties", {})]),
    st.text(max_size=10),
)
SCALARS = st.one_of(
    st.text(max_size=20).map(json.dumps),
    st.sampled_from(["local", "gcs", "10.0.0.0/20", "us-central1", "demo-project", "REGULAR", "${a}", "[key]"]).map(json.dumps),
    st.integers().map(str),
    st.sampled_from(["true", "false", "inf", "-nan", "1e400", "2026-01-31", "2026-01-31T10:00:00Z", "10:00:00", "0xffffffffffffffffffff"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(KEYS, inner, max_size=3).map(lambda d: f"{{{', '.join(f'{json.dumps(k)} = {v}' for k, v in d.items())}}}"),
    ),
    max_leaves=5,
)
LINES = st.one_of(
    st.tuples(KEYS, VALUES).map(lambda pair: f"{json.dumps(pair[0])} = {pair[1]}"),
    st.sampled_from(list(SECTIONS)).map(lambda section: f"[{section}]"),
)


@FUZZ
@given(st.lists(LINES, max_size=8))
def test_any_toml_is_read_or_refused(lines: list[str]) -> None:
    is_reported("\n".join(lines).encode())
