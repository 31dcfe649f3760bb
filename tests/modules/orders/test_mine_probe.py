import asyncio
from collections import Counter
import pytest
from support.shop import Shop
from comptoir.modules.orders import api
from comptoir.modules.orders.contracts import Fill, LineQuantity
from comptoir.runtime.consumers import lag, parked
pytest_plugins=[]

@pytest.mark.parametrize("n", range(6))
async def test_probe(database, n):
    shop = Shop(database)
    await shop.market()
    for c in ("paris","lyon","store"): await shop.location(c)
    await shop.channel("web", ["paris", "lyon", "store"], backorder=True)
    await shop.channel("till", ["store"])
    await shop.settle()
    await shop.product("TEA", stock={"paris": 30, "lyon": 10, "store": 10})
    other = Shop(shop.database, shop.locations, shop.terms)
    await other.settle()
    placed = [await shop.place("web", {"TEA": 1}) for _ in range(30)]
    async def cancel(one):
        async with shop.database.transaction() as tx:
            await api.cancel(tx, one.id, [LineQuantity(1, 1)], "asked")
    async def settle(s):
        try:
            await asyncio.wait_for(s.settle(), 6)
        except TimeoutError:
            async with database.read() as r:
                print(await lag(r)); print(await parked(r))
                print(await r.rows("select type, count(*) from runtime.events group by 1"))
                for row in await r.rows("select type, data, actor from runtime.events order by tx desc, seq desc limit 12"): print(row)
                print(await r.rows("select pid, datname, state, wait_event, xact_start, now(), left(query,80) from pg_stat_activity where datname is not null"))
            raise
    await asyncio.gather(
        *(cancel(one) for one in placed[::3]),
        *(shop.ring_up("store", {"TEA": 2}) for _ in range(8)),
        *(shop.receive("TEA", "paris", -5) for _ in range(5)),
        *(shop.ask(shop.placement("web", {"TEA": 1}, fill=Fill.BACKORDER)) for _ in range(10)),
        settle(shop),
        settle(other),
    )
