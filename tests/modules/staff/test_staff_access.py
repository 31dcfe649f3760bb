"""Sign-in, sessions and API tokens: who gets in, for how long, and who does not."""

from __future__ import annotations

import asyncio
import itertools
from datetime import datetime, timedelta

import argon2
import pytest

from comptoir.kernel.errors import Invalid
from comptoir.modules.staff import api as staff
from comptoir.modules.staff import domain
from comptoir.modules.staff.contracts import (
    AuditFilter,
    Opened,
    Permission,
    Principal,
    Role,
    Scope,
    TokenFilter,
    User,
    UserDraft,
)
from comptoir.modules.staff.errors import ScopeBeyondYou, SignInRefused, Unauthenticated
from comptoir.runtime.crypto import new_token
from comptoir.runtime.database import Database
from comptoir.runtime.limits import TooManyRequests
from comptoir.surfaces.sign_in import sign_in

PASSWORD = "correct horse"
ADDRESS = "192.0.2.1"


@pytest.fixture
async def ada(database: Database) -> User:
    async with database.transaction() as tx:
        return await staff.create_user(tx, UserDraft(email="ada@shop.example", name="Ada", role=Role.OWNER), PASSWORD)


@pytest.fixture
async def bob(database: Database, ada: User) -> User:
    async with database.transaction() as tx:
        return await staff.create_user(tx, UserDraft(email="bob@shop.example", name="Bob", role=Role.STORE), PASSWORD)


@pytest.fixture
def guard() -> staff.SignInGuard:
    return staff.SignInGuard()


async def opened(database: Database, user: User) -> Opened:
    async with database.transaction() as tx:
        return await staff.open_session(tx, await staff.credentials(tx, user.email), address=ADDRESS, agent="Firefox")


async def signed_in(database: Database, secret: str, now: datetime | None = None) -> str | None:
    async with database.read() as reader:
        try:
            return (await staff.session(reader, secret, now)).user.name
        except Unauthenticated:
            return None


async def trail(database: Database) -> list[str]:
    async with database.read() as reader:
        return [entry.action async for entry in staff.stream_audit(reader, AuditFilter(action="session."), sort="time")]


async def test_the_right_password_opens_a_session(database: Database, ada: User, guard: staff.SignInGuard) -> None:
    session = await sign_in(database, guard, " ADA@shop.example ", PASSWORD, address=ADDRESS, agent="Firefox")
    assert session.secret.startswith("cse_")
    assert session.secret not in repr(session)
    async with database.read() as reader:
        found = await staff.session(reader, session.secret)
        assert found.principal == Principal(
            actor=found.principal.actor, name="Ada", permissions=frozenset(Permission), user_id=ada.id, role=Role.OWNER
        )
        assert found.principal.actor == f"user:{ada.id}"
        assert not found.renewable
        stored = await reader.rows("SELECT token_hash FROM staff.sessions")
        assert found.user.signed_in_at is not None
    assert session.secret.encode() not in stored[0][0]
    assert await trail(database) == ["session.opened"]


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ada@shop.example", "wrong horse"),
        ("ada@shop.example", ""),
        ("nobody@shop.example", PASSWORD),
        ("", ""),
        ("x' OR 1=1 --\x00", "y"),
    ],
)
async def test_a_wrong_one_is_refused_and_does_not_say_which_half(
    database: Database, ada: User, guard: staff.SignInGuard, email: str, password: str
) -> None:
    with pytest.raises(SignInRefused) as refused:
        await sign_in(database, guard, email, password, address=ADDRESS)
    assert (refused.value.status, refused.value.data) == (401, {})
    async with database.read() as reader:
        assert await reader.value("SELECT count(*) FROM staff.sessions") == 0
        audit = await staff.find_audit(reader, AuditFilter(action="session.refused"))
    assert len(audit.items) == (1 if email.startswith("ada") else 0), "what strangers type is not kept"


async def test_a_user_without_a_password_or_shut_out_cannot_sign_in(
    database: Database, bob: User, guard: staff.SignInGuard
) -> None:
    async with database.transaction() as tx:
        await staff.create_user(tx, UserDraft(email="new@shop.example", name="New", role=Role.STORE))
        await staff.set_active(tx, bob.id, active=False)
    for email, password in [("new@shop.example", ""), ("new@shop.example", PASSWORD), ("bob@shop.example", PASSWORD)]:
        with pytest.raises(SignInRefused):
            await sign_in(database, guard, email, password, address=ADDRESS)
    async with database.transaction() as tx:
        await staff.set_active(tx, bob.id, active=True)
    await sign_in(database, guard, "bob@shop.example", PASSWORD, address=ADDRESS)


async def test_guessing_is_slowed_down_per_account_and_per_address(database: Database, ada: User, bob: User) -> None:
    now = 0.0
    guard = staff.SignInGuard(lambda: now)

    async def tries(email: str, address: str, count: int) -> int:
        refused = 0
        for _ in range(count):
            try:
                await sign_in(database, guard, email, "wrong horse", address=address)
            except SignInRefused:
                refused += 1
            except TooManyRequests:
                continue
        return refused

    assert await tries("ada@shop.example", "192.0.2.1", 15) == 10
    assert await tries("ada@shop.example", "192.0.2.2", 15) == 0, "the account, from wherever"
    assert await tries("bob@shop.example", "192.0.2.1", 15) == 5, "the address, at whomever"
    with pytest.raises(TooManyRequests):
        await sign_in(database, guard, "ada@shop.example", PASSWORD, address="192.0.2.3")
    now = 30.0
    await sign_in(database, guard, "ada@shop.example", PASSWORD, address="192.0.2.3")
    assert await tries("ada@shop.example", "192.0.2.4", 15) == 10, "who has signed in has shown who they are"


async def test_an_old_hash_is_made_anew_at_sign_in(database: Database, ada: User, guard: staff.SignInGuard) -> None:
    old = argon2.PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    async with database.transaction() as tx:
        await tx.run("UPDATE staff.users SET password_hash = %(old)s", {"old": old})
    await sign_in(database, guard, ada.email, PASSWORD)
    async with database.read() as reader:
        found = await staff.credentials(reader, ada.email)
    assert found.password_hash.startswith("$argon2id$v=19$m=19456,t=3,p=1$")
    await sign_in(database, guard, ada.email, PASSWORD)


async def test_a_session_slides_with_use_and_ends_unused_and_after_thirty_days(database: Database, ada: User) -> None:
    session = await opened(database, ada)
    begun = session.expires_at - domain.SESSION_IDLE
    assert await signed_in(database, session.secret, session.expires_at - timedelta(seconds=1)) == "Ada"
    assert await signed_in(database, session.secret, session.expires_at) is None
    async with database.read() as reader:
        assert not (await staff.session(reader, session.secret, begun + timedelta(minutes=9))).renewable
        assert (await staff.session(reader, session.secret, begun + timedelta(minutes=11))).renewable
    async with database.transaction() as tx:
        tx.now = begun + timedelta(hours=6)
        assert await staff.renew(tx, session.secret) == begun + timedelta(hours=18)
    assert await signed_in(database, session.secret, begun + timedelta(hours=17)) == "Ada"
    end = begun
    for step in itertools.count(1):
        async with database.transaction() as tx:
            tx.now = begun + step * timedelta(hours=11)
            moved = await staff.renew(tx, session.secret)
            if moved is None:
                break
            end = moved
    assert end == begun + timedelta(days=30)


async def test_signing_out_ends_one_session_and_a_new_password_all_others(database: Database, ada: User) -> None:
    one, two, three = [await opened(database, ada) for _ in range(3)]
    async with database.transaction() as tx:
        await staff.sign_out(tx, one.secret)
        await staff.sign_out(tx, one.secret)
    assert [await signed_in(database, session.secret) for session in (one, two, three)] == [None, "Ada", "Ada"]
    async with database.transaction() as tx:
        await staff.set_password(tx, ada.id, "battery staple", keep_session=three.secret)
    assert [await signed_in(database, session.secret) for session in (one, two, three)] == [None, None, "Ada"]
    async with database.transaction() as tx:
        await staff.set_password(tx, ada.id, "battery staples")
    assert await signed_in(database, three.secret) is None


async def test_a_session_is_not_opened_for_a_password_that_was_changed_while_it_was_being_checked(
    database: Database, ada: User
) -> None:
    async with database.read() as reader:
        found = await staff.credentials(reader, ada.email)
    await staff.check_password(found, PASSWORD)
    async with database.transaction() as tx:
        await staff.set_password(tx, ada.id, "battery staple")
    with pytest.raises(SignInRefused):
        async with database.transaction() as tx:
            await staff.open_session(tx, found)


async def test_shutting_a_user_out_ends_their_sessions_at_once(database: Database, bob: User) -> None:
    session = await opened(database, bob)
    async with database.transaction() as tx:
        await staff.set_active(tx, bob.id, active=False)
    assert await signed_in(database, session.secret) is None


async def test_a_user_sees_and_ends_their_own_sessions_only(database: Database, ada: User, bob: User) -> None:
    mine, other = await opened(database, ada), await opened(database, bob)
    async with database.read() as reader:
        (session,) = await staff.sessions(reader, ada.id)
        (others,) = await staff.sessions(reader, bob.id)
    assert (session.address, session.agent, session.expires_at) == (ADDRESS, "Firefox", mine.expires_at)
    async with database.transaction() as tx:
        await staff.end_session(tx, ada.id, others.handle)
        await staff.end_session(tx, ada.id, "not hex")
        await staff.end_session(tx, ada.id, session.handle)
    assert await signed_in(database, mine.secret) is None
    assert await signed_in(database, other.secret) == "Bob"
    assert await signed_in(database, session.handle) is None, "a handle opens nothing"


async def test_what_is_no_session_is_refused(database: Database, ada: User) -> None:
    for secret in ["", "cse_", "x" * 5000, "\x00", "cse_" + "a" * 49, new_token("cse"), new_token("ctk")]:
        assert await signed_in(database, secret) is None


async def test_ended_sessions_are_forgotten(database: Database, ada: User) -> None:
    session = await opened(database, ada)
    async with database.transaction() as tx:
        assert await staff.purge_sessions(tx) == 0
        tx.now = session.expires_at
        assert await staff.purge_sessions(tx) == 1


# API tokens


async def made(database: Database, *scopes: Scope, expires_at: datetime | None = None) -> tuple[Principal, str]:
    async with database.transaction() as tx:
        _, secret = await staff.create_token(tx, "Till", scopes, expires_at=expires_at)
    async with database.read() as reader:
        return await staff.authenticate(reader, secret), secret


async def reason(database: Database, secret: str, now: datetime | None = None) -> object:
    async with database.read() as reader:
        with pytest.raises(Unauthenticated) as refused:
            await staff.authenticate(reader, secret, now)
    assert refused.value.status == 401
    return refused.value.data["reason"]


async def test_a_token_may_what_its_scopes_say(database: Database) -> None:
    principal, secret = await made(database, Scope.ORDERS_READ, Scope.STOCK_WRITE, Scope.ORDERS_READ)
    assert secret.startswith("ctk_")
    assert principal.permissions == {
        Permission.ORDERS_READ,
        Permission.STOCK_ADJUST,
        Permission.STOCK_COUNT,
        Permission.STOCK_RECEIVE,
        Permission.STOCK_TRANSFER,
    }
    assert (principal.actor, principal.user_id) == (f"token:{principal.token_id}", None)
    async with database.read() as reader:
        (token,) = (await staff.find_tokens(reader, TokenFilter())).items
        assert (token.name, token.scopes, token.used_at) == ("Till", (Scope.ORDERS_READ, Scope.STOCK_WRITE), None)
        stored = await reader.row("SELECT secret_hash FROM staff.tokens")
    assert stored is not None
    assert secret.encode() not in stored[0]


async def test_a_token_that_is_unknown_expired_or_revoked_is_refused(database: Database) -> None:
    async with database.transaction() as tx:
        end = tx.now + timedelta(hours=1)
    principal, secret = await made(database, Scope.ORDERS_READ, expires_at=end)
    assert principal.expires_at == end
    assert await reason(database, secret, end) == "expired"
    assert await reason(database, "") == "missing"
    assert await reason(database, new_token("ctk")) == "unknown"
    assert await reason(database, secret[:-1] + ("a" if secret[-1] != "a" else "b")) == "unknown"
    assert await reason(database, "'; DROP TABLE staff.tokens; --") == "unknown"
    assert principal.token_id is not None
    async with database.transaction() as tx:
        revoked = await staff.revoke_token(tx, principal.token_id)
        assert (await staff.revoke_token(tx, principal.token_id)).revoked_at == revoked.revoked_at
    assert await reason(database, secret) == "revoked"
    async with database.read() as reader:
        assert (await staff.find_tokens(reader, TokenFilter(revoked=False))).items == []
        actions = [entry.action for entry in (await staff.find_audit(reader, AuditFilter(action="token."))).items]
    assert actions == ["token.revoked", "token.created"]


async def test_nobody_makes_a_token_that_may_more_than_they_do(database: Database, ada: User, bob: User) -> None:
    async with database.transaction() as tx:
        token, _ = await staff.create_token(tx, "all", list(Scope), by=staff.user_principal(ada))
        assert token.created_by == ada.id
        await staff.create_token(tx, "stock", [Scope.STOCK_WRITE], by=staff.user_principal(bob))
        with pytest.raises(ScopeBeyondYou) as refused:
            await staff.create_token(tx, "more", [Scope.STOCK_READ, Scope.CHANNELS_WRITE], by=staff.user_principal(bob))
    assert refused.value.data == {"scopes": ["channels:write"]}


async def test_a_token_needs_a_name_a_scope_and_a_future(database: Database) -> None:
    for name, scopes, life in [
        ("", [Scope.STOCK_READ], 1),
        ("a", [], 1),
        ("a", [Scope.STOCK_READ], -1),
        ("a", [Scope.STOCK_READ], 9e8),
    ]:
        with pytest.raises(Invalid):
            async with database.transaction() as tx:
                await staff.create_token(tx, name, scopes, expires_at=tx.now + timedelta(seconds=life))


class Office:
    """Looks principals up and counts how often."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.asked = 0
        self.now = 100.0

    async def lookup(self, secret: str) -> Principal:
        self.asked += 1
        async with self.database.read() as reader:
            return await staff.authenticate(reader, secret)


async def test_a_token_is_asked_for_once_in_five_seconds_and_revocation_is_noticed_then(database: Database) -> None:
    principal, secret = await made(database, Scope.ORDERS_READ)
    assert principal.token_id is not None
    office = Office(database)
    cache = staff.TokenCache(office.lookup, clock=lambda: office.now)
    assert cache.known(secret) is None
    assert set(await asyncio.gather(*(cache.principal(secret) for _ in range(50)))) == {principal}
    assert office.asked == 1
    assert cache.known(secret) == principal
    async with database.transaction() as tx:
        await staff.revoke_token(tx, principal.token_id)
    office.now += 4.9
    assert await cache.principal(secret) == principal, "the bound that is documented"
    office.now += 0.2
    with pytest.raises(Unauthenticated):
        await cache.principal(secret)
    assert office.asked == 2


async def test_a_token_that_expires_does_so_at_once_and_one_that_cannot_exist_costs_no_query(database: Database) -> None:
    async with database.transaction() as tx:
        end = tx.now + timedelta(milliseconds=150)
    _, secret = await made(database, Scope.ORDERS_READ, expires_at=end)
    office = Office(database)
    cache = staff.TokenCache(office.lookup)
    await cache.principal(secret)
    await asyncio.sleep(0.2)
    with pytest.raises(Unauthenticated):
        await cache.principal(secret)
    asked = office.asked
    for rubbish in ("", "ctk_x", "Bearer", "\x00" * 100):
        with pytest.raises(Unauthenticated):
            await cache.principal(rubbish)
    assert office.asked == asked
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await cache.principal(new_token("ctk"))
    assert office.asked == asked + 2


async def test_the_cache_is_bounded_and_can_be_emptied(database: Database) -> None:
    office = Office(database)
    cache = staff.TokenCache(office.lookup, max_tokens=2)
    secrets = [(await made(database, Scope.ORDERS_READ))[1] for _ in range(3)]
    for secret in secrets:
        await cache.principal(secret)
    assert [cache.known(secret) is not None for secret in secrets] == [False, True, True]
    cache.forget()
    assert cache.known(secrets[2]) is None


async def test_the_last_use_is_written_at_most_once_a_minute(database: Database) -> None:
    principal, secret = await made(database, Scope.ORDERS_READ)
    token_id = principal.token_id
    assert token_id is not None
    cache = staff.TokenCache(Office(database).lookup)
    await cache.principal(secret)
    used = cache.take_used()
    assert set(used) == {token_id}
    assert cache.take_used() == {}
    for seconds, expected in [(0, 0), (59, 0), (60, 60), (100, 60), (121, 121)]:
        async with database.transaction() as tx:
            await staff.mark_used(tx, {token_id: used[token_id] + timedelta(seconds=seconds)})
            await staff.mark_used(tx, {})
        async with database.read() as reader:
            assert (await staff.get_token(reader, token_id)).used_at == used[token_id] + timedelta(seconds=expected)
