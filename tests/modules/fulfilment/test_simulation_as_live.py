"""A simulation decides as it would be decided with the rule set that is tried put live, and counts what people gave up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import ExceptionFilter, ExceptionKind
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.contracts import Rules, RuleSet, RuleSetDraft
from comptoir.surfaces import simulation
from comptoir.surfaces.simulation import Ground, Measured
from support.past import MARSEILLE, NEAREST, ground
from support.shop import Shop


async def made(shop: Shop, code: str, *, position: int = 0, share: int = 100, rules: Rules = NEAREST) -> RuleSet:
    async with shop.database.transaction() as tx:
        return await routing.create(tx, RuleSetDraft(code=code, rules=rules, position=position, share=share))


async def sold(shop: Shop, orders_: int = 1) -> Ground:
    await shop.product("TEA", 1000, stock={"store": 500, "paris": 900})
    for _ in range(orders_):
        await shop.place("web", {"TEA": 1}, ship_to=MARSEILLE)
    return await ground(shop)


async def test_a_rule_set_behind_one_that_takes_all_decides_nothing(shop: Shop) -> None:
    past = await sold(shop)
    first, second = await made(shop, "first", position=1, rules=Rules()), await made(shop, "second", position=2)
    behind = simulation.by_rules(second, [first])
    before = simulation.by_rules(replace(second, position=0), [first])
    simulation.tried(past, behind)
    simulation.tried(past, before)
    assert (behind.reached, before.reached) == (0, 1)


async def test_it_takes_its_share_and_for_all_takes_them_all(shop: Shop) -> None:
    past = await sold(shop, 40)
    some = await made(shop, "some", share=25)
    as_set, for_all = simulation.by_rules(some, []), simulation.by_rules(some, [], for_all=True)
    simulation.tried(past, as_set)
    simulation.tried(past, for_all)
    assert as_set.reached == sum(routing.matching([some], job.id, past.profile("web", job)) is some for _, _, job in past.jobs)
    assert 0 < as_set.reached < 40
    assert for_all.reached == 40


async def test_an_older_version_that_is_live_does_not_decide_beside_the_one_that_is_tried(shop: Shop) -> None:
    past = await sold(shop)
    live = await made(shop, "near", rules=Rules())
    chooser = simulation.by_rules(replace(live, rules=NEAREST), [live])
    tally = simulation.tried(past, chooser)
    assert (chooser.reached, dict(tally.load)) == (1, {shop.locations["store"]: 1})


async def test_what_was_cancelled_for_want_of_stock_was_wanted_and_what_the_buyer_took_back_was_not(shop: Shop) -> None:
    await shop.product("TEA", 1000, stock={"paris": 3})
    lost = await shop.place("web", {"TEA": 2}, ship_to=MARSEILLE)
    regretted = await shop.place("web", {"TEA": 1}, ship_to=MARSEILLE)
    async with shop.database.transaction() as tx:
        await orders.cancel(tx, regretted.id, None, "customer")
        await tx.run(
            "INSERT INTO orders.exceptions (id, kind, state, order_id, line_no, sku, quantity, opened_at) "
            "VALUES (gen_random_uuid(), 'shortfall', 'open', %(order)s, 1, 'TEA', 2, %(now)s)",
            {"order": lost.id, "now": tx.now},
        )
        found = await orders.find_exceptions(tx, ExceptionFilter(kinds=(ExceptionKind.SHORTFALL,)))
        await orders.choose_cancel(tx, found.items[0].exception.id, "gone")
    past = await ground(shop)
    real, would = simulation.happened(past), simulation.tried(past, lambda _, __: NEAREST)
    assert (real.orders, real.units, real.lacking, real.cancelled) == (1, 2, 2, 2)
    assert (would.units, would.lacking, would.cancelled) == (2, 0, 0)


async def test_late_is_what_came_late_where_that_is_known(shop: Shop) -> None:
    today = datetime.now(UTC).date()
    past = await sold(shop)
    key = past.jobs[0][2].id
    promised = tuple((at, channel, replace(job, needed_by=today + timedelta(days=30))) for at, channel, job in past.jobs)
    late = replace(past, jobs=promised, came={key: today + timedelta(days=31)})
    planned, came = simulation.happened(replace(late, came={})), simulation.happened(late)
    assert (planned.promised, planned.late, planned.measured) == (1, 0, 0)
    assert (came.promised, came.late, came.measured) == (1, 1, 1)


async def test_the_day_at_the_door_is_read_from_the_parcels(shop: Shop) -> None:
    past = await sold(shop, 2)
    first, second = past.jobs[0][2].id, past.jobs[1][2].id
    for order_id, status, at in (
        (first, "delivered", "2030-05-04 10:00+00"),
        (first, "delivered", "2030-05-05 23:30+00"),
        (second, "in_transit", None),
    ):
        async with shop.database.transaction() as tx:
            await tx.run(
                """
                INSERT INTO tracking.parcels (id, shipment_id, order_id, order_number, channel, location_id, kind, carrier,
                  service, tracking_number, tracking_url, origin_country, origin_region, destination_country,
                  destination_region, zone, shipped_at, status, delivered_at, signed_by)
                VALUES (gen_random_uuid(), gen_random_uuid(), %(order)s, 1, 'web', %(place)s, 'parcel', 'dpd', '', '', '', 'FR',
                  '', 'FR', '', 'Europe/Paris', %(now)s, %(status)s, %(at)s, '')""",
                {"order": order_id, "place": shop.locations["paris"], "now": tx.now, "status": status, "at": at},
            )
    # The last parcel counts, by the day at its door; of what is still on its way nobody knows.
    assert (await ground(shop)).came == {first: date(2030, 5, 6)}


async def test_runs_gather_what_their_rules_decide_until_the_next_one(shop: Shop) -> None:
    past = await sold(shop, 3)
    noon = datetime.combine(date(2026, 3, 2), time(12), UTC)
    at = (noon, noon + timedelta(minutes=5), noon + timedelta(hours=1))
    jobs = tuple((n, "web", replace(job, placed_at=at[n])) for n, (_, _, job) in enumerate(past.jobs))
    past = replace(past, jobs=jobs)
    rules, told = replace(NEAREST, every=60), list[int]()
    together = simulation.tried(past, lambda _, __: rules, told.append, with_runs=True)
    alone = simulation.tried(past, lambda _, __: rules)
    assert told == [3]  # the first two in one run, when the third came; the last run is the end
    assert (together.orders, together.units, together.lacking) == (alone.orders, alone.units, alone.lacking) == (3, 3, 0)
    assert together.cost <= alone.cost


async def test_rehearsed_with_nothing_that_goes_wrong_every_date_is_kept_and_else_not(shop: Shop) -> None:
    past = await sold(shop, 20)
    fine = simulation.rehearsed(past, lambda _, __: NEAREST, Measured(0.0, {}), 0.98)
    bad = simulation.rehearsed(past, lambda _, __: NEAREST, Measured(0.0, {2: 1.0}), 0.98)
    assert (fine.promised, fine.kept, fine.rejected) == (20, 20, 0)
    assert (bad.promised, bad.kept, bad.late) == (20, 0, 1.0)
