"""What the details say of a site, a vm, a snapshot and the ways to take one. Pure: values in, fields out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from vmsnap_tui.model.snapshot import SnapshotKind
from vmsnap_tui.model.vm import Firmware
from vmsnap_tui.present import marks, sizes
from vmsnap_tui.ui.widgets.fields import Field, Heading, field
from vmsnap_tui.ui.widgets.lamp import lamp

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from vmsnap_tui.engine.store import SiteView
    from vmsnap_tui.model.advice import Advice
    from vmsnap_tui.model.freeze import Freeze
    from vmsnap_tui.model.plan import Method, Refusal
    from vmsnap_tui.model.snapshot import Snapshot, SnapshotDisk
    from vmsnap_tui.model.together import Group
    from vmsnap_tui.model.vm import Disk, Vm
    from vmsnap_tui.present.marks import Mark
    from vmsnap_tui.ui.widgets.fields import Item

QUIET = "text-muted"


def _marked(label: str, mark: Mark) -> Field:
    return field(label, mark.text, mark.style)


def _heading(text: str, style: str = "$text-muted bold") -> Heading:
    return Heading(Content.styled(text, style))


def _places(disk: Disk) -> str:
    backend = disk.protocol or disk.backend.value
    return " ".join(part for part in (disk.format, backend, sizes.size(disk.capacity)) if part)


def snapshot_fields(vm: Vm, snapshot: Snapshot, others: Sequence[Snapshot], now: datetime) -> list[Item]:
    """All values of a snapshot."""
    worth = marks.mark(snapshot.consistency)
    worth_words = marks.meaning(snapshot.consistency)
    parent = next((other.name for other in others if other.id == snapshot.parent), None)
    gone = f"{snapshot.parent} (gone)" if snapshot.parent else "none: a root"
    items: list[Item] = [
        _heading(snapshot.name, "bold"),
        _marked("Worth", worth),
        field("", f"{worth_words[0].upper()}{worth_words[1:]}.", QUIET),
        field("Taken", sizes.moment(snapshot.created)),
        field("Age", sizes.age(snapshot.created, now)),
        _marked("VM was", marks.mark(snapshot.state)),
        _marked("Kind", marks.mark(snapshot.kind)),
        field("Parent", (parent or gone) + (" (inferred)" if snapshot.inferred else "")),
    ]
    if snapshot.size is not None:
        items.append(field("Size", sizes.size(snapshot.size)))
    items.append(field("Memory", snapshot.memory or "not kept", "" if snapshot.memory else QUIET))
    if snapshot.current:
        items.append(_marked("", marks.mark(marks.Flag.CURRENT)))
    if snapshot.forks:
        items.append(field("VMs of it", ", ".join(snapshot.forks)))
    if snapshot.baseline:
        shown = marks.mark(marks.Flag.BASELINE)
        items.append(field("Lab", f"{shown.glyph} baseline of {snapshot.baseline}", shown.style))
    if snapshot.protected:
        items.append(_marked("", marks.mark(marks.Flag.PROTECTED)))
    if snapshot.group:
        items += _group_fields(snapshot.group)
    if not snapshot.ready:
        items.append(_marked("State", marks.mark(marks.Flag.FAILED if snapshot.error else marks.Flag.NOT_READY)))
    if snapshot.error:
        items.append(field("Error", snapshot.error, "error"))
    items += [field("Note", note) for note in snapshot.notes]
    if snapshot.description:
        items += [_heading("Description"), field("", snapshot.description)]
    items += _part_fields(snapshot.disks)
    items.append(Field("", Content.styled(f"\n{vm.name} on {vm.ref.site}", "$text-muted")))
    return items


def _group_fields(group: Group) -> list[Item]:
    """The group snapshot of several vms that it is a part of."""
    if group.window is None:
        shown, words = marks.mark(marks.Flag.SCATTERED), "Together they are worth no more than after a power cut."
    else:
        shown = marks.mark(marks.Flag.GROUP)
        words = f"Of one moment with others; guests stood still for {group.window:.2f} s at the most."
    return [_marked("Group", shown), field("", f"{words} ({group.id})", QUIET)]


def _part_fields(disks: Sequence[SnapshotDisk]) -> list[Item]:
    """How each disk takes part in a snapshot."""
    items: list[Item] = [_heading("Disks")] if disks else []
    for disk in disks:
        if not disk.included:
            items.append(field(disk.disk, f"{marks.mark(marks.Flag.PARTIAL).glyph} left out", "warning"))
            continue
        kind = "" if disk.kind is SnapshotKind.UNKNOWN else disk.kind.value
        items.append(field(disk.disk, kind or "included"))
        if disk.place:
            items.append(field(" ", disk.place, QUIET))
    return items


def vm_fields(vm: Vm, freeze: Freeze | None, now: datetime) -> list[Item]:
    """The vm as it is now."""
    items: list[Item] = [_heading(vm.name, "bold")]
    if vm.title:
        items.append(field("", vm.title, QUIET))
    items += [_marked("State", marks.mark(vm.state)), _marked("Agent", marks.mark(vm.agent))]
    if freeze:
        light = lamp(freeze, now)
        items.append(field("Writes", light.text + (f": {freeze.why}" if freeze.why else ""), light.style))
    power = ", ".join(part for part in (f"{vm.vcpus} vCPU" if vm.vcpus else "", sizes.size(vm.memory)) if part)
    firmware = vm.firmware.value.upper() + (" + TPM" if vm.tpm else "")
    items.append(field("Size", power or "not known"))
    if vm.tpm or vm.firmware is not Firmware.UNKNOWN:
        items.append(field("Boots", firmware))
    if vm.group:
        items.append(field("Group", vm.group))
    flags = [
        "" if vm.persistent else "transient",
        "autostart" if vm.autostart else "",
        "managed save holds its memory" if vm.saved else "",
    ]
    if said := ", ".join(flag for flag in flags if flag):
        items.append(field("Also", said))
    if vm.tags:
        items.append(field("Tags", ", ".join(vm.tags)))
    if vm.description:
        items += [_heading("Description"), field("", vm.description)]
    items.append(_heading("Disks" if vm.disks else "No disks"))
    for disk in vm.disks:
        notes = [
            "" if disk.writable else "read-only",
            "shared" if disk.shared else "",
            "" if disk.included else "left out of snapshots" + (f": {disk.why_not}" if disk.why_not else ""),
        ]
        notes = [note for note in notes if note]
        items.append(field(disk.id, _places(disk) + "".join(f" · {note}" for note in notes)))
        if disk.source:
            items.append(field(" ", disk.source, QUIET))
    return items


def method_fields(methods: Sequence[Method]) -> list[Item]:
    """The ways to take a snapshot now, the recommended one first, the impossible ones with their reasons last."""
    everywhere = (
        [refusal for refusal in methods[0].refusals if all(refusal in m.refusals for m in methods)] if methods else []
    )
    items: list[Item] = _refusal_fields("not now", everywhere)
    for method in sorted(methods, key=lambda method: (bool(method.refusals), not method.recommended)):
        worth = marks.mark(method.consistency)
        if method.refusals:
            items.append(_heading(f"{marks.REFUSED.glyph} {method.label}", "$text-muted bold"))
            items += _refusal_fields("why not", [each for each in method.refusals if each not in everywhere])
            continue
        first = marks.RECOMMENDED if method.recommended else marks.POSSIBLE
        items.append(
            Heading(
                Content.assemble(
                    (f"{first.glyph} ", f"${first.style}"),
                    (method.label, "bold"),
                    (f"  {first.word}" if method.recommended else "", f"${first.style}"),
                )
            )
        )
        items.append(_marked("worth", worth))
        texts = (("pause", method.pause), ("space", method.space), ("back", method.restore), ("limits", method.limits))
        items += [field(label, text) for label, text in texts if text]
    return items


def advice_fields(advice: Sequence[Advice]) -> list[Item]:
    """What would make better snapshots possible, with the commands for it."""
    items: list[Item] = []
    if advice:
        items += [_heading("To get better ones", "bold $primary"), field("", "y copies the commands.", QUIET)]
    for each in advice:
        items.append(_heading(f"{marks.POSSIBLE.glyph} {each.what}", "bold"))
        items.append(field("gains", each.gains))
        if each.caution:
            items.append(field("mind", each.caution, "warning"))
        items += [field("", line, "accent") for line in each.command.splitlines()]
    return items


def commands_of(advice: Sequence[Advice]) -> str:
    """All of it for a shell, each under what it is for."""
    return "\n".join(f"# {each.what}\n{each.command}\n" for each in advice)


def _refusal_fields(label: str, refusals: Sequence[Refusal]) -> list[Item]:
    items: list[Item] = []
    for refusal in refusals:
        items.append(field(label, refusal.why, "warning"))
        if refusal.instead:
            items.append(field("instead", refusal.instead, QUIET))
    return items


def site_fields(view: SiteView, count: int) -> list[Item]:
    """A site: what it is, how it stands, what should be put right."""
    mark = marks.site_mark(view.status.value)
    items: list[Item] = [
        _heading(view.site.name, "bold"),
        _marked("State", mark),
        field("Since", sizes.moment(view.since)),
        _marked("Platform", marks.mark(view.site.kind)),
        field("Address", view.site.address or "–"),
        field("VMs", str(count)),
    ]
    if view.heard:
        items.append(field("Heard", sizes.moment(view.heard)))
    if view.site.read_only:
        items.append(field("Access", "read-only", "warning"))
    if view.info:
        items.append(field("Product", f"{view.info.product} {view.info.version}"))
        items += [field(label, text) for label, text in view.info.details]
        for caution in view.info.cautions:
            items.append(field("", f"{marks.CAUTION.glyph} {caution}", "warning"))
    if view.error:
        items += [_heading("What is wrong"), field("", view.error.words, "error")]
        items += [field("", view.error.hint)] if view.error.hint else []
        items.append(field("", "It is tried again by itself; u tries at once.", QUIET))
    return items
