"""What is checked before a page is answered: where the request comes from, who is there, whose form it is, what they may."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from litestar.datastructures import UploadFile

from comptoir import i18n
from comptoir.i18n import N_
from comptoir.kernel.checking import invalid
from comptoir.kernel.errors import Forbidden
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import Permission, Role
from comptoir.modules.staff.errors import NotPermitted, Unauthenticated
from comptoir.runtime.crypto import hash_token
from comptoir.surfaces.console import reaching
from comptoir.surfaces.console.rendering import NAV, Page, User
from comptoir.surfaces.console.visits import Visit, Web

MAX_FORM_FIELDS = 2_000
SAFE_METHODS = frozenset({"GET", "HEAD"})
ROLE_WORDS = {
    Role.OWNER: N_("Owner"),
    Role.OPERATIONS: N_("Operations"),
    Role.STORE: N_("Store"),
    Role.BUYER: N_("Buyer"),
    Role.SUPPORT: N_("Support"),
    Role.ANALYST: N_("Analyst"),
}
NAV_PERMISSIONS: Mapping[str, frozenset[Permission]] = {
    "live": frozenset({Permission.FIGURES_READ}),
    "operations": frozenset({Permission.FIGURES_READ}),
    "store": frozenset({Permission.FULFIL}),
    "orders": frozenset({Permission.ORDERS_READ}),
    "parcels": frozenset({Permission.ORDERS_READ}),
    "returns": frozenset({Permission.ORDERS_READ}),
    "stock": frozenset({Permission.STOCK_READ}),
    "exceptions": frozenset({Permission.EXCEPTIONS_READ}),
    "channels": frozenset({Permission.CHANNELS_READ}),
    "routing": frozenset({Permission.ROUTING_READ}),
    "imports": frozenset({Permission.IMPORTS_READ}),
    "settings": frozenset({
        Permission.AUDIT_READ, Permission.SETTINGS_USERS, Permission.SETTINGS_TOKENS, Permission.SETTINGS_WEBHOOKS,
        Permission.LOCATIONS_READ, Permission.ROUTING_READ,
    }),
}  # fmt: skip
"""Any one of them is enough to see the place in the menu."""


class ForeignForm(Forbidden):
    """The form did not come from one of our own pages, or from one of an earlier session."""

    code = "foreign_form"
    title = "This form did not come from this page"


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may see a page, and the NavItem that it stands under."""

    place: str
    permission: Permission | None
    public: bool


async def prepare(visit: Visit, rule: Rule, path: str) -> None:
    """`path` is the route's, with the names of its parts."""
    _require_text(visit)
    if visit.request.method not in SAFE_METHODS:
        _require_same_site(visit)
    await recognise(visit, rule.place)
    if visit.request.method not in SAFE_METHODS:
        await _read_form(visit)
        _require_token(visit)
    if not rule.public:
        if visit.signed is None:
            raise Unauthenticated(reason="missing")
        if rule.permission is not None and not visit.may(rule.permission):
            raise NotPermitted(permission=rule.permission.value)
        await reaching.guard(visit, path)


def _require_text(visit: Visit) -> None:
    """PostgreSQL holds no NUL, and no address of ours has one."""
    asked = [*visit.page.query.items(), *((name, str(value)) for name, value in visit.request.path_params.items())]
    for name, value in asked:
        if "\0" in value or "\0" in name:
            raise invalid(name.replace("\0", ""), visit.say(N_("holds characters that cannot be stored")))


def _require_same_site(visit: Visit) -> None:
    """Refuses what another site made this browser send.

    Every browser since 2023 sends `Sec-Fetch-Site`, and all send `Origin` with a POST. Who sends neither is no browser, and has
    no cookie that could be abused; the form's token is checked in any case.
    """
    headers = visit.request.headers
    site = headers.get("sec-fetch-site")
    if site is not None and site not in {"same-origin", "none"}:
        raise ForeignForm(site=site)
    origin = headers.get("origin")
    if origin is None:
        return
    ours = {visit.console.settings.public_url.lower(), f"{visit.request.url.scheme}://{headers.get('host', '')}".lower()}
    # Behind a proxy that ends TLS we are asked over http: the host is what tells sites apart.
    if origin.lower() not in ours and urlsplit(origin).netloc.lower() != headers.get("host", "").lower():
        raise ForeignForm(origin=origin[:200])


def _require_token(visit: Visit) -> None:
    if visit.signed is None:
        return
    given = visit.request.headers.get("x-form-token") or next(iter(visit.form.get("_token", ())), "")
    try:
        mac = bytes.fromhex(given)
    except ValueError:
        mac = b""
    if not visit.console.keyring.mac_fits(mac, hash_token(visit.secret), "form"):
        raise ForeignForm(token="missing" if not given else "another")


async def _read_form(visit: Visit) -> None:
    kind = visit.request.headers.get("content-type", "").partition(";")[0].strip().lower()
    form: dict[str, list[str]] = {}
    files: dict[str, list[UploadFile]] = {}
    if kind == "multipart/form-data":
        for name, value in (await visit.request.form()).multi_items():
            if isinstance(value, UploadFile):
                files.setdefault(name, []).append(value)
            else:
                form.setdefault(name, []).append(str(value))
    elif kind in {"application/x-www-form-urlencoded", ""}:
        body = await visit.request.body()
        try:
            pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS, errors="strict")
        except ValueError as problem:
            raise invalid("form", visit.say(N_("is not a form that a browser sends"))) from problem
        for name, value in pairs:
            form.setdefault(name, []).append(value)
    else:
        raise invalid("content-type", visit.say(N_("is not a form that a browser sends")))
    for name, values in form.items():
        if any("\0" in text for text in (name, *values)):
            raise invalid(name.replace("\0", ""), visit.say(N_("holds characters that cannot be stored")))
    key = next(iter(form.pop("_key", ())), "")
    visit.form_key = key[:64] if key.isascii() and key.isprintable() and key else uuid4().hex
    visit.given, visit.files = form, files


async def recognise(visit: Visit, place: str) -> None:
    secret = visit.request.cookies.get(visit.console.session_cookie, "")
    if not secret:
        return
    try:
        async with visit.read() as reader:
            if visit.is_fragment:  # it has no menu
                signed, counts = await staff.session(reader, secret), {}
            else:
                # Who comes from what they have just done may have done it in another process.
                anew = visit.console.flash_cookie in visit.request.cookies
                signed, counts = await visit.console.recognised(reader, secret, anew=anew)
    except Unauthenticated:
        return
    visit.secret, visit.signed = secret, signed
    user = signed.user
    locale = visit.request.cookies.get("language", "") or user.locale
    visit.page = replace(
        visit.page,
        locale=locale if locale in i18n.LANGUAGES else user.locale,
        zone=_zone(user.time_zone),
        user=User(user.name, user.email, i18n.gettext(locale, ROLE_WORDS[user.role])),
        place=place,
        nav=tuple(item for item in NAV if NAV_PERMISSIONS[item.key] & signed.principal.permissions),
        # What waits in the whole house is not what waits for somebody of one store.
        counts={} if signed.principal.limited else counts,
    )
    if signed.renewable:
        async with visit.database.transaction(visit.context) as tx:
            await staff.renew(tx, secret)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def stranger(request: Web, request_id: str, place: str = "") -> Page:
    """The page as it is for somebody who is not signed in."""
    url = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    themes: Mapping[str, Literal["light", "dark"]] = {"light": "light", "dark": "dark"}
    return Page(
        locale=_language(request),
        place=place,
        url=url,
        request_id=request_id,
        theme=themes.get(request.cookies.get("theme", ""), "auto"),
    )


def _language(request: Web) -> str:
    chosen = request.cookies.get("language", "")
    if chosen in i18n.LANGUAGES:
        return chosen
    for wanted in request.headers.get("accept-language", "").split(","):
        code = wanted.partition(";")[0].strip().partition("-")[0].lower()
        if code in i18n.LANGUAGES:
            return code
    return "en"
