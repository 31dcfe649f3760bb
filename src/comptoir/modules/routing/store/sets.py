"""All the SQL of routing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from psycopg.rows import TupleRow

from comptoir.kernel.ids import uuid7
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.routing.contracts import (
    KeptSettings,
    Rules,
    RuleSet,
    RuleSetDraft,
    RuleSetId,
    RuleSetState,
    RuleSetVersion,
    SiteSettings,
)
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Key, KeyKind, Listing, Where, sorts

_FIELDS = ("code", "name", "position", "share", "rules")
_READ = ("id", "state", "version", "created_at", "updated_at", *_FIELDS)
_COLUMNS = ", ".join(_READ)

_KEEP_VERSION = """
INSERT INTO routing.rule_set_versions (rule_set_id, version, rules, at, actor, state, code, name, position, share)
SELECT id, version, rules, %(now)s, %(actor)s, state, code, name, position, share FROM written"""

_INSERT = f"""
WITH written AS (
  INSERT INTO routing.rule_sets (id, state, created_at, updated_at, {", ".join(_FIELDS)})
  VALUES (%(id)s, 'draft', %(now)s, %(now)s, {", ".join(f"%({name})s" for name in _FIELDS)})
  ON CONFLICT (code) DO NOTHING
  RETURNING {_COLUMNS}
), kept AS ({_KEEP_VERSION})
SELECT {_COLUMNS} FROM written"""

_UPDATE = f"""
WITH written AS (
  UPDATE routing.rule_sets
  SET {", ".join(f"{name} = %({name})s" for name in _FIELDS)}, version = version + 1, updated_at = %(now)s
  WHERE id = %(id)s AND state <> 'retired' AND (%(version)s::int IS NULL OR version = %(version)s)
  RETURNING {_COLUMNS}
), kept AS ({_KEEP_VERSION})
SELECT {_COLUMNS} FROM written"""

_MOVE = f"""
WITH written AS (
  UPDATE routing.rule_sets SET state = %(state)s, version = version + 1, updated_at = %(now)s
  WHERE id = %(id)s AND state = ANY(%(from)s::text[]) AND (%(version)s::int IS NULL OR version = %(version)s)
  RETURNING {_COLUMNS}
), kept AS ({_KEEP_VERSION})
SELECT {_COLUMNS} FROM written"""

_SAID = "rule_set_id, version, rules, at, actor, state, code, name, position, share"

_PUT_SITES = """
INSERT INTO routing.sites AS s (location_id, pick_cost, pack_cost, cut_off, preparation, works, updated_at)
SELECT location_id, pick_cost, pack_cost, cut_off, preparation, works, %(now)s
FROM jsonb_to_recordset(%(rows)s::jsonb) AS input (
  location_id uuid, pick_cost bigint, pack_cost bigint, cut_off int, preparation int, works boolean[])
ORDER BY location_id
ON CONFLICT (location_id) DO UPDATE
SET pick_cost = excluded.pick_cost, pack_cost = excluded.pack_cost, cut_off = excluded.cut_off,
  preparation = excluded.preparation, works = excluded.works, updated_at = excluded.updated_at, version = s.version + 1"""

_SITES = """
SELECT location_id, pick_cost, pack_cost, cut_off, preparation, works FROM routing.sites
WHERE location_id = ANY(%(locations)s::uuid[])"""

_SITE = "location_id, pick_cost, pack_cost, cut_off, preparation, works, version"

_PUT_SITE = f"""
INSERT INTO routing.sites AS s (location_id, pick_cost, pack_cost, cut_off, preparation, works, updated_at)
SELECT %(location_id)s, %(pick_cost)s, %(pack_cost)s, %(cut_off)s, %(preparation)s, %(works)s, %(now)s
WHERE coalesce(%(version)s::int, 0) = 0 OR EXISTS (SELECT FROM routing.sites WHERE location_id = %(location_id)s)
ON CONFLICT (location_id) DO UPDATE
SET pick_cost = excluded.pick_cost, pack_cost = excluded.pack_cost, cut_off = excluded.cut_off,
  preparation = excluded.preparation, works = excluded.works, updated_at = excluded.updated_at, version = s.version + 1
WHERE %(version)s::int IS NULL OR s.version = %(version)s
RETURNING {_SITE}"""

_STAMP = """
SELECT coalesce((SELECT sum(version) FROM routing.rule_sets), 0) + coalesce((SELECT sum(version) FROM routing.sites), 0)
  + coalesce((SELECT sum(version) FROM routing.lessons), 0) + coalesce((SELECT sum(version) FROM routing.schedules), 0)"""
"""None is ever deleted and every change adds to a version, so that what is committed has a sum of its own."""

_encode = msgspec.json.Encoder().encode


def _rules(value: object) -> Rules:
    return msgspec.convert(value, Rules, strict=False)


def _rule_set(row: TupleRow) -> RuleSet:
    fields: dict[str, Any] = dict(zip(_READ, row, strict=True))
    fields["state"] = RuleSetState(fields["state"])
    fields["rules"] = _rules(fields["rules"])
    return RuleSet(**fields)


def _params(tx: Tx, draft: RuleSetDraft) -> dict[str, object]:
    plain: dict[str, object] = {name: getattr(draft, name) for name in _FIELDS}
    return plain | {"rules": _encode(draft.rules).decode(), "now": tx.now, "actor": tx.actor}


LISTING = Listing(
    _COLUMNS,
    "routing.rule_sets",
    _rule_set,
    sorts(("position", [Key("position", KeyKind.INTEGER), Key("code")]), ("code", [Key("code")])),
)


def _version(row: TupleRow) -> RuleSetVersion:
    rule_set_id, number, rules, at, actor, state, *rest = row
    return RuleSetVersion(rule_set_id, number, _rules(rules), at, actor, RuleSetState(state), *rest)


VERSIONS = Listing(_SAID, "routing.rule_set_versions", _version, sorts(("version", [Key("version", KeyKind.INTEGER)])))
"""Of one rule set at a time."""


def where(state: RuleSetState | None, search: str, *, retired: bool) -> Where:
    where = Where()
    where.search(search, "name", code="code")
    where.equal("state", state)
    if not retired:
        where.add("state <> 'retired'")
    return where


def of_rule_set(rule_set_id: RuleSetId, number: int | None = None) -> Where:
    where = Where()
    where.equal("rule_set_id", rule_set_id)
    where.equal("version", number)
    return where


async def insert(tx: Tx, draft: RuleSetDraft) -> RuleSet | None:
    """None when another rule set has the code."""
    row = await tx.row(_INSERT, _params(tx, draft) | {"id": uuid7()})
    return None if row is None else _rule_set(row)


async def update(tx: Tx, rule_set_id: RuleSetId, draft: RuleSetDraft, version: int | None) -> RuleSet | None:
    """None when there is none with this id and version that is not retired."""
    row = await tx.row(_UPDATE, _params(tx, draft) | {"id": rule_set_id, "version": version})
    return None if row is None else _rule_set(row)


async def move(
    tx: Tx, rule_set_id: RuleSetId, state: RuleSetState, before: Sequence[RuleSetState], version: int | None
) -> RuleSet | None:
    """None when there is none with this id and version in one of the states before."""
    params = {"id": rule_set_id, "state": state, "from": arrays.texts(before), "version": version}
    row = await tx.row(_MOVE, params | {"now": tx.now, "actor": tx.actor})
    return None if row is None else _rule_set(row)


async def get(reader: Reader, rule_set_id: RuleSetId) -> RuleSet | None:
    row = await reader.row(f"SELECT {_COLUMNS} FROM routing.rule_sets WHERE id = %(id)s", {"id": rule_set_id})
    return None if row is None else _rule_set(row)


async def live(reader: Reader) -> list[RuleSet]:
    rows = await reader.rows(f"SELECT {_COLUMNS} FROM routing.rule_sets WHERE state = 'live' ORDER BY position, code")
    return [_rule_set(row) for row in rows]


async def version(reader: Reader, rule_set_id: RuleSetId, number: int) -> RuleSetVersion | None:
    wanted = of_rule_set(rule_set_id, number)
    row = await reader.row(f"SELECT {_SAID} FROM routing.rule_set_versions {wanted.sql}", wanted.params)
    return None if row is None else _version(row)


async def put_sites(tx: Tx, settings: Sequence[SiteSettings]) -> None:
    await tx.run(_PUT_SITES, {"rows": _encode(settings).decode(), "now": tx.now})


async def sites(reader: Reader, locations: Sequence[LocationId]) -> dict[LocationId, SiteSettings]:
    """Those that have settings of their own."""
    rows = await reader.rows(_SITES, {"locations": arrays.uuids(locations)})
    return {
        LocationId(row[0]): SiteSettings(
            location_id=LocationId(row[0]),
            pick_cost=row[1],
            pack_cost=row[2],
            cut_off=row[3],
            preparation=row[4],
            works=tuple(row[5]),
        )
        for row in rows
    }


async def put_site(tx: Tx, settings: SiteSettings, version: int | None) -> KeptSettings | None:
    """None where they have another version; 0 is that of settings that nobody has said."""
    params = {
        "location_id": settings.location_id,
        "pick_cost": settings.pick_cost,
        "pack_cost": settings.pack_cost,
        "cut_off": settings.cut_off,
        "preparation": settings.preparation,
        "works": list(settings.works),
        "version": version,
        "now": tx.now,
    }
    row = await tx.row(_PUT_SITE, params)
    return None if row is None else _kept(row)


async def site(reader: Reader, location_id: LocationId) -> KeptSettings | None:
    row = await reader.row(f"SELECT {_SITE} FROM routing.sites WHERE location_id = %(id)s", {"id": location_id})
    return None if row is None else _kept(row)


def _kept(row: TupleRow) -> KeptSettings:
    location_id, pick_cost, pack_cost, cut_off, preparation, works, version = row
    return KeptSettings(
        location_id=LocationId(location_id),
        pick_cost=pick_cost,
        pack_cost=pack_cost,
        cut_off=cut_off,
        preparation=preparation,
        works=tuple(works),
        version=version,
    )


async def stamp(reader: Reader) -> int:
    return int(await reader.value(_STAMP))
