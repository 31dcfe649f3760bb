"""The decision log: what was decided on which inputs, and what was thought of every location then.

Only the inputs and the outcome are kept; who was stopped by which fence, and how the others scored, is reckoned again when
somebody asks, by the same functions: with the version of the rules, the network and the stock as they were.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from comptoir.kernel.ids import uuid7
from comptoir.modules.inventory import api as inventory
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.routing.contracts import (
    Cause,
    Decision,
    DecisionId,
    DecisionKind,
    Explained,
    Job,
    Logged,
    Pick,
    Rules,
    RuleSet,
    RuleSetId,
    Run,
    Withheld,
)
from comptoir.modules.routing.domain.choosing import explain, serve
from comptoir.modules.routing.domain.explaining import with_expiry
from comptoir.modules.routing.domain.network import Network
from comptoir.modules.routing.domain.rating import by_days
from comptoir.modules.routing.domain.stock import Situation
from comptoir.modules.routing.errors import UnknownDecision
from comptoir.modules.routing.selling import sold_daily
from comptoir.modules.routing.store import log as store_log
from comptoir.modules.routing.store import sets as store
from comptoir.runtime.database import Reader, Tx


@dataclass(frozen=True, slots=True)
class Taken:
    """A decision that has just been taken, with what it was taken on."""

    order_id: UUID
    kind: DecisionKind
    job: Job
    decision: Decision
    network: Network
    rule_set: RuleSet | None
    before: tuple[Pick, ...] = ()
    load: Mapping[LocationId, int] = field(default_factory=dict[LocationId, int])
    seen: int = 0
    """The transaction that decided, where that is not the present one."""
    actor: str = ""
    """Who decided, where it is not who writes it down, and when they did."""
    at: datetime | None = None
    run: Run | None = None
    """With which others it was decided."""


async def record(tx: Tx, taken: Sequence[Taken]) -> list[DecisionId]:
    """Writes decisions into the log."""
    bases: dict[tuple[Network, RuleSetId | None, int], int] = {}
    rows: list[store_log.Row] = []
    for one in taken:
        rule_set_id, version = (None, 0) if one.rule_set is None else (one.rule_set.id, one.rule_set.version)
        key = (one.network, rule_set_id, version)
        basis = bases.get(key)
        if basis is None:
            network_id = await store_log.keep_network(tx, one.network)
            basis = bases[key] = await store_log.keep_basis(tx, rule_set_id, version, network_id)
        outcome = store_log.Outcome(one.decision.parcels, one.decision.lacking, one.run)
        rows.append(
            store_log.Row(
                DecisionId(uuid7()),
                one.order_id,
                one.kind,
                basis,
                one.seen,
                one.job,
                one.before,
                outcome,
                one.load,
                one.actor or tx.actor,
                one.at or tx.now,
            )
        )
    if rows:
        await store_log.record(tx, rows)
    return [row.id for row in rows]


async def decisions(reader: Reader, order_id: UUID) -> list[Logged]:
    """What was decided for an order, the latest first."""
    return [found.logged for found in await store_log.of_order(reader, order_id)]


AskWithheld = Callable[[Reader, Sequence[str], int], Awaitable[Sequence[Withheld]]]
"""Of some SKUs, what nobody might get before a transaction."""


async def explained(reader: Reader, decision_id: DecisionId, withheld: AskWithheld | None = None) -> Explained:
    """A decision with what was thought of every location. Raises UnknownDecision.

    `withheld` tells what lay there and could not be sold; it is asked once, for all locations.
    """
    found = await store_log.get(reader, decision_id)
    if found is None:
        raise UnknownDecision(kind="decision", id=decision_id)
    logged = found.logged
    network = await store_log.network(reader, found.network_id)
    rules, name = Rules(), ""
    if logged.rule_set_id is not None:
        said = await store.version(reader, logged.rule_set_id, logged.version)
        rule_set = await store.get(reader, logged.rule_set_id)
        assert said is not None, "versions are never deleted"
        rules, name = said.rules, "" if rule_set is None else rule_set.name
    skus = sorted({need.sku for need in logged.job.needs})
    available = await inventory.available_before(reader, skus, found.seen)
    for pick in logged.before:
        available[pick.sku, pick.site] = available.get((pick.sku, pick.site), 0) + pick.quantity
    daily = await sold_daily(reader, [rules], skus, logged.at)
    situation = Situation(network, available, logged.load, daily)
    verdicts = tuple(explain(network, rules, logged.job, situation, logged.at))
    kept: Sequence[Withheld] = () if withheld is None else await withheld(reader, skus, found.seen)
    if kept:
        for one in kept:
            available[one.sku, one.site] = available.get((one.sku, one.site), 0) + one.quantity
        freed = explain(network, rules, logged.job, Situation(network, available, logged.load, daily), logged.at)
        verdicts = with_expiry(verdicts, freed, kept)
    alone = serve(network, rules, logged.job, situation, logged.at) if logged.kind is DecisionKind.BATCH else None
    sites = {site.id: site for site in network.sites}
    return Explained(
        logged, rules, name, sites, verdicts, await _cause(reader, found), by_days=by_days(situation, skus), alone=alone
    )


_OF_KINDS = {DecisionKind.CAPTURED: Cause.FIRST, DecisionKind.BATCH: Cause.RUN, DecisionKind.PERSON: Cause.PERSON}


async def _cause(reader: Reader, found: store_log.Found) -> Cause:
    """Why it was decided then: from what the decision before it, of the same order, had to do with."""
    logged = found.logged
    if logged.kind in _OF_KINDS:
        return _OF_KINDS[logged.kind]
    earlier = [
        one
        for one in await store_log.of_order(reader, logged.order_id)
        if one.logged.kind is not DecisionKind.PERSON and (one.logged.at, one.logged.id) < (logged.at, logged.id)
    ]
    if set(logged.job.rejected_by) - {place for one in earlier for place in one.logged.job.rejected_by}:
        return Cause.GIVEN_BACK
    if not earlier:
        return Cause.FIRST
    before = earlier[0]
    stuck = {no for no, _ in before.logged.lacking} & {need.line_no for need in logged.job.needs}
    if not stuck:
        return Cause.GIVEN_BACK if logged.kind is DecisionKind.REROUTED and logged.job.rejected_by else Cause.ADDED
    return await _since(reader, before, found, stuck)


async def _since(reader: Reader, before: store_log.Found, found: store_log.Found, stuck: set[int]) -> Cause:
    """What has changed since nobody might send these lines."""
    logged = found.logged
    if (logged.rule_set_id, logged.version) != (before.logged.rule_set_id, before.logged.version):
        return Cause.RULES
    if found.network_id != before.network_id:
        return Cause.PLACES
    skus = sorted({need.sku for need in logged.job.needs if need.line_no in stuck})
    then = await inventory.available_before(reader, skus, before.seen)
    now = await inventory.available_before(reader, skus, found.seen)
    return Cause.STOCK if any(units > then.get(spot, 0) for spot, units in now.items()) else Cause.LATER
