"""What holds the data of a site's domains, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libvirt

from vmsnap_tui.model.errors import Missing
from vmsnap_tui.model.findings import surveyed
from vmsnap_tui.model.plan import Discard, EndJob, JobEnd
from vmsnap_tui.model.survey import BLOCK_JOB, Finding, Holdings, Mend, Severity
from vmsnap_tui.model.text import clean
from vmsnap_tui.model.vm import VmRef
from vmsnap_tui.platforms.libvirt import chain, inventory
from vmsnap_tui.platforms.libvirt.convert import has_deep_chain
from vmsnap_tui.platforms.libvirt.errors import is_code, typed_errors
from vmsnap_tui.platforms.libvirt.jobs import block_jobs
from vmsnap_tui.platforms.libvirt.strays import mentioned, strays
from vmsnap_tui.platforms.libvirt.users import Users, users_of, with_users
from vmsnap_tui.platforms.libvirt.xml import BrokenXml, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vmsnap_tui.model.survey import Survey
    from vmsnap_tui.model.vm import Site, Vm
    from vmsnap_tui.platforms.libvirt.connection import Connection
    from vmsnap_tui.platforms.libvirt.jobs import BlockJob
    from vmsnap_tui.platforms.libvirt.strays import Stray


def survey(connection: Connection, site: Site, refs: Sequence[VmRef] | None, is_nfs: Callable[[str], bool]) -> Survey:
    """What holds the data of these vms, or of all."""
    with typed_errors():
        host = chain.Host.of(connection.raw, local=connection.is_local)
        vms = _vms(connection, site, refs, is_nfs)
        held, more, live, active = _held(connection, host, vms)
        users = _needing(held) if refs is None else users_of(connection, host) if held else {}
        held = [Holdings(each.vm, each.snapshots, with_users(each.layers, users, each.vm.ref.id)) for each in held]
        blind: list[str] = []
        if refs is None and host.images is not None:
            found, blind = strays(mentioned(host.conn, live, active), host.images)
            more += [_unused(VmRef(site.name, uuid), stray) for uuid, files in found.items() for stray in files]
    return surveyed(held, site.chain_limit, more, map(clean, blind))


def _vms(connection: Connection, site: Site, refs: Sequence[VmRef] | None, is_nfs: Callable[[str], bool]) -> list[Vm]:
    if refs is None:
        return [vm for page in inventory.read_vms(connection, site.name, is_nfs) for vm in page]
    found = []
    for ref in refs:
        try:
            found.append(inventory.read_vm(connection, ref, is_nfs))
        except Missing:
            continue
    return found


def _held(
    connection: Connection, host: chain.Host, vms: Sequence[Vm]
) -> tuple[list[Holdings], list[Finding], dict[str, str], set[str]]:
    """Also the XML of now of these domains, and which of them run."""
    domains = {}
    for vm in vms:
        try:
            domains[vm.ref.id] = connection.handle(vm.ref.id)
        except Missing:
            continue
    texts = {uuid: _live_xml(domain) for uuid, domain in domains.items()}
    active = {uuid for uuid, domain in domains.items() if _is_active(domain)}
    # This machine's files tell their sizes themselves.
    asked = [domains[uuid] for uuid in active if host.images is None and not has_deep_chain(texts[uuid])]
    sizes = chain.block_sizes(host.conn, asked)
    held: list[Holdings] = []
    jobs: list[Finding] = []
    for vm in vms:
        domain = domains.get(vm.ref.id)
        if domain is None:
            continue
        try:
            root = parse(texts[vm.ref.id])
            snapshots = inventory.read_snapshots(domain, vm.ref)
            records = chain.read_records(domain) if snapshots else {}
            found = sizes.get(vm.ref.id, {}) if vm.ref.id in active else None
            held.append(Holdings(vm, snapshots, chain.layers_of(root, host, snapshots, records, found)))
            if vm.ref.id in active:
                at_work = block_jobs(domain, root, [disk.id for disk in vm.disks if disk.source])
                jobs += [_job(vm, disk, job) for disk, job in at_work.items()]
        except (BrokenXml, Missing):
            continue
        except libvirt.libvirtError as error:
            if not is_code(error, libvirt.VIR_ERR_NO_DOMAIN):
                raise
    return held, jobs, texts, active


def _live_xml(domain: libvirt.virDomain) -> str:
    """ "" where it has just gone."""
    try:
        return str(domain.XMLDesc())
    except libvirt.libvirtError as error:
        if is_code(error, libvirt.VIR_ERR_NO_DOMAIN):
            return ""
        raise


def _is_active(domain: libvirt.virDomain) -> bool:
    try:
        return bool(domain.isActive())
    except libvirt.libvirtError as error:
        if is_code(error, libvirt.VIR_ERR_NO_DOMAIN):
            return False
        raise


def _needing(held: Sequence[Holdings]) -> Users:
    found: Users = {}
    for each in held:
        for layer in each.layers:
            found.setdefault(layer.place, {})[each.vm.ref.id] = each.vm.name
    return found


def _unused(vm: VmRef, stray: Stray) -> Finding:
    from vmsnap_tui.platforms.libvirt.plan.rules import size

    path = clean(stray.path)
    return Finding(
        "unused-file",
        Severity.WARNING if stray.is_certain else Severity.NOTE,
        f"{path} ({clean(stray.format)}, {size(stray.used)}) is used by no vm and no snapshot that libvirt knows of",
        "a layer that a merge or a deleted snapshot left behind, or a template, or another program's file",
        f"it takes {size(stray.used)}; removed by mistake, its data is gone",
        vm,
        place=path,
        mends=(Mend(f"remove {path}", Discard(vm, (stray.path,))),),
    )


def _job(vm: Vm, disk: str, job: BlockJob) -> Finding:
    ready = "is done and waits for a word" if job.ready else f"is at {job.current} of {job.end} bytes"
    mends = [Mend("go on with it to its end", EndJob(vm.ref, disk, JobEnd.RESUME))]
    if job.ready:
        mends.append(Mend("pivot: use what it has made", EndJob(vm.ref, disk, JobEnd.PIVOT)))
    mends.append(Mend("abort: drop what it has made", EndJob(vm.ref, disk, JobEnd.ABORT)))
    return Finding(
        BLOCK_JOB,
        Severity.WARNING,
        f"a block job ({job.kind}) on {clean(disk)} of {vm.name} {ready}",
        "somebody's merge or copy is at work, or was left to itself",
        "until it has ended no snapshot of the disk can be taken, restored or deleted",
        vm.ref,
        clean(disk),
        mends=tuple(mends),
    )
