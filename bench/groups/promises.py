"""What routing costs where somebody waits for it: before the order, and while it is taken."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from bench.figures import Figure
from bench.load import Spec
from bench.stage import comptoir, free_port, load, postgres, running, shop, side_by_side
from comptoir.modules.carriers import api as carriers
from comptoir.modules.carriers.contracts import CarrierServiceDraft, Service, Zone
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.contracts import Rating, Rules, RuleSetDraft, RuleSetState, Weight
from comptoir.runtime.database import Database

SKUS, LOCATIONS = 10_000, 457
RULES = Rules(ratings=(Weight(Rating.DELIVERY), Weight(Rating.COST), Weight(Rating.DISTANCE)))
ZONES = tuple(Zone(float(km), 400 + km // 2, 20 + km // 50, 1 + km // 600) for km in (50, 150, 400, 900, 2_000, 5_000))


def measure() -> list[Figure]:
    with postgres() as server:
        plain_url, plain_token = shop(server, "plain", skus=SKUS, locations=LOCATIONS)
        url, token = shop(server, "ruled", skus=SKUS, locations=LOCATIONS)
        asyncio.run(_rule(url))
        port, plain_port = free_port(), free_port()
        with running(comptoir(port), url, port), running(comptoir(plain_port), plain_url, plain_port):
            order = Spec(port=port, kind="orders", skus=SKUS, token=token, connections=256)
            bare = replace(order, port=plain_port, token=plain_token)
            ruled, plain = side_by_side(lambda: load(order).per_second, lambda: load(bare).per_second)
            ask = Spec(port=port, kind="promise", skus=SKUS, token=token, connections=8, batch=3)
            promise, many = side_by_side(lambda: load(ask).per_second, lambda: load(replace(ask, kind="many")).per_second)
    return [
        Figure("routing_share", 1 - ruled / plain, f"{ruled:.0f} orders/s under a rule set, {plain:.0f} by distance alone"),
        Figure("promise", many / promise, f"{many:.0f} ÷ {promise:.0f} requests/s"),
    ]


async def _rule(url: str) -> None:
    """Two carriers and a live rule set that asks them."""
    async with Database(url) as database, database.transaction() as tx:
        for code, service in (("road", Service.STANDARD), ("air", Service.EXPRESS)):
            await carriers.create(tx, CarrierServiceDraft(code=code, service=service, zones=ZONES))
        made = await routing.create(tx, RuleSetDraft(code="quick", rules=RULES))
        await routing.move(tx, made.id, RuleSetState.LIVE)
