"""A vm of a lab as a card: every state has words, and its foot is the bar of what runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from vmsnap_tui.model.freeze import Freeze, FreezeState
from vmsnap_tui.model.lab import Seat
from vmsnap_tui.model.snapshot import Consistency, SnapRef, Snapshot
from vmsnap_tui.model.vm import AgentState, Vm, VmRef, VmState
from vmsnap_tui.present.card import HEIGHT, Card, card, lab_names, sentence

NOW = datetime(2026, 3, 14, 15, tzinfo=UTC)
REF = VmRef("kvm", "1")
VM = Vm(REF, "student-01", VmState.RUNNING, AgentState.CONNECTED)
BASE = Snapshot(
    SnapRef(REF, "base"),
    "base",
    NOW - timedelta(days=30),
    consistency=Consistency.CLEAN,
    protected=True,
    baseline="networks-101",
)
LATER = Snapshot(SnapRef(REF, "exam"), "exam", NOW - timedelta(days=1))
AT_BASE = Seat(VM, BASE, BASE)
NAMES = ("one", "two", "three", "four", "five", "six")
AWAY = Seat(VM, BASE, LATER, left=NOW - timedelta(days=6))


def lines(of: Card, width: int = 30) -> list[str]:
    drawn = ["".join(piece.text for piece in line) for line in card(of, width, "border")]
    assert len(drawn) == HEIGHT
    assert {len(line) for line in drawn} == {width}
    return drawn


@pytest.mark.parametrize(
    ("of", "inside"),
    [
        (Card(AT_BASE, NOW), ["● running  ✓ agent", "⌂ at base", "no drift known", "base 30 d  ⊠ protected"]),
        (Card(AT_BASE, NOW, written=2**20), ["● running  ✓ agent", "⌂ at base", "≤ 1.0 MiB written", "base 30 d"]),
        (Card(AWAY, NOW), ["● running", "▲ at exam", "drifts for 6 d", "base 30 d"]),
        (Card(AWAY, NOW, written=3 * 2**30), ["● running", "▲ at exam", "drift 6 d, ≤ 3.0 GiB", "base 30 d"]),
        (Card(Seat(VM, BASE), NOW), ["● running", "▲ at none of its snap", "drifts, nobody knows", "base 30 d"]),
        (Card(Seat(VM), NOW), ["● running", "▲ no baseline yet", "", ""]),
        (Card(Seat(VM, known=False), NOW), ["● running", "reading its snapshots", "", ""]),
        (Card(AWAY, NOW, Freeze(FreezeState.FROZEN)), ["● running  ❆ frozen", "▲ at exam", "drifts", "base"]),
        (Card(AWAY, NOW, doing="the disk is full", trouble=True), ["●", "▲", "drifts for 6 d", "the disk is full"]),
    ],
)
def test_what_it_says(of: Card, inside: list[str]) -> None:
    for line, words in zip(lines(of)[1:-1], inside, strict=True):
        assert line[2:].startswith(words), line


def test_its_foot_is_a_bar() -> None:
    assert lines(Card(AWAY, NOW, fraction=0.5, doing="putting back"))[-1] == "╰" + "━" * 14 + "─" * 14 + "╯"
    assert "50% putting back" in lines(Card(AWAY, NOW, fraction=0.5, doing="putting back"))[-2]
    assert "━" not in lines(Card(AWAY, NOW))[-1]


def test_one_that_may_be_deleted_says_so() -> None:
    loose = Snapshot(SnapRef(REF, "base"), "base", NOW, baseline="networks-101")
    assert "▲ unprotected" in lines(Card(Seat(VM, loose, loose), NOW))[-2]


def test_the_sentence_leaves_nothing_out() -> None:
    said = "".join(piece.text for piece in sentence(Card(AWAY, NOW, doing="the disk is full", trouble=True)))
    for words in ("student-01", "kvm", "baseline “base” of 2026-02-12", "■ clean", "the disk is full"):
        assert words in said


@pytest.mark.parametrize(
    ("here", "width", "seen"),
    [
        (0, 60, " one   two   three   four   five   six"),
        (0, 30, " one   two   three  ›3"),
        (3, 27, " ‹3 four   five  ›1"),
        (5, 30, " ‹3 four   five   six"),
        (2, 8, " ‹2 three  ›3"),
    ],
)
def test_the_chosen_lab_is_among_the_names(here: int, width: int, seen: str) -> None:
    shown = lab_names(NAMES, here, width)
    assert "".join(piece.text for piece in shown).rstrip() == seen
    assert [piece.text for piece in shown if piece.style == "accent"] == [f" {NAMES[here]} "]
