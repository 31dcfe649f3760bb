"""Accounts with carriers: how they are, what they can, and where they are told what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import quote

from comptoir.i18n import N_
from comptoir.kernel.errors import Fault, NotFound, Refusal
from comptoir.kernel.ids import to_text
from comptoir.modules.carriers import api as carriers
from comptoir.modules.carriers.contracts import CarrierServiceFilter
from comptoir.modules.staff.contracts import Permission
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import ACCOUNT_PREFIX, Account, AccountId, Post, ServiceUsed
from comptoir.modules.tracking.errors import UnknownAccount
from comptoir.runtime.crypto import Undecipherable
from comptoir.runtime.database import Reader, Tx
from comptoir.sdk.carriers import AuthField, Capability, CarrierInfo
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.pages import shown_once
from comptoir.surfaces.console.pages.parcels_tabs import carrier_tabs, fault_words
from comptoir.surfaces.console.pages.settings_tabs import tabs
from comptoir.surfaces.console.web import Answer, Area, Done, Visit
from comptoir.surfaces.hooks.carriers import PATH
from comptoir.surfaces.own_carriers import TABLES

area = Area("settings")

HERE = "/carriers/accounts"
FILES = "carrierfile"
_SERVICES_OF = timedelta(days=90)
_SILENT = timedelta(days=2)
"""An account that is polled and has not answered for so long is worth a look."""
CAPABILITY_WORDS: Mapping[Capability, str] = {
    Capability.RATES: N_("Tells prices"),
    Capability.LABELS: N_("Sells labels"),
    Capability.VOID: N_("Takes labels back"),
    Capability.TRACK: N_("Tells where parcels are, when asked"),
    Capability.WEBHOOKS: N_("Tells where parcels are, by itself"),
    Capability.PICKUP: N_("Sends a driver"),
    Capability.CANCEL_PICKUP: N_("Calls a driver back"),
    Capability.MANIFEST: N_("Makes manifests"),
    Capability.POINTS: N_("Tells its pickup points"),
    Capability.INSTRUCT: N_("Is told what becomes of failed deliveries"),
    Capability.CUSTOMS: N_("Makes customs papers"),
    Capability.COLLECT: N_("Takes money at the door"),
    Capability.DANGEROUS: N_("Takes dangerous goods"),
    Capability.RETURNS: N_("Sells labels for returns"),
}


@dataclass(frozen=True, slots=True)
class Health:
    """How an account is, in a word and a sentence."""

    word: str
    tone: str
    icon: str
    words: str


@dataclass(frozen=True, slots=True)
class Row:
    account: Account
    href: str
    connector: str
    health: Health
    post: Post


def account_text(account_id: AccountId) -> str:
    return to_text(ACCOUNT_PREFIX, account_id)


def account_href(account_id: AccountId) -> str:
    return f"{HERE}/{account_text(account_id)}"


def account_id_of(visit: Visit) -> AccountId:
    return AccountId(visit.path_id("account_id", ACCOUNT_PREFIX))


def info_of(visit: Visit, connector: str) -> CarrierInfo | None:
    kind = visit.console.services.carriage.kinds.get(connector)
    return None if kind is None else kind.info


def connector_name(visit: Visit, connector: str) -> str:
    info = info_of(visit, connector)
    if info is None:
        return connector
    if info.key == TABLES.key:
        return visit.say(N_("Your own tables"))
    return visit.say(N_("Files")) if info.key == FILES else info.name


def webhook_field(info: CarrierInfo | None) -> AuthField | None:
    """What the carrier signs its messages with, where it sends any."""
    if info is None or Capability.WEBHOOKS not in info.capabilities:
        return None
    return next((field for field in info.auth if field.name.startswith("webhook")), None)


def webhook_url(visit: Visit, account_id: AccountId) -> str:
    return f"{visit.console.settings.public_url.rstrip('/')}{PATH}/{account_text(account_id)}"


def testable(info: CarrierInfo | None) -> bool:
    return info is not None and Capability.LABELS in info.capabilities and info.key not in {FILES, TABLES.key}


def health_of(visit: Visit, account: Account, post: Post) -> Health:
    """The first thing that is wrong, or that all is well."""
    if not account.active:
        return Health(visit.say(N_("Switched off")), "neutral", "ban", visit.say(N_("nothing is bought through it")))
    if account.problem:
        return Health(visit.say(N_("Does not work")), "bad", "plug-connected-x", account.problem)
    if post.failed:
        words = visit.says("%(num)s message could not be read", "%(num)s messages could not be read", post.failed)
        return Health(visit.say(N_("To look at")), "warn", "alert-circle", words)
    return _answers(visit, account)


def _answers(visit: Visit, account: Account) -> Health:
    page = visit.page
    if not testable(info_of(visit, account.connector)):
        return Health(visit.say(N_("In order")), "good", "circle-check", visit.say(N_("nobody is called")))
    if account.answered_at is None:
        return Health(visit.say(N_("Not tested")), "neutral", "circle-dashed", visit.say(N_("has not been asked yet")))
    words = visit.say(N_("last answer %(time)s"), time=formatting.ago(account.answered_at, page.now, page.locale, page.zone))
    if page.now - account.answered_at > _SILENT:
        return Health(visit.say(N_("Quiet")), "neutral", "clock", words)
    return Health(visit.say(N_("In order")), "good", "plug-connected", words)


@area.get(HERE, Permission.ROUTING_READ)
async def account_list(visit: Visit) -> Answer:
    async with visit.read() as reader:
        found = await tracking.accounts.everything(reader)
        post = await tracking.inbox.post(reader, [one.id for one in found]) if found else {}
        tables = await carriers.find(reader, CarrierServiceFilter(active=True), sort="name", limit=200)
    rows = [
        Row(
            one,
            account_href(one.id),
            connector_name(visit, one.connector),
            health_of(visit, one, post.get(one.id, Post())),
            post.get(one.id, Post()),
        )
        for one in found
    ]
    return visit.respond(
        "carrier_accounts/list.html",
        rows=rows,
        tables=len(tables.items),
        tabs=tabs(visit, "carriers"),
        own_tabs=carrier_tabs(visit, "accounts"),
    )


@area.get(HERE + "/{account_id:str}", Permission.ROUTING_READ)
async def account_page(visit: Visit) -> Answer:
    account_id = account_id_of(visit)
    async with visit.read() as reader:
        account = await tracking.accounts.get(reader, account_id)
        post = (await tracking.inbox.post(reader, [account_id])).get(account_id, Post())
        services = await tracking.labels.services(reader, account_id, visit.page.now - _SERVICES_OF)
        known = await _known(visit, account_id, reader)
    info = info_of(visit, account.connector)
    field = webhook_field(info)
    may_write = visit.may(Permission.ROUTING_WRITE)
    return visit.respond(
        "carrier_accounts/account.html",
        account=account,
        href=account_href(account_id),
        connector=connector_name(visit, account.connector),
        health=health_of(visit, account, post),
        post=post,
        facts=_facts(visit, account, post, known, info),
        can=[] if info is None else [visit.say(word) for code, word in CAPABILITY_WORDS.items() if code in info.capabilities],
        cannot=[] if info is None else [(visit.say(CAPABILITY_WORDS[code]), why) for code, why in sorted(info.missing.items())],
        services=[(one, _each(visit, one)) for one in services],
        webhook=webhook_url(visit, account_id) if info is not None and Capability.WEBHOOKS in info.capabilities else "",
        webhook_secret=field is not None and known is not None and field.name in known,
        webhook_field=field,
        shown=_shown(visit, account_id) if may_write else None,
        files=account.connector == FILES,
        testable=testable(info),
        labels_href=f"/carriers/labels?account={account_text(account_id)}",
        parcels_href=f"/parcels?carrier={quote(account.carriers[0])}" if account.carriers else "/parcels",
        may_write=may_write,
        tabs=tabs(visit, "carriers"),
        own_tabs=carrier_tabs(visit, "accounts"),
    )


async def _known(visit: Visit, account_id: AccountId, reader: Reader) -> set[str] | None:
    """Which credentials there are; their values stay where they are. None where our key does not open them."""
    try:
        return set(await tracking.accounts.credentials(reader, visit.console.keyring, account_id))
    except Undecipherable:
        return None


def _shown(visit: Visit, account_id: AccountId) -> shown_once.Shown | None:
    found = shown_once.shown(visit)
    return found if found is not None and found.what == "carrier" and found.of == account_text(account_id) else None


def _each(visit: Visit, one: ServiceUsed) -> str:
    if not one.currency or not one.labels:
        return ""
    return formatting.money(round(one.cost / one.labels), one.currency, visit.page.locale)


def _facts(
    visit: Visit, account: Account, post: Post, known: set[str] | None, info: CarrierInfo | None
) -> list[tuple[str, str]]:
    page = visit.page

    def at(value: datetime | None) -> str:
        return formatting.instant(value, page.locale, page.zone) if value is not None else ""

    named = {field.name: visit.say(field.label) for field in (info.auth if info is not None else ())}
    given = ", ".join(label for name, label in named.items() if known is not None and name in known)
    if known is None:
        given = visit.say(N_("cannot be opened with our key: type it in again"))
    rows = [
        (N_("Speaks to"), connector_name(visit, account.connector)),
        (N_("Carriers whose parcels it tells of"), ", ".join(account.carriers)),
        (N_("For tests only"), visit.say(N_("yes")) if account.test else ""),
        (
            N_("Kept of it, sealed"),
            given if known is not None else visit.say(N_("cannot be opened with our key: type it in again")),
        ),
        (N_("Last answer"), at(account.answered_at)),
        (N_("Last problem"), f"{at(account.problem_at)} · {account.problem}" if account.problem else at(account.problem_at)),
        (N_("Last message"), at(post.received_at)),
        (N_("Messages that wait"), formatting.number(post.waiting, page.locale) if post.waiting else ""),
        (N_("Messages that could not be read"), formatting.number(post.failed, page.locale) if post.failed else ""),
        (N_("What was wrong with the last"), post.problem),
        (N_("Created"), at(account.created_at)),
    ]
    return [(visit.say(word), value) for word, value in rows if value]


# Testing, and reading messages again


@area.post(HERE + "/{account_id:str}/test", Permission.ROUTING_WRITE)
async def test_account(visit: Visit) -> Answer:
    """Asked twice, a carrier answers twice."""
    account_id = account_id_of(visit)
    href = account_href(account_id)
    failed: tuple[str, str] | None = None
    try:
        await visit.console.services.parcels.test(account_id, visit.context)
    except UnknownAccount:
        raise
    except Refusal as refusal:
        failed = visit.refusal(refusal), str(refusal.data.get("reason", ""))
    except Fault as fault:
        failed = fault_words(visit, fault)

    async def work(tx: Tx) -> Done:
        await visit.record(tx, "carrier_account.tested", account_text(account_id), {"works": failed is None})
        if failed is not None:
            return Done(href, failed[0], detail=failed[1], tone="bad")
        return Done(href, visit.say(N_("It works: the carrier knows our key.")))

    return await visit.act(work)


@area.post(HERE + "/{account_id:str}/read-again", Permission.ROUTING_WRITE)
async def read_again(visit: Visit) -> Answer:
    account_id = account_id_of(visit)

    async def work(tx: Tx) -> Done:
        await tracking.accounts.get(tx, account_id)
        again = await tracking.inbox.replay(tx, account_id=account_id)
        await visit.record(tx, "carrier_account.read_again", account_text(account_id), {"messages": again})
        words = visit.says("%(num)s message is read again.", "%(num)s messages are read again.", again)
        return Done(account_href(account_id), words)

    return await visit.act(work)


@area.post(HERE + "/{account_id:str}/switch", Permission.ROUTING_WRITE)
async def switch_account(visit: Visit) -> Answer:
    account_id = account_id_of(visit)
    on = visit.fields().raw("to") == "on"
    carriage = visit.console.services.carriage

    async def work(tx: Tx) -> Done:
        there = await tracking.accounts.get(tx, account_id)
        changed = await tracking.accounts.update(tx, visit.console.keyring, account_id, replace(there, active=on))
        data = {"name": changed.name, "active": on}
        await visit.record(tx, "carrier_account.changed", account_text(account_id), data)
        words = N_("%(name)s is switched on.") if on else N_("%(name)s is switched off: nothing is bought through it.")
        return Done(account_href(account_id), visit.say(words, name=changed.name))

    answer = await visit.act(work)
    carriage.forget(account_id)
    return answer


def require_kind(visit: Visit, connector: str) -> CarrierInfo:
    """Raises NotFound for a connector that there is not."""
    info = info_of(visit, connector)
    if info is None:
        raise NotFound(kind="connector", id=connector[:64])
    return info


def options(visit: Visit) -> Sequence[tuple[str, str, str]]:
    """(key, name, what it is good for) of every connector."""
    words = {
        "easypost": N_("Many carriers of North America and Europe with one key: labels, prices, tracking."),
        "clickpost": N_("Couriers of India with one key: labels, prices, tracking, money at the door."),
        "karrio": N_(
            "Your own Karrio server, and all carriers that it speaks to: labels, prices, drivers, manifests, tracking."
        ),
        FILES: N_(
            "A carrier that sends files: its scans are read. Its prices are your tables, and its labels are printed here."
        ),
    }
    kinds = visit.console.services.carriage.kinds
    offered = sorted(key for key in kinds if key != TABLES.key)
    return [(key, connector_name(visit, key), visit.say(words[key]) if key in words else "") for key in offered]
