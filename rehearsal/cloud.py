"""The world behind the stand-in providers: what exists in it, what it answers, what goes wrong in it, what was asked of
it.

Owns the objects that were created (shared by all providers, so that the cluster of one stack can be found by the
next), the facts that move without Terraform, the faults that a rehearsal orders, and the journal. Knows nothing of
resource types: ``behaviour.toml`` does.
"""

from __future__ import annotations

import copy
import json
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from rehearsal.values import change, first

Call = Literal["configure", "read_data", "read", "plan", "create", "update", "destroy", "import"]
Outcome = Literal["begun", "done", "failed", "abandoned"]


@dataclass(frozen=True)
class Entry:
    """One line of the journal. A create, update or destroy has two: when it began and how it ended."""

    number: int
    provider: str
    call: Call
    outcome: Outcome
    type: str
    id: str | None
    values: dict[str, Any]


class Journal:
    """Every call that Terraform made, in order, as JSON lines."""

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
        """The lines that match, oldest first. `since` is the number of the last line that is not wanted."""
        lines = [Entry(**json.loads(line)) for line in self.path.read_text().splitlines()]
        return [
            entry
            for entry in lines
            if entry.number > since and call in (None, entry.call) and type in (None, entry.type) and outcome in (None, entry.outcome)
        ]

    def mark(self) -> int:
        """The number of the newest line, for `since`."""
        return self._count

    def precedes(self, earlier: str, later: str, *, call: Call = "create", since: int = 0) -> bool:
        """Whether every call on the type `earlier` had ended before the first on the type `later` began.

        False if either is missing.
        """
        ends = [entry.number for entry in self.entries(call, earlier, "done", since)]
        begins = [entry.number for entry in self.entries(call, later, "begun", since)]
        return bool(ends) and bool(begins) and max(ends) < min(begins)


@dataclass
class Fault:
    """Something that goes wrong with an operation.

    kind: `error` makes the provider report a failure. `stall` makes it wait: for `seconds`, or until `release` is
        called, Terraform stops the provider or is killed. A stall that runs its time ends well.
    carried_out: whether the cloud did the work although Terraform did not hear of it. With an error, the provider
        still hands back a state and Terraform marks the object as tainted. With a stall that was cut off, the object
        exists and no state knows of it, unless Terraform stopped in good order.
    id: only the object with this id; any object of the type by default
    times: how often; None for every time
    """

    operation: Literal["create", "update", "destroy"]
    type: str
    kind: Literal["error", "stall"] = "error"
    message: str = "googleapi: Error 500: Internal error encountered., backendError"
    seconds: float | None = None
    carried_out: bool = False
    id: str | None = None
    times: int | None = 1
    reached: threading.Event = field(default_factory=threading.Event, repr=False)
    """Set as soon as an operation has run into the fault."""
    released: threading.Event = field(default_factory=threading.Event, repr=False)

    def release(self) -> None:
        self.released.set()


class Cloud:
    """Objects by type, scope and id. The scope keeps apart what two clusters hold under the same name."""

    def __init__(self, journal: Path, facts: dict[str, Any]) -> None:
        self.journal = Journal(journal)
        self.facts = facts
        """What data sources answer with, by name: change it between two runs and the world has moved on."""
        self._faults: list[Fault] = []
        self._objects: dict[tuple[str, str, str], dict[str, Any]] = {}
        self._lock = threading.RLock()

    def find(self, type: str, id: str, scope: str = "") -> dict[str, Any] | None:
        with self._lock:
            return copy.deepcopy(self._objects.get((type, scope, id)))

    def put(self, type: str, id: str, value: dict[str, Any], scope: str = "") -> None:
        with self._lock:
            self._objects[type, scope, id] = copy.deepcopy(value)

    def remove(self, type: str, id: str, scope: str = "") -> None:
        """Take an object away, as somebody at the console would."""
        with self._lock:
            self._objects.pop((type, scope, id), None)

    def objects(self, type: str) -> list[dict[str, Any]]:
        with self._lock:
            return [copy.deepcopy(value) for (kind, _, _), value in self._objects.items() if kind == type]

    def change(self, type: str, path: str, new: Any, id: str | None = None) -> None:
        """Change an attribute behind Terraform's back: an autoscaler, an upgrade, somebody at the console."""
        with self._lock:
            changed = [value for (kind, _, key), value in self._objects.items() if kind == type and id in (None, key)]
            if not changed or all(first(value, path) is None for value in changed):
                raise LookupError(f"nothing to change: no {type} with {path}")
            for value in changed:
                change(value, path, lambda _: new)

    def break_down(self, fault: Fault) -> Fault:
        """Order a fault; it is handed back so that a test can wait for it and release it."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def repair(self) -> None:
        """Withdraw every fault."""
        with self._lock:
            for fault in self._faults:
                fault.release()
            self._faults.clear()

    def take_fault(self, operation: str, type: str, id: str) -> Fault | None:
        with self._lock:
            for fault in self._faults:
                if (fault.operation, fault.type) == (operation, type) and fault.id in (None, id) and fault.times != 0:
                    if fault.times is not None:
                        fault.times -= 1
                    fault.reached.set()
                    return fault
        return None
