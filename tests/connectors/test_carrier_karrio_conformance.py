"""The connector to Karrio passes the suite of all connectors, before a server of today and before an older one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator

import pytest
import stamina

from comptoir.sdk.carriers.conformance import CarrierConformance
from support.karrio_rig import KarrioRig, karrio_rig


@pytest.fixture(autouse=True)
def _quick_retries() -> Generator[None]:
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


class TestKarrio(CarrierConformance):
    @pytest.fixture
    async def rig(self) -> AsyncIterator[KarrioRig]:
        async with karrio_rig() as rig:
            yield rig


class TestOlderKarrio(CarrierConformance):
    @pytest.fixture
    async def rig(self) -> AsyncIterator[KarrioRig]:
        async with karrio_rig(modern=False) as rig:
            yield rig
