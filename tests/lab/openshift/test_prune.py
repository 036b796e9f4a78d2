"""Pruning in a cluster as the README's manifest has it: its role is enough, and nothing that is kept goes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.lab.openshift.proofs import desk, fresh_name
from vmsnap_tui.model.plan import Edit, Take

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.lab.openshift.lab import OpenShiftLab
    from tests.lab.openshift.proofs import Desk

README = (Path(__file__).parents[3] / "README.md").read_text()
[MANIFEST] = [text for text in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL) if "CronJob" in text]


def kubectl(cluster: OpenShiftLab, space: str, *arguments: str, given: str = "") -> str:
    ended = subprocess.run(
        [str(cluster.kubectl), "-n", space, *arguments],
        env=os.environ | cluster.environment, input=given, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture
def play(cluster: OpenShiftLab) -> Iterator[Desk]:
    """A vm in a namespace of its own."""
    space = cluster.fresh_namespace("prune")
    with desk(cluster, running=False, agent=False, namespace=space) as found:
        yield found


def as_the_account(cluster: OpenShiftLab, space: str, folder: Path) -> dict[str, str]:
    """What a client needs to be the manifest's service account."""
    config: dict[str, Any] = yaml.safe_load(cluster.kubeconfig.read_text())
    token = kubectl(cluster, space, "create", "token", "vmsnap-prune").strip()
    clusters = config["clusters"]
    context = {"cluster": clusters[0]["name"], "namespace": space, "user": "account"}
    ours = config | {
        "users": [{"name": "account", "user": {"token": token}}],
        "contexts": [{"name": "account", "context": context}],
        "current-context": "account",
    }
    file = folder / "kubeconfig"
    file.write_text(yaml.safe_dump(ours))
    return {"KUBECONFIG": str(file), "XDG_STATE_HOME": str(folder / "state"), "XDG_CONFIG_HOME": str(folder / "config")}


def test_the_manifest_is_taken_and_its_role_is_enough(cluster: OpenShiftLab, play: Desk, tmp_path: Path) -> None:
    kubectl(cluster, play.namespace, "apply", "-f", "-", given=MANIFEST)
    one, two, three, loose = (fresh_name() for _ in range(4))
    play.do(Take(play.vm, one))
    play.do(Take(play.vm, two))
    play.do(Take(play.vm, loose, method="volume-snapshot"))
    play.do(Take(play.vm, three))
    play.do(Edit(play.snapshots[one].ref, protected=True))
    words = ["-c", "openshift:account", "prune", play.name, "--keep-last", "1", "--json"]
    ended = subprocess.run(
        [sys.executable, "-m", "vmsnap_tui", *words, "--yes"],
        env=os.environ | as_the_account(cluster, play.namespace, tmp_path),
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    [vm] = json.loads(ended.stdout)["vms"]
    told = {each["name"]: each for each in vm["snapshots"]}
    assert {name for name, each in told.items() if each["deleted"]} == {two, loose}
    assert told[one]["reasons"] == ["protected"]
    left = json.loads(kubectl(cluster, play.namespace, "get", "virtualmachinesnapshots", "-o", "json"))["items"]
    assert {each["metadata"]["name"] for each in left} == {one, three}
    volumes = kubectl(cluster, play.namespace, "get", "volumesnapshots", "-o", "name").splitlines()
    assert not [each for each in volumes if loose in each]
