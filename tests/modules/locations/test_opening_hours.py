from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comptoir.modules.locations.contracts import DAY, Interval, OpeningHours
from comptoir.modules.locations.domain import hours_from_json, hours_to_json, is_open, next_opening

PARIS = ZoneInfo("Europe/Paris")
WEEKDAYS = hours_from_json([[["09:00", "12:30"], ["14:00", "19:00"]]] * 6 + [[]])
NEVER = OpeningHours(((),) * 7)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("when", "open_then"),
    [
        ("2026-11-23T09:00+01:00", True),
        ("2026-11-23T08:59:59.999999+01:00", False),
        ("2026-11-23T12:29:59+01:00", True),
        ("2026-11-23T12:30+01:00", False),
        ("2026-11-23T18:59+01:00", True),
        ("2026-11-22T10:00+01:00", False),
    ],
)
def test_a_shop_is_open_from_the_opening_minute_until_just_before_the_closing_minute(when: str, open_then: bool) -> None:
    assert is_open(WEEKDAYS, PARIS, at(when)) is open_then


@pytest.mark.parametrize(
    ("when", "opens"),
    [
        ("2026-11-23T10:00+01:00", "2026-11-23T10:00+01:00"),
        ("2026-11-23T12:30+01:00", "2026-11-23T14:00+01:00"),
        ("2026-11-21T19:00+01:00", "2026-11-23T09:00+01:00"),
        ("2026-03-28T20:00+01:00", "2026-03-30T09:00+02:00"),
        ("2026-10-24T20:00+02:00", "2026-10-26T09:00+01:00"),
    ],
)
def test_the_next_opening_is_told_in_the_time_of_the_place(when: str, opens: str) -> None:
    assert next_opening(WEEKDAYS, PARIS, at(when)) == at(opens)


def test_hours_that_nobody_stated_stop_nobody() -> None:
    when = at("2026-11-22T03:00+00:00")
    assert is_open(OpeningHours(), PARIS, when)
    assert next_opening(OpeningHours(), PARIS, when) == when


def test_a_place_that_never_opens_has_no_next_opening() -> None:
    assert next_opening(NEVER, PARIS, at("2026-11-22T03:00+00:00")) is None


def test_an_opening_in_the_hour_that_summer_time_skips_is_when_the_clock_has_moved_on() -> None:
    night = hours_from_json([[]] * 6 + [[["02:30", "06:00"]]])
    assert next_opening(night, PARIS, at("2026-03-29T01:00+01:00")) == at("2026-03-29T03:00+02:00")


def test_an_opening_that_is_skipped_altogether_is_a_week_later() -> None:
    short = hours_from_json([[]] * 6 + [[["02:10", "02:50"]]])
    assert next_opening(short, PARIS, at("2026-03-29T01:00+01:00")) == at("2026-04-05T02:10+02:00")


def test_an_hour_that_the_clock_repeats_is_open_twice() -> None:
    night = hours_from_json([[]] * 6 + [[["02:00", "02:30"]]])
    assert is_open(night, PARIS, at("2026-10-25T02:15+02:00"))
    assert not is_open(night, PARIS, at("2026-10-25T02:45+02:00"))
    assert next_opening(night, PARIS, at("2026-10-25T02:45+02:00")) == at("2026-10-25T02:00+01:00")


@st.composite
def hours(draw: st.DrawFn) -> OpeningHours:
    days: list[tuple[Interval, ...]] = []
    for _ in range(7):
        bounds = sorted(draw(st.sets(st.integers(0, DAY // 5), max_size=4)))
        pairs = zip(bounds[::2], bounds[1::2], strict=False)
        days.append(tuple(Interval(opens * 5, closes * 5) for opens, closes in pairs))
    return OpeningHours(tuple(days))


zones = st.sampled_from(
    ["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu", "UTC"]
).map(ZoneInfo)
moments = st.one_of(
    st.datetimes(datetime.fromisoformat("2011-12-20"), datetime.fromisoformat("2012-01-10")),  # Samoa leaves a day out
    *[
        st.datetimes(datetime.fromisoformat(day) - timedelta(days=2), datetime.fromisoformat(day) + timedelta(days=2))
        for day in ("2026-03-29", "2026-10-25", "2026-03-08", "2026-11-01", "2026-04-05", "2026-10-04")
    ],
).map(lambda moment: moment.replace(tzinfo=UTC, minute=moment.minute // 5 * 5, second=0, microsecond=0))


@given(hours(), zones, moments)
@settings(max_examples=60, deadline=None)
def test_the_next_opening_is_the_first_open_moment_however_the_clocks_change(
    sign: OpeningHours, zone: ZoneInfo, moment: datetime
) -> None:
    found = next_opening(sign, zone, moment)
    minutes = (moment + timedelta(minutes=n) for n in range(0, 9 * DAY, 5))
    expected = next((minute for minute in minutes if is_open(sign, zone, minute)), None)
    if expected is not None:
        assert found == expected
    else:
        assert found is None or (found > moment + timedelta(minutes=9 * DAY) and is_open(sign, zone, found))


@given(hours())
def test_hours_are_written_and_read_back(sign: OpeningHours) -> None:
    assert hours_from_json(hours_to_json(sign)) == sign


@pytest.mark.parametrize("text", ["", "9", "24:01", "12:60", "-1:00", "12:00:00", "aa:bb", "25:00"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time"):
        hours_from_json([[[text, "12:00"]]])
