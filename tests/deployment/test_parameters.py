"""Which inputs can be variables of a hand-over."""

from typing import get_args

from gitpod_pov.faults import faults_of

import pytest
from pydantic import ValidationError

from deployment.parameters import ParameterKey
from tests.app import deployment
from tests.inputs import INPUTS

KEYS = get_args(ParameterKey)


def refusal(key: str) -> str:
    with pytest.raises(ValidationError) as refused:
        deployment(handover={"parameters": [key]})
    (fault,) = faults_of(refused.value)
    return str(fault)


def test_all_are_variables_by_default() -> None:
    assert deployment().handover.parameters == KEYS


@pytest.mark.parametrize("key", sorted(INPUTS.keys() - {*KEYS}))
def test_every_other_input_is_refused_with_a_remedy(key: str) -> None:
    assert refusal(key).startswith(f"handover.parameters[0]: '{key}' ")
    assert refusal(key).endswith(": remove it, and edit the files of the hand-over instead")


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("cluster.deletion_protection", "cannot be a variable, because it also sets prevent_destroy, which takes no variable"),
        ("network.cloud_nat", "cannot be a variable, because it decides which resources there are, and with them their addresses"),
        ("providers.google", "cannot be a variable, because it sets the version of a provider, which takes no variable"),
        ("backend.bucket", "cannot be a variable, because it sets the backend, which takes no variable"),
        ("node_pool.spot", "is not one of the inputs that can be variables"),
        ("ingress.domain", "is not one of the inputs that can be variables"),
    ],
)
def test_the_reason_is_given(key: str, reason: str) -> None:
    assert refusal(key) == f"handover.parameters[0]: '{key}' {reason}: remove it, and edit the files of the hand-over instead"


def test_a_misspelled_key_is_refused_with_the_list() -> None:
    assert "must be 'project', 'region'" in refusal("projekt")
