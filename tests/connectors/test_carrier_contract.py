"""What holds for carriers whichever connector it is: what they say of themselves, what goes wrong, what stays secret."""

from __future__ import annotations

from dataclasses import replace

import pytest

from comptoir.connectors import carrierfile, clickpost, easypost, tablerate
from comptoir.kernel.errors import Fault, Remedy
from comptoir.kernel.money import Currency, Money
from comptoir.runtime.http import BlockedAddress, HttpClient
from comptoir.sdk.carriers import (
    Caller,
    Capability,
    CarrierCannot,
    CarrierInfo,
    CarrierUnavailable,
    NotUnderstood,
    Parcel,
    PartialCarrier,
)
from support.carrier_rigs import american, easypost_rig

INFOS = [easypost.INFO, clickpost.INFO, tablerate.INFO, carrierfile.INFO]


@pytest.mark.parametrize("info", INFOS, ids=lambda info: info.key)
def test_every_capability_is_there_or_is_missing_for_a_reason(info: CarrierInfo) -> None:
    assert info.capabilities.isdisjoint(info.missing)
    assert info.capabilities | info.missing.keys() == set(Capability)
    assert all(reason.endswith(".") for reason in info.missing.values())
    assert info.spec
    assert len({field.name for field in info.auth}) == len(info.auth)


def test_keys_of_connectors_are_their_own() -> None:
    assert len({info.key for info in INFOS}) == len(INFOS)


@pytest.mark.parametrize(
    "missing",
    [
        {},
        dict.fromkeys(Capability, "why"),
        {**dict.fromkeys(set(Capability) - {Capability.RATES}, "why"), Capability.VOID: " "},
    ],
)
def test_a_connector_that_says_too_little_of_itself_does_not_start(missing: dict[Capability, str]) -> None:
    with pytest.raises(AssertionError):
        CarrierInfo(key="x", name="X", capabilities=frozenset({Capability.RATES}), missing=missing, spec="none")


async def test_what_a_connector_does_not_do_it_refuses_with_the_reason() -> None:
    class Nothing(PartialCarrier):
        info = replace(carrierfile.INFO, key="nothing")

    with pytest.raises(CarrierCannot) as refused:
        await Nothing().rates(american())
    assert refused.value.data == {
        "carrier": "nothing",
        "capability": "rates",
        "reason": carrierfile.INFO.missing[Capability.RATES],
    }
    Nothing().check(american())
    with pytest.raises(CarrierCannot, match="files"):
        Nothing().check(replace(american(), collect=Money(1, Currency("USD"))))


def test_a_parcel_weighs_something() -> None:
    for weight, length in ((0, 1), (-1, 1), (1, -1)):
        with pytest.raises(AssertionError):
            Parcel(weight=weight, length=length)


def test_a_carriers_words_are_short_on_one_line_and_without_our_secrets() -> None:
    caller = Caller(HttpClient(), "x", ["hush", "", "a b&c"])
    assert caller.clean("key  hush\nand a%20b%26c and a b&c") == "key [redacted] and [redacted] and [redacted]"
    assert len(caller.clean("long " * 500)) == 300
    assert "hush" not in repr(caller)


async def test_an_address_that_may_not_be_called_is_the_retailers_to_put_right() -> None:
    async with HttpClient() as http:
        with pytest.raises(BlockedAddress) as blocked:
            await Caller(http, "x").read("GET", "http://127.0.0.1:9/")
    assert blocked.value.remedy is Remedy.MERCHANT


async def test_a_purchase_that_could_not_even_be_sent_was_not_made() -> None:
    """The carrier was never asked: nothing is in doubt, and it may be tried again."""
    async with HttpClient(allow_private=True) as http:
        caller = Caller(http, "x")
        with pytest.raises(CarrierUnavailable) as refused:
            await caller.purchase("ORD-1", "POST", "http://127.0.0.1:9/buy")
        with pytest.raises(CarrierUnavailable):
            await caller.write("POST", "http://127.0.0.1:9/buy")
    assert refused.value.detail.startswith("x: POST 127.0.0.1/buy")
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None


async def test_what_is_not_the_json_that_it_should_be_is_not_understood() -> None:
    async with easypost_rig() as rig:
        rig.fail(200)
        with pytest.raises(NotUnderstood) as strange:
            await rig.carrier.rates(american())
        assert isinstance(strange.value, Fault)
        assert strange.value.remedy is Remedy.NOBODY
