"""What merging layers would do, and what it would destroy."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.libvirt.planner_facts import VM, facts, snap
from vmsnap_tui.model.layer import Layer, LayerKind
from vmsnap_tui.model.plan import Discard, EndJob, JobEnd, LossKind, Merge, MergeHow
from vmsnap_tui.model.vm import VmState
from vmsnap_tui.platforms.libvirt.facts import Folder
from vmsnap_tui.platforms.libvirt.jobs import ACTIVE_COMMIT, PULL, BlockJob
from vmsnap_tui.platforms.libvirt.plan import plan

if TYPE_CHECKING:
    from vmsnap_tui.model.plan import Plan, Request
    from vmsnap_tui.platforms.libvirt.facts import LibvirtFacts

NAMES = ("c", "b", "a")
SNAPSHOTS = (snap("a"), snap("b", "a"))


def place(name: str) -> str:
    return f"/vm/{name}"


def layers() -> list[Layer]:
    """c (now) on b on a; the snapshots b and a have their data in the files of their names."""
    kinds = (LayerKind.ACTIVE, LayerKind.OVERLAY, LayerKind.BASE)
    belows = (place("b"), place("a"), "")
    needed = ((), ("b",), ("b", "a"))
    return [
        Layer("vda", kind, place(name), "qcow2", 1 << 30, 1 << 20, ids, below=below)
        for name, kind, below, ids in zip(NAMES, kinds, belows, needed, strict=True)
    ]


def at(found: list[Layer], **changes: Any) -> LibvirtFacts:
    return facts(SNAPSHOTS, current="b", layers=tuple(found), chain=tuple(found), **changes)


def planned(request: Request, known: LibvirtFacts) -> Plan:
    made = plan(request, known)
    assert made.title
    return made


def codes(made: Plan) -> list[str]:
    return [refusal.code for refusal in made.refusals]


def test_commit_names_what_it_destroys_and_forgets_it_before() -> None:
    made = planned(Merge(VM, "vda", MergeHow.COMMIT), at(layers()))
    assert not made.refusals
    assert {(loss.kind, loss.what) for loss in made.losses} == {(LossKind.SNAPSHOT, "a"), (LossKind.SNAPSHOT, "b")}
    assert [(step.action, step.params.get("name") or step.params.get("place")) for step in made.steps] == [
        ("delete", "a"),
        ("delete", "b"),
        ("merge", ""),
        ("remove", place("c")),
        ("remove", place("b")),
    ]
    merge = next(step for step in made.steps if step.action == "merge")
    assert (merge.params["top"], merge.params["base"], merge.cancellable) == (place("c"), place("a"), True)
    assert any("2.0 MiB" in note for note in made.notes)


def test_commit_of_a_part_leaves_what_lies_below() -> None:
    made = planned(Merge(VM, "vda", MergeHow.COMMIT, top=place("c"), base=place("b")), at(layers()))
    assert [loss.what for loss in made.losses] == ["b"]
    assert [step.params.get("place") for step in made.steps if step.action == "remove"] == [place("c")]


@pytest.mark.parametrize("how", [MergeHow.PULL, MergeHow.FLATTEN])
def test_pulling_up_loses_nothing_and_keeps_what_snapshots_need(how: MergeHow) -> None:
    made = planned(Merge(VM, "vda", how), at(layers()))
    assert not made.refusals
    assert not made.losses
    assert [step.action for step in made.steps] == ["merge"]
    without = replace(at(layers()), snapshots=(), layers=tuple(replace(layer, snapshots=()) for layer in layers()))
    gone = [step.params["place"] for step in planned(Merge(VM, "vda", how), without).steps if step.action == "remove"]
    assert gone == [place("b"), place("a")]


def _with(index: int, **changes: Any) -> list[Layer]:
    found = layers()
    return [*found[:index], replace(found[index], **changes), *found[index + 1 :]]


BRANCH = Layer("vda", LayerKind.OVERLAY, place("x"), "qcow2", below=place("a"), aside=True, snapshots=("a",))
INSIDE = Layer("vda", LayerKind.INTERNAL, place("a") + "@i", below=place("a"))
COMMIT = Merge(VM, "vda", MergeHow.COMMIT)


@pytest.mark.parametrize(
    ("request_", "known", "code"),
    [
        pytest.param(COMMIT, at(_with(2, users=("other",))), "shared-layer", id="another vm reads the base"),
        pytest.param(COMMIT, at(_with(1, users=("other",))), "shared-layer", id="another vm reads a layer that goes"),
        pytest.param(COMMIT, at([*layers(), BRANCH]), "branch-below", id="a branch reads the base"),
        pytest.param(COMMIT, at([*layers(), INSIDE]), "internal-inside", id="an internal one in the base"),
        pytest.param(COMMIT, at(_with(2, kind=LayerKind.MISSING, error="gone")), "missing-layer", id="a layer is gone"),
        pytest.param(COMMIT, at(layers(), state=VmState.OFF), "not-running", id="off"),
        pytest.param(COMMIT, at(layers(), read_only=True), "read-only", id="read-only"),
        pytest.param(COMMIT, at(layers(), busy="a block job on vda"), "busy", id="busy"),
        pytest.param(COMMIT, at(layers(), checkpoints=True), "checkpoints", id="checkpoints"),
        pytest.param(COMMIT, at(layers()[:1]), "nothing-to-merge", id="one layer"),
        pytest.param(Merge(VM, "vdz", MergeHow.FLATTEN), at(layers()), "no-disk", id="no such disk"),
        pytest.param(Merge(VM, "vda", MergeHow.PULL, base="/vm/z"), at(layers()), "no-layer", id="no such layer"),
        pytest.param(
            Merge(VM, "vda", MergeHow.COMMIT, top=place("a"), base=place("c")), at(layers()), "nothing-to-merge",
            id="upside down",
        ),
        pytest.param(Merge(VM, "vda", MergeHow.COPY, format="qcow2"), at(layers()), "no-place", id="no place"),
        pytest.param(Merge(VM, "vda", MergeHow.COPY, place="/vm/n", format="vmdk"), at(layers()), "no-format", id="f"),
        pytest.param(
            Merge(VM, "vda", MergeHow.COPY, place="/vm/n", format="raw"),
            at(layers(), folders={"/vm": Folder(frozenset({"n"}))}), "file-exists", id="file is there",
        ),
    ],
)  # fmt: skip
def test_what_is_refused(request_: Request, known: LibvirtFacts, code: str) -> None:
    assert codes(planned(request_, known)) == [code]


def test_pulling_up_over_a_shared_base_is_no_harm() -> None:
    known = at(_with(2, users=("other",)))
    made = planned(Merge(VM, "vda", MergeHow.FLATTEN), replace(known, snapshots=()))
    assert not made.refusals
    assert place("a") not in [step.params.get("place") for step in made.steps]


def test_too_little_space_is_said_beforehand() -> None:
    folders = {"/vm": Folder(free=4096)}
    made = planned(COMMIT, at(layers(), folders=folders))
    assert any("4.0 KiB are free" in caution for caution in made.cautions)


# Ending jobs, removing files


@pytest.mark.parametrize(
    ("how", "job", "code"),
    [
        (JobEnd.RESUME, None, "no-job"),
        (JobEnd.PIVOT, BlockJob(ACTIVE_COMMIT, 5, 10, ready=False), "not-ready"),
        (JobEnd.PIVOT, BlockJob(PULL, 5, 10, ready=False), "no-pivot"),
        (JobEnd.PIVOT, BlockJob(ACTIVE_COMMIT, 10, 10, ready=True), ""),
        (JobEnd.ABORT, BlockJob(PULL, 5, 10, ready=False), ""),
        (JobEnd.RESUME, BlockJob(PULL, 5, 10, ready=False), ""),
    ],
)
def test_how_a_job_may_end(how: JobEnd, job: BlockJob | None, code: str) -> None:
    known = at(layers(), busy="a block job on vda" if job else "", jobs={"vda": job} if job else {})
    made = planned(EndJob(VM, "vda", how), known)
    assert codes(made) == ([code] if code else [])
    assert [step.action for step in made.steps] == ["end-job"]


def test_only_what_is_not_known_to_be_used_is_removed() -> None:
    known = at(layers(), folders={"/vm": Folder(frozenset({"a", "b", "c", "left"}))})
    made = planned(Discard(VM, ("/vm/left",)), known)
    assert not made.refusals
    assert [(loss.kind, loss.what) for loss in made.losses] == [(LossKind.FILE, "/vm/left")]
    assert codes(planned(Discard(VM, (place("b"),)), known)) == ["in-use"]
    assert codes(planned(Discard(VM, ("/vm/nothing",)), known)) == ["missing-file"]
    assert codes(planned(Discard(VM, ()), known)) == ["no-file"]
