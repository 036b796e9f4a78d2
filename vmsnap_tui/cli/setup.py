"""What the command line as a whole was told: which sites, which config file, read-only or not."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from vmsnap_tui.engine.config import Config
    from vmsnap_tui.engine.discovery import Found
    from vmsnap_tui.model.lab import LabRule


@dataclass
class Setup:
    """The global options, and what follows from them."""

    named: list[str] = field(default_factory=list)
    demo: bool = False
    read_only: bool = False
    config_file: Path | None = None

    @cached_property
    def config(self) -> Config:
        """The config file. Raises ConfigError."""
        from vmsnap_tui.engine.config import load

        return load(self.config_file)

    @cached_property
    def found(self) -> Found:
        """The sites to work with. Raises ConfigError, or click.UsageError for an address that nobody knows."""
        from vmsnap_tui.engine.discovery import sites
        from vmsnap_tui.model.errors import Unsupported

        if self.demo and self.named:
            raise click.UsageError("--demo and -c exclude each other.")
        try:
            return sites(self.config, self.named, demo=self.demo, read_only=self.read_only)
        except Unsupported as error:
            raise click.BadParameter(str(error), param_hint="-c") from error

    @property
    def labs(self) -> tuple[LabRule, ...]:
        """The labs of the config file; the demo has its own."""
        return () if self.demo else tuple(lab.rule() for lab in self.config.labs)

    @property
    def forbids_changes(self) -> bool:
        """Whether nothing may be changed on any site."""
        return self.read_only or self.config.read_only


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:  # noqa: ANN401  (click's own)
    """Note a global option, wherever on the line it stands."""
    if not value:
        return
    setup = context.ensure_object(Setup)
    if parameter.name == "named":
        setup.named.extend(value)
    elif parameter.name is not None:
        setattr(setup, parameter.name, value)


def global_options() -> list[click.Parameter]:
    """The options that may stand before the verb and after it."""
    return [
        click.Option(
            ["-c", "--connect", "named"],
            metavar="SITE",
            multiple=True,
            expose_value=False,
            callback=_keep,
            help="A configured site, or an address such as qemu:///system. Repeatable.",
        ),
        click.Option(["--demo"], is_flag=True, expose_value=False, callback=_keep, help="Work on the demo sites."),
        click.Option(["--read-only"], is_flag=True, expose_value=False, callback=_keep, help="Forbid every change."),
        click.Option(
            ["--config", "config_file"],
            type=click.Path(path_type=Path),
            expose_value=False,
            callback=_keep,
            help="Use this config file.",
        ),
    ]


class Verb(click.Command):
    """A command that takes the global options too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  (click's own)
        super().__init__(*args, **kwargs)
        self.params.extend(global_options())


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON with exact values.")
pass_setup = click.make_pass_decorator(Setup, ensure=True)
