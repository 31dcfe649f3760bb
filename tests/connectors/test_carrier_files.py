"""Carriers that are spoken to by files: parcels out, numbers and scans in, every row accounted for."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.connectors.carrierfile import EXPORT_COLUMNS, FileCarrier
from comptoir.kernel.money import Currency, Money
from comptoir.sdk.carriers import Label, LabelRequest
from comptoir.sdk.orderfiles import MissingColumns, RejectedRow
from comptoir.sdk.tabular import Options, Undecided, open_table
from comptoir.sdk.tracking import TrackingStatus, TrackingUpdate, status_of
from support.carrier_rigs import indian

S = TrackingStatus
EUR = Currency("EUR")
CARRIER = FileCarrier({"LIV": S.DELIVERED, "Enlevé ": S.PICKED_UP})


def write(folder: Path, text: str) -> Path:
    path = folder / "back.csv"
    path.write_text(text)
    return path


def parcel(name: str = "Rohan Das", phone: str = "+91 99887 76655") -> LabelRequest:
    recipient = msgspec.structs.replace(indian().recipient, name=name, phone=phone)
    shipment = replace(indian(), recipient=recipient, collect=Money(150_000, Currency("INR")))
    return LabelRequest(reference="ORD-1", shipment=shipment, service="parcel")


def rows_of(data: bytes) -> list[dict[str, str]]:
    assert data.startswith(b"\xef\xbb\xbf"), "spreadsheets want to be told"
    return list(csv.DictReader(StringIO(data.decode("utf-8-sig"), newline="")))


def test_parcels_go_out_with_all_that_the_carrier_needs() -> None:
    (row,) = rows_of(CARRIER.export([parcel()]))
    assert tuple(row) == EXPORT_COLUMNS
    assert (row["reference"], row["service"], row["weight_g"], row["length_mm"]) == ("ORD-1", "parcel", "1868", "513")
    assert (row["to_name"], row["to_line2"], row["to_phone"]) == ("Rohan Das", "Green Apartments", "+91 99887 76655")
    assert (row["from_city"], row["collect"], row["currency"]) == ("Surat", "1500.00", "INR")
    assert (row["contents"], row["ready_at"]) == ("1 x Cotton T-Shirt", "2026-03-02T10:00:00+00:00")


@pytest.mark.parametrize("name", ['=HYPERLINK("http://x")', "@SUM(A1)", "+1+cmd|' /C calc'!A0", "-2+3", "\tx"])
def test_a_buyers_name_does_not_become_a_formula(name: str) -> None:
    (row,) = rows_of(CARRIER.export([parcel(name)]))
    assert row["to_name"] == f"'{name}"


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"), max_size=40))
def test_whatever_a_name_is_the_rows_stay_whole(name: str) -> None:
    first, second = rows_of(CARRIER.export([parcel(name), parcel()], separator=","))
    assert first["to_name"].removeprefix("'") == name.removeprefix("'")
    assert (first["reference"], second["to_name"]) == ("ORD-1", "Rohan Das")


def test_numbers_come_back_row_by_row(tmp_path: Path) -> None:
    text = (
        "Référence;Numéro de suivi;Prix;Transporteur\n"
        "ORD-1;6A12345678901;12,50 €;Lumen\n"
        "ORD-2;;1,00 €;Lumen\n"
        "ORD-3;6A3;gratuit;Lumen\n"
        "ORD-4;6A4;;\n"
        ";6A5;;\n"
        "ORD-6;6A6;-1,00 €;\n"
    )
    rows = list(CARRIER.labels(open_table(write(tmp_path, text))))
    assert rows[0] == Label(
        reference="ORD-1", tracking_number="6A12345678901", shipment_id="6A12345678901", service="", carrier="Lumen",
        cost=Money(1_250, EUR),
    )  # fmt: skip
    assert [row.code for row in rows if isinstance(row, RejectedRow)] == [
        "missing", "unknown_currency", "missing", "negative_cost",
    ]  # fmt: skip
    assert isinstance(rows[3], Label)
    assert rows[3].cost is None


def test_scans_come_back_in_the_carriers_words_and_in_local_time(tmp_path: Path) -> None:
    text = (
        "tracking_number,status,date,city,livraison prévue\n"
        "6A1,liv,2026-03-04 23:30,Lyon,\n"
        "6A1,enlevé,2026-03-02 18:05,Paris,2026-03-04\n"
        "6A1,in_transit,2026-03-03 02:00,Dijon,\n"
        "6A1,ZZZ,2026-03-03 03:00,Dijon,\n"
        "6A1,liv,someday,Lyon,\n"
    )
    rows = list(CARRIER.scans(open_table(write(tmp_path, text)), Options(time_zone="Europe/Paris")))
    updates = [row for row in rows if isinstance(row, TrackingUpdate)]
    scans = [scan for update in updates for scan in update.scans]
    assert [scan.status for scan in scans] == [S.DELIVERED, S.PICKED_UP, S.IN_TRANSIT, S.UNKNOWN]
    assert scans[0].at == datetime(2026, 3, 4, 22, 30, tzinfo=UTC)
    assert (scans[3].raw_code, scans[3].place) == ("ZZZ", "Dijon")
    assert status_of(scans) is S.DELIVERED
    assert updates[1].estimated_on == date(2026, 3, 4)
    (rejected,) = [row for row in rows if isinstance(row, RejectedRow)]
    assert (rejected.code, rejected.row.line) == ("bad_date", 6)


def test_dates_that_read_in_two_ways_are_asked_about(tmp_path: Path) -> None:
    path = write(tmp_path, "tracking,status,date\n6A1,liv,03/04/2026\n")
    with pytest.raises(Undecided):
        CARRIER.scans(open_table(path))
    assert CARRIER.scans(open_table(write(tmp_path, "tracking,status,date\n6A1,liv,13/04/2026\n6A2,liv,03/04/2026\n")))


def test_a_file_without_numbers_is_refused_as_a_whole(tmp_path: Path) -> None:
    with pytest.raises(MissingColumns):
        CARRIER.labels(open_table(write(tmp_path, "reference,price\nORD-1,1\n")))
