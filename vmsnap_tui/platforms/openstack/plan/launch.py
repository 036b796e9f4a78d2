"""Launching a new server from a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.plan import After, Plan, Refusal, Step
from vmsnap_tui.model.settings import Setting, setting_refusals, settled
from vmsnap_tui.model.text import clean
from vmsnap_tui.platforms.openstack.plan.rules import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vmsnap_tui.model.plan import JsonValue, Restore
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.platforms.openstack.facts import OpenStackFacts

_LONGEST = 255  # characters of a server's name


def launch_settings(target: Snapshot, facts: OpenStackFacts) -> tuple[Setting, ...]:
    """What the new server would get, copied from this one."""
    like = facts.launch
    several = "ids, separated by commas"
    return (
        Setting("name", "Name", f"{facts.vm.name}-{target.name}"[:_LONGEST]),
        Setting("flavor", "Flavor", like.flavor),
        Setting("networks", "Networks", ",".join(like.networks), hint=several),
        Setting("key", "Key pair", like.key),
        Setting("groups", "Security groups", ",".join(like.security_groups), hint="names, separated by commas"),
        Setting("zone", "Availability zone", like.zone),
    )


def plan_launch(request: Restore, target: Snapshot, facts: OpenStackFacts, refused: Sequence[Refusal]) -> Plan:
    """One step, that changes nothing on the server that the snapshot is of. `refused` says what else is against it."""
    parts = facts.parts[target.id]
    said = settled(launch_settings(target, facts), request.settings)
    networks = _listed(said["networks"])
    follows = {snap for each in parts.images for snap in each.follows}
    params: dict[str, JsonValue] = {
        "snapshot": target.id,
        "name": said["name"],
        "image": next((each.id for each in parts.images), ""),
        "volumes": [snap.id for snap in parts.snaps if snap.id not in follows],
        "launch": {
            "flavor": facts.launch.flavors.get(said["flavor"], ""),
            "networks": networks,
            "key": said["key"],
            "security_groups": _listed(said["groups"]),
            "zone": said["zone"],
        },
    }
    where = f"{len(networks)} network{'' if len(networks) == 1 else 's'}" if networks else "no network"
    label = f"launch {quoted(said['name'])}: flavor {clean(said['flavor'])}, {where}"
    return Plan(
        request,
        f"Launch a new server from {quoted(target.name)}",
        facts.vm.name,
        (Step("launch", request.vm, label, params),),
        cautions=("This server stays as it is.", "The new server gets new addresses; user data is not copied."),
        refusals=(*refused, *_refusals(request, said, target, facts)),
    )


def _refusals(request: Restore, said: dict[str, str], target: Snapshot, facts: OpenStackFacts) -> Iterator[Refusal]:
    yield from setting_refusals(launch_settings(target, facts), request.settings)
    if not said["name"].strip() or len(said["name"]) > _LONGEST:
        yield Refusal("bad-setting", f"a server's name has 1 to {_LONGEST} characters", "choose another")
    if said["flavor"] not in facts.launch.flavors:
        known = ", ".join(sorted(facts.launch.flavors)[:20])
        yield Refusal("no-flavor", f"there is no flavor {quoted(said['flavor'])}", f"one of {known}")
    if request.safety:
        yield Refusal("no-safety", "nothing changes on this server: there is nothing to keep", "leave it out")
    if request.after not in {After.AS_TAKEN, After.RUNNING}:
        yield Refusal("after-unsupported", "a new server is launched running", "choose running")


def _listed(text: str) -> list[JsonValue]:
    return [part.strip() for part in text.split(",") if part.strip()]
