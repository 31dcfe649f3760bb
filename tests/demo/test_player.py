"""The demo's year on a real database: what is played, what is kept when the player is killed, and what the viewer may wish."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from comptoir.kernel.errors import Invalid
from comptoir.kernel.time import utcnow
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.orders import api as orders
from comptoir.modules.staff import api as staff
from comptoir.modules.tracking import api as tracking
from comptoir.runtime import crypto
from comptoir.runtime.consumers import ConsumerRunner
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Database, Tx
from comptoir.sdk.orders import LineKind
from comptoir.surfaces.demo import access, loading, state
from comptoir.surfaces.demo import player as player_module
from comptoir.surfaces.demo.checking import Verdict
from comptoir.surfaces.demo.plan import Plan
from comptoir.surfaces.demo.player import AlreadyPlaying, Player
from comptoir.surfaces.demo.road import Road
from comptoir.surfaces.demo.stream import Channel
from comptoir.surfaces.pools import pool_id_of, pool_of
from support.consumers import drained
from support.replay import UNTIL, add_up, verdict


async def reached(database: Database) -> int:
    async with database.read() as reader:
        shown = await state.status(reader)
    assert shown is not None
    return shown.position


async def units_sold(database: Database) -> int:
    """What the ledger says has left over the counters."""
    async with database.read() as reader:
        return -await reader.value("SELECT sum(on_hand) FROM inventory.entries WHERE kind = 'sold'")


def till_units(plan: Plan) -> int:
    chunks = plan.baskets(0, until=UNTIL)
    tills = [basket for chunk in chunks for basket in chunk.baskets() if basket.channel is Channel.POS]
    return sum(line.quantity for basket in tills for line in basket.lines if line.kind is LineKind.ITEM)


def played(plan: Plan) -> Verdict:
    """What must be in the books after the first baskets."""
    totals = plan.expected_totals(UNTIL)
    sums = {what: totals.of(what) for what in ("baskets", "lines", "cents")}
    return Verdict(position=UNTIL, of=len(plan.year), differences=(), **sums)


async def until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not reached():  # noqa: ASYNC110 - of another process, or of a player that knows of nobody who waits
            await asyncio.sleep(0.02)


async def counts(database: Database) -> dict[str, int]:
    async with database.read() as reader:
        return {
            table: await reader.value(f"SELECT count(*) FROM {table}")
            for table in (
                "locations.locations",
                "channels.channels",
                "catalogue.variants",
                "pricing.prices",
                "customers.customers",
                "inventory.entries",
                "runtime.events",
            )
        }


async def test_setting_up_makes_the_chain_and_a_second_time_changes_nothing(shop: Database, plan: Plan) -> None:
    before = await counts(shop)
    assert before["locations.locations"] == 463, "with three suppliers"
    assert before["channels.channels"] == 5
    assert before["customers.customers"] == 2_469
    assert before["inventory.entries"] == len(plan.stock.opening)
    told: list[tuple[str, int, int]] = []
    await loading.load(shop, plan, lambda *step: told.append(step))
    assert await counts(shop) == before
    steps = {"places", "channels", "customers", "routing", "rules", "products", "life", "stock"}
    assert {name for name, done, of in told if done == of} == steps


async def test_an_interrupted_setup_goes_on_where_it_was(
    database: Database, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "_STOCK", 1_000)

    def interrupt(name: str, done: int, _of: int) -> None:
        if name == "stock" and done >= 2_000:
            raise ConnectionError

    with pytest.raises(ConnectionError):
        await loading.load(database, plan, interrupt)
    assert (await counts(database))["inventory.entries"] == 2_000
    await loading.load(database, plan)
    assert (await counts(database))["inventory.entries"] == len(plan.stock.opening)


async def test_another_opening_than_the_first_is_refused(shop: Database, plan: Plan) -> None:
    with pytest.raises(ValueError, match="53 opening weeks"):
        await loading.load(shop, plan, opening_weeks=4)


async def test_what_has_played_is_the_data_set_to_the_cent_and_everything_adds_up(shop: Database, plan: Plan) -> None:
    player = Player(shop, plan)
    await player.run(until=UNTIL)
    assert await verdict(shop, plan) == played(plan)
    assert await units_sold(shop) == till_units(plan)
    assert player.tally.sent > 0
    await add_up(shop)
    async with shop.read() as reader:
        statuses = dict(
            await reader.rows("SELECT channel_code, count(DISTINCT fulfilment_status) FROM orders.orders GROUP BY channel_code")
        )
        assert statuses["web"] >= 2, "some have been sent, and some not yet"
        assert statuses["marketplace"] >= 2
        assert await reader.value("SELECT count(*) FROM orders.orders WHERE customer_id IS NULL AND channel_code = 'pos'") == 0
        assert await reader.value("SELECT max(placed_at) FROM orders.orders") == datetime.fromtimestamp(
            int(plan.year.at[UNTIL - 1]), UTC
        )
        assert await reader.value("SELECT count(*) FROM orders.orders WHERE payment_status NOT IN ('paid', 'overpaid')") == 0
        shown = await state.status(reader)
    assert shown is not None
    assert (shown.position, shown.of, shown.finished) == (UNTIL, len(plan.year), False)


async def test_a_player_that_breaks_at_any_step_goes_on_exactly_there(
    shop: Database, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    move, steps = state.move, 0

    async def breaks(tx: Tx, lane: str, position: int) -> None:
        nonlocal steps
        steps += 1
        await move(tx, lane, position)
        if steps % 7 == 0:
            raise ConnectionError

    monkeypatch.setattr(player_module.state, "move", breaks)
    broken = 0
    while (await verdict(shop, plan)).position < UNTIL:
        try:
            await Player(shop, plan, window=300, batch=60).run(until=UNTIL)
        except ConnectionError:
            broken += 1
        assert not (await verdict(shop, plan)).differences
    assert broken >= 3
    assert await verdict(shop, plan) == played(plan)
    assert await units_sold(shop) == till_units(plan)
    await add_up(shop)


_PROGRAM = f"""
import asyncio, sys
from comptoir.runtime.database import Database
from comptoir.surfaces.demo.plan import build
from comptoir.surfaces.demo.player import Player

async def main():
    async with Database(sys.argv[1]) as database:
        await Player(database, build(), window=90, batch=20).run(until={UNTIL})

asyncio.run(main())
"""


async def test_a_player_that_is_killed_goes_on_exactly_there(shop: Database, url: str, plan: Plan) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _PROGRAM, url)
    while process.returncode is None and await reached(shop) < 300:  # noqa: ASYNC110 - of another process
        await asyncio.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert await process.wait() == -signal.SIGKILL
    found = await verdict(shop, plan)
    assert 300 <= found.position < UNTIL
    assert found.differences == ()
    while True:
        try:
            await Player(shop, plan).run(until=UNTIL)
            break
        except AlreadyPlaying:  # the database has not noticed yet that the other is dead
            await asyncio.sleep(0.05)
    assert await verdict(shop, plan) == played(plan)
    assert await units_sold(shop) == till_units(plan)
    await add_up(shop)


async def test_only_one_plays(shop: Database, plan: Plan) -> None:
    async with asyncio.TaskGroup() as both:
        first = Player(shop, plan, window=90)
        both.create_task(first.run(until=UNTIL))
        await until(lambda: first.position > 0)
        with pytest.raises(AlreadyPlaying):
            await Player(shop, plan).run(until=UNTIL)
    assert await verdict(shop, plan) == played(plan)


async def test_what_the_house_would_not_promise_any_more_is_recorded_all_the_same(shop: Database, plan: Plan) -> None:
    baskets = [basket for chunk in plan.baskets(0, until=UNTIL) for basket in chunk.baskets()]
    web = next(basket for basket in baskets if basket.channel is Channel.WEB)
    async with shop.transaction() as tx:
        product = await catalogue.by_code(tx, plan.catalogue.sku(web.lines[0].product))
        await catalogue.update(tx, product.id, replace(product, active=False))
    await Player(shop, plan).run(until=UNTIL)
    assert await verdict(shop, plan) == played(plan)
    async with shop.read() as reader:
        version = "SELECT external_version FROM orders.orders WHERE external_id = %(id)s"
        assert await reader.value(version, {"id": plan.external_id(web)}) == "1", "a promise has no version"


async def test_the_viewer_sets_the_speed_pauses_and_begins_anew(shop: Database, plan: Plan) -> None:
    opening = (await counts(shop))["inventory.entries"]

    async def wish(*, speed: float | None = None, paused: bool | None = None, reset: bool = False) -> None:
        async with shop.transaction() as tx:
            await state.control(tx, speed=speed, paused=paused, reset=reset)

    await wish(paused=True)
    player = Player(shop, plan)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(player.run())
        await asyncio.sleep(0.5)
        assert player.position == 0
        await wish(paused=False, speed=100_000)
        await until(lambda: player.position > 20)
        await wish(paused=True)
        stopped = -1
        while stopped != player.position:
            stopped = player.position
            await asyncio.sleep(1.2)
        found = await verdict(shop, plan)
        assert found.position == stopped
        assert found.differences == ()
        await wish(reset=True)
        await until(lambda: player.position == 0)
        while (await counts(shop))["inventory.entries"] < opening:  # noqa: ASYNC110 - of a player that tells nobody
            await asyncio.sleep(0.05)
        async with shop.read() as reader:
            shown = await state.status(reader)
            assert shown is not None
            assert (shown.position, shown.paused, shown.resetting, shown.share) == (0, True, False, 0)
            assert await reader.value("SELECT count(*) FROM orders.orders") == 0
        assert (await counts(shop))["inventory.entries"] == opening
        player.stop()


@pytest.mark.parametrize("speed", [-1.0, 0.5, float("inf"), float("nan")])
async def test_a_speed_that_is_none_is_refused(shop: Database, speed: float) -> None:
    async with shop.transaction() as tx:
        with pytest.raises(Invalid):
            await state.control(tx, speed=speed)
        found = await state.read(tx)
    assert found is not None
    assert found.speed == state.DEFAULT_SPEED


async def test_the_login_is_made_once_and_made_again_for_another_database(database: Database, tmp_path: Path) -> None:
    login = await access.ensure(database, tmp_path)
    assert await access.ensure(database, tmp_path) == login
    assert (tmp_path / access.FILE).stat().st_mode & 0o777 == 0o600
    async with database.read() as reader:
        found = await staff.credentials(reader, login.email)
        assert await crypto.password_fits(found.password_hash, login.password)
        assert (await staff.authenticate(reader, login.token)).name == "Demo"
    (tmp_path / access.FILE).unlink()
    again = await access.ensure(database, tmp_path)
    assert again.password != login.password
    async with database.read() as reader:
        found = await staff.credentials(reader, login.email)
    assert await crypto.password_fits(found.password_hash, again.password)


async def test_a_database_without_a_demo_says_so(database: Database) -> None:
    async with database.read() as reader:
        assert await state.status(reader) is None


async def test_parcels_move_fail_and_come_back_and_the_books_still_add_up(shop: Database, plan: Plan) -> None:
    road = Road(shop, Keyring(b"k" * 32))
    assert await road.work(utcnow()) == 0, "as fast as it goes nobody watches"
    own = (*orders.consumers(pool_of), *fulfilment.consumers(pool_id_of), *tracking.consumers())
    followers = ConsumerRunner(shop, own)
    await drained(shop, followers)
    await Player(shop, plan).run(until=UNTIL)
    await drained(shop, followers)
    async with shop.transaction() as tx:
        await state.control(tx, speed=1_000.0)
    later = utcnow() + timedelta(minutes=1)
    assert await road.work(later) > 0
    scanned = sum([await road.work(later) for _ in range(9)])
    assert await road.work(later) == 0, "each rests a little"
    assert scanned < UNTIL // 2
    steps = 0
    while steps < 90 and await road.work(later := later + timedelta(minutes=1)):
        steps += 1
    async with shop.read() as reader:
        parcels = dict(await reader.rows("SELECT status, count(*) FROM tracking.parcels WHERE kind = 'parcel' GROUP BY 1"))
        returns = dict(await reader.rows("SELECT state, count(*) FROM changes.returns GROUP BY 1"))
    assert parcels["delivered"] > 20
    assert parcels.keys() <= {"delivered", "lost", "damaged", "returned", "unknown"}, parcels
    assert returns.keys() <= {"requested", "inspected", "closed"}, "who was sent something back has looked at it"
    assert (await verdict(shop, plan)).differences == ()
    async with shop.transaction(snapshot=True) as tx:
        assert (await orders.audit(tx)).clean
