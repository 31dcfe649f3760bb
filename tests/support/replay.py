"""The demo's year with the stock and products of its first baskets, and what must be true of it whatever has happened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import numpy as np

from comptoir.modules.inventory import api as inventory
from comptoir.modules.orders import api as orders
from comptoir.runtime.database import Database
from comptoir.surfaces.demo import checking, loading, state
from comptoir.surfaces.demo.catalogue import Product
from comptoir.surfaces.demo.checking import Verdict
from comptoir.surfaces.demo.plan import Plan
from comptoir.surfaces.demo.replenishment import Stock

UNTIL = 900
"""So many baskets play: a little over two days of all channels, with the second week's receipts and the first parcels."""


def small(whole: Plan) -> Plan:
    year, products = whole.year, len(whole.catalogue.ids)
    last = int(year.start[UNTIL + 200])
    places = np.repeat(whole.source, np.diff(year.start))[:last].astype(np.int64)
    pairs = np.unique(places * products + year.product[:last])

    def only(stock: Stock) -> Stock:
        rows = np.isin(stock.location.astype(np.int64) * products + stock.product, pairs)
        return Stock(stock.location[rows], stock.product[rows], stock.quantity[rows])

    receipts = only(whole.stock.of_week(2))
    weeks = np.concatenate([[0, 0], np.full(52, len(receipts))])
    return _Small(
        **{name: getattr(whole, name) for name in ("places", "catalogue", "households", "channels", "year", "source")},
        stock=replace(whole.stock, opening=only(whole.stock.opening), receipts=receipts, _week=weeks),
    )


class _Small(Plan):
    def products(self, chunk: int = 5_000) -> Iterator[list[Product]]:
        sold = np.unique(self.year.product[: self.year.start[UNTIL + 200]]).tolist()
        products = iter([self.catalogue.product(index) for index in sold if index < self.catalogue.count])
        while part := list(islice(products, chunk)):
            yield part


async def load(url: str, plan: Plan) -> None:
    async with Database(url) as database:
        await loading.load(database, plan)
        async with database.transaction() as tx:
            await state.step(tx, "products", plan.catalogue.count)


async def verdict(database: Database, plan: Plan) -> Verdict:
    async with database.transaction(snapshot=True) as tx:
        return await checking.verify(tx, plan)


async def add_up(database: Database) -> None:
    """Both doctors find nothing."""
    async with database.transaction(snapshot=True) as tx:
        assert (await inventory.audit(tx)).clean
        assert (await orders.audit(tx)).clean
