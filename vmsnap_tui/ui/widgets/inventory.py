"""All sites, groups and vms as a tree of which only the visible lines are drawn."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.message import Message
from textual.strip import Strip

from vmsnap_tui.engine.store import SiteStatus
from vmsnap_tui.model.vm import VmRef
from vmsnap_tui.present import marks, sizes
from vmsnap_tui.ui.inventory_rows import GroupKey, NoteKey, SiteKey, Sort, arrange, natural
from vmsnap_tui.ui.widgets.cursor_view import CursorView
from vmsnap_tui.ui.widgets.ink import fit
from vmsnap_tui.ui.widgets.lamp import is_lit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from rich.style import Style
    from textual import events
    from textual.geometry import Offset

    from vmsnap_tui.engine.store import SiteView
    from vmsnap_tui.ui.inventory_rows import Key, VmEntry

OPEN, FOLDED = ("v", ">") if marks.PLAIN else ("▾", "▸")
_BAR = ">" if marks.PLAIN else "▌"
_GUTTER = 2
"""Cells at the left: the cursor's bar and the mark. A click there marks."""
_RIGHT = 9
"""Cells of the columns at the right: job, lamp, agent, count of snapshots."""

Cells = list[tuple[str, str]]
"""Text and ink, left to right."""


class Inventory(CursorView):
    """The tree. It is told what is known, keeps cursor, marks, folds, filter and sort, and posts what is chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "fold(True)", "Fold", id="inventory.fold", show=False, tooltip="Fold a site or group"),
        Binding("right", "fold(False)", "Unfold", id="inventory.unfold", show=False, tooltip="Unfold it"),
        Binding("enter", "open", "Open", id="inventory.open", tooltip="Go to the snapshots of the vm"),
        Binding(
            "space", "mark", "Mark", id="inventory.mark", show=False, tooltip="Mark a vm (or a whole site or group)"
        ),
        Binding(
            "o", "sort", "Sort", id="inventory.sort", show=False, tooltip="Sort by name, state, newest snapshot, count"
        ),
    ]

    @dataclass
    class Highlighted(Message):
        """The cursor came to stand on a row (None where there is none)."""

        key: Key | None

    @dataclass
    class Opened(Message):
        """A vm was opened."""

        vm: VmRef

    @dataclass
    class Visible(Message):
        """These vms are on the screen now."""

        vms: frozenset[VmRef]

    @dataclass
    class Arranged(Message):
        """Marks, sort, or the number of rows changed."""

    def __init__(self, now: Callable[[], datetime], *, id: str | None = None) -> None:  # noqa: A002 (Textual's word)
        super().__init__(id=id)
        self._now = now
        self._sites: dict[str, SiteView] = {}
        self._entries: dict[str, dict[VmRef, VmEntry]] = {}
        self._rows: list[Key] = []
        self._counts: dict[Key, int] = {}
        self._folded: set[Key] = set()
        self._at_rest = False
        self._strips: LRUCache[tuple[tuple[tuple[str, str], ...], Style, int], Strip] = LRUCache(1024)
        self._seen: frozenset[VmRef] = frozenset()
        self.marked: set[VmRef] = set()
        self.sort = Sort.NAME
        self.text = ""

    # What is known

    @property
    def key(self) -> Key | None:
        """What the cursor stands on."""
        return self._rows[self.cursor] if self.cursor < len(self._rows) else None

    @property
    def rows(self) -> Sequence[Key]:
        """All rows, top to bottom."""
        return self._rows

    @property
    def shown(self) -> int:
        """How many vms fit the filter."""
        return sum(self._counts.get(SiteKey(name), 0) for name in self._sites)

    @property
    def meant(self) -> Sequence[VmRef]:
        """The vms that a key for several is about: the marked ones, else those that fit the filter, else those of the
        site or group under the cursor."""
        shown = [row for row in self._rows if isinstance(row, VmRef)]
        if self.marked:
            hidden = self.marked.difference(shown)
            return [*(ref for ref in shown if ref in self.marked), *sorted(hidden)]
        if self.text or self.key is None:
            return shown
        group = self.key.group if isinstance(self.key, GroupKey) else None
        entries = self._entries.get(self.key.site, {}).values()
        known = [entry.vm for entry in entries if group is None or entry.vm.group == group]
        return [vm.ref for vm in sorted(known, key=lambda vm: (vm.group, natural(vm.name)))]

    def show_site(self, view: SiteView) -> None:
        """Take in how a site stands."""
        before = self._sites.get(view.site.name)
        self._sites[view.site.name] = view
        if before is None or self._notes(before) != self._notes(view):
            self._arrange()
        else:
            self.refresh()

    def update_vms(self, entries: Iterable[VmEntry], gone: Iterable[VmRef] = ()) -> None:
        """Take in vms that are new or changed, and those that are no more."""
        same = self.sort is Sort.NAME and not self.text
        for entry in entries:
            ref = entry.vm.ref
            known = self._entries.setdefault(ref.site, {})
            old = known.get(ref)
            same = same and old is not None and (old.vm.name, old.vm.group) == (entry.vm.name, entry.vm.group)
            known[ref] = entry
        for ref in gone:
            if self._entries.get(ref.site, {}).pop(ref, None):
                same = False
                self.marked.discard(ref)
        if same:
            self.refresh()
        else:
            self._arrange()

    def filter(self, text: str) -> None:
        """Show only what fits."""
        self.text = text
        self._arrange(follow=True)

    def go_to(self, vm: VmRef) -> None:
        """Put the cursor on a vm, unfolding what hides it."""
        entry = self._entries.get(vm.site, {}).get(vm)
        if entry is None:
            return
        self._folded -= {SiteKey(vm.site), GroupKey(vm.site, entry.vm.group)}
        self._arrange()
        if vm not in self._rows:
            self.filter("")
        self._at_rest = True
        self.cursor = self._rows.index(vm)

    def _arrange(self, *, follow: bool = False) -> None:
        """Build the rows anew. The cursor stays on its row, and that where it is on the screen."""
        before, key = self._rows, self.key
        self._rows, self._counts = arrange(
            self._sites.values(), self._entries, folded=self._folded, sort=self.sort, text=self.text, notes=self._notes
        )
        place = self._place(before, self.cursor)
        if not self._at_rest:
            # Until the sites are in (or a key is pressed), the cursor waits on the first vm.
            follow = True
            place = next((index for index, row in enumerate(self._rows) if isinstance(row, VmRef)), place)
            self._at_rest = bool(self._sites) and all(self._is_in(view) for view in self._sites.values())
        self.replace_rows(place, keep=True)
        if follow:
            self.scroll_to_cursor()
        if key != self.key:
            self.post_message(self.Highlighted(self.key))
        self.post_message(self.Arranged())
        self._tell_visible()

    def _is_in(self, view: SiteView) -> bool:
        """Whether a site's vms are there, or will not come soon."""
        return view.is_troubled or (bool(self._entries.get(view.site.name)) and not view.loading)

    def _place(self, before: Sequence[Key], at: int) -> int:
        """Where the row at `at` of the former rows is now, or else its nearest neighbour."""
        if not before:
            return 0
        places = {row: index for index, row in enumerate(self._rows)}
        for key in (*before[at:], *reversed(before[:at])):
            if key in places:
                return places[key]
        return 0

    def _notes(self, view: SiteView) -> Sequence[NoteKey]:
        """What is to be said under a site's row: why it does not answer and what to do, or that it is empty."""
        name = view.site.name
        words: list[tuple[str, str]] = []
        if view.is_troubled and view.error:
            words = [("error", view.error.words), ("foreground-muted", view.error.hint)]
        elif view.status is SiteStatus.ONLINE and not self._entries.get(name):
            words = [("foreground-muted", "Loading…" if view.loading else "No VMs here yet.")]
        width = max(10, self.size.width - 5)
        lines = [(tone, line) for tone, text in words for line in textwrap.wrap(text, width)]
        return [NoteKey(name, number, tone, text) for number, (tone, text) in enumerate(lines)]

    # Drawing

    def render_line(self, y: int) -> Strip:
        width, index = self.size.width, self.scroll_offset.y + y
        if index >= len(self._rows):
            return self._blank(index, width)
        key = self._rows[index]
        is_here = index == self.cursor
        room = width - _GUTTER
        if isinstance(key, VmRef):
            cells = self._vm_cells(self._entries[key.site][key], room)
        elif isinstance(key, SiteKey):
            cells = self._site_cells(key, room)
        elif isinstance(key, GroupKey):
            count = str(self._counts[key])
            fold = FOLDED if self._is_folded(key) else OPEN
            cells = [(f"  {fold} ", "foreground-muted"), (fit(key.group, room - 5 - len(count)), "secondary")]
            cells.append((f"{count} ", "foreground-muted"))
        else:
            cells = [("    ", ""), (key.text, key.tone)]
        bar = (_BAR if is_here and self.has_focus else " ", "accent")
        mark = (marks.MARKED.glyph if key in self.marked else " ", marks.MARKED.style)
        return self._strip([bar, mark, *cells], self.ground(cursor=is_here, hover=index == self.hover), width)

    def _strip(self, cells: Cells, ground: Style, width: int) -> Strip:
        """A line of these. The same ones are drawn once: when it scrolls, that is most of the work for a key."""
        key = (tuple(cells), ground, width)
        strip = self._strips.get(key)
        if strip is None:
            segments = [Segment(text, ground + self.ink(ink) if ink else ground) for text, ink in cells if text]
            strip = self._strips[key] = Strip(segments).adjust_cell_length(width, ground)
        return strip

    def notify_style_update(self) -> None:
        """Colours have changed, or the focus."""
        super().notify_style_update()
        self._strips.clear()

    def _blank(self, index: int, width: int) -> Strip:
        words = ""
        if not self._rows and index == 1:
            words = f"  Nothing fits “{self.text}”." if self.text else "  No sites."
        if not self._rows and index == 2:
            words = "  esc clears the filter." if self.text else "  Name one: vmsnap -c URI"
        return self._strip([(words, "foreground-muted")], self.rich_style, width)

    def _vm_cells(self, entry: VmEntry, width: int) -> Cells:
        vm = entry.vm
        state, agent = marks.mark(vm.state), marks.mark(vm.agent)
        lost = self._sites[vm.ref.site].is_troubled
        indent = "    " if vm.group else "  "
        name_width = width - len(indent) - 2 - _RIGHT
        lit = is_lit(entry.freeze)
        lamp = marks.mark(entry.freeze.state) if entry.freeze and lit else None
        job = marks.job_mark(entry.job.value) if entry.job else None
        count = "·" if entry.snapshots is None else str(entry.snapshots)
        return [
            (indent, ""),
            (state.glyph + " ", "foreground-muted" if lost else state.style),
            (fit(vm.name, name_width), "foreground-muted" if lost else ""),
            (job.glyph if job else " ", job.style if job else ""),
            (lamp.glyph if lamp else " ", lamp.style if lamp else ""),
            (f" {agent.glyph}", "foreground-muted" if lost else agent.style),
            (f"{count:>4} ", "" if entry.snapshots else "foreground-muted"),
        ]

    def _site_cells(self, key: SiteKey, width: int) -> Cells:
        view = self._sites[key.site]
        mark = marks.site_mark(view.status.value)
        right = self._standing(view)
        fold = FOLDED if self._is_folded(key) else OPEN
        return [
            (f"{fold} ", "foreground-muted"),
            (f"{mark.glyph} ", mark.style),
            (fit(key.site, max(6, width - len(right) - 6)), "primary"),
            (f" {right} ", mark.style if view.is_troubled else "foreground-muted"),
        ]

    def _standing(self, view: SiteView) -> str:
        """How a site stands, in few words."""
        count = self._counts.get(SiteKey(view.site.name), 0)
        if view.status is SiteStatus.CONNECTING:
            return "connecting…"
        if view.is_troubled:
            since = f" {view.since.astimezone():%H:%M}" if view.status is SiteStatus.LOST else ""
            wait = max(0, round((view.retry_at - self._now()).total_seconds())) if view.retry_at else None
            again = "" if wait is None else f" · again in {wait} s" if wait else " · trying"
            return f"{view.status.value}{since}{again}"
        age = f" · {sizes.looked(view.looked, self._now())}" if view.looked else ""
        return f"{count}…" if view.loading else f"{count}{age}"

    # Moving

    def _is_folded(self, key: Key) -> bool:
        return key in self._folded and not self.text.strip()

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    def moved(self) -> None:
        """Another row is under the cursor."""
        self.post_message(self.Highlighted(self.key))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._tell_visible()

    def _tell_visible(self) -> None:
        top = self.scroll_offset.y
        seen = frozenset(key for key in self._rows[top : top + self.size.height] if isinstance(key, VmRef))
        if seen != self._seen:
            self._seen = seen
            self.post_message(self.Visible(seen))

    def scroll_to_cursor(self) -> None:
        """As far as is needed to see it, and the site's row above the first vm."""
        if self.cursor == 1:
            self.scroll_to(y=0, animate=False, force=True)
        else:
            super().scroll_to_cursor()

    def _go(self, index: int, step: int) -> None:
        """Put the cursor on a row; a note is passed over in the direction of `step`."""
        self._at_rest = True
        index = self.validate_cursor(index)
        while 0 <= index < len(self._rows) and isinstance(self._rows[index], NoteKey):
            index += step
        if 0 <= index < len(self._rows):
            self.cursor = index

    def action_move(self, step: int) -> None:
        self._go(self.cursor + step, step)

    def action_page(self, step: int) -> None:
        self._go(self.cursor + step * max(1, self.size.height - 1), step)

    def action_edge(self, step: int) -> None:
        self._go(0 if step < 0 else len(self._rows) - 1, -step)

    def action_fold(self, fold: bool) -> None:
        key = self.key
        if isinstance(key, VmRef) and fold:
            group = self._entries[key.site][key].vm.group
            heading: Key = GroupKey(key.site, group) if group else SiteKey(key.site)
            self._go(self._rows.index(heading), -1)
        elif isinstance(key, GroupKey) and fold and key in self._folded:
            self._go(self._rows.index(SiteKey(key.site)), -1)
        elif isinstance(key, (SiteKey, GroupKey)):
            self._at_rest = True
            (self._folded.add if fold else self._folded.discard)(key)
            self._arrange()

    def action_open(self) -> None:
        if isinstance(self.key, VmRef):
            self.post_message(self.Opened(self.key))
        elif self.key is not None:
            self.action_fold(not self._is_folded(self.key))

    def action_mark(self) -> None:
        self._toggle_marks()
        self._go(self.cursor + 1, 1)

    def _toggle_marks(self) -> None:
        key = self.key
        if isinstance(key, VmRef):
            self.marked ^= {key}
        elif isinstance(key, (SiteKey, GroupKey)):
            group = key.group if isinstance(key, GroupKey) else None
            members = {
                ref
                for ref, entry in self._entries.get(key.site, {}).items()
                if group is None or entry.vm.group == group
            }
            self.marked = self.marked - members if members <= self.marked else self.marked | members
        self.refresh()
        self.post_message(self.Arranged())

    def action_sort(self) -> None:
        self.sort = self.sort.next
        self._arrange(follow=True)

    # Events

    def on_resize(self) -> None:
        self._arrange(follow=True)

    def clicked(self, at: Offset, event: events.Click) -> None:
        """A click in the gutter or with ctrl marks, a double click opens, one on a fold's sign folds."""
        self._at_rest = True
        is_heading = isinstance(self.key, (SiteKey, GroupKey))
        if event.ctrl or at.x < _GUTTER:
            self._toggle_marks()
        elif event.chain == 2 or (is_heading and at.x < _GUTTER + 4):
            self.action_open()
