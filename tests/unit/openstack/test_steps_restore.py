"""A restore that breaks off midway says what it leaves: half a restore is nothing to find out by oneself."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

from vmsnap_tui.model.errors import Failed
from vmsnap_tui.platforms.openstack.plan.ways import REVERT, SWAP

steps = import_module("vmsnap_tui.platforms.openstack.steps.restore")  # the package has a function of that name


class Server:
    """A server with two volumes, whose second one cannot be attached or reverted."""

    server_id = "server"

    def __init__(self, way: str) -> None:
        volumes = [{"disk": disk, "volume": f"old-{disk}", "snap": f"snap-{disk}"} for disk in ("vda", "vdb")]
        self._params = {"way": way, "volumes": volumes, "image": "", "runs": True, "line": [], "remove": []}
        self.state = "active"
        self.inventory = SimpleNamespace(server=lambda _: {"OS-EXT-STS:vm_state": self.state})
        self.cloud = SimpleNamespace(ask=lambda *_, **__: ({}, None))

    def params(self) -> Any:
        return self._params

    def report(self, _progress: object) -> None:
        """Nobody looks."""

    def power(self, *, runs: bool) -> None:
        self.state = "active" if runs else "stopped"


def fails(_work: object, *rest: Any) -> None:
    if any("vdb" in str(each) for each in rest if isinstance(each, dict)):
        raise Failed("no route to the storage", "look at the volume service")


@pytest.mark.parametrize(("way", "left"), [(REVERT, ""), (SWAP, "; new volumes new-vdb are left")])
def test_half_a_restore_is_told(monkeypatch: pytest.MonkeyPatch, way: str, left: str) -> None:
    new = {"snap-vda": "new-vda", "snap-vdb": "new-vdb"}
    monkeypatch.setattr(steps, "_still_there", lambda _: None)
    monkeypatch.setattr(steps, "_new_volumes", lambda _: dict(new))
    monkeypatch.setattr(steps, "_revert", fails)
    monkeypatch.setattr(steps, "_swap", fails)
    server: Any = Server(way)
    with pytest.raises(Failed) as caught:
        steps.restore(server)
    assert caught.value.words == "no route to the storage"
    assert (
        caught.value.hint == f"look at the volume service; vda stands at the snapshot already{left}; the server is off"
    )
