from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from comptoir.kernel.errors import Invalid, NotFound, Stale
from comptoir.kernel.ids import uuid7
from comptoir.modules.customers import api
from comptoir.modules.customers.contracts import (
    CustomerAmbiguous,
    CustomerChanged,
    CustomerCreated,
    CustomerDraft,
    CustomerFilter,
    CustomerId,
    Identity,
    Sighting,
)
from comptoir.modules.customers.errors import IdentityTaken, UnknownCustomer
from comptoir.runtime.database import Database
from comptoir.sdk.orders import Buyer

ANNA = Buyer(name="Anna Martin", email="anna@example.com", phone="06 12 34 56 78", external_id="77")


async def total(database: Database) -> tuple[int, int]:
    async with database.read() as reader:
        row = await reader.row("SELECT (SELECT count(*) FROM customers.customers), (SELECT count(*) FROM customers.identities)")
    assert row is not None
    return row[0], row[1]


async def test_somebody_new_becomes_a_customer_with_all_their_keys(database: Database) -> None:
    async with database.transaction() as tx:
        anna = await api.recognise(tx, ANNA, channel="web", region="FR")
        assert anna is not None
        assert tx.emitted == [CustomerCreated(customer_id=anna, kinds=("channel:web", "email", "phone"))]
        customer = await api.get(tx, anna)
    assert customer.name == "Anna Martin"
    assert customer.identities == (
        Identity("channel:web", "77"),
        Identity("email", "anna@example.com"),
        Identity("phone", "+33612345678"),
    )


@pytest.mark.parametrize(
    "buyer",
    [
        Buyer(email="ANNA@example.com"),
        Buyer(phone="+33 6 12 34 56 78"),
        Buyer(external_id="77"),
        Buyer(name="X", email="anna@example.com"),
    ],
)
async def test_any_one_key_is_enough_to_be_recognised_and_writes_nothing(database: Database, buyer: Buyer) -> None:
    async with database.transaction() as tx:
        anna = await api.recognise(tx, ANNA, channel="web", region="FR")
    async with database.transaction() as tx:
        assert await api.recognise(tx, buyer, channel="web") == anna
        assert not tx.emitted


async def test_an_account_id_means_nobody_on_another_channel(database: Database) -> None:
    async with database.transaction() as tx:
        anna = await api.recognise(tx, Buyer(external_id="77"), channel="web")
        other = await api.recognise(tx, Buyer(external_id="77"), channel="app")
        assert anna != other


async def test_whoever_gives_no_usable_key_stays_nobody(database: Database) -> None:
    async with database.transaction() as tx:
        assert await api.recognise(tx, Buyer(name="Anna", email="anna at example", external_id="5")) is None
        assert not tx.emitted
    assert await total(database) == (0, 0)


async def test_new_keys_are_added_and_an_empty_name_is_filled_but_none_is_overwritten(database: Database) -> None:
    async with database.transaction() as tx:
        anna = await api.recognise(tx, Buyer(email="anna@example.com"))
        assert anna is not None
    async with database.transaction() as tx:
        await api.recognise(tx, Buyer(email="anna@example.com", loyalty_number="42", name="Anna Martin"))
        assert tx.emitted == [CustomerChanged(customer_id=anna, attached=("loyalty",))]
    async with database.transaction() as tx:
        assert await api.recognise(tx, Buyer(loyalty_number="42", name="A. M.", company="Martin SA")) == anna
        assert tx.emitted == [CustomerChanged(customer_id=anna)]
        customer = await api.get(tx, anna)
    assert (customer.name, customer.company, customer.version) == ("Anna Martin", "Martin SA", 3)


async def test_keys_of_two_customers_mean_the_older_one_and_nobody_is_merged(database: Database) -> None:
    async with database.transaction() as tx:
        old = await api.recognise(tx, Buyer(phone="+33612345678"))
    async with database.transaction() as tx:
        young = await api.recognise(tx, Buyer(email="anna@example.com"))
    assert old is not None
    assert young is not None
    async with database.transaction() as tx:
        both = Buyer(email="anna@example.com", phone="+33612345678", loyalty_number="42")
        assert await api.recognise(tx, both) == old
        assert tx.emitted == [
            CustomerChanged(customer_id=old, attached=("loyalty",)),
            CustomerAmbiguous(customer_id=old, other_customer_ids=[young], kinds=("email", "phone")),
        ]
        assert await api.known_by(tx, Identity("email", "anna@example.com")) == young
        assert await api.known_by(tx, Identity("loyalty", "42")) == old


async def test_of_two_transactions_that_meet_somebody_new_both_get_the_same_customer(database: Database) -> None:
    first_wrote, second_asks = asyncio.Event(), asyncio.Event()

    async def first() -> CustomerId | None:
        async with database.transaction() as tx:
            found = await api.recognise(tx, Buyer(email="anna@example.com", phone="+33612345678"))
            first_wrote.set()
            await second_asks.wait()
            await asyncio.sleep(0.1)  # until the second waits for the key
        return found

    async def second() -> CustomerId | None:
        await first_wrote.wait()
        async with database.transaction() as tx:
            second_asks.set()
            found = await api.recognise(tx, Buyer(email="Anna@Example.com", loyalty_number="42"))
            assert found is not None
            assert tx.emitted == [CustomerChanged(customer_id=found, attached=("loyalty",))]
        return found

    one, two = await asyncio.gather(first(), second())
    assert one == two
    assert await total(database) == (1, 3)


async def test_a_crowd_that_meets_the_same_ten_buyers_at_once_makes_ten_customers(database: Database) -> None:
    async def meet(n: int) -> tuple[int, CustomerId | None]:
        async with database.transaction() as tx:
            return n % 10, await api.recognise(tx, Buyer(email=f"b{n % 10}@example.com", loyalty_number=f"L{n % 10}"))

    met = set(await asyncio.gather(*(meet(n) for n in range(60))))
    assert len(met) == 10
    assert await total(database) == (10, 20)


async def test_a_bulk_recognises_as_one_after_the_other(database: Database) -> None:
    async with database.transaction() as tx:
        known = await api.recognise(tx, Buyer(email="c3@example.com"))
        crowd = [Sighting(Buyer(email=f"c{n % 3000}@example.com", name=f"C {n % 3000}")) for n in range(6000)]
        found = await api.recognise_many(tx, [*crowd, Sighting(Buyer())])
        assert found[:3000] == found[3000:6000]
        assert found[3] == known
        assert found[-1] is None
        assert len(set(found)) == 3001
        assert sum(isinstance(event, CustomerCreated) for event in tx.emitted) == 3000
    assert await total(database) == (3000, 3000)


async def test_staff_make_change_and_find_customers(database: Database) -> None:
    async with database.transaction() as tx:
        keys = [Identity("email", "Zoé@example.com"), Identity("phone", "06 12 34 56 78")]
        made = await api.create(tx, CustomerDraft(name="Zoé Élan", tags=("vip", "b2b", "vip")), keys, region="FR")
        assert made.tags == ("b2b", "vip")
        assert tx.emitted == [CustomerCreated(customer_id=made.id, kinds=("email", "phone"))]
        bob = await api.create(tx, CustomerDraft(name="Bob"))
        changed = await api.update(tx, made.id, replace(made, locale="fr", tags=()), version=1)
        assert (changed.locale, changed.tags, changed.version) == ("fr", (), 2)
        with pytest.raises(Stale):
            await api.update(tx, made.id, made, version=1)
        with pytest.raises(UnknownCustomer):
            await api.update(tx, CustomerId(uuid7()), made)

        async def found(search: str, **wanted: Any) -> list[str]:
            page = await api.find(tx, CustomerFilter(search=search, region="FR", **wanted))
            return [customer.name for customer in page.items]

        assert await found("") == ["Bob", "Zoé Élan"]
        assert await found("elan zoe") == ["Zoé Élan"]
        assert await found("zoé@EXAMPLE.com") == ["Zoé Élan"]
        assert await found("0612345678") == ["Zoé Élan"]
        assert await found("", tag="vip") == []
        assert [customer.id async for customer in api.stream(tx, CustomerFilter(), sort="created")] == [made.id, bob.id]
        assert await api.names(tx, [bob.id]) == {bob.id: "Bob"}
        assert (await api.count(tx, CustomerFilter())).rows == 2


async def test_a_key_is_of_one_customer_and_can_be_taken_away(database: Database) -> None:
    key = Identity("email", "anna@example.com")
    async with database.transaction() as tx:
        anna = await api.create(tx, CustomerDraft(name="Anna"), [key])
        bob = await api.create(tx, CustomerDraft(name="Bob"))
    with pytest.raises(IdentityTaken) as refused:
        async with database.transaction() as tx:
            await api.attach(tx, bob.id, [key, Identity("loyalty", "7")])
    assert refused.value.data == {"kinds": ["email"], "customer_id": anna.id}
    async with database.transaction() as tx:
        assert (await api.get(tx, bob.id)).identities == ()
        assert (await api.detach(tx, anna.id, key)).identities == ()
        assert tx.emitted == [CustomerChanged(customer_id=anna.id, detached=("email",))]
        with pytest.raises(NotFound):
            await api.detach(tx, anna.id, key)
        assert (await api.attach(tx, bob.id, [key])).identities == (key,)


async def test_everything_that_is_wrong_with_a_customer_is_said_at_once(database: Database) -> None:
    async with database.transaction() as tx:
        with pytest.raises(Invalid) as refused:
            await api.create(
                tx, CustomerDraft(name="a\0", locale="French!", tags=("",)), [Identity("email", "x"), Identity("fax", "1")]
            )
    errors: Any = refused.value.data["errors"]
    assert [error["path"] for error in errors] == ["locale", "tags[0]", "name", "identities[0]", "identities[1]"]
    assert await total(database) == (0, 0)


async def test_no_event_holds_a_key_of_a_customer(database: Database) -> None:
    async with database.transaction() as tx:
        await api.recognise(tx, ANNA, channel="web", region="FR")
    async with database.read() as reader:
        logged = str(await reader.values("SELECT data::text FROM runtime.events"))
    assert "customer_id" in logged
    for key in ("anna@example.com", "33612345678", "Martin", "77"):
        assert f'"{key}"' not in logged
