"""Simulations' SQL."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec
from psycopg.rows import TupleRow

from comptoir.modules.routing.contracts import (
    Outcome,
    Rehearsed,
    Rules,
    Simulation,
    SimulationDraft,
    SimulationId,
    SimulationState,
)
from comptoir.modules.routing.domain.asking import SIMULATION_STEPS, SimulationStep
from comptoir.modules.routing.domain.drilling import By, Drill, Drilled, Seen, Worse, groups
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Key, KeyKind, Listing, Where, sorts

_COLUMNS = (
    "id, name, pool_id, channels, since, until, rule_set_id, version, rules, state, orders, done, result, problem, created_at, "
    "created_by, finished_at, for_all, with_runs, with_mishaps, began_at"
)
_encode = msgspec.json.Encoder().encode


class _Result(msgspec.Struct, frozen=True):
    happened: Outcome
    tried: Outcome
    reached: int | None = None
    rehearsed: Rehearsed | None = None
    groups: dict[str, dict[str, dict[str, int]]] = {}


def _simulation(row: TupleRow) -> Simulation:
    result = None if row[12] is None else msgspec.convert(row[12], _Result, strict=False)
    return Simulation(
        id=SimulationId(row[0]),
        name=row[1],
        pool_id=row[2],
        channels=tuple(row[3]),
        since=row[4],
        until=row[5],
        rule_set_id=row[6],
        version=row[7],
        rules=msgspec.convert(row[8], Rules, strict=False),
        state=SimulationState(row[9]),
        orders=row[10],
        done=row[11],
        happened=None if result is None else result.happened,
        tried=None if result is None else result.tried,
        reached=None if result is None else result.reached,
        rehearsed=None if result is None else result.rehearsed,
        problem=row[13],
        created_at=row[14],
        created_by=row[15],
        finished_at=row[16],
        for_all=row[17],
        with_runs=row[18],
        with_mishaps=row[19],
        began_at=row[20],
        groups={} if result is None else result.groups,
    )


LISTING = Listing(
    _COLUMNS,
    "routing.simulations",
    _simulation,
    sorts(("created", [Key("created_at", KeyKind.INSTANT), Key("id", KeyKind.ID)])),
)


def everywhere() -> Where:
    return Where()


async def insert(tx: Tx, simulation_id: SimulationId, draft: SimulationDraft, name: str, rules: Rules, version: int) -> None:
    await tx.run(
        """
        INSERT INTO routing.simulations (id, name, pool_id, channels, since, until, rule_set_id, version, rules, for_all,
          with_runs, with_mishaps, state, created_at, created_by)
        VALUES (%(id)s, %(name)s, %(pool)s, %(channels)s, %(since)s, %(until)s, %(rule_set)s, %(version)s, %(rules)s,
          %(for_all)s, %(with_runs)s, %(with_mishaps)s, 'queued', %(now)s, %(actor)s)""",
        {
            "id": simulation_id,
            "name": name,
            "pool": draft.pool_id,
            "channels": list(draft.channels),
            "since": draft.since,
            "until": draft.until,
            "rule_set": draft.rule_set_id,
            "version": version,
            "rules": _encode(rules).decode(),
            "for_all": draft.for_all,
            "with_runs": draft.with_runs,
            "with_mishaps": draft.with_mishaps,
            "now": tx.now,
            "actor": tx.actor,
        },
    )


async def get(reader: Reader, simulation_id: SimulationId) -> Simulation | None:
    row = await reader.row(f"SELECT {_COLUMNS} FROM routing.simulations WHERE id = %(id)s", {"id": simulation_id})
    return None if row is None else _simulation(row)


async def move(
    tx: Tx, simulation_id: SimulationId, state: SimulationState, *, before: Sequence[str], problem: str = ""
) -> bool:
    """Whether it was in one of the states before."""
    ended = state in {SimulationState.FAILED, SimulationState.CANCELLED}
    changed = await tx.run(
        "UPDATE routing.simulations SET state = %(state)s, problem = %(problem)s, finished_at = %(at)s, "
        "began_at = CASE WHEN %(state)s = 'running' THEN %(now)s ELSE began_at END "
        "WHERE id = %(id)s AND state = ANY(%(before)s::text[])",
        {
            "id": simulation_id,
            "state": state,
            "problem": problem,
            "at": tx.now if ended else None,
            "now": tx.now,
            "before": arrays.texts(list(before)),
        },
    )
    return changed > 0


async def go_on(tx: Tx, simulation_id: SimulationId, done: int, orders: int) -> bool:
    changed = await tx.run(
        "UPDATE routing.simulations SET done = %(done)s, orders = %(orders)s WHERE id = %(id)s AND state = 'running'",
        {"id": simulation_id, "done": done, "orders": orders},
    )
    return changed > 0


async def finish(
    tx: Tx,
    simulation_id: SimulationId,
    happened: Outcome,
    tried: Outcome,
    reached: int | None,
    rehearsed: Rehearsed | None,
    drill: Drill | None = None,
) -> None:
    counted = {} if drill is None else groups(drill.counts)
    if drill is not None:
        await _insert_simulated(tx, simulation_id, drill.worst())
    await tx.run(
        "UPDATE routing.simulations SET state = %(done)s, result = %(result)s, orders = %(orders)s, done = %(orders)s, "
        "finished_at = %(now)s WHERE id = %(id)s AND state = 'running'",
        {
            "id": simulation_id,
            "result": _encode(_Result(happened, tried, reached, rehearsed, counted)).decode(),
            "orders": tried.orders,
            "now": tx.now,
            "done": SIMULATION_STEPS[SimulationState.RUNNING, SimulationStep.FINISH],
        },
    )


_INSERT_SIMULATED = """
INSERT INTO routing.simulated (simulation_id, order_id, channel, service, week, places, late, dearer, split, seen)
VALUES (%(simulation)s, %(order)s, %(channel)s, %(service)s, %(week)s, %(places)s::uuid[], %(late)s, %(dearer)s, %(split)s,
  %(seen)s::jsonb) ON CONFLICT DO NOTHING"""
_AMOUNTS = {Worse.LATE: "late", Worse.DEARER: "dearer", Worse.SPLIT: "split"}
_OF = {
    By.PLACE: "%(value)s = ANY(places::text[])",
    By.CHANNEL: "channel = %(value)s",
    By.SERVICE: "service = %(value)s",
    By.WEEK: "week::text = %(value)s",
}
_SIMULATED = "order_id, channel, service, week, places, late, dearer, split, seen"


async def _insert_simulated(tx: Tx, simulation_id: SimulationId, rows: Sequence[Drilled]) -> None:
    for one in rows:  # a few thousand at most
        await tx.run(
            _INSERT_SIMULATED,
            {
                "simulation": simulation_id,
                "order": one.order_id,
                "channel": one.channel,
                "service": one.service,
                "week": one.week,
                "places": arrays.uuids(one.places),
                **{name: one.amounts.get(kind) for kind, name in _AMOUNTS.items()},
                "seen": _encode(one.seen).decode(),
            },
        )


def _drilled(row: TupleRow) -> Drilled:
    amounts = {kind: row[5 + n] for n, kind in enumerate(_AMOUNTS) if row[5 + n] is not None}
    seen = msgspec.convert(row[8], Seen, strict=False)
    return Drilled(row[0], row[1], row[2], row[3], tuple(row[4]), amounts, seen)


async def simulated(
    reader: Reader, simulation_id: SimulationId, kind: Worse, by: By | None, value: str, limit: int
) -> list[Drilled]:
    """The worst first."""
    name, of = _AMOUNTS[kind], "true" if by is None else _OF[by]
    rows = await reader.rows(
        f"SELECT {_SIMULATED} FROM routing.simulated WHERE simulation_id = %(id)s AND {name} IS NOT NULL AND {of} "
        f"ORDER BY {name} DESC, order_id LIMIT %(limit)s",
        {"id": simulation_id, "value": value, "limit": limit},
    )
    return [_drilled(row) for row in rows]


async def simulated_order(reader: Reader, simulation_id: SimulationId, order_id: UUID) -> Drilled | None:
    row = await reader.row(
        f"SELECT {_SIMULATED} FROM routing.simulated WHERE simulation_id = %(id)s AND order_id = %(order)s",
        {"id": simulation_id, "order": order_id},
    )
    return None if row is None else _drilled(row)
