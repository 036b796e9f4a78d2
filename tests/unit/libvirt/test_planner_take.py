"""Which methods there are for which vm: what they are worth, why not, and which one is recommended."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.unit.libvirt.planner_facts import BASE, GIB, VM, disk, facts, snap
from vmsnap_tui.model.freeze import Freeze, FreezeState
from vmsnap_tui.model.plan import Take
from vmsnap_tui.model.snapshot import Consistency
from vmsnap_tui.model.vm import AgentState, Backend, Firmware, VmState
from vmsnap_tui.platforms.libvirt.facts import Definition, Folder, Host

if TYPE_CHECKING:
    from vmsnap_tui.platforms.libvirt.facts import LibvirtFacts

OLD = Host("QEMU", 9_008_000, 8_000_000)
TEST = Host("TEST", 11_003_000, 2, local=False)
INTERNAL, EXTERNAL, QUIESCED = "internal", "external", "external-quiesced"
MEMORY, PAUSED = "external-memory", "external-memory-paused"
OFF = VmState.OFF
TREE_EXTERNAL = (snap("a"),)
TREE_INTERNAL = (snap("a", kind="internal"),)


class Case(NamedTuple):
    what: str
    facts: LibvirtFacts
    method: str
    refused: str  # code, "" where it is possible
    recommended: str  # "" where none is possible


CASES = (
    # the ordinary vm
    Case("running, agent", facts(), QUIESCED, "", QUIESCED),
    Case("running, no agent channel", facts(agent=AgentState.ABSENT), QUIESCED, "no-agent", MEMORY),
    Case("running, agent away", facts(agent=AgentState.DISCONNECTED), QUIESCED, "agent-off", MEMORY),
    Case("agent hangs", facts(freeze=Freeze(FreezeState.FAILED, why="late")), QUIESCED, "agent-silent", MEMORY),
    Case("frozen by others", facts(freeze=Freeze(FreezeState.FROZEN)), QUIESCED, "frozen", MEMORY),
    Case("agent unknown", facts(agent=AgentState.UNKNOWN), QUIESCED, "", QUIESCED),
    # what the vm does
    Case("paused, quiesced", facts(state=VmState.PAUSED), QUIESCED, "paused", MEMORY),
    Case("paused, with memory", facts(state=VmState.PAUSED), MEMORY, "", MEMORY),
    Case("off, external", facts(state=OFF), EXTERNAL, "", EXTERNAL),
    Case("off, internal", facts(state=OFF), INTERNAL, "", EXTERNAL),
    Case("off, quiesced", facts(state=OFF), QUIESCED, "not-running", EXTERNAL),
    Case("off, memory", facts(state=OFF), MEMORY, "not-running", EXTERNAL),
    Case("sleeping", facts(state=VmState.SUSPENDED), EXTERNAL, "suspended", ""),
    Case("shutting down", facts(state=VmState.CHANGING), EXTERNAL, "changing", ""),
    Case("state unknown", facts(state=VmState.UNKNOWN), EXTERNAL, "unknown-state", ""),
    Case("crashed, kept, disks", facts(state=VmState.CRASHED, active=True), EXTERNAL, "", EXTERNAL),
    Case("crashed, kept, memory", facts(state=VmState.CRASHED, active=True), MEMORY, "crashed", EXTERNAL),
    # the vm as a whole
    Case("read-only site", facts(read_only=True), EXTERNAL, "read-only", ""),
    Case("job at work", facts(busy="a block job on vda"), EXTERNAL, "busy", ""),
    Case("managed save", facts(state=OFF, saved=True), EXTERNAL, "managed-save", ""),
    Case("transient, internal", facts(persistent=False), INTERNAL, "transient", ""),
    Case("transient, external", facts(persistent=False), EXTERNAL, "transient", ""),
    Case("checkpoints, internal", facts(checkpoints=True), INTERNAL, "checkpoints", QUIESCED),
    Case("checkpoints, external, running", facts(checkpoints=True), EXTERNAL, "", QUIESCED),
    Case("checkpoints, external, off", facts(state=OFF, checkpoints=True), EXTERNAL, "checkpoints", ""),
    # the tree that is there
    Case("external tree, internal", facts(TREE_EXTERNAL, current="a"), INTERNAL, "mixed-tree", QUIESCED),
    Case("external tree, external", facts(TREE_EXTERNAL, current="a"), EXTERNAL, "", QUIESCED),
    Case("internal tree, external", facts(TREE_INTERNAL, current="a"), EXTERNAL, "mixed-tree", INTERNAL),
    Case("internal tree, memory", facts(TREE_INTERNAL, current="a"), MEMORY, "mixed-tree", INTERNAL),
    Case("internal tree, off", facts(TREE_INTERNAL, current="a", state=OFF), INTERNAL, "", INTERNAL),
    Case("both kinds", facts((*TREE_INTERNAL, snap("b", "a")), current="b"), INTERNAL, "mixed-tree", ""),
    Case("a mixed snapshot", facts((snap("m", kind="mixed"),), current="m"), EXTERNAL, "mixed-tree", ""),
    # disks
    Case("raw, internal", facts(disks=(disk(format="raw"),)), INTERNAL, "raw-disk", QUIESCED),
    Case("raw, external", facts(disks=(disk(format="raw"),)), EXTERNAL, "", QUIESCED),
    Case("format unknown", facts(disks=(disk(format=""),)), INTERNAL, "raw-disk", QUIESCED),
    Case("rbd", facts(disks=(disk(backend=Backend.NETWORK, protocol="rbd"),)), EXTERNAL, "network-disk", ""),
    Case("rbd raw", facts(disks=(disk(format="raw", backend=Backend.NETWORK),)), INTERNAL, "raw-disk", ""),
    Case("LVM, overlay", facts(disks=(disk(format="raw", backend=Backend.BLOCK),)), EXTERNAL, "block-disk", ""),
    Case("qcow2 on LVM", facts(disks=(disk(backend=Backend.BLOCK),)), INTERNAL, "", INTERNAL),
    Case("pool volume", facts(definition=Definition({}, ("vda",))), EXTERNAL, "no-file", INTERNAL),
    Case("NFS", facts(disks=(disk(backend=Backend.NFS),)), EXTERNAL, "", QUIESCED),
    Case("shared disk", facts(disks=(disk(shared=True),)), EXTERNAL, "shared-disk", ""),
    Case("LUN", facts(odd={"vda": "is a LUN"}), EXTERNAL, "odd-disk", ""),
    Case("read-only disk", facts(disks=(disk(), disk("vdb", writable=False, format="raw"))), INTERNAL, "", QUIESCED),
    Case("only a CD", facts(disks=(disk("hda", writable=False),)), EXTERNAL, "no-disk", ""),
    Case("empty drive", facts(disks=(disk(), disk("hda", writable=False, source=""))), INTERNAL, "", QUIESCED),
    Case("no disk at all", facts(disks=()), INTERNAL, "no-disk", ""),
    Case("left out by definition", facts(disks=(disk(), disk("vdb", included=False))), INTERNAL, "all-disks", QUIESCED),
    Case("left out, memory", facts(disks=(disk(), disk("vdb", included=False))), MEMORY, "all-disks", QUIESCED),
    Case("left out, disks", facts(disks=(disk(), disk("vdb", included=False))), EXTERNAL, "", QUIESCED),
    # firmware and devices
    Case("UEFI, raw variables", facts(firmware=Firmware.UEFI, nvram="raw"), INTERNAL, "uefi-nvram", QUIESCED),
    Case("UEFI, qcow2 variables", facts(firmware=Firmware.UEFI, nvram="qcow2"), INTERNAL, "", QUIESCED),
    Case(
        "UEFI, qcow2 variables, 10.9",
        facts(firmware=Firmware.UEFI, nvram="qcow2", host=Host("QEMU", 10_009_000)),
        INTERNAL,
        "uefi-nvram",
        QUIESCED,
    ),
    Case("UEFI, off", facts(firmware=Firmware.UEFI, nvram="raw", state=OFF), INTERNAL, "", EXTERNAL),
    Case("passed-through GPU, memory", facts(unsavable="a GPU"), MEMORY, "unsavable", QUIESCED),
    Case("passed-through GPU, internal", facts(unsavable="a GPU"), INTERNAL, "unsavable", QUIESCED),
    Case("passed-through GPU, disks", facts(unsavable="a GPU", agent=AgentState.ABSENT), EXTERNAL, "", EXTERNAL),
    # what libvirt it is
    Case("9.8, external", facts(host=OLD), EXTERNAL, "", INTERNAL),
    Case("9.8, raw", facts(host=OLD, disks=(disk(format="raw"),)), EXTERNAL, "", QUIESCED),
    Case("9.8, external tree", facts(TREE_EXTERNAL, current="a", host=OLD), INTERNAL, "mixed-tree", QUIESCED),
    Case("test driver, external", facts(host=TEST, agent=AgentState.ABSENT), EXTERNAL, "driver", INTERNAL),
    Case("test driver, internal", facts(host=TEST, agent=AgentState.ABSENT), INTERNAL, "", INTERNAL),
    Case("a CD on a device", facts(definition=Definition(BASE, ("hda",))), EXTERNAL, "", INTERNAL),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_methods(case: Case) -> None:
    methods = {method.id: method for method in case.facts.methods()}
    codes = {refusal.code for refusal in methods[case.method].refusals}
    assert (case.refused in codes) if case.refused else not codes
    marked = [method.id for method in methods.values() if method.recommended]
    assert marked == ([case.recommended] if case.recommended else [])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_what_is_recommended_is_possible_and_what_is_refused_says_why(case: Case) -> None:
    for method in case.facts.methods():
        assert not (method.recommended and method.refusals)
        assert all(refusal.code and refusal.why for refusal in method.refusals)
    plan = case.facts.plan(Take(VM, "new"))
    assert bool(plan.refusals) is (not case.recommended)


WORTH = (
    (facts(), QUIESCED, Consistency.FILESYSTEM),
    (facts(), EXTERNAL, Consistency.CRASH),
    (facts(), MEMORY, Consistency.MEMORY),
    (facts(), PAUSED, Consistency.MEMORY),
    (facts(), INTERNAL, Consistency.MEMORY),
    (facts(state=VmState.PAUSED), EXTERNAL, Consistency.CRASH),
    (facts(state=OFF), EXTERNAL, Consistency.CLEAN),
    (facts(state=OFF), INTERNAL, Consistency.CLEAN),
    (facts(state=VmState.CRASHED), EXTERNAL, Consistency.CRASH),
)


@pytest.mark.parametrize(("made", "method", "expected"), WORTH)
def test_what_it_would_be_worth(made: LibvirtFacts, method: str, expected: Consistency) -> None:
    plan = made.plan(Take(VM, "new", method=method))
    assert plan.consistency is expected
    assert next(found for found in made.methods() if found.id == method).consistency is expected
    assert not plan.refusals


NAMES = (
    ("", QUIESCED, "name-empty"),
    ("  ", QUIESCED, "name-empty"),
    ("a", QUIESCED, "name-taken"),
    ("x/y", QUIESCED, "name-invalid"),
    (".x", QUIESCED, "name-invalid"),
    ("x\ny", QUIESCED, "name-invalid"),
    ("x\x1b[31m", QUIESCED, "name-invalid"),
    (" x", QUIESCED, "name-invalid"),
    ("x\ud800", QUIESCED, "name-invalid"),
    ("é" * 130, QUIESCED, "name-too-long"),
    ("n" * 251, QUIESCED, "name-too-long"),  # fits alone, but not behind the disk's own name
    ("n" * 200, QUIESCED, ""),
    ("<b>&'\"]]>", QUIESCED, ""),
    ("🦊 nach dem Umbau", QUIESCED, ""),
    ("7", QUIESCED, ""),
)


@pytest.mark.parametrize(("name", "method", "code"), NAMES)
def test_names(name: str, method: str, code: str) -> None:
    codes = [refusal.code for refusal in facts(TREE_EXTERNAL, current="a").plan(Take(VM, name, method=method)).refusals]
    assert (code in codes) if code else not codes


@pytest.mark.parametrize(("name", "refused"), [("2", True), ("007", True), ("v2", False), ("1795449265", False)])
def test_an_internal_name_that_could_be_a_number(name: str, *, refused: bool) -> None:
    plan = facts().plan(Take(VM, name, method=INTERNAL))
    assert ("name-like-id" in {refusal.code for refusal in plan.refusals}) is refused


def test_files_are_named_in_the_plan() -> None:
    [step] = facts().plan(Take(VM, "new", method=MEMORY)).steps
    assert step.params["disks"] == {"vda": "/vm/web.new", "vdb": "/vm/data.new"}
    assert step.params["memory"] == "/vm/web.new.mem"
    assert "/vm/web.new.mem" in step.label
    assert step.cancellable
    assert not step.freezes


def test_two_disks_of_one_stem_get_two_overlays() -> None:
    both = Definition({"vda": "/vm/web.qcow2", "vdb": "/vm/web.raw"})
    [step] = facts(definition=both).plan(Take(VM, "new", method=EXTERNAL)).steps
    assert step.params["disks"] == {"vda": "/vm/web.new", "vdb": "/vm/web.vdb.new"}


def test_only_the_quiesced_step_freezes() -> None:
    assert [facts().plan(Take(VM, "n", method=m)).steps[0].freezes for m in (QUIESCED, EXTERNAL, MEMORY)] == [
        True,
        False,
        False,
    ]


def test_chosen_disks() -> None:
    plan = facts().plan(Take(VM, "new", method=QUIESCED, disks=("vda",)))
    assert not plan.refusals
    assert plan.steps[0].params["disks"] == {"vdb": "no", "vda": "/vm/web.new"}
    assert any("vdb is not part of it" in caution for caution in plan.cautions)


@pytest.mark.parametrize(
    ("disks", "method", "code"),
    [(("vda",), MEMORY, "all-disks"), (("vda",), INTERNAL, "all-disks"), (("vdz",), EXTERNAL, "no-such-disk")],
)
def test_chosen_disks_refused(disks: tuple[str, ...], method: str, code: str) -> None:
    plan = facts().plan(Take(VM, "new", method=method, disks=disks))
    assert code in {refusal.code for refusal in plan.refusals}


@pytest.mark.parametrize("name", ["web.new", "data.new", "web.new.mem"])
def test_a_file_in_the_way(name: str) -> None:
    plan = facts(folders={"/vm": Folder(frozenset({name}), GIB * 9)}).plan(Take(VM, "new", method=MEMORY))
    assert [refusal.code for refusal in plan.refusals] == ["file-exists"]
    assert f"/vm/{name}" in plan.refusals[0].why


SPACE = (
    (EXTERNAL, 1 << 20, "no-space", ""),
    (EXTERNAL, 1 << 26, "", ""),
    (MEMORY, GIB // 4, "no-space", ""),
    (MEMORY, GIB * 3 // 4, "", "does not fit"),
    (MEMORY, GIB * 2, "", ""),
    (MEMORY, None, "", "is not known"),
    (INTERNAL, GIB // 4, "no-space", ""),
)


@pytest.mark.parametrize(("method", "free", "code", "caution"), SPACE)
def test_space(method: str, free: int | None, code: str, caution: str) -> None:
    plan = facts(folders={"/vm": Folder(frozenset(), free)}).plan(Take(VM, "new", method=method))
    assert {refusal.code for refusal in plan.refusals} == ({code} if code else set())
    assert any(caution in words for words in plan.cautions) if caution else not plan.cautions


def test_free_space_that_drifts_makes_no_other_plan() -> None:
    one, other = (facts(folders={"/vm": Folder(frozenset(), GIB * many)}) for many in (50, 60))
    request = Take(VM, "new", method=MEMORY)
    assert one.plan(request) == other.plan(request)
    assert one.plan(request).notes != other.plan(request).notes


def test_an_unknown_folder_is_said() -> None:
    plan = facts(folders={}).plan(Take(VM, "new", method=EXTERNAL))
    assert not plan.refusals
    assert any("cannot be seen from here" in words for words in plan.cautions)


def test_cautions_of_what_is_not_captured() -> None:
    made = facts(firmware=Firmware.UEFI, nvram="raw", tpm=True)
    words = " ".join(made.plan(Take(VM, "new", method=EXTERNAL)).cautions)
    assert "UEFI" in words
    assert "TPM" in words


def test_too_old_to_restore_is_said() -> None:
    assert any("cannot restore it" in words for words in facts(host=OLD).plan(Take(VM, "n", method=EXTERNAL)).cautions)


def test_unknown_method_and_no_method() -> None:
    assert [r.code for r in facts().plan(Take(VM, "n", method="magic")).refusals] == ["no-such-method"]
    codes = {r.code for r in facts(disks=(disk(shared=True),)).plan(Take(VM, "n")).refusals}
    assert "shared-disk" in codes
