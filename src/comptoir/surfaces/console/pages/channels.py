"""Channels: what each sells from, by which rules, and what it may promise now."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from comptoir.i18n import N_
from comptoir.kernel.errors import Stale
from comptoir.kernel.ids import to_text
from comptoir.modules.channels import api as channels
from comptoir.modules.channels.api import MAX_HOLD
from comptoir.modules.channels.contracts import (
    CHANNEL_PREFIX,
    Channel,
    ChannelDraft,
    ChannelFilter,
    ChannelKind,
    PublishRules,
)
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import SpotLevel
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import POOL_PREFIX, Pool, PoolId
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Clock, Grain, Trade
from comptoir.modules.pricing import api as pricing
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader, Tx
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import asking, lists
from comptoir.surfaces.console.pages.asking import Question, Typed
from comptoir.surfaces.console.pages.lists import Goods
from comptoir.surfaces.console.pages.naming import ICONS
from comptoir.surfaces.console.pages.stock import sku_href
from comptoir.surfaces.console.pages.stock_sku import Promise, pools_of, promises, reasons
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Done, Visit
from comptoir.surfaces.demo import state as demo

area = Area("channels")

KIND_WORDS = {
    ChannelKind.WEB: N_("Web shop"),
    ChannelKind.APP: N_("App"),
    ChannelKind.POS: N_("Tills"),
    ChannelKind.MARKETPLACE: N_("Marketplace"),
    ChannelKind.SOCIAL: N_("Social network"),
    ChannelKind.PHONE: N_("Telephone"),
    ChannelKind.EMAIL: N_("E-mail"),
    ChannelKind.B2B: N_("Business customers"),
    ChannelKind.AGENT: N_("Shopping assistant"),
}


def channel_href(code: str) -> str:
    return f"/channels/{quote(code, safe='')}"


@dataclass(frozen=True, slots=True)
class Shown:
    """A channel in the list: what it sold today, and what it may promise of the SKU that was chosen."""

    channel: Channel
    icon: str
    kind: str
    pool: str
    rules: tuple[str, ...]
    orders: int
    sold: tuple[str, ...]
    promise: Promise | None


@area.get("/channels", Permission.CHANNELS_READ)
async def channel_list(visit: Visit) -> Answer:
    sort = visit.sort(("code", "name", "kind"), "name")
    wanted = ChannelFilter(
        search=visit.param("q"),
        kind=lists.chosen(visit, "kind", ChannelKind),
        active={"yes": True, "no": False}.get(visit.param("active")),
        market=visit.param("market") or None,
    )
    if visit.wants_csv:
        return visit.csv("channels", [visit.say(word) for word in _COLUMNS], _exported(visit, wanted, sort))
    async with visit.read() as reader:
        page = await channels.find(reader, wanted, sort=sort, limit=PAGE_SIZE, cursor=visit.cursor)
        pools = await pools_of(reader, page.items)
        sku, names, levels = await _chosen_sku(visit, reader)
        today = await trade_today(visit, reader)
        markets = await pricing.markets(reader)
    weighed = names.is_weighed(sku)
    told = promises(visit, page.items, pools, levels, weighed=weighed) if sku else []
    kinds = lists.options_of(visit, KIND_WORDS)
    return visit.respond(
        "channels/list.html",
        "channels/_results.html",
        rows=_shown(visit, page.items, pools, today, told),
        before=page.previous,
        after=page.next,
        sort=sort,
        sku=sku,
        sku_name=names[sku] if sku else "",
        sku_href=sku_href(sku) if sku else "",
        unknown=bool(visit.param("sku")) and not sku,
        weighed=weighed,
        kinds=kinds,
        markets=[(market.code, market.name or market.code) for market in markets],
        chips=lists.chips(
            visit,
            [
                (N_("Kind"), "kind", dict(kinds)),
                (N_("Market"), "market", {market.code: market.name or market.code for market in markets}),
                (N_("Active"), "active", {"yes": visit.say(N_("yes")), "no": visit.say(N_("no"))}),
            ],
        ),
        href=channel_href,
        query="?" + urlencode({"sku": sku}) if sku else "",
        is_empty=not page.items and not visit.page.query,
    )


def _shown(
    visit: Visit,
    found: Iterable[Channel],
    pools: Mapping[PoolId, Pool],
    today: Mapping[str, Sequence[Trade]],
    told: Iterable[Promise],
) -> list[Shown]:
    by_code = {one.channel.code: one for one in told}
    return [
        Shown(
            channel,
            ICONS[channel.kind],
            visit.say(KIND_WORDS[channel.kind]),
            pools[channel.pool_id].name or pools[channel.pool_id].code,
            tuple(rules_words(visit, channel.rules)),
            sum(row.orders for row in today.get(channel.code, ())),
            tuple(formatting.money(row.total, row.currency, visit.page.locale) for row in today.get(channel.code, ())),
            by_code.get(channel.code),
        )
        for channel in found
    ]


def rules_words(visit: Visit, rules: PublishRules) -> list[str]:
    """What the rules hold back, whatever the stock is."""
    number, locale = formatting.number, visit.page.locale
    told: list[str] = []
    if rules.buffer:
        told.append(visit.say(N_("buffer of %(units)s"), units=number(rules.buffer, locale)))
    if rules.publish_percent != 100:
        told.append(visit.say(N_("%(share)s of the rest"), share=formatting.percent(rules.publish_percent / 100, locale)))
    if rules.publish_max is not None:
        told.append(visit.say(N_("at most %(units)s"), units=number(rules.publish_max, locale)))
    if rules.publish_min:
        told.append(visit.say(N_("at least %(units)s"), units=number(rules.publish_min, locale)))
    if rules.stop_below:
        told.append(visit.say(N_("stops below %(units)s in the pool"), units=number(rules.stop_below, locale)))
    return told


async def trade_today(visit: Visit, reader: Reader) -> dict[str, list[Trade]]:
    """What each channel has sold since midnight where the reader is; while a year is replayed, since midnight there."""
    replay = await demo.status(reader)
    at, clock = (visit.page.now, Clock.RECORDED) if replay is None else (replay.data_at, Clock.PLACED)
    now = at.astimezone(visit.page.zone)
    midnight = datetime.combine(now.date(), datetime.min.time(), now.tzinfo)
    sold: dict[str, list[Trade]] = {}
    for row in await orders.trade(reader, clock, Grain.ALL, since=midnight, until=now + timedelta(minutes=1)):
        sold.setdefault(row.channel, []).append(row)
    return sold


async def _chosen_sku(visit: Visit, reader: Reader) -> tuple[str, Goods, list[SpotLevel]]:
    """The SKU whose promises are compared: named by SKU or GTIN, or the first that the search finds."""
    text = visit.param("sku").strip()
    if not text:
        return "", Goods({}, frozenset()), []
    sku = await lists.sku_of(reader, text) or lists.first_of(await lists.skus_found(reader, text))
    if not sku:
        return "", Goods({}, frozenset()), []
    return sku, await lists.goods(reader, [sku]), await inventory.levels_of_sku(reader, sku)


_COLUMNS = (
    N_("Code"), N_("Name"), N_("Kind"), N_("Active"), N_("Stock pool"), N_("Market"), N_("Backorders"), N_("Buffer"),
    N_("Percent"), N_("At most"), N_("At least"), N_("Stops below"),
)  # fmt: skip


async def _exported(visit: Visit, wanted: ChannelFilter, sort: str) -> AsyncIterator[Sequence[object]]:
    async with visit.read() as reader:
        found = [one async for one in channels.stream(reader, wanted, sort=sort)]
        pools = await pools_of(reader, found)
        for one in found:
            rules = one.rules
            yield (
                one.code, one.name, visit.say(KIND_WORDS[one.kind]), visit.say(N_("yes") if one.active else N_("no")),
                pools[one.pool_id].code, one.market, visit.say(N_("yes") if one.backorder else N_("no")), rules.buffer,
                rules.publish_percent, rules.publish_max, rules.publish_min, rules.stop_below,
            )  # fmt: skip


# One channel


async def _channel(visit: Visit, reader: Reader) -> Channel:
    return await channels.by_code(reader, visit.path("code"))


@area.get("/channels/{code:str}", Permission.CHANNELS_READ)
async def channel_page(visit: Visit) -> Answer:
    return await _page(visit, asking.NOTHING_TYPED)


async def _page(visit: Visit, typed: Typed) -> Answer:
    """The channel with its rules as a form. `typed` are rules that were refused."""
    async with visit.read() as reader:
        channel = await _channel(visit, reader)
        pool = await locations.pool(reader, channel.pool_id)
        sku, names, levels = await _chosen_sku(visit, reader)
        sold = (await trade_today(visit, reader)).get(channel.code, [])
        market = await pricing.market(reader, channel.market)
    values = _rule_values(channel) | dict(typed.values) | {"version": str(channel.version)}
    proposed = _rules(Fields({name: [value] for name, value in values.items()}))
    return visit.respond(
        "channels/detail.html",
        status=422 if typed.refused else 200,
        channel=channel,
        name=channel.name or channel.code,
        icon_name=ICONS[channel.kind],
        kind=visit.say(KIND_WORDS[channel.kind]),
        href=channel_href(channel.code),
        pool=pool,
        pool_href=f"/pools/{to_text(POOL_PREFIX, pool.id)}",
        pool_size=sum(1 for member in pool.members if member.active),
        market=market,
        sold=sold,
        orders_today=sum(row.orders for row in sold),
        hold=formatting.duration(channel.hold_for, visit.page.locale),
        values=values,
        errors=typed.errors,
        refused=typed.refused,
        may_write=visit.may(Permission.CHANNELS_WRITE),
        effect=_effect(visit, channel, pool, proposed, sku, names, levels),
    )


def _rule_values(channel: Channel) -> dict[str, str]:
    rules = channel.rules
    return {
        "buffer": str(rules.buffer),
        "publish_percent": str(rules.publish_percent),
        "publish_max": "" if rules.publish_max is None else str(rules.publish_max),
        "publish_min": str(rules.publish_min),
        "stop_below": str(rules.stop_below),
    }


def _rules(fields: Fields) -> PublishRules:
    most = fields.whole("publish_max") if fields.raw("publish_max") else None
    rules = PublishRules(
        buffer=fields.whole("buffer", default=0),
        publish_percent=fields.whole("publish_percent", most=100, default=100),
        publish_max=most,
        publish_min=fields.whole("publish_min", default=0),
        stop_below=fields.whole("stop_below", default=0),
    )
    if most is not None and rules.publish_min > most and not fields.errors:
        fields.refuse("publish_min", N_("This is more than “at most”."))
    return rules


def _effect(
    visit: Visit, channel: Channel, pool: Pool, rules: PublishRules, sku: str, names: Goods, levels: Iterable[SpotLevel]
) -> dict[str, object]:
    """What rules would make of the SKU that was chosen, beside what holds now."""
    ids = {member.id for member in pool.members if member.active}
    total = sum(max(0, row.level.available) for row in levels if row.location_id in ids)
    weighed = names.is_weighed(sku)
    return {
        "sku": sku,
        "sku_name": names[sku] if sku else "",
        "sku_typed": visit.param("sku"),
        "weighed": weighed,
        "total": total,
        "now": channels.publishable_of(total, channel.rules),
        "then": channels.publishable_of(total, rules),
        "why": reasons(visit, total, rules, weighed),
        "changed": rules != channel.rules,
    }


@area.get("/channels/{code:str}/effect", Permission.CHANNELS_READ)
async def effect(visit: Visit) -> Answer:
    """What the rules that stand in the form would do, while they are being typed."""
    async with visit.read() as reader:
        channel = await _channel(visit, reader)
        pool = await locations.pool(reader, channel.pool_id)
        sku, names, levels = await _chosen_sku(visit, reader)
    fields = Fields({name: [value] for name, value in visit.page.query.items()}, visit.page.locale)
    rules = _rules(fields)
    return visit.fragment(
        "channels/_effect.html",
        errors=fields.errors,
        effect=_effect(visit, channel, pool, channel.rules if fields.errors else rules, sku, names, levels),
    )


@area.post("/channels/{code:str}/rules", Permission.CHANNELS_WRITE)
async def save_rules(visit: Visit) -> Answer:
    fields = visit.fields()
    rules, version = _rules(fields), fields.whole("version", default=0)
    async with visit.read() as reader:
        channel = await _channel(visit, reader)

    async def work(tx: Tx) -> Done:
        saved = await channels.update(tx, channel.id, replace(channel, rules=rules), version=version)
        await visit.record(tx, "channel.rules_changed", to_text(CHANNEL_PREFIX, saved.id), _rule_values(saved))
        return Done(_back(visit, saved.code), visit.say(N_("The rules hold from now on, for everybody who asks.")))

    async def show(typed: Typed) -> Answer:
        return await _page(visit, replace(typed, refused=_stale_words(visit, channel)) if _is_stale(typed) else typed)

    return await asking.answer(visit, fields, work, show)


def _back(visit: Visit, code: str) -> str:
    sku = visit.param("sku")
    return channel_href(code) + (f"?{urlencode({'sku': sku})}" if sku else "")


def _is_stale(typed: Typed) -> bool:
    return isinstance(typed.refusal, Stale)


def _stale_words(visit: Visit, now: Channel) -> str:
    """Somebody else was faster: what holds now."""
    words = ", ".join(rules_words(visit, now.rules)) or visit.say(N_("everything may be promised"))
    said = visit.say(N_("Someone else has changed this channel since you opened it. What holds now: %(rules)s."), rules=words)
    return f"{said} {visit.say(N_('Send yours again to have them.'))}"


# On and off


@area.post("/channels/{code:str}/switch", Permission.CHANNELS_WRITE)
async def switch(visit: Visit) -> Answer:
    active = visit.fields().one_of("to", ("on", "off"), "off") == "on"
    async with visit.read() as reader:
        channel = await _channel(visit, reader)

    async def work(tx: Tx) -> Done:
        there = await channels.get(tx, channel.id)
        saved = await channels.update(tx, channel.id, replace(there, active=active), version=there.version)
        action = "channel.switched_on" if active else "channel.switched_off"
        await visit.record(tx, action, to_text(CHANNEL_PREFIX, saved.id), {"code": saved.code})
        words = N_("The channel sells again.") if active else N_("The channel promises nothing any more.")
        return Done(channel_href(saved.code), visit.say(words))

    return await visit.act(work)


# The form


@area.get("/new-channel", Permission.CHANNELS_WRITE)
async def new_channel(visit: Visit) -> Answer:
    return await _form(visit, None, asking.NOTHING_TYPED)


@area.get("/channels/{code:str}/edit", Permission.CHANNELS_WRITE)
async def edit_channel(visit: Visit) -> Answer:
    async with visit.read() as reader:
        channel = await _channel(visit, reader)
    return await _form(visit, channel, asking.NOTHING_TYPED)


async def _form(visit: Visit, channel: Channel | None, typed: Typed) -> Answer:
    async with visit.read() as reader:
        pools = (await locations.find_pools(reader, limit=200)).items
        markets = await pricing.markets(reader)
    here = "/channels" if channel is None else channel_href(channel.code)
    question = Question(
        title=visit.say(N_("New channel")) if channel is None else channel.name or channel.code,
        fields="channels/_fields.html",
        action="/new-channel" if channel is None else f"{here}/edit",
        back=here,
        confirm=visit.say(N_("Create")) if channel is None else visit.say(N_("Save")),
        crumbs=[(visit.say(N_("Channels")), "/channels")],
    )
    proposed: dict[str, object] = {"kind": ChannelKind.WEB.value, "hold_for": 10}
    if channel is not None:
        proposed = {
            "code": channel.code,
            "name": channel.name,
            "kind": channel.kind.value,
            "pool": to_text(POOL_PREFIX, channel.pool_id),
            "market": channel.market,
            "hold_for": max(1, round(channel.hold_for / 60)),
            "backorder": "yes" if channel.backorder and not typed.refused else "",
        }
    version = {} if channel is None else {"version": str(channel.version)}
    return asking.ask(
        visit,
        question,
        replace(typed, values=dict(typed.values) | version) if typed.refused else typed,
        proposed | version,
        kinds=lists.options_of(visit, KIND_WORDS),
        pools=[(to_text(POOL_PREFIX, pool.id), pool.name or pool.code) for pool in pools],
        markets=[(market.code, f"{market.name or market.code} ({market.currency})") for market in markets],
    )


def _draft(fields: Fields, channel: Channel | None) -> ChannelDraft:
    there = (channel.rules, channel.active) if channel else (PublishRules(), True)
    return ChannelDraft(
        code=fields.text("code", required=True, most=64),
        name=fields.text("name", required=True),
        kind=fields.choice("kind", ChannelKind),
        pool_id=PoolId(fields.id("pool", POOL_PREFIX)),
        market=fields.text("market", required=True, most=64),
        backorder=fields.checked("backorder"),
        hold_for=fields.whole("hold_for", least=1, most=MAX_HOLD // 60) * 60,
        rules=there[0],
        active=there[1],
    )


@area.post("/new-channel", Permission.CHANNELS_WRITE)
async def create_channel(visit: Visit) -> Answer:
    fields = visit.fields()
    draft = _draft(fields, None)

    async def work(tx: Tx) -> Done:
        made = await channels.create(tx, draft)
        await visit.record(tx, "channel.created", to_text(CHANNEL_PREFIX, made.id), {"code": made.code, "name": made.name})
        return Done(channel_href(made.code), visit.say(N_("The channel is created and may sell.")))

    return await asking.answer(visit, fields, work, lambda typed: _form(visit, None, typed))


@area.post("/channels/{code:str}/edit", Permission.CHANNELS_WRITE)
async def save_channel(visit: Visit) -> Answer:
    fields = visit.fields()
    async with visit.read() as reader:
        channel = await _channel(visit, reader)
    draft, version = _draft(fields, channel), fields.whole("version", default=0)

    async def work(tx: Tx) -> Done:
        saved = await channels.update(tx, channel.id, draft, version=version)
        await visit.record(tx, "channel.changed", to_text(CHANNEL_PREFIX, saved.id), {"code": saved.code, "name": saved.name})
        return Done(channel_href(saved.code), visit.say(N_("The channel is saved.")))

    return await asking.answer(visit, fields, work, lambda typed: _form(visit, channel, typed))
