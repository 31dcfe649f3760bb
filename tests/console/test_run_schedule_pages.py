from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Browser, expect

from comptoir.kernel.ids import to_text
from comptoir.kernel.time import utcnow
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import ProductDraft, VariantDraft
from comptoir.modules.fulfilment.contracts import NotedRun
from comptoir.modules.fulfilment.store import reading
from comptoir.modules.locations.contracts import DAY
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.contracts import (
    SCHEDULE_PREFIX,
    Condition,
    Rules,
    RuleSetDraft,
    RuleSetState,
    Schedule,
    ScheduleDraft,
)
from comptoir.surfaces.console.pages.run_words import minutes_of
from comptoir.surfaces.services import Services
from support.back_office import HOSTILE, as_role, audited, looked_at, rows, said, signed_in, statuses
from support.browser import browser
from support.console import Staff, counted_statements, fields_of

__all__ = ["browser"]

LIST = "/routing/schedules"
NEW = "/routing/schedules/new"
FORM: dict[str, Any] = {
    "name": "Express",
    "code": "express",
    "priority": "1",
    "active": "yes",
    "channels": ["web"],
    "services": ["express"],
    "skus": "TEA\nCOFFEE",
    "worth_least": "50",
    "worth_most": "1,200.50",
    "times": "14h30, 10:00",
    "time_zone": "Europe/Paris",
    "every": "30",
    "opens": "8",
    "closes": "20:00",
    "days": ["0", "1", "2", "3", "4"],
    "rests_in": "US",
}


async def made(parts: Services, **more: Any) -> Schedule:
    draft = replace(ScheduleDraft(code="all", name="All orders", times=(600,)), **more)
    async with parts.database.transaction() as tx:
        return await routing.create_schedule(tx, draft)


async def everything(parts: Services) -> list[Schedule]:
    async with parts.database.read() as reader:
        return await routing.schedules(reader)


async def skus(parts: Services, count: int = 2) -> list[str]:
    async with parts.database.read() as reader:
        return await reader.values("SELECT sku FROM catalogue.variants ORDER BY sku LIMIT %(n)s", {"n": count})


def href(one: Schedule) -> str:
    return f"{LIST}/{to_text(SCHEDULE_PREFIX, one.id)}"


class _Form(HTMLParser):
    """What a browser would send of one form, as it stands."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self.sent: dict[str, Any] = {}
        self._action, self._inside, self._select, self._text = action, False, "", ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self._inside = given.get("action") == self._action
        if not self._inside:
            return
        name, value = given.get("name") or "", given.get("value") or ""
        if tag == "input" and name and (given.get("type") not in {"checkbox", "radio"} or "checked" in given):
            self.sent[name] = [*self.sent[name], value] if given.get("type") == "checkbox" and name in self.sent else [value]
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and ("selected" in given or self._select not in self.sent):
            self.sent[self._select] = [value]
        elif tag == "textarea":
            self._text = name
            self.sent[name] = [""]

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "form"
        self._select = "" if tag == "select" else self._select
        self._text = "" if tag == "textarea" else self._text

    def handle_data(self, data: str) -> None:
        if self._text:
            self.sent[self._text] = [data.removeprefix("\n")]


def standing(html: str, action: str) -> dict[str, Any]:
    """A form with everything that stands in it."""
    parser = _Form(action)
    parser.feed(html)
    return fields_of(html, action) | parser.sent


async def filled(owner: Staff, parts: Services, **more: Any) -> dict[str, Any]:
    known = "\n".join(await skus(parts))
    return fields_of((await owner.get(NEW)).text, NEW) | FORM | {"skus": known, "worth_most": "1200.50"} | more


async def test_without_a_schedule_it_is_said_what_one_is_for_and_what_to_do(owner: Staff) -> None:
    text = (await owner.get(LIST)).text
    assert "Each order is decided as soon as it is placed." in text
    assert f'href="{NEW}"' in text
    assert f'href="{LIST}"' in (await owner.get("/routing")).text


async def test_a_schedule_is_made_once_with_all_that_it_says(owner: Staff, parts: Services) -> None:
    form = await filled(owner, parts)
    answers = await asyncio.gather(*(owner.send(NEW, form) for _ in range(2)))
    assert [answer.status_code for answer in answers] == [303, 303], said(answers[0].text)
    (one,) = await everything(parts)
    assert (one.code, one.name, one.priority, one.active) == ("express", "Express", 1, True)
    assert one.condition == Condition(
        channels=("web",),
        services=(Service.EXPRESS,),
        skus=tuple(await skus(parts)),
        least_value=5000,
        most_value=120_050,
        currency="USD",
    )
    assert (one.times, one.every, one.opens, one.closes) == ((600, 870), 30, 480, 1200)
    assert (one.time_zone, one.works, one.rests_in) == ("Europe/Paris", (True,) * 5 + (False,) * 2, "US")
    entry = (await audited(parts))[0]
    assert (entry.action, entry.subject) == ("run_schedule.created", to_text(SCHEDULE_PREFIX, one.id))
    assert f'href="{href(one)}"' in (await owner.get("/settings/audit")).text
    words = said((await owner.get(LIST)).text)
    assert "For the orders of Web shop by express delivery with the product" in words
    assert "worth $50.00 to $1,200.50" in words
    assert "At 10:00 and 14:30 and every 30 minutes from 08:00 to 20:00, Monday to Friday" in words
    assert "not on public holidays in United States" in words
    assert "in Paris" in words, "by the clock of the place, which shows another time than the reader's"
    # Saved again as it stands, nothing of it is another.
    page = (await owner.get(href(one))).text
    again = await owner.send(href(one), standing(page, href(one)))
    assert again.status_code == 303, said(again.text)
    (same,) = await everything(parts)
    assert (same.condition, same.times, same.works, same.version) == (one.condition, one.times, one.works, 2)
    taken = await owner.submit(NEW, NEW, await filled(owner, parts))
    assert (taken.status_code, "Another schedule has this code." in taken.text) == (422, True)


async def test_a_schedule_that_cannot_be_is_refused_by_its_fields_and_nothing_is_lost(owner: Staff, parts: Services) -> None:
    wrong = {
        "name": HOSTILE,
        "code": "",
        "times": "noon, 10:00",
        "every": "often",
        "opens": "20:00",
        "closes": "8",
        "days": [],
        "countries_other": "Narnia",
        "worth_least": "100",
        "worth_most": "2",
    }
    answer = await owner.submit(NEW, NEW, await filled(owner, parts, **wrong))
    assert answer.status_code == 422
    for words in (
        "Fill this in.",
        "Write times like 10:00, 14:30.",
        "Type a whole number.",
        "Tick at least one.",
        "This is before the beginning.",
        "Nobody knows the country Narnia.",
        "This is less than the least worth.",
    ):
        assert words in answer.text, words
    for value in ("noon, 10:00", "often", "Narnia", "100"):
        assert f'value="{value}"' in answer.text, value
    assert "<script>alert" not in answer.text
    never = await owner.submit(NEW, NEW, await filled(owner, parts, times="", every=""))
    assert "Say when runs are: at times, or every so many minutes." in never.text
    unknown = await owner.submit(NEW, NEW, await filled(owner, parts, skus="NOPE-1"))
    assert (unknown.status_code, "The catalogue has no SKU NOPE-1." in unknown.text) == (422, True)
    assert "NOPE-1</textarea>" in unknown.text
    assert await everything(parts) == []


async def test_the_list_tells_the_next_run_and_what_the_last_one_did(owner: Staff, parts: Services) -> None:
    one = await made(parts, time_zone="America/New_York")
    other = await made(parts, code="off", name="Night", active=False, priority=5)
    async with parts.database.transaction() as tx:
        rules = await routing.create(tx, RuleSetDraft(code="web", name="Web rules", rules=Rules(every=30)))
        await routing.move(tx, rules.id, RuleSetState.LIVE)
        await reading.note_run(tx, one.id, NotedRun(utcnow(), 12, 3, 2460))
        await reading.note_run(tx, rules.id, NotedRun(utcnow(), 1))
    assert await rows(owner, LIST) == ["All orders", "Night", "Web rules"]
    text = (await owner.get(LIST)).text
    words = said(text)
    at = routing.timetable(one).next_run(utcnow())
    assert at is not None
    assert at.astimezone(ZoneInfo("America/New_York")).strftime("%b %-d, %Y, 10:00") in words
    assert "12 orders decided, 3 went elsewhere, $24.60 saved" in words
    assert "Together every 30 minutes" in words
    assert "1 order decided" in words
    assert f'action="{href(one)}/run"' in text
    assert f'action="{href(other)}/run"' not in text


async def test_a_run_is_asked_for_once_and_by_who_may(owner: Staff, parts: Services) -> None:
    one = await made(parts)
    answer = await owner.submit(LIST, f"{href(one)}/run", {})
    assert answer.status_code == 303
    async with parts.database.read() as reader:
        jobs = await reader.rows("SELECT args FROM procrastinate_jobs WHERE task_name = 'fulfilment.run'")
    assert [row[0] for row in jobs] == [{"key": str(one.id)}]
    assert (await audited(parts))[0].action == "run_schedule.run"
    analyst = await as_role(owner, "analyst")
    assert (await analyst.send(f"{href(one)}/run", {})).status_code == 403


async def test_a_schedule_is_switched_off_and_deleted(owner: Staff, parts: Services) -> None:
    one = await made(parts)
    page = (await owner.get(href(one))).text
    form = standing(page, href(one))
    form.pop("active")
    assert (await owner.send(href(one), form)).status_code == 303
    (off,) = await everything(parts)
    assert not off.active
    late = await owner.send(href(one), form | {"name": "Mine"})
    assert (late.status_code, 'value="Mine"' in late.text) == (422, True), "somebody else was faster, and nothing is lost"
    gone = await owner.submit(href(one), f"{href(one)}/delete", {})
    assert gone.status_code == 303, said(gone.text)
    assert await everything(parts) == []
    assert [entry.action for entry in (await audited(parts))[:2]] == ["run_schedule.deleted", "run_schedule.changed"]
    assert (await owner.get(href(one))).status_code == 404


async def test_a_condition_in_another_currency_stays_in_it(owner: Staff, parts: Services) -> None:
    asked = Condition(least_value=5000, currency="EUR")
    one = await made(parts, condition=asked)
    page = (await owner.get(href(one))).text
    assert "€" in page
    assert (await owner.send(href(one), standing(page, href(one)) | {"name": "Euros"})).status_code == 303
    (same,) = await everything(parts)
    assert (same.name, same.condition) == ("Euros", asked)


async def test_rules_are_for_brands_products_and_values_in_the_sentence(owner: Staff, parts: Services) -> None:
    async with parts.database.transaction() as tx:
        draft = ProductDraft(code="P-CUP", names={"en": "Cup"}, brand="Acme", variants=[VariantDraft(sku="CUP")])
        await catalogue.create(tx, draft)
    form = standing((await owner.get("/routing/new")).text, "/routing/new")
    form |= {"name": "Cups", "code": "cups", "brands": ["Acme"], "skus": "CUP", "worth_least": "20", "step": "keep"}
    answer = await owner.send("/routing/new", form)
    assert answer.status_code == 303, said(answer.text)
    async with parts.database.read() as reader:
        (one,) = (await routing.find(reader)).items
    asked = Condition(brands=("Acme",), skus=("CUP",), least_value=2000, currency="USD")
    assert one.rules.condition == asked
    words = said((await owner.get("/routing")).text)
    assert "For all orders of the brand Acme with the product CUP worth $20.00 or more" in words
    missing = await owner.send("/routing/new", form | {"code": "other", "skus": "CUP, CAP"})
    assert (missing.status_code, "The catalogue has no SKU CAP." in missing.text) == (422, True)


async def test_who_may_only_read_sees_it_in_words(owner: Staff, parts: Services) -> None:
    one = await made(parts)
    analyst = await as_role(owner, "analyst")
    text = (await analyst.get(href(one))).text
    assert "At 10:00, every day" in said(text)
    assert 'id="schedule"' not in text
    assert NEW not in (await analyst.get(LIST)).text
    assert set((await statuses(analyst, [NEW])).values()) == {403}
    assert (await analyst.send(href(one), FORM)).status_code == 403
    operations = await as_role(owner, "operations")
    assert set((await statuses(operations, [NEW, LIST, href(one)])).values()) == {200}
    nowhere = f"{LIST}/sch_01kag8v6w3e9n8r2t5y7z4c6bd"
    assert set((await statuses(operations, [nowhere, f"{LIST}/nonsense"])).values()) == {404}


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("8", 480), ("08:30", 510), ("8h30", 510), ("8h", 480), ("24:00", DAY), ("24:01", None), ("25", None), ("noon", None)],
)
def test_times_are_read_as_people_write_them(text: str, minutes: int | None) -> None:
    assert minutes_of(text) == minutes


async def test_pages_of_runs_ask_the_database_few_questions(owner: Staff, parts: Services) -> None:
    one = await made(parts)
    await made(parts, code="b", priority=2)
    for address, most in ((LIST, 11), (href(one), 18), (NEW, 20)):
        await owner.get(address)
        with counted_statements() as sent:
            assert (await owner.get(address)).status_code == 200
        assert len(sent) <= most, (address, len(sent), sent)


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_pages_of_runs_are_accessible_and_fit_their_width(browser: Browser, parts: Services, language: str) -> None:
    async with signed_in(browser, parts) as page:
        await looked_at(page, language, [LIST])
        long = Condition(services=tuple(Service), skus=tuple(await skus(parts)), least_value=5000, currency="USD")
        one = await made(
            parts, condition=long, every=15, opens=480, closes=1200, rests_in="US", works=(True, False) * 3 + (True,)
        )
        async with parts.database.transaction() as tx:
            await reading.note_run(tx, one.id, NotedRun(datetime.now(ZoneInfo("UTC")), 1200, 33, 246_000))
        await looked_at(page, language, [LIST, NEW, href(one)])
        await page.goto(href(one))
        await page.fill("#times", "soon")
        await page.click("#schedule button[type=submit]")
        await expect(page.locator("#times-error")).to_be_visible()
