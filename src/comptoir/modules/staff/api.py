"""Who works here: users and what they may, sign-in and sessions, API tokens, and the audit trail of what everybody did."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from comptoir.kernel.checking import Checks, invalid
from comptoir.kernel.ids import ActorId, to_text
from comptoir.kernel.time import utcnow
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LOCATION_PREFIX, LocationId
from comptoir.modules.locations.errors import UnknownLocation
from comptoir.modules.staff import domain, store
from comptoir.modules.staff.contracts import (
    SESSION_SECRET_PREFIX,
    TOKEN_PREFIX,
    TOKEN_SECRET_PREFIX,
    USER_PREFIX,
    AuditEntry,
    AuditFilter,
    Credentials,
    Opened,
    Permission,
    Principal,
    Role,
    Scope,
    Session,
    SignedIn,
    Token,
    TokenFilter,
    TokenId,
    User,
    UserDraft,
    UserFilter,
    UserId,
)
from comptoir.modules.staff.domain import LOCALES, MIN_PASSWORD, SCOPES, SESSION_LIFE, email_address
from comptoir.modules.staff.errors import (
    EmailTaken,
    LastOwner,
    LocationBeyondYou,
    NotPermitted,
    ScopeBeyondYou,
    SignInRefused,
    Unauthenticated,
    UnknownToken,
    UnknownUser,
)
from comptoir.runtime import crypto
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.limits import Limiter, address_key
from comptoir.runtime.paging import Count, Page, storable

__all__ = ["LOCALES", "MIN_PASSWORD", "SCOPES", "SESSION_LIFE", "email_address"]

_MAX_AGENT = 300


def require(principal: Principal, permission: Permission) -> None:
    """Raises NotPermitted unless they may."""
    if not principal.may(permission):
        raise NotPermitted(permission=permission.value)


async def refused(tx: Tx, subject: str, data: Mapping[str, object], *, address: str = "") -> None:
    """Leaves a trace of somebody who reached for what belongs to another location."""
    await record(tx, "access.refused", subject, data, address=address)


# Users


async def create_user(tx: Tx, draft: UserDraft, password: str | None = None) -> User:
    """A new user; without a password they cannot sign in yet. Raises Invalid, EmailTaken and UnknownLocation."""
    clean = domain.checked(draft)
    await _require_locations(tx, clean.locations)
    if password is not None:
        domain.checked_password(password, email=clean.email, name=clean.name)
    user = await store.insert_user(tx, clean)
    if user is None:
        raise EmailTaken(email=clean.email)
    if password is not None:
        await store.set_password_hash(tx, user.id, await crypto.hash_password(password))
    told = {"email": user.email, "role": user.role.value}
    await record(tx, "user.created", _subject(user.id), told | _limit(user.locations))
    return await get_user(tx, user.id)


async def update_user(tx: Tx, user_id: UserId, draft: UserDraft) -> User:
    """The user as the draft has them, from their next click on. Raises Invalid, UnknownUser, EmailTaken, LastOwner and
    UnknownLocation.
    """
    clean = domain.checked(draft)
    await _require_locations(tx, clean.locations)
    owners = await store.lock_owners(tx)
    before = await _locked(tx, user_id)
    if clean.role is not Role.OWNER:
        _keep_an_owner(owners, user_id)
    if await store.email_owner(tx, clean.email) not in {None, user_id}:
        raise EmailTaken(email=clean.email)
    after = await store.update_user(tx, user_id, clean)
    changes = {
        name: {"from": getattr(before, name), "to": getattr(after, name)}
        for name in ("email", "name", "role", "locale", "time_zone")
        if getattr(before, name) != getattr(after, name)
    }
    if before.locations != after.locations:
        changes["locations"] = {"from": _texts(before.locations), "to": _texts(after.locations)}
    if changes:
        await record(tx, "user.changed", _subject(user_id), changes)
    return after


async def set_active(tx: Tx, user_id: UserId, *, active: bool) -> User:
    """Lets a user in again, or shuts them out at once: all their sessions end. Raises UnknownUser and LastOwner."""
    owners = await store.lock_owners(tx)
    before = await _locked(tx, user_id)
    if before.active == active:
        return before
    if not active:
        _keep_an_owner(owners, user_id)
        await store.end_sessions(tx, user_id)
    await store.set_active(tx, user_id, active=active)
    await record(tx, "user.activated" if active else "user.deactivated", _subject(user_id))
    return await get_user(tx, user_id)


async def set_password(tx: Tx, user_id: UserId, password: str, *, keep_session: str = "") -> None:
    """Sets the password and ends the user's sessions, all but the one that they are asking in. Raises Invalid and UnknownUser.

    Who may, and whether the old password has to be given, is the caller's to check (`check_password`).
    """
    user = await get_user(tx, user_id)
    domain.checked_password(password, email=user.email, name=user.name)
    password_hash = await crypto.hash_password(password)
    await store.set_password_hash(tx, user_id, password_hash)
    await store.end_sessions(tx, user_id, crypto.hash_token(keep_session) if keep_session else b"")
    await record(tx, "user.password_set", _subject(user_id))


async def ensure_owner(tx: Tx, email: str, *, name: str = "Owner", password: str | None = None) -> tuple[User, str] | None:
    """On the first run, an owner and their password, which is made up when none is given; None when there is an owner.

    When a user with this address exists without being an active owner, they become one.
    """
    await store.lock_users(tx)
    if await store.lock_owners(tx):
        return None
    password = password or crypto.new_token("pw")[3:19]
    draft = UserDraft(email=email, name=name, role=Role.OWNER)
    there = await store.email_owner(tx, domain.checked(draft).email)
    if there is None:
        return await create_user(tx, draft, password), password
    user = await get_user(tx, there)
    await store.update_user(tx, user.id, domain.checked(draft))
    await store.set_active(tx, user.id, active=True)
    await set_password(tx, user.id, password)
    return await get_user(tx, user.id), password


async def get_user(reader: Reader, user_id: UserId) -> User:
    found = await store.get_user(reader, user_id)
    if found is None:
        raise UnknownUser(kind="user", id=user_id)
    return found


async def user_by_email(reader: Reader, email: str) -> User:
    """Raises UnknownUser."""
    user_id = await store.email_owner(reader, email.strip().lower())
    if user_id is None:
        raise UnknownUser(kind="user", email=email)
    return await get_user(reader, user_id)


async def find_users(
    reader: Reader, wanted: UserFilter, *, sort: str = "name", limit: int = 50, cursor: str | None = None
) -> Page[User]:
    """Sorts: name, email, role, created, and each with a `-` before it."""
    return await store.USERS.page(reader, store.users_where(wanted), sort=sort, limit=limit, cursor=cursor)


async def count_users(reader: Reader, wanted: UserFilter) -> Count:
    return await store.USERS.count(reader, store.users_where(wanted))


def stream_users(reader: Reader, wanted: UserFilter, *, sort: str = "name") -> AsyncIterator[User]:
    return store.USERS.stream(reader, store.users_where(wanted), sort=sort)


async def holders(reader: Reader, permission: Permission) -> list[ActorId]:
    """Which users may do this and can sign in, as actors."""
    roles = [role for role, may in domain.PERMISSIONS.items() if permission in may]
    return [ActorId(actor) for actor in await store.users_of_roles(reader, roles)]


async def people(reader: Reader, actors: Sequence[str]) -> dict[str, str]:
    """Who stands behind each of these actors: a token is the hand of the user who has made it."""
    tokens: dict[UUID, str] = {}
    for actor in actors:
        kind, _, text = actor.partition(":")
        with suppress(ValueError):
            if kind == "token":
                tokens[UUID(text)] = actor
    makers = await store.token_makers(reader, list(tokens)) if tokens else {}
    behind = {tokens[token_id]: f"user:{maker}" for token_id, maker in makers.items()}
    return {actor: behind.get(actor, actor) for actor in actors}


async def names(reader: Reader, actors: Sequence[str]) -> dict[ActorId, str]:
    """What to call those actors that are users or tokens; the others call themselves."""
    ids: dict[str, list[UUID]] = {"user": [], "token": []}
    for actor in actors:
        kind, _, text = actor.partition(":")
        if kind in ids:
            try:
                ids[kind].append(UUID(text))
            except ValueError:
                continue
    return await store.names(reader, ids["user"], ids["token"])


async def _require_locations(reader: Reader, wanted: Sequence[LocationId]) -> None:
    """Raises UnknownLocation."""
    known = await locations.names(reader, wanted) if wanted else {}
    for one in wanted:
        if one not in known:
            raise UnknownLocation(kind="location", id=one)


def _texts(wanted: Sequence[LocationId]) -> list[str]:
    return [to_text(LOCATION_PREFIX, one) for one in wanted]


def _limit(wanted: Sequence[LocationId]) -> dict[str, list[str]]:
    """What the audit trail says of it; nothing of who works everywhere."""
    return {"locations": _texts(wanted)} if wanted else {}


async def _locked(tx: Tx, user_id: UserId) -> User:
    found = await store.lock_user(tx, user_id)
    if found is None:
        raise UnknownUser(kind="user", id=user_id)
    return found


def _keep_an_owner(owners: Sequence[UserId], leaving: UserId) -> None:
    if list(owners) == [leaving]:
        raise LastOwner(user_id=leaving)


def _subject(user_id: UserId) -> str:
    return to_text(USER_PREFIX, user_id)


# Sign-in and sessions


class SignInGuard:
    """Slows guessing down, per address that it comes from and per account that it aims at.

    In this process's memory: see `runtime.limits`. An account can be guessed at ten times, then once every half minute; whoever
    floods it so keeps its owner waiting as well, no longer than that.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._addresses = Limiter(burst=20, seconds=10, clock=clock)
        self._accounts = Limiter(burst=10, seconds=30, clock=clock)

    def check(self, email: str, address: str) -> None:
        """Counts a try before its password is looked at; raises TooManyRequests."""
        self._addresses.take(address_key(address))
        self._accounts.take(email.strip().lower()[:320])

    def succeeded(self, email: str) -> None:
        """Frees the account. The address goes on counting: an account of one's own is no licence to guess at others."""
        self._accounts.forget(email.strip().lower()[:320])


async def credentials(reader: Reader, email: str) -> Credentials:
    """What the password is checked against; also for an address that nobody has."""
    return await store.credentials(reader, email.strip().lower())


async def check_password(found: Credentials, password: str) -> None:
    """Raises SignInRefused. Takes the same time whether the user exists or not; hold no connection meanwhile."""
    if not await crypto.password_fits(found.password_hash, password):
        raise SignInRefused


async def open_session(
    tx: Tx, found: Credentials, *, address: str = "", agent: str = "", password: str | None = None
) -> Opened:
    """A session for whoever passed `check_password`. Raises SignInRefused when they were shut out or changed it meanwhile.

    Given the password, an older hash of it is replaced by one of today's cost.
    """
    if found.user_id is None:
        raise SignInRefused
    secret = crypto.new_token(SESSION_SECRET_PREFIX)
    expires_at = domain.session_end(tx.now, tx.now)
    agent = storable(agent)[:_MAX_AGENT]
    if not await store.insert_session(tx, found, crypto.hash_token(secret), expires_at, storable(address)[:64], agent):
        raise SignInRefused
    if password is not None and crypto.needs_rehash(found.password_hash):
        await store.rehash(tx, found.user_id, found.password_hash, await crypto.hash_password(password))
    await record(tx, "session.opened", _subject(found.user_id), {"agent": agent}, address=address)
    return Opened(secret=secret, user=await get_user(tx, found.user_id), expires_at=expires_at)


async def sign_in_failed(tx: Tx, found: Credentials, *, address: str = "") -> None:
    """Leaves a trace at the account, when there is one: what strangers type is not kept."""
    if found.user_id is not None:
        await record(tx, "session.refused", _subject(found.user_id), address=address)


async def session(reader: Reader, secret: str, now: datetime | None = None) -> SignedIn:
    """Who is signed in; raises Unauthenticated. When it says `renewable`, call `renew` soon."""
    if not crypto.is_token(secret, SESSION_SECRET_PREFIX):
        raise Unauthenticated(reason="unknown" if secret else "missing")
    now = now or utcnow()
    found = await store.session(reader, crypto.hash_token(secret), now)
    if found is None:
        raise Unauthenticated(reason="expired")
    created_at, expires_at, user = found
    return SignedIn(
        user=user,
        principal=user_principal(user),
        expires_at=expires_at,
        renewable=domain.is_renewable(created_at, expires_at, now),
    )


def user_principal(user: User) -> Principal:
    return Principal(
        actor=ActorId(f"user:{user.id}"),
        name=user.name,
        permissions=domain.within(domain.PERMISSIONS[user.role], user.locations),
        user_id=user.id,
        role=user.role,
        locations=frozenset(user.locations),
    )


async def renew(tx: Tx, secret: str) -> datetime | None:
    """Moves the end of a session that is being used; gives the new one."""
    token_hash = crypto.hash_token(secret)
    found = await store.session(tx, token_hash, tx.now)
    if found is None:
        return None
    end = domain.session_end(found[0], tx.now)
    await store.move_session_end(tx, token_hash, end)
    return end


async def sign_out(tx: Tx, secret: str, *, address: str = "") -> None:
    """Ends the session, if there is one."""
    user_id = await store.end_session(tx, crypto.hash_token(secret))
    if user_id is not None:
        await record(tx, "session.ended", _subject(user_id), address=address)


async def sessions(reader: Reader, user_id: UserId, now: datetime | None = None) -> list[Session]:
    """Where a user is signed in, newest first."""
    return await store.sessions(reader, user_id, now or utcnow())


async def end_session(tx: Tx, user_id: UserId, handle: str) -> None:
    """Ends one session of a user by the handle that `sessions` gave; nothing happens when it is gone already."""
    try:
        token_hash = bytes.fromhex(handle)
    except ValueError:
        return
    if await store.end_session(tx, token_hash, user_id) is not None:
        await record(tx, "session.ended", _subject(user_id))


async def purge_sessions(tx: Tx) -> int:
    return await store.purge_sessions(tx)


# API tokens


async def create_token(
    tx: Tx,
    name: str,
    scopes: Sequence[Scope],
    *,
    expires_at: datetime | None = None,
    by: Principal | None = None,
    location_id: LocationId | None = None,
    limited_to: Sequence[LocationId] = (),
) -> tuple[Token, str]:
    """A token and its secret, which is shown this once. Raises Invalid, ScopeBeyondYou, LocationBeyondYou and UnknownLocation.

    `by` is who asks; None is the command line of the server, which may everything. With a `location_id` it is a supplier's,
    who answers purchase orders there and does nothing else. `limited_to` are the locations whose work it does; none are all.
    """
    checks = Checks()
    clean = checks.words("name", name, least=1, most=100)
    checks.require("scopes", bool(scopes), "names at least one scope")
    if location_id is not None:
        checks.require("scopes", set(scopes) <= {Scope.PURCHASES_ANSWER}, "is purchases:answer alone in a supplier's token")
        checks.require("locations", not limited_to, "are none in a supplier's token")
        await locations.get(tx, location_id)
    if expires_at is not None:
        within = tx.now < expires_at <= tx.now + domain.MAX_TOKEN_LIFE
        checks.require("expires_at", within, "lies in the future, and within ten years")
    checks.done()
    wanted = sorted(set(scopes))
    beyond = [] if by is None else [scope.value for scope in wanted if not domain.SCOPES[scope] <= by.permissions]
    if beyond:
        raise ScopeBeyondYou(scopes=beyond)
    limit = await _checked_limit(tx, limited_to, by)
    secret = crypto.new_token(TOKEN_SECRET_PREFIX)
    owner = None if by is None else by.user_id
    token = await store.insert_token(tx, clean, crypto.hash_token(secret), wanted, expires_at, owner, location_id, limit)
    told = {"name": clean, "scopes": [scope.value for scope in wanted]}
    await record(tx, "token.created", to_text(TOKEN_PREFIX, token.id), told | _limit(limit))
    return token, secret


async def limit_token(tx: Tx, token_id: TokenId, limited_to: Sequence[LocationId], *, by: Principal | None = None) -> Token:
    """Limits a token to the work of these locations; none are all. Raises UnknownToken, LocationBeyondYou, UnknownLocation and
    Invalid.

    Whoever does it calls `TokenCache.forget`; other processes have noticed within `TokenCache.ttl` seconds.
    """
    within = await _checked_limit(tx, limited_to, by)
    if within and (await get_token(tx, token_id)).location_id is not None:
        raise invalid("locations", "are none in a supplier's token")
    changed = await store.limit_token(tx, token_id, within)
    if changed is None:
        raise UnknownToken(kind="token", id=token_id)
    before, token = changed
    if tuple(before) != token.locations:
        told = {"name": token.name, "locations": {"from": _texts(before), "to": _texts(token.locations)}}
        await record(tx, "token.limited", to_text(TOKEN_PREFIX, token_id), told)
    return token


async def _checked_limit(reader: Reader, limited_to: Sequence[LocationId], by: Principal | None) -> list[LocationId]:
    """In order, each once."""
    within = sorted(set(limited_to))
    if len(within) > domain.MAX_LOCATIONS:
        raise invalid("locations", f"are at most {domain.MAX_LOCATIONS}")
    if by is not None and by.limited and not (within and by.locations.issuperset(within)):
        raise LocationBeyondYou
    await _require_locations(reader, within)
    return within


async def revoke_token(tx: Tx, token_id: TokenId) -> Token:
    """Ends a token; every process has noticed within `TokenCache.ttl` seconds. Raises UnknownToken."""
    if await store.revoke_token(tx, token_id):
        await record(tx, "token.revoked", to_text(TOKEN_PREFIX, token_id))
    return await get_token(tx, token_id)


async def get_token(reader: Reader, token_id: TokenId) -> Token:
    found = await store.get_token(reader, token_id)
    if found is None:
        raise UnknownToken(kind="token", id=token_id)
    return found


async def find_tokens(
    reader: Reader, wanted: TokenFilter, *, sort: str = "-created", limit: int = 50, cursor: str | None = None
) -> Page[Token]:
    """Sorts: name, created, and each with a `-` before it."""
    return await store.TOKENS.page(reader, store.tokens_where(wanted), sort=sort, limit=limit, cursor=cursor)


async def count_tokens(reader: Reader, wanted: TokenFilter) -> Count:
    return await store.TOKENS.count(reader, store.tokens_where(wanted))


def stream_tokens(reader: Reader, wanted: TokenFilter, *, sort: str = "-created") -> AsyncIterator[Token]:
    return store.TOKENS.stream(reader, store.tokens_where(wanted), sort=sort)


async def authenticate(reader: Reader, secret: str, now: datetime | None = None) -> Principal:
    """Whose token it is; raises Unauthenticated."""
    if not crypto.is_token(secret, TOKEN_SECRET_PREFIX):
        raise Unauthenticated(reason="unknown" if secret else "missing")
    token = await store.token_by_hash(reader, crypto.hash_token(secret))
    if token is None:
        raise Unauthenticated(reason="unknown")
    if token.revoked_at is not None:
        raise Unauthenticated(reason="revoked")
    if token.expires_at is not None and token.expires_at <= (now or utcnow()):
        raise Unauthenticated(reason="expired")
    return Principal(
        actor=ActorId(f"token:{token.id}"),
        name=token.name,
        permissions=domain.within(domain.permissions_of(token.scopes), token.locations),
        token_id=token.id,
        expires_at=token.expires_at,
        location_id=token.location_id,
        locations=frozenset(token.locations),
    )


async def mark_used(tx: Tx, used: Mapping[TokenId, datetime]) -> None:
    """Writes down when tokens were last used, each at most once a minute."""
    if used:
        await store.mark_used(tx, used, domain.TOKEN_USE_STEP)


class TokenCache:
    """Principals of the tokens that were seen in the last `ttl` seconds, so that a request costs no query.

    A token that is revoked, or whose holder it is taken from, goes on working in a process for at most `ttl` seconds; one that
    expires stops at its time. Only hashes of tokens are kept, and only of those that exist: made-up ones cost a query each,
    which the caller's `Limiter` bounds.
    """

    def __init__(
        self,
        lookup: Callable[[str], Awaitable[Principal]],
        *,
        ttl: float = 5.0,
        max_tokens: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`lookup` opens a connection and calls `authenticate`."""
        self.ttl = ttl
        self._lookup = lookup
        self._max = max_tokens
        self._clock = clock
        self._known: OrderedDict[bytes, tuple[float, Principal]] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[Principal]] = {}
        self._used: dict[TokenId, datetime] = {}

    def known(self, secret: str) -> Principal | None:
        """Who it is, when that was asked lately."""
        token_hash = crypto.hash_token(secret)
        found = self._known.get(token_hash)
        if found is None:
            return None
        fresh_until, principal = found
        if fresh_until <= self._clock() or (principal.expires_at is not None and principal.expires_at <= utcnow()):
            del self._known[token_hash]
            return None
        return principal

    async def principal(self, secret: str) -> Principal:
        """Who it is; raises Unauthenticated. Requests that come at once with the same token ask once."""
        principal = self.known(secret)
        if principal is not None:
            return principal
        if not crypto.is_token(secret, TOKEN_SECRET_PREFIX):
            raise Unauthenticated(reason="unknown" if secret else "missing")
        token_hash = crypto.hash_token(secret)
        task = self._asking.get(token_hash)
        if task is None:
            task = asyncio.create_task(self._ask(token_hash, secret))
            self._asking[token_hash] = task
            task.add_done_callback(lambda done: self._asked(token_hash, done))
        return await asyncio.shield(task)

    def _asked(self, token_hash: bytes, done: asyncio.Task[Principal]) -> None:
        self._asking.pop(token_hash, None)
        if not done.cancelled():
            done.exception()  # whoever asked has gone away: a refusal that nobody hears is no bug

    async def _ask(self, token_hash: bytes, secret: str) -> Principal:
        asked_at = self._clock()
        principal = await self._lookup(secret)
        self._known[token_hash] = (asked_at + self.ttl, principal)
        self._known.move_to_end(token_hash)
        while len(self._known) > self._max:
            self._known.popitem(last=False)
        if principal.token_id is not None:
            self._used[principal.token_id] = utcnow()
        return principal

    def take_used(self) -> dict[TokenId, datetime]:
        """Which tokens were used since this was last asked, for `mark_used`."""
        used, self._used = self._used, {}
        return used

    def forget(self) -> None:
        """Asks again for every token; this process has just revoked one."""
        self._known.clear()


# The audit trail


async def record(
    tx: Tx, action: str, subject: str = "", data: Mapping[str, object] | None = None, *, address: str = ""
) -> None:
    """Writes down, with what is done, that this transaction's actor does it. `action` is `thing.happened`; no secrets in
    `data`.
    """
    await store.record(tx, action, subject, data or {}, address)


async def find_audit(
    reader: Reader, wanted: AuditFilter, *, sort: str = "-time", limit: int = 50, cursor: str | None = None
) -> Page[AuditEntry]:
    """Sorts: time and -time."""
    return await store.AUDIT.page(reader, store.audit_where(wanted), sort=sort, limit=limit, cursor=cursor)


async def count_audit(reader: Reader, wanted: AuditFilter) -> Count:
    return await store.AUDIT.count(reader, store.audit_where(wanted))


def stream_audit(reader: Reader, wanted: AuditFilter, *, sort: str = "-time") -> AsyncIterator[AuditEntry]:
    return store.AUDIT.stream(reader, store.audit_where(wanted), sort=sort)
