"""Reading the facts of one domain: a handful of calls, two for each snapshot, none that waits for long."""

from __future__ import annotations

import os
import posixpath
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import libvirt

from vmsnap_tui.model.errors import Conflict
from vmsnap_tui.model.freeze import Freeze, FreezeState
from vmsnap_tui.model.stack import read_now
from vmsnap_tui.model.vm import AgentState, VmState
from vmsnap_tui.platforms.libvirt import agent, chain
from vmsnap_tui.platforms.libvirt.convert import has_deep_chain, never_nfs
from vmsnap_tui.platforms.libvirt.definition import definition, nvram_format, odd_disks, record, unsavable
from vmsnap_tui.platforms.libvirt.errors import is_code, typed_errors
from vmsnap_tui.platforms.libvirt.facts import Folder, Host, LibvirtFacts
from vmsnap_tui.platforms.libvirt.inventory import read_snapshots, read_vm
from vmsnap_tui.platforms.libvirt.jobs import block_jobs
from vmsnap_tui.platforms.libvirt.users import users_of, with_users
from vmsnap_tui.platforms.libvirt.xml import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import Vm, VmRef
    from vmsnap_tui.platforms.libvirt.connection import Connection
    from vmsnap_tui.platforms.libvirt.facts import Definition, Record
    from vmsnap_tui.platforms.libvirt.links import Sizes

_NOT_THERE = (libvirt.VIR_ERR_NO_SUPPORT, libvirt.VIR_ERR_OPERATION_UNSUPPORTED, libvirt.VIR_ERR_OPERATION_INVALID)
_RUNNING_JOBS = (libvirt.VIR_DOMAIN_JOB_BOUNDED, libvirt.VIR_DOMAIN_JOB_UNBOUNDED)
_TRIES, _PAUSE = 10, 0.05  # somebody else's quick question is no job
_SETTLED = 2.0  # seconds that a snapshot's files may be younger than its time, which is in whole seconds


def gather(connection: Connection, ref: VmRef, is_nfs: Callable[[str], bool] = never_nfs) -> LibvirtFacts:
    """Fresh facts. Raises Missing, Unreachable, Denied, and Conflict where something holds the domain."""
    domain = connection.domain(ref.id)
    with typed_errors():
        conn = connection.raw
        host = Host(conn.getType(), conn.getLibVersion(), conn.getVersion(), connection.is_local, connection.uri)
        resident = _resident(conn, domain) if host.driver == "QEMU" and domain.isActive() else None
    vm = read_vm(connection, ref, is_nfs)
    snapshots = read_snapshots(domain, ref)
    local = host.local
    with typed_errors():
        active = bool(domain.isActive())
        text = domain.XMLDesc()
        root = parse(text)
        now = definition(root)
        roots = chain.read_records(domain)
        records = {name: record(each) for name, each in roots.items()}
        looked_at = chain.Host.of(conn, local=local)
        sizes: Sizes | None = {} if active else None
        if active and not local and not has_deep_chain(text):  # this machine's files tell their sizes themselves
            sizes = chain.block_sizes(conn, [domain]).get(ref.id, {})
        layers = chain.layers_of(root, looked_at, snapshots, roots, sizes)
        layers = with_users(layers, users_of(connection, looked_at), ref.id)
        jobs = block_jobs(domain, root, (*now.sources, *now.others)) if active else {}
        busy = _busy(domain, jobs) if active else ""
        checkpoints = _has_checkpoints(domain)
    return LibvirtFacts(
        vm=vm,
        host=host,
        active=active,
        snapshots=snapshots,
        chain=read_now(layers),
        layers=layers,
        freeze=_freeze(connection, domain, vm),
        read_only=connection.read_only,
        busy=busy,
        jobs=jobs,
        checkpoints=checkpoints,
        serial_bus=root.find("devices/controller[@type='virtio-serial']") is not None,
        changed=active or not local or _is_changed(now, snapshots),
        odd=odd_disks(root),
        unsavable=unsavable(root),
        nvram=nvram_format(root),
        resident=resident,
        definition=now,
        records=records,
        folders=_folders(now, records.values()) if local else {},
    )


def _freeze(connection: Connection, domain: libvirt.virDomain, vm: Vm) -> Freeze:
    if vm.agent is not AgentState.CONNECTED:
        return Freeze(FreezeState.UNAVAILABLE)
    if vm.state is not VmState.RUNNING:
        return Freeze(FreezeState.UNAVAILABLE, why="the guest does not run")
    if connection.read_only:
        return Freeze(FreezeState.UNAVAILABLE, why="the agent is not asked on a connection for reading only")
    return agent.freeze_state(domain)


def _resident(conn: libvirt.virConnect, domain: libvirt.virDomain) -> int | None:
    """The bytes of host memory that a running domain takes. Raises Conflict where something holds the domain.

    While memory is saved into an image file, everything that is asked of the domain, its XML too, waits for half a
    minute and fails. So libvirt is first asked for numbers that it leaves out when it would have to wait.
    """
    flags = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT
    for _ in range(_TRIES):
        found = conn.domainListGetStats([domain], libvirt.VIR_DOMAIN_STATS_BALLOON, flags)
        if not found:
            return None  # it has just gone, and the next call says so
        rss = found[0][1].get("balloon.rss")
        if rss is not None:
            return int(rss) * 1024
        time.sleep(_PAUSE)
    raise Conflict("something else holds this vm, such as a snapshot being taken", "wait until it is done")


def _busy(domain: libvirt.virDomain, jobs: Iterable[str]) -> str:
    """What else is at work on a running domain."""
    try:
        if domain.jobInfo()[0] in _RUNNING_JOBS:
            return "a job of the whole vm, such as a save, a snapshot or a migration"
    except libvirt.libvirtError as error:
        if not is_code(error, *_NOT_THERE):
            raise
    return next((f"a block job on {disk}" for disk in jobs), "")


def _has_checkpoints(domain: libvirt.virDomain) -> bool:
    try:
        return bool(domain.listAllCheckpoints())
    except libvirt.libvirtError as error:
        if is_code(error, *_NOT_THERE):
            return False
        raise


def _is_changed(now: Definition, snapshots: tuple[Snapshot, ...]) -> bool:
    """Whether a vm that is off may have written since its current snapshot, by the times of its files."""
    current = next((snapshot for snapshot in snapshots if snapshot.current), None)
    if current is None or current.state is not VmState.OFF or now.others:
        return True
    limit = current.created.timestamp() + _SETTLED
    try:
        return any(Path(place).stat().st_mtime > limit for place in now.sources.values())
    except OSError:
        return True


def _folders(now: Definition, records: Iterable[Record]) -> Mapping[str, Folder]:
    """The folders that the disks and snapshots of a vm lie in, where this process may look."""
    paths = set(now.sources.values())
    for one in records:
        paths.update(one.definition.sources.values(), one.overlays.values(), [one.memory])
    return {folder: _folder(folder) for folder in {posixpath.dirname(path) for path in paths if path}}


def _folder(path: str) -> Folder:
    try:
        names = frozenset(os.listdir(path))  # noqa: PTH208 - only the names, of a folder that may hold thousands
    except FileNotFoundError:
        return Folder(frozenset())
    except OSError:
        names = None
    try:
        return Folder(names, shutil.disk_usage(path).free)
    except OSError:
        return Folder(names)
