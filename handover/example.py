"""The example of a hand-over: a root that calls every module, with the values of the deployment.

Owns: how the providers are configured and in which order the modules are applied. The providers are configured as those of the stacks
are, but for what a stack looks up and an earlier one creates: that comes from an output of the module that creates it, since the look-up
would fail in the first plan, when nothing exists. Leaves to others: the modules.
"""

import json
import re

from deployment.model import Deployment
from handover.stacks import HandoverError, Stack, without_bookkeeping
from handover.variables import Json, default_of, variable_name

DATA_REFERENCE = re.compile(r"data\.(\w+)\.(\w+)((?:\.\w+|\[\d+\])+)")
"""An attribute of a data source: its type, its name, and the path to the attribute."""


def example(stacks: list[Stack], modules: list[Stack], deployment: Deployment) -> Json:
    """Return the configuration of the example by file name without extension; an output that it needs of a module is added there.

    Args:
        stacks: the stacks, in the order of deployment.
        modules: the same stacks without providers.
        deployment: the deployment.

    Raises:
        HandoverError: when two stacks configure a provider in different ways.
    """
    root = _Root(deployment)
    for stack, module in zip(stacks, modules, strict=True):
        root.call(stack, module)
    terraform = {"required_version": stacks[0].content["terraform"]["required_version"], "required_providers": root.required_providers}
    return {
        "versions": {"terraform": terraform},
        "providers": {"provider": root.providers},
        "main": {"data": root.data, "module": root.calls},
        "outputs": {"output": _outputs(modules)},
    }


class _Root:
    """The root while the modules are added to it, in the order of deployment."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._earlier: list[Stack] = []
        self.required_providers: Json = {}
        self.providers: Json = {}
        self.data: Json = {}
        self.calls: Json = {}

    def call(self, stack: Stack, module: Stack) -> None:
        """Add the call of a module and the providers of its stack."""
        self.required_providers |= stack.content["terraform"]["required_providers"]
        for provider, configuration in self._resolved(stack.source.content["provider"], stack).items():
            if self.providers.setdefault(provider, configuration) != configuration:
                raise HandoverError(
                    f"{stack.name}: configures the provider {provider} differently from an earlier stack, which the "
                    "example cannot reproduce"
                )
        self.calls[module.name] = {
            "source": f"../modules/{module.name}",
            **{variable_name(key): value for key in module.parameters if (value := default_of(self._deployment, key)) is not None},
            **self._order(module),
        }
        self._earlier.append(module)

    def _resolved(self, content: Json, stack: Stack) -> Json:
        """Return a part of a stack with outputs of earlier modules instead of lookups.

        A look-up of something that no earlier module creates becomes one of the example.
        """

        def reference(found: re.Match[str]) -> str:
            kind, name, path = found.groups()
            if creator := self._creator(kind):
                return f"module.{creator.name}.{_output(creator, kind, path)}"
            self.data.setdefault(kind, {})[name] = self._resolved(stack.source.content["data"][kind][name], stack)
            return found[0]

        resolved: Json = json.loads(DATA_REFERENCE.sub(reference, json.dumps(without_bookkeeping(content))))
        return resolved

    def _order(self, module: Stack) -> Json:
        """Return `depends_on` for those modules that this one depends on and that nothing in its providers' configuration waits for.

        A module that looks something up itself waits for the module that creates it in any case.
        """
        types = [*module.content["resource"], *module.content["data"]]
        waited_for = json.dumps([self.providers.get(kind.partition("_")[0]) for kind in types])
        looked_up = [creator.name for kind in module.content["data"] if (creator := self._creator(kind))]
        order = [
            f"module.{other.name}"
            for other in self._earlier
            if other.name in looked_up or (other.name in module.kind.depends_on and f"module.{other.name}." not in waited_for)
        ]
        return {"depends_on": order} if order else {}

    def _creator(self, kind: str) -> Stack | None:
        """Return the earlier module that creates the only resource of a type."""
        found = [module for module in self._earlier for _ in module.content["resource"].get(kind, {})]
        return found[0] if len(found) == 1 else None


def _output(module: Stack, kind: str, path: str) -> str:
    """Return the name of the module's output that is an attribute of its only resource of a type; without one, add it.

    Its name is the shortest end of the attribute's path that no other output has.
    """
    ((name, _),) = module.content["resource"][kind].items()
    path = re.sub(r"^(\[\d+\])?\.", "", path)
    value = f"${{{kind}.{name}.{path}}}"
    outputs = module.content["output"]
    for output, block in outputs.items():
        if block["value"] == value:
            return str(output)
    parts = re.findall(r"[a-z]\w*", path)
    ends = ["_".join(parts[-length:]) for length in range(1, len(parts) + 1)]
    new = next((end for end in ends if end not in outputs), "_".join(re.findall(r"\w+", path)))
    outputs[new] = {"description": f"The attribute {path} of {kind}.{name}, for the configuration of a provider.", "value": value}
    return new


def _outputs(modules: list[Stack]) -> Json:
    """Return every output of every module, with the module in its name where an earlier one has an output of that name."""
    outputs: Json = {}
    for module in modules:
        for name, output in module.content["output"].items():
            own = f"{module.name}_{name}" if name in outputs else name
            outputs[own] = {"description": output["description"], "value": f"${{module.{module.name}.{name}}}"}
    return outputs
