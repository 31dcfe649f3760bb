"""Settings: who works here. The other places under Settings have files of their own."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import partial
from urllib.parse import urlencode

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound
from comptoir.kernel.ids import to_text
from comptoir.kernel.time import time_zone
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.api import LOCALES, MIN_PASSWORD, email_address
from comptoir.modules.staff.contracts import USER_PREFIX, Permission, Role, User, UserDraft, UserFilter, UserId
from comptoir.runtime.database import Tx
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.guarding import ROLE_WORDS
from comptoir.surfaces.console.pages import asking, lists, settings_places, shown_once
from comptoir.surfaces.console.pages.asking import Question, Typed
from comptoir.surfaces.console.pages.locations import zones
from comptoir.surfaces.console.pages.naming import places_of
from comptoir.surfaces.console.pages.settings_tabs import permitted, tabs
from comptoir.surfaces.console.pages.shown_once import Shown
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Done, Visit

area = Area("settings")

ROLE_MEANINGS = {
    Role.OWNER: N_("may do everything, also add users"),
    Role.OPERATIONS: N_("everything but users"),
    Role.STORE: N_("orders, and the stock of a store: count, receive, transfer"),
    Role.BUYER: N_("products, prices, imports and deliveries"),
    Role.SUPPORT: N_("orders and customers"),
    Role.ANALYST: N_("looks at everything, changes nothing"),
}
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
"""Without those that are read for others."""


def password() -> str:
    """Easy to read out, hard to guess: 75 bits."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(3))


@area.get("/settings")
async def first_place(visit: Visit) -> Answer:
    places = permitted(visit)
    if not places:
        visit.require(Permission.LOCATIONS_READ)
    return visit.redirect(places[0].href)


@area.get("/settings/users", Permission.SETTINGS_USERS)
async def user_list(visit: Visit) -> Answer:
    sort = visit.sort(("name", "email", "role", "created"), "name")
    wanted = UserFilter(
        search=visit.param("q"),
        role=lists.chosen(visit, "role", Role),
        active={"yes": True, "no": False}.get(visit.param("active")),
    )
    if visit.wants_csv:
        return visit.csv("users", [visit.say(word) for word in _COLUMNS], _exported(visit, wanted, sort))
    async with visit.read() as reader:
        page = await staff.find_users(reader, wanted, sort=sort, limit=PAGE_SIZE, cursor=visit.cursor)
        total = await staff.count_users(reader, wanted)
        places = await places_of(reader, [at for one in page.items for at in one.locations])
    roles = lists.options_of(visit, ROLE_WORDS)
    return visit.respond(
        "settings/users.html",
        "settings/_users.html",
        rows=page.items,
        before=page.previous,
        after=page.next,
        words=lists.rows_words(visit, total),
        sort=sort,
        roles=roles,
        role_words=dict(roles),
        me=visit.principal.user_id,
        shown=shown_once.shown(visit),
        chips=lists.chips(
            visit,
            [
                (N_("Role"), "role", dict(roles)),
                (N_("Active"), "active", {"yes": visit.say(N_("yes")), "no": visit.say(N_("no"))}),
            ],
        ),
        tabs=tabs(visit, "users"),
        text_of=user_text,
        at_words=partial(settings_places.words, visit, places),
    )


def user_text(user_id: UserId) -> str:
    return to_text(USER_PREFIX, user_id)


_COLUMNS = (N_("Name"), N_("E-mail"), N_("Role"), N_("Active"), N_("Created"), N_("Last signed in"), N_("Works at"))


async def _exported(visit: Visit, wanted: UserFilter, sort: str) -> AsyncIterator[Sequence[object]]:
    async with visit.read() as reader:
        places = await lists.sites(reader)
        async for one in staff.stream_users(reader, wanted, sort=sort):
            active = visit.say(N_("yes") if one.active else N_("no"))
            at = ", ".join(places[place] for place in one.locations)
            yield one.name, one.email, visit.say(ROLE_WORDS[one.role]), active, one.created_at, one.signed_in_at, at


# New, and changed


@area.get("/settings/users/new", Permission.SETTINGS_USERS)
async def new_user(visit: Visit) -> Answer:
    return await _form(visit, None, asking.NOTHING_TYPED)


def _id(visit: Visit) -> UserId:
    return UserId(visit.path_id("user_id", USER_PREFIX))


async def _user(visit: Visit) -> User:
    async with visit.read() as reader:
        return await staff.get_user(reader, _id(visit))


@area.get("/settings/users/{user_id:str}/edit", Permission.SETTINGS_USERS)
async def edit_user(visit: Visit) -> Answer:
    return await _form(visit, await _user(visit), asking.NOTHING_TYPED)


async def _form(visit: Visit, user: User | None, typed: Typed) -> Answer:
    assert visit.signed is not None
    mine = visit.signed.user
    async with visit.read() as reader:
        sites = await lists.sites(reader)
    question = Question(
        title=visit.say(N_("New user")) if user is None else user.name,
        fields="settings/_user_fields.html",
        action="/settings/users/new" if user is None else f"/settings/users/{user_text(user.id)}/edit",
        back="/settings/users",
        confirm=visit.say(N_("Create")) if user is None else visit.say(N_("Save")),
        icon="user-plus" if user is None else "check",
        words="" if user else visit.say(N_("You get a first password to pass on. They change it under Your account.")),
        crumbs=[(visit.say(N_("Settings")), "/settings"), (visit.say(N_("Users")), "/settings/users")],
    )
    values: dict[str, object] = {"locale": mine.locale, "time_zone": mine.time_zone, "role": Role.STORE.value}
    if user is not None:
        values = {
            "name": user.name,
            "email": user.email,
            "role": user.role.value,
            "locale": user.locale,
            "time_zone": user.time_zone,
        }
    return asking.ask(
        visit,
        question,
        typed,
        values,
        roles=[(role.value, visit.say(ROLE_WORDS[role]), visit.say(meaning)) for role, meaning in ROLE_MEANINGS.items()],
        zones=zones(),
        places=settings_places.pick(visit, sites, user.locations if user is not None else (), typed),
    )


def _draft(fields: Fields) -> UserDraft:
    return UserDraft(
        email=fields.parsed("email", email_address, "", N_("This is no e-mail address.")),
        name=fields.text("name", required=True),
        role=fields.choice("role", Role),
        locale=fields.one_of("locale", LOCALES),
        time_zone=fields.parsed("time_zone", lambda text: time_zone(text).key, "UTC", N_("Choose one.")),
        locations=_at(fields),
    )


def _at(fields: Fields) -> tuple[LocationId, ...]:
    found = settings_places.read(fields)
    if found and fields.raw("role") == Role.OWNER:
        fields.refuse(settings_places.FIELD, N_("An owner works at every location: tick none."))
    return found


@area.post("/settings/users/new", Permission.SETTINGS_USERS)
async def create_user(visit: Visit) -> Answer:
    fields = visit.fields()
    draft, first = _draft(fields), password()
    assert len(first) >= MIN_PASSWORD, "what we make up is long enough"

    async def work(tx: Tx) -> Done:
        made = await staff.create_user(tx, draft, first)
        return _done(visit, Shown("password", made.email, first), visit.say(N_("The user is created.")))

    return await asking.answer(visit, fields, work, lambda typed: _form(visit, None, typed))


def _done(visit: Visit, shown: Shown, words: str) -> Done:
    return Done(f"/settings/users?{urlencode({'shown': shown_once.seal(visit, shown)})}", words)


@area.post("/settings/users/{user_id:str}/edit", Permission.SETTINGS_USERS)
async def save_user(visit: Visit) -> Answer:
    fields = visit.fields()
    user, draft = await _user(visit), _draft(fields)

    async def work(tx: Tx) -> Done:
        await staff.update_user(tx, user.id, draft)
        return Done("/settings/users", visit.say(N_("The user is saved.")))

    return await asking.answer(visit, fields, work, lambda typed: _form(visit, user, typed))


# Shut out, let in, a new password

_STEPS = {
    "deactivate": (
        N_("Shut out %(name)s?"), N_("They are signed out everywhere at once. What they did stays in their name."),
        N_("Shut out"), "ban", "danger",
    ),
    "activate": (
        N_("Let in %(name)s?"), N_("They may sign in again with their password."), N_("Let in"), "user-circle", "primary",
    ),
    "password": (
        N_("A new password for %(name)s?"), N_("The old one stops working, and they are signed out everywhere."),
        N_("Make a new password"), "key", "danger",
    ),
}  # fmt: skip


@area.get("/settings/users/{user_id:str}/{step:str}", Permission.SETTINGS_USERS)
async def step_form(visit: Visit) -> Answer:
    return await _step_form(visit, asking.NOTHING_TYPED)


async def _step_form(visit: Visit, typed: Typed) -> Answer:
    found = _STEPS.get(visit.path("step"))
    if found is None:
        raise NotFound(kind="page", id=visit.path("step"))
    user = await _user(visit)
    title, words, confirm, icon, tone = found
    question = Question(
        title=visit.say(title, name=user.name),
        fields="",
        action=f"/settings/users/{user_text(user.id)}/{visit.path('step')}",
        back="/settings/users",
        confirm=visit.say(confirm),
        icon=icon,
        tone="danger" if tone == "danger" else "primary",
        words=visit.say(words),
        crumbs=[(visit.say(N_("Users")), "/settings/users")],
    )
    return asking.ask(visit, question, typed, {})


@area.post("/settings/users/{user_id:str}/{step:str}", Permission.SETTINGS_USERS)
async def take_step(visit: Visit) -> Answer:
    step, user, fields = visit.path("step"), await _user(visit), visit.fields()
    if step not in _STEPS:
        raise NotFound(kind="page", id=step)
    if step == "deactivate" and user.id == visit.principal.user_id:
        refused = Typed({}, {}, visit.say(N_("This is you: somebody else has to shut you out.")))
        return await _step_form(visit, refused)

    async def work(tx: Tx) -> Done:
        if step == "password":
            made = password()
            await staff.set_password(tx, user.id, made)
            return _done(visit, Shown("password", user.email, made), visit.say(N_("The password is new.")))
        await staff.set_active(tx, user.id, active=step == "activate")
        words = N_("They may sign in again.") if step == "activate" else N_("They are shut out.")
        return Done("/settings/users", visit.say(words))

    return await asking.answer(visit, fields, work, lambda typed: _step_form(visit, replace(typed, values={})))
