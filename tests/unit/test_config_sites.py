"""Which sites there are: named, configured, found, or the demo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vmsnap_tui.engine.config import Config, SiteConfig
from vmsnap_tui.engine.discovery import ad_hoc, clouds, clusters, local_libvirt, sites
from vmsnap_tui.model.errors import Unsupported
from vmsnap_tui.model.vm import PlatformKind

if TYPE_CHECKING:
    from pathlib import Path

LAB = SiteConfig("lab", PlatformKind.LIBVIRT, "qemu+ssh://root@lab/system", jobs=5)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("LIBVIRT_DEFAULT_URI", "OS_CLOUD", "OS_AUTH_URL", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "clouds.yaml"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


def touch(file: Path, mode: int = 0o644) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode)


def found(root: Path) -> list[str]:
    return [site.address for site in local_libvirt(root)]


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("qemu:///system", "system"),
        ("qemu:///session", "session"),
        ("qemu+ssh://root@host.example:2222/system?keyfile=x", "host.example"),
        ("qemu+tls://[2001:db8::1]/system", "2001:db8::1"),
        ("qemu+unix:///system?socket=/run/x", "system"),
        ("test:///default", "test"),
        ("test:///some/where.xml", "test"),
    ],
)
def test_a_name_is_made_from_an_address(address: str, name: str) -> None:
    site = ad_hoc(address)
    assert (site.name, site.address, site.kind) == (name, address, PlatformKind.LIBVIRT)
    assert "/" not in site.name


@pytest.mark.parametrize("address", ["", "host", "http://host/", "qemu", "\x1b[31m", "qemu+ssh//x"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(Unsupported) as caught:
        ad_hoc(address)
    assert "\x1b" not in caught.value.words


def test_named_sites_win_and_keep_apart() -> None:
    chosen = sites(Config(sites=(LAB,)), ["lab", "qemu+ssh://a@h/system", "qemu+ssh://b@h/system", "lab"]).sites
    assert [(site.name, site.jobs) for site in chosen] == [("lab", 5), ("h", 4), ("h-2", 4)]


def test_configured_sites_come_before_found_ones() -> None:
    assert [site.name for site in sites(Config(sites=(LAB,))).sites] == ["lab"]


@pytest.mark.parametrize("config", [Config(read_only=True, sites=(LAB,)), Config(sites=(LAB,))])
def test_read_only_reaches_every_site(config: Config) -> None:
    for named in ([], ["test:///default"]):
        assert all(site.read_only for site in sites(config, named, read_only=not config.read_only).sites)


@pytest.mark.parametrize("socket", ["libvirt-sock", "virtqemud-sock"])
def test_a_system_daemon_is_found_by_its_socket(tmp_path: Path, socket: str) -> None:
    touch(tmp_path / "run/libvirt" / socket)
    touch(tmp_path / "usr/sbin/libvirtd", 0o755)
    assert found(tmp_path) == ["qemu:///system"]


def test_a_session_is_found_where_it_is_used(tmp_path: Path) -> None:
    touch(tmp_path / "run/libvirt/libvirt-sock")
    touch(tmp_path / "config/libvirt/qemu/mine.xml")
    assert found(tmp_path) == ["qemu:///system", "qemu:///session"]


def test_a_session_is_found_by_its_socket_or_its_daemon(tmp_path: Path) -> None:
    assert found(tmp_path) == []
    touch(tmp_path / "usr/sbin/virtqemud", 0o755)
    assert found(tmp_path) == ["qemu:///session"]
    (tmp_path / "usr/sbin/virtqemud").unlink()
    touch(tmp_path / "runtime/libvirt/virtqemud-sock")
    assert found(tmp_path) == ["qemu:///session"]


def test_libvirts_own_variable_is_heeded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIBVIRT_DEFAULT_URI", "qemu+ssh://root@far/system")
    assert found(tmp_path) == ["qemu+ssh://root@far/system"]


def test_the_demo_is_the_last_resort_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vmsnap_tui.engine.discovery.local_libvirt", tuple)
    nothing = sites(Config())
    assert {site.kind for site in nothing.sites} == {PlatformKind.DEMO}
    assert "demo" in nothing.notice
    asked = sites(Config(sites=(LAB,)), demo=True)
    assert {site.kind for site in asked.sites} == {PlatformKind.DEMO}
    assert asked.notice == ""


def test_clouds_are_found_with_their_regions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("yaml")
    text = "clouds: {one: {auth: {}}, two: {regions: [north, {name: south}]}, three: {regions: [only]}}"
    (tmp_path / "clouds.yaml").write_text(text)
    assert [(site.name, site.address, site.kind) for site in clouds()] == [
        ("one", "one", PlatformKind.OPENSTACK),
        ("two-north", "two/north", PlatformKind.OPENSTACK),
        ("two-south", "two/south", PlatformKind.OPENSTACK),
        ("three", "three", PlatformKind.OPENSTACK),
    ]
    monkeypatch.setenv("OS_CLOUD", "two")
    assert [site.address for site in clouds()] == ["two/north", "two/south"]


@pytest.mark.parametrize("text", ["", "clouds:", "clouds: [1]", "- 1", "a: : b"])
def test_a_broken_clouds_file_hides_nothing_else(tmp_path: Path, text: str) -> None:
    (tmp_path / "clouds.yaml").write_text(text)
    assert clouds() == ()


def test_the_variables_name_a_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OS_AUTH_URL", "http://keystone:5000/v3")
    assert [site.address for site in clouds()] == ["envvars"]


KUBECONFIG = """
current-context: shop/api-east:6443/kube:admin
clusters:
  - {name: east, cluster: {server: "https://east:6443"}}
  - {name: west, cluster: {server: "https://west:6443"}}
contexts:
  - {name: west-admin, context: {cluster: west, user: admin}}
  - {name: default/east, context: {cluster: east, user: kube}}
  - {name: "shop/api-east:6443/kube:admin", context: {cluster: east, user: kube, namespace: shop}}
"""


def test_a_kubeconfig_gives_a_site_for_each_user_of_each_cluster(home: Path) -> None:
    (home / "kubeconfig").write_text(KUBECONFIG)
    assert [(site.name, site.address, site.kind) for site in clusters()] == [
        ("shop-api-east:6443-kube:admin", "shop/api-east:6443/kube:admin", PlatformKind.OPENSHIFT),
        ("west-admin", "west-admin", PlatformKind.OPENSHIFT),
    ]
    assert [site.kind for site in sites(Config()).sites if site.kind is PlatformKind.OPENSHIFT]


@pytest.mark.parametrize("text", ["", "[", "contexts: 5", "- a", "contexts: [{name: x}, 7]"])
def test_a_kubeconfig_of_no_use_is_no_site(home: Path, text: str) -> None:
    (home / "kubeconfig").write_text(text)
    assert clusters() == ()


def test_a_context_named_on_the_command_line() -> None:
    site = ad_hoc("openshift:a/b")
    assert (site.name, site.address, site.kind) == ("a-b", "a/b", PlatformKind.OPENSHIFT)
