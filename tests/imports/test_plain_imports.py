"""Locations, products and stock from plain files."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from comptoir.connectors.plain import read_bins
from comptoir.kernel.ids import ActorId
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import ProductDraft, VariantDraft
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.imports import api as imports
from comptoir.modules.imports.contracts import ImportKind
from comptoir.modules.inventory import api as inventory
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import Closure, Closures, Interval, LocationKind
from comptoir.modules.lots import api as lots
from comptoir.modules.lots.contracts import Terms, Tracks
from comptoir.modules.pricing import api as pricing
from comptoir.runtime.database import Context, Database
from comptoir.sdk.tabular import Options, open_table
from comptoir.surfaces.imports import (
    ImportRequest,
    Report,
    execute,
    hash_of,
    open_importer,
    preview,
    write_rejections,
)
from comptoir.surfaces.imports.advice import UNKNOWN_SKU, Origin
from comptoir.surfaces.imports.hours import parse_hours
from imports.conftest import Import

LOCATIONS = """code;name;kind;city;country;latitude;longitude;time_zone;opening_hours;ships;pickup
PAR1;Paris Bastille;store;Paris;FR;48,8531;2,3691;Europe/Paris;Mo-Fr 10:00-19:30; oui;oui
LYS;Entrepôt Lyon;warehouse;Lyon;FR;45,7578;4,8320;Europe/Paris;;oui;non
BAD;Nowhere;store;;FR;;;Europe/Atlantis;;;
ODD;Odd;palace;;FR;;;Europe/Paris;;;
"""
PRODUCTS = """sku,name,name_fr,gtin,category,price,currency,tax_rate
MUG-R,Red mug,Mug rouge,4006381333931,Kitchen > Mugs,12.50,EUR,20
MUG-B,Blue mug,Mug bleu,,Kitchen > Mugs,12.90,EUR,20
VASE,Vase,,,,,,
MUG-X,Copy of the red mug,,4006381333931,,,,
BAD,Bad price,,,,abc,EUR,
"""


def _rewritten(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


async def _places(do_import: Import, tmp_path: Path) -> None:
    text = "code,name,kind,country,time_zone\nPAR1,Paris,store,FR,Europe/Paris\nLYS,Lyon,warehouse,FR,Europe/Paris\n"
    await do_import(ImportKind.LOCATIONS, _rewritten(tmp_path / "places.csv", text))


async def test_locations_are_made_and_bad_rows_say_why(database: Database, do_import: Import, tmp_path: Path) -> None:
    text = LOCATIONS.replace("19:30; oui", "19:30;oui")
    run = await do_import(ImportKind.LOCATIONS, _rewritten(tmp_path / "l.csv", text))
    report = Report.from_json(run.report)
    assert (report.rows, report.taken, report.outcomes) == (4, 2, {"created": 2})
    assert report.rejected == {"unknown_time_zone": 1, "not_valid": 1}
    async with database.read() as reader:
        paris = await locations.by_code(reader, "PAR1")
        reasons = [row.reason for row in (await imports.rejections(reader, run.id)).items]
    assert (paris.kind, paris.latitude, paris.pickup, paris.time_zone) == (LocationKind.STORE, 48.8531, True, "Europe/Paris")
    assert paris.opening_hours.days[0] == (Interval(600, 1170),)
    assert "Atlantis" in reasons[0]
    assert "palace" in reasons[1]


async def test_what_a_file_of_locations_does_not_say_stays(database: Database, do_import: Import, tmp_path: Path) -> None:
    await _places(do_import, tmp_path)
    run = await do_import(ImportKind.LOCATIONS, _rewritten(tmp_path / "l.csv", "code,name\nPAR1,Paris Bastille\nLYS,Lyon\n"))
    assert run.report["outcomes"] == {"changed": 1, "unchanged": 1}
    async with database.read() as reader:
        paris = await locations.by_code(reader, "PAR1")
    assert (paris.name, paris.country, paris.time_zone) == ("Paris Bastille", "FR", "Europe/Paris")


async def test_a_file_says_when_a_location_is_closed(database: Database, do_import: Import, tmp_path: Path) -> None:
    await _places(do_import, tmp_path)
    head, closed = "code,name,closed_on,public_holidays,open_on\n", "2027-01-04..2027-01-05 Stocktaking; 2027-05-07"
    await do_import(ImportKind.LOCATIONS, _rewritten(tmp_path / "l.csv", f"{head}PAR1,Paris,{closed},yes,05-08\n"))
    async with database.read() as reader:
        paris = await locations.by_code(reader, "PAR1")
    counting, bridge = Closure(date(2027, 1, 4), date(2027, 1, 5), "Stocktaking"), Closure(date(2027, 5, 7), date(2027, 5, 7))
    assert paris.opening_hours.closures == Closures((counting, bridge), "FR", ("05-08",))
    assert (paris.kind, paris.time_zone) == (LocationKind.STORE, "Europe/Paris"), "what the file does not say stays"
    run = await do_import(ImportKind.LOCATIONS, _rewritten(tmp_path / "m.csv", f"{head}PAR1,Paris,no,no,no\nLYS,Lyon,soon,,\n"))
    assert Report.from_json(run.report).rejected == {"not_valid": 1}
    async with database.read() as reader:
        assert (await locations.by_code(reader, "PAR1")).opening_hours.closures == Closures()


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("24/7", [[(0, 1440)]] * 7),
        ("Mo-Fr 09:00-12:00,14:00-18:00", [[(540, 720), (840, 1080)]] * 5 + [[], []]),
        ("Mo-Su 10:00-20:00; Su off", [[(600, 1200)]] * 6 + [[]]),
        ("Sa-Mo 08:00-09:00", [[(480, 540)], [], [], [], [], [(480, 540)], [(480, 540)]]),
        ("We,Fr 08:00-24:00", [[], [], [(480, 1440)], [], [(480, 1440)], [], []]),
    ],
)
def test_opening_hours_are_read(text: str, days: list[list[tuple[int, int]]]) -> None:
    assert [[(i.opens, i.closes) for i in day] for day in parse_hours(text).days] == days


@pytest.mark.parametrize("text", ["Mon 9-5", "whenever", "Mo 25:00-26:00", "Xx 10:00-11:00", "Mo 10:00"])
def test_other_opening_hours_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_hours(text)


async def test_products_come_with_prices_and_a_market_where_there_is_none(
    database: Database, do_import: Import, tmp_path: Path
) -> None:
    run = await do_import(ImportKind.PRODUCTS, _rewritten(tmp_path / "p.csv", PRODUCTS))
    report = Report.from_json(run.report)
    assert (report.rows, report.taken, report.outcomes) == (5, 3, {"created": 3})
    assert (report.rejected, report.made) == ({"gtin_taken": 1, "not_a_number": 1}, {"prices_created": 2})
    assert report.prepared == ["market fr"]
    async with database.read() as reader:
        mug = await catalogue.by_sku(reader, "MUG-R")
        prices = await pricing.prices(reader, "fr", ["MUG-R", "VASE"])
    assert (mug.name, mug.gtin) == ("Red mug", "4006381333931")
    assert {sku: (price.amount, price.tax_rate) for sku, price in prices.items()} == {"MUG-R": (1250, Decimal("0.2"))}


async def test_a_variant_keeps_its_product_and_what_the_file_does_not_say(
    database: Database, do_import: Import, tmp_path: Path
) -> None:
    async with database.transaction() as tx:
        variants = [VariantDraft(sku="T-S", options={"size": "S"}), VariantDraft(sku="T-M", options={"size": "M"})]
        await catalogue.create(tx, ProductDraft(code="T", names={"fr": "Chemise"}, brand="Nous", variants=variants))
    await do_import(
        ImportKind.PRODUCTS, _rewritten(tmp_path / "p.csv", "sku,name,category\nT-S,Shirt S,Shirts\nT-M,Shirt M,Shirts\n")
    )
    async with database.read() as reader:
        product = await catalogue.by_code(reader, "T")
    assert (product.names, product.brand, product.category) == ({"fr": "Chemise"}, "Nous", ("Shirts",))
    assert [(v.sku, v.name, v.options) for v in product.variants] == [
        ("T-M", "Shirt M", {"size": "M"}),
        ("T-S", "Shirt S", {"size": "S"}),
    ]


async def test_a_file_says_of_which_brand_products_are(database: Database, do_import: Import, tmp_path: Path) -> None:
    first = _rewritten(tmp_path / "p.csv", "sku,nom,marque\nT-S,Chemise,Nous\nT-M,Robe,\n")
    await do_import(ImportKind.PRODUCTS, first)
    await do_import(ImportKind.PRODUCTS, _rewritten(tmp_path / "q.csv", "sku,name,brand\nT-S,Shirt,\nT-M,Dress,Eux\n"))
    async with database.read() as reader:
        found = await catalogue.goods(reader, ["T-S", "T-M"])
        brands = await catalogue.brands(reader)
    assert ({sku: one.brand for sku, one in found.items()}, brands) == ({"T-S": "Nous", "T-M": "Eux"}, ["Eux", "Nous"])


GOODS = """sku,name,dangerous,lots,shelf_life_left
SPRAY,Hair spray,yes,lot,
CREAM,Cream,no,expiry,30
SOAP,Soap,,no,
ODD,Odd,perhaps,,
DAYS,Days,,,5
WORD,Word,,sometimes,
"""


async def test_products_say_whether_they_are_dangerous_and_have_lots(
    database: Database, do_import: Import, tmp_path: Path
) -> None:
    run = await do_import(ImportKind.PRODUCTS, _rewritten(tmp_path / "p.csv", GOODS))
    assert run.report["rejected"] == {"not_yes_or_no": 1, "days_without_lots": 1, "bad_lots": 1}
    assert Report.from_json(run.report).made == {"lot_terms": 2}
    skus = ["SPRAY", "CREAM", "SOAP"]
    async with database.read() as reader:
        goods, terms = await catalogue.goods(reader, skus), await lots.terms(reader, skus)
    assert [goods[sku].dangerous for sku in skus] == [True, False, False]
    assert terms == {"SPRAY": Terms("SPRAY", Tracks.LOT), "CREAM": Terms("CREAM", Tracks.EXPIRY, 30)}
    later = "sku,name,shelf_life_left,lots\nSPRAY,Hair spray,10,\nCREAM,Cream,,no\n"
    await do_import(ImportKind.PRODUCTS, _rewritten(tmp_path / "q.csv", later))
    async with database.read() as reader:
        assert (await catalogue.goods(reader, skus))["SPRAY"].dangerous, "what the file does not say stays"
        assert await lots.terms(reader, skus) == {"SPRAY": Terms("SPRAY", Tracks.LOT, 10)}


async def test_the_same_products_again_change_nothing(database: Database, do_import: Import, tmp_path: Path) -> None:
    path = _rewritten(tmp_path / "p.csv", PRODUCTS)
    await do_import(ImportKind.PRODUCTS, path)
    again = await do_import(ImportKind.PRODUCTS, path)
    assert (again.report["outcomes"], again.report["made"]) == ({"unchanged": 3}, {})


async def test_stock_is_set_and_unknown_rows_say_why(database: Database, do_import: Import, tmp_path: Path) -> None:
    await _places(do_import, tmp_path)
    await do_import(ImportKind.PRODUCTS, _rewritten(tmp_path / "p.csv", "sku,name\nA,A\nB,B\n"))
    text = "sku,location,on_hand,safety\nA,PAR1,5,1\nA,LYS,40,\nB,LYS,7,0\nC,LYS,1,\nA,NOWHERE,1,\nB,PAR1,many,\n"
    run = await do_import(ImportKind.STOCK, _rewritten(tmp_path / "s.csv", text))
    report = Report.from_json(run.report)
    assert (report.rows, report.taken, report.outcomes) == (6, 3, {"created": 3, "units": 52})
    assert report.rejected == {"unknown_sku": 1, "unknown_location": 1, "not_a_number": 1}
    async with database.read() as reader:
        rows = await inventory.levels_of_sku(reader, "A")
        causes = await reader.values("SELECT DISTINCT import_id FROM inventory.entries")
        rejected = await imports.rejections(reader, run.id)
    assert sorted((row.level.on_hand, row.level.safety) for row in rows) == [(5, 1), (40, 0)]
    assert causes == [run.id]
    assert [(row.line, row.cells["sku"]) for row in rejected.items] == [(5, "C"), (6, "A"), (7, "B")]


async def test_the_same_stock_again_changes_nothing_and_another_the_difference(
    database: Database, do_import: Import, tmp_path: Path
) -> None:
    await _places(do_import, tmp_path)
    await do_import(ImportKind.PRODUCTS, _rewritten(tmp_path / "p.csv", "sku,name\nA,A\n"))
    path = _rewritten(tmp_path / "s.csv", "sku,location,on_hand\nA,PAR1,5\nA,LYS,40\n")
    await do_import(ImportKind.STOCK, path)
    assert (await do_import(ImportKind.STOCK, path)).report["outcomes"] == {"unchanged": 2, "units": 45}
    other = await do_import(ImportKind.STOCK, _rewritten(path, "sku,location,on_hand\nA,PAR1,3\nA,LYS,40\n"))
    assert other.report["outcomes"] == {"changed": 1, "unchanged": 1, "units": 43}
    async with database.read() as reader:
        entries = await reader.values("SELECT on_hand FROM inventory.entries ORDER BY tx, seq")
    assert sorted(entries) == [-2, 5, 40]


async def test_stock_makes_products_when_it_may(database: Database, do_import: Import, tmp_path: Path) -> None:
    await _places(do_import, tmp_path)
    path = _rewritten(tmp_path / "s.csv", 'sku,location,on_hand\n"A",PAR1,5\n"B",LYS,40\n')
    run = await do_import(ImportKind.STOCK, path, create_products=True)
    assert (run.report["made"], run.report["rejected"]) == ({"products": 2}, {})
    async with database.read() as reader:
        assert await catalogue.known(reader, ["A", "B", "C"]) == {"A", "B"}


async def test_a_dry_run_of_stock_sees_the_same_rejections(database: Database, do_import: Import, tmp_path: Path) -> None:
    await _places(do_import, tmp_path)
    path = _rewritten(tmp_path / "s.csv", "sku,location,on_hand\nA,PAR1,5\nA,MARS,40\n")
    found = await preview(database, await open_importer(ImportRequest(kind=ImportKind.STOCK, files=(str(path),))))
    assert (found.report.rows, found.report.rejected) == (2, {"unknown_sku": 1, "unknown_location": 1})
    async with database.read() as reader:
        assert await reader.value("SELECT count(*) FROM inventory.levels") == 0


ORDER = "Comment,On hand,Location,SKU,Safety\n=1+1,4,PAR1,NOPE,2\n,many,LYS,A,\nshelf 3,7,MARS,A,\n,5,LYS,A,1\n"
"""In none of the orders that the importer, the alphabet or PostgreSQL would give."""


async def test_rejected_rows_keep_the_order_of_the_file_and_come_back_as_one(
    database: Database, do_import: Import, tmp_path: Path
) -> None:
    await _places(do_import, tmp_path)
    await do_import(ImportKind.PRODUCTS, _rewritten(tmp_path / "p.csv", "sku,name\nA,A\n"))
    path = _rewritten(tmp_path / "s.csv", ORDER)
    run = await do_import(ImportKind.STOCK, path)
    importer = await open_importer(ImportRequest(kind=ImportKind.STOCK, files=(str(path),)))
    async with database.read() as reader:
        rows = [row async for row in imports.stream_rejections(reader, run.id)]
        written = await write_rejections(reader, run.id, tmp_path / "rejected.csv", importer.headers)
    columns = ["Comment", "On hand", "Location", "SKU", "Safety"]
    found = [[column for column in row.cells if column in columns] for row in rows]
    assert found == [sorted(names, key=columns.index) for names in found]
    assert [(row.line, list(row.cells)) for row in rows if row.code != "not_a_number"] == [(2, columns[1:]), (4, columns[1:])]
    text = written[0].read_text("utf-8-sig").splitlines()
    assert text[0] == '"Comment","On hand","Location","SKU","Safety","comptoir_line","comptoir_reason","comptoir_advice"'
    assert [line.split(",")[1:5] for line in text[1:]] == [
        ['"4"', '"PAR1"', '"NOPE"', '"2"'], ['"many"', '"LYS"', '"A"', '""'], ['"7"', '"MARS"', '"A"', '""'],
    ]  # fmt: skip
    assert {line.rpartition('","')[2].rstrip('"') for line in text[1:2]} == {UNKNOWN_SKU[Origin.COMMAND]}
    corrected = "\n".join(text).replace("NOPE", "A").replace("many", "9").replace("MARS", "LYS")
    again = await do_import(ImportKind.STOCK, _rewritten(tmp_path / "corrected.csv", corrected))
    assert (again.report["taken"], again.report["rejected"]) == (3, {})


@pytest.mark.parametrize(
    ("actor", "origin"),
    [
        ("user:019a3b", Origin.CONSOLE),
        ("token:019a3b", Origin.API),
        ("system", Origin.COMMAND),
        ("channel:web", Origin.COMMAND),
        ("", Origin.COMMAND),
    ],
)
def test_whoever_starts_an_import_tells_where_from(actor: str, origin: Origin) -> None:
    assert Origin.of(actor) is origin


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize(
    ("actor", "words"),
    [("user:marie", "“Make products of unknown SKUs”"), ("token:till", "`create_products`"), ("system", "--create-products")],
)
async def test_what_to_do_about_an_unknown_sku_is_said_where_it_can_be_done(
    database: Database, do_import: Import, tmp_path: Path, actor: str, words: str, *, dry_run: bool
) -> None:
    await _places(do_import, tmp_path)
    path = _rewritten(tmp_path / "s.csv", "sku,location,on_hand\nNOPE,PAR1,5\nNOPE,MARS,5\n")
    request = ImportRequest(kind=ImportKind.STOCK, files=(str(path),), dry_run=dry_run)
    async with database.transaction(Context(ActorId(actor))) as tx:
        run = await imports.create(tx, request.draft(hash_of(request.paths)))
    await execute(database, run.id)
    async with database.read() as reader:
        rejected = (await imports.rejections(reader, run.id)).items
    assert [row.code for row in rejected] == ["unknown_sku", "unknown_location"]
    assert words in rejected[0].advice
    others = {"“Make products of unknown SKUs”", "`create_products`", "--create-products"} - {words}
    assert [other for other in others for row in rejected if other in row.advice] == []


async def test_postcodes_are_taken_also_as_the_post_office_writes_them(
    database: Database, do_import: Import, tmp_path: Path
) -> None:
    text = (
        "country,postcode,latitude,longitude,place\n"
        "FR,69002,45.76,4.83,Lyon\nBE,1000,50.85,4.35,\nXX,1,1,1,\nFR,1,95,0,\nFR,2,,,\n"
    )
    run = await do_import(ImportKind.POSTCODES, _rewritten(tmp_path / "p.csv", text))
    assert (run.report["taken"], run.report["rows"]) == (2, 5)
    post = (
        "Code_commune_INSEE;Nom_commune;Code_postal;Ligne_5;Libellé_d_acheminement;coordonnees_gps\n"
        "01002;L ABERGEMENT DE VAREY;01640;;L ABERGEMENT DE VAREY;46.009605679,5.428087796\n"
        "69382;LYON 02;69002;;LYON;45.748,4.826\n"
    )
    again = await do_import(ImportKind.POSTCODES, _rewritten(tmp_path / "hexasmal.csv", post))
    assert again.report["taken"] == 2
    async with database.read() as reader:
        assert await locations.place_of(reader, "FR", "69002") == (45.748, 4.826), "the later file counts"
        assert await locations.place_of(reader, "FR", "01640") == (46.009605679, 5.428087796)
        assert await locations.place_of(reader, "BE", "1000") == (50.85, 4.35)
        assert await locations.place_of(reader, "FR", "1") is None


async def test_bins_are_taken_with_their_zones_and_the_walk_goes_by_their_numbers(
    database: Database, do_import: Import, tmp_path: Path
) -> None:
    await _places(do_import, tmp_path)
    await do_import(ImportKind.PRODUCTS, _rewritten(tmp_path / "goods.csv", "sku,name\nA,Anise\nB,Basil\nC,Chili\n"))
    text = (
        "location;sku;bin;zone;sequence\n"
        "PAR1;A;A-1;DRY;30\nPAR1;B;Z-9;COLD;10\nPAR1;C;A-2;;\n"
        "PAR1;;Q-1;COLD;5\nNOWHERE;A;A-1;;\nPAR1;GONE;A-1;;\nPAR1;A;A-1;;minus\nPAR1;;;;\n"
    )
    path = _rewritten(tmp_path / "bins.csv", text)
    run = await do_import(ImportKind.BINS, path)
    assert run.report["rejected"] == {"unknown_location": 1, "unknown_sku": 1, "not_a_number": 1, "no_bin": 1}
    assert (run.report["taken"], run.report["rows"]) == (4, 8)
    assert run.report["outcomes"] == {"created": 3, "changed": 1}
    async with database.read() as reader:
        paris = (await locations.ids(reader, ["PAR1"]))["PAR1"]
        walk = await fulfilment.walk(reader, paris, ["A", "B", "C"])
        assert [(one.sku, one.bin, one.zone, one.sequence) for one in walk] == [
            ("B", "Z-9", "COLD", 10),
            ("A", "A-1", "DRY", 30),
            ("C", "A-2", "", None),
        ]
        exported = [row async for row in fulfilment.stream_bins(reader, [paris])]
    assert [(row.sku, row.bin, row.zone, row.sequence) for row in exported] == [
        ("A", "A-1", "DRY", 30),
        ("C", "A-2", "", None),
        ("", "Q-1", "COLD", 5),
        ("B", "Z-9", "COLD", 10),
    ]
    moved = "location,sku,bin,zone,sequence\nPAR1,A,,,\nPAR1,B,Z-9,,12\nPAR1,C,A-2,,\n"
    again = await do_import(ImportKind.BINS, _rewritten(tmp_path / "moved.csv", moved))
    assert again.report["outcomes"] == {"changed": 2, "unchanged": 1}
    async with database.read() as reader:
        assert await fulfilment.bins(reader, paris, ["A", "B", "C"]) == {"B": "Z-9", "C": "A-2"}
        (shelf,) = await fulfilment.walk(reader, paris, ["B"])
        assert (shelf.zone, shelf.sequence) == ("COLD", 12), "an empty cell leaves what is there"


async def test_a_dry_run_of_bins_changes_nothing(database: Database, do_import: Import, tmp_path: Path) -> None:
    await _places(do_import, tmp_path)
    await do_import(ImportKind.PRODUCTS, _rewritten(tmp_path / "goods.csv", "sku,name\nA,Anise\n"))
    path = _rewritten(tmp_path / "bins.csv", "location,sku,bin\nPAR1,A,A-1\nPAR1,NOPE,A-1\n")
    request = ImportRequest(kind=ImportKind.BINS, files=(str(path),), dry_run=True)
    found = await preview(database, await open_importer(request))
    assert (found.report.taken, [row.code for row in found.rejected]) == (1, ["unknown_sku"])
    async with database.read() as reader:
        assert await reader.value("SELECT count(*) FROM fulfilment.bins") == 0


async def test_the_sample_of_bins_reads_well() -> None:
    path = Path(__file__).parents[2] / "docs" / "samples" / "bins.csv"
    rows = list(read_bins(open_table(path, Options())))
    assert [type(row).__name__ for row in rows] == ["BinRecord"] * 4
