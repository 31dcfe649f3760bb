from __future__ import annotations

import pickle
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from comptoir.kernel.errors import Invalid, NotFound
from comptoir.kernel.quantities import MAX_QUANTITY, quantity, sku
from comptoir.kernel.time import aware, business_day, time_zone


def test_a_sku_has_no_spaces_at_its_ends_and_nothing_that_cannot_be_seen() -> None:
    assert sku("  A-1 ") == "A-1"
    for bad in ("", "   ", "a\x00b", "a\nb", "x" * 81):
        with pytest.raises(ValueError, match="SKU"):
            sku(bad)


def test_a_quantity_is_positive_and_bounded() -> None:
    assert quantity(1) == 1
    for bad in (0, -1, MAX_QUANTITY + 1):
        with pytest.raises(ValueError, match="quantity"):
            quantity(bad)


def test_a_business_day_belongs_to_the_location() -> None:
    at = datetime(2026, 3, 1, 2, 30, tzinfo=UTC)
    assert business_day(at, time_zone("America/New_York")) == date(2026, 2, 28)
    assert business_day(at, time_zone("Europe/Paris")) == date(2026, 3, 1)
    for bad in ("Europe/Atlantis", "../etc/passwd", ""):
        with pytest.raises(ValueError, match="time zone"):
            time_zone(bad)


def test_a_time_without_a_zone_is_refused() -> None:
    there = datetime(2026, 3, 1, 2, 30, tzinfo=timezone(timedelta(hours=2)))
    assert aware(there) == datetime(2026, 3, 1, 0, 30, tzinfo=UTC)
    with pytest.raises(ValueError, match="zone"):
        aware(there.replace(tzinfo=None))


def test_a_refusal_keeps_its_data_on_its_way_to_another_process() -> None:
    refusal = pickle.loads(pickle.dumps(NotFound("no such order", kind="order", id="ord_1")))
    assert (type(refusal), refusal.detail, refusal.data) == (NotFound, "no such order", {"kind": "order", "id": "ord_1"})
    assert str(Invalid()) == "The input is not valid"
