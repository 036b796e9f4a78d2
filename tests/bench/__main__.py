"""`python -m tests.bench [NAMES]`: the figures as one table. Exits with 1 where a target is missed."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.chains import chains
from tests.bench.cloud import openstack
from tests.bench.cluster import openshift
from tests.bench.figure import Figure, Skipped, table
from tests.bench.keys import keys
from tests.bench.memory import memory
from tests.bench.reads import full_read
from tests.bench.start import app_start, tree

_MEASURES = {
    "start": app_start,
    "tree": tree,
    "keys": keys,
    "full": full_read,
    "memory": memory,
    "chains": chains,
    "openstack": openstack,
    "openshift": openshift,
}


def main(names: list[str]) -> int:
    """Measure these, or all."""
    if unknown := set(names) - _MEASURES.keys():
        print(f"there is no figure {', '.join(sorted(unknown))}: there are {', '.join(_MEASURES)}", file=sys.stderr)
        return 2
    figures: list[Figure | Skipped] = []
    began = time.monotonic()
    with TemporaryDirectory() as folder:
        for name in names or _MEASURES:
            print(f"measuring {name} …", file=sys.stderr, flush=True)
            figures += _MEASURES[name](Path(folder))
    print("\n".join(table(figures)))
    print(f"\nmeasured in {time.monotonic() - began:.0f} s; ratios count, since times are this machine's")
    return int(any(figure.is_missed for figure in figures))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
