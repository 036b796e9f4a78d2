"""The plan dialogues: what they propose, how they answer to each option, and what it takes to go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

import pytest
from textual.widgets import Button, Checkbox, Input

from tests.ui.stage import NARROW, NOW, WIDE, stage
from vmsnap_tui.model.errors import Unreachable
from vmsnap_tui.model.plan import After, Delete, Scope
from vmsnap_tui.ui.screens.delete import DeleteScreen
from vmsnap_tui.ui.screens.dialogue import PlanFrame
from vmsnap_tui.ui.screens.edit import EditScreen
from vmsnap_tui.ui.screens.plan import PlanScreen
from vmsnap_tui.ui.screens.restore import RestoreScreen
from vmsnap_tui.ui.screens.take import TakeScreen
from vmsnap_tui.ui.widgets.choice import Choice
from vmsnap_tui.ui.widgets.confirm_bar import ConfirmBar
from vmsnap_tui.ui.widgets.settings_form import SettingsForm

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.ui.stage import Stage
    from vmsnap_tui.model.plan import Plan
    from vmsnap_tui.model.snapshot import Snapshot
    from vmsnap_tui.model.vm import Vm, VmRef


Shown = TypeVar("Shown", bound=PlanFrame)


class Opened(Generic[Shown]):
    """A dialogue on the stage, and what it answered."""

    def __init__(self, it: Stage, screen: Shown) -> None:
        self.it = it
        self.screen = screen
        self.answers: list[Plan | None] = []

    @property
    def plan(self) -> Plan:
        assert self.screen.plan is not None
        return self.screen.plan

    @property
    def ready(self) -> bool:
        return self.screen.query_one(ConfirmBar).ready

    @property
    def go(self) -> Button:
        return self.screen.query_one("#go", Button)

    async def answered(self) -> Plan | None:
        await self.it.until(lambda: self.answers, "an answer")
        return self.answers[0]


async def show(it: Stage, screen: Shown) -> Opened[Shown]:
    opened = Opened(it, screen)
    await it.app.push_screen(screen, opened.answers.append)
    await it.until(lambda: screen.plan is not None, "a plan")
    return opened


async def known(it: Stage, name: str) -> tuple[Vm, dict[str, Snapshot]]:
    vm = await it.app.engine.find(name)
    return vm, {snapshot.name: snapshot for snapshot in it.snapshots(vm.ref)}


async def test_take_proposes_a_free_name_and_the_recommended_method(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        vm, _ = await known(it, "db-prod-01")
        it_is = await show(it, TakeScreen(it.app.engine, vm, now=lambda: NOW))
        best = next(method for method in it_is.screen.facts.methods() if method.recommended)
        method = it_is.screen.query_one("#method", Choice)
        assert method.chosen == best.id
        assert it_is.plan.consistency is best.consistency
        assert it_is.screen.query_one("#name", Input).value not in {s.name for s in it.snapshots(vm.ref)}
        await it.see("What it is worth", "Steps", best.consistency.value)
        await it.press("enter")
        plan = await it_is.answered()
        assert plan == it_is.plan


async def test_a_method_that_is_not_possible_says_why_and_cannot_go(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        vm, _ = await known(it, "db-prod-01")
        it_is = await show(it, TakeScreen(it.app.engine, vm, now=lambda: NOW))
        method = it_is.screen.query_one("#method", Choice)
        method.focus()
        await it.press("end")
        await it.until(lambda: it_is.plan.refusals, "a refusal")
        await it.see("Refused", "not possible", it_is.plan.refusals[0].why[:30])
        assert it_is.go.disabled
        await it.press("enter")
        assert not it_is.answers


async def test_a_name_that_is_taken_is_refused_at_the_key(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        vm, snapshots = await known(it, "db-prod-01")
        it_is = await show(it, TakeScreen(it.app.engine, vm, now=lambda: NOW))
        it_is.screen.query_one("#name", Input).value = next(iter(snapshots))
        await it.until(lambda: it_is.plan.refusals)
        assert [refusal.code for refusal in it_is.plan.refusals] == ["name-taken"]
        assert not it_is.ready


async def test_disks_can_be_left_out(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        vm, _ = await known(it, "db-prod-01")
        it_is = await show(it, TakeScreen(it.app.engine, vm, now=lambda: NOW))
        boxes = list(it_is.screen.query(Checkbox))
        assert [box.name for box in boxes] == ["vda", "vdb"]
        assert it_is.screen.request().disks is None
        boxes[1].value = False
        await it.until(lambda: it_is.screen.request().disks == ("vda",))
        await it.until(lambda: any("vdb" in caution for caution in it_is.plan.cautions), "a caution naming vdb")


async def test_a_way_back_shows_what_may_be_set_of_it(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        vm, snapshots = await known(it, "edge-proxy-1")
        it_is = await show(it, RestoreScreen(it.app.engine, vm, snapshots["haproxy-3.0"]))
        assert it_is.screen.request().settings == ()
        assert it_is.plan.is_destructive
        safety = it_is.screen.query_one("#safety", Checkbox)
        assert safety.value
        it_is.screen.query_one("#how", Choice).focus()
        await it.press("down")
        await it.see("launch a new server", "edge-proxy-1-haproxy-3.0")
        await it.until(lambda: not safety.value and not it_is.plan.refusals, "a plan that loses nothing")
        field = it_is.screen.query_one(SettingsForm).query_one(Input)
        field.value = "copy"
        await it.until(lambda: any("copy" in step.label for step in it_is.plan.steps), "a step that names the copy")
        assert it_is.screen.request().settings == (("name", "copy"),)
        it_is.screen.query_one("#how", Choice).focus()
        await it.press("up")
        await it.until(lambda: safety.value and it_is.plan.losses, "the other way's plan")
        assert it_is.screen.request().settings == ()


async def test_restore_offers_safety_and_wants_the_name_typed(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        vm, snapshots = await known(it, "db-prod-01")
        it_is = await show(it, RestoreScreen(it.app.engine, vm, snapshots["installed"]))
        safety = it_is.screen.query_one("#safety", Checkbox)
        assert safety.value
        with_safety = [loss.what for loss in it_is.plan.losses]
        safety.value = False
        await it.until(lambda: len(it_is.plan.losses) > len(with_safety), "one more loss without it")
        assert not it_is.ready
        await it.press("ctrl+y")  # the other way to confirm, which is not in force
        assert not it_is.answers
        it_is.screen.query_one("#word", Input).focus()
        await it.type("db-prod-0")
        assert not it_is.ready
        await it.type("1")
        await it.until(lambda: it_is.ready)
        await it.press("enter")
        plan = await it_is.answered()
        assert plan is not None
        assert plan.is_destructive


async def test_a_running_vm_runs_again_unless_somebody_wants_else(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        vm, snapshots = await known(it, "db-prod-01")
        for name, usual in (("weekly-46", After.RUNNING), ("installed", After.AS_TAKEN)):
            it_is = await show(it, RestoreScreen(it.app.engine, vm, snapshots[name]))
            assert it_is.screen.request().after is usual, name
            await it.press("escape")
            await it_is.answered()


async def test_a_yes_to_one_plan_is_no_yes_to_another(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        vm, snapshots = await known(it, "db-prod-01")
        it_is = await show(it, RestoreScreen(it.app.engine, vm, snapshots["installed"]))
        it_is.screen.query_one("#word", Input).value = "db-prod-01"
        await it.until(lambda: it_is.ready)
        it_is.screen.query_one("#after", Choice).highlighted = 1
        await it.until(lambda: it_is.screen.request().after is After.RUNNING)
        await it.until(lambda: not it_is.ready, "the field to be empty again")


async def test_one_deliberate_key_does_where_that_is_configured(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        vm, snapshots = await known(it, "db-prod-01")
        screen = RestoreScreen(it.app.engine, vm, snapshots["installed"], confirm="key")
        it_is = await show(it, screen)
        await it.press("enter")
        assert not it_is.answers
        await it.press("ctrl+y")
        assert await it_is.answered() is not None


async def test_delete_names_each_that_goes(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        vm, snapshots = await known(it, "db-prod-01")
        it_is = await show(it, DeleteScreen(it.app.engine, vm, snapshots["upgrade-16-try-1"]))
        await it.see("What will be lost", "upgrade-16-try-1")
        assert not any("upgrade-16-core" in loss.what for loss in it_is.plan.losses)
        it_is.screen.query_one("#scope", Choice).focus()
        await it.press("down")
        await it.until(lambda: it_is.screen.request().scope is Scope.TREE)
        await it.until(lambda: any("upgrade-16-core" in loss.what for loss in it_is.plan.losses))


async def test_a_leaf_has_no_children_to_choose(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        vm, snapshots = await known(it, "db-prod-01")
        it_is = await show(it, DeleteScreen(it.app.engine, vm, snapshots["upgrade-16-core"]))
        assert it_is.screen.query_one("#scope", Choice).option_count == 1


async def test_edit_asks_for_no_more_than_was_changed(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        vm, snapshots = await known(it, "db-prod-01")
        it_is = await show(it, EditScreen(it.app.engine, vm, snapshots["nightly"]))
        it_is.screen.query_one("#description", Input).value = "kept for the audit"
        await it.until(lambda: it_is.screen.request().description == "kept for the audit")
        assert it_is.screen.request().name is None
        await it.until(lambda: it_is.ready)
        await it.press("enter")
        plan = await it_is.answered()
        assert plan is not None
        assert not plan.is_destructive


async def test_esc_does_nothing(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        vm, snapshots = await known(it, "db-prod-01")
        before = it.snapshots(vm.ref)
        it_is = await show(it, DeleteScreen(it.app.engine, vm, snapshots["nightly"]))
        await it.press("escape")
        assert await it_is.answered() is None
        assert it.snapshots(vm.ref) == before


async def test_facts_that_cannot_be_read_are_explained_and_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage(tmp_path) as it:
        vm, _ = await known(it, "db-prod-01")
        engine = it.app.engine
        answers = engine.facts

        async def silent(ref: VmRef) -> object:
            raise Unreachable("no answer for 30 s", "see whether the host is up")

        monkeypatch.setattr(engine, "facts", silent)
        screen = TakeScreen(engine, vm)
        await it.app.push_screen(screen)
        await it.see("no answer for 30 s", "see whether the host is up", "f5")
        monkeypatch.setattr(engine, "facts", answers)
        await it.press("f5")
        await it.see("What it is worth")


async def test_a_plan_that_moved_shows_what_is_new(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        _, snapshots = await known(it, "db-prod-01")
        old = await it.app.engine.plan(Delete(snapshots["installed"].ref))
        new = await it.app.engine.plan(Delete(snapshots["nightly"].ref))
        await show(it, PlanScreen(new, before=old))
        await it.see("The world has moved", "+ ⊖ nightly", "No longer so", "installed")


@pytest.mark.parametrize(("name", "size"), [("wide", WIDE), ("narrow", NARROW), ("tiny", (40, 10))])
async def test_how_they_look(
    tmp_path: Path, picture: Callable[[Stage, str], None], name: str, size: tuple[int, int]
) -> None:
    async with stage(tmp_path, size=size) as it:
        await it.go_to("db-prod-01")
        await it.until(lambda: size[0] < WIDE[0] or "PostgreSQL primary" in it.text)
        await it.still()
        vm, snapshots = await known(it, "db-prod-01")
        for kind, screen in (
            ("take", TakeScreen(it.app.engine, vm, now=lambda: NOW)),
            ("restore", RestoreScreen(it.app.engine, vm, snapshots["installed"], now=lambda: NOW)),
            ("delete", DeleteScreen(it.app.engine, vm, snapshots["installed"], now=lambda: NOW)),
            ("edit", EditScreen(it.app.engine, vm, snapshots["nightly"], now=lambda: NOW)),
        ):
            it_is = await show(it, screen)
            await it.still()
            if size[1] >= NARROW[1]:
                assert it_is.go.region.bottom <= size[1]
                picture(it, f"dialogue-{kind}-{name}")
            await it.press("escape")
            await it_is.answered()
            await it.still()  # what lies behind the next one is drawn again
