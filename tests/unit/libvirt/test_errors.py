"""Each of libvirt's errors becomes one of ours, with its own words and a way on."""

from __future__ import annotations

import errno

import libvirt
import pytest

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
from vmsnap_tui.platforms.libvirt.errors import AGENT_COMMAND_FAILED, AGENT_COMMAND_TIMEOUT, typed, typed_errors

SYSTEM = libvirt.VIR_ERR_SYSTEM_ERROR
INTERNAL = libvirt.VIR_ERR_INTERNAL_ERROR
SOCKET = "Failed to connect socket to '/var/run/libvirt/libvirt-sock'"

TABLE = [
    (SYSTEM, errno.ENOENT, f"{SOCKET}: No such file or directory", Unreachable, "systemctl start"),
    (SYSTEM, errno.ECONNREFUSED, f"{SOCKET}: Connection refused", Unreachable, "systemctl start"),
    (SYSTEM, errno.EACCES, f"{SOCKET}: Permission denied", Denied, "usermod -aG libvirt"),
    (
        libvirt.VIR_ERR_AUTH_UNAVAILABLE,
        0,
        "authentication unavailable: no polkit agent available to authenticate action 'org.libvirt.unix.manage'",
        Denied,
        "usermod -aG libvirt",
    ),
    (libvirt.VIR_ERR_AUTH_FAILED, 0, "authentication failed: no auth callback", Denied, "log in"),
    (libvirt.VIR_ERR_ACCESS_DENIED, 0, "access denied", Denied, "admin"),
    (
        libvirt.VIR_ERR_OPERATION_DENIED,
        0,
        "operation forbidden: read only access prevents virDomainSnapshotCreateXML",
        Denied,
        "reading only",
    ),
    (
        SYSTEM,
        errno.ECONNRESET,
        "Cannot recv data: ssh: Could not resolve hostname kvm9: Name or service not known: Connection reset by peer",
        Unreachable,
        "name",
    ),
    (
        SYSTEM,
        errno.ECONNRESET,
        "Cannot recv data: ssh: connect to host kvm9 port 22: Connection refused: Connection reset by peer",
        Unreachable,
        "ssh",
    ),
    (
        SYSTEM,
        errno.ECONNRESET,
        "Cannot recv data: root@kvm9: Permission denied (publickey,password).: Connection reset by peer",
        Denied,
        "ssh",
    ),
    (SYSTEM, errno.ECONNRESET, "Cannot recv data: Host key verification failed.: …", Denied, "by hand"),
    (SYSTEM, errno.ECONNRESET, "Cannot recv data: bash: nc: command not found: …", Unreachable, "install libvirt"),
    (
        SYSTEM,
        errno.ENOENT,
        "Cannot read CA certificate '/etc/pki/CA/cacert.pem': No such file or directory",
        Unreachable,
        "virt-pki-validate",
    ),
    (libvirt.VIR_ERR_GNUTLS_ERROR, 0, "Unable to set session credentials", Unreachable, "virt-pki-validate"),
    (
        SYSTEM,
        errno.ECONNREFUSED,
        "unable to connect to server at 'kvm9:16509': Connection refused",
        Unreachable,
        "firewall",
    ),
    (libvirt.VIR_ERR_NO_CONNECT, 0, "no connection driver available for foo:///", Unreachable, "qemu:///system"),
    (INTERNAL, 0, "internal error: client socket is closed", Unreachable, "by itself"),
    (INTERNAL, 0, "internal error: connection closed due to keepalive timeout", Unreachable, "by itself"),
    (SYSTEM, errno.EIO, "End of file while reading data: Input/output error", Unreachable, "by itself"),
    (libvirt.VIR_ERR_RPC, 0, "no call waiting for reply", Unreachable, "by itself"),
    (libvirt.VIR_ERR_INVALID_CONN, 0, "invalid connection pointer in virConnectIsAlive", Unreachable, ""),
    (
        libvirt.VIR_ERR_NO_DOMAIN,
        0,
        "Domain not found: no domain with matching uuid '1' (<script>)",
        Missing,
        "the vm: it was removed",
    ),
    (
        libvirt.VIR_ERR_NO_DOMAIN_SNAPSHOT,
        0,
        "Domain snapshot not found: no domain snapshot with matching name 'x'",
        Missing,
        "the snapshot: it was removed",
    ),
    (libvirt.VIR_ERR_NO_STORAGE_VOL, 0, "Storage volume not found", Missing, "removed"),
    (
        libvirt.VIR_ERR_OPERATION_TIMEOUT,
        0,
        "Timed out during operation: cannot acquire state change lock (held by monitor=remoteDispatchDomainSave)",
        Conflict,
        "something else is at work",
    ),
    (libvirt.VIR_ERR_BLOCK_COPY_ACTIVE, 0, "disk 'vda' already in active block job", Conflict, "at work"),
    (libvirt.VIR_ERR_OPERATION_INVALID, 0, "domain is not running", Conflict, "refresh"),
    (libvirt.VIR_ERR_SNAPSHOT_REVERT_RISKY, 0, "revert requires force: …", Conflict, ""),
    (
        libvirt.VIR_ERR_CONFIG_UNSUPPORTED,
        0,
        "unsupported configuration: external snapshot file for disk vda already exists and is not a block device: /a.1",
        Conflict,
        "wait a second",
    ),
    (libvirt.VIR_ERR_OPERATION_INVALID, 0, "domain snapshot s1 already exists", Conflict, "another name"),
    (
        libvirt.VIR_ERR_AGENT_UNRESPONSIVE,
        0,
        "Guest agent is not responding: QEMU guest agent is not connected",
        Failed,
        "qemu-guest-agent",
    ),
    (AGENT_COMMAND_TIMEOUT, 0, "guest agent command timed out", Failed, "qemu-guest-agent"),
    (
        AGENT_COMMAND_FAILED,
        0,
        "guest agent command failed: Command guest-fsfreeze-freeze has been disabled",
        Failed,
        "qemu-guest-agent",
    ),
    (SYSTEM, errno.ENOSPC, "Unable to write to file '/srv/x.mem': No space left on device", Failed, "free space"),
    (INTERNAL, 0, "internal error: unable to execute QEMU command 'x': No space left on device", Failed, "free space"),
    (libvirt.VIR_ERR_OPERATION_ABORTED, 0, "operation aborted: snapshot job: canceled by client", Cancelled, ""),
    (libvirt.VIR_ERR_NO_SUPPORT, 0, "this function is not supported by the connection driver", Unsupported, "Advice"),
    (
        libvirt.VIR_ERR_CONFIG_UNSUPPORTED,
        0,
        "deletion of external children disk snapshots not supported",
        Unsupported,
        "Advice",
    ),
    (libvirt.VIR_ERR_OPERATION_UNSUPPORTED, 0, "Operation not supported: internal snapshot", Unsupported, "Advice"),
    (libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED, 0, "argument unsupported: unsupported flags", Unsupported, "Advice"),
    (SYSTEM, errno.EACCES, "Could not open '/srv/a.qcow2': Permission denied", Denied, "that file"),
    (INTERNAL, 0, "Could not open '/srv/a.qcow2': No such file or directory", Missing, "chain"),
    (INTERNAL, 0, "internal error: something new", Failed, "log"),
    (None, 0, "virDomainLookupByName() failed", Failed, "log"),
]


@pytest.mark.parametrize(("code", "system", "message", "kind", "hint"), TABLE, ids=[row[2][:60] for row in TABLE])
def test_table(code: int | None, system: int, message: str, kind: type[VmsnapError], hint: str) -> None:
    error = typed(code, message, system)
    assert type(error) is kind
    assert error.words == message
    assert hint in error.hint


def test_words_are_cleaned() -> None:
    assert typed(INTERNAL, "bad\x1b[2J name").words == "bad␛[2J name"


def test_nothing_of_libvirt_gets_out() -> None:
    conn = libvirt.open("test:///default")
    with pytest.raises(Missing) as caught, typed_errors():
        conn.lookupByName("nobody")
    assert caught.value.words == "Domain not found"
    assert isinstance(caught.value.__cause__, libvirt.libvirtError)
