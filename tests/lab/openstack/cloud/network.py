"""Stands for the network service, which this cloud has none of: nova asks it all the same, and finds nothing."""

from __future__ import annotations

import json
from typing import Any


def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    parts = environ.get("PATH_INFO", "").strip("/").split("/")
    status = "200 OK"
    body: dict[str, Any]
    if parts == [""]:
        address = f"http://{environ['HTTP_HOST']}/v2.0/"
        body = {"versions": [{"id": "v2.0", "status": "CURRENT", "links": [{"rel": "self", "href": address}]}]}
    elif len(parts) == 1:
        body = {"resources": []}
    elif len(parts) == 2:
        body = {parts[1].replace("-", "_"): []}
    else:
        status, body = "404 Not Found", {"NeutronError": {"type": "NotFound", "message": "not found", "detail": ""}}
    data = json.dumps(body).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(data)))])
    return [data]
