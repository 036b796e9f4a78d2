"""The guest: an initramfs of a few megabytes around Debian's cloud kernel, and its ext4 disks."""

from __future__ import annotations

import gzip
import hashlib
import lzma
import re
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .packages import LabError, locked, run

if TYPE_CHECKING:
    from .packages import Tools

# What the guest drives, in load order; those that the kernel has built in are left out.
MODULES: Final = ("virtio_pci", "virtio_blk", "virtio_console", "crc32c_generic", "ext4")

INIT: Final = r"""#!/bin/busybox sh
# PID 1 of the lab's guest. Its word to the world: ttyS0 is the log, ttyS1 the counter.
/bin/busybox --install -s /bin
export PATH=/bin:/sbin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs -o size=95% tmpfs /run
cat /proc/sys/kernel/random/boot_id > /run/boot_id  # made up at the first read, so read it before any snapshot
for module in $(cat /modules); do insmod "/lib/modules/$module" || echo "init: no $module"; done

option() { sed -n "s/.*\bvmsnap\.$1=\([^ ]*\).*/\1/p" /proc/cmdline; }

mkdir -p /run/disks
for disk in $(option disks | tr , ' '); do
    tries=0
    until [ -b "/dev/$disk" ] || [ $tries -ge 100 ]; do tries=$((tries + 1)); usleep 50000; done
    mkdir -p "/disks/$disk"
    mount -t ext4 "/dev/$disk" "/disks/$disk" || echo "init: cannot mount $disk"
    # What the disk held when this boot began is what a snapshot of it was worth. A new one has 0 before anybody asks.
    cp "/disks/$disk/counter" "/run/disks/$disk" 2>/dev/null || echo 0 > "/disks/$disk/counter"
done
rmdir /mnt && ln -s disks/vda /mnt
dmesg | grep EXT4-fs > /run/mount.log

fill=$(option fill)
if [ "${fill:-0}" -gt 0 ]; then
    # 16 MB of noise over and over: QEMU leaves out empty pages only, and true noise is slow under emulation.
    dd if=/dev/urandom of=/run/noise bs=1M count=16 2>/dev/null
    done=0
    while [ $done -lt "$fill" ]; do cat /run/noise; done=$((done + 16)); done > /run/fill
fi

[ -e /run/disks/vda ] && read -r start < /run/disks/vda
# Two loops, so that memory goes on counting while the file systems are frozen. Under emulation each process that is
# started costs as much as everything else here: so numbers are written over the old ones by the shell (they only get
# longer, and a reader never meets an empty file), and it waits for a pipe into which nobody writes.
mkfifo /run/silence
exec 3<> /run/silence
pause() { read -r -t 0.2 _ <&3; }
(
    n=${start:-0}
    while [ ! -e /run/stop ]; do
        n=$((n + 1))
        echo "$n" 1<> /run/counter
        echo "$n" > /dev/ttyS1
        pause
    done
) &
(
    while [ ! -e /run/stop ]; do
        if [ -e /run/counter ] && read -r n < /run/counter; then
            for disk in /disks/*; do echo "$n" 1<> "$disk/counter"; done
            sync
        fi
        pause
    done
) &

if [ "$(option agent)" = 1 ]; then
    mkdir -p /dev/virtio-ports
    tries=0
    until [ $tries -ge 100 ]; do
        for port in /sys/class/virtio-ports/*; do
            if [ "$(cat "$port/name" 2>/dev/null)" = org.qemu.guest_agent.0 ]; then
                ln -sf "../${port##*/}" /dev/virtio-ports/org.qemu.guest_agent.0
                break 2
            fi
        done
        tries=$((tries + 1)); usleep 50000
    done
    (
        # As an init system would: an agent that dies comes back.
        while [ ! -e /run/stop ]; do
            qemu-ga -m virtio-serial -p /dev/virtio-ports/org.qemu.guest_agent.0 -t /run -F/sbin/fsfreeze-hook
            usleep 500000
        done
    ) &
fi
echo "init: up"
while :; do sleep 3600; done
"""

HOOK: Final = """#!/bin/sh
# A test that wants a hook puts one at /run/hook.
if [ -x /run/hook ]; then exec /run/hook "$1"; fi
"""

SHUTDOWN: Final = """#!/bin/sh
# Called by the agent. The disks are left clean, as by a real init.
touch /run/stop
sync
for disk in /disks/*; do
    tries=0
    until umount "$disk" || [ $tries -ge 100 ]; do tries=$((tries + 1)); usleep 100000; done
done
# No real guest is gone before its agent's answer has been read.
usleep 500000
poweroff -f
"""


def initramfs(tools: Tools) -> Path:
    """The guest's root, packed once for each kernel and each version of this file."""
    digest = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
    target = tools.guest.parent / f"initramfs-{digest}.gz"
    with locked(tools.guest.parent / "lock"):
        if not target.exists():
            new = target.with_suffix(".new")
            new.write_bytes(gzip.compress(_cpio(_contents(tools)), 1))
            new.rename(target)
    return target


def ext4_disk(tools: Tools, path: Path, *, form: str, mib: int) -> None:
    """A disk with an empty file system, made without mounting anything."""
    raw = path.with_suffix(".new")
    with raw.open("wb") as file:
        file.truncate(mib << 20)
    # Nothing is left for the kernel to initialise after mounting: it would write in the background for a while.
    extended = "lazy_itable_init=0,lazy_journal_init=0"
    host_tool(tools, "mke2fs", "-q", "-t", "ext4", "-b", "1024", "-J", "size=1", "-E", extended, "-m", "0", raw)
    if form == "raw":
        raw.rename(path)
        return
    host_tool(tools, "qemu-img", "convert", "-O", form, raw, path)
    raw.unlink()


def host_tool(tools: Tools, name: str, *arguments: str | Path, timeout: float = 60) -> str:
    """Run a program of the unpacked packages without entering the lab's namespace."""
    return run(*tool_command(tools, name), *arguments, timeout=timeout)


def tool_command(tools: Tools, name: str) -> tuple[str, ...]:
    folders = [f"{tools.host}/usr/bin", f"{tools.host}/usr/sbin"]
    if path := shutil.which(name, path=":".join(folders)):
        return ("env", f"LD_LIBRARY_PATH={tools.host}/usr/lib/x86_64-linux-gnu", path)
    # Then the machine has it; a user's PATH may lack sbin.
    return (shutil.which(name, path="/usr/bin:/usr/sbin:/bin:/sbin") or name,)


def _contents(tools: Tools) -> dict[str, tuple[int, bytes]]:
    """Path in the guest to mode and data."""
    folder, plain, program = stat.S_IFDIR | 0o755, stat.S_IFREG | 0o644, stat.S_IFREG | 0o755
    found: dict[str, tuple[int, bytes]] = {}

    def put(name: str, mode: int, data: bytes = b"") -> None:
        for parent in reversed(Path(name).parents[:-1]):
            found.setdefault(str(parent), (folder, b""))
        found[name] = (mode, data)

    for name in ("proc", "sys", "dev", "run", "tmp", "mnt", "disks", "var/run", "bin", "sbin", "etc"):
        put(name, folder)
    put("init", program, INIT.encode())
    put("bin/busybox", program, (tools.guest / "bin/busybox").read_bytes())
    put("bin/sh", stat.S_IFLNK | 0o777, b"busybox")
    put("sbin/fsfreeze-hook", program, HOOK.encode())
    put("sbin/shutdown", program, SHUTDOWN.encode())
    put("etc/mtab", stat.S_IFLNK | 0o777, b"/proc/mounts")  # where the agent looks for what to freeze

    agent = tools.guest / "usr/sbin/qemu-ga"
    put("bin/qemu-ga", program, agent.read_bytes())
    for library in _libraries(tools, agent):
        put(str(library).lstrip("/"), program, _host_file(tools, library).read_bytes())

    names = []
    for module in _modules(tools):
        data = module.read_bytes()
        if module.suffix == ".xz":
            data = lzma.decompress(data)
        name = module.name.removesuffix(".xz")
        put(f"lib/modules/{name}", plain, data)
        names.append(name)
    put("modules", plain, "\n".join(names).encode())
    return found


def _libraries(tools: Tools, program: Path) -> list[Path]:
    listing = run("env", f"LD_LIBRARY_PATH={tools.host}/usr/lib/x86_64-linux-gnu", "ldd", program)
    if missing := re.findall(r"(\S+) => not found", listing):
        raise LabError(f"the guest agent needs {', '.join(missing)}, which is neither installed nor unpacked")
    found = re.findall(r"(?:=> |^\s+)(/\S+) \(0x", listing, re.MULTILINE)
    host = str(tools.host)
    return [Path(name.removeprefix(host)) for name in found]


def _host_file(tools: Tools, path: Path) -> Path:
    """Where the lab's namespace would find this file."""
    merged = Path("/usr") / path.relative_to("/") if path.parts[1] in {"bin", "sbin", "lib", "lib64"} else path
    unpacked = tools.host / merged.relative_to("/")
    return unpacked if unpacked.exists() else path


def _modules(tools: Tools) -> list[Path]:
    """The modules' files, each after those that it depends on."""
    files = {path.name.split(".")[0].replace("-", "_"): path for path in tools.modules.rglob("*.ko*")}
    ordered: list[Path] = []

    def add(name: str) -> None:
        path = files.get(name.replace("-", "_"))
        if path is None or path in ordered:
            return
        data = lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
        found = re.search(rb"\0depends=([^\0]*)\0", data)
        for other in found[1].decode().split(",") if found and found[1] else []:
            add(other)
        ordered.append(path)

    for name in MODULES:
        add(name)
    return ordered


def _cpio(contents: dict[str, tuple[int, bytes]]) -> bytes:
    """The kernel's own archive format ("newc")."""
    out = bytearray()
    for number, (name, (mode, data)) in enumerate([*contents.items(), ("TRAILER!!!", (0, b""))], start=1):
        # inode, mode, uid, gid, links, mtime, size, four device numbers, length of the name, checksum
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name.encode()) + 1, 0)
        out += b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        out += b"\0" * (-len(out) % 4)
        out += data
        out += b"\0" * (-len(out) % 4)
    return bytes(out)
