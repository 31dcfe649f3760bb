"""Papers bear the address of their buyer: whoever opens them by an address that needs no account says first what only the buyer
knows of the order. Wrong answers are counted for the order, by whomever they come, and every fifth closes the door for longer.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import timedelta

from comptoir.modules.invoicing import store
from comptoir.modules.invoicing.errors import ProofBarred
from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime.database import Tx

TRIES = 5
_FIRST = timedelta(minutes=15)
_LONGEST = timedelta(days=1)
MOST = 200
"""Characters; what is longer is nobody's postcode or address."""


def plain(text: str) -> str:
    """A postcode or an e-mail address as it is compared: spaces, hyphens of postcodes and capitals do not count."""
    text = text.strip().casefold()
    return text if "@" in text else "".join(char for char in text if char.isalnum())


def fits(given: str, known: Sequence[str]) -> bool:
    """Whether it is one of these, in a time that says nothing of which, or of how much of it."""
    wanted = _digest(plain(given[:MOST]))
    found = False
    for one in known:
        found |= hmac.compare_digest(wanted, _digest(plain(one))) and bool(plain(one))
    return found


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def barred_for(tries: int) -> timedelta | None:
    """How long nothing is looked at after so many wrong answers: 15 minutes after five, twice as long after five more, and so
    on up to a day.
    """
    if tries % TRIES:
        return None
    return min(_LONGEST, _FIRST * 2 ** min(tries // TRIES - 1, 10))


async def prove(tx: Tx, order_id: OrderId, given: str, known: Sequence[str]) -> bool:
    """Whether whoever asks has said what only the buyer knows. Raises ProofBarred after too many wrong answers."""
    tries, barred_until = await store.lock_proof(tx, order_id)
    if barred_until is not None and barred_until > tx.now:
        raise ProofBarred(retry_after=(barred_until - tx.now).total_seconds())
    if fits(given, known):
        await store.put_proof(tx, order_id, 0, None)
        return True
    longer = barred_for(tries + 1)
    await store.put_proof(tx, order_id, tries + 1, None if longer is None else tx.now + longer)
    return False
