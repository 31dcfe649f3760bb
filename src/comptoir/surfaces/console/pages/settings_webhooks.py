"""Webhooks: where events are sent to, what has arrived, and sending again what has not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from urllib.parse import urlencode

import msgspec

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound
from comptoir.kernel.ids import to_text
from comptoir.modules.staff.contracts import Permission
from comptoir.modules.webhooks import api as webhooks
from comptoir.modules.webhooks.contracts import (
    DELIVERY_PREFIX,
    ENDPOINT_PREFIX,
    EVENT_PREFIX,
    Delivery,
    DeliveryFilter,
    DeliveryId,
    DeliveryState,
    Endpoint,
    EndpointDraft,
    EndpointId,
)
from comptoir.runtime.database import Tx
from comptoir.runtime.paging import Page
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import asking, lists, shown_once
from comptoir.surfaces.console.pages.asking import Question, Typed
from comptoir.surfaces.console.pages.settings_tabs import tabs
from comptoir.surfaces.console.pages.shown_once import Shown
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Done, Visit

area = Area("settings")

GROUPS = {
    "order.*": N_("Orders"),
    "exception.*": N_("Exceptions"),
    "stock.*": N_("Stock"),
    "transfer.*": N_("Transfers"),
    "supply.*": N_("Incoming"),
    "product.*": N_("Products"),
    "price.*": N_("Prices"),
    "customer.*": N_("Customers"),
    "channel.*": N_("Channels"),
    "location.*": N_("Locations"),
    "pool.*": N_("Stock pools"),
    "rule_set.*": N_("Rule sets"),
    "carrier_service.*": N_("Carriers"),
    "import.*": N_("Imports"),
}
STATE_WORDS = {
    DeliveryState.PENDING: N_("Under way"),
    DeliveryState.DELIVERED: N_("Arrived"),
    DeliveryState.FAILED: N_("Failed"),
}
STATE_CODES = {DeliveryState.PENDING: "queued", DeliveryState.DELIVERED: "done", DeliveryState.FAILED: "failed"}


def endpoint_href(endpoint_id: EndpointId) -> str:
    return f"/settings/webhooks/{to_text(ENDPOINT_PREFIX, endpoint_id)}"


def delivery_href(delivery_id: DeliveryId) -> str:
    return f"/settings/deliveries/{to_text(DELIVERY_PREFIX, delivery_id)}"


@area.get("/settings/webhooks", Permission.SETTINGS_WEBHOOKS)
async def endpoint_list(visit: Visit) -> Answer:
    sort = visit.sort(("created", "url"), "created")
    q, active = visit.param("q"), {"yes": True, "no": False}.get(visit.param("active"))
    if visit.wants_csv:
        header = [visit.say(word) for word in (N_("Address"), N_("Events"), N_("Description"), N_("Active"), N_("Created"))]
        return visit.csv("webhooks", header, _exported(visit, q, active, sort))
    async with visit.read() as reader:
        page = await webhooks.find_endpoints(reader, q, active=active, sort=sort, limit=PAGE_SIZE, cursor=visit.cursor)
        figures = await webhooks.figures(reader)
    return visit.respond(
        "settings/webhooks.html",
        "settings/_webhooks.html",
        rows=page.items,
        before=page.previous,
        after=page.next,
        sort=sort,
        figures=figures,
        chips=lists.chips(visit, [(N_("Active"), "active", {"yes": visit.say(N_("yes")), "no": visit.say(N_("no"))})]),
        tabs=tabs(visit, "webhooks"),
        href=endpoint_href,
        is_empty=not page.items and not q and active is None,
    )


async def _exported(visit: Visit, q: str, active: bool | None, sort: str) -> AsyncIterator[Sequence[object]]:
    async with visit.read() as reader:

        async def page_of(cursor: str | None) -> Page[Endpoint]:
            return await webhooks.find_endpoints(reader, q, active=active, sort=sort, limit=200, cursor=cursor)

        async for one in lists.every(page_of):
            state = visit.say(N_("yes") if one.active else N_("no"))
            yield one.url, " ".join(one.types), one.description, state, one.created_at


# One endpoint, and its deliveries


def _id(visit: Visit) -> EndpointId:
    return EndpointId(visit.path_id("endpoint_id", ENDPOINT_PREFIX))


async def _endpoint(visit: Visit) -> Endpoint:
    async with visit.read() as reader:
        return await webhooks.get_endpoint(reader, _id(visit))


@area.get("/settings/webhooks/{endpoint_id:str}", Permission.SETTINGS_WEBHOOKS)
async def endpoint_page(visit: Visit) -> Answer:
    endpoint_id = _id(visit)
    sort = visit.sort(("created",), "-created")
    wanted = DeliveryFilter(
        endpoint_id=endpoint_id,
        state=lists.chosen(visit, "state", DeliveryState),
        type=visit.param("q").strip(),
        since=visit.day("on_from"),
        until=visit.day("on_to", end=True),
    )
    async with visit.read() as reader:
        endpoint = await webhooks.get_endpoint(reader, endpoint_id)
        if visit.wants_csv:
            return visit.csv("deliveries", [visit.say(word) for word in _COLUMNS], _exported_deliveries(visit, wanted, sort))
        page = await webhooks.find_deliveries(reader, wanted, sort=sort, limit=PAGE_SIZE, cursor=visit.cursor)
        figures = (await webhooks.figures(reader)).get(endpoint_id)
    states = lists.options_of(visit, STATE_WORDS)
    return visit.respond(
        "settings/webhook.html",
        "settings/_deliveries.html",
        endpoint=endpoint,
        rows=page.items,
        before=page.previous,
        after=page.next,
        sort=sort,
        pending=figures.pending if figures else 0,
        failed=figures.failed if figures else 0,
        states=states,
        state_words=dict(states),
        state_codes=STATE_CODES,
        shown=shown_once.shown(visit),
        chips=lists.chips(visit, [(N_("State"), "state", dict(states)), (N_("From"), "on_from", {}), (N_("To"), "on_to", {})]),
        href=endpoint_href(endpoint_id),
        delivery_href=delivery_href,
        types=[(name, visit.say(GROUPS[name]) if name in GROUPS else "") for name in endpoint.types],
        is_empty=not page.items and not visit.page.query,
    )


_COLUMNS = (N_("Time"), N_("Event"), N_("State"), N_("Attempts"), N_("Next attempt"), N_("Arrived"))


async def _exported_deliveries(visit: Visit, wanted: DeliveryFilter, sort: str) -> AsyncIterator[Sequence[object]]:
    async with visit.read() as reader:
        async for one in webhooks.stream_deliveries(reader, wanted, sort=sort):
            state = visit.say(STATE_WORDS[one.state])
            yield one.created_at, one.type, state, one.attempts, one.next_at, one.delivered_at


@area.get("/settings/deliveries/{delivery_id:str}", Permission.SETTINGS_WEBHOOKS)
async def delivery_page(visit: Visit) -> Answer:
    delivery_id = DeliveryId(visit.path_id("delivery_id", DELIVERY_PREFIX))
    async with visit.read() as reader:
        found = await webhooks.get_delivery(reader, delivery_id)
        endpoint = await webhooks.get_endpoint(reader, found.delivery.endpoint_id)
    return visit.respond(
        "settings/delivery.html",
        found=found,
        delivery=found.delivery,
        endpoint=endpoint,
        event=to_text(EVENT_PREFIX, found.delivery.event_id),
        payload=_pretty(found.payload),
        state=STATE_CODES[found.delivery.state],
        state_word=visit.say(STATE_WORDS[found.delivery.state]),
        href=delivery_href(delivery_id),
        endpoint_href=endpoint_href(endpoint.id),
    )


def _pretty(payload: str) -> str:
    try:
        return msgspec.json.format(payload, indent=2)
    except msgspec.MsgspecError:
        return payload


@area.post("/settings/deliveries/{delivery_id:str}/replay", Permission.SETTINGS_WEBHOOKS)
async def replay(visit: Visit) -> Answer:
    delivery_id = DeliveryId(visit.path_id("delivery_id", DELIVERY_PREFIX))

    async def work(tx: Tx) -> Done:
        await webhooks.replay(tx, delivery_id)
        await visit.record(tx, "webhook.replayed", to_text(DELIVERY_PREFIX, delivery_id))
        return Done(delivery_href(delivery_id), visit.say(N_("It is sent again.")))

    return await visit.act(work)


# The form


@area.get("/settings/webhooks/new", Permission.SETTINGS_WEBHOOKS)
async def new_endpoint(visit: Visit) -> Answer:
    return await _form(visit, None, asking.NOTHING_TYPED)


@area.get("/settings/webhooks/{endpoint_id:str}/edit", Permission.SETTINGS_WEBHOOKS)
async def edit_endpoint(visit: Visit) -> Answer:
    return await _form(visit, await _endpoint(visit), asking.NOTHING_TYPED)


async def _form(visit: Visit, endpoint: Endpoint | None, typed: Typed) -> Answer:
    question = Question(
        title=visit.say(N_("New webhook")) if endpoint is None else visit.say(N_("Change the webhook")),
        fields="settings/_webhook_fields.html",
        action="/settings/webhooks/new" if endpoint is None else f"{endpoint_href(endpoint.id)}/edit",
        back="/settings/webhooks" if endpoint is None else endpoint_href(endpoint.id),
        confirm=visit.say(N_("Create")) if endpoint is None else visit.say(N_("Save")),
        icon="webhook" if endpoint is None else "check",
        words=visit.say(N_("Each event is posted there as JSON, signed as Standard Webhooks has it.")),
        crumbs=[(visit.say(N_("Webhooks")), "/settings/webhooks")],
    )
    there: Sequence[str] = endpoint.types if endpoint else ()
    version = {"version": str(endpoint.version)} if endpoint else {}
    values: dict[str, object] = dict(version)
    if endpoint is not None:
        values |= {
            "url": endpoint.url,
            "description": endpoint.description,
            "others": ", ".join(name for name in there if name not in GROUPS),
        }
    return asking.ask(
        visit,
        question,
        Typed(dict(typed.values) | version, typed.errors, typed.refused, typed.refusal) if typed.refused else typed,
        values,
        groups=[(name, visit.say(word)) for name, word in GROUPS.items()],
        ticked=visit.form.get("type", ()) if typed.refused else there,
    )


def _draft(fields: Fields) -> EndpointDraft:
    url = fields.text("url", required=True, most=2000)
    if url and not url.startswith(("https://", "http://")):
        fields.refuse("url", N_("An address begins with https://."))
    others = [text for text in fields.text("others", most=2000).replace(",", " ").split() if text]
    types = [*(text for text in fields.all("type") if text in GROUPS), *others]
    if not types:
        fields.refuse("type", N_("Choose what it wants to hear of."))
    return EndpointDraft(url=url, types=tuple(types), description=fields.text("description", most=500))


@area.post("/settings/webhooks/new", Permission.SETTINGS_WEBHOOKS)
async def create_endpoint(visit: Visit) -> Answer:
    fields = visit.fields()
    draft, settings = _draft(fields), visit.console.settings

    async def work(tx: Tx) -> Done:
        made, secret = await webhooks.create_endpoint(
            tx, visit.console.keyring, draft, allow_private=settings.allow_private_hosts
        )
        await visit.record(tx, "webhook.created", to_text(ENDPOINT_PREFIX, made.id), {"url": made.url})
        return _shown(visit, made, secret, visit.say(N_("The webhook is created. Send a test to see whether it arrives.")))

    return await asking.answer(visit, fields, work, lambda typed: _form(visit, None, typed))


def _shown(visit: Visit, endpoint: Endpoint, secret: str, words: str) -> Done:
    sealed = shown_once.seal(visit, Shown("webhook", endpoint.url, secret))
    return Done(f"{endpoint_href(endpoint.id)}?{urlencode({'shown': sealed})}", words)


@area.post("/settings/webhooks/{endpoint_id:str}/edit", Permission.SETTINGS_WEBHOOKS)
async def save_endpoint(visit: Visit) -> Answer:
    fields = visit.fields()
    endpoint, draft = await _endpoint(visit), _draft(fields)
    version = fields.whole("version", default=0)

    async def work(tx: Tx) -> Done:
        private = visit.console.settings.allow_private_hosts
        saved = await webhooks.update_endpoint(tx, endpoint.id, draft, version=version, allow_private=private)
        await visit.record(tx, "webhook.changed", to_text(ENDPOINT_PREFIX, saved.id), {"url": saved.url})
        return Done(endpoint_href(saved.id), visit.say(N_("The webhook is saved.")))

    return await asking.answer(visit, fields, work, lambda typed: _form(visit, endpoint, typed))


# Test, switch, rotate, replay, delete


@area.post("/settings/webhooks/{endpoint_id:str}/{step:str}", Permission.SETTINGS_WEBHOOKS)
async def take_step(visit: Visit) -> Answer:
    endpoint, step = await _endpoint(visit), visit.path("step")

    async def work(tx: Tx) -> Done:
        done = await _step(visit, tx, endpoint, step)
        await visit.record(tx, f"webhook.{step}", to_text(ENDPOINT_PREFIX, endpoint.id), {"url": endpoint.url})
        return done

    return await visit.act(work)


async def _step(visit: Visit, tx: Tx, endpoint: Endpoint, step: str) -> Done:
    here = endpoint_href(endpoint.id)
    match step:
        case "test":
            delivery = await webhooks.send_test(tx, endpoint.id)
            return Done(delivery_href(delivery), visit.say(N_("A test is on its way. Load the page again in a moment.")))
        case "on" | "off":
            await webhooks.set_active(tx, endpoint.id, active=step == "on")
            words = N_("It gets events again.") if step == "on" else N_("It gets no events any more.")
            return Done(here, visit.say(words))
        case "rotate":
            secret = await webhooks.rotate_secret(tx, visit.console.keyring, endpoint.id)
            return _shown(visit, endpoint, secret, visit.say(N_("The secret is new. For a day the old one signs as well.")))
        case "replay":
            wanted = DeliveryFilter(endpoint_id=endpoint.id, state=DeliveryState.FAILED)
            again = await webhooks.replay_many(tx, wanted)
            words = visit.says("%(num)s event is sent again.", "%(num)s events are sent again.", again)
            return Done(here, words)
        case "delete":
            await webhooks.delete_endpoint(tx, endpoint.id)
            return Done("/settings/webhooks", visit.say(N_("The webhook is deleted.")))
        case _:
            raise NotFound(kind="page", id=step)


def is_over(delivery: Delivery) -> bool:
    return delivery.state is not DeliveryState.PENDING
