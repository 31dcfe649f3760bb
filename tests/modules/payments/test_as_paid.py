"""Money goes back as it was paid: whatever is refunded in whatever order, no method gives back more than it took."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from comptoir.kernel.ids import uuid7
from comptoir.kernel.money import Currency
from comptoir.modules.payments import domain
from comptoir.modules.payments.contracts import Entry, EntryKind, PaymentId
from comptoir.runtime.settings import Settings

EUR = Currency("EUR")
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ORDER = uuid7()
ANYHOW = ("bank transfer",)

methods = st.sampled_from(("card", "Card", "card_terminal", "cash", "gift_card", "store_credit", "bank transfer", "voucher"))
amounts = st.integers(1, 500)
paid = st.lists(st.tuples(methods, amounts), max_size=6)
asked = st.lists(st.tuples(methods, amounts), max_size=10)


def entry(kind: EntryKind, method: str, amount: int) -> Entry:
    return Entry(PaymentId(uuid7()), ORDER, kind, method, amount, EUR, "", NOON)


def entries_of(payments: list[tuple[str, int]]) -> list[Entry]:
    return [entry(EntryKind.CAPTURED, method, amount) for method, amount in payments]


def refunded(entries: list[Entry], wanted: list[tuple[str, int]]) -> list[Entry]:
    """With each refund that the rule lets through."""
    for method, amount in wanted:
        if amount <= domain.refundable(entries, method, ANYHOW):
            entries = [*entries, entry(EntryKind.REFUNDED, method, amount)]
    return entries


@given(paid, asked)
def test_no_method_gives_back_more_than_it_took_and_nobody_more_than_was_paid(
    payments: list[tuple[str, int]], wanted: list[tuple[str, int]]
) -> None:
    entries = refunded(entries_of(payments), wanted)
    sums: dict[EntryKind, Counter[str]] = {EntryKind.CAPTURED: Counter(), EntryKind.REFUNDED: Counter()}
    for one in entries:
        sums[one.kind][domain.family(one.method)] += one.amount
    assert sums[EntryKind.REFUNDED].total() <= sums[EntryKind.CAPTURED].total()
    for method, amount in sums[EntryKind.REFUNDED].items():
        if method not in {"gift_card", "store_credit", *ANYHOW}:
            assert amount <= sums[EntryKind.CAPTURED][method], method


@given(paid, asked, st.integers(0, 4000))
def test_all_that_is_left_can_go_back_as_it_was_paid(
    payments: list[tuple[str, int]], wanted: list[tuple[str, int]], amount: int
) -> None:
    entries = refunded(entries_of(payments), wanted)
    there = domain.balance(entries)
    parts = domain.as_paid(entries, amount)
    assert sum(part for _, part in parts) == min(amount, there.captured - there.refunded)
    for method, part in parts:
        assert 0 < part <= domain.refundable(entries, method)
        entries = [*entries, entry(EntryKind.REFUNDED, method, part)]


@given(paid, asked)
def test_what_is_left_of_each_method_is_what_the_rule_lets_go(
    payments: list[tuple[str, int]], wanted: list[tuple[str, int]]
) -> None:
    entries = refunded(entries_of(payments), wanted)
    for one in domain.by_method(entries):
        if one.method not in {"gift_card", "store_credit"}:
            assert one.left == domain.refundable(entries, one.method)
    assert sum(one.captured for one in domain.by_method(entries)) == domain.balance(entries).captured


def test_a_card_is_a_card_wherever_it_was_taken_and_the_last_payment_goes_back_first() -> None:
    entries = entries_of([("card", 1000), ("gift_card", 300), ("card_terminal", 200)])
    assert [(one.method, one.left) for one in domain.by_method(entries)] == [("card_terminal", 1200), ("gift_card", 300)]
    assert domain.as_paid(entries, 1300) == [("card_terminal", 1200), ("gift_card", 100)]
    assert (domain.refundable(entries, "card"), domain.refundable(entries, "cash")) == (1200, 0)
    assert domain.refundable(entries, "cash", ("Cash",)) == 1500


def test_the_house_says_once_which_methods_give_back_anything() -> None:
    assert Settings.load({}).refund_anyhow == ()
    assert Settings.load({"COMPTOIR_REFUND_ANYHOW": "cash, bank transfer ,"}).refund_anyhow == ("cash", "bank transfer")
