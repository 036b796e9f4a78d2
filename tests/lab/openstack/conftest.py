"""The lab as vmsnap meets it: sites, platforms and engines on it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Protocol

import pytest

from vmsnap_tui.engine.engine import Engine
from vmsnap_tui.model.vm import PlatformKind, Site
from vmsnap_tui.platforms.openstack.platform import OpenStackPlatform

from .lab import MEMBER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from .lab import Login, OpenStackLab


def site_of(login: Login, **options: str) -> Site:
    """A login's cloud as a site."""
    return Site(login.cloud, PlatformKind.OPENSTACK, login.cloud, options=options)


class Opened(Protocol):
    """Opens a site; it is closed after the test."""

    def __call__(self, site: Site) -> OpenStackPlatform: ...


class Follow(Protocol):
    """An engine that has loaded these sites, and follows them."""

    def __call__(self, *sites: Site) -> AbstractAsyncContextManager[Engine]: ...


@pytest.fixture
def here(cloud: OpenStackLab, monkeypatch: pytest.MonkeyPatch) -> OpenStackLab:
    """The lab, found by who looks for `clouds.yaml`."""
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(cloud.clouds_yaml))
    return cloud


@pytest.fixture
def opened(here: OpenStackLab) -> Iterator[Opened]:
    del here
    platforms = []

    def open_(site: Site) -> OpenStackPlatform:
        platform = OpenStackPlatform(site)
        platforms.append(platform)
        platform.open()
        return platform

    yield open_
    for platform in platforms:
        platform.close()


@pytest.fixture
def follow(here: OpenStackLab, tmp_path: Path) -> Follow:
    del here

    @asynccontextmanager
    async def follow_(*sites: Site) -> AsyncIterator[Engine]:
        engine = Engine(list(sites), state=tmp_path / "state")
        await engine.start()
        try:
            await engine.loaded()
            yield engine
        finally:
            await engine.stop()

    return follow_


@pytest.fixture(scope="module")
def platform(cloud: OpenStackLab) -> Iterator[OpenStackPlatform]:
    """The member's, open."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OS_CLIENT_CONFIG_FILE", str(cloud.clouds_yaml))
        platform = OpenStackPlatform(site_of(MEMBER))
        platform.open()
        yield platform
        platform.close()
