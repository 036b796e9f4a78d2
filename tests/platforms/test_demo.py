"""The contract, on demo sites of all shapes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from tests.platforms.contract import PlatformContract
from tests.platforms.subject import Subject
from vmsnap_tui.model.vm import VmState
from vmsnap_tui.platforms.demo.platform import DemoPlatform
from vmsnap_tui.platforms.demo.sites import demo_sites

if TYPE_CHECKING:
    from vmsnap_tui.model.vm import VmRef
    from vmsnap_tui.platforms.demo.world import World

_SITES = {site.options["shape"]: site for site in demo_sites(speed=20_000)}
_VMS = {
    "libvirt": ("ci-runner-02", "web-01"),
    "openshift": ("win-rdp-02", "shop-db"),
    "openstack": ("blue-test", "edge-proxy-1"),
}


@dataclass
class Somebody:
    world: World
    vm: VmRef

    def take(self, name: str) -> None:
        self.world.outside_take(self.vm, name)

    def delete(self, name: str) -> None:
        found = next(each for each in self.world.look(self.vm).snapshots.values() if each.name == name)
        self.world.outside_delete(self.vm, found.id)

    def remove_vm(self) -> None:
        self.world.vanish(self.vm)


@pytest.fixture(params=[VmState.RUNNING, VmState.PAUSED, VmState.OFF], ids=lambda state: state.value)
def state(request: pytest.FixtureRequest) -> VmState:
    wanted = request.param
    assert isinstance(wanted, VmState)
    return wanted


class TestDemo(PlatformContract):
    @pytest.fixture(params=_SITES)
    def subject(self, request: pytest.FixtureRequest, state: VmState) -> Subject:
        site, (name, other) = _SITES[request.param], _VMS[request.param]
        platform = DemoPlatform(site)
        platform.open()
        vm = platform.world.find(name)
        platform.world.set_state(vm, state)
        return Subject(
            platform,
            vm,
            platform.world.find(other),
            Somebody(platform.world, vm),
            lambda: DemoPlatform(replace(site, read_only=True)),
        )
