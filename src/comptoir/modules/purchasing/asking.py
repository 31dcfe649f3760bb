"""How suppliers are asked: their terms and prices, their own figures of stock, and the letters that go out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from comptoir.kernel.checking import Checks
from comptoir.kernel.money import MAX_MINOR
from comptoir.kernel.quantities import MAX_QUANTITY, Sku
from comptoir.kernel.quantities import sku as clean_sku
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Adjustment, AdjustReason, Quantity
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import Location, LocationId, LocationKind
from comptoir.modules.purchasing import writing
from comptoir.modules.purchasing.contracts import (
    Article,
    Claimed,
    Letter,
    LetterKind,
    LetterState,
    Purchase,
    PurchaseId,
    PurchaseState,
    Terms,
)
from comptoir.modules.purchasing.errors import NotASupplier, PurchaseStepRefused
from comptoir.modules.purchasing.store import asking as store
from comptoir.modules.purchasing.store import purchases
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Page

_LOCALES = ("fr", "en")
_MOST_HOURS = 24 * 90
MAX_ROWS = 5000
LEASE = timedelta(minutes=5)
SCHEDULE = (1, 5, 30, 120, 360, 720)
"""Minutes before each further attempt."""


async def supplier(reader: Reader, location_id: LocationId) -> Location:
    """Raises UnknownLocation and NotASupplier."""
    found = await locations.get(reader, location_id)
    if found.kind is not LocationKind.SUPPLIER:
        raise NotASupplier(location_id=location_id)
    return found


async def terms_of(reader: Reader, location_id: LocationId) -> Terms:
    """Those that were set, or what holds without. Raises UnknownLocation and NotASupplier."""
    await supplier(reader, location_id)
    return (await store.terms(reader, [location_id])).get(location_id, Terms(location_id=location_id))


async def put_terms(tx: Tx, terms: Terms) -> Terms:
    """Raises Invalid, UnknownLocation and NotASupplier."""
    await supplier(tx, terms.location_id)
    checks = Checks()
    email = terms.email.strip()
    at, _, host = email.partition("@")
    checks.require("email", not email or (bool(at) and "." in host and len(email) <= 254), "is no e-mail address")
    checks.words("email", email, most=254)
    checks.require("email", " " not in email, "is no e-mail address")
    checks.require("locale", terms.locale in _LOCALES, f"is one of {', '.join(_LOCALES)}")
    checks.require("currency", len(terms.currency) == 3 and terms.currency.isupper(), "is an ISO 4217 code")
    checks.whole("answer_within", terms.answer_within, 1, _MOST_HOURS)
    checks.whole("remind_after", terms.remind_after, 0, _MOST_HOURS)
    checks.done()
    clean = Terms(
        location_id=terms.location_id,
        email=email,
        locale=terms.locale,
        currency=terms.currency,
        answer_within=terms.answer_within,
        remind_after=terms.remind_after,
    )
    await store.put_terms(tx, clean)
    return clean


async def put_articles(tx: Tx, location_id: LocationId, rows: Sequence[Article]) -> int:
    """What a supplier calls these SKUs and what they cost from now on; purchase orders that were made keep their costs. Says
    how many there were. Raises Invalid, UnknownLocation and NotASupplier.
    """
    await supplier(tx, location_id)
    checks = Checks()
    checks.require("rows", 1 <= len(rows) <= MAX_ROWS, f"has 1 to {MAX_ROWS} rows")
    clean: dict[str, Article] = {}
    for n, row in enumerate(rows[:MAX_ROWS]):
        sku = checks.parsed(f"rows[{n}].sku", clean_sku, row.sku, Sku(""))
        name = checks.words(f"rows[{n}].supplier_sku", row.supplier_sku, most=80)
        checks.whole(f"rows[{n}].cost", row.cost or 0, 0, MAX_MINOR)
        clean[sku] = Article(sku=sku, supplier_sku=name, cost=row.cost)
    known = await catalogue.known(tx, sorted(clean)) if not checks.errors else set(clean)
    checks.require("rows", set(clean) <= known, f"has unknown SKUs: {', '.join(sorted(set(clean) - known)[:5])}")
    checks.done()
    await store.put_articles(tx, location_id, list(clean.values()))
    return len(clean)


async def articles(reader: Reader, location_id: LocationId, *, limit: int = 50, cursor: str | None = None) -> Page[Article]:
    """By SKU. Raises UnknownLocation and NotASupplier."""
    await supplier(reader, location_id)
    return await store.ARTICLES.page(reader, store.articles_of(location_id), sort="sku", limit=limit, cursor=cursor)


async def take_feed(tx: Tx, location_id: LocationId, rows: Sequence[Quantity]) -> int:
    """What a supplier says that they can send us from now on. What they have accepted and not sent is no longer in their
    figures, and lies there for us all the same. Says how many levels are others now.

    Raises Invalid, UnknownLocation and NotASupplier.
    """
    await supplier(tx, location_id)
    checks = Checks()
    checks.require("rows", 1 <= len(rows) <= MAX_ROWS, f"has 1 to {MAX_ROWS} rows")
    free: dict[str, int] = {}
    for n, row in enumerate(rows[:MAX_ROWS]):
        sku = checks.parsed(f"rows[{n}].sku", clean_sku, row.sku, Sku(""))
        free[sku] = checks.whole(f"rows[{n}].quantity", row.quantity, 0, MAX_QUANTITY)
    known = await catalogue.known(tx, sorted(free)) if not checks.errors else set(free)
    checks.require("rows", set(free) <= known, f"has unknown SKUs: {', '.join(sorted(set(free) - known)[:5])}")
    checks.done()
    levels = await inventory.lock_levels(tx, sorted((sku, location_id) for sku in free))
    accepted = await purchases.claimed_units(tx, location_id, sorted(free))
    changes = [
        Adjustment(sku, to=min(MAX_QUANTITY, units + accepted.get(sku, 0)))
        for sku, units in sorted(free.items())
        if levels[sku, location_id].on_hand != units + accepted.get(sku, 0)
    ]
    if changes:
        await inventory.adjust(tx, location_id, changes, AdjustReason.CORRECTION, "feed")
    return len(changes)


# Letters


async def remind(tx: Tx) -> int:
    """Reminds whoever has not answered, once; says how many those were."""
    due = await purchases.to_remind(tx, tx.now, 20)
    for one in await purchases.get(tx, due, lock=True):
        if one.state is PurchaseState.ASKED and one.remind_at is not None and one.remind_at <= tx.now:
            await purchases.put(tx, one.id, {"remind_at": None})
            await writing.write_to(tx, one, LetterKind.REMINDER)
            writing.tell(tx, one, "remind")
    return len(due)


async def send_again(tx: Tx, purchase_id: PurchaseId) -> Purchase:
    """The order goes out once more. Raises UnknownPurchase, and PurchaseStepRefused for what is over."""
    one = await writing.load(tx, purchase_id)
    writing.require_live(one, "send_again")
    terms = (await store.terms(tx, [one.location_id])).get(one.location_id)
    if terms is None or not terms.email:
        raise PurchaseStepRefused(step="send_again", state="no_address")
    await store.insert_letter(tx, one.id, LetterKind.ORDER, one.revision)
    return one


async def letters(reader: Reader, purchase_id: PurchaseId) -> list[Letter]:
    """To the supplier, the oldest first."""
    return await store.letters(reader, purchase_id)


async def claim(tx: Tx, limit: int) -> list[Claimed]:
    """Letters that are due, ours to send for `LEASE`."""
    lease = tx.now + LEASE
    found = await store.claim(tx, limit, lease)
    about = {one.id: one for one in await purchases.get(tx, sorted({letter.purchase_id for letter in found}))}
    places = {one.location_id for one in about.values()}
    terms = await store.terms(tx, sorted(places))
    return [
        Claimed(letter, one, terms.get(one.location_id, Terms(location_id=one.location_id)), lease)
        for letter in found
        for one in [about[letter.purchase_id]]
    ]


async def settle_letter(tx: Tx, claimed: Claimed, problem: str = "", *, never: bool = False) -> LetterState | None:
    """What came of it: sent where there was no problem, to be tried again, or given up. None where it was not ours any more."""
    attempts = claimed.letter.attempts
    if not problem:
        state, next_at = LetterState.SENT, None
    elif never or attempts > len(SCHEDULE):
        state, next_at = LetterState.FAILED, None
    else:
        state, next_at = LetterState.PENDING, tx.now + timedelta(minutes=SCHEDULE[attempts - 1])
    done = await store.settle_letter(tx, claimed.letter.id, claimed.lease, state, next_at, problem)
    return state if done else None
