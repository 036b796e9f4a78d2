"""The command: `vmsnap`, `python -m vmsnap_tui`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    from vmsnap_tui.cli.main import run

    sys.exit(run())


if __name__ == "__main__":
    main()
