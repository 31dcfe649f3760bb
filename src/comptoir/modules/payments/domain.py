"""The arithmetic of payments."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence

from comptoir.modules.payments.contracts import (
    CARD,
    CARD_TERMINAL,
    AccountKind,
    Balance,
    Entry,
    EntryKind,
    Grant,
    GrantId,
    GrantState,
    GrantStep,
    MethodBalance,
)


def balance(entries: Iterable[Entry]) -> Balance:
    """What the entries add up to; what is voided is no longer authorised."""
    authorised = captured = refunded = 0
    for entry in entries:
        match entry.kind:
            case EntryKind.AUTHORISED:
                authorised += entry.amount
            case EntryKind.VOIDED:
                authorised -= entry.amount
            case EntryKind.CAPTURED:
                captured += entry.amount
            case EntryKind.REFUNDED:
                refunded += entry.amount
    return Balance(authorised, captured, refunded)


def family(method: str) -> str:
    """What counts as the same method: a card is a card, whether a shop or a terminal has taken it."""
    folded = method.strip().casefold()
    return CARD if folded == CARD_TERMINAL else folded


def by_method(entries: Iterable[Entry]) -> list[MethodBalance]:
    """How each method by which was paid stands, the one that was paid by last first.

    What went back another way leaves less for all of them: together no more is given back than was paid.
    """
    captured: dict[str, int] = {}
    refunded: dict[str, int] = {}
    names: dict[str, str] = {}
    for entry in entries:
        key = family(entry.method)
        match entry.kind:
            case EntryKind.CAPTURED:
                captured[key] = captured.pop(key, 0) + entry.amount
                names[key] = entry.method
            case EntryKind.REFUNDED:
                refunded[key] = refunded.get(key, 0) + entry.amount
            case _:
                pass
    left = max(0, sum(captured.values()) - sum(refunded.values()))
    return [
        MethodBalance(names[key], paid, refunded.get(key, 0), max(0, min(paid - refunded.get(key, 0), left)))
        for key, paid in reversed(captured.items())
    ]


def refundable(entries: Sequence[Entry], method: str, anyhow: Collection[str] = ()) -> int:
    """How much may go back by this method: what was paid by it and has not gone back.

    Gift cards and store credit may give back whatever was paid, as may the methods of `anyhow`: that money stays here, or the
    house has decided so. Anything else is how stolen cards become cash.
    """
    free = {family(one) for one in anyhow} | set(AccountKind)
    if family(method) in free:
        there = balance(entries)
        return max(0, there.captured - there.refunded)
    return next((one.left for one in by_method(entries) if family(one.method) == family(method)), 0)


def as_paid(entries: Sequence[Entry], amount: int) -> list[tuple[str, int]]:
    """By which methods so much, at most what was paid, goes back as it was paid: the one that was paid by last first."""
    there = balance(entries)
    amount = min(amount, there.captured - there.refunded)
    parts: list[tuple[str, int]] = []
    for one in by_method(entries):
        part = min(one.left, amount)
        if part > 0:
            parts.append((one.method, part))
            amount -= part
    return parts


GRANT_STEPS: Mapping[tuple[GrantState, GrantStep], GrantState] = {
    (GrantState.PENDING, GrantStep.EXECUTE_PART): GrantState.PARTLY,
    (GrantState.PENDING, GrantStep.EXECUTE_REST): GrantState.EXECUTED,
    (GrantState.PENDING, GrantStep.WITHDRAW): GrantState.WITHDRAWN,
    (GrantState.PARTLY, GrantStep.EXECUTE_PART): GrantState.PARTLY,
    (GrantState.PARTLY, GrantStep.EXECUTE_REST): GrantState.EXECUTED,
    (GrantState.PARTLY, GrantStep.WITHDRAW): GrantState.WITHDRAWN,
}
"""The life of a refund that was granted. Nothing leads out of what is executed or withdrawn."""


def grant_state(state: GrantState, step: GrantStep) -> GrantState | None:
    """None where the step cannot be taken."""
    return GRANT_STEPS.get((state, step))


def paid_off(grants: Sequence[Grant], amount: int) -> list[tuple[GrantId, int]]:
    """How much of each open grant a refund of so much executes: the first ones first."""
    parts: list[tuple[GrantId, int]] = []
    for grant in grants:
        part = min(grant.open, amount)
        if part > 0:
            parts.append((grant.id, part))
            amount -= part
    return parts


def lowered(grants: Sequence[Grant], by: int) -> tuple[list[Grant], int]:
    """Which grants to withdraw so that so much less is promised, the last ones first, and how much has to be granted anew
    because the last of these was larger than that.
    """
    withdrawn: list[Grant] = []
    for grant in reversed(grants):
        if by <= 0:
            break
        if grant.open:
            withdrawn.append(grant)
            by -= grant.open
    return withdrawn, max(0, -by)


_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {char: value for value, char in enumerate(_ALPHABET)} | {"I": 1, "L": 1, "O": 0}
_CODE_LENGTH = 20
_RANDOM_BITS = 90
_CHECK = 1021
"""The largest prime below 32 x 32: any one wrong character, and any two that changed places, give another remainder."""


def new_code() -> str:
    """Eighteen random characters and two that check them, in groups of five as people read them out."""
    number = secrets.randbits(_RANDOM_BITS) << 10
    return show_code(number + -number % _CHECK)


def show_code(number: int) -> str:
    text = "".join(_ALPHABET[number >> shift & 31] for shift in range((_CODE_LENGTH - 1) * 5, -1, -5))
    return "-".join(text[at : at + 5] for at in range(0, _CODE_LENGTH, 5))


def read_code(text: str) -> str | None:
    """The code as it was given out, whatever dashes, spaces and lookalikes were typed; None for what cannot be one."""
    typed = [char for char in text.upper() if char not in "- \u00a0\u202f"]
    values = [_VALUES.get(char) for char in typed]
    if len(typed) != _CODE_LENGTH or None in values:
        return None
    number = 0
    for value in values:
        number = number << 5 | (value or 0)
    return None if number % _CHECK else show_code(number)


def hash_code(code: str) -> bytes:
    """What is kept of a code. Ninety random bits cannot be found by trying."""
    return hashlib.sha256(code.encode()).digest()
