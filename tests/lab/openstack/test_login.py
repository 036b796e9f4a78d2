"""Logging in: every way there is, what is said when it fails, and tokens that end while one works."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

import pytest

from tests.lab.libvirt.proofs import until
from vmsnap_tui.engine.jobs import JobState
from vmsnap_tui.engine.store import SiteStatus
from vmsnap_tui.model.errors import Denied, Unreachable, VmsnapError
from vmsnap_tui.model.plan import Take
from vmsnap_tui.model.vm import PlatformKind, Site, VmRef
from vmsnap_tui.platforms.openstack.clouds import addresses

from .conftest import site_of
from .lab import ADMIN, MEMBER
from .settings import REGION
from .tls import behind_tls, certificate

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Follow, Opened
    from .lab import OpenStackLab

BARE_REGION = "bare"
"""A region without a volume service."""


class Written(Protocol):
    """A site on a cloud like the member's, with other values, `auth` beneath; None leaves a value out."""

    def __call__(self, auth: dict[str, str | None] | None = None, **values: Any) -> Site: ...


@pytest.fixture
def written(here: OpenStackLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Written:
    member = json.loads(here.clouds_yaml.read_text())["clouds"][MEMBER.cloud]

    def write(auth: dict[str, str | None] | None = None, **values: Any) -> Site:
        chosen = {key: value for key, value in (member["auth"] | (auth or {})).items() if value is not None}
        path = tmp_path / "clouds.yaml"
        path.write_text(json.dumps({"clouds": {"mine": member | values | {"auth": chosen}}}))
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(path))
        return Site("mine", PlatformKind.OPENSTACK, "mine")

    return write


def why_not(opened: Opened, site: Site) -> VmsnapError:
    with pytest.raises(VmsnapError) as caught:
        opened(site)
    assert caught.value.hint
    assert "Traceback" not in caught.value.words
    return caught.value


@pytest.mark.parametrize(
    "auth",
    [{"password": "wrong"}, {"username": "nobody"}, {"project_name": "nowhere"}],
    ids=["password", "user", "project"],
)
def test_a_wrong_login_is_denied(written: Written, opened: Opened, auth: dict[str, str | None]) -> None:
    error = why_not(opened, written(auth))
    assert isinstance(error, Denied)
    assert "clouds.yaml" in error.hint


def test_a_login_without_a_project_says_so(written: Written, opened: Opened) -> None:
    error = why_not(opened, written({"project_name": None, "project_domain_name": None}))
    assert "project" in f"{error.words} {error.hint}"


def test_a_region_that_is_not_there_is_named(written: Written, opened: Opened) -> None:
    error = why_not(opened, written(region_name="Atlantis"))
    assert isinstance(error, Unreachable)
    assert "Atlantis" in error.words
    assert "region" in error.hint


def test_a_cloud_that_is_not_there_is_named(here: OpenStackLab, opened: Opened) -> None:
    del here
    error = why_not(opened, Site("x", PlatformKind.OPENSTACK, "no-such-cloud"))
    assert "no-such-cloud" in error.words
    assert "clouds.yaml" in error.hint


def test_nobody_at_the_address(written: Written, opened: Opened) -> None:
    error = why_not(opened, written({"auth_url": "http://127.0.0.1:9/v3"}))
    assert isinstance(error, Unreachable)
    assert "auth_url" in error.hint


@pytest.fixture(scope="module")
def bare(cloud: OpenStackLab) -> str:
    admin = cloud.connect(ADMIN)
    admin.identity.create_region(id=BARE_REGION)
    for kind, url in (("compute", "compute"), ("image", "image")):
        service = next(each for each in admin.identity.services() if each.type == kind)
        admin.identity.create_endpoint(
            service_id=service.id, interface="public", url=cloud.services.place.url(url), region_id=BARE_REGION
        )
    return cloud.seed_server("bare")


def test_without_a_volume_service_the_rest_works_and_says_what_is_missing(
    bare: str, written: Written, opened: Opened
) -> None:
    written(region_name=BARE_REGION)
    platform = opened(Site("bare", PlatformKind.OPENSTACK, "mine"))
    assert any("volume service" in caution for caution in platform.open().cautions)
    ref = VmRef("bare", bare)
    assert ref in {vm.ref for page in platform.vms() for vm in page}
    facts = platform.facts(ref)
    ways = {way.id: {refusal.code for refusal in way.refusals} for way in facts.methods()}
    assert ways["image"] == set()
    assert "no-volumes" in ways["volumes"]
    assert facts.plan(Take(ref, "x", method="image")).refusals == ()


async def test_regions_of_a_cloud_are_sites(bare: str, written: Written, follow: Follow) -> None:
    written(region_name=None, regions=[REGION, BARE_REGION])
    assert addresses() == (f"mine/{REGION}", f"mine/{BARE_REGION}")
    both = [Site(each.replace("/", "-"), PlatformKind.OPENSTACK, each) for each in addresses()]
    async with follow(*both) as engine:
        assert {view.status for view in engine.store.sites.values()} == {SiteStatus.ONLINE}
        assert all(VmRef(site.name, bare) in {vm.ref for vm in engine.store.vms(site.name)} for site in both)


def test_an_application_credential_opens_its_project(here: OpenStackLab, written: Written, opened: Opened) -> None:
    member = here.connect()
    made = member.identity.create_application_credential(user=member.current_user_id, name=f"vmsnap-{uuid4().hex[:8]}")
    none = dict.fromkeys(("username", "password", "project_name", "user_domain_name", "project_domain_name"))
    auth = none | {"application_credential_id": made.id, "application_credential_secret": made.secret}
    info = opened(written(auth, auth_type="v3applicationcredential")).open()
    assert ("project", MEMBER.project) in info.details
    wrong = why_not(opened, written(auth | {"application_credential_secret": "x"}, auth_type="v3applicationcredential"))
    assert isinstance(wrong, Denied)


def test_the_variables_of_the_environment_open_a_cloud(
    here: OpenStackLab, opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    auth = json.loads(here.clouds_yaml.read_text())["clouds"][MEMBER.cloud]["auth"]
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "none.yaml"))
    for name, value in (auth | {"region_name": REGION}).items():
        monkeypatch.setenv(f"OS_{name.upper()}", value)
    (address,) = addresses()
    assert ("project", MEMBER.project) in opened(Site("env", PlatformKind.OPENSTACK, address)).open().details


def test_secrets_may_lie_in_a_file_of_their_own(
    here: OpenStackLab, written: Written, opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del here
    site = written({"password": None})
    assert isinstance(why_not(opened, site), Denied)
    secure = tmp_path / "secure.yaml"
    monkeypatch.setenv("OS_CLIENT_SECURE_FILE", str(secure))
    secure.write_text(json.dumps({"clouds": {"mine": {"auth": {"password": MEMBER.password}}}}))
    assert opened(site).open().product == "OpenStack"


def test_a_ca_of_ones_own_is_taken_and_another_is_told(
    here: OpenStackLab, written: Written, opened: Opened, tmp_path: Path
) -> None:
    mine, other = certificate(tmp_path, "mine"), certificate(tmp_path, "other")
    with behind_tls(here.services.place.ports["keystone"], mine) as url:
        assert opened(written({"auth_url": url}, cacert=str(mine))).open().product == "OpenStack"
        for values in ({"cacert": str(other)}, {}):
            error = why_not(opened, written({"auth_url": url}, **values))
            assert isinstance(error, Unreachable)
            assert "certificate" in error.words.lower()
            assert "cacert" in error.hint
        missing = why_not(opened, written({"auth_url": url}, cacert=str(tmp_path / "missing.pem")))
        assert "missing.pem" in missing.words


LIFETIME = 45
"""Seconds that a token lives."""


async def test_work_goes_on_when_tokens_end(here: OpenStackLab, follow: Follow) -> None:
    """In reads, in the watch, and in a job that takes longer than a token lives."""
    volume, server = here.seed_volume("expiry"), here.seed_server("expiry")
    here.attach_volume(server, volume)
    site, vm = site_of(MEMBER), VmRef(MEMBER.cloud, server)
    here.set_token_lifetime(LIFETIME)
    here.set_duration("volume-snapshot", LIFETIME + 5)
    began = time.time()
    try:
        async with follow(site) as engine:
            seen = []
            engine.store.subscribe(lambda _: seen.append(engine.store.sites[site.name].status))
            job = await engine.jobs.submit(await engine.plan(Take(vm, "outlived", method="volumes")))
            ended = await engine.jobs.wait(job.id)
            assert ended.state is JobState.DONE, ended.error
            assert ended.started
            assert ended.ended
            assert (ended.ended - ended.started).total_seconds() > LIFETIME
            # A token may be refused earlier than it should: it is asked for anew, once, and the read goes on.
            here.fault("nova", f"/servers/{server}$", status=401)
            assert [each.name for each in (await engine.facts(vm)).snapshots] == ["outlived"]
            outside = await asyncio.to_thread(here.connect().compute.create_server_image, server, "from outside")
            await until(
                lambda: outside.id in {each.id for each in engine.store.snapshots(vm) or ()},
                "the watch to see it",
                patience=60,
            )
            assert set(seen) == {SiteStatus.ONLINE}
    finally:
        here.set_duration("volume-snapshot", 0)
        here.set_token_lifetime(14400)
        here.clear_faults()
    given = [
        request
        for request in here.requests(since=began)
        if request.method == "POST" and request.path == "/v3/auth/tokens" and request.agent.startswith("vmsnap")
    ]
    # It is renewed now and then, and not at each request.
    assert 3 <= len(given) <= 3 + 3 * (time.time() - began) / LIFETIME
