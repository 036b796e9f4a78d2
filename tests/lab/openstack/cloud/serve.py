"""Serve one OpenStack API, run by the cloud's Python: `serve.py FOLDER NAME PORT MODULE [ARGUMENTS]`.

Each request leaves a line in `FOLDER/log/NAME.access`, and `FOLDER/run/NAME.faults` may hold faults to answer with
instead; both are the tests' side of the counter.
"""

from __future__ import annotations

import json
import re
import sys
import time
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any

import waitress

Environ = dict[str, Any]


class Counter:
    """Stands before the API: counts, and fails when told to."""

    def __init__(self, application: Any, access: Path, faults: Path) -> None:
        self._application = application
        self._access = access.open("a", buffering=1)
        self._faults = faults
        self._lock = Lock()

    def __call__(self, environ: Environ, start_response: Any) -> Any:
        begin = time.time()
        status = ["000"]

        def started(line: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            status[0] = line[:3]
            return start_response(line, headers, *rest)

        fault = self._fault(environ)
        if fault is None:
            answer = self._application(environ, started)
        else:
            time.sleep(fault.get("delay", 0))
            code = fault.get("status")
            if code is None:
                answer = self._application(environ, started)
            else:
                if fault.get("lost"):  # done, but the one who asked never hears of it
                    for _ in self._application(environ, lambda *_: None):
                        pass
                body = fault.get("body", "").encode()
                headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
                started(f"{code} Fault", headers + [(k, v) for k, v in fault.get("headers", {}).items()])
                answer = [body]
        line = {
            "time": begin,
            "seconds": round(time.time() - begin, 4),
            "method": environ["REQUEST_METHOD"],
            "path": environ.get("PATH_INFO", ""),
            "query": environ.get("QUERY_STRING", ""),
            "status": int(status[0]),
            "agent": environ.get("HTTP_USER_AGENT", ""),
        }
        with self._lock:
            self._access.write(json.dumps(line) + "\n")
        return answer

    def _fault(self, environ: Environ) -> dict[str, Any] | None:
        """The first fault that fits; it is used up by and by."""
        if not self._faults.exists():
            return None
        with self._lock:
            faults: list[dict[str, Any]] = json.loads(self._faults.read_text() or "[]")
            for fault in faults:
                fits = environ["REQUEST_METHOD"] in fault["methods"] and re.search(
                    fault["path"], environ.get("PATH_INFO", "")
                )
                if fits and fault["times"] > 0:
                    fault["times"] -= 1
                    self._faults.write_text(json.dumps(faults))
                    return fault
        return None


def main() -> None:
    folder, name, port, module, *arguments = sys.argv[1:]
    sys.argv = [name, *arguments]  # some read their configuration's place from here
    application = import_module(module).application
    counted = Counter(application, Path(folder, "log", f"{name}.access"), Path(folder, "run", f"{name}.faults"))
    waitress.serve(counted, host="127.0.0.1", port=int(port), threads=12, ident=None, max_request_body_size=1 << 40)


if __name__ == "__main__":
    main()
