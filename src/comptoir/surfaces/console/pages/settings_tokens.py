"""API tokens: what other systems sign in with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from functools import partial
from urllib.parse import urlencode

from comptoir.i18n import N_
from comptoir.kernel.ids import ActorId, to_text
from comptoir.kernel.time import utcnow
from comptoir.modules.locations.contracts import LOCATION_PREFIX, LocationId, LocationKind
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.api import SCOPES
from comptoir.modules.staff.contracts import TOKEN_PREFIX, Permission, Scope, Token, TokenFilter, TokenId
from comptoir.runtime.database import Reader, Tx
from comptoir.surfaces.console.pages import asking, lists, settings_places, shown_once
from comptoir.surfaces.console.pages.asking import Question, Typed
from comptoir.surfaces.console.pages.naming import places_of
from comptoir.surfaces.console.pages.settings_tabs import tabs
from comptoir.surfaces.console.pages.shown_once import Shown
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Done, Visit

area = Area("settings")

SCOPE_WORDS = {
    Scope.ORDERS_READ: N_("read orders"),
    Scope.ORDERS_WRITE: N_("place orders and act on them"),
    Scope.ORDERS_APPROVE: N_("approve changes of orders"),
    Scope.STOCK_READ: N_("read stock"),
    Scope.STOCK_WRITE: N_("adjust, count, receive and transfer stock"),
    Scope.CATALOGUE_READ: N_("read products"),
    Scope.CATALOGUE_WRITE: N_("change products"),
    Scope.PRICES_WRITE: N_("change prices"),
    Scope.CUSTOMERS_READ: N_("read customers"),
    Scope.CUSTOMERS_WRITE: N_("change customers"),
    Scope.CUSTOMERS_ERASE: N_("erase customers"),
    Scope.CHANNELS_READ: N_("read channels"),
    Scope.CHANNELS_WRITE: N_("change channels"),
    Scope.LOCATIONS_READ: N_("read locations"),
    Scope.LOCATIONS_WRITE: N_("change locations"),
    Scope.ROUTING_READ: N_("read rules of routing and carriers"),
    Scope.ROUTING_WRITE: N_("change rules of routing and carriers"),
    Scope.FULFILMENT_WRITE: N_("pick, pack, hand over and give back"),
    Scope.PURCHASES_ANSWER: N_("answer purchase orders: what suppliers do"),
    Scope.IMPORTS_WRITE: N_("import files"),
    Scope.EXCEPTIONS_READ: N_("read exceptions"),
    Scope.EXCEPTIONS_WRITE: N_("resolve exceptions"),
    Scope.EVENTS_READ: N_("read the feed of events"),
    Scope.WEBHOOKS_WRITE: N_("manage webhooks"),
    Scope.STAFF_WRITE: N_("manage users and tokens"),
    Scope.AUDIT_READ: N_("read the audit trail"),
}
_LIVES = {"30": 30, "90": 90, "365": 365, "never": None}


def token_text(token_id: TokenId) -> str:
    return to_text(TOKEN_PREFIX, token_id)


@area.get("/settings/tokens", Permission.SETTINGS_TOKENS)
async def token_list(visit: Visit) -> Answer:
    sort = visit.sort(("name", "created"), "-created")
    wanted = TokenFilter(search=visit.param("q"), revoked={"yes": True, "no": False}.get(visit.param("revoked")))
    if visit.wants_csv:
        return visit.csv("tokens", [visit.say(word) for word in _COLUMNS], _exported(visit, wanted, sort))
    async with visit.read() as reader:
        page = await staff.find_tokens(reader, wanted, sort=sort, limit=PAGE_SIZE, cursor=visit.cursor)
        makers = await _makers(reader, page.items)
        places = await places_of(reader, [at for one in page.items for at in one.locations])
    return visit.respond(
        "settings/tokens.html",
        "settings/_tokens.html",
        rows=page.items,
        before=page.previous,
        after=page.next,
        sort=sort,
        makers=makers,
        now=utcnow(),
        shown=shown_once.shown(visit),
        scope_words={scope: visit.say(word) for scope, word in SCOPE_WORDS.items()},
        chips=lists.chips(visit, [(N_("Revoked"), "revoked", {"yes": visit.say(N_("yes")), "no": visit.say(N_("no"))})]),
        tabs=tabs(visit, "tokens"),
        text_of=token_text,
        at_words=partial(settings_places.words, visit, places),
        is_empty=not page.items and not visit.param("q") and not visit.param("revoked"),
    )


async def _makers(reader: Reader, tokens: Sequence[Token]) -> dict[object, str]:
    actors = sorted({f"user:{one.created_by}" for one in tokens if one.created_by is not None})
    names = await staff.names(reader, actors) if actors else {}
    return {one.created_by: names.get(ActorId(f"user:{one.created_by}"), "") for one in tokens if one.created_by is not None}


_COLUMNS = (N_("Name"), N_("May"), N_("Created"), N_("Expires"), N_("Last used"), N_("Revoked"), N_("Works at"))


async def _exported(visit: Visit, wanted: TokenFilter, sort: str) -> AsyncIterator[Sequence[object]]:
    async with visit.read() as reader:
        places = await lists.sites(reader)
        async for one in staff.stream_tokens(reader, wanted, sort=sort):
            at = ", ".join(places[place] for place in one.locations)
            yield one.name, " ".join(one.scopes), one.created_at, one.expires_at, one.used_at, one.revoked_at, at


@area.get("/settings/tokens/new", Permission.SETTINGS_TOKENS)
async def new_token(visit: Visit) -> Answer:
    return await _form(visit, asking.NOTHING_TYPED)


async def _form(visit: Visit, typed: Typed) -> Answer:
    mine = visit.principal.permissions
    async with visit.read() as reader:
        sites = await lists.sites(reader)
    supplying = [one for one in sites.rows if one.kind is LocationKind.SUPPLIER and one.active]
    suppliers = [(to_text(LOCATION_PREFIX, one.id), lists.label(one)) for one in supplying]
    question = Question(
        title=visit.say(N_("New API token")),
        fields="settings/_token_fields.html",
        action="/settings/tokens/new",
        back="/settings/tokens",
        confirm=visit.say(N_("Create")),
        icon="key",
        words=visit.say(N_("One for each system, with no more than it needs. It cannot do more than you can.")),
        crumbs=[(visit.say(N_("Settings")), "/settings"), (visit.say(N_("API tokens")), "/settings/tokens")],
    )
    return asking.ask(
        visit,
        question,
        typed,
        {"life": "365"},
        scopes=[(scope.value, visit.say(word)) for scope, word in SCOPE_WORDS.items() if SCOPES[scope] <= mine],
        ticked=visit.form.get("scope", ()) if typed.refused else (),
        suppliers=suppliers,
        places=settings_places.pick(visit, sites, (), typed),
        lives=[(code, _life(visit, days)) for code, days in _LIVES.items()],
    )


def _life(visit: Visit, days: int | None) -> str:
    if days is None:
        return visit.say(N_("does not expire"))
    return visit.says("%(num)s day", "%(num)s days", days)


@area.post("/settings/tokens/new", Permission.SETTINGS_TOKENS)
async def create_token(visit: Visit) -> Answer:
    fields = visit.fields()
    name = fields.text("name", required=True, most=100)
    given = fields.all("scope")
    scopes = [Scope(text) for text in given if text in set(Scope)]
    if not scopes or len(scopes) != len(given):
        fields.refuse("scope", N_("Choose what it may do."))
    days = _LIVES[fields.one_of("life", tuple(_LIVES), "365")]
    of = fields.optional_id("location", LOCATION_PREFIX)
    if of is not None and set(scopes) - {Scope.PURCHASES_ANSWER}:
        fields.refuse("location", N_("A supplier's token may answer purchase orders and nothing else."))

    at = settings_places.read(fields)
    if of is not None and at:
        fields.refuse(settings_places.FIELD, N_("A supplier's token has no other location."))

    async def work(tx: Tx) -> Done:
        until = None if days is None else tx.now + timedelta(days=days)
        place = None if of is None else LocationId(of)
        token, secret = await staff.create_token(
            tx, name, scopes, expires_at=until, by=visit.principal, location_id=place, limited_to=at
        )
        shown = shown_once.seal(visit, Shown("token", token.name, secret))
        return Done(f"/settings/tokens?{urlencode({'shown': shown})}", visit.say(N_("The token is created.")))

    return await asking.answer(visit, fields, work, lambda typed: _form(visit, typed))


@area.get("/settings/tokens/{token_id:str}/locations", Permission.SETTINGS_TOKENS)
async def limit_form(visit: Visit) -> Answer:
    return await _limit_form(visit, asking.NOTHING_TYPED)


async def _limit_form(visit: Visit, typed: Typed) -> Answer:
    async with visit.read() as reader:
        token = await staff.get_token(reader, TokenId(visit.path_id("token_id", TOKEN_PREFIX)))
        sites = await lists.sites(reader)
    question = Question(
        title=visit.say(N_("Where does %(name)s work?"), name=token.name),
        fields="settings/_places_field.html",
        action=f"/settings/tokens/{token_text(token.id)}/locations",
        back="/settings/tokens",
        confirm=visit.say(N_("Save")),
        icon="map-pin",
        words=visit.say(N_("Within seconds it does the work of no other location.")),
        crumbs=[(visit.say(N_("API tokens")), "/settings/tokens")],
    )
    return asking.ask(visit, question, typed, {}, places=settings_places.pick(visit, sites, token.locations, typed))


@area.post("/settings/tokens/{token_id:str}/locations", Permission.SETTINGS_TOKENS)
async def limit(visit: Visit) -> Answer:
    token_id, fields = TokenId(visit.path_id("token_id", TOKEN_PREFIX)), visit.fields()
    at = settings_places.read(fields)

    async def work(tx: Tx) -> Done:
        await staff.limit_token(tx, token_id, at, by=visit.principal)
        return Done("/settings/tokens", visit.say(N_("The locations of the token are saved.")))

    answer = await asking.answer(visit, fields, work, lambda typed: _limit_form(visit, typed))
    visit.console.services.tokens.forget()
    return answer


@area.get("/settings/tokens/{token_id:str}/revoke", Permission.SETTINGS_TOKENS)
async def revoke_form(visit: Visit) -> Answer:
    async with visit.read() as reader:
        token = await staff.get_token(reader, TokenId(visit.path_id("token_id", TOKEN_PREFIX)))
    question = Question(
        title=visit.say(N_("Revoke %(name)s?"), name=token.name),
        fields="",
        action=f"/settings/tokens/{token_text(token.id)}/revoke",
        back="/settings/tokens",
        confirm=visit.say(N_("Revoke")),
        icon="ban",
        tone="danger",
        words=visit.say(N_("Within seconds nothing accepts it any more. This cannot be undone.")),
        crumbs=[(visit.say(N_("API tokens")), "/settings/tokens")],
    )
    return asking.ask(visit, question, asking.NOTHING_TYPED, {})


@area.post("/settings/tokens/{token_id:str}/revoke", Permission.SETTINGS_TOKENS)
async def revoke(visit: Visit) -> Answer:
    token_id = TokenId(visit.path_id("token_id", TOKEN_PREFIX))

    async def work(tx: Tx) -> Done:
        await staff.revoke_token(tx, token_id)
        return Done("/settings/tokens", visit.say(N_("The token is revoked.")))

    answer = await visit.act(work)
    visit.console.services.tokens.forget()
    return answer
