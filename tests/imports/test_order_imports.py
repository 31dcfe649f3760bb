"""Files of orders into the order book: every row accounted for, once, whatever happens in the middle."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from comptoir.kernel.errors import Refusal
from comptoir.modules.customers import api as customers
from comptoir.modules.customers.contracts import Identity
from comptoir.modules.imports import api as imports
from comptoir.modules.imports.contracts import ImportKind, RunState
from comptoir.modules.imports.errors import TakenOver
from comptoir.modules.orders import api as orders
from comptoir.runtime.database import Context, Database, Tx
from comptoir.sdk.orderfiles import RejectedRow, Settled, UnknownLayout
from comptoir.surfaces.imports import (
    ImportRequest,
    Report,
    hash_of,
    open_importer,
    preview,
    run_import,
    write_rejections,
)
from comptoir.surfaces.imports.orders import OrderImporter
from comptoir.surfaces.imports.reading import Chunk
from imports.conftest import Import
from support import uci

_COUNTS = """
SELECT (SELECT count(*) FROM orders.orders), (SELECT count(*) FROM orders.lines), (SELECT count(*) FROM catalogue.products),
  (SELECT count(*) FROM customers.customers), (SELECT count(*) FROM channels.channels), (SELECT count(*) FROM imports.runs),
  (SELECT count(*) FROM runtime.events), (SELECT count(*) FROM inventory.entries), (SELECT count(*) FROM locations.locations)
"""


async def _counts(database: Database) -> tuple[int, ...]:
    async with database.read() as reader:
        row = await reader.row(_COUNTS)
    assert row is not None
    return tuple(row)


async def _book(database: Database) -> tuple[int, int, int]:
    """Orders, lines and the net of all of them."""
    async with database.read() as reader:
        row = await reader.row(
            "SELECT (SELECT count(*) FROM orders.orders), (SELECT count(*) FROM orders.lines), "
            "(SELECT coalesce(sum(total), 0)::bigint FROM orders.orders)"
        )
    assert row is not None
    return row[0], row[1], row[2]


async def test_an_empty_house_takes_a_file_and_makes_what_it_needs(
    database: Database, do_import: Import, tmp_path: Path
) -> None:
    rows = uci.orders(60)
    run = await do_import(ImportKind.ORDERS, uci.write(tmp_path / "year.csv", rows))
    report = Report.from_json(run.report)
    assert (run.state, run.layout, run.position, run.size) == (RunState.DONE, "uci", 180, 180)
    assert (report.rows, report.taken, report.outcomes, report.net) == (180, 180, {"created": 60}, {"GBP": uci.net(rows)})
    assert report.prepared == ["market gb", "location main", "stock pool everywhere", "channel uci"]
    assert report.made == {"products": 50}
    assert report.tags == {"cancellation": 6}
    assert report.facets["customers"] == {"distinct": len({r[6] for r in rows} - {""}), "blank_rows": 24}
    assert await _book(database) == (60, 180, uci.net(rows))
    async with database.read() as reader:
        assert await customers.known_by(reader, Identity("channel:uci", "12001")) is not None
        assert await reader.value("SELECT count(*) FROM inventory.entries") == 0


async def test_the_same_file_again_changes_nothing_in_the_book(database: Database, do_import: Import, tmp_path: Path) -> None:
    path = uci.write(tmp_path / "year.csv", uci.orders(30))
    await do_import(ImportKind.ORDERS, path)
    before = await _book(database)
    again = Report.from_json((await do_import(ImportKind.ORDERS, path)).report)
    assert (again.outcomes, again.made, again.prepared) == ({"known": 30}, {}, [])
    assert await _book(database) == before


async def test_a_dry_run_tells_what_would_happen_and_changes_nothing(database: Database, tmp_path: Path) -> None:
    rows = [*uci.orders(30), uci.row("600001", quantity=0)]
    request = ImportRequest(kind=ImportKind.ORDERS, files=(str(uci.write(tmp_path / "year.csv", rows)),))
    before = await _counts(database)
    found = await preview(database, await open_importer(request))
    assert await _counts(database) == before
    assert (found.report.rows, found.report.taken, found.report.rejected) == (91, 90, {"zero_quantity": 1})
    assert found.report.net == {"GBP": uci.net(rows)}
    assert found.report.unknown_skus == {one[1] for one in uci.orders(30)}
    assert [row.row.line for row in found.rejected] == [92]


async def test_a_dry_run_names_the_orders_that_are_known_and_those_that_would_change(
    database: Database, do_import: Import, tmp_path: Path
) -> None:
    path = tmp_path / "year.csv"
    request = ImportRequest(kind=ImportKind.ORDERS, files=(str(path),))
    uci.write(path, [uci.row("500001"), uci.row("500002"), uci.row("500003")])
    empty = (await preview(database, await open_importer(request))).report
    assert (empty.outcomes, empty.foreseen) == ({"created": 3}, {})
    await do_import(ImportKind.ORDERS, path)
    later = "2010-01-05 10:00:00"
    uci.write(path, [uci.row("500001"), uci.row("500002", at=later), uci.row("500003"), uci.row("500004")])
    before = await _counts(database)
    found = (await preview(database, await open_importer(request))).report
    assert await _counts(database) == before
    assert found.outcomes == {"known": 2, "updated": 1, "created": 1}
    assert found.foreseen == {"known": ["500001", "500003"], "updated": ["500002"]}
    assert Report.from_json(found.to_json()).foreseen == found.foreseen
    done = await do_import(ImportKind.ORDERS, path)
    assert (done.report["outcomes"], done.report["foreseen"]) == (found.outcomes, {})


@pytest.mark.parametrize(("many", "surveyed"), [(6, True), (7, False)])
async def test_after_many_rows_the_planner_knows_of_them(
    database: Database, do_import: Import, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, many: int, surveyed: bool
) -> None:
    monkeypatch.setattr("comptoir.surfaces.imports.running._MANY", many)
    await do_import(ImportKind.ORDERS, uci.write(tmp_path / "year.csv", uci.orders(2)))
    async with database.read() as reader:
        rows = await reader.value("SELECT reltuples FROM pg_class WHERE oid = 'orders.lines'::regclass")
    assert rows == (6 if surveyed else -1)


async def test_an_import_is_done_though_the_planner_cannot_be_told(
    database: Database, do_import: Import, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("comptoir.surfaces.imports.running._MANY", 1)
    async with database.connection() as connection:
        await connection.execute("BEGIN; LOCK TABLE locations.locations IN SHARE UPDATE EXCLUSIVE MODE")
        monkeypatch.setattr("comptoir.runtime.database.SURVEY", "SET statement_timeout = 50; ANALYZE locations.locations")
        run = await do_import(ImportKind.ORDERS, uci.write(tmp_path / "year.csv", uci.orders(2)))
        await connection.execute("ROLLBACK")
    assert run.state is RunState.DONE


async def test_what_was_rejected_is_corrected_and_imported(database: Database, do_import: Import, tmp_path: Path) -> None:
    rows = [*uci.orders(5), uci.row("600001", quantity=0), uci.row("600001", "22424"), uci.row("600002", at="soon")]
    run = await do_import(ImportKind.ORDERS, uci.write(tmp_path / "year.csv", rows))
    report = Report.from_json(run.report)
    assert (report.rows, report.taken) == (18, 15)
    assert report.rejected == {"zero_quantity": 1, "order_incomplete": 1, "bad_date": 1}
    importer = await open_importer(ImportRequest(kind=ImportKind.ORDERS, files=(str(tmp_path / "year.csv"),)))
    async with database.read() as reader:
        written = await write_rejections(reader, run.id, tmp_path / "rejected.csv", importer.headers)
    assert written == [tmp_path / "rejected.csv"]
    text = written[0].read_text("utf-8-sig").splitlines()
    assert len(text) == 4
    assert text[0].endswith('"comptoir_line","comptoir_reason","comptoir_advice"')
    corrected = "\n".join(text).replace('"0"', '"2"').replace('"soon"', '"2010-02-01 09:00:00"')
    (tmp_path / "corrected.csv").write_text(corrected, "utf-8")
    again = Report.from_json((await do_import(ImportKind.ORDERS, tmp_path / "corrected.csv")).report)
    assert (again.rows, again.taken, again.rejected, again.outcomes) == (3, 3, {}, {"created": 2})
    assert (await _book(database))[:2] == (7, 18)


@pytest.mark.parametrize("stop_at", [0, 1, 3])
async def test_an_import_that_dies_goes_on_and_comes_out_the_same(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: int
) -> None:
    monkeypatch.setattr("comptoir.surfaces.imports.orders._ROWS", 30)
    rows = uci.orders(60)
    request = ImportRequest(kind=ImportKind.ORDERS, files=(str(uci.write(tmp_path / "year.csv", rows)),))
    async with database.transaction() as tx:
        run = await imports.create(tx, request.draft(hash_of(request.paths)))

    class Dies(OrderImporter):
        done = 0

        async def apply(self, tx: Tx, chunk: Chunk[Settled], report: Report) -> Sequence[RejectedRow]:
            rejected = await super().apply(tx, chunk, report)
            if self.done == stop_at:  # its effects are written, and not committed
                raise asyncio.CancelledError
            self.done += 1
            return rejected

    with pytest.raises(asyncio.CancelledError):
        await run_import(database, run.id, Dies(request, lambda _: None), Context())
    async with database.read() as reader:
        stopped = await imports.get(reader, run.id)
    assert (stopped.state, stopped.position) == (RunState.WAITING, stop_at * 30)
    assert (await _book(database))[1] == stop_at * 30
    ended = await run_import(database, run.id, await open_importer(request), Context())
    report = Report.from_json(ended.report)
    assert (ended.state, report.rows, report.outcomes) == (RunState.DONE, 180, {"created": 60})
    assert (report.net, report.made) == ({"GBP": uci.net(rows)}, {"products": 50})
    assert await _book(database) == (60, 180, uci.net(rows))


async def test_two_processes_with_one_run_do_everything_once(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("comptoir.surfaces.imports.orders._ROWS", 12)
    rows = uci.orders(60)
    request = ImportRequest(kind=ImportKind.ORDERS, files=(str(uci.write(tmp_path / "year.csv", rows)),))
    async with database.transaction() as tx:
        run = await imports.create(tx, request.draft(hash_of(request.paths)))
    importers = [await open_importer(request), await open_importer(request)]
    ends = await asyncio.gather(
        *(run_import(database, run.id, importer, Context()) for importer in importers), return_exceptions=True
    )
    taken_over = [end for end in ends if isinstance(end, TakenOver)]
    assert len(taken_over) == 1
    assert await _book(database) == (60, 180, uci.net(rows))


async def test_an_order_that_breaks_is_rejected_alone(database: Database, tmp_path: Path) -> None:
    rows = uci.orders(20)
    request = ImportRequest(kind=ImportKind.ORDERS, files=(str(uci.write(tmp_path / "year.csv", rows)),))
    async with database.transaction() as tx:
        run = await imports.create(tx, request.draft(hash_of(request.paths)))

    class Picky(OrderImporter):
        async def apply(self, tx: Tx, chunk: Chunk[Settled], report: Report) -> Sequence[RejectedRow]:
            rejected = await super().apply(tx, chunk, report)
            if any("500013" in str(item.outcomes) for _, item in chunk.items):
                raise Refusal("thirteen")
            return rejected

    ended = await run_import(database, run.id, Picky(request, lambda _: None), Context())
    report = Report.from_json(ended.report)
    assert (report.rows, report.taken, report.rejected) == (60, 57, {"not_recorded": 3})
    assert (await _book(database))[:2] == (19, 57)
    async with database.read() as reader:
        found = await imports.rejections(reader, run.id)
    assert [row.cells["Invoice"] for row in found.items] == ["500013"] * 3


async def test_with_stock_what_was_shipped_leaves_and_corrections_are_booked_once(
    database: Database, do_import: Import, tmp_path: Path
) -> None:
    rows = [
        uci.row("500001", "A1", 3),
        uci.row("C500002", "A1", -1),
        uci.row("500003", "A1", -20, "0", name="damaged", customer=""),
        uci.row("500004", "B2", 5, "0", name="found", customer=""),
    ]
    path = uci.write(tmp_path / "year.csv", rows)
    first = await do_import(ImportKind.ORDERS, path, moves_stock=True)
    again = await do_import(ImportKind.ORDERS, path, moves_stock=True)
    assert first.report["adjusted"] == again.report["adjusted"] == 2
    assert (first.report["made"], again.report["made"]) == ({"products": 2, "stock_corrections": 2}, {})
    async with database.read() as reader:
        levels = await reader.rows("SELECT sku, on_hand FROM inventory.levels ORDER BY sku")
        causes = await reader.rows(
            "SELECT reason, on_hand, note FROM inventory.entries WHERE import_id = %(run)s ORDER BY seq", {"run": first.id}
        )
    assert [tuple(level) for level in levels] == [("A1", -22), ("B2", 5)]
    assert [tuple(cause) for cause in causes] == [
        ("lost", -20, "uci 500003: damaged"),
        ("found", 5, "uci 500004: found"),
    ]


async def test_an_unknown_sku_becomes_a_product_only_when_somebody_wants_it(
    database: Database, do_import: Import, tmp_path: Path
) -> None:
    path = uci.write(tmp_path / "year.csv", [uci.row("500001", "A1"), uci.row("500002", "B2")])
    run = await do_import(ImportKind.ORDERS, path, create_products=False)
    assert run.report["made"] == {}
    async with database.read() as reader:
        assert await reader.value("SELECT count(*) FROM catalogue.variants") == 0
        found = await orders.counts_of_exceptions(reader)
    assert "unknown_sku" in str(found)


async def test_a_file_that_no_layout_reads_is_refused_before_a_run_begins(database: Database, tmp_path: Path) -> None:
    (tmp_path / "odd.csv").write_text("colour,shape\nred,round\n")
    with pytest.raises(UnknownLayout) as refusal:
        await open_importer(ImportRequest(kind=ImportKind.ORDERS, files=(str(tmp_path / "odd.csv"),)))
    assert "uci" in refusal.value.data["layouts"]  # type: ignore[operator]
