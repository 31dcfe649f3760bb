from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from comptoir.kernel.errors import Fault, Remedy
from comptoir.runtime.batching import Batcher, Overloaded


class Echo:
    """Answers each question with itself, and remembers which came together."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, questions: Sequence[int]) -> Sequence[int | Exception]:
        self.batches.append(list(questions))
        await self.gate.wait()
        if -1 in questions:
            raise ValueError("this one breaks everything around it")
        if -2 in questions:
            raise Fault("away", remedy=Remedy.WAIT)
        return [KeyError(q) if q < 0 else q for q in questions]


async def test_what_arrives_together_is_done_together_and_each_gets_its_own_answer() -> None:
    echo = Echo()
    batcher = Batcher(echo, at_once=1)
    batcher.start()
    answers = await asyncio.gather(*(batcher.submit(i) for i in range(100)))
    await batcher.stop()
    assert answers == list(range(100))
    assert len(echo.batches) < 5


async def test_a_batch_beside_another_is_begun_for_enough_of_them_and_never_more_than_may_be() -> None:
    echo = Echo()
    echo.gate.clear()
    batcher = Batcher(echo, limit=4, at_once=3, worth_another=3)
    batcher.start()
    asked: list[asyncio.Task[int]] = []

    async def ask(count: int) -> None:
        first = len(asked)
        asked.extend(asyncio.create_task(batcher.submit(first + i)) for i in range(count))
        for _ in range(5):
            await asyncio.sleep(0)

    await ask(1)
    assert echo.batches == [[0]], "the first has nothing to wait for"
    await ask(2)
    assert echo.batches == [[0]], "two are not worth another batch"
    await ask(1)
    assert echo.batches == [[0], [1, 2, 3]]
    await ask(6)
    assert echo.batches == [[0], [1, 2, 3], [4, 5, 6, 7]]
    await ask(9)
    assert len(echo.batches) == 3, "three are under way"
    assert batcher.waiting == 11
    echo.gate.set()
    assert await asyncio.gather(*asked) == list(range(19))
    await batcher.stop()
    assert [n for batch in echo.batches for n in batch] == list(range(19)), "in the order of arrival"


async def test_a_question_that_breaks_its_batch_breaks_alone() -> None:
    echo = Echo()
    batcher = Batcher(echo, at_once=1)
    batcher.start()
    answers = await asyncio.gather(*(batcher.submit(i) for i in (1, 2, -1, 3, -5)), return_exceptions=True)
    await batcher.stop()
    assert [type(a) for a in answers] == [int, int, ValueError, int, KeyError]


async def test_a_database_that_is_away_is_everybodys_problem() -> None:
    batcher = Batcher(Echo(), at_once=1)
    batcher.start()
    answers = await asyncio.gather(*(batcher.submit(i) for i in (1, -2, 3)), return_exceptions=True)
    await batcher.stop()
    assert all(isinstance(a, Fault) for a in answers)


async def test_no_more_wait_than_will_be_served_soon() -> None:
    echo = Echo()
    echo.gate.clear()
    batcher = Batcher(echo, limit=1, at_once=1, waiting_limit=2)
    batcher.start()
    first = asyncio.create_task(batcher.submit(0))
    while not echo.batches:  # noqa: ASYNC110 - the batcher gives no sign of having begun
        await asyncio.sleep(0)
    waiting = [asyncio.create_task(batcher.submit(i)) for i in (1, 2)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await batcher.submit(3)
    echo.gate.set()
    assert [await first, *[await w for w in waiting]] == [0, 1, 2]
    await batcher.stop()


async def test_a_batch_that_has_begun_is_finished_and_whoever_still_waits_is_told_to_retry() -> None:
    echo = Echo()
    echo.gate.clear()
    batcher = Batcher(echo, limit=1, at_once=1)
    batcher.start()
    begun = asyncio.create_task(batcher.submit(0))
    while not echo.batches:  # noqa: ASYNC110 - the batcher gives no sign of having begun
        await asyncio.sleep(0)
    waiting = asyncio.create_task(batcher.submit(1))
    await asyncio.sleep(0)
    stopping = asyncio.create_task(batcher.stop())
    await asyncio.sleep(0)
    echo.gate.set()
    await stopping
    assert await begun == 0
    with pytest.raises(Overloaded):
        await waiting
