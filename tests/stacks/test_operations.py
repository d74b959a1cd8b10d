"""The steps that docs/operations.md describes, one test for each section, on real Terraform with stand-in providers."""

import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from rehearsal.cloud import Fault
from rehearsal.stand_in import StandIns
from rehearsal.workspace import OVERRIDE_FILE, TerraformError, Workspace
from stacks.states import unused_states
from tests.app import ROOT, deployment, synthesize
from tests.killed import kill_while_creating
from tests.stacks.conftest import Bucket

pytestmark = pytest.mark.terraform

CLUSTER = "google_container_cluster.cluster"
POOL = "google_container_node_pool.node_pool"
NAT = "google_compute_router_nat.network_nat"
BINDING = "kubernetes_cluster_role_binding_v1.admins"
PROJECT, REGION = "my-gitpod-pov", "us-central1"
CLUSTER_ID = f"projects/{PROJECT}/locations/{REGION}/clusters/gitpod"
POOL_TYPE, CLUSTER_TYPE = "google_container_node_pool", "google_container_cluster"
NO_CHANNEL: dict[str, Any] = {"cluster": {"release_channel": "UNSPECIFIED"}}
STACKS = ("cluster", "rbac")
TEXT = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


class Stacks:
    """Both stacks of a deployment: what is synthesized, and Terraform in a folder for each."""

    def __init__(self, folder: Path, **sections: Any) -> None:
        self.folder, self._count = folder, 0
        folder.mkdir(exist_ok=True)
        self.stand_ins = StandIns(folder / "journal.jsonl").__enter__()
        self.cloud = self.stand_ins.cloud
        cluster, rbac = self._synthesized(sections)
        self.cluster = Workspace(self.stand_ins, cluster, folder / "a" / "b" / "c" / "pov-cluster")
        self.rbac = Workspace(self.stand_ins, rbac, folder / "a" / "b" / "c" / "pov-rbac")
        for workspace in (self.cluster, self.rbac):
            workspace.init()

    def _synthesized(self, sections: dict[str, Any]) -> list[Path]:
        self._count += 1
        out = self.folder / f"out{self._count}"
        synthesize({"pov": deployment(**{"project": PROJECT, "zones": ["us-central1-a"], **sections})}, out)
        return [out / "stacks" / stack for stack in ("pov-cluster", "pov-rbac")]

    def edit_deployment(self, **sections: Any) -> None:
        for workspace, stack in zip((self.cluster, self.rbac), self._synthesized(sections), strict=True):
            workspace.synthesize(stack)

    def apply(self) -> None:
        for workspace in (self.cluster, self.rbac):
            workspace.apply()

    def assert_no_changes(self) -> None:
        assert self.cluster.plan().empty
        assert self.rbac.plan().empty

    def pools(self) -> set[str]:
        return {pool["name"] for pool in self.cloud.objects(POOL_TYPE)}


@pytest.fixture
def stacks(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Stacks]:
    made = Stacks(tmp_path, **getattr(request, "param", {}))
    yield made
    made.stand_ins.__exit__(None, None, None)


def of(**sections: Any) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("stacks", [sections], indirect=True, ids=[""])


def test_every_section_has_a_test_here() -> None:
    tested = "\n".join(function.__doc__ or "" for function in globals().values() if callable(function))
    sections = re.findall(r"^## (.+)$", TEXT, re.MULTILINE)
    assert len(sections) > 10
    assert [section for section in sections if section not in tested] == ["What a change does"]  # test_changes.py


@of(**NO_CHANNEL)
def test_update_of_a_deployment_without_a_channel(stacks: Stacks) -> None:
    """Updating a deployment that has no release channel."""
    stacks.cloud.facts["release_channel_required"] = False
    old = ROOT / "tests" / "golden" / "0.1.0"
    for workspace in (stacks.cluster, stacks.rbac):
        new = (workspace.directory / "cdk.tf.json").read_text()
        shutil.copy(old / f"{workspace.directory.name}.tf.json", workspace.directory / "cdk.tf.json")
        workspace.apply()
        (workspace.directory / "cdk.tf.json").write_text(new)
        plan = workspace.plan()
        assert plan.changes == {}
        assert set(plan.outputs.values()) <= {"no-op", "create"}


@of(**NO_CHANNEL)
def test_the_new_default_is_refused_for_a_cluster_without_a_channel(stacks: Stacks) -> None:
    """Updating a deployment that has no release channel: what happens without the key."""
    stacks.cloud.facts["release_channel_required"] = False
    stacks.apply()
    stacks.edit_deployment()
    for _ in range(2):
        with pytest.raises(TerraformError, match="Auto_upgrade cannot be false when release_channel REGULAR is set"):
            stacks.cluster.apply()


class TestCreationFailed:
    """Creating the cluster failed."""

    def fail(self, stacks: Stacks) -> None:
        stacks.cloud.break_down(Fault("create", CLUSTER_TYPE, message="Error 500: backendError", carried_out=True))
        with pytest.raises(TerraformError, match="backendError"):
            stacks.cluster.apply()
        assert stacks.cluster.tainted() == {CLUSTER}

    def test_without_protection_the_next_apply_replaces_the_cluster(self, stacks: Stacks) -> None:
        self.fail(stacks)
        stacks.apply()
        stacks.assert_no_changes()
        assert stacks.pools() == {"gitpod"}

    @of(profile="hardened")
    def test_with_protection_untaint_keeps_it(self, stacks: Stacks) -> None:
        self.fail(stacks)
        for deletion_protection in (True, False):
            stacks.edit_deployment(profile="hardened", cluster={"deletion_protection": deletion_protection})
            with pytest.raises(TerraformError, match="prevent_destroy" if deletion_protection else "deletion_protection"):
                stacks.cluster.apply()
        stacks.edit_deployment(profile="hardened")
        stacks.cluster.untaint(CLUSTER)
        stacks.apply()
        stacks.assert_no_changes()
        assert stacks.pools() == {"gitpod", "default-pool"}


class TestKilled:
    """Terraform was killed."""

    def kill(self, stacks: Stacks, kind: str) -> None:
        kill_while_creating(kind, stacks.cluster, stacks.cloud)
        stacks.cloud.repair()
        for lock in stacks.folder.rglob("*.lock.info"):
            lock.unlink()
        with pytest.raises(TerraformError, match=r"(?i)already exists"):
            stacks.cluster.apply()

    def test_while_the_node_pool_was_being_created(self, stacks: Stacks) -> None:
        self.kill(stacks, POOL_TYPE)
        stacks.cluster.import_(POOL, f"{PROJECT}/{REGION}/gitpod/gitpod")
        assert stacks.cluster.plan().empty

    def test_while_the_cluster_was_being_created(self, stacks: Stacks) -> None:
        self.kill(stacks, CLUSTER_TYPE)
        assert stacks.pools() == {"default-pool"}
        stacks.cluster.import_(CLUSTER, f"{PROJECT}/{REGION}/gitpod")
        assert stacks.cluster.plan().changes == {CLUSTER: "update", POOL: "create"}
        stacks.apply()
        stacks.assert_no_changes()
        assert stacks.pools() == {"gitpod"}


def test_upgrade_of_control_plane_and_nodes(stacks: Stacks) -> None:
    """Upgrading Kubernetes."""
    stacks.apply()
    version = "1.35.9-gke.1"
    stacks.cloud.facts["regular_version"] = version
    assert stacks.cluster.plan().changes == {}
    stacks.edit_deployment(cluster={"version": version})
    assert stacks.cluster.plan().changes == {CLUSTER: "update"}
    stacks.cluster.apply()
    assert stacks.cluster.state()[CLUSTER]["master_version"] == version
    stacks.cloud.change(POOL_TYPE, "version", version)  # gcloud container clusters upgrade
    assert stacks.cluster.plan().changes == {}
    stacks.edit_deployment()
    assert stacks.cluster.plan().changes == {}


@of(**NO_CHANNEL)
def test_joining_takes_two_applies(stacks: Stacks) -> None:
    """Joining a release channel."""
    stacks.cloud.facts["release_channel_required"] = False
    stacks.apply()
    stacks.edit_deployment(**NO_CHANNEL, node_pool={"auto_upgrade": True})
    stacks.apply()
    stacks.assert_no_changes()
    stacks.edit_deployment(cluster={"release_channel": "REGULAR"})
    stacks.apply()
    stacks.assert_no_changes()


def test_a_slower_channel_is_refused_until_it_has_the_version(stacks: Stacks) -> None:
    """Changing to a slower release channel."""
    stacks.apply()
    version = stacks.cluster.state()[CLUSTER]["master_version"]
    stacks.edit_deployment(cluster={"release_channel": "STABLE"})
    with pytest.raises(TerraformError, match="STABLE"):
        stacks.cluster.apply()
    stacks.cloud.facts["stable_version"] = version
    stacks.apply()
    stacks.assert_no_changes()


OFF: dict[str, Any] = tomllib.loads(
    re.findall(r"```toml\n(.*?)```", TEXT.partition("## Switching from the hardened")[2], re.DOTALL)[0].replace("   ", "")
)


LABEL = "gitpod.io/workload_workspace_regular"
SPOT: dict[str, Any] = {"spot": True, "workloads": ["workspace_regular"]}


def with_label(stacks: Stacks) -> set[str]:
    """Return the names of the node pools that have the label."""
    return {pool["name"] for pool in stacks.cloud.objects(POOL_TYPE) if LABEL in pool["node_config"][0]["labels"]}


def keeps_the_label(stacks: Stacks, **sections: Any) -> bool:
    """Apply an edited deployment and return whether a node pool had the label at any time."""
    names, since = with_label(stacks), stacks.cloud.journal.mark()
    stacks.edit_deployment(**sections)
    stacks.cluster.apply()
    assert stacks.cluster.plan().empty
    for entry in stacks.cloud.journal.entries(type=POOL_TYPE, since=since):
        name = str(entry.id).rpartition("/")[2]
        if entry.call == "destroy":
            names -= {name}
        elif entry.call in {"create", "update"} and entry.outcome == "done":
            names = names | {name} if LABEL in entry.values["node_config"][0]["labels"] else names - {name}
        if not names:
            return False
    return True


class TestNodePools:
    """Adding a node pool. Moving a workload to another node pool. Renaming or removing a node pool."""

    def test_adding_a_pool(self, stacks: Stacks) -> None:
        stacks.cluster.apply()
        (example,) = re.findall(r"```toml\n(\[pools.*?)```", TEXT, re.DOTALL)
        stacks.edit_deployment(**tomllib.loads(example))
        stacks.cloud.break_down(Fault("create", POOL_TYPE, message="Insufficient regional quota"))
        with pytest.raises(TerraformError, match="Insufficient regional quota"):
            stacks.cluster.apply()
        assert with_label(stacks) == {"gitpod"}
        stacks.cluster.apply()
        assert with_label(stacks) == {"spot"}
        assert "google_container_node_pool.node_pool_spot" in stacks.cluster.state()

    @of(pools={"spot": SPOT})
    @pytest.mark.parametrize("pools", [{"spot": {"spot": True}}, {"spot": {"spot": True}, "other": {"workloads": SPOT["workloads"]}}])
    def test_moving_a_workload_with_the_label_on_the_main_pool(self, stacks: Stacks, pools: dict[str, Any]) -> None:
        stacks.cluster.apply()
        (example,) = re.findall(r"```toml\n( +\[node_pool.labels.*?)```", TEXT, re.DOTALL)
        label = tomllib.loads(example)
        assert keeps_the_label(stacks, pools={"spot": SPOT}, **label)
        assert with_label(stacks) == {"gitpod", "spot"}
        assert keeps_the_label(stacks, pools=pools, **label)
        assert keeps_the_label(stacks, pools=pools)
        assert with_label(stacks) == ({"other"} if "other" in pools else {"gitpod"})

    @of(pools={"spot": SPOT})
    def test_removing_a_pool_at_once_leaves_no_node_with_the_label(self, stacks: Stacks) -> None:
        stacks.cluster.apply()
        assert not keeps_the_label(stacks)
        assert with_label(stacks) == {"gitpod"}

    @of(pools={"spot": SPOT})
    def test_renaming_a_pool(self, stacks: Stacks) -> None:
        stacks.cluster.apply()
        label = {"node_pool": {"labels": {LABEL: "true"}}}
        both = {"spot": {"spot": True}, "burst": SPOT}
        for sections in ({"pools": {"spot": SPOT}, **label}, {"pools": both, **label}, {"pools": both}, {"pools": {"burst": SPOT}}):
            assert keeps_the_label(stacks, **sections)
        assert stacks.pools() == {"gitpod", "burst"}


@of(profile="hardened")
def test_switching_to_reference_takes_two_applies(stacks: Stacks) -> None:
    """Switching from the hardened to the reference profile."""
    stacks.apply()
    stacks.edit_deployment(**OFF)
    changes = stacks.cluster.plan().changes
    assert changes == {CLUSTER: "update", POOL: "update"}
    stacks.apply()
    stacks.assert_no_changes()
    stacks.edit_deployment(cluster={"workload_identity": False})
    changes = stacks.cluster.plan().changes
    assert changes[NAT] == "delete"
    assert "replace" not in changes.values()
    stacks.apply()
    stacks.assert_no_changes()
    cluster = stacks.cluster.state()[CLUSTER]
    assert cluster["private_cluster_config"][0]["enable_private_nodes"] is False
    assert not cluster["workload_identity_config"] or not cluster["workload_identity_config"][0]["workload_pool"]


@of(cluster={"deletion_protection": True})
def test_a_protected_cluster_is_destroyed_after_an_update(stacks: Stacks) -> None:
    """Destroying a protected cluster."""
    stacks.apply()
    with pytest.raises(TerraformError, match="prevent_destroy"):
        stacks.cluster.destroy()
    stacks.edit_deployment()
    assert stacks.cluster.plan().changes == {CLUSTER: "update"}
    stacks.apply()
    stacks.rbac.destroy()
    stacks.cluster.destroy()
    assert stacks.cluster.state() == stacks.rbac.state() == {}


def test_the_binding_of_a_deleted_cluster_is_removed_from_the_state(stacks: Stacks) -> None:
    """The cluster was deleted before the RBAC stack."""
    stacks.apply()
    stacks.cluster.destroy()
    with pytest.raises(TerraformError, match="not found"):
        stacks.rbac.destroy()
    stacks.rbac.state_rm(BINDING)
    assert stacks.rbac.state() == {}


def test_an_expired_token_needs_a_new_plan(stacks: Stacks) -> None:
    """A saved plan is older than an hour."""
    stacks.cluster.apply()
    saved = stacks.rbac.plan()
    stacks.cloud.facts["access_token"] = "a-newer-token"  # noqa: S105 - of the stand-in
    with pytest.raises(TerraformError, match="Unauthorized"):
        stacks.rbac.apply(saved)
    stacks.rbac.apply(stacks.rbac.plan())
    assert stacks.rbac.plan().empty


def test_renamed_states_continue(stacks: Stacks, tmp_path: Path) -> None:
    """Renaming or deleting a deployment."""
    stacks.apply()
    synthesize({"trial": deployment(project=PROJECT, zones=["us-central1-a"])}, tmp_path / "renamed")
    for suffix in ("cluster", "rbac"):
        (state,) = tmp_path.rglob(f"terraform.pov-{suffix}.tfstate")
        state.rename(state.with_name(f"terraform.trial-{suffix}.tfstate"))
        renamed = Workspace(
            stacks.stand_ins, tmp_path / "renamed" / "stacks" / f"trial-{suffix}", tmp_path / "a" / "b" / "c" / f"trial-{suffix}"
        )
        renamed.init()
        assert renamed.plan().empty


@of(**tomllib.loads(re.findall(r"```toml\n(.*?)```", TEXT.partition("## There is no default")[2], re.DOTALL)[0]))
def test_creates_a_dedicated_network(stacks: Stacks) -> None:
    """There is no default network."""
    stacks.apply()
    stacks.assert_no_changes()
    assert [network["name"] for network in stacks.cloud.objects("google_compute_network")] == ["gitpod"]


def test_two_clusters_in_one_project(stacks: Stacks, tmp_path: Path) -> None:
    """A second cluster in the same project."""
    second = tomllib.loads(re.findall(r"```toml\n(.*?)```", TEXT.partition("## A second cluster")[2], re.DOTALL)[0])
    stacks.apply()
    synthesize({"second": deployment(project=PROJECT, zones=["us-central1-a"], **second)}, tmp_path / "second")
    other = Workspace(stacks.stand_ins, tmp_path / "second" / "stacks" / "second-cluster", tmp_path / "a" / "b" / "c" / "second-cluster")
    other.init()
    other.apply()
    assert other.plan().empty
    stacks.assert_no_changes()


def test_an_account_without_an_address_is_reported(stacks: Stacks) -> None:
    """Credentials without the e-mail scope."""
    stacks.cluster.apply()
    stacks.cloud.facts["account_email"] = None
    with pytest.raises(TerraformError, match=r"admins\.members"):
        stacks.rbac.plan()
    stacks.edit_deployment(admins={"members": ["user:alice@example.com"]})
    stacks.rbac.apply()
    assert stacks.rbac.plan().empty


class WithItsBackend(Workspace):
    """A stack whose backend is not overridden."""

    def synthesize(self, stack: Path) -> None:
        super().synthesize(stack)
        (self.directory / OVERRIDE_FILE).unlink(missing_ok=True)


class TestMovingTheState:
    """Moving the state to another backend."""

    LOCAL: ClassVar[dict[str, Any]] = {"type": "local"}
    GCS: ClassVar[dict[str, Any]] = {"type": "gcs", "bucket": Bucket.name, "prefix": "trial"}

    @pytest.fixture
    def stacks(self, tmp_path: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stacks]:
        monkeypatch.setattr(f"{__name__}.Workspace", WithItsBackend)
        made = Stacks(tmp_path)
        for workspace in (made.cluster, made.rbac):
            workspace.environment |= bucket.environment
        made.apply()
        yield made
        made.stand_ins.__exit__(None, None, None)

    @pytest.mark.parametrize("journey", [[GCS], [GCS, {**GCS, "prefix": "other"}], [GCS, LOCAL]], ids=["gcs", "prefix", "local"])
    def test_moves_every_state(self, stacks: Stacks, bucket: Bucket, journey: list[dict[str, Any]]) -> None:
        for backend in journey:
            stacks.edit_deployment(backend=backend)
            for workspace in (stacks.cluster, stacks.rbac):
                with pytest.raises(TerraformError, match="Backend initialization required"):
                    workspace.plan()
                workspace.run("init", "-migrate-state", "-force-copy")  # the second answers yes
            stacks.assert_no_changes()
        assert len(stacks.cloud.objects(CLUSTER_TYPE)) == 1
        moved = {f"{backend['prefix']}/pov-{stack}/default.tfstate" for backend in journey if "prefix" in backend for stack in STACKS}
        assert bucket.objects() == moved  # Terraform copies, and deletes nothing

    def test_synthesis_warns_about_the_remaining_local_state(self, stacks: Stacks) -> None:
        stacks.edit_deployment(backend=self.GCS)
        for workspace in (stacks.cluster, stacks.rbac):
            workspace.run("init", "-migrate-state", "-force-copy")
        files = {f"terraform.pov-{stack}.tfstate" for stack in STACKS}
        found = [*unused_states(stacks.folder / "a", {"pov": deployment(backend=self.GCS)})]
        assert {message.partition(": ")[0] for message in found} == {
            path.name for path in (stacks.folder / "a").glob("terraform.*.tfstate")
        }
        assert {path.name for path in (stacks.folder / "a").glob("terraform.*.tfstate")} == files

    def test_terraform_finds_no_state_in_a_new_folder(self, stacks: Stacks) -> None:
        stacks.edit_deployment(backend=self.GCS)
        shutil.rmtree(stacks.cluster.directory / ".rehearsal" / "data")
        stacks.cluster.init()
        assert set(stacks.cluster.plan().changes.values()) == {"create"}

    def test_pull_and_push_move_a_state_between_any_two_backends(self, stacks: Stacks, bucket: Bucket) -> None:
        state = stacks.cluster.run("state", "pull")
        stacks.edit_deployment(backend=self.GCS)
        (stacks.cluster.directory / "pov-cluster.json").write_text(state)
        stacks.cluster.run("init", "-reconfigure")
        stacks.cluster.run("state", "push", "pov-cluster.json")
        assert stacks.cluster.plan().empty
        assert bucket.objects() == {"trial/pov-cluster/default.tfstate"}
