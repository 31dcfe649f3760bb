"""`comptoir doctor`."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from comptoir.kernel.errors import Fault, Refusal
from comptoir.migrations import schema
from comptoir.runtime.database import Database, database_faults
from comptoir.runtime.settings import Settings
from comptoir.surfaces.cli import terminal
from comptoir.surfaces.cli.databases import OPERATOR, Ready, opened, reachable
from comptoir.surfaces.cli.exits import Exit, Stopped, sentence
from comptoir.surfaces.doctor import CHECKS, Check, Finding, examine, treat

_SHOWN = 20
_MARKS = {
    "clean": "[green]✓[/green]",
    "repaired": "[green]✓[/green]",
    "findings": "[red]✗[/red]",
    "unknown": "[yellow]?[/yellow]",
}


@dataclass(slots=True)
class _Result:
    """What came of one check, as it is printed and as --json gives it."""

    check: str
    state: str = "clean"
    """clean, findings, repaired, or unknown where it could not be done."""
    seen: str = ""
    count: int = 0
    findings: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    repaired: str = ""
    problem: str = ""
    seconds: float = 0.0


def doctor(
    *,
    repair: Annotated[bool, Parameter(negative="", help="Put right what can be put right, openly.")] = False,
    json: Annotated[bool, Parameter(negative="", help="The result as JSON, for monitoring.")] = False,
) -> None:
    """Check that everything adds up: stock against its ledger, orders against their lines, events, jobs, the server.

    It reads everything and changes nothing, and may run while the house sells. With --repair, what differs is made up for by
    entries in the ledger and in the orders' timelines, never silently. Exit code 0: all is well, or was put right. 1: findings.
    2: it cannot tell, because the database cannot be reached or not be read.

    For example:

        comptoir doctor
        comptoir doctor --repair
        comptoir doctor --json | jq .clean
    """
    try:
        results = _results(repair=repair, quiet=json)
    except (Refusal, Fault) as problem:
        words = sentence(problem) if isinstance(problem, Refusal) else problem.detail
        results = [_Result("database", "unknown", problem=words)]
        _show(results[0], quiet=json)
    states = {result.state for result in results}
    if json:
        clean = states <= {"clean", "repaired"}
        text = msgspec.json.format(msgspec.json.encode({"clean": clean, "checks": results})).decode()
        terminal.out.out(text, highlight=False)
    elif states <= {"clean", "repaired"}:
        terminal.done("All is well.")
    if "unknown" in states:
        raise Stopped(Exit.USAGE)
    if "findings" in states:
        raise Stopped(Exit.REFUSED)


def _results(*, repair: bool, quiet: bool) -> list[_Result]:
    with reachable(Settings.load()) as found:
        with database_faults():
            version = _version(found)
        _show(version, quiet=quiet)
        if version.state != "clean":
            return [version]
        return [version, *asyncio.run(_examine(found, repair=repair, quiet=quiet))]


def _version(found: Ready) -> _Result:
    where = "the embedded server" if found.server is not None else "DATABASE_URL"
    now, needed = schema.current(found.url), schema.head()
    result = _Result("migrations", seen=f"version {now or 'none'} on {where}")
    if now != needed:
        result.state, result.count = "findings", 1
        finding = Finding(
            "migrations_behind",
            f"The database is at version {now or 'none'}, this program needs {needed}.",
            "Nothing else can be checked, and nothing can be sold.",
            "Run `comptoir migrate`. If the database is the newer of the two, install the newer Comptoir.",
        )
        result.findings = [finding._asdict()]
    return result


async def _examine(found: Ready, *, repair: bool, quiet: bool) -> list[_Result]:
    results: list[_Result] = []
    async with opened(found) as database:
        for check in CHECKS:
            with terminal.working(f"Looking at: {check.name}"):
                results.append(await _one(database, check, repair=repair))
            _show(results[-1], quiet=quiet)
    return results


async def _one(database: Database, check: Check, *, repair: bool) -> _Result:
    result, begun = _Result(check.name), time.monotonic()
    try:
        examined = await examine(database, check)
        if examined.total and repair:
            result.repaired = await treat(database, check, OPERATOR)
            if result.repaired:
                examined = await examine(database, check)
                result.state = "repaired"
        result.seen, result.count = examined.seen, examined.total
        result.findings = [finding._asdict() for finding in examined.findings]
        if examined.total:
            result.state = "findings"
    except Fault as fault:
        result.state, result.problem = "unknown", fault.detail
    result.seconds = round(time.monotonic() - begun, 3)
    return result


def _show(result: _Result, *, quiet: bool) -> None:
    if quiet:
        return
    seconds = f" [dim]({result.seconds:.1f} s)[/dim]" if result.seconds >= 1 else ""
    terminal.out.print(f"{_MARKS[result.state]} {result.check}[dim]: {result.seen}[/dim]{seconds}")
    if result.repaired:
        terminal.done(f"  Repaired: {result.repaired}")
    if result.problem:
        terminal.warn(f"  {result.problem}")
    said: set[str] = set()
    for finding in result.findings[:_SHOWN]:
        terminal.say(f"  {finding['what']}")
        if finding["code"] not in said:  # what it means is said once
            said.add(finding["code"])
            terminal.hint(f"    {finding['meaning']} {finding['advice']}")
    if result.count > _SHOWN:
        terminal.say(f"  … and {result.count - min(_SHOWN, len(result.findings)):,} more; --json lists up to a thousand.")
