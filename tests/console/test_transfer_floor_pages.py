"""Transfers on the floor: picked by scan, packed and handed over; received by scan, with what is otherwise than was sent."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

from comptoir.kernel.ids import to_text
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import ProductDraft, Unit, VariantDraft
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Quantity, Transfer, TransferFilter, TransferId, TransferLine, TransferState
from comptoir.surfaces.console.pages.store_desk import COOKIE
from comptoir.surfaces.services import Services
from support.back_office import as_role, audited, level, said
from support.console import Shop, Staff, counted_statements, fields_of, worker
from support.consumers import drained

LOAF, COFFEE, SHAMPOO, BANANAS = "840361", "995242", "883404", "1082185"
ORIGIN, TARGET = "S406", "S367"


async def planned(parts: Services, shop: Shop, **more: int) -> TransferId:
    wanted = {LOAF: 3, COFFEE: 2} | {f"{sku}": units for sku, units in more.items()}
    async with parts.database.transaction() as tx:
        lines = [Quantity(sku, units) for sku, units in wanted.items()]
        for one in lines:
            await inventory.receive(tx, shop.locations[ORIGIN], [Quantity(one.sku, 20)])
        return (await inventory.create_transfer(tx, shop.locations[ORIGIN], shop.locations[TARGET], lines)).id


async def sent(parts: Services, shop: Shop) -> TransferId:
    transfer_id = await planned(parts, shop)
    async with parts.database.transaction() as tx:
        await inventory.send_transfer(tx, transfer_id)
    return transfer_id


async def now(parts: Services, transfer_id: TransferId) -> Transfer:
    async with parts.database.read() as reader:
        return await inventory.transfer(reader, transfer_id)


def stand(owner: Staff, shop: Shop, code: str) -> None:
    owner.client.cookies.set(COOKIE, to_text("loc", shop.locations[code]))


def page_of(kind: str, transfer_id: TransferId) -> str:
    return f"/store/{kind}/{to_text('trf', transfer_id)}"


def tone(text: str) -> tuple[str, str]:
    found = re.search(r'data-tone="(\w+)" data-words="([^"]*)"', text)
    assert found, text[:800]
    return found[1], found[2]


class Floor:
    """A phone that stands somewhere and scans."""

    def __init__(self, staff: Staff, page: str) -> None:
        self.staff, self.page, self.keys = staff, page, iter(range(1, 1000))

    async def scan(self, code: str, **more: str) -> tuple[str, str]:
        text = (await self.staff.get(self.page)).text
        fields = fields_of(text, f"{self.page}/scan") | {"_key": f"{next(self.keys):032x}", "code": code} | more
        return tone((await self.staff.send(f"{self.page}/scan", fields, x_scan="yes")).text)

    async def press(self, step: str, **values: str) -> str:
        answer = await self.staff.submit(self.page, f"{self.page}/{step}", values)
        assert answer.status_code == 303, said(answer.text)
        return answer.headers["location"]


# Sending


async def test_a_store_sees_what_it_is_to_send_picks_packs_and_hands_it_over(owner: Staff, parts: Services, shop: Shop) -> None:
    transfer_id = await planned(parts, shop)
    stand(owner, shop, ORIGIN)
    assert "Transfers to send" in (await owner.get("/store")).text
    with counted_statements() as statements:
        listed = (await owner.get("/store/transfers")).text
    assert len(statements) <= 12
    page = page_of("transfers", transfer_id)
    assert page in listed
    assert "5 units" in listed
    with counted_statements() as statements:
        await owner.get(page)
    assert len(statements) <= 14
    floor = Floor(owner, page)
    for _ in range(2):
        assert (await floor.scan(LOAF))[0] == "good"
    assert (await now(parts, transfer_id)).lines[0].picked == 2
    assert (await floor.scan(SHAMPOO))[0] == "bad"
    assert (await floor.scan("nobody"))[0] == "bad"
    await floor.press("undo", sku=LOAF, quantity="1")
    assert (await floor.scan(LOAF))[0] == "good"
    assert (await floor.scan(LOAF))[0] == "good"
    over = await floor.scan(LOAF)
    assert (over[0], "Put this one back" in over[1]) == ("bad", True)
    await floor.press("lack", sku=COFFEE, quantity="1", why="not_found")
    aside = await level(parts, shop, COFFEE, ORIGIN)
    assert (aside.quality, aside.damaged) == (1, 0), "what was not found is promised to nobody"
    assert await floor.scan(COFFEE) == ("good", "Everything is picked.")
    assert await floor.press("pack", boxes="2", carrier="Shuttle", tracking="T-1") == page
    packed = await now(parts, transfer_id)
    assert (packed.boxes, packed.carrier, packed.tracking_number, packed.packed_at is None) == (2, "Shuttle", "T-1", False)
    before = await level(parts, shop, LOAF, ORIGIN)
    assert await floor.press("send") == "/store/transfers"
    gone = await now(parts, transfer_id)
    assert (gone.state, [(line.sku, line.quantity, line.short) for line in gone.lines]) == (
        TransferState.IN_TRANSIT,
        [(LOAF, 3, 0), (COFFEE, 1, 1)],
    )
    assert (await level(parts, shop, LOAF, ORIGIN)).on_hand == before.on_hand - 3
    await drained(parts.database, worker(parts))
    async with parts.database.read() as reader:
        tasks = await fulfilment.count_tasks(reader, shop.locations[ORIGIN])
    assert [(one.sku, one.units, one.reason) for one in tasks if one.sku == COFFEE] == [(COFFEE, 1, "not_found")]
    assert [entry.action for entry in (await audited(parts))[:3]] == ["transfer.send", "transfer.pack", "transfer.lack"]


# Receiving


async def test_each_scan_counts_one_and_what_is_wrong_is_asked(owner: Staff, parts: Services, shop: Shop) -> None:
    transfer_id = await sent(parts, shop)
    stand(owner, shop, TARGET)
    before = {sku: await level(parts, shop, sku, TARGET) for sku in (LOAF, COFFEE, SHAMPOO)}
    listed = (await owner.get("/store/receive")).text
    page = page_of("arriving", transfer_id)
    assert page in listed
    floor = Floor(owner, page)
    with counted_statements() as statements:
        await owner.get(page)
    assert len(statements) <= 15
    for _ in range(3):
        assert (await floor.scan(LOAF))[0] == "good"
    many = await floor.scan(LOAF)
    assert (many[0], "not counted" in many[1]) == ("bad", True)
    wrong = await floor.scan(SHAMPOO)
    assert (wrong[0], "not on this transfer" in wrong[1]) == ("bad", True)
    asked = await owner.get(f"{page}?ask={SHAMPOO}")
    assert "Take it in" in asked.text
    answer = await owner.submit(f"{page}?ask={SHAMPOO}", f"{page}/on-top", {})
    assert answer.status_code == 303
    assert (await floor.scan(SHAMPOO))[0] == "good", "it was said once that it comes"
    assert (await floor.scan(COFFEE))[0] == "good"
    await floor.press("damaged", sku=COFFEE, quantity="1", reason="wet")
    assert (await level(parts, shop, LOAF, TARGET)) == before[LOAF], "nothing moves until it is taken in"
    finish = await owner.get(f"{page}/take-in")
    text = said(finish.text)
    assert "What is missing" in text
    assert "On top of what was sent" in text
    assert "Damaged: not to be sold" in text
    done = await owner.submit(f"{page}/take-in", f"{page}/take-in", {f"fate:{COFFEE}": "never_sent"})
    assert done.headers["location"] == "/store/receive"
    after = await now(parts, transfer_id)
    assert after.state is TransferState.RECEIVED
    assert {line.sku: (line.received, line.unsent, line.surplus, line.damaged) for line in after.lines} == {
        LOAF: (3, 0, 0, 0),
        COFFEE: (1, 1, 0, 1),
        SHAMPOO: (2, 0, 2, 0),
    }
    coffee = await level(parts, shop, COFFEE, TARGET)
    assert (coffee.on_hand, coffee.damaged) == (before[COFFEE].on_hand + 1, before[COFFEE].damaged + 1)
    await drained(parts.database, worker(parts))
    async with parts.database.read() as reader:
        tasks = await fulfilment.count_tasks(reader, shop.locations[ORIGIN])
        assert (await inventory.audit(reader)).clean
    assert {(one.sku, one.units, one.reason) for one in tasks} >= {(COFFEE, 1, "never_sent"), (SHAMPOO, 0, "surplus")}
    stand(owner, shop, ORIGIN)
    assert "never sent" in said((await owner.get("/store/counts")).text)


async def test_several_people_scan_at_once_and_none_loses_a_scan(owner: Staff, parts: Services, shop: Shop) -> None:
    async with parts.database.transaction() as tx:
        await inventory.receive(tx, shop.locations[ORIGIN], [Quantity(LOAF, 40)])
        made = await inventory.create_transfer(tx, shop.locations[ORIGIN], shop.locations[TARGET], [Quantity(LOAF, 40)])
        await inventory.send_transfer(tx, made.id)

    async def scan(_: int) -> None:
        async with parts.database.transaction() as tx:
            await inventory.tally_transfer(tx, made.id, LOAF)

    await asyncio.gather(*(scan(n) for n in range(30)))
    async with parts.database.read() as reader:
        (row,) = await inventory.tallies(reader, made.id)
    assert (row.units, (await now(parts, made.id)).version) == (30, made.version + 1)


async def test_a_scan_that_is_sent_twice_counts_once(owner: Staff, parts: Services, shop: Shop) -> None:
    transfer_id = await sent(parts, shop)
    stand(owner, shop, TARGET)
    page = page_of("arriving", transfer_id)
    fields = fields_of((await owner.get(page)).text, f"{page}/scan") | {"_key": "e" * 32, "code": LOAF}
    for _ in range(3):
        assert tone((await owner.send(f"{page}/scan", fields, x_scan="yes")).text)[0] == "good"
    async with parts.database.read() as reader:
        assert [row.units for row in await inventory.tallies(reader, transfer_id)] == [1]


async def test_what_is_decided_is_only_about_what_was_seen(owner: Staff, parts: Services, shop: Shop) -> None:
    transfer_id = await sent(parts, shop)
    stand(owner, shop, TARGET)
    page = page_of("arriving", transfer_id)
    floor = Floor(owner, page)
    assert (await floor.scan(LOAF))[0] == "good"
    form = fields_of((await owner.get(f"{page}/take-in")).text, f"{page}/take-in")
    assert (await floor.scan(LOAF))[0] == "good"
    late = await owner.send(f"{page}/take-in", form | {f"fate:{LOAF}": "lost"})
    assert (late.status_code, "scanned of it meanwhile" in said(late.text)) == (422, True)
    assert (await now(parts, transfer_id)).state is TransferState.IN_TRANSIT
    part = await owner.submit(f"{page}/take-in", f"{page}/take-in", {})
    assert part.status_code == 303
    after = await now(parts, transfer_id)
    assert (after.state, [line.open for line in after.lines]) == (TransferState.PARTLY_RECEIVED, [1, 2])


async def test_a_phone_keeps_the_transfers_of_its_store(owner: Staff, parts: Services, shop: Shop) -> None:
    leaving, arriving = await planned(parts, shop), await sent(parts, shop)
    for code, page in ((ORIGIN, page_of("transfers", leaving)), (TARGET, page_of("arriving", arriving))):
        stand(owner, shop, code)
        pages = (await owner.get("/store/kept")).json()["pages"]
        assert page in pages
        async with parts.database.transaction() as tx:
            if code == ORIGIN:
                await inventory.pick_transfer(tx, leaving, LOAF)
            else:
                await inventory.tally_transfer(tx, arriving, LOAF)
        assert (await owner.get("/store/kept")).json()["pages"][page] != pages[page]


# The office


async def test_what_is_late_is_waited_for_decided_and_found(owner: Staff, parts: Services, shop: Shop) -> None:
    transfer_id = await sent(parts, shop)
    href = f"/transfers/{to_text('trf', transfer_id)}"
    async with parts.database.transaction() as tx:
        await tx.run("UPDATE inventory.transfers SET sent_at = sent_at - interval '9 days'")
        late = await inventory.find_transfers(tx, TransferFilter(late_on=tx.now.date()))
        assert [one.id for one in late.items] == [transfer_id]
        day = (tx.now + timedelta(days=3)).date().isoformat()
    assert "This transfer is late" in said((await owner.get(href)).text)
    told = said((await owner.get("/operations")).text)
    assert "Late transfers" in told
    await owner.submit(f"{href}/expect", f"{href}/expect", {"expected_on": day})
    assert "This transfer is late" not in said((await owner.get(href)).text)
    nothing = await owner.submit(f"{href}/settle", f"{href}/settle", {})
    assert nothing.status_code == 422
    await owner.submit(f"{href}/settle", f"{href}/settle", {f"line:{LOAF}": "2", f"fate:{LOAF}": "lost"})
    lines = {line.sku: line for line in (await now(parts, transfer_id)).lines}
    assert lines[LOAF] == TransferLine(LOAF, 3, missing=2)
    await owner.submit(f"{href}/found", f"{href}/found", {f"line:{LOAF}": "1"})
    lines = {line.sku: line for line in (await now(parts, transfer_id)).lines}
    assert lines[LOAF] == TransferLine(LOAF, 3, received=1, missing=1)


async def test_whoever_may_not_move_stock_only_looks(owner: Staff, parts: Services, shop: Shop) -> None:
    leaving, arriving = await planned(parts, shop), await sent(parts, shop)
    analyst = await as_role(owner, "analyst")
    for code, page in ((ORIGIN, page_of("transfers", leaving)), (TARGET, page_of("arriving", arriving))):
        stand(analyst, shop, code)
        text = (await analyst.get(page)).text
        assert "data-scans" not in text
        token = re.search(r'data-store="([0-9a-f]+)"', text)
        assert token is not None
        assert (await analyst.send(f"{page}/scan", {"_token": token[1], "code": LOAF})).status_code == 403


async def test_a_transfer_is_found_by_its_number_where_it_is_worked_on(owner: Staff, parts: Services, shop: Shop) -> None:
    leaving, coming = await planned(parts, shop), await sent(parts, shop)
    numbers = {key: (await now(parts, key)).number for key in (leaving, coming)}
    for code, key, page in (
        (ORIGIN, leaving, page_of("transfers", leaving)),
        (TARGET, coming, page_of("arriving", coming)),
        (ORIGIN, coming, f"/transfers/{to_text('trf', coming)}"),
    ):
        stand(owner, shop, code)
        assert (await owner.get(f"/store/find?q=t{numbers[key]}")).headers["location"] == page
    stand(owner, shop, "S381")
    assert (await owner.get(f"/store/find?q=T{numbers[coming]}")).status_code == 200


async def test_what_is_weighed_is_picked_and_counted_by_its_weight(owner: Staff, parts: Services, shop: Shop) -> None:
    async with parts.database.transaction() as tx:
        ham = VariantDraft(sku="HAM", unit=Unit.THOUSANDTH)
        await catalogue.upsert(tx, [ProductDraft(code="HAM", names={"en": "Ham"}, variants=(ham,))])
        await inventory.receive(tx, shop.locations[ORIGIN], [Quantity("HAM", 5000)])
        made = await inventory.create_transfer(tx, shop.locations[ORIGIN], shop.locations[TARGET], [Quantity("HAM", 2000)])
    stand(owner, shop, ORIGIN)
    floor = Floor(owner, page_of("transfers", made.id))
    assert (await floor.scan("HAM"))[0] == "warn"
    assert (await floor.scan("HAM", weight="1.250"))[0] == "good"
    assert (await floor.scan("HAM", weight="1.250"))[0] == "bad", "that is more than is to leave"
    await floor.press("pack", boxes="1")
    await floor.press("send")
    stand(owner, shop, TARGET)
    floor = Floor(owner, page_of("arriving", made.id))
    assert (await floor.scan("HAM"))[0] == "warn"
    assert (await floor.scan("HAM", weight="1,25")) == ("good", "Everything is here.")
    done = await owner.submit(floor.page, f"{floor.page}/take-in", {})
    assert done.status_code == 303
    (line,) = (await now(parts, made.id)).lines
    assert (line.quantity, line.short, line.received) == (1250, 750, 1250)
