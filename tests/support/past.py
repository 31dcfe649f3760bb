"""The past of a shop, for simulations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from comptoir.modules.locations import api as locations
from comptoir.modules.routing.contracts import Rating, Rules, Weight
from comptoir.sdk.orders import Address
from comptoir.surfaces import simulation
from comptoir.surfaces.simulation import Ground, Question
from support.shop import Shop

MARSEILLE = Address(name="Zoé", city="Marseille", country="FR", latitude=43.3, longitude=5.4)
NEAREST = Rules(ratings=(Weight(Rating.DISTANCE),))


async def ground(shop: Shop) -> Ground:
    now = datetime.now(UTC)
    async with shop.database.read() as reader:
        pool = await locations.pool_by_code(reader, "pool-web")
        assert await simulation.channels_of(reader, pool.id) == ("web",)
    found = await simulation.gather(
        shop.database, Question(pool.id, ("web",), now - timedelta(days=1), now + timedelta(days=1))
    )
    assert found is not None
    return found
