"""What is wrong with a vm's chains, and below each finding what mends it."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from vmsnap_tui.model.text import clean
from vmsnap_tui.present import marks
from vmsnap_tui.present.graph import Piece, cut
from vmsnap_tui.ui.widgets.cursor_view import CursorView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.geometry import Offset
    from textual.strip import Strip

    from vmsnap_tui.model.survey import Finding, Mend

_TO = "->" if marks.PLAIN else "→"

Row = tuple["Finding", "Mend | None"]


class FindingsView(CursorView):
    """A line for each finding and for each thing that mends it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Mend", id="findings.mend", tooltip="Show the plan that mends it, or copy how"),
    ]

    @dataclass
    class Highlighted(Message):
        """The cursor stands on another line."""

        finding: Finding | None

    @dataclass
    class Selected(Message):
        """This is wanted."""

        mend: Mend

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 (Textual's word)
        super().__init__(id=id, classes=classes)
        self._rows: tuple[Row, ...] = ()
        self._words: tuple[tuple[str, str], ...] = ()

    @property
    def count(self) -> int:
        """How many lines there are."""
        return len(self._rows)

    @property
    def row(self) -> Row | None:
        """What the cursor stands on."""
        return self._rows[self.cursor] if self.cursor < len(self._rows) else None

    @property
    def mend(self) -> Mend | None:
        """The mend under the cursor, or the first one of the finding under it."""
        if self.row is None:
            return None
        finding, mend = self.row
        return mend or next(iter(finding.mends), None)

    def show(self, findings: Sequence[Finding], blind: Sequence[str] = ()) -> None:
        """Show these; `blind` is what could not be looked at."""
        before = self.row
        self._rows = tuple((finding, mend) for finding in findings for mend in (None, *finding.mends))
        unseen = tuple((f"{marks.CAUTION.glyph} {words}", "warning") for words in blind)
        fine = () if findings or blind else ((f"{marks.READY.glyph} Nothing is wrong with what holds it.", "success"),)
        self._words = (*unseen, *fine)
        place = self._rows.index(before) if before in self._rows else 0
        self.replace_rows(place, keep=before is not None)
        self.refresh()

    def say(self, words: str, style: str = "foreground-muted") -> None:
        """Show words alone."""
        self._rows, self._words = (), ((words, style),)
        self.replace_rows(0, keep=False)

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        index = self.scroll_offset.y + y
        if index >= len(self._rows):
            width = max(8, self.size.width - 2)
            lines = [Piece(" " + line, style) for text, style in self._words for line in textwrap.wrap(text, width)]
            return self.strip(lines[index - len(self._rows) :][:1], self.rich_style)
        finding, mend = self._rows[index]
        is_cursor = index == self.cursor
        room = max(1, self.size.width - 4)
        if mend is None:
            shown = marks.mark(finding.severity)
            pieces = (Piece(f"{shown.glyph} ", shown.style), Piece(cut(clean(finding.what), room), "foreground"))
        else:
            does = _TO if mend.request else "$" if mend.command else " "
            pieces = (Piece(f"    {does} ", "primary"), Piece(cut(clean(mend.label), max(1, room - 4)), "primary"))
        return self.strip(
            (self.bar(is_cursor=is_cursor), *pieces), self.ground(cursor=is_cursor, hover=index == self.hover)
        )

    def on_focus(self) -> None:
        """What is chosen here is told again."""
        self.moved()

    def moved(self) -> None:
        """Tell where the cursor is."""
        self.post_message(self.Highlighted(self.row[0] if self.row else None))

    def clicked(self, at: Offset, event: events.Click) -> None:
        """Twice: do it."""
        if event.chain == 2:
            self.action_select()

    def action_select(self) -> None:
        """Do what stands under the cursor."""
        mend = self.mend
        if mend:
            self.post_message(self.Selected(mend))
