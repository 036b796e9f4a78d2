"""Stacks of layers as lines: nothing is left out, nothing is wider than there is room, bars are to scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as some
from rich.cells import cell_len

from vmsnap_tui.model.layer import Hop, Layer, LayerKind
from vmsnap_tui.model.reclaim import Reclaim
from vmsnap_tui.present import stack
from vmsnap_tui.present.reclaim import in_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

GIB = 2**30
NAMES = {"1": "mon", "2": "tue", "3": "try"}
FOLDER = "/var/lib/libvirt/images/"


def picture(layers: Iterable[Layer], names: Mapping[str, str], width: int) -> list[str]:
    """All lines, without the blanks at their ends."""
    shown = stack.rows(layers, names)
    columns = stack.fit_columns(width, shown)
    return ["".join(piece.text for piece in stack.line(row, columns)).rstrip() for row in shown]


def layer(name: str, kind: LayerKind, used: float | None = 1, *, below: str = "", **more: object) -> Layer:
    size = None if used is None else int(used * GIB)
    return Layer(
        "vda", kind, FOLDER + name, "qcow2", 20 * GIB, size, below=FOLDER + below if below else "", **more  # type: ignore[arg-type]
    )  # fmt: skip


WEB = (
    layer("web.tue", LayerKind.ACTIVE, 1, below="web.mon"),
    layer("web.mon", LayerKind.OVERLAY, 4, below="golden", snapshots=("2",)),
    layer("golden", LayerKind.BASE, 2, snapshots=("1", "2", "3"), users=("web-02", "web-03", "web-04")),
    layer("web.try", LayerKind.OVERLAY, None, below="web.mon", snapshots=("3",), aside=True),
    Layer("vda", LayerKind.INTERNAL, FOLDER + "golden@old", "qcow2", below=FOLDER + "golden", aside=True),
)


def test_picture() -> None:
    assert picture(WEB, NAMES, 100) == [
        "vda · 20.0 GiB for the guest · 3 layers · 7.0 GiB kept · 2 beside",
        "  ◎ active    qcow2  ████                 1.0 GiB  web.tue",
        "  ↓ overlay   qcow2  ████████████████     4.0 GiB  web.mon  ◆ tue",
        "  ↓ base      qcow2  ████████             2.0 GiB  golden  ⇶ web-02, web-03 + 1 more  ◆ mon, try",
        " ┊○ overlay   qcow2                     not known  web.try  ◆ try  ↓ web.mon",
        "  └ internal  qcow2                     not known  golden@old  ↓ golden",
    ]


def test_what_is_wrong_is_said_first() -> None:
    gone = layer("web.mon", LayerKind.MISSING, None, error="no such file", snapshots=("1",))
    [_, shown] = picture((gone,), NAMES, 90)
    assert "✗ no such file" in shown
    assert shown.index("✗") < shown.index("◆ mon")
    late = Layer("root", LayerKind.VOLUME_SNAPSHOT, "snap-1", hops=(Hop("VolumeSnapshot", "vs", False, "no class"),))
    [_, shown] = picture((late,), {}, 90)
    assert "✗ no class" in shown


@pytest.mark.parametrize(
    ("freed", "words"),
    [
        (Reclaim(), "frees nothing"),
        (Reclaim(is_complete=False), "frees what the storage does not tell"),
        (Reclaim(GIB, GIB), "frees 1.0 GiB"),
        (Reclaim(0, GIB), "frees up to 1.0 GiB (estimate)"),
        (Reclaim(GIB, 2 * GIB), "frees 1.0 GiB to 2.0 GiB (estimate)"),
        (Reclaim(0, GIB, is_complete=False), "frees up to 1.0 GiB (estimate, and what the storage does not tell)"),
    ],
)
def test_what_is_freed_is_said_as_an_estimate(freed: Reclaim, words: str) -> None:
    assert in_words(freed) == words


@pytest.mark.parametrize(
    ("used", "width", "shown"),
    [
        (0, 4, "    "),
        (None, 4, "    "),
        (1, 4, "▏   "),
        (50, 4, "██  "),
        (100, 4, "████"),
        (63, 2, "█▎"),
        (100, 0, ""),
    ],
)
def test_bars(used: int | None, width: int, shown: str) -> None:
    assert stack.bar(used, 100, width) == shown


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("short", 10, "short"),
        ("web-01.before-upgrade", 11, "web-0…grade"),
        ("日本語日本語", 7, "日本…語"),
        ("long", 2, "l…"),
    ],
)
def test_the_middle_is_left_out(text: str, width: int, shown: str) -> None:
    assert stack.middle(text, width) == shown
    assert cell_len(stack.middle(text, width)) <= width


_LAYERS = some.lists(
    some.builds(
        Layer,
        some.sampled_from(["vda", "vdb", "日本"]),
        some.sampled_from(LayerKind),
        some.text("ab/日[]\n", min_size=1, max_size=30),
        some.sampled_from(["", "raw", "qcow2"]),
        some.none() | some.integers(0, 2**50),
        some.none() | some.integers(0, 2**50),
        some.lists(some.sampled_from(["1", "2", "3", "[b]"])).map(tuple),
        some.sampled_from(["", "it is broken"]),
        some.text("ab/日", max_size=4),
        some.booleans(),
        users=some.lists(some.sampled_from(["web-02", "web-03", "日"])).map(tuple),
    ),
    max_size=12,
)


@given(_LAYERS, some.integers(1, 220))
def test_lines_are_as_wide_as_asked_and_none_is_left_out(layers: list[Layer], width: int) -> None:
    rows = stack.rows(layers, NAMES)
    shown = [(row.layer.disk, row.layer.place, row.layer.kind) for row in rows if row.layer]
    assert sorted(shown, key=str) == sorted({(each.disk, each.place, each.kind) for each in layers}, key=str)
    columns = stack.fit_columns(width, rows)
    for row in rows:
        for line in (stack.line(row, columns), *stack.tall(row, columns)):
            assert cell_len("".join(piece.text for piece in line)) == width
            assert "\n" not in "".join(piece.text for piece in line)


@given(some.integers(1, 2**50), some.integers(0, 2**50), some.integers(1, 80))
def test_a_bar_is_never_too_long_and_never_hides_anything(scale: int, used: int, width: int) -> None:
    shown = stack.bar(min(used, scale), scale, width)
    assert len(shown) == width
    assert bool(shown.strip()) == (used > 0)
