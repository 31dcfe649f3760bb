"""What holds for the messages of every channel: when telephones are silent, and the gateway that takes messages to them."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from comptoir.i18n import N_
from comptoir.modules.notices import api as notices
from comptoir.modules.notices.contracts import House
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Tx
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import asking, shown_once
from comptoir.surfaces.console.pages.asking import Question, Typed
from comptoir.surfaces.console.pages.shown_once import Shown
from comptoir.surfaces.console.web import Answer, Area, Done, Visit
from comptoir.surfaces.hooks.texts import PATH as INBOUND

area = Area("settings")

SENDERS: Final = "/settings/senders"
QUIET: Final = "/settings/messages/quiet"
GATEWAY: Final = "/settings/messages/gateway"


def clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def quiet_words(visit: Visit, house: House) -> str:
    if house.quiet_from == house.quiet_until:
        return visit.say(N_("never"))
    return visit.say(N_("from %(begin)s to %(end)s"), begin=clock(house.quiet_from), end=clock(house.quiet_until))


async def _house(visit: Visit) -> House:
    async with visit.read() as reader:
        return await notices.house(reader)


# When telephones are silent


@area.get(QUIET, Permission.ROUTING_WRITE)
async def edit_quiet(visit: Visit) -> Answer:
    return await _quiet(visit, asking.NOTHING_TYPED)


async def _quiet(visit: Visit, typed: Typed) -> Answer:
    house = await _house(visit)
    question = Question(
        title=visit.say(N_("When telephones are silent")),
        fields="notices/_quiet_fields.html",
        action=QUIET,
        back=SENDERS,
        confirm=visit.say(N_("Save")),
        words=visit.say(
            N_("By the clock of whoever gets it. What would go out then waits until the end; letters do not wait.")
        ),
        crumbs=[(visit.say(N_("Messages to buyers")), SENDERS)],
    )
    values = {"quiet_from": clock(house.quiet_from), "quiet_until": clock(house.quiet_until)}
    return asking.ask(visit, question, typed, values)


def _minutes(fields: Fields, name: str) -> int:
    hours, _, minutes = fields.text(name, required=True, most=5).partition(":")
    if hours.isdecimal() and minutes.isdecimal() and len(minutes) == 2 and int(hours) < 24 and int(minutes) < 60:
        return int(hours) * 60 + int(minutes)
    fields.refuse(name, N_("Type a time such as 21:00."))
    return 0


@area.post(QUIET, Permission.ROUTING_WRITE)
async def save_quiet(visit: Visit) -> Answer:
    fields = visit.fields()
    begin, end = _minutes(fields, "quiet_from"), _minutes(fields, "quiet_until")

    async def work(tx: Tx) -> Done:
        await notices.put_quiet_hours(tx, begin, end)
        await visit.record(tx, "notice_sender.quiet", "house", {"from": clock(begin), "until": clock(end)})
        return Done(SENDERS, visit.say(N_("The quiet hours are saved.")))

    return await asking.answer(visit, fields, work, lambda typed: _quiet(visit, typed))


# Who takes messages to telephones


@area.get(GATEWAY, Permission.SETTINGS_WEBHOOKS)
async def edit_gateway(visit: Visit) -> Answer:
    return await _gateway(visit, asking.NOTHING_TYPED)


async def _gateway(visit: Visit, typed: Typed) -> Answer:
    gateway = (await _house(visit)).gateway
    question = Question(
        title=visit.say(N_("Gateway of messages to telephones")),
        fields="notices/_gateway_fields.html",
        action=GATEWAY,
        back=SENDERS,
        confirm=visit.say(N_("Save")),
        words=visit.say(
            N_("Each SMS and WhatsApp message is posted there as JSON, signed. It hands it to whoever sends messages for you.")
        ),
        crumbs=[(visit.say(N_("Messages to buyers")), SENDERS)],
    )
    values = {"url": gateway.url, "active": "yes" if gateway.active else ""} if gateway else {"url": "", "active": "yes"}
    if typed.refused:
        typed = Typed({"active": "", **typed.values}, typed.errors, typed.refused, typed.refusal)
    inbound = visit.console.settings.public_url + INBOUND
    return asking.ask(visit, question, typed, values, there=gateway is not None, inbound=inbound)


@area.post(GATEWAY, Permission.SETTINGS_WEBHOOKS)
async def save_gateway(visit: Visit) -> Answer:
    fields = visit.fields()
    url = fields.text("url", required=True, most=2_000)
    private = visit.console.settings.allow_private_hosts
    if url and not private and not url.startswith("https://"):
        fields.refuse("url", N_("Type an address that begins with https://."))
    active, new_secret = fields.checked("active"), fields.checked("new_secret")

    async def work(tx: Tx) -> Done:
        secret = await notices.put_gateway(
            tx, visit.console.keyring, url, active=active, new_secret=new_secret, allow_private=private
        )
        await visit.record(tx, "notice_sender.gateway", "house", {"url": url, "active": active, "secret": secret is not None})
        words = visit.say(N_("The gateway is saved."))
        if secret is None:
            return Done(SENDERS, words)
        sealed = shown_once.seal(visit, Shown("gateway", url, secret))
        return Done(f"{SENDERS}?{urlencode({'shown': sealed})}", words)

    return await asking.answer(visit, fields, work, lambda typed: _gateway(visit, typed))


@area.post(GATEWAY + "/remove", Permission.SETTINGS_WEBHOOKS)
async def remove_gateway(visit: Visit) -> Answer:
    async def work(tx: Tx) -> Done:
        await notices.remove_gateway(tx)
        await visit.record(tx, "notice_sender.gateway_removed", "house", {})
        return Done(SENDERS, visit.say(N_("The gateway is removed. Messages to telephones go nowhere now.")), tone="warn")

    return await visit.act(work)
