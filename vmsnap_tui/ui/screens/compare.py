"""What differs between two moments of a vm: disks, what was written, and the definition as a coloured difference."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen

from vmsnap_tui.engine.compare import compare
from vmsnap_tui.model.compare import in_order
from vmsnap_tui.model.errors import VmsnapError
from vmsnap_tui.model.text import clean
from vmsnap_tui.present import compare as present
from vmsnap_tui.ui.widgets.fields_view import FieldsView
from vmsnap_tui.ui.widgets.key_line import KeyLine

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.model.compare import Comparison
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import Vm


class CompareScreen(Screen[None]):
    """Of two snapshots, or of one and now (None)."""

    DEFAULT_CSS = """
    CompareScreen { background: $background; #difference { height: 1fr; } }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "read", "Refresh", id="refresh", tooltip="Compare anew"),
        Binding("y", "copy", "Copy", id="compare.copy", tooltip="Copy the difference of the definitions"),
        Binding("escape", "back", "Back", id="compare.back", tooltip="Back to the main screen"),
    ]

    def __init__(self, engine: Engine, vm: Vm, first: Snapshot, second: Snapshot | None) -> None:
        super().__init__()
        self._engine = engine
        self._vm = vm
        self._moments = in_order(first, second)
        self._found: Comparison | None = None

    def compose(self) -> ComposeResult:
        """One text, and the keys."""
        yield FieldsView(id="difference", classes="pane")
        yield KeyLine()

    def on_mount(self) -> None:
        """Say what is compared, and read."""
        self._view.border_title = Content(f"{clean(self._vm.name)}: {present.title(*self._moments)}")
        self._view.show_lines([Content.styled("Reading both…", "$text-muted")])
        self.action_read()

    @property
    def _view(self) -> FieldsView:
        return self.query_one(FieldsView)

    @work(exclusive=True)
    async def action_read(self) -> None:
        """Ask the site for both."""
        try:
            self._found = await compare(self._engine, self._vm.ref, *self._moments)
        except VmsnapError as error:
            self._view.show_lines(
                [Content.styled(clean(error.words), "$error"), Content.styled(clean(error.hint), "$text-muted")]
            )
            return
        lines = [
            Content.assemble(*((text, f"${style}") for text, style in line)) for line in present.lines(self._found)
        ]
        self._view.show_lines(lines)

    def action_copy(self) -> None:
        """The difference as text."""
        if self._found and self._found.lines:
            self.app.copy_to_clipboard("\n".join(present.diff_text(line) for line in self._found.lines) + "\n")
            self.notify("The difference of the definitions is on the clipboard.", timeout=3, markup=False)
        else:
            self.notify("There is no difference to copy.", severity="warning", markup=False)

    def action_back(self) -> None:
        """Back to the main screen."""
        self.dismiss(None)
