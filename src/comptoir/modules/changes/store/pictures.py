"""The SQL of pictures of returns."""

from __future__ import annotations

from datetime import datetime

from psycopg.rows import TupleRow

from comptoir.kernel.ids import uuid7
from comptoir.modules.changes.contracts import Drawn, Picture, PictureId, ReceivedId, ReturnCaseId
from comptoir.runtime.database import Reader, Tx

_COLUMNS = "id, return_id, received_id, width, height, length(content), added_at, added_by"


def _picture(row: TupleRow) -> Picture:
    return Picture(*row)


async def of_return(reader: Reader, case_id: ReturnCaseId) -> list[Picture]:
    """The oldest first."""
    statement = f"SELECT {_COLUMNS} FROM changes.pictures WHERE return_id = %(id)s ORDER BY added_at, id"
    return [_picture(row) for row in await reader.rows(statement, {"id": case_id})]


async def content(reader: Reader, case_id: ReturnCaseId, picture_id: PictureId, *, small: bool) -> tuple[Picture, bytes] | None:
    column = "thumb" if small else "content"
    row = await reader.row(
        f"SELECT {_COLUMNS}, {column} FROM changes.pictures WHERE id = %(id)s AND return_id = %(return)s",
        {"id": picture_id, "return": case_id},
    )
    return None if row is None else (_picture(row[:-1]), bytes(row[-1]))


async def insert(tx: Tx, case_id: ReturnCaseId, received_id: ReceivedId | None, drawn: Drawn, digest: bytes) -> None:
    await tx.run(
        "INSERT INTO changes.pictures (id, return_id, received_id, digest, width, height, content, thumb, added_at, added_by) "
        "VALUES (%(id)s, %(return)s, %(received)s, %(digest)s, %(width)s, %(height)s, %(content)s, %(thumb)s, %(at)s, "
        "%(actor)s) "
        "ON CONFLICT (return_id, digest) DO NOTHING",
        {
            "id": uuid7(),
            "return": case_id,
            "received": received_id,
            "digest": digest,
            "width": drawn.width,
            "height": drawn.height,
            "content": drawn.content,
            "thumb": drawn.thumb,
            "at": tx.now,
            "actor": tx.actor,
        },
    )


async def remove(tx: Tx, case_id: ReturnCaseId, picture_id: PictureId) -> bool:
    statement = "DELETE FROM changes.pictures WHERE id = %(id)s AND return_id = %(return)s"
    return bool(await tx.run(statement, {"id": picture_id, "return": case_id}))


async def forget(tx: Tx, ended_before: datetime, limit: int) -> int:
    return await tx.run(
        "DELETE FROM changes.pictures WHERE id = ANY(ARRAY(SELECT p.id FROM changes.pictures p "
        "JOIN changes.returns r ON r.id = p.return_id WHERE r.state IN ('closed', 'cancelled', 'declined', 'inspected') "
        "AND coalesce(r.closed_at, r.decided_at, r.requested_at) < %(before)s AND p.added_at < %(before)s LIMIT %(limit)s))",
        {"before": ended_before, "limit": limit},
    )
