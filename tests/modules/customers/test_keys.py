from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.kernel.ids import uuid7
from comptoir.modules.customers.contracts import CustomerId, Identity, Sighting
from comptoir.modules.customers.domain import Owner, email, identities, number, phone, recognise
from comptoir.sdk.orders import Buyer

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "clean"),
    [
        ("Anna.Martin@Example.COM", "anna.martin@example.com"),
        (" anna@example.com ", "anna@example.com"),
        ("anna@bücher.example", "anna@bücher.example"),
        ("anna+shop@example.com", "anna+shop@example.com"),
    ],
)
def test_an_address_has_one_form(written: str, clean: str) -> None:
    assert email(written) == clean


@pytest.mark.parametrize(
    "written", ["", "anna", "anna@", "@example.com", "a b@example.com", "anna@example", "a" * 255 + "@b.fr"]
)
def test_what_is_no_address_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"e-mail address|at most"):
        email(written)


@pytest.mark.parametrize(
    ("written", "region", "clean"),
    [
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("+33 (0)6.12.34.56.78", "", "+33612345678"),
        ("0033612345678", "fr", "+33612345678"),
        ("(212) 555-0123", "US", "+12125550123"),
    ],
)
def test_a_phone_has_one_form(written: str, region: str, clean: str) -> None:
    assert phone(written, region) == clean


@pytest.mark.parametrize(
    ("written", "region"), [("06 12 34 56 78", ""), ("12", "FR"), ("hello", "FR"), ("+999123", ""), ("1" * 50, "FR")]
)
def test_what_is_no_phone_is_refused(written: str, region: str) -> None:
    with pytest.raises(ValueError, match="is not a phone number"):
        phone(written, region)


def test_a_number_is_anything_printable() -> None:
    assert number(" 0042-A ") == "0042-A"
    with pytest.raises(ValueError, match="printable"):
        number("\0")


def test_the_keys_of_a_buyer_are_those_that_can_be_used() -> None:
    buyer = Buyer(email="Anna@example.com", phone="nope", loyalty_number=" 42 ", external_id="77")
    assert identities(Sighting(buyer, "web")) == [
        Identity("channel:web", "77"),
        Identity("email", "anna@example.com"),
        Identity("loyalty", "42"),
    ]
    assert identities(Sighting(Buyer(name="Anna", email="nope"))) == []


KEYS = [Identity("loyalty", str(n)) for n in range(6)]
crowds = st.lists(st.lists(st.sampled_from(KEYS), max_size=3, unique=True), max_size=12)


def known(count: int) -> dict[Identity, Owner]:
    return {KEYS[n]: Owner(CustomerId(uuid7()), NOW - timedelta(days=10 - n)) for n in range(count)}


@given(crowds, st.integers(0, 3))
def test_a_key_means_one_customer_for_good_and_every_key_is_owned(crowd: list[list[Identity]], there: int) -> None:
    owners = known(there)
    result = recognise([(Sighting(Buyer()), keys) for keys in crowd], owners, lambda: CustomerId(uuid7()), NOW)
    after = {key: owner.customer_id for key, owner in owners.items()} | result.attached
    assert not set(result.attached) & set(owners)
    assert set(after) == {key for keys in crowd for key in keys} | set(owners)
    for keys, customer in zip(crowd, result.customers, strict=True):
        assert (customer is None) == (not keys)
        assert customer is None or customer in {after[key] for key in keys}
    assert set(result.created) <= set(result.attached.values())


@given(crowds, st.integers(0, 3))
def test_recognising_a_crowd_again_finds_the_same_customers_and_writes_nothing(crowd: list[list[Identity]], there: int) -> None:
    owners = known(there)
    sightings = [(Sighting(Buyer()), keys) for keys in crowd]
    once = recognise(sightings, owners, lambda: CustomerId(uuid7()), NOW)
    later = owners | {key: Owner(customer, NOW) for key, customer in once.attached.items()}
    again = recognise(sightings, later, lambda: CustomerId(uuid7()), NOW + timedelta(days=1))
    assert (again.created, again.attached) == ({}, {})
    for keys, before, after in zip(crowd, once.customers, again.customers, strict=True):
        if len({later[key].customer_id for key in keys}) == 1:
            assert before == after
