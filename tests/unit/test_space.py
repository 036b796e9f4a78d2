"""What takes space: each layer once, whoever reads through it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as some

from vmsnap_tui.model.layer import Layer, LayerKind
from vmsnap_tui.model.snapshot import SnapRef, Snapshot
from vmsnap_tui.model.space import SHARED, By, space
from vmsnap_tui.model.survey import Holdings, Survey
from vmsnap_tui.model.vm import Vm, VmRef

NOW = datetime(2026, 3, 14, tzinfo=UTC)


def held(name: str, *layers: Layer, ages: dict[str, float] | None = None) -> Holdings:
    """A vm with snapshots of these ages in days."""
    ref = VmRef("kvm", name)
    snapshots = tuple(Snapshot(SnapRef(ref, id_), id_, NOW - timedelta(days=age)) for id_, age in (ages or {}).items())
    return Holdings(Vm(ref, name), snapshots, layers)


def survey(*holdings: Holdings) -> dict[str, Survey]:
    return {"kvm": Survey({each.vm.ref: each for each in holdings})}


WEB = held(
    "web",
    Layer("vda", LayerKind.ACTIVE, "/web.tue", used=5, below="/web", virtual=100),
    Layer("vda", LayerKind.OVERLAY, "/web", used=20, snapshots=("tue",), below="/golden", virtual=100),
    Layer("vda", LayerKind.BASE, "/golden", used=50, snapshots=("old", "tue"), virtual=100),
    Layer("vda", LayerKind.INTERNAL, "/web@x", used=7, below="/web"),
    ages={"tue": 3, "old": 400},
)
MAIL = held(
    "mail",
    Layer("vda", LayerKind.ACTIVE, "/mail", used=8, below="/golden"),
    Layer("vda", LayerKind.BASE, "/golden", used=50),
    Layer("vdb", LayerKind.VOLUME, "pool/mail"),
)


def heaps(by: By) -> dict[str, int]:
    return {use.label: use.used for use in space(survey(WEB, MAIL), by, NOW)}


def test_by_vm_a_shared_layer_is_counted_once() -> None:
    assert heaps(By.VM) == {SHARED: 50, "web": 25, "mail": 8}
    mail = next(use for use in space(survey(WEB, MAIL), By.VM, NOW) if use.label == "mail")
    assert mail.unknown == 1


def test_by_site() -> None:
    assert heaps(By.SITE) == {"kvm": 83}


def test_by_age_of_the_snapshots_whose_data_begins_there() -> None:
    assert heaps(By.AGE) == {"older": 50, "this week": 20, "in use now": 13}


def test_by_snapshot_it_is_what_deleting_frees() -> None:
    [use] = [use for use in space(survey(WEB), By.SNAPSHOT, NOW) if use.label == "web tue"]
    assert use.freed is not None
    assert (use.freed.lower, use.freed.upper, use.used) == (0, 5, 5)


_NAMES = some.sampled_from("abcdef")
_HELD = some.builds(
    lambda name, found: held(
        name, *(Layer(disk, kind, place, used=used, users=users) for disk, kind, place, used, users in found)
    ),
    _NAMES,
    some.lists(
        some.tuples(
            _NAMES,
            some.sampled_from(LayerKind),
            _NAMES,
            some.none() | some.integers(0, 1000),
            some.sampled_from([(), ("x",)]),
        ),
        max_size=6,
    ),
)


@given(some.lists(_HELD, max_size=5))
def test_all_groupings_tell_the_same_sum(found: list[Holdings]) -> None:
    sums = {by: sum(use.used for use in space(survey(*found), by, NOW)) for by in (By.SITE, By.VM, By.AGE)}
    assert len(set(sums.values())) == 1
