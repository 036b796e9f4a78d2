"""doctor: what can be reached, what is allowed, and what to fix."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import click

from vmsnap_tui import __version__
from vmsnap_tui.cli.exits import Exit
from vmsnap_tui.cli.output import emit, painted, say
from vmsnap_tui.cli.session import NO_SITES_HINT
from vmsnap_tui.cli.setup import Setup, Verb, json_option, pass_setup
from vmsnap_tui.engine.config import ConfigError, config_path
from vmsnap_tui.engine.engine import Engine
from vmsnap_tui.engine.locations import journal_file, state_folder
from vmsnap_tui.model.errors import Unreachable, VmsnapError
from vmsnap_tui.model.text import clean
from vmsnap_tui.present import marks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vmsnap_tui.model.vm import Site

_PATIENCE = 20.0
"""Seconds that a site has to answer."""

_LIBRARIES = ("textual", "click", "msgspec", "libvirt-python", "lxml", "openstacksdk", "kubernetes")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `fix` says what to do where it is not as it should be."""

    area: str
    ok: bool
    text: str
    fix: str = ""
    details: tuple[tuple[str, str], ...] = ()
    cautions: tuple[str, ...] = ()


@click.command(cls=Verb)
@json_option
@pass_setup
def doctor(setup: Setup, *, as_json: bool) -> int:
    """Look at the program and at every site. Exit code 1 where something is broken; cautions alone are not."""
    findings = [_program(), _state(), _config(setup)]
    if findings[-1].ok:
        findings += asyncio.run(_sites(setup))
    ok = all(finding.ok for finding in findings)
    if as_json:
        emit({"ok": ok, "findings": findings})
    else:
        for finding in findings:
            for line in _lines(finding):
                say(line)
    return Exit.OK if ok else Exit.FAILED


def _lines(finding: Finding) -> Iterator[str]:
    shown = marks.site_mark("online" if finding.ok else "failed")
    yield f"{painted(shown.glyph, shown.style)} {clean(finding.area)}: {clean(finding.text)}"
    if finding.fix:
        yield f"    to fix: {clean(finding.fix)}"
    width = max((len(label) for label, _ in finding.details), default=0)
    for label, text in finding.details:
        yield f"    {clean(label):{width}}  {clean(text)}"
    for caution in finding.cautions:
        yield f"  {painted(marks.CAUTION.glyph, marks.CAUTION.style)} {clean(caution)}"


def _program() -> Finding:
    details = [("Python", sys.version.split()[0])]
    for library in _LIBRARIES:
        try:
            details.append((library, version(library)))
        except PackageNotFoundError:
            details.append((library, "not installed"))
    return Finding("vmsnap", ok=True, text=__version__, details=tuple(details))


def _state() -> Finding:
    folder = state_folder()
    area = "state folder"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        return Finding(area, ok=False, text=f"{folder}: {error.strerror}", fix="make a folder there that you can write")
    broken = [path for path in (folder, journal_file(folder)) if path.exists() and not os.access(path, os.W_OK)]
    if broken:
        return Finding(area, ok=False, text=f"{broken[0]} cannot be written", fix="make it yours: it is the journal")
    return Finding(area, ok=True, text=str(folder))


def _config(setup: Setup) -> Finding:
    path = setup.config_file or config_path()
    try:
        settings = setup.config
    except ConfigError as error:
        return Finding("config file", ok=False, text=error.words, fix=error.hint or "put that line right")
    if not path.exists():
        return Finding("config file", ok=True, text=f"there is none at {path}; vmsnap config init writes one")
    return Finding("config file", ok=True, text=f"{path}, {len(settings.sites)} sites")


async def _sites(setup: Setup) -> list[Finding]:
    found = setup.found
    if found.notice:
        return [
            Finding(
                "sites",
                ok=False,
                text="none are configured, and no libvirt, clouds.yaml or kubeconfig was found here",
                fix=NO_SITES_HINT,
            )
        ]
    engine = Engine((), read_only=setup.forbids_changes, follow=False)
    try:
        return list(await asyncio.gather(*(_site(engine, site) for site in found.sites)))
    finally:
        await engine.stop()


async def _site(engine: Engine, site: Site) -> Finding:
    area = f"{site.name} ({site.address})" if site.address else site.name
    try:
        async with asyncio.timeout(_PATIENCE):
            info = await engine.probe(site)
    except TimeoutError:
        late = Unreachable(f"no answer within {_PATIENCE:.0f} s", "look at the network and at the host's daemon")
        return _broken(area, late)
    except VmsnapError as error:
        return _broken(area, error)
    allowed = "read-only" if site.read_only else "changes allowed"
    details = (("allowed", allowed), *info.details)
    return Finding(area, ok=True, text=f"{info.product} {info.version}", details=details, cautions=info.cautions)


def _broken(area: str, error: VmsnapError) -> Finding:
    return Finding(area, ok=False, text=error.words, fix=error.hint)
