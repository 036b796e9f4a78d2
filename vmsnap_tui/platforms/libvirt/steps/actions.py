"""What each step does, by the name that plans give it."""

from __future__ import annotations

from vmsnap_tui.platforms.libvirt.steps.delete import delete
from vmsnap_tui.platforms.libvirt.steps.edit import edit
from vmsnap_tui.platforms.libvirt.steps.merge import end_job, merge
from vmsnap_tui.platforms.libvirt.steps.power import power
from vmsnap_tui.platforms.libvirt.steps.remove import remove
from vmsnap_tui.platforms.libvirt.steps.restore import restore
from vmsnap_tui.platforms.libvirt.steps.take import take
from vmsnap_tui.platforms.libvirt.steps.thaw import thaw

ACTIONS = {
    "restore": restore,
    "delete": delete,
    "edit": edit,
    "thaw": thaw,
    "power": power,
    "merge": merge,
    "end-job": end_job,
    "remove": remove,
}

TOGETHER = {"take": take}
"""Those that may be a part of a group snapshot, and wait for the others at its gate."""
