"""Rules that several actions share."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from vmsnap_tui.model.plan import Refusal
from vmsnap_tui.model.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vmsnap_tui.platforms.openstack.facts import OpenStackFacts

_LONGEST = 255  # characters of a name, and of a volume snapshot's description


def quoted(name: str) -> str:
    """A name for a sentence, safe to show."""
    return f"“{clean(name)}”"


def read_only(facts: OpenStackFacts) -> tuple[Refusal, ...]:
    """The refusal of a site that is open for reading only."""
    if not facts.read_only:
        return ()
    return (Refusal("read-only", "the site is open for reading only", "open it without read_only"),)


def not_now(facts: OpenStackFacts) -> Iterator[Refusal]:
    """What stands against any change of the server."""
    yield from read_only(facts)
    if facts.task:
        yield Refusal("busy", f"the server is busy ({facts.task})", "wait until that is done")


def bad_name(name: str, facts: OpenStackFacts) -> Iterator[Refusal]:
    """Why a snapshot cannot be called that. Nova takes printable characters of the first plane alone."""
    instead = "choose another name"
    if not name.strip():
        yield Refusal("name-empty", "a snapshot needs a name", instead)
        return
    if any(snapshot.name == name for snapshot in facts.snapshots):
        yield Refusal("name-taken", f"there is a snapshot {quoted(name)} already", instead)
    if len(name) > _LONGEST:
        yield Refusal("name-too-long", f"the name is longer than {_LONGEST} characters", "choose a shorter one")
    if name != name.strip() or any(map(_is_odd, name)):
        yield Refusal(
            "name-invalid", "OpenStack takes no control characters, spaces at the ends or emoji in a name", instead
        )


def bad_description(text: str) -> Iterator[Refusal]:
    """Why a volume snapshot cannot be described so."""
    if len(text) > _LONGEST:
        yield Refusal("description-too-long", f"OpenStack keeps {_LONGEST} characters", "make it shorter")


def _is_odd(char: str) -> bool:
    category = unicodedata.category(char)
    return ord(char) > 0xFFFE or category[0] == "C" or category in {"Zl", "Zp"}
