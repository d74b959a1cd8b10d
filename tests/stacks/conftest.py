"""A Cloud Storage bucket on this machine."""

import json
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from gcp_storage_emulator.server import create_server  # type: ignore[import-untyped]


@dataclass(frozen=True)
class Bucket:
    """An emulated bucket.

    Attributes:
        address: where it is served.
        name: its name.
    """

    address: str
    name: str = "states"

    @property
    def environment(self) -> dict[str, str]:
        """What makes Terraform use it."""
        return {"STORAGE_EMULATOR_HOST": self.address, "GOOGLE_OAUTH_ACCESS_TOKEN": "none"}

    def objects(self) -> set[str]:
        with urllib.request.urlopen(f"{self.address}/storage/v1/b/{self.name}/o") as answer:  # noqa: S310 - the emulator's own address
            return {item["name"] for item in json.loads(answer.read()).get("items", [])}


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    server = create_server("localhost", 0, in_memory=True, default_bucket=Bucket.name)
    server.start()
    try:
        host, port = server._api._httpd.socket.getsockname()[:2]
        yield Bucket(f"http://{host}:{port}")
    finally:
        server.stop()
        assert not [thread for thread in threading.enumerate() if not thread.daemon and thread is not threading.main_thread()]
