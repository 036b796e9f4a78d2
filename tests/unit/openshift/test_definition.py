"""What of a VirtualMachine is compared."""

from __future__ import annotations

from typing import Any

import pytest

from vmsnap_tui.model.errors import Unsupported
from vmsnap_tui.platforms.openshift.definition import definition_of

SPEC = {"runStrategy": "Always", "template": {"metadata": {"creationTimestamp": None}, "spec": {"domain": {"cpu": {}}}}}


def machine(**metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": "web", **metadata}, "spec": SPEC}


def test_what_the_cluster_writes_makes_no_difference() -> None:
    now = machine(
        uid="1",
        resourceVersion="7",
        generation=3,
        labels={"app": "web"},
        annotations={
            "kubevirt.io/latest-observed-api-version": "v1",
            "kubectl.kubernetes.io/last-applied-configuration": "{}",
            "restore.kubevirt.io/lastRestoreUID": "r",
        },
    )
    then = machine(uid="2", labels={"app": "web"})
    then["spec"] = {**SPEC, "template": {"spec": {"domain": {"cpu": {}}}, "metadata": {}}}
    assert definition_of(now).text == definition_of(then).text
    assert definition_of(now).text == (
        "metadata:\n  labels:\n    app: web\n"
        "spec:\n  runStrategy: Always\n  template:\n    metadata: {}\n    spec:\n      domain:\n        cpu: {}"
    )


def test_labels_and_other_annotations_do() -> None:
    assert definition_of(machine(annotations={"team": "a"})).text != definition_of(machine()).text
    with pytest.raises(Unsupported):
        definition_of({"metadata": {"name": "web"}})
