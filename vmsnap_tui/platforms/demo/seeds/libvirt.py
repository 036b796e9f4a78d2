"""A hypervisor of a small firm and of a course: internal and external trees, and what goes wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from vmsnap_tui.model.vm import AgentState, Backend, Disk, VmState
from vmsnap_tui.platforms.demo.seeds.planter import DAYS, GIB, MINUTES, WEEKLY, files
from vmsnap_tui.platforms.demo.world import Fault

if TYPE_CHECKING:
    from vmsnap_tui.platforms.demo.seeds.planter import Planter

_QUIESCED, _DISKS, _MEMORY, _INTERNAL = "external-quiesced", "external", "external-memory", "internal"
_OFF, _PAUSED = VmState.OFF, VmState.PAUSED


def plant_libvirt(planter: Planter) -> None:
    """All of it."""
    _databases(planter)
    _web(planter)
    _windows(planter)
    _builders(planter)
    _troubled(planter)
    _odd_disks(planter)
    _students(planter)


def _databases(planter: Planter) -> None:
    prod = planter.vm(
        "db-prod-01",
        files("db-prod-01", 80, 400, used=0.6),
        memory=32,
        vcpus=8,
        title="PostgreSQL primary",
        description="Orders and customers. Replicates to db-prod-02.",
        autostart=True,
        free=310,
    )
    prod.was(memory=16 * GIB, vcpus=4, title="PostgreSQL")
    prod.took("installed", 212 * DAYS, _DISKS, "Debian 12, nothing else", size=1.9, state=_OFF)
    prod.took("postgres-15", 180 * DAYS, _QUIESCED, "Packages and tuning", size=24.4)
    prod.took("before-upgrade-16", 41 * DAYS, _QUIESCED, "pg_upgrade --link, ticket OPS-1184", size=38.1)
    prod.took("upgrade-16-try-1", 40.9 * DAYS, _DISKS, "extension postgis missing", size=3.2)
    prod.took("upgrade-16-core", 40.8 * DAYS, _DISKS, "for the bug report", size=0.7, agent=AgentState.DISCONNECTED)
    prod.went_back("before-upgrade-16")
    prod.took("upgrade-16-try-2", 40.2 * DAYS, _MEMORY, "postgis first, with memory", size=19.6)
    prod.was()
    prod.took("upgraded-16", 40 * DAYS, _QUIESCED, "all checks green", size=12.8)
    prod.took("before-index-rebuild", 9 * DAYS, _QUIESCED, size=52.3)
    prod.took("index-try-hash", 8.9 * DAYS, _QUIESCED, "slower than before", size=8.5)
    prod.went_back("before-index-rebuild")
    prod.took("index-brin", 8.7 * DAYS, _QUIESCED, "three times as fast", size=6.4)
    prod.took("weekly-46", 3 * DAYS, _QUIESCED, "with the shop that is in front of it", size=21.7, group=WEEKLY)
    prod.took("nightly", 7.5, _QUIESCED, "by cron", size=2.1)
    prod.finish()

    replica = planter.vm(
        "db-prod-02",
        files("db-prod-02", 80, 400, used=0.6),
        agent=AgentState.DISCONNECTED,
        memory=32,
        vcpus=8,
        title="PostgreSQL replica",
        autostart=True,
        free=310,
    )
    replica.took("installed", 211 * DAYS, _DISKS, size=1.9, state=_OFF)
    replica.took("replica-ready", 180 * DAYS, _QUIESCED, size=20.2, agent=AgentState.CONNECTED)
    replica.took("weekly-45", 10 * DAYS, _DISKS, "the agent did not answer", size=30.9)
    replica.took("weekly-46", 3 * DAYS, _DISKS, "the agent did not answer", size=18.4)
    replica.finish()


def _web(planter: Planter) -> None:
    first = planter.vm("web-01", files("web-01", 40), memory=8, vcpus=4, title="nginx, blue", autostart=True)
    first.took("base", 96 * DAYS, _INTERNAL, "golden image", size=1.1, state=_OFF, protected=True)
    first.took("release-4.1", 33 * DAYS, _INTERNAL, size=2.9)
    first.took("release-4.2", 19 * DAYS, _INTERNAL, size=3.0)
    first.took("hotfix-cve", 6 * DAYS, _INTERNAL, "openssl", size=3.1)
    first.finish()

    second = planter.vm("web-02", files("web-02", 40), _PAUSED, memory=8, vcpus=4, title="nginx, green", autostart=True)
    second.took("base", 96 * DAYS, _INTERNAL, "golden image", size=1.1, state=_OFF, protected=True)
    second.took("release-4.1", 33 * DAYS, _INTERNAL, size=2.9, state=VmState.RUNNING)
    second.took("http3-trial", 30 * DAYS, _INTERNAL, "quiche", size=2.8, state=VmState.RUNNING)
    second.took("http3-tuned", 29 * DAYS, _INTERNAL, size=2.8, state=VmState.RUNNING)
    second.went_back("release-4.1")
    second.took("release-4.2", 19 * DAYS, _INTERNAL, size=3.0, state=VmState.RUNNING)
    second.took("release-4.3-rc", 2 * DAYS, _INTERNAL, "breaks uploads", size=3.3, state=VmState.RUNNING)
    second.went_back("release-4.2")
    second.took("debugging-uploads", 5, _INTERNAL, "paused in the middle of a hanging upload", size=3.4)
    second.finish()

    spare = planter.vm("web-03", files("web-03", 40, used=0.1), _OFF, memory=8, vcpus=4, title="nginx, spare")
    spare.took("base", 96 * DAYS, _INTERNAL, "golden image", size=1.1, protected=True)
    spare.finish()


def _windows(planter: Planter) -> None:
    main = planter.vm(
        "dc-win-01",
        files("dc-win-01", 120, used=0.5),
        memory=16,
        vcpus=4,
        title="Windows Server 2025, domain controller",
        tpm=True,
        autostart=True,
        free=95,
    )
    main.took("sysprep", 400 * DAYS, _DISKS, size=0.3, state=_OFF, protected=True)
    main.took("promoted", 399 * DAYS, _MEMORY, "dcpromo done, DNS checked", size=9.8)
    main.took("kb5049993", 21 * DAYS, _QUIESCED, "before patch day", size=14.1)
    main.took("schema-change", 4 * DAYS, _MEMORY, "before the schema is extended", size=10.2)
    main.finish()

    other = planter.vm(
        "dc-win-02",
        files("dc-win-02", 120, used=0.5),
        memory=16,
        vcpus=4,
        title="Windows Server 2025, second controller",
        description="VSS hangs now and then: a freeze may time out here.",
        tpm=True,
        free=95,
        faults=(Fault.AGENT_TIMEOUT,),
    )
    other.took("sysprep", 398 * DAYS, _DISKS, size=0.3, state=_OFF, protected=True)
    other.took("kb5049993", 21 * DAYS, _DISKS, "freeze timed out", size=13.0, agent=AgentState.DISCONNECTED)
    other.finish()


def _builders(planter: Planter) -> None:
    runner = planter.vm(
        "ci-runner-01", files("ci-runner-01", 200), _OFF, memory=16, vcpus=8, title="builds every night"
    )
    for night in range(200):
        runner.took(f"nightly-{night + 1:03}", (200 - night) * DAYS + 3, _INTERNAL, size=0.2 + night % 7 * 0.05)
    runner.finish()

    planter.vm("ci-runner-02", files("ci-runner-02", 200, used=0.2), memory=16, vcpus=8, title="new").finish()

    transient = planter.vm(
        "ci-ephemeral-7f3a", files("ci-ephemeral-7f3a", 20), agent=AgentState.ABSENT, memory=2, persistent=False
    )
    transient.finish()


def _troubled(planter: Planter) -> None:
    erp = planter.vm(
        "legacy-erp",
        files("legacy-erp", 60, 250, used=0.8),
        agent=AgentState.ABSENT,
        memory=8,
        title="do not touch on Fridays",
        uefi=False,
        autostart=True,
        free=120,
    )
    erp.took("golden", 900 * DAYS, _INTERNAL, size=0.1, state=_OFF)
    erp.took("before-migration", 500 * DAYS, _INTERNAL, size=6.0)
    erp.took("patch-2023", 420 * DAYS, _DISKS, "virt-manager made this one external", size=41.0)
    erp.took("patch-2024", 200 * DAYS, _DISKS, size=55.2)
    erp.went_back("before-migration")
    erp.took("migrated", 190 * DAYS, _INTERNAL, size=6.3)
    erp.finish()

    analytics = planter.vm(
        "analytics-01",
        files("analytics-01", 100, 2000, used=0.3, folder="/net/nas1/vms"),
        memory=96,
        vcpus=24,
        title="Spark, much memory",
        description="Its memory hardly fits where snapshots go.",
        free=64,
        faults=(Fault.DISK_FULL,),
    )
    analytics.took("cluster-joined", 70 * DAYS, _QUIESCED, size=88.0)
    analytics.took(
        "before-shuffle",
        12 * DAYS,
        _MEMORY,
        size=3.0,
        error="memory file is gone: /net/nas1/vms/analytics-01.before-shuffle.mem",
    )
    analytics.finish()

    wiki = planter.vm("wiki", files("wiki", 30), VmState.CRASHED, memory=4, title="BookStack")
    wiki.took("imported", 150 * DAYS, _DISKS, size=0.4, state=_OFF)
    wiki.took("theme", 149 * DAYS, _QUIESCED, size=1.2, state=VmState.RUNNING)
    wiki.took("plugins", 90 * DAYS, _QUIESCED, "its parent was removed by hand", size=2.0, state=VmState.RUNNING)
    wiki.took("plugins-2", 80 * DAYS, _QUIESCED, size=0.9, state=VmState.RUNNING)
    wiki.lost("theme")
    wiki.finish()

    mail = planter.vm("mail-01", files("mail-01", 50, 300), VmState.CHANGING, memory=8, title="migrating to rack-8")
    mail.took("before-move", 1.5, _QUIESCED, size=0.6, state=VmState.RUNNING)
    mail.finish()

    planter.vm("jumphost", files("jumphost", 10), VmState.SUSPENDED, memory=1, vcpus=1, title="asleep").finish()
    planter.vm("edge-fw", files("edge-fw", 4), VmState.UNKNOWN, AgentState.UNKNOWN, memory=1, vcpus=2).finish()
    saved = planter.vm("kiosk", files("kiosk", 20), _OFF, memory=2, vcpus=1, saved=True, title="memory saved")
    saved.took("fresh", 60 * DAYS, _INTERNAL, size=0.1)
    saved.finish()


def _odd_disks(planter: Planter) -> None:
    raw = files("files-01", 40, form="qcow2") + tuple(
        replace(disk, id="vdb") for disk in files("files-01-share", 800, form="raw", used=0.9)
    )
    share = planter.vm("files-01", raw, memory=4, title="Samba; raw data disk", autostart=True, free=60)
    share.took("before-samba-4.21", 15 * DAYS, _QUIESCED, "system disk alone", size=2.2, disks=("vda",))
    share.finish()
    lvm = Disk("vda", "/dev/vg0/sql-02", "raw", Backend.BLOCK, capacity=500 * GIB, allocation=500 * GIB)
    planter.vm("sql-02", (lvm,), memory=24, vcpus=8, title="on LVM").finish()
    rbd = Disk("vda", "vms/ceph-gw", "raw", Backend.NETWORK, "rbd", capacity=20 * GIB)
    planter.vm("ceph-gw", (rbd,), agent=AgentState.DISCONNECTED, memory=4, title="on Ceph RBD").finish()


def _students(planter: Planter) -> None:
    for number in range(1, 13):
        name = f"student-{number:02}"
        state = (VmState.RUNNING, VmState.RUNNING, _OFF, VmState.RUNNING, _PAUSED)[number % 5]
        agent = AgentState.DISCONNECTED if number == 9 else AgentState.CONNECTED
        pupil = planter.vm(
            name,
            files(name, 16, used=0.2),
            state,
            agent,
            memory=2,
            title="Networks 101",
            tags=("lab:networks-101",),
            free=210,
        )
        lab, age = "networks-101", 30 * DAYS
        pupil.took("baseline", age, _DISKS, "as handed out", size=0.4, state=_OFF, protected=True, baseline=lab)
        if number % 3:
            pupil.took("exercise-1", 14 * DAYS, _DISKS, size=0.5, state=_OFF)
        if number % 4 == 0:
            pupil.took("broke-routing", 13 * DAYS, _DISKS, size=0.5, state=_OFF)
            pupil.went_back("baseline")
        if number % 2:
            pupil.took("exercise-2", 7 * DAYS - number * 20 * MINUTES, _DISKS, size=0.6, state=_OFF)
        if number in {5, 7}:
            pupil.took("exam", 26, _DISKS, "handed in", size=0.7, state=_OFF)
        pupil.finish()
