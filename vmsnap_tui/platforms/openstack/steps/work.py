"""What the steps have in common: asking again and again, and noting where a server is."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from vmsnap_tui.model.errors import Cancelled, Failed, Unreachable, VmsnapError
from vmsnap_tui.model.progress import Progress
from vmsnap_tui.model.text import clean
from vmsnap_tui.model.together import ALONE
from vmsnap_tui.platforms.openstack.cloud import COMPUTE, IMAGE, VOLUME
from vmsnap_tui.platforms.openstack.convert import image_id, task_of
from vmsnap_tui.platforms.openstack.gather import told
from vmsnap_tui.platforms.openstack.stamps import Here

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from threading import Event

    from vmsnap_tui.model.plan import Step
    from vmsnap_tui.model.together import Gate
    from vmsnap_tui.platforms.openstack.cloud import Cloud
    from vmsnap_tui.platforms.openstack.inventory import Inventory

Record = dict[str, Any]
T = TypeVar("T")

_FIRST, _LONGEST = 0.25, 2.0  # seconds between two looks: it starts quick and calms down
_SILENCE = 180.0  # seconds for which a service may be away while something is waited for
_PATCH = {"Content-Type": "application/openstack-images-v2.1-json-patch"}


@dataclass(frozen=True, slots=True)
class Work:
    """One step that is being done."""

    cloud: Cloud
    inventory: Inventory
    step: Step
    report: Callable[[Progress], None]
    stop: Event
    gate: Gate = ALONE

    @property
    def server_id(self) -> str:
        """The server that it is about."""
        return self.step.vm.id

    def params(self) -> Any:  # noqa: ANN401  (what the planner of this very package wrote)
        """The step's own values."""
        return self.step.params

    def action(self, body: Record) -> Record:
        """Ask Nova to do something with the server."""
        return self.cloud.ask(COMPUTE, "POST", f"/servers/{self.server_id}/action", json=body)[0]

    def image(self, id_: str) -> Record | None:
        """An image, None where it is gone."""
        return self.cloud.found(IMAGE, f"/images/{id_}")

    def snap(self, id_: str) -> Record | None:
        """A volume snapshot, None where it is gone."""
        return self.cloud.found(VOLUME, f"/snapshots/{id_}", "snapshot")

    def patch_image(self, id_: str, operations: Sequence[Record]) -> None:
        """Change an image's properties."""
        self.cloud.ask(IMAGE, "PATCH", f"/images/{id_}", json=list(operations), headers=_PATCH)

    def until(self, look: Callable[[], T | None], *, stoppable: bool = False) -> T:
        """Look again and again until there is something. A service may be away for a while meanwhile."""
        pause, away = _FIRST, 0.0
        while True:
            try:
                found = look()
            except Unreachable:
                away = away or time.monotonic()
                if time.monotonic() - away > _SILENCE:
                    raise
                self.report(Progress("waiting for the cloud to answer again"))
            else:
                away = 0.0
                if found is not None:
                    return found
            if stoppable and self.stop.wait(pause):
                raise Cancelled("it was stopped")
            if not stoppable:
                time.sleep(pause)
            pause = min(_LONGEST, pause * 1.4)

    def server_settled(self, phase: str) -> Record:
        """The server once no task is at work on it. Raises Failed where it has gone into error."""

        def look() -> Record | None:
            server = self.inventory.server(self.server_id)
            task = task_of(server)
            self.report(Progress(f"{phase} ({task})" if task else phase))
            return None if task else server

        server = self.until(look)
        if server.get("status") == "ERROR":
            fault = (server.get("fault") or {}).get("message") or "the server is in error"
            raise Failed(clean(str(fault)), "look at the server, and restore it again once the cause is gone")
        return server

    def volume_settled(self, id_: str, wanted: str, phase: str) -> None:
        """Wait until a volume is as wanted. Raises Failed where it ends otherwise."""

        def look() -> str | None:
            status = str((self.inventory.volume(id_) or {}).get("status", "gone"))
            self.report(Progress(phase))
            return status if status == wanted or status.startswith("error") or status == "gone" else None

        status = self.until(look)
        if status != wanted:
            raise Failed(f"volume {id_} is {status}", "look at the volume service's log")

    def power(self, *, runs: bool) -> Record:
        """Start or stop the server, unless it is so already."""
        server = self.server_settled("waiting for the server")
        state = server.get("OS-EXT-STS:vm_state")
        if runs and state == "stopped":
            self.action({"os-start": None})
            return self.server_settled("starting the server")
        if not runs and state == "active":
            self.action({"os-stop": None})
            return self.server_settled("stopping the server")
        return server

    def note_here(self, line: Sequence[str], since: datetime | None = None) -> str:
        """Note with the server which snapshot it goes on from. Says so where that failed."""
        try:
            server = self.inventory.server(self.server_id)
            _, now = self.cloud.ask(COMPUTE, "GET", f"/servers/{self.server_id}/metadata")
            here = Here(tuple(line), since or now or datetime.now(UTC), image_id(server))
            self.cloud.ask(COMPUTE, "POST", f"/servers/{self.server_id}/metadata", json={"metadata": here.written()})
        except VmsnapError as error:
            return f"; that could not be noted with the server ({error.words})"
        return ""

    def why_action_failed(self, action: str) -> str:
        """What Nova says of the last action of that kind, "" where it says nothing."""
        path = f"/servers/{self.server_id}/os-instance-actions"
        actions: list[Record] = told(lambda: self.cloud.get(COMPUTE, path)["instanceActions"], [])
        last = next((each for each in actions if each.get("action") == action), None)
        if last is None:
            return ""
        full: Record = told(lambda: self.cloud.get(COMPUTE, f"{path}/{last['request_id']}")["instanceAction"], {})
        details = [str(event["details"]) for event in full.get("events") or () if event.get("details")]
        return clean("; ".join(details) or str(full.get("message") or ""))
