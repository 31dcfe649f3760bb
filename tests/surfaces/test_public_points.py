"""Pickup points to choose from, on the page where a buyer says what becomes of a parcel that could not be delivered."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncGenerator, Mapping
from urllib.parse import urlsplit

import pytest_asyncio
from litestar import Litestar

from comptoir.connectors.easypost import INFO
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import LockerDraft, LockerSize
from comptoir.modules.locations.contracts import LocationKind
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.tracking.contracts import AnswerKind, CaseState
from comptoir.runtime.database import Database
from comptoir.runtime.http import HttpClient
from comptoir.runtime.limits import Limiter
from comptoir.sdk.carriers import Address, Capability, CarrierInfo, PartialCarrier, PickupPoint
from comptoir.sdk.orders import Address as BuyersAddress
from comptoir.surfaces.carriage import Carriage, ConnectorKind
from comptoir.surfaces.public.links import PublicLinks
from comptoir.surfaces.public.web import PublicPages
from support.asking import Client, asking
from support.depot import Depot, open_depot, scan

AT_HOME = BuyersAddress(
    name="Camille Roux", line1="3 rue des Lilas", postcode="13001", city="Marseille", country="FR", latitude=43.2965,
    longitude=5.3698,
)  # fmt: skip
WEEK = ("09:00–19:00",) * 6 + ("",)
KIOSK = PickupPoint(
    id="FR-77",
    name="Tabac du Port",
    address=Address(line1="2 quai du Port", postcode="13002", city="Marseille", country="FR", latitude=43.297, longitude=5.371),
    hours=WEEK,
)


class Relay(PartialCarrier):
    """Knows its pickup points, and nothing else."""

    info = CarrierInfo(
        key="easypost",
        name="Relay",
        capabilities=frozenset({Capability.POINTS}),
        missing=dict.fromkeys(set(Capability) - {Capability.POINTS}, "It knows its points, and no more."),
        spec="none: a test's own",
    )

    def __init__(self, *, waits: float = 0.0) -> None:
        self._waits = waits

    async def points(self, near: Address, most: int) -> list[PickupPoint]:
        assert near.postcode == "13001"
        await asyncio.sleep(self._waits)
        return [KIOSK][:most]


def relayed(depot: Depot, carrier: PartialCarrier) -> Carriage:
    def make(client: HttpClient, given: Mapping[str, str]) -> PartialCarrier:
        del client, given
        return carrier

    return Carriage(depot.database, depot.keyring, depot.http, {"easypost": ConnectorKind(INFO, make)})


@pytest_asyncio.fixture
async def depot(database: Database) -> AsyncGenerator[Depot]:
    async with open_depot(database) as opened:
        await opened.shop.location("Lille", LocationKind.STORE, pickup=True, postcode="59000", latitude=50.63, longitude=3.06)
        yield opened


async def failed(depot: Depot, number: str = "PTS1", address: BuyersAddress = AT_HOME) -> tuple[OrderId, str]:
    """An order whose parcel could not be delivered, and where its buyer says what becomes of it."""
    order_id = await depot.shipped(number, ship_to=address)
    await depot.say(number, scan("delivery_failed", hours=1))
    case = await depot.case(order_id)
    links = PublicLinks(depot.keyring, "http://testserver.local")
    return order_id, urlsplit(links.answer(case.tracked_id, case.answer_until)).path


def pages(depot: Depot, carrier: PartialCarrier | None = None) -> Litestar:
    links = PublicLinks(depot.keyring, "http://testserver.local")
    carriage = depot.carriage if carrier is None else relayed(depot, carrier)
    made = PublicPages(depot.database, links, strangers=Limiter(burst=60, seconds=60), carriage=carriage)
    return Litestar(made.routes(), openapi_config=None)


def offered(text: str) -> list[str]:
    return [html.unescape(value) for value in re.findall(r'name="point" value="([^"]*)"', text)]


async def asked(client: Client, path: str) -> str:
    return (await client.get(path, headers={"accept-language": "en"})).text


async def test_our_stores_and_the_carriers_points_are_offered_nearest_first(depot: Depot) -> None:
    _, path = await failed(depot)
    async with asking(pages(depot, Relay())) as client:
        text = await asked(client, path)
    first, second, other = offered(text)
    assert first == "FR-77|Tabac du Port, 2 quai du Port, 13002 Marseille"
    assert second.startswith("|")
    assert "13001" in second
    assert other == "", "another one may still be typed"
    assert "Lille" not in text, "nobody fetches a parcel so far away"
    assert re.search(r"0\.\d km", text)
    assert "09:00–19:00" in text


async def test_what_is_chosen_is_the_answer_and_names_what_the_carrier_calls_it(depot: Depot) -> None:
    order_id, path = await failed(depot)
    async with asking(pages(depot, Relay())) as client:
        chosen = offered(await asked(client, path))[0]
        answer = await client.post(path, data={"kind": "pickup", "point": chosen, "pickup_point": ""}, follow_redirects=False)
        assert answer.status_code == 303, answer.text
    case = await depot.case(order_id)
    assert case.state is CaseState.ANSWERED
    assert case.answer is not None
    assert (case.answer.kind, case.answer.point_id) == (AnswerKind.PICKUP, "FR-77")
    assert case.answer.pickup_point == "Tabac du Port, 2 quai du Port, 13002 Marseille"


async def test_another_point_is_typed_and_an_empty_answer_keeps_the_choice_open(depot: Depot) -> None:
    order_id, path = await failed(depot)
    async with asking(pages(depot)) as client:
        wrong = await client.post(path, data={"kind": "pickup", "point": "", "pickup_point": ""})
        assert wrong.status_code == 422
        assert 'aria-invalid="true"' in wrong.text
        typed = {"kind": "pickup", "point": "", "pickup_point": "Relais de la gare"}
        assert (await client.post(path, data=typed, follow_redirects=False)).status_code == 303
    answer = (await depot.case(order_id)).answer
    assert answer is not None
    assert (answer.pickup_point, answer.point_id) == ("Relais de la gare", "")


async def test_a_carrier_that_does_not_answer_keeps_nobody_waiting(depot: Depot) -> None:
    _, path = await failed(depot)
    async with asking(pages(depot, Relay(waits=60.0))) as client, asyncio.timeout(20):
        text = await asked(client, path)
    assert len(offered(text)) == 2, "our own store, and another one"


async def test_without_a_place_on_the_map_the_point_is_typed_as_before(depot: Depot) -> None:
    nowhere = BuyersAddress(name="Camille Roux", line1="3 rue des Lilas", postcode="99999", city="Nulle Part", country="FR")
    _, path = await failed(depot, "PTS2", nowhere)
    async with asking(pages(depot)) as client:
        text = await asked(client, path)
    assert offered(text) == []
    assert 'name="pickup_point"' in text


async def test_lockers_are_told_of_in_both_languages(depot: Depot) -> None:
    async with depot.database.transaction() as tx:
        draft = LockerDraft(location_id=depot.shop.locations["store"], code="A1", size=LockerSize.M)
        await fulfilment.create_locker(tx, draft)
    _, path = await failed(depot)
    async with asking(pages(depot)) as client:
        assert "With lockers" in await asked(client, path)
        french = (await client.get(f"{path}?lang=fr")).text
    assert "Près de votre adresse" in french
    assert "Avec des casiers" in french
