"""Which namespaces are looked at: all at once, or those that one may look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.model.errors import Denied
from vmsnap_tui.platforms.openshift.kinds import MACHINES, NAMESPACES, PROJECT_LIST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vmsnap_tui.platforms.openshift.cluster import Cluster

Scope = str | None
"""A namespace, or None for all of them."""

_LIST = ("list", MACHINES.group, MACHINES.plural)


def scopes(cluster: Cluster, chosen: Sequence[str]) -> tuple[Scope, ...]:
    """The namespaces `chosen`; else all together where that is allowed; else each that is; else the context's own."""
    if chosen:
        return tuple(chosen)
    if cluster.may(*_LIST):
        return (None,)
    return tuple(name for name in _visible(cluster) if cluster.may(*_LIST, name)) or (cluster.namespace,)


def _visible(cluster: Cluster) -> list[str]:
    """The projects that one is in, which OpenShift tells everybody; else the namespaces, which few may list."""
    for kind in (PROJECT_LIST, NAMESPACES):
        if cluster.serving.has(kind):
            try:
                return [each.metadata.name for each in cluster.every(kind)]
            except Denied:
                continue
    return []
