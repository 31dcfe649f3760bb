"""When a location is closed: on its page and in its form; and the tick of a carrier that delivers on holidays."""

from __future__ import annotations

from datetime import date

from httpx2 import Response

from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import Closure, Closures
from comptoir.surfaces.services import Services
from support.back_office import audited, place, said
from support.console import Shop, Staff, fields_of

PLAIN = {"code": "S367", "name": "Columbus", "kind": "store", "country": "US", "time_zone": "America/New_York", "active": "yes"}
COUNTING = {"closed_from:0": "2031-01-06", "closed_to:0": "2031-01-07", "closed_why:0": "Stocktaking"}


KINDS = ("date", "date", "text")


async def closures(parts: Services) -> Closures:
    async with parts.database.read() as reader:
        return (await locations.by_code(reader, "S367")).opening_hours.closures


async def saved(owner: Staff, here: str, changes: dict[str, str]) -> Response:
    """The form as it stands, with these changes."""
    return await owner.send(here, fields_of((await owner.get(here)).text, here) | PLAIN | changes)


async def test_days_and_public_holidays_are_closed_but_for_exceptions(owner: Staff, parts: Services, shop: Shop) -> None:
    here = f"/locations/{place(shop, 'S367')}"
    assert "No day is closed exceptionally." in said((await owner.get(here)).text)
    answer = await saved(owner, f"{here}/edit", COUNTING | {"public_holidays": "yes", "open:07-04": "yes"})
    assert answer.status_code == 303, answer.text
    counting = Closure(date(2031, 1, 6), date(2031, 1, 7), "Stocktaking")
    assert await closures(parts) == Closures((counting,), "US", ("07-04",))
    assert "closures" in (await audited(parts))[0].data
    words = said((await owner.get(here)).text)
    assert "Monday, January 6, 2031 to Tuesday, January 7, 2031" in words
    assert "Stocktaking" in words
    assert "Closed on public holidays" in words
    assert "But open on: Independence Day" in words
    form = (await owner.get(f"{here}/edit")).text
    assert all(
        f'name="{name}" type="{kind}" value="{value}"' in form
        for (name, value), kind in zip(COUNTING.items(), KINDS, strict=True)
    )
    assert 'name="open:07-04" value="yes" checked' in form
    assert (await saved(owner, f"{here}/edit", {"closed_from:0": "", "closed_to:0": "", "closed_why:0": ""})).status_code == 303
    assert (await closures(parts)).days == ()


async def test_a_closure_that_ends_before_it_begins_is_refused_by_its_field(owner: Staff, parts: Services, shop: Shop) -> None:
    here = f"/locations/{place(shop, 'S367')}/edit"
    for changes, words in (
        ({"closed_to:0": "2031-01-01"}, "This is before the first day."),
        ({"closed_to:0": "2033-01-01"}, "This is more than a year after the first day."),
        ({"closed_from:0": ""}, "Choose a day."),
    ):
        refused = await saved(owner, here, COUNTING | changes)
        assert (refused.status_code, words in refused.text, "Stocktaking" in refused.text) == (422, True, True)
    assert await closures(parts) == Closures()


async def test_a_single_day_needs_no_last_one(owner: Staff, parts: Services, shop: Shop) -> None:
    here = f"/locations/{place(shop, 'S367')}/edit"
    assert (await saved(owner, here, {"closed_from:0": "2031-01-06"})).status_code == 303
    assert await closures(parts) == Closures((Closure(date(2031, 1, 6), date(2031, 1, 6)),))
