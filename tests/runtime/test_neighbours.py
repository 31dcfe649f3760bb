"""Processes that tell one another their figures; here they are loops of one process, the sockets are real."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from comptoir.runtime import neighbours as module
from comptoir.runtime.metrics import Metrics
from comptoir.runtime.neighbours import Neighbours, meeting_place
from support.figures import Scrape

NAMES = ("web-1", "web-2", "worker")


@pytest.fixture
def neighbours(monkeypatch: pytest.MonkeyPatch) -> Iterator[Neighbours]:
    """They have time: who answers in the test does, however busy the machine is."""
    monkeypatch.setattr(module, "_PATIENCE", 600)
    with meeting_place() as folder:
        yield Neighbours(folder, NAMES)


def busy(process: str, neighbours: Neighbours, requests: int) -> Metrics:
    metrics = Metrics(process, neighbours)
    for number in range(requests):
        metrics.request_done("GET", '/odd "names"\n# HELP {x}', 200, number)
    return metrics


async def test_whoever_is_asked_shows_the_figures_of_all(neighbours: Neighbours) -> None:
    everybody = [busy(name, neighbours, requests) for requests, name in enumerate(NAMES, 3)]
    async with contextlib.AsyncExitStack() as stack:
        for one in everybody:
            await stack.enter_async_context(one.told())
        for asked in everybody:
            scrape = Scrape((await asked.render_all()).decode())
            assert scrape.up == {"web-1": 1, "web-2": 1, "worker": 1}
            assert scrape.by_process("comptoir_http_requests_total") == {"web-1": 3, "web-2": 4, "worker": 5}
            assert scrape.by_process("comptoir_http_request_seconds_sum") == {"web-1": 3, "web-2": 6, "worker": 10}
            assert scrape.by_process("comptoir_http_request_seconds_bucket", le="1.0") == {"web-1": 2, "web-2": 2, "worker": 2}
            assert scrape.told == set(NAMES)


async def test_who_is_not_there_is_shown_as_not_up(neighbours: Neighbours) -> None:
    one, other = busy("web-1", neighbours, 1), busy("worker", neighbours, 1)
    async with one.told():
        async with other.told():
            pass
        scrape = Scrape((await one.render_all()).decode())
    assert scrape.up == {"web-1": 1, "web-2": 0, "worker": 0}
    assert scrape.told == {"web-1"}


async def test_the_socket_of_a_predecessor_that_was_killed_is_no_hindrance(neighbours: Neighbours) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(neighbours.folder / "worker"))
    one, other = busy("web-1", neighbours, 1), busy("worker", neighbours, 1)
    assert Scrape((await one.render_all()).decode()).up["worker"] == 0
    async with other.told():
        assert Scrape((await one.render_all()).decode()).up["worker"] == 1


@pytest.mark.parametrize("backlog", [0, 100])
async def test_who_does_not_answer_is_not_waited_for(
    neighbours: Neighbours, backlog: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.05)
    one = busy("web-1", neighbours, 1)
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(neighbours.folder / "worker"))
        deaf.listen(backlog)
        for _ in range(3):  # those that ask meanwhile are more than it keeps waiting
            async with asyncio.timeout(60):
                scrape = Scrape((await one.render_all()).decode())
            assert scrape.up == {"web-1": 1, "web-2": 0, "worker": 0}


async def test_who_dies_while_telling_is_not_believed(neighbours: Neighbours) -> None:
    one, other = busy("web-1", neighbours, 1), busy("worker", neighbours, 1)
    told = other.render() + b"# EOF\n"
    for cut in (0, len(told) // 2, len(told) - 1):

        async def dies(_: asyncio.StreamReader, writer: asyncio.StreamWriter, cut: int = cut) -> None:
            writer.write(told[:cut])
            writer.close()

        async with await asyncio.start_unix_server(dies, neighbours.folder / "worker"):
            scrape = Scrape((await one.render_all()).decode())
        assert scrape.up["worker"] == 0
        assert scrape.told == {"web-1"}


async def test_much_is_told_whole(neighbours: Neighbours) -> None:
    one, other = busy("web-1", neighbours, 1), busy("worker", neighbours, 1)
    for number in range(20_000):
        other.captured.labels("order", str(number)).inc()
    async with other.told():
        scrape = Scrape((await one.render_all()).decode())
    assert scrape.by_process("comptoir_captured_total") == {"worker": 20_000}


async def test_a_process_that_cannot_be_asked_works_all_the_same(tmp_path: Path) -> None:
    gone = Metrics("worker", Neighbours(tmp_path / "gone" / "too", NAMES))
    async with gone.told():
        assert Scrape((await gone.render_all()).decode()).up == {"web-1": 0, "web-2": 0, "worker": 1}


async def test_the_last_to_leave_takes_the_folder_away_and_who_comes_again_makes_it(neighbours: Neighbours) -> None:
    one, other = busy("web-1", neighbours, 1), busy("worker", neighbours, 1)
    for _ in range(2):
        async with one.told():
            async with other.told():
                assert Scrape((await one.render_all()).decode()).up["worker"] == 1
            assert neighbours.folder.exists()
        assert not neighbours.folder.exists()


async def test_a_process_that_runs_alone_shows_itself() -> None:
    alone = Metrics("worker")
    async with alone.told():
        scrape = Scrape((await alone.render_all()).decode())
    assert scrape.up == {"worker": 1}


def test_the_meeting_place_is_private_and_short_and_does_not_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = tmp_path / ("x" * 80)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    with meeting_place() as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(str(folder / "web-256"))
    assert not folder.exists()
