"""Asking: what is sent twice and what never is, logins that run out, pages, rights, and what there is."""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING

import pytest

from tests.unit.openshift.api import Answer, Asked, FakeApi, listed, refused
from tests.unit.openshift.objects import vm
from vmsnap_tui.model.errors import Denied, Failed, Missing, Unreachable, Unsupported
from vmsnap_tui.platforms.openshift.errors import LoggedOut
from vmsnap_tui.platforms.openshift.kinds import CLAIMS, CONTENTS, MACHINES, VM_SNAPSHOTS
from vmsnap_tui.platforms.openshift.platform import OpenShiftPlatform

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vmsnap_tui.platforms.openshift.cluster import Cluster


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with FakeApi().serving() as api:
        yield api


@pytest.fixture
def cluster(api: FakeApi, tmp_path: Path) -> Iterator[Cluster]:
    cluster = api.cluster(tmp_path)
    cluster.open()
    api.asked.clear()
    yield cluster
    cluster.close()


def first_times(count: int, answer: Answer) -> Iterator[Answer | None]:
    yield from [answer] * count
    while True:
        yield None


def answers(api: FakeApi, ending: str, count: int, answer: Answer) -> None:
    """That answer to the first `count` requests for a path, and then as ever."""
    script = first_times(count, answer)
    api.script = lambda asked: next(script) if asked.path.endswith(ending) else None


@pytest.mark.parametrize(
    "answer", [Answer(cut=True), refused(503, "not ready"), refused(429, "busy", Retry_After="0.1")]
)
def test_a_read_is_tried_again(api: FakeApi, cluster: Cluster, answer: Answer) -> None:
    answers(api, "/virtualmachines", 2, answer)
    assert cluster.every(MACHINES) == []
    assert api.count("GET", "/virtualmachines") == 3


def test_a_read_is_not_tried_for_ever(api: FakeApi, cluster: Cluster) -> None:
    answers(api, "/virtualmachines", 99, refused(503, "not ready"))
    with pytest.raises(Unreachable, match="not ready"):
        cluster.every(MACHINES)
    assert api.count("GET", "/virtualmachines") == 3


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    ("answer", "kind"), [(Answer(cut=True), Unreachable), (refused(503, "x"), Unreachable), (refused(500, "x"), Failed)]
)
def test_a_change_whose_answer_is_lost_is_not_sent_again(
    api: FakeApi, cluster: Cluster, method: str, answer: Answer, kind: type[Exception]
) -> None:
    answers(api, "/thing", 9, answer)
    cluster.ask("GET", "/api/v1/pods")  # so that the connection is one that was used before
    with pytest.raises(kind):
        cluster.ask(method, "/thing", body={"a": 1})
    assert api.count(method, "/thing") == 1


def test_a_change_that_was_turned_away_is_sent_again(api: FakeApi, cluster: Cluster) -> None:
    answers(api, "/thing", 1, refused(429, "busy", Retry_After="0.1"))
    cluster.ask("POST", "/thing", body={"a": 1})
    assert [asked.body for asked in api.asked] == [{"a": 1}, {"a": 1}]


def test_a_login_that_has_run_out_is_renewed_once(api: FakeApi, cluster: Cluster, tmp_path: Path) -> None:
    api.script = lambda asked: refused(401, "Unauthorized") if asked.token == "first" else None
    with pytest.raises(LoggedOut, match="Unauthorized"):
        cluster.every(MACHINES)
    assert api.count("GET", "/virtualmachines") == 2
    api.site(tmp_path, {"token": "second"})  # somebody logs in again
    assert cluster.every(MACHINES) == []
    assert api.asked[-1].token == "second"


def test_all_threads_get_the_new_login(api: FakeApi, cluster: Cluster, tmp_path: Path) -> None:
    tokens = []

    def ask() -> None:
        cluster.every(MACHINES)
        tokens.append(api.asked[-1].token)

    api.site(tmp_path, {"token": "second"})
    api.script = lambda asked: refused(401, "Unauthorized") if asked.token == "first" else None
    for _ in range(2):
        thread = Thread(target=ask)
        thread.start()
        thread.join(10)
    ask()
    assert tokens == ["second"] * 3


def test_pages_go_on_where_the_last_ended(api: FakeApi, cluster: Cluster) -> None:
    pages = {"": listed(vm(), more="two"), "two": listed(vm(), more="three"), "three": listed(vm())}

    def script(asked: Asked) -> Answer:
        return pages[asked.query.get("continue", "")]

    api.script = script
    assert [len(page.items or ()) for page in cluster.pages(MACHINES, "shop", limits=(1, 2))] == [1, 1, 1]
    assert [asked.query["limit"] for asked in api.asked] == ["1", "2", "500"]
    assert {asked.path for asked in api.asked} == {"/apis/kubevirt.io/v1/namespaces/shop/virtualmachines"}


def test_what_is_asked_for_at_once_comes_back_in_order(api: FakeApi, cluster: Cluster) -> None:
    api.script = lambda asked: Answer(body=vm()) if asked.path.endswith("/web") else None
    path = cluster.path(MACHINES, "shop", "web")
    found = cluster.get_several([path, cluster.path(MACHINES, "shop", "gone"), path], MACHINES.type)
    assert [type(each) for each in found] == [MACHINES.type, Missing, MACHINES.type]


def test_names_are_quoted(cluster: Cluster) -> None:
    assert (
        cluster.path(CLAIMS, "a/b", "../x", "status") == "/api/v1/namespaces/a%2Fb/persistentvolumeclaims/..%2Fx/status"
    )


def test_rights_are_asked_for_once_a_minute(api: FakeApi, cluster: Cluster) -> None:
    def script(asked: Asked) -> Answer | None:
        if not asked.path.endswith("reviews"):
            return None
        wanted = asked.body["spec"]["resourceAttributes"]
        return Answer(201, {"status": {"allowed": wanted.get("subresource") != "stop"}})

    api.script = script
    assert cluster.may("list", "kubevirt.io", "virtualmachines", "shop")
    assert not cluster.may("update", "subresources.kubevirt.io", "virtualmachines/stop", "shop")
    sent = len(api.asked)
    assert cluster.may_all([("list", "kubevirt.io", "virtualmachines")], "shop") == [True]
    assert len(api.asked) == sent
    assert api.asked[1].body["spec"]["resourceAttributes"] == {
        "verb": "update", "group": "subresources.kubevirt.io", "resource": "virtualmachines", "subresource": "stop",
        "namespace": "shop",
    }  # fmt: skip


def test_who_may_not_ask_what_he_may_is_not_held_back(api: FakeApi, cluster: Cluster) -> None:
    answers(api, "reviews", 9, refused(403, "forbidden"))
    assert cluster.may("list", "kubevirt.io", "virtualmachines")


# What there is


def opened(api: FakeApi, tmp_path: Path, **options: str) -> OpenShiftPlatform:
    platform = OpenShiftPlatform(api.site(tmp_path, None, **options))
    try:
        platform.open()
    finally:
        platform.close()
    return platform


def test_a_cluster_without_kubevirt_is_not_one_that_cannot_be_reached(api: FakeApi, tmp_path: Path) -> None:
    api.script = lambda asked: Answer(body={"groups": []}) if asked.path == "/apis" else None
    with pytest.raises(Unsupported, match="answers, but has no KubeVirt"):
        opened(api, tmp_path)


def test_a_cluster_that_cannot_be_reached(tmp_path: Path) -> None:
    with FakeApi().serving() as api:
        site = api.site(tmp_path)
    with pytest.raises(Unreachable) as caught:
        OpenShiftPlatform(site).open()
    assert "network" in caught.value.hint


def test_kubevirt_without_snapshots_can_be_looked_at(api: FakeApi, tmp_path: Path) -> None:
    only = {"groups": [{"name": "kubevirt.io", "versions": [{"groupVersion": "kubevirt.io/v1", "version": "v1"}]}]}

    def script(asked: Asked) -> Answer | None:
        if asked.path == "/apis":
            return Answer(body=only)
        if asked.path.endswith("/virtualmachines/web"):
            return Answer(body=vm())
        return listed(vm()) if asked.path.endswith("/virtualmachines") else None

    api.script = script
    platform = OpenShiftPlatform(api.site(tmp_path))
    info = platform.open()
    assert any("snapshot.kubevirt.io" in caution for caution in info.cautions)
    (page,) = platform.vms()
    assert platform.snapshots([each.ref for each in page]) == {page[0].ref: ()}
    platform.close()


def test_the_newest_version_that_is_understood_is_spoken(api: FakeApi, tmp_path: Path) -> None:
    def script(asked: Asked) -> Answer | None:
        if asked.path == "/apis":
            versions = [
                {"groupVersion": f"snapshot.kubevirt.io/{name}", "version": name} for name in ("v1", "v1alpha1")
            ]
            return Answer(body={"groups": [{"name": "snapshot.kubevirt.io", "versions": versions}]})
        if asked.path == "/apis/snapshot.kubevirt.io/v1alpha1":
            return Answer(body={"resources": [{"name": "virtualmachinesnapshots"}]})
        return None

    api.script = script
    cluster = api.cluster(tmp_path)
    cluster.open()
    assert cluster.serving.version(VM_SNAPSHOTS) == "v1alpha1"
    with pytest.raises(Unsupported, match="virtualmachinesnapshotcontents"):
        cluster.path(CONTENTS)
    cluster.close()


def test_namespaces_are_those_that_may_be_listed(api: FakeApi, tmp_path: Path) -> None:
    def script(asked: Asked) -> Answer | None:
        if asked.path.endswith("reviews"):
            where = asked.body["spec"]["resourceAttributes"].get("namespace", "")
            return Answer(201, {"status": {"allowed": where in {"one", "two"}}})
        if asked.path == "/api/v1/namespaces":
            return listed(*({"metadata": {"name": name}} for name in ("one", "two", "three")))
        return None

    api.script = script
    platform = OpenShiftPlatform(api.site(tmp_path))
    assert ("namespaces", "one, two") in platform.open().details
    list(platform.vms())
    asked = {each.path for each in api.asked if each.path.endswith("/virtualmachines")}
    assert asked == {f"/apis/kubevirt.io/v1/namespaces/{name}/virtualmachines" for name in ("one", "two")}
    platform.close()


def test_chosen_namespaces_are_taken_as_they_are(api: FakeApi, tmp_path: Path) -> None:
    platform = OpenShiftPlatform(api.site(tmp_path, None, namespaces="a, b"))
    assert ("namespaces", "a, b") in platform.open().details
    platform.close()


def test_who_may_not_list_vms_is_told_the_verb_and_the_resource(api: FakeApi, tmp_path: Path) -> None:
    api.script = lambda asked: Answer(201, {"status": {"allowed": False}}) if asked.path.endswith("reviews") else None
    with pytest.raises(Denied, match=r"list and watch virtualmachines\.kubevirt\.io"):
        opened(api, tmp_path)
