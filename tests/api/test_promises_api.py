"""What a buyer is told before the order, and that the order then goes as was told."""

from __future__ import annotations

from datetime import date
from typing import Any

from api.conftest import Api, problem
from comptoir.kernel.ids import from_text
from comptoir.modules.carriers import api as carriers
from comptoir.modules.carriers.contracts import CarrierServiceDraft, Service, Zone
from comptoir.modules.channels import api as channels
from comptoir.modules.channels.contracts import ChannelDraft, PublishRules
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationKind, Postcode
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.contracts import Rating, Rules, RuleSetDraft, RuleSetState, Splitting, Weight

LYON, MARSEILLE = {"latitude": 45.76, "longitude": 4.84}, {"latitude": 43.3, "longitude": 5.37}


async def furnish(api: Api) -> None:
    """A warehouse far away, a store nearby, two carrier services, and a channel that sells from both."""
    shop = api.shop
    await shop.location("lille", latitude=50.63, longitude=3.06)
    await shop.location("vieux-port", LocationKind.STORE, pickup=True, latitude=43.3, longitude=5.37)
    await shop.channel("app", ["lille", "vieux-port"])
    await shop.product("HAT", 2500, stock={"lille": 20, "vieux-port": 1})
    every_day = (True,) * 7
    async with shop.database.transaction() as tx:
        for code, service, days in (("road", Service.STANDARD, 3), ("air", Service.EXPRESS, 1)):
            zones = (Zone(5000.0, 500, 100, days),)
            draft = CarrierServiceDraft(code=code, service=service, zones=zones, delivers=every_day)
            await carriers.create(tx, draft)
    api.services.counters.forget()


async def asked(api: Api, **more: Any) -> dict[str, Any]:
    body = {"channel": "app", "lines": [{"sku": "HAT", "quantity": 1}], "country": "FR"} | MARSEILLE | more
    answer = await api.post("/v1/promises", body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_dates_at_the_door_and_times_at_the_counter(api: Api) -> None:
    await furnish(api)
    told = await asked(api)
    assert told["located"] is True
    standard, express = told["deliveries"]
    assert (standard["service"], standard["complete"], standard["parcels"]) == ("standard", True, 1)
    assert date.fromisoformat(express["arrives_on"]) < date.fromisoformat(standard["arrives_on"])
    assert standard["order_by"] is not None
    (counter,) = told["collections"]
    assert (counter["code"], counter["complete"], counter["in_stock"], counter["distance_km"]) == (
        "vieux-port",
        True,
        True,
        0.0,
    )
    assert counter["ready_at"] is not None


async def test_what_the_counter_lacks_is_sent_there_and_comes_later(api: Api) -> None:
    await furnish(api)
    one, several = await asked(api), await asked(api, lines=[{"sku": "HAT", "quantity": 4}])
    assert several["collections"][0]["complete"] is True
    assert several["collections"][0]["in_stock"] is False
    assert several["collections"][0]["ready_at"] > one["collections"][0]["ready_at"]


async def test_what_nobody_has_is_told_with_what_is_lacking(api: Api) -> None:
    await furnish(api)
    told = await asked(api, lines=[{"sku": "HAT", "quantity": 30}])
    assert [one["complete"] for one in (*told["deliveries"], *told["collections"])] == [False, False, False]
    assert told["deliveries"][0]["lacking"] == [{"line_no": 1, "quantity": 9}]


async def test_a_sale_is_seen_at_once(api: Api) -> None:
    await furnish(api)
    assert (await asked(api))["collections"][0]["in_stock"] is True
    await api.shop.receive("HAT", "vieux-port", -1)
    assert (await asked(api))["collections"][0]["in_stock"] is False


async def test_a_postcode_says_where_the_buyer_is(api: Api) -> None:
    await furnish(api)
    nowhere = await asked(api, latitude=None, longitude=None, postcode="13001")
    assert nowhere["located"] is False
    assert nowhere["collections"][0]["distance_km"] is None
    async with api.shop.database.transaction() as tx:
        assert await locations.put_postcodes(tx, [Postcode("FR", "13 001", 43.29, 5.37, "Marseille")]) == 1
    api.services.counters.forget()
    told = await asked(api, latitude=None, longitude=None, postcode="13001")
    assert (told["located"], told["collections"][0]["distance_km"]) == (True, 1.1)


async def test_the_order_goes_as_was_told(api: Api) -> None:
    await furnish(api)
    await api.shop.settle()
    async with api.shop.database.transaction() as tx:
        made = await routing.create(tx, RuleSetDraft(code="near", rules=Rules(ratings=(Weight(Rating.DISTANCE),))))
        await routing.move(tx, made.id, RuleSetState.LIVE)
    api.services.counters.forget()
    standard = (await asked(api))["deliveries"][0]
    ship_to = {"name": "Zoé", "line1": "1 quai du Port", "city": "Marseille", "country": "FR"} | MARSEILLE
    body = {"channel": "app", "lines": [{"sku": "HAT", "quantity": 1}], "ship_to": ship_to}
    answer = await api.post("/v1/orders", body | {"promised_on": standard["arrives_on"]})
    assert answer.status_code == 201, answer.text
    order = answer.json()
    assert order["lines"][0]["allocations"] == [{"location_id": api.location("vieux-port"), "quantity": 1}]
    await api.shop.settle()
    shown = (await api.get(f"/v1/orders/{order['id']}")).json()
    assert (shown["service"], shown["promised_on"]) == ("standard", standard["arrives_on"])
    (work,) = await api.shop.work(OrderId(from_text("ord", order["id"])))
    assert (work.location_id, str(work.arrives_on), work.carrier) == (
        api.shop.locations["vieux-port"],
        standard["arrives_on"],
        "road",
    )


async def _ruled(api: Api, rules: Rules) -> None:
    async with api.shop.database.transaction() as tx:
        made = await routing.create(tx, RuleSetDraft(code="ruled", rules=rules))
        await routing.move(tx, made.id, RuleSetState.LIVE)
    api.services.counters.forget()


async def test_what_a_parcel_has_to_be_worth_is_reckoned_with_prices(api: Api) -> None:
    await furnish(api)
    await _ruled(api, Rules(ratings=(Weight(Rating.DISTANCE),), minimum_pick=2000, splitting=Splitting(least_value=2000)))
    hat = (await asked(api))["deliveries"][0]
    assert (hat["complete"], hat["parcels"]) == (True, 1)
    split = (await asked(api, lines=[{"sku": "HAT", "quantity": 21}]))["deliveries"][0]
    assert (split["complete"], split["parcels"], split["lacking"]) == (True, 2, [])
    cheap = (await asked(api, lines=[{"sku": "HAT", "quantity": 21, "unit_price": 1900}]))["deliveries"][0]
    assert (cheap["complete"], cheap["lacking"]) == (False, [{"line_no": 1, "quantity": 1}])


async def test_what_a_buyer_holds_is_there_for_this_buyer_alone(api: Api) -> None:
    await furnish(api)
    held = await api.post("/v1/holds", {"channel": "app", "cart": "cart-1", "lines": [{"sku": "HAT", "quantity": 21}]})
    assert held.status_code == 201, held.text
    others = await asked(api)
    assert others["deliveries"][0]["lacking"] == [{"line_no": 1, "quantity": 1}]
    own = await asked(api, lines=[{"sku": "HAT", "quantity": 21}], hold_id=held.json()["id"])
    assert [one["complete"] for one in own["deliveries"]] == [True, True]
    again = await asked(api)  # nothing of it stays in what is kept for everybody
    assert again == others
    await api.ask("DELETE", f"/v1/holds/{held.json()['id']}")
    body = {"channel": "app", "lines": [{"sku": "HAT"}], "hold_id": held.json()["id"]}
    problem(await api.post("/v1/promises", body), 409, "hold_gone")


async def test_what_the_channel_does_not_publish_is_not_promised(api: Api) -> None:
    await furnish(api)
    async with api.shop.database.transaction() as tx:
        channel = await channels.by_code(tx, "app")
        draft = ChannelDraft(
            code="app",
            name=channel.name,
            kind=channel.kind,
            pool_id=channel.pool_id,
            market=channel.market,
            rules=PublishRules(buffer=19),
        )
        await channels.update(tx, channel.id, draft)
    api.services.counters.forget()
    assert (await asked(api, lines=[{"sku": "HAT", "quantity": 2}]))["deliveries"][0]["complete"] is True
    told = await asked(api, lines=[{"sku": "HAT", "quantity": 3}])
    assert [(one["complete"], one["lacking"]) for one in (*told["deliveries"], *told["collections"])] == [
        (False, [{"line_no": 1, "quantity": 1}])
    ] * 3


async def test_bad_questions_are_refused_with_what_is_wrong(api: Api) -> None:
    await furnish(api)
    body = {"channel": "app", "lines": [{"sku": "HAT"}]}
    problem(await api.post("/v1/promises", body | {"latitude": 1.0}), 422, "invalid")
    problem(await api.post("/v1/promises", body | {"postcode": "13001"}), 422, "invalid")
    problem(await api.post("/v1/promises", {"channel": "app", "lines": [{"sku": "NO"}]}), 422, "unknown_sku")
    lille = {"pickup_location_id": api.location("lille")}
    problem(await api.post("/v1/promises", body | lille), 422, "invalid")
