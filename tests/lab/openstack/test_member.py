"""Who may see what: a member his own, an administrator all that he asks for."""

from __future__ import annotations

import json
import subprocess
import sys
from threading import Event
from typing import TYPE_CHECKING

import pytest

from vmsnap_tui.cli.exits import Exit
from vmsnap_tui.engine.store import SiteStatus
from vmsnap_tui.model.errors import Denied, Missing
from vmsnap_tui.model.plan import Delete, Take
from vmsnap_tui.model.vm import PlatformKind, Site, VmRef

from .conftest import site_of
from .lab import ADMIN, MEMBER, OTHER

if TYPE_CHECKING:
    from pathlib import Path

    from vmsnap_tui.platforms.openstack.platform import OpenStackPlatform

    from .conftest import Follow, Opened
    from .lab import OpenStackLab


@pytest.fixture(scope="module")
def servers(cloud: OpenStackLab) -> dict[str, str]:
    """A server of each project, by the project's name."""
    cloud.set_quota(OTHER, instances=-1, volumes=-1, snapshots=-1, gigabytes=-1)
    return {login.project: cloud.seed_server(f"of-{login.project}", login=login) for login in (MEMBER, OTHER)}


def seen(platform: OpenStackPlatform) -> dict[str, str]:
    """Groups by the ids of all vms."""
    return {vm.ref.id: vm.group for page in platform.vms() for vm in page}


def test_a_member_sees_and_touches_his_own(servers: dict[str, str], opened: Opened) -> None:
    other = opened(site_of(OTHER))
    own, foreign = servers["other"], servers["lab"]
    assert own in seen(other)
    assert set(seen(other).values()) == {"other"}
    assert foreign not in seen(other)
    for ask in (other.vm, other.facts, other.source):
        with pytest.raises(Missing) as caught:
            ask(VmRef(OTHER.cloud, foreign))
        assert caught.value.hint


def test_all_projects_are_an_administrators(servers: dict[str, str], opened: Opened) -> None:
    found = seen(opened(site_of(ADMIN, all_projects="yes")))
    assert (
        servers.items() <= {(group, id_) for id_, group in found.items()}
        or {
            servers["lab"],
            servers["other"],
        }
        <= found.keys()
    )
    groups = {found[servers["lab"]], found[servers["other"]]}
    assert len(groups) == 2
    assert not set(servers.values()) & seen(opened(site_of(ADMIN))).keys()


def test_a_policys_no_is_no_quota(servers: dict[str, str], opened: Opened) -> None:
    del servers
    greedy = opened(site_of(OTHER, all_projects="yes"))
    with pytest.raises(Denied, match=r"[Pp]olicy") as caught:
        seen(greedy)
    assert "role" in caught.value.hint
    assert "quota" not in caught.value.hint


def test_the_command_line_tells_a_list_that_is_refused(
    here: OpenStackLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty list would be a lie."""
    del here
    config = tmp_path / "config.toml"
    site = f'name = "greedy"\nkind = "openstack"\naddress = "{OTHER.cloud}"\noptions = {{all_projects = "yes"}}'
    config.write_text(f"[[sites]]\n{site}\n")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    command = (sys.executable, "-m", "vmsnap_tui", "ls", "--json", "--config", str(config))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == Exit.DENIED
    assert "olicy" in done.stderr
    assert json.loads(done.stdout)["sites"][0]["error"]["kind"] == "denied"


def test_what_a_policy_forbids_in_a_step_is_told_so(
    here: OpenStackLab, servers: dict[str, str], opened: Opened
) -> None:
    platform = opened(site_of(MEMBER))
    vm = VmRef(MEMBER.cloud, servers["lab"])
    (step,) = platform.facts(vm).plan(Take(vm, "theirs", method="image")).steps
    platform.run(step, lambda _: None, Event())
    (taken,) = [each for each in platform.snapshots([vm])[vm] if each.name == "theirs"]
    plan = platform.facts(vm).plan(Delete(taken.ref))
    here.connect(ADMIN).image.update_image(taken.id, owner=here.connect(ADMIN).current_project_id, visibility="public")
    with pytest.raises(Denied) as caught:
        platform.run(plan.steps[0], lambda _: None, Event())
    assert "role" in caught.value.hint
    here.connect(ADMIN).image.delete_image(taken.id)


async def test_clouds_and_projects_stand_side_by_side(servers: dict[str, str], follow: Follow) -> None:
    """One that fails does not hide the rest."""
    all_of_it = Site("everything", PlatformKind.OPENSTACK, ADMIN.cloud, options={"all_projects": "yes"})
    wrong = site_of(ADMIN, project="nobody's")
    async with follow(site_of(MEMBER), site_of(OTHER), all_of_it, wrong) as engine:
        ids = {name: {vm.ref.id for vm in engine.store.vms(name)} for name in engine.store.sites}
        assert servers["lab"] in ids[MEMBER.cloud] - ids[OTHER.cloud]
        assert servers["other"] in ids[OTHER.cloud] - ids[MEMBER.cloud]
        assert set(servers.values()) <= ids["everything"]
        status = {name: view.status for name, view in engine.store.sites.items()}
        assert status.pop(wrong.name) is SiteStatus.FAILED
        assert set(status.values()) == {SiteStatus.ONLINE}
