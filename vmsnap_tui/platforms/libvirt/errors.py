"""What libvirt's errors mean here: one of the model's few typed errors, with libvirt's own words and a way on."""

from __future__ import annotations

import errno
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import libvirt

from vmsnap_tui.model.errors import (
    Cancelled,
    Conflict,
    Denied,
    Failed,
    Missing,
    Unreachable,
    Unsupported,
    VmsnapError,
)
from vmsnap_tui.model.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator


# A binding that was built against libvirt before 9.1 does not know these, while the daemon may well send them.
AGENT_COMMAND_TIMEOUT: int = getattr(libvirt, "VIR_ERR_AGENT_COMMAND_TIMEOUT", 112)
AGENT_COMMAND_FAILED: int = getattr(libvirt, "VIR_ERR_AGENT_COMMAND_FAILED", 113)


class _Rule(NamedTuple):
    """The first rule that fits decides. No codes: any code; no words: any words; `errno` 0: any."""

    kind: type[VmsnapError]
    hint: str
    codes: tuple[int, ...] = ()
    words: str = ""
    errno: int = 0


_START = "start it: systemctl start libvirtd (or virtqemud.socket), then try again"
_GROUP = "join the group of the socket (usermod -aG libvirt $USER, then log in again), use sudo, or use qemu:///session"
_SSH = "try the same with plain ssh in another terminal; keys must work without a prompt (ssh-agent, known_hosts)"
_TLS = "check the certificates of this client and of the host (virt-pki-validate), and the host name in the URI"
_AGENT = "check in the guest that qemu-guest-agent runs, or do it without freezing the file systems"
_GONE = "it was removed in the meantime: refresh"
_SPACE = "free space on the host's file system or choose another place, then try again"
_LOST = "the connection broke: vmsnap takes it up again by itself"

_RULES = (
    # Words first: libvirt reports much under SYSTEM_ERROR and INTERNAL_ERROR.
    _Rule(Failed, _SPACE, errno=errno.ENOSPC),
    _Rule(Failed, _SPACE, words=r"no space left on device|disk quota exceeded|\benospc\b"),
    _Rule(Denied, "let the host know your key: ssh to it once by hand", words=r"host key verification failed"),
    _Rule(Denied, _SSH, words=r"permission denied \((publickey|password|keyboard|gssapi)|no more authentication"),
    _Rule(Denied, _GROUP, words=r"connect socket to '.*permission denied"),
    _Rule(Unreachable, _START, words=r"connect socket to '.*(no such file|connection refused)"),
    _Rule(
        Unreachable,
        "check the host's name in the site's URI and the name service",
        words=r"could not resolve hostname|name or service not known|temporary failure in name resolution",
    ),
    _Rule(
        Unreachable,
        "install libvirt (libvirt-daemon-system or libvirt-clients) on that host",
        words=r"(virt-ssh-helper|nc|netcat): (command )?not found|(nc|virt-ssh-helper)'?: no such file",
    ),
    _Rule(
        Unreachable,
        "give a URI that this libvirt knows, such as qemu:///system, or install that driver",
        words=r"no connection driver available|unable to parse uri|no uri given",
    ),
    _Rule(Unreachable, _TLS, words=r"certificate|tls handshake|gnutls"),
    _Rule(Unreachable, _TLS, (libvirt.VIR_ERR_GNUTLS_ERROR,)),
    _Rule(
        Unreachable,
        _SSH,
        words=r"ssh: connect to host|kex_exchange_identification|cannot recv data: .*(ssh|closed by remote)",
    ),
    _Rule(Unreachable, _SSH, (libvirt.VIR_ERR_SSH, libvirt.VIR_ERR_LIBSSH)),
    _Rule(
        Unreachable,
        "check that the host is up, that its libvirtd listens, and that no firewall is in between",
        words=r"unable to connect to server at|connection timed out|no route to host|network is unreachable",
    ),
    _Rule(
        Unreachable,
        _LOST,
        words=r"client socket is closed|connection closed due to keepalive|end of file while reading data"
        r"|cannot (recv|write) data|unable to (read|write) .*socket|received hangup|broken pipe"
        r"|connection reset by peer",
    ),
    _Rule(
        Unreachable,
        _LOST,
        (libvirt.VIR_ERR_RPC, libvirt.VIR_ERR_INVALID_CONN, libvirt.VIR_ERR_NO_SERVER, libvirt.VIR_ERR_NO_CLIENT),
    ),
    _Rule(
        Unreachable,
        "check the site's URI",
        (libvirt.VIR_ERR_OPEN_FAILED, libvirt.VIR_ERR_NO_CONNECT, libvirt.VIR_ERR_UNKNOWN_HOST),
    ),
    _Rule(
        Denied,
        "the site is open for reading only: open it without read_only to change anything",
        words=r"read only access prevents",
    ),
    _Rule(Denied, _GROUP, words=r"polkit|org\.libvirt\.unix"),
    _Rule(
        Denied,
        "ask the host's admin for the right, or log in as somebody who has it",
        (
            libvirt.VIR_ERR_AUTH_FAILED,
            libvirt.VIR_ERR_AUTH_CANCELLED,
            libvirt.VIR_ERR_AUTH_UNAVAILABLE,
            libvirt.VIR_ERR_ACCESS_DENIED,
            libvirt.VIR_ERR_OPERATION_DENIED,
        ),
    ),
    _Rule(
        Failed,
        _AGENT,
        (
            libvirt.VIR_ERR_AGENT_UNRESPONSIVE,
            libvirt.VIR_ERR_AGENT_UNSYNCED,
            AGENT_COMMAND_TIMEOUT,
            AGENT_COMMAND_FAILED,
        ),
    ),
    _Rule(Failed, _AGENT, words=r"guest agent|guest-fsfreeze"),
    _Rule(
        Missing,
        f"the vm: {_GONE}",
        (libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_INVALID_DOMAIN),
    ),
    _Rule(
        Missing,
        f"the snapshot: {_GONE}",
        (libvirt.VIR_ERR_NO_DOMAIN_SNAPSHOT, libvirt.VIR_ERR_INVALID_DOMAIN_SNAPSHOT),
    ),
    _Rule(
        Missing,
        f"the storage: {_GONE}",
        (libvirt.VIR_ERR_NO_STORAGE_POOL, libvirt.VIR_ERR_NO_STORAGE_VOL, libvirt.VIR_ERR_DEVICE_MISSING),
    ),
    _Rule(Missing, "nothing is noted there", (libvirt.VIR_ERR_NO_DOMAIN_METADATA,)),
    _Rule(
        Conflict,
        "something else is at work on this vm: wait until it is done, or cancel it, then try again",
        words=r"cannot acquire state change lock|another (block )?job|already active|block (copy|job)",
    ),
    _Rule(
        Conflict,
        "something else is at work on this vm: wait until it is done, then try again",
        (libvirt.VIR_ERR_OPERATION_TIMEOUT, libvirt.VIR_ERR_RESOURCE_BUSY, libvirt.VIR_ERR_BLOCK_COPY_ACTIVE),
    ),
    _Rule(
        Conflict,
        "a file of that name is already there: choose another name, or wait a second and try again",
        words=r"external snapshot file .* already exists",
    ),
    _Rule(Conflict, "choose another name", words=r"(snapshot|domain) .*already exists"),
    _Rule(
        Conflict,
        "the vm is not in a state for that (any more): refresh and look at the plan again",
        (libvirt.VIR_ERR_OPERATION_INVALID, libvirt.VIR_ERR_DOM_EXIST, libvirt.VIR_ERR_SNAPSHOT_REVERT_RISKY),
    ),
    _Rule(Cancelled, "it was stopped; nothing more is done", (libvirt.VIR_ERR_OPERATION_ABORTED,)),
    _Rule(
        Unsupported,
        "this vm, driver or libvirt version cannot do that: choose another method (the Advice tab says which)",
        (
            libvirt.VIR_ERR_NO_SUPPORT,
            libvirt.VIR_ERR_CONFIG_UNSUPPORTED,
            libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED,
            libvirt.VIR_ERR_OPERATION_UNSUPPORTED,
        ),
    ),
    _Rule(Denied, "check who may read and write that file on the host", errno=errno.EACCES),
    _Rule(Denied, "check who may read and write that file on the host", words=r"permission denied"),
    _Rule(Missing, "a file is not where the vm's definition says: look at its chain", errno=errno.ENOENT),
    _Rule(Missing, "a file is not where the vm's definition says: look at its chain", words=r"no such file"),
)
_ELSE = "look into the host's log (journalctl -u libvirtd, /var/log/libvirt/qemu/) for more"
_TRIES = tuple((rule, re.compile(rule.words, re.IGNORECASE | re.DOTALL)) for rule in _RULES)


def typed(code: int | None, message: str, system: int = 0) -> VmsnapError:
    """The error for libvirt's code and message; `system` is the errno of a SYSTEM_ERROR, 0 where there is none."""
    words = clean(message)
    for rule, pattern in _TRIES:
        if rule.codes and code not in rule.codes:
            continue
        if rule.errno and rule.errno != system:
            continue
        if pattern.search(message):
            return rule.kind(words, rule.hint)
    return Failed(words, _ELSE)


def translated(error: libvirt.libvirtError) -> VmsnapError:
    """The typed error for one of libvirt's."""
    code = error.get_error_code()
    system = error.get_int1() if code == libvirt.VIR_ERR_SYSTEM_ERROR else 0
    return typed(code, error.get_error_message() or str(error), system or 0)


def is_code(error: libvirt.libvirtError, *codes: int) -> bool:
    """Whether libvirt gave one of these codes."""
    return error.get_error_code() in codes


@contextmanager
def typed_errors() -> Iterator[None]:
    """Let no libvirtError out: what is raised inside leaves as one of the model's errors."""
    try:
        yield
    except libvirt.libvirtError as error:
        raise translated(error) from error
