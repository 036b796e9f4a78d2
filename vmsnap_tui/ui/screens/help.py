"""All keys, as they are bound now, and all signs."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.geometry import Size
from textual.screen import ModalScreen, Screen

from vmsnap_tui.present.legend import LEGEND
from vmsnap_tui.ui.widgets.ink import InkedView, fit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from textual.app import ComposeResult
    from textual.dom import DOMNode
    from textual.strip import Strip

Cell = tuple[str, str]
"""Text and the name of its ink."""
Entry = tuple[Cell, Cell, str]
"""Key or glyph, the word for it, and what it means."""
Section = tuple[str, list[Entry]]

_LEFT = 13
_WORD = 16


class HelpScreen(ModalScreen[None]):
    """Made from the bindings of `screen` and of what has the focus on it."""

    DEFAULT_CSS = """
    HelpScreen {
        align: center middle;
        #frame {
            width: 92%; max-width: 108; height: 94%; padding: 0 0 0 1;
            border: round $border; background: $surface;
            border-title-color: $text-primary; border-title-style: bold;
        }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark", "dismiss", "Back", id="help.back", tooltip="Back to what was before")
    ]

    def __init__(self, screen: Screen[object]) -> None:
        super().__init__()
        self._of = screen

    def compose(self) -> ComposeResult:
        """Keys first, then signs."""
        with Vertical(id="frame") as frame:
            frame.border_title = "Help"
            frame.border_subtitle = "↑ ↓ scroll · esc back"
            yield HelpText([*_keys(self._of), *_signs()])


class HelpText(InkedView, can_focus=True):
    """Sections of entries, wrapped to the width there is."""

    DEFAULT_CSS = """
    HelpText {
        height: 1fr; overflow-x: hidden; background: $surface;
        scrollbar-size-vertical: 1; scrollbar-color: $border-blurred;
        scrollbar-background: $surface; scrollbar-background-hover: $surface; scrollbar-background-active: $surface;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", show=False),
        Binding("k", "scroll_up", "Up", show=False),
        Binding("g", "scroll_home", "Top", show=False),
        Binding("G", "scroll_end", "Bottom", show=False),
        Binding("space", "page_down", "Page down", show=False),
    ]

    def __init__(self, sections: list[Section]) -> None:
        super().__init__()
        self._sections = sections
        self._lines: list[list[Cell]] = []

    def on_resize(self) -> None:
        """Wrap anew."""
        self._lines = list(_wrapped(self._sections, self.size.width))
        self.virtual_size = Size(self.size.width, len(self._lines))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        index = self.scroll_offset.y + y
        return self.strip(self._lines[index] if index < len(self._lines) else (), self.rich_style)


def _keys(screen: Screen[object]) -> Iterator[Section]:
    """The pane that has the focus, the screen, the program. Only bindings with an id are ours to explain."""
    found: dict[str, dict[str, tuple[list[str], Binding, bool]]] = {}
    for active in screen.active_bindings.values():
        binding = active.binding
        if binding.id:
            of_id = found.setdefault(_place(active.node, screen), {})
            keys, _, _ = of_id.setdefault(binding.id, ([], binding, active.enabled))
            keys.append(screen.app.get_key_display(binding))
    for place in ("This pane", "This screen", "Everywhere"):
        if place in found:
            yield (
                place,
                [
                    (
                        (" ".join(keys), "accent" if enabled else "foreground-muted"),
                        (binding.description, "foreground" if enabled else "foreground-muted"),
                        binding.tooltip + ("" if enabled else " (not now)"),
                    )
                    for keys, binding, enabled in found[place].values()
                ],
            )


def _place(node: DOMNode, screen: Screen[object]) -> str:
    if isinstance(node, App):
        return "Everywhere"
    return "This screen" if node is screen else "This pane"


def _signs() -> Iterator[Section]:
    for heading, entries in LEGEND:
        yield heading, [((mark.glyph, mark.style), (mark.word, mark.style), words) for mark, words in entries]


def _wrapped(sections: Iterable[Section], width: int) -> Iterator[list[Cell]]:
    room = max(12, width - _LEFT - _WORD - 1)
    for heading, entries in sections:
        yield [(heading, "primary")]
        for (left, ink), (word, word_ink), words in entries:
            first, *more = textwrap.wrap(words, room) or [""]
            yield [
                ("  " + fit(left, _LEFT - 2), ink),
                (fit(word, _WORD - 1) + " ", word_ink),
                (first, "foreground-muted"),
            ]
            for line in more:
                yield [(" " * (_LEFT + _WORD) + line, "foreground-muted")]
        yield []
