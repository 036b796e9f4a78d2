"""The libvirt lab as tests use it: real libvirtd, real QEMU, a guest with a running agent that counts.

The guest counts up five times a second, in memory and, a moment later, on each of its disks. Which number comes back
after a restore, and whether the kernel had to repair the file system, says what a snapshot was worth. Everything here
goes through `virsh` in a process of its own, so that it shares nothing with the code under test.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import re
import secrets
import shlex
import shutil
import signal
import string
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self
from xml.sax.saxutils import escape, quoteattr

from .daemon import Daemon, wait_until
from .image import ext4_disk, host_tool, initramfs, tool_command
from .packages import LabError, LabUnavailableError, Tools, cache_folder, prepare, sweep_roots

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import IO

__all__ = ["Guest", "Lab", "LabError", "LabUnavailableError", "Tools", "wait_until"]

KEPT: Final = "kept"
"""Name of the lab that `./dev lab` leaves running."""

# Emulation works everywhere; KVM only where booting under it works, which the presence of /dev/kvm does not tell.
ACCELERATION: Final = os.environ.get("VMSNAP_LAB_TYPE", "qemu")


@dataclass(slots=True)
class Guest:
    """One domain of the lab."""

    lab: Lab
    name: str
    disks: tuple[Path, ...]
    """The files that it was defined with; snapshots put others on top."""
    console: Path
    _ticks: Path = field(repr=False)

    # -- power

    def start(self, *options: str) -> None:
        self._ticks.unlink(missing_ok=True)
        self.lab.virsh("start", self.name, *options)

    def destroy(self) -> None:
        """Pull the plug; fine if it is off already."""
        if self.state() != "shut off":
            self.lab.virsh("destroy", self.name)

    def shutdown(self, timeout: float = 30) -> None:
        """Cleanly, by the agent."""
        self.lab.virsh("shutdown", self.name, "--mode=agent")
        self.wait_state("shut off", timeout)

    def remove(self) -> None:
        """Plug, definition, snapshots and files."""
        self.destroy()
        self.lab.virsh("undefine", self.name, "--snapshots-metadata", "--checkpoints-metadata", "--managed-save")
        shutil.rmtree(self.folder, ignore_errors=True)

    def state(self) -> str:
        """In virsh's words: running, paused, shut off …"""
        return self.lab.virsh("domstate", self.name).strip()

    def wait_state(self, state: str, timeout: float = 30) -> None:
        wait_until(lambda: self.state() == state, timeout, f"{self.name} to be {state}")

    @property
    def folder(self) -> Path:
        return self.disks[0].parent

    # -- agent

    def agent(self, execute: str, arguments: dict[str, object] | None = None, timeout: int = 10) -> Any:
        """One command to the guest agent; raises what it answers as `LabError`."""
        message = json.dumps({"execute": execute} | ({"arguments": arguments} if arguments else {}))
        answer = self.lab.virsh("qemu-agent-command", self.name, f"--timeout={timeout}", message, timeout=timeout + 10)
        return json.loads(answer)["return"]

    def agent_answers(self) -> bool:
        with suppress(LabError):
            self.agent("guest-ping", timeout=1)
            return True
        return False

    def wait_agent(self, timeout: float = 90) -> None:
        self._wait(self.agent_answers, timeout, f"the agent of {self.name}")

    def wait_counting(self, timeout: float = 90) -> None:
        """Until the guest is up and counts; needs no agent."""
        self._wait(lambda: self.ram_counter() > 0, timeout, f"{self.name} to count")

    def frozen(self) -> bool:
        return bool(self.agent("guest-fsfreeze-status") == "frozen")

    def exec(self, command: str, timeout: float = 30) -> str:
        """Run a shell command in the guest and return what it printed."""
        arguments = {"path": "/bin/sh", "arg": ["-c", command], "capture-output": True}
        pid = self.agent("guest-exec", arguments)["pid"]
        status: dict[str, Any] = {}

        def exited() -> bool:
            status.update(self.agent("guest-exec-status", {"pid": pid}))
            return bool(status["exited"])

        wait_until(exited, timeout, f"{command!r} in {self.name}", every=0.02)
        output = base64.b64decode(status.get("out-data", "")).decode(errors="replace")
        if code := status.get("exitcode", status.get("signal", 0)):
            errors = base64.b64decode(status.get("err-data", "")).decode(errors="replace")
            raise LabError(f"{command!r} in {self.name} ended with {code}: {errors or output}")
        return output

    # -- the witness

    def ram_counter(self) -> int:
        """What memory counts, read from the serial line: also while frozen and without an agent. 0 if it is not up."""
        with suppress(OSError):
            # The last line may still be on its way.
            if lines := self._ticks.read_bytes().split(b"\n")[:-1]:
                return int(lines[-1])
        return 0

    def read_ram_counter(self) -> int:
        """What memory counts, read from memory by the agent."""
        return int(self.exec("cat /run/counter"))

    def read_disk_counter(self, disk: str = "vda") -> int:
        """What the disk holds now, read from the disk past all caches, by the agent."""
        return int(self.exec(f"echo 3 > /proc/sys/vm/drop_caches; cat /disks/{disk}/counter"))

    def read_boot_counter(self, disk: str = "vda") -> int:
        """What the disk held when this boot mounted it: after a restore, the worth of the snapshot. 0 if nothing."""
        return int(self.exec(f"cat /run/disks/{disk} 2>/dev/null || echo 0"))

    def repaired(self, disk: str = "vda") -> bool:
        """The kernel replayed the journal at this boot: the disk was as after a power cut."""
        return f"EXT4-fs ({disk}): recovery complete" in self.exec("cat /run/mount.log")

    def boot_id(self) -> str:
        """Another one after each boot; the same after a restore with memory."""
        return self.exec("cat /run/boot_id").strip()

    def set_hook(self, script: str) -> None:
        """A freeze hook (shell; `$1` is freeze or thaw), kept in memory; an empty one removes it."""
        body = base64.b64encode(f"#!/bin/sh\n{script}\n".encode()).decode()
        install = f"echo {body} | base64 -d > /run/hook && chmod +x /run/hook"
        self.exec(install if script else "rm -f /run/hook")

    def _wait(self, condition: Any, timeout: float, what: str) -> None:
        try:
            wait_until(condition, timeout, what)
        except LabError as error:
            console = self.console.read_text(errors="replace")[-2000:] if self.console.exists() else "(nothing)"
            raise LabError(f"{error}; {self.name} is {self.state()}, its console says:\n{console}") from error


class Lab:
    """A libvirtd with guests; use it as a context manager, or `open` and `close`."""

    def __init__(self, name: str | None = None) -> None:
        self.name = name or f"t{os.getpid()}-{secrets.token_hex(2)}"
        self.folder = _labs() / self.name
        self.guests: dict[str, Guest] = {}
        self.tools: Tools
        self.daemon: Daemon
        self._initramfs: Path
        self._lock: IO[str] | None = None

    @property
    def uri(self) -> str:
        return f"qemu:///system?socket={self.folder}/run/libvirt-sock"

    # -- life

    def open(self) -> Self:
        """Bring it up, after taking away what dead sessions left behind."""
        self.tools = prepare()
        sweep()
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        if self.name != KEPT:  # the lock tells the others that somebody is still here
            self._lock = _lock_file(self.name).open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.daemon = Daemon(self.tools, self.folder)
        (self.folder / "guests").mkdir(parents=True, exist_ok=True)
        self._initramfs = initramfs(self.tools)
        self.daemon.prepare()
        self.start_daemon()
        sweep_roots(self.tools.host.parent)
        return self

    def attach(self) -> bool:
        """Take up a lab that runs; False if it does not."""
        if not self.folder.exists():
            return False
        self.tools = prepare()
        self.daemon = Daemon(self.tools, self.folder)
        return self.daemon.pid is not None

    def close(self) -> None:
        """Take everything away: guests, daemon, files."""
        Daemon(Tools(self.folder, self.folder, {}), self.folder).remove()
        if self._lock:
            _lock_file(self.name).unlink(missing_ok=True)
            self._lock.close()

    def __enter__(self) -> Self:
        try:
            return self.open()
        except BaseException:
            self.close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- daemon

    def daemon_pid(self) -> int | None:
        return self.daemon.pid

    def kill_daemon(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End libvirtd (by default as a crash does); guests go on."""
        self.daemon.kill(number)

    def start_daemon(self) -> None:
        """Start libvirtd, if it is not there, and wait until it answers."""
        self.daemon.start()
        try:
            wait_until(self._answers, 30, "libvirtd to answer")
        except LabError as error:
            raise LabError(f"{error}; its log says:\n{self.daemon.last_words()}") from error

    def _answers(self) -> bool:
        if self.daemon.pid is None:
            raise LabError(f"libvirtd ended; its log says:\n{self.daemon.last_words()}")
        with suppress(LabError):
            self.virsh("version")
            return True
        return False

    # -- tools

    def virsh(self, *arguments: str, timeout: float = 60) -> str:
        """Run virsh on this lab and return its output: the outsider in tests."""
        return self.tool("virsh", "--quiet", "--connect", self.uri, *arguments, timeout=timeout)

    def virsh_command(self) -> str:
        """The same for people to type."""
        return shlex.join([*tool_command(self.tools, "virsh"), "-c", self.uri])

    def tool(self, name: str, *arguments: str | Path, timeout: float = 60) -> str:
        """Run a program of the lab's packages, such as qemu-img."""
        return host_tool(self.tools, name, *arguments, timeout=timeout)

    # -- guests

    def define(
        self,
        name: str,
        *,
        memory_mib: int = 256,
        agent: bool = True,
        disks: int = 1,
        disk_format: str = "qcow2",
        disk_mib: int = 48,
        fill_mib: int = 0,
        extra_devices: str = "",
    ) -> Guest:
        """Define a guest that is off; an older one of this name goes.

        `fill_mib` megabytes of its memory are filled with noise before the agent answers, which makes memory
        snapshots slow. `extra_devices` is XML for the end of `<devices>`.
        """
        if old := self.guests.pop(name, None):
            old.remove()
        folder = self.folder / "guests" / re.sub(r"[^\w.-]", lambda m: f"%{ord(m[0]):x}", name)[:60]
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        targets = [f"vd{letter}" for letter in string.ascii_lowercase[:disks]]
        files = tuple(folder / f"{target}.{disk_format}" for target in targets)
        for file in files:
            ext4_disk(self.tools, file, form=disk_format, mib=disk_mib)
        guest = Guest(self, name, files, folder / "console", folder / "ticks")
        devices = [_disk_xml(target, file, disk_format) for target, file in zip(targets, files, strict=True)]
        devices += [_serial_xml(0, guest.console), _serial_xml(1, guest._ticks)]
        if agent:
            devices.append(AGENT_XML)
        xml = DOMAIN_XML.format(
            type=ACCELERATION,
            name=escape(name),
            memory=memory_mib,
            kernel=escape(str(self.tools.kernel)),
            initrd=escape(str(self._initramfs)),
            options=escape(kernel_options(*targets, agent=agent, fill_mib=fill_mib)),
            devices="\n".join([*devices, extra_devices]),
        )
        (folder / "domain.xml").write_text(xml)
        self.virsh("define", str(folder / "domain.xml"))
        self.guests[name] = guest
        return guest

    def boot(self, name: str, *, timeout: float = 90, **options: Any) -> Guest:
        """Define, start, and wait for the agent (or, without one, for the counter)."""
        guest = self.define(name, **options)
        guest.start()
        guest.wait_counting(timeout)
        if options.get("agent", True):
            guest.wait_agent(timeout)
        return guest


def sweep() -> list[str]:
    """Take away the labs of sessions that died; returns their names."""
    gone = []
    for folder in _labs().glob("t*"):
        if not folder.is_dir():
            continue
        with _lock_file(folder.name).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            Daemon(Tools(folder, folder, {}), folder).remove()
            _lock_file(folder.name).unlink(missing_ok=True)
            gone.append(folder.name)
    return gone


def kernel_options(*disks: str, agent: bool, fill_mib: int = 0) -> str:
    """What the guest's kernel is started with: its disks by device, whether its agent runs, what is filled."""
    own = f"vmsnap.disks={','.join(disks)} vmsnap.agent={int(agent)} vmsnap.fill={fill_mib}"
    return f"console=ttyS0 quiet loglevel=4 panic=-1 mitigations=off {own}"


def _labs() -> Path:
    return cache_folder() / "labs"


def _lock_file(name: str) -> Path:
    return _labs() / f"{name}.lock"


def _disk_xml(target: str, file: Path, form: str) -> str:
    return (
        f"<disk type='file' device='disk'><driver name='qemu' type='{form}'/>"
        f"<source file={quoteattr(str(file))}/><target dev='{target}' bus='virtio'/></disk>"
    )


def _serial_xml(port: int, file: Path) -> str:
    return f"<serial type='file'><source path={quoteattr(str(file))}/><target port='{port}'/></serial>"


AGENT_XML: Final = (
    "<channel type='unix'><source mode='bind'/><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
)

DOMAIN_XML: Final = """<domain type='{type}'>
  <name>{name}</name>
  <memory unit='MiB'>{memory}</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>{kernel}</kernel>
    <initrd>{initrd}</initrd>
    <cmdline>{options}</cmdline>
  </os>
  <features><acpi/></features>
  <clock offset='utc'/>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
    {devices}
  </devices>
</domain>
"""
