"""What the tests of steps have in common."""

from __future__ import annotations

import pytest

from vmsnap_tui.platforms.openshift.steps import limits


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is waited for as long as on a real cluster."""
    for name in vars(limits):
        if name.isupper():
            monkeypatch.setattr(limits, name, 0.001 if name.endswith("PAUSE") else 0.05)
