"""How a vm of a cluster could get better snapshots."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

from tests.unit.openshift.facts import DATA, OFF, ROOT, SCRATCH, SILENT, facts
from vmsnap_tui.model.advice import AGENT

LOCAL = replace(SCRATCH, driver="local.csi")


def test_none_where_all_is_well() -> None:
    assert facts().advice() == ()
    assert facts(vm=OFF).advice() == ()
    assert facts(vm=SILENT).advice() == (AGENT,)


def test_a_volume_snapshot_class_where_there_is_none() -> None:
    also = replace(LOCAL, disk="more")
    [found] = facts(volumes=(ROOT, LOCAL, also), kubectl=("kubectl", "--context", "lab")).advice()
    first, *manifest, last = found.command.splitlines()
    assert (first, last) == ("kubectl --context lab apply -f - <<'EOF'", "EOF")
    told = yaml.safe_load("\n".join(manifest))
    assert (told["kind"], told["driver"]) == ("VolumeSnapshotClass", "local.csi")
    assert told["metadata"]["annotations"] == {"snapshot.storage.kubernetes.io/is-default-class": "true"}
    assert found.gains == "snapshots of volumes scratch, more"


def test_one_of_several_is_made_the_default() -> None:
    torn = replace(DATA, snapshot_class="", driver="fast.csi", rivals=("daily", "weekly"))
    [found] = facts(volumes=(torn,)).advice()
    assert found.command == (
        "kubectl annotate volumesnapshotclass daily snapshot.storage.kubernetes.io/is-default-class=true"
    )
    assert "daily, weekly" in found.caution


@pytest.mark.parametrize("volume", [SCRATCH, ROOT])
def test_nothing_is_advised_where_the_storage_is_not_known(volume: object) -> None:
    assert facts(volumes=(volume,)).advice() == ()
