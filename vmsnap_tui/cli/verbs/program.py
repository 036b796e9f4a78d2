"""The app, the config file, and shell completion."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from vmsnap_tui.cli.exits import Exit
from vmsnap_tui.cli.output import emit, say
from vmsnap_tui.cli.setup import Setup, Verb, json_option, pass_setup

if TYPE_CHECKING:
    from pathlib import Path


def open_app(setup: Setup) -> int:
    """The app. A config file that cannot be used is told before the screen is taken over."""
    found = setup.found
    ui = setup.config.ui
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("The app needs a terminal. Without one: vmsnap ls, vmsnap --help.")
    from vmsnap_tui.ui.run import run_app

    return run_app(
        found.sites,
        notice=found.notice,
        read_only=setup.forbids_changes,
        theme=ui.theme or None,
        keys=ui.keys,
        confirm=ui.confirm,
        labs=setup.labs,
    )


@click.command(cls=Verb)
@pass_setup
def demo(setup: Setup) -> int:
    """The app on the demo sites: nothing in it is real, so try everything."""
    setup.demo = True
    return open_app(setup)


@click.group()
def config() -> None:
    """The config file: write one, find it, check it."""


@config.command(cls=Verb)
@click.option("--force", is_flag=True, help="Write over the one that is there.")
@pass_setup
def init(setup: Setup, *, force: bool) -> int:
    """Write a config file in which everything is explained."""
    from vmsnap_tui.engine.config import SAMPLE

    path = _path(setup)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(SAMPLE)
    except FileExistsError as error:
        raise click.UsageError(f"{path} is there already; --force writes over it.") from error
    except OSError as error:
        raise click.UsageError(f"{path} cannot be written: {error.strerror}.") from error
    say(f"wrote {path}")
    return Exit.OK


@config.command(cls=Verb)
@pass_setup
def path(setup: Setup) -> int:
    """Where the config file is, or would be."""
    say(str(_path(setup)))
    return Exit.OK


@config.command(cls=Verb)
@json_option
@pass_setup
def check(setup: Setup, *, as_json: bool) -> int:
    """Whether the config file is right; if not, the line and what was expected."""
    settings = setup.config
    if as_json:
        emit({"path": str(_path(setup)), "config": settings})
    elif not _path(setup).exists():
        say(f"there is no {_path(setup)}: everything is at its default")
    else:
        count = len(settings.sites)
        say(f"{_path(setup)} is right: {count} site{'s' * (count != 1)}")
    return Exit.OK


def _path(setup: Setup) -> Path:
    from vmsnap_tui.engine.config import config_path

    return setup.config_file or config_path()


@click.command(cls=Verb)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Print a script for your shell; for bash: eval "$(vmsnap completion bash)"."""
    from click.shell_completion import BashComplete, FishComplete, ZshComplete

    from vmsnap_tui.cli.main import cli

    kinds = {"bash": BashComplete, "fish": FishComplete, "zsh": ZshComplete}
    say(kinds[shell](cli, {}, "vmsnap", "_VMSNAP_COMPLETE").source())
    return Exit.OK
