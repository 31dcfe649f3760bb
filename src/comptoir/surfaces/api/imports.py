"""Imports: files come in, a worker reads them, and every row that was not taken is told.

What reads files is loaded when the first one comes (see `surfaces.imports`): most processes never need it.
"""

from __future__ import annotations

import codecs
from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

import msgspec
from msgspec import Meta

from comptoir.kernel.checking import Checks
from comptoir.kernel.errors import Fault, NotFound
from comptoir.kernel.money import currency
from comptoir.kernel.time import time_zone, utcnow
from comptoir.modules.imports import api
from comptoir.modules.imports.contracts import ImportKind, Rejection, Run, RunFilter, RunId, RunState
from comptoir.modules.imports.errors import AlreadyImported, NotInThatState, UnknownRun
from comptoir.modules.staff.contracts import Scope
from comptoir.surfaces import imports as files
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.asking import wrong
from comptoir.surfaces.api.identifiers import show, show_actor
from comptoir.surfaces.api.operations import Answer, PageOf, Resource
from comptoir.surfaces.api.shapes import (
    PRINTABLE,
    Actor,
    Code,
    CurrencyCode,
    ImportRef,
    Instant,
    PageQuery,
    Request,
    Search,
    Shape,
)
from comptoir.surfaces.imports.keeping import FOLDER, MAX_UPLOAD

imports = Resource(
    "Imports",
    "Files of orders, products, stock and locations: upload one, import it, follow it, and fetch what was not taken.",
)

_KEPT = timedelta(days=7)
_SEAL = "import-file"
_FileName = Annotated[str, Meta(min_length=1, max_length=200, pattern=PRINTABLE, examples=["stock.csv"])]
_Setting = Annotated[str, Meta(max_length=64, pattern=PRINTABLE)]
_FileText = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=1000,
        pattern=r"^[A-Za-z0-9_.-]+$",
        examples=["AAAAAGkq3mB7Im5hbWUiOiJzdG9jay5jc3YifQ.0yWm4lA2"],
        description="Names an uploaded file, for the token that has uploaded it.",
    ),
]


class UnknownUpload(NotFound):
    """The file was uploaded with another token, too long ago, or never: upload it (again). `data.file` says which it is."""

    code = "unknown_upload"
    title = "No such uploaded file"


class UploadQuery(Request, frozen=True, kw_only=True):
    name: Annotated[_FileName, Meta(description="What the file is called: people see it in the list of imports.")]


class UploadedFile(Shape, frozen=True, kw_only=True):
    """A file that has arrived."""

    file: _FileText
    name: _FileName
    size: Annotated[int, Meta(description="In bytes.", examples=[48_211])]
    sha256: Annotated[str, Meta(examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])]
    usable_until: Instant


class FileLayout(Request, frozen=True, kw_only=True):
    """How a file is written. What is left out is found out from the file."""

    encoding: Annotated[_Setting, Meta(examples=["cp1252"])] | None = None
    separator: Annotated[str, Meta(min_length=1, max_length=1, examples=[";"])] | None = None
    decimal: Literal[".", ","] | None = None
    date_order: Annotated[
        Literal["day_first", "month_first"] | None, Meta(description="How 03/04/2026 is meant.", examples=["day_first"])
    ] = None
    time_zone: Annotated[_Setting, Meta(examples=["Europe/Paris"], description="Of times without an offset.")] | None = None
    currency: Annotated[CurrencyCode, Meta(description="Of a file that names none.")] | None = None
    tax_included: Annotated[bool | None, Meta(description="Whether prices contain their tax; null: as totals show.")] = None
    missing_sku: Annotated[
        Literal["listing", "title", "reject"], Meta(description="What stands in for a SKU that a row of an order lacks.")
    ] = "listing"


class NewImport(Request, frozen=True, kw_only=True):
    """What to import, and how. `layout`, `channel`, `moves_stock` and `missing_sku` are about orders."""

    kind: ImportKind
    files: Annotated[
        tuple[_FileText, ...], Meta(min_length=1, max_length=2, description="One; two for Etsy's orders and their items.")
    ]
    options: FileLayout = FileLayout()
    layout: Annotated[
        _Setting,
        Meta(examples=["shopify"], description="uci, shopify, amazon, …; empty: as the columns show."),
    ] = ""
    channel: Annotated[Code, Meta(description="Whose orders they are; null: a channel called as the layout.")] | None = None
    create_products: Annotated[
        bool | None, Meta(description="Whether unknown SKUs become products; null: as the layout usually needs it.")
    ] = None
    moves_stock: Annotated[bool, Meta(description="Whether what the orders have shipped is taken off stock.")] = False
    market: Annotated[Code, Meta(description="Of prices, and of a channel that is made.")] | None = None
    dry_run: Annotated[bool, Meta(description="Report what would happen, and change nothing.")] = False
    again: Annotated[bool, Meta(description="Also when this very file has been imported.")] = False


class ImportShape(Shape, frozen=True, kw_only=True):
    """An import. `position` says how far it has come, out of `size` (0 while that is not known)."""

    id: ImportRef
    kind: ImportKind
    file_name: str
    layout: str
    dry_run: bool
    state: RunState
    position: int
    size: int
    report: Annotated[dict[str, Any], Meta(description="The counts.")]
    problem: Annotated[str, Meta(description="What somebody has to put right.", examples=[""])]
    actor: Actor
    started_at: Instant
    moved_at: Instant
    finished_at: Instant | None


class RejectionShape(Shape, frozen=True, kw_only=True):
    """A row that was not taken, why, and what to do."""

    file: int
    line: int
    code: str
    reason: str
    advice: str
    cells: dict[str, str]


class ImportQuery(PageQuery, frozen=True, kw_only=True):
    sort: Literal["started", "-started"] = "-started"
    search: Search = ""
    kind: ImportKind | None = None
    state: RunState | None = None
    dry_run: bool | None = None


class RejectionQuery(PageQuery, frozen=True, kw_only=True):
    sort: Literal["line", "-line"] = "line"


class RejectionFileQuery(Request, frozen=True, kw_only=True):
    file: Annotated[int, Meta(ge=0, le=1, description="Which of the import's files, from 0.")] = 0


@imports.post(
    "/v1/imports/files",
    Scope.IMPORTS_WRITE,
    status=201,
    max_body=MAX_UPLOAD,
    streams=True,
    example="sku,location,on_hand,safety\nTEE-RED-M,LYON-1,12,2\n",
)
async def upload_import_file(call: Call, query: UploadQuery) -> Answer[UploadedFile]:
    """Upload a file to import.

    The body is the file as it is: CSV or another text with separators, or parquet; it may be gzipped. It has 2 GiB at most.
    Nothing is read from it before an import of it is started. The same upload may be imported several times, such as first as
    a dry run.
    """
    digest = sha256()

    async def parts() -> AsyncIterator[bytes]:
        async for part in call.parts():
            digest.update(part)
            yield part

    kept = await files.store_upload(call.services.settings.data, query.name, parts())
    try:
        _require_content(kept.size)
        call.take_key(digest.digest())
        async with call.transaction() as tx:
            until = tx.now + _KEPT
            ticket = _Ticket(actor=call.asker.actor, path=kept.path.name, name=query.name)
            shown = UploadedFile(
                file=call.services.keyring.sign(msgspec.json.encode(ticket), _SEAL, until),
                name=query.name,
                size=kept.size,
                sha256=digest.hexdigest(),
                usable_until=until,
            )
            return await call.done(tx, shown, 201)
    except Fault:
        raise  # whether the answer was kept is not known: the file stays until it is cleared away
    except BaseException:
        kept.path.unlink(missing_ok=True)
        raise


def _require_content(size: int) -> None:
    if not size:
        raise wrong("", "the file is empty: send it as the body")


class _Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """What the text that names an uploaded file says, under our signature."""

    actor: str
    path: str
    """Its name in our folder."""
    name: str


@imports.post("/v1/imports", Scope.IMPORTS_WRITE, status=201, refuses=(UnknownUpload, AlreadyImported))
async def start_import(call: Call, body: NewImport) -> Answer[ImportShape]:
    """Start an import.

    A worker begins as soon as it is free. Follow it with `GET /v1/imports/{import_id}` until its state is `done` or `failed`;
    `problem` says then what somebody has to put right, such as columns that are missing. Rows that could not be taken are in
    its rejections. A file that has been imported is refused, unless it is to go through `again`: orders and stock that it has
    told already do not change.
    """
    request = _requested(call, body)
    async with call.transaction() as tx:
        run = await files.start_import(tx, request, again=body.again)
        return await call.done(tx, _shape(run), 201)


def _requested(call: Call, body: NewImport) -> files.ImportRequest:
    """Raises Invalid and UnknownUpload."""
    checks, said = Checks(), body.options
    most = 2 if body.kind is ImportKind.ORDERS else 1
    checks.require("files", len(body.files) <= most, f"has at most {most} for {body.kind.value}")
    if said.encoding is not None:
        checks.parsed("options.encoding", _encoding, said.encoding, "")
    if said.time_zone is not None:
        checks.parsed("options.time_zone", lambda text: time_zone(text).key, said.time_zone, "")
    if said.currency is not None:
        checks.parsed("options.currency", currency, said.currency, None)
    layouts = files.order_layouts() if body.layout else ()
    checks.require("layout", not body.layout or body.layout in layouts, f"is none of {', '.join(layouts)}")
    checks.done()
    tickets = [_opened(call, text) for text in body.files]
    folder = call.services.settings.data.absolute() / FOLDER
    return msgspec.convert(
        {
            "kind": body.kind.value,
            "files": [str(folder / ticket.path) for ticket in tickets],
            "names": [ticket.name for ticket in tickets],
            "options": msgspec.to_builtins(said),
            "layout": body.layout,
            "channel": body.channel or "",
            "create_products": body.create_products,
            "moves_stock": body.moves_stock,
            "market": body.market or "",
            "dry_run": body.dry_run,
        },
        files.ImportRequest,
    )


def _encoding(text: str) -> str:
    try:
        return codecs.lookup(text).name
    except LookupError:
        raise ValueError("is not an encoding that is known here") from None


def _opened(call: Call, text: str) -> _Ticket:
    payload = call.services.keyring.signed(text, _SEAL, utcnow())
    ticket = None if payload is None else msgspec.json.decode(payload, type=_Ticket)
    there = ticket is not None and (call.services.settings.data / FOLDER / ticket.path).is_file()
    if ticket is None or not there or ticket.actor != call.asker.actor:
        raise UnknownUpload(file=text)
    return ticket


@imports.get("/v1/imports", Scope.IMPORTS_WRITE)
async def list_imports(call: Call, query: ImportQuery) -> Answer[PageOf[ImportShape]]:
    """List imports."""
    wanted = RunFilter(search=query.search, kind=query.kind, state=query.state, dry_run=query.dry_run)
    async with call.reading() as reader:
        page = await api.find(reader, wanted, sort=query.sort, limit=query.limit, cursor=query.cursor)
    return call.page(page, _shape)


@imports.get("/v1/imports/{import_id}", Scope.IMPORTS_WRITE, refuses=(UnknownRun,))
async def get_import(call: Call) -> Answer[ImportShape]:
    """Get an import."""
    async with call.reading() as reader:
        return call.answer(_shape(await api.get(reader, RunId(call.id("import")))))


@imports.get("/v1/imports/{import_id}/rejections", Scope.IMPORTS_WRITE, refuses=(UnknownRun,))
async def list_import_rejections(call: Call, query: RejectionQuery) -> Answer[PageOf[RejectionShape]]:
    """List the rows of an import that were not taken."""
    async with call.reading() as reader:
        run = await api.get(reader, RunId(call.id("import")))
        page = await api.rejections(reader, run.id, sort=query.sort, limit=query.limit, cursor=query.cursor)
    return call.page(page, _rejection)


@imports.get(
    "/v1/imports/{import_id}/rejections.csv", Scope.IMPORTS_WRITE, content_type="text/csv", refuses=(UnknownRun, UnknownUpload)
)
async def download_import_rejections(call: Call, query: RejectionFileQuery) -> Answer[str]:
    """Download the rows of an import that were not taken.

    A CSV file with the columns of the original, then the line, the reason and what to do, which are not read back: correct it
    and import it.
    """
    async with call.reading() as reader:
        run = await api.get(reader, RunId(call.id("import")))
    names = files.request_of(run).file_names
    if query.file >= len(names):
        raise UnknownUpload(file=str(query.file))
    name = quote(f"{Path(names[query.file]).stem}.rejected.csv")
    return Answer(
        200,
        b"",
        b"text/csv; charset=utf-8",
        ((b"content-disposition", f"attachment; filename*=UTF-8''{name}".encode()),),
        files.rejected_csv(call.services.database, run, query.file),
    )


@imports.post("/v1/imports/{import_id}/resume", Scope.IMPORTS_WRITE, refuses=(UnknownRun, NotInThatState))
async def resume_import(call: Call) -> Answer[ImportShape]:
    """Let a failed import go on.

    It goes on where it stopped, once what `problem` says has been put right.
    """
    async with call.transaction() as tx:
        run = await api.get(tx, RunId(call.id("import")))
        if run.state not in {RunState.FAILED, RunState.WAITING}:
            raise NotInThatState(kind="import", id=run.id, state=run.state.value, step="resume")
        return await call.done(tx, _shape(await files.resume(tx, run.id)))


@imports.post("/v1/imports/{import_id}/cancel", Scope.IMPORTS_WRITE, refuses=(UnknownRun, NotInThatState))
async def cancel_import(call: Call) -> Answer[ImportShape]:
    """Stop an import for good.

    What it has done stays.
    """
    async with call.transaction() as tx:
        return await call.done(tx, _shape(await api.cancel(tx, RunId(call.id("import")))))


def _shape(run: Run) -> ImportShape:
    return ImportShape(
        id=show("import", run.id),
        kind=run.kind,
        file_name=run.file_name,
        layout=run.layout,
        dry_run=run.dry_run,
        state=run.state,
        position=run.position,
        size=run.size,
        report=dict(run.report),
        problem=run.problem,
        actor=show_actor(run.actor),
        started_at=run.started_at,
        moved_at=run.moved_at,
        finished_at=run.finished_at,
    )


def _rejection(one: Rejection) -> RejectionShape:
    return RejectionShape(
        file=one.file, line=one.line, code=one.code, reason=one.reason, advice=one.advice, cells=dict(one.cells)
    )
