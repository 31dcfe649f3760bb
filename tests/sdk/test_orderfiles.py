"""The engine that reads order files through a layout, on a layout made for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comptoir.kernel.money import Currency
from comptoir.sdk.orderfiles import (
    Facet,
    Field,
    FieldKind,
    Mapper,
    MissingColumns,
    OrderFile,
    Record,
    RejectedRow,
    Setting,
    Settled,
    SkippedRow,
    TakenOrder,
    Tally,
    UnknownLayout,
    choose_layout,
    header_score,
    order_total,
    order_version,
    reconcile,
    share_discount,
    share_tax,
)
from comptoir.sdk.orders import ChannelLine, ChannelOrder, LineKind
from comptoir.sdk.rejects import RejectWriter
from comptoir.sdk.tabular import DateOrder, Options, Progress, Undecided, open_table

EUR = Currency("EUR")
FIRST, LAST = (datetime(year, 1, 1) for year in (1970, 2100))  # noqa: DTZ001 - Hypothesis wants them naive


@dataclass(frozen=True, slots=True)
class Notebook:
    """order; day; sku; price, one row per unit."""

    name: str = "notebook"
    label: str = "A notebook"
    time_zone: str = "Europe/Paris"
    fields: tuple[Field, ...] = (
        Field("order", ("order", "commande"), required=True),
        Field("day", ("day", "jour"), FieldKind.DATE, required=True),
        Field("sku", ("sku",), required=True),
        Field("price", ("price", "prix"), FieldKind.NUMBER, required=True),
    )
    facets: tuple[Facet, ...] = (Facet("skus", "sku"),)

    def detect(self, header: Sequence[str]) -> float:
        return header_score(self.fields, header)

    def key(self, record: Record) -> str:
        return record.text("order")

    def mapper(self, setting: Setting) -> Mapper:
        return _notebook_order


def _notebook_order(records: Sequence[Record]) -> Sequence[TakenOrder]:
    placed = records[0].needed_time("day")
    lines = tuple(
        ChannelLine(LineKind.ITEM, record.needed("sku"), 1, record.amount("price", EUR), sku=record.needed("sku"))
        for record in records
    )
    order = ChannelOrder(records[0].needed("order"), order_version(placed), placed, EUR, lines)
    return [TakenOrder(order, tuple(record.row for record in records))]


def write(folder: Path, text: str) -> Path:
    path = folder / "notebook.csv"
    path.write_text(text, encoding="utf-8")
    return path


def read(path: Path, options: Options | None = None, *, after: int = 0, max_held: int = 100_000) -> list[Settled]:
    return list(OrderFile(Notebook(), [open_table(path)], options or Options(), max_held=max_held).settle(after))


def orders(settled: Sequence[Settled]) -> list[ChannelOrder]:
    return [outcome.order for one in settled for outcome in one.outcomes if isinstance(outcome, TakenOrder)]


def rejected(settled: Sequence[Settled]) -> list[RejectedRow]:
    return [outcome for one in settled for outcome in one.outcomes if isinstance(outcome, RejectedRow)]


def test_rows_of_an_order_are_brought_together_from_all_over_the_file(tmp_path: Path) -> None:
    path = write(
        tmp_path, "order,day,sku,price\n1,2026-01-01,A,1.00\n2,2026-01-01,B,2.00\n1,2026-01-01,C,3.00\n3,2026-01-01,D,4.00\n"
    )
    settled = read(path)
    assert [
        (one.position, order.external_id, len(order.lines)) for one, order in zip(settled, orders(settled), strict=True)
    ] == [
        (2, "2", 1),
        (3, "1", 2),
        (4, "3", 1),
    ]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 8), min_size=1, max_size=60), st.integers(1, 20), st.integers(0, 60))
def test_order_memory_and_resumption_do_not_change_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, keys: list[int], max_held: int, after: int
) -> None:
    lines = "".join(f"{key},2026-01-01,S{number},{number}.50\n" for number, key in enumerate(keys))
    path = write(tmp_path_factory.mktemp("any"), "order,day,sku,price\n" + lines)
    whole = read(path)
    assert read(path, max_held=max_held) == whole
    assert read(path, after=after) == [one for one in whole if one.position > after]
    assert sorted(
        row.line for one in whole for outcome in one.outcomes if isinstance(outcome, TakenOrder) for row in outcome.rows
    ) == list(range(2, len(keys) + 2))
    assert [one.position for one in whole] == sorted({one.position for one in whole})
    assert len(orders(whole)) == len(set(keys))


def test_one_bad_row_rejects_its_whole_order_and_no_other(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "order,day,sku,price\n1,2026-01-01,A,1.00\n1,2026-01-01,B,much\n2,2026-01-01,C,3.00\n,,,\n3,2026-02-30,D,1.00\n",
    )
    settled = read(path)
    assert [order.external_id for order in orders(settled)] == ["2"]
    assert [(row.row.line, row.code) for row in rejected(settled)] == [
        (2, "order_incomplete"),
        (3, "not_a_number"),
        (6, "bad_date"),
    ]
    assert "price" in rejected(settled)[1].reason
    assert [outcome.code for one in settled for outcome in one.outcomes if isinstance(outcome, SkippedRow)] == ["blank"]


def test_rejected_rows_can_be_corrected_and_imported_again(tmp_path: Path) -> None:
    path = write(
        tmp_path, 'order,day,sku,price\n1,2026-01-01,=A+1,1.00\n1,2026-01-01,"B, ""x""",1.2.3.4\n2,2026-01-01,@C,3.00\n'
    )
    table, again = open_table(path), tmp_path / "rejected.csv"
    with RejectWriter(again, table.header) as writer:
        for row in rejected(read(path)):
            writer.write(row)
    assert writer.count == 2
    again.write_text(again.read_text(encoding="utf-8-sig").replace("1.2.3.4", "2.00"), encoding="utf-8-sig")
    (order,) = orders(read(again))
    assert [(line.sku, line.amount) for line in order.lines] == [("=A+1", 100), ('B, "x"', 200)]


def test_no_file_is_made_when_nothing_is_rejected(tmp_path: Path) -> None:
    with RejectWriter(tmp_path / "rejected.csv", ("a",)) as writer:
        pass
    assert writer.count == 0
    assert not (tmp_path / "rejected.csv").exists()


def test_a_file_of_rejected_rows_is_continued_after_a_crash(tmp_path: Path) -> None:
    path = write(tmp_path, "order,day,sku,price\n1,2026-01-01,A,x\n2,2026-01-01,B,y\n")
    first, second = rejected(read(path))
    for row, append in ((first, False), (second, True)):
        with RejectWriter(tmp_path / "rejected.csv", ("order", "day", "sku", "price"), append=append) as writer:
            writer.write(row)
    assert [row.cells["sku"] for row in open_table(tmp_path / "rejected.csv").rows()] == ["A", "B"]


def test_dates_are_decided_on_the_whole_file_or_must_be_set(tmp_path: Path) -> None:
    head = "commande;jour;SKU;prix\n"
    unclear = "1;03/04/2026;A;1,50\n"
    with pytest.raises(Undecided) as refusal:
        read(write(tmp_path, head + unclear * 3))
    assert refusal.value.data == {"setting": "date_order", "choices": list(DateOrder), "example": "03/04/2026"}
    (order, *_) = orders(read(write(tmp_path, head + unclear + "2;13/04/2026;A;1,50\n")))
    assert (order.placed_at.isoformat(), order.lines[0].amount) == ("2026-04-02T22:00:00+00:00", 150)
    (order,) = orders(read(write(tmp_path, head + unclear), Options(date_order=DateOrder.MONTH_FIRST)))
    assert order.placed_at.isoformat() == "2026-03-03T23:00:00+00:00"


def test_missing_columns_are_named(tmp_path: Path) -> None:
    with pytest.raises(MissingColumns) as refusal:
        read(write(tmp_path, "order,sku\n1,A\n"))
    assert refusal.value.data["columns"] == {"day": ["day", "jour"], "price": ["price", "prix"]}


def test_a_layout_is_chosen_by_the_header_in_any_order_and_case() -> None:
    assert choose_layout([Notebook()], [" PRIX", "Sku", "JOUR ", "Commande", "more"]) == Notebook()
    with pytest.raises(UnknownLayout):
        choose_layout([Notebook()], ["a", "b"])


def test_progress_runs_through_both_readings(tmp_path: Path) -> None:
    path = write(tmp_path, "order,day,sku,price\n" + "".join(f"{n},2026-01-01,A,1.00\n" for n in range(5_000)))
    seen: list[Progress] = []
    file = OrderFile(Notebook(), [open_table(path)], watch=seen.append)
    tally = Tally()
    for settled in file.settle():
        tally.add(settled)
    shares = [step.done / step.total for step in seen]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert (tally.rows, tally.ordered_rows, tally.net["EUR"], file.rows, file.groups) == (5_000, 5_000, 500_000, 5_000, 5_000)
    assert file.facets["skus"].values == {"A"}


LINES = st.lists(
    st.builds(ChannelLine, st.just(LineKind.ITEM), st.just("x"), st.integers(1, 9), st.integers(0, 100_000), st.just("X")),
    min_size=1,
    max_size=8,
)


@given(LINES, st.integers(0, 1000), st.integers(0, 1000), st.booleans(), st.integers(-500, 500))
def test_shared_sums_lose_nothing_and_the_stated_total_holds(
    lines: list[ChannelLine], discount: int, tax: int, tax_included: bool, difference: int
) -> None:
    worth = sum(line.amount for line in lines)
    shared = share_tax(share_discount(lines, discount), tax, "VAT")
    assert sum(part.amount for line in shared for part in line.discounts) == discount
    assert sum(part.amount for line in shared for part in line.taxes) == tax
    stated = worth - discount + (0 if tax_included else tax) + difference
    whole, cautions = reconcile(shared, stated, EUR, tax_included=tax_included)
    now = open_order(whole, tax_included=tax_included)
    assert order_total(now) == stated
    assert bool(cautions) == bool(difference)


def open_order(lines: Sequence[ChannelLine], *, tax_included: bool) -> ChannelOrder:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return ChannelOrder("1", order_version(at), at, EUR, tuple(lines), tax_included=tax_included)


@given(
    st.lists(
        st.tuples(st.datetimes(FIRST, LAST), st.integers(0, 10**12)),
        min_size=2,
        max_size=2,
        unique=True,
    )
)
def test_versions_sort_as_text_by_time_then_step(changes: list[tuple[datetime, int]]) -> None:
    stamped = sorted((at.replace(microsecond=0, tzinfo=UTC), step) for at, step in changes)
    versions = [order_version(at, step=step) for at, step in stamped]
    assert versions == sorted(versions)
