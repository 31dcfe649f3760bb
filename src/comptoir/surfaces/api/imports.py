"""Imports: how far each has come, and which rows were not taken."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from comptoir.modules.imports import api
from comptoir.modules.imports.contracts import ImportKind, Rejection, Run, RunFilter, RunId, RunState
from comptoir.modules.imports.errors import UnknownRun
from comptoir.modules.staff.contracts import Scope
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import show, show_actor
from comptoir.surfaces.api.operations import Answer, PageOf, Resource
from comptoir.surfaces.api.shapes import Actor, ImportRef, Instant, PageQuery, Search, Shape

imports = Resource("Imports", "Files of orders, products, stock and locations: how far each has come, and what was not taken.")


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
