"""Stand-in Terraform providers: real schemas, no cloud.

Owns the provider side of plugin protocol 6. Terraform reaches the servers through TF_REATTACH_PROVIDERS, so nothing
is installed and no registry is asked. Plans and applies follow what the provider SDK does: computed values are
unknown in a plan and settled by the apply, values that a configuration leaves out keep what is known of them, a
change of the wrong argument asks for a replacement.

Everything known about one resource is data (``behaviour.toml``) or schema (``provider_schema``); the state of the
world is the ``Cloud``. Left to the real API: its opinion of the values.

One provider is configured once in a Terraform run: aliases of it would share the last configuration.
"""
# ruff: noqa: ARG002, N802 -- the protocol names the methods and their arguments

from __future__ import annotations

import copy
import hashlib
import ipaddress
import json
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Iterable, Iterator
from concurrent import futures
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias

import grpc  # type: ignore[import-untyped]
import msgpack  # type: ignore[import-untyped]
from tf.gen import grpc_controller_pb2_grpc as controller_rpc  # type: ignore[import-untyped]
from tf.gen import tfplugin_pb2 as pb
from tf.gen import tfplugin_pb2_grpc as rpc

from rehearsal.behaviour import (
    BEHAVIOUR_FILE,
    Behind,
    Condition,
    DataRules,
    Need,
    ProviderBehaviour,
    ReadBack,
    ResourceRules,
    behaviour,
    schema_of,
)
from rehearsal.cloud import Cloud, Fault, Outcome
from rehearsal.provider_schema import Block, ProviderSchema, Type
from rehearsal.values import (
    UNKNOWN,
    change,
    comparable,
    fill_in,
    first,
    is_set,
    is_unknown,
    parts,
    places,
    readable,
)

Steps: TypeAlias = tuple[str | int, ...]
"""A path as Terraform takes it: names and positions in lists."""

Operation: TypeAlias = Literal["create", "update", "destroy"]

_FLAGS = ("required", "optional", "computed")
_NESTING = {"single": 1, "list": 2, "set": 3, "map": 4}
# A schema of all of a provider's resources exceeds the 4 MB that gRPC allows by default.
_MESSAGE_BYTES = 64 * 1024 * 1024


class Refused(Exception):  # noqa: N818 -- an answer, not a mistake of the program
    """The provider or the API says no. `path` is where Terraform points to."""

    def __init__(self, summary: str, path: str = "") -> None:
        super().__init__(summary)
        self.summary, self.path = summary, path


class Interrupted(Refused):
    """Terraform stopped the provider, or is no longer there to hear the answer."""


# Messages


def _decode(value: Any) -> Any:
    if value.msgpack:
        return msgpack.unpackb(value.msgpack, raw=False, strict_map_key=False)
    return json.loads(value.json) if value.json else None


def _encode(value: Any) -> Any:
    return pb.DynamicValue(msgpack=msgpack.packb(value, use_bin_type=True))


def _diagnostic(error: Refused) -> Any:
    diagnostic = pb.Diagnostic(severity=pb.Diagnostic.ERROR, summary=error.summary)
    if error.path:
        steps = [pb.AttributePath.Step(attribute_name=error.path.partition(".")[0])]
        diagnostic.attribute.CopyFrom(pb.AttributePath(steps=steps))
    return diagnostic


def _path_message(steps: Steps) -> Any:
    return pb.AttributePath(
        steps=[
            pb.AttributePath.Step(element_key_int=step) if isinstance(step, int) else pb.AttributePath.Step(attribute_name=step)
            for step in steps
        ]
    )


def _schema_message(block: Block, sensitive: Iterable[str] = (), path: str = "") -> Any:
    message = pb.Schema.Block()
    hidden = set(sensitive)
    message.attributes.extend(
        _attribute_message(name, attribute, sensitive=path + name in hidden) for name, attribute in sorted(block["attributes"].items())
    )
    for name, nested in sorted(block["block_types"].items()):
        message.block_types.append(
            pb.Schema.NestedBlock(
                type_name=name,
                block=_schema_message(nested["block"], hidden, f"{path}{name}."),
                nesting=_NESTING[nested["nesting_mode"]],
                min_items=nested.get("min_items", 0),
                max_items=nested.get("max_items", 0),
            )
        )
    return message


def _attribute_message(name: str, attribute: dict[str, Any], *, sensitive: bool = False) -> Any:
    message = pb.Schema.Attribute(name=name, sensitive=sensitive, **{flag: True for flag in _FLAGS if attribute.get(flag)})
    if nested := attribute.get("nested_type"):
        message.nested_type.nesting = _NESTING[nested["nesting_mode"]]
        message.nested_type.attributes.extend(_attribute_message(*item) for item in sorted(nested["attributes"].items()))
    else:
        message.type = json.dumps(attribute["type"]).encode()
    return message


# Values against a schema


def _empty(block: Block) -> dict[str, Any]:
    nothing: dict[str, Any] = dict.fromkeys(block["attributes"])
    for name, nested in block["block_types"].items():
        nothing[name] = {"single": None, "map": {}}.get(nested["nesting_mode"], [])
    return nothing


def _fresh(block: Block, given: dict[str, Any]) -> dict[str, Any]:
    """A block of which nothing is known but `given`: what the provider computes is unknown."""
    computed = {name: UNKNOWN for name, attribute in block["attributes"].items() if attribute.get("computed")}
    return {**_empty(block), **computed, **given}


def _conform(kind: Type, value: Any) -> Any:
    """The value as a value of the type: objects with exactly their members."""
    if value is None or isinstance(kind, str):
        return value
    collection, element = kind
    if collection == "object":
        return {name: _conform(member, value.get(name)) for name, member in element.items()}
    if collection == "map":
        return {key: _conform(element, part) for key, part in value.items()}
    return [_conform(element, part) for part in value]


def _holds(condition: Condition, value: Any) -> bool:
    def one(found: Any, expected: Any) -> bool:
        if is_unknown(found):
            return False
        if expected == "*":
            return is_set(found)
        return found in expected if isinstance(expected, list) else bool(found == expected)

    return all(any(one(found, expected) for found in parts(value, path)) for path, expected in condition.items())


def _changes(
    block: Block, prior: dict[str, Any], planned: dict[str, Any], path: str = "", steps: Steps = ()
) -> Iterator[tuple[str, Steps, Any, Any]]:
    """Path, steps, value before and value after of what changes. A block stands for the number of blocks."""
    # Terraform sends sets in an order of its own, the same every time, so they compare like lists.
    for name in block["attributes"]:
        before, after = prior.get(name), planned.get(name)
        if before != after:
            yield path + name, (*steps, name), before, after
    for name, nested in block["block_types"].items():
        yield from _block_changes(nested, prior.get(name), planned.get(name), path + name, (*steps, name))


def _block_changes(nested: dict[str, Any], before: Any, after: Any, path: str, steps: Steps) -> Iterator[tuple[str, Steps, Any, Any]]:
    if nested["nesting_mode"] == "single":
        if before and after:
            yield from _changes(nested["block"], before, after, f"{path}.", steps)
    elif is_unknown(after) or len(before or ()) != len(after or ()):
        yield path, steps, before, after
    elif nested["nesting_mode"] == "list":
        for index, (old, new) in enumerate(zip(before or (), after or (), strict=True)):
            yield from _changes(nested["block"], old, new, f"{path}.", (*steps, index))
    elif comparable(before) != comparable(after):
        yield path, steps, before, after


def _wider(before: str, after: Any) -> bool:
    if not isinstance(after, str):
        return False
    outer, inner = ipaddress.IPv4Network(after), ipaddress.IPv4Network(before)
    return inner.subnet_of(outer)


@dataclass(frozen=True)
class _Settling:
    """Gives every unknown of one object its value. The same object gets the same values every time.

    name: the type of the object
    values: templates by path, the identity's under `id`
    state: what is known
    provider: how the provider is configured
    """

    name: str
    values: dict[str, Any]
    state: dict[str, Any]
    provider: dict[str, Any]
    facts: dict[str, Any]

    def id(self) -> str | None:
        """None as long as something that it is made of is unknown."""
        known = self.state.get("id")
        if is_set(known) and not is_unknown(known):
            return str(known)
        if "id" in self.values:
            found = self.look_up("id")
            return None if is_unknown(found) else found
        return f"{self.name}/{self._digest(comparable(self.state))}"

    def look_up(self, path: str) -> Any:
        if path.startswith("facts."):
            return self.facts[path.removeprefix("facts.")]
        if path.startswith("provider."):
            return self.provider.get(path.removeprefix("provider."))
        if path in ("digest", "address"):
            digest = self._digest(f"{self.name}:{self.id()}")
            # 198.18.0.0/15 is set aside for tests of network equipment: nobody can be reached there.
            return digest if path == "digest" else f"198.18.{int(digest[:2], 16)}.{int(digest[2:4], 16)}"
        found = first(self.state, path)
        if (found is None or is_unknown(found)) and path in self.values:
            template = self.values[path]
            open_questions = any(is_unknown(self.look_up(part)) for part in places(template))
            return UNKNOWN if open_questions else fill_in(template, self.look_up)
        return self.provider.get(path) if found is None else found

    def block(self, block: Block, value: dict[str, Any], path: str = "") -> dict[str, Any]:
        """The value of a block, with nothing unknown left in it."""
        settled: dict[str, Any] = {}
        for name, attribute in block["attributes"].items():
            found, here = value.get(name), path + name
            only_computed = attribute.get("computed") and not attribute.get("optional")
            if here in self.values and (is_unknown(found) or only_computed):
                settled[name] = _conform(attribute["type"], fill_in(self.values[here], self.look_up))
            else:
                settled[name] = self._made_up(attribute["type"], here) if is_unknown(found) else found
        for name, nested in block["block_types"].items():
            found, here, inner = value.get(name), f"{path}{name}.", nested["block"]
            if is_unknown(found):
                found = [_fresh(inner, given) for given in self._filled_in(path + name)]
            if isinstance(found, list):
                settled[name] = [self.block(inner, element, here) for element in found]
            elif nested["nesting_mode"] == "map":
                settled[name] = {key: self.block(inner, element, here) for key, element in (found or {}).items()}
            else:
                settled[name] = None if found is None else self.block(inner, found, here)
        return settled

    def _filled_in(self, path: str) -> list[dict[str, Any]]:
        """What is given of blocks that the API fills in: one where a value inside is known, else none."""
        given: list[dict[str, Any]] | None = fill_in(self.values.get(path), self.look_up)
        if given is None:
            return [{}] if any(known.startswith(f"{path}.") for known in self.values) else []
        return given

    def _made_up(self, kind: Type, path: str) -> Any:
        """A recognizable text, and nothing where text does not fit."""
        if path == "id":
            return self.id()
        if kind == "string":
            return f"{path.rpartition('.')[2]}-{self._digest(f'{self.name}:{self.id()}/{path}')}"
        if isinstance(kind, str):
            return {"number": 0, "bool": False}.get(kind)
        return {"map": {}, "object": _conform(kind, {}) if kind[0] == "object" else None}.get(kind[0], [])

    @staticmethod
    def _digest(seed: str) -> str:
        return hashlib.sha256(seed.encode()).hexdigest()[:12]


class StandIn(rpc.ProviderServicer):  # type: ignore[misc]
    """One provider."""

    def __init__(self, name: str, schema: ProviderSchema, rules: ProviderBehaviour, cloud: Cloud) -> None:
        self.name, self.schema, self.rules, self.cloud = name, schema, rules, cloud
        self.config: dict[str, Any] = {}
        self.stopped = threading.Event()
        self._announced: set[tuple[str, str]] = set()

    # Schema and configuration

    def GetProviderSchema(self, request: Any, context: Any) -> Any:
        response = pb.GetProviderSchema.Response()
        response.provider.block.CopyFrom(_schema_message(self.schema.provider))
        response.provider_meta.block.CopyFrom(pb.Schema.Block())
        for name, block in self.schema.resources.items():
            message = _schema_message(block, self._resource_rules(name).sensitive)
            response.resource_schemas[name].block.CopyFrom(message)
        for name, block in self.schema.data_sources.items():
            message = _schema_message(block, self._data_rules(name).sensitive)
            response.data_source_schemas[name].block.CopyFrom(message)
        return response

    def ValidateProviderConfig(self, request: Any, context: Any) -> Any:
        return pb.ValidateProviderConfig.Response()

    def ConfigureProvider(self, request: Any, context: Any) -> Any:
        config = _decode(request.config) or {}
        self.config = {name: value for name, value in config.items() if is_set(value) and not is_unknown(value)}
        self.stopped.clear()
        self.cloud.journal.write(self.name, "configure", self.name, None, values=readable(config))
        response = pb.ConfigureProvider.Response()
        try:
            self._match(self.rules.patterns, self.config)
        except Refused as error:
            response.diagnostics.append(_diagnostic(error))
        return response

    def StopProvider(self, request: Any, context: Any) -> Any:
        self.stopped.set()
        return pb.StopProvider.Response()

    def GetFunctions(self, request: Any, context: Any) -> Any:
        return pb.GetFunctions.Response()

    # Resources

    def ValidateResourceConfig(self, request: Any, context: Any) -> Any:
        config, rules = _decode(request.config), self._resource_rules(request.type_name)
        response = pb.ValidateResourceConfig.Response()
        try:
            self._nothing_computed(self.schema.resources[request.type_name], config)
            self._match(rules.patterns, config)
            self._no_conflict(rules.conflicts, config)
        except Refused as error:
            response.diagnostics.append(_diagnostic(error))
        return response

    def UpgradeResourceState(self, request: Any, context: Any) -> Any:
        complete = {**_empty(self.schema.resources[request.type_name]), **json.loads(request.raw_state.json)}
        return pb.UpgradeResourceState.Response(upgraded_state=pb.DynamicValue(json=json.dumps(complete).encode()))

    def ReadResource(self, request: Any, context: Any) -> Any:
        name, id_ = request.type_name, _decode(request.current_state)["id"]
        response = pb.ReadResource.Response(private=request.private)
        try:
            self._reach()
            found = self.cloud.find(name, id_, self._scope())
            self.cloud.journal.write(self.name, "read", name, id_, values={"exists": found is not None})
            response.new_state.CopyFrom(_encode(found))
        except Refused as error:
            forgotten = self._resource_rules(name).forgotten_when_unreachable
            response.new_state.CopyFrom(_encode(None) if forgotten else request.current_state)
            if not forgotten:
                response.diagnostics.append(_diagnostic(error))
        return response

    def PlanResourceChange(self, request: Any, context: Any) -> Any:
        name = request.type_name
        block, rules = self.schema.resources[name], self._resource_rules(name)
        prior, proposed, config = map(_decode, (request.prior_state, request.proposed_new_state, request.config))
        # Providers on the SDK say this of themselves; it lets an apply differ from its plan, as theirs do.
        response = pb.PlanResourceChange.Response(legacy_type_system=True)
        if proposed is None:
            self.cloud.journal.write(self.name, "plan", name, prior["id"], values={"action": "destroy"})
            response.planned_state.CopyFrom(request.proposed_new_state)
            return response
        for refusal in rules.refused:
            if refusal.at == "plan" and _holds(refusal.when, config):
                response.diagnostics.append(_diagnostic(Refused(refusal.message, next(iter(refusal.when)))))
                return response
        planned = self._plan(block, rules, proposed, prior)
        replaces = [] if prior is None else list(self._replacements(block, rules, prior, planned))
        response.requires_replace.extend(map(_path_message, replaces))
        id_ = self._settling(name, planned).id()
        if prior is None and id_ is not None:
            self._announced.add((name, id_))
        action = "create" if prior is None else "replace" if replaces else "none" if planned == prior else "update"
        self.cloud.journal.write(self.name, "plan", name, id_, values={"action": action})
        response.planned_state.CopyFrom(_encode(planned))
        return response

    def ApplyResourceChange(self, request: Any, context: Any) -> Any:
        name = request.type_name
        prior, planned = _decode(request.prior_state), _decode(request.planned_state)
        new = None if planned is None else self._settle(name, planned)
        operation: Operation = "create" if prior is None else "destroy" if new is None else "update"
        id_ = str((new or prior)["id"])
        self.cloud.journal.write(self.name, operation, name, id_, outcome="begun")
        fault = self.cloud.take_fault(operation, name, id_)
        response = pb.ApplyResourceChange.Response(legacy_type_system=True)
        try:
            error = self._meet(fault, context) if fault else None
            self._carry_out(operation, name, prior, new)
            response.new_state.CopyFrom(_encode(new))
        except Refused as refused:
            error = refused
            response.new_state.CopyFrom(request.prior_state)
        outcome: Outcome = "abandoned" if isinstance(error, Interrupted) else "failed" if error else "done"
        # A provider that is stopped while the cloud goes on takes down what it knows and reports no error.
        heard_of_it = fault is not None and fault.carried_out and outcome == "abandoned"
        if error and not heard_of_it:
            response.diagnostics.append(_diagnostic(error))
        self.cloud.journal.write(self.name, operation, name, id_, outcome=outcome, values=readable(new))
        return response

    def ImportResourceState(self, request: Any, context: Any) -> Any:
        name = request.type_name
        found = self.cloud.find(name, request.id, self._scope())
        self.cloud.journal.write(self.name, "import", name, request.id, outcome="done" if found else "failed")
        response = pb.ImportResourceState.Response()
        if found is None:
            error = Refused(f"Cannot import non-existent remote object: {request.id}")
            response.diagnostics.append(_diagnostic(error))
        else:
            resource = pb.ImportResourceState.ImportedResource(type_name=name, state=_encode(found))
            response.imported_resources.append(resource)
        return response

    # Data sources

    def ValidateDataResourceConfig(self, request: Any, context: Any) -> Any:
        response = pb.ValidateDataResourceConfig.Response()
        try:
            self._nothing_computed(self.schema.data_sources[request.type_name], _decode(request.config))
        except Refused as error:
            response.diagnostics.append(_diagnostic(error))
        return response

    def ReadDataSource(self, request: Any, context: Any) -> Any:
        name, config = request.type_name, _decode(request.config)
        block, rules = self.schema.data_sources[name], self._data_rules(name)
        response = pb.ReadDataSource.Response()
        try:
            answer = self._found(rules.reads, config, block) if rules.reads else self._answer(name, config, block)
            self.cloud.journal.write(self.name, "read_data", name, answer.get("id"), values=readable(answer))
            response.state.CopyFrom(_encode(answer))
        except Refused as error:
            self.cloud.journal.write(self.name, "read_data", name, None, outcome="failed", values=readable(config))
            response.diagnostics.append(_diagnostic(error))
        return response

    def _answer(self, name: str, config: dict[str, Any], block: Block) -> dict[str, Any]:
        # An argument that was left out is the caller's silence, but a computed one is a question.
        computed = {key for key, attribute in block["attributes"].items() if attribute.get("computed")}
        asked = {key: UNKNOWN if value is None and key in computed else value for key, value in config.items()}
        values = self._data_rules(name).values
        return _Settling(f"data.{name}", values, asked, self.config, self.cloud.facts).block(block, asked)

    def _found(self, resource: str, config: dict[str, Any], block: Block) -> dict[str, Any]:
        """The object that the configuration names, as the data source shows it."""
        identity = {"id": self._resource_rules(resource).id}
        id_ = _Settling(resource, identity, {**config, "id": None}, self.config, self.cloud.facts).id()
        found = self.cloud.find(resource, str(id_), self._scope())
        if found is None:
            raise Refused(f"googleapi: Error 404: Not found: {id_}")
        return {name: _conform(attribute["type"], found.get(name)) for name, attribute in block["attributes"].items()}

    # Planning

    def _plan(self, block: Block, rules: ResourceRules, proposed: dict[str, Any], prior: dict[str, Any] | None) -> dict[str, Any]:
        planned: dict[str, Any] = self._plan_block(block, rules, proposed, prior, "")
        for name in self.rules.inherit:
            left_out = proposed.get(name) is None and block["attributes"].get(name, {}).get("optional")
            if left_out and name in self.config:
                planned[name] = self.config[name]
        return planned

    def _plan_block(self, block: Block, rules: ResourceRules, proposed: Any, prior: Any, path: str) -> Any:
        if proposed is None or is_unknown(proposed):
            return proposed
        planned = dict(proposed)
        for name, attribute in block["attributes"].items():
            if planned.get(name) is not None:
                continue
            if path + name in rules.defaults:
                planned[name] = rules.defaults[path + name]
            elif attribute.get("computed") and prior is None:
                planned[name] = UNKNOWN
        for name, nested in block["block_types"].items():
            before = None if prior is None else prior.get(name)
            if not planned[name] and path + name in rules.filled_in:
                planned[name] = UNKNOWN if prior is None else before
            else:
                planned[name] = self._plan_nested(nested, rules, planned[name], before, f"{path}{name}.")
        return planned

    def _plan_nested(self, nested: dict[str, Any], rules: ResourceRules, proposed: Any, prior: Any, path: str) -> Any:
        block, mode = nested["block"], nested["nesting_mode"]
        if mode == "map" and proposed:
            old = prior or {}
            return {key: self._plan_block(block, rules, one, old.get(key), path) for key, one in proposed.items()}
        if mode == "single" or not isinstance(proposed, list):
            return self._plan_block(block, rules, proposed, prior, path) if mode == "single" else proposed
        return [
            self._plan_block(block, rules, one, self._counterpart(mode, prior or [], one, index), path)
            for index, one in enumerate(proposed)
        ]

    @staticmethod
    def _counterpart(mode: str, before: list[Any], element: Any, index: int) -> Any:
        """The block that this one was before: by position in a list, by its known values in a set."""
        if mode == "list":
            return before[index] if index < len(before) else None
        said = {key: value for key, value in element.items() if is_set(value)}
        return next((old for old in before if all(old.get(key) == value for key, value in said.items())), None)

    @staticmethod
    def _replacements(block: Block, rules: ResourceRules, prior: dict[str, Any], planned: dict[str, Any]) -> Iterator[Steps]:
        for path, steps, before, after in _changes(block, prior, planned):
            transition = any((one.path, one.before, one.after) == (path, before, after) for one in rules.replace_on)
            narrower = path in rules.replace_unless_wider and not _wider(before, after)
            if path in rules.replace or transition or narrower:
                yield steps

    # Applying

    def _settling(self, name: str, state: dict[str, Any]) -> _Settling:
        rules = self._resource_rules(name)
        values = rules.values | ({"id": rules.id} if rules.id else {})
        return _Settling(name, values, state, self.config, self.cloud.facts)

    def _settle(self, name: str, planned: dict[str, Any]) -> dict[str, Any]:
        new = self._settling(name, planned).block(self.schema.resources[name], planned)
        for rule in self._resource_rules(name).read_back:
            if _holds(rule.when, new):
                self._read_back(rule, new)
        return new

    @staticmethod
    def _read_back(rule: ReadBack, new: dict[str, Any]) -> None:
        def answer(configured: Any) -> Any:
            value = copy.deepcopy(rule.value)
            return {**value, **(configured or {})} if rule.merge else value

        change(new, rule.path, answer)

    def _meet(self, fault: Fault, context: Any) -> Refused | None:
        """What an operation comes to that runs into a fault: the error to report of it, although it is carried out."""
        error = Refused(fault.message) if fault.kind == "error" else self._stall(fault, context)
        if error and not fault.carried_out:
            raise error
        return error

    def _stall(self, fault: Fault, context: Any) -> Refused | None:
        waited = 0.0
        while not fault.released.wait(0.02):
            waited += 0.02
            if self.stopped.is_set() or not context.is_active():
                return Interrupted(f"{fault.operation} of {fault.type} was interrupted")
            if fault.seconds is not None and waited >= fault.seconds:
                break
        return None

    def _carry_out(self, operation: Operation, name: str, prior: Any, new: Any) -> None:
        self._reach()
        if operation == "destroy":
            self._destroy(name, prior)
            return
        rules, scope = self._resource_rules(name), self._scope()
        for refusal in rules.refused:
            if refusal.at == "apply" and _holds(refusal.when, new):
                raise Refused(refusal.message)
        for need in rules.needs:
            if _holds(need.when, new):
                self._check_need(need, name, new)
        exists = self.cloud.find(name, new["id"], scope) is not None
        taken_over = rules.shared or (rules.taken_over_when and _holds(rules.taken_over_when, new))
        if operation == "create" and exists and rules.id and not taken_over:
            raise Refused(f"Error 409: Already exists: {new['id']}")
        if operation == "update" and not exists:
            raise Refused(f"Error 404: Not found: {new['id']}")
        self.cloud.put(name, new["id"], new, scope)

    def _destroy(self, name: str, prior: dict[str, Any]) -> None:
        rules = self._resource_rules(name)
        if rules.destroy_guard and first(prior, rules.destroy_guard) is True:
            because = f"because {rules.destroy_guard} is set to true"
            raise Refused(f"Cannot destroy {name} {because}. Set it to false to proceed with deletion")
        if not (rules.kept_when and _holds(rules.kept_when, prior)):
            self.cloud.remove(name, prior["id"], self._scope())

    def _check_need(self, need: Need, name: str, new: dict[str, Any]) -> None:
        id_ = str(fill_in(need.id, self._settling(name, new).look_up))
        found = self.cloud.find(need.type, id_)
        expected = not need.if_managed or (need.type, id_) in self._announced
        if (found is None and expected) or (found is not None and not _holds(need.must, found)):
            raise Refused(f"{need.message} ({need.type} {id_})")

    # Checks

    def _nothing_computed(self, block: Block, config: dict[str, Any], path: str = "") -> None:
        """Terraform leaves it to the provider to refuse a value for what only the provider can know."""
        for name, attribute in block["attributes"].items():
            if attribute.keys() == {"type", "computed"} and config.get(name) is not None:
                raise Refused(f"Value for unconfigurable attribute {path}{name}", path + name)
        for name, nested in block["block_types"].items():
            given = config.get(name)
            for element in given if isinstance(given, list) else [given]:
                if isinstance(element, dict):
                    self._nothing_computed(nested["block"], element, f"{path}{name}.")

    @staticmethod
    def _no_conflict(conflicts: Iterable[Iterable[str]], config: dict[str, Any]) -> None:
        for group in conflicts:
            together = [path for path in group if any(is_set(part) for part in parts(config, path))]
            if len(together) > 1:
                summary = f'"{together[0]}" conflicts with {", ".join(together[1:])}'
                raise Refused(f"Conflicting configuration arguments: {summary}", together[0])

    @staticmethod
    def _match(patterns: dict[str, str], config: dict[str, Any]) -> None:
        for path, pattern in patterns.items():
            for value in parts(config, path):
                if isinstance(value, str) and not re.fullmatch(pattern, value):
                    raise Refused(f'"{path}" ({value!r}) doesn\'t match regexp {pattern!r}', path)

    def _reach(self) -> None:
        """Whether the API behind the provider is there and accepts what the provider was configured with."""
        # Of several ways the one counts that leads furthest: the first check tells which way is meant.
        failed = [self._failed_check(way) for way in self.rules.behind]
        if failed and None not in failed:
            way, index = max(zip(self.rules.behind, failed, strict=True), key=lambda one: one[1] or 0)
            raise Refused(f"{self.name} at {first(self.config, way.checks[0].argument)}: {way.checks[index or 0].message}")

    def _failed_check(self, way: Behind) -> int | None:
        candidates = [_Settling(way.type, {}, found, {}, self.cloud.facts) for found in self.cloud.objects(way.type)]
        for index, check in enumerate(way.checks):
            given = first(self.config, check.argument)
            candidates = [one for one in candidates if fill_in(check.expected, one.look_up) == given]
            if not candidates:
                return index
        return None

    # Rules

    def _resource_rules(self, name: str) -> ResourceRules:
        return self.rules.resources.get(name, ResourceRules())

    def _data_rules(self, name: str) -> DataRules:
        return self.rules.data_sources.get(name, DataRules())

    def _scope(self) -> str:
        return str(fill_in(self.rules.scope, lambda path: first(self.config, path))) if self.rules.scope else ""


class StandIns:
    """Running stand-ins of the providers, for as long as the context is open.

    cloud: the world they act on; see there for facts, faults and the journal
    environment: what a Terraform process needs in order to find them
    """

    def __init__(
        self,
        journal: Path,
        resources: Iterable[str] = (),
        data_sources: Iterable[str] = (),
        behaviour_file: Path = BEHAVIOUR_FILE,
    ) -> None:
        """Serve the types that the behaviour file describes, and those named here."""
        rules = behaviour(behaviour_file)
        self.cloud = Cloud(journal, copy.deepcopy(rules.facts))
        # The path of a socket may not be longer than about a hundred characters, which temporary folders of tests are.
        self._sockets = Path(tempfile.mkdtemp(prefix="stand-in-"))
        self._servers: list[Any] = []
        attach = {}
        for name, own in rules.providers.items():
            wanted = frozenset(kind for kind in resources if kind.startswith(f"{name}_"))
            wanted_data = frozenset(kind for kind in data_sources if kind.startswith(f"{name}_"))
            provider = StandIn(name, schema_of(name, wanted, wanted_data, own), own, self.cloud)
            attach[own.address] = self._serve(name, provider)
        self.environment = {"TF_REATTACH_PROVIDERS": json.dumps(attach)}

    def _serve(self, name: str, provider: StandIn) -> dict[str, Any]:
        limits = [("grpc.max_send_message_length", _MESSAGE_BYTES), ("grpc.max_receive_message_length", _MESSAGE_BYTES)]
        server = grpc.server(futures.ThreadPoolExecutor(max_workers=16), options=limits)
        rpc.add_ProviderServicer_to_server(provider, server)
        # Terraform does not shut down a provider that it did not start, so the controller has nothing to do.
        controller_rpc.add_GRPCControllerServicer_to_server(controller_rpc.GRPCControllerServicer(), server)
        socket = self._sockets / name
        server.add_insecure_port(f"unix://{socket}")
        server.start()
        self._servers.append(server)
        address = {"Network": "unix", "String": str(socket)}
        return {"Protocol": "grpc", "ProtocolVersion": 6, "Pid": os.getpid(), "Test": True, "Addr": address}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.cloud.repair()
        for server in self._servers:
            server.stop(grace=0.2).wait()
        shutil.rmtree(self._sockets, ignore_errors=True)
