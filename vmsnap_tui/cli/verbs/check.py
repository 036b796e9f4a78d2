"""check: what is wrong with chains and snapshots. Changes nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click

from vmsnap_tui.cli.exits import Exit, code_of
from vmsnap_tui.cli.output import complain, emit, note, shape
from vmsnap_tui.cli.session import engine_for, survey_of, surveys_of
from vmsnap_tui.cli.setup import Setup, Verb, json_option, pass_setup

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vmsnap_tui.model.survey import Finding, Survey
    from vmsnap_tui.model.vm import VmRef


@click.command(cls=Verb)
@click.argument("vm", required=False, default="")
@click.option("--all", "every", is_flag=True, help="All vms of all sites, and files that nothing uses.")
@json_option
@pass_setup
def check(setup: Setup, vm: str, *, every: bool, as_json: bool) -> int:
    """What is wrong with the chains and snapshots of a vm, or of all, what it risks, and how to put it right.

    Ends with 1 if something is. Notes alone are nothing wrong.
    """
    if bool(vm) == every:
        raise click.UsageError("Name a VM, or say --all.")
    return asyncio.run(_check(setup, vm, as_json=as_json))


async def _check(setup: Setup, name: str, *, as_json: bool) -> int:
    async with engine_for(setup, name) as engine:
        surveys, failed = await (survey_of(engine, name) if name else surveys_of(engine))
    names = {ref: held.vm.name for survey in surveys.values() for ref, held in survey.holdings.items()}
    if as_json:
        emit({"sites": [_site_shape(site, survey, names) for site, survey in surveys.items()]})
    else:
        from vmsnap_tui.cli.check_text import tell

        tell(surveys, names)
    for site, error in failed.items():
        complain(error, about=site)
    for survey in surveys.values():
        for words in survey.blind if not as_json else ():
            note(f"not looked at: {words}")
    if not all(survey.is_healthy for survey in surveys.values()):
        return Exit.FAILED
    return code_of(next(iter(failed.values()))) if failed else Exit.OK


def _site_shape(site: str, survey: Survey, names: Mapping[VmRef, str]) -> dict[str, Any]:
    return {
        "site": site,
        "healthy": survey.is_healthy,
        "vms": len(survey.holdings),
        "findings": [_finding_shape(finding, names) for finding in survey.findings],
        "blind": survey.blind,
    }


def _finding_shape(finding: Finding, names: Mapping[VmRef, str]) -> dict[str, Any]:
    from vmsnap_tui.present.command import command_of

    name = names.get(finding.vm, "") if finding.vm else ""
    mends = [{"label": mend.label, "command": command_of(mend, name)} for mend in finding.mends]
    return shape(finding) | {"vm_name": name, "mends": mends}
