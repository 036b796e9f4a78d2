"""The root of the command line. Each verb's module is imported when it is called, so that starting is quick."""

from __future__ import annotations

import logging
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING

import click

from vmsnap_tui import __version__
from vmsnap_tui.cli.exits import MEANINGS, Exit, code_of
from vmsnap_tui.cli.setup import Setup, global_options
from vmsnap_tui.model.errors import VmsnapError

if TYPE_CHECKING:
    from collections.abc import Sequence

# name → (module, attribute, short help), in the sections and the order of the help text.
_VERBS: dict[str, dict[str, tuple[str, str, str]]] = {
    "Look": {
        "ls": ("look", "ls", "The vms of all sites."),
        "tree": ("look", "tree", "A vm's snapshots as a graph."),
        "methods": ("look", "methods", "How a vm can be snapshotted now, and what each way is worth."),
        "check": ("check", "check", "What is wrong with chains and snapshots, and how to put it right."),
        "space": ("space", "space_verb", "What takes how much space, and what deleting would free."),
        "compare": ("compare", "compare_verb", "What differs between two snapshots, or one and now."),
        "plan": ("act", "plan", "What an action would do, without doing it."),
    },
    "Act": {
        "take": ("act", "take", "Take a snapshot."),
        "restore": ("act", "restore", "Put a vm back to a snapshot."),
        "rm": ("act", "rm", "Delete snapshots."),
        "prune": ("prune", "prune_verb", "Delete the snapshots that nobody wants to keep."),
        "edit": ("act", "edit", "Rename a snapshot, describe it anew, or protect it."),
        "merge": ("act", "merge", "Make the chain of a disk shorter while the vm runs."),
        "blockjob": ("act", "blockjob", "End a block job that was left to itself."),
        "discard": ("act", "discard", "Remove files that nothing uses."),
        "lab": ("lab", "lab", "Labs: list, status, reset, baseline, start, stop."),
        "thaw": ("act", "thaw", "Thaw a guest that was left frozen."),
    },
    "Look back": {
        "jobs": ("history", "jobs", "The jobs that were run."),
        "log": ("history", "log", "The journal, line by line."),
    },
    "The program": {
        "demo": ("program", "demo", "The app on the demo sites."),
        "doctor": ("doctor", "doctor", "What can be reached, what is allowed, and what to fix."),
        "config": ("program", "config", "The config file: init, path, check."),
        "completion": ("program", "completion", "A script that completes commands in your shell."),
    },
}
_BY_NAME = {name: place for section in _VERBS.values() for name, place in section.items()}


class Root(click.Group):
    """The group of all verbs, imported one by one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names."""
        del ctx
        return list(_BY_NAME)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the one that is called."""
        del ctx
        if cmd_name not in _BY_NAME:
            return None
        module, attribute, _ = _BY_NAME[cmd_name]
        command: click.Command = getattr(import_module(f"vmsnap_tui.cli.verbs.{module}"), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """click's, with a guess at what was meant."""
        if args and args[0] not in _BY_NAME and not args[0].startswith("-"):
            from difflib import get_close_matches

            close = get_close_matches(args[0], _BY_NAME, 1)
            guess = f" Did you mean {close[0]}?" if close else ""
            ctx.fail(f"There is no command {args[0]!r}.{guess}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The sections, without importing anything; then the exit codes."""
        del ctx
        for title, section in _VERBS.items():
            with formatter.section(title):
                formatter.write_dl([(name, text) for name, (_, _, text) in section.items()], col_max=12)
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code.value), text) for code, text in MEANINGS.items()])


@click.group(
    cls=Root,
    invoke_without_command=True,
    params=global_options(),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, message="vmsnap %(version)s")
@click.pass_context
def cli(context: click.Context) -> int | None:
    """VM snapshots in the terminal. Without a command: the app."""
    if context.invoked_subcommand is not None:
        return None
    from vmsnap_tui.cli.verbs.program import open_app

    return open_app(context.ensure_object(Setup))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and say how it ended. Never lets a traceback through."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    try:
        code = int(cli.main(arguments, prog_name="vmsnap", standalone_mode=False) or Exit.OK)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        code = Exit.USAGE
    except VmsnapError as error:
        from vmsnap_tui.cli.output import complain

        complain(error, as_json="--json" in (arguments or sys.argv))
        code = code_of(error)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        code = Exit.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has left. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = Exit.FAILED
    except Exception as error:
        from vmsnap_tui.cli.crash import written_down

        with written_down(error):
            logging.getLogger(__name__).exception("unexpected")
        code = Exit.FAILED
    return code
