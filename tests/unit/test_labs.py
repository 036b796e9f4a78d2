"""Which vms make up a lab, and what each is reset to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from vmsnap_tui.model.lab import Lab, LabRule, labs_of
from vmsnap_tui.model.snapshot import SnapRef, Snapshot
from vmsnap_tui.model.vm import Vm, VmRef

NOW = datetime(2026, 3, 14, 15, tzinfo=UTC)


def vm(name: str, site: str = "kvm", *tags: str) -> Vm:
    return Vm(VmRef(site, f"id-{name}"), name, tags=tags)


def snapshot(
    of: Vm, name: str, days: float = 1, *, lab: str = "", current: bool = False, parent: str | None = None
) -> Snapshot:
    at = NOW - timedelta(days=days)
    return Snapshot(SnapRef(of.ref, name), name, at, parent=parent, baseline=lab, current=current)


A, B, C, D = vm("student-01"), vm("student-02"), vm("router", "cloud"), vm("other", "kvm", "lab:101")


def found(rules: tuple[LabRule, ...], known: dict[Vm, tuple[Snapshot, ...] | None]) -> dict[str, Lab]:
    by_ref = {each.ref: snapshots for each, snapshots in known.items()}
    return {lab.name: lab for lab in labs_of(rules, list(known), lambda each: by_ref[each.ref])}


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (("student-*",), ["student-01", "student-02"]),
        (("student-01", "cloud/*"), ["router", "student-01"]),
        (("tag:lab:*",), ["other"]),
        (("id-other",), ["other"]),
        (("nobody",), []),
        ((), []),
    ],
)
def test_who_belongs_to_it(wanted: tuple[str, ...], names: list[str]) -> None:
    lab = found((LabRule("x", wanted),), dict.fromkeys((A, B, C, D), ()))["x"]
    assert [seat.vm.name for seat in lab.seats] == names


def test_a_marked_snapshot_makes_a_lab_of_its_own() -> None:
    base = snapshot(A, "base", 3, lab="101")
    labs = found((), {A: (base, snapshot(A, "now", current=True)), B: (snapshot(B, "b", lab="other"),), C: ()})
    assert labs.keys() == {"101", "other"}
    [seat] = labs["101"].seats
    assert (seat.vm, seat.baseline) == (A, base)
    assert seat.here is not None
    assert seat.here.name == "now"
    assert seat.is_off_baseline


def test_what_is_marked_counts_before_what_is_named_and_the_newest_of_several() -> None:
    rule = LabRule("101", ("student-*",), "golden")
    labs = found(
        (rule,),
        {
            A: (snapshot(A, "golden", 1), snapshot(A, "old", 9, lab="101"), snapshot(A, "new", 5, lab="101")),
            B: (snapshot(B, "golden", 4, current=True), snapshot(B, "else", 1)),
            C: (snapshot(C, "router", 2, lab="101"),),
        },
    )
    baselines = {seat.vm.name: seat.baseline.name for seat in labs["101"].seats if seat.baseline}
    assert baselines == {"student-01": "new", "student-02": "golden", "router": "router"}
    off = {seat.vm.name: seat.is_off_baseline for seat in labs["101"].seats}
    assert off == {"student-01": True, "student-02": False, "router": True}


def test_what_fits_no_vm_is_known() -> None:
    lab = found((LabRule("x", ("student-*", "gone", "tag:old")),), {A: ()})["x"]
    assert lab.unmet == ("gone", "tag:old")


def test_what_is_not_read_yet_is_not_called_bare() -> None:
    lab = found((LabRule("x", ("student-*",)),), {A: None, B: ()})["x"]
    assert [(seat.known, seat.baseline) for seat in lab.seats] == [(False, None), (True, None)]


@pytest.mark.parametrize(
    ("snapshots", "days"),
    [
        ((("base", 9, None), ("one", 5, "base"), ("two", 2, "one")), 5.0),
        ((("base", 9, None), ("two", 2, "base")), 2.0),
        ((("base", 9, None), ("two", 2, "gone")), 2.0),  # it does not come from its baseline
        ((("base", 9, None), ("one", 5, "two"), ("two", 2, "one")), 2.0),  # a record that goes round in a circle
    ],
)
def test_since_when_it_drifts(snapshots: tuple[tuple[str, float, str | None], ...], days: float) -> None:
    made = tuple(
        snapshot(A, name, ago, parent=parent, lab="x" * (name == "base"), current=name == "two")
        for name, ago, parent in snapshots
    )
    [seat] = found((), {A: made})["x"].seats
    assert seat.left == NOW - timedelta(days=days)


def test_one_at_its_baseline_drifts_since_nobody_knows() -> None:
    [seat] = found((), {A: (snapshot(A, "base", 9, lab="x", current=True),)})["x"].seats
    assert seat.left is None
