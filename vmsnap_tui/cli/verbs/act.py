"""take, restore, rm, edit, merge, blockjob, discard, thaw, and `plan`, which only shows what each would do."""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from vmsnap_tui.cli.actions import ACTIONS
from vmsnap_tui.cli.agree import interruptible
from vmsnap_tui.cli.exits import Exit, code_of
from vmsnap_tui.cli.follow import follow
from vmsnap_tui.cli.output import complain, emit, note, painted, say
from vmsnap_tui.cli.plan_text import plan_lines, plan_shape
from vmsnap_tui.cli.session import engine_for
from vmsnap_tui.cli.setup import Setup, Verb, pass_setup
from vmsnap_tui.engine.jobs import Job, JobState, PlanMoved
from vmsnap_tui.model.errors import Cancelled
from vmsnap_tui.model.naming import word_to_type
from vmsnap_tui.model.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable

    from vmsnap_tui.cli.actions import Action
    from vmsnap_tui.engine.engine import Engine
    from vmsnap_tui.model.plan import Plan


def _json_option() -> click.Option:
    return click.Option(["--json", "as_json"], is_flag=True, help="Print JSON with exact values.")


def _dry(action: Action) -> click.Command:
    options = [*action.options(), _json_option()]
    return Verb(action.name, params=options, help=action.help, callback=pass_setup(partial(_show, action=action)))


def _real(action: Action, *more: click.Option, kind: type[Verb] = Verb) -> click.Command:
    yes = click.Option(["-y", "--yes"], is_flag=True, help="Do it without asking.")
    options = [*action.options(), *more, yes, _json_option()]
    return kind(action.name, params=options, help=action.help, callback=pass_setup(partial(_do, action=action)))


def _show(setup: Setup, *, action: Action, as_json: bool, **options: Any) -> int:  # noqa: ANN401  (click's)
    return asyncio.run(_planned(setup, action, options, as_json=as_json))


def _do(setup: Setup, *, action: Action, as_json: bool, yes: bool, **options: Any) -> int:  # noqa: ANN401  (click's)
    return asyncio.run(_done(setup, action, options, yes=yes, as_json=as_json))


async def _plan(engine: Engine, action: Action, options: dict[str, Any]) -> Plan:
    vm = await engine.find(options["vm"])
    facts = await engine.facts(vm.ref)
    return facts.plan(action.request(facts, options))


async def _planned(setup: Setup, action: Action, options: dict[str, Any], *, as_json: bool) -> int:
    async with engine_for(setup, options["vm"]) as engine:
        plan = await _plan(engine, action, options)
    if as_json:
        emit({"plan": plan_shape(plan)})
    else:
        _tell(plan, say)
    return _refused(plan)


async def _done(setup: Setup, action: Action, options: dict[str, Any], *, yes: bool, as_json: bool) -> int:
    # A thaw that was asked for is not taken out of anybody's hands.
    async with engine_for(setup, options["vm"], acts=action.name != "thaw") as engine:
        plan = await _plan(engine, action, options)
        while True:
            _tell(plan, note)
            if plan.refusals:
                if as_json:
                    emit({"plan": plan_shape(plan), "job": None})
                return _refused(plan)
            _confirm(plan, action, yes=yes)
            try:
                job = await engine.jobs.submit(plan)
            except PlanMoved as error:
                # Nobody has agreed to what it would do now.
                complain(error)
                if yes or not sys.stdin.isatty():
                    raise
                plan = error.plan
                continue
            ended = await follow(engine, job)
            return _outcome(ended, as_json=as_json)


def _tell(plan: Plan, tell: Callable[[str], None]) -> None:
    for line in plan_lines(plan):
        tell(line)


def _refused(plan: Plan) -> Exit:
    if any(refusal.code == "read-only" for refusal in plan.refusals):
        return Exit.DENIED
    return Exit.REFUSED if plan.refusals else Exit.OK


def _confirm(plan: Plan, action: Action, *, yes: bool) -> None:
    """Ask where there is somebody to ask. What destroys wants a deliberate yes. Raises Cancelled."""
    if yes:
        return
    if not sys.stdin.isatty():
        if plan.is_destructive:
            raise Cancelled(
                "this destroys what is listed above, and there is no terminal to ask on", "confirm with --yes"
            )
        return
    with interruptible():
        agreed = _agreed(plan, action)
    if not agreed:
        raise Cancelled("nothing was done")


def _agreed(plan: Plan, action: Action) -> bool:
    if not plan.is_destructive:
        return click.confirm("Go on?", default=True, err=True)
    word = word_to_type(plan.vm_name, plan.request.vm.id)
    typed: str = click.prompt(f"Type {word} to {action.verb}", default="", show_default=False, err=True)
    return typed.strip() == word


def _outcome(job: Job, *, as_json: bool) -> int:
    if as_json:
        fields = ("id", "state", "queued", "started", "ended", "outcome", "error")
        shape = {name: getattr(job, name) for name in fields}
        emit({"plan": plan_shape(job.plan), "job": shape})
    elif job.state is JobState.DONE:
        say(clean(job.outcome) or "done")
    elif job.error is not None:
        complain(job.error)
    elif job.state.is_over:
        note(painted(clean(job.outcome) or job.state.value, "error"))
    if job.state is JobState.DONE:
        return Exit.OK
    if not job.state.is_over:
        return Exit.INTERRUPTED
    if job.error is not None:
        return code_of(job.error)
    return Exit.CANCELLED if job.state is JobState.CANCELLED else Exit.FAILED


class _Maybe(Verb):
    """One vm; with one of some more options several, which takes other words."""

    options: tuple[str, ...] = ()

    def other(self) -> click.Command:
        """What is meant with that option."""
        raise NotImplementedError

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,  # noqa: ANN401  (click's)
    ) -> click.Context:
        """The other command's, where the option is among the words."""
        if any(word.partition("=")[0] in self.options for word in args):
            return self.other().make_context(info_name, args, parent, **extra)
        return super().make_context(info_name, args, parent, **extra)


class _MaybeAt(_Maybe):
    options = ("--at",)

    def other(self) -> click.Command:
        """Several vms to a moment."""
        from vmsnap_tui.cli.verbs.moment import restore_at

        return restore_at


class _MaybeMany(_Maybe):
    options = ("--lab", "--together")

    def other(self) -> click.Command:
        """Several vms, or all of a lab."""
        from vmsnap_tui.cli.verbs.take_many import take_many

        return take_many


_MANY = (
    click.Option(["--lab"], metavar="NAME", help="Of each vm of a lab: see --lab NAME --help."),
    click.Option(["--together"], is_flag=True, help="Of several vms as one moment: see --together --help."),
)
take = _real(ACTIONS["take"], *_MANY, kind=_MaybeMany)
_AT = click.Option(["--at"], metavar="TIME", help="Several vms back to a moment: see --at TIME --help.")
restore = _real(ACTIONS["restore"], _AT, kind=_MaybeAt)
rm = _real(ACTIONS["rm"])
edit = _real(ACTIONS["edit"])
merge = _real(ACTIONS["merge"])
blockjob = _real(ACTIONS["blockjob"])
discard = _real(ACTIONS["discard"])
thaw = _real(ACTIONS["thaw"])
plan = click.Group(
    "plan",
    help="What an action would do, step by step, without doing it. Exit code 0 where it could be done, 3 where not.",
    commands=[_dry(action) for action in ACTIONS.values()],
)
