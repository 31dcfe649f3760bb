"""Pages as text: one Jinja environment, the reader's language, time zone and theme. No I/O but reading templates.

`render(template, page, **context)` is all that a handler needs. In templates `page` is the `Page`, `ui` holds every component
(`templates/parts/`), and the filters write values as the reader does.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Literal, cast
from urllib.parse import parse_qsl, urlencode, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from comptoir import __version__, i18n
from comptoir.i18n import N_, NP_
from comptoir.kernel.money import Money
from comptoir.kernel.time import utcnow
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.states import state_of

HERE = Path(__file__).parent
STATIC = HERE / "static"
TEMPLATES = HERE / "templates"
STATIC_URL = "/static"

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
"""What every page is made to live under: no inline script, style or handler, and nothing from elsewhere."""

CURSORS = ("after", "before")


@dataclass(frozen=True, slots=True)
class NavItem:
    """A place in the console. `key` names the place (`page.place`), `letter` is pressed after `g`."""

    key: str
    label: str
    href: str
    icon: str
    letter: str
    on_phone: bool = False
    """It stands in the bar at the thumb; the others are behind “More”."""
    context: str = ""
    """Where its label has another meaning elsewhere: what tells them apart for translators."""


NAV: tuple[NavItem, ...] = (
    NavItem("live", N_("Live"), "/", "activity", "l", on_phone=True),
    NavItem("operations", NP_("place", "Operations"), "/operations", "target", "t", context="place"),
    NavItem("store", N_("Store"), "/store", "building-store", "w", on_phone=True),
    NavItem("orders", N_("Orders"), "/orders", "receipt", "o", on_phone=True),
    NavItem("parcels", N_("Parcels"), "/parcels", "truck", "d"),
    NavItem("returns", N_("Returns"), "/returns", "truck-return", "b"),
    NavItem("stock", N_("Stock"), "/stock", "packages", "s", on_phone=True),
    NavItem("exceptions", N_("Exceptions"), "/exceptions", "alert-triangle", "e", on_phone=True),
    NavItem("channels", N_("Channels"), "/channels", "route", "c"),
    NavItem("routing", N_("Routing"), "/routing", "arrows-split-2", "r"),
    NavItem("imports", N_("Imports"), "/imports", "file-import", "i"),
    NavItem("settings", N_("Settings"), "/settings", "settings", "p"),
)


@dataclass(frozen=True, slots=True)
class User:
    """Who is signed in. `role` is the word on screen, already in the reader's language."""

    name: str
    email: str
    role: str

    @property
    def initials(self) -> str:
        words = re.findall(r"\w+", self.name)
        return "".join(word[0] for word in [*words[:1], *words[1:][-1:]]).upper() or "?"


@dataclass(frozen=True, slots=True)
class Page:
    """What a page knows beside its own values: who reads, where, in which language, and at what time."""

    locale: str = "en"
    zone: tzinfo = UTC
    user: User | None = None
    place: str = ""
    """The key of the NavItem that is marked as the current one."""
    url: str = "/"
    """Path and query of this page, from which `href` makes its variations."""
    request_id: str = ""
    theme: Literal["auto", "light", "dark"] = "auto"
    nav: tuple[NavItem, ...] = NAV
    counts: dict[str, int] = field(default_factory=dict[str, int])
    """By NavItem key, what waits there for a person."""
    now: datetime = field(default_factory=utcnow)

    @property
    def language(self) -> str:
        return i18n.language(self.locale)

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.url).query))

    def href(self, **changes: object) -> str:
        """The address of this page with other query parameters; None or "" takes one away.

        A change of anything but the cursor drops the cursor: what was the fifth page of one list is none of another.
        """
        query = self.query
        if not changes.keys() & set(CURSORS):
            changes = dict.fromkeys(CURSORS) | changes
        query.update({key: "" if value is None else str(value) for key, value in changes.items()})
        text = urlencode({key: value for key, value in query.items() if value})
        return urlsplit(self.url).path + (f"?{text}" if text else "")

    def language_href(self, code: str) -> str:
        return f"/preferences/language?{urlencode({'to': code, 'next': self.url})}"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of `ui.data_table`. `kind`: text, number (right-aligned), main (a card's title on a phone), wide (may wrap)."""

    key: str
    label: str
    kind: Literal["text", "number", "main", "wide", "quiet"] = "text"
    sort: bool = False
    """The header is a link that sorts by `key`, and by `-key` when pressed again."""


def column(
    key: str, label: str, kind: Literal["text", "number", "main", "wide", "quiet"] = "text", *, sort: bool = False
) -> Column:
    return Column(key, label, kind, sort)


_reader: ContextVar[Page] = ContextVar("reader")


@contextmanager
def reading(page: Page) -> Generator[None]:
    """For this long, filters and words are those of that reader."""
    token = _reader.set(page)
    try:
        yield
    finally:
        _reader.reset(token)


def _gettext(text: str) -> str:
    return i18n.translations(_reader.get().language).gettext(text)


def _ngettext(singular: str, plural: str, number: int) -> str:
    return i18n.translations(_reader.get().language).ngettext(singular, plural, number)


def _pgettext(context: str, text: str) -> str:
    return i18n.translations(_reader.get().language).pgettext(context, text)


def _npgettext(context: str, singular: str, plural: str, number: int) -> str:
    return i18n.translations(_reader.get().language).npgettext(context, singular, plural, number)


@lru_cache(maxsize=1)
def icon_names() -> frozenset[str]:
    """The icons of the sprite; `tools/vendor.py` has the list."""
    return frozenset(re.findall(r'<symbol id="([^"]+)"', (STATIC / "vendor/icons.svg").read_text(encoding="utf-8")))


@lru_cache(maxsize=64)
def asset(name: str) -> str:
    """The address of a file in `static/`, which changes with its contents so that it may be cached for ever."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"{STATIC_URL}/{name}?v={digest}"


def icon(name: str, label: str = "") -> Markup:
    """An icon of the sprite: decoration beside its word, or with a label. Raises KeyError for a name that is not in it."""
    if name not in icon_names():
        raise KeyError(f"no icon {name!r}: add it to ICONS in tools/vendor.py and run that")
    said = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    return Markup('<svg class="icon" {} focusable="false"><use href="{}#{}"></use></svg>').format(
        said, asset("vendor/icons.svg"), name
    )


def _money(amount: int | Money | None, code: str | None = None) -> str:
    return formatting.NOTHING if amount is None else formatting.money(amount, code, _reader.get().locale)


def _money_compact(amount: int | Money | None, code: str | None = None) -> str:
    return formatting.NOTHING if amount is None else formatting.money_compact(amount, code, _reader.get().locale)


def _quantity(value: int | None, *, weighed: bool = False) -> str:
    if value is None:
        return formatting.NOTHING
    return (formatting.weighed if weighed else formatting.number)(value, _reader.get().locale)


def _signed(value: int | None) -> str:
    return formatting.NOTHING if value is None else formatting.signed(value, _reader.get().locale)


def _number(value: Decimal | float | None, digits: int | None = None) -> str:
    return formatting.NOTHING if value is None else formatting.number(value, _reader.get().locale, digits)


def _compact(value: Decimal | float | None) -> str:
    return formatting.NOTHING if value is None else formatting.compact(value, _reader.get().locale)


def _percent(ratio: Decimal | float | None, digits: int = 1) -> str:
    return formatting.NOTHING if ratio is None else formatting.percent(ratio, _reader.get().locale, digits)


def _date(value: date | None) -> str:
    return formatting.NOTHING if value is None else formatting.day(value, _reader.get().locale, _reader.get().zone)


def _datetime(value: datetime | None, *, seconds: bool = False) -> str:
    if value is None:
        return formatting.NOTHING
    return formatting.instant(value, _reader.get().locale, _reader.get().zone, seconds=seconds)


def _time(value: datetime | None, *, seconds: bool = False) -> str:
    if value is None:
        return formatting.NOTHING
    return formatting.clock(value, _reader.get().locale, _reader.get().zone, seconds=seconds)


def _ago(value: datetime | None) -> str:
    page = _reader.get()
    return formatting.NOTHING if value is None else formatting.ago(value, page.now, page.locale, page.zone)


def _duration(seconds: float | None) -> str:
    return formatting.NOTHING if seconds is None else formatting.duration(seconds, _reader.get().locale)


def _spark_area(values: Sequence[float], width: int = 120, height: int = 32) -> str:
    points = formatting.spark_points(values, width, height)
    return f"1,{height} {points} {width - 1},{height}" if points else ""


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The one environment of the console; who reads is a context variable, so that compiled templates serve every language."""
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        optimized=False,  # it would fold `14670 | money("USD")` into the language of whoever came first
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    env.install_gettext_callables(  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
        _gettext, _ngettext, newstyle=True, pgettext=_pgettext, npgettext=_npgettext
    )
    filters = cast("dict[str, object]", env.filters)
    filters.update(
        money=_money, money_compact=_money_compact, quantity=_quantity, signed=_signed, number=_number, compact=_compact,
        percent=_percent, date=_date, datetime=_datetime, time=_time, ago=_ago, duration=_duration,
        spark_points=formatting.spark_points, spark_area=_spark_area,
    )  # fmt: skip
    known = cast("dict[str, object]", env.globals)
    known.update(
        icon=icon, asset=asset, column=column, state_of=state_of, reader=_reader.get, release=__version__,
        languages=i18n.LANGUAGES, NOTHING=formatting.NOTHING,
    )  # fmt: skip
    known["ui"] = env.get_template("parts/ui.html").module
    return env


def render(template: str, page: Page, /, **context: object) -> str:
    """The page or fragment as HTML, in the reader's language. Raises UndefinedError for what it was not given."""
    with reading(page):
        return environment().get_template(template).render(page=page, **context)


def render_error(page: Page, status: int, *, detail: str = "") -> str:
    """The page for an HTTP status that is not a success: what happened, what was kept, what to do, and the request id.

    `detail` is for a refusal that has been worded in the reader's language; never the text of an unexpected exception.
    """
    return render("error.html", replace(page, place=""), status=status, detail=detail)
