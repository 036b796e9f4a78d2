"""How a server could get better snapshots than it can now."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from vmsnap_tui.model.advice import AGENT, Advice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vmsnap_tui.platforms.openstack.facts import OpenStackFacts

_PROPERTIES = ("hw_qemu_guest_agent=yes", "os_require_quiesce=yes")


def advice(facts: OpenStackFacts) -> Iterator[Advice]:
    """What somebody could change, with the commands for it. Nova tells of no agent: that one runs can't be seen."""
    if facts.quiesce:
        return
    root = next((volume for volume in facts.volumes if volume.is_root), None)
    if facts.base:
        options = [word for each in _PROPERTIES for word in ("--property", each)]
        what, command = "image that it was made from", ["image", "set", *options, facts.base]
    elif root:
        options = [word for each in _PROPERTIES for word in ("--image-property", each)]
        what, command = "volume that it boots from", ["volume", "set", *options, root.id]
    else:
        return
    yield Advice(
        f"Let the {what} ask for a freeze",
        "server images with the file systems frozen",
        shlex.join(["openstack", *(["--os-cloud", facts.cloud] if facts.cloud else []), *command]),
        "It counts for servers that are made or rebuilt from it afterwards; without the agent in the guest Nova then "
        "takes no image of a running one at all.",
    )
    yield AGENT
