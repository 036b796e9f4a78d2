"""How a vm could get better snapshots than it can now."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing that somebody could change.

    `gains` is what it is good for. `command` is for a shell (with YAML or XML in it where that is needed), and is
    complete: nothing is left to fill in. `caution` is what to know before.
    """

    what: str
    gains: str
    command: str
    caution: str = ""


AGENT = Advice(
    "Install and start the guest agent, inside the guest",
    "snapshots with its file systems frozen",
    "sudo apt-get install -y qemu-guest-agent || sudo dnf install -y qemu-guest-agent\n"
    "sudo systemctl enable --now qemu-guest-agent",
    "Windows: the guest tools of virtio-win have it.",
)
"""The same on every platform."""
