"""The keys in the last line: what they say is true, and they are drawn anew only where it is something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets._footer import FooterKey

from tests.ui.stage import stage
from vmsnap_tui.ui.widgets.key_line import KeyLine

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ui.stage import Stage


def keys(it: Stage) -> list[FooterKey]:
    """What is shown, as widgets."""
    return list(it.app.screen.query_one(KeyLine).query(FooterKey))


def is_seen(it: Stage, description: str, *, dimmed: bool) -> bool:
    """Whether a key is there so; while they are drawn anew, none is."""
    return any(key.description == description and key.has_class("-disabled") is dimmed for key in keys(it))


def shown(it: Stage) -> tuple[tuple[str, bool], ...]:
    """What the keys are called, and which are lit."""
    return tuple((key.description, not key.has_class("-disabled")) for key in keys(it))


def pressable(it: Stage) -> tuple[tuple[str, bool], ...]:
    """The same, as the screen has it."""
    known = it.app.screen.active_bindings.values()
    return tuple((each.binding.description, each.enabled) for each in known if each.binding.show)


async def test_the_same_keys_stay_as_they_are(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        await it.go_to("db-prod-01")
        await it.still()
        before = keys(it)
        assert before
        await it.press("s", "escape")
        it.main.refresh_bindings()
        await it.still()
        assert keys(it) == before


async def test_it_says_what_can_be_pressed_wherever_one_is(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        await it.go_to("db-prod-01")
        said = set()
        for key in ("tab", "k", "tab", "tab", "slash", "escape", "t", "escape"):
            await it.press(key)
            await it.until(lambda: pressable(it) == shown(it), key)
            said.add(shown(it))
        assert len(said) > 2


async def test_what_cannot_be_done_now_is_dimmed_and_lit_again(tmp_path: Path) -> None:
    async with stage(tmp_path) as it:
        await it.go_to("db-prod-01")
        await it.until(lambda: is_seen(it, "Snapshot", dimmed=False))
        it.world().lose("the cable was cut")
        await it.until(lambda: is_seen(it, "Snapshot", dimmed=True))
        it.world().regain()
        await it.until(lambda: is_seen(it, "Snapshot", dimmed=False))


async def test_keys_of_the_user_are_shown(tmp_path: Path) -> None:
    async with stage(tmp_path, keys={"take": "f5"}) as it:
        await it.until(lambda: any(key.key == "f5" and key.key_display == "f5" for key in keys(it)))
