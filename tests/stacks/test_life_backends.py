"""The backends of a hand-over under real Terraform: a bucket that an emulator keeps, and the cloud as far as it goes without one."""

import json
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from gcp_storage_emulator.server import create_server  # type: ignore[import-untyped]

from handover.folder import files_of, write
from rehearsal.stand_in import StandIns
from rehearsal.workspace import TerraformError
from tests.app import deployment
from tests.handover.test_terraform import Folder

pytestmark = pytest.mark.terraform

BUCKET = "states"


@pytest.fixture
def bucket() -> Iterator[str]:
    """An empty bucket behind an address of this machine."""
    server = create_server("localhost", 0, in_memory=True, default_bucket=BUCKET)
    server.start()
    try:
        host, port = server._api._httpd.socket.getsockname()[:2]
        yield f"http://{host}:{port}"
    finally:
        server.stop()
        assert not [thread for thread in threading.enumerate() if not thread.daemon and thread is not threading.main_thread()]


def objects(address: str) -> set[str]:
    with urllib.request.urlopen(f"{address}/storage/v1/b/{BUCKET}/o") as answer:  # noqa: S310 - the emulator's own address
        return {item["name"] for item in json.loads(answer.read()).get("items", [])}


def test_gcs_keeps_both_states_under_the_prefix(stand_ins: StandIns, bucket: str, tmp_path: Path) -> None:
    write(files_of("pov", deployment(backend={"type": "gcs", "bucket": BUCKET, "prefix": "trial"})), tmp_path / "pov")
    for name in ("1-cluster", "2-rbac"):
        root = Folder(stand_ins, tmp_path / "pov" / name, tmp_path / "pov" / name)
        root.environment |= {"STORAGE_EMULATOR_HOST": bucket, "GOOGLE_OAUTH_ACCESS_TOKEN": "none"}
        root.init()
        root.apply()
        assert root.plan().empty
        assert not list(root.directory.glob("*.tfstate"))
    assert objects(bucket) == {"trial/pov-cluster/default.tfstate", "trial/pov-rbac/default.tfstate"}


def test_cloud_is_valid_and_asks_for_a_login(stand_ins: StandIns, tmp_path: Path) -> None:
    """As far as it goes without a workspace: Terraform reads the block, and stops where it needs a token."""
    backend = {"type": "cloud", "organization": "acme", "hostname": "tfe.invalid", "project": "Trials"}
    write(files_of("pov", deployment(backend=backend)), tmp_path / "pov")
    root = Folder(stand_ins, tmp_path / "pov" / "1-cluster", tmp_path / "pov" / "1-cluster")
    with pytest.raises(TerraformError, match=r"tfe\.invalid"):
        root.init()
    root.run("init", "-backend=false")
    assert root.validate() == []


def test_cloud_overridden_by_a_file_applies(stand_ins: StandIns, tmp_path: Path) -> None:
    write(files_of("pov", deployment(backend={"type": "cloud", "organization": "acme"})), tmp_path / "pov")
    for name in ("1-cluster", "2-rbac"):
        root = Folder(stand_ins, tmp_path / "pov" / name, tmp_path / "pov" / name)
        (root.directory / "local_override.tf.json").write_text('{"terraform": {"backend": {"local": {}}}}')
        root.init()
        root.apply()
        assert root.plan().empty
