"""Where the lab's packages come from: the machine's own apt entries, whatever their form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .packages import LabUnavailableError, debian_sources

if TYPE_CHECKING:
    from pathlib import Path

DEB822 = """# a comment
Types: deb deb-src
URIs: http://mirror.invalid/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 -----END PGP PUBLIC KEY BLOCK-----

Types: deb
URIs: http://mirror.invalid/security
Suites: bookworm-security
Components: main

Types: deb
URIs: http://elsewhere.invalid/
Suites: stable
Components: tools

Enabled: no
Types: deb
URIs: http://off.invalid/debian
Suites: bookworm
Components: main
"""

ONE_LINE = """deb [signed-by=/usr/share/keyrings/k.gpg arch=amd64] http://mirror.invalid/debian bookworm main # here
deb-src http://mirror.invalid/debian bookworm main
deb http://elsewhere.invalid/ ./
"""


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    (tmp_path / "sources.list.d").mkdir()
    return tmp_path


def test_backports_come_from_the_same_archive_with_the_same_key(etc: Path) -> None:
    (etc / "sources.list.d/debian.sources").write_text(DEB822)
    *own, added = debian_sources("bookworm", extra="bookworm-backports", etc=etc).split("\n\n")
    assert len(own) == 2
    assert "Suites: bookworm-backports" in added
    assert "Uris: http://mirror.invalid/debian" in added
    assert " -----BEGIN PGP PUBLIC KEY BLOCK-----" in added
    assert "elsewhere" not in "".join(own)
    assert "off.invalid" not in "".join(own)


def test_one_line_entries(etc: Path) -> None:
    (etc / "sources.list").write_text(ONE_LINE)
    own, added = debian_sources("bookworm", extra="bookworm-backports", etc=etc).split("\n\n")
    assert "Suites: bookworm\n" in own
    assert "Signed-By: /usr/share/keyrings/k.gpg" in added
    assert "Suites: bookworm-backports" in added


def test_nothing_is_added_twice_or_unasked(etc: Path) -> None:
    (etc / "sources.list").write_text("deb http://m.invalid/debian bookworm bookworm-backports main\n")
    assert "bookworm-backports" not in debian_sources("bookworm", extra=None, etc=etc)
    (etc / "sources.list").write_text("deb http://m.invalid/debian bookworm-backports main\n")
    text = debian_sources("bookworm", extra="bookworm-backports", etc=etc)
    assert text.count("bookworm-backports") == 1


def test_no_entry_to_go_by(etc: Path) -> None:
    with pytest.raises(LabUnavailableError, match="bookworm-backports"):
        debian_sources("bookworm", extra="bookworm-backports", etc=etc)
