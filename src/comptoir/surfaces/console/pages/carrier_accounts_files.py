"""Files of carriers that are not called: the parcels that they are told of, the scans that they send, and what is refused."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import islice
from pathlib import Path

from litestar.datastructures import UploadFile

from comptoir.connectors.carrierfile import FileCarrier
from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound, Refusal
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import ParcelId
from comptoir.modules.staff.contracts import Permission
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import Account, LabelFilter, LabelState, PurchasedLabel
from comptoir.runtime.database import Reader
from comptoir.sdk.carriers import LabelRequest
from comptoir.sdk.orderfiles import RejectedRow
from comptoir.sdk.tabular import open_table
from comptoir.sdk.tracking import TrackingUpdate
from comptoir.surfaces.carriage import file_carrier
from comptoir.surfaces.console.pages.carrier_accounts import FILES, HERE, account_href, account_id_of, account_text
from comptoir.surfaces.console.pages.import_words import advice_words
from comptoir.surfaces.console.web import Answer, Area, Visit
from comptoir.surfaces.sending import described

area = Area("settings")

_BATCH = 500
_MOST_BYTES = 10_000_000
_MOST_PARCELS = 500
"""Of one day and one account."""
_SHOWN = 50
"""So many refused rows are named."""


@dataclass(slots=True)
class Outcome:
    """What came of a file."""

    rows: int = 0
    news: int = 0
    """Parcels of which something new was said."""
    rejected: int = 0
    first: list[RejectedRow] | None = None


async def _account(visit: Visit) -> tuple[Account, FileCarrier]:
    async with visit.read() as reader:
        account = await tracking.accounts.get(reader, account_id_of(visit))
        known = await tracking.accounts.credentials(reader, visit.console.keyring, account.id)
    if account.connector != FILES:
        raise NotFound(kind="page", id="file")
    return account, file_carrier(known)


@area.get(HERE + "/{account_id:str}/file", Permission.ROUTING_WRITE)
async def ask_file(visit: Visit) -> Answer:
    account, _ = await _account(visit)
    return _page(visit, account)


def _page(visit: Visit, account: Account, outcome: Outcome | None = None, refused: str = "") -> Answer:
    return visit.respond(
        "carrier_accounts/file.html",
        status=422 if refused else 200,
        account=account,
        href=account_href(account.id),
        outcome=outcome,
        rejected=[] if outcome is None else outcome.first or [],
        more=0 if outcome is None else max(0, outcome.rejected - _SHOWN),
        refused=refused,
        today=visit.page.now.astimezone(visit.page.zone).date().isoformat(),
        advice_words=partial(advice_words, visit),
    )


@area.post(HERE + "/{account_id:str}/file", Permission.ROUTING_WRITE)
async def read_file(visit: Visit) -> Answer:
    """Each scan counts once: the same file again changes nothing."""
    account, carrier = await _account(visit)
    given = visit.files.get("file") or ()
    if not given or not given[0].filename:
        return _page(visit, account, refused=visit.say(N_("Choose a file.")))
    content = await _content(given[0])
    if len(content) > _MOST_BYTES:
        return _page(visit, account, refused=visit.say(N_("The file is too large: at most 10 MB.")))
    outcome = Outcome(first=[])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"scans{Path(given[0].filename).suffix[:10] or '.csv'}"
        await asyncio.to_thread(path.write_bytes, content)
        try:
            rows = await asyncio.to_thread(lambda: carrier.scans(open_table(path)))
            while batch := await asyncio.to_thread(_next, rows):
                await _take(visit, account, batch, outcome)
        except Refusal as refusal:
            return _page(visit, account, outcome if outcome.rows else None, visit.refusal(refusal))
    async with visit.database.transaction(visit.context) as tx:
        data = {"file": given[0].filename[:200], "rows": outcome.rows, "news": outcome.news, "rejected": outcome.rejected}
        await visit.record(tx, "carrier_account.file_read", account_text(account.id), data)
    return _page(visit, account, outcome)


# What the carrier is told


@area.get(HERE + "/{account_id:str}/parcels.csv", Permission.EXPORT)
async def parcels_file(visit: Visit) -> Answer:
    """The parcels of a day, as its labels were printed: `reference` is the number that stands on them in bars."""
    account, carrier = await _account(visit)
    now = visit.page.now.astimezone(visit.page.zone)
    start = visit.day("on") or now.replace(hour=0, minute=0, second=0, microsecond=0)
    wanted = LabelFilter(
        states=(LabelState.BOUGHT,),
        account_id=account.id,
        created_from=start,
        created_before=start + timedelta(days=1),
    )
    async with visit.read() as reader:
        labels = [label async for label in tracking.labels.stream(reader, wanted, sort="created")]
        told = [request for label in labels[:_MOST_PARCELS] for request in await _as_told(reader, label)]
    content = await asyncio.to_thread(carrier.export, told)
    answer = visit.file(f"{account.name}-{start:%Y-%m-%d}.csv", content, "text/csv; charset=utf-8")
    async with visit.database.transaction(visit.context) as tx:
        data = {"on": f"{start:%Y-%m-%d}", "parcels": len(told)}
        await visit.record(tx, "carrier_account.parcels_given", account_text(account.id), data)
    return answer


async def _as_told(reader: Reader, label: PurchasedLabel) -> list[LabelRequest]:
    """None for a box that was opened since."""
    found = await fulfilment.some_parcels(reader, [ParcelId(label.subject_id)])
    if not found:
        return []
    one = await fulfilment.get(reader, found[0].fulfilment_id)
    box = await described(reader, one, found[0], found[0].weight or 1)
    return [LabelRequest(reference=label.tracking_number, shipment=box.shipment, service=label.service)]


async def _content(file: UploadFile) -> bytes:
    return await file.read(_MOST_BYTES + 1)


def _next(rows: Iterator[TrackingUpdate | RejectedRow]) -> list[TrackingUpdate | RejectedRow]:
    return list(islice(rows, _BATCH))


async def _take(visit: Visit, account: Account, batch: Sequence[TrackingUpdate | RejectedRow], outcome: Outcome) -> None:
    updates = [row for row in batch if isinstance(row, TrackingUpdate)]
    rejected = [row for row in batch if isinstance(row, RejectedRow)]
    async with visit.database.transaction(visit.context) as tx:
        outcome.news += await tracking.apply(tx, account.id, updates)
    outcome.rows += len(batch)
    outcome.rejected += len(rejected)
    if outcome.first is not None:
        outcome.first += rejected[: _SHOWN - len(outcome.first)]
