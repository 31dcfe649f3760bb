from __future__ import annotations

from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from comptoir.kernel.money import Currency
from comptoir.modules.carriers.contracts import CarrierServiceDraft, Service, Zone
from comptoir.modules.locations.contracts import LocationId, LocationKind
from comptoir.modules.routing.contracts import Condition, Mode, Objective, Rating, Rules, RuleSetDraft, Splitting, Weight
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import carrier_form, routing_form
from comptoir.surfaces.console.pages.picks import listed, named_countries
from comptoir.surfaces.console.pages.routing_form import Sheet, stepped

CURRENCIES = st.sampled_from([Currency("EUR"), Currency("JPY"), Currency("KWD")])
LOCALES = st.sampled_from(["en", "fr"])
COUNTRIES = st.lists(st.sampled_from(["FR", "BE", "US", "XK"]), unique=True).map(tuple)


def hundredths(least: int, most: int) -> st.SearchStrategy[float]:
    return st.integers(least, most).map(lambda number: number / 100)


@st.composite
def rule_sets(draw: st.DrawFn) -> RuleSetDraft:
    ratings = draw(st.lists(st.sampled_from(Rating), min_size=1, unique=True))
    return RuleSetDraft(
        code="web",
        name="Web",
        position=draw(st.integers(0, 1_000_000)),
        share=draw(st.integers(0, 100)),
        rules=Rules(
            condition=Condition(
                tuple(draw(st.lists(st.sampled_from(["web", "app"]), unique=True))),
                draw(COUNTRIES),
                tuple(service for service in Service if draw(st.booleans())),
                tuple(draw(st.lists(st.sampled_from(["Food", "Food > Dairy"]), unique=True))),
            ),
            mode=draw(st.sampled_from(Mode)),
            ratings=tuple(Weight(rating, draw(hundredths(1, 10**8)), draw(hundredths(0, 10**6))) for rating in ratings),
            splitting=Splitting(draw(st.integers(1, 10)), draw(st.integers(0, 10**12))),
            kinds=draw(st.sampled_from([(LocationKind.STORE,), (LocationKind.WAREHOUSE, LocationKind.SUPPLIER)])),
            excluded=tuple(LocationId(UUID(int=n)) for n in draw(st.lists(st.integers(1, 9), unique=True))),
            safety=draw(st.integers(0, 10**9)),
            minimum_pick=draw(st.integers(0, 10**12)),
            max_distance=draw(st.none() | hundredths(1, 2_500_000)),
            respect_capacity=draw(st.booleans()),
            every=draw(st.integers(0, 1440)),
            answer_within=draw(st.integers(0, 43_200)),
            give_up_after=draw(st.integers(0, 365)),
            insist_on_date=draw(st.booleans()),
            objective=Objective(
                late_day=draw(st.integers(0, 10**7)),
                carbon_kg=draw(st.integers(0, 10**7)),
                own_order=draw(st.none() | st.integers(0, 10**7)),
            ),
        ),
    )


def sent(sheet: Sheet) -> dict[str, list[str]]:
    """What a browser sends of the form."""
    form = {name: [value] for name, value in sheet.values.items()} | {name: list(t) for name, t in sheet.ticked.items()}
    for n, row in enumerate(sheet.ratings):
        form |= {f"rating:{n}": [row.rating], f"was:{n}": [row.rating]}
        form |= {f"weight:{n}": [row.weight], f"tolerance:{n}": [row.tolerance]}
    return form


@given(draft=rule_sets(), currency=CURRENCIES, locale=LOCALES)
def test_a_form_of_rules_that_is_sent_as_it_is_says_the_same(draft: RuleSetDraft, currency: Currency, locale: str) -> None:
    fields = Fields(sent(routing_form.written(draft, currency, locale)), locale)
    again = routing_form.meant(fields, currency)
    assert fields.errors == {}
    assert again == draft


@given(draft=rule_sets(), steps=st.lists(st.sampled_from(["up", "down"]), max_size=8), data=st.data())
def test_moving_ratings_about_loses_none(draft: RuleSetDraft, steps: list[str], data: st.DataObject) -> None:
    sheet = routing_form.written(draft, Currency("EUR"), "en")
    before = sorted(sheet.ratings, key=lambda row: row.rating)
    for step in steps:
        row = data.draw(st.sampled_from(sheet.ratings))
        at = list(sheet.ratings).index(row)
        sheet = stepped(sheet, f"{step}:{row.rating}", "")
        least, most = 0, len(sheet.ratings) - 1
        assert list(sheet.ratings).index(row) == (max(least, at - 1) if step == "up" else min(most, at + 1))
    assert sorted(sheet.ratings, key=lambda row: row.rating) == before


@given(
    kilometres=st.lists(st.integers(1, 25_000_000), min_size=1, max_size=20, unique=True),
    prices=st.tuples(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 120)),
    countries=COUNTRIES,
    grams=st.integers(1, 2_000_000),
    carbon=st.integers(0, 10**9).map(lambda number: number / 10**6),
    currency=CURRENCIES,
    locale=LOCALES,
)
def test_a_form_of_a_service_that_is_sent_as_it_is_says_the_same(
    kilometres: list[int],
    prices: tuple[int, int, int],
    countries: tuple[str, ...],
    grams: int,
    carbon: float,
    currency: Currency,
    locale: str,
) -> None:
    draft = CarrierServiceDraft(
        code="home",
        name="Home",
        zones=tuple(Zone(metres / 1000, *prices) for metres in sorted(kilometres)),
        countries=countries,
        max_weight=grams,
        carbon=carbon,
    )
    sheet = carrier_form.written(draft, None, currency, locale)
    form: dict[str, Any] = {name: [value] for name, value in sheet.values.items()}
    form |= {"countries": list(sheet.countries), "days": [str(n) for n, on in enumerate(sheet.delivers) if on]}
    for n, row in enumerate(sheet.rows):
        form |= {f"km:{n}": [row.km], f"base:{n}": [row.base], f"kg:{n}": [row.kg], f"days:{n}": [row.days]}
    fields = Fields(form, locale)
    again = carrier_form.meant(fields, currency)
    assert fields.errors == {}
    assert again == draft


def test_countries_are_understood_by_code_and_by_name() -> None:
    assert named_countries("France, be; Allemagne ,") == (["FR", "BE", "DE"], [])
    assert named_countries("Narnia") == ([], ["Narnia"])
    assert named_countries("") == ([], [])


def test_a_long_list_is_cut_short() -> None:
    assert listed([], "en") == ""
    assert listed(["a", "b"], "fr") == "a et b"
    assert listed(list("abcde"), "en") == "a, b, c, d, and e"
    assert listed(list("abcdefg"), "en") == "a, b, c, d +3"
