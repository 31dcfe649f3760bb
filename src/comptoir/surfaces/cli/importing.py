"""`comptoir import`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from comptoir.kernel.checking import Checks
from comptoir.kernel.ids import to_text
from comptoir.kernel.money import currency as currency_code
from comptoir.kernel.time import time_zone
from comptoir.modules.imports import api as imports
from comptoir.modules.imports.contracts import RUN_PREFIX, ImportKind, Run, RunState
from comptoir.runtime.database import Database
from comptoir.runtime.settings import Settings
from comptoir.sdk.orderfiles import RejectedRow
from comptoir.sdk.tabular import DateOrder, MissingSku, Options
from comptoir.surfaces.cli import terminal
from comptoir.surfaces.cli.accounts import show_preview, show_rejected, show_run
from comptoir.surfaces.cli.databases import OPERATOR, Ready, opened, ready
from comptoir.surfaces.cli.exits import Exit, Stopped
from comptoir.surfaces.imports import (
    Importer,
    ImportRequest,
    Report,
    Seen,
    hash_of,
    open_importer,
    preview,
    run_import,
    write_rejected,
    write_rejections,
)

_SHOWN = 10

_HELP = """Import a file of orders, products, stock, locations, bins or postcodes.

How a file is written (encoding, separator, decimals, dates, order of columns) is found out from the file; where it could be
read in two ways you are asked to say. Rows that cannot be taken go into a file of their own, with the reason and what to do:
correct it and import it again. A run that was stopped goes on where it was; a file that has been imported changes nothing the
second time.
"""

app = App(name="import", help=_HELP, help_format="markdown")


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How the file is written; what is left out is found out."""

    encoding: Annotated[str | None, Parameter(help="Such as utf-8, cp1252, utf-16.")] = None
    separator: Annotated[str | None, Parameter(help="Between cells; tab for a tabulator.")] = None
    decimal: Annotated[Literal["point", "comma", ".", ","] | None, Parameter(help="The decimal mark.")] = None
    dates: Annotated[Literal["day-first", "month-first"] | None, Parameter(help="How 03/04/2026 is meant.")] = None
    time_zone: Annotated[str | None, Parameter(help="Of times without an offset, such as Europe/Paris.")] = None
    currency: Annotated[str | None, Parameter(help="Of a file that names none, such as EUR.")] = None

    def options(self, *, tax_included: bool | None = None, missing_sku: MissingSku = MissingSku.LISTING) -> Options:
        """Raises Invalid."""
        checks = Checks()
        zone = checks.parsed("--time-zone", lambda text: time_zone(text).key, self.time_zone, None) if self.time_zone else None
        code = checks.parsed("--currency", currency_code, self.currency, None) if self.currency else None
        separator = "\t" if self.separator in {"tab", r"\t"} else self.separator
        checks.require("--separator", separator is None or len(separator) == 1, "is one character, or tab")
        checks.done()
        decimals: dict[str, Literal[".", ","]] = {"point": ".", ".": ".", "comma": ",", ",": ","}
        return Options(
            encoding=self.encoding,
            separator=separator,
            decimal=decimals[self.decimal] if self.decimal else None,
            date_order=DateOrder(self.dates.replace("-", "_")) if self.dates else None,
            time_zone=zone,
            currency=code,
            tax_included=tax_included,
            missing_sku=missing_sku,
        )


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Course:
    """How to go about it."""

    dry_run: Annotated[bool, Parameter(negative="", help="Show what would happen; change nothing.")] = False
    report: Annotated[Path | None, Parameter(help="Where rejected rows go; without it, beside the file.")] = None
    resume: Annotated[bool, Parameter(negative="--from-the-start", help="Go on with a run of this file that was stopped.")] = (
        True
    )
    again: Annotated[bool, Parameter(negative="", help="Go through a file that has been imported already.")] = False


_PLAIN = Dialect()
_COURSE = Course()


@app.command
def orders(
    *files: Path,
    channel: Annotated[str, Parameter(help="Whose orders they are; made where there is none. [default: the layout]")] = "",
    layout: Annotated[str, Parameter(help="uci, shopify, squarespace, amazon, ebay, etsy or woocommerce.")] = "",
    create_products: Annotated[bool | None, Parameter(help="Make products of unknown SKUs. [default: only for uci]")] = None,
    stock: Annotated[bool, Parameter(negative="--no-stock", help="Take what was shipped off stock, and correct it.")] = False,
    market: Annotated[str, Parameter(help="Of a channel that is made, where several have the currency.")] = "",
    tax_included: Annotated[bool | None, Parameter(help="Whether prices contain their tax. [default: as totals show]")] = None,
    missing_sku: Annotated[MissingSku, Parameter(help="What stands in for a missing SKU.")] = MissingSku.LISTING,
    dialect: Dialect = _PLAIN,
    course: Course = _COURSE,
) -> None:
    """Import orders that a channel has taken already.

    They are facts: recorded as they are, whatever the stock says, once for each (channel, number, version); a newer version of
    an order changes it. Usually they are history, and stock has been counted since: with --stock what they shipped is taken
    off, and rows that correct stock are booked, once; without it both are accounted for only. What is still to be shipped is
    reserved either way. Etsy's orders come in two files: name both.

    For example:

          comptoir import orders orders_export.csv --dry-run
          comptoir import orders online_retail_2009_2010.parquet
          comptoir import orders EtsySoldOrders.csv EtsySoldOrderItems.csv --channel etsy-fr --stock
    """
    request = ImportRequest(
        kind=ImportKind.ORDERS,
        files=_paths(files),
        options=dialect.options(tax_included=tax_included, missing_sku=missing_sku),
        layout=layout,
        channel=channel,
        create_products=create_products,
        moves_stock=stock,
        market=market,
        dry_run=course.dry_run,
    )
    _import(request, course)


@app.command
def products(
    file: Path,
    *,
    market: Annotated[str, Parameter(help="Whose prices they are, where the file does not say.")] = "",
    dialect: Dialect = _PLAIN,
    course: Course = _COURSE,
) -> None:
    """Import products: sku, name, and if wanted name_fr, gtin, brand, category, price, currency, tax_rate,
    market, weight_g, dangerous (yes or no), lots (lot, expiry or no), shelf_life_left (days).

    A SKU that is there is changed, another is made. What the file does not say stays as it is.

    For example:

          comptoir import products products.csv --currency EUR
    """
    request = ImportRequest(
        kind=ImportKind.PRODUCTS,
        files=_paths((file,)),
        options=dialect.options(),
        market=market,
        dry_run=course.dry_run,
    )
    _import(request, course)


@app.command
def stock(
    file: Path,
    *,
    create_products: Annotated[bool, Parameter(help="Make products of unknown SKUs.")] = False,
    dialect: Dialect = _PLAIN,
    course: Course = _COURSE,
) -> None:
    """Import stock: sku, location, on_hand, and if wanted safety.

    The ledger gets the differences, with this run as their cause. Locations must exist. Spots that the file does not name stay
    as they are.

    For example:

          comptoir import stock stock.csv
          comptoir import stock count.csv --again
    """
    request = ImportRequest(
        kind=ImportKind.STOCK,
        files=_paths((file,)),
        options=dialect.options(),
        create_products=create_products,
        dry_run=course.dry_run,
    )
    _import(request, course)


@app.command
def locations(file: Path, *, dialect: Dialect = _PLAIN, course: Course = _COURSE) -> None:
    """Import locations: code, name, and if wanted kind, address, postcode, city, country, latitude, longitude, time_zone.

    There are also opening_hours (written Mo-Fr 09:00-19:00; Sa 10:00-18:00), ships, pickup, returns,
    daily_capacity, contact, phone and email, closed_on (2027-01-04..2027-01-05 Stocktaking; 2027-05-07),
    public_holidays (yes, no, or whose they are: FR) and open_on (05-08, 2027-03-29).

    For example:

          comptoir import locations stores.csv --time-zone Europe/Paris
    """
    request = ImportRequest(kind=ImportKind.LOCATIONS, files=_paths((file,)), options=dialect.options(), dry_run=course.dry_run)
    _import(request, course)


@app.command
def bins(file: Path, *, dialect: Dialect = _PLAIN, course: Course = _COURSE) -> None:
    """Import where SKUs lie: location, sku, bin, and if wanted zone and sequence.

    The way through the bins goes by the sequence, from the lowest up; bins without one come after, by their codes. A row
    without a bin takes its SKU out of its own; a row without a SKU says only where its bin is.

    For example:

          comptoir import bins bins.csv
    """
    request = ImportRequest(kind=ImportKind.BINS, files=_paths((file,)), options=dialect.options(), dry_run=course.dry_run)
    _import(request, course)


@app.command
def postcodes(file: Path, *, dialect: Dialect = _PLAIN, course: Course = _COURSE) -> None:
    """Import where postcodes are: country, postcode, latitude, longitude, and if wanted place.

    Promises by postcode, and orders whose address has no coordinates, go by them. The French post office's file is read as it
    is.

    For example:

          comptoir import postcodes laposte_hexasmal.csv
    """
    request = ImportRequest(kind=ImportKind.POSTCODES, files=_paths((file,)), options=dialect.options(), dry_run=course.dry_run)
    _import(request, course)


def _paths(files: tuple[Path, ...]) -> tuple[str, ...]:
    checks = Checks()
    checks.require("FILE", bool(files), "is missing: name the file to import")
    for file in files:
        checks.require(str(file), file.is_file(), "is not a file" if file.exists() else "does not exist")
    checks.done()
    return tuple(str(file.absolute()) for file in files)


def _import(request: ImportRequest, course: Course) -> None:
    with ready(Settings.load()) as found:
        rejected = asyncio.run(_go(found, request, course))
    if rejected:
        raise Stopped(Exit.REFUSED)


async def _go(found: Ready, request: ImportRequest, course: Course) -> int:
    """Gives how many rows were rejected."""
    async with opened(found) as database:
        with terminal.progress(request.title) as tell:

            def watch(seen: Seen) -> None:
                tell(*seen)

            if request.dry_run:
                importer = await open_importer(request, watch)
                rehearsed = await preview(database, importer, watch, keep=None if course.report else _SHOWN)
                run = None
            else:
                run = await _which(database, request, course)
                if run is None:
                    return 0
                importer = await open_importer(request, watch)
                try:
                    run = await run_import(database, run.id, importer, OPERATOR, watch)
                except asyncio.CancelledError:
                    terminal.warn("What was imported so far is kept. The same command goes on where this one stopped.")
                    raise
                rehearsed = None
        if rehearsed is not None:
            show_preview(request, importer, rehearsed.report, hash_of(request.paths))
            return _tell_preview(course.report, importer, rehearsed.report, rehearsed.rejected)
        assert run is not None
        return await _tell(database, run, importer, course.report or _beside(request))


async def _which(database: Database, request: ImportRequest, course: Course) -> Run | None:
    """The run to do: a new one, or one of this file that was stopped; None where the file has been imported."""
    file_hash = await asyncio.to_thread(hash_of, request.paths)
    async with database.transaction(OPERATOR) as tx:
        there = await imports.same_file(tx, request.kind, file_hash, channel=request.channel)
        if there is not None and there.state is RunState.DONE and not course.again:
            assert there.finished_at is not None
            terminal.done(f"Nothing to do: this file was imported on {there.finished_at:%Y-%m-%d at %H:%M} UTC.")
            terminal.hint(f"Run {to_text(RUN_PREFIX, there.id)}. With --again it goes through once more.")
            return None
        if there is not None and imports.resumable(there.state) and course.resume:
            if there.position:
                terminal.note(f"Going on with the run of {there.started_at:%Y-%m-%d %H:%M} UTC at {there.position:,}.")
            return there
        return await imports.create(tx, request.draft(file_hash))


def _beside(request: ImportRequest) -> Path:
    path = request.paths[0]
    return path.with_name(f"{path.name.partition('.')[0]}.rejected.csv")


async def _tell(database: Database, run: Run, importer: Importer[Any], path: Path) -> int:
    report = Report.from_json(run.report)
    show_run(run, report)
    rejected = sum(report.rejected.values())
    if not rejected:
        return 0
    async with database.read() as reader:
        first = await imports.rejections(reader, run.id, limit=_SHOWN)
        show_rejected([(row.line, row.reason, row.advice) for row in first.items], rejected)
        try:
            written = await write_rejections(reader, run.id, path, importer.headers)
        except OSError as problem:
            terminal.warn(f"{path} could not be written ({problem.strerror}): say where with --report, and --again.")
            return rejected
    for file in written:
        terminal.say(f"All of them are in {file}: correct it and import it.")
    return rejected


def _tell_preview(path: Path | None, importer: Importer[Any], report: Report, rows: list[RejectedRow]) -> int:
    rejected = sum(report.rejected.values())
    if rejected:
        show_rejected([(row.row.line, row.reason, row.advice) for row in rows[:_SHOWN]], rejected)
    if path is not None:
        for file in write_rejected(path, importer.headers, rows):
            terminal.say(f"All of them are in {file}.")
    return rejected
