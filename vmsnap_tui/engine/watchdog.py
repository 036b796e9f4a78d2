"""The watchdog: a process of its own that thaws the guests of a group snapshot should the program die or hang.

`python -m vmsnap_tui.engine.watchdog` reads one line of JSON from its standard input: the sites, the vms that will be
frozen, and for how many seconds at the most. It opens the sites, writes "ready", and waits. "go" says that freezing
begins now, "over" that nobody is frozen any more. Where the input ends without that (whoever wrote it is no more), or
the time is up and more, it thaws whomever it finds frozen.
"""

from __future__ import annotations

import json
import logging
import os
import select
import signal
import sys
import time
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, TextIO

import msgspec

from vmsnap_tui.engine.lane import start_thread
from vmsnap_tui.engine.locations import log_file, state_folder
from vmsnap_tui.engine.log import log_to
from vmsnap_tui.model.errors import Missing, VmsnapError
from vmsnap_tui.model.plan import Thaw
from vmsnap_tui.model.vm import PlatformKind, Site, VmRef
from vmsnap_tui.platforms.registry import create

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vmsnap_tui.platforms.protocol import Platform

log = logging.getLogger("vmsnap_tui.engine.watchdog")

READY, GO, OVER = "ready\n", b"go\n", b"over\n"
GRACE = 2.0
"""Seconds beyond the limit after which a program that says nothing is taken to hang."""
_SETTLE = 4.0  # seconds a guest is looked at: a freeze that was under way may come after the first look
_PAUSE = 0.2
_PATIENCE = 120.0  # seconds in which a guest that cannot be thawed is tried again


@dataclass(frozen=True, slots=True)
class Watch:
    """What to look after. `limit` is in seconds."""

    sites: tuple[Site, ...]
    vms: tuple[VmRef, ...]
    limit: float

    def written(self) -> bytes:
        """As one line."""
        return msgspec.json.encode(self) + b"\n"


def watch_of(line: bytes) -> Watch:
    """What was written."""
    said = json.loads(line)
    sites = [Site(**{**each, "kind": PlatformKind(each["kind"])}) for each in said["sites"]]
    return Watch(tuple(sites), tuple(VmRef(**each) for each in said["vms"]), float(said["limit"]))


def thaw_all(platforms: Sequence[Platform], vms: Sequence[VmRef], *, settle: float = _SETTLE) -> dict[VmRef, str]:
    """Thaw whoever is frozen, and look on for `settle` seconds. For each vm "", or why it may still be frozen."""
    by_name = {platform.site.name: platform for platform in platforms}
    found = dict.fromkeys(vms, "it was not looked at in time")
    overs = [Event() for _ in vms]

    def one(vm: VmRef, over: Event) -> Callable[[], None]:
        def work() -> None:
            try:
                found[vm] = _thaw(by_name[vm.site], vm, settle)
            finally:
                over.set()

        return work

    for vm, over in zip(vms, overs, strict=True):
        start_thread(f"thaw {vm.id}", one(vm, over))
    end = time.monotonic() + settle + _PATIENCE
    for over in overs:
        over.wait(max(0.0, end - time.monotonic()))
    return found


def _thaw(platform: Platform, vm: VmRef, settle: float) -> str:
    began, why = time.monotonic(), ""
    while (spent := time.monotonic() - began) < (_PATIENCE if why else settle):
        try:
            why = _thaw_once(platform, vm)
        except Missing:
            return ""
        except Exception as error:  # noqa: BLE001  (whatever it is, the guest may be frozen)
            why = str(error)
            _reopen(platform)
        log.debug("%s after %.1f s: %s", vm.id, spent, why or "thawed")
        time.sleep(_PAUSE)
    return why


def _thaw_once(platform: Platform, vm: VmRef) -> str:
    """Why it may still be frozen, "" where it is not."""
    plan = platform.facts(vm).plan(Thaw(vm))
    if plan.refusals:
        return "" if plan.refusals[0].code in {"not-frozen", "not-running"} else plan.refusals[0].why
    for step in plan.steps:
        log.warning("%s is frozen: thawing it", vm.id)
        platform.run(step, lambda _: None, Event())
    return ""


def _reopen(platform: Platform) -> None:
    try:
        platform.open()
    except VmsnapError as error:
        log.warning("%s: %s", platform.site.name, error)


def wait_for_end(stdin: int, limit: float) -> bool:
    """Wait. False where all is well, True where somebody may be left frozen."""
    text, until = b"", float("inf")
    while True:
        left = until - time.monotonic()
        if left <= 0 or not select.select([stdin], [], [], None if until == float("inf") else left)[0]:
            return True
        said = os.read(stdin, 1024)
        text += said
        if text.endswith(OVER):
            return False
        if not said:
            return GO in text
        if GO in text and until == float("inf"):
            until = time.monotonic() + limit + GRACE


def main(stdin: int, stdout: TextIO) -> int:
    """Look after it. 0 where nobody is left frozen."""
    # What ends the program must not end this: where a service is stopped, or its program was killed, systemd sends
    # SIGTERM to all that is left of it. It ends by itself, since its input does.
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGTSTP):
        signal.signal(number, signal.SIG_IGN)
    line = b""
    while not line.endswith(b"\n"):
        said = os.read(stdin, 1)
        if not said:
            return 0
        line += said
    watch = watch_of(line)
    log_to(log_file(state_folder(watch.sites)))
    platforms = [create(site) for site in watch.sites]
    try:
        for platform in platforms:
            platform.open()
    except VmsnapError as error:
        stdout.write(json.dumps(str(error)) + "\n")
        return 1
    stdout.write(READY)
    stdout.flush()
    if not wait_for_end(stdin, watch.limit):
        return 0
    log.warning("the program died or hangs: looking whether a guest is left frozen")
    left = {vm: why for vm, why in thaw_all(platforms, watch.vms).items() if why}
    for vm, why in left.items():
        log.error("%s may still be frozen: %s", vm.id, why)
    return 1 if left else 0


if __name__ == "__main__":
    code = main(sys.stdin.fileno(), sys.stdout)
    sys.stdout.flush()
    os._exit(code)  # a library's threads may hang, and nobody waits for them
