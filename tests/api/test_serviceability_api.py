"""Who goes to a postcode with a weight: accounts that are asked, tables that are looked up, rules, and who does not answer."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import pytest_asyncio

from api.conftest import Api, problem
from comptoir.connectors.easypost import INFO, EasyPost, EasyPostAccount
from comptoir.modules.carriers import api as carriers
from comptoir.modules.carriers.contracts import CarrierServiceDraft, Origins, Zone
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationKind, Postcode
from comptoir.modules.staff.contracts import Scope
from comptoir.runtime.http import HttpClient
from comptoir.surfaces import own_carriers
from comptoir.surfaces.carriage import KINDS, Carriage, ConnectorKind
from comptoir.surfaces.services import Services
from support.carrier_rigs import API_KEY, SIGNING
from support.carriers import simulated
from support.easypost_simulator import EasyPostSimulator

PATH = "/v1/carrier-serviceability"


@pytest_asyncio.fixture
async def far() -> AsyncIterator[EasyPostSimulator]:
    async with simulated(EasyPostSimulator(API_KEY, SIGNING)) as simulator:
        yield simulator


@pytest_asyncio.fixture
async def services(services: Services, far: EasyPostSimulator) -> AsyncIterator[Services]:
    """With EasyPost's simulator in EasyPost's place, as patient as in earnest."""
    async with HttpClient(allow_private=True) as http:

        def make(client: HttpClient, given: Mapping[str, str]) -> EasyPost:
            return EasyPost(client, EasyPostAccount(given["api_key"], given.get("webhook_secret", ""), url=f"{far.url}/v2"))

        kinds = {"easypost": ConnectorKind(INFO, make), own_carriers.TABLES.key: KINDS[own_carriers.TABLES.key]}
        yield replace(services, carriage=Carriage(services.database, services.keyring, http, kinds))


async def connected(api: Api, **more: Any) -> str:
    body = {"connector": "easypost", "name": "EasyPost", "credentials": {"api_key": API_KEY, "webhook_secret": SIGNING}}
    answer = await api.post("/v1/carrier-accounts", body | more)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def served(api: Api, *drafts: CarrierServiceDraft) -> None:
    async with api.services.database.transaction() as tx:
        for draft in drafts:
            await carriers.create(tx, draft)
        await locations.put_postcodes(tx, [Postcode("FR", "13001", 43.3, 5.37, "Marseille")])


async def asked(api: Api, **more: Any) -> dict[str, Any]:
    answer = await api.get(PATH, **({"country": "FR", "postcode": "13001", "weight": 900} | more))
    assert answer.status_code == 200, answer.text
    return answer.json()


VAN = CarrierServiceDraft(code="van", name="Van", zones=(Zone(100, 450, 100, 1), Zone(2_000, 700, 0, 2)))


async def test_each_account_and_each_service_by_tables_says_whether_it_goes_there(api: Api) -> None:
    account = await connected(api)
    lille = await api.shop.location("lille", latitude=50.63, longitude=3.06)
    await served(
        api,
        VAN,
        replace(VAN, code="near", zones=(Zone(50, 300, 0, 1),)),
        replace(VAN, code="light", max_weight=500),
        replace(VAN, code="abroad", countries=("BE",)),
        replace(VAN, code="stores", origins=Origins(kinds=("store",))),
        replace(VAN, code="off", active=False),
    )
    told = await asked(api, location_id=api.location("lille"), dangerous=False)
    assert (told["located"], told["left_out"]) == (True, 0)
    (origin,) = told["origins"]
    assert (origin["location_id"], origin["code"], origin["rule"]) == (api.location("lille"), "lille", None)
    assert 820 < origin["kilometres"] < 850
    by_service = {one["service"]: one for one in told["items"]}
    van = by_service["van"]
    assert (van["stand"], van["cost"], van["currency"], van["days"], van["chosen"]) == ("serves", 700, "EUR", 2, True)
    assert van["deliver_on"] is not None
    assert {code: (one["stand"], one["reason"]) for code, one in by_service.items() if one["stand"] == "refuses"} == {
        "near": ("refuses", "it is too far"),
        "light": ("refuses", "the parcel is too heavy"),
        "abroad": ("refuses", "it does not deliver to this country"),
        "stores": ("refuses", "it does not collect there"),
    }
    dollars = by_service["USPS/GroundAdvantage"]
    assert (dollars["account_id"], dollars["account"], dollars["stand"], dollars["cost"]) == (
        account,
        "EasyPost",
        "serves",
        820,
    )
    assert (dollars["currency"], dollars["reason"], dollars["chosen"]) == ("USD", "another currency", False)
    assert "off" not in by_service
    assert lille


async def test_dangerous_goods_go_with_who_takes_them(api: Api) -> None:
    await api.shop.location("lille", latitude=50.63, longitude=3.06)
    await served(api, VAN, replace(VAN, code="adr", dangerous=True))
    told = await asked(api, location_id=api.location("lille"), dangerous=True)
    assert {one["service"]: one["reason"] for one in told["items"]} == {"adr": "", "van": "it takes no dangerous goods"}


async def test_the_rule_that_steers_a_carrier_away_is_named(api: Api) -> None:
    await api.shop.location("lille", latitude=50.63, longitude=3.06)
    await served(api, VAN, replace(VAN, code="post"))
    rule = {"name": "South by post", "postcodes": ["13"], "effects": [{"do": "exclude", "carrier": "van"}]}
    assert (await api.ask("PUT", "/v1/carrier-choice", {"rules": [rule]})).status_code == 200
    told = await asked(api, location_id=api.location("lille"))
    assert [(one["rule"], one["rule_name"]) for one in told["origins"]] == [(1, "South by post")]
    assert [(one["service"], one["stand"], one["reason"], one["chosen"]) for one in told["items"]] == [
        ("post", "serves", "", True),
        ("van", "steered_away", "the rule excludes it", False),
    ]
    elsewhere = await asked(api, location_id=api.location("lille"), postcode="59000")
    assert ({one["stand"] for one in elsewhere["items"]}, elsewhere["origins"][0]["rule"]) == ({"serves"}, None)
    assert elsewhere["located"] is False


async def test_who_is_slow_is_told_as_who_did_not_answer_and_nobody_waits(api: Api, far: EasyPostSimulator) -> None:
    account = await connected(api)
    await api.shop.location("lille", latitude=50.63, longitude=3.06)
    await served(api, VAN)
    far.stall()
    began = time.monotonic()
    told = await asked(api, location_id=api.location("lille"), patience=1)
    assert time.monotonic() - began < 3
    stands = {one["account_id"]: (one["stand"], one["code"]) for one in told["items"] if one["code"]}
    assert stands == {account: ("no_answer", "carrier_unavailable")}
    assert [one["service"] for one in told["items"] if one["chosen"]] == ["van"]
    far.recover()


async def test_without_a_location_the_five_nearest_that_send_are_asked(api: Api) -> None:
    for n in range(6):
        await api.shop.location(f"south-{n}", latitude=43.4 + n / 10, longitude=5.4)
    await api.shop.location("counter", LocationKind.STORE, latitude=43.3, longitude=5.37, ships=False)
    await served(api, VAN)
    told = await asked(api)
    assert [one["code"] for one in told["origins"]] == [f"south-{n}" for n in range(5)]
    assert told["left_out"] >= 1
    assert {one["location_id"] for one in told["items"]} == {one["location_id"] for one in told["origins"]}


async def test_of_several_locations_those_that_send_are_asked(api: Api) -> None:
    await api.shop.location("lille", latitude=50.63, longitude=3.06)
    await api.shop.location("nice", latitude=43.7, longitude=7.26)
    await api.shop.location("counter", LocationKind.STORE, latitude=43.3, longitude=5.37, ships=False)
    await served(api, VAN)
    told = await asked(api, location_id=[api.location(code) for code in ("lille", "nice", "counter")])
    assert ([one["code"] for one in told["origins"]], told["left_out"]) == (["nice", "lille"], 0)
    alone = await asked(api, location_id=api.location("counter"))
    assert [one["code"] for one in alone["origins"]] == ["counter"], "a place that is named alone is asked for"


async def test_what_cannot_be_asked_is_refused(api: Api) -> None:
    problem(await api.get(PATH, country="FR", postcode="13001"), 422, "invalid_request")
    problem(await api.get(PATH, country="FR", weight=0), 422, "invalid_request")
    problem(await api.get(PATH, country="FR", weight=5, length=300), 422, "invalid")
    problem(await api.get(PATH, country="FR", weight=5, channel="nowhere"), 404, "unknown_channel")
    nobody = "loc_01kag8v6w3e9n8r2t5y7z4c6bd"
    problem(await api.get(PATH, country="FR", weight=5, location_id=nobody), 404, "unknown_location")
    token = await api.new_token(Scope.STOCK_READ)
    problem(await api.get(PATH, country="FR", weight=5, token=token), 403, "not_permitted")


async def test_money_on_an_account_takes_who_may_approve(api: Api) -> None:
    card = {"kind": "gift_card", "currency": "EUR", "amount": 1000}
    clerk, lead = await api.new_token(Scope.ORDERS_WRITE), await api.new_token(Scope.ORDERS_APPROVE)
    problem(await api.post("/v1/accounts", card, token=clerk), 403, "not_permitted")
    made = await api.post("/v1/accounts", card, token=lead)
    assert made.status_code == 201, made.text
    path, more = f"/v1/accounts/{made.json()['id']}/adjust", {"amount": 100, "reference": "goodwill"}
    problem(await api.post(path, more, token=clerk), 403, "not_permitted")
    assert (await api.post(path, more, token=lead)).json()["balance"] == 1100
