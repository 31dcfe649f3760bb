"""How the account of an import reads: every row, by what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from comptoir.kernel.ids import to_text
from comptoir.kernel.money import Currency, exponent
from comptoir.modules.imports.contracts import RUN_PREFIX, ImportKind, Run
from comptoir.surfaces.cli import terminal
from comptoir.surfaces.imports import Importer, ImportRequest, Report

_FIRST = 5
_THINGS = {
    ImportKind.ORDERS: "orders",
    ImportKind.PRODUCTS: "products",
    ImportKind.STOCK: "levels",
    ImportKind.LOCATIONS: "locations",
    ImportKind.POSTCODES: "postcodes",
    ImportKind.BINS: "bins",
}


def show_run(run: Run, report: Report) -> None:
    terminal.done(f"{run.file_name}: {report.rows:,} rows, all accounted for.")
    _show_rows(report)
    _show_things(run.kind, report)
    terminal.hint(f"Run {to_text(RUN_PREFIX, run.id)}, layout {run.layout}.")


def show_preview(request: ImportRequest, importer: Importer[Any], report: Report, file_hash: str) -> None:
    terminal.done(f"{request.title} ({importer.layout}): {report.rows:,} rows. A dry run: nothing was changed.")
    _show_rows(report)
    _show_things(request.kind, report)
    for outcome, words in (
        ("known", "known already, nothing would change"),
        ("updated", "known in an older version, would change"),
    ):
        if named := report.foreseen.get(outcome):
            terminal.say(f"  {words}: {_some(named)}")
    if report.unknown_skus:
        terminal.say(
            f"  SKUs that the catalogue does not know: {len(report.unknown_skus):,} ({_some(sorted(report.unknown_skus))})"
        )
    terminal.hint(f"SHA-256 of the content: {file_hash}")


def _some(named: Sequence[str]) -> str:
    return ", ".join([*named[:_FIRST], *(["…"] if len(named) > _FIRST else [])])


def _show_rows(report: Report) -> None:
    rows: list[tuple[str, int]] = [("rows taken", report.taken), ("rows that correct stock", report.adjusted)]
    rows += [(f"rows skipped: {_words(code)}", count) for code, count in sorted(report.skipped.items())]
    rows += [(f"rows rejected: {_words(code)}", count) for code, count in sorted(report.rejected.items())]
    for words, count in rows:
        if count:
            terminal.say(f"  {words}: {count:,}")


def _show_things(kind: ImportKind, report: Report) -> None:
    things = _THINGS[kind]
    lines = [f"{things} {_words(name)}: {count:,}" for name, count in report.outcomes.items() if name != "units"]
    lines += [f"units: {report.outcomes['units']:,}"] if "units" in report.outcomes else []
    lines += [f"of these, {_words(name)}: {count:,}" for name, count in sorted(report.kinds.items())]
    lines += [
        f"tagged {name}: {count:,} ({report.tagged_rows.get(name, 0):,} rows)" for name, count in sorted(report.tags.items())
    ]
    lines += [f"net: {_amount(minor, code)}" for code, minor in sorted(report.net.items())]
    lines += [f"{_words(name)}: {count:,}" for name, count in sorted(report.made.items())]
    lines += [
        f"{label}: {seen['distinct']:,}, and {seen['blank_rows']:,} rows without" for label, seen in report.facets.items()
    ]
    lines += [f"worth a look, {_words(code)}: {count:,}" for code, count in sorted(report.cautions.items())]
    lines += [f"made: {', '.join(report.prepared)}"] if report.prepared else []
    for line in lines:
        terminal.say(f"  {line}")


def show_rejected(rows: Sequence[tuple[int, str, str]], count: int) -> None:
    terminal.warn(f"{count:,} rows were rejected{', the first of them' if count > len(rows) else ''}:")
    terminal.table(("line", "reason", "what to do"), [(str(line), reason, advice) for line, reason, advice in rows])


def _words(code: str) -> str:
    return code.replace("_", " ")


def _amount(minor: int, code: str) -> str:
    digits = exponent(Currency(code))
    return f"{Decimal(minor).scaleb(-digits):,.{digits}f} {code}"
