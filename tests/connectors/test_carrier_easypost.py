"""EasyPost: what its official samples become, and how purchases survive what goes wrong."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Generator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
import stamina

from comptoir.connectors.easypost import EasyPost, EasyPostAccount, mapping, messages
from comptoir.connectors.easypost.signing import check_signature, signature
from comptoir.kernel.errors import Remedy
from comptoir.kernel.money import Currency, Money
from comptoir.runtime.http import HttpClient
from comptoir.sdk.carriers import (
    CarrierCannot,
    CarrierUnavailable,
    ForgedWebhook,
    Item,
    Label,
    LabelFormat,
    LabelRequest,
    NotAuthorised,
    NotUnderstood,
    OutcomeUnknown,
    Parcel,
    PaymentNeeded,
    PickupRequest,
    PickupState,
    ServiceNotOffered,
    ShipmentRejected,
    VoidState,
    Waybill,
    label_content,
)
from comptoir.sdk.tracking import Scan, TrackingStatus, status_of
from support.carrier_rigs import NOW, REDONDO_BEACH, SIGNING, EasyPostRig, american, easypost_rig
from support.carriers import Call, Reply, Simulator, simulated
from support.easypost_simulator import SERVICES

USD = Currency("USD")
S = TrackingStatus


@pytest.fixture(autouse=True)
def _quick_retries() -> Generator[None]:
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


@pytest.fixture
async def rig() -> AsyncIterator[EasyPostRig]:
    async with easypost_rig() as rig:
        yield rig


@pytest.fixture(scope="session")
def samples(shared: Path) -> Path:
    folder = shared / "specs" / "easypost" / "responses"
    if not folder.is_dir():
        pytest.skip(f"no samples of EasyPost at {folder}")
    return folder


def sample(folder: Path, name: str, kind: type[Any]) -> Any:
    return msgspec.json.decode((folder / f"{name}.json").read_bytes(), type=kind)


def wanted(reference: str = "ORD-1/a", **more: Any) -> LabelRequest:
    return LabelRequest(reference=reference, shipment=american(), service="USPS/GroundAdvantage", **more)


# The official samples


def test_rates_of_the_samples(samples: Path) -> None:
    expected = [("USPS/GroundAdvantage", 820, 3), ("USPS/Priority", 1_101, 2), ("USPS/Express", 5_120, 2)]
    for name, kind in (
        ("shipments-create", messages.Shipment),
        ("rates-regenerate", messages.Rates),
        ("rates-retrieve-stateless", messages.Rates),
    ):
        rates = mapping.our_rates(sample(samples, name, kind).rates)
        assert [(rate.service, rate.cost.minor, rate.days) for rate in rates] == expected, name
        assert {(rate.carrier, rate.cost.currency, rate.guaranteed) for rate in rates} == {("USPS", USD, False)}


def test_a_label_of_the_samples(samples: Path) -> None:
    bought = sample(samples, "shipments-buy", messages.Shipment)
    assert mapping.is_bought(bought)
    assert mapping.label_of(bought) == Label(
        reference="",
        tracking_number="9434600208303109842228",
        shipment_id="shp_40b6f049f00348b18de3804a26f7fd62",
        service="USPS/GroundAdvantage",
        carrier="USPS",
        format=LabelFormat.PNG,
        url=bought.postage_label.label_url,
        cost=Money(820, USD),
        tracking_url="https://track.easypost.com/djE6dHJrX2JlYmU3MzU3Y2M3ZTRlYmM5MjQ4YmRkNzE5MTA4NGFm",
    )
    assert not mapping.is_bought(sample(samples, "shipments-create", messages.Shipment))
    assert mapping.is_bought(sample(samples, "shipments-one-call-buy", messages.Shipment))


def test_a_page_of_shipments_of_the_samples(samples: Path) -> None:
    page = sample(samples, "shipments-list", messages.Shipments)
    assert len(page.shipments) >= 1
    assert isinstance(page.has_more, bool)
    sample(samples, "pagination-get-next-page", messages.Shipments)


def test_a_tracker_of_the_samples(samples: Path) -> None:
    update = mapping.update_of(sample(samples, "trackers-create", messages.Tracker), "evt_1")
    first = Scan(
        status=S.LABEL_CREATED,
        at=datetime(2025, 4, 9, 20, 40, 17, tzinfo=UTC),
        raw_code="pre_transit",
        detail="status_update",
        text="Pre-Shipment Info Sent to USPS",
    )
    second = replace(
        first, at=datetime(2025, 4, 10, 9, 17, 17, tzinfo=UTC), text="Shipping Label Created", place="HOUSTON, TX, 77063"
    )
    assert (update.tracking_number, update.carrier, update.event_id) == ("EZ1000000001", "USPS", "evt_1")
    assert (update.scans, update.latest) == ((first, second), second)
    assert update.estimated_on == date(2025, 5, 9)


def test_pickups_and_refunds_of_the_samples(samples: Path) -> None:
    assert sample(samples, "pickups-create", messages.Pickup).status == "unknown"
    bought = sample(samples, "pickups-buy", messages.Pickup)
    assert (bought.status, bought.confirmation) == ("scheduled", "WTC65095508")
    assert sample(samples, "pickups-cancel", messages.Pickup).status == "canceled"
    (refund,) = json.loads((samples / "refunds-create.json").read_text())
    assert mapping.void_state(refund["status"]) is VoidState.REQUESTED


def test_every_sample_of_a_kind_can_be_read(samples: Path) -> None:
    kinds: dict[str, type[Any]] = {
        "Shipment": messages.Shipment, "Tracker": messages.Tracker, "Pickup": messages.Pickup, "Rate": messages.Rate,
    }  # fmt: skip
    read = 0
    for path in sorted(samples.glob("*.json")):
        found = json.loads(path.read_text())
        for one in found if isinstance(found, list) else [found]:
            kind = kinds.get(one.get("object", "") if isinstance(one, dict) else "")
            if kind is not None:
                msgspec.convert(one, kind)
                read += 1
    assert read >= 12


# What is asked


def test_a_parcel_is_never_lighter_or_smaller_than_it_is() -> None:
    assert mapping.parcel_body(Parcel(weight=1_868, length=513, width=277, height=127)) == {
        "weight": 65.9, "length": 20.2, "width": 11.0, "height": 5.0,
    }  # fmt: skip
    assert mapping.parcel_body(Parcel(weight=1)) == {"weight": 0.1}


def test_customs_count_whole_lines_and_ask_for_a_declaration_when_one_is_needed() -> None:
    abroad = msgspec.structs.replace(REDONDO_BEACH, country="CH", postcode="1201", region="GE")
    request = replace(american(), recipient=abroad)
    body = mapping.shipment_body(request, signer="Camille Roux")["customs_info"]
    assert (body["eel_pfc"], body["customs_signer"]) == ("NOEEI 30.37(a)", "Camille Roux")
    assert body["customs_items"] == [
        {
            "description": "T-shirt", "quantity": 2, "value": 20.0, "currency": "USD", "weight": 10.1,
            "hs_tariff_number": "610910", "origin_country": "US", "code": "TEE",
        }
    ]  # fmt: skip
    dear = Item("Watch", 3, Money(90_000, USD), hs_code="910211")
    with pytest.raises(ShipmentRejected, match="export declaration"):
        mapping.shipment_body(replace(request, items=(dear,)))
    declared = mapping.shipment_body(replace(request, items=(dear,), export_reference="AES X20260302123456"))
    assert declared["customs_info"]["eel_pfc"] == "AES X20260302123456"
    with pytest.raises(ShipmentRejected, match="needs its items"):
        mapping.shipment_body(replace(request, items=()))
    assert "customs_info" not in mapping.shipment_body(american())


def test_what_was_sent_is_recognised_in_what_comes_back() -> None:
    sent = {"a": {"city": "Redondo Beach", "weight": 65.9, "gone": None}, "items": [{"value": 20.0}], "flag": True}
    back = {"a": {"city": "REDONDO BEACH", "weight": "65.90", "id": "adr_1"}, "items": [{"value": "20.0"}], "flag": True}
    assert mapping.same_as_sent(sent, back)
    for name, value in (("a", {"city": "Torrance", "weight": 65.9}), ("items", []), ("flag", False), ("a", None)):
        assert not mapping.same_as_sent(sent, {**back, name: value})


# Buying


async def test_a_purchase_asks_for_its_reference_then_makes_a_shipment_and_buys(rig: EasyPostRig) -> None:
    label = await rig.carrier.buy(wanted(format=LabelFormat.ZPL))
    assert [(call.method, call.path.rpartition("/")[2]) for call in rig.far.calls] == [
        ("GET", "ORD-1%2Fa"), ("POST", "shipments"), ("POST", "buy"),
    ]  # fmt: skip
    assert rig.far.calls[1].json()["shipment"]["options"] == {"label_format": "ZPL"}
    assert (label.format, label.cost, label.carrier) == (LabelFormat.ZPL, Money(820, USD), "USPS")


async def test_after_a_lost_answer_to_the_shipment_the_same_one_is_bought(rig: EasyPostRig) -> None:
    """The shipment is there, begun and not bought: another one could be bought beside it."""
    body = mapping.shipment_body(american(), reference="ORD-1/a", label=LabelFormat.PDF, signer="Camille Roux")
    begun = rig.easypost.create(Call("POST", "/v2/shipments", {}, {}, msgspec.json.encode({"shipment": body}))).body
    label = await rig.carrier.buy(wanted())
    assert label.shipment_id == begun["id"]
    assert [call.path.rpartition("/")[2] for call in rig.far.calls][-2:] == ["rerate", "buy"]


async def test_a_corrected_address_makes_a_new_shipment_and_is_found_by_the_same_reference(rig: EasyPostRig) -> None:
    rig.easypost.buy_error = (422, "SHIPMENT.POSTAGE.FAILURE")
    with pytest.raises(ShipmentRejected) as rejected:
        await rig.carrier.buy(wanted())
    assert (rejected.value.remedy, rejected.value.data["reason"]) == (Remedy.MERCHANT, "SHIPMENT.POSTAGE.FAILURE")
    corrected = replace(american(), recipient=msgspec.structs.replace(REDONDO_BEACH, line1="197 N Harbor Dr"))
    label = await rig.carrier.buy(replace(wanted(), shipment=corrected))
    first, second = rig.easypost.shipments.values()
    assert (first["postage_label"], second["id"]) == (None, label.shipment_id)
    found = await rig.carrier.find_label("ORD-1/a")
    assert found is not None
    assert found.shipment_id == label.shipment_id, "though EasyPost gives the first shipment for this reference"
    assert (await rig.carrier.buy(replace(wanted(), shipment=corrected))).shipment_id == label.shipment_id
    assert rig.bought() == 1


async def test_a_label_is_found_among_many_later_ones(rig: EasyPostRig) -> None:
    rig.easypost.buy_error = (422, "SHIPMENT.POSTAGE.FAILURE")
    with pytest.raises(ShipmentRejected):
        await rig.carrier.buy(wanted())
    corrected = replace(american(), recipient=msgspec.structs.replace(REDONDO_BEACH, line1="197 N Harbor Dr"))
    label = await rig.carrier.buy(replace(wanted(), shipment=corrected))
    rig.easypost.shipments |= {
        f"shp_{n}": {**rig.easypost.shipments[label.shipment_id], "id": f"shp_{n}", "reference": f"O-{n}", "created_at": at}
        for n, at in ((n, (NOW + timedelta(seconds=n)).isoformat().replace("+00:00", "Z")) for n in range(250))
    }
    found = await rig.carrier.find_label("ORD-1/a")
    assert found is not None
    assert found.shipment_id == label.shipment_id
    assert sum(call.path == "/v2/shipments" and call.method == "GET" for call in rig.far.calls) == 4, (
        "one page before, three now"
    )


@pytest.mark.parametrize(
    "code", ["SHIPMENT.POSTAGE.TIMED_OUT", "SHIPMENT.POSTAGE.NO_RESPONSE", "SHIPMENT.PURCHASE.IN_PROGRESS"]
)
async def test_what_easypost_does_not_know_itself_nobody_knows(rig: EasyPostRig, code: str) -> None:
    rig.easypost.buy_error = (422, code)
    with pytest.raises(OutcomeUnknown) as unknown:
        await rig.carrier.buy(wanted())
    assert (unknown.value.data["reference"], unknown.value.remedy) == ("ORD-1/a", Remedy.WAIT)
    assert (await rig.carrier.buy(wanted())).tracking_number
    assert rig.bought() == 1


async def test_postage_that_exists_is_the_label(rig: EasyPostRig) -> None:
    rig.easypost.raced = True
    label = await rig.carrier.buy(wanted())
    assert (label.tracking_number, rig.bought()) == ("940010000000000", 1)


async def test_an_answer_that_nobody_can_read_may_be_a_label(rig: EasyPostRig) -> None:
    rig.easypost.strangely_sold = True
    with pytest.raises(OutcomeUnknown):
        await rig.carrier.buy(wanted())
    found = await rig.carrier.find_label("ORD-1/a")
    assert found is not None
    assert (await rig.carrier.buy(wanted())).tracking_number == found.tracking_number
    assert rig.bought() == 1


async def test_a_service_that_is_not_offered_says_what_is(rig: EasyPostRig) -> None:
    with pytest.raises(ServiceNotOffered) as refused:
        await rig.carrier.buy(replace(wanted(), service="DHL/Express"))
    assert refused.value.data["offered"] == sorted(f"{carrier}/{service}" for carrier, service, _, _ in SERVICES)


async def test_what_easypost_refuses_is_told_in_its_words(rig: EasyPostRig) -> None:
    nowhere = replace(american(), recipient=msgspec.structs.replace(REDONDO_BEACH, postcode=""))
    with pytest.raises(ShipmentRejected, match="Unable to verify address") as rejected:
        await rig.carrier.rates(nowhere)
    assert (rejected.value.data["reason"], rejected.value.remedy) == ("ADDRESS.VERIFY.FAILURE", Remedy.MERCHANT)


async def test_an_empty_account_is_the_retailers_to_fill(rig: EasyPostRig) -> None:
    rig.fail(402)
    with pytest.raises(PaymentNeeded) as needed:
        await rig.carrier.buy(wanted())
    assert isinstance(needed.value, NotAuthorised)
    assert needed.value.remedy is Remedy.MERCHANT


async def test_a_currency_that_does_not_exist_is_no_price(rig: EasyPostRig) -> None:
    rate = messages.Rate("USPS", "Priority", Decimal("1.00"), "QQQ")
    with pytest.raises(NotUnderstood, match="not a currency"):
        mapping.our_rates([rate])


# Giving back, collecting, manifests


@pytest.mark.parametrize(
    ("told", "state", "spent"),
    [
        ("submitted", VoidState.REQUESTED, True),
        ("refunded", VoidState.VOIDED, True),
        ("not_applicable", VoidState.VOIDED, True),
        ("rejected", VoidState.REFUSED, False),
    ],
)
async def test_giving_a_label_back(rig: EasyPostRig, told: str, state: VoidState, spent: bool) -> None:
    rig.easypost.refund_status = told
    label = await rig.carrier.buy(wanted())
    assert (await rig.carrier.void(label)).state is state
    found = await rig.carrier.find_label("ORD-1/a")
    assert found is not None
    assert found.voided is spent


async def pickup_of(rig: EasyPostRig, count: int = 1) -> PickupRequest:
    labels = tuple([await rig.carrier.buy(wanted(f"ORD-{n}")) for n in range(count)])
    return PickupRequest(
        reference="P-1", address=american().sender, labels=labels, from_at=NOW, until_at=NOW + timedelta(hours=3), weight=1_868
    )


async def test_a_pickup_whose_answer_was_lost_is_not_scheduled_twice(rig: EasyPostRig) -> None:
    asked = await pickup_of(rig)
    rig.lose_answer()
    with pytest.raises(OutcomeUnknown) as unknown:
        await rig.carrier.schedule_pickup(asked)
    assert unknown.value.data["reference"] == "P-1"
    pickup = await rig.carrier.schedule_pickup(asked)
    assert (pickup.state, pickup.confirmation, pickup.cost) == (PickupState.SCHEDULED, "WTC00000001", Money(0, USD))
    assert len(rig.easypost.pickups) == 1


async def test_one_driver_for_several_parcels_is_another_call(rig: EasyPostRig) -> None:
    with pytest.raises(CarrierCannot, match="one at a time"):
        await rig.carrier.schedule_pickup(await pickup_of(rig, 2))


async def test_a_parcel_is_on_one_manifest_only(rig: EasyPostRig) -> None:
    label = await rig.carrier.buy(wanted())
    manifest = await rig.carrier.manifest([label])
    assert (manifest.tracking_numbers, manifest.ready) == ((label.tracking_number,), True)
    with pytest.raises(ShipmentRejected, match="another scan form"):
        await rig.carrier.manifest([label])


# Tracking


def tracker(*details: tuple[str, str, int], status: str = "", **more: Any) -> messages.Tracker:
    made = [messages.TrackingDetail(code, NOW + timedelta(hours=hours), detail) for code, detail, hours in details]
    return messages.Tracker(
        "trk_1", "T1", status or (details[-1][0] if details else "unknown"), NOW, tracking_details=made, **more
    )


def test_what_is_delivered_after_it_was_sent_back_is_delivered_to_the_sender() -> None:
    update = mapping.update_of(
        tracker(("failure", "refused", 1), ("return_to_sender", "return", 2), ("in_transit", "", 9), ("delivered", "", 30))
    )
    assert [scan.status for scan in update.scans] == [S.DELIVERY_FAILED, S.RETURNING, S.IN_TRANSIT, S.RETURNED]
    assert status_of(update.scans) is S.RETURNED


def test_the_finer_code_says_when_a_parcel_is_lost_or_damaged() -> None:
    assert status_of(mapping.update_of(tracker(("in_transit", "", 1), ("failure", "lost", 2))).scans) is S.LOST
    assert status_of(mapping.update_of(tracker(("error", "damaged", 2))).scans) is S.DAMAGED
    assert status_of(mapping.update_of(tracker(("in_transit", "lost", 2))).scans) is S.IN_TRANSIT


def test_a_status_that_no_scan_has_is_a_scan_of_its_own() -> None:
    update = mapping.update_of(tracker(("in_transit", "", 5), status="cancelled"))
    assert [(scan.status, scan.at) for scan in update.scans][-1] == (S.CANCELLED, NOW + timedelta(hours=5))
    assert mapping.update_of(tracker(status="pre_transit")).scans[0].status is S.LABEL_CREATED
    assert mapping.update_of(tracker(status="unknown")).scans == ()
    assert mapping.update_of(tracker(status="beamed_up")).scans[0].raw_code == "beamed_up"


def test_the_carriers_own_day_is_the_local_one() -> None:
    late = datetime(2026, 3, 5, 2, 0, tzinfo=UTC)
    local = messages.CarrierDetail("2026-03-04")
    assert mapping.update_of(tracker(est_delivery_date=late, carrier_detail=local)).estimated_on == date(2026, 3, 4)
    assert mapping.update_of(tracker(est_delivery_date=late)).estimated_on == date(2026, 3, 5)


async def test_an_outage_while_tracking_is_an_outage_and_no_unknown_parcel(rig: EasyPostRig) -> None:
    rig.fail(503)
    with pytest.raises(CarrierUnavailable):
        await rig.carrier.track([Waybill("T1")])


# Webhooks


def test_the_secret_is_signed_with_in_its_normal_form() -> None:
    made = signature(b"{}", SIGNING)
    assert made == signature(b"{}", "fin-d\u2019anne\u0301e-\u30ef"), "letters that look the same sign the same"
    assert made != signature(b"{}", "fin-d'annee-wa")


async def test_messages_are_accepted_with_the_first_signature_alone(rig: EasyPostRig) -> None:
    label = await rig.carrier.buy(wanted())
    headers, body = rig.webhook(label.tracking_number)
    old = {"X-Hmac-Signature": headers["X-Hmac-Signature"]}
    rig.carrier.verify_webhook(old, body, NOW + timedelta(days=400))
    new = {name: value for name, value in headers.items() if name != "X-Hmac-Signature"}
    rig.carrier.verify_webhook(new, body, NOW)


@pytest.mark.parametrize(
    "changed",
    [
        {"X-Timestamp": "Mon, 02 Mar 2026 10:00:01 +0000"},
        {"X-Path": "/hooks/other"},
        {"X-Hmac-Signature-V2": "hmac-sha256-hex=00"},
        {"X-Hmac-Signature": "hmac-sha256-hex=00"},
    ],
)
async def test_both_signatures_have_to_fit(rig: EasyPostRig, changed: dict[str, str]) -> None:
    label = await rig.carrier.buy(wanted())
    headers, body = rig.webhook(label.tracking_number)
    with pytest.raises(ForgedWebhook) as forged:
        rig.carrier.verify_webhook(headers | changed, body, NOW)
    assert forged.value.data["reason"] == "the signature does not fit"


@pytest.mark.parametrize("late", [timedelta(minutes=6), timedelta(minutes=-6), timedelta(days=1)])
async def test_an_old_message_with_the_second_signature_is_refused(rig: EasyPostRig, late: timedelta) -> None:
    label = await rig.carrier.buy(wanted())
    headers, body = rig.webhook(label.tracking_number)
    with pytest.raises(ForgedWebhook) as forged:
        rig.carrier.verify_webhook(headers, body, NOW + late)
    assert forged.value.data["reason"] == "the message is old"


def test_a_signed_time_that_is_none_is_refused() -> None:
    headers = {"x-timestamp": "yesterday", "x-path": "/", "x-hmac-signature-v2": signature(b"yesterdayPOST/{}", "s")}
    with pytest.raises(ForgedWebhook) as forged:
        check_signature(headers, b"{}", "s", NOW)
    assert forged.value.data["reason"] == "the time is none"
    stamp = "Mon, 02 Mar 2026 10:00:00 -0000"
    headers = {"x-timestamp": stamp, "x-path": "/", "x-hmac-signature-v2": signature(f"{stamp}POST/{{}}".encode(), "s")}
    check_signature(headers, b"{}", "s", NOW)


async def test_without_a_secret_no_message_is_believed() -> None:
    async with HttpClient() as http:
        carrier = EasyPost(http, EasyPostAccount("EZTK-1"))
        with pytest.raises(ForgedWebhook):
            carrier.verify_webhook({"X-Hmac-Signature": signature(b"{}", "")}, b"{}", NOW)


def test_events_about_something_else_are_about_no_parcel() -> None:
    carrier = EasyPost(HttpClient(), EasyPostAccount("EZTK-1"))
    assert carrier.read_webhook(b'{"id": "evt_1", "description": "refund.successful", "result": {"id": "rfnd_1"}}') == []


# The document


class Files(Simulator):
    routes = {("GET", "/label.zpl"): "label", ("GET", "/empty.pdf"): "empty", ("GET", "/moved.zpl"): "moved"}  # noqa: RUF012

    def refused(self, call: Call) -> Reply | None:
        assert "authorization" not in call.headers, "a label's address needs no key"
        return None

    def label(self, call: Call) -> Reply:
        return Reply(200, b"^XA^XZ")

    def empty(self, call: Call) -> Reply:
        return Reply(200, b"")

    def moved(self, call: Call) -> Reply:
        return Reply(302, b"", {"location": "/label.zpl"})


async def test_the_document_of_a_label_is_fetched_without_a_key() -> None:
    async with HttpClient(allow_private=True) as http, simulated(Files()) as files:
        label = Label(reference="r", tracking_number="t", shipment_id="s", service="a/b", url=f"{files.url}/label.zpl")
        assert await label_content(http, label) == b"^XA^XZ"
        assert await label_content(http, replace(label, url=f"{files.url}/moved.zpl")) == b"^XA^XZ"
        assert await label_content(http, replace(label, content=b"%PDF", url="")) == b"%PDF"
        for path in ("/empty.pdf", "/gone.pdf"):
            with pytest.raises(NotUnderstood, match="not there"):
                await label_content(http, replace(label, url=f"{files.url}{path}"))
        with pytest.raises(NotUnderstood, match="no document"):
            await label_content(http, replace(label, url=""))
