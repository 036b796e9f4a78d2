"""Long chains on a real libvirtd: all of them read and drawn, and checked, beside the least that one could do.

`python -m tests.bench.chains URI` prints the milliseconds of reading and drawing, and of a bare loop, of several turns.
"""

from __future__ import annotations

import json
import os
import shlex
import string
import subprocess
import sys
import time
from statistics import median
from typing import TYPE_CHECKING, Any

from tests.bench.figure import Figure, Skipped
from tests.bench.processes import ROOT, environment, python
from tests.lab.libvirt.image import host_tool, tool_command
from tests.lab.libvirt.lab import Lab
from tests.lab.libvirt.packages import LabUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_VMS, _DISKS, _LAYERS = 100, 5, 10
_TURNS = 5
_MOST, _CHECK = 1.3, 1 / 5
_WIDTH = 100
_SIZE = "1G"
_DOMAIN = """<domain type='qemu'><name>{name}</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type></os><devices>{disks}</devices></domain>"""
_DISK = """<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{file}'/>
<target dev='{target}' bus='virtio'/></disk>"""


def chains(folder: Path) -> Iterator[Figure | Skipped]:
    """Reading and drawing, then `check --all`."""
    what = f"{_VMS} vms × {_DISKS} disks × {_LAYERS} layers"
    try:
        with Lab() as lab:
            tops = _plant(lab)
            env = environment(folder)
            command = python("tests.bench.chains", lab.uri)
            done = subprocess.run(command, env=env, cwd=ROOT, stdout=subprocess.PIPE, check=True, timeout=300)
            ours, bare = (median(times) for times in zip(*json.loads(done.stdout), strict=True))
            yield Figure(f"{what}, read and drawn", ours, bare, "bare loop, same calls", most=_MOST)
            check = python("vmsnap_tui", "-c", lab.uri, "check", "--all", "--json")
            shell = _shell_loop(lab, tops)
            pairs = [(_ended(check, env), _ended(shell, env)) for _ in range(_TURNS)]
            ours, bare = (1000 * median(times) for times in zip(*pairs, strict=True))
            yield Figure(f"{what}, vmsnap check --all", ours, bare, "qemu-img info --backing-chain", most=_CHECK)
    except LabUnavailableError as error:
        yield Skipped(what, str(error))


def _plant(lab: Lab) -> list[Path]:
    """Defines them. The images are copies of two that qemu-img made, with the backing file's name put right."""
    import libvirt

    folder = lab.folder / "chains"
    folder.mkdir()

    def file(vm: int, disk: int, layer: int) -> Path:
        return folder / f"vm{vm:03}-{disk}-{layer:02}.qcow2"

    base, overlay = folder / "base", folder / "overlay"
    named = file(0, 0, 0)
    host_tool(lab.tools, "qemu-img", "create", "-q", "-f", "qcow2", base, _SIZE)
    host_tool(lab.tools, "qemu-img", "create", "-q", "-f", "qcow2", named, _SIZE)
    host_tool(lab.tools, "qemu-img", "create", "-q", "-f", "qcow2", "-b", named, "-F", "qcow2", overlay)
    bottom, upper = base.read_bytes(), overlay.read_bytes()
    base.unlink()
    overlay.unlink()
    tops = []
    connection = libvirt.open(lab.uri)
    for vm in range(_VMS):
        disks = []
        for disk in range(_DISKS):
            file(vm, disk, 0).write_bytes(bottom)
            for layer in range(1, _LAYERS):
                below = os.fsencode(file(vm, disk, layer - 1))
                file(vm, disk, layer).write_bytes(upper.replace(os.fsencode(named), below))
            tops.append(file(vm, disk, _LAYERS - 1))
            disks.append(_DISK.format(file=tops[-1], target=f"vd{string.ascii_lowercase[disk]}"))
        connection.defineXML(_DOMAIN.format(name=f"chain-{vm:03}", disks="".join(disks)))
    connection.close()
    return tops


def _shell_loop(lab: Lab, tops: list[Path]) -> list[str]:
    info = shlex.join([*tool_command(lab.tools, "qemu-img"), "info", "--backing-chain", "--output=json"])
    return ["sh", "-c", f'for file in {shlex.join(map(str, tops))}; do {info} "$file" >/dev/null || exit 1; done']


def _ended(command: list[str], env: dict[str, str]) -> float:
    began = time.monotonic()
    done = subprocess.run(command, env=env, cwd=ROOT, stdout=subprocess.PIPE, check=False, timeout=300)
    if done.returncode:
        raise RuntimeError(f"{command[:4]} ended with {done.returncode}: {done.stdout[-300:]!r}")
    return time.monotonic() - began


def _compare(uri: str) -> list[tuple[float, float]]:
    from vmsnap_tui.model.vm import PlatformKind, Site
    from vmsnap_tui.platforms.libvirt.platform import LibvirtPlatform
    from vmsnap_tui.present import stack

    platform = LibvirtPlatform(Site("bench", PlatformKind.LIBVIRT, uri))
    platform.open()

    def ours() -> int:
        lines = 0
        for held in platform.survey(None).holdings.values():
            rows = stack.rows(held.layers, {})
            columns = stack.fit_columns(_WIDTH, rows)
            lines += sum(bool(stack.line(row, columns)) for row in rows) - len(held.vm.disks)
        return lines

    turns = [(_timed(ours), _timed(lambda: _bare(platform._connection.raw))) for _ in range(_TURNS)]
    platform.close()
    return turns


def _bare(connection: Any) -> int:
    """What cannot be done without: ask for each domain, look into its folders, and read the head of each file."""
    from lxml import etree

    count = 0
    folders: set[str] = set()
    for domain in connection.listAllDomains():
        text = domain.XMLDesc()
        _ = domain.info(), domain.isActive(), domain.listAllSnapshots(), domain.listAllCheckpoints()
        for source in etree.fromstring(text).iterfind("devices/disk/source"):
            path = source.get("file") or ""
            while path:
                folders.add(os.path.dirname(path))  # noqa: PTH120 - as the least that it can be
                head = _head(path)
                at, size = int.from_bytes(head[8:16]), int.from_bytes(head[16:20])
                path = os.fsdecode(head[at : at + size])
                count += 1
    for folder in folders:
        for entry in os.scandir(folder):
            entry.stat(follow_symlinks=False)
    return count


def _head(path: str) -> bytes:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fstat(file)
        return os.pread(file, 4096, 0)
    finally:
        os.close(file)


def _timed(read: Any) -> float:
    began = time.monotonic()
    count = read()
    passed = 1000 * (time.monotonic() - began)
    if count != _VMS * _DISKS * _LAYERS:
        raise RuntimeError(f"{count} layers were read")
    return passed


if __name__ == "__main__":
    json.dump(_compare(sys.argv[1]), sys.stdout)
