"""One moment over three platforms at once, each its own lab: as the platforms themselves tell it, and by the clocks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab.libvirt.proofs import PATIENCE, Admin
from tests.lab.openstack.conftest import site_of
from tests.lab.openstack.lab import MEMBER
from vmsnap_tui.engine import group, taking
from vmsnap_tui.engine.engine import Engine
from vmsnap_tui.model.moment import is_group, picks_of, spread
from vmsnap_tui.model.snapshot import Consistency
from vmsnap_tui.model.together import group_of
from vmsnap_tui.model.vm import PlatformKind, Site, VmState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from pathlib import Path

    from tests.lab.libvirt.lab import Guest, Lab
    from tests.lab.openshift.lab import OpenShiftLab
    from tests.lab.openstack.lab import OpenStackLab
    from vmsnap_tui.engine.groups import GroupJob
    from vmsnap_tui.model.vm import Vm

# Guests under emulation, a cluster and a cloud at once leave no room for anything else.
pytestmark = pytest.mark.alone

SPACE = "mixed"
KVM, CLUSTER = "kvm", "cluster"
LIMIT = 60.0
"""Seconds: a loaded cloud takes its time to begin an image."""


@pytest.fixture(scope="module")
def guests(lab: Lab) -> Iterator[list[Guest]]:
    found = [lab.define(f"mixed-{number}") for number in range(2)]
    for guest in found:
        guest.start()
    for guest in found:
        guest.wait_agent(PATIENCE)
    yield found
    for guest in found:
        guest.destroy()


@pytest.fixture(scope="module")
def seeded(cluster: OpenShiftLab, cloud: OpenStackLab) -> str:
    """A vm of the cluster with an agent and two volumes, and a server on a local disk: the server's id."""
    cluster.seed_namespace(SPACE)
    cluster.seed_vm("shop", namespace=SPACE)
    return cloud.seed_server("edge")


@asynccontextmanager
async def at_work(
    lab: Lab, cluster: OpenShiftLab, cloud: OpenStackLab, state: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Admin]:
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(cloud.clouds_yaml))
    options = {"kubeconfig": str(cluster.kubeconfig), "namespaces": SPACE}
    sites = [
        Site(KVM, PlatformKind.LIBVIRT, lab.uri),
        Site(CLUSTER, PlatformKind.OPENSHIFT, cluster.context, options=options),
        site_of(MEMBER),
    ]
    engine = Engine(sites, state=state)
    await engine.start()
    try:
        await engine.loaded()
        yield Admin(engine)
    finally:
        await engine.stop()


@pytest.fixture
async def admin(
    lab: Lab, cluster: OpenShiftLab, cloud: OpenStackLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Admin]:
    async with at_work(lab, cluster, cloud, tmp_path / "state", monkeypatch) as admin:
        yield admin


async def vms_of(admin: Admin, guests: Sequence[Guest], server: str) -> list[Vm]:
    names = [*(f"{KVM}/{guest.name}" for guest in guests), f"{CLUSTER}/{SPACE}/shop", server]
    return [await admin.engine.find(name) for name in names]


async def take(admin: Admin, vms: Sequence[Vm], name: str) -> GroupJob:
    shares = taking.planned(await taking.read(admin.engine, vms), name, group=taking.fresh_id())
    assert all(share.can_run for share in shares), [share.why_not for share in shares]
    ended = await admin.engine.groups.wait(taking.begin(admin.engine, name, shares, limit=LIMIT).id)
    assert not ended.undone, [each.words for each in ended.members]
    return ended


def kubectl(cluster: OpenShiftLab, *arguments: str) -> Any:
    command = [str(cluster.kubectl), "-n", SPACE, "-o", "json", *arguments]
    ended = subprocess.run(command, env=os.environ | cluster.environment, check=True, capture_output=True, timeout=60)
    return json.loads(ended.stdout)


async def test_three_platforms_are_one_moment(
    admin: Admin, lab: Lab, cluster: OpenShiftLab, cloud: OpenStackLab, guests: list[Guest], seeded: str
) -> None:
    """Two guests of libvirt and one of the cluster stand still, and the server is cut meanwhile."""
    vms = await vms_of(admin, guests, seeded)
    ended = await take(admin, vms, "weekly")
    assert "4 of 4 taken as one moment" in ended.outcome
    assert ended.group is not None
    assert ended.group.window is not None
    # As each platform's own client shows it.
    kept = ended.group.written()
    for guest in guests:
        assert f'group="{kept}"' in lab.virsh("metadata", guest.name, "https://vmsnap.org/xmlns/1").replace("'", '"')
        assert not guest.frozen()
    [made] = kubectl(cluster, "get", "virtualmachinesnapshots")["items"]
    assert made["metadata"]["annotations"]["vmsnap.io/together"] == kept
    assert not cluster.is_frozen("shop", SPACE)
    [image] = cloud.connect().image.images(instance_uuid=seeded)
    assert image.properties["vmsnap_together"] == kept
    # As vmsnap reads it again: worth what each platform proves, and drawn as one moment.
    known = [(vm, (await admin.engine.facts(vm.ref)).snapshots) for vm in vms]
    worth = [next(each for each in snapshots if each.group == ended.group).consistency for _, snapshots in known]
    assert worth == [Consistency.FILESYSTEM] * 3 + [Consistency.CRASH]
    picks = picks_of(known, max(each.created for _, snapshots in known for each in snapshots))
    assert is_group(picks)
    assert spread(picks) == timedelta(0)


async def test_back_to_that_moment(admin: Admin, cloud: OpenStackLab, guests: list[Guest], seeded: str) -> None:
    """All four, each in the way of its platform, and up again."""
    vms = await vms_of(admin, guests, seeded)
    counted = [guest.read_disk_counter() for guest in guests]
    ended = await take(admin, vms, "noon")
    known = [(vm, (await admin.engine.facts(vm.ref)).snapshots) for vm in vms]
    picks = picks_of(known, max(each.created for _, snapshots in known for each in snapshots))
    assert {pick.snapshot.group for pick in picks if pick.snapshot} == {ended.group}
    done = await group.restore(admin.engine, await group.planned(admin.engine, picks), lambda _: None)
    assert [each.problem for each in done] == [""] * 4
    for guest, before in zip(guests, counted, strict=True):
        guest.wait_agent(PATIENCE)
        assert before <= guest.read_boot_counter() <= before + 5 * PATIENCE
    states = [(await admin.engine.facts(vm.ref)).vm.state for vm in vms]
    assert states == [VmState.RUNNING] * 4
    assert cloud.connect().compute.get_server(seeded).status == "ACTIVE"


def test_by_the_command_line(
    lab: Lab, cluster: OpenShiftLab, cloud: OpenStackLab, guests: list[Guest], seeded: str, tmp_path: Path
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(
        f'[[sites]]\nname = "{KVM}"\nkind = "libvirt"\naddress = "{lab.uri}"\n'
        f'[[sites]]\nname = "{CLUSTER}"\nkind = "openshift"\naddress = "{cluster.context}"\n'
        f'[sites.options]\nkubeconfig = "{cluster.kubeconfig}"\nnamespaces = "{SPACE}"\n'
        f'[[sites]]\nname = "cloud"\nkind = "openstack"\naddress = "{MEMBER.cloud}"\n'
    )
    environment = os.environ | {
        "VMSNAP_CONFIG": str(config),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "OS_CLIENT_CONFIG_FILE": str(cloud.clouds_yaml),
    }
    names = [*(guest.name for guest in guests), f"{CLUSTER}/{SPACE}/shop", seeded]
    command = [sys.executable, "-m", "vmsnap_tui", "take", "--together", "--limit", "60", "--json", *names]
    ended = subprocess.run(command, env=environment, capture_output=True, timeout=300, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert [each["done"] for each in told["vms"]] == [True] * 4
    assert group_of(
        lab.virsh("metadata", guests[0].name, "https://vmsnap.org/xmlns/1").split("group='")[-1].split("'")[0]
    )
    assert told["group"]["window"] > 0
