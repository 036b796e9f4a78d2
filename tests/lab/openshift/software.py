"""What the cluster runs on, compiled by Go from the modules that `programs/go.mod` names.

The module and build caches are kept beside the programs, so that a change compiles what it touches and no more.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.lab.libvirt.packages import LabError, LabUnavailableError, cache_folder, locked

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAMS: Final = Path(__file__).with_name("programs")
SNAPSHOTTER: Final = "github.com/kubernetes-csi/external-snapshotter"
PACKAGES: Final = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
    "kubectl": "k8s.io/kubernetes/cmd/kubectl",
    "snapshot-controller": f"{SNAPSHOTTER}/v8/cmd/snapshot-controller",
    "csi-snapshotter": f"{SNAPSHOTTER}/v8/cmd/csi-snapshotter",
    "csi-provisioner": "github.com/kubernetes-csi/external-provisioner/v5/cmd/csi-provisioner",
    "virt-controller": "kubevirt.io/kubevirt/cmd/virt-controller",
    "storage": "./storage",
    "manifests": "./manifests",
}
"""The program's name and the package that it is made of."""
LAYOUT: Final = 1  # raise when what is cached changes shape


@dataclass(frozen=True, slots=True)
class Software:
    """The compiled programs, and the resource definitions that their modules bring along."""

    folder: Path

    def program(self, name: str) -> Path:
        return self.folder / name

    def is_complete(self) -> bool:
        return (self.folder / "manifests.json").exists()

    def manifests(self) -> list[dict[str, Any]]:
        """CustomResourceDefinitions and ClusterRoles."""
        items: list[dict[str, Any]] = json.loads((self.folder / "manifests.json").read_bytes())
        return items


def folder() -> Path:
    return cache_folder() / "openshift"


def prepare() -> Software:
    """The software, from the cache or compiled now."""
    base = folder()
    made = Software(base / "software" / _key())
    with locked(base / "lock"):
        if not made.is_complete():
            made.folder.mkdir(parents=True, exist_ok=True)
            _compile(base, made.folder)
    return made


def is_made() -> bool:
    """Whether it is in the cache; to compile it takes many minutes."""
    return Software(folder() / "software" / _key()).is_complete()


def _key() -> str:
    sources = sorted(path for path in PROGRAMS.rglob("*") if path.is_file())
    parts = [repr((LAYOUT, sorted(PACKAGES.items()))).encode(), *(path.read_bytes() for path in sources)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _compile(base: Path, path: Path) -> None:
    go = _Go(base)
    go.check()
    begin = time.monotonic()
    go.fetch()
    for name, package in PACKAGES.items():
        if not (path / name).exists():
            sys.stderr.write(f"compiling {name} for the OpenShift lab (once) …\n")
            go("build", "-p", "2", "-trimpath", "-ldflags", "-s -w", "-o", path / f"{name}.new", package)
            (path / f"{name}.new").rename(path / name)
    manifests = path / "manifests.new"
    manifests.write_text(json.dumps([*_from_kubevirt(path), *_from_snapshotter(go)]))
    manifests.rename(path / "manifests.json")
    sys.stderr.write(f"compiled in {(time.monotonic() - begin) / 60:.0f} min\n")


def _from_kubevirt(path: Path) -> list[dict[str, Any]]:
    printed = subprocess.run([path / "manifests"], capture_output=True, check=True).stdout
    items: list[dict[str, Any]] = json.loads(printed)["items"]
    for item in items:
        item.pop("status", None)  # an empty one
    return items


def _from_snapshotter(go: _Go) -> Iterator[dict[str, Any]]:
    import yaml

    module = json.loads(go("mod", "download", "-json", f"{SNAPSHOTTER}/client/v8"))
    for path in sorted((Path(module["Dir"]) / "config/crd").glob("*.yaml")):
        content = yaml.safe_load(path.read_text())
        if content["kind"] == "CustomResourceDefinition":
            yield content


class _Go:
    """The Go toolchain, in our module with caches of our own."""

    def __init__(self, base: Path) -> None:
        self._found = shutil.which("go") or shutil.which("/usr/local/go/bin/go")
        self._environment = os.environ | {
            "CGO_ENABLED": "0",
            "GOCACHE": str(base / "go-build"),
            "GOMODCACHE": str(base / "go-mod"),
            "GOFLAGS": "-mod=readonly -modcacherw",
            "GOWORK": "off",
        }

    def check(self) -> None:
        wanted = re.search(r"^go (\S+)$", (PROGRAMS / "go.mod").read_text(), re.MULTILINE)
        assert wanted
        if self._found is None:
            raise LabUnavailableError(f"the OpenShift lab is compiled by Go {wanted[1]} or newer, and there is no Go")
        try:
            self("version")  # in a module it is the version that the module asks for, or an error
        except LabError as error:
            raise LabUnavailableError(f"the OpenShift lab needs Go {wanted[1]} or newer: {error}") from error

    def fetch(self) -> None:
        try:
            self("list", "-deps", *PACKAGES.values())
        except LabError as error:
            raise LabUnavailableError(f"no Go modules for the OpenShift lab: {error}") from error

    def __call__(self, *arguments: str | Path) -> str:
        done = subprocess.run(
            ["nice", "-n", "19", str(self._found), *map(str, arguments)],
            cwd=PROGRAMS,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise LabError(f"go {' '.join(map(str, arguments))}:\n{done.stderr.strip()[-3000:]}")
        return done.stdout
