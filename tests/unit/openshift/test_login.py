"""How one logs in: kubeconfigs as kubectl reads them, and programs that give a login."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from vmsnap_tui.model.errors import Denied, Unreachable, VmsnapError
from vmsnap_tui.model.vm import PlatformKind, Site
from vmsnap_tui.platforms.openshift import contexts
from vmsnap_tui.platforms.openshift.login import Login, log_in

EAST = """
current-context: east
clusters: [{name: east, cluster: {server: "https://east:6443", certificate-authority: ca.pem, proxy-url: "http://p:1"}}]
users: [{name: ann, user: {token: secret}}]
contexts: [{name: east, context: {cluster: east, user: ann, namespace: shop}}]
"""
WEST = """
current-context: west
clusters:
  - {name: west, cluster: {server: "http://west:8080"}}
  - {name: east, cluster: {server: "http://not-this-one"}}
users: [{name: bob, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: ./login, args: [now],
         env: [{name: WHO, value: bob}], installHint: get it, provideClusterInfo: true}}}]
contexts: [{name: west, context: {cluster: west, user: bob}}]
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a/config").write_text(EAST)
    (tmp_path / "a/ca.pem").write_text("")
    (tmp_path / "b/config").write_text(WEST)
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/a/config{os.pathsep}{tmp_path}/none{os.pathsep}{tmp_path}/b/config")
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    return tmp_path


def login(context: str, **options: str) -> Login:
    return asyncio.run(log_in(Site("x", PlatformKind.OPENSHIFT, context, options=options)))


def program(home: Path, text: str) -> None:
    (home / "b/login").write_text(f"#!/bin/sh\n{text}\n")
    (home / "b/login").chmod(0o755)


def test_several_files_are_one_and_the_first_counts(home: Path) -> None:
    assert contexts.addresses() == ("east", "west")
    found = login("east")
    assert (found.namespace, found.user) == ("shop", "ann")
    assert found.configuration.host == "https://east:6443"
    assert found.configuration.api_key["BearerToken"] == "Bearer secret"
    assert found.configuration.ssl_ca_cert == str(home / "a/ca.pem")
    assert found.configuration.proxy == "http://p:1"


def test_a_site_may_name_its_own_file(home: Path) -> None:
    assert login("", kubeconfig=str(home / "a/config")).namespace == "shop"
    with pytest.raises(Unreachable, match="no context") as caught:
        login("west", kubeconfig=str(home / "a/config"))
    assert "east" in caught.value.hint


def test_a_file_that_cannot_be_read(home: Path) -> None:
    (home / "a/config").write_text("[")
    with pytest.raises(Unreachable, match="a/config"):
        login("east")


def test_a_program_gives_a_token(home: Path) -> None:
    until = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    program(
        home,
        f"""echo "$KUBERNETES_EXEC_INFO" > {home}/told
cat > {home}/heard
printf '{{"kind":"ExecCredential","status":{{"token":"%s-%s",' "$WHO" "$1"
printf '"expirationTimestamp":"{until}"}}}}'""",
    )
    found = login("west")
    assert found.configuration.api_key["BearerToken"] == "Bearer bob-now"
    assert found.namespace == "default"
    assert not found.is_old
    told = (home / "told").read_text()
    assert '"interactive": false' in told
    assert "http://west:8080" in told
    assert (home / "heard").read_text() == ""  # not what is typed on the screen


def test_a_login_that_expires_at_once_is_old(home: Path) -> None:
    program(home, """printf '{"status":{"token":"t","expirationTimestamp":"2020-01-01T00:00:00Z"}}'""")
    assert login("west").is_old


def test_a_program_gives_a_certificate(home: Path) -> None:
    (home / "b/config").write_text(WEST.replace("http://west:8080", "https://west:6443"))
    program(home, """printf '{"status":{"clientCertificateData":"CERT","clientKeyData":"KEY"}}'""")
    configuration = login("west").configuration
    written = [Path(str(file)).read_text() for file in (configuration.cert_file, configuration.key_file)]
    assert written == ["CERT", "KEY"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("echo 'no ticket' >&2; exit 3", "no ticket"),
        ("exit 3", "ended with 3"),
        ("echo nonsense", "of no use"),
        ("echo '{}'", "gives no login"),
    ],
)
def test_a_program_that_fails_is_told_in_its_own_words(home: Path, text: str, words: str) -> None:
    program(home, text)
    with pytest.raises(Denied, match=words) as caught:
        login("west")
    assert "by hand" in caught.value.hint


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(Denied, match="not there") as caught:
        login("west")
    assert caught.value.hint == "get it"


def test_outside_of_a_cluster_there_is_no_account() -> None:
    with pytest.raises((VmsnapError, Exception), match="Service host/port is not set"):
        login(contexts.IN_CLUSTER)
