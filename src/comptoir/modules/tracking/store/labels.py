"""The SQL of labels and pickups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import TupleRow

from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.tracking.contracts import AccountId, Cost, LabelFilter, LabelId, LabelState, PurchasedLabel, ServiceUsed
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Key, KeyKind, Listing, Where, sorts, storable
from comptoir.sdk.carriers import LabelFormat

_PLAIN = (
    "id", "reference", "account_id", "subject_id", "order_id", "state", "service", "format", "attempts", "problem",
    "problem_code", "tracking_number", "tracking_url", "shipment_ref", "carrier", "url", "cost", "currency", "manifest_ref",
    "created_at", "created_by", "bought_at", "voided_at", "busy_until", "version", "is_return",
)  # fmt: skip
_COLUMNS = ", ".join(_PLAIN) + ", document IS NOT NULL"
_CHANGEABLE = frozenset(
    {
        "state", "request", "attempts", "problem", "problem_code", "tracking_number", "tracking_url", "shipment_ref", "carrier",
        "url", "document", "cost", "currency", "manifest_ref", "bought_at", "voided_at", "busy_until",
    }
)  # fmt: skip


def _label(row: TupleRow) -> PurchasedLabel:
    values: dict[str, Any] = dict(zip((*_PLAIN, "has_document"), row, strict=True))
    values |= {"state": LabelState(values["state"]), "format": LabelFormat(values["format"])}
    return PurchasedLabel(**values)


LISTING = Listing(
    _COLUMNS,
    "tracking.labels",
    _label,
    sorts(("created", [Key("created_at", KeyKind.INSTANT), Key("id", KeyKind.ID)])),
)


def where(wanted: LabelFilter) -> Where:
    found = Where()
    if wanted.states:
        found.add("state = ANY(%(states)s::text[])", states=[state.value for state in wanted.states])
    found.equal("account_id", wanted.account_id)
    found.equal("carrier", wanted.carrier or None)
    found.equal("order_id", wanted.order_id)
    if wanted.created_from is not None:
        found.add("created_at >= %(created_from)s", created_from=wanted.created_from)
    if wanted.created_before is not None:
        found.add("created_at < %(created_before)s", created_before=wanted.created_before)
    text = storable(wanted.search).strip()
    found.begins("tracking_number", text, ways=["reference = %(reference)s"], reference=text)
    return found


async def costs(reader: Reader, since: datetime, until: datetime | None) -> list[Cost]:
    rows = await reader.rows(
        "SELECT currency, count(*), sum(cost)::bigint FROM tracking.labels WHERE created_at >= %(since)s "
        "AND (%(until)s::timestamptz IS NULL OR created_at < %(until)s) AND state = 'bought' AND cost IS NOT NULL "
        "GROUP BY currency ORDER BY sum(cost) DESC",
        {"since": since, "until": until},
    )
    return [Cost(*row) for row in rows]


async def services(reader: Reader, account_id: AccountId, since: datetime) -> list[ServiceUsed]:
    rows = await reader.rows(
        "SELECT carrier, service, currency, count(*), coalesce(sum(cost), 0)::bigint FROM tracking.labels "
        "WHERE account_id = %(account)s AND created_at >= %(since)s AND state = 'bought' "
        "GROUP BY carrier, service, currency ORDER BY count(*) DESC, carrier, service",
        {"account": account_id, "since": since},
    )
    return [ServiceUsed(*row) for row in rows]


async def insert(
    tx: Tx,
    label_id: LabelId,
    reference: str,
    account_id: AccountId,
    subject_id: UUID,
    order_id: OrderId,
    service: str,
    label_format: LabelFormat,
    request: bytes,
    busy_until: datetime,
    *,
    is_return: bool = False,
) -> bool:
    """Whether it is the first: a box has one label that counts."""
    return bool(
        await tx.run(
            "INSERT INTO tracking.labels (id, reference, account_id, subject_id, order_id, state, service, format, request, "
            "problem_code, tracking_number, shipment_ref, carrier, currency, manifest_ref, created_at, created_by, busy_until, "
            "is_return) "
            "VALUES (%(id)s, %(reference)s, %(account)s, %(subject)s, %(order)s, 'asked', %(service)s, %(format)s, "
            "%(request)s, '', '', '', '', '', '', %(now)s, %(actor)s, %(busy)s, %(is_return)s) "
            "ON CONFLICT (subject_id) WHERE state NOT IN ('refused', 'voided') DO NOTHING",
            {
                "id": label_id,
                "reference": reference,
                "account": account_id,
                "subject": subject_id,
                "order": order_id,
                "service": service,
                "format": label_format.value,
                "request": request,
                "now": tx.now,
                "actor": tx.actor,
                "busy": busy_until,
                "is_return": is_return,
            },
        )
    )


async def lock(tx: Tx, label_id: LabelId) -> PurchasedLabel | None:
    row = await tx.row(f"SELECT {_COLUMNS} FROM tracking.labels WHERE id = %(id)s FOR UPDATE", {"id": label_id})
    return None if row is None else _label(row)


async def get(reader: Reader, label_id: LabelId) -> PurchasedLabel | None:
    row = await reader.row(f"SELECT {_COLUMNS} FROM tracking.labels WHERE id = %(id)s", {"id": label_id})
    return None if row is None else _label(row)


async def of_subject(tx: Tx, subject_id: UUID) -> PurchasedLabel | None:
    """The one that counts, locked."""
    row = await tx.row(
        f"SELECT {_COLUMNS} FROM tracking.labels WHERE subject_id = %(id)s AND state NOT IN ('refused', 'voided') FOR UPDATE",
        {"id": subject_id},
    )
    return None if row is None else _label(row)


async def of_subjects(reader: Reader, ids: Sequence[UUID]) -> list[PurchasedLabel]:
    rows = await reader.rows(
        f"SELECT {_COLUMNS} FROM tracking.labels WHERE subject_id = ANY(%(ids)s::uuid[]) ORDER BY created_at, id",
        {"ids": list(ids)},
    )
    return [_label(row) for row in rows]


async def by_number(reader: Reader, numbers: Sequence[str]) -> dict[str, PurchasedLabel]:
    rows = await reader.rows(
        f"SELECT {_COLUMNS} FROM tracking.labels WHERE tracking_number = ANY(%(numbers)s::text[]) AND tracking_number <> '' "
        "ORDER BY created_at",
        {"numbers": list(numbers)},
    )
    return {label.tracking_number: label for label in map(_label, rows)}


async def lock_of(tx: Tx, ids: Sequence[UUID]) -> None:
    """All labels of these boxes, in key order."""
    await tx.rows(
        "SELECT id FROM tracking.labels WHERE subject_id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE", {"ids": list(ids)}
    )


async def given_out(reader: Reader, since: datetime) -> dict[str, int]:
    rows = await reader.rows(
        "SELECT carrier, count(*) FROM tracking.labels WHERE state = 'bought' AND bought_at >= %(since)s GROUP BY carrier",
        {"since": since},
    )
    return {carrier: int(count) for carrier, count in rows}


async def unsettled(tx: Tx, before: datetime, limit: int) -> list[LabelId]:
    """Labels that nobody is asking for and of which we do not know how it ended."""
    rows = await tx.rows(
        "SELECT id FROM tracking.labels WHERE (state IN ('unknown', 'voiding') OR (state = 'asked' AND problem_code = '')) "
        "AND (busy_until IS NULL OR busy_until < %(now)s) AND created_at < %(before)s "
        "ORDER BY created_at LIMIT %(limit)s",
        {"now": tx.now, "before": before, "limit": limit},
    )
    return [LabelId(row[0]) for row in rows]


async def request_of(reader: Reader, label_id: LabelId) -> bytes | None:
    return await reader.value("SELECT request FROM tracking.labels WHERE id = %(id)s", {"id": label_id})


async def document(reader: Reader, label_id: LabelId) -> bytes | None:
    return await reader.value("SELECT document FROM tracking.labels WHERE id = %(id)s", {"id": label_id})


async def put(tx: Tx, label_id: LabelId, values: Mapping[str, object]) -> None:
    assert _CHANGEABLE.issuperset(values), "these columns never change"
    clean = {name: storable(value) if isinstance(value, str) else value for name, value in values.items()}
    await tx.run(
        f"UPDATE tracking.labels SET {', '.join(f'{name} = %({name})s' for name in clean)}, version = version + 1 "
        "WHERE id = %(id)s",
        clean | {"id": label_id},
    )
