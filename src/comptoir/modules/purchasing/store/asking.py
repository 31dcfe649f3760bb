"""How suppliers are asked: their terms, what things cost there, and the letters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from psycopg.rows import TupleRow

from comptoir.kernel.ids import uuid7
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.purchasing.contracts import Article, Letter, LetterId, LetterKind, LetterState, PurchaseId, Terms
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Key, Listing, Where, sorts

_TERMS = "location_id, email, locale, currency, answer_within, remind_after"
_LETTER = "id, purchase_id, kind, revision, state, attempts, problem, created_at, next_at, sent_at"


def _terms(row: TupleRow) -> Terms:
    location_id, email, locale, currency, answer_within, remind_after = row
    return Terms(
        location_id=LocationId(location_id),
        email=email,
        locale=locale,
        currency=currency,
        answer_within=answer_within,
        remind_after=remind_after,
    )


async def terms(reader: Reader, ids: Sequence[LocationId]) -> dict[LocationId, Terms]:
    """Of those that somebody has set."""
    rows = await reader.rows(
        f"SELECT {_TERMS} FROM purchasing.terms WHERE location_id = ANY(%(ids)s::uuid[])", {"ids": arrays.uuids(ids)}
    )
    return {one.location_id: one for one in map(_terms, rows)}


async def put_terms(tx: Tx, terms: Terms) -> None:
    await tx.run(
        f"""
        INSERT INTO purchasing.terms ({_TERMS})
        VALUES (%(location)s, %(email)s, %(locale)s, %(currency)s, %(answer)s, %(remind)s)
        ON CONFLICT (location_id) DO UPDATE SET email = excluded.email, locale = excluded.locale, currency = excluded.currency,
          answer_within = excluded.answer_within, remind_after = excluded.remind_after""",
        {
            "location": terms.location_id,
            "email": terms.email,
            "locale": terms.locale,
            "currency": terms.currency,
            "answer": terms.answer_within,
            "remind": terms.remind_after,
        },
    )


def _article(row: TupleRow) -> Article:
    sku, supplier_sku, cost = row
    return Article(sku=sku, supplier_sku=supplier_sku, cost=cost)


ARTICLES = Listing("sku, supplier_sku, cost", "purchasing.articles", _article, sorts(("sku", [Key("sku")])))


def articles_of(location_id: LocationId) -> Where:
    where = Where()
    where.equal("location_id", location_id)
    return where


async def articles(reader: Reader, location_id: LocationId, skus: Sequence[str]) -> dict[str, Article]:
    rows = await reader.rows(
        "SELECT sku, supplier_sku, cost FROM purchasing.articles "
        "WHERE location_id = %(location)s AND sku = ANY(%(skus)s::text[])",
        {"location": location_id, "skus": arrays.texts(skus)},
    )
    return {one.sku: one for one in map(_article, rows)}


async def put_articles(tx: Tx, location_id: LocationId, rows: Sequence[Article]) -> None:
    await tx.run(
        """
        INSERT INTO purchasing.articles (location_id, sku, supplier_sku, cost)
        SELECT %(location)s, * FROM unnest(%(skus)s::text[], %(names)s::text[], %(costs)s::bigint[])
        ON CONFLICT (location_id, sku) DO UPDATE SET supplier_sku = excluded.supplier_sku, cost = excluded.cost""",
        {
            "location": location_id,
            "skus": arrays.texts([one.sku for one in rows]),
            "names": arrays.texts([one.supplier_sku for one in rows]),
            "costs": [one.cost for one in rows],
        },
    )


# Letters


def _letter(row: TupleRow) -> Letter:
    key, purchase_id, kind, revision, state, attempts, problem, created_at, next_at, sent_at = row
    return Letter(
        id=LetterId(key),
        purchase_id=PurchaseId(purchase_id),
        kind=LetterKind(kind),
        revision=revision,
        state=LetterState(state),
        attempts=attempts,
        problem=problem,
        created_at=created_at,
        next_at=next_at,
        sent_at=sent_at,
    )


async def insert_letter(tx: Tx, purchase_id: PurchaseId, kind: LetterKind, revision: int) -> None:
    """What has not gone out yet and says less is not sent any more."""
    await tx.run(
        """
        WITH before AS (
          UPDATE purchasing.letters SET state = 'failed', next_at = NULL, problem = 'overtaken'
          WHERE purchase_id = %(purchase)s AND state = 'pending'
        )
        INSERT INTO purchasing.letters (id, purchase_id, kind, revision, state, created_at, next_at)
        VALUES (%(id)s, %(purchase)s, %(kind)s, %(revision)s, 'pending', %(now)s, %(now)s)""",
        {"id": uuid7(), "purchase": purchase_id, "kind": kind, "revision": revision, "now": tx.now},
    )


async def letters(reader: Reader, purchase_id: PurchaseId) -> list[Letter]:
    """The oldest first."""
    rows = await reader.rows(
        f"SELECT {_LETTER} FROM purchasing.letters WHERE purchase_id = %(id)s ORDER BY created_at, id", {"id": purchase_id}
    )
    return [_letter(row) for row in rows]


async def claim(tx: Tx, limit: int, lease: datetime) -> list[Letter]:
    """What is due, which nobody else sends until the lease ends."""
    rows = await tx.rows(
        f"""
        UPDATE purchasing.letters l SET next_at = %(lease)s, attempts = l.attempts + 1
        FROM (SELECT id AS due FROM purchasing.letters WHERE state = 'pending' AND next_at <= %(now)s
              ORDER BY next_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED) d
        WHERE l.id = d.due
        RETURNING {_LETTER}""",
        {"now": tx.now, "limit": limit, "lease": lease},
    )
    return [_letter(row) for row in rows]


async def settle_letter(
    tx: Tx, letter_id: LetterId, lease: datetime, state: LetterState, next_at: datetime | None, problem: str
) -> bool:
    """Whether it was still ours."""
    return bool(
        await tx.run(
            "UPDATE purchasing.letters SET state = %(state)s, next_at = %(next)s, problem = %(problem)s, "
            "sent_at = CASE WHEN %(state)s = 'sent' THEN %(now)s::timestamptz END "
            "WHERE id = %(id)s AND state = 'pending' AND next_at = %(lease)s",
            {"id": letter_id, "state": state, "next": next_at, "problem": problem, "now": tx.now, "lease": lease},
        )
    )
