"""What carriers complain about, and what was never asked of them."""

from __future__ import annotations

import asyncio

import pytest

from comptoir.kernel.errors import Remedy
from comptoir.runtime.http import HttpClient
from comptoir.sdk.carriers import Caller, CarrierUnavailable, OutcomeUnknown, ShipmentRejected
from comptoir.sdk.carriers.fields import field_of


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ("to_address.zip: is invalid", "recipient.postcode"),
        ("from_address.phone: is required", "sender.phone"),
        ("ADDRESS VERIFY FAILURE Unable to verify address.", "recipient.line1"),
        ("Error In Order Placing To Courier Partner: bad pin", "recipient.postcode"),
        ("Invalid pickup pincode", "sender.postcode"),
        ("The weight exceeds the maximum", "parcel.weight"),
        ("package too large for this service", "parcel.length"),
        ("hs_tariff_number must be six digits", "items.hs_code"),
        ("goods worth over 2,500 USD leave with an export declaration only", "items"),
        ("drop_email is malformed", "recipient.email"),
        ("It was not to be.", ""),
    ],
)
def test_a_complaint_says_what_it_is_about(words: str, field: str) -> None:
    assert field_of(words) == field


def test_what_a_carrier_rejects_is_for_whoever_asked() -> None:
    fault = ShipmentRejected("easypost", "the weight is too high", reason="PARCEL.WEIGHT")
    assert (fault.status, fault.remedy, fault.data["field"]) == (422, Remedy.MERCHANT, "parcel.weight")
    assert ShipmentRejected("easypost", "no", field="service").data["field"] == "service"


async def test_a_purchase_that_never_reached_the_carrier_was_not_made() -> None:
    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with HttpClient(allow_private=True) as http:
        caller = Caller(http, "pigeon")
        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            with pytest.raises(OutcomeUnknown):
                await caller.purchase("lbl_1", "POST", f"http://127.0.0.1:{port}/buy", json={})
        await server.wait_closed()
        with pytest.raises(CarrierUnavailable):
            await caller.purchase("lbl_1", "POST", f"http://127.0.0.1:{port}/buy", json={})
