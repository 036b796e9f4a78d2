"""Where the lab's processes listen and with which options they start."""

from __future__ import annotations

import json
import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .identity import Keys

if TYPE_CHECKING:
    from pathlib import Path

    from .software import Software

PORTS: Final = ("etcd", "etcd-peer", "api", "manager", "virt-controller", "stand-in")
DRIVER: Final = "lab.vmsnap.io"
"""Name of the storage stand-in's CSI driver."""
STAND_IN: Final = "virt-api.kubevirt.svc"
"""The name under which the API server asks the stand-in."""

# Only what the users' own clients ask is logged.
AUDIT: Final = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "users": ["lab", "controllers", "system:apiserver", "system:anonymous"]},
        {"level": "Metadata"},
    ],
}
# By itself each of the storage's controllers asks no more than five times a second, and then a snapshot takes two.
UNTHROTTLED: Final = ("--kube-api-qps=200", "--kube-api-burst=400")
PERSISTENT: Final = ("--retry-interval-start=100ms", "--retry-interval-max=2s")
CONTROLLERS: Final = (
    "clusterrole-aggregation-controller",
    "garbage-collector-controller",
    "namespace-controller",
    "persistentvolume-binder-controller",
    "persistentvolume-protection-controller",
    "persistentvolumeclaim-protection-controller",
)


@dataclass(frozen=True, slots=True)
class Place:
    """One lab's folder and ports."""

    folder: Path
    ports: dict[str, int]

    @property
    def keys(self) -> Keys:
        return Keys(self.folder / "keys")

    @property
    def kubeconfig(self) -> Path:
        """The users'."""
        return self.folder / "kubeconfig"

    @property
    def controllers(self) -> Path:
        """The kubeconfig of the cluster's own controllers."""
        return self.folder / "controllers.kubeconfig"

    @property
    def audit(self) -> Path:
        return self.folder / "log/audit.json"

    @property
    def storage(self) -> Path:
        """What the storage stand-in keeps: see `programs/storage`."""
        return self.folder / "storage"

    @property
    def guests(self) -> Path:
        """What the stand-in's guests are like: see `stand_in/guest.py`."""
        return self.folder / "guests"

    @property
    def socket(self) -> Path:
        return self.folder / "run/csi.sock"

    def url(self, name: str) -> str:
        scheme = "http" if name.startswith("etcd") else "https"
        return f"{scheme}://127.0.0.1:{self.ports[name]}"


def free_ports(path: Path) -> dict[str, int]:
    """Ports that nobody listens on, the ones noted in `path` if they still are free."""
    known: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
    result = {}
    held = []
    for name in PORTS:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", known.get(name, 0)))
        except OSError:
            listener.bind(("127.0.0.1", 0))
        held.append(listener)
        result[name] = listener.getsockname()[1]
    for listener in held:
        listener.close()
    return result


def commands(place: Place, software: Software) -> dict[str, list[str | Path]]:
    """The command of each process, in the order in which they come up."""
    to_cluster = f"--kubeconfig={place.controllers}"
    to_storage = f"--csi-address={place.socket}"
    return {
        "etcd": [software.program("etcd"), *_etcd(place)],
        "kube-apiserver": [software.program("kube-apiserver"), *_apiserver(place)],
        "kube-controller-manager": [
            software.program("kube-controller-manager"),
            to_cluster,
            f"--controllers={','.join(CONTROLLERS)}",
            "--bind-address=127.0.0.1",
            f"--secure-port={place.ports['manager']}",
            f"--cert-dir={place.folder / 'run'}",
            "--leader-elect=false",
            *UNTHROTTLED,
        ],
        "storage": [software.program("storage"), place.storage, place.socket],
        "csi-provisioner": [
            software.program("csi-provisioner"),
            to_cluster,
            to_storage,
            "--feature-gates=Topology=false",
            *UNTHROTTLED,
            *PERSISTENT,
        ],
        "snapshot-controller": [
            software.program("snapshot-controller"),
            to_cluster,
            *UNTHROTTLED,
            *PERSISTENT,
        ],
        "csi-snapshotter": [
            software.program("csi-snapshotter"),
            to_cluster,
            to_storage,
            *UNTHROTTLED,
            *PERSISTENT,
        ],
        "stand-in": [sys.executable, "-m", "tests.lab.openshift.stand_in", place.folder],
        "virt-controller": [
            software.program("virt-controller"),
            to_cluster,
            "--listen=127.0.0.1",
            f"--port={place.ports['virt-controller']}",
            f"--prom-cert-file={place.keys.certificate('stand-in')}",
            f"--prom-key-file={place.keys.key('stand-in')}",
        ],
    }


def _etcd(place: Place) -> list[str]:
    return [
        f"--data-dir={place.folder / 'etcd'}",
        f"--listen-client-urls={place.url('etcd')}",
        f"--advertise-client-urls={place.url('etcd')}",
        f"--listen-peer-urls={place.url('etcd-peer')}",
        f"--initial-advertise-peer-urls={place.url('etcd-peer')}",
        f"--initial-cluster=default={place.url('etcd-peer')}",
        "--unsafe-no-fsync",
        "--max-txn-ops=4096",
        "--max-request-bytes=67108864",
        "--quota-backend-bytes=4294967296",
        "--log-level=warn",
    ]


def _apiserver(place: Place) -> list[str]:
    keys = place.keys
    policy = place.folder / "audit-policy.json"
    policy.write_text(json.dumps(AUDIT))
    return [
        f"--etcd-servers={place.url('etcd')}",
        "--bind-address=127.0.0.1",
        f"--secure-port={place.ports['api']}",
        f"--tls-cert-file={keys.certificate('server')}",
        f"--tls-private-key-file={keys.key('server')}",
        f"--client-ca-file={keys.authority}",
        f"--token-auth-file={keys.tokens}",
        "--authorization-mode=RBAC",
        f"--service-account-issuer={place.url('api')}",
        f"--service-account-key-file={keys.key('server')}",
        f"--service-account-signing-key-file={keys.key('server')}",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--endpoint-reconciler-type=none",
        "--disable-admission-plugins=ServiceAccount",
        "--enable-priority-and-fairness=false",
        # Pages of a list come from etcd and expire with it, as on clusters before Kubernetes 1.34.
        "--feature-gates=ListFromCacheSnapshot=false",
        f"--requestheader-client-ca-file={keys.authority}",
        "--requestheader-allowed-names=front-proxy",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={keys.certificate('front-proxy')}",
        f"--proxy-client-key-file={keys.key('front-proxy')}",
        f"--audit-policy-file={policy}",
        f"--audit-log-path={place.audit}",
        "--shutdown-delay-duration=0s",
    ]
