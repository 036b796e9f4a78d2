"""The README says what the program does: its tables are held against the code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import msgspec
import pytest
import yaml
from textual.binding import Binding

from vmsnap_tui.cli.exits import MEANINGS
from vmsnap_tui.cli.main import cli
from vmsnap_tui.engine.config import Config, LabConfig, SiteConfig, UiConfig
from vmsnap_tui.model.snapshot import Consistency
from vmsnap_tui.platforms.openshift.facts import Right
from vmsnap_tui.platforms.openshift.plan import methods
from vmsnap_tui.platforms.openshift.plan.ways import CLAIM, EXPORT, IN_PLACE, KEEP, NEW_VM
from vmsnap_tui.platforms.openshift.plan.ways import SWAP as SWAP_IN
from vmsnap_tui.platforms.openstack.plan.ways import NEW, REBUILD, REVERT, SWAP
from vmsnap_tui.present.marks import meaning
from vmsnap_tui.ui.bindings import APP, MAIN
from vmsnap_tui.ui.screens.chain import ChainScreen
from vmsnap_tui.ui.screens.compare import CompareScreen
from vmsnap_tui.ui.screens.group import GroupScreen
from vmsnap_tui.ui.screens.labs import LabsScreen
from vmsnap_tui.ui.screens.space import SpaceScreen
from vmsnap_tui.ui.screens.timeline import TimelineScreen
from vmsnap_tui.ui.widgets.cards import CardsView
from vmsnap_tui.ui.widgets.cursor_view import CursorView
from vmsnap_tui.ui.widgets.fields_view import FieldsView
from vmsnap_tui.ui.widgets.findings import FindingsView
from vmsnap_tui.ui.widgets.graph import SnapshotGraph
from vmsnap_tui.ui.widgets.inventory import Inventory
from vmsnap_tui.ui.widgets.jobs import JobsPane
from vmsnap_tui.ui.widgets.space import SpaceView
from vmsnap_tui.ui.widgets.timeline import TimelineView

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()

_KEYS = {
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "slash": "/",
    "question_mark": "?",
    "full_stop": ".",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "equals_sign": "=",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
    "plus": "+",
    "minus": "-",
    "shift+left": "shift+←",
    "shift+right": "shift+→",
    "escape": "esc",
    "pageup": "PgUp",
    "pagedown": "PgDn",
}
_DECLARED = (
    ("Anywhere", (APP, MAIN)),
    ("In the lists", (CursorView.BINDINGS,)),
    ("In the inventory", (Inventory.BINDINGS,)),
    ("In the graph", (SnapshotGraph.BINDINGS,)),
    ("In the details", (FieldsView.BINDINGS,)),
    ("In the jobs", (JobsPane.BINDINGS,)),
    ("On the chain screen", (ChainScreen.BINDINGS, FindingsView.BINDINGS)),
    ("On the compare screen", (CompareScreen.BINDINGS,)),
    ("On the timeline", (TimelineView.BINDINGS, TimelineScreen.BINDINGS)),
    ("On the labs screen", (LabsScreen.BINDINGS, CardsView.BINDINGS)),
    ("Where a group job runs", (GroupScreen.BINDINGS,)),
    ("On the space screen", (SpaceScreen.BINDINGS, SpaceView.BINDINGS)),
)


def section(title: str) -> str:
    """The text below a heading, up to the next one of its rank or above."""
    found = re.search(rf"^(#+) {re.escape(title)}\n(.*?)(?=^#{{1,3}} |\Z)", README, re.MULTILINE | re.DOTALL)
    assert found, f"there is no heading {title}"
    return found[2]


def table(title: str) -> list[list[str]]:
    """The rows of the first table below a heading, without its head."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))] for line in lines[2:]]


def expected_keys() -> list[str]:
    """The lines of the table of keys. A key that does the same in several places stands where it comes first."""
    lines: list[str] = []
    said: set[str | None] = set()
    for place, lists in _DECLARED:
        for binding in (each for declared in lists for each in declared):
            assert isinstance(binding, Binding)
            if binding.id in said:
                continue
            said.add(binding.id)
            keys = " ".join(f"`{_KEYS.get(key, key)}`" for key in binding.key.split(","))
            lines.append(f"| {keys} | {binding.tooltip} | {place.lower()} | `{binding.id}` |")
    return lines


def test_the_keys_are_those_of_the_bindings() -> None:
    lines = [line for line in section("Keys").splitlines() if line.startswith("| `")]
    assert lines == expected_keys(), "\n".join(expected_keys())


@pytest.mark.parametrize(
    ("title", "struct"),
    [("The file", Config), ("A site", SiteConfig), ("A lab", LabConfig), ("The app", UiConfig)],
)
def test_the_settings_are_those_of_the_config_file(title: str, struct: type[msgspec.Struct]) -> None:
    rows = {row[0].strip("`"): row[1].strip("`") for row in table(title)}
    fields = {field.name: field for field in msgspec.structs.fields(struct)}
    for nested in ("ui", "sites", "labs"):
        if struct is Config:
            fields.pop(nested)
    assert rows.keys() == fields.keys()
    for name, field in fields.items():
        if isinstance(field.default, bool | int | str):
            assert rows[name] == msgspec.json.encode(field.default).decode()


def test_the_exit_codes_are_those_of_the_program() -> None:
    assert table("Exit codes") == [[str(code.value), text] for code, text in MEANINGS.items()]


def test_the_commands_are_those_of_the_program() -> None:
    with cli.make_context("vmsnap", [], resilient_parsing=True) as context:
        names = cli.list_commands(context)
    shown = re.findall(r"^\| `vmsnap (\w+)", section("Commands"), re.MULTILINE)
    assert sorted(set(shown)) == sorted(names)


def test_each_consistency_is_explained() -> None:
    rows = table("What a snapshot is worth")
    assert [row[0].strip("`") for row in rows] == [consistency.value for consistency in Consistency]
    for row, consistency in zip(rows, Consistency, strict=True):
        assert row[1].startswith(meaning(consistency))


@pytest.mark.parametrize(
    ("title", "folder"),
    [("On libvirt", "libvirt"), ("On OpenShift Virtualization", "openshift"), ("On OpenStack", "openstack")],
)
def test_every_refusal_of_a_planner_is_explained(title: str, folder: str) -> None:
    codes: set[str] = set()
    for file in (ROOT / "vmsnap_tui/platforms" / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Refusal":
                code = node.args[0]
                assert isinstance(code, ast.Constant)
                assert isinstance(code.value, str), ast.unparse(node)
                codes.add(code.value)
    explained = [code for row in table(title) for code in re.findall(r"`([a-z-]+)`", row[0])]
    assert sorted(explained) == sorted(codes)


def test_every_way_to_restore_on_openstack_is_explained() -> None:
    assert explained_in("OpenStack") == [REBUILD, REVERT, SWAP, NEW]


def test_every_way_on_openshift_is_explained() -> None:
    assert explained_in("OpenShift Virtualization") == [*methods.ALL, KEEP, IN_PLACE, NEW_VM, EXPORT, SWAP_IN, CLAIM]


def test_the_role_for_openshift_allows_what_is_done_there() -> None:
    [role] = re.findall(r"```yaml\n(apiVersion.*?)```", section("OpenShift Virtualization"), re.DOTALL)
    rules = yaml.safe_load(role)["rules"]
    for right in Right:
        assert any(
            right.verb in rule["verbs"] and right.group in rule["apiGroups"] and right.resource in rule["resources"]
            for rule in rules
        ), right


def explained_in(title: str) -> list[str]:
    """What the tables below a heading explain."""
    return [line.split("`")[1] for line in section(title).splitlines() if re.match(r"\| `", line)]


def test_pictures_and_links_within_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert any(link.endswith(".svg") for link in links)
    assert [link for link in links if not (ROOT / link).exists()] == []
    titles = re.findall(r"^#+ (.+)$", README, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}
    assert set(re.findall(r"\]\(#([^)]+)\)", README)) <= anchors
