"""The buyers' desk of the demo: it has transfers proposed, confirms a few, and sees them off and in. It draws the lessons of
promises, too, as the house does every night, and once a week has played it tries the cheapest rules on it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from comptoir.modules.channels import api as channels
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import (
    Proposal,
    ProposalFilter,
    Quantity,
    Transfer,
    TransferFilter,
    TransferState,
)
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.contracts import SimulationDraft
from comptoir.runtime.database import Database, Tx
from comptoir.surfaces.demo import state
from comptoir.surfaces.demo.loading import DEMO
from comptoir.surfaces.demo.shift import Shift, luck, rested
from comptoir.surfaces.demo.stream import Channel
from comptoir.surfaces.simulation_task import enqueue

_PROPOSE_EVERY, _LEARN_EVERY, _CONFIRM_EVERY = 30, 6, 4
"""Looks between two; the first proposals come a minute after the first look."""
_FIRST = 6
_MOST_LINES, _MOST_UNITS = 6, 12
"""What moves is little: the plan of the year counts on the stock of its distribution centres."""
_UNDER_WAY = 12
_SENT, _ARRIVES, _DROPPED = 30.0, 60.0, 600.0
"""Seconds until a plan is loaded, and from then on until it arrives; and until what cannot be loaded is given up."""
_SHORT = 25
"""Of a hundred transfers, those of which something is missing."""
_KEPT = 0.95
"""The share of promises that the house means to keep."""
_TRIED, _TRIED_ON, _TRIED_FOR = "cheapest", (Channel.WEB, Channel.APP, Channel.PHONE), timedelta(days=7)
"""The rule set that is tried, on the first days of the channels that ask us to promise."""
_SIMULATED = "simulation"


class Planner(Shift):
    every: ClassVar[float] = 10.0

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._looks = 0

    async def look(self, now: datetime) -> int:
        number, self._looks = self._looks, self._looks + 1
        if number % _PROPOSE_EVERY == _FIRST:
            await self.do(inventory.propose)
        if number % _LEARN_EVERY == 0:
            await self.do(lambda tx: routing.learn_again(tx, _KEPT))
            await self.do(_simulate)
        states = (TransferState.DRAFT, TransferState.IN_TRANSIT, TransferState.PARTLY_RECEIVED)
        async with self.database.read() as reader:
            page = await inventory.find_transfers(reader, TransferFilter(states=states), sort="number", limit=100)
            ours = [one for one in page.items if one.actor == DEMO.actor]
            proposed = await inventory.find_proposals(reader, ProposalFilter(), limit=50)
        done = sum([await self._further(one, now) for one in ours])
        if number % _CONFIRM_EVERY == 1 and len(ours) < _UNDER_WAY and proposed.items:
            done += await self.do(lambda tx: _confirm(tx, proposed.items))
        return done

    async def _further(self, one: Transfer, now: datetime) -> bool:
        if one.state is TransferState.DRAFT and rested(one.created_at, now, _DROPPED):
            return await self.do(lambda tx: inventory.cancel_transfer(tx, one.id))
        if one.state is TransferState.DRAFT:
            return rested(one.created_at, now, _SENT) and await self.do(lambda tx: inventory.send_transfer(tx, one.id))
        return rested(one.sent_at, now, _ARRIVES) and await self.do(lambda tx: _receive(tx, one))


async def _simulate(tx: Tx) -> bool:
    """Once, as soon as a week has played: what a viewer has deleted, or begun, is left as it is."""
    shown = await state.status(tx)
    if shown is None or shown.data_at - shown.begins_at < _TRIED_FOR or _SIMULATED in await state.steps(tx):
        return False
    await state.step(tx, _SIMULATED, 1)
    found = await routing.find(tx, search=_TRIED)
    tried = next((one for one in found.items if one.code == _TRIED), None)
    pools = {code: (await channels.by_code(tx, code.value)).pool_id for code in _TRIED_ON}
    if tried is None or len(set(pools.values())) > 1:  # somebody has set it up otherwise
        return False
    draft = SimulationDraft(
        name="The first week, as cheap as can be",
        pool_id=pools[_TRIED_ON[0]],
        channels=tuple(code.value for code in _TRIED_ON),
        since=shown.begins_at,
        until=shown.begins_at + _TRIED_FOR,
        rule_set_id=tried.id,
        for_all=True,
    )
    await enqueue(tx, (await routing.create_simulation(tx, draft)).id)
    return True


async def _confirm(tx: Tx, proposed: list[Proposal]) -> None:
    """A few lines of what is proposed for one destination."""
    first = proposed[0]
    way = (first.from_location_id, first.to_location_id)
    lines = [one for one in proposed if (one.from_location_id, one.to_location_id) == way][:_MOST_LINES]
    await inventory.accept_proposals(tx, {one.id: min(one.quantity, _MOST_UNITS) for one in lines})


async def _receive(tx: Tx, one: Transfer) -> None:
    """As it was sent, or with a unit less, which is not looked for any longer."""
    if luck(one.id) >= _SHORT:
        await inventory.receive_transfer(tx, one.id)
        return
    lines = (await inventory.transfer(tx, one.id)).lines
    arrived = [Quantity(line.sku, line.open - (n == 0)) for n, line in enumerate(lines) if line.open - (n == 0) > 0]
    await inventory.receive_transfer(tx, one.id, arrived, close=True)
