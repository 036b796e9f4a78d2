"""Whatever the history, pruning takes nothing that a kept snapshot needs: each goes with its own parts alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from tests.unit.openstack.records import REF, Record, facts_of, server, snap, stamped, volume
from vmsnap_tui.model.plan import Delete
from vmsnap_tui.model.retention import Policy, judged
from vmsnap_tui.platforms.openstack.snapshots import Things, parts_of, snapshots_of

VOLUMES = (volume("v1"), volume("v2", "/dev/vdc"))
counts = some.integers(0, 3)
policies = some.builds(Policy, last=counts, hourly=counts, daily=counts)
histories = some.lists(
    some.tuples(some.sampled_from(["image", "group", "whole", "loose", "boot", "cinder"]), some.booleans()), max_size=12
)


def things_of(history: list[tuple[str, bool]]) -> Things:
    """Snapshots of every kind, one every two hours."""
    images: list[Record] = []
    snaps: list[Record] = []
    for number, (kind, protected) in enumerate(history):
        at, id_ = f"{number * 2:02}:00:00", f"{kind}-{number}"
        marks = {"vmsnap_protected": "yes"} if protected else {}
        group = {"vmsnap_group": id_, "vmsnap_line": "-", "vmsnap_state": "running", **marks}
        if kind == "image":
            images.append(stamped(id_, at, **marks))
        elif kind == "boot":  # Nova cuts the volumes along with the image
            images.append(stamped(id_, at, block_device_mapping=f'[{{"snapshot_id": "{id_}-v1"}}]', size=0, **marks))
            snaps.append(snap(f"{id_}-v1", "v1", at))
        elif kind == "loose":
            snaps.append(snap(id_, "v1", at, metadata=marks))
        elif kind == "cinder":
            snaps += [snap(f"{id_}-{disk}", disk, at, group_snapshot_id=id_, metadata=marks) for disk in ("v1", "v2")]
        else:
            parts = str(2 if kind == "group" else 3)
            noted = group | {"vmsnap_parts": parts}
            snaps += [snap(f"{id_}-{disk}", disk, at, metadata=noted) for disk in ("v1", "v2")]
            if kind == "whole":
                images.append(stamped(f"{id_}-root", at, **noted))
    return Things(server(), VOLUMES, tuple(images), tuple(snaps))


@given(histories, policies)
def test_whatever_the_history(history: list[tuple[str, bool]], policy: Policy) -> None:
    things = things_of(history)
    before = {each.id: each for each in snapshots_of(things, REF)}
    assert len(before) == len(history)
    kept = set()
    for verdict in reversed(judged(before.values(), policy, lambda at: at)):
        plan = facts_of(things).plan(Delete(verdict.snapshot.ref))
        if verdict.is_kept or plan.refusals:
            kept.add(verdict.snapshot.id)
            continue
        (step,) = plan.steps
        images, snaps = (set(map(str, step.params[kind] or ())) for kind in ("images", "snaps"))  # type: ignore[arg-type]
        own = parts_of(things)[verdict.snapshot.id]
        assert images == {each["id"] for each in own.images}
        assert snaps == {each["id"] for each in own.snaps}
        things = Things(
            things.server,
            things.volumes,
            tuple(each for each in things.images if each["id"] not in images),
            tuple(each for each in things.snaps if each["id"] not in snaps),
        )
    after = {each.id: each for each in snapshots_of(things, REF)}
    assert after.keys() == kept
    for id_, left in after.items():
        was = before[id_]
        assert (left.ready, left.disks, left.consistency) == (was.ready, was.disks, was.consistency)
    assert {each.id for each in before.values() if each.protected} <= kept
