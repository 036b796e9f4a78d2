"""Nobody pays for what is not used: each check is a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("textual", "libvirt", "kubernetes", "openstack")

OPENED = """
from vmsnap_tui.model.vm import PlatformKind, Site
from vmsnap_tui.platforms.registry import create
platform = create(Site("x", PlatformKind({kind!r}), {address!r}, options={{"shape": "libvirt"}}))
platform.open()
assert any(list(page) for page in platform.vms())
platform.close()
"""

COMMAND = """
from vmsnap_tui.cli.main import run
assert run({arguments!r}) == 0
"""


def imported(code: str) -> set[str]:
    """The top-level names of all modules that running `code` imports, and the platform packages with their dots."""
    tell = "\nimport sys\nprint(*sys.modules, file=sys.__stderr__)"
    command = [sys.executable, "-c", code + tell]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    modules = ran.stderr.splitlines()[-1].split()
    ours = {name for name in modules if name.startswith("vmsnap_tui.") and name.count(".") >= 2}
    return {name.partition(".")[0] for name in modules} | {".".join(name.split(".")[:3]) for name in ours}


@pytest.mark.parametrize(
    "code",
    [
        "import vmsnap_tui",
        "import vmsnap_tui.cli.main",
        "import vmsnap_tui.engine.engine, vmsnap_tui.engine.discovery",
        "import vmsnap_tui.platforms.registry",
        COMMAND.format(arguments=["--help"]),
        COMMAND.format(arguments=["--demo", "ls"]),
    ],
)
def test_nothing_heavy(code: str) -> None:
    assert not imported(code).intersection(HEAVY)


def test_help_imports_neither_engine_nor_drawing() -> None:
    loaded = imported(COMMAND.format(arguments=["--help"]))
    assert not loaded.intersection({"asyncio", "rich", "msgspec", "vmsnap_tui.engine"})


def test_the_demo_imports_no_other_platform() -> None:
    loaded = imported(OPENED.format(kind="demo", address=""))
    assert not loaded.intersection({*HEAVY, "lxml", "vmsnap_tui.platforms.libvirt"})


def test_libvirt_imports_no_other_platform() -> None:
    loaded = imported(OPENED.format(kind="libvirt", address="test:///default"))
    assert "libvirt" in loaded
    assert not loaded.intersection({"textual", "kubernetes", "openstack", "vmsnap_tui.platforms.demo"})


def test_a_missing_library_is_told_with_what_to_install() -> None:
    code = """
import sys
sys.modules["libvirt"] = None
from vmsnap_tui.cli.main import run
sys.stderr = sys.stdout
assert run(["-c", "test:///default", "ls"]) == 4
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert "pip install 'vmsnap-tui[libvirt]'" in ran.stdout
    assert "Traceback" not in ran.stdout + ran.stderr
