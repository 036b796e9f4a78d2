"""What was asked and done, in SQLite: the audit log, and the memory of what a crash cut off."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from vmsnap_tui.engine.lane import Lane
from vmsnap_tui.engine.process import is_over, this_run
from vmsnap_tui.model.vm import VmRef

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from sqlite3 import Connection as SqlConnection

    from vmsnap_tui.engine.jobs import Job
    from vmsnap_tui.model.freeze import Freeze
    from vmsnap_tui.model.plan import JsonValue

_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, run TEXT NOT NULL, site TEXT NOT NULL, vm TEXT NOT NULL, vm_name TEXT NOT NULL,
    title TEXT NOT NULL, kind TEXT NOT NULL, request TEXT NOT NULL, losses TEXT NOT NULL, steps TEXT NOT NULL,
    asked TEXT NOT NULL, step INTEGER, frozen INTEGER NOT NULL DEFAULT 0, ended TEXT, state TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS open_jobs ON jobs (id) WHERE ended IS NULL;
CREATE TABLE IF NOT EXISTS lines (
    id INTEGER PRIMARY KEY, at TEXT NOT NULL, job TEXT NOT NULL, site TEXT NOT NULL, vm TEXT NOT NULL,
    vm_name TEXT NOT NULL, what TEXT NOT NULL, state TEXT NOT NULL, text TEXT NOT NULL
) STRICT;
"""
_MARKS = "marks"
Row = tuple[Any, ...]
_PATIENCE = 2.0
"""Seconds to wait for another vmsnap that is writing."""
_PAUSE = 0.02


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log: a job begun, a step begun or ended, a job ended. `at` is aware UTC."""

    at: datetime
    job: str
    vm: VmRef
    vm_name: str
    what: str  # "job", "step", "freeze"
    state: str  # "asked", "begun", "done", "failed", "cancelled", "cut off", or a freeze state
    text: str


@dataclass(frozen=True, slots=True)
class CutOff:
    """A job that an earlier run of the program began and did not end. `now` says what is known of it today.

    `step` is the label of the step that was at work, "" where none had begun. `froze` says that this step may have
    left the guest frozen.
    """

    job: str
    vm: VmRef
    vm_name: str
    title: str
    step: str
    began: datetime
    froze: bool
    now: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """That a snapshot was protected, or a lab's baseline, when a job was queued that may cost it that mark."""

    snapshot: str
    created: datetime
    protected: bool
    baseline: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What a job that was cut off was to do: the kind of its request and that request as JSON values."""

    kind: str
    request: Mapping[str, JsonValue]
    marks: Sequence[Mark] = ()


class Journal:
    """The journal file. It opens at its first use.

    Where the file cannot be used, `caution` says why and the journal goes on in memory: a log that fails must not
    keep anybody from thawing a guest.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.caution = ""
        self._run = this_run()
        self._lane = Lane("journal", 1)
        self._database: SqlConnection | None = None

    async def entries(self, limit: int = 500) -> Sequence[Entry]:
        """The newest lines, newest first."""
        rows = await self._do(
            "SELECT at, job, site, vm, vm_name, what, state, text FROM lines ORDER BY id DESC LIMIT ?", limit
        )
        return [
            Entry(datetime.fromisoformat(at), job, VmRef(site, vm), vm_name, what, state, text)
            for at, job, site, vm, vm_name, what, state, text in rows
        ]

    async def close(self) -> None:
        """Close the file."""
        await self._lane.call(self._close)
        self._lane.close()

    # What jobs write

    async def asked(self, job: Job, marks: Sequence[Mark] = ()) -> None:
        """A job was queued: keep what it is to do and what it will cost, and the marks that may go with it."""
        from msgspec import to_builtins
        from msgspec.json import encode

        plan = job.plan
        await self._do(
            "INSERT INTO jobs (id, run, site, vm, vm_name, title, kind, request, losses, steps, asked)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            job.id,
            self._run,
            plan.request.vm.site,
            plan.request.vm.id,
            plan.vm_name,
            plan.title,
            type(plan.request).__name__,
            encode({**to_builtins(plan.request), _MARKS: marks}).decode(),
            encode(plan.losses).decode(),
            encode(plan.steps).decode(),
            _text(job.queued),
        )
        await self._line(job, "job", "asked", plan.title)

    async def begun(self, job: Job) -> None:
        """A job's turn has come."""
        await self._line(job, "job", "begun", job.plan.title)

    async def step_begun(self, job: Job, index: int) -> None:
        """Written before the step is begun: from here on a guest may stand frozen, if the step freezes."""
        step = job.plan.steps[index]
        await self._do("UPDATE jobs SET step = ?, frozen = frozen OR ? WHERE id = ?", index, int(step.freezes), job.id)
        await self._line(job, "step", "begun", step.label)

    async def step_ended(self, job: Job, state: str, text: str, *, thawed: bool) -> None:
        """A step is over; `thawed` says that it is known to have left no guest frozen."""
        if thawed:
            await self._do("UPDATE jobs SET frozen = 0 WHERE id = ?", job.id)
        await self._line(job, "step", state, text)

    async def froze(self, job: Job, freeze: Freeze) -> None:
        """A freeze state was seen during a job."""
        await self._line(job, "freeze", freeze.state.value, freeze.why)

    async def ended(self, job: Job) -> None:
        """A job is over."""
        await self._do(
            "UPDATE jobs SET ended = ?, state = ? WHERE id = ?", _text(datetime.now(UTC)), job.state.value, job.id
        )
        await self._line(job, "job", job.state.value, job.outcome)

    # What an earlier run left

    async def cut_off(self) -> Sequence[tuple[CutOff, Asked]]:
        """Jobs that were not ended by a process that is no more, oldest first."""
        rows = await self._do(
            "SELECT id, run, site, vm, vm_name, title, kind, request, steps, asked, step, frozen"
            " FROM jobs WHERE ended IS NULL ORDER BY asked"
        )
        from msgspec.json import decode

        return [
            (
                CutOff(
                    job=job,
                    vm=VmRef(site, vm),
                    vm_name=vm_name,
                    title=title,
                    step="" if step is None else decode(steps)[step]["label"],
                    began=datetime.fromisoformat(asked),
                    froze=bool(frozen),
                ),
                _asked(kind, decode(request)),
            )
            for job, run, site, vm, vm_name, title, kind, request, steps, asked, step, frozen in rows
            if is_over(run)
        ]

    async def claim(self, job_id: str) -> bool:
        """Take a job that was cut off into this run's care. False where another vmsnap did so before."""
        rows = await self._do("SELECT run FROM jobs WHERE id = ? AND ended IS NULL", job_id)
        return any(
            [
                await self._do("UPDATE jobs SET run = ? WHERE id = ? AND run = ? RETURNING id", self._run, job_id, run)
                for (run,) in rows
                if is_over(run)
            ]
        )

    async def settle(self, cut: CutOff) -> None:
        """All that can be known of a job that was cut off is known, and its guest is not frozen."""
        at = _text(datetime.now(UTC))
        await self._do("UPDATE jobs SET ended = ?, state = 'cut off' WHERE id = ?", at, cut.job)
        await self._write_line(at, cut.job, cut.vm, cut.vm_name, "job", "cut off", f"{cut.title}: {cut.now}")

    # The file

    async def _line(self, job: Job, what: str, state: str, text: str) -> None:
        plan = job.plan
        await self._write_line(_text(datetime.now(UTC)), job.id, plan.request.vm, plan.vm_name, what, state, text)

    async def _write_line(self, at: str, job: str, vm: VmRef, vm_name: str, what: str, state: str, text: str) -> None:
        await self._do(
            "INSERT INTO lines (at, job, site, vm, vm_name, what, state, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            at,
            job,
            vm.site,
            vm.id,
            vm_name,
            what,
            state,
            text,
        )

    async def _do(self, sql: str, *values: str | int) -> list[Row]:
        # Shielded, since a statement that is under way cannot be taken back when somebody stops waiting for it.
        return await asyncio.shield(self._lane.call(lambda: self._execute(sql, values)))

    # In the journal's thread

    def _execute(self, sql: str, values: Sequence[str | int]) -> list[Row]:
        import sqlite3

        try:
            return self._opened().execute(sql, values).fetchall()
        except (sqlite3.Error, OSError) as error:
            if self.caution:
                raise  # memory fails too: nothing is left to fall back on
            self.caution = f"The journal {self.file} cannot be used ({error}); what is done now is not kept."
            self._close()
            return self._opened().execute(sql, values).fetchall()

    def _opened(self) -> SqlConnection:
        if self._database is None:
            import msgspec.json  # noqa: F401 - it takes long to import, and here it holds up nobody

            self._database = self._in_memory() if self.caution else self._in_file()
        return self._database

    def _in_file(self) -> SqlConnection:
        import sqlite3

        self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        database = sqlite3.connect(self.file, timeout=_PATIENCE, isolation_level=None)
        try:
            _share(database)
            database.execute("PRAGMA synchronous = FULL")
            database.execute("BEGIN IMMEDIATE")
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if version > _VERSION:
                raise sqlite3.DatabaseError("it was written by a newer vmsnap")
            if version < _VERSION:
                _lay_out(database)
            database.execute("COMMIT")
        except sqlite3.Error:
            database.close()
            raise
        return database

    def _in_memory(self) -> SqlConnection:
        import sqlite3

        database = sqlite3.connect(":memory:", isolation_level=None)
        _lay_out(database)
        return database

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None


def _asked(kind: str, request: dict[str, Any]) -> Asked:
    from msgspec import convert

    return Asked(kind, request, convert(request.pop(_MARKS, []), list[Mark]))


def _share(database: SqlConnection) -> None:
    """Let several runs use the file at once. SQLite does not wait where two change a new file to that side by side."""
    import sqlite3

    until = time.monotonic() + _PATIENCE
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(_PAUSE)
        else:
            return


def _lay_out(database: SqlConnection) -> None:
    for statement in _SCHEMA.split(";"):
        database.execute(statement)
    database.execute(f"PRAGMA user_version = {_VERSION}")


def _text(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")
