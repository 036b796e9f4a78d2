"""What restoring means, loses, and when it is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from msgspec import structs

from tests.unit.libvirt.planner_facts import BASE, HARDWARE, VM, facts, records, snap
from vmsnap_tui.model.plan import After, LossKind, Restore
from vmsnap_tui.model.snapshot import Consistency, SnapRef, SnapshotDisk
from vmsnap_tui.model.vm import Firmware, VmState
from vmsnap_tui.platforms.libvirt.facts import Definition, Folder, Host, Record

if TYPE_CHECKING:
    from vmsnap_tui.platforms.libvirt.facts import LibvirtFacts

OFF = VmState.OFF
TREE = (snap("a"), snap("b", "a"), snap("m", "b", memory=True))
INNER = (snap("i", kind="internal"), snap("j", "i", kind="internal", memory=True))
OLD = Host("QEMU", 9_008_000)


def ref(name: str) -> SnapRef:
    return SnapRef(VM, name)


def now(made: LibvirtFacts, sources: dict[str, str]) -> LibvirtFacts:
    return replace(made, definition=Definition(sources, hardware=HARDWARE))


def tree(**changes: Any) -> LibvirtFacts:
    """a → b → m, and the vm writes on top of m."""
    return now(facts(TREE, current="m", **changes), {"vda": "/vm/web.m", "vdb": "/vm/data.m"})


def branched(**changes: Any) -> LibvirtFacts:
    """a → b; a was restored, c taken and deleted: the vm writes to 17, and a is current without a note of that."""
    made = now(facts((snap("a"), snap("b", "a")), current="a", **changes), {"vda": "/vm/web.17", "vdb": "/vm/data.17"})
    assert made.record(TREE[0]).overlays == {"vda": "/vm/web.a", "vdb": "/vm/data.a"}
    return made


def with_record(made: LibvirtFacts, name: str, **changes: Any) -> LibvirtFacts:
    return replace(made, records={**made.records, name: replace(made.records[name], **changes)})


class Case(NamedTuple):
    what: str
    facts: LibvirtFacts
    name: str
    refused: str


CASES = (
    Case("external, running", tree(), "a", ""),
    Case("external, off", tree(state=OFF), "b", ""),
    Case("with memory", tree(), "m", ""),
    Case("internal", facts(INNER, current="j"), "i", ""),
    Case("internal with memory", facts(INNER, current="j"), "j", ""),
    Case("gone", tree(), "zzz", "no-snapshot"),
    Case("read-only site", tree(read_only=True), "a", "read-only"),
    Case("job at work", tree(busy="a migration"), "a", "busy"),
    Case("managed save", tree(state=OFF, saved=True), "a", "managed-save"),
    Case("managed save, memory", tree(state=OFF, saved=True), "m", "managed-save"),
    Case("transient", tree(persistent=False), "a", "transient"),
    Case("shutting down", tree(state=VmState.CHANGING), "a", "changing"),
    Case("libvirt 9.8, external", tree(host=OLD), "a", "libvirt-too-old"),
    Case("libvirt 9.8, internal", facts(INNER, current="j", host=OLD), "i", ""),
    Case("test driver, external", tree(host=Host("TEST", 11_003_000)), "a", "driver"),
    Case("test driver, internal", facts(INNER, current="j", host=Host("TEST", 11_003_000)), "i", ""),
    Case("mixed tree, external", facts((*TREE, *INNER), current="m"), "a", "mixed-tree"),
    Case("mixed tree, internal", facts((*TREE, *INNER), current="m"), "i", "mixed-tree"),
    Case("not readable", facts((snap("a", ready=False, error="broken"),), current="a"), "a", "not-ready"),
    Case("of a sleeping guest", facts((snap("a", state=VmState.SUSPENDED),), current="a"), "a", "suspended"),
    Case("nothing is current", replace(tree(), snapshots=TREE), "a", "no-current"),
    Case("nothing is current, internal", facts(INNER), "i", ""),
    Case("memory file gone", replace(tree(), folders={"/vm": Folder(frozenset())}), "m", "missing-file"),
    Case("overlay gone", replace(tree(), folders={"/vm": Folder(frozenset({"web.a"}))}), "b", "missing-file"),
    Case("folder unknown", replace(tree(), folders={}), "m", ""),
    Case("a disk is no file", with_record(tree(), "a", definition=Definition(BASE, ("sda",))), "a", "not-a-file"),
    Case("merged by hand", now(tree(), BASE), "a", "data-gone"),
    Case("a current branch would go", branched(state=OFF), "b", "would-destroy"),
    Case("a current branch, noted", with_record(branched(), "a", replaced={"vda": "/vm/web.17"}), "b", ""),
    Case("internal, named like a number", facts((snap("2", kind="internal"),), current="2"), "2", "name-like-id"),
    Case("internal, epoch name", facts((snap("1795449265", kind="internal"),)), "1795449265", ""),
    Case("internal with memory, a number", facts((snap("2", kind="internal", memory=True),)), "2", ""),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_refusals(case: Case) -> None:
    codes = {refusal.code for refusal in case.facts.plan(Restore(ref(case.name))).refusals}
    assert (case.refused in codes) if case.refused else not codes


ENDS = (
    ("m", VmState.RUNNING, After.AS_TAKEN, "running"),
    ("m", VmState.PAUSED, After.AS_TAKEN, "paused"),
    ("m", VmState.RUNNING, After.PAUSED, "paused"),
    ("m", VmState.RUNNING, After.OFF, "off"),
    ("a", VmState.UNKNOWN, After.AS_TAKEN, "off"),
    ("a", VmState.UNKNOWN, After.RUNNING, "running"),
    ("a", VmState.OFF, After.PAUSED, "paused"),
)


@pytest.mark.parametrize(("name", "taken", "after", "end"), ENDS)
def test_how_it_ends(name: str, taken: VmState, after: After, end: str) -> None:
    made = tree()
    made = replace(
        made, snapshots=tuple(structs.replace(s, state=taken) if s.id == name else s for s in made.snapshots)
    )
    [step] = made.plan(Restore(ref(name), after)).steps
    assert step.params["end"] == end


def test_losses_of_a_running_vm() -> None:
    losses = tree().plan(Restore(ref("a"))).losses
    assert [loss.kind for loss in losses] == [LossKind.MEMORY, LossKind.CHANGES]
    assert "“m”" in losses[1].detail


def test_losses_of_one_that_is_off() -> None:
    assert [loss.kind for loss in tree(state=OFF).plan(Restore(ref("a"))).losses] == [LossKind.CHANGES]
    assert not tree(state=OFF, changed=False).plan(Restore(ref("a"))).losses


def test_a_safety_snapshot_is_taken_first_and_keeps_the_changes() -> None:
    plan = tree().plan(Restore(ref("a"), safety="before"))
    assert [step.action for step in plan.steps] == ["take", "restore"]
    assert [loss.kind for loss in plan.losses] == [LossKind.MEMORY]
    assert plan.consistency is Consistency.FILESYSTEM
    assert not plan.refusals


def test_a_safety_snapshot_with_memory_loses_nothing() -> None:
    plan = facts(INNER, current="j").plan(Restore(ref("i"), safety="before"))
    assert plan.consistency is Consistency.MEMORY
    assert not plan.losses


def test_a_safety_snapshot_that_cannot_be_taken() -> None:
    codes = [refusal.code for refusal in tree().plan(Restore(ref("a"), safety="b")).refusals]
    assert codes == ["name-taken", "file-exists", "file-exists"]
    codes = [refusal.code for refusal in tree(busy="a migration").plan(Restore(ref("a"), safety="s")).refusals]
    assert codes == ["busy"]  # said once, though it stands against both


def test_a_safety_snapshot_saves_the_branch_that_libvirt_would_remove() -> None:
    assert not branched().plan(Restore(ref("b"), safety="before")).refusals


def test_no_safety_is_offered_where_nothing_is_lost() -> None:
    offered = "A safety snapshot taken first would keep what is lost here."
    assert offered in tree().plan(Restore(ref("a"))).cautions
    assert offered not in tree(state=OFF, changed=False).plan(Restore(ref("a"))).cautions


def test_the_definition_goes_back_too() -> None:
    then = (HARDWARE - {"disk vdb", "2 CPUs"}) | {"1 CPUs"}
    made = with_record(tree(), "a", definition=Definition(BASE, hardware=then))
    words = " ".join(made.plan(Restore(ref("a"))).cautions)
    assert "It loses: 2 CPUs, disk vdb." in words
    assert "It gets again: 1 CPUs." in words


def test_disks_that_were_left_out() -> None:
    part = structs.replace(snap("p"), disks=(SnapshotDisk("vda"), SnapshotDisk("vdb", included=False)))
    made = facts((part,), current="p")
    made = now(made, {"vda": "/vm/web.p", "vdb": BASE["vdb"]})
    made = replace(made, records={"p": Record(Definition(BASE), {"vda": "/vm/web.p"})})
    plan = made.plan(Restore(ref("p")))
    assert not plan.refusals
    assert "vdb was not part of the snapshot: it keeps what it holds now." in plan.cautions
    later = now(made, {"vda": "/vm/web.q", "vdb": "/vm/data.q"})
    words = later.plan(Restore(ref("p"))).cautions
    assert "vdb was not part of the snapshot: it goes back to what /vm/data.qcow2 holds." in words


def test_cautions_of_firmware_media_and_memory_not_used() -> None:
    made = with_record(tree(firmware=Firmware.UEFI), "m", definition=Definition(BASE, media=("/iso/cd.iso",)))
    words = " ".join(now(made, {"vda": "/vm/x", "vdb": "/vm/y"}).plan(Restore(ref("m"), After.OFF)).cautions)
    assert "/iso/cd.iso" in words
    assert "UEFI" in words
    assert "as after a power cut" in words


def test_the_same_facts_make_the_same_plan() -> None:
    assert tree().plan(Restore(ref("a"))) == tree().plan(Restore(ref("a")))
    assert records(TREE) == records(TREE)
