"""nova-compute that finds the lab's driver among nova's own: `compute.py --config-file …`."""

from __future__ import annotations

import sys
from pathlib import Path

import nova.virt
from nova.cmd import compute  # first: it prepares threads

if __name__ == "__main__":
    nova.virt.__path__.append(str(Path(__file__).parent))
    sys.exit(compute.main())
