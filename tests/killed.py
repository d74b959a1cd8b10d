"""Killing Terraform in the middle of an apply, at a moment that every run meets."""

import signal
import time

import pytest

from rehearsal.cloud import Cloud, Fault
from rehearsal.workspace import TerraformError, Workspace

_SECONDS = 60
"""How long a busy machine may take until the operation begins, and until its end is noticed."""


def kill_while_creating(kind: str, workspace: Workspace, cloud: Cloud, *, carried_out: bool = True) -> None:
    """Kill Terraform while it creates an object of a type.

    A kill while Terraform writes the state leaves half a file, or an object that exists but is not in the state. So a first apply fails at
    this object. The state then has everything that comes before it, and nothing writes it during the second apply.

    Args:
        kind: the type.
        workspace: the configuration that is applied.
        cloud: the cloud of its stand-ins.
        carried_out: whether the cloud creates the object nevertheless.
    """
    cloud.break_down(Fault("create", kind))
    with pytest.raises(TerraformError, match="Error 500"):
        workspace.apply()
    stall = cloud.break_down(Fault("create", kind, "stall", carried_out=carried_out))
    with workspace.start("apply", "-auto-approve") as process:
        assert stall.reached.wait(_SECONDS)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    deadline = time.monotonic() + _SECONDS
    while carried_out and not cloud.journal.entries("create", kind, "abandoned"):  # until then, a repair would complete the operation
        assert time.monotonic() < deadline, "the call of the killed Terraform never ended"
        time.sleep(0.05)
