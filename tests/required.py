"""Programs that some tests need and a machine may not have."""

import os
from typing import NoReturn

import pytest


def missing(variable: str, reason: str) -> NoReturn:
    """Skip the test, or fail it if the environment variable is 1, as in CI."""
    if os.environ.get(variable) == "1":
        pytest.fail(f"{variable} is 1 and {reason}")
    pytest.skip(reason)
