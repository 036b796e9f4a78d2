"""What only a look at all of a cloud shows: snapshots of servers that are gone, parts that belong to nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.plan import Delete
from vmsnap_tui.model.snapshot import SnapRef
from vmsnap_tui.model.survey import Finding, Mend, Severity
from vmsnap_tui.model.text import clean
from vmsnap_tui.model.vm import VmRef
from vmsnap_tui.platforms.openstack.convert import image_id
from vmsnap_tui.platforms.openstack.snapshots import mapping_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from vmsnap_tui.platforms.openstack.inventory import Picture, Record

_BY_NOVA = "snapshot for "
"""What Nova's volume snapshots are called, with the image's name behind it (Nova API, `snapshot_volume_backed`)."""


def findings_of(
    picture: Picture, servers: Mapping[str, Record], bases: Collection[str], site: str, project: str
) -> Iterator[Finding]:
    """What is wrong. `bases` are the ids of all images that there are; only images of `project` count ("": any)."""
    images = {image["id"]: (image, owner) for owner, found in picture.images.items() for image in found}
    ours = {id_: pair for id_, pair in images.items() if not project or pair[0].get("owner") == project}
    cuts = {snap["id"] for found in picture.snaps.values() for snap in found}
    for image, owner in ours.values():
        if owner not in servers:
            yield _of_nobody(image)
        yield from _without_data(image, owner if owner in servers else "", cuts, site)
    used = {str(each.get("snapshot_id")) for image, _ in images.values() for each in mapping_of(image)}
    owners = {volume["id"]: server for server, found in picture.volumes.items() for volume in found}
    for found in picture.snaps.values():
        for snap in found:
            if str(snap.get("name") or "").startswith(_BY_NOVA) and snap["id"] not in used:
                yield from _left_behind(snap, owners.get(snap["volume_id"], ""), site)
    yield from _without_base(servers, bases, site)


def _of_nobody(image: Record) -> Finding:
    name = clean(str(image.get("name") or image["id"]))
    return Finding(
        "snapshot-of-nobody", Severity.NOTE, f"image “{name}” is of a server that is gone",
        "a new server can still be made from it", "it takes space until somebody deletes it",
        place=clean(image["id"]), snapshot=clean(image["id"]),
        mends=(
            Mend("delete it, if nobody wants that server back", command=f"openstack image delete {clean(image['id'])}"),
        ),
    )  # fmt: skip


def _without_data(image: Record, owner: str, cuts: Collection[str], site: str) -> Iterator[Finding]:
    wanted = [str(each["snapshot_id"]) for each in mapping_of(image) if each.get("snapshot_id")]
    lost = [each for each in wanted if each not in cuts]
    if not lost:
        return
    name, id_ = clean(str(image.get("name") or image["id"])), clean(image["id"])
    vm = VmRef(site, owner) if owner else None
    yield Finding(
        "snapshot-without-data", Severity.ERROR,
        f"“{name}” counts on volume snapshot {clean(', '.join(lost))}, which is not there",
        "no server can be made from it, or not with all of its volumes",
        "whoever counts on it finds out when it is too late",
        vm, place=clean(lost[0]), snapshot=id_,
        mends=(Mend("delete the image that is left of it", command=f"openstack image delete {id_}"),),
    )  # fmt: skip


def _left_behind(snap: Record, owner: str, site: str) -> Iterator[Finding]:
    name, id_ = clean(str(snap["name"])), clean(snap["id"])
    mend = (
        Mend(f"delete “{name}”", Delete(SnapRef(VmRef(site, owner), snap["id"])))
        if owner
        else Mend(f"delete “{name}”", command=f"openstack volume snapshot delete {id_}")
    )
    yield Finding(
        "left-behind", Severity.WARNING, f"volume snapshot “{name}” ({id_}) is left of an image that was deleted",
        "Nova made it along with the image, and deletes it with nobody", "it takes space, and its volume cannot go",
        VmRef(site, owner) if owner else None, place=id_, snapshot=id_, mends=(mend,),
    )  # fmt: skip


def _without_base(servers: Mapping[str, Record], bases: Collection[str], site: str) -> Iterator[Finding]:
    for server in servers.values():
        base = image_id(server)
        if base and base not in bases:
            yield Finding(
                "base-image-gone", Severity.NOTE,
                f"image {clean(base)}, which {clean(str(server.get('name')))} was made from, is gone or not to be seen",
                "the server runs on; the hosts that have run it keep a copy for a while",
                "it can't be moved to a host that lacks the copy, nor be rebuilt as it was at first",
                VmRef(site, server["id"]), place=clean(base),
            )  # fmt: skip
