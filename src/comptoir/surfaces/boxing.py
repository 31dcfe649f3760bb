"""Cartons and fulfilment orders: what is proposed for one, and what a box of a known carton measures and weighs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.fulfilment.contracts import Fulfilment, FulfilmentLine, LineUnits, ParcelDraft
from comptoir.modules.packing import api as packing
from comptoir.modules.packing.contracts import Carton, Load, Proposal
from comptoir.runtime.database import Reader


@dataclass(frozen=True, slots=True)
class Fitting:
    """A proposal for what is still to be packed of a fulfilment order, as drafts of its boxes."""

    proposal: Proposal
    drafts: tuple[ParcelDraft, ...]


async def fitting(reader: Reader, one: Fulfilment, *, picked_only: bool = False) -> Fitting:
    """For what is in no box yet; with `picked_only`, for what of that is in hand."""
    loads = [Load(line.line_no, line.sku, _loose(line, picked_only=picked_only)) for line in one.lines]
    found = await packing.propose(reader, one.location_id, [load for load in loads if load.quantity > 0])
    drafts = [
        measured(
            ParcelDraft(lines=tuple([LineUnits(*share) for share in box.shares]), weight=0 if found.unweighed else box.weight),
            box.carton,
        )
        for box in found.boxes
    ]
    return Fitting(found, tuple(drafts))


def _loose(line: FulfilmentLine, *, picked_only: bool) -> int:
    return (line.picked if picked_only else line.quantity) - line.packed


def measured(draft: ParcelDraft, carton: Carton | None) -> ParcelDraft:
    """With the measures of the carton, where the draft states none of its own."""
    if carton is None:
        return draft
    stated = draft.length or draft.width or draft.height
    sides = {} if stated else {"length": carton.length, "width": carton.width, "height": carton.height}
    return replace(draft, carton=carton.code, **sides)


async def completed(reader: Reader, one: Fulfilment, draft: ParcelDraft) -> ParcelDraft:
    """With what follows from its carton, where that is one of the location's: measures, and the weight by the catalogue and
    the empty carton where nobody has weighed it and the catalogue knows all of it.
    """
    if not draft.carton:
        return draft
    carton = next((known for known in await packing.in_use(reader, one.location_id) if known.code == draft.carton), None)
    if carton is None:
        return draft
    weight = draft.weight or await estimated(reader, one.lines, draft.lines, carton)
    return replace(measured(draft, carton), weight=weight)


async def estimated(reader: Reader, lines: Sequence[FulfilmentLine], units: Sequence[LineUnits], carton: Carton | None) -> int:
    """Grams of these units (none named are all that are picked and in no box) and of the carton; 0 where the catalogue does
    not know the weight of every one.
    """
    named = {line.line_no: line.picked - line.packed for line in lines} if not units else dict(units)
    skus = {line.line_no: line.sku for line in lines}
    goods = await catalogue.goods(reader, sorted(set(skus.values())))
    weights = [goods[skus[no]].weighs(n) if skus.get(no) in goods else 0 for no, n in named.items() if n > 0]
    return sum(weights) + (carton.weight if carton else 0) if weights and all(weights) else 0
