"""The clock that ages and default names go by."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """This machine's clock."""
    return datetime.now(UTC)
