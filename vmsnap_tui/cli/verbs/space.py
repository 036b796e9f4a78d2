"""space: what takes how much. Changes nothing."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from vmsnap_tui.cli.exits import Exit, code_of
from vmsnap_tui.cli.output import Cell, columns, complain, emit, note, say
from vmsnap_tui.cli.session import engine_for, survey_of, surveys_of
from vmsnap_tui.cli.setup import Setup, Verb, json_option, pass_setup
from vmsnap_tui.model.space import By, space

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vmsnap_tui.model.space import Use

_BAR = 24
_MOST = 40
"""Lines that are shown to people."""


@click.command("space", cls=Verb)
@click.argument("vm", required=False, default="")
@click.option("--by", type=click.Choice([by.value for by in By]), default=By.VM.value, help="What to put together.")
@json_option
@pass_setup
def space_verb(setup: Setup, vm: str, *, by: str, as_json: bool) -> int:
    """What takes how much space, the largest first; of a snapshot, what deleting it would free (an estimate)."""
    return asyncio.run(_space(setup, vm, By(by), as_json=as_json))


async def _space(setup: Setup, name: str, by: By, *, as_json: bool) -> int:
    async with engine_for(setup, name) as engine:
        surveys, failed = await (survey_of(engine, name) if name else surveys_of(engine))
    uses = space(surveys, by, datetime.now(UTC))
    if as_json:
        emit({"by": by.value, "uses": uses})
    else:
        _tell(uses, by)
        for survey in surveys.values():
            for words in survey.blind:
                note(f"not looked at: {words}")
    for site, error in failed.items():
        complain(error, about=site)
    return code_of(next(iter(failed.values()))) if failed else Exit.OK


def _tell(uses: Sequence[Use], by: By) -> None:
    from vmsnap_tui.model.text import clean
    from vmsnap_tui.present import sizes
    from vmsnap_tui.present.reclaim import in_words
    from vmsnap_tui.present.stack import bar

    scale = max((use.used for use in uses), default=0)
    rows = [
        [
            Cell(clean(use.label)),
            Cell(use.site if by in {By.VM, By.SNAPSHOT} else "", "foreground-muted"),
            Cell(bar(use.used, scale, _BAR), "primary"),
            Cell(sizes.size(use.used), right=True),
            Cell(in_words(use.freed) if use.freed else _unknown(use), "foreground-muted"),
        ]
        for use in uses[:_MOST]
    ]
    columns(rows)
    if len(uses) > _MOST:
        note(f"… and {len(uses) - _MOST} smaller ones; --json has them all")
    if by is not By.SNAPSHOT:
        say(f"{sizes.size(sum(use.used for use in uses))} in all, as far as the storage tells")


def _unknown(use: Use) -> str:
    return f"and {use.unknown} layer{'' if use.unknown == 1 else 's'} of unknown size" if use.unknown else ""
