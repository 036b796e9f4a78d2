"""What the steps have in common: making an object once, asking again and again, stopping and starting the vm."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

import msgspec

from vmsnap_tui.model.errors import Cancelled, Conflict, Failed, Missing, Unreachable
from vmsnap_tui.model.progress import Progress
from vmsnap_tui.model.together import ALONE
from vmsnap_tui.platforms.openshift.cluster import MERGE
from vmsnap_tui.platforms.openshift.errors import AlreadyThere
from vmsnap_tui.platforms.openshift.kinds import INSTANCES, MACHINES, SUBRESOURCES
from vmsnap_tui.platforms.openshift.steps import limits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from threading import Event

    from vmsnap_tui.model.plan import Step
    from vmsnap_tui.model.together import Gate
    from vmsnap_tui.platforms.openshift.cluster import Cluster
    from vmsnap_tui.platforms.openshift.kinds import Kind
    from vmsnap_tui.platforms.openshift.records import VirtualMachine, VirtualMachineInstance

T = TypeVar("T")
Body = dict[str, Any]

ACT = "vmsnap.io/act"
"""The annotation by which an object is known as the one that this very step has made."""


@dataclass(frozen=True, slots=True)
class Work:
    """One step that is being done. `act` is a word of its own for this try."""

    cluster: Cluster
    step: Step
    report: Callable[[Progress], None]
    stop: Event
    gate: Gate = ALONE
    act: str = field(default_factory=lambda: uuid4().hex)

    @property
    def is_part(self) -> bool:
        """Whether it takes a part of a group snapshot."""
        return bool(self.step.params.get("together"))

    @property
    def namespace(self) -> str:
        """Where the vm is."""
        return self.step.vm.id.partition("/")[0]

    @property
    def vm_name(self) -> str:
        """What the vm is called there."""
        return self.step.vm.id.partition("/")[2]

    def params(self) -> Any:  # noqa: ANN401  (what the planner of this very package wrote)
        """The step's own values."""
        return self.step.params

    # Objects

    def found(self, kind: Kind[T], name: str) -> T | None:
        """An object of the vm's namespace, None where it is not there."""
        return self.cluster.found(kind, self.namespace, name)

    def machine(self) -> VirtualMachine:
        """The vm. Raises Missing, also where another one has its name by now."""
        machine = self.cluster.get(MACHINES, self.namespace, self.vm_name)
        wanted = self.step.params.get("vm_uid")
        if wanted and machine.metadata.uid != wanted:
            raise Missing("the vm was deleted, and another one has its name", "refresh")
        return machine

    def instance(self) -> VirtualMachineInstance | None:
        """What runs of the vm, None where nothing does."""
        return self.found(INSTANCES, self.vm_name)

    def create(self, kind: Kind[T], kind_name: str, name: str, spec: Body, metadata: Body | None = None) -> T:
        """Make an object. Never twice: where the answer is lost, or the name is taken, it is seen whether it is ours.

        `metadata` are further fields of its metadata. Raises AlreadyThere for somebody else's.
        """
        version = self.cluster.serving.version(kind)
        more = metadata or {}
        notes = {**more.get("annotations", {}), ACT: self.act}
        body = {
            "apiVersion": f"{kind.group}/{version}" if kind.group else version,
            "kind": kind_name,
            "metadata": {**more, "name": name, "namespace": self.namespace, "annotations": notes},
            "spec": spec,
        }
        path = self.cluster.path(kind, self.namespace)

        def send() -> bytes | None:
            try:
                return self.cluster.ask("POST", path, body=body)
            except (AlreadyThere, Unreachable):
                # Names are unique: to send it again, once it is seen not to be there, makes no second one.
                return self._ours(kind, name)
            except Failed:
                if (found := self._ours(kind, name)) is not None:
                    return found
                raise

        return msgspec.json.decode(self.until(send), type=kind.type)

    def _ours(self, kind: Kind[Any], name: str) -> bytes | None:
        try:
            raw = self.cluster.ask("GET", self.cluster.path(kind, self.namespace, name))
        except Missing:
            return None
        if msgspec.json.decode(raw)["metadata"].get("annotations", {}).get(ACT) != self.act:
            raise AlreadyThere(f"there is a {kind.plural.removesuffix('s')} {name} already", "choose another name")
        return raw

    def raw(self, kind: Kind[Any], name: str) -> Body:
        """All of an object. Raises Missing."""
        whole: Body = msgspec.json.decode(self.cluster.ask("GET", self.cluster.path(kind, self.namespace, name)))
        return whole

    def annotate(self, kind: Kind[Any], name: str, notes: Mapping[str, str]) -> None:
        """Write annotations. Raises Missing."""
        self.write(kind, name, {"annotations": notes})

    def write(self, kind: Kind[Any], name: str, metadata: Mapping[str, Mapping[str, str | None]]) -> None:
        """Write annotations and labels; None takes one away. Raises Missing."""
        self.cluster.ask(
            "PATCH",
            self.cluster.path(kind, self.namespace, name),
            body={"metadata": {part: dict(values) for part, values in metadata.items()}},
            content_type=MERGE,
        )

    def remove(self, kind: Kind[Any], name: str, uid: str = "") -> None:
        """Delete an object, of that uid where one is given. Gone already is as good."""
        body = {"preconditions": {"uid": uid}} if uid else {}
        with suppress(Missing):
            self.cluster.ask("DELETE", self.cluster.path(kind, self.namespace, name), body=body)

    def call(self, resource: str, name: str, body: Body | None = None) -> None:
        """Have KubeVirt do something ("virtualmachines/stop")."""
        plural, _, what = resource.partition("/")
        path = f"/apis/{SUBRESOURCES}/v1/namespaces/{self.namespace}/{plural}/{name}/{what}"
        self.cluster.ask("PUT", path, body=body or {})

    # Waiting

    def until(self, look: Callable[[], T | None], *, stoppable: bool = False, patience: float = float("inf")) -> T:
        """Look again and again until there is something. The cluster may be away for a while meanwhile.

        Raises Cancelled where it may be stopped, and TimeoutError after `patience` seconds.
        """
        pause, away, begun = limits.FIRST_PAUSE, 0.0, time.monotonic()
        while True:
            try:
                found = look()
            except Unreachable:
                away = away or time.monotonic()
                if time.monotonic() - away > limits.SILENCE:
                    raise
                self.report(Progress("waiting for the cluster to answer again"))
            else:
                away = 0.0
                if found is not None:
                    return found
            if time.monotonic() - begun > patience:
                raise TimeoutError
            if stoppable and self.stop.wait(pause):
                raise Cancelled("it was stopped")
            if not stoppable:
                time.sleep(pause)
            pause = min(limits.LONGEST_PAUSE, pause * 1.3)

    # The vm

    def stop_vm(self) -> None:
        """Switch it off, and wait until nothing of it is left."""
        asked = False

        def look() -> bool | None:
            nonlocal asked
            if self.instance() is None:
                return True
            self.report(Progress("stopping the vm"))
            if not asked:
                with suppress(Conflict):  # it is just starting or stopping: seen in the next look
                    self.call("virtualmachines/stop", self.vm_name)
                    asked = True
            return None

        self.until(look)

    def start_vm(self, name: str = "") -> str:
        """Start it, and wait until it runs. Says so where it does not."""
        name, asked = name or self.vm_name, False

        def look() -> bool | None:
            nonlocal asked
            running = self.found(INSTANCES, name)
            if running is not None and running.status.phase == "Running":
                return True
            self.report(Progress("starting the vm"))
            if not asked and running is None:
                with suppress(Conflict):  # it starts by itself, or is still held: seen in the next look
                    self.call("virtualmachines/start", name)
                    asked = True
            return None

        try:
            self.until(look, patience=limits.STARTS)
        except TimeoutError:
            machine = self.found(MACHINES, name)
            return f"the vm does not run yet ({machine.status.printable_status if machine else 'it is gone'})"
        return "the vm runs"
