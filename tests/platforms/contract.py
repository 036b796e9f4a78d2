"""The contract: what every platform keeps, tried on each by a fixture `subject`.

A platform that can't do something says so in a refusal, and the test that needs it is skipped with these words;
taking a snapshot, going back to it and deleting a leaf are never skipped.
"""

from __future__ import annotations

from tests.platforms.contract_acting import ActingContract
from tests.platforms.contract_hostile import HostileContract
from tests.platforms.contract_planning import PlanningContract
from tests.platforms.contract_reading import ReadingContract
from tests.platforms.contract_watching import WatchingContract


class PlatformContract(ReadingContract, PlanningContract, ActingContract, WatchingContract, HostileContract):
    """All of it. A subclass gives the fixture `subject`."""
