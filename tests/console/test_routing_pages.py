from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from comptoir.kernel.ids import ActorId, to_text
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.locations.contracts import LocationKind
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.contracts import (
    RULE_SET_PREFIX,
    Condition,
    Mode,
    Objective,
    Rating,
    Rules,
    RuleSet,
    RuleSetDraft,
    RuleSetId,
    RuleSetState,
    SiteSettings,
    Splitting,
    Weight,
)
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import UserFilter
from comptoir.runtime.database import Context
from comptoir.surfaces import rulebook
from comptoir.surfaces.services import Services
from support.back_office import FRAGMENT, HOSTILE, as_role, audited, looked_at, place, rows, said, signed_in, statuses
from support.browser import browser
from support.console import PASSWORD, Shop, Staff, application, counted_statements, fields_of, served

__all__ = ["browser"]

FORM: dict[str, Any] = {
    "name": "Web, cheapest first",
    "code": "web-cheap",
    "position": "10",
    "share": "100",
    "mode": "ranked",
    "kinds": ["warehouse", "store", "supplier"],
    "rating:0": "cost",
    "was:0": "cost",
    "rating:1": "distance",
    "was:1": "distance",
    "parcels": "3",
}


async def made(parts: Services, draft: RuleSetDraft, *states: RuleSetState) -> RuleSet:
    async with parts.database.transaction() as tx:
        one = await routing.create(tx, draft)
        for state in states:
            one = await routing.move(tx, one.id, state)
        return one


async def by_code(parts: Services, code: str) -> RuleSet:
    async with parts.database.read() as reader:
        return next(one for one in (await routing.find(reader)).items if one.code == code)


async def again(parts: Services, rule_set_id: RuleSetId) -> RuleSet:
    async with parts.database.read() as reader:
        return await routing.get(reader, rule_set_id)


def href(one: RuleSet) -> str:
    return f"/routing/{to_text(RULE_SET_PREFIX, one.id)}"


# The list


async def test_without_rule_sets_it_is_said_what_decides_and_where_to_begin(owner: Staff) -> None:
    text = (await owner.get("/routing")).text
    assert "served by the location that comes first in the stock pool of its channel" in text
    assert 'href="/routing/new?like=nearest"' in text
    begun = (await owner.get("/routing/new?like=nearest")).text
    assert re.search(r'<option value="distance" selected>', begun)
    assert (await owner.get("/routing/new?like=nonsense")).status_code == 200


async def test_rule_sets_are_listed_in_the_order_in_which_they_are_asked(owner: Staff, parts: Services) -> None:
    express = Rules(condition=Condition(services=(Service.EXPRESS,)), ratings=(Weight(Rating.DELIVERY),))
    await made(parts, RuleSetDraft(code="rest", name="Everything else", position=90), RuleSetState.LIVE)
    await made(parts, RuleSetDraft(code="quick", name="Express", position=1, rules=express), RuleSetState.LIVE)
    await made(parts, RuleSetDraft(code="trial", name="A trial", position=5, share=20))
    await made(parts, RuleSetDraft(code="old", name="Christmas"), RuleSetState.RETIRED)
    assert await rows(owner, "/routing") == ["Express", "A trial", "Everything else"]
    assert await rows(owner, "/routing?state=retired") == ["Christmas"]
    assert await rows(owner, "/routing?state=live&sort=-position") == ["Everything else", "Express"]
    assert await rows(owner, "/routing?q=trial") == ["A trial"]
    words = said((await owner.get("/routing")).text)
    assert "For all orders by express delivery: first the quickest; at most 3 parcels." in words
    assert re.search(r"\b1 Express quick · number 1 Live 100% ", words)
    assert re.search(r"– A trial trial · number 5 Draft 20% ", words)
    assert re.search(r"\b2 Everything else ", words)
    assert "For every other order the priority of the stock pool decides, then the distance." in words
    answer = await owner.get("/routing?format=csv")
    header, first, *_ = answer.content.decode("utf-8-sig").splitlines()
    assert (header, first[:25]) == ("Code,Name,State,Asked as number,Share,Rules", "quick,Express,Live,1,100,")


async def test_a_rule_set_that_no_order_reaches_says_so(owner: Staff, parts: Services) -> None:
    await made(parts, RuleSetDraft(code="all", name="Everything", position=1), RuleSetState.LIVE)
    late = await made(parts, RuleSetDraft(code="late", name="Too late", position=2), RuleSetState.LIVE)
    assert "No order reaches it: “Everything” takes them before." in (await owner.get("/routing")).text
    assert "“Everything” is asked before it and takes the same orders." in (await owner.get(href(late))).text
    assert "No order reaches" not in (await owner.get("/routing?q=everything")).text


# By sentence


async def test_rules_are_made_by_filling_in_a_sentence(owner: Staff, parts: Services, shop: Shop) -> None:
    answer = await owner.submit(
        "/routing/new",
        "/routing/new",
        FORM
        | {
            "share": "20",
            "channels": ["web", "app"],
            "countries": ["US"],
            "countries_other": "Canada, mx",
            "services": ["standard", "pickup"],
            "kinds": ["store", "warehouse"],
            "excluded": [place(shop, "S381"), place(shop, "S292")],
            "tolerance:0": "0.50",
            "tolerance:1": "12,5",
            "rating:2": "load",
            "was:2": "load",
            "tolerance:2": "5",
            "parcels": "2",
            "least_value": "20",
            "safety": "2",
            "minimum_pick": "14.99",
            "max_distance": "800",
            "full": "more",
            "late": "out",
            "doubt": "nothing",
            "every": "30",
            "late_day": "4.50",
            "carbon_kg": "0.20",
            "own_order": "1",
        },
    )
    assert answer.status_code == 303, said(answer.text)
    one = await by_code(parts, "web-cheap")
    assert answer.headers["location"] == href(one)
    assert (one.name, one.position, one.share, one.state) == ("Web, cheapest first", 10, 20, RuleSetState.DRAFT)
    assert one.rules == Rules(
        condition=Condition(("web", "app"), ("US", "CA", "MX"), (Service.STANDARD, Service.PICKUP)),
        ratings=(Weight(Rating.COST, 1.0, 50.0), Weight(Rating.DISTANCE, 1.0, 12.5), Weight(Rating.LOAD, 1.0, 0.05)),
        splitting=Splitting(2, 2_000),
        kinds=(LocationKind.WAREHOUSE, LocationKind.STORE),
        excluded=(shop.locations["S381"], shop.locations["S292"]),
        safety=2,
        minimum_pick=1_499,
        max_distance=800.0,
        respect_capacity=False,
        insist_on_date=True,
        count_unanswered=False,
        every=30,
        objective=Objective(late_day=450, carbon_kg=20, own_order=100),
    )
    words = said((await owner.get(href(one))).text)
    for sentence in (
        "to United States, Canada, and Mexico by standard delivery and pickup.",
        "20% of them go by these rules, the others go on to the next rule set.",
        "First the cheapest (less than $0.50 is equal), then the nearest (less than 12.5 km is equal)",
        "then the least busy (less than 5% is equal).",
        "At most 2 parcels, each worth $20.00 or more.",
        "Only from warehouses and stores.",
        "Never from Store 292, Denver and Store 381, Dallas.",
        "Stores start no parcel below $14.99.",
        "Who cannot keep the promised date is left out.",
        "Who does not answer, or has no staff, counts nothing.",
        "Runs make small: the cost of the parcels, $4.50 for each day late, $0.20 for each kilogram of CO₂, and $1.00 for each",
        "$1.00 for each place behind the first in their own order.",
    ):
        assert sentence in words, sentence
    assert (await audited(parts))[0].action == "rule_set.created"


async def test_what_stands_in_the_form_is_what_was_saved(owner: Staff, parts: Services, shop: Shop) -> None:
    """The form of a rule set, sent as it is, changes nothing."""
    rules = Rules(
        mode=Mode.WEIGHTED,
        ratings=(Weight(Rating.COST, 2.5, 50.0), Weight(Rating.COVER, 0.125, 0.3), Weight(Rating.PRIORITY)),
        excluded=(shop.locations["S381"],),
        safety=3,
        minimum_pick=1_250,
        splitting=Splitting(1, 333),
        max_distance=12.345,
    )
    one = await made(parts, RuleSetDraft(code="odd", name="Odd", rules=rules), RuleSetState.LIVE)
    values = typed_in((await owner.get(href(one))).text)
    assert (values["weight:1"], values["minimum_pick"], values["max_distance"]) == (["0.125"], ["12.50"], ["12.345"])
    assert (await owner.send(href(one), values)).status_code == 303
    assert await again(parts, one.id) == one, "no version is made of what is the same"
    assert (await owner.send(href(one), values | {"safety": "4", "_key": "other"})).status_code == 303
    assert (await again(parts, one.id)).rules == replace(rules, safety=4)


def typed_in(html: str) -> dict[str, Any]:
    """Everything that the form of the rules would send."""
    form = re.search(r'<form id="rules".*?</form>', html, re.DOTALL)
    assert form is not None
    values: dict[str, list[str]] = {}
    for tag in re.findall(r"<input\b[^>]*>", form[0]):
        attributes = dict(re.findall(r'([\w:-]+)="([^"]*)"', tag))
        if "name" in attributes and (attributes.get("type") != "checkbox" or " checked" in tag):
            values.setdefault(attributes["name"], []).append(attributes.get("value", ""))
    for name, options in re.findall(r'<select\b[^>]*\bname="([^"]+)"[^>]*>(.*?)</select>', form[0], re.DOTALL):
        chosen = re.findall(r'value="([^"]*)" selected', options) or re.findall(r'value="([^"]*)"', options)[:1]
        values[name] = chosen
    return {**values, "step": "keep"}


async def test_what_was_typed_is_never_lost(owner: Staff, parts: Services, shop: Shop) -> None:
    wrong = FORM | {
        "name": HOSTILE,
        "channels": ["web"],
        "countries_other": "Narnia",
        "kinds": [],
        "excluded": [place(shop, "S381")],
        "share": "120",
        "least_value": "a lot",
        "max_distance": "far",
        "tolerance:0": "-1",
        "rating:2": "cost",
        "safety": "some",
    }
    answer = await owner.submit("/routing/new", "/routing/new", wrong)
    assert answer.status_code == 422
    for words in (
        "Nobody knows the country Narnia.",
        "Tick at least one.",
        "Type a number from 0 to 100.",
        "Type an amount such as 12.50.",
        "Type a number such as 2.5.",
        "This stands here twice: take one away.",
        "Type a whole number.",
    ):
        assert words in answer.text, words
    kept = typed_in(answer.text)
    assert (kept["countries_other"], kept["least_value"], kept["max_distance"]) == (["Narnia"], ["a lot"], ["far"])
    assert (kept["channels"], kept["excluded"], kept["tolerance:0"]) == (["web"], [place(shop, "S381")], ["-1"])
    assert [kept[f"rating:{n}"] for n in range(3)] == [["cost"], ["distance"], ["cost"]]
    assert "<script>alert" not in answer.text
    async with parts.database.read() as reader:
        assert (await routing.find(reader)).items == []


async def test_a_code_names_one_rule_set_and_a_channel_has_to_be_there(owner: Staff, parts: Services) -> None:
    await made(parts, RuleSetDraft(code="web-cheap"))
    taken = await owner.submit("/routing/new", "/routing/new", FORM)
    assert (taken.status_code, "Another rule set has this code." in taken.text) == (422, True)
    gone = await owner.submit("/routing/new", "/routing/new", FORM | {"code": "x", "channels": ["gone"]})
    assert gone.status_code == 422
    assert "One of these channels is not there any more." in gone.text
    assert '<option value="cost" selected>' in gone.text


async def test_a_category_that_is_not_there_any_more_is_taken_away(owner: Staff, parts: Services) -> None:
    async with parts.database.read() as reader:
        there = (await rulebook.categories(reader))[0]
    one = await made(parts, RuleSetDraft(code="web", rules=Rules(condition=Condition(categories=(there, "Long gone")))))
    form = typed_in((await owner.get(href(one))).text)
    assert form["categories"] == [there, "Long gone"]
    refused = await owner.send(href(one), form | {"safety": "1"})
    assert (refused.status_code, "One of these categories is not there any more." in refused.text) == (422, True)
    assert (await owner.send(href(one), form | {"safety": "1", "categories": [there], "_key": "other"})).status_code == 303
    assert (await again(parts, one.id)).rules == Rules(safety=1, condition=Condition(categories=(there,)))


async def test_ratings_are_added_moved_and_taken_away_without_losing_anything(owner: Staff, parts: Services) -> None:
    one = await made(parts, RuleSetDraft(code="web"))
    form = fields_of((await owner.get(href(one))).text, href(one)) | FORM | {"safety": "7", "countries_other": "Peru"}

    async def ratings(step: str, **more: str) -> list[str]:
        answer = await owner.send(href(one), form | {"step": step} | more, **FRAGMENT)
        assert answer.status_code == 200
        assert "<html" not in answer.text
        values = typed_in(answer.text)
        assert (values["safety"], values["countries_other"]) == (["7"], ["Peru"])
        return [values[f"rating:{n}"][0] for n in range(sum(name.startswith("rating:") for name in values))]

    assert await ratings("add", add="load") == ["cost", "distance", "load"]
    assert await ratings("add", add="cost") == ["cost", "distance"], "it is there already"
    assert await ratings("down:cost") == ["distance", "cost"]
    assert await ratings("up:distance") == ["distance", "cost"]
    assert await ratings("up:cost") == ["cost", "distance"]
    assert await ratings("away:cost") == ["distance"]
    assert await ratings("away:nonsense") == ["cost", "distance"]
    assert await ratings("show", mode="weighted") == ["cost", "distance"]
    assert await again(parts, one.id) == one, "nothing is saved before it is asked for"


async def test_a_number_that_was_typed_for_another_rating_is_looked_at_again(owner: Staff, parts: Services) -> None:
    """Without scripts the unit beside the number follows only when the form comes back."""
    swapped = FORM | {"rating:0": "distance", "rating:1": "cost", "tolerance:0": "50"}
    answer = await owner.submit("/routing/new", "/routing/new", swapped)
    assert answer.status_code == 422
    assert "Another rating is measured otherwise" in answer.text
    assert (await owner.send("/routing/new", typed_in(answer.text))).status_code == 303
    assert (await by_code(parts, "web-cheap")).rules.ratings[0] == Weight(Rating.DISTANCE, 1.0, 50.0)


async def test_weights_are_said_as_shares(owner: Staff, parts: Services) -> None:
    values = FORM | {"mode": "weighted", "weight:0": "3", "weight:1": "1"}
    shown = await owner.send(
        "/routing/new", fields_of((await owner.get("/routing/new")).text, "/routing/new") | values | {"step": "show"}
    )
    assert "· 75%" in said(shown.text)
    assert (await owner.submit("/routing/new", "/routing/new", values)).status_code == 303
    one = await by_code(parts, "web-cheap")
    assert (one.rules.mode, one.rules.ratings[0].weight) == (Mode.WEIGHTED, 3.0)
    assert "Weighing the cheapest 75%, the nearest 25%." in said((await owner.get(href(one))).text)


# Its life


async def test_a_rule_set_is_put_live_taken_back_retired_and_copied(owner: Staff, parts: Services) -> None:
    answer = await owner.submit("/routing/new", "/routing/new", FORM | {"step": "live"})
    assert answer.status_code == 303
    one = await by_code(parts, "web-cheap")
    assert one.state is RuleSetState.LIVE
    here, move = href(one), f"{href(one)}/state"
    page = (await owner.get(here)).text
    assert "orders go by it from now on" in page
    assert fields_of(page, move)["to"] == "draft"
    assert (await owner.submit(here, move, {})).status_code == 303
    assert (await again(parts, one.id)).state is RuleSetState.DRAFT
    assert (await owner.submit(here, here, FORM | {"step": "live"})).status_code == 303, "as it is, but live"
    assert (await again(parts, one.id)).version == 4
    retired = fields_of((await owner.get(here)).text, move) | {"to": "retired"}
    assert (await owner.send(move, retired)).status_code == 303
    text = (await owner.get(here)).text
    assert "This rule set is retired" in text
    assert 'id="rules"' not in text, "it stays as it was"
    copy = typed_in((await owner.get(f"/routing/new?from={to_text(RULE_SET_PREFIX, one.id)}")).text)
    assert (copy["name"], copy["code"], copy["rating:0"]) == (["Copy of Web, cheapest first"], [""], ["cost"])
    assert [entry.action for entry in await audited(parts)][:5] == [
        "rule_set.retired",
        "rule_set.put_live",
        "rule_set.taken_back",
        "rule_set.put_live",
        "rule_set.created",
    ]
    assert f'href="{here}"' in (await owner.get("/settings/audit")).text


async def test_a_form_that_is_sent_twice_makes_one_rule_set(owner: Staff, parts: Services) -> None:
    form = fields_of((await owner.get("/routing/new")).text, "/routing/new") | FORM
    answers = await asyncio.gather(*(owner.send("/routing/new", form) for _ in range(2)))
    assert [answer.status_code for answer in answers] == [303, 303]
    assert (await by_code(parts, "web-cheap")).version == 1


async def test_of_two_who_change_a_rule_set_the_second_is_told_what_changed(owner: Staff, parts: Services) -> None:
    one = await made(
        parts, RuleSetDraft(code="web", name="Web", rules=Rules(ratings=(Weight(Rating.COST),))), RuleSetState.LIVE
    )
    mine = typed_in((await owner.get(href(one))).text) | {"safety": "4"}
    async with parts.database.transaction() as tx:
        await routing.update(tx, one.id, replace(one, share=35))
    stale = await owner.send(href(one), mine)
    assert stale.status_code == 422
    assert "Someone else has changed this rule set since you opened it. Share: 100% → 35%." in said(stale.text)
    fresh = typed_in(stale.text)
    assert (fresh["safety"], fresh["version"], fresh["share"]) == (["4"], ["3"], ["100"])
    assert (await again(parts, one.id)).rules.safety == 0
    assert (await owner.send(href(one), fresh)).status_code == 303
    assert (await again(parts, one.id)).rules.safety == 4
    old = fields_of((await owner.get(href(one))).text, f"{href(one)}/state") | {"version": "2"}
    late = await owner.send(f"{href(one)}/state", old)
    assert (late.status_code, "Someone else has changed this rule set" in late.text) == (422, True)
    assert (await again(parts, one.id)).state is RuleSetState.LIVE
    async with parts.database.transaction() as tx:
        await routing.move(tx, one.id, RuleSetState.RETIRED)
    gone = await owner.send(href(one), fresh | {"safety": "5", "_key": "later"})
    assert gone.status_code == 422
    assert "This rule set is retired and stays as it was." in gone.text
    assert typed_in(gone.text)["safety"] == ["5"]


async def test_the_history_says_what_changed_and_who_did_it(owner: Staff, parts: Services, shop: Shop) -> None:
    async with parts.database.read() as reader:
        users = {user.role.value: user for user in (await staff.find_users(reader, UserFilter())).items}
    async with parts.database.transaction(Context(actor=ActorId(f"user:{users['owner'].id}"))) as tx:
        one = await routing.create(tx, RuleSetDraft(code="web", name="Web"))
        await routing.move(tx, one.id, RuleSetState.LIVE)
    changed = Rules(ratings=(Weight(Rating.COST),), excluded=(shop.locations["S381"],), safety=1, insist_on_date=True)
    async with parts.database.transaction(Context(actor=ActorId(f"user:{users['operations'].id}"))) as tx:
        await routing.update(tx, one.id, replace(one, name="Web shop", position=4, rules=changed))
    words = said((await owner.get(href(one))).text)
    for sentence in (
        "Name: Web → Web shop",
        "Asked as number: 0 → 4",
        "Choice: first the one that the stock pool prefers, then the nearest → first the cheapest",
        "Kept by stores: 0 units → 1 unit",
        "Who cannot keep the promised date: only comes after others → is left out",
        "What runs improve: the cost of the parcels, $3.00 for each day late, and $50.00 for each place behind the first in",
        "their own order → the cost of the parcels and $3.00 for each day late",
        "Left out from now on: Store 381, Dallas",
        "Version 3 · Dana Operations ·",
        "Version 2 · Dana Owner ·",
    ):
        assert sentence in words, sentence
    page = (await owner.get(f"{href(one)}/versions/1")).text
    assert "First the one that the stock pool prefers, then the nearest." in page
    assert "Left out from now on: Store 381, Dallas" in page, "since then"
    back = (await owner.get(f"{href(one)}?rules=1")).text
    assert "These are the rules of version 1" in back
    assert (await owner.send(href(one), typed_in(back))).status_code == 303
    assert (await again(parts, one.id)).rules == Rules()
    history = said((await owner.get(f"{href(one)}/history")).text)
    assert "Used again: Store 381, Dallas" in history
    assert "Version 1 · Dana Owner" in history


async def test_roles_of_routing(owner: Staff, parts: Services, shop: Shop) -> None:
    one = await made(parts, RuleSetDraft(code="web", name="Web"))
    sending = f"/locations/{place(shop, 'S367')}/sending"
    here = href(one)
    for role in ("store", "support", "analyst", "buyer"):
        visitor = await as_role(owner, role)
        seen = ["/routing", here, f"{here}/history", f"{here}/versions/1"]
        assert set((await statuses(visitor, seen)).values()) == {200}, role
        assert set((await statuses(visitor, ["/routing/new", sending])).values()) == {403}, role
        assert (await visitor.send(here, FORM)).status_code == 403
        assert (await visitor.send(f"{here}/state", {"to": "live", "version": "1"})).status_code == 403
        text = (await visitor.get(here)).text
        assert 'id="rules"' not in text
        assert "First the one that the stock pool prefers, then the nearest." in text
        assert "/routing/new" not in (await visitor.get("/routing")).text
    operations = await as_role(owner, "operations")
    assert (await operations.get("/routing/new")).status_code == 200
    nowhere = "/routing/rul_01kag8v6w3e9n8r2t5y7z4c6bd"
    missing = [nowhere, f"{here}/versions/9", f"{here}/versions/x", "/routing/nonsense", f"{nowhere}/history"]
    assert set((await statuses(operations, missing)).values()) == {404}
    assert (await again(parts, one.id)) == one


async def test_pages_of_routing_ask_the_database_few_questions(owner: Staff, parts: Services) -> None:
    one = await made(parts, RuleSetDraft(code="web", name="Web"), RuleSetState.LIVE)
    for address, most in (("/routing", 10), (href(one), 18), ("/routing/new", 14)):
        await owner.get(address)
        with counted_statements() as sent:
            assert (await owner.get(address)).status_code == 200
        assert len(sent) <= most, (address, len(sent), sent)


async def test_rules_are_said_in_french(owner: Staff, parts: Services) -> None:
    rules = Rules(
        condition=Condition(channels=("web",), countries=("FR",)), ratings=(Weight(Rating.COST, 1.0, 50.0),), safety=2
    )
    one = await made(parts, RuleSetDraft(code="web", name="Web", rules=rules, share=20))
    await owner.get("/preferences/language?to=fr&next=/routing")
    words = said((await owner.get(href(one))).text)
    assert "Pour les commandes du canal Web shop vers France." in words
    assert "D’abord le moins cher (à 0,50 $US près)." in words
    assert "Les magasins gardent 2 unités de chaque produit." in words
    assert typed_in((await owner.get(href(one))).text)["tolerance:0"] == ["0,50"]


# How a location prepares and sends


async def test_a_location_says_when_it_sends_and_what_that_costs(owner: Staff, parts: Services, shop: Shop) -> None:
    here = f"/locations/{place(shop, 'S367')}"
    assert "The usual values: nobody has said otherwise." in (await owner.get(here)).text
    values = {"pick_cost": "0.35", "pack_cost": "", "cut_off": "16:30", "preparation": "90", "days": ["0", "1", "2", "5"]}
    form = fields_of((await owner.get(f"{here}/sending")).text, f"{here}/sending")
    assert (await owner.send(f"{here}/sending", form | values)).status_code == 303
    location = shop.locations["S367"]
    async with parts.database.read() as reader:
        kept = await routing.settings(reader, location)
    works = (True, True, True, False, False, True, False)
    assert (kept.pick_cost, kept.pack_cost, kept.cut_off, kept.preparation, kept.works) == (35, 0, 990, 90, works)
    words = said((await owner.get(here)).text)
    assert "Picking a line $0.35" in words
    assert "Leaves the same day until 16:30" in words
    assert "Parcels leave on Monday, Tuesday, Wednesday, and Saturday" in words
    (entry, *_) = await audited(parts)
    assert (entry.action, entry.data["cut_off"]) == ("location.sending_changed", {"from": 840, "to": 990})
    stale = await owner.send(f"{here}/sending", form | values | {"pick_cost": "0.40", "_key": "other"})
    assert stale.status_code == 422
    assert "What holds now: Picking a line $0.35" in said(stale.text)
    assert 'value="0.40"' in stale.text
    fresh = fields_of(stale.text, f"{here}/sending")
    assert (await owner.send(f"{here}/sending", fresh | values | {"pick_cost": "0.40"})).status_code == 303


async def test_settings_that_cannot_be_are_refused_by_their_fields(owner: Staff, parts: Services, shop: Shop) -> None:
    here = f"/locations/{place(shop, 'S367')}/sending"
    for wrong, words in (
        ({"cut_off": "25:00"}, "Type a time such as 16:30."),
        ({"cut_off": "noon"}, "Type a time such as 16:30."),
        ({"pick_cost": "much"}, "Type an amount such as 12.50."),
        ({"preparation": "-1"}, "Type a whole number"),
    ):
        values = {"pick_cost": "", "pack_cost": "0.90", "cut_off": "24:00", "preparation": "60", "days": ["6"]} | wrong
        answer = await owner.submit(here, here, values, **FRAGMENT)
        assert answer.status_code == 422, wrong
        assert words in answer.text or "Type a number from" in answer.text
        assert 'value="0.90"' in answer.text
        assert re.search(r'value="6" aria-label="Sunday" checked', answer.text)
    async with parts.database.read() as reader:
        assert await routing.site_settings(reader, [shop.locations["S367"]]) == {
            shop.locations["S367"]: SiteSettings(location_id=shop.locations["S367"])
        }


# In a browser


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_pages_of_routing_are_accessible_and_fit_their_width(
    browser: Browser, parts: Services, shop: Shop, language: str
) -> None:
    async with signed_in(browser, parts) as page:
        await looked_at(page, language, ["/routing"])
        full = Rules(
            condition=Condition(("web", "app", "phone"), ("US",), (Service.STANDARD,), ("Grocery",)),
            mode=Mode.WEIGHTED,
            ratings=tuple(Weight(rating) for rating in Rating),
            excluded=tuple(shop.locations.values()),
        )
        one = await made(parts, RuleSetDraft(code="web", name="Web", rules=full), RuleSetState.LIVE)
        old = await made(parts, RuleSetDraft(code="old", name="Old"), RuleSetState.RETIRED)
        here = href(one)
        await looked_at(
            page,
            language,
            [
                "/routing", "/routing?q=nothing", "/routing/new", here, f"{here}/history", f"{here}/versions/1", href(old),
                f"/locations/{place(shop, 'S367')}", f"/locations/{place(shop, 'S367')}/sending",
            ],
        )  # fmt: skip


async def test_a_sentence_is_filled_in_with_the_keyboard(browser: Browser, parts: Services) -> None:
    one = await made(parts, RuleSetDraft(code="web", name="Web"))
    async with signed_in(browser, parts) as page:
        await page.goto(href(one))
        await page.focus("#channels")
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Space")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Space")
        await expect(page.locator("#channels [data-pick-words]")).to_have_text("App and Marketplace")
        await page.keyboard.press("Escape")
        await expect(page.locator("details.pick[open]")).to_have_count(0)
        # A rating is moved, and whoever moves it stays with it.
        await page.focus("#up-distance")
        await page.keyboard.press("Enter")
        await expect(page.locator(".rating select").first).to_have_value("distance")
        await expect(page.locator("#down-distance")).to_be_focused()
        await page.select_option("#add", "cost")
        await page.get_by_role("button", name="Add", exact=True).click()
        await expect(page.locator(".rating")).to_have_count(3)
        await expect(page.locator(".rating select").nth(2)).to_be_focused()
        await page.locator(".rating select").nth(2).select_option("delivery")
        await expect(page.locator(".rating").nth(2)).to_contain_text("days")
        # Enter in a field saves, and does not press the first button of the ratings.
        await page.fill("#safety", "3")
        await page.keyboard.press("Enter")
        await expect(page.locator("#toasts")).to_contain_text("The draft is saved.")
    saved = (await again(parts, one.id)).rules
    assert saved.condition.channels == ("app", "market")
    assert [weight.rating for weight in saved.ratings] == [Rating.DISTANCE, Rating.PRIORITY, Rating.DELIVERY]
    assert saved.safety == 3


async def test_rules_are_made_without_scripts(browser: Browser, parts: Services) -> None:
    one = await made(parts, RuleSetDraft(code="web", name="Web"))
    async with served(application(parts)) as address:
        context = await browser.new_context(base_url=address, java_script_enabled=False)
        page = await context.new_page()
        await page.goto("/sign-in")
        await page.fill("#email", "owner@example.com")
        await page.fill("#password", PASSWORD)
        await page.click("button[type=submit]")
        await page.goto(href(one))
        await page.click("#countries")
        await page.fill("[name=countries_other]", "France")
        await page.select_option("#mode", "weighted")
        await page.get_by_role("button", name="Show").click()
        await page.get_by_role("button", name="Take away: the nearest").click()
        await page.get_by_label("Weight of rating 1").fill("2")
        await page.get_by_role("button", name="Save and put live").click()
        await expect(page.locator("h1")).to_contain_text("Live")
        await context.close()
    saved = await again(parts, one.id)
    assert (saved.state, saved.rules.condition.countries) == (RuleSetState.LIVE, ("FR",))
    assert saved.rules.ratings == (Weight(Rating.PRIORITY, 2.0),)
