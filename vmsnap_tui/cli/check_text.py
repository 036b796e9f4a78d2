"""What check prints for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.cli.output import painted, say
from vmsnap_tui.model.survey import Severity
from vmsnap_tui.model.text import clean
from vmsnap_tui.present.command import command_of
from vmsnap_tui.present.marks import mark

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vmsnap_tui.model.survey import Finding, Survey
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
