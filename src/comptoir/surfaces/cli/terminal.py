"""What the command line shows: results on stdout, everything else on stderr, bars only where somebody looks."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Sequence
from typing import NoReturn

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table


class _Console(Console):
    def on_broken_pipe(self) -> NoReturn:
        """Leaves it to whoever ends the command."""
        raise BrokenPipeError


out = _Console(soft_wrap=True, highlight=False)
err = _Console(stderr=True, soft_wrap=True, highlight=False)


def say(words: str) -> None:
    """A line of the result."""
    out.print(escape(words))


def note(words: str) -> None:
    """What somebody who waits may want to know; not part of the result."""
    err.print(escape(words))


def hint(words: str) -> None:
    err.print(f"[dim]{escape(words)}[/dim]")


def warn(words: str) -> None:
    err.print(f"[yellow]{escape(words)}[/yellow]")


def fail(words: str) -> None:
    err.print(f"[red]{escape(words)}[/red]")


def done(words: str) -> None:
    out.print(f"[green]{escape(words)}[/green]")


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, title: str = "") -> None:
    """Rows under their columns; tab-separated text where nobody looks."""
    if not out.is_terminal:
        out.file.writelines("\t".join(row) + "\n" for row in (columns, *rows))
        return
    shown = Table(*columns, title=title or None, title_justify="left", box=None, header_style="bold", pad_edge=False)
    for row in rows:
        shown.add_row(*(escape(cell) for cell in row))
    out.print(shown)


@contextlib.contextmanager
def working(words: str) -> Generator[None]:
    """A spinner while something without a measure goes on."""
    if not err.is_terminal:
        yield
        return
    with err.status(escape(words)):
        yield


@contextlib.contextmanager
def progress(words: str) -> Generator[Callable[[str, int, int], None]]:
    """A bar; gives the function to call with (phase, done, total), as often as one likes."""
    if not err.is_terminal:
        yield lambda _phase, _done, _total: None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(escape(words), total=None)

        def tell(phase: str, done: int, total: int) -> None:
            bar.update(task, description=f"{escape(words)}: {escape(phase)}", completed=done, total=total or None)

        yield tell
