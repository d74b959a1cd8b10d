"""What a hand-over contains, for the texts that describe it."""

from collections.abc import Iterator
from dataclasses import dataclass

from deployment.model import Deployment
from deployment.parameters import ParameterKey
from handover.stacks import Format, Stack, blocks_of
from handover.variables import Json


@dataclass(frozen=True)
class Handover:
    """A hand-over.

    Attributes:
        name: the deployment's name.
        deployment: the deployment.
        roots: the stacks by folder, in order of application.
        modules: the same as modules.
        variables: the variables by parameter.
        form: the syntax of the configuration.
    """

    name: str
    deployment: Deployment
    roots: dict[str, Stack]
    modules: list[Stack]
    variables: dict[ParameterKey, Json]
    form: Format

    def file(self, name: str) -> str:
        """Return the name of a configuration file with its extension."""
        return f"{name}.tf" if self.form == "hcl" else f"{name}.tf.json"

    @property
    def main(self) -> str:
        """The name of the file with the resources."""
        return self.file("main")

    @property
    def place(self) -> str:
        """The options of gcloud that say where the cluster is."""
        return f"--region {self.deployment.region} --project {self.deployment.project}"

    def has_variable(self, key: str) -> bool:
        """Return whether an input is a variable."""
        return key in self.variables

    @property
    def folders(self) -> dict[str, Stack]:
        """The roots and the modules by folder."""
        return self.roots | {f"modules/{module.name}": module for module in self.modules}

    def terraform(self, *commands: str) -> list[str]:
        """Return the command lines that run commands of Terraform in each root, one root after the other."""
        return [f"terraform -chdir={folder} {command}" for folder in self.roots for command in commands]

    def resources(self, *types: str) -> Iterator[tuple[str, str, Json]]:
        """Yield folder, address and arguments of the resources, with the deployment's values in place of variables.

        Args:
            types: their types. Every type by default.
        """
        for folder, stack in self.roots.items():
            for address, block in blocks_of(stack.source.content, "resource").items():
                if not types or address.partition(".")[0] in types:
                    yield folder, address, block
