"""What is said of chains, layers and findings beside their picture. Pure: values in, fields out."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual.content import Content

from vmsnap_tui.model.reclaim import reclaim
from vmsnap_tui.model.stack import read_now
from vmsnap_tui.model.text import clean, clean_lines
from vmsnap_tui.present import marks, sizes, stack
from vmsnap_tui.present.reclaim import in_words
from vmsnap_tui.ui.widgets.fields import Drawing, Heading, field

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vmsnap_tui.model.layer import Hop, Layer
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.survey import Finding, Holdings, Survey
    from vmsnap_tui.model.vm import VmRef
    from vmsnap_tui.present.graph import Line
    from vmsnap_tui.present.stack import Row
    from vmsnap_tui.ui.widgets.fields import Item

QUIET = "text-muted"


def snapshot_names(snapshots: Sequence[Snapshot]) -> Mapping[str, str]:
    """By id."""
    return {snapshot.id: snapshot.name for snapshot in snapshots}


def chain_fields(survey: Survey, vm: VmRef, chosen: str) -> list[Item]:
    """The stacks of a vm for a narrow pane, with the layers of the chosen snapshot lit; what is wrong comes first."""
    held = survey.holdings.get(vm)
    if held is None:
        return [field("", "The vm is gone.", QUIET)]
    found = [(finding, marks.mark(finding.severity)) for finding in survey.about(vm)]
    items: list[Item] = [field("", f"{shown.glyph} {clean(finding.what)}", shown.style) for finding, shown in found]
    if items:
        items.append(field("", "c shows what it means and what mends it.\n", QUIET))
    items += [field("", f"{marks.CAUTION.glyph} {words}", "warning") for words in survey.blind]
    names = snapshot_names(held.snapshots)
    items.append(Drawing((held.layers, tuple(names.items()), chosen), partial(_draw, held.layers, names, chosen)))
    if chosen:
        items.append(field("", f"\n{marks.LIT.glyph} what the chosen snapshot needs", marks.LIT.style))
    return items


def _draw(layers: Sequence[Layer], names: Mapping[str, str], chosen: str, width: int) -> list[Content]:
    shown = stack.rows(layers, names)
    columns = stack.fit_columns(max(1, width - 1), shown)
    lines: list[Content] = []
    for index, row in enumerate(shown):
        if row.layer is None and index:
            lines.append(Content(""))
        is_lit = bool(chosen) and stack.needs(row, (chosen,))
        lines += [_content(line, lit=is_lit) for line in stack.tall(row, columns)]
    return lines


def _content(line: Line, *, lit: bool) -> Content:
    sign = (marks.LIT.glyph if lit else " ", f"${marks.LIT.style}")
    return Content.assemble(sign, *((piece.text, f"${piece.style}") for piece in line))


def layer_fields(row: Row, names: Mapping[str, str]) -> list[Item]:
    """All that is known of a layer, or of the disk whose heading is chosen."""
    if row.layer is None:
        return _disk_fields(row)
    layer = row.layer
    title = f"{layer.kind.value} of {clean(layer.disk)}"
    items: list[Item] = [Heading(Content.styled(title, "bold")), field("Place", clean(layer.place))]
    items += _bytes_fields(layer)
    if row.begins:
        items.append(field("Begins", f"{marks.HOLDS.glyph} {', '.join(row.begins)}", marks.HOLDS.style))
    through = [clean(names.get(id_, id_)) for id_ in layer.snapshots]
    through = [name for name in through if name not in row.begins]
    if through:
        items.append(field("Read by", ", ".join(through)))
    if layer.users:
        items.append(field("Also by", f"{marks.SHARED.glyph} {', '.join(map(clean, layer.users))}", marks.SHARED.style))
    if layer.below:
        items.append(field("Reads", clean(layer.below), QUIET))
    if layer.aside:
        items.append(field("", "“now” does not read through it", QUIET))
    items += [field(label, clean(text)) for label, text in layer.details]
    for hop in layer.hops:
        items += _hop_fields(hop)
    return items


def _bytes_fields(layer: Layer) -> list[Item]:
    """What is wrong with it, its format and its sizes."""
    items: list[Item] = [field("Error", clean(layer.error), "error")] if layer.error else []
    if layer.format and layer.declared is None:
        items.append(field("Format", f"{layer.format}; the layer above does not name it", "warning"))
    elif layer.format and layer.declared and layer.declared != layer.format:
        items.append(field("Format", f"{layer.format}; the layer above says {layer.declared}", "error"))
    elif layer.format:
        items.append(field("Format", layer.format))
    if layer.virtual is not None:
        items.append(field("Size", f"{sizes.size(layer.virtual)} as the guest sees it"))
    items.append(field("Kept", sizes.size(layer.used) or "the storage does not say", "" if layer.used else QUIET))
    return items


def _disk_fields(row: Row) -> list[Item]:
    held = row.stack
    layers = [layer for layer in held.layers if layer.used is None]
    unknown = f", and {len(layers)} layers of which the storage does not say" if layers else ""
    items: list[Item] = [
        Heading(Content.styled(f"disk {clean(held.disk)}", "bold")),
        field("Size", sizes.size(held.virtual) or "not known"),
        field("Kept", f"{sizes.size(held.used)}{unknown}"),
        field("Layers", f"{len(held.chain)} from “now” down, {sum(len(each.layers) for each in held.branches)} beside"),
    ]
    return items


def _hop_fields(hop: Hop) -> list[Item]:
    shown = stack.hop_mark(hop)
    items: list[Item] = [
        Heading(Content.assemble((f"{shown.glyph} ", f"${shown.style}"), (clean(hop.kind), "bold"))),
        field("Name", clean(hop.name)),
    ]
    if hop.ready is not None or hop.error:
        items.append(field("State", clean(hop.error) or ("ready" if hop.ready else "not ready"), shown.style))
    return items + [field(clean(label), clean(text)) for label, text in hop.details]


def snapshot_fields(snapshot: Snapshot | None, held: Holdings) -> list[Item]:
    """What a snapshot needs, and what would become free without it."""
    if snapshot is None:
        now = read_now(held.layers)
        words = f"{held.vm.name} as it is now"
        kept = sum(layer.used or 0 for layer in now)
        return [
            Heading(Content.styled(words, "bold")),
            field("Reads", f"{len(now)} layers, {sizes.size(kept)} as far as is known"),
        ]
    needed = [layer for layer in held.layers if snapshot.id in layer.snapshots]
    items: list[Item] = [
        Heading(Content.styled(f"what “{snapshot.name}” needs", "bold")),
        field("", f"Deleting it {in_words(reclaim(held.layers, {snapshot.id}))}.", "text-primary"),
    ]
    items += [field(layer.disk, f"{layer.kind.value} {stack.short(layer)}") for layer in needed]
    if not needed:
        items.append(field("", "No layer is known that holds it.", "warning"))
    return items


def finding_fields(finding: Finding) -> list[Item]:
    """A finding: what it is, what it comes to, what happens if it stays so, and what mends it."""
    shown = marks.mark(finding.severity)
    items: list[Item] = [Heading(Content.styled(f"{shown.glyph} {clean(finding.what)}", f"bold ${shown.style}"))]
    said = (("Means", finding.means), ("Risks", finding.risks))
    items += [field(label, clean(text)) for label, text in said if text]
    for mend in finding.mends:
        items.append(field("Mend", clean(mend.label), "text-primary"))
        if mend.command:
            items.append(field(" ", clean_lines(mend.command)))
    items.append(field("Code", finding.code, QUIET))
    return items
