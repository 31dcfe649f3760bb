"""A file of stock that says its lots: rows add up, and what is wrong with one row keeps its shelf as it was."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from comptoir.modules.imports import api as imports
from comptoir.modules.imports.contracts import ImportKind
from comptoir.modules.inventory import api as inventory
from comptoir.modules.lots import api as lots
from comptoir.modules.lots.contracts import ShelfFilter
from comptoir.runtime.database import Database
from comptoir.surfaces.imports import ImportRequest, Report, open_importer, preview
from imports.conftest import Import

PLACES = "code,name,kind,country,time_zone\nPAR1,Paris,store,FR,Europe/Paris\nLYS,Lyon,warehouse,FR,Europe/Paris\n"
GOODS = "sku,name,lots,shelf_life_left\nMILK,Milk,expiry,5\nSALT,Salt,,\n"
STOCK = """sku;location;on_hand;safety;lot;expires
MILK;PAR1;5;1;L1;05/12/2099
MILK;PAR1;3;;L2;2099-12-09
MILK;PAR1;2;;;
MILK;LYS;4;;;31/12/2099
SALT;PAR1;9;;;
SALT;LYS;1;;L1;
MARS;LYS;1;;;
MILK;PAR9;1;;L1;
"""


def _written(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


async def _goods(do_import: Import, tmp_path: Path) -> None:
    await do_import(ImportKind.LOCATIONS, _written(tmp_path / "places.csv", PLACES))
    await do_import(ImportKind.PRODUCTS, _written(tmp_path / "goods.csv", GOODS))


async def _lying(database: Database) -> dict[tuple[str, str], tuple[int, date | None]]:
    async with database.read() as reader:
        found = (await lots.find(reader, ShelfFilter(), limit=200)).items
        assert await lots.audit(reader) == []
        assert (await inventory.audit(reader)).clean
        return {(one.sku, one.code): (one.on_hand, one.expires_on) for one in found}


async def test_rows_are_lots_and_add_up(database: Database, do_import: Import, tmp_path: Path) -> None:
    await _goods(do_import, tmp_path)
    path = _written(tmp_path / "s.csv", STOCK)
    foreseen = await preview(database, await open_importer(ImportRequest(kind=ImportKind.STOCK, files=(str(path),))))
    assert await _lying(database) == {}
    run = await do_import(ImportKind.STOCK, path)
    report = Report.from_json(run.report)
    assert (report.rows, report.taken) == (8, 5)
    assert report.rejected == foreseen.report.rejected == {"lots_not_asked": 1, "unknown_sku": 1, "unknown_location": 1}
    assert report.outcomes == {"created": 3, "units": 23}
    assert await _lying(database) == {
        ("MILK", "L1"): (5, date(2099, 12, 5)),
        ("MILK", "L2"): (3, date(2099, 12, 9)),
        ("MILK", "2099-12-31"): (4, date(2099, 12, 31)),
    }
    async with database.read() as reader:
        levels = {(row.level.on_hand, row.level.safety) for row in await inventory.levels_of_sku(reader, "MILK")}
        rejected = await imports.rejections(reader, run.id)
    assert levels == {(10, 1), (4, 0)}
    assert [(row.line, row.cells["lot"]) for row in rejected.items] == [(7, "L1"), (8, ""), (9, "L1")]


async def test_the_same_again_changes_nothing_and_another_file_what_lies_there(
    database: Database, do_import: Import, tmp_path: Path
) -> None:
    await _goods(do_import, tmp_path)
    path = _written(tmp_path / "s.csv", "sku,location,on_hand,lot,expires\nMILK,PAR1,5,L1,2099-12-05\nMILK,PAR1,3,L2,\n")
    await do_import(ImportKind.STOCK, path)
    async with database.read() as reader:
        before = await reader.value("SELECT count(*) FROM lots.entries")
    await do_import(ImportKind.STOCK, path)
    async with database.read() as reader:
        assert await reader.value("SELECT count(*) FROM lots.entries") == before
    wrong = "sku,location,on_hand,lot,expires\nMILK,PAR1,1,L1,2099-12-06\nMILK,PAR1,1,L3,\n"
    run = await do_import(ImportKind.STOCK, _written(tmp_path / "t.csv", wrong))
    assert run.report["rejected"] == {"lot_differs": 2}
    assert {code: units for (_, code), (units, _) in (await _lying(database)).items()} == {"L1": 5, "L2": 3}
    await do_import(
        ImportKind.STOCK, _written(tmp_path / "u.csv", "sku,location,on_hand,lot\nMILK,PAR1,2,L2\nMILK,PAR1,1,L4\n")
    )
    assert {code: units for (_, code), (units, _) in (await _lying(database)).items()} == {"L2": 2, "L4": 1}
