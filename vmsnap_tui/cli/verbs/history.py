"""jobs and log: what the journal holds. No site is asked."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from vmsnap_tui.cli.exits import Exit
from vmsnap_tui.cli.output import Cell, columns, emit, marked, note, say
from vmsnap_tui.cli.setup import Setup, Verb, json_option, pass_setup
from vmsnap_tui.engine.journal import CutOff, Entry, Journal
from vmsnap_tui.engine.locations import journal_file, state_folder
from vmsnap_tui.model.text import clean
from vmsnap_tui.present.marks import entry_mark, job_mark
from vmsnap_tui.present.sizes import moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from vmsnap_tui.model.vm import Site, VmRef

_LINES_A_JOB = 40
"""How many lines of the journal are read for each job that is to be shown: enough for any but odd ones."""


@dataclass(slots=True)
class Ran:
    """One job of the journal. `state` is its newest, `cut off` where the program that ran it is no more."""

    id: str
    vm: VmRef
    vm_name: str
    state: str
    title: str = ""
    outcome: str = ""
    began: datetime | None = None
    ended: datetime | None = None


limit_option = click.option(
    "-n", "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="How many, the newest."
)


@click.command(cls=Verb)
@limit_option
@json_option
@pass_setup
def jobs(setup: Setup, limit: int, *, as_json: bool) -> int:
    """The jobs that were run, the newest first, and those that were cut off."""
    entries, cut, caution = asyncio.run(_read(limit * _LINES_A_JOB, setup.found.sites))
    ran = _jobs(entries, {job.job: job for job in cut})[:limit]
    _warn(caution)
    if as_json:
        emit({"jobs": ran})
        return Exit.OK
    rows = [
        [
            Cell(moment(job.began) if job.began else ""),
            marked(job_mark(job.state)),
            Cell(f"{job.vm.site}/{job.vm_name}"),
            Cell(clean(job.title)),
            Cell(clean(job.outcome)),
        ]
        for job in ran
    ]
    columns(rows, ["BEGAN", "STATE", "VM", "WHAT", "OUTCOME"])
    return _end(rows)


@click.command(cls=Verb)
@limit_option
@json_option
@pass_setup
def log(setup: Setup, limit: int, *, as_json: bool) -> int:
    """The journal: every job and every step, before it was begun and when it ended; the newest last."""
    entries, _, caution = asyncio.run(_read(limit, setup.found.sites))
    lines = entries[::-1]
    _warn(caution)
    if as_json:
        emit({"entries": lines})
        return Exit.OK
    rows = [
        [
            Cell(moment(entry.at), "foreground-muted"),
            Cell(entry.job[:6], "foreground-muted"),
            Cell(f"{entry.vm.site}/{entry.vm_name}"),
            Cell(entry.what),
            marked(entry_mark(entry.what, entry.state)),
            Cell(clean(entry.text)),
        ]
        for entry in lines
    ]
    columns(rows, ["AT", "JOB", "VM", "WHAT", "STATE", "TEXT"])
    return _end(rows)


def _end(rows: Sequence[object]) -> int:
    if not rows:
        say("nothing has been done yet")
    return Exit.OK


def _warn(caution: str) -> None:
    if caution:
        note(caution)


async def _read(lines: int, sites: Sequence[Site]) -> tuple[Sequence[Entry], Sequence[CutOff], str]:
    journal = Journal(journal_file(state_folder(sites)))
    try:
        cut = [job for job, _ in await journal.cut_off()]
        return list(await journal.entries(lines)), cut, journal.caution
    finally:
        await journal.close()


def _jobs(entries: Iterable[Entry], cut: dict[str, CutOff]) -> list[Ran]:
    """The jobs that the lines (newest first) speak of, newest first."""
    found: dict[str, Ran] = {}
    for entry in entries:
        if entry.what != "job":
            continue
        job = found.get(entry.job)
        if job is None:
            job = found[entry.job] = Ran(entry.job, entry.vm, entry.vm_name, entry.state)
            if entry.state not in {"asked", "begun"}:
                job.ended, job.outcome = entry.at, entry.text
            elif entry.job in cut:
                job.state = "cut off"
                job.outcome = f"while at: {cut[entry.job].step}" if cut[entry.job].step else "before its first step"
        if entry.state == "asked":
            job.began, job.title = entry.at, entry.text
    return list(found.values())
