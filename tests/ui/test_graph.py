"""The graph widget by itself: cursor, marks, states, mouse, and what stays when it is shown anew."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace
from textual.app import App

from tests.unit.snapshots import START, VM, family, from_parents
from vmsnap_tui.model.snapshot import Consistency
from vmsnap_tui.model.vm import Vm, VmRef, VmState
from vmsnap_tui.ui import themes
from vmsnap_tui.ui.widgets.graph import SnapshotGraph

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from textual.app import ComposeResult
    from textual.message import Message
    from textual.pilot import Pilot

    from vmsnap_tui.model.snapshot import Snapshot

MACHINE = Vm(VM, "web", VmState.RUNNING)
OTHER = Vm(VmRef("site", "other"), "other", VmState.OFF)


class GraphApp(App[None]):
    """Nothing but a graph, and what it told."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = START + timedelta(days=2)
        self.told: list[Message] = []
        for theme in themes.load()[0].values():
            self.register_theme(theme)
        self.theme = themes.DEFAULT

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return themes.fallbacks(self.current_theme)

    def compose(self) -> ComposeResult:
        yield SnapshotGraph(lambda: self.clock)

    def on_snapshot_graph_highlighted(self, event: SnapshotGraph.Highlighted) -> None:
        self.told.append(event)

    def on_snapshot_graph_selected(self, event: SnapshotGraph.Selected) -> None:
        self.told.append(event)

    def on_snapshot_graph_marked(self, event: SnapshotGraph.Marked) -> None:
        self.told.append(event)


class Seat:
    """Somebody in front of it."""

    def __init__(self, app: GraphApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot
        self.graph = app.query_one(SnapshotGraph)

    @property
    def lines(self) -> list[str]:
        return [strip.text.rstrip() for strip in self.app.screen._compositor.render_strips()]

    async def show(self, known: Sequence[Snapshot] | None, vm: Vm = MACHINE) -> None:
        self.graph.show(vm, known)
        await self.pilot.pause()

    async def press(self, *keys: str) -> str:
        """The id under the cursor after that, "now" for "you are here"."""
        await self.pilot.press(*keys)
        return self.at

    @property
    def at(self) -> str:
        return self.graph.snapshot.id if self.graph.snapshot else "now"

    @property
    def place(self) -> int:
        """The line of the screen that the cursor is on."""
        return self.graph.cursor - self.graph.scroll_offset.y


@asynccontextmanager
async def seat(known: Sequence[Snapshot] | None = None, size: tuple[int, int] = (60, 10)) -> AsyncIterator[Seat]:
    app = GraphApp()
    async with app.run_test(size=size) as pilot:
        it = Seat(app, pilot)
        it.graph.focus()
        if known is not None:
            await it.show(known)
        yield it


def straight(count: int, current: int | None = None) -> list[Snapshot]:
    return from_parents({n: n - 1 if n else None for n in range(count)}, count - 1 if current is None else current)


async def test_picture() -> None:
    async with seat(family("base try<base try2<try mon<base* tue<mon"), (56, 8)) as it:
        assert it.lines == [
            "  ? base                                2 d  unknown",
            "  ├─? try                               1 d  unknown",
            "  │ ? try2                              1 d  unknown",
            "  ? mon  ◂ current                      1 d  unknown",
            "  ├─? tue                               1 d  unknown",
            "▌ ◎ you are here  ● running",
            "",
            "",
        ]


async def test_keys() -> None:
    async with seat(straight(100)) as it:
        assert it.at == "now"
        assert await it.press("up") == "99"
        assert await it.press("k", "k") == "97"
        assert await it.press("j", "down") == "99"
        assert await it.press("pageup") == "90"
        assert await it.press("g") == "0"
        assert await it.press("up") == "0"
        assert await it.press("pagedown") == "9"
        assert await it.press("G") == "now"
        assert await it.press("down") == "now"
        assert await it.press("home") == "0"
        assert await it.press("end") == "now"


async def test_full_stop_goes_to_now() -> None:
    async with seat(family("a* b<a c<gone d")) as it:
        assert it.at == "now"
        assert await it.press("G") == "d"
        assert await it.press("full_stop") == "now"
        assert it.graph.cursor == 2


async def test_what_is_told() -> None:
    async with seat(family("a b<a*")) as it:
        it.app.told.clear()
        await it.press("up", "enter", "space", "up", "space", "G", "enter")
        a, b = it.graph.forest.snapshots.values()
        assert it.app.told == [
            SnapshotGraph.Highlighted(b),
            SnapshotGraph.Selected(b),
            SnapshotGraph.Marked(frozenset({"b"})),
            SnapshotGraph.Highlighted(None),
            SnapshotGraph.Highlighted(b),
            SnapshotGraph.Marked(frozenset()),
            SnapshotGraph.Highlighted(None),
            SnapshotGraph.Selected(None),
        ]
        assert a.id == "a"


async def test_marks_are_seen_and_go_with_their_snapshots() -> None:
    async with seat(family("a b<a c<b*")) as it:
        await it.press("g", "space", "space", "G", "space")
        assert it.graph.marked == {"a", "b"}
        assert [line[1:2] for line in it.lines[:4]] == ["✓", "✓", " ", " "]
        await it.show(family("a c<a*"))
        assert it.graph.marked == {"a"}
        assert it.app.told[-1] == SnapshotGraph.Marked(frozenset({"a"}))
        await it.show(family("a c<a*"), OTHER)
        assert not it.graph.marked


async def test_refresh_keeps_cursor_and_screen() -> None:
    known = straight(100)
    async with seat(known) as it:
        await it.press("g", *["pagedown"] * 5, "up", "up", "up")
        at, place = it.at, it.place
        assert 0 < place < 9
        older = replace(known[0], ref=replace(known[0].ref, id="older"), created=START - timedelta(days=9))
        it.app.told.clear()
        await it.show([*known[20:], older, *known[:20]])
        assert (it.at, it.place) == (at, place)
        await it.show(known[3:])
        assert (it.at, it.place) == (at, place)
        assert it.app.told == []


async def test_what_the_vm_does_is_shown_anew_without_its_snapshots_changing() -> None:
    known = family("a b<a*")
    async with seat(known) as it:
        await it.press("up")
        await it.show(list(known), replace(MACHINE, state=VmState.PAUSED))
        assert it.at == "b"
        assert it.lines[2].endswith("‖ paused")


async def test_refresh_tells_that_the_snapshot_under_the_cursor_changed() -> None:
    known = family("a b<a*")
    async with seat(known) as it:
        await it.press("g")
        it.app.told.clear()
        changed = replace(known[0], consistency=Consistency.MEMORY)
        await it.show([changed, known[1]])
        assert it.app.told == [SnapshotGraph.Highlighted(changed)]
        assert it.lines[0].startswith("▌ ● a")


@pytest.mark.parametrize(("gone", "neighbour"), [({"b"}, "c"), ({"b", "c", "d"}, "a"), ({"a", "b", "c", "d"}, "now")])
async def test_nearest_neighbour_where_the_snapshot_is_gone(gone: set[str], neighbour: str) -> None:
    known = family("a b<a c<b d<c*")
    async with seat(known) as it:
        await it.press("g", "j")
        await it.show([each for each in known if each.id not in gone])
        assert it.at == neighbour


async def test_another_vm_is_shown_from_where_it_stands() -> None:
    async with seat(straight(100)) as it:
        await it.press("g")
        await it.show(straight(50, current=20), OTHER)
        assert it.at == "now"
        assert any("you are here  ○ off" in line for line in it.lines)


async def test_words_where_there_is_no_graph() -> None:
    async with seat() as it:
        await it.show(None)
        assert "Reading the snapshots…" in it.lines[1]
        assert await it.press("down", "enter", "space", "G") == "now"
        await it.show([])
        assert it.lines[:4] == [
            "▌ ◎ you are here  ● running",
            "",
            "  No snapshots yet.",
            "  Press s to take the first.",
        ]
        await it.show(family("a*"))
        await it.show(None)
        assert it.lines[0].startswith("  ? a"), "what is known stays while it is read anew"
        it.graph.say("no [b]route[/b] to host", "Look at the network, then press u. " * 3, "error")
        await it.pilot.pause()
        assert it.lines[1] == "  no [b]route[/b] to host"
        assert it.lines[2].startswith("  Look at the network")
        assert it.lines[3].startswith("  then press u.")


async def test_names_are_never_read_as_markup() -> None:
    known = [replace(family("a*")[0], name="[red]x[/red] ␛[31m 你好 😀")]
    async with seat(known, (80, 10)) as it:
        assert "[red]x[/red] ␛[31m 你好 😀" in it.lines[0]


async def test_mouse() -> None:
    async with seat(straight(100)) as it:
        await it.press("g")
        await it.pilot.click(SnapshotGraph, offset=(10, 4))
        assert it.at == "4"
        await it.pilot.click(SnapshotGraph, offset=(1, 6))
        assert it.graph.marked == {"6"}
        await it.pilot.click(SnapshotGraph, offset=(10, 7), control=True)
        assert it.graph.marked == {"6", "7"}
        await it.pilot.double_click(SnapshotGraph, offset=(10, 8))
        assert it.app.told[-1] == SnapshotGraph.Selected(it.graph.forest.snapshots["8"])
        await it.pilot.hover(SnapshotGraph, offset=(5, 2))
        assert it.graph.hover == 2
        it.graph.scroll_relative(y=30, animate=False)
        await it.pilot.pause()
        await it.pilot.click(SnapshotGraph, offset=(10, 0))
        assert it.at == "30"


async def test_resize_keeps_the_cursor_in_sight() -> None:
    async with seat(straight(100), (120, 36)) as it:
        await it.press("up", "up")
        for size in ((40, 10), (8, 2), (1, 1), (120, 36)):
            await it.pilot.resize_terminal(*size)
            await it.pilot.pause()
            assert it.at == "98"
            assert 0 <= it.place < size[1]


async def test_ages_go_on_and_colours_follow_the_theme() -> None:
    async with seat(family("a*")) as it:
        assert " 2 d  unknown" in it.lines[0]
        before = it.app.screen._compositor.render_strips()[0]
        it.app.clock += timedelta(days=1)
        it.graph.forget()
        await it.pilot.pause()
        assert " 3 d  unknown" in it.lines[0]
        it.app.theme = "light"
        await it.pilot.pause()
        after = it.app.screen._compositor.render_strips()[0]
        assert [segment.style for segment in before] != [segment.style for segment in after]


async def test_only_visible_lines_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    draw = SnapshotGraph.draw

    def counted(graph: SnapshotGraph, index: int) -> object:
        drawn.append(index)
        return draw(graph, index)

    monkeypatch.setattr(SnapshotGraph, "draw", counted)
    async with seat(straight(10_000), (80, 24)) as it:
        assert await it.press("g") == "0"
        await it.pilot.pause()
        assert set(drawn) <= {*range(24), *range(10_001 - 48, 10_001)}
        drawn.clear()
        assert await it.press("j") == "1"
        await it.pilot.pause()
        assert 1 in drawn
        assert set(drawn) <= {0, 1}
