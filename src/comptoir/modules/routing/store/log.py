"""The decision log's SQL."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from hashlib import blake2b
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import msgspec
from psycopg.rows import TupleRow

from comptoir.modules.carriers.contracts import CarrierServiceDraft
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.routing.contracts import DecisionId, DecisionKind, Job, Logged, Parcel, Pick, RuleSetId, Run, Site
from comptoir.modules.routing.domain.network import Network
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx

_KEEP_NETWORK = """
INSERT INTO routing.networks (digest, content, at) VALUES (%(digest)s, %(content)s, %(now)s) ON CONFLICT (digest) DO NOTHING"""

_NETWORK_ID = "SELECT id FROM routing.networks WHERE digest = %(digest)s"

_KEEP_BASIS = """
INSERT INTO routing.bases (rule_set_id, version, network_id) VALUES (%(rule_set)s, %(version)s, %(network)s)
ON CONFLICT DO NOTHING"""

_BASIS_ID = """
SELECT id FROM routing.bases
WHERE rule_set_id IS NOT DISTINCT FROM %(rule_set)s AND version = %(version)s AND network_id = %(network)s"""

_RECORD = """
INSERT INTO routing.decisions (id, order_id, kind, at, actor, basis_id, seen, job, before, outcome, load)
SELECT id, order_id, kind, at, actor, basis, coalesce(nullif(seen, 0)::text::xid8, pg_current_xact_id()), job::jsonb,
  before::jsonb, outcome::jsonb, load::jsonb
FROM unnest(%(ids)s::uuid[], %(orders)s::uuid[], %(kinds)s::text[], %(bases)s::int[], %(seen)s::bigint[], %(jobs)s::text[],
    %(befores)s::text[], %(outcomes)s::text[], %(loads)s::text[], %(actors)s::text[], %(ats)s::timestamptz[])
  AS d (id, order_id, kind, basis, seen, job, before, outcome, load, actor, at)"""

_LOGGED = """
SELECT d.id, d.order_id, d.kind, d.at, d.actor, d.job, d.before, d.outcome, b.rule_set_id, b.version, d.load,
  d.seen::text::bigint, b.network_id
FROM routing.decisions d JOIN routing.bases b ON b.id = d.basis_id"""


class Content(msgspec.Struct, frozen=True):
    """A network as it is kept."""

    sites: tuple[Site, ...]
    services: tuple[CarrierServiceDraft, ...]
    slack: Mapping[str, int] = {}


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True):
    parcels: tuple[Parcel, ...]
    lacking: tuple[tuple[int, int], ...]
    run: Run | None = None


class Row(msgspec.Struct, frozen=True):
    """A decision to be. `seen` is the transaction before which it looked; 0 for the present one."""

    id: DecisionId
    order_id: UUID
    kind: DecisionKind
    basis: int
    seen: int
    job: Job
    before: tuple[Pick, ...]
    outcome: Outcome
    load: Mapping[LocationId, int]
    actor: str
    at: datetime


class Found(msgspec.Struct, frozen=True):
    """A decision with what finding its inputs takes."""

    logged: Logged
    seen: int
    network_id: int


_encode = msgspec.json.Encoder().encode
_SERVICE = [one.name for one in fields(CarrierServiceDraft)]


_digests: WeakKeyDictionary[Network, str] = WeakKeyDictionary()


def packed(network: Network) -> bytes:
    services = tuple([CarrierServiceDraft(**{name: getattr(one, name) for name in _SERVICE}) for one in network.services])
    return zlib.compress(_encode(Content(network.sites, services, network.slack)))


async def keep_network(tx: Tx, network: Network) -> int:
    """The number by which it is known from now on; the same for one that is equal."""
    digest = _digests.get(network)
    content = b""
    if digest is None:
        content = packed(network)
        digest = _digests[network] = blake2b(content, digest_size=16).hexdigest()
    known = await tx.value(_NETWORK_ID, {"digest": digest})
    if known is None:
        await tx.run(_KEEP_NETWORK, {"digest": digest, "content": content or packed(network), "now": tx.now})
        known = await tx.value(_NETWORK_ID, {"digest": digest})
    return int(known)


async def keep_basis(tx: Tx, rule_set: RuleSetId | None, version: int, network_id: int) -> int:
    params = {"rule_set": rule_set, "version": version, "network": network_id}
    known = await tx.value(_BASIS_ID, params)
    if known is None:
        await tx.run(_KEEP_BASIS, params)
        known = await tx.value(_BASIS_ID, params)
    return int(known)


async def record(tx: Tx, rows: Sequence[Row]) -> None:
    await tx.run(
        _RECORD,
        {
            "ids": arrays.uuids([row.id for row in rows]),
            "orders": arrays.uuids([row.order_id for row in rows]),
            "kinds": arrays.texts([row.kind for row in rows]),
            "bases": arrays.int4s([row.basis for row in rows]),
            "seen": arrays.int8s([row.seen for row in rows]),
            "jobs": arrays.raw_texts([_encode(row.job) for row in rows]),
            "befores": arrays.raw_texts([_encode(row.before) for row in rows]),
            "outcomes": arrays.raw_texts([_encode(row.outcome) for row in rows]),
            "loads": arrays.optional_raw_texts([_encode(row.load) if row.load else None for row in rows]),
            "actors": arrays.texts([row.actor for row in rows]),
            "ats": [row.at for row in rows],
        },
    )


def _found(row: TupleRow) -> Found:
    outcome = msgspec.convert(row[7], Outcome, strict=False)
    logged = Logged(
        id=DecisionId(row[0]),
        order_id=row[1],
        kind=DecisionKind(row[2]),
        at=row[3],
        actor=row[4],
        job=msgspec.convert(row[5], Job, strict=False),
        before=msgspec.convert(row[6], tuple[Pick, ...], strict=False),
        parcels=outcome.parcels,
        lacking=outcome.lacking,
        rule_set_id=row[8],
        version=row[9],
        load=msgspec.convert(row[10] or {}, dict[LocationId, int], strict=False),
        run=outcome.run,
    )
    return Found(logged, row[11], row[12])


async def of_order(reader: Reader, order_id: UUID) -> list[Found]:
    """The latest first."""
    rows = await reader.rows(f"{_LOGGED} WHERE d.order_id = %(order)s ORDER BY d.at DESC, d.id DESC", {"order": order_id})
    return [_found(row) for row in rows]


async def get(reader: Reader, decision_id: DecisionId) -> Found | None:
    row = await reader.row(f"{_LOGGED} WHERE d.id = %(id)s", {"id": decision_id})
    return None if row is None else _found(row)


async def network(reader: Reader, network_id: int) -> Network:
    content: Any = await reader.value("SELECT content FROM routing.networks WHERE id = %(id)s", {"id": network_id})
    kept = msgspec.json.decode(zlib.decompress(content), type=Content)
    return Network(kept.sites, kept.services, kept.slack)
