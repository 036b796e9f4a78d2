"""What holds the data of vms, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vmsnap_tui.model.layer import Layer
    from vmsnap_tui.model.plan import Request
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import Vm, VmRef


BLOCK_JOB = "block-job"
"""The code of a finding that a block job was left to itself."""


class Severity(Enum):
    """How bad a finding is. A note alone is nothing wrong."""

    ERROR = "error"  # data is lost, or cannot be restored
    WARNING = "warning"  # it will cost data or time if nobody acts
    NOTE = "note"

    @property
    def rank(self) -> int:
        """0 is worst."""
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Mend:
    """A way to put something right: a request that the platform plans, else a command or a text to copy."""

    label: str
    request: Request | None = None
    command: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong, or soon will be.

    `code` is stable, for scripts. `what` is the fact, `means` what it comes to, `risks` what happens if it stays so.
    `disk`, `place` and `snapshot` (an id) say where, as far as that applies.
    """

    code: str
    severity: Severity
    what: str
    means: str = ""
    risks: str = ""
    vm: VmRef | None = None
    disk: str = ""
    place: str = ""
    snapshot: str = ""
    mends: tuple[Mend, ...] = ()


@dataclass(frozen=True, slots=True)
class Holdings:
    """One vm with its snapshots and all layers that these and "now" need.

    Layers stand disk by disk, of each disk those that "now" reads through first, newest first.
    """

    vm: Vm
    snapshots: tuple[Snapshot, ...] = ()
    layers: tuple[Layer, ...] = ()


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found on a site. A vm that is gone is left out of `holdings`.

    `findings` are sorted, worst first. `blind` says what could not be looked at, so that nobody takes it for healthy.
    """

    holdings: Mapping[VmRef, Holdings] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    blind: tuple[str, ...] = ()

    def about(self, vm: VmRef) -> tuple[Finding, ...]:
        """The findings of one vm, and those of no vm in particular."""
        return tuple(finding for finding in self.findings if finding.vm in {None, vm})

    @property
    def is_healthy(self) -> bool:
        """Whether nothing but notes was found."""
        return all(finding.severity is Severity.NOTE for finding in self.findings)
