"""Lockers: one compartment for one order, opened by its code alone, and emptied when nobody comes."""

from __future__ import annotations

import asyncio
import re

import pytest
import pytest_asyncio

from comptoir.kernel.errors import Fault, Refusal, Remedy
from comptoir.modules.fulfilment import api
from comptoir.modules.fulfilment.contracts import (
    Checked,
    HandedAt,
    Locker,
    LockerDraft,
    LockerSize,
    LockerState,
    LockerStep,
    Stage,
    State,
)
from comptoir.modules.fulfilment.errors import (
    LockerCodeTaken,
    LockerStepRefused,
    NoLocker,
    NotInThatState,
    NotPaid,
    WrongPickupCode,
)
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Context
from comptoir.sdk.lockers import LockerSystem, Occupation
from comptoir.surfaces import collecting
from comptoir.surfaces.lockers import SYSTEMS, LockerDesk, NoLockerSystem
from support.counter import made_ready, paid, sent, time_is_over
from support.shop import Shop

KEYRING = Keyring(b"k" * 32)
CONTEXT = Context()


class Wall:
    """A wall of lockers with a system of its own, as our protocol wants one: it can be out of reach."""

    def __init__(self) -> None:
        self.codes: dict[str, str] = {}
        self.away = False

    async def occupy(self, wanted: Occupation) -> str:
        if self.away:
            raise Fault("the wall does not answer", remedy=Remedy.WAIT)
        return self.codes.setdefault(wanted.reference, f"{len(self.codes):06}")

    async def vacate(self, left: Occupation) -> None:
        if self.away:
            raise Fault("the wall does not answer", remedy=Remedy.WAIT)
        self.codes.pop(left.reference, None)


@pytest_asyncio.fixture
async def lockers(shop: Shop) -> dict[str, Locker]:
    """Two small ones and a large one at the store, and one of the wall."""
    found: dict[str, Locker] = {}
    await shop.product("TEA", 500, stock={"store": 50})
    for code, size, system in (("A1", "s", "manual"), ("A2", "s", "manual"), ("B1", "l", "manual"), ("W1", "xl", "wall")):
        draft = LockerDraft(
            location_id=shop.locations["store"], code=code, size=LockerSize(size), bank="Entrance", system=system
        )
        async with shop.database.transaction() as tx:
            found[code] = await api.create_locker(tx, draft)
    return found


def desk(shop: Shop, wall: LockerSystem | None = None) -> LockerDesk:
    return LockerDesk(shop.database, KEYRING, SYSTEMS if wall is None else {**SYSTEMS, "wall": wall})


async def state(shop: Shop, locker: Locker) -> LockerState:
    async with shop.database.read() as reader:
        return (await api.get_locker(reader, locker.id)).state


async def test_what_is_put_into_a_locker_is_handed_out_by_its_code(shop: Shop, lockers: dict[str, Locker]) -> None:
    one = await made_ready(shop, {"TEA": 1}, payments=paid(500))
    locker, code, after = await desk(shop).put_in(CONTEXT, one.id)
    assert (locker.code, after.stage) == ("A1", Stage.READY)
    assert re.fullmatch(r"\d{6}", code)
    async with shop.database.read() as reader:
        stored = (await api.get_locker(reader, locker.id)).sealed_code
        assert stored is not None
        assert code.encode() not in stored
        assert (await api.waiting(reader, [one.id]))[one.id].locker_id == locker.id
    wrong = "000000" if code != "000000" else "111111"
    with pytest.raises(WrongPickupCode):
        await desk(shop).open(CONTEXT, locker.id, wrong)
    await desk(shop).open(CONTEXT, locker.id, f" {code} ")
    async with shop.database.read() as reader:
        done = await api.get(reader, one.id)
        (handout,) = await api.handouts(reader, one.id)
    assert (done.state, handout.checked, handout.at) == (State.CLOSED, Checked.LOCKER, HandedAt.LOCKER)
    assert await state(shop, lockers["A1"]) is LockerState.FREE
    await shop.settle()
    await shop.doctors()


async def test_what_comes_in_can_go_straight_into_a_locker(shop: Shop, lockers: dict[str, Locker]) -> None:
    await shop.product("CUP", 700, stock={"paris": 5})
    one = await sent(shop, {"CUP": 1}, payments=paid(700))
    _, code, after = await desk(shop).put_in(CONTEXT, one.id, size=LockerSize.L)
    assert after.stage is Stage.READY
    await desk(shop).open(CONTEXT, lockers["B1"].id, code)
    assert (await shop.order(one.order_id)).fulfilment_status == "fulfilled"


async def test_codes_cannot_be_guessed(shop: Shop, lockers: dict[str, Locker]) -> None:
    one = await made_ready(shop, {"TEA": 1}, payments=paid(500))
    locker, code, _ = await desk(shop).put_in(CONTEXT, one.id)
    barred: list[bool] = []
    for _ in range(6):
        with pytest.raises(WrongPickupCode) as refused:
            await desk(shop).open(CONTEXT, locker.id, "nonsense")
        barred.append(bool(refused.value.data["barred"]))
    assert barred == [False] * 5 + [True]
    with pytest.raises(WrongPickupCode):
        await desk(shop).open(CONTEXT, locker.id, code)
    assert await state(shop, locker) is LockerState.TAKEN


async def test_two_orders_never_get_one_locker(shop: Shop, lockers: dict[str, Locker]) -> None:
    ones = [await made_ready(shop, {"TEA": 1}, payments=paid(500)) for _ in range(4)]
    results = await asyncio.gather(*(desk(shop, Wall()).put_in(CONTEXT, one.id) for one in ones), return_exceptions=True)
    got = [result[0].code for result in results if isinstance(result, tuple)]
    assert sorted(got) == ["A1", "A2", "B1", "W1"]
    more = await made_ready(shop, {"TEA": 1}, payments=paid(500))
    with pytest.raises(NoLocker):
        await desk(shop, Wall()).put_in(CONTEXT, more.id)
    with pytest.raises(NotInThatState):
        await desk(shop, Wall()).put_in(CONTEXT, ones[0].id)


async def test_only_what_is_paid_goes_into_a_locker(shop: Shop, lockers: dict[str, Locker]) -> None:
    one = await made_ready(shop, {"TEA": 1})
    with pytest.raises(NotPaid):
        await desk(shop).put_in(CONTEXT, one.id)
    assert await state(shop, lockers["A1"]) is LockerState.FREE


async def test_a_locker_that_nobody_empties_in_time_is_emptied_by_staff(shop: Shop, lockers: dict[str, Locker]) -> None:
    one = await made_ready(shop, {"TEA": 2}, payments=paid(1000))
    locker, code, _ = await desk(shop).put_in(CONTEXT, one.id)
    await time_is_over(shop.database)
    async with shop.database.transaction() as tx:
        assert await collecting.give_back_overdue(tx) == 1
    assert await state(shop, locker) is LockerState.TO_EMPTY
    with pytest.raises(LockerStepRefused):
        await desk(shop).open(CONTEXT, locker.id, code)
    async with shop.database.read() as reader:
        assert (await api.waiting_count(reader, shop.locations["store"], one.placed_at)).lockers_to_empty == 1
    assert (await desk(shop).step(CONTEXT, locker.id, LockerStep.EMPTY)).state is LockerState.FREE
    level = await shop.level("TEA", "store")
    assert (level.on_hand, level.reserved) == (50, 0)
    await shop.doctors()


async def test_what_is_handed_out_at_the_counter_frees_its_locker(shop: Shop, lockers: dict[str, Locker]) -> None:
    one = await made_ready(shop, {"TEA": 1}, payments=paid(500))
    locker, _, _ = await desk(shop).put_in(CONTEXT, one.id)
    await desk(shop).take_out(CONTEXT, one.id)
    assert await state(shop, locker) is LockerState.FREE
    await desk(shop).put_in(CONTEXT, one.id)
    async with shop.database.transaction() as tx:
        await api.collect(tx, one.id)
    assert await state(shop, locker) is LockerState.FREE


async def test_a_system_that_is_away_leaves_nothing_half_done(shop: Shop, lockers: dict[str, Locker]) -> None:
    one = await made_ready(shop, {"TEA": 1}, payments=paid(500))
    wall = Wall()
    wall.away = True
    with pytest.raises(Fault):
        await desk(shop, wall).put_in(CONTEXT, one.id, size=LockerSize.XL)
    assert await state(shop, lockers["W1"]) is LockerState.FREE
    wall.away = False
    locker, code, _ = await desk(shop, wall).put_in(CONTEXT, one.id, size=LockerSize.XL)
    assert wall.codes == {str(one.id): code}
    wall.away = True
    await desk(shop, wall).open(CONTEXT, locker.id, code)
    assert await state(shop, lockers["W1"]) is LockerState.FREE
    other = await made_ready(shop, {"TEA": 1}, payments=paid(500))
    with pytest.raises(NoLockerSystem):
        await desk(shop).put_in(CONTEXT, other.id, size=LockerSize.XL)


async def test_a_crash_between_the_books_and_the_wall_is_gone_on_from(shop: Shop, lockers: dict[str, Locker]) -> None:
    one = await made_ready(shop, {"TEA": 1}, payments=paid(500))
    async with shop.database.transaction() as tx:
        taken = await api.assign(tx, one.id)
    locker, _, _ = await desk(shop).put_in(CONTEXT, one.id)
    assert locker.id == taken.id


async def test_a_location_has_no_two_lockers_of_one_code_and_broken_ones_are_left_out(
    shop: Shop, lockers: dict[str, Locker]
) -> None:
    draft = LockerDraft(location_id=shop.locations["store"], code="A1", size=LockerSize.S)
    with pytest.raises(LockerCodeTaken):
        async with shop.database.transaction() as tx:
            await api.create_locker(tx, draft)
    await desk(shop).step(CONTEXT, lockers["A1"].id, LockerStep.BREAK)
    one = await made_ready(shop, {"TEA": 1}, payments=paid(500))
    assert (await desk(shop).put_in(CONTEXT, one.id))[0].code == "A2"
    with pytest.raises(Refusal):
        await desk(shop).step(CONTEXT, lockers["A2"].id, LockerStep.BREAK)
    assert (await desk(shop).step(CONTEXT, lockers["A1"].id, LockerStep.MEND)).state is LockerState.FREE


def test_every_step_of_a_locker_leads_somewhere_and_every_state_can_be_left() -> None:
    left = {state for state, _ in api.LOCKER_STEPS}
    assert left == set(LockerState)
    assert set(api.LOCKER_STEPS.values()) == set(LockerState)
