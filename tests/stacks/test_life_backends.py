"""The backends of a hand-over under real Terraform: a bucket that an emulator keeps, and the cloud as far as it goes without one."""

from pathlib import Path

import pytest

from handover.folder import files_of, write
from rehearsal.stand_in import StandIns
from rehearsal.workspace import TerraformError
from tests.app import deployment
from tests.handover.test_terraform import Folder
from tests.stacks.conftest import Bucket

pytestmark = pytest.mark.terraform


def test_gcs_keeps_both_states_under_the_prefix(stand_ins: StandIns, bucket: Bucket, tmp_path: Path) -> None:
    write(files_of("pov", deployment(backend={"type": "gcs", "bucket": bucket.name, "prefix": "trial"})), tmp_path / "pov")
    for name in ("1-cluster", "2-rbac"):
        root = Folder(stand_ins, tmp_path / "pov" / name, tmp_path / "pov" / name)
        root.environment |= bucket.environment
        root.init()
        root.apply()
        assert root.plan().empty
        assert not list(root.directory.glob("*.tfstate"))
    assert bucket.objects() == {"trial/pov-cluster/default.tfstate", "trial/pov-rbac/default.tfstate"}


def test_cloud_is_valid_and_requires_a_login(stand_ins: StandIns, tmp_path: Path) -> None:
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
