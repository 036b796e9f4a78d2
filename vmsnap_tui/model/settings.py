"""What may be set of a method or of a way back: offered with a value that holds by itself, and asked for by id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vmsnap_tui.model.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vmsnap_tui.model.plan import Refusal

Settings = tuple[tuple[str, str], ...]
"""What was asked for, as (id, value); all else stays as it is offered."""

OLD_VOLUMES, KEEP, REMOVE, REMOVE_ALL = "old-volumes", "keep", "remove", "remove-all"
"""What becomes of the volumes that a vm lets go, where the way back puts new ones in their place: they stay beside it,
go once the new ones stand, or go along with those that earlier restores left.
"""


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that may be set. `value` holds where nothing is said; with `choices` it is one of them, else any text.

    `hint` says in a few words what it is for.
    """

    id: str
    label: str
    value: str = ""
    choices: tuple[str, ...] = ()
    hint: str = ""


def old_volumes() -> Setting:
    """The setting of that name."""
    return Setting(
        OLD_VOLUMES,
        "the volumes of now",
        KEEP,
        (KEEP, REMOVE, REMOVE_ALL),
        "keep them beside, remove them at the end, or also what earlier restores left",
    )


def settled(offered: Sequence[Setting], asked: Settings) -> dict[str, str]:
    """What holds for each that is offered."""
    said = dict(asked)
    return {setting.id: said.get(setting.id, setting.value) for setting in offered}


def setting_refusals(offered: Sequence[Setting], asked: Settings) -> Iterator[Refusal]:
    """Why what was asked for cannot be set: it is not offered, or not among the choices."""
    from vmsnap_tui.model.plan import Refusal

    known = {setting.id: setting for setting in offered}
    for id_, value in asked:
        setting = known.get(id_)
        if setting is None:
            instead = f"one of {', '.join(known)}" if known else "leave it out"
            yield Refusal("no-such-setting", f"nothing called “{clean(id_)}” can be set here", instead)
        elif setting.choices and value not in setting.choices:
            yield Refusal(
                "bad-setting", f"{setting.label} cannot be “{clean(value)}”", f"one of {', '.join(setting.choices)}"
            )
