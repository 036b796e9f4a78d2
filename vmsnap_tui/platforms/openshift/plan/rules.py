"""Rules that several actions share."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from vmsnap_tui.model.plan import Refusal
from vmsnap_tui.model.text import clean
from vmsnap_tui.model.vm import VmState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vmsnap_tui.platforms.openshift.facts import OpenShiftFacts, Right

LONGEST = 63
"""Characters of a name: what a label's value and most names of objects may have."""

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?", re.ASCII)
_LABEL = re.compile(r"([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?", re.ASCII)
_DURATION = re.compile(r"(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,6})s?)?")
_NOTE_LIMIT = 200_000  # bytes: all annotations of an object together may have 256 KiB


def quoted(name: str) -> str:
    """A name for a sentence, safe to show."""
    return f"“{clean(name)}”"


def read_only(facts: OpenShiftFacts) -> tuple[Refusal, ...]:
    """The refusal of a site that is open for reading only."""
    if not facts.read_only:
        return ()
    return (Refusal("read-only", "the site is open for reading only", "open it without read_only"),)


def not_now(facts: OpenShiftFacts) -> Iterator[Refusal]:
    """What stands against any change of the vm."""
    yield from read_only(facts)
    if facts.busy:
        yield Refusal("busy", f"something is at work on the vm: {facts.busy}", "wait until that is done")
    if facts.migrating:
        yield Refusal("migrating", "the vm is moving to another node", "wait until it is there")


def unsettled(facts: OpenShiftFacts) -> Iterator[Refusal]:
    """What stands against it while the vm is in no state that lasts."""
    if facts.vm.state is VmState.CHANGING:
        yield Refusal("changing", "the vm is starting, stopping or migrating", "wait until that is done")
    elif facts.vm.state is VmState.UNKNOWN:
        yield Refusal("unknown-state", "what the vm is doing is not known", "look at its node and its source")


def not_allowed(facts: OpenShiftFacts, *rights: Right) -> Iterator[Refusal]:
    """The rights that are missing, by verb and resource."""
    for right in rights:
        if right in facts.denied:
            resource = f"{right.resource}.{right.group}" if right.group else right.resource
            yield Refusal(
                "not-allowed",
                f"you may not {right.verb} {resource} in namespace {facts.vm.group}",
                "ask for a role that allows it, such as edit or admin",
            )


def bad_name(name: str, facts: OpenShiftFacts) -> Iterator[Refusal]:
    """Why a snapshot cannot be called that. Names are shared by all vms of a namespace."""
    if not name.strip():
        yield Refusal("name-empty", "a snapshot needs a name", "choose one")
        return
    owner = facts.names.get(name)
    if owner == facts.vm.name or any(snapshot.name == name for snapshot in facts.snapshots):
        yield Refusal("name-taken", f"there is a snapshot {quoted(name)} already", "choose another name")
    elif owner is not None:
        whose = f" of {quoted(owner)}" if owner else ""
        yield Refusal(
            "name-taken",
            f"there is a snapshot {quoted(name)}{whose} already, and all vms of a namespace share the names",
            f"call it {facts.vm.name}-{name}",
        )
    if len(name) > LONGEST:
        yield Refusal("name-too-long", f"the name is longer than {LONGEST} characters", "choose a shorter one")
    elif not is_name(name):
        yield Refusal("name-invalid", "only lower-case letters, digits, - and . are allowed", "such as before-update")


def is_name(name: str) -> bool:
    """Whether an object of the cluster may be called that."""
    return len(name) <= LONGEST and _NAME.fullmatch(name) is not None


def shortened(*parts: str) -> str:
    """The parts joined to one name that is no longer than a name may be."""
    return "-".join(parts)[:LONGEST].rstrip("-.")


def bad_description(text: str) -> Iterator[Refusal]:
    """Why a snapshot cannot be described so."""
    if len(text.encode(errors="replace")) > _NOTE_LIMIT:
        yield Refusal("description-too-long", "an annotation of the cluster holds no text of that length", "cut it")


def seconds(text: str) -> float | None:
    """How long "5m", "1h30m" or "90" is, None where it says nothing of the kind."""
    found = _DURATION.fullmatch(text.strip())
    if found is None or not text.strip():
        return None
    hours, minutes, rest = (int(part or 0) for part in found.groups())
    return float(hours * 3600 + minutes * 60 + rest)


def labels(text: str) -> dict[str, str] | None:
    """The labels in "key=value, key=value", None where some are none."""
    found = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        key, equals, value = pair.partition("=")
        if not equals or not _LABEL_KEY.fullmatch(key) or not _LABEL.fullmatch(value):
            return None
        found[key] = value
    return found
