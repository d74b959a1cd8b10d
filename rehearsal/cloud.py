"""The cloud behind the stand-in providers: its objects, its failures and the calls that Terraform made.

Owns the objects that were created (all providers share them, so that one stack finds the cluster of another), the facts that change
without Terraform, the faults that a rehearsal orders, and the journal. Knows nothing of resource types: ``behaviour.toml`` and ``gke`` do.
"""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from rehearsal.values import change

Operation = Literal["create", "update", "destroy"]
Call = Literal["configure", "read_data", "read", "plan", "create", "update", "destroy", "import"]
Outcome = Literal["begun", "retried", "done", "failed", "abandoned"]


class Refused(Exception):  # noqa: N818 -- a response, not a mistake of the program
    """The provider or the API refuses.

    Attributes:
        summary: the error.
        path: the argument that Terraform points to, if any.
    """

    def __init__(self, summary: str, path: str = "") -> None:
        super().__init__(summary)
        self.summary, self.path = summary, path


@dataclass(frozen=True)
class Entry:
    """One line of the journal. A create, update or destroy has two: when it began and how it ended.

    Attributes:
        number: its position, from 1.
        provider: the provider's short name.
        call: what Terraform requested.
        outcome: how the call ended.
        type: the resource or data source type.
        id: the object's id, if it is known.
        values: what is known of the object.
    """

    number: int
    provider: str
    call: Call
    outcome: Outcome
    type: str
    id: str | None
    values: dict[str, Any]


class Journal:
    """Every call that Terraform made, in order, as JSON lines.

    Attributes:
        path: the file, which is emptied at the start.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._count = 0
        path.write_text("")

    def write(
        self,
        provider: str,
        call: Call,
        type: str,
        id: str | None,
        *,
        outcome: Outcome = "done",
        values: dict[str, Any] | None = None,
    ) -> None:
        """Add a line."""
        with self._lock, self.path.open("a") as file:
            self._count += 1
            entry = Entry(self._count, provider, call, outcome, type, id, values or {})
            file.write(json.dumps(entry.__dict__, default=str) + "\n")

    def entries(
        self,
        call: Call | None = None,
        type: str | None = None,
        outcome: Outcome | None = None,
        since: int = 0,
    ) -> list[Entry]:
        """Return the lines that match, oldest first. `since` is the number of the last line to skip."""
        lines = [Entry(**json.loads(line)) for line in self.path.read_text().splitlines()]
        return [
            entry
            for entry in lines
            if entry.number > since and call in (None, entry.call) and type in (None, entry.type) and outcome in (None, entry.outcome)
        ]

    def mark(self) -> int:
        """Return the number of the newest line, for `since`."""
        return self._count

    def precedes(self, earlier: str, later: str, *, call: Call = "create", since: int = 0) -> bool:
        """Return whether every call on the type `earlier` had ended before the first on the type `later` began.

        It is false if there is no call on one of them.
        """
        ends = [entry.number for entry in self.entries(call, earlier, "done", since)]
        begins = [entry.number for entry in self.entries(call, later, "begun", since)]
        return bool(ends) and bool(begins) and max(ends) < min(begins)


@dataclass
class Fault:
    """Something that goes wrong with an operation.

    Attributes:
        operation: what fails.
        type: the resource type that it fails for.
        kind: ``error`` makes the provider report a failure. ``retry`` is an error that the provider retries, so the operation succeeds.
            ``stall`` makes it wait: for `seconds`, or until `release` is called, Terraform stops the provider or Terraform is killed.
            A stall whose time is over succeeds.
        message: the error that the provider reports.
        seconds: how long a stall lasts; without a limit by default.
        carried_out: whether the cloud did the work although Terraform was not told. With an error, the provider still returns a state and
            Terraform marks the object as tainted. With a stall that was cut off, the object exists and no state has it, unless Terraform
            stopped in good order. A cluster then keeps its default pool, whose removal comes last.
        id: the object; any object of the type by default.
        times: how often; None for every time.
        reached: is set as soon as an operation has run into the fault.
        released: is set by `release`.
    """

    operation: Operation
    type: str
    kind: Literal["error", "retry", "stall"] = "error"
    message: str = "googleapi: Error 500: Internal error encountered., backendError"
    seconds: float | None = None
    carried_out: bool = False
    id: str | None = None
    times: int | None = 1
    reached: threading.Event = field(default_factory=threading.Event, repr=False)
    released: threading.Event = field(default_factory=threading.Event, repr=False)

    def release(self) -> None:
        """End a stall."""
        self.released.set()


def _any_path(_type: str, _path: str) -> bool:
    return True


class Cloud:
    """Objects by type, scope and id. The scope keeps apart what two clusters hold under the same name.

    Attributes:
        journal: every call that Terraform made.
        facts: what changes without Terraform, by name (see ``behaviour.toml``). A test changes them between two runs.
        announced: type and id of what a plan has announced to create.
    """

    def __init__(self, journal: Path, facts: dict[str, Any], has_path: Callable[[str, str], bool] = _any_path) -> None:
        """Start an empty cloud. `has_path` tells whether a type has an argument, block or attribute."""
        self.journal = Journal(journal)
        self.facts = facts
        self.announced: set[tuple[str, str]] = set()
        self._has_path = has_path
        self._faults: list[Fault] = []
        self._objects: dict[tuple[str, str, str], dict[str, Any]] = {}
        self._lock = threading.RLock()

    def find(self, type: str, id: str, scope: str = "") -> dict[str, Any] | None:
        """Return a copy of an object, or None."""
        with self._lock:
            return copy.deepcopy(self._objects.get((type, scope, id)))

    def put(self, type: str, id: str, value: dict[str, Any], scope: str = "") -> None:
        """Create or overwrite an object."""
        with self._lock:
            self._objects[type, scope, id] = copy.deepcopy(value)

    def remove(self, type: str, id: str, scope: str = "") -> None:
        """Remove an object, as a user of the Google Cloud console would."""
        with self._lock:
            self._objects.pop((type, scope, id), None)

    def objects(self, type: str) -> list[dict[str, Any]]:
        """Return copies of all objects of a type."""
        with self._lock:
            return [copy.deepcopy(value) for (kind, _, _), value in self._objects.items() if kind == type]

    def change(self, type: str, path: str, new: Any, id: str | None = None) -> None:
        """Change objects without Terraform, as an autoscaler, an upgrade or a user of the Google Cloud console would.

        Args:
            type: the resource type.
            path: an argument, block or attribute, through blocks with dots. A block is a list: ``[{"enabled": True}]``; arguments that
                it leaves out are null.
            new: the new value.
            id: the object; all objects of the type by default.

        Raises:
            LookupError: when there is no such object, no such path, or no block that the path goes through.
        """
        with self._lock:
            changed = [value for (kind, _, key), value in self._objects.items() if kind == type and id in (None, key)]
            known = self._has_path(type, path)
            if not known or not sum(change(value, path, lambda _: copy.deepcopy(new)) for value in changed):
                raise LookupError(f"nothing to change: no {type} with {path}")

    def break_down(self, fault: Fault) -> Fault:
        """Order a fault and return it, so that a test can wait for it and release it."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def repair(self) -> None:
        """Withdraw every fault."""
        with self._lock:
            for fault in self._faults:
                fault.release()
            self._faults.clear()

    def take_fault(self, operation: Operation, type: str, id: str) -> Fault | None:
        """Return the fault that an operation runs into, and count it."""
        with self._lock:
            for fault in self._faults:
                if (fault.operation, fault.type) == (operation, type) and fault.id in (None, id) and fault.times != 0:
                    if fault.times is not None:
                        fault.times -= 1
                    fault.reached.set()
                    return fault
        return None
