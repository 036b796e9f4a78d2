"""The demo's own promises, beyond the contract: worlds worth looking at, scripts, the lamp, tables of refusals."""

from __future__ import annotations

from datetime import UTC, datetime
from queue import SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from vmsnap_tui.model.change import Change, ChangeKind
from vmsnap_tui.model.errors import Conflict, Denied, Failed, Missing, Unreachable, Unsupported
from vmsnap_tui.model.freeze import FreezeState
from vmsnap_tui.model.plan import After, Delete, Edit, LossKind, Restore, Scope, Step, Take, Thaw
from vmsnap_tui.model.snapshot import Consistency
from vmsnap_tui.model.vm import AgentState, PlatformKind, Site, VmState
from vmsnap_tui.platforms.demo.platform import DemoPlatform
from vmsnap_tui.platforms.demo.sites import demo_sites
from vmsnap_tui.platforms.demo.world import Fault

if TYPE_CHECKING:
    from vmsnap_tui.model.plan import Plan
    from vmsnap_tui.model.progress import Progress
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import Vm, VmRef

NOW = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)
FAST = 20_000


class Demo:
    """One demo site, by names."""

    def __init__(self, shape: str, speed: float = FAST) -> None:
        sites = {site.options["shape"]: site for site in demo_sites(now=NOW, speed=speed)}
        self.platform = DemoPlatform(sites[shape])
        self.world = self.platform.world
        self.reports: list[Progress] = []

    def ref(self, vm: str) -> VmRef:
        return self.world.find(vm)

    def snapshot(self, vm: str, name: str) -> Snapshot:
        return next(each for each in self.platform.facts(self.ref(vm)).snapshots if each.name == name)

    def take(self, vm: str, method: str = "", name: str = "new", disks: tuple[str, ...] | None = None) -> Plan:
        ref = self.ref(vm)
        return self.platform.facts(ref).plan(Take(ref, name, method=method, disks=disks))

    def run(self, plan: Plan, stop: Event | None = None) -> None:
        assert not plan.refusals
        for step in plan.steps:
            self.platform.run(step, self.reports.append, stop or Event())

    @property
    def lamp(self) -> list[FreezeState]:
        return [report.freeze.state for report in self.reports if report.freeze]


def codes(plan: Plan) -> set[str]:
    return {refusal.code for refusal in plan.refusals}


def every_vm() -> list[tuple[Vm, tuple[Snapshot, ...]]]:
    found = []
    for site in demo_sites(now=NOW):
        platform = DemoPlatform(site)
        for page in platform.vms():
            snapshots = platform.snapshots([vm.ref for vm in page])
            found += [(vm, snapshots[vm.ref]) for vm in page]
    return found


class TestWorlds:
    def test_the_same_each_time(self) -> None:
        assert every_vm() == every_vm()

    def test_every_state_is_there_to_be_looked_at(self) -> None:
        vms = [vm for vm, _ in every_vm()]
        assert {vm.state for vm in vms} == set(VmState)
        assert {vm.agent for vm in vms} == set(AgentState)
        assert {each.consistency for _, found in every_vm() for each in found} == set(Consistency)

    def test_parents_are_known_but_for_the_one_orphan(self) -> None:
        orphans = [
            each.name
            for _, found in every_vm()
            for each in found
            if each.parent and each.parent not in {other.id for other in found}
        ]
        assert orphans == ["plugins"]

    def test_at_most_one_is_current_and_nothing_is_of_tomorrow(self) -> None:
        for vm, found in every_vm():
            assert sum(each.current for each in found) == bool([each for each in found if each.ready]), vm.name
            assert all(each.created < NOW for each in found)

    def test_a_lab_of_twelve_with_protected_baselines(self) -> None:
        lab = [found for vm, found in every_vm() if "lab:networks-101" in vm.tags]
        assert len(lab) == 12
        assert all(any(each.name == "baseline" and each.protected for each in found) for found in lab)

    def test_two_hundred_in_a_row(self) -> None:
        found = next(found for vm, found in every_vm() if vm.name == "ci-runner-01")
        assert len(found) == 200
        assert len({each.parent for each in found}) == 200

    @pytest.mark.parametrize("shape", ["libvirt", "openshift", "openstack"])
    def test_as_many_as_asked_for(self, shape: str) -> None:
        options = {"shape": shape, "vms": "123", "snapshots": "11"}
        platform = DemoPlatform(Site("many", PlatformKind.DEMO, "demo:", options=options))
        platform.open()
        pages = list(platform.vms())
        assert len(pages[0]) < len(pages[1])
        refs = [vm.ref for page in pages for vm in page]
        snapshots = platform.snapshots(refs)
        assert len(snapshots) == 123
        assert {len(found) for found in snapshots.values()} == {11}
        assert all(sum(each.current for each in found) == 1 for found in snapshots.values())

    @pytest.mark.parametrize(
        "options", [{"shape": "vmware"}, {"speed": "fast"}, {"now": "yesterday"}, {"vms": "many"}], ids=str
    )
    def test_wrong_option_is_told(self, options: dict[str, str]) -> None:
        with pytest.raises(Unreachable, match="demo option"):
            DemoPlatform(Site("wrong", PlatformKind.DEMO, "demo:", options=options)).open()


@pytest.mark.parametrize(
    ("shape", "vm", "method", "refused"),
    [
        ("libvirt", "db-prod-01", "external-quiesced", set()),
        ("libvirt", "db-prod-01", "internal", {"mixed-tree"}),
        ("libvirt", "db-prod-02", "external-quiesced", {"agent-off"}),
        ("libvirt", "db-prod-02", "external-memory", set()),
        ("libvirt", "web-01", "internal", set()),
        ("libvirt", "web-01", "external", {"mixed-tree"}),
        ("libvirt", "web-02", "external-quiesced", {"not-running", "mixed-tree"}),
        ("libvirt", "web-03", "external-memory", {"not-running", "mixed-tree"}),
        ("libvirt", "legacy-erp", "internal", {"mixed-tree"}),
        ("libvirt", "legacy-erp", "external", {"mixed-tree"}),
        ("libvirt", "files-01", "internal", {"raw-disk", "mixed-tree"}),
        ("libvirt", "sql-02", "external", {"block-disk"}),
        ("libvirt", "sql-02", "internal", {"raw-disk"}),
        ("libvirt", "ceph-gw", "external", {"network-disk"}),
        ("libvirt", "ceph-gw", "external-quiesced", {"network-disk", "agent-off"}),
        ("libvirt", "kiosk", "internal", {"managed-save"}),
        ("libvirt", "ci-ephemeral-7f3a", "external", {"transient"}),
        ("libvirt", "mail-01", "external", {"changing"}),
        ("libvirt", "jumphost", "external", {"suspended"}),
        ("libvirt", "edge-fw", "external", {"unknown-state"}),
        ("libvirt", "ci-runner-02", "no-such", {"no-such-method"}),
        ("openshift", "shop-db", "vm-snapshot", set()),
        ("openshift", "pay-gateway", "vm-snapshot", {"frozen"}),
        ("openshift", "pay-gateway", "volume-snapshot", set()),
        ("openshift", "centos-starting", "vm-snapshot", {"changing"}),
        ("openshift", "stateless", "vm-snapshot", {"no-disk"}),
        ("openstack", "edge-proxy-1", "image", set()),
        ("openstack", "edge-proxy-1", "volumes", {"no-disk"}),
        ("openstack", "blue-postgres", "volumes", set()),
        ("openstack", "blue-postgres", "whole", set()),
        ("openstack", "edge-proxy-1", "whole", {"same-as-image"}),
    ],
)
def test_taking_is_refused(shape: str, vm: str, method: str, refused: set[str]) -> None:
    assert codes(Demo(shape).take(vm, method)) == refused


@pytest.mark.parametrize(
    ("shape", "vm", "best", "consistency"),
    [
        ("libvirt", "db-prod-01", "external-quiesced", Consistency.FILESYSTEM),
        ("libvirt", "db-prod-02", "external-memory", Consistency.MEMORY),
        ("libvirt", "web-01", "internal", Consistency.MEMORY),
        ("libvirt", "web-03", "internal", Consistency.CLEAN),
        ("libvirt", "wiki", "external", Consistency.CRASH),
        ("openshift", "shop-db", "vm-snapshot", Consistency.FILESYSTEM),
        ("openshift", "shop-cache", "vm-snapshot", Consistency.CRASH),
        ("openshift", "paused-debug", "vm-snapshot", Consistency.CRASH),
        ("openshift", "win-rdp-02", "vm-snapshot", Consistency.CLEAN),
        ("openstack", "edge-proxy-1", "image", Consistency.CRASH),
        ("openstack", "blue-postgres", "whole", Consistency.CRASH),
        ("openstack", "edge-proxy-2", "image", Consistency.UNKNOWN),
        ("openstack", "bastion", "image", Consistency.CRASH),
        ("openstack", "dns-1", "image", Consistency.CLEAN),
    ],
)
def test_recommended(shape: str, vm: str, best: str, consistency: Consistency) -> None:
    demo = Demo(shape)
    methods = demo.platform.facts(demo.ref(vm)).methods()
    assert [(method.id, method.consistency) for method in methods if method.recommended] == [(best, consistency)]


class TestPlans:
    @pytest.mark.parametrize(
        ("shape", "name", "refused"),
        [
            ("libvirt", "a/b", "name-invalid"),
            ("libvirt", ".hidden", "name-invalid"),
            ("libvirt", "two\nlines", "name-invalid"),
            ("libvirt", "x" * 201, "name-too-long"),
            ("libvirt", "[bold] <näme> 🐧", ""),
            ("openshift", "UPPER", "name-invalid"),
            ("openshift", "-dash", "name-invalid"),
            ("openshift", "x" * 64, "name-too-long"),
            ("openshift", "before-update.2", ""),
            ("openstack", "Any Thing: 1/2", ""),
            ("openstack", "x" * 256, "name-too-long"),
            ("openstack", "\x1b[31m", "name-invalid"),
        ],
    )
    def test_names(self, shape: str, name: str, refused: str) -> None:
        vm = {"libvirt": "ci-runner-02", "openshift": "win-rdp-02", "openstack": "blue-test"}[shape]
        assert codes(Demo(shape).take(vm, name=name)) == ({refused} if refused else set())

    def test_disks_are_chosen(self) -> None:
        demo = Demo("libvirt")
        plan = demo.take("files-01", "external", disks=("vda",))
        assert not plan.refusals
        assert any("vdb" in caution for caution in plan.cautions)
        demo.run(plan)
        assert demo.snapshot("files-01", "new").missing == ("vdb",)
        assert codes(demo.take("db-prod-01", "external-memory", disks=("vda",))) == {"all-disks"}
        assert codes(demo.take("db-prod-01", "external", disks=("hda",))) == {"no-such-disk", "no-disk"}
        assert codes(demo.take("db-prod-01", "external", disks=())) == {"no-disk"}

    def test_a_network_disk_may_be_left_out(self) -> None:
        demo = Demo("libvirt")
        ref = demo.ref("ci-runner-02")
        rbd = demo.platform.vm(demo.ref("ceph-gw")).disks[0]
        vm = demo.platform.vm(ref)
        demo.world.put(replace(vm, disks=(*vm.disks, replace(rbd, id="vdb"))))
        assert codes(demo.take("ci-runner-02", "external")) == {"network-disk"}
        assert not codes(demo.take("ci-runner-02", "external", disks=("vda",)))

    def test_memory_that_does_not_fit(self) -> None:
        demo = Demo("libvirt")
        ref = demo.ref("db-prod-01")
        vm = demo.platform.vm(ref)
        demo.world.put(replace(vm, memory=(vm.memory or 0) * 100))
        assert codes(demo.take("db-prod-01", "external-memory")) == {"no-space"}
        assert not codes(demo.take("db-prod-01", "external"))

    def test_what_is_missing_is_cautioned(self) -> None:
        demo = Demo("openshift")
        assert any("scratch" in caution for caution in demo.take("shop-db").cautions)

    def test_protected_is_not_deleted(self) -> None:
        demo = Demo("libvirt")
        base = demo.snapshot("web-01", "base").ref
        facts = demo.platform.facts(base.vm)
        assert codes(facts.plan(Delete(base))) == {"protected"}
        assert codes(facts.plan(Delete(base, Scope.TREE))) == {"protected"}
        assert not codes(facts.plan(Delete(base, Scope.CHILDREN)))

    def test_mixed_tree_loses_records_only(self) -> None:
        demo = Demo("libvirt")
        old = demo.snapshot("legacy-erp", "patch-2024").ref
        facts = demo.platform.facts(old.vm)
        assert codes(facts.plan(Delete(old))) == {"mixed-tree"}
        plan = facts.plan(Delete(old, metadata_only=True))
        assert not plan.refusals
        assert [loss.kind for loss in plan.losses] == [LossKind.RECORD]

    def test_what_can_not_be_deleted_that_way(self) -> None:
        libvirt, cluster = Demo("libvirt"), Demo("openshift")
        leaf = libvirt.snapshot("db-prod-01", "nightly").ref
        assert codes(libvirt.platform.facts(leaf.vm).plan(Delete(leaf, Scope.CHILDREN))) == {"no-children"}
        kept = cluster.snapshot("shop-db", "nightly-b").ref
        plan = cluster.platform.facts(kept.vm).plan(Delete(kept, metadata_only=True))
        assert codes(plan) == {"metadata-unsupported"}

    def test_not_ready_is_not_restored(self) -> None:
        demo = Demo("openshift")
        broken = demo.snapshot("shop-db", "nightly-a").ref
        assert codes(demo.platform.facts(broken.vm).plan(Restore(broken))) == {"not-ready"}

    def test_only_the_newest_volume_snapshot_goes_back(self) -> None:
        demo = Demo("openstack")
        ref = demo.ref("blue-postgres")
        facts = demo.platform.facts(ref)
        assert codes(facts.plan(Restore(demo.snapshot("blue-postgres", "data-monday").ref, how="revert"))) == {
            "not-latest"
        }
        assert not codes(facts.plan(Restore(demo.snapshot("blue-postgres", "data-friday").ref)))

    def test_a_new_vm_is_made_of_a_snapshot(self) -> None:
        demo = Demo("openstack")
        old = demo.snapshot("edge-proxy-1", "haproxy-3.0").ref
        facts = demo.platform.facts(old.vm)
        assert codes(facts.plan(Restore(old, how="new", settings=(("name", " "),)))) == {"bad-setting"}
        assert codes(facts.plan(Restore(old, how="rebuild", settings=(("name", "x"),)))) == {"no-such-setting"}
        demo.run(facts.plan(Restore(old, how="new", settings=(("name", "copy"),))))
        assert demo.platform.vm(demo.ref("copy")).state is VmState.RUNNING
        assert not demo.platform.facts(demo.ref("copy")).snapshots
        assert demo.snapshot("edge-proxy-1", "haproxy-3.0").forks == ("copy",)

    def test_losses_of_a_restore_and_what_safety_saves(self) -> None:
        demo = Demo("libvirt")
        old = demo.snapshot("db-prod-01", "weekly-46").ref
        facts = demo.platform.facts(old.vm)
        assert {loss.kind for loss in facts.plan(Restore(old)).losses} == {LossKind.MEMORY, LossKind.CHANGES}
        assert {loss.kind for loss in facts.plan(Restore(old, safety="safe")).losses} == {LossKind.MEMORY}
        web = demo.snapshot("web-01", "release-4.1").ref  # its safety snapshot keeps memory too
        assert not demo.platform.facts(web.vm).plan(Restore(web, safety="safe")).losses

    def test_cluster_restores_a_stopped_vm(self) -> None:
        demo = Demo("openshift")
        old = demo.snapshot("shop-frontend", "campaign-a").ref
        facts = demo.platform.facts(old.vm)
        assert [step.action for step in facts.plan(Restore(old)).steps] == ["power", "restore", "power"]
        assert [step.action for step in facts.plan(Restore(old, After.OFF)).steps] == ["power", "restore"]
        assert codes(facts.plan(Restore(old, After.PAUSED))) == {"after-unsupported"}
        demo.run(facts.plan(Restore(old)))
        assert demo.platform.vm(old.vm).state is VmState.RUNNING
        assert demo.snapshot("shop-frontend", "campaign-a").current

    def test_edit_of_nothing(self) -> None:
        demo = Demo("libvirt")
        nightly = demo.snapshot("db-prod-01", "nightly")
        facts = demo.platform.facts(nightly.ref.vm)
        assert codes(facts.plan(Edit(nightly.ref))) == {"nothing-to-do"}
        assert codes(facts.plan(Edit(nightly.ref, nightly.name, nightly.description))) == {"nothing-to-do"}
        assert codes(facts.plan(Edit(nightly.ref, name="weekly-46"))) == {"name-taken"}

    @pytest.mark.parametrize(
        ("shape", "vm", "code"),
        [
            ("libvirt", "db-prod-01", "not-frozen"),
            ("libvirt", "db-prod-02", "no-agent"),
            ("openstack", "edge-proxy-1", "thaw-unsupported"),
        ],
    )
    def test_thaw_is_refused(self, shape: str, vm: str, code: str) -> None:
        demo = Demo(shape)
        assert codes(demo.platform.facts(demo.ref(vm)).plan(Thaw(demo.ref(vm)))) == {code}

    def test_thaw(self) -> None:
        demo = Demo("openshift")
        ref = demo.ref("pay-gateway")
        assert demo.platform.facts(ref).freeze.since == datetime(2026, 11, 23, 13, 58, tzinfo=UTC)
        demo.run(demo.platform.facts(ref).plan(Thaw(ref)))
        assert demo.platform.facts(ref).freeze.state is FreezeState.THAWED


class TestSteps:
    def test_the_lamp_goes_through_all_its_states(self) -> None:
        demo = Demo("libvirt")
        demo.run(demo.take("db-prod-01"))
        assert demo.lamp == [FreezeState.FREEZING, FreezeState.FROZEN, FreezeState.THAWING, FreezeState.THAWED]
        assert all(report.freeze.since for report in demo.reports if report.freeze)

    def test_a_hidden_freeze_says_so(self) -> None:
        demo = Demo("openstack")
        demo.run(demo.take("edge-proxy-1"))
        assert demo.lamp == [FreezeState.HIDDEN]

    def test_memory_is_copied_in_rising_numbers(self) -> None:
        demo = Demo("libvirt")
        demo.run(demo.take("db-prod-01", "external-memory"))
        done = [report.done for report in demo.reports if report.done is not None]
        assert len(done) >= 5
        assert done == sorted(done)
        assert demo.reports[-1].fraction == 1

    @pytest.mark.parametrize(
        ("shape", "vm", "method", "error"),
        [
            ("libvirt", "dc-win-02", "external-quiesced", Failed),
            ("openshift", "pay-ledger", "vm-snapshot", Failed),
            ("libvirt", "analytics-01", "external-memory", Failed),
            ("openstack", "blue-rabbit", "image", Denied),
        ],
    )
    def test_scripted_failures_leave_all_as_it_was(
        self, shape: str, vm: str, method: str, error: type[Exception]
    ) -> None:
        demo = Demo(shape)
        before = demo.platform.facts(demo.ref(vm))
        with pytest.raises(error):
            demo.run(demo.take(vm, method))
        after = demo.platform.facts(demo.ref(vm))
        assert after.snapshots == before.snapshots
        assert after.freeze.state is before.freeze.state
        assert not after.busy

    def test_a_freeze_that_times_out_is_thawed(self) -> None:
        demo = Demo("libvirt")
        with pytest.raises(Failed, match="timed out"):
            demo.run(demo.take("dc-win-02"))
        assert demo.lamp == [FreezeState.FREEZING, FreezeState.FAILED, FreezeState.THAWING, FreezeState.THAWED]

    def test_scripts_can_be_changed(self) -> None:
        demo = Demo("libvirt")
        demo.world.script(demo.ref("dc-win-02"), ())
        demo.run(demo.take("dc-win-02"))
        demo.world.script(demo.ref("web-01"), (Fault.DISK_FULL,))
        with pytest.raises(Failed, match="No space left"):
            demo.run(demo.take("web-01"))

    def test_the_line_breaks_while_frozen(self) -> None:
        demo = Demo("libvirt", speed=1)

        def report(progress: Progress) -> None:
            demo.reports.append(progress)
            if progress.freeze and progress.freeze.state is FreezeState.FROZEN:
                demo.world.lose()

        ref = demo.ref("db-prod-01")
        with pytest.raises(Unreachable):
            demo.platform.run(demo.take("db-prod-01").steps[0], report, Event())
        assert demo.lamp[-1] is FreezeState.THAWED
        demo.world.regain()
        assert demo.platform.facts(ref).freeze.state is FreezeState.THAWED
        assert not demo.platform.facts(ref).busy

    def test_a_vm_that_goes_while_it_is_snapshotted(self) -> None:
        demo = Demo("libvirt")
        ref = demo.ref("db-prod-01")
        with pytest.raises(Missing):
            demo.platform.run(demo.take("db-prod-01").steps[0], lambda _: demo.world.vanish(ref), Event())

    def test_a_vm_does_one_thing_at_a_time(self) -> None:
        demo = Demo("libvirt")
        ref = demo.ref("web-01")
        demo.world.occupy(ref, "backup")
        assert codes(demo.take("web-01", "internal")) == {"busy"}
        demo.world.occupy(ref, "")
        step = demo.take("web-01").steps[0]
        demo.world.occupy(ref, "backup")
        with pytest.raises(Conflict, match="backup"):
            demo.platform.run(step, demo.reports.append, Event())

    def test_an_unknown_step_is_unsupported(self) -> None:
        demo = Demo("libvirt")
        with pytest.raises(Unsupported):
            demo.platform.run(Step("explode", demo.ref("web-01"), ""), demo.reports.append, Event())

    def test_durations_are_believable(self) -> None:
        """At a tenth of the pace the guest is frozen for a tenth of what is believable."""
        demo = Demo("libvirt", speed=10)
        demo.run(demo.take("db-prod-01"))
        since = [report.freeze.since for report in demo.reports if report.freeze and report.freeze.since]
        frozen = (since[2] - since[1]).total_seconds()
        assert frozen >= 0.07


class TestConnection:
    def test_lost_and_regained(self) -> None:
        demo = Demo("openshift")
        queue: SimpleQueue[Change] = SimpleQueue()
        stop, listening = Event(), Event()

        def emit(change: Change) -> None:
            listening.set()
            queue.put(change)

        thread = Thread(target=demo.platform.watch, args=(emit, stop), daemon=True)
        thread.start()
        while not listening.is_set():  # the watch does not say when it begins
            demo.world.occupy(demo.ref("shop-db"), "")
            listening.wait(0.02)
        demo.world.lose("cable cut")
        for call in (demo.platform.open, lambda: list(demo.platform.vms()), lambda: demo.platform.snapshots([])):
            with pytest.raises(Unreachable, match="cable cut"):
                call()
        demo.world.lose("again")
        demo.world.regain()
        demo.world.regain()
        assert demo.platform.open().product
        kinds = []
        while ChangeKind.BACK not in kinds:
            kinds.append(queue.get(timeout=2).kind)
        assert [kind for kind in kinds if kind is not ChangeKind.VM] == [ChangeKind.LOST, ChangeKind.BACK]
        stop.set()
        thread.join(2)
        assert not thread.is_alive()
