"""Public holidays: the same for opening hours, carriers and the law."""

from __future__ import annotations

from datetime import date

import pytest

from comptoir.kernel.calendars import is_public_holiday, keeps_holidays, public_holidays


@pytest.mark.parametrize(("year", "easter"), [(2024, (3, 31)), (2026, (4, 5)), (2027, (3, 28)), (2038, (4, 25))])
def test_those_of_france_are_the_eleven_of_the_law(year: int, easter: tuple[int, int]) -> None:
    fixed = [(1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)]
    sunday = date(year, *easter).toordinal()
    moving = [date.fromordinal(sunday + days) for days in (1, 39, 50)]
    assert set(public_holidays("FR", year)) == {*(date(year, *day) for day in fixed), *moving}


def test_they_have_names_in_the_language_of_the_reader_or_in_english() -> None:
    christmas = date(2026, 12, 25)
    assert public_holidays("FR", 2026, "fr")[christmas] == "Noël"
    assert public_holidays("FR", 2026, "en")[christmas] == "Christmas Day"
    assert public_holidays("FR", 2026, "xx")[christmas] == "Christmas Day"
    assert list(public_holidays("FR", 2026)) == sorted(public_holidays("FR", 2026))


def test_a_country_that_nobody_knows_has_none() -> None:
    assert not is_public_holiday("", date(2026, 12, 25))
    assert not is_public_holiday("XX", date(2026, 12, 25))
    assert [keeps_holidays(code) for code in ("FR", "US-CA", "FR-", "fr", "", "XX", "FR-XX")] == [True, True] + [False] * 5


def test_a_part_of_a_country_may_have_its_own() -> None:
    corpus_christi = date(2026, 6, 4)
    assert is_public_holiday("DE-BY", corpus_christi)
    assert not is_public_holiday("DE", corpus_christi)
