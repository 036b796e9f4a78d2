"""Who may do what in the lab: its certificates, its users and their kubeconfig."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path

ADMIN: Final = "admin"
"""Everything; logs in with a client certificate, all others with a token."""
READER: Final = "reader"
"""May read what the platform's own `view` roles let one read, everywhere, and change nothing."""
EDITOR: Final = "editor"
"""May do what the platform's own `edit` roles let one do, but make no VirtualMachineRestore."""
TENANT: Final = "tenant"
"""May do nothing until `OpenShiftLab.grant` lets it into a namespace."""
USERS: Final = (ADMIN, READER, EDITOR, TENANT)

MASTERS: Final = "system:masters"
_YEAR: Final = dt.timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Keys:
    """Certificates, keys and tokens of one lab, in its folder."""

    folder: Path

    @property
    def authority(self) -> Path:
        return self.folder / "ca.crt"

    def certificate(self, name: str) -> Path:
        return self.folder / f"{name}.crt"

    def key(self, name: str) -> Path:
        return self.folder / f"{name}.key"

    @property
    def tokens(self) -> Path:
        return self.folder / "tokens.csv"

    def tokens_of_users(self) -> dict[str, str]:
        lines = (line.split(",") for line in self.tokens.read_text().splitlines())
        return {name: token for token, name, *_ in lines}

    def write(self, *, stand_in: str) -> None:
        """All of them; `stand_in` is the name that the API server knows the stand-in by."""
        self.folder.mkdir(parents=True)
        authority = ec.generate_private_key(ec.SECP256R1())
        issuer = _name("vmsnap-lab")
        self._save("ca", _signed(issuer, authority, issuer, authority, names=None), authority)
        for name, names in (("server", ["kubernetes.default.svc"]), ("stand-in", [stand_in])):
            own = ec.generate_private_key(ec.SECP256R1())
            self._save(name, _signed(_name(name), own, issuer, authority, names=names), own)
        for name, group in ((ADMIN, MASTERS), ("lab", MASTERS), ("controllers", MASTERS), ("front-proxy", "")):
            own = ec.generate_private_key(ec.SECP256R1())
            self._save(name, _signed(_name(name, group), own, issuer, authority, names=[]), own)
        lines = [f'{secrets.token_hex(16)},{name},{name},"vmsnap-lab"' for name in USERS if name != ADMIN]
        self.tokens.write_text("\n".join(lines) + "\n")
        self.tokens.chmod(0o600)

    def _save(self, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self.certificate(name).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        self.key(name).touch(0o600)
        self.key(name).write_bytes(private)


def _name(common: str, group: str = "") -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common)]
    if group:
        parts.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, group))
    return x509.Name(parts)


def _signed(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    authority: ec.EllipticCurvePrivateKey,
    *,
    names: list[str] | None,
) -> x509.Certificate:
    """A certificate; `names` None makes an authority, an empty list a client, others a server on loopback."""
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + _YEAR)
        .add_extension(x509.BasicConstraints(ca=names is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()),
            critical=False,
        )
    )
    if names:
        addresses = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        others = [x509.DNSName(name) for name in ("localhost", *names)]
        builder = builder.add_extension(x509.SubjectAlternativeName([*addresses, *others]), critical=False)
    return builder.sign(authority, hashes.SHA256())


def write_kubeconfig(path: Path, keys: Keys, server: str, cluster: str) -> None:
    """For each user a context of the cluster's name with theirs, `lab-admin` for one."""
    tokens = keys.tokens_of_users()
    users = {name: {"token": tokens[name]} for name in tokens} | {ADMIN: _certificate(keys, ADMIN)}
    _write(path, keys, server, cluster, {name: users[name] for name in USERS})


def write_controllers(path: Path, keys: Keys, server: str) -> None:
    """The kubeconfig of the cluster's own processes."""
    _write(path, keys, server, "lab", {"controllers": _certificate(keys, "controllers")})


def _certificate(keys: Keys, name: str) -> dict[str, str]:
    return {"client-certificate": str(keys.certificate(name)), "client-key": str(keys.key(name))}


def _write(path: Path, keys: Keys, server: str, cluster: str, users: dict[str, dict[str, str]]) -> None:
    own = {name: f"{cluster}-{name}" for name in users}
    whole = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": cluster, "cluster": {"server": server, "certificate-authority": str(keys.authority)}},
        ],
        "users": [{"name": own[name], "user": user} for name, user in users.items()],
        "contexts": [{"name": own[name], "context": {"cluster": cluster, "user": own[name]}} for name in users],
        "current-context": next(iter(own.values())),
    }
    path.touch(0o600)
    path.write_text(json.dumps(whole, indent=1))  # JSON is YAML too


def roles(manifests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The cluster roles and bindings of the users, from the roles that KubeVirt brings along."""
    own = {item["metadata"]["name"]: item["rules"] for item in manifests if item["kind"] == "ClusterRole"}
    objects = []
    rules = {READER: [*own["kubevirt.io:view"], *_snapshots("get", "list", "watch")]}
    rules[EDITOR] = [*_but_restore(own["kubevirt.io:edit"]), *_snapshots("*")]
    # `edit` itself would bring KubeVirt's rules along, restores and all.
    bases = ((READER, ["view"]), (EDITOR, ["system:aggregate-to-edit", "system:aggregate-to-view"]))
    for user, base in bases:
        name = f"vmsnap-lab:{user}"
        objects.append({"apiVersion": RBAC, "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules[user]})
        objects += [binding(user, role) for role in (name, *base)]
    return objects


RBAC: Final = "rbac.authorization.k8s.io/v1"


def binding(user: str, role: str, namespace: str | None = None) -> dict[str, Any]:
    """Give the user a cluster role, everywhere or in one namespace."""
    kind = "RoleBinding" if namespace else "ClusterRoleBinding"
    metadata = {"name": f"{role}-{user}".replace(":", "-")} | ({"namespace": namespace} if namespace else {})
    return {
        "apiVersion": RBAC,
        "kind": kind,
        "metadata": metadata,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    }


def _snapshots(*verbs: str) -> list[dict[str, Any]]:
    # What OpenShift's storage operator adds to the roles; contents and classes stay the administrators'.
    return [{"apiGroups": ["snapshot.storage.k8s.io"], "resources": ["volumesnapshots"], "verbs": [*verbs]}]


def _but_restore(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    resource = "virtualmachinerestores"
    less = [rule | {"resources": [name for name in rule["resources"] if name != resource]} for rule in rules]
    read = {"apiGroups": ["snapshot.kubevirt.io"], "resources": [resource], "verbs": ["get", "list", "watch"]}
    return [*(rule for rule in less if rule["resources"]), read]
