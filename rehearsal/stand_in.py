"""Stand-in Terraform providers: real schemas, no cloud.

Owns the provider side of Terraform's plugin protocol 6. Terraform reaches the servers through TF_REATTACH_PROVIDERS, so nothing is
installed and no registry is contacted. `planning` compares values, ``behaviour.toml`` and `gke` contain what is known about resources, and
the `Cloud` contains the objects. The stand-ins do not know which values the real API accepts.

A provider can be configured only once in a Terraform run: several configurations of it would share the last one.
"""
# ruff: noqa: ARG002, N802 -- the protocol names the methods and their arguments

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Iterable, Mapping
from concurrent import futures
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc  # type: ignore[import-untyped]
import msgpack  # type: ignore[import-untyped]
from tf.gen import grpc_controller_pb2_grpc as controller_rpc  # type: ignore[import-untyped]
from tf.gen import tfplugin_pb2 as pb
from tf.gen import tfplugin_pb2_grpc as rpc

from rehearsal.behaviour import (
    BEHAVIOUR_FILE,
    Behind,
    DataRules,
    ProviderBehaviour,
    ResourceRules,
    behaviour,
    has_path,
    holds,
    schema_of,
)
from rehearsal.cloud import Cloud, Fault, Operation, Outcome, Refused
from rehearsal.gke import Gke
from rehearsal.planning import Settling, Steps, changes, conform, conform_to_type, plan, read_back, replacements
from rehearsal.provider_schema import Block, ProviderSchema
from rehearsal.values import UNKNOWN, change, fill_in, first, is_set, is_unknown, parts, readable, values_of

Configuration = Mapping[str, Any]
"""A Terraform configuration in JSON, parsed."""

_FLAGS = ("required", "optional", "computed")
_NESTING = {"single": 1, "list": 2, "set": 3, "map": 4}
# A schema of all of a provider's resources exceeds the 4 MB that gRPC allows by default.
_REGISTRIES = ("registry.terraform.io", "registry.opentofu.org")
"""The default registries of Terraform and OpenTofu, which are part of a provider's address."""
_MESSAGE_BYTES = 64 * 1024 * 1024
_POLL_SECONDS = 0.02


class _Interrupted(Refused):
    """Terraform stopped the provider, or no longer waits for the response."""


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


class StandIn(rpc.ProviderServicer):  # type: ignore[misc]
    """One provider in one version. The methods with uppercase letters are the protocol's.

    Attributes:
        name: the provider's short name.
        schema: what it declares.
        rules: what it does.
        cloud: the cloud that it acts on.
        config: the arguments that it is configured with.
        stopped: is set once Terraform has told it to stop.
    """

    def __init__(self, name: str, schema: ProviderSchema, rules: ProviderBehaviour, cloud: Cloud) -> None:
        self.name, self.schema, self.rules, self.cloud = name, schema, rules, cloud
        self.config: dict[str, Any] = {}
        self.stopped = threading.Event()
        self._gke = Gke(cloud)

    # Schema and configuration

    def GetProviderSchema(self, request: Any, context: Any) -> Any:
        """Return the schemas of the provider, its resources and its data sources."""
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
        """Accept any configuration; `ConfigureProvider` checks it, because it may depend on other resources."""
        return pb.ValidateProviderConfig.Response()

    def ConfigureProvider(self, request: Any, context: Any) -> Any:
        """Store the provider's arguments."""
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
        """Interrupt what is waiting."""
        self.stopped.set()
        return pb.StopProvider.Response()

    def GetFunctions(self, request: Any, context: Any) -> Any:
        """Return no functions."""
        return pb.GetFunctions.Response()

    # Resources

    def ValidateResourceConfig(self, request: Any, context: Any) -> Any:
        """Check a configured resource without looking at the state."""
        config, rules = _decode(request.config), self._resource_rules(request.type_name)
        response = pb.ValidateResourceConfig.Response()
        try:
            self._nothing_computed(self.schema.resources[request.type_name], config)
            self._match(rules.patterns, config)
            self._no_conflict(rules.conflicts, config)
            self._exactly_one(rules.exactly_one, config)
        except Refused as error:
            response.diagnostics.append(_diagnostic(error))
        return response

    def UpgradeResourceState(self, request: Any, context: Any) -> Any:
        """Return the stored state in the layout of this version's schema."""
        state = conform(self.schema.resources[request.type_name], json.loads(request.raw_state.json))
        return pb.UpgradeResourceState.Response(upgraded_state=pb.DynamicValue(json=json.dumps(state).encode()))

    def ReadResource(self, request: Any, context: Any) -> Any:
        """Return an object as the cloud has it, or nothing when it does not exist."""
        name, current = request.type_name, _decode(request.current_state)
        response = pb.ReadResource.Response(private=request.private)
        try:
            self._reach()
            found = self.cloud.find(name, current["id"], self._scope())
            self.cloud.journal.write(self.name, "read", name, current["id"], values={"exists": found is not None})
            response.new_state.CopyFrom(_encode(found and self._as_read(name, found, current)))
        except Refused as error:
            forgotten = self._resource_rules(name).forgotten_when_unreachable
            response.new_state.CopyFrom(_encode(None) if forgotten else request.current_state)
            if not forgotten:
                response.diagnostics.append(_diagnostic(error))
        return response

    def _as_read(self, name: str, found: dict[str, Any], current: dict[str, Any]) -> dict[str, Any]:
        rules = self._resource_rules(name)
        read = conform(self.schema.resources[name], found)
        for argument in (*rules.state_only, "timeouts"):
            if argument in read:
                read[argument] = current.get(argument)
        for argument in rules.configured_keys:
            known = current.get(argument) or {}
            read[argument] = {key: value for key, value in (read[argument] or {}).items() if key in known} or None
        return read

    def PlanResourceChange(self, request: Any, context: Any) -> Any:
        """Return the planned object and what replaces it."""
        name = request.type_name
        block, rules = self.schema.resources[name], self._resource_rules(name)
        prior, proposed, config = map(_decode, (request.prior_state, request.proposed_new_state, request.config))
        # Providers on the SDK set this; it lets an apply differ from its plan, as theirs do.
        response = pb.PlanResourceChange.Response(legacy_type_system=True)
        if proposed is None:
            self.cloud.journal.write(self.name, "plan", name, prior["id"], values={"action": "destroy"})
            response.planned_state.CopyFrom(request.proposed_new_state)
            return response
        for refusal in rules.refused:
            if refusal.at == "plan" and holds(refusal.when, config):
                response.diagnostics.append(_diagnostic(Refused(refusal.message, next(iter(refusal.when)))))
                return response
        planned = plan(block, rules, self._with_inherited(block, proposed), prior)
        changed = [] if prior is None else changes(block, prior, planned)
        if prior is not None and not changed:
            # The SDK returns the state itself then, whatever else differs.
            planned = prior
        replaces = list(replacements(rules, changed))
        response.requires_replace.extend(map(_path_message, replaces))
        id_ = self._settling(name, planned).id()
        if prior is None and id_ is not None:
            self.cloud.announced.add((name, id_))
        action = "create" if prior is None else "replace" if replaces else "update" if changed else "none"
        self.cloud.journal.write(self.name, "plan", name, id_, values={"action": action})
        response.planned_state.CopyFrom(_encode(planned))
        return response

    def _with_inherited(self, block: Block, proposed: dict[str, Any]) -> dict[str, Any]:
        inherited = {
            name: self.config[name]
            for name in self.rules.inherit
            if name in self.config and proposed.get(name) is None and block["attributes"].get(name, {}).get("optional")
        }
        return {**proposed, **inherited}

    def ApplyResourceChange(self, request: Any, context: Any) -> Any:
        """Create, update or destroy an object."""
        name = request.type_name
        prior, planned = _decode(request.prior_state), _decode(request.planned_state)
        new = None if planned is None else self._settle(name, planned, prior)
        operation: Operation = "create" if prior is None else "destroy" if new is None else "update"
        id_ = str((new or prior)["id"])
        self.cloud.journal.write(self.name, operation, name, id_, outcome="begun")
        fault = self._next_fault(operation, name, id_)
        response = pb.ApplyResourceChange.Response(legacy_type_system=True)
        try:
            error = self._meet(fault, context) if fault else None
            self._carry_out(operation, name, prior, new, complete=error is None)
            response.new_state.CopyFrom(_encode(new))
        except Refused as refused:
            error = refused
            left_behind = operation == "create" and self._leaves_tainted(name, refused)
            response.new_state.CopyFrom(_encode(new) if left_behind else request.prior_state)
        outcome: Outcome = "abandoned" if isinstance(error, _Interrupted) else "failed" if error else "done"
        # A provider that is stopped while the cloud continues stores the operation in the state and reports no error.
        resumable = fault is not None and fault.carried_out and outcome == "abandoned"
        if error and not resumable:
            response.diagnostics.append(_diagnostic(error))
        self.cloud.journal.write(self.name, operation, name, id_, outcome=outcome, values=readable(new))
        return response

    def _next_fault(self, operation: Operation, name: str, id_: str) -> Fault | None:
        fault = self.cloud.take_fault(operation, name, id_)
        while fault and fault.kind == "retry":
            self.cloud.journal.write(self.name, operation, name, id_, outcome="retried", values={"error": fault.message})
            fault = self.cloud.take_fault(operation, name, id_)
        return fault

    def _leaves_tainted(self, name: str, error: Refused) -> bool:
        return self._resource_rules(name).tainted_when_refused and not isinstance(error, _AlreadyExists | _Interrupted)

    def ImportResourceState(self, request: Any, context: Any) -> Any:
        """Return the object with the id, in any of the forms that the provider accepts."""
        name, response = request.type_name, pb.ImportResourceState.Response()
        rules = self._resource_rules(name)
        id_ = self._imported_id(name, rules, request.id)
        found = self.cloud.find(name, id_, self._scope())
        self.cloud.journal.write(self.name, "import", name, id_, outcome="done" if found else "failed")
        if found is None:
            response.diagnostics.append(_diagnostic(Refused(f"Cannot import non-existent remote object: {request.id}")))
        else:
            state = {**self._as_read(name, found, {}), **rules.imported}
            response.imported_resources.append(pb.ImportResourceState.ImportedResource(type_name=name, state=_encode(state)))
        return response

    def _imported_id(self, name: str, rules: ResourceRules, given: str) -> str:
        named = next((found for form in rules.import_ids if (found := values_of(form, given))), None)
        return str(self._settling(name, named).id()) if named else given

    # Data sources

    def ValidateDataResourceConfig(self, request: Any, context: Any) -> Any:
        """Check a configured data source."""
        response = pb.ValidateDataResourceConfig.Response()
        try:
            self._nothing_computed(self.schema.data_sources[request.type_name], _decode(request.config))
        except Refused as error:
            response.diagnostics.append(_diagnostic(error))
        return response

    def ReadDataSource(self, request: Any, context: Any) -> Any:
        """Return the object that a data source finds, or its values from the facts."""
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
        # An argument that is left out stays null, but a computed one is a question.
        computed = {key for key, attribute in block["attributes"].items() if attribute.get("computed")}
        asked = {key: UNKNOWN if value is None and key in computed else value for key, value in config.items()}
        return Settling(f"data.{name}", self._data_rules(name).values, asked, self.config, self.cloud.facts).block(block, asked)

    def _found(self, resource: str, config: dict[str, Any], block: Block) -> dict[str, Any]:
        """Return the object that the configuration names, as the data source shows it."""
        id_ = str(self._settling(resource, {**config, "id": None}).id())
        found = self.cloud.find(resource, id_, self._scope())
        if found is None:
            raise Refused(f"{id_} not found")
        return {name: conform_to_type(attribute["type"], found.get(name)) for name, attribute in block["attributes"].items()}

    # Applying

    def _settling(self, name: str, state: dict[str, Any]) -> Settling:
        rules = self._resource_rules(name)
        values = rules.values | ({"id": rules.id} if rules.id else {})
        return Settling(name, values, state, self.config, self.cloud.facts, rules.sent, rules.filled_in)

    def _settle(self, name: str, planned: dict[str, Any], prior: dict[str, Any] | None) -> dict[str, Any]:
        rules = self._resource_rules(name)
        new = self._settling(name, planned).block(self.schema.resources[name], planned)
        self._gke.set_versions(name, planned, new, prior)
        for rule in rules.read_back:
            if holds(rule.when, new):
                read_back(rule, new)
        for path in rules.kept:
            _keep(path, prior or {}, new)
        return new

    def _meet(self, fault: Fault, context: Any) -> Refused | None:
        """Return the error that an operation reports although it is carried out, and raise the one that prevents it."""
        error = Refused(fault.message) if fault.kind == "error" else self._stall(fault, context)
        if error and not fault.carried_out:
            raise error
        return error

    def _stall(self, fault: Fault, context: Any) -> Refused | None:
        waited = 0.0
        while not fault.released.wait(_POLL_SECONDS):
            waited += _POLL_SECONDS
            if self.stopped.is_set() or not context.is_active():
                return _Interrupted(f"{fault.operation} of {fault.type} was interrupted")
            if fault.seconds is not None and waited >= fault.seconds:
                break
        return None

    def _carry_out(self, operation: Operation, name: str, prior: Any, new: Any, *, complete: bool) -> None:
        self._reach()
        if operation == "destroy":
            self._destroy(name, prior)
        else:
            self._put(operation, name, new)
        self._gke.follow_up(operation, name, new or prior, prior, complete=complete)

    def _put(self, operation: Operation, name: str, new: dict[str, Any]) -> None:
        rules, scope = self._resource_rules(name), self._scope()
        present = self.cloud.find(name, new["id"], scope)
        for refusal in rules.refused:
            # An API checks what a request changes: a combination that Google itself brought about does not block other updates.
            if refusal.at == "apply" and holds(refusal.when, new) and not (present and holds(refusal.when, present)):
                raise Refused(refusal.message)
        for need in rules.needs:
            id_ = str(fill_in(need.id, self._settling(name, new).look_up))
            expected = not need.if_managed or (need.type, id_) in self.cloud.announced
            if expected and self.cloud.find(need.type, id_) is None:
                raise Refused(f"{need.message} ({need.type} {id_})")
        taken_over = rules.shared or (rules.taken_over_when and holds(rules.taken_over_when, new))
        if operation == "create" and present and rules.id and not taken_over:
            raise _AlreadyExists(rules.already_exists.format(id=new["id"]))
        if operation == "update" and not present:
            raise Refused(f"Error 404: Not found: {new['id']}")
        self._gke.check(operation, name, new)
        self.cloud.put(name, new["id"], new, scope)

    def _destroy(self, name: str, prior: dict[str, Any]) -> None:
        rules = self._resource_rules(name)
        if rules.destroy_guard and first(prior, rules.destroy_guard) is True:
            because = f"because {rules.destroy_guard} is set to true"
            raise Refused(f"Cannot destroy {name} {because}. Set it to false to proceed with deletion")
        for use in rules.used_by:
            for user in self.cloud.objects(use.type):
                named = str(user.get(use.argument))
                by_name = named == prior["name"] and user.get("project") == prior["project"]
                if by_name or named.endswith(str(prior["id"])):
                    raise Refused(use.message.format(id=prior["id"], user=user["id"]))
        if not (rules.kept_when and holds(rules.kept_when, prior)):
            self.cloud.remove(name, prior["id"], self._scope())

    # Checks

    def _nothing_computed(self, block: Block, config: dict[str, Any], path: str = "") -> None:
        """Refuse a value for what only the provider sets, which Terraform leaves to the provider."""
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
    def _exactly_one(groups: Iterable[tuple[str, ...]], config: dict[str, Any]) -> None:
        for group in groups:
            around = first(config, group[0].rpartition(".")[0])
            found = [path for path in group if any(is_set(part) for part in parts(config, path))]
            if is_set(around) and not is_unknown(around) and len(found) != 1:
                problem = f"only one of `{','.join(group)}` can be specified" if found else f"one of `{','.join(group)}` must be specified"
                raise Refused(f'"{group[0]}": {problem}', group[0])

    @staticmethod
    def _match(patterns: dict[str, str], config: dict[str, Any]) -> None:
        for path, pattern in patterns.items():
            for value in parts(config, path):
                if isinstance(value, str) and not re.fullmatch(pattern, value):
                    raise Refused(f'"{path}" ({value!r}) doesn\'t match regexp {pattern!r}', path)

    def _reach(self) -> None:
        """Check that the API behind the provider exists and accepts what the provider is configured with."""
        # Of several ways, the one that passes the most checks counts: its first check shows that it is the intended one.
        failed = [self._failed_check(way) for way in self.rules.behind]
        if failed and None not in failed:
            way, index = max(zip(self.rules.behind, failed, strict=True), key=lambda one: one[1] or 0)
            raise Refused(f"{self.name} at {first(self.config, way.checks[0].argument)}: {way.checks[index or 0].message}")

    def _failed_check(self, way: Behind) -> int | None:
        candidates = [Settling(way.type, {}, found, {}, self.cloud.facts) for found in self.cloud.objects(way.type)]
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


def _keep(path: str, prior: dict[str, Any], new: dict[str, Any]) -> None:
    """Keep the previous value, in place, if the value is no longer set."""
    before = first(prior, path)
    if is_set(before) and not is_set(first(new, path)):
        change(new, path, lambda _: before)


class _AlreadyExists(Refused):
    """The object that is created already exists."""


class StandIns:
    """Running stand-ins of the providers, for as long as the context is open.

    A configuration decides which versions it gets, by its ``required_providers``. The servers of a version start when it is first needed.

    Attributes:
        cloud: the cloud that they act on: its facts, faults and journal.
    """

    def __init__(
        self,
        journal: Path,
        configurations: Iterable[Configuration] = (),
        *,
        versions: Mapping[str, str] | None = None,
        behaviour_file: Path = BEHAVIOUR_FILE,
    ) -> None:
        """Serve the types that the behaviour file has rules for, and those that the configurations use.

        Args:
            journal: the file for the journal.
            configurations: the configurations that share the cloud.
            versions: version by provider, such as ``{"google": "6.50.0"}``, whatever a configuration requires.
            behaviour_file: the rules.
        """
        self._rules = behaviour(behaviour_file)
        self._versions = dict(versions or {})
        self._configurations = list(configurations)
        self.cloud = Cloud(journal, copy.deepcopy(self._rules.facts), self._has_path)
        # The path of a socket may not be longer than about a hundred characters, but temporary folders of tests are.
        self._sockets = Path(tempfile.mkdtemp(prefix="stand-in-"))
        self._servers: dict[tuple[str, str, frozenset[str], frozenset[str]], tuple[Any, dict[str, Any]]] = {}
        self._lock = threading.Lock()

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables with which a Terraform process finds the providers that all the configurations require."""
        return self.environment_for({})

    def environment_for(self, requirements: Mapping[str, Iterable[str]], configurations: Iterable[Configuration] = ()) -> dict[str, str]:
        """Return the environment variables with which Terraform finds providers for one working directory.

        Args:
            requirements: its version constraints by provider. For a provider without any, those of all the configurations count.
            configurations: its files in JSON; what they use is served besides the types that are known already.

        Raises:
            ValueError: when it requires a version that is older than the oldest that the rules are for.
        """
        used = [*self._configurations, *configurations]
        attach: dict[str, dict[str, Any]] = {}
        for name, rules in self._rules.providers.items():
            everywhere = [one for content in self._configurations for provider, one in required_versions(content) if provider == name]
            wanted = list(requirements.get(name, ())) or everywhere
            version = rules.choose([self._versions[name]] if name in self._versions else wanted)
            resources = _types(used, "resource", name).difference(rules.resources)
            server = self._serve(name, version, resources, _types(used, "data", name).difference(rules.data_sources))
            attach |= {f"{registry}/{rules.source}": server for registry in _REGISTRIES}
        return {"TF_REATTACH_PROVIDERS": json.dumps(attach)}

    def _has_path(self, type: str, path: str) -> bool:
        """Return whether the newest measured version of the type's provider has the path."""
        provider = type.partition("_")[0]
        rules = self._rules.providers[provider].at(self._rules.providers[provider].measured[-1])
        resources, data_sources = (_types(self._configurations, section, provider) for section in ("resource", "data"))
        return has_path(schema_of(provider, resources, data_sources, rules).resources[type], path)

    def _serve(self, name: str, version: str, resources: frozenset[str], data_sources: frozenset[str]) -> dict[str, Any]:
        with self._lock:
            key = (name, version, resources, data_sources)
            if key not in self._servers:
                rules = self._rules.providers[name].at(version)
                stand_in = StandIn(name, schema_of(name, resources, data_sources, rules), rules, self.cloud)
                self._servers[key] = self._start(stand_in, self._sockets / f"{name}-{len(self._servers)}")
            return self._servers[key][1]

    @staticmethod
    def _start(stand_in: StandIn, socket: Path) -> tuple[Any, dict[str, Any]]:
        limits = [("grpc.max_send_message_length", _MESSAGE_BYTES), ("grpc.max_receive_message_length", _MESSAGE_BYTES)]
        server = grpc.server(futures.ThreadPoolExecutor(max_workers=16), options=limits)
        rpc.add_ProviderServicer_to_server(stand_in, server)
        # Terraform does not shut down a provider that it did not start, so the controller has nothing to do.
        controller_rpc.add_GRPCControllerServicer_to_server(controller_rpc.GRPCControllerServicer(), server)
        server.add_insecure_port(f"unix://{socket}")
        server.start()
        address = {"Network": "unix", "String": str(socket)}
        return server, {"Protocol": "grpc", "ProtocolVersion": 6, "Pid": os.getpid(), "Test": True, "Addr": address}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.cloud.repair()
        for server, _ in self._servers.values():
            server.stop(grace=0.2).wait()
        shutil.rmtree(self._sockets, ignore_errors=True)


def required_versions(configuration: Configuration) -> list[tuple[str, str]]:
    """Return the version constraints of a configuration, each with the provider's short name."""
    blocks = [
        block for found in parts(configuration, "terraform.required_providers") for block in (found if isinstance(found, list) else [found])
    ]
    return [(name, provider["version"]) for block in blocks for name, provider in block.items() if "version" in provider]


def _types(configurations: Iterable[Configuration], section: str, provider: str) -> frozenset[str]:
    return frozenset(kind for content in configurations for kind in content.get(section, {}) if kind.startswith(f"{provider}_"))
