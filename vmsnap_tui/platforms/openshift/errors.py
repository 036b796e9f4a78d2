"""What the cluster's errors mean here: one of the model's typed errors, with the cluster's own words and a way on."""

from __future__ import annotations

import re
import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import aiohttp
import msgspec
from kubernetes.aio.client.exceptions import OpenApiException
from kubernetes.aio.config import ConfigException

from vmsnap_tui.model.errors import Conflict, Denied, Failed, Missing, Unreachable, Unsupported, VmsnapError
from vmsnap_tui.model.text import clean
from vmsnap_tui.platforms.openshift.records import Status

if TYPE_CHECKING:
    from collections.abc import Iterator


class Expired(Conflict):
    """What was asked to go on from is no longer kept by the cluster: list anew."""


class AlreadyThere(Conflict):
    """Something of that name is there."""


class LoggedOut(Denied):
    """The cluster does not know who asks."""


class _Rule(NamedTuple):
    """The first rule that fits decides. No codes: any code; no words: any words."""

    kind: type[VmsnapError]
    hint: str
    codes: tuple[int, ...] = ()
    words: str = ""


_LONGEST = 600  # characters: the API server quotes whole objects
_MOVED = "it was changed in the meantime: look at the plan again"

_RULES = (
    # Words first: a refusal of an admission webhook comes with whatever code that webhook likes, a quota's with 403.
    _Rule(Failed, "delete what is no longer needed, or ask who runs the cluster for a larger quota",
          words=r"exceeded quota|quota exceeded"),
    _Rule(Conflict, "wait until that is done, then look at the plan again",
          words=r"denied the request.*(in progress|until (snapshot|restore) .* completes)"),
    _Rule(Conflict, "the cluster refuses it as it stands now: look at the plan again", words=r"denied the request"),
    _Rule(Failed, "an admission webhook of the cluster does not answer: ask who runs the cluster",
          words=r"failed calling webhook"),
    _Rule(Conflict, "wait until the snapshot is taken, then try again", words=r"VM snapshot is in progress"),
    _Rule(LoggedOut, "log in to this cluster again (oc login, or as this context of the kubeconfig does)", (401,)),
    _Rule(Denied, "ask who runs the cluster for a role that allows that verb on that resource", (403,)),
    _Rule(Missing, "it was removed in the meantime: refresh", (404,)),
    _Rule(AlreadyThere, "choose another name", (409,), r"already exists"),
    _Rule(Conflict, _MOVED, (409, 412)),
    _Rule(Expired, "refresh", (410,)),
    _Rule(Unsupported, "this cluster cannot do that", (405, 406, 415, 501)),
    _Rule(Failed, "the cluster finds a fault in the request: look at the plan again", (400, 413, 422)),
    _Rule(Unreachable, "the cluster asks for patience; vmsnap tries again by itself", (429,)),
    _Rule(Unreachable, "the API server does not answer just now; vmsnap tries again by itself", (502, 503, 504)),
    _Rule(Failed, "the log of the API server has more", (500,)),
)  # fmt: skip
_TRIES = tuple((rule, re.compile(rule.words, re.IGNORECASE | re.DOTALL)) for rule in _RULES)


def typed(code: int, message: str) -> VmsnapError:
    """The error for an HTTP status and the cluster's words."""
    words = clean(" ".join(message.split()), limit=_LONGEST) or f"HTTP {code}"
    for rule, pattern in _TRIES:
        if (not rule.codes or code in rule.codes) and pattern.search(words):
            return rule.kind(words, rule.hint)
    return Failed(words, "look at the plan again")


def refusal(code: int, body: bytes) -> VmsnapError:
    """The error for an answer that is none: a Status, or whatever a proxy on the way has put there.

    `code` is 0 where but the Status tells it, as in a watch.
    """
    try:
        status = msgspec.json.decode(body, type=Status)
    except msgspec.DecodeError:
        return typed(code, f"HTTP {code}: {body[:_LONGEST].decode(errors='replace')}")
    return typed(code or status.code, status.message or status.reason)


_CLOCK = "check certificate-authority of this cluster in the kubeconfig, and the clock of this machine"
_KINDS: tuple[tuple[tuple[type[Exception], ...], type[VmsnapError], str], ...] = (
    ((aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError), Unreachable,
     "check the proxy: proxy-url in the kubeconfig, HTTPS_PROXY and NO_PROXY"),
    ((aiohttp.ClientConnectorCertificateError, ssl.SSLCertVerificationError), Unreachable, _CLOCK),
    ((aiohttp.ClientSSLError, ssl.SSLError), Unreachable,
     "check the client certificate of this user, and that the server's address is https"),
    ((aiohttp.ClientConnectorDNSError, aiohttp.InvalidURL), Unreachable,
     "check the server's address in the kubeconfig, and the network"),
    ((aiohttp.ClientError, OSError), Unreachable, "check the network, and the server's address in the kubeconfig"),
    ((ConfigException, OpenApiException), Unreachable, "check this context in the kubeconfig"),
    ((msgspec.MsgspecError,), Failed, "the cluster's answer is not understood: its APIs may be newer than vmsnap"),
)  # fmt: skip


def translated(error: Exception) -> VmsnapError:
    """The typed error for one of the libraries'."""
    if isinstance(error, TimeoutError):
        return Unreachable("no answer in time", "check the network; what was asked for may have been done all the same")
    for kinds, meaning, hint in _KINDS:
        if isinstance(error, kinds):
            return meaning(clean(str(error) or type(error).__name__, limit=_LONGEST), hint)
    return Failed(clean(f"{type(error).__name__}: {error}"), "look at the log of the cluster")


@contextmanager
def typed_errors() -> Iterator[None]:
    """Let no error of the libraries out: what is raised inside leaves as one of the model's."""
    try:
        yield
    except (aiohttp.ClientError, OSError, ConfigException, OpenApiException, msgspec.MsgspecError) as error:
        raise translated(error) from error
