"""Errors: the cluster's own words, the right kind, and what to do next."""

from __future__ import annotations

import ssl

import aiohttp
import msgspec
import pytest
from aiohttp.client_reqrep import ConnectionKey
from kubernetes.aio.config import ConfigException

from vmsnap_tui.model.errors import Conflict, Denied, Failed, Missing, Unreachable, Unsupported, VmsnapError
from vmsnap_tui.platforms.openshift.errors import (
    AlreadyThere,
    Expired,
    LoggedOut,
    refusal,
    translated,
    typed,
    typed_errors,
)  # fmt: skip

HOOK = 'admission webhook "virtualmachinerestore-validator.snapshot.kubevirt.io" denied the request: '


@pytest.mark.parametrize(
    ("code", "words", "kind", "hint"),
    [
        (401, "Unauthorized", LoggedOut, "log in"),
        (
            403,
            'virtualmachinerestores.snapshot.kubevirt.io is forbidden: User "ann" cannot create that',
            Denied,
            "role",
        ),
        (403, 'pods "x" is forbidden: exceeded quota: compute, requested: pods=1', Failed, "quota"),
        (403, f'{HOOK}VirtualMachineRestore "back" in progress', Conflict, "wait"),
        (422, f"{HOOK}Restore target VMI must be powered off before restore operation", Conflict, "plan"),
        (400, 'admission webhook denied the request: Cannot update VM runStrategy until restore "r" completes',
         Conflict, "wait"),
        (500, 'Internal error occurred: failed calling webhook "x": connection refused', Failed, "webhook"),
        (404, 'virtualmachines.kubevirt.io "web" not found', Missing, "refresh"),
        (409, 'virtualmachinesnapshots.snapshot.kubevirt.io "s" already exists', AlreadyThere, "name"),
        (409, "Operation cannot be fulfilled on virtualmachines: the object has been modified", Conflict, "changed"),
        (409, "VM snapshot is in progress", Conflict, "wait"),
        (410, "The resourceVersion for the provided watch is too old.", Expired, "refresh"),
        (405, "the server does not allow this method on the requested resource", Unsupported, "cannot"),
        (422, 'VirtualMachineRestore "x" is invalid: spec.targetReadinessPolicy: Unsupported value', Failed, "fault"),
        (429, "too many requests", Unreachable, "patience"),
        (503, "apiserver not ready", Unreachable, "again"),
        (500, "etcdserver: leader changed", Failed, "log"),
        (418, "teapot", Failed, "plan"),
    ],
)  # fmt: skip
def test_refusals(code: int, words: str, kind: type[VmsnapError], hint: str) -> None:
    error = typed(code, words)
    assert type(error) is kind
    assert error.words == words
    assert hint in error.hint


def test_a_status_tells_its_message() -> None:
    body = b'{"kind":"Status","status":"Failure","message":"no such thing","reason":"NotFound","code":404}'
    assert (refusal(404, body).words, type(refusal(404, body))) == ("no such thing", Missing)


def test_what_a_proxy_says_is_shown_and_cut() -> None:
    error = refusal(502, b"<html>\x1b[31mBad Gateway" + b"x" * 5000)
    assert type(error) is Unreachable
    assert "Bad Gateway" in error.words
    assert "\x1b" not in error.words
    assert len(error.words) < 1000


KEY = ConnectionKey("host", 6443, is_ssl=True, ssl=True, proxy=None, proxy_auth=None, proxy_headers_hash=None)


@pytest.mark.parametrize(
    ("error", "kind", "hint"),
    [
        (aiohttp.ClientConnectorCertificateError(KEY, ssl.SSLCertVerificationError("self-signed")), Unreachable,
         "certificate-authority"),
        (aiohttp.ClientConnectorSSLError(KEY, OSError("handshake")), Unreachable, "client certificate"),
        (aiohttp.ClientProxyConnectionError(KEY, OSError("refused")), Unreachable, "HTTPS_PROXY"),
        (aiohttp.ClientConnectorDNSError(KEY, OSError("unknown")), Unreachable, "address"),
        (aiohttp.ClientConnectorError(KEY, OSError(111, "refused")), Unreachable, "network"),
        (aiohttp.ServerDisconnectedError(), Unreachable, "network"),
        (TimeoutError(), Unreachable, "may have been done"),
        (ConfigException("bad"), Unreachable, "kubeconfig"),
        (msgspec.ValidationError("Expected `str`"), Failed, "newer"),
    ],
)  # fmt: skip
def test_what_goes_wrong_on_the_way(error: Exception, kind: type[VmsnapError], hint: str) -> None:
    assert type(translated(error)) is kind
    assert hint in translated(error).hint
    assert translated(error).words
    with pytest.raises(kind), typed_errors():
        raise error
