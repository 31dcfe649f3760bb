"""Users: who may what, and that there is always an owner."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from comptoir.kernel.errors import Invalid
from comptoir.kernel.ids import ActorId, to_text, uuid7
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import AuditFilter, Permission, Role, Scope, User, UserDraft, UserFilter, UserId
from comptoir.modules.staff.domain import PERMISSIONS, SCOPES
from comptoir.modules.staff.errors import EmailTaken, LastOwner, NotPermitted, UnknownUser
from comptoir.runtime.database import Context, Database

ADA = UserDraft(email="Ada@Shop.Example", name="Ada L", role=Role.OWNER, locale="en", time_zone="Europe/London")
BOB = UserDraft(email="bob@shop.example", name="Bob", role=Role.STORE)


async def made(database: Database, draft: UserDraft, password: str | None = None) -> User:
    async with database.transaction() as tx:
        return await staff.create_user(tx, draft, password)


async def trail(database: Database) -> list[tuple[str, str]]:
    async with database.read() as reader:
        return [(entry.action, entry.subject) for entry in (await staff.find_audit(reader, AuditFilter(), sort="time")).items]


def test_every_role_has_permissions_and_every_permission_has_a_role() -> None:
    assert set(PERMISSIONS) == set(Role)
    assert PERMISSIONS[Role.OWNER] == frozenset(Permission)
    assert set(SCOPES) == set(Scope)


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        (Role.OPERATIONS, Permission.SETTINGS_TOKENS, Permission.SETTINGS_USERS),
        (Role.STORE, Permission.STOCK_ADJUST, Permission.CHANNELS_WRITE),
        (Role.BUYER, Permission.CATALOGUE_WRITE, Permission.ORDERS_ACT),
        (Role.SUPPORT, Permission.ORDERS_ACT, Permission.STOCK_ADJUST),
        (Role.ANALYST, Permission.EXPORT, Permission.CUSTOMERS_READ),
    ],
)
def test_a_role_may_its_work_and_no_more(role: Role, may: Permission, may_not: Permission) -> None:
    assert may in PERMISSIONS[role]
    assert may_not not in PERMISSIONS[role]


async def test_a_principal_without_the_permission_is_refused_by_its_name(database: Database) -> None:
    principal = staff.user_principal(await made(database, BOB))
    staff.require(principal, Permission.STOCK_ADJUST)
    with pytest.raises(NotPermitted) as refused:
        staff.require(principal, Permission.SETTINGS_USERS)
    assert (refused.value.status, refused.value.data) == (403, {"permission": "settings.users"})


async def test_a_user_is_stored_clean_and_audited(database: Database) -> None:
    user = await made(database, replace(ADA, email="  Ada@SHOP.example ", name=" Ada L "), "correct horse")
    assert (user.email, user.name, user.role, user.active, user.has_password) == (
        "ada@shop.example",
        "Ada L",
        Role.OWNER,
        True,
        True,
    )
    async with database.read() as reader:
        assert await staff.get_user(reader, user.id) == user
        assert await staff.user_by_email(reader, " ADA@shop.example") == user
        with pytest.raises(UnknownUser):
            await staff.user_by_email(reader, "nobody@shop.example\x00")
    assert await trail(database) == [("user.created", to_text("user", user.id))]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"email": "not an address"}, "email"), ({"email": "a@b\x00.example"}, "email"), ({"email": ""}, "email"),
        ({"name": "  "}, "name"),
        ({"name": "a\nb"}, "name"), ({"name": "x" * 201}, "name"), ({"locale": "xx"}, "locale"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
    ],
)  # fmt: skip
async def test_what_is_wrong_with_a_user_is_said_by_its_path(database: Database, changes: dict[str, str], path: str) -> None:
    with pytest.raises(Invalid) as refused:
        await made(database, replace(BOB, **changes))
    assert [error["path"] for error in refused.value.data["errors"]] == [path]  # pyright: ignore[reportGeneralTypeIssues]
    assert await trail(database) == []


@pytest.mark.parametrize(
    "password", ["short", "", "bob@shop.example", "Bob@Shop.Example", "aaaaaaaaaaaa", "ababababab", "x" * 1025, "comptoir1234"]
)
async def test_a_password_that_is_easy_to_guess_is_refused(database: Database, password: str) -> None:
    with pytest.raises(Invalid):
        await made(database, BOB, password)
    assert await trail(database) == []


async def test_an_address_is_one_users_however_it_is_written(database: Database) -> None:
    await made(database, ADA)
    with pytest.raises(EmailTaken):
        await made(database, replace(BOB, email="ADA@shop.example"))
    bob = await made(database, BOB)
    with pytest.raises(EmailTaken):
        async with database.transaction() as tx:
            await staff.update_user(tx, bob.id, replace(bob, email="ada@shop.example"))


async def test_a_change_is_audited_with_what_was_before(database: Database) -> None:
    bob = await made(database, BOB)
    async with database.transaction(Context(ActorId("user:1"), "r-1")) as tx:
        after = await staff.update_user(tx, bob.id, replace(bob, role=Role.BUYER, name="Robert"))
        await staff.update_user(tx, bob.id, after)
    assert (after.role, after.name, after.email) == (Role.BUYER, "Robert", "bob@shop.example")
    async with database.read() as reader:
        page = await staff.find_audit(reader, AuditFilter(action="user.changed"))
    (entry,) = page.items
    assert entry.data == {"role": {"from": "store", "to": "buyer"}, "name": {"from": "Bob", "to": "Robert"}}
    assert (entry.actor, entry.request_id, entry.subject) == ("user:1", "r-1", to_text("user", bob.id))


async def test_the_last_owner_stays(database: Database) -> None:
    ada = await made(database, ADA)
    with pytest.raises(LastOwner):
        async with database.transaction() as tx:
            await staff.set_active(tx, ada.id, active=False)
    with pytest.raises(LastOwner):
        async with database.transaction() as tx:
            await staff.update_user(tx, ada.id, replace(ada, role=Role.ANALYST))
    async with database.read() as reader:
        assert await staff.get_user(reader, ada.id) == ada


async def test_of_two_owners_who_leave_at_once_one_stays(database: Database) -> None:
    for round_ in range(5):
        owners = [await made(database, replace(ADA, email=f"o{round_}{n}@shop.example")) for n in range(2)]

        async def leave(user: User, how: str) -> bool:
            try:
                async with database.transaction() as tx:
                    if how == "deactivated":
                        await staff.set_active(tx, user.id, active=False)
                    else:
                        await staff.update_user(tx, user.id, replace(user, role=Role.ANALYST))
            except LastOwner:
                return False
            return True

        left = await asyncio.gather(leave(owners[0], "deactivated"), leave(owners[1], "demoted"))
        assert sorted(left) == [False, True]
        async with database.read() as reader:
            page = await staff.find_users(reader, UserFilter(role=Role.OWNER, active=True))
        assert len(page.items) == 1
        async with database.transaction() as tx:  # makes room for the next round
            await tx.run("DELETE FROM staff.users")


async def test_a_user_who_does_not_exist_is_not_found(database: Database) -> None:
    nobody = UserId(uuid7())
    for step in (
        lambda tx: staff.update_user(tx, nobody, BOB),
        lambda tx: staff.set_active(tx, nobody, active=True),
        lambda tx: staff.set_password(tx, nobody, "correct horse"),
        lambda tx: staff.get_user(tx, nobody),
    ):
        with pytest.raises(UnknownUser):
            async with database.transaction() as tx:
                await step(tx)


async def test_the_first_run_makes_one_owner_however_many_start(database: Database) -> None:
    async def start() -> str | None:
        async with database.transaction() as tx:
            made = await staff.ensure_owner(tx, "owner@shop.example")
        return None if made is None else made[1]

    passwords = [password for password in await asyncio.gather(*(start() for _ in range(6))) if password]
    assert len(passwords) == 1
    assert len(passwords[0]) == 16
    async with database.read() as reader:
        found = await staff.credentials(reader, "owner@shop.example")
    await staff.check_password(found, passwords[0])


async def test_when_no_owner_is_left_the_named_user_becomes_one(database: Database) -> None:
    bob = await made(database, BOB, "correct horse")
    async with database.transaction() as tx:
        await staff.set_active(tx, bob.id, active=False)
        result = await staff.ensure_owner(tx, "BOB@shop.example", password="battery staple")
    assert result is not None
    assert (result[0].id, result[0].role, result[0].active, result[1]) == (bob.id, Role.OWNER, True, "battery staple")
    async with database.transaction() as tx:
        assert await staff.ensure_owner(tx, "other@shop.example") is None


async def test_users_are_found_filtered_sorted_and_paged(database: Database) -> None:
    for n, (name, role) in enumerate([("Zoé", Role.STORE), ("Ada", Role.OWNER), ("Émile", Role.STORE), ("bob_%", Role.BUYER)]):
        await made(database, UserDraft(email=f"u{n}@shop.example", name=name, role=role))
    async with database.read() as reader:

        async def found(**wanted: object) -> list[str]:
            return [user.name for user in (await staff.find_users(reader, UserFilter(**wanted))).items]  # pyright: ignore[reportArgumentType]

        assert await found() == ["Ada", "bob_%", "Émile", "Zoé"]
        assert await found(search="emil") == ["Émile"]
        assert await found(search="U3@") == ["bob_%"]
        assert await found(search="_%") == ["bob_%"]
        assert await found(role=Role.STORE) == ["Émile", "Zoé"]
        assert await found(search="'; DROP TABLE staff.users; --\x00") == []
        first = await staff.find_users(reader, UserFilter(), limit=3)
        second = await staff.find_users(reader, UserFilter(), limit=3, cursor=first.next)
        assert [user.name for user in first.items + second.items] == ["Ada", "bob_%", "Émile", "Zoé"]
        assert (await staff.count_users(reader, UserFilter(role=Role.STORE))).rows == 2
        assert [user.name async for user in staff.stream_users(reader, UserFilter(), sort="-name")] == [
            "Zoé",
            "Émile",
            "bob_%",
            "Ada",
        ]


async def test_the_audit_trail_is_searched_filtered_and_paged(database: Database) -> None:
    for n in range(5):
        async with database.transaction(Context(ActorId(f"user:{n % 2}"))) as tx:
            await staff.record(
                tx, "stock.adjusted" if n else "order.cancelled", f"SKU-{n}", {"by": n, "why": "a\x00b"}, address="::1"
            )
    async with database.read() as reader:
        newest = await staff.find_audit(reader, AuditFilter(), limit=2)
        assert [entry.subject for entry in newest.items] == ["SKU-4", "SKU-3"]
        older = await staff.find_audit(reader, AuditFilter(), limit=2, cursor=newest.next)
        assert [entry.subject for entry in older.items] == ["SKU-2", "SKU-1"]

        async def found(**wanted: object) -> list[str]:
            wanted_filter = AuditFilter(**wanted)  # pyright: ignore[reportArgumentType]
            return [entry.subject async for entry in staff.stream_audit(reader, wanted_filter, sort="time")]

        assert await found(action="stock.") == ["SKU-1", "SKU-2", "SKU-3", "SKU-4"]
        assert await found(action="order.cancelled") == ["SKU-0"]
        assert await found(actor="user:1") == ["SKU-1", "SKU-3"]
        assert await found(subject="SKU-2") == ["SKU-2"]
        assert await found(search="SKU-3") == ["SKU-3"]
        assert await found(search="adjusted") == ["SKU-1", "SKU-2", "SKU-3", "SKU-4"]
        assert await found(since=newest.items[0].at) == ["SKU-4"]
        assert await found(until=newest.items[0].at, action="stock.") == ["SKU-1", "SKU-2", "SKU-3"]
        assert newest.items[0].data == {"by": 4, "why": "a\ufffdb"}
        assert (await staff.count_audit(reader, AuditFilter(actor="user:0"))).rows == 3


async def test_actors_have_names(database: Database) -> None:
    bob = await made(database, BOB)
    async with database.transaction() as tx:
        token, _ = await staff.create_token(tx, "Till 3", [Scope.ORDERS_WRITE])
    async with database.read() as reader:
        actors = [f"user:{bob.id}", f"token:{token.id}", "system", "user:nonsense", f"user:{uuid7()}"]
        assert await staff.names(reader, actors) == {f"user:{bob.id}": "Bob", f"token:{token.id}": "Till 3"}
