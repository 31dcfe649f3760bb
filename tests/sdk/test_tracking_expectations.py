"""When a parcel should arrive, and when its silence is too long."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.sdk.tracking import Lane, Scan, TrackingStatus, delivery_day, estimated_delivery, is_stuck, quiet_for

S = TrackingStatus
PARIS = ZoneInfo("Europe/Paris")
MONDAY = date(2026, 3, 2)
LANE = Lane.usual(3, PARIS)


def on(day: int, hour: int = 12) -> datetime:
    """A day of that week in Paris: 0 is Monday."""
    return datetime(2026, 3, 2, hour, tzinfo=PARIS).astimezone(UTC) + timedelta(days=day)


def scan(status: TrackingStatus, at: datetime) -> Scan:
    return Scan(status=status, at=at)


def day(n: int) -> date:
    return MONDAY + timedelta(days=n)


@pytest.mark.parametrize(
    ("begin", "days", "end"),
    [(0, 0, 0), (0, 1, 1), (5, 1, 7), (6, 0, 7), (6, 1, 7), (4, 3, 8), (0, 6, 7)],
)
def test_days_count_on_which_the_carrier_delivers(begin: int, days: int, end: int) -> None:
    assert delivery_day(day(begin), days, LANE.delivers) == day(end)


def test_the_estimate_moves_with_the_scans_in_both_directions() -> None:
    promised, scans = day(3), list[Scan]()

    def told(today: int, *more: Scan) -> date | None:
        scans.extend(more)
        return estimated_delivery(promised, LANE, scans, day(today))

    assert told(0) == day(3), "nothing is known: the promise stands"
    assert told(0, scan(S.LABEL_CREATED, on(0))) == day(4), "a label on Monday does not make Thursday on this lane"
    assert told(1, scan(S.PICKED_UP, on(0, 18))) == day(3), "it left the same day: Thursday again"
    assert told(1, scan(S.IN_TRANSIT, on(0, 23))) == day(2), "it is ahead"
    assert told(3) == day(4), "it is late: tomorrow at the earliest"
    assert told(3, scan(S.OUT_FOR_DELIVERY, on(3, 8))) == day(3)
    assert told(3, scan(S.DELIVERY_FAILED, on(3, 15))) == day(4)
    assert told(5, scan(S.DELIVERED, on(4, 9))) == day(4)


def test_a_promise_that_is_over_is_not_repeated() -> None:
    assert estimated_delivery(day(1), LANE, [], day(3)) == day(3)
    assert estimated_delivery(None, LANE, [], day(3)) is None


@pytest.mark.parametrize("status", [S.RETURNING, S.RETURNED, S.LOST, S.DAMAGED, S.CANCELLED, S.EXPIRED])
def test_what_does_not_arrive_has_no_day(status: TrackingStatus) -> None:
    assert estimated_delivery(day(3), LANE, [scan(S.IN_TRANSIT, on(0)), scan(status, on(1))], day(1)) is None


def test_the_day_is_that_of_the_destination() -> None:
    late_evening = datetime(2026, 3, 3, 23, 30, tzinfo=UTC)
    scans = [scan(S.DELIVERED, late_evening)]
    assert estimated_delivery(None, LANE, scans, day(5)) == date(2026, 3, 4)
    assert estimated_delivery(None, Lane.usual(3, ZoneInfo("America/New_York")), scans, day(5)) == date(2026, 3, 3)


SCANS = st.lists(
    st.builds(scan, st.sampled_from(TrackingStatus), st.integers(0, 200).map(lambda hours: on(0) + timedelta(hours=hours))),
    max_size=8,
)


@given(SCANS, st.integers(0, 20), st.integers(0, 20), st.integers(0, 6))
def test_an_estimate_never_lies_behind_and_never_moves_back_while_nothing_happens(
    scans: list[Scan], today: int, later: int, promised: int
) -> None:
    first = estimated_delivery(day(promised), LANE, scans, day(today))
    second = estimated_delivery(day(promised), LANE, scans, day(today + later))
    assert (first is None) == (second is None)
    if first is None or second is None:
        return
    assert second >= first
    if all(one.status not in {S.DELIVERED, S.AVAILABLE_FOR_PICKUP} for one in scans):
        assert first >= day(today)
        assert not scans or LANE.works_on(first) or first in {day(promised), day(today)}


def test_sundays_are_no_silence() -> None:
    assert quiet_for(LANE, on(5, 12), on(7, 12)) == timedelta(days=1), "from Saturday noon to Monday noon"
    assert quiet_for(LANE, on(6, 1), on(6, 23)) == timedelta()
    assert quiet_for(LANE, on(1, 8), on(1, 20)) == timedelta(hours=12)
    assert quiet_for(LANE, on(0), on(0) - timedelta(hours=5)) == timedelta()
    assert quiet_for(LANE, on(0), on(300)) == timedelta(days=300), "so long a silence needs no calendar"


def test_a_day_of_the_changing_clock_is_as_long_as_it_is() -> None:
    everyday = Lane.usual(3, PARIS, (True,) * 7)
    before, after = (datetime(2026, 3, n, tzinfo=PARIS).astimezone(UTC) for n in (29, 30))
    assert quiet_for(everyday, before, after) == timedelta(hours=23)


def test_a_parcel_is_stuck_when_it_is_silent_for_longer_than_is_usual_where_it_is() -> None:
    scans = [scan(S.IN_TRANSIT, on(0))]
    assert not is_stuck(LANE, scans, on(3, 11))
    assert is_stuck(LANE, scans, on(3, 13))
    assert not is_stuck(LANE, [*scans, scan(S.UNKNOWN, on(3, 9))], on(3, 13)), "any news is news"
    assert not is_stuck(LANE, [scan(S.IN_TRANSIT, on(4))], on(7, 23)), "a Sunday lies between"
    assert is_stuck(LANE, [*scans, scan(S.OUT_FOR_DELIVERY, on(1))], on(2, 13)), "at the door it takes less"


def test_what_was_never_scanned_is_stuck_from_when_its_label_was_bought() -> None:
    assert not is_stuck(LANE, [], on(9))
    assert not is_stuck(LANE, [], on(1), bought_at=on(0))
    assert is_stuck(LANE, [], on(3), bought_at=on(0))


@given(SCANS, st.integers(0, 1_000), st.integers(0, 1_000))
def test_only_time_makes_a_parcel_stuck_and_only_news_frees_it(scans: list[Scan], hours: int, more: int) -> None:
    now = on(0) + timedelta(hours=hours)
    later = now + timedelta(hours=more)
    if is_stuck(LANE, scans, now):
        assert is_stuck(LANE, scans, later)
        assert not is_stuck(LANE, [*scans, scan(S.IN_TRANSIT, later)], later)
    if any(one.status is S.RETURNED for one in scans):
        assert not is_stuck(LANE, scans, later)


def test_public_holidays_are_no_days_of_delivery() -> None:
    resting = Lane.usual(2, PARIS, resting="FR")
    assert delivery_day(date(2026, 7, 13), 1, LANE.delivers, "FR") == date(2026, 7, 15)
    assert not resting.works_on(date(2026, 12, 25))
    christmas = (datetime(2026, 12, 24, 23, tzinfo=UTC), datetime(2026, 12, 25, 22, tzinfo=UTC))
    assert quiet_for(resting, *christmas) == timedelta()
