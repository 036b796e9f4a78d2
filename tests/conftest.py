"""Options of the test run, and what several kinds of tests share."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

# How long an example takes says how busy the machine is.
settings.register_profile("vmsnap", deadline=None)
settings.load_profile("vmsnap")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-pictures", action="store_true", help="write the screens' pictures anew (then look at them)"
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What is imported by now stays, so nobody needs to look through it for garbage.

    To look through all that lives, for what an app and its widgets left, was a third of the time of the screen's tests.
    """
    gc.collect()
    gc.freeze()
    youngest, young, _ = gc.get_threshold()
    gc.set_threshold(youngest, young, 200)


@pytest.fixture(scope="session")
def driver_always_heard() -> Iterator[None]:
    """Somebody listens to `test:///default` from the first test to the last.

    All connections of a process share its events. libvirt loses one that is raised in the instant in which the last
    listener leaves, and from then on tells nobody anything until all have left again.
    """
    libvirt = pytest.importorskip("libvirt")
    from vmsnap_tui.platforms.libvirt.connection import Connection

    connection = Connection("test:///default")
    listener = connection.open()
    callback = listener.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, lambda *_: None, None)
    yield
    listener.domainEventDeregisterAny(callback)
    connection.close()
