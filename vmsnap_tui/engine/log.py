"""The log file: what went wrong inside the program goes there, never to the screen."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_LARGEST = 1_000_000
"""Bytes after which a new log is begun. One old one is kept."""


def log_to(file: Path) -> Callable[[], None]:
    """Have the program log to `file`, or nowhere if that cannot be written. Returns how to end it."""
    logger = logging.getLogger("vmsnap_tui")
    handler = _handler(file)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger.addHandler(handler)
    propagates, logger.propagate = logger.propagate, False

    def end() -> None:
        logger.removeHandler(handler)
        logger.propagate = propagates
        handler.close()

    return end


def _handler(file: Path) -> logging.Handler:
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with suppress(FileNotFoundError):
            if file.stat().st_size > _LARGEST:
                file.replace(file.with_suffix(".old.log"))
        return logging.FileHandler(file, encoding="utf-8")
    except OSError:
        return logging.NullHandler()
