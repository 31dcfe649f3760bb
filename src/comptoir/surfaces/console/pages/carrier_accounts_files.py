"""Files of carriers that are not called: the scans that they send, row by row, and what could not be taken."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from litestar.datastructures import UploadFile

from comptoir.connectors.carrierfile import FileCarrier
from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound, Refusal
from comptoir.modules.staff.contracts import Permission
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import Account
from comptoir.sdk.orderfiles import RejectedRow
from comptoir.sdk.tabular import open_table
from comptoir.sdk.tracking import TrackingUpdate
from comptoir.surfaces.carriage import file_carrier
from comptoir.surfaces.console.pages.carrier_accounts import FILES, HERE, account_href, account_id_of, account_text
from comptoir.surfaces.console.pages.import_words import advice_words
from comptoir.surfaces.console.web import Answer, Area, Visit

area = Area("settings")

_BATCH = 500
_MOST_BYTES = 10_000_000
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
