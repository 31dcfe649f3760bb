"""Customers, and the keys that they are known by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence

from comptoir.kernel.checking import Checks
from comptoir.kernel.errors import NotFound, Stale
from comptoir.modules.customers import domain, store
from comptoir.modules.customers.contracts import (
    Customer,
    CustomerAmbiguous,
    CustomerChanged,
    CustomerCreated,
    CustomerDraft,
    CustomerErased,
    CustomerFilter,
    CustomerId,
    Identity,
    Sighting,
)
from comptoir.modules.customers.domain import email as email_key
from comptoir.modules.customers.domain import phone as phone_number
from comptoir.modules.customers.errors import IdentityTaken, UnknownCustomer
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Count, Page
from comptoir.sdk.orders import Buyer

__all__ = ["email_key", "phone_number"]

_CHUNK = 5000


async def recognise(tx: Tx, buyer: Buyer, *, channel: str = "", region: str = "") -> CustomerId | None:
    """The customer that this buyer is, who is made where there was none; None for a buyer without any usable key.

    Any one key is enough (e-mail, phone, loyalty number, account on that channel); those that were not known yet are the
    customer's from now on. Where the keys are of several customers it is the oldest, and `customer.ambiguous` says so: nobody
    is merged. A key that is none (a misspelt address) is passed over. Two transactions that meet somebody new at the same
    time agree: the second waits for the first. `region` is the country of phone numbers without a country code.
    """
    return (await recognise_many(tx, [Sighting(buyer, channel, region)]))[0]


async def recognise_many(tx: Tx, sightings: Sequence[Sighting]) -> list[CustomerId | None]:
    """`recognise` for thousands, one after the other as to the result, in a handful of statements per 5000."""
    result: list[CustomerId | None] = []
    for begin in range(0, len(sightings), _CHUNK):
        result += await _recognise(tx, sightings[begin : begin + _CHUNK])
    return result


async def _recognise(tx: Tx, sightings: Sequence[Sighting]) -> list[CustomerId | None]:
    keyed = [(sighting, domain.identities(sighting)) for sighting in sightings]
    keys = sorted({key for _, found in keyed for key in found})
    if not keys:
        return [None] * len(sightings)
    while True:
        recognition = domain.recognise(keyed, await store.owners(tx, keys), store.new_id, tx.now)
        if await _written(tx, recognition):
            break  # else somebody took one of the keys since we looked: look again
    filled = await store.fill(tx, recognition.told) if recognition.told else []
    _emit(tx, recognition, filled)
    return recognition.customers


async def _written(tx: Tx, recognition: domain.Recognition) -> bool:
    """Whether every key was still free; where one was not, nothing has been written."""
    if not recognition.attached:
        return True
    await tx.run("SAVEPOINT recognise")
    if recognition.created:
        await store.insert(tx, recognition.created)
    free = await store.attach(tx, recognition.attached)
    if not free:
        await tx.run("ROLLBACK TO SAVEPOINT recognise")
    await tx.run("RELEASE SAVEPOINT recognise")
    return free


def _emit(tx: Tx, recognition: domain.Recognition, filled: Sequence[CustomerId]) -> None:
    attached: dict[CustomerId, set[str]] = defaultdict(set)
    for key, customer in recognition.attached.items():
        attached[customer].add(key.kind)
    for customer in recognition.created:
        tx.emit(CustomerCreated(customer_id=customer, kinds=tuple(sorted(attached.pop(customer, ())))))
    for customer in dict.fromkeys([*attached, *filled]):
        tx.emit(CustomerChanged(customer_id=customer, attached=tuple(sorted(attached.get(customer, ())))))
    for (oldest, *others), kinds in recognition.conflicts.items():
        tx.emit(CustomerAmbiguous(customer_id=oldest, other_customer_ids=others, kinds=tuple(sorted(kinds))))


async def create(tx: Tx, draft: CustomerDraft, identities: Sequence[Identity] = (), *, region: str = "") -> Customer:
    """A new customer with these keys. Raises Invalid and IdentityTaken."""
    checks = Checks()
    clean = domain.checked(draft, checks)
    keys = _checked_keys(identities, region, checks)
    checks.done()
    customer_id = store.new_id()
    await store.insert(tx, {customer_id: clean})
    await _attach(tx, customer_id, keys)
    tx.emit(CustomerCreated(customer_id=customer_id, kinds=tuple(sorted({key.kind for key in keys}))))
    return await get(tx, customer_id)


async def update(tx: Tx, customer_id: CustomerId, draft: CustomerDraft, *, version: int | None = None) -> Customer:
    """The customer as the draft has it; keys are left alone. Raises Invalid, UnknownCustomer and Stale."""
    checks = Checks()
    clean = domain.checked(draft, checks)
    checks.done()
    if not await store.update(tx, customer_id, clean, version):
        there = await get(tx, customer_id)
        raise Stale(kind="customer", id=customer_id, version=there.version)
    tx.emit(CustomerChanged(customer_id=customer_id))
    return await get(tx, customer_id)


async def attach(tx: Tx, customer_id: CustomerId, identities: Sequence[Identity], *, region: str = "") -> Customer:
    """The customer is known by these keys too. Raises Invalid, UnknownCustomer and IdentityTaken."""
    checks = Checks()
    keys = _checked_keys(identities, region, checks)
    checks.done()
    there = await get(tx, customer_id)
    new = [key for key in keys if key not in there.identities]
    if new:
        await _attach(tx, customer_id, new)
        tx.emit(CustomerChanged(customer_id=customer_id, attached=tuple(sorted({key.kind for key in new}))))
    return await get(tx, customer_id)


async def detach(tx: Tx, customer_id: CustomerId, identity: Identity) -> Customer:
    """The customer is not known by this key any more. Raises NotFound where they were not, and UnknownCustomer."""
    there = await get(tx, customer_id)
    if identity not in there.identities or not await store.detach(tx, customer_id, identity):
        raise NotFound(kind="identity", id=customer_id)
    tx.emit(CustomerChanged(customer_id=customer_id, detached=(identity.kind,)))
    return await get(tx, customer_id)


async def erase(tx: Tx, customer_id: CustomerId) -> None:
    """Forgets who this customer is: name, company, language, tags and every key. Whoever comes with one of the keys is somebody
    new. What other modules know of them is theirs to forget. Raises UnknownCustomer.
    """
    await get(tx, customer_id)
    await store.erase(tx, customer_id)
    tx.emit(CustomerErased(customer_id=customer_id))


async def _attach(tx: Tx, customer_id: CustomerId, keys: Sequence[Identity]) -> None:
    if keys and not await store.attach(tx, dict.fromkeys(keys, customer_id)):
        owners = await store.owners(tx, keys)
        taken = {key: owner.customer_id for key, owner in owners.items() if owner.customer_id != customer_id}
        raise IdentityTaken(kinds=sorted({key.kind for key in taken}), customer_id=next(iter(taken.values()), None))


def _checked_keys(identities: Sequence[Identity], region: str, checks: Checks) -> list[Identity]:
    keys: set[Identity] = set()
    for n, identity in enumerate(identities):
        try:
            keys.add(domain.identity(identity.kind, identity.value, region))
        except ValueError as problem:
            checks.refuse(f"identities[{n}]", str(problem))
    return sorted(keys)


async def get(reader: Reader, customer_id: CustomerId) -> Customer:
    found = await store.get(reader, customer_id)
    if found is None:
        raise UnknownCustomer(kind="customer", id=customer_id)
    return found


async def known_by(reader: Reader, identity: Identity, *, region: str = "") -> CustomerId | None:
    """Whom this key means, without making anybody; None also for what is no such key."""
    try:
        key = domain.identity(identity.kind, identity.value, region)
    except ValueError:
        return None
    owners = await store.owners(reader, [key])
    return owners[key].customer_id if owners else None


async def names(reader: Reader, ids: Sequence[CustomerId]) -> dict[CustomerId, str]:
    """Name, or else company, of those that there are, for showing."""
    return await store.names(reader, ids)


async def find(
    reader: Reader, wanted: CustomerFilter, *, sort: str = "name", limit: int = 50, cursor: str | None = None
) -> Page[Customer]:
    """Sorts: name, created, and each with a `-` before it."""
    return await store.LISTING.page(reader, store.where(wanted), sort=sort, limit=limit, cursor=cursor)


async def count(reader: Reader, wanted: CustomerFilter) -> Count:
    return await store.LISTING.count(reader, store.where(wanted))


def stream(reader: Reader, wanted: CustomerFilter, *, sort: str = "name") -> AsyncIterator[Customer]:
    """Every one of them, in order, for exports."""
    return store.LISTING.stream(reader, store.where(wanted), sort=sort)
