"""Stacks of layers, what deleting would free, and what is wrong: on chains made up here."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmsnap_tui.model.findings import judge, surveyed
from vmsnap_tui.model.layer import Layer, LayerKind
from vmsnap_tui.model.plan import Delete, Merge
from vmsnap_tui.model.reclaim import Reclaim, reclaim
from vmsnap_tui.model.snapshot import SnapRef, Snapshot, SnapshotDisk, SnapshotKind
from vmsnap_tui.model.stack import held_by, stacks
from vmsnap_tui.model.survey import Holdings, Severity
from vmsnap_tui.model.vm import Vm, VmRef

VM = VmRef("lab", "1")
BLOCK = 65536
LIMIT = 20


def snap(name: str, kind: SnapshotKind = SnapshotKind.EXTERNAL) -> Snapshot:
    return Snapshot(
        SnapRef(VM, name), name, datetime(2026, 1, 1, tzinfo=UTC), kind=kind, disks=(SnapshotDisk("vda", kind),)
    )


def chain(*names: str) -> list[Layer]:
    """Newest first; a snapshot of its name was taken on each but the newest, whose data it froze."""
    layers = []
    for index, name in enumerate(names):
        kind = LayerKind.ACTIVE if index == 0 else LayerKind.BASE if index == len(names) - 1 else LayerKind.OVERLAY
        below = names[index + 1] if index + 1 < len(names) else ""
        declared = "" if index == 0 else "qcow2"
        layers.append(Layer("vda", kind, name, "qcow2", 100, 10, names[1 : index + 1], below=below, declared=declared))
    return layers


def holdings(layers: list[Layer], *snapshots: Snapshot) -> Holdings:
    return Holdings(Vm(VM, "web"), snapshots, tuple(layers))


# Stacks


def test_branches_stand_beside_the_chain_and_say_where_they_read_on() -> None:
    layers = [
        *chain("c", "b", "a"),
        Layer("vda", LayerKind.OVERLAY, "b2", below="b1", aside=True),
        Layer("vda", LayerKind.INTERNAL, "b1@x", below="b1", aside=True),
        Layer("vda", LayerKind.OVERLAY, "b1", below="a", aside=True),
        Layer("vda", LayerKind.OVERLAY, "b3", below="b1", aside=True),
    ]
    (stack,) = stacks(layers)
    assert [layer.place for layer in stack.chain] == ["c", "b", "a"]
    assert [([layer.place for layer in branch.layers], branch.joins) for branch in stack.branches] == [
        (["b2", "b1", "b1@x"], "a"),
        (["b3"], "b1"),
    ]
    assert stack.used == 30
    assert stack.virtual == 100


def test_a_snapshot_is_held_where_nothing_above_is_needed() -> None:
    held = held_by(chain("c", "b", "a"))
    assert held == {("vda", "c"): frozenset(), ("vda", "b"): {"b"}, ("vda", "a"): {"a"}}


@given(
    st.lists(
        st.builds(
            Layer,
            disk=st.sampled_from("xy"),
            kind=st.sampled_from([LayerKind.OVERLAY, LayerKind.INTERNAL, LayerKind.VOLUME, LayerKind.MISSING]),
            place=st.sampled_from("abcde"),
            below=st.sampled_from(["", *"abcde"]),
            aside=st.booleans(),
        ),
        max_size=12,
    )
)
def test_no_layer_is_lost_or_stands_twice(layers: list[Layer]) -> None:
    expected = {(layer.disk, layer.place, layer.kind) for layer in layers}
    found = [(stack.disk, layer.place, layer.kind) for stack in stacks(layers) for layer in stack.layers]
    places = {(disk, place) for disk, place, _ in found}
    assert len(found) == len(set(found))
    assert set(found) <= expected
    assert places == {(disk, place) for disk, place, _ in expected}


# What deleting would free


@given(
    blocks=st.lists(st.frozensets(st.integers(0, 30)), min_size=2, max_size=8),
    doomed=st.sets(st.integers(1, 7)),
)
def test_what_is_freed_lies_within_the_bounds(blocks: list[frozenset[int]], doomed: set[int]) -> None:
    """Layer 0 is the newest; the snapshot that froze layer n goes with the layer above merged into it."""
    names = [f"l{index}" for index in range(len(blocks))]
    layers = [
        replace(layer, used=len(held) * BLOCK, virtual=31 * BLOCK)
        for layer, held in zip(chain(*names), blocks, strict=True)
    ]
    gone = {index for index in doomed if index < len(blocks)}
    left: list[frozenset[int]] = [blocks[0]]
    for index, held in enumerate(blocks[1:], 1):
        if index in gone:
            left[-1] |= held
        else:
            left.append(held)
    freed = BLOCK * (sum(map(len, blocks)) - sum(map(len, left)))
    found = reclaim(layers, {names[index] for index in gone})
    assert found.is_complete
    assert 0 <= found.lower <= freed <= found.upper <= BLOCK * sum(map(len, blocks))


def test_a_branch_that_nothing_else_needs_is_freed_whole() -> None:
    branch = Layer("vda", LayerKind.OVERLAY, "x", used=7, snapshots=("x",), below="a", aside=True)
    memory = Layer("memory", LayerKind.MEMORY, "x.mem", used=5, snapshots=("x",), aside=True)
    found = reclaim([*chain("c", "b", "a"), branch, memory], {"x"})
    assert (found.lower, found.upper, found.is_complete) == (12, 12, True)
    shared = replace(branch, users=("other",))
    assert reclaim([*chain("c", "b", "a"), shared], {"x"}).upper == 0


def test_nothing_is_merged_over_a_branch_or_another_vm() -> None:
    layers = chain("c", "b", "a")
    assert reclaim(layers, {"a"}).upper == 10
    branch = Layer("vda", LayerKind.OVERLAY, "x", used=7, snapshots=("x",), below="a", aside=True)
    assert reclaim([*layers, branch], {"a"}).upper == 0
    assert reclaim([*layers[:2], replace(layers[2], users=("other",))], {"a"}).upper == 0


@pytest.mark.parametrize(
    ("layer", "lower", "upper"),
    [
        pytest.param(Layer("v", LayerKind.IMAGE, "i", used=9, snapshots=("s",)), 9, 9, id="image"),
        pytest.param(Layer("v", LayerKind.VOLUME_SNAPSHOT, "i", virtual=9, snapshots=("s",)), 0, 9, id="volume"),
        pytest.param(Layer("v", LayerKind.VOLUME_SNAPSHOT, "i", snapshots=("s",)), 0, 0, id="no size"),
        pytest.param(Layer("v", LayerKind.IMAGE, "i", used=9, snapshots=("s", "t")), 0, 0, id="needed by another"),
        pytest.param(Layer("v", LayerKind.MISSING, "i", used=9, snapshots=("s",)), 0, 0, id="gone already"),
    ],
)
def test_what_other_kinds_free(layer: Layer, lower: int, upper: int) -> None:
    found = reclaim([layer], {"s"})
    assert (found.lower, found.upper) == (lower, upper)
    assert found.is_complete is (layer.kind is not LayerKind.VOLUME_SNAPSHOT)


# Findings


def test_a_healthy_vm_gives_nothing() -> None:
    held = holdings(chain("c", "b", "a"), snap("b"), snap("a"))
    assert not list(judge(held, LIMIT))
    assert surveyed([held], LIMIT).is_healthy


def _gone(layers: list[Layer], index: int, *, aside: bool = False) -> list[Layer]:
    lost = replace(layers[index], kind=LayerKind.MISSING, error="it is not there", aside=aside)
    return [*layers[:index], lost, *layers[index + 1 :]]


def _declared(form: str | None) -> list[Layer]:
    top, base = chain("b", "a")
    return [top, replace(base, declared=form)]


@pytest.mark.parametrize(
    ("held", "code", "severity"),
    [
        (holdings(_gone(chain("c", "b", "a"), 2), snap("a")), "missing-layer", Severity.ERROR),
        (holdings(_gone(chain("c", "a"), 1, aside=True), snap("a")), "snapshot-without-data", Severity.ERROR),
        (
            holdings(_declared(None)),
            "probed-format",
            Severity.WARNING,
        ),
        (holdings(_declared("raw")), "wrong-format", Severity.ERROR),
        (holdings(chain(*map(str, range(LIMIT + 1)))), "long-chain", Severity.WARNING),
        (holdings([replace(chain("a")[0], snapshots=("a",))], snap("a")), "overwritten", Severity.ERROR),
        (holdings([], snap("a"), snap("b", SnapshotKind.INTERNAL)), "mixed-tree", Severity.WARNING),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_found(held: Holdings, code: str, severity: Severity) -> None:
    (finding,) = judge(held, LIMIT)
    assert (finding.code, finding.severity, finding.vm) == (code, severity, VM)
    assert finding.what
    assert finding.means
    assert finding.risks
    assert finding.mends
    assert not surveyed([held], LIMIT).is_healthy


def test_a_chain_that_is_too_long_can_be_flattened_and_a_lost_record_forgotten() -> None:
    (long,) = judge(holdings(chain(*map(str, range(LIMIT + 1)))), LIMIT)
    assert isinstance(long.mends[0].request, Merge)
    (lost,) = judge(holdings(_gone(chain("c", "a"), 1, aside=True), snap("a")), LIMIT)
    assert lost.mends[0].request == Delete(SnapRef(VM, "a"), metadata_only=True)


def test_one_that_is_not_ready_is_a_note_and_one_that_failed_is_an_error() -> None:
    from msgspec import structs

    waiting = structs.replace(snap("w"), ready=False)
    failed = structs.replace(snap("f"), ready=False, error="no class")
    survey = surveyed([holdings([], waiting, failed)], LIMIT)
    assert [(each.code, each.snapshot) for each in survey.findings] == [("failed-snapshot", "f"), ("not-ready", "w")]
    assert surveyed([holdings([], waiting)], LIMIT).is_healthy


def test_what_others_were_started_from_is_not_said_to_free_nothing() -> None:
    image = Layer("root", LayerKind.IMAGE, "image", used=10, snapshots=("s",), aside=True)
    assert reclaim([image], {"s"}) == Reclaim(10, 10)
    assert reclaim([replace(image, users=("web-02",))], {"s"}) == Reclaim(0, 10, is_complete=False)
