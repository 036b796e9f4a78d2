"""What ls, tree and methods print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.cli.exits import Exit

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.cli.conftest import Vmsnap

HOSTILE = """\
<node><cpu><mhz>1</mhz><model>x</model><active>2</active></cpu><memory>100000</memory>
{domains}
</node>
"""
DOMAIN = """<domain type="test"><name>{name}</name><title>{title}</title><memory>65536</memory>
<os><type>hvm</type></os></domain>"""


def test_ls_lists_every_vm_in_columns(vmsnap: Vmsnap) -> None:
    ended = vmsnap("ls")
    lines = ended.out.splitlines()
    assert ended.code == Exit.OK
    assert lines[0].split() == ["VM", "STATE", "AGENT", "MEMORY", "DISKS"]
    starts = {line.index("●") for line in lines[1:] if "● running" in line}
    assert len(starts) == 1  # aligned
    assert not any(line.endswith(" ") for line in lines)


def test_ls_json_holds_exact_values(vmsnap: Vmsnap) -> None:
    (site,) = vmsnap("ls", "--snapshots", "--json").json["sites"]
    assert (site["name"], site["kind"], site["status"], site["error"]) == ("kvm", "demo", "online", None)
    vm = next(vm for vm in site["vms"] if vm["name"] == "db-prod-01")
    assert vm["memory"] == 32 * 1024**3
    assert vm["state"] == "running"
    assert len(vm["snapshots"]) > 5
    created = [snapshot["created"] for snapshot in vm["snapshots"]]
    assert created == sorted(created)
    assert all(time.endswith("Z") for time in created)


def test_ls_without_snapshots_does_not_pretend_to_have_read_them(vmsnap: Vmsnap) -> None:
    (site,) = vmsnap("ls", "--json").json["sites"]
    assert not any("snapshots" in vm for vm in site["vms"])


def test_options_may_stand_before_the_verb_and_after_it(vmsnap: Vmsnap) -> None:
    before = vmsnap("-c", "test:///default", "ls", "--json").json
    after = vmsnap("ls", "--json", "-c", "test:///default").json
    assert [site["address"] for site in before["sites"]] == ["test:///default"]
    assert before == after


def test_a_configured_site_is_chosen_by_its_name(vmsnap: Vmsnap, config_file: Path) -> None:
    config_file.write_text(config_file.read_text() + '[[sites]]\nname = "other"\nkind = "demo"\n')
    assert [site["name"] for site in vmsnap("ls", "--json", "-c", "kvm").json["sites"]] == ["kvm"]


def test_tree_draws_the_graph(vmsnap: Vmsnap) -> None:
    ended = vmsnap("tree", "db-prod-01")
    assert ended.code == Exit.OK
    assert ended.out.startswith("db-prod-01  ● running\n")
    assert "├─○ upgrade-16-try-1" in ended.out
    assert "◎ you are here" in ended.out


def test_tree_json_has_every_snapshot_with_its_parent(vmsnap: Vmsnap) -> None:
    tree = vmsnap("tree", "kvm/db-prod-01", "--json").json
    ids = {snapshot["ref"]["id"] for snapshot in tree["snapshots"]}
    assert tree["vm"]["name"] == "db-prod-01"
    assert {snapshot["parent"] for snapshot in tree["snapshots"]} <= ids | {None}
    assert sum(snapshot["current"] for snapshot in tree["snapshots"]) == 1


def test_tree_of_a_vm_without_snapshots_says_so(vmsnap: Vmsnap) -> None:
    assert "no snapshots yet" in vmsnap("-c", "test:///default", "tree", "test").out


def test_methods_say_why_not(vmsnap: Vmsnap) -> None:
    ended = vmsnap("methods", "db-prod-01")
    assert "recommended" in ended.out
    assert "[mixed-tree]" in ended.out
    ways = vmsnap("methods", "db-prod-01", "--json").json["methods"]
    assert sum(way["recommended"] for way in ways) == 1


def test_hostile_names_are_shown_and_nothing_more(vmsnap: Vmsnap, tmp_path: Path) -> None:
    names = ("[bold]&lt;b&gt;&quot;&apos;", "🐧 tux", "y" * 200)
    domains = "\n".join(DOMAIN.format(name=name, title="a\u202eb") for name in names)
    file = tmp_path / "node.xml"
    file.write_text(HOSTILE.format(domains=domains))
    site = f"test://{file}"
    shown = vmsnap("-c", site, "ls").out
    assert "[bold]<b>\"'" in shown
    assert "🐧 tux" in shown
    assert "y" * 200 in shown
    assert "\u202e" not in shown + vmsnap("-c", site, "ls", "--json").out
    assert vmsnap("-c", site, "tree", "[bold]<b>\"'").code == Exit.OK


def test_a_name_that_would_act_on_the_terminal_is_not_echoed(vmsnap: Vmsnap) -> None:
    for arguments in (
        ("tree", "\x1b[31mred"),
        ("tree", "db-prod-01", "\x1b[31m"),
        ("\x1b[31m",),
        ("-c", "\x1b[31m", "ls"),
    ):
        ended = vmsnap(*arguments)
        assert ended.code in {Exit.MISSING, Exit.USAGE}
        assert "\x1b" not in ended.out + ended.err
