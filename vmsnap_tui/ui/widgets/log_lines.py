"""Lines of the journal, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from vmsnap_tui.model.text import clean
from vmsnap_tui.present import marks, sizes
from vmsnap_tui.ui.widgets.cursor_view import CursorView
from vmsnap_tui.ui.widgets.ink import fit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from textual import events
    from textual.geometry import Offset
    from textual.strip import Strip

    from vmsnap_tui.engine.journal import Entry

_STATE = 15
_VM = 20
_WIDE = 100
"""From this width on, dates and states are written out."""


class LogLines(CursorView):
    """The lines. Those of steps stand a little to the right of those of their jobs."""

    @dataclass
    class Highlighted(Message):
        """The cursor came to stand on another line."""

        entry: Entry | None

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's word)
        super().__init__(id=id)
        self._entries: Sequence[Entry] | None = None
        self._shown: list[Entry] = []
        self._text = ""

    @property
    def count(self) -> int:
        """How many lines fit the filter."""
        return len(self._shown)

    @property
    def entry(self) -> Entry | None:
        """What the cursor stands on."""
        return self._shown[self.cursor] if self._shown else None

    def show(self, entries: Sequence[Entry]) -> None:
        """Show these, newest first. The cursor stays on its line."""
        self._entries = entries
        self._arrange()

    def filter(self, text: str) -> None:
        """Show only lines that have all these words."""
        self._text = text
        self._arrange()

    def _arrange(self) -> None:
        words = self._text.casefold().split()
        at = self.entry
        self._shown = [entry for entry in self._entries or () if all(word in _searched(entry) for word in words)]
        self.replace_rows(self._shown.index(at) if at in self._shown else 0, keep=True)
        self.border_title = f"Log {self.count}"
        if self.entry != at:
            self.moved()

    def moved(self) -> None:
        """Tell where the cursor is."""
        self.post_message(self.Highlighted(self.entry))

    def clicked(self, at: Offset, event: events.Click) -> None:
        """Nothing more than going there."""

    def on_resize(self) -> None:
        """The cursor stays in sight."""
        self.scroll_to_cursor()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        index = self.scroll_offset.y + y
        if index < self.count:
            return self.strip(
                self._cells(self._shown[index]), self.ground(cursor=index == self.cursor, hover=index == self.hover)
            )
        words = self._words[y - 1] if not self.count and 1 <= y <= len(self._words) else ""
        return self.strip([("  " + words, "foreground-muted")], self.rich_style)

    @property
    def _words(self) -> tuple[str, ...]:
        """What stands in place of lines."""
        if self._entries is None:
            return ("Reading the log…",)
        if self._entries:
            return (f"Nothing fits “{self._text.strip()}”.", "esc clears the filter.")
        return (
            "Nothing was done yet.",
            "Every job and each of its steps will stand here, before it is begun and when it ends.",
        )

    def _cells(self, entry: Entry) -> Iterator[tuple[str, str]]:
        shown = marks.entry_mark(entry.what, entry.state)
        is_job = entry.what == "job"
        ink = "foreground" if is_job else "foreground-muted"
        is_wide = self.size.width >= _WIDE
        time = sizes.moment(entry.at)
        yield " " + (time if is_wide else time[5:16]) + "  ", "foreground-muted"
        yield fit(entry.vm_name, _VM if is_wide else _VM // 2) + "  ", ink
        if is_wide:
            yield fit(shown.text, _STATE), shown.style
        else:
            yield shown.glyph + " ", shown.style
        yield ("" if is_job else "  ") + clean(entry.text), ink


def _searched(entry: Entry) -> str:
    return f"{entry.vm.site}/{entry.vm_name} {entry.job} {entry.what} {entry.state} {entry.text}".casefold()
