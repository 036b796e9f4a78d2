"""Take a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.content import Content
from textual.widgets import Checkbox, Input, Static

from vmsnap_tui.model.naming import fresh_name
from vmsnap_tui.model.plan import Take
from vmsnap_tui.model.text import clean
from vmsnap_tui.present import marks
from vmsnap_tui.ui.screens.dialogue import Dialogue, label
from vmsnap_tui.ui.widgets.choice import Choice
from vmsnap_tui.ui.widgets.settings_form import SettingsForm
from vmsnap_tui.ui.widgets.tick import Tick

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.widget import Widget

    from vmsnap_tui.model.plan import Method


class TakeScreen(Dialogue):
    """Name, method and disks, with what the snapshot will really be worth."""

    verb = "Take"

    DEFAULT_CSS = """
    TakeScreen #hint { margin-top: 1; }
    """

    def heading(self) -> str:
        """Which vm."""
        return f"Snapshot of {self.vm.name}"

    def options(self) -> Iterator[Widget]:
        """The recommended method stands first and is chosen."""
        methods = sorted(self.facts.methods(), key=lambda method: (not method.recommended, bool(method.refusals)))
        taken = {snapshot.name for snapshot in self.facts.snapshots}
        yield label("Name", first=True)
        yield Input(fresh_name(self.now().astimezone(), taken), id="name", compact=True, max_length=240)
        yield label("Description")
        yield Input(id="description", compact=True, placeholder="what for, for those who come after you")
        yield label("Method")
        width = max((len(method.label) for method in methods), default=0)
        yield Choice([(method.id, _row(method, width)) for method in methods], methods[0].id, id="method")
        disks = [disk for disk in self.facts.vm.disks if disk.writable and not disk.shared]
        if len(disks) > 1:
            yield label("Disks")
            for number, disk in enumerate(disks):
                yield Tick(
                    Content(clean(disk.id, limit=40)),
                    disk.included,
                    id=f"disk-{number}",
                    name=disk.id,
                )
        yield SettingsForm(methods[0].settings)
        yield Static(_hint(methods[0]), id="hint")

    @on(Choice.Chosen, "#method")
    def explain(self, event: Choice.Chosen) -> None:
        """Say what the method means for the guest, and what may be set of it."""
        chosen = next(method for method in self.facts.methods() if method.id == event.value)
        self.query_one("#hint", Static).update(_hint(chosen))
        self.query_one(SettingsForm).show(chosen.settings)

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
            settings=self.query_one(SettingsForm).said,
        )


def _row(method: Method, width: int) -> Content:
    mark = marks.mark(method.consistency)
    name = method.label.ljust(width)
    if method.refusals:
        return Content.assemble((f"{name}  not possible", "$text-muted italic"))
    best = f"  {marks.RECOMMENDED.glyph}" if method.recommended else ""
    return Content.assemble(name, "  ", (mark.text, f"${mark.style}"), (best, f"${marks.RECOMMENDED.style}"))


def _hint(method: Method) -> Content:
    said = (("guest waits", method.pause), ("takes", method.space), ("way back", method.restore), ("", method.limits))
    first = [Content.styled(marks.RECOMMENDED.text, f"${marks.RECOMMENDED.style}")] if method.recommended else []
    lines = [Content.assemble((f"{what}: " if what else "", "$text-muted"), text) for what, text in said if text]
    return Content("\n").join([*first, *lines])
