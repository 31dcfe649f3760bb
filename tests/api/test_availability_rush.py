"""Many callers ask what may be promised while stock moves: each is answered, and rightly."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from api.conftest import Api
from comptoir.modules.inventory.store import reading

CALLERS = 64
ROUNDS = 12
SKUS = tuple(f"RUSH-{n}" for n in range(40))
STEPS = 25


async def _stock(api: Api, skus: Sequence[str]) -> None:
    for sku in skus:
        await api.shop.product(sku, 500, stock={"paris": 100})


async def _single(api: Api, sku: str) -> int:
    answer = await api.get(f"/v1/availability/{sku}", channel="web")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["sku"], told["available"]) == (sku, told["in_pool"])
    return told["available"]


async def _many(api: Api, skus: Sequence[str]) -> list[int]:
    answer = await api.post("/v1/availability", {"channel": "web", "skus": list(skus)})
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    assert [item["sku"] for item in items] == list(skus)
    return [item["available"] for item in items]


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that takes its time to say what has changed: whoever does not wait for the others runs into them."""
    look = reading.changed_skus

    async def slowly(*arguments: Any) -> Any:
        await asyncio.sleep(0.01)
        return await look(*arguments)

    monkeypatch.setattr(reading, "changed_skus", slowly)


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
async def test_callers_at_once_are_all_answered_rightly_while_stock_moves(api: Api, *, warm: bool) -> None:
    await _stock(api, SKUS)
    if warm:
        assert await _many(api, SKUS) == [100] * len(SKUS)
    begun = dict.fromkeys(SKUS, 0)
    committed = dict.fromkeys(SKUS, 0)

    async def move() -> None:
        """Each step brings one unit more of every SKU: what is right lies between what was committed and what was begun."""
        for _ in range(STEPS):
            for sku in SKUS[::4]:
                begun[sku] += 1
                await api.shop.receive(sku, "lyon", 1)
                committed[sku] += 1

    async def ask(number: int) -> None:
        for turn in range(ROUNDS):
            await asyncio.sleep((number * 3 + turn) % 16 / 1000)  # callers do not march in step
            start = (number * 7 + turn * 5) % len(SKUS)
            skus = [SKUS[(start + n) % len(SKUS)] for n in range(1 if number % 2 else 9)]
            least = [100 + committed[sku] for sku in skus]
            told = [await _single(api, skus[0])] if number % 2 else await _many(api, skus)
            most = [100 + begun[sku] for sku in skus]
            assert all(low <= one <= high for low, one, high in zip(least, told, most, strict=True)), (least, told, most)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(move())
        for number in range(CALLERS):
            tasks.create_task(ask(number))
    assert await _many(api, SKUS) == [100 + committed[sku] for sku in SKUS]
