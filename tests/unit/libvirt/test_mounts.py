"""NFS is told from the mounts alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vmsnap_tui.platforms.libvirt.mounts import Mounts, nfs_mounts, on_nfs

if TYPE_CHECKING:
    from pathlib import Path

MOUNTS = """/dev/sda1 / ext4 rw 0 0
nas:/vm /srv/vm nfs4 rw 0 0
/dev/sdb1 /srv/vm/local xfs rw 0 0
nas:/iso /srv/my\\040isos nfs ro 0 0
nas:/old /mnt nfs rw 0 0
tmpfs /mnt tmpfs rw 0 0
broken
"""


@pytest.mark.parametrize(
    ("path", "is_nfs"),
    [
        ("/var/lib/libvirt/images/a.qcow2", False),
        ("/srv/vm/a.qcow2", True),
        ("/srv/vm/deep/er/a.qcow2", True),
        ("/srv/vmx/a.qcow2", False),
        ("/srv/vm/local/a.qcow2", False),
        ("/srv/my isos/a.iso", True),
        ("/mnt/a", False),
        ("", False),
    ],
)
def test_the_innermost_mount_counts(path: str, is_nfs: bool) -> None:
    assert on_nfs(path, nfs_mounts(MOUNTS)) is is_nfs


def test_read_once_in_a_while(tmp_path: Path) -> None:
    source = tmp_path / "mounts"
    source.write_text(MOUNTS)
    mounts = Mounts(source)
    assert mounts.is_nfs("/srv/vm/a")
    source.unlink()
    assert mounts.is_nfs("/srv/vm/a")
    assert not Mounts(source).is_nfs("/srv/vm/a")
