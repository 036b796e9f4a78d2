"""The stand-in: `python -m tests.lab.openshift.stand_in FOLDER`, one process for what this lab has no machine for.

It does what kubelet, virt-launcher and virt-handler (`node.py`) and virt-api (`virt_api.py`, `admission.py`) would
do, as far as it shows in the API, and nothing more. No guest runs: what its guests are like, files say (`guest.py`).
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from pathlib import Path

from aiohttp import web

from tests.lab.openshift.settings import Place

from .admission import Admission
from .client import Client
from .guest import Guests
from .node import Node
from .virt_api import VirtApi


async def serve(place: Place) -> None:
    async with Client(place) as client:
        guests = Guests(place.guests)
        node = Node(client, guests)
        app = web.Application()
        app.add_routes([*VirtApi(client, node).routes(), *Admission(client).routes()])
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", place.ports["stand-in"], ssl_context=_trust(place)).start()
        await node.run()


def _trust(place: Place) -> ssl.SSLContext:
    """The API server alone asks here: for subresources it shows its certificate, for admission it need not."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(place.keys.authority))
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_cert_chain(place.keys.certificate("stand-in"), place.keys.key("stand-in"))
    return context


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    asyncio.run(serve(Place(folder, json.loads((folder / "ports.json").read_text()))))
