"""How a command ends: its exit code, and one sentence about what went wrong."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from typing import cast

from cyclopts import CycloptsError

from comptoir.kernel.errors import Fault, Refusal
from comptoir.surfaces.cli import terminal


class Exit(IntEnum):
    """Stable: scripts go by them. `docs/` lists them."""

    OK = 0
    REFUSED = 1
    """It was not done, or not all of it: a refusal, rejected rows, findings of the doctor."""
    USAGE = 2
    """The command line says nothing that could be done. For `doctor`: it cannot tell."""
    DATABASE = 3
    """The database cannot be reached, or not used as it is."""
    FAULT = 4
    """Something else of the world around did not answer."""
    BUG = 70
    """Something that should not happen: please report it with what --verbose prints."""
    INTERRUPTED = 130
    """Ctrl-C."""


DATABASE_FAULTS = frozenset(
    {
        "database_unavailable",
        "contended",
        "locked",
        "outrun",
        "database_not_ready",
        "migrations_behind",
        "postgres_not_started",
        "postgres_other_major_version",
    }
)


class Stopped(Exception):  # noqa: N818 - it is an end, not an error
    """Ends the command with this code; what there was to say has been said."""

    def __init__(self, code: Exit) -> None:
        super().__init__(code)
        self.code = code


def ending(run: Callable[[], object], *, verbose: bool) -> Exit:
    """Runs a command and says how it ended."""
    try:
        run()
        sys.stdout.flush()
    except Stopped as stopped:
        return stopped.code
    except BrokenPipeError:
        return seen_enough()
    except CycloptsError:  # it has been shown
        return Exit.USAGE
    except (Exception, KeyboardInterrupt) as problem:  # noqa: BLE001 - the outermost edge
        return _explain(problem, verbose=verbose)
    return Exit.OK


def seen_enough() -> Exit:
    """Whoever read our output has closed it. Without this, Python would complain again when it closes its own end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Exit.OK


def _explain(problem: BaseException, *, verbose: bool) -> Exit:
    if verbose and not isinstance(problem, KeyboardInterrupt):
        terminal.err.print_exception()
    match problem:
        case KeyboardInterrupt():
            terminal.warn("Stopped.")
            return Exit.INTERRUPTED
        case Refusal():
            terminal.fail(sentence(problem))
            return Exit.REFUSED
        case Fault():
            terminal.fail(problem.detail)
            return Exit.DATABASE if problem.code in DATABASE_FAULTS else Exit.FAULT
        case _:
            terminal.fail(f"This should not have happened: {type(problem).__name__}: {problem}")
            if not verbose:
                terminal.hint("What was not finished was not kept. Run it again with --verbose, and report what it prints.")
            return Exit.BUG


def sentence(refusal: Refusal) -> str:
    """The refusal in words: what happened and what to do."""
    words = f"{refusal.title}: {refusal.detail}" if refusal.detail else refusal.title
    known = _ADVICE.get(refusal.code)
    advice = known(refusal.data) if known else str(refusal.data.get("advice", ""))
    words = words if words.endswith((".", "!", "?")) else f"{words}."
    return f"{words} {advice}".strip()


def _layouts(data: Mapping[str, object]) -> str:
    names = ", ".join(cast("Sequence[str]", data.get("layouts", ())))
    return f"Say which it is with --layout: {names}."


def _columns(data: Mapping[str, object]) -> str:
    columns = cast("Mapping[str, Sequence[str]]", data.get("columns", {}))
    return " ".join(f"{name} may be called {', '.join(names)}." for name, names in columns.items())


def _undecided(data: Mapping[str, object]) -> str:
    option = {"decimal": "--decimal", "date_order": "--dates"}.get(str(data.get("setting")), "an option")
    choices = " or ".join(str(choice).replace("_", "-") for choice in cast("Sequence[object]", data.get("choices", ())))
    example = f" ({data['example']!r}, for instance)" if data.get("example") else ""
    return f"Nothing was imported. Say how they are meant{example} with {option}: {choices}."


_ADVICE: Mapping[str, Callable[[Mapping[str, object]], str]] = {
    "unknown_layout": _layouts,
    "missing_columns": _columns,
    "undecided": _undecided,
    "which_market": lambda _: "Say which with --market.",
    "last_owner": lambda _: "Make somebody else an owner first.",
    "unknown_channel": lambda _: "See the channels at the console, or leave --channel out to make one.",
    "import_taken_over": lambda _: "Another process goes on with this import; this one has stopped and lost nothing.",
}
