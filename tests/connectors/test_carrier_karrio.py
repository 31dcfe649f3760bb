"""Karrio: what is asked of it, what its answers become, and how purchases survive what goes wrong."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Generator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
import stamina
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from comptoir.connectors.karrio import Karrio, KarrioAccount, connections_of, mapping, messages, root_of, trackers
from comptoir.connectors.karrio.server import ServerProblem, problem_of, same_origin
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
    PickupRequest,
    PickupState,
    RateRequest,
    ServiceNotOffered,
    ShipmentRejected,
    VoidState,
    Waybill,
)
from comptoir.sdk.tracking import VENDORS, TrackingStatus, scan_key, status_of
from support.carrier_rigs import NOW
from support.carriers import Call, Reply, Simulator, simulated
from support.karrio_rig import API_KEY, MONCTON, SECRET, SERVICE, KarrioRig, canadian, karrio_rig
from support.karrio_simulator import LABEL, MANIFEST

CAD = Currency("CAD")
S = TrackingStatus


@pytest.fixture(autouse=True)
def _quick_retries() -> Generator[None]:
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


@pytest.fixture(params=[True, False], ids=["today", "older"])
async def either(request: pytest.FixtureRequest) -> AsyncIterator[KarrioRig]:
    async with karrio_rig(modern=request.param) as rig:
        yield rig


@pytest.fixture
async def rig() -> AsyncIterator[KarrioRig]:
    async with karrio_rig() as rig:
        yield rig


def wanted(reference: str = "CMP-1", **more: Any) -> LabelRequest:
    return LabelRequest(reference=reference, shipment=canadian(), service=SERVICE, **more)


def refusal(status: int, code: str, message: str) -> Reply:
    return Reply(status, {"messages": [{"code": code, "message": message, "carrier_name": "canadapost", "details": {}}]})


# The address of the server


@pytest.mark.parametrize(
    ("address", "private", "problem"),
    [
        ("https://karrio.example.com", False, None),
        ("https://ship.example.com:8443/karrio/", False, None),
        ("http://karrio.example.com", False, ServerProblem.OPEN),
        ("http://karrio.example.com", True, ServerProblem.OPEN),
        ("http://localhost:5002", True, None),
        ("http://karrio:5002", True, None),
        ("http://10.0.0.7:5002", True, None),
        ("http://[::1]:5002", True, None),
        ("https://karrio.internal", True, None),
        ("http://localhost:5002", False, ServerProblem.PRIVATE),
        ("https://169.254.169.254", False, ServerProblem.PRIVATE),
        ("https://127.0.0.1", False, ServerProblem.PRIVATE),
        ("https://karrio", False, ServerProblem.PRIVATE),
        ("https://me:pw@karrio.example.com", False, ServerProblem.CREDENTIALS),
        ("https://karrio.example.com?x=1", False, ServerProblem.NO_ADDRESS),
        ("https://karrio.example.com/#x", True, ServerProblem.NO_ADDRESS),
        ("ftp://karrio.example.com", True, ServerProblem.NO_ADDRESS),
        ("karrio.example.com", True, ServerProblem.NO_ADDRESS),
        ("https://", True, ServerProblem.NO_ADDRESS),
        ("https://kar rio.example.com", True, ServerProblem.NO_ADDRESS),
        ("https://karrio.example.com:port", True, ServerProblem.NO_ADDRESS),
        ("https://[::1", True, ServerProblem.NO_ADDRESS),
    ],
)
def test_a_server_is_called_with_tls_or_beside_us(address: str, private: bool, problem: ServerProblem | None) -> None:
    assert problem_of(address, allow_private=private) is problem


def test_where_the_api_begins_whatever_was_typed() -> None:
    for typed in ("https://k.example.com", " https://k.example.com/ ", "https://k.example.com/v1", "https://k.example.com/v1/"):
        assert root_of(typed) == "https://k.example.com"
    assert root_of("https://k.example.com/karrio/v1") == "https://k.example.com/karrio"
    assert same_origin("https://k.example.com/a", "https://k.example.com:443/b")
    assert not same_origin("https://k.example.com/a", "http://k.example.com/a")
    assert not same_origin("https://k.example.com.evil.example/a", "https://k.example.com")


async def test_a_server_in_a_private_network_says_how_it_may_be_called() -> None:
    async with HttpClient() as http:
        carrier = Karrio(http, KarrioAccount("http://127.0.0.1:5002", API_KEY))
        with pytest.raises(NotAuthorised, match="COMPTOIR_ALLOW_PRIVATE_HOSTS=yes") as refused:
            await carrier.find_label("CMP-1")
    assert refused.value.remedy is Remedy.MERCHANT


class Elsewhere(Simulator):
    """Something else than Karrio: its dashboard, or the page of a proxy."""

    routes = {("GET", "/v1/shipments"): "page"}  # noqa: RUF012

    def refused(self, call: Call) -> Reply | None:
        return None

    def page(self, call: Call) -> Reply:
        return Reply(404, b"<!doctype html><title>404</title>")


async def test_an_address_where_no_karrio_answers_says_so() -> None:
    async with HttpClient(allow_private=True) as http, simulated(Elsewhere()) as far:
        with pytest.raises(NotUnderstood, match="no Karrio answers at this address"):
            await Karrio(http, KarrioAccount(far.url, API_KEY)).find_label("CMP-1")


# What is asked


def test_a_rate_request_weighs_in_kilograms_and_measures_in_centimetres() -> None:
    body = mapping.rates_body(canadian(), connections=("canadapost-main",))
    assert body["parcels"] == [
        {"weight": 1.868, "weight_unit": "KG", "length": 51.3, "width": 27.7, "height": 12.7, "dimension_unit": "CM"}
    ]
    assert body["recipient"] == {
        "person_name": "Jane Doe", "address_line1": "125 Church St", "city": "Moncton", "state_code": "NB",
        "postal_code": "E1C4Z8", "country_code": "CA", "phone_number": "514 000 0000",
    }  # fmt: skip
    assert (body["options"], body["carrier_ids"]) == ({"shipping_date": "2026-03-02T10:00"}, ["canadapost-main"])
    assert "carrier_ids" not in mapping.rates_body(canadian())


@given(weight=st.integers(1, 1_000_000), sides=st.tuples(*[st.integers(0, 5_000)] * 3))
def test_a_parcel_keeps_its_weight_to_the_gram_and_all_of_its_sides_or_none(weight: int, sides: tuple[int, int, int]) -> None:
    body = mapping.parcel_body(Parcel(weight, *sides))
    assert round(Decimal(str(body["weight"])) * 1000) == weight
    told = [round(Decimal(str(body[name])) * 10) for name in ("length", "width", "height") if name in body]
    assert told == (list(sides) if all(sides) else [])
    assert ("dimension_unit" in body) == bool(told)


def test_customs_are_of_one_unit_and_need_something_to_declare() -> None:
    abroad = replace(canadian(), recipient=msgspec.structs.replace(MONCTON, country="CH", postcode="1201", region="GE"))
    body = mapping.shipment_body(replace(wanted(), shipment=replace(abroad, invoice_number="INV-7", export_reference="AES X1")))
    customs = body["customs"]
    assert customs["commodities"] == [
        {
            "title": "T-shirt", "description": "T-shirt", "quantity": 2, "weight": 0.142, "weight_unit": "KG",
            "value_amount": 10.0,
            "value_currency": "CAD", "sku": "TEE", "hs_code": "610910", "origin_country": "CA",
        }
    ]  # fmt: skip
    assert customs["duty"] == {"paid_by": "recipient", "currency": "CAD", "declared_value": 20.0}
    assert (customs["signer"], customs["invoice"], customs["options"]) == ("Comptoir", "INV-7", {"aes": "AES X1"})
    with pytest.raises(ShipmentRejected, match="needs its items"):
        mapping.shipment_body(replace(wanted(), shipment=replace(abroad, items=())))
    assert "customs" not in mapping.shipment_body(wanted())
    mixed = replace(abroad, items=(*abroad.items, Item("Cap", 1, Money(500, Currency("USD")))))
    assert "duty" not in mapping.shipment_body(replace(wanted(), shipment=mixed))["customs"], "two currencies are no sum"


def test_what_is_asked_for_has_a_mark_that_changes_with_it() -> None:
    mark = mapping.shipment_body(wanted())["metadata"][mapping.CONTENTS]
    assert mapping.shipment_body(wanted())["metadata"][mapping.CONTENTS] == mark
    corrected = replace(canadian(), recipient=msgspec.structs.replace(MONCTON, line1="127 Church St"))
    for other in (
        replace(wanted(), shipment=corrected),
        wanted(format=LabelFormat.ZPL),
        replace(wanted(), service="ups/ups_ground"),
    ):
        assert mapping.shipment_body(other)["metadata"][mapping.CONTENTS] != mark


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_service_names_its_carrier(carrier: str, code: str) -> None:
    carrier = carrier.replace("/", "")
    name = mapping.service_name(carrier, code)
    assert mapping.carrier_of(name) == carrier
    assert mapping.service_code(name) in {code, name}
    assert mapping.carrier_of(carrier) == "", "what has no code is of nobody"


def test_connections_are_typed_with_commas() -> None:
    assert connections_of(" ups-main, dhl ,, ups-main ") == ("ups-main", "dhl")
    assert connections_of("") == ()


# Rates


async def test_rates_are_those_of_all_carriers_also_when_some_of_them_complain(rig: KarrioRig) -> None:
    rates = await rig.carrier.rates(canadian())
    assert [(one.carrier, one.service, one.cost.minor, one.days) for one in rates] == [
        ("canadapost", "canadapost/canadapost_regular_parcel", 1_840, 6),
        ("dhl_express", "dhl_express/dhl_express_worldwide", 6_405, 1),
        ("canadapost", "canadapost/canadapost_priority", 10_671, 2),
    ]
    assert {one.name for one in rates} >= {"CANADAPOST PRIORITY"}


def test_a_rate_without_a_price_or_a_service_is_none_and_of_two_connections_the_cheaper_counts() -> None:
    def rate(**more: Any) -> messages.Rate:
        values: dict[str, Any] = {"service": "s", "id": "rat_1", "total_charge": Decimal("9.99"), "currency": "EUR", **more}
        return messages.Rate("ups", **values)

    odd = [
        rate(currency=None),
        rate(currency="QQQ"),
        rate(total_charge=None),
        rate(service=None),
        rate(total_charge=Decimal(-1)),
    ]
    assert mapping.our_rates(odd) == []
    dear, cheap = rate(total_charge=Decimal("12.005")), rate(id="rat_2", estimated_delivery="2026-03-05 17:00", transit_days=-1)
    (ours,) = mapping.our_rates([dear, cheap])
    assert (ours.cost, ours.deliver_on, ours.days) == (Money(999, Currency("EUR")), date(2026, 3, 5), 0)
    (rounded,) = mapping.our_rates([dear])
    assert rounded.cost.minor == 1_200, "half to even"
    request = LabelRequest(reference="r", shipment=canadian(), service="ups/s")
    assert mapping.chosen_rate(messages.Shipment("shp_1", rates=[dear, cheap]), request) == "rat_2"


async def test_what_carriers_complain_of_is_told_with_the_field_that_it_is_about(rig: KarrioRig) -> None:
    nowhere = replace(canadian(), recipient=msgspec.structs.replace(MONCTON, postcode=""))
    with pytest.raises(ShipmentRejected, match="canadapost: Destination postal code is not valid") as rejected:
        await rig.carrier.rates(nowhere)
    assert (rejected.value.data["reason"], rejected.value.data["field"]) == ("1109", "recipient.postcode")
    with pytest.raises(ShipmentRejected, match="recipient country code: This field is required") as rejected:
        await rig.carrier.rates(replace(canadian(), recipient=msgspec.structs.replace(MONCTON, country="")))
    assert rejected.value.data["field"] in {"recipient.country", "items"}


async def test_a_karrio_without_carriers_says_what_to_do(rig: KarrioRig) -> None:
    rig.far.no_connection = True
    with pytest.raises(ShipmentRejected, match="add a connection to a carrier in Karrio's dashboard") as rejected:
        await rig.carrier.rates(canadian())
    assert rejected.value.remedy is Remedy.MERCHANT


async def test_money_at_the_door_and_dangerous_goods_are_not_asked_for_where_nobody_would_know(rig: KarrioRig) -> None:
    for request in (replace(canadian(), collect=Money(1_000, CAD)), replace(canadian(), dangerous=True)):
        with pytest.raises(CarrierCannot, match="without a word"):
            await rig.carrier.rates(request)
    assert rig.far.calls == []


# Buying


async def test_a_purchase_looks_first_begins_a_draft_notes_it_and_buys(rig: KarrioRig) -> None:
    label = await rig.carrier.buy(wanted(format=LabelFormat.ZPL))
    assert [(call.method, call.path.rpartition("/")[2]) for call in rig.far.calls if "shp_" not in call.path] == [
        ("GET", "shipments"), ("POST", "shipments"),
    ]  # fmt: skip
    assert [call.method for call in rig.far.calls] == ["GET", "POST", "PUT", "POST"]
    begun = rig.far.calls[1].json()
    assert (begun["reference"], begun["services"], begun["label_type"]) == ("CMP-1", ["canadapost_priority"], "ZPL")
    assert rig.far.calls[3].json()["label_type"] == "ZPL", "a note on a draft makes its label a PDF again"
    number = label.tracking_number
    assert label == Label(
        reference="CMP-1",
        tracking_number=number,
        shipment_id=label.shipment_id,
        service=SERVICE,
        carrier="canadapost",
        format=LabelFormat.ZPL,
        url=f"{rig.far.url}/v1/shipments/{label.shipment_id}/label.zpl",
        content=LABEL,
        cost=Money(10_671, CAD),
        tracking_url=f"https://track.example.com/{number}",
    )


async def test_the_paper_comes_along_or_is_fetched_and_is_found_again(either: KarrioRig) -> None:
    label = await either.carrier.buy(wanted())
    assert (label.content, label.format) == (LABEL, LabelFormat.PDF)
    found = await either.carrier.find_label("CMP-1")
    assert found is not None
    assert (found.content, found.tracking_number) == (LABEL, label.tracking_number)


async def test_a_label_whose_paper_does_not_come_is_bought_and_looked_for_again() -> None:
    async with karrio_rig(modern=False) as rig:
        rig.far.papers_away = True
        with pytest.raises(OutcomeUnknown) as unknown:
            await rig.carrier.buy(wanted())
        assert unknown.value.data["reference"] == "CMP-1"
        with pytest.raises(CarrierUnavailable):
            await rig.carrier.find_label("CMP-1")
        rig.far.papers_away = False
        assert (await rig.carrier.buy(wanted())).content == LABEL
        assert rig.bought() == 1


async def test_a_longer_reference_is_another_one(rig: KarrioRig) -> None:
    other = await rig.carrier.buy(wanted("CMP-10"))
    assert await rig.carrier.find_label("CMP-1") is None
    label = await rig.carrier.buy(wanted("CMP-1"))
    assert label.tracking_number != other.tracking_number
    assert rig.bought() == 2


async def test_a_label_is_found_beyond_the_first_page(rig: KarrioRig) -> None:
    label = await rig.carrier.buy(wanted())
    one = rig.far.shipments[label.shipment_id]
    for n in range(250):
        later = f"2026-04-01 08:{n // 60:02d}:{n % 60:02d}+00:00"
        rig.far.shipments[f"shp_{n}"] = {**one, "id": f"shp_{n}", "reference": f"CMP-1/{n}", "created_at": later}
    found = await rig.carrier.find_label("CMP-1")
    assert found is not None
    assert found.shipment_id == label.shipment_id


async def test_after_a_lost_answer_to_the_draft_the_same_one_is_bought(rig: KarrioRig) -> None:
    begun = rig.far.create(Call("POST", "/v1/shipments", {}, {}, msgspec.json.encode(mapping.shipment_body(wanted())))).body
    label = await rig.carrier.buy(wanted())
    assert label.shipment_id == begun["id"]
    assert len(rig.far.shipments) == 1
    assert any(call.path.endswith("/rates") and "shp_" in call.path for call in rig.far.calls), "prices of today"


async def test_a_corrected_address_makes_a_new_draft_and_is_found_by_the_same_reference(rig: KarrioRig) -> None:
    rig.far.purchase_refusal = refusal(424, "7304", "The recipient's address is not valid")
    with pytest.raises(ShipmentRejected) as rejected:
        await rig.carrier.buy(wanted())
    assert (rejected.value.remedy, rejected.value.data["field"]) == (Remedy.MERCHANT, "recipient.line1")
    corrected = replace(canadian(), recipient=msgspec.structs.replace(MONCTON, line1="127 Church St"))
    label = await rig.carrier.buy(replace(wanted(), shipment=corrected))
    first, second = rig.far.shipments.values()
    assert (first["tracking_number"], second["id"]) == (None, label.shipment_id)
    assert rig.bought() == 1


async def test_while_karrio_may_still_be_buying_nobody_buys_or_says_that_there_is_none(rig: KarrioRig) -> None:
    """The purchase went out, and no answer came: the worker of Karrio died with it, which nobody can know."""
    rig.far.drops_a_purchase = True
    with pytest.raises(OutcomeUnknown):
        await rig.carrier.buy(wanted())
    rig.later = timedelta(seconds=60)
    for call in (lambda: rig.carrier.buy(wanted()), lambda: rig.carrier.find_label("CMP-1")):
        with pytest.raises(OutcomeUnknown, match="may still be buying") as unknown:
            await call()
        assert unknown.value.retry_after == pytest.approx(120.0)
    corrected = replace(canadian(), recipient=msgspec.structs.replace(MONCTON, line1="127 Church St"))
    with pytest.raises(OutcomeUnknown):
        await rig.carrier.buy(replace(wanted(), shipment=corrected))
    rig.later = mapping.SETTLES_IN
    assert await rig.carrier.find_label("CMP-1") is None
    assert (await rig.carrier.buy(wanted())).tracking_number
    assert (rig.bought(), len(rig.far.shipments)) == (1, 1)


Step = tuple[str, int]
"""What happens: a purchase that goes wrong in some way, with how many minutes pass after it."""

TROUBLES = ("fine", "unanswered", "answered 500", "dropped", "slow", "refused", "lost by Karrio", "corrected", "looked for")


async def _live_through(steps: list[Step]) -> None:
    """Whatever happens, one label at most; and when all is well again, exactly one."""
    async with karrio_rig() as rig:
        corrected = replace(canadian(), recipient=msgspec.structs.replace(MONCTON, line1="127 Church St"))
        asked = timedelta(0)
        for trouble, minutes in [*steps, ("fine", 5), ("fine", 0)]:
            rig.far.purchase_refusal = {
                "refused": refusal(424, "7304", "no"), "lost by Karrio": refusal(424, mapping.INTERNAL, "timed out"),
            }.get(trouble)  # fmt: skip
            rig.far.drops_a_purchase, rig.far.slow_with_a_purchase = trouble == "dropped", trouble == "slow"
            if trouble in {"unanswered", "answered 500"}:
                rig.lose_answer(500 if trouble == "answered 500" else None)
            shipment = corrected if trouble == "corrected" else canadian()
            with contextlib.suppress(OutcomeUnknown, ShipmentRejected):
                if trouble == "looked for":
                    await rig.carrier.find_label("CMP-1")
                else:
                    await rig.carrier.buy(replace(wanted(), shipment=shipment))
            rig.recover()
            rig.later += timedelta(minutes=minutes)
            asked = asked + timedelta(minutes=minutes) if rig.far.waiting else timedelta(0)
            if asked > timedelta(minutes=1):  # a carrier answers before Karrio is given up on
                rig.far.catch_up()
            assert rig.bought() <= 1, steps
        rig.far.catch_up()
        assert rig.bought() == 1
        assert (await rig.carrier.buy(wanted())).tracking_number
        assert rig.bought() == 1


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(TROUBLES), st.integers(0, 4)), max_size=6))
def test_whatever_goes_wrong_and_whenever_it_is_tried_again_one_label_is_bought(steps: list[Step]) -> None:
    asyncio.run(_live_through(steps))


async def test_an_answer_that_karrio_lost_itself_may_be_a_label(rig: KarrioRig) -> None:
    for lost in (refusal(424, mapping.INTERNAL, "The read operation timed out"), refusal(424, "503", "Service Unavailable")):
        rig.far.purchase_refusal = lost
        with pytest.raises(OutcomeUnknown, match="look in the carrier's own account") as unknown:
            await rig.carrier.buy(wanted(f"CMP-{lost.body['messages'][0]['code']}"))
        assert unknown.value.remedy is Remedy.WAIT
    rig.far.purchase_refusal = Reply(424, {"messages": []})
    with pytest.raises(OutcomeUnknown):
        await rig.carrier.buy(wanted("CMP-7"))
    assert rig.bought() == 0


async def test_a_no_takes_the_note_back_so_that_the_next_attempt_need_not_wait(rig: KarrioRig) -> None:
    rig.far.purchase_refusal = refusal(424, "1024", "The account is not authorised for this service")
    with pytest.raises(ShipmentRejected):
        await rig.carrier.buy(wanted())
    (draft,) = rig.far.shipments.values()
    assert not draft["metadata"][mapping.ASKED_AT]
    assert (await rig.carrier.buy(wanted())).shipment_id == draft["id"]


async def test_what_somebody_else_has_bought_meanwhile_is_the_label(rig: KarrioRig, monkeypatch: pytest.MonkeyPatch) -> None:
    await rig.carrier.buy(wanted("CMP-2"))
    (sold,) = rig.far.shipments.values()
    rig.far.shipments["shp_x"] = {**sold, "id": "shp_x", "reference": "CMP-1", "status": "draft", "tracking_number": None}
    body = mapping.shipment_body(wanted())
    rig.far.shipments["shp_x"]["metadata"] = body["metadata"]
    original = rig.far.purchase

    def raced(call: Call, name: str) -> Reply:
        original(call, name)
        return original(call, name)

    monkeypatch.setattr(rig.far, "purchase", raced)
    label = await rig.carrier.buy(wanted())
    assert (label.shipment_id, label.content, rig.bought()) == ("shp_x", LABEL, 2)


async def test_a_service_that_is_not_offered_says_what_is(rig: KarrioRig) -> None:
    with pytest.raises(ServiceNotOffered) as refused:
        await rig.carrier.buy(replace(wanted(), service="ups/canadapost_priority"))
    assert refused.value.data["offered"] == [SERVICE]
    assert rig.bought() == 0


async def test_only_the_connections_of_the_account_are_asked(rig: KarrioRig) -> None:
    async with HttpClient(allow_private=True) as http:
        account = KarrioAccount(f"{rig.far.url}/v1/", API_KEY, connections=("canadapost-main",))
        await Karrio(http, account).buy(wanted())
    assert rig.far.calls[1].json()["carrier_ids"] == ["canadapost-main"]


# Returns


def back() -> RateRequest:
    return replace(canadian(), sender=MONCTON, recipient=canadian().sender, is_return=True)


async def test_of_a_return_karrio_is_told_the_way_to_the_buyer_and_switches_it(rig: KarrioRig) -> None:
    await rig.carrier.rates(back())
    label = await rig.carrier.buy(replace(wanted(), shipment=back()))
    for asked in (rig.far.calls[0].json(), rig.far.calls[2].json()):
        assert (asked["shipper"]["city"], asked["recipient"]["city"]) == ("Vancouver", "Moncton")
    assert rig.far.calls[2].json()["is_return"] is True
    assert label.content == LABEL
    abroad = replace(back(), sender=msgspec.structs.replace(MONCTON, country="CH", postcode="1201"))
    assert mapping.shipment_body(replace(wanted(), shipment=abroad))["customs"]["content_type"] == "return_merchandise"


async def test_a_server_that_knows_no_returns_sells_no_label_to_the_buyer_instead() -> None:
    async with karrio_rig(modern=False) as rig:
        with pytest.raises(CarrierCannot, match="older than its returns"):
            await rig.carrier.buy(replace(wanted(), shipment=back()))
        assert rig.bought() == 0


# Giving back


async def test_a_label_of_a_parcel_that_is_on_its_way_is_not_taken_back(either: KarrioRig) -> None:
    label = await either.carrier.buy(wanted())
    either.far.shipments[label.shipment_id]["status"] = "in_transit"
    void = await either.carrier.void(label)
    assert (void.state, void.text) == (VoidState.REFUSED, "The shipment is 'in_transit' and can not be cancelled anymore...")


async def test_a_carrier_that_does_not_take_a_label_back_says_why_and_one_that_is_silent_is_waited_for(rig: KarrioRig) -> None:
    label = await rig.carrier.buy(wanted())
    rig.far.cancel_refusal = refusal(424, "9122", "The label has been manifested")
    void = await rig.carrier.void(label)
    assert (void.state, void.text) == (VoidState.REFUSED, "canadapost: The label has been manifested")
    rig.far.cancel_refusal = refusal(424, mapping.INTERNAL, "timed out")
    with pytest.raises(CarrierUnavailable):
        await rig.carrier.void(label)
    rig.far.cancel_refusal = None
    assert (await rig.carrier.void(label)).state is VoidState.VOIDED


# Drivers and manifests


async def pickup_of(rig: KarrioRig, *services: str) -> PickupRequest:
    labels = tuple([await rig.carrier.buy(replace(wanted(f"CMP-{n}"), service=one)) for n, one in enumerate(services)])
    begin = datetime(2026, 3, 3, 9, 30, tzinfo=ZoneInfo("America/Vancouver"))
    return PickupRequest(
        reference="P-1",
        address=canadian().sender,
        labels=labels,
        from_at=begin,
        until_at=begin + timedelta(hours=5),
        weight=1_868,
    )


async def test_a_driver_comes_at_the_hours_of_the_place_for_several_parcels_of_one_carrier(rig: KarrioRig) -> None:
    asked = await pickup_of(rig, SERVICE, "canadapost/canadapost_regular_parcel")
    pickup = await rig.carrier.schedule_pickup(asked)
    assert (pickup.confirmation, pickup.cost, pickup.state) == ("27241", Money(350, CAD), PickupState.SCHEDULED)
    (call,) = [call for call in rig.far.calls if call.path.endswith("/schedule")]
    body = call.json()
    assert call.path == "/v1/pickups/canadapost/schedule"
    assert (body["pickup_date"], body["ready_time"], body["closing_time"]) == ("2026-03-03", "09:30", "14:30")
    assert body["tracking_numbers"] == [label.tracking_number for label in asked.labels]


async def test_a_driver_of_whom_no_answer_came_is_not_called_twice(either: KarrioRig) -> None:
    asked = await pickup_of(either, SERVICE)
    either.lose_answer()
    with pytest.raises(OutcomeUnknown) as unknown:
        await either.carrier.schedule_pickup(asked)
    assert unknown.value.data["reference"] == "P-1"
    pickup = await either.carrier.schedule_pickup(asked)
    assert len(either.far.pickups) == 1
    for _ in range(2):
        assert (await either.carrier.cancel_pickup(pickup)).state is PickupState.CANCELLED
    assert (await either.carrier.schedule_pickup(asked)).id != pickup.id, "who was sent away comes when called again"


async def test_one_driver_for_two_carriers_is_two_calls(rig: KarrioRig) -> None:
    asked = await pickup_of(rig, SERVICE, "dhl_express/dhl_express_worldwide")
    with pytest.raises(CarrierCannot, match="once for each carrier"):
        await rig.carrier.schedule_pickup(asked)
    with pytest.raises(CarrierCannot, match="once for each carrier"):
        await rig.carrier.manifest(asked.labels)


async def test_a_parcel_that_karrio_does_not_know_is_not_collected(rig: KarrioRig) -> None:
    stranger = Label(reference="r", tracking_number="NOBODYS", shipment_id="s", service=SERVICE)
    asked = replace(await pickup_of(rig, SERVICE), labels=(stranger,))
    with pytest.raises(ShipmentRejected, match="tracking numbers: Shipment with the tracking numbers not found"):
        await rig.carrier.schedule_pickup(asked)


async def test_a_manifest_brings_its_paper_and_begins_where_its_parcels_do(either: KarrioRig) -> None:
    label = await either.carrier.buy(wanted())
    manifest = await either.carrier.manifest([label])
    assert (manifest.content, manifest.ready, manifest.tracking_numbers) == (MANIFEST, True, (label.tracking_number,))
    (made,) = either.far.manifests.values()
    assert made["address"]["address_line1"] == "5840 Oak St"
    assert not {"id", "validation", "meta", "object_type"} & made["address"].keys()
    with pytest.raises(ShipmentRejected, match="invalid or not found"):
        await either.carrier.manifest([label])


# Tracking


def tracker(*events: messages.TrackingEvent, status: str = "in_transit", **more: Any) -> messages.Tracker:
    return messages.Tracker("T1", "canadapost", status, events=list(events), **more)


def event(status: str | None, at: str = "2026-03-02T10:00:00.000Z", **more: Any) -> messages.TrackingEvent:
    return messages.TrackingEvent(timestamp=at, status=status, code="0170", **more)


@pytest.mark.parametrize(("code", "status"), sorted(VENDORS["karrio"].items()))
def test_each_of_karrios_words_is_one_of_ours(code: str, status: TrackingStatus) -> None:
    (scan,) = trackers.update_of(tracker(event(code), status=code)).scans
    assert (scan.status, scan.raw_code, scan.detail) == (status, code, "0170")


def test_what_karrio_writes_itself_is_that_the_label_is_there() -> None:
    own = messages.TrackingEvent(
        date="2026-03-02", time="08:00", code="CREATED", description="Label created and ready for shipment"
    )
    update = trackers.update_of(tracker(own, status="pending", estimated_delivery="2026-03-05"))
    assert [(scan.status, scan.at) for scan in update.scans] == [(S.LABEL_CREATED, datetime(2026, 3, 2, 8, tzinfo=UTC))]
    assert (update.estimated_on, update.carrier) == (date(2026, 3, 5), "canadapost")


def test_why_a_parcel_could_not_be_handed_over_says_when_it_is_lost_or_damaged() -> None:
    for reason, status in (
        ("carrier_parcel_lost", S.LOST),
        ("carrier_damaged_parcel", S.DAMAGED),
        ("consignee_refused", S.DELIVERY_FAILED),
    ):
        (scan,) = trackers.update_of(tracker(event("delivery_failed", reason=reason), status="delivery_failed")).scans
        assert (scan.status, scan.detail) == (status, reason)
    (scan,) = trackers.update_of(tracker(event("in_transit", reason="carrier_parcel_lost"))).scans
    assert scan.status is S.IN_TRANSIT


def test_what_is_delivered_after_it_was_sent_back_is_delivered_to_the_sender() -> None:
    events = [
        event("delivered", "2026-03-09T10:00:00Z"),
        event("return_to_sender", "2026-03-05T10:00:00Z"),
        event("in_transit"),
    ]
    update = trackers.update_of(tracker(*events, status="delivered", info=messages.TrackingInfo(signed_by="J. Doe")))
    assert [scan.status for scan in update.scans] == [S.IN_TRANSIT, S.RETURNING, S.RETURNED]
    assert (status_of(update.scans), update.signed_by) == (S.RETURNED, "J. Doe")


def test_of_older_servers_the_last_scan_has_the_status_of_the_parcel() -> None:
    def old(day: str, time: str | None) -> messages.TrackingEvent:
        return messages.TrackingEvent(date=day, time=time, code="KB", description="Somewhere", location="BONN")

    update = trackers.update_of(tracker(old("2026-03-04", "09:10 PM"), old("2026-03-03", "7:05"), status="out_for_delivery"))
    assert [(scan.status, scan.raw_code) for scan in update.scans] == [
        (S.UNKNOWN, "KB"), (S.UNKNOWN, "KB"), (S.OUT_FOR_DELIVERY, "out_for_delivery"),
    ]  # fmt: skip
    assert update.scans[-1].at == datetime(2026, 3, 4, 21, 10, tzinfo=UTC)
    assert trackers.update_of(tracker(old("2026-03-04", "9h10"))).scans[0].at == datetime(2026, 3, 4, tzinfo=UTC)
    assert trackers.update_of(tracker(old("yesterday", "09:10"))).scans == ()


@given(
    st.lists(st.sampled_from(sorted(VENDORS["karrio"])), max_size=6).flatmap(
        lambda codes: st.tuples(st.just(codes), st.permutations(range(len(codes))))
    )
)
def test_the_order_of_scans_does_not_matter(given_codes: tuple[list[str], list[int]]) -> None:
    codes, order = given_codes
    events = [event(code, f"2026-03-0{n + 1}T10:00:00Z") for n, code in enumerate(codes)]
    status = codes[-1] if codes else "pending"
    straight = trackers.update_of(tracker(*events, status=status))
    mixed = trackers.update_of(tracker(*[events[n] for n in order], status=status))
    assert list(map(scan_key, mixed.scans)) == list(map(scan_key, straight.scans))


async def test_tracking_asks_by_carrier_and_by_number_alone_where_nobody_knows_the_carrier(rig: KarrioRig) -> None:
    label = await rig.carrier.buy(wanted())
    rig.far.calls.clear()
    (update,) = await rig.carrier.track([Waybill(label.tracking_number)])
    assert update.tracking_number == label.tracking_number
    assert [(call.method, call.path) for call in rig.far.calls] == [("GET", f"/v1/trackers/{label.tracking_number}")]
    rig.far.calls.clear()
    (update,) = await rig.carrier.track([Waybill(label.tracking_number, "Canada  Post")])
    assert [(call.method, call.json()["carrier_name"]) for call in rig.far.calls] == [("POST", "canada_post")]
    assert mapping.slug_of("DHL Express") == "dhl_express"
    rig.far.calls.clear()
    assert await rig.carrier.track([Waybill("NOBODYS/1", SERVICE)]) == []
    assert [call.path for call in rig.far.calls] == ["/v1/trackers", "/v1/trackers/NOBODYS%2F1"]


async def test_an_outage_while_tracking_is_an_outage_and_no_unknown_parcel(rig: KarrioRig) -> None:
    rig.fail(503)
    with pytest.raises(CarrierUnavailable):
        await rig.carrier.track([Waybill("T1", SERVICE)])


# Webhooks


async def test_without_a_secret_no_message_is_believed() -> None:
    async with HttpClient() as http:
        carrier = Karrio(http, KarrioAccount("https://karrio.example.com", API_KEY))
        for headers in ({"X-Event-Id": ""}, {"X-Event-Id": SECRET}, {}):
            with pytest.raises(ForgedWebhook) as forged:
                carrier.verify_webhook(headers, b"{}", NOW)
            assert forged.value.data["reason"] == "no webhook secret is set"


def test_events_about_something_else_are_about_no_parcel() -> None:
    carrier = Karrio(HttpClient(), KarrioAccount("https://karrio.example.com", API_KEY))
    for name in ("shipment_purchased", "order_created", "batch_completed", "pickup_scheduled"):
        assert carrier.read_webhook(msgspec.json.encode({"event": name, "data": {"id": "shp_1"}})) == []


def test_nothing_of_the_account_is_shown() -> None:
    account = KarrioAccount("https://karrio.example.com/v1", API_KEY, SECRET)
    carrier = Karrio(HttpClient(), account)
    assert repr(carrier) == "Karrio(https://karrio.example.com)"
    for secret in (API_KEY, SECRET):
        assert secret not in repr(account) + repr(carrier) + repr(carrier._far)


def test_a_paper_that_cannot_be_read_is_none() -> None:
    assert mapping.decoded(base64.b64encode(LABEL).decode()) == LABEL
    for text in (None, "", "==apodifjoefr", "é"):
        assert mapping.decoded(text) == b""
