"""ClickPost: what is asked, what its meta codes mean, and times that are India's."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Generator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import stamina

from comptoir.connectors.clickpost import NDR_REASONS, ClickPost, ClickPostAccount, mapping, messages
from comptoir.kernel.errors import Fault, Remedy
from comptoir.kernel.money import Currency, Money
from comptoir.runtime.http import HttpClient
from comptoir.sdk.carriers import (
    CarrierCannot,
    CarrierUnavailable,
    ForgedWebhook,
    Item,
    Label,
    LabelRequest,
    NotAuthorised,
    NotUnderstood,
    OutcomeUnknown,
    PickupRequest,
    ServiceNotOffered,
    ShipmentRejected,
    UnreadableWebhook,
    Void,
    VoidState,
    Waybill,
)
from comptoir.sdk.tracking import VENDORS, TrackingStatus, distinct, status_of
from support.carrier_rigs import NOW, USERNAME, ClickPostRig, american, clickpost_rig, indian

INR = Currency("INR")
S = TrackingStatus


@pytest.fixture(autouse=True)
def _quick_retries() -> Generator[None]:
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


@pytest.fixture
async def rig() -> AsyncIterator[ClickPostRig]:
    async with clickpost_rig() as rig:
        yield rig


def wanted(reference: str = "ORD-1", **more: Any) -> LabelRequest:
    return LabelRequest(reference=reference, shipment=indian(), service="4/Delhivery_Express", **more)


# What is asked


async def test_an_order_is_asked_for_as_version_three_wants_it(rig: ClickPostRig) -> None:
    label = await rig.carrier.buy(wanted())
    (asked,) = rig.clickpost.asked
    assert asked["pickup_info"] == {
        "pickup_name": "Depot", "pickup_phone": "9876543210", "pickup_address": "12 Ring Road", "pickup_city": "Surat",
        "pickup_state": "Gujarat", "pickup_pincode": "395002", "pickup_country": "IN", "email": "depot@example.com",
        "pickup_time": "2026-03-02T10:00:00Z", "tin": "24AAACC1206D1ZM",
    }  # fmt: skip
    assert asked["drop_info"]["drop_address"] == "Flat 4B, Green Apartments"
    assert asked["shipment_details"] == {
        "order_type": "PREPAID", "delivery_type": "FORWARD", "cod_value": 0, "invoice_value": 1500.0,
        "invoice_number": "ORD-1", "invoice_date": "2026-03-02", "reference_number": "ORD-1", "courier_partner": 4,
        "weight": 1868, "length": 52, "breadth": 28, "height": 13,
        "items": [{"sku": "SKU_ABC_123", "description": "Cotton T-Shirt", "quantity": 1, "price": 1500.0, "weight": 500}],
    }  # fmt: skip
    assert asked["additional"] == {
        "label": True, "async": False, "delivery_type": "FORWARD", "account_code": "Delhivery_Express"
    }  # fmt: skip
    assert (label.tracking_number, label.carrier, label.service) == ("400000000001", "Delhivery", "4/Delhivery_Express")
    assert len(rig.far.calls) == 1, "one call buys a label"


async def test_prices_are_per_begun_kilogram_and_weights_in_kilograms(rig: ClickPostRig) -> None:
    rates = await rig.carrier.rates(indian())
    assert rig.far.calls[0].json() == [
        {
            "drop_pincode": "400001", "pickup_pincode": "395002",
            "optional": {
                "length": 52, "breadth": 28, "height": 13, "weight": 1.868, "invoice_value": 1500.0, "service_type": "FORWARD",
            },
        }
    ]  # fmt: skip
    assert [(rate.service, rate.cost, rate.days) for rate in rates] == [
        ("4/Delhivery_Express", Money(12_900, INR), 2),
        ("5/Bluedart_Surface", Money(17_600, INR), 3),
    ], "the third has no price"


async def test_money_at_the_door_is_another_price_and_other_couriers(rig: ClickPostRig) -> None:
    collecting = replace(indian(), collect=Money(150_000, INR))
    assert [(rate.service, rate.cost.minor) for rate in await rig.carrier.rates(collecting)] == [
        ("4/Delhivery_Express", 15_900)
    ]
    await rig.carrier.buy(replace(wanted(), shipment=collecting))
    details = rig.clickpost.asked[0]["shipment_details"]
    assert (details["order_type"], details["cod_value"]) == ("COD", 1500.0)


async def test_where_nobody_goes_there_are_no_rates(rig: ClickPostRig) -> None:
    nowhere = replace(indian(), recipient=msgspec.structs.replace(indian().recipient, postcode="N/A"))
    assert await rig.carrier.rates(nowhere) == []
    assert await rig.carrier.rates(american()) == [], "it takes parcels in India only"
    with pytest.raises(ServiceNotOffered):
        await rig.carrier.buy(replace(wanted(), shipment=american()))


@pytest.mark.parametrize("what", ["items", "collect"])
async def test_amounts_in_another_currency_are_not_sent(rig: ClickPostRig, what: str) -> None:
    euros = Money(1_000, Currency("EUR"))
    shipment = replace(indian(), collect=euros) if what == "collect" else replace(indian(), items=(Item("Mug", 1, euros),))
    with pytest.raises(ShipmentRejected, match="rupees"):
        await rig.carrier.buy(replace(wanted(), shipment=shipment))
    assert rig.far.calls == []


@pytest.mark.parametrize("service", ["", "Delhivery", "four/Express", "4²/x"])
async def test_a_service_names_a_courier_and_an_account(rig: ClickPostRig, service: str) -> None:
    with pytest.raises(ShipmentRejected, match="courier"):
        await rig.carrier.buy(replace(wanted(), service=service))


# Buying once


async def test_an_order_that_is_there_already_is_the_label(rig: ClickPostRig) -> None:
    first = await rig.carrier.buy(wanted())
    rig.clickpost.tells_again = False
    assert await rig.carrier.buy(wanted()) == first, "also where 323 does not come with the order"
    assert rig.bought() == 1


async def test_an_order_that_the_courier_is_still_at_is_not_there_and_not_lost(rig: ClickPostRig) -> None:
    rig.clickpost.pending.add("ORD-1")
    for call in (rig.carrier.buy(wanted()), rig.carrier.find_label("ORD-1")):
        with pytest.raises(OutcomeUnknown) as unknown:
            await call
        assert unknown.value.retry_after == 30.0
    rig.clickpost.pending.clear()
    assert await rig.carrier.find_label("ORD-1") is None
    assert (await rig.carrier.buy(wanted())).tracking_number


@pytest.mark.parametrize(
    ("meta", "kind", "remedy"),
    [
        ((301, "Authentication Failed"), NotAuthorised, Remedy.MERCHANT),
        ((316, "You do not have credentials"), NotAuthorised, Remedy.MERCHANT),
        ((353, "Clickpost Account: Inactive"), NotAuthorised, Remedy.MERCHANT),
        ((319, "Error In Order Placing To Courier Partner: bad pin"), ShipmentRejected, Remedy.MERCHANT),
        ((328, "Invalid POST data"), ShipmentRejected, Remedy.MERCHANT),
        ((400, "Bad Request"), ShipmentRejected, Remedy.MERCHANT),
        ((322, "Internal Server Error In Courier Partners Server"), OutcomeUnknown, Remedy.WAIT),
        ((329, "Courier Partner API timeout"), OutcomeUnknown, Remedy.WAIT),
        ((354, "Unhandled error!"), OutcomeUnknown, Remedy.WAIT),
        ((500, "Oops!"), OutcomeUnknown, Remedy.WAIT),
        ((202, "Order Registered"), OutcomeUnknown, Remedy.WAIT),
    ],
)
async def test_what_a_refused_order_means(rig: ClickPostRig, meta: tuple[int, str], kind: type[Fault], remedy: Remedy) -> None:
    rig.clickpost.order_status = meta
    with pytest.raises(kind) as refused:
        await rig.carrier.buy(wanted())
    assert refused.value.remedy is remedy
    assert f"({meta[0]})" in refused.value.detail
    assert rig.bought() == 0
    await rig.carrier.buy(wanted())
    assert rig.bought() == 1


def test_what_a_refused_question_means() -> None:
    kinds = {322: CarrierUnavailable, 354: NotUnderstood, 301: NotAuthorised, 302: ShipmentRejected, 0: ShipmentRejected}
    for status, kind in kinds.items():
        assert type(mapping.fault_of(messages.Meta(status), "why")) is kind


async def test_an_answer_without_a_waybill_may_be_an_order(rig: ClickPostRig) -> None:
    rig.clickpost.order_status = (200, "Order Placed Successfully")
    with pytest.raises(OutcomeUnknown, match="no waybill"):
        await rig.carrier.buy(wanted())


async def test_a_question_about_the_reference_is_the_only_one_with_it(rig: ClickPostRig) -> None:
    await rig.carrier.buy(wanted("a&key=b"))
    found = await rig.carrier.find_label("a&key=b")
    assert found is not None
    assert (found.reference, found.service) == ("a&key=b", "4"), "an order does not say which account it is of"
    assert rig.far.calls[-2].query["reference_number"] == "a&key=b"


# Giving back and collecting


async def test_cancelling_also_tells_clickposts_own_tracking(rig: ClickPostRig) -> None:
    label = await rig.carrier.buy(wanted())
    assert await rig.carrier.void(label) == Void(VoidState.VOIDED, "SUCCESS (200)")
    query = rig.far.calls[-1].query
    assert (query["waybill"], query["cp_id"], query["account_code"]) == (label.tracking_number, "4", "Delhivery_Express")
    (update,) = await rig.carrier.track([Waybill(label.tracking_number, label.service)])
    assert status_of(update.scans) is S.CANCELLED


async def test_a_parcel_that_nobody_knows_cannot_be_cancelled(rig: ClickPostRig) -> None:
    label = Label(reference="r", tracking_number="X", shipment_id="X", service="4/Delhivery_Express")
    assert await rig.carrier.void(label) == Void(VoidState.REFUSED, "clickpost: Invalid waybill (400)")
    rig.revoke()
    with pytest.raises(NotAuthorised):
        await rig.carrier.void(label)


async def test_a_driver_comes_for_the_parcels_of_one_service(rig: ClickPostRig) -> None:
    labels = [await rig.carrier.buy(wanted(f"ORD-{n}")) for n in range(2)]
    asked = PickupRequest(
        reference="P-1",
        address=indian().sender,
        labels=tuple(labels),
        from_at=NOW,
        until_at=NOW + timedelta(hours=3),
        weight=900,
    )
    pickup = await rig.carrier.schedule_pickup(asked)
    assert (pickup.confirmation, pickup.reference) == ("101847200", "P-1")
    body = rig.far.calls[-1].json()
    assert (body["pickup_date"], body["items"]) == ("2026-03-02T15:30:00", "2 package(s), 900 grams"), "India's time"
    other = replace(labels[0], service="5/Bluedart_Surface")
    with pytest.raises(CarrierCannot, match="once for each service"):
        await rig.carrier.schedule_pickup(replace(asked, labels=(labels[0], other)))
    rig.lose_answer()
    with pytest.raises(OutcomeUnknown):
        await rig.carrier.schedule_pickup(asked)


# Tracking


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2018-03-16 18:56:00", datetime(2018, 3, 16, 13, 26, tzinfo=UTC)),
        ("2017-08-02T13:23:02Z", datetime(2017, 8, 2, 7, 53, 2, tzinfo=UTC)),
        ("2018-08-06T15:00:32.002000Z", datetime(2018, 8, 6, 9, 30, 32, 2_000, tzinfo=UTC)),
        ("2016-07-12T17:12:36.710", datetime(2016, 7, 12, 11, 42, 36, 710_000, tzinfo=UTC)),
        ("2026-03-02T10:00:00+00:00", NOW),
        ("2026-03-02T10:00:00+05:30", NOW - timedelta(hours=5, minutes=30)),
    ],
)
def test_times_are_indias_unless_they_have_an_offset_in_figures(text: str, at: datetime) -> None:
    assert mapping.moment(text) == at


def test_what_is_no_time_is_refused() -> None:
    with pytest.raises(NotUnderstood, match="not a time"):
        mapping.moment("yesterday")


async def test_parcels_are_asked_about_five_at_a_time_and_by_courier(rig: ClickPostRig) -> None:
    waybills: list[Waybill] = []
    for n in range(8):
        service = "5/Bluedart_Surface" if n == 7 else "4/Delhivery_Express"
        label = await rig.carrier.buy(replace(wanted(f"ORD-{n}"), service=service))
        rig.scan(label.tracking_number, "5", NOW)
        waybills.append(Waybill(label.tracking_number, label.service))
    before = len(rig.far.calls)
    updates = await rig.carrier.track([*waybills, Waybill("NOBODYS", "4/Delhivery_Express")])
    assert sorted(update.tracking_number for update in updates) == sorted(one.tracking_number for one in waybills)
    asked = [(call.query["cp_id"], call.query["waybill"].count(",") + 1) for call in rig.far.calls[before:]]
    assert asked == [("4", 5), ("4", 3), ("5", 1)]
    assert updates[0].estimated_on == date(2026, 3, 6)


async def test_the_outer_scan_is_history_and_the_latest_status_is_acted_on(rig: ClickPostRig) -> None:
    """The courier sends three scans at once: three messages, each with the delivery as its latest status."""
    label = await rig.carrier.buy(wanted())
    number = label.tracking_number
    for hours, code in enumerate(("5", "6", "8")):
        rig.scan(number, code, NOW + timedelta(hours=hours))
    bodies = [rig.clickpost.webhook(number, scan)[1] for scan in rig.clickpost.scans[number]]
    (first,) = rig.carrier.read_webhook(bodies[0])
    assert [scan.status for scan in first.scans] == [S.IN_TRANSIT, S.DELIVERED]
    assert first.latest is not None
    assert (first.latest.status, status_of(first.scans)) == (S.DELIVERED, S.DELIVERED)
    history = distinct(scan for body in reversed(bodies) for update in rig.carrier.read_webhook(body) for scan in update.scans)
    assert [scan.status for scan in history] == [S.IN_TRANSIT, S.OUT_FOR_DELIVERY, S.DELIVERED]


async def test_why_a_delivery_failed_is_kept(rig: ClickPostRig) -> None:
    label = await rig.carrier.buy(wanted())
    rig.scan(label.tracking_number, "9", NOW)
    (update,) = rig.carrier.read_webhook(rig.webhook(label.tracking_number)[1])
    assert [(scan.status, scan.detail) for scan in update.scans] == [(S.DELIVERY_FAILED, "ndr:1")]
    assert NDR_REASONS[1] == "Customer Unavailable"


def test_a_return_that_has_no_number_yet_is_about_no_parcel() -> None:
    carrier = ClickPost(HttpClient(), ClickPostAccount("u", "k", "w"))
    body = {"waybill": "", "clickpost_status_code": 101, "timestamp": "2026-03-02T10:00:00Z"}
    assert carrier.read_webhook(json.dumps(body).encode()) == []
    with pytest.raises(UnreadableWebhook, match="not a time"):
        carrier.read_webhook(json.dumps(body | {"waybill": "1", "timestamp": "soon"}).encode())


def test_without_a_webhook_key_no_message_is_believed() -> None:
    with pytest.raises(ForgedWebhook) as forged:
        ClickPost(HttpClient(), ClickPostAccount("u", "k")).verify_webhook({"webhook_key": ""}, b"{}", NOW)
    assert forged.value.data["reason"] == "no webhook key is set"
    ClickPost(HttpClient(), ClickPostAccount("u", "k", "w")).verify_webhook({"Webhook-Key": "w"}, b"{}", NOW)


async def test_what_clickpost_repeats_of_our_keys_is_struck_out(rig: ClickPostRig) -> None:
    rig.revoke()
    with pytest.raises(NotAuthorised) as refused:
        await rig.carrier.buy(wanted())
    assert refused.value.detail.endswith("Invalid Token or API Key [redacted] of [redacted] (301)")
    assert USERNAME not in refused.value.detail


def test_every_documented_code_of_a_way_out_has_its_word(shared: Path) -> None:
    """The exchange codes (30 to 32) are of parcels that come back, and have none."""
    path = shared / "specs" / "clickpost" / "tracking_status_codes.json"
    if not path.is_file():
        pytest.skip(f"no status codes of ClickPost at {path}")
    codes = {str(row["code"]): row["journey"] for row in json.loads(path.read_text())["codes"]}
    assert {code for code, journey in codes.items() if journey != "reverse"} == set(VENDORS["clickpost"])
