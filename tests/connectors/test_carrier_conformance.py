"""Every connector to a carrier passes the same suite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator

import pytest
import stamina

from comptoir.sdk.carriers.conformance import CarrierConformance
from support.carrier_rigs import ClickPostRig, EasyPostRig, QuietRig, clickpost_rig, easypost_rig, file_rig, table_rig
from support.doorstep import DoorstepRig, doorstep_rig


@pytest.fixture(autouse=True)
def _quick_retries() -> Generator[None]:
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


class TestEasyPost(CarrierConformance):
    @pytest.fixture
    async def rig(self) -> AsyncIterator[EasyPostRig]:
        async with easypost_rig() as rig:
            yield rig


class TestClickPost(CarrierConformance):
    @pytest.fixture
    async def rig(self) -> AsyncIterator[ClickPostRig]:
        async with clickpost_rig() as rig:
            yield rig


class TestTableRates(CarrierConformance):
    @pytest.fixture
    def rig(self) -> QuietRig:
        return table_rig()


class TestFileCarrier(CarrierConformance):
    @pytest.fixture
    def rig(self) -> QuietRig:
        return file_rig()


class TestCarrierThatTakesInstructions(CarrierConformance):
    @pytest.fixture
    async def rig(self) -> AsyncIterator[DoorstepRig]:
        async with doorstep_rig() as rig:
            yield rig
