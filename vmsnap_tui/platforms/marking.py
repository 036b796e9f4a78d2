"""What an edit says of a snapshot for everybody to see, the same on all platforms: protected, baseline of a lab."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.lab import bad_name
from vmsnap_tui.model.plan import Refusal

if TYPE_CHECKING:
    from vmsnap_tui.model.plan import Edit, JsonValue
    from vmsnap_tui.model.snapshot import Snapshot


def marking(request: Edit, snapshot: Snapshot) -> tuple[dict[str, JsonValue], list[str]]:
    """The parameters of the step that changes them, and the words for it; both empty where nothing is to change."""
    params: dict[str, JsonValue] = {}
    words = []
    if request.protected not in {None, snapshot.protected}:
        params["protected"] = request.protected
        words.append("protect it" if request.protected else "take its protection away")
    if request.baseline not in {None, snapshot.baseline}:
        params["baseline"] = request.baseline
        words.append(f"make it the baseline of “{request.baseline}”" if request.baseline else "it is no baseline more")
    return params, words


def bad_baseline(request: Edit) -> tuple[Refusal, ...]:
    """Why a lab cannot be called that."""
    why = bad_name(request.baseline) if request.baseline else ""  # "" is no baseline more
    return (Refusal("lab-name", why, "choose another name"),) if why else ()
