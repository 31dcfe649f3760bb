"""Prepaid labels of returns: bought from a carrier once, given back where nobody needs them, and moved by what carriers say.

Every call is between two transactions, never inside one. How a label stands is written down before a carrier is asked, so that
whatever happens in between is taken up again: by whoever asks next, or by the worker.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import structlog

from comptoir.kernel.errors import Conflict, Fault, Refusal, Remedy
from comptoir.kernel.money import Currency, Money, round_half_even
from comptoir.kernel.time import utcnow
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import Goods, Unit
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import LabelStanding, ReturnCase, ReturnCaseId, ReturnState
from comptoir.modules.changes.errors import NoLabelGiven
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import Parcel, ParcelId
from comptoir.modules.locations import api as locations
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Order, OrderLine
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import AccountId, LabelState, PurchasedLabel
from comptoir.modules.tracking.errors import LabelBusy, LabelHasLeft, LabelNotTakenBack
from comptoir.runtime.consumers import Consumer
from comptoir.runtime.database import Context, Database, DatabaseUnavailable, Reader, Tx
from comptoir.runtime.events import Recorded
from comptoir.sdk import carriers
from comptoir.sdk import orders as sdk
from comptoir.sdk.carriers import Address, Capability, CarrierBusy, CarrierUnavailable, Item, LabelFormat, RateRequest
from comptoir.surfaces import offers
from comptoir.surfaces.carriage import Carriage
from comptoir.surfaces.parcels import ParcelDesk, address_of
from comptoir.surfaces.public.returning_papers import home_of
from comptoir.surfaces.sending import NowhereToSend, buy, sent_as, without_label

log = structlog.get_logger("comptoir.returns")

_NEEDED = frozenset({Capability.RATES, Capability.LABELS, Capability.RETURNS})
_FORMATS = (LabelFormat.PDF, LabelFormat.PNG)
"""What a buyer can print or show, the best first."""
_PASSING = frozenset({CarrierUnavailable.code, CarrierBusy.code})


class NoCarrierForReturns(Conflict):
    """No carrier sells a label for this return: `data["silent"]` says of each account why. Print our own address label."""

    code = "no_carrier_for_returns"
    title = "No carrier sells a label for this return"


class WeightUnknown(Conflict):
    """Neither the catalogue nor the box that it was sent in says what it weighs: say it."""

    code = "weight_unknown"
    title = "Nobody knows what it weighs"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A parcel that is to come back, as a carrier is told of it."""

    case: ReturnCase
    currency: Currency
    shipment: RateRequest
    sent: tracking.Sent


class ReturnLabels:
    """Of one process."""

    def __init__(self, database: Database, desk: ParcelDesk, carriage: Carriage) -> None:
        self._database = database
        self._desk = desk
        self._carriage = carriage

    async def obtain(self, case_id: ReturnCaseId, context: Context | None = None, *, weight: int = 0) -> PurchasedLabel:
        """The label of a return that wants one, bought once however often it is asked for.

        `weight` is in grams, where somebody knows better than the catalogue. Raises NoLabelGiven, NotSoldByUs, NowhereToSend,
        WeightUnknown, NoCarrierForReturns, LabelBusy, and what the carrier says no with; all but LabelBusy stands in the return
        then. What may have been bought is looked for first.
        """
        async with self._database.transaction(context) as tx:
            case = await changes.get_return(tx, case_id)
            there = (await tracking.labels.standing(tx, [case_id])).get(case_id)
            if there is not None and there.state is LabelState.BOUGHT and case.label is LabelStanding.BOUGHT:
                return there
            if there is not None and there.state is LabelState.VOIDING:
                raise NoLabelGiven(return_case_id=case_id, state=case.state, label=LabelState.VOIDING)
            case = await changes.label_asked(tx, case_id)
        try:
            label = await self._settled(there, context) or await self._bought(case, weight, context)
        except LabelBusy:
            raise
        except (Refusal, Fault) as problem:
            await self._failed(case_id, problem, context)
            raise
        return await self._kept(case_id, label, context)

    async def _settled(self, there: PurchasedLabel | None, context: Context | None) -> PurchasedLabel | None:
        """What was bought before, or may have been; None where it is certain that nothing was."""
        if there is None or (there.state is LabelState.ASKED and there.problem_code):
            return None
        if there.state is LabelState.BOUGHT:
            return there
        return await self._desk.settle(there.id, context)

    async def sells(self) -> bool:
        """Whether any account could sell a label for a return."""
        async with self._database.read() as reader:
            accounts = [one for one in await tracking.accounts.everything(reader) if one.active]
        able = [(await self._carriage.account(one.id))[1].info.capabilities >= _NEEDED for one in accounts]
        return any(able)

    async def _bought(self, case: ReturnCase, weight: int, context: Context | None) -> PurchasedLabel:
        if not await self.sells():
            raise NoCarrierForReturns(silent=[])
        async with self._database.read() as reader:
            wanted = await described(reader, case, weight)
            ruling = await offers.ruling(reader, wanted.sent)
        told = await offers.ask(
            self._database, self._carriage, wanted.shipment, ruling, wanted.currency, utcnow(), relax=True, needed=_NEEDED
        )
        best = told.best
        if best is None:
            waits = [one.problem for one in told.silent if one.code in _PASSING]
            if waits:
                raise CarrierUnavailable("carriers", "; ".join(waits))
            raise NoCarrierForReturns(
                "; ".join([one.problem for one in told.silent]),
                silent=[{"code": one.code, "problem": one.problem} for one in told.silent],
            )
        asked = tracking.labels.Wanted(
            account_id=best.account_id,
            subject_id=case.id,
            order_id=_order_id(case),
            shipment=wanted.shipment,
            service=best.rate.service,
            format=await self._format(best.account_id),
        )
        return await buy(self._desk, self._database, asked, context)

    async def _format(self, account_id: AccountId) -> LabelFormat:
        _, carrier = await self._carriage.account(account_id)
        return next((one for one in _FORMATS if one in carrier.info.formats), LabelFormat.PDF)

    async def _kept(self, case_id: ReturnCaseId, label: PurchasedLabel, context: Context | None) -> PurchasedLabel:
        async with self._database.transaction(context) as tx:
            await changes.label_bought(tx, case_id, label.carrier, label.tracking_number)
            await tracking.coming.begin(tx, label)
        return label

    async def _failed(self, case_id: ReturnCaseId, problem: Refusal | Fault, context: Context | None) -> None:
        """Where the database is away as well, the return still says that it was asked for."""
        if isinstance(problem, DatabaseUnavailable):
            return
        again = isinstance(problem, Fault) and problem.remedy is Remedy.WAIT
        async with self._database.transaction(context) as tx:
            await changes.label_failed(tx, case_id, problem.code, str(problem), again=again)

    async def give_back(self, case_id: ReturnCaseId, context: Context | None = None) -> ReturnCase:
        """Gives a label back that nobody needs. Where its carrier does not take it, it stays paid for, and the return says why.

        Raises LabelBusy, OutcomeUnknown and the carrier's faults while nobody knows; it is tried again by itself.
        """
        code = problem = ""
        try:
            await without_label(self._desk, self._database, ParcelId(case_id), context)
        except (LabelNotTakenBack, LabelHasLeft) as refused:
            code, problem = refused.code, str(refused.data.get("reason") or refused)
        except (Refusal, Fault) as away:
            if not isinstance(away, DatabaseUnavailable):
                async with self._database.transaction(context) as tx:
                    await changes.label_put_off(tx, case_id)
            raise
        async with self._database.transaction(context) as tx:
            return await changes.label_voided(tx, case_id, code, problem)

    async def document(self, case_id: ReturnCaseId) -> tuple[PurchasedLabel, bytes] | None:
        """The carrier's label of a return with its paper, fetched once; None where none is bought.

        Raises what the carrier's silence is called.
        """
        async with self._database.read() as reader:
            case = await changes.get_return(reader, case_id)
            label = (await tracking.labels.standing(reader, [case_id])).get(case_id)
        if case.label is not LabelStanding.BOUGHT or label is None or label.state is not LabelState.BOUGHT:
            return None
        return label, await self._desk.document(label.id)

    async def work(self, limit: int = 20) -> int:
        """What the worker does: buys what is wanted, gives back what is not needed or was not used for too long. Gives how many
        have an end now.
        """
        async with self._database.transaction() as tx:
            due = await changes.labels_due(tx, limit)
        done = 0
        for case in due:
            try:
                await self._advanced(case)
            except (Refusal, Fault) as problem:
                log.warning("the label of a return waits", number=case.number, code=problem.code)
                continue
            done += 1
        return done

    async def _advanced(self, case: ReturnCase) -> None:
        if case.label is LabelStanding.WANTED:
            await self.obtain(case.id)
            return
        if case.label is LabelStanding.BOUGHT:
            async with self._database.transaction() as tx:
                await changes.label_unwanted(tx, case.id)
        await self.give_back(case.id)


def _order_id(case: ReturnCase) -> Any:
    assert case.order_id is not None, "what was not sold by us gets no label"
    return case.order_id


async def described(reader: Reader, case: ReturnCase, weight: int = 0) -> Wanted:
    """From where it comes, to where, and what is in it. Raises NowhereToSend and WeightUnknown."""
    order = await orders.order(reader, _order_id(case))
    place = await (locations.get(reader, case.location_id) if case.location_id is not None else home_of(reader, order))
    lines = {line.line_no: line for line in order.lines}
    inside = [(lines[item.line_no], item.quantity) for item in case.items if item.quantity > 0 and item.line_no in lines]
    goods = await catalogue.goods(reader, sorted({line.sku for line, _ in inside if line.sku is not None}))
    box = await _original(reader, order)
    grams = weight or _weight(inside, goods) or (box.weight if box is not None else 0)
    if not grams:
        raise WeightUnknown(return_case_id=case.id)
    shipment = RateRequest(
        sender=_sender(order),
        recipient=address_of(place),
        parcel=carriers.Parcel(
            weight=grams,
            length=box.length if box is not None else 0,
            width=box.width if box is not None else 0,
            height=box.height if box is not None else 0,
        ),
        items=tuple([_item(order.currency, line, goods.get(line.sku or ""), units) for line, units in inside]),
        dangerous=any(one.dangerous for one in goods.values()),
        invoice_number=str(order.number),
        invoiced_on=order.placed_at.date(),
        is_return=True,
    )
    known = [goods[line.sku] for line, _ in inside if line.sku in goods]
    sent = sent_as(shipment, known, channel=order.channel_code, location_id=place.id)
    return Wanted(case, order.currency, shipment, sent)


def _weight(inside: list[tuple[OrderLine, int]], goods: dict[str, Goods]) -> int:
    """Grams by the catalogue; 0 where it does not know every one."""
    weights = [goods[line.sku].weighs(units) if line.sku in goods else 0 for line, units in inside]
    return sum(weights) if weights and all(weights) else 0


async def _original(reader: Reader, order: Order) -> Parcel | None:
    """The largest box in which it was sent: most buyers send things back in it."""
    work = await fulfilment.of_orders(reader, [order.id])
    boxes = await fulfilment.parcels(reader, [one.id for one in work]) if work else []
    sent = [one for one in boxes if one.shipment_id is not None]
    return max(sent, key=lambda one: (one.length * one.width * one.height, one.weight), default=None)


def _sender(order: Order) -> Address:
    """The buyer, where it was sent to; of what was collected, where the bill went."""
    given = order.ship_to or order.bill_to
    if not given:
        raise NowhereToSend(order_id=order.id)
    there = msgspec.convert(given, sdk.Address)
    buyer = msgspec.convert(order.buyer or {}, sdk.Buyer)
    known: dict[str, Any] = msgspec.structs.asdict(there)
    known |= {"name": there.name or buyer.name, "phone": there.phone or buyer.phone}
    return Address(**known, email=buyer.email)


def _item(currency: Currency, line: OrderLine, goods: Goods | None, units: int) -> Item:
    """What is weighed goes as one piece, worth and weighing as much as all of it."""
    whole = goods is not None and goods.unit is not Unit.UNIT
    pieces, share = (1, units) if whole else (units, 1)
    return Item(
        description=line.name or line.sku or "",
        quantity=pieces,
        value=Money(round_half_even(Decimal(line.total) * share / line.quantity), currency),
        weight=0 if goods is None else goods.weighs(share),
        sku=line.sku or "",
        hs_code="" if goods is None else goods.hs_code,
        origin="" if goods is None else goods.origin,
    )


def wants_label(case: ReturnCase) -> bool:
    """Whether a label is to be bought for it as soon as it is approved."""
    return case.label is LabelStanding.WANTED and case.state is ReturnState.APPROVED


def consumer() -> Consumer:
    """Moves returns by what the carriers of their labels say."""

    async def moved(tx: Tx, events: list[Recorded]) -> None:
        for event in events:
            if event.data.get("left"):
                await changes.first_scan(tx, ReturnCaseId(UUID(str(event.data["return_case_id"]))))

    return Consumer("returns.parcels", {"return.parcel_moved": moved})
