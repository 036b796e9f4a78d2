"""The command line on a real libvirt, from the first look to the journal; and what it says when luck is bad."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tests.lab.libvirt.proofs import SITE, outside_view, ref, run_elsewhere
from vmsnap_tui.cli.exits import Exit
from vmsnap_tui.model.errors import Missing
from vmsnap_tui.model.plan import Delete, Restore, Take

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.libvirt.lab import Guest, Lab
    from tests.lab.libvirt.proofs import Admin

pytestmark = pytest.mark.usefixtures("quiet_afterwards")


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Vmsnap(Protocol):
    """`vmsnap ARGUMENTS`, as a script calls it."""

    def __call__(self, *arguments: str, expect: int = 0) -> Ended: ...


def ended(*command: str, **options: Any) -> Ended:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, **options)
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def vmsnap(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Vmsnap:
    run_elsewhere(lab, tmp_path, monkeypatch)

    def command(*arguments: str, expect: int = 0) -> Ended:
        it = ended(sys.executable, "-m", "vmsnap_tui", *arguments)
        assert it.code == expect, it.err
        return it

    return command


@pytest.fixture(scope="module")
def guest(lab: Lab) -> Guest:
    return lab.boot("typed")


def test_whole_journey(lab: Lab, guest: Guest, vmsnap: Vmsnap) -> None:
    assert "typed" in vmsnap("ls").out
    assert lab.uri in vmsnap("doctor").out
    assert vmsnap("doctor", "--json").json["ok"] is True
    [vm] = [vm for vm in vmsnap("ls", "--json").json["sites"][0]["vms"] if vm["name"] == "typed"]
    assert (vm["state"], vm["agent"]) == ("running", "connected")

    assert vmsnap("plan", "take", "typed", "one", "--json").json["plan"]["consistency"] == "filesystem"
    assert lab.virsh("snapshot-list", "typed", "--name").split() == []
    took = vmsnap("take", "typed", "one", "--description", "before <all>")
    assert "with frozen file systems" in took.out
    assert (
        "taken"
        in vmsnap("take", "typed", "two", "--method", "external-memory", "--yes", "--json").json["job"]["outcome"]
    )

    tree = vmsnap("tree", "typed")
    assert [word in tree.out for word in ("one", "two", "filesystem", "memory", "you are here")] == [True] * 5
    known = {each["name"]: each for each in vmsnap("tree", "typed", "--json").json["snapshots"]}
    assert known["two"]["parent"] == "one"
    assert known["one"]["description"] == "before <all>"

    before = outside_view(guest)
    refused = vmsnap("rm", "typed", "one", expect=Exit.CANCELLED)  # nobody there to say yes
    assert "--yes" in refused.err
    assert outside_view(guest) == before
    vmsnap("take", "typed", "inside", "--method", "internal", expect=Exit.REFUSED)
    vmsnap("--read-only", "rm", "typed", "one", "--yes", expect=Exit.DENIED)
    assert outside_view(guest) == before

    boot = guest.boot_id()
    vmsnap("restore", "typed", "two", "--yes")
    guest.wait_agent()
    assert guest.boot_id() == boot
    vmsnap("edit", "typed", "two", "--name", "second")
    vmsnap("rm", "typed", "second", "--yes")
    vmsnap("rm", "typed", "one", "--yes")
    assert lab.virsh("snapshot-list", "typed", "--name").split() == []
    vmsnap("restore", "typed", "one", "--yes", expect=Exit.MISSING)

    jobs = vmsnap("jobs", "--json").json["jobs"]
    assert [(job["title"].split()[0], job["state"]) for job in jobs[::-1]] == [
        ("Take", "done"),
        ("Take", "done"),
        ("Restore", "done"),
        ("Rename", "done"),
        ("Delete", "done"),
        ("Delete", "done"),
    ]
    said = vmsnap("log").out
    assert all(word in said for word in ("frozen", "thawed", "Take snapshot “one”", "second"))


def test_daemon_away(lab: Lab, vmsnap: Vmsnap) -> None:
    lab.kill_daemon()
    try:
        said = vmsnap("ls", expect=Exit.UNREACHABLE)
        assert "libvirt-sock" in said.err
        assert "systemctl start libvirtd" in said.err
        assert "systemctl start libvirtd" in vmsnap("doctor", expect=Exit.FAILED).out
    finally:
        lab.start_daemon()
    assert SITE in vmsnap("ls", "--json").out


def test_no_right_to_the_socket(lab: Lab, vmsnap: Vmsnap, tmp_path: Path) -> None:
    """As somebody who may read everything here, so that the program runs, and nothing else."""
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    os.chown(theirs, 65534, 65534)
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    reads = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search", "--bounding-set=-all,+dac_read_search")
    vmsnap_of = (sys.executable, "-m", "vmsnap_tui", "-c", lab.uri, "ls")
    environment = os.environ | {"HOME": str(theirs), "XDG_STATE_HOME": str(theirs), "PYTHONDONTWRITEBYTECODE": "1"}
    said = ended(*nobody, *reads, *vmsnap_of, env=environment)
    assert said.code == Exit.DENIED, said.err
    assert "ermission denied" in said.err
    assert "usermod -aG libvirt" in said.err


def test_no_library(lab: Lab) -> None:
    program = (
        "import sys; sys.modules['libvirt'] = None\nfrom vmsnap_tui.cli.main import run; sys.exit(run(sys.argv[1:]))"
    )
    said = ended(sys.executable, "-c", program, "-c", lab.uri, "ls")
    assert said.code == Exit.UNREACHABLE
    assert "the library for libvirt is not installed" in said.err
    assert "vmsnap-tui[libvirt]" in said.err


async def test_a_vm_that_vanishes_before_its_plan_is_run(lab: Lab, admin: Admin) -> None:
    guest = lab.define("brief")
    plan = await admin.engine.plan(Take(ref(guest), "never"))
    guest.remove()
    with pytest.raises(Missing) as missing:
        await admin.engine.jobs.submit(plan)
    assert "removed in the meantime" in str(missing.value)
    assert not admin.engine.jobs.all()


NAMES = (
    "--disk-only <b>&amp;'\" [red]bold[@click=app.quit]x",
    "$(reboot) `id` %s {0} ; rm -rf *, back\\slash:colon|pipe?",
    "\N{PILE OF POO} Überstand,vda=y=z \N{HEBREW LETTER ALEF}\N{COMBINING ACUTE ACCENT}",
    "x" * 200,
)


@pytest.mark.parametrize("method", ["external", "internal"])
async def test_names_that_hurt(lab: Lab, admin: Admin, method: str) -> None:
    """Taken, listed, restored and deleted under their own names, and under no other."""
    guest = lab.define(f"names-{method}")
    for name in NAMES:
        taken = await admin.take(guest, name, method)
        assert taken.name == name
        await admin.do(Restore(taken.ref))
        assert (await admin.snapshots(guest))[name].current
    listed = lab.virsh("snapshot-list", guest.name, "--name").splitlines()
    assert sorted(filter(None, listed)) == sorted(NAMES)
    stored = admin.engine.store.snapshots(ref(guest)) or ()
    assert {snapshot.name for snapshot in stored} == set(NAMES)
    for name in reversed(NAMES):
        await admin.do(Delete((await admin.snapshots(guest))[name].ref))
        assert name not in await admin.tree(guest)
    assert not await admin.tree(guest)
    guest.remove()


@pytest.mark.parametrize("name", ["", "a/b", ".hidden", "two\nlines", "\x1b[31mred", "x" * 300])
async def test_names_that_libvirt_cannot_keep(lab: Lab, admin: Admin, name: str) -> None:
    guest = lab.guests.get("unnamed") or lab.define("unnamed")
    before = outside_view(guest)
    plan = await admin.engine.plan(Take(ref(guest), name))
    assert {refusal.code for refusal in plan.refusals} & {"name-empty", "name-invalid", "name-too-long"}
    assert all(text.isprintable() for refusal in plan.refusals for text in (refusal.why, refusal.instead))
    assert outside_view(guest) == before
