"""May I? A SelfSubjectAccessReview, which the API server answers to everybody (authorization.k8s.io/v1)."""

from __future__ import annotations

import msgspec

from vmsnap_tui.platforms.openshift.line import Ask


class _Verdict(msgspec.Struct):
    allowed: bool = False


class _Review(msgspec.Struct):
    """A SelfSubjectAccessReview."""

    status: _Verdict = msgspec.field(default_factory=_Verdict)


def question(verb: str, group: str, resource: str, namespace: str) -> Ask:
    """Asks whether one may do that to a resource (with its "/subresource"); a namespace of "" is all of them."""
    plural, _, subresource = resource.partition("/")
    attributes = {"verb": verb, "group": group, "resource": plural, "subresource": subresource, "namespace": namespace}
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {key: value for key, value in attributes.items() if value}},
    }
    return Ask("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body)


def is_allowed(answer: bytes) -> bool:
    """What the server said."""
    return msgspec.json.decode(answer, type=_Review).status.allowed
