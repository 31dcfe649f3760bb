"""Labels: written down before the carrier is asked, so that none is ever bought twice or forgotten.

A purchase takes three steps: `ask` (a transaction: the row, with a lease for whoever asks), the call (none), and `bought` or
`failed` (a transaction). While the lease lasts nobody else asks for that label. Whoever takes up a label that was asked for
before looks for it by its reference first.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from comptoir.kernel.errors import Fault, Refusal
from comptoir.kernel.ids import to_text, uuid7
from comptoir.kernel.money import Currency, Money
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import ParcelId
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.tracking import accounts, coming
from comptoir.modules.tracking.contracts import (
    LABEL_PREFIX,
    AccountId,
    Cost,
    LabelBought,
    LabelFilter,
    LabelId,
    LabelState,
    LabelStep,
    LabelVoided,
    PurchasedLabel,
    ServiceUsed,
    TroubleKind,
)
from comptoir.modules.tracking.domain.states import label_after, step_of_failure
from comptoir.modules.tracking.errors import AccountInactive, LabelBusy, LabelHasLeft, LabelNotInThatState, UnknownLabel
from comptoir.modules.tracking.store import cases as store_cases
from comptoir.modules.tracking.store import labels as store
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Count, Page
from comptoir.sdk.carriers import Label, LabelFormat, LabelRequest, RateRequest, Void, VoidState

LEASE = timedelta(minutes=3)
"""Longer than a call may take."""
NOT_BOUGHT = "not_bought"
_PURPOSE = "label-request"
_VOID_STEPS = {
    VoidState.VOIDED: LabelStep.VOID,
    VoidState.REQUESTED: LabelStep.ASK_BACK,
    VoidState.REFUSED: LabelStep.KEEP,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A label that somebody wants. `subject_id` is what it is for: a box of a fulfilment order, or a return."""

    account_id: AccountId
    subject_id: UUID
    order_id: OrderId
    shipment: RateRequest
    service: str
    format: LabelFormat = LabelFormat.PDF
    at_most: Money | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A label with a lease on it; `request` is what to ask for, None where there is nothing left to ask."""

    label: PurchasedLabel
    request: LabelRequest | None = None

    @property
    def look_first(self) -> bool:
        """It was asked for before, and may be there."""
        return self.label.attempts > 1


async def ask(tx: Tx, keyring: Keyring, wanted: Wanted) -> Asked:
    """The label of this box: the one that there is, or a new row for it, leased to whoever asks.

    Raises UnknownAccount, AccountInactive, and LabelBusy while somebody else asks for it.
    """
    account = await accounts.get(tx, wanted.account_id)
    if not account.active:
        raise AccountInactive(kind="carrier_account", id=account.id)
    label_id = LabelId(uuid7())
    reference = to_text(LABEL_PREFIX, label_id)
    request = LabelRequest(
        reference=reference,
        shipment=wanted.shipment,
        service=wanted.service,
        format=wanted.format,
        at_most=wanted.at_most,
    )
    sealed = keyring.encrypt(msgspec.json.encode(request), _PURPOSE)
    await store.insert(
        tx,
        label_id,
        reference,
        wanted.account_id,
        wanted.subject_id,
        wanted.order_id,
        wanted.service,
        wanted.format,
        sealed,
        tx.now,
        is_return=wanted.shipment.is_return,
    )
    found = await store.of_subject(tx, wanted.subject_id)
    assert found is not None, "the row was written, or was there"
    return await _leased(tx, keyring, found)


async def take_up(tx: Tx, keyring: Keyring, label_id: LabelId) -> Asked:
    """Takes up a label of which we do not know how it ended. Raises UnknownLabel and LabelBusy."""
    found = await store.lock(tx, label_id)
    if found is None:
        raise UnknownLabel(kind="label", id=label_id)
    return await _leased(tx, keyring, found)


async def _leased(tx: Tx, keyring: Keyring, label: PurchasedLabel) -> Asked:
    if label.state not in {LabelState.ASKED, LabelState.UNKNOWN}:
        return Asked(label)
    _require_free(tx, label)
    sealed = await store.request_of(tx, label.id)
    assert sealed is not None, "a request is kept until its label is bought or refused"
    request = msgspec.json.decode(keyring.decrypt(sealed, _PURPOSE), type=LabelRequest)
    values = {"attempts": label.attempts + 1, "busy_until": tx.now + LEASE}
    await store.put(tx, label.id, values)
    return Asked(replace(label, **values), request)


def _require_free(tx: Tx, label: PurchasedLabel) -> None:
    if label.busy_until is not None and label.busy_until > tx.now:
        raise LabelBusy(kind="label", id=label.id, until=label.busy_until.isoformat())


async def bought(tx: Tx, label_id: LabelId, label: Label, *, found: bool = False) -> PurchasedLabel:
    """The carrier has sold it, or `found` that it had; what was asked is forgotten."""
    row = await _locked(tx, label_id)
    if row.state is LabelState.BOUGHT:
        return row
    state = label_after(row.state, LabelStep.FIND if found else LabelStep.BUY)
    await store.put(
        tx,
        label_id,
        {
            "state": state.value,
            "request": None,
            "problem": "",
            "problem_code": "",
            "tracking_number": label.tracking_number,
            "tracking_url": label.tracking_url,
            "shipment_ref": label.shipment_id,
            "carrier": label.carrier,
            "url": label.url,
            "document": label.content or None,
            "cost": None if label.cost is None else label.cost.minor,
            "currency": "" if label.cost is None else label.cost.currency,
            "bought_at": tx.now,
            "busy_until": None,
        },
    )
    await store_cases.resolve(tx, label_id, [TroubleKind.REJECTED], "bought")
    tx.emit(
        LabelBought(
            order_id=row.order_id,
            label_id=label_id,
            tracking_number=label.tracking_number,
            carrier=label.carrier,
            cost=None if label.cost is None else label.cost.minor,
            currency="" if label.cost is None else label.cost.currency,
        )
    )
    return await get(tx, label_id)


async def missed(tx: Tx, label_id: LabelId, *, go_on: bool) -> PurchasedLabel:
    """It was looked for by its reference, and the carrier has sold none: it may be bought. `go_on` keeps the lease for that."""
    row = await _locked(tx, label_id)
    values: dict[str, object] = {"state": label_after(row.state, LabelStep.MISS).value}
    if not go_on:
        values |= {"busy_until": None, "problem_code": NOT_BOUGHT, "problem": "the carrier has sold no such label"}
    await store.put(tx, label_id, values)
    return await get(tx, label_id)


async def give_up(tx: Tx, label_id: LabelId) -> PurchasedLabel:
    """Nobody wants it any more, and it is known that it was not bought: the box may get another. Raises LabelBusy, and
    LabelNotInThatState while it may have been bought.
    """
    row = await _locked(tx, label_id)
    _require_free(tx, row)
    if row.state is LabelState.ASKED and not row.problem_code:
        raise LabelNotInThatState(state=row.state, step=LabelStep.REFUSE)
    state = label_after(row.state, LabelStep.REFUSE)
    await store.put(tx, label_id, {"state": state.value, "request": None})
    return await get(tx, label_id)


async def failed(tx: Tx, label_id: LabelId, problem: Refusal | Fault, *, looking: bool = False) -> PurchasedLabel:
    """A purchase did not succeed: its label is to be tried again, to be looked for, or is given to a person."""
    row = await _locked(tx, label_id)
    values: dict[str, object] = {"problem": str(problem)[:500], "problem_code": problem.code, "busy_until": None}
    step = None if looking else step_of_failure(problem)  # looking in vain for it says nothing of whether it is there
    if looking:
        values["problem_code"] = row.problem_code
    if step is not None and row.state is LabelState.ASKED:
        state = label_after(row.state, step)
        values["state"] = state.value
        if state is LabelState.REFUSED:
            values["request"] = None
            reason = f"{problem.code}: {problem}"
            await store_cases.open_trouble(tx, TroubleKind.REJECTED, label_id, None, row.order_id, reason)
    await store.put(tx, label_id, values)
    return await get(tx, label_id)


# Giving back


async def ask_back(tx: Tx, label_id: LabelId) -> PurchasedLabel:
    """Leases a bought label to whoever gives it back.

    Raises UnknownLabel, LabelBusy, LabelNotInThatState, and LabelHasLeft for what its box has left with.
    """
    row = await _locked(tx, label_id)
    if row.state is LabelState.VOIDED:
        return row
    if row.state is LabelState.BOUGHT and await _has_left(tx, row):
        raise LabelHasLeft(kind="label", id=label_id)
    label_after(row.state, LabelStep.VOID)
    _require_free(tx, row)
    await store.put(tx, label_id, {"busy_until": tx.now + LEASE})
    return row


async def _has_left(tx: Tx, row: PurchasedLabel) -> bool:
    if row.is_return:
        parcel = await coming.get(tx, row.subject_id)
        return parcel is not None and parcel.tracking_number == row.tracking_number and coming.has_left(parcel)
    return any(box.shipment_id is not None for box in await fulfilment.some_parcels(tx, [ParcelId(row.subject_id)]))


async def gave_back(tx: Tx, label_id: LabelId, void: Void) -> PurchasedLabel:
    """What the carrier says to taking it back."""
    row = await _locked(tx, label_id)
    if row.state is LabelState.VOIDED:
        return row
    state = label_after(row.state, _VOID_STEPS[void.state])
    refused = void.state is VoidState.REFUSED
    await store.put(
        tx,
        label_id,
        {
            "state": state.value,
            "busy_until": None,
            "problem": void.text[:500] if refused else "",
            "problem_code": "void_refused" if refused else "",
            "voided_at": tx.now if state is LabelState.VOIDED else None,
        },
    )
    if state is not row.state and not refused:
        await store_cases.resolve(tx, label_id, [TroubleKind.UNUSED], "voided")
        tx.emit(LabelVoided(order_id=row.order_id, label_id=label_id, tracking_number=row.tracking_number))
    return await get(tx, label_id)


async def tell_unused(tx: Tx, label_id: LabelId, reason: str) -> None:
    """Nothing of what it was bought for leaves, and the carrier does not take it back: somebody has to look at it."""
    row = await _locked(tx, label_id)
    if row.state is LabelState.BOUGHT:
        await store_cases.open_trouble(tx, TroubleKind.UNUSED, label_id, None, row.order_id, reason)


async def told_unused(reader: Reader, ids: Sequence[LabelId]) -> set[UUID]:
    """Of which of these somebody was told that already."""
    return await store_cases.ever_open(reader, TroubleKind.UNUSED, ids)


async def let_go(tx: Tx, label_id: LabelId, problem: Refusal | Fault) -> None:
    """The carrier did not say what becomes of a label that was to be given back: it stays as it was."""
    await store.put(tx, label_id, {"busy_until": None, "problem": str(problem)[:500], "problem_code": problem.code})


# Reading


async def get(reader: Reader, label_id: LabelId) -> PurchasedLabel:
    found = await store.get(reader, label_id)
    if found is None:
        raise UnknownLabel(kind="label", id=label_id)
    return found


async def find(
    reader: Reader, wanted: LabelFilter, *, sort: str = "-created", limit: int = 50, cursor: str | None = None
) -> Page[PurchasedLabel]:
    """Sorts: created and -created."""
    return await store.LISTING.page(reader, store.where(wanted), sort=sort, limit=limit, cursor=cursor)


async def count(reader: Reader, wanted: LabelFilter) -> Count:
    return await store.LISTING.count(reader, store.where(wanted))


async def stream(reader: Reader, wanted: LabelFilter, *, sort: str = "-created") -> AsyncIterator[PurchasedLabel]:
    """Every one of them, in order, for exports."""
    async for label in store.LISTING.stream(reader, store.where(wanted), sort=sort):
        yield label


async def costs(reader: Reader, since: datetime, until: datetime | None = None) -> list[Cost]:
    """What the labels asked for since then cost, without those that were given back; the largest sum first."""
    return await store.costs(reader, since, until)


async def services(reader: Reader, account_id: AccountId, since: datetime) -> list[ServiceUsed]:
    """Which services labels of an account were bought of since then, the most used first."""
    return await store.services(reader, account_id, since)


async def by_number(reader: Reader, tracking_number: str) -> PurchasedLabel | None:
    """The label of a parcel, where we have bought it; of several with one number the last."""
    return (await store.by_number(reader, [tracking_number])).get(tracking_number)


async def of_subjects(reader: Reader, ids: list[UUID]) -> list[PurchasedLabel]:
    """All labels of these boxes, also those that were given back; the oldest first."""
    return await store.of_subjects(reader, ids)


async def standing(reader: Reader, ids: Sequence[UUID]) -> dict[UUID, PurchasedLabel]:
    """The label that counts of each of these boxes: bought, or about to be, or perhaps, or not yet taken back."""
    found = await store.of_subjects(reader, ids)
    return {one.subject_id: one for one in found if one.state not in {LabelState.REFUSED, LabelState.VOIDED}}


async def hold(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, PurchasedLabel]:
    """As `standing`, and nobody gives any of them back before this transaction ends."""
    await store.lock_of(tx, ids)
    return await standing(tx, ids)


async def given_out(reader: Reader, since: datetime) -> dict[str, int]:
    """How many parcels each carrier was given since then, for the shares of the load."""
    return await store.given_out(reader, since)


async def document(reader: Reader, label_id: LabelId) -> bytes | None:
    """The paper, where we have it."""
    return await store.document(reader, label_id)


async def keep_document(tx: Tx, label_id: LabelId, content: bytes) -> None:
    """Addresses of labels stop working after some days."""
    await store.put(tx, label_id, {"document": content})


async def unsettled(tx: Tx, limit: int) -> list[LabelId]:
    """Labels that nobody is asking for, and of which we do not know how it ended."""
    return await store.unsettled(tx, tx.now - timedelta(minutes=1), limit)


def as_label(row: PurchasedLabel) -> Label:
    """As the carrier's connector knows it."""
    return Label(
        reference=row.reference,
        tracking_number=row.tracking_number,
        shipment_id=row.shipment_ref,
        service=row.service,
        carrier=row.carrier,
        format=row.format,
        url=row.url,
        cost=None if row.cost is None else Money(row.cost, Currency(row.currency)),
        tracking_url=row.tracking_url,
        voided=row.state in {LabelState.VOIDED, LabelState.VOIDING},
    )


async def _locked(tx: Tx, label_id: LabelId) -> PurchasedLabel:
    found = await store.lock(tx, label_id)
    if found is None:
        raise UnknownLabel(kind="label", id=label_id)
    return found
