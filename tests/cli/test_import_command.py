"""`comptoir import`: what it prints, what it writes, how it ends."""

from __future__ import annotations

from pathlib import Path

import psycopg

from cli.conftest import Command
from support import uci


def test_rejected_rows_come_in_a_file_beside_and_the_command_ends_with_1(comptoir: Command, tmp_path: Path) -> None:
    path = uci.write(tmp_path / "year.csv", [*uci.orders(4), uci.row("600001", quantity=0)])
    ended = comptoir("import", "orders", path)
    assert ended.code == 1
    assert "year.csv: 13 rows, all accounted for." in ended.out
    assert "rows rejected: zero quantity: 1" in ended.out
    assert "14\tQuantity is zero.\tCorrect the quantity, or leave the row out." in ended.out
    rejected = tmp_path / "year.rejected.csv"
    assert f"All of them are in {rejected}" in ended.out
    rejected.write_text(rejected.read_text("utf-8-sig").replace('"0"', '"3"'), "utf-8")
    again = comptoir("import", "orders", rejected)
    assert (again.code, "orders created: 1" in again.out) == (0, True)


def test_a_dry_run_says_so_and_writes_only_the_report_that_was_asked_for(
    comptoir: Command, tmp_path: Path, database_url: str
) -> None:
    path = uci.write(tmp_path / "year.csv", [*uci.orders(4), uci.row("600001", quantity=0)])
    before = sorted(tmp_path.iterdir())
    ended = comptoir("import", "orders", path, "--dry-run")
    assert ended.code == 1
    assert "A dry run: nothing was changed." in ended.out
    assert "net: " in ended.out
    assert sorted(tmp_path.iterdir()) == before
    comptoir("import", "orders", path, "--dry-run", "--report", tmp_path / "r.csv")
    assert (tmp_path / "r.csv").read_text("utf-8-sig").count("\n") == 2
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM imports.runs").fetchone() == (0,)


def test_the_same_file_goes_through_again_only_when_it_is_asked_to(comptoir: Command, tmp_path: Path) -> None:
    path = uci.write(tmp_path / "year.csv", uci.orders(4))
    assert "orders created: 4" in comptoir("import", "orders", path).out
    assert comptoir("import", "orders", path).out.startswith("Nothing to do")
    assert "orders known: 4" in comptoir("import", "orders", path, "--again").out


def test_a_dry_run_says_which_orders_are_known(comptoir: Command, tmp_path: Path) -> None:
    path = uci.write(tmp_path / "year.csv", uci.orders(8)[:21])
    comptoir("import", "orders", path)
    told = comptoir("import", "orders", uci.write(path, uci.orders(8)), "--dry-run").out
    assert "orders known: 7" in told
    assert "orders created: 1" in told
    assert "known already, nothing would change: 500001, 500002, 500003, 500004, 500005, …" in told


def test_what_reads_in_two_ways_is_asked(comptoir: Command, tmp_path: Path) -> None:
    path = uci.write(tmp_path / "year.csv", [uci.row("500001", at="03/04/2010 10:00", price="1,234")])
    ended = comptoir("import", "orders", path)
    assert ended.code == 1
    assert "Nothing was imported. Say how they are meant" in ended.err
    told = comptoir("import", "orders", path, "--dates", "day-first", "--decimal", "comma", "--dry-run")
    assert (told.code, "net: 1.23 GBP" in told.out) == (0, True)


def test_a_file_that_is_none_is_told(comptoir: Command, tmp_path: Path) -> None:
    (tmp_path / "odd.csv").write_text("colour,shape\nred,round\n")
    (tmp_path / "empty.csv").touch()
    for line, words in (
        (("orders", tmp_path / "nowhere.csv"), "does not exist"),
        (("orders", tmp_path / "odd.csv"), "Say which it is with --layout: amazon,"),
        (("orders", tmp_path / "empty.csv"), "is empty. Export it again."),
        (("stock", tmp_path / "odd.csv"), "sku may be called sku, reference"),
        (("orders",), "name the file to import"),
        (("orders", tmp_path / "odd.csv", "--currency", "EURO", "--time-zone", "Mars"), "--time-zone"),
    ):
        ended = comptoir("import", *line)
        assert (ended.code, ended.out) == (1, ""), ended
        assert words in ended.err


def test_plain_files_are_imported_one_after_the_other(comptoir: Command, tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text("code,name,country,time_zone\nPAR,Paris,FR,Europe/Paris\n")
    (tmp_path / "p.csv").write_text("sku,name,price\nA,Apple,1.20\n")
    (tmp_path / "s.csv").write_text("sku,location,on_hand\nA,PAR,12\n")
    assert "locations created: 1" in comptoir("import", "locations", tmp_path / "l.csv").out
    assert "products created: 1" in comptoir("import", "products", tmp_path / "p.csv", "--currency", "EUR").out
    said = comptoir("import", "stock", tmp_path / "s.csv")
    assert ("levels created: 1" in said.out, "units: 12" in said.out, said.code) == (True, True, 0)
    (tmp_path / "s.csv").write_text("on_hand,sku,location\n3,NOPE,PAR\n")
    for more in ([], ["--dry-run"]):
        refused = comptoir("import", "stock", tmp_path / "s.csv", *more)
        assert (refused.code, "or say --create-products." in refused.out) == (1, True), refused
    assert '"on_hand","sku","location",' in (tmp_path / "s.rejected.csv").read_text("utf-8-sig")
    assert comptoir("import", "stock", tmp_path / "s.csv", "--create-products").code == 0
