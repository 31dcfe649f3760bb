"""All the SQL of imports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from comptoir.kernel.ids import uuid7
from comptoir.modules.imports.contracts import ImportKind, Rejection, Run, RunDraft, RunFilter, RunId, RunState
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Key, KeyKind, Listing, Where, sorts

LINES_PER_FILE = 10**12
"""The lines of a second file are numbered from here."""

_RUN = (
    "id, kind, layout, file_name, file_hash, options, state, dry_run, position, size, report, problem, actor, started_at, "
    "moved_at, finished_at"
)

_INSERT = f"""
INSERT INTO imports.runs (id, kind, layout, file_name, file_hash, options, state, dry_run, actor, started_at, moved_at)
VALUES (%(id)s, %(kind)s, %(layout)s, %(file_name)s, %(file_hash)s, %(options)s, 'waiting', %(dry_run)s, %(actor)s, %(now)s,
  %(now)s)
RETURNING {_RUN}"""

_SET_STATE = f"""
UPDATE imports.runs
SET state = %(state)s, problem = %(problem)s, moved_at = %(now)s, finished_at = %(finished_at)s
WHERE id = %(id)s
RETURNING {_RUN}"""

_ADVANCE = f"""
UPDATE imports.runs
SET position = %(to)s, size = %(size)s, layout = %(layout)s, report = %(report)s, moved_at = %(now)s
WHERE id = %(id)s AND position = %(from)s AND state = 'running'
RETURNING {_RUN}"""

_FORGET = f"""
UPDATE imports.runs SET position = 0, size = 0, report = '{{}}', moved_at = %(now)s WHERE id = %(id)s
RETURNING {_RUN}"""

_REJECT = """
INSERT INTO imports.rejected_rows (run_id, line, code, reason, advice, cells)
SELECT %(run)s, line, code, reason, advice, cells::jsonb
FROM unnest(%(lines)s::int8[], %(codes)s::text[], %(reasons)s::text[], %(advices)s::text[], %(cells)s::text[])
  AS e (line, code, reason, advice, cells)
ON CONFLICT DO NOTHING"""

_SAME_FILE = f"""
SELECT {_RUN} FROM imports.runs
WHERE file_hash = %(hash)s AND kind = %(kind)s AND NOT dry_run AND coalesce(options->>'channel', '') = %(channel)s
ORDER BY started_at DESC, id DESC
LIMIT 20"""

_CLAIM = """
INSERT INTO imports.adjustments (channel, external_id, run_id)
SELECT %(channel)s, external_id, %(run)s FROM unnest(%(ids)s::text[]) AS e (external_id)
ORDER BY external_id
ON CONFLICT DO NOTHING
RETURNING external_id"""

_encode = msgspec.json.Encoder().encode


def _run(row: TupleRow) -> Run:
    run_id, kind, layout, name, file_hash, options, state, dry, position, size, report, problem, actor, *times = row
    started_at, moved_at, finished_at = times
    return Run(
        id=RunId(run_id),
        kind=ImportKind(kind),
        layout=layout,
        file_name=name,
        file_hash=file_hash,
        options=options,
        state=RunState(state),
        dry_run=dry,
        position=position,
        size=size,
        report=report,
        problem=problem,
        actor=actor,
        started_at=started_at,
        moved_at=moved_at,
        finished_at=finished_at,
    )


def _rejection(row: TupleRow) -> Rejection:
    line, code, reason, advice, cells = row
    file, line = divmod(line, LINES_PER_FILE)
    return Rejection(line, code, reason, advice, dict(cells), file)


RUNS = Listing(
    _RUN,
    "imports.runs",
    _run,
    sorts(
        ("started", [Key("started_at", KeyKind.INSTANT), Key("id", KeyKind.ID)]),
        ("file", [Key("runtime.plain(file_name)"), Key("id", KeyKind.ID)]),
    ),
)
REJECTIONS = Listing(
    "line, code, reason, advice, cells",
    "imports.rejected_rows",
    _rejection,
    sorts(("line", [Key("line", KeyKind.INTEGER)])),
)


def where(wanted: RunFilter) -> Where:
    found = Where()
    found.search(wanted.search, "file_name")
    found.equal("kind", wanted.kind)
    found.equal("state", wanted.state)
    found.equal("dry_run", wanted.dry_run)
    return found


def rejections_of(run_id: RunId) -> Where:
    found = Where()
    found.equal("run_id", run_id)
    return found


async def insert(tx: Tx, draft: RunDraft) -> Run:
    row = await tx.row(
        _INSERT,
        {
            "id": uuid7(),
            "kind": draft.kind.value,
            "layout": draft.layout,
            "file_name": draft.file_name,
            "file_hash": draft.file_hash,
            "options": Jsonb(draft.options),
            "dry_run": draft.dry_run,
            "actor": tx.actor,
            "now": tx.now,
        },
    )
    assert row is not None
    return _run(row)


async def get(reader: Reader, run_id: RunId, *, lock: bool = False) -> Run | None:
    row = await reader.row(f"SELECT {_RUN} FROM imports.runs WHERE id = %(id)s{' FOR UPDATE' if lock else ''}", {"id": run_id})
    return None if row is None else _run(row)


async def set_state(tx: Tx, run_id: RunId, state: RunState, *, ended: bool, problem: str = "") -> Run:
    """The run must be locked."""
    row = await tx.row(
        _SET_STATE,
        {"id": run_id, "state": state.value, "problem": problem, "now": tx.now, "finished_at": tx.now if ended else None},
    )
    assert row is not None, "it is locked"
    return _run(row)


async def advance(tx: Tx, run: Run, position: int, size: int, layout: str, report: Mapping[str, object]) -> Run | None:
    """None when the run is not any more where the caller has last seen it."""
    row = await tx.row(
        _ADVANCE,
        {
            "id": run.id,
            "from": run.position,
            "to": position,
            "size": size,
            "layout": layout,
            "report": Jsonb(report),
            "now": tx.now,
        },
    )
    return None if row is None else _run(row)


async def forget(tx: Tx, run_id: RunId) -> Run:
    """How far it has come, and what was rejected. The run must be locked."""
    await tx.run("DELETE FROM imports.rejected_rows WHERE run_id = %(id)s", {"id": run_id})
    row = await tx.row(_FORGET, {"id": run_id, "now": tx.now})
    assert row is not None, "it is locked"
    return _run(row)


async def reject(tx: Tx, run_id: RunId, rows: Sequence[Rejection]) -> None:
    await tx.run(
        _REJECT,
        {
            "run": run_id,
            "lines": arrays.int8s([row.file * LINES_PER_FILE + row.line for row in rows]),
            "codes": arrays.texts([row.code for row in rows]),
            "reasons": arrays.texts([_storable(row.reason) for row in rows]),
            "advices": arrays.texts([_storable(row.advice) for row in rows]),
            "cells": arrays.raw_texts([_encode([(_storable(k), _storable(v)) for k, v in row.cells.items()]) for row in rows]),
        },
    )


def _storable(text: str) -> str:
    """PostgreSQL knows no NUL."""
    return text.replace("\0", "\ufffd")


async def same_file(reader: Reader, kind: ImportKind, file_hash: str, channel: str) -> list[Run]:
    rows = await reader.rows(_SAME_FILE, {"hash": file_hash, "kind": kind.value, "channel": channel})
    return [_run(row) for row in rows]


async def claim(tx: Tx, run_id: RunId, channel: str, external_ids: Sequence[str]) -> set[str]:
    return set(await tx.values(_CLAIM, {"run": run_id, "channel": channel, "ids": arrays.texts(external_ids)}))
