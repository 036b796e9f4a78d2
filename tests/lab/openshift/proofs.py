"""What the proofs have in common: the platform on the lab's cluster, with a vm to play with."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from secrets import token_hex
from threading import Event
from typing import TYPE_CHECKING

from tests.lab.openshift.lab import ADMIN
from vmsnap_tui.model.vm import PlatformKind, Site, VmRef
from vmsnap_tui.platforms.openshift.platform import OpenShiftPlatform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.lab.openshift.lab import OpenShiftLab
    from vmsnap_tui.model.plan import Plan, Request
    from vmsnap_tui.model.progress import Progress
    from vmsnap_tui.model.snapshot import Snapshot

BEFORE, AFTER = b"before", b"after!"


@dataclass
class Desk:
    """A vm of the lab's cluster, and the platform that looks after it. `reports` are what its last act told."""

    lab: OpenShiftLab
    platform: OpenShiftPlatform
    name: str
    namespace: str
    reports: list[Progress] = field(default_factory=list)

    @property
    def vm(self) -> VmRef:
        """What names it."""
        return VmRef("lab", f"{self.namespace}/{self.name}")

    @property
    def snapshots(self) -> dict[str, Snapshot]:
        """By name."""
        return {each.name: each for each in self.platform.snapshots([self.vm])[self.vm]}

    @property
    def tree(self) -> dict[str, str | None]:
        """Name to the parent's name."""
        names = {each.id: name for name, each in self.snapshots.items()}
        return {name: names[each.parent] if each.parent else None for name, each in self.snapshots.items()}

    @property
    def current(self) -> str | None:
        """The name of the current one."""
        return next((name for name, each in self.snapshots.items() if each.current), None)

    @property
    def lamp(self) -> list[str]:
        """The freeze states that the last act showed, in order."""
        return [report.freeze.state.value for report in self.reports if report.freeze is not None]

    def plan(self, request: Request) -> Plan:
        """What it would do."""
        return self.platform.facts(self.vm).plan(request)

    def codes(self, request: Request) -> set[str]:
        """Why it is refused."""
        return {refusal.code for refusal in self.plan(request).refusals}

    def do(self, request: Request, stop: Event | None = None, told: Callable[[Progress], None] | None = None) -> str:
        """Do all of it. Every report goes to `told` too."""
        plan = self.plan(request)
        assert not plan.refusals, plan.refusals
        self.reports.clear()

        def report(progress: Progress) -> None:
            self.reports.append(progress)
            if told is not None:
                told(progress)

        return "; ".join(self.platform.run(step, report, stop or Event()) for step in plan.steps)

    def claim(self, disk: int) -> str:
        """The claim that one of its volumes is on now, by number."""
        spec = self.lab.api.get("virtualmachines", self.namespace, self.name)["spec"]
        return claim_of(spec["template"]["spec"]["volumes"][disk])

    def write(self, content: bytes) -> None:
        """Put something on both of its volumes."""
        for disk in (0, 1):
            self.lab.write_volume(self.claim(disk), content + str(disk).encode(), self.namespace)

    def read(self) -> list[bytes]:
        """What is on both of its volumes."""
        return [self.lab.read_volume(self.claim(disk), len(BEFORE) + 1, self.namespace) for disk in (0, 1)]


def claim_of(volume: dict[str, dict[str, str]]) -> str:
    """The claim that a volume of a vm is on."""
    source = volume.get("persistentVolumeClaim")
    return source["claimName"] if source else volume["dataVolume"]["name"]


def both(content: bytes) -> list[bytes]:
    """As it is read when it was written."""
    return [content + b"0", content + b"1"]


def platform(lab: OpenShiftLab, user: str = ADMIN) -> OpenShiftPlatform:
    """One that is logged in as somebody."""
    options = {"kubeconfig": str(lab.kubeconfig)}
    found = OpenShiftPlatform(Site("lab", PlatformKind.OPENSHIFT, lab.context_of(user), options=options))
    found.open()
    return found


@contextmanager
def desk(lab: OpenShiftLab, *, running: bool = True, agent: bool = True, namespace: str = "default") -> Iterator[Desk]:
    """A fresh vm with two volumes."""
    name = f"vm-{token_hex(3)}"
    lab.seed_vm(name, running=running, agent=agent, namespace=namespace)
    try:
        with desk_of(lab, name, namespace=namespace) as found:
            yield found
    finally:
        lab.clear_storage_faults()


@contextmanager
def desk_of(lab: OpenShiftLab, name: str, user: str = ADMIN, *, namespace: str = "default") -> Iterator[Desk]:
    """One of the cluster's vms, as somebody sees it."""
    found = platform(lab, user)
    try:
        yield Desk(lab, found, name, namespace)
    finally:
        found.close()


def fresh_name() -> str:
    """Of a snapshot: all vms of a namespace share the names."""
    return f"s-{token_hex(4)}"
