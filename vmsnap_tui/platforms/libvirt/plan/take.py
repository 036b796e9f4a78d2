"""Taking a snapshot."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vmsnap_tui.model.plan import Plan, Refusal, Step
from vmsnap_tui.model.settings import setting_refusals
from vmsnap_tui.model.text import clean
from vmsnap_tui.model.vm import AgentState, Firmware
from vmsnap_tui.platforms.libvirt.plan import methods
from vmsnap_tui.platforms.libvirt.plan.rules import bad_name, quoted, size, too_long

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vmsnap_tui.model.plan import JsonValue, Take
    from vmsnap_tui.model.vm import Disk
    from vmsnap_tui.platforms.libvirt.facts import LibvirtFacts

_OVERLAY_SPACE = 16 << 20  # bytes: an overlay begins with 200 KiB, and the guest goes on writing
_MEMORY_MARGIN = 32 << 20  # bytes: device state and the file's own head


@dataclass(frozen=True, slots=True)
class Files:
    """The files that an external snapshot makes: overlays by disk, and where memory goes ("": nowhere)."""

    overlays: dict[str, str]
    memory: str = ""

    @property
    def all(self) -> tuple[str, ...]:
        """All paths."""
        return (*self.overlays.values(), *([self.memory] if self.memory else []))


def plan_take(request: Take, facts: LibvirtFacts) -> Plan:
    """Take a snapshot by the method asked for, or else by the recommended one."""
    method = request.method or methods.recommended(facts, together=bool(request.group))
    title = f"Take snapshot {quoted([request.name])}"
    if method not in methods.ALL:
        return Plan(request, title, facts.vm.name, refusals=_no_method(request, facts))
    disks, unknown = _chosen(request, facts)
    files = _files(facts, request.name, method, disks)
    refusals = (
        *(
            Refusal("no-such-disk", f"the vm has no writable disk {quoted([disk])}", "choose another")
            for disk in unknown
        ),
        *methods.refusals(facts, method, disks),
        *bad_name(request.name, facts, internal=method == methods.INTERNAL),
        *_file_refusals(facts, files),
        *_space_refusals(facts, method, files),
        *setting_refusals((), request.settings),
    )
    return Plan(
        request=request,
        title=title,
        vm_name=facts.vm.name,
        steps=(take_step(request, facts, method, disks, files),),
        cautions=tuple(_cautions(facts, method, disks, files)),
        refusals=refusals,
        consistency=methods.consistency(facts, method),
        notes=tuple(_notes(facts, method, files)),
    )


def take_step(request: Take, facts: LibvirtFacts, method: str, disks: Sequence[Disk], files: Files) -> Step:
    """The one step of it."""
    taken = {disk.id for disk in disks}
    # libvirt wants to be told of each disk that stays out; of those that cannot change it knows by itself.
    modes: dict[str, JsonValue] = {disk.id: "no" for disk in facts.disks if disk.id not in taken}
    for disk in disks:
        modes[disk.id] = files.overlays.get(disk.id, "internal")
    text = methods.label(facts, method)
    places = "".join(f"; {name} → {place}" for name, place in files.overlays.items())
    memory = f"; memory → {files.memory}" if files.memory else ""
    together = " with the others of its group" if request.group else ""
    return Step(
        action="take",
        vm=request.vm,
        label=clean(f"take “{request.name}”{together}: {text}{places}{memory}", limit=8192),
        params={
            "name": request.name,
            "description": request.description,
            "method": method,
            "active": facts.active,
            "disks": modes,
            "memory": files.memory,
            "together": bool(request.group),
        },
        freezes=method == methods.QUIESCED,
        cancellable=method in methods.WITH_MEMORY_FILE,
    )


def _no_method(request: Take, facts: LibvirtFacts) -> tuple[Refusal, ...]:
    if request.method:
        return (Refusal("no-such-method", f"libvirt has no method {quoted([request.method])}", "choose another"),)
    # What stands against the one that is nearest to being possible is what there is to do.
    return min((method.refusals for method in facts.methods()), key=len)


def _chosen(request: Take, facts: LibvirtFacts) -> tuple[tuple[Disk, ...], tuple[str, ...]]:
    if request.disks is None:
        return methods.included(facts), ()
    wanted = set(request.disks)
    known = tuple(disk for disk in facts.disks if disk.id in wanted)
    return known, tuple(sorted(wanted - {disk.id for disk in known}))


def _files(facts: LibvirtFacts, name: str, method: str, disks: Sequence[Disk]) -> Files:
    """Overlays as libvirt would name them, and memory beside the first of them."""
    if method == methods.INTERNAL:
        return Files({})
    overlays: dict[str, str] = {}
    for disk in disks:
        source = facts.definition.sources.get(disk.id)
        if source is None:
            continue
        stem = posixpath.splitext(source)[0]
        overlay = f"{stem}.{name}"
        overlays[disk.id] = f"{stem}.{disk.id}.{name}" if overlay in overlays.values() else overlay
    if method not in methods.WITH_MEMORY_FILE or not overlays:
        return Files(overlays)
    folder = posixpath.dirname(next(iter(overlays.values())))
    return Files(overlays, posixpath.join(folder, f"{facts.vm.name}.{name}.mem"))


def _file_refusals(facts: LibvirtFacts, files: Files) -> Iterator[Refusal]:
    for path in files.all:
        if facts.exists(path):
            yield Refusal("file-exists", f"there is a file {clean(path)} already", "choose another name, or move it")
        if too_long(path):
            yield Refusal("name-too-long", f"{clean(path)} is too long for a file name", "choose a shorter name")


def _memory_need(facts: LibvirtFacts) -> tuple[int, int]:
    """Bytes that saved memory will probably take, and at most."""
    most = (facts.vm.memory or 0) + _MEMORY_MARGIN
    return min(most, facts.resident) if facts.resident is not None else most, most


def _memory_folder(facts: LibvirtFacts, method: str, files: Files) -> str:
    """A path where memory will be written, "" where none is."""
    if method == methods.INTERNAL and facts.active:
        return next(iter(facts.definition.sources.values()), "")
    return files.memory


def _space_refusals(facts: LibvirtFacts, method: str, files: Files) -> Iterator[Refusal]:
    for path in files.overlays.values():
        free = facts.free(path)
        if free is not None and free < _OVERLAY_SPACE:
            yield Refusal("no-space", f"there is hardly any space left in {posixpath.dirname(path)}", "free some")
            break
    path = _memory_folder(facts, method, files)
    free = facts.free(path) if path else None
    if free is not None and free < _memory_need(facts)[0]:
        folder = posixpath.dirname(path)
        yield Refusal("no-space", f"the memory of this vm does not fit into {folder}", "free some, or take disks only")


def _cautions(facts: LibvirtFacts, method: str, disks: Sequence[Disk], files: Files) -> Iterator[str]:
    taken = {disk.id for disk in disks}
    left = [disk.id for disk in facts.disks if disk.id not in taken]
    if left:
        yield f"{', '.join(left)} is not part of it."
    if not methods.is_restorable(facts, method):
        others = facts.definition.others
        why = f"{', '.join(others)} is not a file" if others else "that came with libvirt 9.9"
        yield f"This libvirt cannot restore it ({why}): its files can be handled by hand alone."
    if any(facts.exists(path) is None for path in files.all):
        yield "Whether its files are there already cannot be seen from here."
    if facts.definition.media and method != methods.INTERNAL:
        yield f"With {', '.join(facts.definition.media)} in a drive, a restore makes an overlay beside that too."
    if method == methods.QUIESCED and facts.vm.agent is AgentState.UNKNOWN:
        yield "Whether the guest agent answers is not known: if it does not, no snapshot is taken."
    yield from _not_captured(facts, method)
    yield from _memory_cautions(facts, _memory_folder(facts, method, files))


def _not_captured(facts: LibvirtFacts, method: str) -> Iterator[str]:
    if facts.vm.firmware is Firmware.UEFI and (method != methods.INTERNAL or facts.nvram != "qcow2"):
        yield "The UEFI variables are not part of it."
    if facts.vm.tpm:
        yield "The state of the TPM is not part of it: what is sealed with it (BitLocker) may ask for its recovery key."


def _memory_cautions(facts: LibvirtFacts, path: str) -> Iterator[str]:
    if not path:
        return
    free = facts.free(path)
    likely, most = _memory_need(facts)
    if free is None:
        yield "How much space is left for the memory is not known."
    elif likely <= free < most:
        yield "If the guest uses all of its memory, it does not fit; then nothing is taken and the vm goes on."


def _notes(facts: LibvirtFacts, method: str, files: Files) -> Iterator[str]:
    path = _memory_folder(facts, method, files)
    if path:
        likely, most = _memory_need(facts)
        yield f"Memory takes about {size(likely)}, at most {size(most)}."
    for folder in sorted({posixpath.dirname(path) for path in files.all}):
        free = facts.folders[folder].free if folder in facts.folders else None
        if free is not None:
            yield f"{size(free)} are free in {folder}."
