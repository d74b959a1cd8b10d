from collections.abc import Callable

from gitpod_pov.faults import Faults
from gitpod_pov.node_pool import NodePoolConfig

import pytest

from tests.app import Synthesized

POOL = "google_container_node_pool.node_pool"


@pytest.mark.parametrize(
    ("image_type", "message"),
    [
        ("COS", "runs Docker, which GKE removed in version 1.24; use UBUNTU_CONTAINERD"),
        ("UBUNTU", "runs Docker, which GKE removed in version 1.24; use UBUNTU_CONTAINERD"),
        *(
            (image, "runs Windows, but Gitpod's workloads are Linux containers; use UBUNTU_CONTAINERD")
            for image in ("WINDOWS_LTSC", "WINDOWS_SAC", "WINDOWS_LTSC_CONTAINERD", "WINDOWS_SAC_CONTAINERD")
        ),
        ("ubuntu_containerd", "is not an image type, such as UBUNTU_CONTAINERD"),
        ("Ubuntu", "is not an image type, such as UBUNTU_CONTAINERD"),
    ],
)
def test_refused(image_type: str, message: str) -> None:
    with pytest.raises(Faults) as refused:
        NodePoolConfig.checked({"image_type": image_type})
    assert str(refused.value) == f"image_type: '{image_type}' {message}"


@pytest.mark.parametrize("image_type", ["COS_CONTAINERD", "UBUNTU_CONTAINERD_2404", "UBUNTU_CONTANERD", "COS_ARM64_CONTAINERD"])
def test_warns_about_images_other_than_ubuntu_with_containerd(synth: Callable[..., Synthesized], image_type: str) -> None:
    app = synth(node_pool={"image_type": image_type})
    assert app.resource("pov-cluster", POOL)["node_config"]["image_type"] == image_type
    messages = [annotation["message"] for annotation in app.manifest["stacks"]["pov-cluster"]["annotations"]]
    assert (
        f"image-not-ubuntu-containerd: the nodes run '{image_type}', but Gitpod's workspaces need Ubuntu; set node_pool.image_type to "
        "UBUNTU_CONTAINERD"
    ) in messages


def test_ubuntu_with_containerd_gives_no_warning(synth: Callable[..., Synthesized]) -> None:
    assert "image-not-ubuntu-containerd" not in synth(node_pool={"image_type": "UBUNTU_CONTAINERD"}).warnings("pov-cluster")
