"""Take a snapshot."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Checkbox, Input

from vmsnap_tui.model.naming import fresh_name
from vmsnap_tui.model.plan import Take
from vmsnap_tui.model.text import clean
from vmsnap_tui.present import marks
from vmsnap_tui.ui.screens.dialogue import Dialogue, label
from vmsnap_tui.ui.widgets.choice import Choice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.widget import Widget

    from vmsnap_tui.model.plan import Method


class TakeScreen(Dialogue):
    """Name, method and disks, with what the snapshot will really be worth."""

    verb = "Take"

    def heading(self) -> str:
        """Which vm."""
        return f"Snapshot of {self.vm.name}"

    def options(self) -> Iterator[Widget]:
        """The recommended method stands first and is chosen."""
        methods = sorted(self.facts.methods(), key=lambda method: (not method.recommended, bool(method.refusals)))
        taken = {snapshot.name for snapshot in self.facts.snapshots}
        yield label("Name", first=True)
        yield Input(fresh_name(datetime.now().astimezone(), taken), id="name", compact=True, max_length=240)
        yield label("Description")
        yield Input(id="description", compact=True, placeholder="what for, for those who come after you")
        yield label("Method")
        yield Choice([(method.id, _row(method)) for method in methods], methods[0].id if methods else "", id="method")
        disks = [disk for disk in self.facts.vm.disks if disk.writable and not disk.shared]
        if len(disks) > 1:
            yield label("Disks")
            for number, disk in enumerate(disks):
                yield Checkbox(
                    Content(clean(disk.id, limit=40)),
                    disk.included,
                    id=f"disk-{number}",
                    name=disk.id,
                    compact=True,
                )

    def request(self) -> Take:
        """As the fields stand; no disks named where all are wanted."""
        boxes = list(self.query(Checkbox))
        wanted = tuple(box.name or "" for box in boxes if box.value)
        return Take(
            vm=self.vm.ref,
            name=self.query_one("#name", Input).value.strip(),
            description=self.query_one("#description", Input).value.strip(),
            method=self.query_one("#method", Choice).chosen,
            disks=None if len(wanted) == len(boxes) else wanted,
        )


def _row(method: Method) -> Content:
    mark = marks.mark(method.consistency)
    if method.refusals:
        return Content.assemble((method.label, "$text-disabled"), ("  not possible", "$text-disabled italic"))
    return Content.assemble(
        method.label,
        "  ",
        (mark.text, f"${mark.style}"),
        (f"  {method.pause}" if method.pause else "", "$text-muted"),
        (f"  {marks.RECOMMENDED.text}", f"${marks.RECOMMENDED.style}") if method.recommended else "",
    )
