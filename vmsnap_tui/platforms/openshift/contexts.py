"""The contexts of the kubeconfig, read as kubectl does, and without the library: to look for them takes no login."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

IN_CLUSTER = "@cluster"
"""The address of the cluster whose pod this runs in."""
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_PATHS = {
    "clusters": ("certificate-authority",),
    "users": ("client-certificate", "client-key", "tokenFile"),
}

Part = dict[str, Any]


class Unreadable(Exception):
    """A kubeconfig that cannot be read, and why."""


def files(named: str = "") -> tuple[Path, ...]:
    """`named` (several with colons between them), else $KUBECONFIG, else ~/.kube/config."""
    text = named or os.environ.get("KUBECONFIG") or "~/.kube/config"
    return tuple(Path(part).expanduser() for part in text.split(os.pathsep) if part)


def kubeconfig(paths: Iterable[Path]) -> Part:
    """The files as one. The first one to name a thing decides; paths are made absolute. Raises Unreadable."""
    merged: dict[str, dict[str, Part]] = {"clusters": {}, "users": {}, "contexts": {}}
    current = ""
    for path in paths:
        config = _read(path)
        current = current or str(config.get("current-context") or "")
        for section, found in merged.items():
            for name, part in _named(config.get(section), section.removesuffix("s")):
                found.setdefault(name, _placed(part, path.parent, _PATHS.get(section, ())))
    return {
        "current-context": current,
        **{
            section: [{"name": name, section.removesuffix("s"): part} for name, part in found.items()]
            for section, found in merged.items()
        },
    }


def contexts(config: Part) -> dict[str, Part]:
    """The contexts by name, the current one first."""
    found = {each["name"]: each["context"] for each in config["contexts"]}
    current = config["current-context"]
    return {name: found[name] for name in sorted(found, key=lambda name: name != current)}


def addresses() -> tuple[str, ...]:
    """A context for each user of each cluster: `oc login` writes one for each project besides."""
    try:
        found = contexts(kubeconfig(files()))
    except Unreadable:
        return ()  # who opens a context of it is told what is wrong
    chosen: dict[tuple[str, str], str] = {}
    for name, context in found.items():
        chosen.setdefault((str(context.get("cluster")), str(context.get("user"))), name)
    if not chosen and is_in_cluster():
        return (IN_CLUSTER,)
    return tuple(chosen.values())


def is_in_cluster() -> bool:
    """Whether this runs in a pod that has an account."""
    return bool(os.environ.get("KUBERNETES_SERVICE_HOST")) and (ACCOUNT / "token").is_file()


def _read(path: Path) -> Part:
    try:
        import yaml  # comes with kubernetes
    except ImportError:
        return {}
    try:
        found = yaml.safe_load(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, yaml.YAMLError) as error:
        raise Unreadable(f"{path}: {error}") from error
    return found if isinstance(found, dict) else {}


def _named(rows: object, key: str) -> Iterator[tuple[str, Part]]:
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and row.get("name") and isinstance(row.get(key), dict):
            yield str(row["name"]), row[key]


def _placed(part: Part, folder: Path, keys: Iterable[str]) -> Part:
    """With paths as seen from the file that names them."""
    placed: Part = {key: str(folder.absolute() / Path(part[key]).expanduser()) for key in keys if part.get(key)}
    run = part.get("exec")
    if isinstance(run, dict) and os.sep in str(run.get("command", "")):
        placed["exec"] = run | {"command": str(folder.absolute() / run["command"])}
    return part | placed
