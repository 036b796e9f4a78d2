"""Asking before something is done, where there is somebody to ask."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from vmsnap_tui.model.errors import Cancelled

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C ends a question: asyncio's own handler only notes it for later, and there is no later while one waits."""
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)


def agree_to(verb: str, count: int, things: str, *, yes: bool) -> None:
    """One deliberate answer for many: what is typed names how many. Raises Cancelled."""
    if yes:
        return
    what = f"{count} {things}{'' if count == 1 else 's'}"
    if not sys.stdin.isatty():
        raise Cancelled(f"this would {verb} {what}, and there is no terminal to ask on", "confirm with --yes")
    word = f"{verb} {count}"
    with interruptible():
        typed: str = click.prompt(f'Type "{word}" to {verb} {what}', default="", show_default=False, err=True)
    if typed.strip() != word:
        raise Cancelled("nothing was done")


def go_on(*, yes: bool) -> None:
    """A plain yes to what destroys nothing; where there is nobody to ask it goes ahead. Raises Cancelled."""
    if yes or not sys.stdin.isatty():
        return
    with interruptible():
        agreed = click.confirm("Go on?", default=True, err=True)
    if not agreed:
        raise Cancelled("nothing was done")
