"""Products, stock and locations from plain files."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comptoir.connectors.plain import StockBatch, read_locations, read_products, read_stock, read_stock_batches
from comptoir.kernel.money import Currency
from comptoir.kernel.quantities import Sku
from comptoir.sdk.orderfiles import MissingColumns, RejectedRow
from comptoir.sdk.records import LocationRecord, ProductRecord, StockRecord
from comptoir.sdk.tabular import Options, open_table


def write(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "plain.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_products_are_read_in_a_french_spreadsheet(tmp_path: Path) -> None:
    head = "Référence;Nom;name_en;EAN;Catégorie;Prix;TVA;Marché;weight_g\r\n"
    text = head + "TH-1;Thé vert;Green tea;3017620422003;Épicerie / Thés;1 234,50 €;5,5;FR;100\r\n"
    (product,) = read_products(open_table(write(tmp_path, text, "cp1252")))
    assert product == ProductRecord(
        line=2,
        sku=Sku("TH-1"),
        name="Thé vert",
        names={"en": "Green tea"},
        gtin="3017620422003",
        category="Épicerie > Thés",
        price=123_450,
        currency=Currency("EUR"),
        tax_rate=Decimal("0.055"),
        market="FR",
        weight_g=100,
    )


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (",Mug,,1.00,EUR,20", "missing"),
        ("M,,,1.00,EUR,20", "missing"),
        ("M,Mug,3017620422004,1.00,EUR,20", "bad_gtin"),
        ("M,Mug,,1.00,,20", "unknown_currency"),
        ("M,Mug,,-1.00,EUR,20", "negative_price"),
        ("M,Mug,,cheap,EUR,20", "not_a_number"),
        ("M,Mug,,1.00,EUR,lots", "bad_tax_rate"),
        ("M,Mug,,1.00,EUR,20,too,many", "unreadable"),
    ],
)
def test_a_product_that_cannot_be_taken_says_why(tmp_path: Path, row: str, code: str) -> None:
    (rejected,) = read_products(
        open_table(write(tmp_path, f"sku,name,gtin,price,currency,tax_rate\n{row}\n"), Options(decimal=".")),
        Options(decimal="."),
    )
    assert isinstance(rejected, RejectedRow)
    assert (rejected.code, rejected.row.line) == (code, 2)
    assert rejected.advice


def test_locations_are_read_whole_and_by_their_least(tmp_path: Path) -> None:
    text = (
        "code,name,kind,address,postcode,city,country,latitude,longitude,time_zone,opening_hours,ships,pickup,returns,daily_capacity\n"
        'PAR,Paris,Store,1 rue X,75001,Paris,France,48.8566,2.3522,Europe/Paris,"Mo-Sa 10:00-19:00",yes,oui,0,250\n'
        "WH,Dépôt\n"
        "X,Nowhere,,,,,Atlantis\n"
        "Y,Far,,,,,FR,91.5,2.5\n"
    )
    paris, warehouse, atlantis, far = read_locations(open_table(write(tmp_path, text)))
    assert paris == LocationRecord(
        2, "PAR", "Paris", "store", "1 rue X", "75001", "Paris", "FR", Decimal("48.8566"), Decimal("2.3522"), "Europe/Paris",
        "Mo-Sa 10:00-19:00", True, True, False, 250,
    )  # fmt: skip
    assert warehouse == LocationRecord(3, "WH", "Dépôt")
    assert [rejected.code for rejected in (atlantis, far) if isinstance(rejected, RejectedRow)] == [
        "unknown_country",
        "bad_coordinate",
    ]


def test_a_location_has_somebody_whom_carriers_ask_for(tmp_path: Path) -> None:
    text = "code,name,responsable,téléphone,courriel\nPAR,Paris,Camille Roux,+33144000000,paris@example.com\n"
    (paris,) = read_locations(open_table(write(tmp_path, text)))
    assert isinstance(paris, LocationRecord)
    assert (paris.contact, paris.phone, paris.email) == ("Camille Roux", "+33144000000", "paris@example.com")


def test_missing_columns_are_refused_before_the_first_row(tmp_path: Path) -> None:
    with pytest.raises(MissingColumns):
        read_stock(open_table(write(tmp_path, "sku,on_hand\nA,1\n")))


def flat(path: Path) -> list[StockRecord | RejectedRow]:
    """The batches as rows in the order of the file."""
    rows: list[StockRecord | RejectedRow] = []
    for part in read_stock_batches(open_table(path, Options(separator="|")), Options(decimal=".")):
        rows.extend(part.records() if isinstance(part, StockBatch) else [part])
    return sorted(rows, key=lambda row: row.line if isinstance(row, StockRecord) else row.row.line)


CELLS = st.sampled_from(
    ["A-1", " B 2 ", "", "é", "x" * 90, "12", "0", "-3", "1.5", "7.0", "1000000001", "12 000", "abc", "\t", '"', "a\u200bb"]
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.lists(CELLS, min_size=1, max_size=6).map("|".join), max_size=20), st.booleans(), st.sampled_from(["\n", "\r\n"])
)
def test_both_ways_through_a_stock_file_give_the_same(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], marked: bool, end: str
) -> None:
    head = "sku|location|on_hand|safety"
    path = write(tmp_path_factory.mktemp("stock"), end.join([head, *lines, "Z|L|5|1"]), "utf-8-sig" if marked else "utf-8")
    assert flat(path) == list(read_stock(open_table(path, Options(separator="|")), Options(decimal=".")))


def test_a_large_stock_file_keeps_its_lines_over_many_blocks(tmp_path: Path) -> None:
    count = 300_000
    lines = [f"SKU-{n:07d},LOC-{n % 7},{n % 1000},some words to fill the block" for n in range(count)]
    lines[150_000], lines[299_999] = "SKU,LOC", "SKU,LOC,x,y"
    path = write(tmp_path, "sku,location,on_hand,remark\n" + "\n".join(lines) + "\n")
    batches, rejected = [], []
    for part in read_stock_batches(open_table(path)):
        (batches if isinstance(part, StockBatch) else rejected).append(part)
    assert len(batches) > 1
    assert sum(len(batch) for batch in batches) == count - 2
    assert [row.row.line for row in rejected] == [150_002, 300_001]
    for batch in batches:
        first, last = next(batch.records()), list(batch.records())[-1]
        for record in (first, last):
            assert record.sku == f"SKU-{record.line - 2:07d}"
