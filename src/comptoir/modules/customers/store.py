"""All the SQL of customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg.rows import TupleRow

from comptoir.kernel.ids import uuid7
from comptoir.modules.customers import domain
from comptoir.modules.customers.contracts import (
    EMAIL,
    LOYALTY,
    PHONE,
    Customer,
    CustomerDraft,
    CustomerFilter,
    CustomerId,
    Identity,
)
from comptoir.modules.customers.domain import Owner
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Key, KeyKind, Listing, Where, sorts

_FIELDS = ("id", "name", "company", "locale", "tags", "version", "created_at", "updated_at")
_COLUMNS = ", ".join(f"c.{name}" for name in _FIELDS)
_WITH_IDENTITIES = f"""{_COLUMNS}, ARRAY(
  SELECT ARRAY[i.kind, i.value] FROM customers.identities i WHERE i.customer_id = c.id ORDER BY i.kind, i.value)"""

OWNERS = """
SELECT i.kind, i.value, c.id, c.created_at
FROM unnest(%(kinds)s::text[], %(values)s::text[]) AS k (kind, value)
JOIN customers.identities i ON i.kind = k.kind AND i.value = k.value
JOIN customers.customers c ON c.id = i.customer_id"""

INSERT = """
INSERT INTO customers.customers (id, name, company, locale, tags, created_at, updated_at)
SELECT id, name, company, locale, string_to_array(tags, E'\\x1f'), %(now)s, %(now)s
FROM unnest(%(ids)s::uuid[], %(names)s::text[], %(companies)s::text[], %(locales)s::text[], %(tags)s::text[])
  AS i (id, name, company, locale, tags)
ORDER BY id"""

ATTACH = """
INSERT INTO customers.identities (kind, value, customer_id, created_at)
SELECT kind, value, customer_id, %(now)s
FROM unnest(%(kinds)s::text[], %(values)s::text[], %(customers)s::uuid[]) AS i (kind, value, customer_id)
ORDER BY kind, value
ON CONFLICT (kind, value) DO NOTHING"""

FILL = """
UPDATE customers.customers AS c
SET name = CASE WHEN c.name = '' THEN i.name ELSE c.name END,
  company = CASE WHEN c.company = '' THEN i.company ELSE c.company END, version = c.version + 1, updated_at = %(now)s
FROM (
  SELECT i.*
  FROM unnest(%(ids)s::uuid[], %(names)s::text[], %(companies)s::text[]) AS i (id, name, company)
  JOIN customers.customers c USING (id)
  WHERE c.name = '' AND i.name <> '' OR c.company = '' AND i.company <> ''
  ORDER BY id
  FOR NO KEY UPDATE OF c
) AS i
WHERE c.id = i.id AND (c.name = '' AND i.name <> '' OR c.company = '' AND i.company <> '')
RETURNING c.id"""

UPDATE = """
UPDATE customers.customers
SET name = %(name)s, company = %(company)s, locale = %(locale)s, tags = %(tags)s, version = version + 1, updated_at = %(now)s
WHERE id = %(id)s AND (%(version)s::int IS NULL OR version = %(version)s)"""

ERASE = """
UPDATE customers.customers
SET name = '', company = '', locale = '', tags = '{}', version = version + 1, updated_at = %(now)s WHERE id = %(id)s"""


def _customer(row: TupleRow) -> Customer:
    *values, keys = row
    fields: dict[str, Any] = dict(zip(_FIELDS, values, strict=True))
    fields["tags"] = tuple(fields["tags"])
    return Customer(**fields, identities=tuple(Identity(kind, value) for kind, value in keys))


LISTING = Listing(
    _WITH_IDENTITIES,
    "customers.customers c",
    _customer,
    sorts(
        ("name", [Key("runtime.plain(c.name)"), Key("c.id", KeyKind.ID)]),
        ("created", [Key("c.created_at", KeyKind.INSTANT), Key("c.id", KeyKind.ID)]),
    ),
)


def where(wanted: CustomerFilter) -> Where:
    where = Where()
    keys = _possible(wanted.search, wanted.region)
    if wanted.search:
        known = """c.id IN (SELECT i.customer_id FROM unnest(%(kinds)s::text[], %(values)s::text[]) AS k (kind, value)
          JOIN customers.identities i ON i.kind = k.kind AND i.value = k.value)"""
        where.search(wanted.search, "c.name", ways=[known])
        where.params |= _keys(keys)
    if wanted.tag:
        where.add("%(tag)s = ANY(c.tags)", tag=wanted.tag)
    return where


def _possible(text: str, region: str) -> list[Identity]:
    """The keys that somebody may have typed into a search."""
    found: list[Identity] = []
    for kind in (EMAIL, PHONE, LOYALTY):
        try:
            found.append(domain.identity(kind, text, region))
        except ValueError:
            continue
    return found


def _keys(keys: Sequence[Identity]) -> dict[str, object]:
    return {"kinds": arrays.texts([key.kind for key in keys]), "values": arrays.texts([key.value for key in keys])}


async def owners(reader: Reader, keys: Sequence[Identity]) -> dict[Identity, Owner]:
    rows = await reader.rows(OWNERS, _keys(keys))
    return {Identity(kind, value): Owner(customer, since) for kind, value, customer, since in rows}


async def insert(tx: Tx, customers: Mapping[CustomerId, CustomerDraft]) -> None:
    drafts = list(customers.values())
    await tx.run(
        INSERT,
        {
            "now": tx.now,
            "ids": arrays.uuids(list(customers)),
            "names": arrays.texts([draft.name for draft in drafts]),
            "companies": arrays.texts([draft.company for draft in drafts]),
            "locales": arrays.texts([draft.locale for draft in drafts]),
            "tags": arrays.texts(["\x1f".join(draft.tags) for draft in drafts]),
        },
    )


async def attach(tx: Tx, keys: Mapping[Identity, CustomerId]) -> bool:
    """Whether all of them were free. It waits for transactions that are taking one of them."""
    params = _keys(list(keys)) | {"customers": arrays.uuids(list(keys.values())), "now": tx.now}
    return await tx.run(ATTACH, params) == len(keys)


async def fill(tx: Tx, customers: Mapping[CustomerId, CustomerDraft]) -> list[CustomerId]:
    """Fills empty names; gives those that changed."""
    drafts = list(customers.values())
    return await tx.values(
        FILL,
        {
            "now": tx.now,
            "ids": arrays.uuids(list(customers)),
            "names": arrays.texts([draft.name for draft in drafts]),
            "companies": arrays.texts([draft.company for draft in drafts]),
        },
    )


async def update(tx: Tx, customer_id: CustomerId, draft: CustomerDraft, version: int | None) -> bool:
    params = {
        "id": customer_id,
        "version": version,
        "now": tx.now,
        "name": draft.name,
        "company": draft.company,
        "locale": draft.locale,
        "tags": list(draft.tags),
    }
    return await tx.run(UPDATE, params) == 1


async def detach(tx: Tx, customer_id: CustomerId, key: Identity) -> bool:
    gone = await tx.run(
        "DELETE FROM customers.identities WHERE kind = %(kind)s AND value = %(value)s AND customer_id = %(customer)s",
        {"kind": key.kind, "value": key.value, "customer": customer_id},
    )
    return gone == 1


async def erase(tx: Tx, customer_id: CustomerId) -> None:
    await tx.run("DELETE FROM customers.identities WHERE customer_id = %(id)s", {"id": customer_id})
    await tx.run(ERASE, {"id": customer_id, "now": tx.now})


async def get(reader: Reader, customer_id: CustomerId) -> Customer | None:
    row = await reader.row(f"SELECT {_WITH_IDENTITIES} FROM customers.customers c WHERE c.id = %(id)s", {"id": customer_id})
    return None if row is None else _customer(row)


async def names(reader: Reader, ids: Sequence[CustomerId]) -> dict[CustomerId, str]:
    query = "SELECT id, coalesce(nullif(name, ''), company) FROM customers.customers WHERE id = ANY(%(ids)s)"
    return dict(await reader.rows(query, {"ids": arrays.uuids(ids)}))


def new_id() -> CustomerId:
    return CustomerId(uuid7())
