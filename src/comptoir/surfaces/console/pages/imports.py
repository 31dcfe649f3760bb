"""Imports: a file is dropped, looked at, rehearsed or read by a worker, and every row of it is accounted for."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound
from comptoir.kernel.ids import to_text
from comptoir.modules.imports import api as imports
from comptoir.modules.imports.contracts import RUN_PREFIX, ImportKind, Run, RunFilter, RunId, RunState
from comptoir.modules.imports.errors import AlreadyImported
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Tx
from comptoir.surfaces import imports as files
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.guarding import Rule
from comptoir.surfaces.console.pages import lists
from comptoir.surfaces.console.pages.import_words import (
    KIND_ICONS,
    KIND_MEANINGS,
    KIND_WORDS,
    STATE_CODES,
    STATE_WORDS,
    advice_words,
    code_words,
    date_words,
    separator_words,
)
from comptoir.surfaces.console.pages.naming import channels_of, people_of
from comptoir.surfaces.console.visits import HEADERS
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Console, Done, Route, Visit, Web, answer

area = Area("imports")

ACTIVE = (RunState.WAITING, RunState.RUNNING)
_LARGEST = 2 * 1024**3 + (1 << 20)
"""Bytes of a request with the largest file that is kept, and the rest of the form."""


def _part(name: str) -> Any:
    """What works with files, loaded when the first one comes."""
    return importlib.import_module(f"comptoir.surfaces.console.pages.{name}")


def run_text(run_id: RunId) -> str:
    return to_text(RUN_PREFIX, run_id)


def run_href(run_id: RunId) -> str:
    return f"/imports/{run_text(run_id)}"


# The list, with the place to drop a file


@area.get("/imports", Permission.IMPORTS_READ)
async def import_list(visit: Visit) -> Answer:
    return await show_list(visit)


async def show_list(visit: Visit, errors: Mapping[str, str] | None = None, kind: str = "") -> Answer:
    sort = visit.sort(("started", "file"), "-started")
    wanted = RunFilter(
        search=visit.param("q"),
        kind=lists.chosen(visit, "of", ImportKind),
        state=lists.chosen(visit, "state", RunState),
        dry_run={"yes": True, "no": False}.get(visit.param("dry")),
    )
    if visit.wants_csv and not errors:
        return visit.csv("imports", [visit.say(word) for word in _COLUMNS], _exported(visit, wanted, sort))
    async with visit.read() as reader:
        page = await imports.find(reader, wanted, sort=sort, limit=PAGE_SIZE, cursor=visit.cursor)
        people = await people_of(visit, reader, [run.actor for run in page.items], await channels_of(visit, reader))
    kinds, states = lists.options_of(visit, KIND_WORDS), lists.options_of(visit, STATE_WORDS)
    return visit.respond(
        "imports/list.html",
        "imports/_results.html",
        status=422 if errors else 200,
        rows=page.items,
        before=page.previous,
        after=page.next,
        sort=sort,
        people=people,
        kinds=kinds,
        kind_words=dict(kinds),
        kind_icons=KIND_ICONS,
        states=states,
        state_words=dict(states),
        state_codes=STATE_CODES,
        choices=[(one.value, visit.say(KIND_WORDS[one]), visit.say(KIND_MEANINGS[one])) for one in ImportKind],
        chosen=kind or visit.param("kind") or ImportKind.ORDERS.value,
        rejected=imports.rejected_rows,
        chips=lists.chips(
            visit,
            [
                (N_("Kind"), "of", dict(kinds)),
                (N_("State"), "state", dict(states)),
                (N_("Dry run"), "dry", {"yes": visit.say(N_("yes")), "no": visit.say(N_("no"))}),
            ],
        ),
        errors=errors or {},
        href=run_href,
        is_empty=not page.items and not visit.param("q") and not visit.param("of") and not visit.param("state"),
    )


_FIRST = 5
"""Of a long list of names, so many are shown."""
_COLUMNS = (
    N_("File"), N_("Kind"), N_("State"), N_("Dry run"), N_("Rows"), N_("Taken"), N_("Rejected"), N_("Started"), N_("Ended"),
    N_("Who"),
)  # fmt: skip


async def _exported(visit: Visit, wanted: RunFilter, sort: str) -> AsyncIterator[Sequence[object]]:
    async with visit.read() as reader:
        channels = await channels_of(visit, reader)
        async for some in lists.by_many(imports.stream(reader, wanted, sort=sort)):
            people = await people_of(visit, reader, {run.actor for run in some}, channels)
            for run in some:
                yield (
                    run.file_name,
                    visit.say(KIND_WORDS[run.kind]),
                    visit.say(STATE_WORDS[run.state]),
                    visit.say(N_("yes") if run.dry_run else N_("no")),
                    run.report.get("rows", 0),
                    run.report.get("taken", 0),
                    imports.rejected_rows(run.report),
                    run.started_at,
                    run.finished_at,
                    people[run.actor],
                )


# An upload, and how it is to be read


async def upload(visit: Visit) -> Answer:
    return cast("Answer", await _part("import_upload").upload(visit))


def upload_route(console: Console) -> HTTPRouteHandler:
    """As `web.mounted` makes routes, but for bodies as large as files are."""
    route = Route("POST", "/imports/upload", upload, Rule(area.place, Permission.IMPORTS_RUN, public=False))

    async def answer_page(request: Web) -> Answer:
        return await answer(console, route, request)

    return HTTPRouteHandler(
        route.path, http_method=["POST"], status_code=200, include_in_schema=False, request_max_body_size=_LARGEST
    )(answer_page)


@area.get("/imports/new", Permission.IMPORTS_RUN)
async def look(visit: Visit) -> Answer:
    return cast("Answer", await _part("import_upload").look(visit))


@area.post("/imports/start", Permission.IMPORTS_RUN)
async def start(visit: Visit) -> Answer:
    return cast("Answer", await _part("import_upload").start(visit))


# A run


def _id(visit: Visit) -> RunId:
    return RunId(visit.path_id("run_id", RUN_PREFIX))


@dataclass(frozen=True, slots=True)
class Account:
    """What became of the rows, in words: every row is in exactly one of `parts`."""

    rows: int
    parts: tuple[tuple[str, int, str], ...]
    """(words, rows, kind of segment)."""
    skipped: tuple[tuple[str, int], ...]
    rejected: tuple[tuple[str, int], ...]
    outcomes: tuple[tuple[str, str], ...]
    more: tuple[tuple[str, str], ...]


def _counts(report: Mapping[str, object], name: str) -> dict[str, int]:
    return cast("dict[str, int]", report.get(name) or {})


def account(visit: Visit, run: Run) -> Account:
    """From the report as it is kept, whose shape `surfaces.imports.report` has."""
    report, locale = run.report, visit.page.locale

    def told(name: str) -> list[tuple[str, str]]:
        found = _counts(report, name)
        return [(code_words(visit, code), formatting.number(found[code], locale)) for code in sorted(found)]

    skipped, rejected = _counts(report, "skipped"), _counts(report, "rejected")
    parts = (
        (visit.say(N_("taken")), int(str(report.get("taken", 0))), "strong"),
        (visit.say(N_("corrections of stock")), int(str(report.get("adjusted", 0))), "mid"),
        (visit.say(N_("nothing to take")), sum(skipped.values()), "faint"),
        (visit.say(N_("rejected")), sum(rejected.values()), "bad"),
    )
    return Account(
        sum(part[1] for part in parts),
        tuple(part for part in parts if part[1]),
        tuple((code_words(visit, code), count) for code, count in sorted(skipped.items())),
        tuple((code_words(visit, code), count) for code, count in sorted(rejected.items())),
        tuple(told("outcomes")),
        (*told("kinds"), *told("tags"), *_net(visit, report), *told("made"), *_about(visit, report)),
    )


def _net(visit: Visit, report: Mapping[str, object]) -> list[tuple[str, str]]:
    word = visit.say(N_("Net value"))
    return [(word, formatting.money(n, code, visit.page.locale)) for code, n in sorted(_counts(report, "net").items())]


def _about(visit: Visit, report: Mapping[str, object]) -> list[tuple[str, str]]:
    """What is worth knowing beside the counts of rows."""
    number, locale = formatting.number, visit.page.locale
    told: list[tuple[str, str]] = []
    for label, seen in cast("Mapping[str, Mapping[str, int]]", report.get("facets") or {}).items():
        distinct, blank = number(seen["distinct"], locale), number(seen["blank_rows"], locale)
        told.append((label, visit.say(N_("%(distinct)s distinct, %(blank)s rows without"), distinct=distinct, blank=blank)))
    for code, count in sorted(_counts(report, "cautions").items()):
        told.append((visit.say(N_("Worth a look: %(what)s"), what=code_words(visit, code)), number(count, locale)))
    made = cast("Sequence[str]", report.get("prepared") or ())
    if made:
        told.append((visit.say(N_("Made beforehand")), ", ".join(made)))
    for outcome, named in cast("Mapping[str, Sequence[str]]", report.get("foreseen") or {}).items():
        word = N_("Orders that are known already") if outcome == "known" else N_("Orders that would be changed")
        told.append((visit.say(word), f"{number(_counts(report, 'outcomes')[outcome], locale)} ({_some(named)})"))
    unknown = cast("Sequence[str]", report.get("unknown_skus") or ())
    if unknown:
        told.append(
            (visit.say(N_("SKUs that the catalogue does not know")), f"{number(len(unknown), locale)} ({_some(unknown)})")
        )
    return told


def _some(named: Sequence[str]) -> str:
    return ", ".join([*named[:_FIRST], *(["…"] if len(named) > _FIRST else [])])


@area.get("/imports/{run_id:str}", Permission.IMPORTS_READ)
async def run_page(visit: Visit) -> Answer:
    run_id = _id(visit)
    async with visit.read() as reader:
        run = await imports.get(reader, run_id)
        sort = visit.sort(("line",), "line")
        page = await imports.rejections(reader, run_id, sort=sort, limit=PAGE_SIZE, cursor=visit.cursor)
        people = await people_of(visit, reader, [run.actor], await channels_of(visit, reader))
    return visit.respond(
        "imports/run.html",
        "imports/_rejected.html",
        run=run,
        account=account(visit, run),
        rows=page.items,
        before=page.previous,
        after=page.next,
        sort=sort,
        who=people[run.actor],
        href=run_href(run_id),
        kind=visit.say(KIND_WORDS[run.kind]),
        kind_icon=KIND_ICONS[run.kind],
        state=STATE_CODES[run.state],
        state_word=visit.say(STATE_WORDS[run.state]),
        active=run.state in ACTIVE,
        resumable=run.state is RunState.FAILED,
        files=list(enumerate(names_of(run))),
        told=_told(visit, run),
        there=_still_there(run),
        may_run=visit.may(Permission.IMPORTS_RUN),
        advice_words=partial(advice_words, visit),
    )


def _texts(run: Run, name: str) -> list[str]:
    return [str(text) for text in cast("Sequence[object]", run.options.get(name) or ())]


def _still_there(run: Run) -> bool:
    """Uploaded files are cleared away after a while."""
    return all(Path(text).exists() for text in _texts(run, "files"))


def names_of(run: Run) -> list[str]:
    """What its files are called where they came from."""
    return _texts(run, "names") or [Path(text).name for text in _texts(run, "files")]


def _told(visit: Visit, run: Run) -> list[tuple[str, str]]:
    """How it was asked for, as far as somebody said so."""
    own = run.options
    options = cast("Mapping[str, object]", own.get("options") or {})
    separator = str(options.get("separator") or "")
    rows = [
        (N_("Layout"), run.layout),
        (N_("Channel"), own.get("channel")),
        (N_("Market"), own.get("market")),
        (N_("Encoding"), options.get("encoding")),
        (N_("Separator"), separator_words(visit, separator) if separator else ""),
        (N_("Decimal mark"), options.get("decimal")),
        (N_("Dates"), date_words(visit).get(str(options.get("date_order")))),
        (N_("Time zone"), options.get("time_zone")),
        (N_("Currency"), options.get("currency")),
        (N_("Takes stock off"), visit.say(N_("yes")) if own.get("moves_stock") else ""),
    ]
    return [(visit.say(word), str(value)) for word, value in rows if value]


@area.get("/imports/{run_id:str}/progress", Permission.IMPORTS_READ)
async def progress(visit: Visit) -> Answer:
    """A part of the page that asks for itself again until the run is over; then for the whole page."""
    async with visit.read() as reader:
        run = await imports.get(reader, _id(visit))
    if run.state not in ACTIVE:
        answered = visit.fragment("imports/_progress.html", run=run, account=account(visit, run), href=run_href(run.id))
        answered.headers["HX-Refresh"] = "true"
        return answered
    return visit.fragment("imports/_progress.html", run=run, account=account(visit, run), href=run_href(run.id))


@area.post("/imports/{run_id:str}/{step:str}", Permission.IMPORTS_RUN)
async def take_step(visit: Visit) -> Answer:
    run_id, step = _id(visit), visit.path("step")

    async def work(tx: Tx) -> Done:
        match step:
            case "import":
                run = await files.start_again(tx, run_id, again=visit.fields().checked("again"))
                words = visit.say(N_("The file is in the queue; a worker begins at once."))
            case "resume":
                run = await files.resume(tx, run_id)
                words = visit.say(N_("It goes on where it stopped."))
            case "cancel":
                run = await imports.cancel(tx, run_id)
                words = visit.say(N_("The import is stopped. What it has done stays."))
            case _:
                raise NotFound(kind="page", id=step)
        await visit.record(tx, f"import.{step}", run_text(run.id), {"file": run.file_name})
        return Done(run_href(run.id), words)

    try:
        return await visit.act(work)
    except AlreadyImported as refusal:
        return visit.finish(Done(run_href(run_id), visit.refusal(refusal), tone="warn"))


# The rejected rows as a file


@area.get("/imports/{run_id:str}/rejected/{file:int}", Permission.IMPORTS_READ)
async def rejected_file(visit: Visit) -> Answer:
    """The original columns and what is wrong with each row, to be corrected and imported again."""
    run_id, file = _id(visit), int(visit.path("file"))
    async with visit.read() as reader:
        run = await imports.get(reader, run_id)
    names = names_of(run)
    if not 0 <= file < len(names):
        raise NotFound(kind="file", id=str(file))
    head = {
        **HEADERS,
        "X-Request-Id": visit.page.request_id,
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(f'{Path(names[file]).stem}.rejected.csv')}",
    }
    return Stream(files.rejected_csv(visit.database, run, file), media_type="text/csv; charset=utf-8", headers=head)
