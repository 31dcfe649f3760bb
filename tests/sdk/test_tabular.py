"""Files of rows, opened without being told how they are written."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comptoir.sdk.tabular import DateOrder, Options, Progress, Undecided, UnreadableFile, open_table, survey

HEADER = ("sku", "nom du produit", "prix")
ROWS = [
    ("A-1", "thé vert", "1,50"),
    ("B-2", "café; crème", "2,00"),
    ("C-3", 'écran 15"', "3,25"),
    ("D-4", "deux\nlignes", "4,00"),
]


def render(rows: Sequence[Sequence[str]], separator: str = ",", quoting: int = csv.QUOTE_MINIMAL, end: str = "\r\n") -> str:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=separator, quoting=quoting, lineterminator=end).writerows(rows)  # pyright: ignore[reportArgumentType]
    return out.getvalue()


def write(folder: Path, content: str | bytes, name: str = "file.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_encoding_and_separator_are_found(tmp_path: Path, encoding: str, separator: str, end: str) -> None:
    table = open_table(write(tmp_path, render([HEADER, *ROWS], separator, end=end).encode(encoding)))
    assert table.header == HEADER
    assert table.dialect.separator == separator
    assert [tuple(row.cells.values()) for row in table.rows()] == ROWS
    assert [row.line for row in table.rows()] == [2, 3, 4, 5]


def test_a_byte_of_cp1252_far_into_the_file_decides_its_encoding(tmp_path: Path) -> None:
    content = b"sku,name\n" + b"A,plain\n" * 400_000 + "B,crème\n".encode("cp1252")
    table = open_table(write(tmp_path, content))
    assert table.dialect.encoding == "cp1252"
    last = list(table.rows())[-1]
    assert (last.line, last.cells) == (400_002, {"sku": "B", "name": "crème"})


def test_a_gzipped_file_reads_as_the_plain_one(tmp_path: Path) -> None:
    plain = render([HEADER, *ROWS], ";")
    table = open_table(write(tmp_path, gzip.compress(plain.encode("cp1252")), "file.csv.gz"))
    assert [tuple(row.cells.values()) for row in table.rows()] == ROWS
    assert table.dialect.compressed


def test_physical_lines_are_told_through_quoted_newlines_and_blank_lines(tmp_path: Path) -> None:
    table = open_table(write(tmp_path, '\n\nsku,name\nA,"one\ntwo\nthree"\n\nB,four\n'))
    assert [(row.line, row.cells["sku"]) for row in table.rows()] == [(4, "A"), (8, "B")]


def test_a_title_above_the_header_and_excels_own_separator_line_are_passed_over(tmp_path: Path) -> None:
    assert open_table(write(tmp_path, "Orders of March\n\nsku,name\nA,x\n", "a.csv")).header == ("sku", "name")
    assert open_table(write(tmp_path, "sep=;\nsku;name\nA;x,y\n", "b.csv")).header == ("sku", "name")


def test_repeated_and_empty_names_of_columns_are_told_apart(tmp_path: Path) -> None:
    table = open_table(write(tmp_path, "sku, SKU ,,name\nA,B,C,D\n"))
    assert table.header == ("sku", "SKU (2)", "column 3", "name")


def test_ragged_rows(tmp_path: Path) -> None:
    rows = list(open_table(write(tmp_path, "a,b,c\n1,2\n1,2,3,4\n1,2,3,,\n")).rows())
    assert [bool(row.problem) for row in rows] == [False, True, False]
    assert "4 cells" in rows[1].problem
    assert rows[0].cells == {"a": "1", "b": "2"}


def test_a_row_with_nul_bytes_is_a_problem_of_that_row_alone(tmp_path: Path) -> None:
    rows = list(open_table(write(tmp_path, b"a,b\n1,x\x00y\n2,z\n")).rows())
    assert [bool(row.problem) for row in rows] == [True, False]


def test_a_quote_that_never_ends_does_not_swallow_the_file_in_memory(tmp_path: Path) -> None:
    lines = "".join(f"{number},value\n" for number in range(400_000))
    rows = list(open_table(write(tmp_path, f'a,b\n1,"never closed\n{lines}')).rows())
    assert "cannot be told apart" in rows[0].problem
    assert rows[-1].cells["a"] == "399999"


def test_bare_quotes_of_tab_separated_files_are_characters(tmp_path: Path) -> None:
    table = open_table(write(tmp_path, 'sku\tname\nA\t15" screen\nB\t"Best" mug\nC\tplain\n'))
    assert [row.cells["name"] for row in table.rows()] == ['15" screen', '"Best" mug', "plain"]


def test_our_own_remarks_are_not_read_back(tmp_path: Path) -> None:
    table = open_table(write(tmp_path, "a,comptoir_line,b,comptoir_reason\n1,7,2,why\n"))
    assert table.header == ("a", "b")
    assert next(table.rows()).cells == {"a": "1", "b": "2"}


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b"\n\n  \n", "no header"),
        (b"PK\x03\x04....", "workbook"),
        (b"PAR1xxxx", "damaged"),
        (b"\x1f\x8bxxxxxxxxxx", "gzip"),
    ],
)
def test_what_is_no_table_is_refused_with_advice(tmp_path: Path, content: bytes, word: str) -> None:
    with pytest.raises(UnreadableFile, match=word) as refusal:
        open_table(write(tmp_path, content))
    assert refusal.value.data["advice"]


def test_a_header_alone_is_a_file_without_rows(tmp_path: Path) -> None:
    table = open_table(write(tmp_path, "sku,name\n"))
    assert table.header == ("sku", "name")
    assert not list(table.rows())


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile):
        open_table(tmp_path / "nothing.csv")


def test_parquet_cells_are_text_that_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file.parquet"
    columns = {
        "price": [6.95, 0.001, None],
        "count": pa.array([1, None, 3], pa.int64()),
        "at": pa.array([1_259_653_500_000_000, None, 0], pa.timestamp("us")),
        "name": ["a", None, "ç"],
    }
    pq.write_table(pa.table(columns), path)
    table = open_table(path)
    assert [(row.line, list(row.cells.values())) for row in table.rows()] == [
        (2, ["6.95", "1", "2009-12-01T07:45:00.000000", "a"]),
        (3, ["0.001", "", "", ""]),
        (4, ["", "3", "1970-01-01T00:00:00.000000", "ç"]),
    ]
    assert table.written == {"name"}


def test_progress_ends_at_the_whole(tmp_path: Path) -> None:
    table = open_table(write(tmp_path, "a,b\n" + "1,2\n" * 10_000))
    seen: list[Progress] = []
    list(table.rows(None, seen.append))
    assert seen[-1].done == seen[-1].total == (tmp_path / "file.csv").stat().st_size
    assert [step.done for step in seen] == sorted(step.done for step in seen)


def test_what_is_unclear_must_be_set_and_then_is_taken_as_set(tmp_path: Path) -> None:
    table = open_table(write(tmp_path, "sum;day\n1,234;03/04/2026\n"))
    with pytest.raises(Undecided) as refusal:
        survey(table, ["sum"], ["day"], Options(decimal=","))
    assert refusal.value.data["setting"] == "date_order"
    with pytest.raises(Undecided) as refusal:
        survey(table, ["sum"], ["day"], Options(date_order=DateOrder.DAY_FIRST))
    assert refusal.value.data["setting"] == "decimal"
    conventions = survey(table, ["sum"], ["day"], Options(decimal=",", date_order=DateOrder.DAY_FIRST))
    assert (conventions.mark("sum"), conventions.date_order) == (",", DateOrder.DAY_FIRST)


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\ufffd", exclude_categories=("Cs",)), max_size=12)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(CELL, min_size=3, max_size=3), max_size=12).filter(lambda rows: all(any(row) for row in rows)),
    st.sampled_from([",", ";", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_whatever_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], separator: str, encoding: str
) -> None:
    path = tmp_path_factory.mktemp("any") / "file.csv"
    path.write_bytes(render([["one", "two", "three"], *rows], separator, csv.QUOTE_ALL).encode(encoding))
    table = open_table(path, Options(separator=separator))
    assert [list(row.cells.values()) for row in table.rows()] == rows
