"""What is asked of carriers: labels, giving them back, manifests, drivers, and where parcels are.

Every call is between two transactions, never inside one: the first writes down what is about to be asked, the second what came
of it. Whatever happens in between (no answer, a crash) leaves a row that says so, and `settle` takes it up again.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import TypeVar

import structlog

from comptoir.kernel.errors import Fault, Refusal, Remedy
from comptoir.kernel.time import utcnow
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import Location, LocationId
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import (
    AccountId,
    Driver,
    DriverWanted,
    HandedManifest,
    LabelId,
    LabelState,
    ManifestId,
    PickupId,
    PickupStanding,
    Poll,
    PurchasedLabel,
    TrackedId,
    Understood,
    Waiting,
)
from comptoir.modules.tracking.errors import LabelBusy
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Context, Database, DatabaseUnavailable
from comptoir.runtime.http import HttpClient
from comptoir.sdk.carriers import (
    Address,
    CarrierCannot,
    CarrierConnector,
    CarrierUnavailable,
    Label,
    LabelFormat,
    LabelRequest,
    NotAuthorised,
    OutcomeUnknown,
    Pickup,
    PickupRequest,
    PickupState,
    UnreadableWebhook,
    Waybill,
    label_content,
    paper,
)
from comptoir.sdk.tracking import TrackingUpdate
from comptoir.surfaces.carriage import Carriage
from comptoir.surfaces.parties import zone_of
from comptoir.surfaces.telling_carriers import CarrierTeller

log = structlog.get_logger("comptoir.parcels")

T = TypeVar("T")

PATIENCE = 120.0
"""Seconds for one purchase, however many calls it takes; shorter than the lease of a label."""
_NOT_THERE = "CMP-CONNECTION-TEST"
_INBOX = 200
_POLLS = 100


class ParcelDesk:
    """Asks carriers for this process."""

    def __init__(
        self, database: Database, keyring: Keyring, http: HttpClient, carriage: Carriage, *, patience: float = PATIENCE
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._http = http
        self._carriage = carriage
        self._patience = patience
        self.teller = CarrierTeller(database, carriage, patience)

    # Labels

    async def buy(self, wanted: tracking.labels.Wanted, context: Context | None = None) -> PurchasedLabel:
        """The label of a box, bought once however often it is asked for.

        Raises LabelBusy while somebody else asks for it, OutcomeUnknown when no answer came (it is looked for before it is
        bought again), and what the carrier refuses it with.
        """
        if wanted.format is not LabelFormat.PDF:  # what a carrier does not print so is a PDF
            _, carrier = await self._carriage.account(wanted.account_id)
            if carrier.info.formats and wanted.format not in carrier.info.formats:
                wanted = replace(wanted, format=LabelFormat.PDF)
        async with self._database.transaction(context) as tx:
            await self._carriage.ensure(tx, wanted.account_id)
            asked = await tracking.labels.ask(tx, self._keyring, wanted)
        return await self._purchase(asked, context)

    async def settle(self, label_id: LabelId, context: Context | None = None, *, buy: bool = True) -> PurchasedLabel:
        """Takes up a label of which we do not know how it ended; without `buy` it is only looked for."""
        async with self._database.transaction(context) as tx:
            row = await tracking.labels.get(tx, label_id)
            asked = None if row.state is LabelState.VOIDING else await tracking.labels.take_up(tx, self._keyring, label_id)
        return await self.void(label_id, context) if asked is None else await self._purchase(asked, context, buy=buy)

    async def _purchase(self, asked: tracking.labels.Asked, context: Context | None, *, buy: bool = True) -> PurchasedLabel:
        if asked.request is None:
            return asked.label
        looking = asked.look_first
        try:
            _, carrier = await self._carriage.account(asked.label.account_id)
            there = await self._in_time(carrier.find_label(asked.request.reference), carrier) if looking else None
            if there is None and looking:
                missed = await self._missed(asked.label.id, context, go_on=buy)
                if not buy:
                    return missed
            looking = False
            label = there or await self._bought(carrier, asked.request)
        except (Refusal, Fault) as problem:
            await self._failed(asked.label, problem, context, looking=looking)
            raise
        async with self._database.transaction(context) as tx:
            await tracking.accounts.tell_problem(tx, asked.label.account_id, "")
            return await tracking.labels.bought(tx, asked.label.id, label, found=there is not None)

    async def _missed(self, label_id: LabelId, context: Context | None, *, go_on: bool) -> PurchasedLabel:
        async with self._database.transaction(context) as tx:
            return await tracking.labels.missed(tx, label_id, go_on=go_on)

    async def _bought(self, carrier: CarrierConnector, request: LabelRequest) -> Label:
        try:
            return await asyncio.wait_for(carrier.buy(request), self._patience)
        except TimeoutError:
            detail = f"no answer within {self._patience:g} seconds"
        raise OutcomeUnknown(carrier.info.key, request.reference, detail)

    async def _in_time(self, asking: Awaitable[T], carrier: CarrierConnector) -> T:
        try:
            return await asyncio.wait_for(asking, self._patience)
        except TimeoutError:
            detail = f"no answer within {self._patience:g} seconds"
        raise CarrierUnavailable(carrier.info.key, detail)

    async def _failed(self, label: PurchasedLabel, problem: Refusal | Fault, context: Context | None, *, looking: bool) -> None:
        """If the database is away as well, the row still says that it was asked for, and is taken up when its lease ends."""
        if isinstance(problem, DatabaseUnavailable):
            return
        async with self._database.transaction(context) as tx:
            await tracking.labels.failed(tx, label.id, problem, looking=looking)
            if isinstance(problem, NotAuthorised):
                await tracking.accounts.tell_problem(tx, label.account_id, problem.detail)

    async def void(self, label_id: LabelId, context: Context | None = None) -> PurchasedLabel:
        """Gives a label back; the carrier may take its time. Raises LabelNotInThatState and LabelBusy."""
        async with self._database.transaction(context) as tx:
            row = await tracking.labels.ask_back(tx, label_id)
        if row.state is LabelState.VOIDED:
            return row
        try:
            _, carrier = await self._carriage.account(row.account_id)
            answer = await self._in_time(carrier.void(tracking.labels.as_label(row)), carrier)
        except (Refusal, Fault) as problem:
            async with self._database.transaction(context) as tx:
                await tracking.labels.let_go(tx, label_id, problem)
            raise
        async with self._database.transaction(context) as tx:
            return await tracking.labels.gave_back(tx, label_id, answer)

    async def document(self, label_id: LabelId) -> bytes:
        """The paper of a label, fetched once: the addresses of carriers stop working after some days."""
        async with self._database.read() as reader:
            row = await tracking.labels.get(reader, label_id)
            kept = await tracking.labels.document(reader, label_id)
        if kept is not None:
            return kept
        content = await label_content(self._http, tracking.labels.as_label(row))
        async with self._database.transaction() as tx:
            await tracking.labels.keep_document(tx, label_id, content)
        return content

    async def manifest(
        self, label_ids: Sequence[LabelId], context: Context | None = None, *, location_id: LocationId | None = None
    ) -> list[HandedManifest]:
        """The papers with which the drivers take many parcels at once, one for each account, or each of its carriers. What is
        on one is left out.
        """
        async with self._database.read() as reader:
            rows = [await tracking.labels.get(reader, label_id) for label_id in dict.fromkeys(label_ids)]
        together: dict[tuple[AccountId, str], list[PurchasedLabel]] = defaultdict(list)
        for row in rows:
            if row.state is LabelState.BOUGHT and not row.manifest_ref:
                _, carrier = await self._carriage.account(row.account_id)
                together[row.account_id, row.carrier if carrier.info.manifest_by_carrier else ""].append(row)
        made: list[HandedManifest] = []
        for (account_id, _), own in together.items():
            _, carrier = await self._carriage.account(account_id)
            manifest = await self._in_time(carrier.manifest([tracking.labels.as_label(row) for row in own]), carrier)
            async with self._database.transaction(context) as tx:
                ids = [row.id for row in own]
                made.append(await tracking.manifests.made(tx, account_id, location_id, ids, manifest))
        return made

    async def manifest_document(self, manifest_id: ManifestId) -> bytes:
        """The paper of a manifest, fetched once. Raises UnknownManifest, and NotUnderstood where there is none yet."""
        async with self._database.read() as reader:
            row = await tracking.manifests.get(reader, manifest_id)
            kept = await tracking.manifests.document(reader, manifest_id)
        if kept is not None:
            return kept
        account, _ = await self._carriage.account(row.account_id)
        content = await paper(self._http, account.connector, row.url)
        async with self._database.transaction() as tx:
            await tracking.manifests.keep_document(tx, manifest_id, content)
        return content

    async def call_driver(self, wanted: DriverWanted, context: Context | None = None) -> Driver:
        """A driver who takes these parcels, asked for once. Raises what the carrier says no with, and OutcomeUnknown."""
        async with self._database.transaction(context) as tx:
            row, free = await tracking.drivers.ask(tx, wanted)
            place = await locations.get(tx, wanted.location_id)
            parcels = [tracking.labels.as_label(await tracking.labels.get(tx, key)) for key in wanted.label_ids]
        if not free:
            return row
        request = PickupRequest(
            reference=row.reference,
            address=address_of(place),
            labels=tuple(parcels),
            from_at=wanted.from_at.astimezone(zone_of(place)),
            until_at=wanted.until_at.astimezone(zone_of(place)),
            weight=wanted.weight,
            instructions=wanted.instructions,
        )
        try:
            _, carrier = await self._carriage.account(wanted.account_id)
            try:
                came = await asyncio.wait_for(carrier.schedule_pickup(request), self._patience)
            except TimeoutError:
                detail = f"no answer within {self._patience:g} seconds"
                raise OutcomeUnknown(carrier.info.key, row.reference, detail) from None
        except (Refusal, Fault) as problem:
            async with self._database.transaction(context) as tx:
                await tracking.drivers.failed(tx, row.id, problem)
            raise
        async with self._database.transaction(context) as tx:
            return await tracking.drivers.scheduled(tx, row.id, came)

    async def send_driver_away(self, pickup_id: PickupId, context: Context | None = None) -> Driver:
        """Raises CarrierCannot where the carrier takes no pickup back."""
        async with self._database.read() as reader:
            row = await tracking.drivers.get(reader, pickup_id)
        if row.state is not PickupStanding.SCHEDULED:
            return row
        _, carrier = await self._carriage.account(row.account_id)
        pickup = Pickup(reference=row.reference, id=row.carrier_ref, state=PickupState.SCHEDULED, confirmation=row.confirmation)
        after = await self._in_time(carrier.cancel_pickup(pickup), carrier)
        async with self._database.transaction(context) as tx:
            return await tracking.drivers.scheduled(tx, pickup_id, after)

    async def settle_all(self, limit: int = 20) -> int:
        """Takes up what nobody is asking for; gives how many have an end now. Nothing is bought: whoever wanted it may have
        decided otherwise since.
        """
        async with self._database.transaction() as tx:
            waiting = await tracking.labels.unsettled(tx, limit)
        settled = 0
        for label_id in waiting:
            try:
                row = await self.settle(label_id, buy=False)
            except LabelBusy:
                continue
            except (Refusal, Fault) as problem:
                log.warning("a label is not settled", label=str(label_id), code=problem.code)
                continue
            settled += row.state in {LabelState.BOUGHT, LabelState.VOIDED}
        return settled

    # Where parcels are

    async def work_off(self) -> int:
        """Works off what carriers have sent, one batch; gives how many messages it was."""
        async with self._database.read() as reader:
            senders = await tracking.inbox.senders(reader)
        carriers = {account_id: (await self._carriage.account(account_id))[1] for account_id in senders}
        if not carriers:
            return 0
        async with self._database.transaction() as tx:
            mine = await tracking.inbox.take(tx, sorted(carriers), _INBOX)
            await tracking.inbox.work_off(tx, [_understood(one, carriers[one.account_id]) for one in mine])
        return len(mine)

    async def poll(self) -> int:
        """Asks carriers about the parcels whose turn it is; gives how many were asked about."""
        async with self._database.transaction() as tx:
            due = await tracking.due(tx, _POLLS)
        by_account: dict[AccountId, list[Poll]] = defaultdict(list)
        for one in due:
            by_account[one.account_id].append(one)
        for account_id, asked in by_account.items():
            await self._ask(account_id, asked)
        return len(due)

    async def ask_now(self, tracked_id: TrackedId, context: Context | None = None) -> int:
        """Asks the carrier of one parcel where it is, without waiting for its turn; gives 1 when there was news.

        Raises UnknownTracked, NotFollowed, CarrierCannot, and the carrier's faults.
        """
        async with self._database.read() as reader:
            asked = await tracking.poll_of(reader, tracked_id)
        try:
            _, carrier = await self._carriage.account(asked.account_id)
            updates = await self._told(carrier, [asked])
        except Fault as problem:
            await self._note_problem(asked.account_id, problem, context)
            raise
        async with self._database.transaction(context) as tx:
            news = await tracking.polled(tx, asked.account_id, [asked], updates)
            await tracking.accounts.tell_problem(tx, asked.account_id, "")
        return news

    async def test(self, account_id: AccountId, context: Context | None = None) -> None:
        """Asks a carrier for something that is not there: whoever answers that knows our key. Nothing is bought or changed.

        Raises UnknownAccount, CarrierCannot where there is nobody to call, and the carrier's faults.
        """
        self._carriage.forget(account_id)
        try:
            _, carrier = await self._carriage.account(account_id)
            await self._in_time(carrier.find_label(_NOT_THERE), carrier)
        except Fault as problem:
            await self._note_problem(account_id, problem, context)
            raise
        async with self._database.transaction(context) as tx:
            await tracking.accounts.tell_problem(tx, account_id, "")

    async def _note_problem(self, account_id: AccountId, problem: Fault, context: Context | None) -> None:
        """If the database is away as well, nobody can write it down."""
        if not isinstance(problem, DatabaseUnavailable):
            async with self._database.transaction(context) as tx:
                await tracking.accounts.tell_problem(tx, account_id, problem.detail)

    async def _ask(self, account_id: AccountId, asked: Sequence[Poll]) -> None:
        try:
            _, carrier = await self._carriage.account(account_id)
            updates = await self._told(carrier, asked)
        except CarrierCannot:
            async with self._database.transaction() as tx:
                await tracking.never_ask(tx, asked)
            return
        except Fault as problem:
            # They are asked about again in an hour; the carrier's pause is kept by all of them.
            log.warning("a carrier does not tell", account=str(account_id), code=problem.code, wait=problem.retry_after)
            if problem.remedy is Remedy.MERCHANT:
                async with self._database.transaction() as tx:
                    await tracking.accounts.tell_problem(tx, account_id, problem.detail)
            return
        async with self._database.transaction() as tx:
            await tracking.polled(tx, account_id, asked, updates)
            await tracking.accounts.tell_problem(tx, account_id, "")

    async def _told(self, carrier: CarrierConnector, asked: Sequence[Poll]) -> list[TrackingUpdate]:
        size = max(1, carrier.info.track_at_once)
        updates: list[TrackingUpdate] = []
        for start in range(0, len(asked), size):
            waybills = [Waybill(one.tracking_number, one.service) for one in asked[start : start + size]]
            updates += await self._in_time(carrier.track(waybills), carrier)
        return updates


def address_of(place: Location) -> Address:
    """A location as carriers know it."""
    return Address(
        name=place.contact or place.name,
        company=place.name if place.contact else "",
        phone=place.phone,
        email=place.email,
        line1=place.line1,
        line2=place.line2,
        postcode=place.postcode,
        city=place.city,
        region=place.region,
        country=place.country,
        latitude=place.latitude,
        longitude=place.longitude,
    )


def _understood(one: Waiting, carrier: CarrierConnector) -> Understood:
    try:
        updates = carrier.read_webhook(one.body)
    except UnreadableWebhook as refused:
        return Understood(one.seq, one.account_id, problem=str(refused))
    return Understood(one.seq, one.account_id, [_bounded(update) for update in updates])


def _bounded(update: TrackingUpdate) -> TrackingUpdate:
    """What is dated far in the future is a slip of the carrier's: it would be the latest news for ever."""
    now = utcnow()
    sane = tuple(scan for scan in update.scans if (scan.at - now).days < 2)
    return update if len(sane) == len(update.scans) else replace(update, scans=sane, latest=None)
