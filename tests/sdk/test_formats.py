"""Numbers, dates and currencies as people write them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.sdk.countries import country_code
from comptoir.sdk.tabular import DateOrder, DecimalMark, currency_in, parse_number, parse_time
from comptoir.sdk.tabular.formats import DateEvidence, NumberEvidence

PARIS, LONDON, GMT = ZoneInfo("Europe/Paris"), ZoneInfo("Europe/London"), ZoneInfo("UTC")


@pytest.mark.parametrize(
    ("text", "mark", "number"),
    [
        ("12", ".", "12"),
        ("-3.50", ".", "-3.50"),
        ("1,234.50", ".", "1234.50"),
        ("1.234,50", ",", "1234.50"),
        ("1 234,50 €", ",", "1234.50"),
        ("1\u202f234,5\u00a0€", ",", "1234.5"),
        ("1'234.50", ".", "1234.50"),
        ("$1,234", ".", "1234"),
        ("-$5.00", ".", "-5.00"),
        ("$-5.00", ".", "-5.00"),
        ("(5.00)", ".", "-5.00"),
        ("5.00-", ".", "-5.00"),
        ("AU $5.00", ".", "5.00"),
        ("£0.001", ".", "0.001"),
        ("12,50 EUR", ",", "12.50"),
        ("EUR 12,50", ",", "12.50"),
        ("12,34,567.00", ".", "1234567.00"),
        ("1e-05", ".", "0.00001"),
        (".5", ".", "0.5"),
        ("−7", ".", "-7"),
    ],
)
def test_a_number_is_read_exactly_as_written(text: str, mark: DecimalMark, number: str) -> None:
    assert parse_number(text, mark) == Decimal(number)


@pytest.mark.parametrize(
    "text", ["", "abc", "12abc", "1.2.3", "1,23.4", "(5", "--5", "12,5", "1,2345", "0x10", "nan", "inf", "9" * 80]
)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a number"):
        parse_number(text, ".")


@given(st.decimals(-10_000_000, 10_000_000, places=2), st.sampled_from([".", ","]), st.booleans())
def test_a_number_survives_each_way_of_writing_it(number: Decimal, mark: DecimalMark, grouped: bool) -> None:
    text = f"{number:,.2f}" if grouped else f"{number:.2f}"
    if mark == ",":
        text = text.translate(str.maketrans(".,", ",."))
    assert parse_number(text, mark) == number


@pytest.mark.parametrize(
    ("cells", "verdict"),
    [
        (["1.50", "2.75"], "."),
        (["1,50", "1,234"], ","),
        (["1,234", "5,678"], None),
        (["1,234", "1,234.50"], "."),
        (["1.234.567"], ","),
        (["0.001"], "."),
        (["1.50", "1,50"], None),
        (["12", "€ 13"], None),
    ],
)
def test_a_column_shows_its_decimal_mark(cells: list[str], verdict: DecimalMark | None) -> None:
    evidence = NumberEvidence()
    for cell in cells:
        evidence.see(cell)
    assert evidence.verdict() == verdict


@pytest.mark.parametrize(
    ("text", "order", "zone", "expected"),
    [
        ("2009-12-01 07:45:00", None, LONDON, datetime(2009, 12, 1, 7, 45, tzinfo=UTC)),
        ("2010-07-01T07:45", None, LONDON, datetime(2010, 7, 1, 6, 45, tzinfo=UTC)),
        ("2026-11-03T10:00:00+00:00", None, PARIS, datetime(2026, 11, 3, 10, tzinfo=UTC)),
        ("2026-11-03T10:00:00.123Z", None, PARIS, datetime(2026, 11, 3, 10, 0, 0, 123_000, tzinfo=UTC)),
        ("2026-11-03 10:00:00 -0500", None, PARIS, datetime(2026, 11, 3, 15, tzinfo=UTC)),
        ("2026-11-03 10:00:00 UTC", None, PARIS, datetime(2026, 11, 3, 10, tzinfo=UTC)),
        ("2026/11/03", None, GMT, datetime(2026, 11, 3, tzinfo=UTC)),
        ("Nov-03-26", None, GMT, datetime(2026, 11, 3, tzinfo=UTC)),
        ("03-Nov-26", None, GMT, datetime(2026, 11, 3, tzinfo=UTC)),
        ("3 novembre 2026", None, GMT, datetime(2026, 11, 3, tzinfo=UTC)),
        ("Nov 3, 2026 4:05 PM", None, GMT, datetime(2026, 11, 3, 16, 5, tzinfo=UTC)),
        ("03/11/2026 08:05", DateOrder.DAY_FIRST, PARIS, datetime(2026, 11, 3, 7, 5, tzinfo=UTC)),
        ("11/3/26", DateOrder.MONTH_FIRST, GMT, datetime(2026, 11, 3, tzinfo=UTC)),
        ("12/1/2009 12:05 AM", DateOrder.MONTH_FIRST, GMT, datetime(2009, 12, 1, 0, 5, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_in_its_zone(text: str, order: DateOrder | None, zone: ZoneInfo, expected: datetime) -> None:
    assert parse_time(text, order, zone) == expected


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-30",
        "31/04/2026",
        "13/13/2026",
        "tomorrow",
        "2026-11-03 25:00",
        "0001-01-01",
        "3 smarch 2026",
        "45000",
        "1/1/26 13:00 PM",
    ],
)
def test_an_impossible_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"date|time|year"):
        parse_time(text, DateOrder.DAY_FIRST, GMT)


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)), st.sampled_from(DateOrder), st.sampled_from("/-."))
def test_a_date_survives_each_way_of_writing_it(day: date, order: DateOrder, separator: str) -> None:
    parts = ["%d", "%m"] if order is DateOrder.DAY_FIRST else ["%m", "%d"]
    text = day.strftime(separator.join([*parts, "%Y"]))
    assert parse_time(text, order, GMT).date() == day


@given(st.lists(st.integers(0, 364), min_size=60, max_size=120, unique=True), st.sampled_from(DateOrder))
def test_two_months_of_dates_show_their_order(days: list[int], order: DateOrder) -> None:
    evidence = DateEvidence()
    for offset in days:
        day = date(2026, 1, 1) + timedelta(offset)
        evidence.see(day.strftime("%d/%m/%Y %H:%M" if order is DateOrder.DAY_FIRST else "%m/%d/%Y %H:%M"))
    assert evidence.verdict() is order


def test_one_slip_among_many_dates_does_not_change_the_verdict() -> None:
    evidence = DateEvidence()
    for day in range(13, 29):
        for month in range(1, 4):
            evidence.see(f"{day}/{month}/2026")
    evidence.see("3/25/2026")
    assert evidence.verdict() is DateOrder.DAY_FIRST


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("£5.00", "GBP"),
        ("AU $5.00", "AUD"),
        ("C $5", "CAD"),
        ("US $5", "USD"),
        ("$5", "USD"),
        ("5,00 €", "EUR"),
        ("5 SEK", "SEK"),
        ("5", None),
        ("5 ABC", None),
    ],
)
def test_an_amount_may_name_its_currency(text: str, code: str | None) -> None:
    assert currency_in(text) == code


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("United Kingdom", "GB"), ("EIRE", "IE"), ("RSA", "ZA"), ("USA", "US"), ("Korea", "KR"), ("Hong Kong", "HK"),
        ("fr", "FR"), ("Allemagne", "DE"), ("Österreich", "AT"), ("Channel Islands", ""),
        ("West Indies", ""), ("European Community", ""), ("EU", ""),
        ("Unspecified", ""),
    ],
)  # fmt: skip
def test_a_country_is_known_by_its_names(name: str, code: str) -> None:
    assert country_code(name) == code
