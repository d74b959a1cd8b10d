"""Every input has a text below its attribute, in the repository and in the installed wheel."""

import subprocess
import sys
from collections.abc import Iterator

from gitpod_pov.configuration import Configuration
from gitpod_pov.descriptions import descriptions

from deployment.model import Deployment
from tests.test_wheel import installed

__all__ = ["installed"]


def configurations(model: type[Configuration]) -> Iterator[type[Configuration]]:
    """Yield a configuration, and every one that its inputs hold."""
    yield model
    for field in model.model_fields.values():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Configuration):
            yield from configurations(field.annotation)


def test_every_input_has_a_text() -> None:
    models = list(configurations(Deployment))
    assert len(models) > 6
    for model in models:
        assert descriptions(model).keys() == model.model_fields.keys(), model
        assert all(text.endswith(".") and "  " not in text for text in descriptions(model).values()), model


def test_texts_come_with_the_wheel_and_without_docstrings(installed: object) -> None:
    code = "from gitpod_pov import descriptions, node_pool; print(descriptions.descriptions(node_pool.NodePoolConfig)['name'])"
    for options in ([], ["-OO"]):
        result = subprocess.run(
            [sys.executable, *options, "-c", code], env={"PYTHONPATH": str(installed)}, capture_output=True, text=True, check=True
        )
        assert result.stdout == "Name of the node pool.\n"
