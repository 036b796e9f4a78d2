"""What deleting means, in which order, and when it is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.unit.libvirt.planner_facts import BASE, HARDWARE, VM, facts, snap
from vmsnap_tui.model.layer import Layer, LayerKind
from vmsnap_tui.model.plan import Delete, LossKind, Scope
from vmsnap_tui.model.snapshot import SnapRef
from vmsnap_tui.model.vm import VmState
from vmsnap_tui.platforms.libvirt.facts import Definition, Host, Record

if TYPE_CHECKING:
    from vmsnap_tui.platforms.libvirt.facts import LibvirtFacts

OFF = VmState.OFF
#      a ── b ── c ── d (current)
#       │    └─ e
#       └─ f ── g
TREE = (snap("a"), snap("b", "a"), snap("c", "b"), snap("d", "c"), snap("e", "b"), snap("f", "a"), snap("g", "f"))
INNER = (snap("i", kind="internal"), snap("j", "i", kind="internal"), snap("k", "j", kind="internal"))
LINE = (snap("a"), snap("b", "a"))


def ref(name: str) -> SnapRef:
    return SnapRef(VM, name)


def on_top(made: LibvirtFacts, name: str) -> LibvirtFacts:
    sources = {"vda": f"/vm/web.{name}", "vdb": f"/vm/data.{name}"}
    return replace(made, definition=Definition(sources, hardware=HARDWARE))


def tree(current: str = "d", **changes: Any) -> LibvirtFacts:
    return on_top(facts(TREE, current=current, **changes), current)


def with_chain(made: LibvirtFacts, *tops: str) -> LibvirtFacts:
    """Read through these overlays of vda, newest first, and its base."""
    kinds = (LayerKind.ACTIVE, *(LayerKind.OVERLAY for _ in tops[1:]), LayerKind.BASE)
    places = (*(f"/vm/web.{top}" for top in tops), BASE["vda"])
    return replace(made, chain=tuple(Layer("vda", kind, place) for kind, place in zip(kinds, places, strict=True)))


def line(**changes: Any) -> LibvirtFacts:
    return on_top(facts(LINE, current="b", **changes), "b")


def forked(current: str = "e", *, running: str = "", further: bool = False, without: str = "") -> LibvirtFacts:
    """a ── b ── c, and d ── e from b (from c, when it is further down)."""
    parents = {"a": None, "b": "a", "c": "b", "d": "b", "e": "d"} | ({"d": "c", "f": "c"} if further else {})
    gone = {without, "e"} if without else set()
    snaps = [
        snap(name, parent, state=VmState.RUNNING if name == running else OFF)
        for name, parent in parents.items()
        if name not in gone
    ]
    return on_top(facts(snaps, current=current), current)


class Case(NamedTuple):
    what: str
    facts: LibvirtFacts
    request: Delete
    refused: str


MIXED = (*LINE, *INNER)
CASES = (
    Case("current leaf", tree(), Delete(ref("d")), ""),
    Case("middle of the chain", tree(), Delete(ref("c")), ""),
    Case("leaf of another branch", tree(), Delete(ref("e")), ""),
    Case("root with two children", tree(), Delete(ref("a")), "several-children"),
    Case("middle with two children", tree(), Delete(ref("b")), "several-children"),
    Case("another branch, all taken off", forked(), Delete(ref("a")), "fatal-fork"),
    Case("another branch, record only", forked(), Delete(ref("a"), metadata_only=True), ""),
    Case("another branch, from where the vm is", forked("b", without="d"), Delete(ref("a")), "fatal-fork"),
    Case("another branch further down", forked(further=True), Delete(ref("a")), "fatal-fork"),
    Case("another branch, one taken running", forked(running="b"), Delete(ref("a")), ""),
    Case("another branch, itself taken running", forked(running="c"), Delete(ref("a")), "fatal-fork"),
    Case("another branch above", forked(), Delete(ref("e")), ""),
    Case("outside the chain, with a child", tree(), Delete(ref("f")), "outside-chain"),
    Case("outside the chain, record only", tree(), Delete(ref("f"), metadata_only=True), ""),
    Case("outside the chain, with children", tree(), Delete(ref("f"), Scope.TREE), ""),
    Case("chain as recorded", with_chain(line(), "b", "a"), Delete(ref("b")), ""),
    Case("whole chain as recorded", with_chain(line(), "b", "a"), Delete(ref("a"), Scope.TREE), ""),
    Case("forgotten layer on top", with_chain(on_top(line(), "x"), "x", "b", "a"), Delete(ref("b")), "unknown-layer"),
    Case("forgotten layer between", with_chain(line(), "b", "x", "a"), Delete(ref("b")), "unknown-layer"),
    Case("forgotten layer, record only", with_chain(line(), "b", "x", "a"), Delete(ref("b"), metadata_only=True), ""),
    Case("current with a child", tree("c"), Delete(ref("c")), "current-with-children"),
    Case("whole tree", tree(), Delete(ref("a"), Scope.TREE), ""),
    Case("children only", tree(), Delete(ref("b"), Scope.CHILDREN), ""),
    Case("no children", tree(), Delete(ref("g"), Scope.CHILDREN), "no-children"),
    Case("gone", tree(), Delete(ref("zzz")), "no-snapshot"),
    Case("read-only site", tree(read_only=True), Delete(ref("d")), "read-only"),
    Case("read-only site, record only", tree(read_only=True), Delete(ref("d"), metadata_only=True), "read-only"),
    Case("job at work", tree(busy="a block job on vda"), Delete(ref("d")), "busy"),
    Case("shutting down", tree(state=VmState.CHANGING), Delete(ref("d")), "changing"),
    Case("off", tree(state=OFF), Delete(ref("d")), ""),
    Case("managed save, external", tree(state=OFF, saved=True), Delete(ref("d")), "managed-save"),
    Case("managed save, record only", tree(state=OFF, saved=True), Delete(ref("d"), metadata_only=True), ""),
    Case("libvirt 9.8", tree(host=Host("QEMU", 9_008_000)), Delete(ref("d")), "libvirt-too-old"),
    Case("libvirt 9.8, record", tree(host=Host("QEMU", 9_008_000)), Delete(ref("d"), metadata_only=True), ""),
    Case("test driver, record", facts(INNER, host=Host("TEST")), Delete(ref("k"), metadata_only=True), "driver"),
    Case("test driver", facts(INNER, host=Host("TEST")), Delete(ref("k")), ""),
    Case("internal leaf", facts(INNER, current="k"), Delete(ref("k")), ""),
    Case("internal middle", facts(INNER, current="k"), Delete(ref("j")), ""),
    Case("internal with children", facts(INNER, current="k"), Delete(ref("i"), Scope.TREE), ""),
    Case("internal, libvirt 9.8", facts(INNER, host=Host("QEMU", 9_008_000)), Delete(ref("i")), ""),
    Case("internal, managed save", facts(INNER, state=OFF, saved=True), Delete(ref("i")), ""),
    Case("mixed tree, external", on_top(facts(MIXED, current="b"), "b"), Delete(ref("b")), "mixed-tree"),
    Case("mixed tree, internal, running", on_top(facts(MIXED, current="b"), "b"), Delete(ref("k")), "other-file"),
    Case("mixed tree, internal, off", on_top(facts(MIXED, current="b", state=OFF), "b"), Delete(ref("k")), ""),
    Case("protected", facts((snap("a", protected=True),), current="a"), Delete(ref("a")), "protected"),
    Case(
        "protected child",
        facts((snap("a"), snap("b", "a", protected=True)), current="b"),
        Delete(ref("a"), Scope.TREE),
        "protected",
    ),
    Case(
        "protected, record only",
        facts((snap("a", protected=True),), current="a"),
        Delete(ref("a"), metadata_only=True),
        "protected",
    ),
    Case(
        "its file is in use",
        replace(
            tree(), records={**tree().records, "e": Record(Definition({"vda": "/vm/web.d"}), {"vda": "/vm/web.e"})}
        ),
        Delete(ref("e")),
        "would-destroy",
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_refusals(case: Case) -> None:
    codes = {refusal.code for refusal in case.facts.plan(case.request).refusals}
    assert (case.refused in codes) if case.refused else not codes


ORDER = (
    (Delete(ref("b"), Scope.TREE), ["d", "c", "e", "b"]),
    (Delete(ref("b"), Scope.CHILDREN), ["d", "c", "e"]),
    (Delete(ref("f"), Scope.TREE), ["g", "f"]),
    (Delete(ref("c")), ["c"]),
)


@pytest.mark.parametrize(("request_", "names"), ORDER)
def test_leaf_first_and_every_one_is_named_as_lost(request_: Delete, names: list[str]) -> None:
    plan = tree().plan(request_)
    going = [str(step.params["name"]) for step in plan.steps]
    assert sorted(going) == sorted(names)
    parents = {each.id: each.parent for each in TREE}
    for index, name in enumerate(going):
        assert parents[name] not in going[:index]
    assert [(loss.kind, loss.what) for loss in plan.losses] == [(LossKind.SNAPSHOT, name) for name in going]


def test_a_cycle_of_parents_ends() -> None:
    plan = facts((snap("x", "y"), snap("y", "x")), current="x").plan(Delete(ref("x"), Scope.CHILDREN))
    assert [step.params["name"] for step in plan.steps] == ["y"]


def test_which_merge() -> None:
    labels = {
        str(step.params["name"]): "merging" in step.label for step in tree().plan(Delete(ref("b"), Scope.TREE)).steps
    }
    # d is current and merges into c, then c is the current leaf, then b; e is a leaf that nothing reads through.
    assert labels == {"d": True, "c": True, "e": False, "b": True}


def test_children_left_behind_are_said() -> None:
    assert "“d” stays whole and hangs below “b” from then on." in tree().plan(Delete(ref("c"))).cautions
    assert any("becomes a root" in words for words in line().plan(Delete(ref("a"))).cautions)


def test_memory_files_go_and_are_named() -> None:
    made = on_top(facts((snap("a", memory=True),), current="a"), "a")
    [loss] = made.plan(Delete(ref("a"))).losses
    assert "/vm/web.a.mem" in loss.detail


def test_records_alone() -> None:
    plan = tree().plan(Delete(ref("f"), Scope.TREE, metadata_only=True))
    assert {loss.kind for loss in plan.losses} == {LossKind.RECORD}
    assert all(step.params["metadata_only"] for step in plan.steps)
    assert any("stay on the host" in words for words in plan.cautions)


def test_the_cost_of_merging_is_a_note() -> None:
    layers = [Layer(d, LayerKind.ACTIVE, f"/vm/{s}.b", used=1 << 20) for d, s in (("vda", "web"), ("vdb", "data"))]
    below = [Layer(d, LayerKind.BASE, f"/vm/{s}.a") for d, s in (("vda", "web"), ("vdb", "data"))]
    plan = replace(line(), chain=(*layers, *below)).plan(Delete(ref("b")))
    assert plan.notes == ("Merging copies up to 2.0 MiB.",)
    assert plan == line().plan(Delete(ref("b")))


def test_merging_of_a_vm_that_is_off_is_said() -> None:
    assert any("starts QEMU" in words for words in line(state=OFF).plan(Delete(ref("b"))).cautions)
    assert BASE["vda"] not in str(line().plan(Delete(ref("b"))))
