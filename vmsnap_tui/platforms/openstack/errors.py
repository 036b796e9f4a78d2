"""What OpenStack's errors mean here: one of the model's typed errors, with the service's own words and a way on.

Two families come out of openstacksdk: its own `SDKException`, and keystoneauth's, which is no relative of it.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from keystoneauth1 import exceptions as keystone
from keystoneauth1.exceptions.connection import SSLError
from openstack import exceptions as sdk
from requests import exceptions as requests

from vmsnap_tui.model.errors import Conflict, Denied, Failed, Missing, Unreachable, Unsupported, VmsnapError
from vmsnap_tui.model.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Rule(NamedTuple):
    """The first rule that fits decides. No codes: any code; no words: any words."""

    kind: type[VmsnapError]
    hint: str
    codes: tuple[int, ...] = ()
    words: str = ""


_LONGEST = 400  # characters: a service may quote the whole of a pattern
_QUOTA = "delete what is no longer needed, or ask who runs the cloud for a larger quota"
_WAIT = "something else is at work there: wait until it is done, then try again"

_RULES = (
    # Words first: Nova says 403 and Cinder 413 for a quota, and 403 is a policy's word too.
    _Rule(Failed, _QUOTA, words=r"quota|limitexceeded|maximum number of .* (allowed|exceeded)"),
    _Rule(Conflict, _WAIT, words=r"while it is in task_state"),
    _Rule(Conflict, "unlock it first (openstack server unlock)", words=r"instance .* is locked"),
    _Rule(Conflict, "the server is not in a state for that: refresh and look at the plan again", words=r"vm_state"),
    _Rule(
        Conflict,
        "check in the guest that qemu-guest-agent runs",
        words=r"quiesc|guest agent",
    ),
    _Rule(Denied, "check user, password and project of this cloud in clouds.yaml", (401,)),
    _Rule(Denied, "your role in this project does not allow it: ask who runs the cloud", (403,)),
    _Rule(Missing, "it was removed in the meantime: refresh", (404, 410)),
    _Rule(Conflict, "it is in use or not in a state for that: refresh and look at the plan again", (409, 412)),
    _Rule(Conflict, "the newest snapshot alone can be reverted to: restore by a new volume instead",
          (400,), r"not the latest"),
    _Rule(Conflict, "look at what depends on it, and delete that first", (400,), r"status must be|dependent"),
    _Rule(Failed, "the request is too large, or a quota is used up", (413,)),
    _Rule(Failed, "the cloud asks for patience: wait a minute, then try again", (429,)),
    _Rule(Unsupported, "this cloud cannot do that", (405, 406, 501)),
    _Rule(Unreachable, "the service does not answer just now; vmsnap tries again by itself", (502, 503, 504)),
)  # fmt: skip
_TRIES = tuple((rule, re.compile(rule.words, re.IGNORECASE | re.DOTALL)) for rule in _RULES)


def typed(status: int | None, message: str) -> VmsnapError:
    """The error for an HTTP status (None where there is none) and the service's words."""
    words = clean(" ".join(message.split()), limit=_LONGEST) or f"HTTP {status}"
    for rule, pattern in _TRIES:
        if (not rule.codes or status in rule.codes) and pattern.search(message):
            return rule.kind(words, rule.hint)
    return Failed(words, "the service's log has more" if status and status >= 500 else "look at the plan again")


_LOGIN = "check how this cloud is logged in to in clouds.yaml"
_KINDS: tuple[tuple[tuple[type[Exception], ...], type[VmsnapError], str], ...] = (
    # A ServiceDisabledException, of a region that is not there, is a ConfigException.
    ((sdk.ConfigException,), Unreachable, "check the cloud's name, region and services in clouds.yaml"),
    ((sdk.ResourceTimeout,), Unreachable, "it may have been done all the same: look again"),
    (
        (keystone.EndpointNotFound, keystone.DiscoveryFailure),
        Unreachable,
        "check region and interface of the cloud: it has no such service there",
    ),
    ((SSLError,), Unreachable, "name the CA of the cloud in clouds.yaml (cacert:)"),
    (
        (keystone.ConnectionError, requests.RequestException),
        Unreachable,
        "check the network and the cloud's address (auth_url)",
    ),
    ((keystone.AuthorizationFailure, keystone.MissingRequiredOptions, keystone.NoMatchingPlugin), Denied, _LOGIN),
    ((OSError,), Unreachable, "look at the files that clouds.yaml names for this cloud (cacert, cert, key)"),
)


def translated(error: Exception) -> VmsnapError:
    """The typed error for one of the two families'."""
    if isinstance(error, sdk.HttpException):
        return typed(error.status_code, error.details or str(error))
    if isinstance(error, keystone.NotFound) and "token" in str(error).lower():
        return Denied(clean(str(error)), "the token is no longer valid: log in again")
    if isinstance(error, keystone.HttpError):
        return typed(error.http_status, error.message or str(error))
    for kinds, meaning, hint in _KINDS:
        if isinstance(error, kinds):
            return meaning(clean(str(error)), hint)
    return Failed(clean(f"{type(error).__name__}: {error}"), "look at the service's log")


@contextmanager
def typed_errors() -> Iterator[None]:
    """Let no error of the two libraries out: what is raised inside leaves as one of the model's."""
    try:
        yield
    except (sdk.SDKException, keystone.ClientException, OSError) as error:  # requests' errors are OSErrors
        raise translated(error) from error
