"""What a watch reports: which part of what is known has to be read again."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vmsnap_tui.model.errors import VmsnapError
    from vmsnap_tui.model.freeze import Freeze
    from vmsnap_tui.model.vm import VmRef


class ChangeKind(Enum):
    """How much of the site a change touches."""

    VM = "vm"  # this vm's own values
    SNAPSHOTS = "snapshots"  # this vm's snapshots
    GONE = "gone"  # this vm is no more
    ALL = "all"  # anything on the site
    FREEZE = "freeze"  # `freeze` of this vm was seen
    LOST = "lost"  # the connection broke: `error` says how
    BACK = "back"  # it stands again
    LOOKED = "looked"  # a site that is polled was asked, and all that moved until then has been told


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that was seen to change."""

    kind: ChangeKind
    vm: VmRef | None = None
    freeze: Freeze | None = None
    error: VmsnapError | None = None
