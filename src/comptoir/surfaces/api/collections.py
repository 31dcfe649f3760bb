"""Collections: what waits at a counter for its buyer, from the parcel that comes in to handing out or giving back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta

from comptoir.kernel.errors import Refusal
from comptoir.modules.fulfilment import api
from comptoir.modules.fulfilment.contracts import (
    BackReason,
    Checked,
    CodeVerdict,
    CollectionTerms,
    Fulfilment,
    FulfilmentId,
    HandedAt,
    HandingOver,
    Handout,
    LineUnits,
    PutBack,
    PutBackId,
    Stage,
    TermsId,
    TermsRule,
    Waiting,
)
from comptoir.modules.fulfilment.errors import (
    NoCurbside,
    NothingToDo,
    NotInThatState,
    NotPaid,
    NotPicked,
    NotThatMany,
    UnknownFulfilment,
    UnknownPutBack,
    UnknownTerms,
    WrongPickupCode,
)
from comptoir.modules.locations.contracts import LocationId, PoolId
from comptoir.modules.locations.errors import UnknownLocation, UnknownPool
from comptoir.modules.lots import api as lots
from comptoir.modules.lots.errors import LotRecalled
from comptoir.modules.payments import api as payments
from comptoir.modules.payments.errors import (
    AccountExpired,
    BalanceTooLow,
    OverOwed,
    ReferenceMissing,
    UnknownAccount,
    WrongCurrency,
)
from comptoir.modules.staff.contracts import Scope
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.limits import address_key
from comptoir.surfaces import collecting
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.fulfilments import FulfilmentLineShape, LineOf, line_shape
from comptoir.surfaces.api.identifiers import parsed, parsed_some, show, show_actor, show_location, show_some
from comptoir.surfaces.api.operations import Answer, Resource
from comptoir.surfaces.api.shapes import (
    Actor,
    Amount,
    CurrencyCode,
    FulfilmentRef,
    Instant,
    LocationRef,
    LockerRef,
    OrderRef,
    PoolRef,
    Positive,
    PutBackRef,
    Quantity,
    Reference,
    Request,
    Search,
    Shape,
    SkuText,
    TermsRef,
)
from comptoir.surfaces.collecting import AlreadyPaid, PaidBy, Tender

collections = Resource(
    "Collection", "What buyers collect: what waits at which counter until when, who may have it, and what goes back."
)

_REFUSED: tuple[type[Refusal], ...] = (UnknownFulfilment, NotInThatState)
_UNITS: tuple[type[Refusal], ...] = (*_REFUSED, NotThatMany, NothingToDo)
_Units = Annotated[int, Meta(ge=0, examples=[2])]
_Name = Annotated[str, Meta(max_length=120, pattern=r"^[^\u0000-\u001f\u007f-\u009f]*$", examples=["Camille Roux"])]
_Place = Annotated[str, Meta(max_length=60, pattern=r"^[^\u0000-\u001f\u007f-\u009f]*$", examples=["B-2"])]
_Days = Annotated[int, Meta(ge=0, le=365, examples=[3])]
_Short = Annotated[tuple[LineOf, ...], Meta(min_length=1, max_length=500)]
_Lines = Annotated[_Short, Meta(description="Without it, all that is ready.")]


class HandoutShape(Shape, frozen=True, kw_only=True):
    """To whom something was handed, and what was looked at: the proof without a signature."""

    collector: _Name
    checked: Checked
    at: HandedAt
    lines: list[LineOf]
    handed_at: Instant
    handed_by: Actor


class CollectionShape(Shape, frozen=True, kw_only=True):
    """What waits at a counter for its buyer, or comes to it. `lines` and `handouts` are empty in a list."""

    fulfilment_id: FulfilmentRef
    number: int
    order_id: OrderRef
    order_number: int
    location_id: LocationRef
    origin_id: Annotated[FulfilmentRef, Meta(description="The fulfilment order of the location that sends it here.")] | None
    stage: Stage
    recipient: str
    collector: Annotated[str, Meta(description="Somebody else who may collect it.", examples=[""])]
    shelf: _Place
    locker_id: LockerRef | None
    received_at: Instant | None
    ready_at: Instant | None
    waits_until: Annotated[Instant, Meta(description="It is given back after that.")] | None
    buyer_may_extend: bool
    reminded: Annotated[int, Meta(description="How often the buyer was reminded.", examples=[0])]
    here_since: Annotated[Instant, Meta(description="The buyer waits outside.")] | None
    car: str
    spot: str
    due: Annotated[Amount, Meta(description="To be paid before all of it is handed out.")] | None
    currency: CurrencyCode | None
    lines: list[FulfilmentLineShape]
    handouts: list[HandoutShape]


class CollectionsShape(Shape, frozen=True, kw_only=True):
    items: list[CollectionShape]


class CollectionQuery(Request, frozen=True, kw_only=True):
    location_id: LocationRef
    stage: Annotated[Literal["ready", "to_receive"], Meta(description="On the counter, or on its way to it.")] = "ready"
    search: Annotated[Search, Meta(description="A number, the beginning of a name, or a tracking number.")] = ""
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class PutOnCounter(Request, frozen=True, kw_only=True):
    shelf: Annotated[_Place, Meta(description="Where it lies.")] = ""
    missing: Annotated[_Short, Meta(description="Units that did not come from elsewhere; they are paid back.")] | None = None
    damaged: Annotated[_Short, Meta(description="Units that came broken; they are paid back.")] | None = None


class CheckCode(Request, frozen=True, kw_only=True):
    code: Annotated[str, Meta(min_length=1, max_length=40, examples=["17-K7M2"])]


class CheckedCodeShape(Shape, frozen=True, kw_only=True):
    verdict: CodeVerdict


class TakePayment(Request, frozen=True, kw_only=True):
    """Money that is taken at the counter. Without an amount, what these units cost, as far as it is there."""

    method: PaidBy
    amount: Positive | None = None
    reference: Annotated[Reference, Meta(description="The terminal's receipt.")] = ""
    code: Annotated[str, Meta(max_length=80, description="Of the gift card or the store credit.", examples=[""])] = ""
    lines: _Lines | None = None


class TakenShape(Shape, frozen=True, kw_only=True):
    """What was taken, and what is left to pay for these units and for everything."""

    taken: Amount
    due: Amount
    whole: Amount
    currency: CurrencyCode


class HandOut(Request, frozen=True, kw_only=True):
    """With `checked` as `code`, the pickup code has to be the right one."""

    checked: Checked
    collector: _Name = ""
    code: Annotated[str, Meta(max_length=40, examples=["17-K7M2"])] = ""
    at: Literal["counter", "car"] = "counter"
    lines: _Lines | None = None


class GiveBack(Request, frozen=True, kw_only=True):
    reason: Literal["refused", "damaged", "not_collected"]
    lines: _Lines | None = None


class GivenBackShape(Shape, frozen=True, kw_only=True):
    """What went back, and what it stands for. What the buyer has paid of it is promised to them."""

    units: Quantity
    worth: Amount


class Extend(Request, frozen=True, kw_only=True):
    days: Annotated[int, Meta(ge=1, le=365, examples=[3])]


class NameCollector(Request, frozen=True, kw_only=True):
    name: Annotated[_Name, Meta(description="Empty for nobody but the buyer.")]


class SayHere(Request, frozen=True, kw_only=True):
    waits: Annotated[bool, Meta(description="False when they have gone again.")] = True
    car: _Place = ""
    spot: _Place = ""


class PutBackShape(Shape, frozen=True, kw_only=True):
    """Units that are free again, and lie where they waited."""

    id: PutBackRef
    location_id: LocationRef
    sku: SkuText
    name: str
    units: Quantity
    reason: BackReason
    shelf: _Place
    fulfilment_id: FulfilmentRef
    opened_at: Instant


class PutBacksShape(Shape, frozen=True, kw_only=True):
    items: list[PutBackShape]


class PutBackQuery(Request, frozen=True, kw_only=True):
    location_id: LocationRef


class TermsShape(Shape, frozen=True, kw_only=True):
    """How long what is ready waits: at a location, at those of a stock pool, or (both null) at all others."""

    id: TermsRef
    location_id: LocationRef | None
    pool_id: PoolRef | None
    days: _Days
    reminders: Annotated[list[_Days], Meta(description="Days before the end.")]
    extension: Annotated[_Days, Meta(description="Days more that the buyer may ask for, once.")]
    curbside: Annotated[bool, Meta(description="Whether it is brought out to cars.")]


class AllTermsShape(Shape, frozen=True, kw_only=True):
    items: list[TermsShape]


class PutTerms(Request, frozen=True, kw_only=True):
    location_id: LocationRef | None = None
    pool_id: PoolRef | None = None
    days: Annotated[int, Meta(ge=1, le=365, examples=[7])]
    reminders: Annotated[tuple[_Days, ...], Meta(max_length=5, examples=[[2]])] = ()
    extension: _Days = 3
    curbside: bool = False


@collections.get("/v1/collections", Scope.ORDERS_READ)
async def list_collections(call: Call, query: CollectionQuery) -> Answer[CollectionsShape]:
    """List what is ready at a location, or comes to it: whose buyers are there first, then what is given back first."""
    place = LocationId(parsed("location", query.location_id))
    async with call.reading() as reader:
        found = await api.at_counter(reader, place, Stage(query.stage), search=query.search, limit=query.limit)
        waiting = await api.waiting(reader, [one.id for one in found])
        named = await api.collectors(reader, [one.order_id for one in found])
    items = [_shape(one, waiting.get(one.id), named[one.order_id].name if one.order_id in named else "") for one in found]
    return call.answer(CollectionsShape(items=items))


@collections.get("/v1/collections/{fulfilment_id}", Scope.ORDERS_READ, refuses=(UnknownFulfilment,))
async def get_collection(call: Call) -> Answer[CollectionShape]:
    """Get what waits, with what is to pay and to whom something of it was handed."""
    async with call.reading() as reader:
        return call.answer(await _whole(reader, _id(call)))


@collections.post("/v1/collections/{fulfilment_id}/ready", Scope.FULFILMENT_WRITE, refuses=(*_REFUSED, NotPicked, NotThatMany))
async def put_on_counter(call: Call, body: PutOnCounter) -> Answer[CollectionShape]:
    """Say that it is on the counter. What another location has sent is received with that, without what is missing or damaged
    of it: the buyer is told of the rest alone.
    """
    short = {BackReason.MISSING: _units(body.missing) or [], BackReason.DAMAGED: _units(body.damaged) or []}
    async with call.transaction() as tx:
        await collecting.receive(tx, _id(call), short, shelf=body.shelf)
        return await _done(call, tx)


@collections.post("/v1/collections/{fulfilment_id}/check-code", Scope.FULFILMENT_WRITE, refuses=(UnknownFulfilment,))
async def check_pickup_code(call: Call, body: CheckCode) -> Answer[CheckedCodeShape]:
    """Check a pickup code. After some wrong ones none is looked at for a while."""
    async with call.transaction() as tx:
        return await call.done(tx, CheckedCodeShape(verdict=await _verdict(call, tx, body.code)))


@collections.post(
    "/v1/collections/{fulfilment_id}/payments",
    Scope.FULFILMENT_WRITE,
    refuses=(
        *_REFUSED,
        AlreadyPaid,
        OverOwed,
        ReferenceMissing,
        UnknownAccount,
        WrongCurrency,
        AccountExpired,
        BalanceTooLow,
    ),
    sealed=True,
)
async def take_payment(call: Call, body: TakePayment) -> Answer[TakenShape]:
    """Take the money for what is handed out then."""
    tender = Tender(method=body.method, amount=body.amount, reference=body.reference, code=body.code)
    lines = _units(body.lines)
    async with call.transaction() as tx:
        if body.method is PaidBy.ACCOUNT:
            await _require_account(call, tx, body.code)
        taken = await collecting.take(tx, _id(call), lines, tender)
        owed = await api.to_pay(tx, _id(call), lines)
        left = TakenShape(taken=taken, due=owed.due, whole=owed.whole, currency=owed.currency)
        return await call.done(tx, left)


async def _require_account(call: Call, reader: Reader, code: str) -> None:
    """Raises UnknownAccount, and TooManyRequests for who has tried too many."""
    address = address_key(call.address)
    call.services.strangers.check(address)
    try:
        await payments.account_by_code(reader, code)
    except UnknownAccount:
        call.services.strangers.take(address)
        raise


@collections.post(
    "/v1/collections/{fulfilment_id}/hand-out", Scope.FULFILMENT_WRITE, refuses=(*_UNITS, NotPaid, WrongPickupCode, LotRecalled)
)
async def hand_collection_out(call: Call, body: HandOut) -> Answer[CollectionShape]:
    """Hand it to whoever may have it. Nothing is handed out before it is paid; what they leave stays on the counter."""
    given = HandingOver(collector=body.collector, checked=body.checked, at=HandedAt(body.at))
    verdict = CodeVerdict.RIGHT
    async with call.transaction() as tx:
        if body.checked is Checked.CODE:
            verdict = await _verdict(call, tx, body.code)
        if verdict is CodeVerdict.RIGHT:
            await lots.require_not_recalled(tx, _id(call))
            await api.hand_out(tx, _id(call), _units(body.lines), given)
            return await _done(call, tx)
    raise WrongPickupCode(barred=verdict is CodeVerdict.BARRED)


async def _verdict(call: Call, tx: Tx, code: str) -> CodeVerdict:
    one = await api.get(tx, _id(call))
    right = api.same_code(code, collecting.code_of(call.services.keyring, one))
    return await api.try_code(tx, one.id, right=right)


@collections.post("/v1/collections/{fulfilment_id}/give-back", Scope.FULFILMENT_WRITE, refuses=_UNITS)
async def give_collection_back(call: Call, body: GiveBack) -> Answer[GivenBackShape]:
    """Give units back to the stock, which the buyer does not want or does not come for.

    What was paid for them is granted back, and somebody is asked to put them where they belong.
    """
    async with call.transaction() as tx:
        given = await collecting.give_back(tx, _id(call), _units(body.lines), BackReason(body.reason))
        return await call.done(tx, GivenBackShape(units=given.units, worth=max(0, given.worth)))


@collections.post("/v1/collections/{fulfilment_id}/extend", Scope.FULFILMENT_WRITE, refuses=_REFUSED)
async def extend_collection(call: Call, body: Extend) -> Answer[CollectionShape]:
    """Let it wait so many days longer."""
    async with call.transaction() as tx:
        await api.extend(tx, _id(call), body.days)
        return await _done(call, tx)


@collections.post("/v1/collections/{fulfilment_id}/shelf", Scope.FULFILMENT_WRITE, refuses=_REFUSED)
async def shelve_collection(call: Call, body: PutOnCounter) -> Answer[CollectionShape]:
    """Say where it lies."""
    async with call.transaction() as tx:
        await api.shelve(tx, _id(call), body.shelf)
        return await _done(call, tx)


@collections.post("/v1/collections/{fulfilment_id}/collector", Scope.FULFILMENT_WRITE, refuses=(UnknownFulfilment,))
async def name_collector(call: Call, body: NameCollector) -> Answer[CollectionShape]:
    """Name somebody else who may collect everything of its order."""
    async with call.transaction() as tx:
        one = await api.get(tx, _id(call))
        await api.name_collector(tx, one.order_id, body.name, by_buyer=False)
        return await _done(call, tx)


@collections.post("/v1/collections/{fulfilment_id}/here", Scope.FULFILMENT_WRITE, refuses=(*_REFUSED, NoCurbside))
async def say_buyer_is_here(call: Call, body: SayHere) -> Answer[CollectionShape]:
    """Say that the buyer waits outside, where it is brought out."""
    async with call.transaction() as tx:
        await api.buyer_here(tx, _id(call), car=body.car, spot=body.spot, waits=body.waits)
        return await _done(call, tx)


# What is to be put back


@collections.get("/v1/put-backs", Scope.ORDERS_READ)
async def list_put_backs(call: Call, query: PutBackQuery) -> Answer[PutBacksShape]:
    """List what is to be put back where it belongs, the oldest first."""
    async with call.reading() as reader:
        found = await api.put_backs(reader, LocationId(parsed("location", query.location_id)))
    return call.answer(PutBacksShape(items=[_put_back(one) for one in found]))


@collections.post("/v1/put-backs/{put_back_id}/done", Scope.FULFILMENT_WRITE, status=204, refuses=(UnknownPutBack,))
async def put_back_done(call: Call) -> Answer[None]:
    """Say that it lies where it belongs."""
    async with call.transaction() as tx:
        await api.done_put_backs(tx, [PutBackId(call.id("put_back"))])
        return await call.done(tx, None)


# For how long


@collections.get("/v1/collection-terms", Scope.LOCATIONS_READ)
async def list_collection_terms(call: Call) -> Answer[AllTermsShape]:
    """List for how long what is ready waits, where."""
    async with call.reading() as reader:
        return call.answer(AllTermsShape(items=[_terms(one) for one in await api.all_terms(reader)]))


@collections.put("/v1/collection-terms", Scope.LOCATIONS_WRITE, refuses=(UnknownLocation, UnknownPool))
async def put_collection_terms(call: Call, body: PutTerms) -> Answer[TermsShape]:
    """Set for how long what is ready waits; what was said before for the same is replaced.

    A location's own terms come before those of its pools, and these before those for all. What waits already keeps its time.
    """
    location, pool = parsed_some("location", body.location_id), parsed_some("pool", body.pool_id)
    draft = CollectionTerms(days=body.days, reminders=body.reminders, extension=body.extension, curbside=body.curbside)
    async with call.transaction() as tx:
        made = await api.put_terms(
            tx,
            draft,
            location_id=None if location is None else LocationId(location),
            pool_id=None if pool is None else PoolId(pool),
        )
        return await call.done(tx, _terms(made))


@collections.delete("/v1/collection-terms/{terms_id}", Scope.LOCATIONS_WRITE, status=204, refuses=(UnknownTerms,))
async def drop_collection_terms(call: Call) -> Answer[None]:
    """Remove terms."""
    async with call.transaction() as tx:
        await api.drop_terms(tx, TermsId(call.id("terms")))
        return await call.done(tx, None)


def _id(call: Call) -> FulfilmentId:
    return FulfilmentId(call.id("fulfilment"))


def _units(lines: Sequence[LineOf] | None) -> list[LineUnits] | None:
    return None if lines is None else [LineUnits(line.line_no, line.quantity) for line in lines]


async def _done(call: Call, tx: Tx) -> Answer[CollectionShape]:
    return await call.done(tx, await _whole(tx, _id(call)))


async def _whole(reader: Reader, fulfilment_id: FulfilmentId) -> CollectionShape:
    one = await api.get(reader, fulfilment_id)
    there = (await api.waiting(reader, [one.id])).get(one.id)
    named = (await api.collectors(reader, [one.order_id])).get(one.order_id)
    owed = await api.to_pay(reader, one.id)
    found = await api.handouts(reader, one.id)
    bare = _shape(one, there, named.name if named else "")
    return CollectionShape(
        **{name: getattr(bare, name) for name in bare.__struct_fields__ if name not in _OWN},
        due=owed.due,
        currency=owed.currency,
        lines=[line_shape(line) for line in one.lines],
        handouts=[_handout(one) for one in found],
    )


_OWN = frozenset({"due", "currency", "lines", "handouts"})


def _shape(one: Fulfilment, there: Waiting | None, collector: str) -> CollectionShape:
    return CollectionShape(
        fulfilment_id=show("fulfilment", one.id),
        number=one.number,
        order_id=show("order", one.order_id),
        order_number=one.order_number,
        location_id=show_location(one.location_id),
        origin_id=show_some("fulfilment", None if there is None else there.origin_id),
        stage=one.stage,
        recipient=one.recipient,
        collector=collector,
        shelf="" if there is None else there.shelf,
        locker_id=show_some("locker", None if there is None else there.locker_id),
        received_at=None if there is None else there.received_at,
        ready_at=one.ready_at,
        waits_until=None if there is None else there.waits_until,
        buyer_may_extend=there is not None and there.may_extend,
        reminded=0 if there is None else there.reminded,
        here_since=None if there is None else there.here_at,
        car="" if there is None else there.car,
        spot="" if there is None else there.spot,
        due=None,
        currency=None,
        lines=[],
        handouts=[],
    )


def _handout(one: Handout) -> HandoutShape:
    return HandoutShape(
        collector=one.collector,
        checked=one.checked,
        at=one.at,
        lines=[LineOf(line_no=line.line_no, quantity=line.quantity) for line in one.lines],
        handed_at=one.handed_at,
        handed_by=show_actor(one.actor),
    )


def _put_back(one: PutBack) -> PutBackShape:
    return PutBackShape(
        id=show("put_back", one.id),
        location_id=show_location(one.location_id),
        sku=one.sku,
        name=one.name,
        units=one.units,
        reason=one.reason,
        shelf=one.shelf,
        fulfilment_id=show("fulfilment", one.fulfilment_id),
        opened_at=one.opened_at,
    )


def _terms(one: TermsRule) -> TermsShape:
    return TermsShape(
        id=show("terms", one.id),
        location_id=show_some("location", one.location_id),
        pool_id=show_some("pool", one.pool_id),
        days=one.days,
        reminders=list(one.reminders),
        extension=one.extension,
        curbside=one.curbside,
    )
