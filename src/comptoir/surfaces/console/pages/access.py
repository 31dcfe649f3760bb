"""Who is there: signing in and out, the first owner, the preferences, and each person's own account."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from functools import lru_cache
from zoneinfo import available_timezones

from comptoir import i18n
from comptoir.i18n import N_
from comptoir.kernel.errors import Invalid, NotFound
from comptoir.kernel.time import time_zone
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.api import LOCALES, MIN_PASSWORD, SESSION_LIFE, email_address
from comptoir.modules.staff.contracts import Opened, UserFilter
from comptoir.modules.staff.errors import SignInRefused
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.limits import TooManyRequests
from comptoir.surfaces.console.forms import Fields, FormRefused
from comptoir.surfaces.console.web import REMEMBER_FOR, Answer, Area, Done, Visit, own_address
from comptoir.surfaces.sign_in import sign_in

access = Area("")

THEMES = ("auto", "light", "dark")


async def _nobody_yet(reader: Reader) -> bool:
    return (await staff.count_users(reader, UserFilter())).rows == 0


@access.get("/sign-in", public=True)
async def sign_in_page(visit: Visit) -> Answer:
    next_to = own_address(visit.param("next", "/"))
    if visit.signed is not None:
        return visit.redirect(next_to)
    async with visit.read() as reader:
        if await _nobody_yet(reader):
            return visit.redirect("/first-run")
    return visit.respond("sign_in.html", error="", email="", next=next_to)


@access.post("/sign-in", public=True)
async def sign_in_here(visit: Visit) -> Answer:
    fields = visit.fields()
    email, password, next_to = fields.raw("email")[:320], visit.form.get("password", [""])[-1], own_address(fields.raw("next"))
    try:
        opened = await sign_in(
            visit.database,
            visit.console.guard,
            email,
            password,
            address=visit.address,
            agent=visit.request.headers.get("user-agent", ""),
            request_id=visit.page.request_id,
        )
    except SignInRefused:
        error = visit.say(N_("E-mail address or password is wrong."))
        return visit.respond("sign_in.html", status=401, error=error, email=email, next=next_to)
    except TooManyRequests as refusal:
        seconds = max(1, round(float(str(refusal.data["retry_after"]))))
        error = visit.says("Too many tries. Wait %(num)s second.", "Too many tries. Wait %(num)s seconds.", seconds)
        answer = visit.respond("sign_in.html", status=429, error=error, email=email, next=next_to)
        answer.headers["Retry-After"] = str(seconds)
        return answer
    return _welcome(visit, opened, next_to)


def _welcome(visit: Visit, opened: Opened, next_to: str) -> Answer:
    visit.set_cookie(visit.console.session_cookie, opened.secret, int(SESSION_LIFE.total_seconds()))
    return visit.redirect(next_to)


@access.post("/sign-out", public=True)
async def sign_out(visit: Visit) -> Answer:
    if visit.signed is not None:
        async with visit.database.transaction(visit.context) as tx:
            await staff.sign_out(tx, visit.secret, address=visit.address)
    visit.set_cookie(visit.console.session_cookie, "", 0)
    answer = visit.redirect("/sign-in")
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


# The first run


def _from_this_machine(visit: Visit) -> bool:
    """The browser runs where the server does. Behind a proxy everybody seems to: what a proxy adds speaks against it."""
    headers = visit.request.headers
    if any(name in headers for name in ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")):
        return False
    host = headers.get("host", "").rpartition(":")[0] or headers.get("host", "")
    if host.strip("[]") not in {"localhost", "127.0.0.1", "::1"}:
        return False  # another name that leads here, as in DNS rebinding
    try:
        return ipaddress.ip_address(visit.address).is_loopback
    except ValueError:
        return False


async def _require_first_run(visit: Visit) -> None:
    async with visit.read() as reader:
        if not await _nobody_yet(reader):
            raise NotFound(kind="page", id="first-run")


@access.get("/first-run", public=True)
async def first_run_page(visit: Visit) -> Answer:
    await _require_first_run(visit)
    return visit.respond("access/first_run.html", here=_from_this_machine(visit), values={}, errors={}, least=MIN_PASSWORD)


@access.post("/first-run", public=True)
async def first_run(visit: Visit) -> Answer:
    await _require_first_run(visit)
    if not _from_this_machine(visit):
        raise NotFound(kind="page", id="first-run")
    fields = visit.fields()
    name = fields.text("name", required=True)
    email = fields.parsed("email", email_address, "", N_("This is no e-mail address."))
    password = _new_password(fields, visit)
    try:
        fields.done()
        async with visit.database.transaction() as tx:
            made = await staff.ensure_owner(tx, email, name=name, password=password)
            if made is not None:
                draft = replace(made[0], locale=visit.page.language)
                await staff.update_user(tx, made[0].id, draft)
    except Invalid as refusal:
        errors = refusal.errors if isinstance(refusal, FormRefused) else {"password": visit.say(_GUESSABLE)}
        return visit.respond(
            "access/first_run.html", status=422, here=True, values=fields.values, errors=errors, least=MIN_PASSWORD
        )
    if made is None:
        return visit.redirect("/sign-in")
    opened = await sign_in(
        visit.database, visit.console.guard, email, password, address=visit.address, request_id=visit.page.request_id
    )
    return _welcome(visit, opened, "/")


_GUESSABLE = N_("This is too easy to guess: choose something longer that is not your name or address.")


def _new_password(fields: Fields, visit: Visit) -> str:
    password = visit.form.get("password", [""])[-1]
    if len(password) < MIN_PASSWORD:
        fields.refuse("password", N_("Choose at least %(least)s characters."), least=MIN_PASSWORD)
    if password != visit.form.get("again", [""])[-1]:
        fields.refuse("again", N_("This is not the same password."))
    return password


# Preferences


@access.get("/preferences/language", public=True)
async def language(visit: Visit) -> Answer:
    """Changes nothing but what this browser is shown, so that a link may do it."""
    to = visit.param("to")
    if to in i18n.LANGUAGES:
        visit.set_cookie("language", to, REMEMBER_FOR)
    back = visit.param("next", "/")
    return visit.redirect("/sign-in" if back.startswith("/sign-in") else own_address(back))


# The account


@lru_cache(maxsize=1)
def _zones() -> list[str]:
    return sorted(name for name in available_timezones() if name == "UTC" or ("/" in name and not name.startswith("Etc/")))


_BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


def device(agent: str) -> str:
    """What a browser calls itself, as people call it: `Firefox · Windows`."""
    found = [next((name for mark, name in kinds if mark in agent), "") for kinds in (_BROWSERS, _SYSTEMS)]
    return " · ".join(name for name in found if name) or agent[:60]


@access.get("/account")
async def account_page(visit: Visit) -> Answer:
    return await _account(visit)


async def _account(
    visit: Visit, status: int = 200, values: dict[str, str] | None = None, errors: dict[str, str] | None = None
) -> Answer:
    assert visit.signed is not None
    user = visit.signed.user
    async with visit.read() as reader:
        sessions = await staff.sessions(reader, user.id)
    return visit.respond(
        "access/account.html",
        status=status,
        user=user,
        sessions=sessions,
        device=device,
        zones=[(name, name.replace("_", " ")) for name in _zones()],
        values={"name": user.name, "locale": user.locale, "time_zone": user.time_zone, "theme": visit.page.theme}
        | (values or {}),
        errors=errors or {},
        least=MIN_PASSWORD,
    )


@access.post("/account/preferences")
async def save_preferences(visit: Visit) -> Answer:
    assert visit.signed is not None
    user = visit.signed.user
    fields = visit.fields()
    name = fields.text("name", required=True)
    locale = fields.one_of("locale", LOCALES)
    zone = fields.parsed("time_zone", lambda text: time_zone(text).key, "UTC", N_("Choose one."))
    theme = fields.one_of("theme", THEMES, "auto")

    async def save(tx: Tx) -> Done:
        await staff.update_user(tx, user.id, replace(user, name=name, locale=locale, time_zone=zone))
        return Done("/account", i18n.gettext(locale, N_("Your preferences are saved.")))

    try:
        fields.done()
    except FormRefused as refusal:
        return await _account(visit, 422, refusal.values, refusal.errors)
    visit.set_cookie("language", locale, REMEMBER_FOR)
    visit.set_cookie("theme", theme, REMEMBER_FOR)
    return await visit.act(save)


@access.post("/account/password")
async def change_password(visit: Visit) -> Answer:
    assert visit.signed is not None
    user = visit.signed.user
    fields = visit.fields()
    try:
        visit.console.guard.check(user.email, visit.address)
        async with visit.read() as reader:
            known = await staff.credentials(reader, user.email)
        await staff.check_password(known, visit.form.get("current", [""])[-1])
    except SignInRefused:
        fields.refuse("current", N_("This is not your password."))
    except TooManyRequests as refusal:
        fields.errors["current"] = visit.refusal(refusal)
    password = _new_password(fields, visit)

    async def save(tx: Tx) -> Done:
        await staff.set_password(tx, user.id, password, keep_session=visit.secret)
        words = visit.say(N_("Your password is changed."))
        return Done("/account", words, detail=visit.say(N_("Everywhere else you have been signed out.")))

    try:
        fields.done()
        return await visit.act(save)
    except FormRefused as refusal:
        return await _account(visit, 422, {}, refusal.errors)
    except Invalid:
        return await _account(visit, 422, {}, {"password": visit.say(_GUESSABLE)})


@access.post("/account/sessions/{handle:str}/end")
async def end_session(visit: Visit) -> Answer:
    assert visit.signed is not None
    user = visit.signed.user

    async def end(tx: Tx) -> Done:
        await staff.end_session(tx, user.id, visit.path("handle"))
        return Done("/account", visit.say(N_("That device is signed out.")))

    return await visit.act(end)
