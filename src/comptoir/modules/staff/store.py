"""All the SQL of staff."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from psycopg.rows import TupleRow

from comptoir.kernel.ids import ActorId, uuid7
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.staff.contracts import (
    AuditEntry,
    AuditFilter,
    Credentials,
    Role,
    Scope,
    Session,
    Token,
    TokenFilter,
    TokenId,
    User,
    UserDraft,
    UserFilter,
    UserId,
)
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Key, KeyKind, Listing, Where, sorts, storable

_USER = "id, email, name, role, locale, time_zone, active, password_hash <> '', created_at, signed_in_at, locations"
_USER_OF_SESSION = ", ".join(f"u.{part.strip()}" for part in _USER.split(","))

_INSERT_USER = f"""
INSERT INTO staff.users (id, email, name, role, password_hash, locale, time_zone, locations, created_at)
VALUES (%(id)s, %(email)s, %(name)s, %(role)s, '', %(locale)s, %(time_zone)s, %(locations)s, %(now)s)
ON CONFLICT (email) DO NOTHING
RETURNING {_USER}"""

_UPDATE_USER = f"""
UPDATE staff.users
SET email = %(email)s, name = %(name)s, role = %(role)s, locale = %(locale)s, time_zone = %(time_zone)s,
    locations = %(locations)s
WHERE id = %(id)s
RETURNING {_USER}"""


def _user(row: TupleRow) -> User:
    user_id, email, name, role, locale, zone, active, has_password, created_at, signed_in_at, locations = row
    return User(
        id=UserId(user_id),
        email=email,
        name=name,
        role=Role(role),
        locale=locale,
        time_zone=zone,
        active=active,
        has_password=has_password,
        created_at=created_at,
        signed_in_at=signed_in_at,
        locations=tuple(locations),
    )


USERS = Listing(
    _USER,
    "staff.users",
    _user,
    sorts(
        ("name", [Key("runtime.plain(name)"), Key("email")]),
        ("email", [Key("email")]),
        ("role", [Key("role"), Key("email")]),
        ("created", [Key("created_at", KeyKind.INSTANT), Key("id", KeyKind.ID)]),
    ),
)


def users_where(wanted: UserFilter) -> Where:
    where = Where()
    where.search(wanted.search.lower(), "name", code="email")
    where.equal("role", wanted.role)
    where.equal("active", wanted.active)
    return where


async def insert_user(tx: Tx, draft: UserDraft) -> User | None:
    """None when another user has the address."""
    row = await tx.row(_INSERT_USER, _draft(draft) | {"id": uuid7(), "now": tx.now})
    return None if row is None else _user(row)


async def update_user(tx: Tx, user_id: UserId, draft: UserDraft) -> User:
    row = await tx.row(_UPDATE_USER, _draft(draft) | {"id": user_id})
    assert row is not None, "it is locked"
    return _user(row)


def _draft(draft: UserDraft) -> dict[str, object]:
    return {
        "email": draft.email,
        "name": draft.name,
        "role": draft.role.value,
        "locale": draft.locale,
        "time_zone": draft.time_zone,
        "locations": arrays.uuids(draft.locations),
    }


async def email_owner(reader: Reader, email: str) -> UserId | None:
    return await reader.value("SELECT id FROM staff.users WHERE email = %(email)s", {"email": storable(email)})


async def get_user(reader: Reader, user_id: UserId) -> User | None:
    row = await reader.row(f"SELECT {_USER} FROM staff.users WHERE id = %(id)s", {"id": user_id})
    return None if row is None else _user(row)


async def lock_user(tx: Tx, user_id: UserId) -> User | None:
    row = await tx.row(f"SELECT {_USER} FROM staff.users WHERE id = %(id)s FOR UPDATE", {"id": user_id})
    return None if row is None else _user(row)


async def lock_owners(tx: Tx) -> list[UserId]:
    """The active owners, who stay so until this transaction ends."""
    return await tx.values("SELECT id FROM staff.users WHERE role = 'owner' AND active ORDER BY id FOR UPDATE")


async def users_of_roles(reader: Reader, roles: Sequence[str]) -> list[str]:
    """The actors of active users with one of these roles who can sign in."""
    return await reader.values(
        "SELECT 'user:' || id FROM staff.users "
        "WHERE role = ANY(%(roles)s::text[]) AND active AND password_hash <> '' ORDER BY id",
        {"roles": arrays.texts(roles)},
    )


async def lock_users(tx: Tx) -> None:
    """Nobody else writes users until this transaction ends."""
    await tx.run("LOCK TABLE staff.users IN SHARE ROW EXCLUSIVE MODE")


async def set_active(tx: Tx, user_id: UserId, *, active: bool) -> None:
    await tx.run("UPDATE staff.users SET active = %(active)s WHERE id = %(id)s", {"id": user_id, "active": active})


async def set_password_hash(tx: Tx, user_id: UserId, password_hash: str) -> None:
    await tx.run("UPDATE staff.users SET password_hash = %(hash)s WHERE id = %(id)s", {"id": user_id, "hash": password_hash})


async def rehash(tx: Tx, user_id: UserId, before: str, after: str) -> None:
    """Unless the password was changed meanwhile."""
    await tx.run(
        "UPDATE staff.users SET password_hash = %(after)s WHERE id = %(id)s AND password_hash = %(before)s",
        {"id": user_id, "before": before, "after": after},
    )


async def credentials(reader: Reader, email: str) -> Credentials:
    row = await reader.row(
        "SELECT id, password_hash FROM staff.users WHERE email = %(email)s AND active", {"email": storable(email)}
    )
    return Credentials(None, "") if row is None else Credentials(UserId(row[0]), row[1])


async def token_makers(reader: Reader, ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Which user has made each of these tokens; one that the command line has made is left out."""
    rows = await reader.rows(
        "SELECT id, created_by FROM staff.tokens WHERE id = ANY(%(ids)s::uuid[]) AND created_by IS NOT NULL",
        {"ids": arrays.uuids(ids)},
    )
    return {row[0]: row[1] for row in rows}


async def names(reader: Reader, users: Sequence[UUID], tokens: Sequence[UUID]) -> dict[ActorId, str]:
    rows = await reader.rows(
        "SELECT 'user:' || id, name FROM staff.users WHERE id = ANY(%(users)s) "
        "UNION ALL SELECT 'token:' || id, name FROM staff.tokens WHERE id = ANY(%(tokens)s)",
        {"users": arrays.uuids(users), "tokens": arrays.uuids(tokens)},
    )
    return {ActorId(actor): name for actor, name in rows}


# Sessions

_INSERT_SESSION = """
WITH user_of AS (
  UPDATE staff.users SET signed_in_at = %(now)s WHERE id = %(user_id)s AND active AND password_hash = %(password_hash)s
  RETURNING id
)
INSERT INTO staff.sessions (token_hash, user_id, created_at, expires_at, address, agent)
SELECT %(hash)s, id, %(now)s, %(expires_at)s, %(address)s, %(agent)s FROM user_of"""

_SESSION = f"""
SELECT s.created_at, s.expires_at, {_USER_OF_SESSION}
FROM staff.sessions s JOIN staff.users u ON u.id = s.user_id
WHERE s.token_hash = %(hash)s AND s.expires_at > %(now)s AND u.active"""

_SESSIONS = """
SELECT encode(token_hash, 'hex'), created_at, expires_at, address, agent
FROM staff.sessions WHERE user_id = %(user_id)s AND expires_at > %(now)s ORDER BY created_at DESC, token_hash LIMIT 100"""


async def insert_session(tx: Tx, found: Credentials, token_hash: bytes, expires_at: datetime, address: str, agent: str) -> bool:
    """Whether the user is still active and has this password still."""
    row = {
        "hash": token_hash,
        "user_id": found.user_id,
        "password_hash": found.password_hash,
        "now": tx.now,
        "expires_at": expires_at,
        "address": address,
        "agent": agent,
    }
    return await tx.run(_INSERT_SESSION, row) == 1


async def session(reader: Reader, token_hash: bytes, now: datetime) -> tuple[datetime, datetime, User] | None:
    """(created_at, expires_at, user)."""
    row = await reader.row(_SESSION, {"hash": token_hash, "now": now})
    return None if row is None else (row[0], row[1], _user(row[2:]))


async def move_session_end(tx: Tx, token_hash: bytes, expires_at: datetime) -> None:
    await tx.run(
        "UPDATE staff.sessions SET expires_at = greatest(expires_at, %(end)s) WHERE token_hash = %(hash)s",
        {"hash": token_hash, "end": expires_at},
    )


async def sessions(reader: Reader, user_id: UserId, now: datetime) -> list[Session]:
    rows = await reader.rows(_SESSIONS, {"user_id": user_id, "now": now})
    return [
        Session(handle=handle, created_at=created_at, expires_at=expires_at, address=address, agent=agent)
        for handle, created_at, expires_at, address, agent in rows
    ]


async def end_session(tx: Tx, token_hash: bytes, user_id: UserId | None = None) -> UserId | None:
    """Whose it was; None when there is none."""
    return await tx.value(
        "DELETE FROM staff.sessions "
        "WHERE token_hash = %(hash)s AND (%(user)s::uuid IS NULL OR user_id = %(user)s) RETURNING user_id",
        {"hash": token_hash, "user": user_id},
    )


async def end_sessions(tx: Tx, user_id: UserId, besides: bytes = b"") -> int:
    return await tx.run(
        "DELETE FROM staff.sessions WHERE user_id = %(user_id)s AND token_hash <> %(besides)s",
        {"user_id": user_id, "besides": besides},
    )


async def purge_sessions(tx: Tx) -> int:
    return await tx.run("DELETE FROM staff.sessions WHERE expires_at <= %(now)s", {"now": tx.now})


# Tokens

_TOKEN = "id, name, scopes, created_by, created_at, expires_at, used_at, revoked_at, location_id, locations"  # noqa: S105

_USED = """
UPDATE staff.tokens t SET used_at = u.at
FROM unnest(%(ids)s::uuid[], %(ats)s::timestamptz[]) AS u (id, at)
WHERE t.id = u.id AND (t.used_at IS NULL OR t.used_at <= u.at - %(step)s::interval)"""


def _token(row: TupleRow) -> Token:
    token_id, name, scopes, created_by, created_at, expires_at, used_at, revoked_at, location_id, locations = row
    known = set(Scope)
    return Token(
        id=TokenId(token_id),
        name=name,
        scopes=tuple(Scope(scope) for scope in scopes if scope in known),
        created_by=created_by,
        created_at=created_at,
        expires_at=expires_at,
        used_at=used_at,
        revoked_at=revoked_at,
        location_id=location_id,
        locations=tuple(locations),
    )


TOKENS = Listing(
    _TOKEN,
    "staff.tokens",
    _token,
    sorts(
        ("name", [Key("runtime.plain(name)"), Key("id", KeyKind.ID)]),
        ("created", [Key("created_at", KeyKind.INSTANT), Key("id", KeyKind.ID)]),
    ),
)


def tokens_where(wanted: TokenFilter) -> Where:
    where = Where()
    where.search(wanted.search, "name")
    if wanted.revoked is not None:
        where.add(f"revoked_at IS {'NOT ' if wanted.revoked else ''}NULL")
    return where


async def insert_token(
    tx: Tx,
    name: str,
    secret_hash: bytes,
    scopes: Sequence[Scope],
    expires_at: datetime | None,
    created_by: UserId | None,
    location_id: UUID | None = None,
    limited_to: Sequence[UUID] = (),
) -> Token:
    row = await tx.row(
        "INSERT INTO staff.tokens "
        "(id, name, secret_hash, scopes, created_by, created_at, expires_at, location_id, locations) VALUES "
        "(%(id)s, %(name)s, %(hash)s, %(scopes)s, %(by)s, %(now)s, %(expires_at)s, %(location)s, %(locations)s) "
        f"RETURNING {_TOKEN}",
        {
            "id": uuid7(),
            "name": name,
            "hash": secret_hash,
            "scopes": [scope.value for scope in scopes],
            "by": created_by,
            "now": tx.now,
            "expires_at": expires_at,
            "location": location_id,
            "locations": arrays.uuids(limited_to),
        },
    )
    assert row is not None
    return _token(row)


async def token_by_hash(reader: Reader, secret_hash: bytes) -> Token | None:
    row = await reader.row(f"SELECT {_TOKEN} FROM staff.tokens WHERE secret_hash = %(hash)s", {"hash": secret_hash})
    return None if row is None else _token(row)


async def get_token(reader: Reader, token_id: TokenId) -> Token | None:
    row = await reader.row(f"SELECT {_TOKEN} FROM staff.tokens WHERE id = %(id)s", {"id": token_id})
    return None if row is None else _token(row)


async def limit_token(tx: Tx, token_id: TokenId, locations: Sequence[UUID]) -> tuple[list[LocationId], Token] | None:
    """The locations that it was limited to before, and the token as it is now."""
    before = await tx.value("SELECT locations FROM staff.tokens WHERE id = %(id)s FOR UPDATE", {"id": token_id})
    if before is None:
        return None
    row = await tx.row(
        f"UPDATE staff.tokens SET locations = %(locations)s WHERE id = %(id)s RETURNING {_TOKEN}",
        {"id": token_id, "locations": arrays.uuids(locations)},
    )
    assert row is not None, "it is locked"
    return before, _token(row)


async def revoke_token(tx: Tx, token_id: TokenId) -> bool:
    """Whether it held until now."""
    return bool(
        await tx.run(
            "UPDATE staff.tokens SET revoked_at = %(now)s WHERE id = %(id)s AND revoked_at IS NULL",
            {"id": token_id, "now": tx.now},
        )
    )


async def mark_used(tx: Tx, used: Mapping[TokenId, datetime], step: object) -> int:
    ids = sorted(used)
    return await tx.run(_USED, {"ids": arrays.uuids(ids), "ats": [used[key] for key in ids], "step": step})


# The audit trail

_RECORD = """
INSERT INTO staff.audit (at, actor, action, subject, data, address, request_id)
VALUES (%(now)s, %(actor)s, %(action)s, %(subject)s, %(data)s::text::jsonb, %(address)s, %(request_id)s)"""

_AUDIT = "id, at, actor, action, subject, data, address, request_id"

AUDIT = Listing(
    _AUDIT,
    "staff.audit",
    lambda row: AuditEntry(
        id=row[0], at=row[1], actor=row[2], action=row[3], subject=row[4], data=row[5], address=row[6], request_id=row[7]
    ),
    sorts(("time", [Key("id", KeyKind.INTEGER)])),
)


def audit_where(wanted: AuditFilter) -> Where:
    where = Where()
    where.search(wanted.search, "action || ' ' || subject", code="subject")
    where.equal("actor", wanted.actor or None)
    where.equal("subject", wanted.subject or None)
    if wanted.action.endswith("."):
        where.add("starts_with(action, %(action)s)", action=storable(wanted.action))
    else:
        where.equal("action", wanted.action or None)
    if wanted.since is not None:
        where.add("at >= %(since)s", since=wanted.since)
    if wanted.until is not None:
        where.add("at < %(until)s", until=wanted.until)
    return where


async def record(tx: Tx, action: str, subject: str, data: Mapping[str, object], address: str) -> None:
    await tx.run(
        _RECORD,
        {
            "now": tx.now,
            "actor": tx.actor,
            "action": action,
            "subject": storable(subject),
            "data": msgspec.json.encode(data).decode().replace("\\u0000", "\\ufffd"),
            "address": storable(address),
            "request_id": tx.context.request_id,
        },
    )
