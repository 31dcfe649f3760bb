"""Lots at the console: said when goods arrive, seen on the stock page, proposed at the shelf, recalled with who got them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from comptoir.kernel.ids import to_text
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import LineUnits
from comptoir.modules.lots import api as lots
from comptoir.modules.lots.contracts import Named, ShelfFilter, Terms, Tracks
from comptoir.modules.orders.contracts import OrderId
from comptoir.surfaces.services import Services
from support.back_office import as_role, audited, level, place, said
from support.console import Shop, Staff, counted_statements

LOAF = "840361"


def day(n: int) -> str:
    return (datetime.now(UTC).date() + timedelta(days=n)).isoformat()


async def change(owner: Staff, act: str, **values: str) -> tuple[int, str]:
    form = f"/lots/changes/{act}"
    answer = await owner.submit(f"{form}?sku={LOAF}", form, {"sku": LOAF} | values)
    return answer.status_code, said(answer.text)


async def test_a_lot_from_its_arrival_to_its_recall(owner: Staff, parts: Services, shop: Shop) -> None:
    assert "No lot is known yet" in (await owner.get("/lots")).text
    store = place(shop, "S367")
    assert (await change(owner, "terms", tracks="expiry", left="5", transit="1"))[0] == 303
    status, told = await change(owner, "name", location=store, quantity="2")
    assert (status, "Type the lot, or the date." in told) == (422, True)
    assert (await change(owner, "name", location=store, quantity="2", lot="L1", expires_on=day(3)))[0] == 303
    assert (await change(owner, "name", location=store, quantity="3", lot="L2", expires_on=day(40)))[0] == 303
    assert (await level(parts, shop, LOAF, "S367")).quality == 2
    with counted_statements() as statements:
        told = said((await owner.get(f"/lots?sku={LOAF}")).text)
    assert len(statements) <= 10
    for words in ("L1", "Expires too soon", "L2", "May be sold", "5 days left for the buyer"):
        assert words in told, words
    assert "Expires too soon" in said((await owner.get(f"/stock/{LOAF}")).text)
    await owner.submit("/store/here", "/store/here", {"location": store})
    assert f"Take these off the shelf {LOAF} (L1)" in said((await owner.get("/store")).text)
    assert "L1" in (await owner.get(f"/lots?held=yes&location={store}")).text
    status, told = await change(owner, "adjust", location=store, lot="L2", quantity="100000")
    assert (status, "There are not so many units of this lot." in told) == (422, True)
    assert (await change(owner, "off", location=store, lot="L1", quantity="2", note="stale"))[0] == 303
    assert (await level(parts, shop, LOAF, "S367")).quality == 0
    assert (await change(owner, "block", lot="L2", note="mould"))[0] == 303
    told = said((await owner.get(f"/lots/orders?sku={LOAF}&lot=L2")).text)
    assert "Recalled" in told
    assert "mould" in told
    assert "Nobody has got it" in told
    assert (await change(owner, "unblock", lot="L2"))[0] == 303
    actions = [one.action for one in await audited(parts)]
    assert actions[:6] == ["lot.unblock", "lot.block", "lot.off", "lot.name", "lot.name", "lot.terms"]
    await owner.get("/preferences/language?to=fr&next=/orders")
    assert "Se vend" in said((await owner.get(f"/lots?sku={LOAF}")).text)


async def test_a_delivery_says_its_lot(owner: Staff, parts: Services, shop: Shop) -> None:
    store, form = place(shop, "S367"), "/stock-changes/receive"
    assert "Expires on" not in (await owner.get(f"{form}?sku={LOAF}&location={store}")).text
    assert (await change(owner, "terms", tracks="lot", left="0", transit="1"))[0] == 303
    assert "Expires on" in (await owner.get(f"{form}?sku={LOAF}&location={store}")).text
    given = {"sku": LOAF, "location": store, "quantity": "6", "lot": "N7", "expires_on": day(20)}
    answer = await owner.submit(f"{form}?sku={LOAF}&location={store}", form, given)
    assert answer.status_code == 303, said(answer.text)
    async with parts.database.read() as reader:
        (one,) = (await lots.find(reader, ShelfFilter(sku=LOAF))).items
    assert (one.code, one.on_hand, one.held) == ("N7", 6, 0)


async def test_who_may_not_change_stock_only_looks(owner: Staff) -> None:
    visitor = await as_role(owner, "analyst")
    assert (await visitor.get("/lots")).status_code == 200
    assert (await visitor.get(f"/lots/changes/block?sku={LOAF}")).status_code == 403


async def test_the_picker_sees_what_expires_first_and_a_lot_finds_its_order(owner: Staff, parts: Services, shop: Shop) -> None:
    async with parts.database.read() as reader:
        found = await fulfilment.of_orders(reader, [OrderId(shop.orders["fresh"])])
    one = found[0]
    line = next(row for row in one.lines if row.quantity)
    today = datetime.now(UTC).date()
    async with parts.database.transaction() as tx:
        await lots.put_terms(tx, [Terms(line.sku, Tracks.LOT)])
        rows = [Named(line.sku, 1, "LATE", today + timedelta(days=60)), Named(line.sku, 1, "EARLY", today + timedelta(days=30))]
        await lots.name(tx, one.location_id, rows)
    page = said((await owner.get(f"/store/pick/{to_text('ful', one.id)}")).text)
    assert page.index("lot EARLY") < page.index("lot LATE")
    async with parts.database.transaction() as tx:
        await fulfilment.pick(tx, one.id, [LineUnits(line.line_no, 1)])
        await lots.pick(tx, one.id, line.line_no, "EARLY")
    told = (await owner.get(f"/lots/orders?sku={line.sku}&lot=EARLY")).text
    assert f"/orders/{to_text('ord', one.order_id)}" in told
