"""What check prints for people, and the command that mends something."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from vmsnap_tui.cli.actions import HOW
from vmsnap_tui.cli.output import painted, say
from vmsnap_tui.model.plan import Delete, Discard, EndJob, Merge, Thaw
from vmsnap_tui.model.survey import Severity
from vmsnap_tui.model.text import clean
from vmsnap_tui.present.marks import mark

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vmsnap_tui.model.plan import Request
    from vmsnap_tui.model.survey import Finding, Mend, Survey
    from vmsnap_tui.model.vm import VmRef


def tell(surveys: Mapping[str, Survey], names: Mapping[VmRef, str]) -> None:
    """Site by site, worst first; then how many."""
    findings = [finding for survey in surveys.values() for finding in survey.findings]
    for finding in sorted(findings, key=lambda each: each.severity.rank):
        for line in lines_of(finding, names.get(finding.vm, "") if finding.vm else ""):
            say(line)
    vms = sum(len(survey.holdings) for survey in surveys.values())
    wrong = sum(finding.severity is not Severity.NOTE for finding in findings)
    what = "nothing is wrong" if not wrong else f"{wrong} thing{'' if wrong == 1 else 's'} wrong"
    say(f"{vms} vm{'' if vms == 1 else 's'} looked at: {what}")


def lines_of(finding: Finding, vm_name: str) -> Iterator[str]:
    """A finding: what it is, what it means and risks, what mends it."""
    shown = mark(finding.severity)
    yield f"{painted(shown.text, shown.style)}  {clean(finding.what)} [{finding.code}]"
    for label, text in (("means", finding.means), ("risks", finding.risks)):
        if text:
            yield f"    {label + ':':7}{clean(text)}"
    for mend in finding.mends:
        yield f"    {'mend:':7}{clean(mend.label)}"
        for line in command_of(mend, vm_name).splitlines():
            yield f"           {line}"


def command_of(mend: Mend, vm_name: str) -> str:
    """What one types to do it, "" where it cannot be typed."""
    if mend.request is None:
        return mend.command
    words = _words(mend.request, f"{mend.request.vm.site}/{vm_name or mend.request.vm.id}")
    return shlex.join(["vmsnap", *words]) if words else ""


def _words(request: Request, vm: str) -> list[str]:
    match request:
        case Merge():
            how = next(word for word, each in HOW.items() if each is request.how)
            given = {"--top": request.top, "--base": request.base, "--to": request.place, "--format": request.format}
            options = [part for option, value in given.items() if value for part in (option, value)]
            return ["merge", vm, request.disk, "--how", how, *options]
        case EndJob():
            return ["blockjob", vm, request.disk, "--end", request.how.value]
        case Discard():
            return ["discard", vm, *request.places]
        case Delete():
            return ["rm", vm, request.snapshot.id, *(["--metadata-only"] if request.metadata_only else [])]
        case Thaw():
            return ["thaw", vm]
        case _:
            return []
