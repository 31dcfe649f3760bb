"""The `comptoir` command.

Commands are imported when they are asked for: `comptoir --help` does not load a web server.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter

from comptoir.surfaces.cli import terminal
from comptoir.surfaces.cli.exits import Exit, Stopped, ending, seen_enough

_HELP = """One counter for every sales channel: one catalogue, one stock, one order book.

Without DATABASE_URL a PostgreSQL of its own is started in the data folder (COMPTOIR_DATA, else `.data`).

Exit codes: 0 done; 1 refused, or not all of it done; 2 not a valid command line (doctor: cannot tell); 3 the database cannot be
used; 4 something else does not answer; 70 a bug; 130 stopped by Ctrl-C.
"""

_COMMANDS = {
    "serve": ("serve:serve", "Run the web server and the worker, until Ctrl-C."),
    "worker": ("worker:worker", "Run a worker by itself: jobs, consumers, webhooks, housekeeping."),
    "migrate": ("migrate:migrate", "Bring the database to the version of this program."),
    "doctor": ("doctor:doctor", "Check that everything adds up; with --repair, put it right."),
    "import": ("importing:app", "Import a file of orders, products, stock or locations."),
    "user": ("users:app", "The people who may sign in at the console."),
    "token": ("tokens:app", "The tokens that programs use the API with."),
    "demo": ("demo:demo", "A real year of a 457-store chain, replayed on one stock."),
}
"""Each by the module that has it, and a sentence for the list, so that listing them loads none of them."""


def _assembled(asked: str) -> App:
    """The command line. The command that is asked for explains itself; the others are only named."""
    app = App(
        name="comptoir",
        help=_HELP,
        help_format="markdown",
        version=lambda: version("comptoir"),
        help_flags=["--help", "-h"],
        default_parameter=Parameter(show_default=False),
        console=terminal.out,
        error_console=terminal.err,
    )
    for name, (target, words) in _COMMANDS.items():
        where = f"{__name__}.{target}"
        app.command(where, name=name) if name == asked else app.command(where, name=name, help=words)

    @app.meta.default
    def launch(
        *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
        verbose: Annotated[bool, Parameter(negative="", group="Everywhere", help="Show where a problem arose.")] = False,
    ) -> None:
        code = ending(lambda: app(tokens, exit_on_error=False, result_action="return_value"), verbose=verbose)
        raise Stopped(code)

    return app


def run(arguments: Sequence[str]) -> Exit:
    """Runs a command line and gives the code that it ends with."""
    asked = next((word for word in arguments if not word.startswith("-")), "")
    try:
        _assembled(asked).meta(arguments, exit_on_error=False, result_action="return_value")
    except Stopped as stopped:
        return stopped.code
    except CycloptsError:  # it has been shown
        return Exit.USAGE
    except BrokenPipeError:
        return seen_enough()
    return Exit.OK


def main() -> None:
    sys.exit(run(sys.argv[1:]))
