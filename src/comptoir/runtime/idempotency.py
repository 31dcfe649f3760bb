"""The idempotency record: one key, one effect, one answer.

A command that carries a key runs in one transaction: `lock` its key, `lookup` an earlier answer, do the work, `store` the
answer. The lock lives in PostgreSQL and ends with the transaction, so that of two requests with one key, also in two
processes, the second waits for the first and then finds its answer. Only answers that committed are kept: a command that
failed may be tried again.

The capture path does the same for a whole batch without locks: `ask_many` before the work, `store_many` with it. When
another process has stored one of the keys meanwhile, the transaction fails as `Outrun`; the caller then looks again. Rows are
stored in key order: writers wait for each other at most, never in a circle.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple, cast

from comptoir.kernel.errors import Invalid, Refusal
from comptoir.runtime.arrays import byteas, int4s, texts
from comptoir.runtime.database import Later, Reader, Tx

MAX_KEY_LENGTH = 255
_FINGERPRINT_BYTES = 16

_LOOKUP = "SELECT fingerprint, status, answer FROM runtime.idempotency WHERE scope = %(scope)s AND key = %(key)s"

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%(name)s, 0))"

_STORE = """
INSERT INTO runtime.idempotency (scope, key, fingerprint, status, answer, at)
VALUES (%(scope)s, %(key)s, %(fingerprint)s, %(status)s, %(answer)s, %(at)s)
"""

_LOOKUP_MANY = """
SELECT i.scope, i.key, i.fingerprint, i.status, i.answer
FROM unnest(%(scopes)s::text[], %(keys)s::text[]) AS asked (scope, key)
JOIN runtime.idempotency i ON i.scope = asked.scope AND i.key = asked.key
"""

_STORE_MANY = """
INSERT INTO runtime.idempotency (scope, key, fingerprint, status, answer, at)
SELECT scope, key, fingerprint, status, answer, %(at)s
FROM unnest(%(scopes)s::text[], %(keys)s::text[], %(fingerprints)s::bytea[], %(statuses)s::int4[], %(answers)s::bytea[])
  AS e (scope, key, fingerprint, status, answer)
"""

_PURGE = """
DELETE FROM runtime.idempotency WHERE ctid = ANY(ARRAY(
  SELECT ctid FROM runtime.idempotency WHERE at < %(older_than)s LIMIT %(limit)s
))
"""


class IdempotencyKeyReused(Refusal):
    """The same key came before with another request."""

    code = "idempotency_key_reused"
    status = 422
    title = "This Idempotency-Key was used with another request"


class Stored(NamedTuple):
    """The first answer, byte for byte."""

    status: int
    answer: bytes


Key = tuple[str, str]
"""(scope, key)."""
Found = tuple[bytes, int, bytes]
"""(fingerprint, status, answer)."""
Row = tuple[str, str, bytes, int, bytes]
"""(scope, key, fingerprint, status, answer)."""


def checked_key(text: str) -> str:
    """A key as it came in the header, without the quotes of a structured field; raises Invalid when it cannot be one."""
    key = text.strip()
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not key or len(key) > MAX_KEY_LENGTH or not key.isascii() or not key.isprintable():
        message = f"must have 1 to {MAX_KEY_LENGTH} printable ASCII characters"
        raise Invalid(f"Idempotency-Key {message}", errors=[{"path": "Idempotency-Key", "message": message}])
    return key


def fingerprint(method: str, path: str, body: bytes) -> bytes:
    """What makes two requests the same request. The parts are framed by their lengths, so that none can pose as another's."""
    head = f"{len(method)}:{method}{len(path)}:{path}".encode()
    return blake2b(head + body, digest_size=_FINGERPRINT_BYTES).digest()


async def lock(tx: Tx, scope: str, key: str) -> None:
    """Holds the key until this transaction ends; waits for whoever holds it."""
    await tx.run(_LOCK, {"name": f"idempotency\x1f{scope}\x1f{key}"})


async def lookup(reader: Reader, scope: str, key: str, fingerprint: bytes) -> Stored | None:
    """The answer that this request was given before; raises `IdempotencyKeyReused` when the key belongs to another request."""
    row = await reader.row(_LOOKUP, {"scope": scope, "key": key})
    if row is None:
        return None
    first, status, answer = cast("Found", row)
    if first != fingerprint:
        raise IdempotencyKeyReused(key=key)
    return Stored(status, answer)


async def store(tx: Tx, scope: str, key: str, fingerprint: bytes, status: int, answer: bytes) -> None:
    """Keeps the answer. The key is locked, so nobody else has stored one: a second one is a bug and breaks the primary key."""
    row = {"scope": scope, "key": key, "fingerprint": fingerprint, "status": status, "answer": answer, "at": tx.now}
    await tx.run(_STORE, row)


async def ask_many(reader: Reader, keys: Sequence[Key]) -> Later[dict[Key, Found]]:
    """What is stored under these keys. Whether the fingerprints agree is the caller's to see, row by row."""
    return await reader.ask(
        lambda rows: {(row[0], row[1]): (row[2], row[3], row[4]) for row in rows},
        _LOOKUP_MANY,
        {"scopes": texts([key[0] for key in keys]), "keys": texts([key[1] for key in keys])},
    )


async def store_many(tx: Tx, rows: Sequence[Row]) -> None:
    """Stores the answers; keys are distinct. Waits for transactions that are storing the same key. Where one of them has
    committed since we looked, this transaction fails with `Outrun`: tried again, that answer is found.
    """
    if not rows:
        return
    tx.race("idempotency_pkey")
    scopes, keys, fingerprints, statuses, answers = zip(*sorted(rows), strict=True)
    await tx.run(
        _STORE_MANY,
        {
            "scopes": texts(scopes),
            "keys": texts(keys),
            "fingerprints": byteas(fingerprints),
            "statuses": int4s(statuses),
            "answers": byteas(answers),
            "at": tx.now,
        },
    )


async def purge(tx: Tx, older_than: datetime, limit: int = 10_000) -> int:
    """Forgets answers from before an instant, at most `limit`; gives how many. Call again until it gives none."""
    return await tx.run(_PURGE, {"older_than": older_than, "limit": limit})
