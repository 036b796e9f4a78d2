"""What is on a site: vms and their snapshots, with few calls."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import libvirt

from vmsnap_tui.model.vm import VmRef
from vmsnap_tui.platforms.libvirt import notes as notes_of
from vmsnap_tui.platforms.libvirt.convert import has_deep_chain, never_nfs, vm_from_xml, vm_state
from vmsnap_tui.platforms.libvirt.errors import is_code, typed_errors
from vmsnap_tui.platforms.libvirt.snapshots import snapshot_from_xml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import Vm, VmState
    from vmsnap_tui.platforms.libvirt.connection import Connection

_FIRST, _PAGE = 50, 200  # vms in the first page, which somebody waits for, and in the others
_STATE = libvirt.VIR_DOMAIN_STATS_STATE
_STATE_AND_DISKS = _STATE | libvirt.VIR_DOMAIN_STATS_BLOCK  # asks QEMU itself, which takes milliseconds for each vm
_GONE = (libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_NO_DOMAIN_SNAPSHOT)

Stats = dict[str, Any]
"""What libvirt gives for one domain: `state.state`, `block.0.name`, `block.0.capacity`, …"""


def read_vms(connection: Connection, site: str, is_nfs: Callable[[str], bool] = never_nfs) -> Iterator[list[Vm]]:
    """All vms in the order of their names, in pages: a handful of calls, and one for each vm.

    The sizes of their disks are left to `read_vm`.
    """
    with typed_errors():
        conn = connection.raw
        domains = sorted(conn.listAllDomains(), key=lambda domain: domain.name())
        handles = connection.remember(domains)
        autostart = _ids(conn, libvirt.VIR_CONNECT_LIST_DOMAINS_AUTOSTART)
        saved = _ids(conn, libvirt.VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE)
        transient = _ids(conn, libvirt.VIR_CONNECT_LIST_DOMAINS_TRANSIENT)
    left, size = iter(handles.copy().items()), _FIRST
    while page := list(islice(left, size)):
        size = _PAGE
        with typed_errors():
            stats = _stats(conn, [domain for _, domain in page], _STATE)
            vms = []
            for vm_id, domain in page:
                text = _xml(domain)
                if text is None:
                    continue
                vms.append(
                    vm_from_xml(
                        text,
                        VmRef(site, vm_id),
                        domain.name(),
                        state=_state(domain, stats.get(vm_id, {})),
                        autostart=vm_id in autostart,
                        persistent=vm_id not in transient,
                        saved=vm_id in saved,
                        is_nfs=is_nfs,
                    )
                )
        yield vms


def read_vm(connection: Connection, ref: VmRef, is_nfs: Callable[[str], bool] = never_nfs) -> Vm:
    """One vm, with everything fresh. Raises Missing."""
    domain = connection.domain(ref.id)
    with typed_errors():
        text = domain.XMLDesc()
        wanted = _STATE if has_deep_chain(text) else _STATE_AND_DISKS
        stats = _stats(connection.raw, [domain], wanted).get(ref.id, {})
        persistent = bool(domain.isPersistent())
        return vm_from_xml(
            text,
            ref,
            domain.name(),
            state=_state(domain, stats),
            autostart=bool(persistent and domain.autostart()),
            persistent=persistent,
            saved=bool(persistent and _is_saved(domain)),
            is_nfs=is_nfs,
            sizes=sizes(stats),
        )


def read_snapshots(domain: libvirt.virDomain, vm: VmRef) -> tuple[Snapshot, ...]:
    """All snapshots of a domain, in no particular order. Raises Missing.

    One call to list them, one for each, one for the current one, and one for the notes. Those that
    are gone before they are read are left out.
    """
    return read_snapshots_and_print(domain, vm)[0]


def read_snapshots_and_print(domain: libvirt.virDomain, vm: VmRef) -> tuple[tuple[Snapshot, ...], int]:
    """The same, and what `print_of` gave at that time."""
    with typed_errors():
        try:
            listed = domain.listAllSnapshots()
        except libvirt.libvirtError as error:
            if is_code(error, libvirt.VIR_ERR_NO_SUPPORT):  # a driver without snapshots has none
                return (), _print([], None, "")
            raise
        if not listed:
            return (), _print([], None, "")
        texts = []
        for snapshot in listed:
            try:
                texts.append((snapshot, snapshot.getXMLDesc()))
            except libvirt.libvirtError as error:
                if not is_code(error, *_GONE):
                    raise
        current = current_name(domain)
        notes = notes_of.read(domain)
        found = tuple([snapshot_from_xml(text, vm, one.getName, current, notes) for one, text in texts])
    record = next((text for (_, text), one in zip(texts, found, strict=True) if one.current), "")
    return found, _print([snapshot.id for snapshot in found], current, record)


def print_of(domain: libvirt.virDomain) -> int:
    """Something that differs when a domain's snapshots do: one call where there are none, three at most.

    One that was deleted and taken anew under its name is the current one then, and its record another.
    """
    names = domain.snapshotListNames()
    try:
        current = domain.snapshotCurrent() if names else None
    except libvirt.libvirtError as error:
        if not is_code(error, libvirt.VIR_ERR_NO_DOMAIN_SNAPSHOT):
            raise
        current = None
    if current is None:
        return _print(names, None, "")
    return _print(names, current.getName(), current.getXMLDesc())


def _print(names: Iterable[str], current: str | None, record: str) -> int:
    return hash((frozenset(names), current, record))


def current_name(domain: libvirt.virDomain) -> str | None:
    """The name of the snapshot that "now" goes on from."""
    try:
        return str(domain.snapshotCurrent().getName())
    except libvirt.libvirtError as error:
        if is_code(error, libvirt.VIR_ERR_NO_DOMAIN_SNAPSHOT):
            return None
        raise


def sizes(stats: Stats) -> Mapping[str, tuple[int | None, int | None]]:
    """Capacity and allocation in bytes of the disks in a domain's stats, by target."""
    found: dict[str, tuple[int | None, int | None]] = {}
    for index in range(stats.get("block.count", 0)):
        of = f"block.{index}."
        if of + "name" in stats:  # of the layers of one disk the newest comes first
            found.setdefault(stats[of + "name"], (stats.get(of + "capacity"), stats.get(of + "allocation")))
    return found


def _ids(conn: libvirt.virConnect, flag: int) -> frozenset[str]:
    try:
        return frozenset(domain.UUIDString() for domain in conn.listAllDomains(flag))
    except libvirt.libvirtError as error:
        if is_code(error, libvirt.VIR_ERR_NO_SUPPORT, libvirt.VIR_ERR_INVALID_ARG):
            return frozenset()
        raise


def _stats(conn: libvirt.virConnect, domains: Sequence[libvirt.virDomain], what: int) -> dict[str, Stats]:
    """Stats by id, without waiting for a domain that is stuck. One that vanished is left out."""
    try:
        found = conn.domainListGetStats(list(domains), what, libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT)
    except libvirt.libvirtError as error:
        if is_code(error, libvirt.VIR_ERR_NO_SUPPORT, libvirt.VIR_ERR_INVALID_ARG):
            return {}
        raise
    return {domain.UUIDString(): stats for domain, stats in found}


def _state(domain: libvirt.virDomain, stats: Stats) -> VmState:
    if "state.state" in stats:
        return vm_state(stats["state.state"], stats.get("state.reason"))
    try:
        return vm_state(*domain.state())
    except libvirt.libvirtError as error:
        if is_code(error, *_GONE, libvirt.VIR_ERR_NO_SUPPORT):
            return vm_state(None)
        raise


def _is_saved(domain: libvirt.virDomain) -> bool:
    try:
        return bool(domain.hasManagedSaveImage())
    except libvirt.libvirtError as error:
        if is_code(error, libvirt.VIR_ERR_NO_SUPPORT):
            return False
        raise


def _xml(domain: libvirt.virDomain) -> str | None:
    """A domain's XML, None where it is gone."""
    try:
        return str(domain.XMLDesc())
    except libvirt.libvirtError as error:
        if is_code(error, *_GONE):
            return None
        raise
