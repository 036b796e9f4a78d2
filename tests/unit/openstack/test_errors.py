"""Both families of exceptions in one house."""

from __future__ import annotations

import pytest
from keystoneauth1 import exceptions as keystone
from openstack import exceptions as sdk

from vmsnap_tui.model.errors import Conflict, Denied, Failed, Missing, Unreachable, Unsupported, VmsnapError
from vmsnap_tui.platforms.openstack.errors import translated, typed, typed_errors


@pytest.mark.parametrize(
    ("status", "words", "kind", "hint"),
    [
        (403, "Quota exceeded for instances: Requested 1, but already used 0 of 0 instances", Failed, "quota"),
        (413, "SnapshotLimitExceeded: Maximum number of snapshots allowed (1) exceeded", Failed, "quota"),
        (403, "Policy doesn't allow volume_extension:reset_status to be performed.", Denied, "role"),
        (409, "Cannot 'createImage' instance x while it is in task_state image_snapshot", Conflict, "wait"),
        (409, "Instance x is locked", Conflict, "unlock"),
        (404, "Instance x could not be found.", Missing, "refresh"),
        (400, "Specified snapshot x is None or not the latest one of volume y.", Conflict, "new volume"),
        (401, "The request you have made requires authentication.", Denied, "clouds.yaml"),
        (429, "Over the limit", Failed, "patience"),
        (503, "Service Unavailable", Unreachable, "again"),
        (501, "Not implemented", Unsupported, "cannot"),
        (500, "Unexpected API Error", Failed, "log"),
        (418, "", Failed, "plan"),
    ],
)
def test_what_a_service_says(status: int, words: str, kind: type[VmsnapError], hint: str) -> None:
    error = typed(status, words)
    assert type(error) is kind
    assert hint in error.hint
    assert error.words == (words or "HTTP 418")


def test_a_service_that_quotes_a_whole_pattern_is_cut_short() -> None:
    assert len(typed(400, "x" * 10_000).words) == 400


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (keystone.Unauthorized("wrong"), Denied),
        (keystone.NotFound("Failed to validate token (HTTP 404)"), Denied),
        (keystone.NotFound("no such thing"), Missing),
        (keystone.ConnectFailure("refused"), Unreachable),
        (keystone.EndpointNotFound("volume"), Unreachable),
        (sdk.ServiceDisabledException("no such region"), Unreachable),
        (sdk.SDKException("odd"), Failed),
    ],
)
def test_no_error_of_the_libraries_gets_out(error: Exception, kind: type[VmsnapError]) -> None:
    assert type(translated(error)) is kind
    with pytest.raises(kind), typed_errors():
        raise error
