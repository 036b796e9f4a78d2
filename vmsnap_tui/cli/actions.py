"""What can be asked for on the command line: each action's options, and the request that they make.

`take` and `plan take` and so on are both made from this, so that a dry run understands exactly the same words.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from vmsnap_tui.cli.session import find_snapshot
from vmsnap_tui.model.naming import fresh_snapshot_name
from vmsnap_tui.model.plan import (
    After,
    Delete,
    Discard,
    Edit,
    EndJob,
    JobEnd,
    Merge,
    MergeHow,
    Restore,
    Scope,
    Take,
    Thaw,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vmsnap_tui.model.plan import Facts, Request
    from vmsnap_tui.model.settings import Settings
    from vmsnap_tui.model.snapshot import Snapshot

Options = dict[str, Any]

_AFTER = {"as-taken": After.AS_TAKEN, "running": After.RUNNING, "paused": After.PAUSED, "off": After.OFF}
_HOW = {how.name.lower(): how for how in MergeHow}
END = {end.value: end for end in JobEnd}
_SCOPE = {"one": Scope.ONE, "tree": Scope.TREE, "children": Scope.CHILDREN}


@dataclass(frozen=True, slots=True)
class Action:
    """One verb that changes something. `verb` is what one types the vm's name for."""

    name: str
    verb: str
    help: str
    options: Callable[[], list[click.Parameter]]
    request: Callable[[Facts, Options], Request]


def _vm() -> click.Argument:
    return click.Argument(["vm"], metavar="VM")


def _vm_and_snapshot() -> list[click.Parameter]:
    return [_vm(), click.Argument(["snapshot"], metavar="SNAPSHOT")]


def _settings() -> click.Option:
    return click.Option(
        ["--set", "settings"],
        multiple=True,
        metavar="ID=VALUE",
        callback=_pairs,
        help="Something that the method or way back lets one set; `vmsnap methods` shows what. Repeatable.",
    )


def _pairs(_context: click.Context, _parameter: click.Parameter, said: tuple[str, ...]) -> Settings:
    pairs = [text.partition("=") for text in said]
    if wrong := next((text for text, (id_, equals, _) in zip(said, pairs, strict=True) if not (id_ and equals)), None):
        raise click.BadParameter(f"“{wrong}” is not ID=VALUE.")
    return tuple((id_, value) for id_, _, value in pairs)


def _chosen(facts: Facts, options: Options) -> Snapshot:
    return find_snapshot(facts.snapshots, options["snapshot"], facts.vm.name)


def _fresh_name(facts: Facts, *, prefix: str = "") -> str:
    return fresh_snapshot_name(datetime.now().astimezone(), facts.snapshots, prefix=prefix, called=facts.called)


def _take_options() -> list[click.Parameter]:
    return [
        _vm(),
        click.Argument(["name"], metavar="[NAME]", required=False, default=""),
        click.Option(["--method"], default="", help="How, by an id that `vmsnap methods VM` shows; else the best."),
        click.Option(["--disk", "disks"], multiple=True, help="This disk only. Repeatable; else all."),
        click.Option(["--description"], default="", help="What the snapshot is for."),
        _settings(),
    ]


def _take(facts: Facts, options: Options) -> Take:
    name = options["name"] or _fresh_name(facts)
    return Take(
        facts.vm.ref, name, options["description"], options["method"], options["disks"] or None, options["settings"]
    )


def _restore_options() -> list[click.Parameter]:
    then = click.Choice(list(_AFTER))
    return [
        *_vm_and_snapshot(),
        click.Option(["--then"], type=then, default="as-taken", show_default=True, help="What the vm does afterwards."),
        click.Option(
            ["--safety"],
            default="",
            metavar="NAME|auto",
            help="Take a snapshot of the present state first, so that nothing is lost.",
        ),
        click.Option(["--how"], default="", help="The way back, by an id that `vmsnap methods VM SNAPSHOT` shows."),
        _settings(),
    ]


def _restore(facts: Facts, options: Options) -> Restore:
    safety = options["safety"]
    if safety == "auto":
        safety = _fresh_name(facts, prefix="before-restore-")
    return Restore(_chosen(facts, options).ref, _AFTER[options["then"]], safety, options["how"], options["settings"])


def _rm_options() -> list[click.Parameter]:
    scope = click.Choice(list(_SCOPE))
    return [
        *_vm_and_snapshot(),
        click.Option(
            ["--scope"],
            type=scope,
            default="one",
            show_default=True,
            help="This one, it and all below, or all below it.",
        ),
        click.Option(["--metadata-only"], is_flag=True, help="Forget the record and leave the data."),
    ]


def _rm(facts: Facts, options: Options) -> Delete:
    return Delete(_chosen(facts, options).ref, _SCOPE[options["scope"]], options["metadata_only"])


def _edit_options() -> list[click.Parameter]:
    return [
        *_vm_and_snapshot(),
        click.Option(["--name"], help="A new name."),
        click.Option(["--description"], help="A new description."),
        click.Option(
            ["--protect/--unprotect", "protected"], default=None, help="Whether vmsnap refuses to delete it, for all."
        ),
    ]


def _edit(facts: Facts, options: Options) -> Edit:
    if options["name"] is options["description"] is options["protected"] is None:
        raise click.UsageError("Nothing to change: give --name, --description, --protect or --unprotect.")
    return Edit(_chosen(facts, options).ref, options["name"], options["description"], options["protected"])


def _thaw(facts: Facts, options: Options) -> Thaw:
    del options
    return Thaw(facts.vm.ref)


def _merge_options() -> list[click.Parameter]:
    return [
        _vm(),
        click.Argument(["disk"], metavar="DISK"),
        click.Option(
            ["--how"],
            type=click.Choice(list(_HOW)),
            required=True,
            help="Write upper layers down, pull lower ones up, pull everything up, or copy all into a new file.",
        ),
        click.Option(["--top"], default="", metavar="PLACE", help="commit: the uppermost to go; else the newest."),
        click.Option(["--base"], default="", metavar="PLACE", help="commit, pull: the one that stays; else the last."),
        click.Option(["--to", "place"], default="", metavar="FILE", help="copy: the new file, with its full path."),
        click.Option(["--format", "form"], default="qcow2", show_default=True, help="copy: the new file's format."),
    ]


def _merge(facts: Facts, options: Options) -> Merge:
    how = _HOW[options["how"]]
    form = options["form"] if how is MergeHow.COPY else ""
    return Merge(facts.vm.ref, options["disk"], how, options["top"], options["base"], options["place"], form)


def _job_options() -> list[click.Parameter]:
    end = click.Choice(list(END))
    return [
        _vm(),
        click.Argument(["disk"], metavar="DISK"),
        click.Option(["--end"], type=end, required=True, help="Wait for it, use what it has made, or drop that."),
    ]


def _end_job(facts: Facts, options: Options) -> EndJob:
    return EndJob(facts.vm.ref, options["disk"], END[options["end"]])


def _discard_options() -> list[click.Parameter]:
    return [_vm(), click.Argument(["places"], metavar="FILE...", nargs=-1, required=True)]


def _discard(facts: Facts, options: Options) -> Discard:
    return Discard(facts.vm.ref, tuple(options["places"]))


ACTIONS: Mapping[str, Action] = {
    action.name: action
    for action in (
        Action("take", "take it", "Take a snapshot. Without NAME it is called by date and time.", _take_options, _take),
        Action("restore", "restore", "Put a vm back to a snapshot.", _restore_options, _restore),
        Action("rm", "delete", "Delete a snapshot, with what is below it or without.", _rm_options, _rm),
        Action("edit", "edit", "Rename a snapshot, describe it anew, or protect it.", _edit_options, _edit),
        Action("merge", "merge", "Make the chain of a disk shorter while the vm runs.", _merge_options, _merge),
        Action("blockjob", "end it", "End a block job that was left to itself.", _job_options, _end_job),
        Action("discard", "remove", "Remove files beside a vm's disks that nothing uses.", _discard_options, _discard),
        Action("thaw", "thaw", "Thaw a guest that was left frozen.", lambda: [_vm()], _thaw),
    )
}
