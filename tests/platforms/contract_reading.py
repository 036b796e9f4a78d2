"""Opening, and reading what is there."""

from __future__ import annotations

from datetime import timedelta
from threading import Event
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from vmsnap_tui.model.compare import difference
from vmsnap_tui.model.errors import Missing, Unsupported
from vmsnap_tui.model.plan import Take
from vmsnap_tui.model.snapshot import SnapRef
from vmsnap_tui.model.vm import VmRef

if TYPE_CHECKING:
    from tests.platforms.subject import Subject
    from vmsnap_tui.model.vm import Vm


def _as_far_as(listed: Vm, fresh: Vm) -> Vm:
    """`fresh` without what the list leaves out of disks: sizes and protocols, which cost a question to each vm."""
    disks = (
        replace(
            disk,
            protocol=known.protocol and disk.protocol,
            capacity=None if known.capacity is None else disk.capacity,
            allocation=None if known.allocation is None else disk.allocation,
        )
        for known, disk in zip(listed.disks, fresh.disks, strict=True)
    )
    return replace(fresh, disks=tuple(disks))


class ReadingContract:
    """Reads."""

    def test_open_and_close_may_be_repeated(self, subject: Subject) -> None:
        first = subject.platform.open()
        assert first.product
        assert subject.platform.open().product == first.product
        subject.platform.close()
        subject.platform.close()
        assert subject.platform.open() == first
        assert subject.platform.vm(subject.vm).ref == subject.vm

    def test_pages_hold_every_vm_once(self, subject: Subject) -> None:
        pages = list(subject.platform.vms())
        assert all(pages)
        found = [vm.ref for page in pages for vm in page]
        assert len(found) == len(set(found))
        assert {subject.vm, subject.other} <= set(found)
        assert {ref.site for ref in found} == {subject.platform.site.name}

    def test_one_vm_reads_as_in_the_list(self, subject: Subject) -> None:
        listed = {vm.ref: vm for page in subject.platform.vms() for vm in page}[subject.vm]
        assert _as_far_as(listed, subject.platform.vm(subject.vm)) == listed
        assert _as_far_as(listed, subject.platform.facts(subject.vm).vm) == listed

    def test_unknown_vm_is_missing(self, subject: Subject) -> None:
        nobody = VmRef(subject.vm.site, "00000000-0000-4000-8000-000000000000")
        for read in (
            subject.platform.vm,
            subject.platform.facts,
            subject.platform.source,
        ):
            with pytest.raises(Missing):
                read(nobody)
        assert nobody not in subject.platform.snapshots([nobody, subject.vm])
        assert set(subject.platform.survey([nobody, subject.vm]).holdings) == {subject.vm}

    def test_snapshots_of_those_asked_for(self, subject: Subject) -> None:
        subject.take("one")
        both = subject.platform.snapshots([subject.vm, subject.other])
        assert set(both) == {subject.vm, subject.other}
        assert [snapshot.name for snapshot in both[subject.vm]] == ["one"]
        assert all(each.ref.vm == ref for ref, found in both.items() for each in found)
        assert set(subject.platform.snapshots([subject.other])) == {subject.other}
        assert subject.platform.snapshots([]) == {}

    def test_snapshot_record(self, subject: Subject) -> None:
        state = subject.platform.vm(subject.vm).state
        subject.do(Take(subject.vm, "one", "a reason\nin two lines"))
        record = subject.snapshots["one"]
        assert record.description == "a reason\nin two lines"
        assert record.created.utcoffset() == timedelta(0)
        assert record.ready
        assert not record.error
        assert record.state in {state, type(state).UNKNOWN}
        assert set(record.missing) <= {disk.id for disk in subject.platform.vm(subject.vm).disks}

    def test_facts_tell_what_the_reads_tell(self, subject: Subject) -> None:
        subject.take("one", "two")
        facts = subject.platform.facts(subject.vm)
        assert {each.ref: each for each in facts.snapshots} == {each.ref: each for each in subject.snapshots.values()}
        read = [(layer.disk, layer.place) for layer in subject.layers if not layer.aside]
        assert [(layer.disk, layer.place) for layer in facts.chain] == read

    def test_chain_covers_the_disks(self, subject: Subject) -> None:
        disks = {disk.id for disk in subject.platform.vm(subject.vm).disks}
        subject.take("one")
        layers = subject.layers
        assert {layer.disk for layer in layers} <= disks
        assert layers
        known = {snapshot.id for snapshot in subject.snapshots.values()}
        for layer in layers:
            assert layer.place or layer.error
            assert set(layer.snapshots) <= known
            assert layer.used is None or layer.used >= 0

    def test_source_is_the_platforms_own_text(self, subject: Subject) -> None:
        subject.take("one")
        name = subject.platform.vm(subject.vm).name
        text, language = subject.platform.source(subject.vm)
        assert name in text
        assert language in {"xml", "yaml", "json"}
        text, again = subject.platform.source(subject.vm, subject.snapshots["one"].ref)
        assert "one" in text
        assert again == language
        with pytest.raises(Missing):
            subject.platform.source(subject.vm, SnapRef(subject.vm, "no-such-snapshot"))

    def test_a_snapshot_just_taken_is_of_the_vm_as_it_is(self, subject: Subject) -> None:
        """Whatever the platform writes by itself when it takes one makes no difference."""
        subject.take("one")
        platform, vm = subject.platform, subject.vm
        with pytest.raises(Missing):
            platform.definition(vm, SnapRef(vm, "no-such-snapshot"))
        with pytest.raises(Missing):
            platform.definition(replace(vm, id="11111111-2222-3333-4444-555555555555"))
        now = platform.definition(vm)
        assert now.text.count("\n") > 2
        try:
            then = platform.definition(vm, subject.snapshots["one"].ref)
        except Unsupported:  # snapshots of volumes alone
            return
        assert not difference(then.text, now.text)
        assert now.language in {"xml", "yaml", "json"}

    def test_vanished_vm_is_left_out(self, subject: Subject) -> None:
        step = subject.plan(Take(subject.vm, "late")).steps[0]
        subject.outside.remove_vm()
        assert set(subject.platform.snapshots([subject.vm, subject.other])) == {subject.other}
        assert subject.vm not in {vm.ref for page in subject.platform.vms() for vm in page}
        assert not subject.platform.survey([subject.vm]).holdings
        for read in (subject.platform.vm, subject.platform.facts):
            with pytest.raises(Missing):
                read(subject.vm)
        with pytest.raises(Missing):
            subject.platform.run(step, subject.reports.append, Event())
