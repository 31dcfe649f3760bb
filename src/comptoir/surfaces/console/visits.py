"""One request of one person at the console: who it is, what is asked, and how to answer it. See `web`."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import quote
from uuid import UUID, uuid4

import msgspec
from litestar import Request, Response
from litestar.datastructures import Cookie, UploadFile
from litestar.response import Stream

from comptoir import i18n
from comptoir.i18n import N_
from comptoir.kernel import ids
from comptoir.kernel.checking import invalid
from comptoir.kernel.errors import NotFound, Refusal
from comptoir.kernel.time import utcnow
from comptoir.modules.channels import api as channels
from comptoir.modules.channels.contracts import Channel
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.locations.contracts import LOCATION_PREFIX, LocationId
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import Permission, Principal, SignedIn
from comptoir.runtime import idempotency
from comptoir.runtime.crypto import Keyring, hash_token
from comptoir.runtime.database import Contended, Context, Database, Reader, Tx
from comptoir.runtime.metrics import Metrics
from comptoir.runtime.settings import Settings
from comptoir.surfaces.availability import AvailabilityDesk
from comptoir.surfaces.capture import CaptureDesk
from comptoir.surfaces.carriage import Carriage
from comptoir.surfaces.console import exporting, refusals
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.rendering import CONTENT_SECURITY_POLICY, Page, render
from comptoir.surfaces.parcels import ParcelDesk
from comptoir.surfaces.promising import PromiseDesk
from comptoir.surfaces.return_labels import ReturnLabels
from comptoir.surfaces.selling import Counters

Web = Request[Any, Any, Any]
Answer = Response[Any]
Form = Mapping[str, Sequence[str]]

PAGE_SIZE = 50
FLASH_FOR = timedelta(minutes=1)
WAITING_FOR = 3.0
"""Seconds for which a process remembers what the menu counts."""
STORE_COOKIE = "comptoir_store"
"""Where whoever uses a device stands."""
REMEMBER_FOR = 365 * 24 * 3600
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "private, no-cache",
    "Vary": "HX-Request, HX-Boosted, Cookie, Accept-Language",
}
_POST_FORM = re.compile(r'<form\b[^>]*\bmethod="post"[^>]*>')
_TOASTS = re.compile(r'(<div class="toasts" id="toasts"[^>]*>)</div>')


class Needs(Protocol):
    """What the console asks of the process that it runs in; `surfaces.services.Services` has it."""

    @property
    def settings(self) -> Settings: ...
    @property
    def database(self) -> Database: ...
    @property
    def desk(self) -> CaptureDesk: ...
    @property
    def counters(self) -> Counters: ...
    @property
    def availability(self) -> AvailabilityDesk: ...
    @property
    def metrics(self) -> Metrics: ...
    @property
    def promises(self) -> PromiseDesk: ...
    @property
    def carriage(self) -> Carriage: ...
    @property
    def parcels(self) -> ParcelDesk: ...
    @property
    def return_labels(self) -> ReturnLabels: ...
    @property
    def tokens(self) -> staff.TokenCache: ...
    @property
    def releasing(self) -> fulfilment.Setting: ...


class Done:
    """What an action did: where to go on, and what to say there."""

    def __init__(self, location: str, words: str, *, detail: str = "", tone: str = "good") -> None:
        self.location = location
        self.words = words
        self.detail = detail
        self.tone = tone

    def encode(self) -> bytes:
        return msgspec.json.encode([self.location, self.words, self.detail, self.tone])

    @classmethod
    def decode(cls, data: bytes) -> Done:
        location, words, detail, tone = msgspec.json.decode(data, type=tuple[str, str, str, str])
        return cls(location, words, detail=detail, tone=tone)


class Kept:
    """A value that is read again when it is older than `seconds`: what every page shows must not cost each of them a query."""

    def __init__(self, seconds: float, load: Callable[[Reader], Awaitable[Any]]) -> None:
        self._seconds = seconds
        self._load = load
        self._until = float("-inf")
        self._value: Any = None

    async def get(self, reader: Reader) -> Any:
        if time.monotonic() >= self._until:
            self._value = await self._load(reader)
            self._until = time.monotonic() + self._seconds
        return self._value

    def forget(self) -> None:
        self._until = float("-inf")


class Console:
    """The console of one process."""

    def __init__(self, services: Needs) -> None:
        self.services = services
        self.settings = services.settings
        self.database = services.database
        self.keyring = Keyring(services.settings.secret_key)
        self.guard = staff.SignInGuard()
        # Cookies are shared by all ports of a host: two copies side by side must not sign each other out.
        own = self.keyring.mac(b"cookies", "console").hex()[:8]
        self.session_cookie = f"{'__Host-' if self.settings.secure_cookies else ''}comptoir_{own}"
        self.flash_cookie = f"comptoir_said_{own}"
        self.counts: dict[str, Callable[[Reader], Awaitable[int]]] = {}
        """By NavItem key, how to count what waits there for a person. Areas add theirs."""
        self.extras: dict[str, object] = {}
        """What an area keeps for the whole process, under its name."""
        self.ending: list[Callable[[], Awaitable[None]]] = []
        """What has to end with the process."""
        self._channels = Kept(2, channels.everything)
        self._waiting: dict[str, int] = {}
        self._waiting_until = float("-inf")

    async def start(self) -> None:
        """For the application's start."""

    async def stop(self) -> None:
        """For its end: long answers end with it."""
        for end in self.ending:
            await end()

    async def channels(self, reader: Reader) -> list[Channel]:
        """All channels, at most two seconds old."""
        found: list[Channel] = await self._channels.get(reader)
        return found

    async def recognised(self, reader: Reader, secret: str, *, anew: bool = False) -> tuple[SignedIn, dict[str, int]]:
        """Who is signed in, and what waits for a person by NavItem key: `anew` for who has just changed something, else as it
        was at most three seconds ago. Both are asked for in one breath. Raises Unauthenticated.
        """
        if not anew and time.monotonic() < self._waiting_until:
            return await staff.session(reader, secret), self._waiting
        self._waiting_until = time.monotonic() + WAITING_FOR  # whoever comes meanwhile takes what was known
        try:
            signed, *numbers = await reader.together(lambda one: staff.session(one, secret), *self.counts.values())
        except BaseException:
            self._waiting_until = float("-inf")
            raise
        self._waiting = dict(zip(self.counts, numbers, strict=True))
        return signed, self._waiting

    def forget(self) -> None:
        """What the menu counts has just been changed here."""
        self._waiting_until = float("-inf")
        self._channels.forget()


@dataclass(slots=True)
class Visit:
    """One request, by whoever is signed in."""

    console: Console
    request: Web
    page: Page
    signed: SignedIn | None = None
    secret: str = field(default="", repr=False)
    form_key: str = ""
    """The same for both clicks of a double click."""
    given: Form | None = None
    files: Mapping[str, Sequence[UploadFile]] = field(default_factory=dict[str, Sequence[UploadFile]])
    cookies: list[Cookie] = field(default_factory=list[Cookie])

    # Who

    @property
    def principal(self) -> Principal:
        assert self.signed is not None, "public pages ask nobody"
        return self.signed.principal

    def may(self, permission: Permission) -> bool:
        return self.signed is not None and self.signed.principal.may(permission)

    def require(self, permission: Permission) -> None:
        """Raises NotPermitted; for what only a part of a page may do."""
        staff.require(self.principal, permission)

    @property
    def context(self) -> Context:
        return Context(self.principal.actor, self.page.request_id)

    @property
    def address(self) -> str:
        return self.request.client.host if self.request.client is not None else ""

    # What is asked

    @property
    def is_fragment(self) -> bool:
        """An htmx request that wants a part of a page, unless it restores a page from history."""
        headers = self.request.headers
        return headers.get("hx-request") == "true" and headers.get("hx-history-restore-request") != "true"

    @property
    def wants_csv(self) -> bool:
        return self.param("format") == "csv"

    def param(self, name: str, default: str = "") -> str:
        """A parameter of the address."""
        return self.page.query.get(name, default)

    def path(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    def path_id(self, name: str, prefix: str) -> UUID:
        """A prefixed id in the path; what is none is not found."""
        try:
            return ids.from_text(prefix, self.path(name))
        except ValueError as problem:
            raise NotFound(kind=prefix, id=self.path(name)) from problem

    def optional_id(self, name: str, prefix: str) -> UUID | None:
        """A prefixed id in the address; None without one. What is none is refused."""
        text = self.param(name)
        if not text:
            return None
        try:
            return ids.from_text(prefix, text)
        except ValueError as problem:
            raise invalid(name, self.say(N_("is not an id of that kind"))) from problem

    def places(self, name: str = "location") -> tuple[LocationId, ...]:
        """Whose work a list shows: of the location that the address names, or of all that are this reader's; none are all."""
        named = self.optional_id(name, LOCATION_PREFIX)
        return tuple(sorted(self.principal.locations)) if named is None else (LocationId(named),)

    def sort(self, names: Sequence[str], default: str) -> str:
        """The order that the address asks for: one of the names, or one with a `-` before it."""
        text = self.param("sort")
        return text if text.removeprefix("-") in names else default

    @property
    def cursor(self) -> str | None:
        """Where a list goes on: what `paging` wants as its cursor."""
        return self.param("after") or self.param("before") or None

    def day(self, name: str, *, end: bool = False) -> datetime | None:
        """The beginning (or with `end` the end) of a day of the reader's, from an address such as `?on_from=2026-03-03`."""
        text = self.param(name)
        if not text:
            return None
        try:
            day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=self.page.zone)
        except ValueError as problem:
            raise invalid(name, self.say(N_("is a day such as 2026-03-03"))) from problem
        return day + timedelta(days=1) if end else day

    @property
    def form(self) -> Form:
        assert self.given is not None, "only a POST has a form"
        return self.given

    def fields(self) -> Fields:
        """The form, to be read field by field."""
        return Fields(self.form, self.page.locale)

    # The database

    @property
    def database(self) -> Database:
        return self.console.database

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncGenerator[Reader]:
        async with self.database.read() as reader:
            yield reader

    async def act(self, work: Callable[[Tx], Awaitable[Done]]) -> Answer:
        """Does it once, however often the button was pressed, and sends the browser where `Done` says.

        The transaction is this user's; `work` writes its own audit entry (`record`). A Refusal goes through, to be shown by
        the form.
        """
        return self.finish(await self.once(work))

    async def once(self, work: Callable[[Tx], Awaitable[Done]], part: str = "") -> Done:
        """As `act`, for whoever answers in place: what was done, now or when the same form came before. `part` tells apart what
        one form does in several transactions.
        """
        form = repr(sorted((name, *values) for name, values in self.form.items()))
        digest = idempotency.fingerprint(self.request.method, self.request.url.path, form.encode())
        scope, key = f"console:{self.principal.actor}", f"{self.form_key}:{digest.hex()}{part}"
        for attempt in range(4):
            try:
                done = await self._once(scope, key, digest, work)
            except Contended:
                if attempt == 3:
                    raise
            else:
                self.console.forget()
                return done
        raise AssertionError

    async def _once(self, scope: str, key: str, digest: bytes, work: Callable[[Tx], Awaitable[Done]]) -> Done:
        async with self.database.transaction(self.context) as tx:
            await idempotency.lock(tx, scope, key)
            known = await idempotency.lookup(tx, scope, key, digest)
            if known is not None:
                return Done.decode(known.answer)
            done = await work(tx)
            await idempotency.store(tx, scope, key, digest, 303, done.encode())
            return done

    async def record(self, tx: Tx, action: str, subject: str = "", data: Mapping[str, object] | None = None) -> None:
        """Leaves an entry in the audit trail."""
        await staff.record(tx, action, subject, data, address=self.address)

    # Words

    def say(self, text: str, **values: object) -> str:
        return i18n.gettext(self.page.locale, text, **values)

    def says(self, singular: str, plural: str, number: int, **values: object) -> str:
        """As `say`, in the form that the number asks for; it is `%(num)s`. Both texts are written out where it is called."""
        return i18n.ngettext(self.page.locale, singular, plural, number, **values)

    def refusal(self, refusal: Refusal) -> str:
        """A business no in the reader's language."""
        return refusals.words(refusal, self.page.locale)

    # Answers

    def respond(self, template: str, fragment: str = "", *, status: int = 200, **values: object) -> Answer:
        """The page, or, to htmx, the fragment of it. A script that says that it is boosted puts up the page itself."""
        boosted = self.request.headers.get("hx-boosted") == "true"
        chosen = fragment if fragment and self.is_fragment and not boosted else template
        return self.html(render(chosen, self.page, visit=self, **values), status)

    def fragment(self, template: str, *, status: int = 200, **values: object) -> Answer:
        return self.html(render(template, self.page, visit=self, **values), status)

    def html(self, text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
        """HTML whose forms carry this session's token, and what the last action had to say."""
        text = _POST_FORM.sub(lambda found: found.group() + self._hidden(), text)
        response = Response(self._with_flash(text), media_type="text/html; charset=utf-8", status_code=status)
        return self._finished(response, headers)

    def redirect(self, location: str, *, status: int = 303) -> Answer:
        """Goes there; htmx loads it as a whole page."""
        if self.is_fragment:
            return self._finished(Response("", media_type="text/html", status_code=200), {"HX-Redirect": location})
        return self._finished(Response("", media_type="text/html", status_code=status), {"Location": location})

    def finish(self, done: Done) -> Answer:
        said = self.console.keyring.sign(done.encode(), "flash", utcnow() + FLASH_FOR)
        self.cookies.append(self._cookie(self.console.flash_cookie, said, int(FLASH_FOR.total_seconds())))
        return self.redirect(done.location)

    def csv(self, name: str, header: Sequence[str], rows: AsyncIterable[Sequence[object]]) -> Answer:
        """A file that is written while it is read: `rows` opens its own connection. Spreadsheets open it as it is."""
        staff.require(self.principal, Permission.EXPORT)
        day = utcnow().astimezone(self.page.zone).strftime("%Y-%m-%d")
        head = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(f'{name}-{day}.csv')}"}
        body = exporting.written(self.page, header, rows)
        return self._finished(Stream(body, media_type="text/csv; charset=utf-8"), head)

    def stream(self, events: AsyncIterator[str]) -> Answer:
        """Server-sent events."""
        return self._finished(Stream(events, media_type="text/event-stream"), {"X-Accel-Buffering": "no"})

    def pdf(self, name: str, content: bytes) -> Answer:
        """A paper, shown in the browser, from where it is printed."""
        return self.file(f"{name}.pdf", content, "application/pdf")

    def file(self, name: str, content: bytes, media_type: str) -> Answer:
        """Shown in the browser as far as it can, else kept as a file of that name."""
        head = {"Content-Disposition": f"inline; filename*=UTF-8''{quote(name)}"}
        return self._finished(Response(content, media_type=media_type), head)

    def set_cookie(self, name: str, value: str, max_age: int) -> None:
        self.cookies.append(self._cookie(name, value, max_age))

    def _cookie(self, name: str, value: str, max_age: int) -> Cookie:
        secure = self.console.settings.secure_cookies
        return Cookie(key=name, value=value, path="/", max_age=max_age, httponly=True, samesite="lax", secure=secure)

    @property
    def token(self) -> str:
        """What a form of this session carries."""
        return self.console.keyring.mac(hash_token(self.secret), "form").hex() if self.secret else ""

    def _hidden(self) -> str:
        key = f'<input type="hidden" name="_key" value="{uuid4().hex}">'
        return key + (f'<input type="hidden" name="_token" value="{self.token}">' if self.secret else "")

    def _with_flash(self, text: str) -> str:
        said = self.request.cookies.get(self.console.flash_cookie, "")
        # What a device keeps for later is not looked at now: the message stays for the page that is.
        if not said or not _TOASTS.search(text) or self.request.headers.get("x-keep"):
            return text
        self.set_cookie(self.console.flash_cookie, "", 0)
        payload = self.console.keyring.signed(said, "flash", utcnow())
        if payload is None:
            return text
        note = render("console/_toast.html", self.page, done=Done.decode(payload))
        return _TOASTS.sub(lambda found: f"{found.group(1)}{note}</div>", text)

    def _finished(self, response: Answer, headers: Mapping[str, str] | None = None) -> Answer:
        response.headers.update({**HEADERS, "X-Request-Id": self.page.request_id, **(headers or {})})
        for cookie in self.cookies:
            response.set_cookie(cookie)
        self.cookies = []
        return response
