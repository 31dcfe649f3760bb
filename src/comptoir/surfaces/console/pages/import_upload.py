"""An upload: the file is kept, looked at and asked about, then given to a worker.

This part is loaded when the first file comes: the readers of files are large, and most processes never need them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Literal
from urllib.parse import urlencode

import msgspec
from litestar.datastructures import UploadFile

from comptoir.connectors.orderlayouts import ORDER_LAYOUTS
from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound, Refusal
from comptoir.kernel.money import Currency, currency
from comptoir.kernel.time import time_zone, utcnow
from comptoir.modules.imports import api as imports
from comptoir.modules.imports.contracts import ImportKind, Run, RunId
from comptoir.modules.imports.errors import AlreadyImported
from comptoir.modules.pricing import api as pricing
from comptoir.runtime.database import Tx
from comptoir.sdk.tabular import DateOrder, MissingSku, Options
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import imports as imports_page
from comptoir.surfaces.console.pages.import_files import Look, look_at, unclear
from comptoir.surfaces.console.pages.import_words import KIND_WORDS, SEPARATORS, date_words, separator_words
from comptoir.surfaces.console.web import Answer, Done, Visit
from comptoir.surfaces.imports import ImportRequest, start_import, store_upload
from comptoir.surfaces.imports.keeping import FOLDER

_KEPT = timedelta(days=7)
_PART = 1 << 20
ENCODINGS = ("utf-8", "cp1252", "utf-16", "iso-8859-15", "mac_roman")


async def upload(visit: Visit) -> Answer:
    """Keeps what was dropped, and goes on to look at it."""
    fields = visit.fields()
    kind = fields.choice("kind", ImportKind)
    given = [file for file in visit.files.get("file", ()) if file.filename]
    if not given:
        fields.refuse("file", N_("Choose a file."))
    elif len(given) > (2 if kind is ImportKind.ORDERS else 1):
        fields.refuse("file", N_("Choose one file; two only for orders and items of one export."))
    if fields.errors:
        return await imports_page.show_list(visit, fields.errors, fields.raw("kind"))
    try:
        kept = [await store_upload(visit.console.settings.data, file.filename, _parts(file)) for file in given]
    except Refusal as refusal:
        return await imports_page.show_list(visit, {"file": visit.refusal(refusal)}, fields.raw("kind"))
    ticket = Ticket(visit.principal.actor, tuple((one.path.name, one.name) for one in kept))
    query = {"kind": kind.value, "file": ticket.seal(visit)}
    return visit.redirect(f"/imports/new?{urlencode(query)}")


async def _parts(file: UploadFile) -> AsyncIterator[bytes]:
    while part := await file.read(_PART):
        yield part


class Ticket(msgspec.Struct, frozen=True):
    """Files that this user has uploaded: (name in our folder, name where they came from)."""

    actor: str
    files: tuple[tuple[str, str], ...]

    def seal(self, visit: Visit) -> str:
        return visit.console.keyring.sign(msgspec.json.encode(self), "upload", utcnow() + _KEPT)

    @classmethod
    def open(cls, visit: Visit, text: str) -> Ticket:
        """Raises NotFound for what is none, is another's, or is too old."""
        payload = visit.console.keyring.signed(text, "upload", utcnow())
        ticket = msgspec.json.decode(payload, type=cls) if payload is not None else None
        if ticket is None or ticket.actor != visit.principal.actor:
            raise NotFound(kind="upload")
        return ticket

    def paths(self, visit: Visit) -> tuple[Path, ...]:
        folder = visit.console.settings.data.absolute() / FOLDER
        return tuple(folder / name for name, _ in self.files)


# Before it begins: what the file looks like, and how it is to be read


def _request(visit: Visit, fields: Fields, ticket: Ticket, *, dry_run: bool) -> ImportRequest:
    kind = fields.choice("kind", ImportKind)
    truth: dict[str, bool | None] = {"": None, "yes": True, "no": False}
    separator = fields.raw("separator")
    if len(separator) > 1 and separator != "tab":
        fields.refuse("separator", N_("This is one character."))
    decimals: dict[str, Literal[".", ","] | None] = {"": None, ".": ".", ",": ","}
    dates = fields.raw("dates")
    zone = fields.raw("time_zone")
    options = Options(
        encoding=fields.text("encoding", most=40) or None,
        separator={"": None, "tab": "\t"}.get(separator, separator),
        decimal=decimals.get(fields.raw("decimal")),
        date_order=DateOrder(dates) if dates in set(DateOrder) else None,
        time_zone=fields.parsed("time_zone", lambda text: time_zone(text).key, "UTC", N_("Choose one.")) if zone else None,
        currency=_currency(fields),
        tax_included=truth.get(fields.raw("tax_included")),
        missing_sku=fields.choice("missing_sku", MissingSku, MissingSku.LISTING),
    )
    return ImportRequest(
        kind=kind,
        files=tuple(str(path) for path in ticket.paths(visit)),
        names=tuple(name for _, name in ticket.files),
        options=options,
        layout=fields.one_of("layout", ("", *(layout.name for layout in ORDER_LAYOUTS)), ""),
        channel=fields.text("channel", most=64),
        create_products=truth.get(fields.raw("create_products")),
        moves_stock=fields.checked("moves_stock"),
        market=fields.text("market", most=64),
        dry_run=dry_run,
    )


def _currency(fields: Fields) -> Currency | None:
    text = fields.raw("currency").upper()
    if not text:
        return None
    try:
        return currency(text)
    except ValueError:
        fields.refuse("currency", N_("Three letters, such as EUR."))
        return None


async def look(visit: Visit) -> Answer:
    fields = Fields({name: [value] for name, value in visit.page.query.items()}, visit.page.locale)
    return await _look(visit, fields)


async def _look(visit: Visit, fields: Fields, refused: str = "", again: Run | None = None) -> Answer:
    ticket = Ticket.open(visit, fields.raw("file"))
    request = _request(visit, fields, ticket, dry_run=True)
    looks = await asyncio.gather(
        *(
            asyncio.to_thread(look_at, path, name, request.kind, request.options, request.layout)
            for path, (_, name) in zip(request.paths, ticket.files, strict=True)
        )
    )
    async with visit.read() as reader:
        channels = await visit.console.channels(reader)
        markets = await pricing.markets(reader)
    return visit.respond(
        "imports/new.html",
        "imports/_detected.html",
        status=422 if refused else 200,
        kind=request.kind.value,
        kind_word=visit.say(KIND_WORDS[request.kind]),
        file=fields.raw("file"),
        title=request.title,
        looks=looks,
        problems=[one for one in looks if one.problem is not None],
        problem_words=partial(_problem_words, visit),
        separator_words=partial(separator_words, visit),
        date_words=date_words(visit),
        mark_words={".": visit.say(N_("point: 12.50")), ",": visit.say(N_("comma: 12,50"))},
        is_orders=request.kind is ImportKind.ORDERS,
        values=fields.values,
        errors=fields.errors,
        refused=refused,
        again=again,
        again_href=imports_page.run_href(again.id) if again else "",
        encodings=[(name, name) for name in ENCODINGS],
        separators=[(code, f"{visit.say(word)} {'' if code == 'tab' else code}") for code, word in SEPARATORS],
        decimals=[(".", visit.say(N_("point: 12.50"))), (",", visit.say(N_("comma: 12,50")))],
        dates=list(date_words(visit).items()),
        layouts=[(layout.name, layout.name.capitalize()) for layout in ORDER_LAYOUTS],
        channels=[(channel.code, channel.name or channel.code) for channel in channels],
        markets=[(market.code, f"{market.name or market.code} ({market.currency})") for market in markets],
        yes_no=[("yes", visit.say(N_("yes"))), ("no", visit.say(N_("no")))],
        missing=[
            (MissingSku.LISTING.value, visit.say(N_("the number of the listing"))),
            (MissingSku.TITLE.value, visit.say(N_("a name made from the title"))),
            (MissingSku.REJECT.value, visit.say(N_("nothing: reject the row"))),
        ],
    )


def _problem_words(visit: Visit, look: Look) -> str:
    """What is in the way, and what to do."""
    if look.missing:
        columns = "; ".join(f"{name} ({', '.join(aliases[:4])})" for name, aliases in look.missing.items())
        return visit.say(N_("The file lacks columns: %(columns)s."), columns=columns)
    if unclear(look):
        words = {
            "decimal": N_("Has “%(example)s” a decimal mark or a thousands separator? Say so below."),
            "date_order": N_("Does “%(example)s” begin with the day or the month? Say so below."),
        }
        return visit.say(words.get(look.setting, N_("The file can be read in two ways: say how below.")), example=look.example)
    problem = look.problem
    assert problem is not None, "only a look with a problem is worded"
    if problem.code == "unknown_layout":
        return visit.say(N_("No layout of orders has these columns. Choose one below, or check what was exported."))
    advice = str(problem.data.get("advice", ""))
    return f"{problem}. {advice}" if advice else visit.refusal(problem)


async def start(visit: Visit) -> Answer:
    fields = visit.fields()
    ticket = Ticket.open(visit, fields.raw("file"))
    dry_run = fields.one_of("step", ("rehearse", "import"), "rehearse") == "rehearse"
    request = _request(visit, fields, ticket, dry_run=dry_run)

    async def work(tx: Tx) -> Done:
        run = await start_import(tx, request, again=fields.checked("again"))
        data = {"file": run.file_name, "kind": run.kind.value, "dry_run": dry_run}
        await visit.record(tx, "import.started", imports_page.run_text(run.id), data)
        return Done(imports_page.run_href(run.id), visit.say(N_("The file is in the queue; a worker begins at once.")))

    try:
        fields.done()
        return await visit.act(work)
    except AlreadyImported as refusal:
        async with visit.read() as reader:
            there = await imports.get(reader, RunId(refusal.data["id"]))  # pyright: ignore[reportArgumentType] - as it says
        words = visit.say(N_("This very file has been imported already."))
        return await _look(visit, fields, words, there)
    except NotFound:
        raise
    except Refusal as refusal:
        words = visit.say(N_("Something is not right yet.")) if fields.errors else visit.refusal(refusal)
        return await _look(visit, fields, words)
