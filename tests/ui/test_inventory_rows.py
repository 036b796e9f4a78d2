"""The inventory's rows: order, folding, filter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from vmsnap_tui.engine.store import SiteStatus, SiteView
from vmsnap_tui.model.vm import AgentState, PlatformKind, Site, Vm, VmRef, VmState
from vmsnap_tui.ui.inventory_rows import GroupKey, Key, SiteKey, Sort, VmEntry, arrange, matcher

NOW = datetime(2026, 3, 14, tzinfo=UTC)
SITES = [SiteView(Site(name, PlatformKind.DEMO, ""), SiteStatus.ONLINE, NOW) for name in ("one", "two")]


def entry(name: str, *, site: str = "one", group: str = "", count: int = 0, age: int = 0, **values: object) -> VmEntry:
    vm = Vm(VmRef(site, name), name, group=group, **values)  # type: ignore[arg-type]  # values of a Vm by name
    return VmEntry(vm, count, NOW - timedelta(days=age) if age else None)


def rows(*entries: VmEntry, sort: Sort = Sort.NAME, text: str = "", folded: tuple[Key, ...] = ()) -> list[str]:
    known: dict[str, dict[VmRef, VmEntry]] = {}
    for each in entries:
        known.setdefault(each.vm.ref.site, {})[each.vm.ref] = each
    keys, _ = arrange(SITES, known, folded=set(folded), sort=sort, text=text, notes=lambda _: ())
    return [key.id if isinstance(key, VmRef) else key[-1] for key in keys]


def test_sites_keep_their_order_and_names_sort_as_people_count() -> None:
    seen = rows(entry("vm-10"), entry("vm-2"), entry("a", site="two"))
    assert seen == ["one", "vm-2", "vm-10", "two", "a"]


def test_groups_stand_under_their_site() -> None:
    seen = rows(entry("b", group="prod"), entry("a", group="test"), entry("loose"))
    assert seen == ["one", "loose", "prod", "b", "test", "a", "two"]


def test_what_is_folded_hides_its_vms_until_a_filter_is_set() -> None:
    entries = [entry("a", group="g"), entry("b", site="two")]
    assert rows(*entries, folded=(GroupKey("one", "g"), SiteKey("two"))) == ["one", "g", "two"]
    assert rows(*entries, folded=(GroupKey("one", "g"), SiteKey("two")), text="b") == ["two", "b"]


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        (Sort.NAME, ["a", "b", "c"]),
        (Sort.STATE, ["b", "a", "c"]),
        (Sort.AGE, ["c", "b", "a"]),
        (Sort.COUNT, ["b", "a", "c"]),
    ],
)
def test_sort(sort: Sort, order: list[str]) -> None:
    entries = [
        entry("a", count=2, state=VmState.OFF),
        entry("b", count=9, age=5, state=VmState.RUNNING),
        entry("c", count=1, age=1, state=VmState.OFF),
    ]
    assert rows(*entries, sort=sort)[1:4] == order


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("", True),
        ("PROD", True),
        ("db prod", True),
        ("db web", False),
        ("state:run", True),
        ("state:off", False),
        ("running", True),
        ("agent:conn", True),
        ("site:two", False),
        ("group:blue", True),
        ("tag:gold", True),
        ("tag:silver", False),
        ("orders", True),
        ("[bold]", False),
    ],
)
def test_filter(text: str, fits: bool) -> None:
    vm = entry(
        "db-prod-01",
        group="blue",
        title="Orders",
        state=VmState.RUNNING,
        agent=AgentState.CONNECTED,
        tags=("gold",),
    )
    assert matcher(text)(vm) is fits
