"""Addresses as their post wants them, and the way through the bins."""

from __future__ import annotations

import random

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from comptoir.surfaces.documents.addresses import fitting, postal_lines
from comptoir.surfaces.documents.contracts import Address, PickLine
from comptoir.surfaces.documents.picking import stops
from support import paper


@pytest.mark.parametrize(
    ("address", "home", "lines"),
    [
        (paper.BUYER, "FR", ["Élodie Fournier", "8, boulevard de la Corderie", "Bâtiment C, 3e étage", "44000 Nantes"]),
        (paper.BERLIN, "FR", ["Jonas Weber", "Oranienstraße 25", "10999 Berlin", "Allemagne"]),
        (
            paper.BOSTON,
            "FR",
            ["Sarah O’Connor", "Harbor Books LLC", "212 Hanover St", "Apt 4", "Boston, MA 02113", "États-Unis"],
        ),
        (Address(name="A", city="London", postcode="SW1A 1AA", country="GB"), "", ["A", "London", "SW1A 1AA", "Royaume-Uni"]),
        (Address(name="A", city="Roma", postcode="00184", region="RM", country="it"), "", ["A", "00184 Roma RM", "Italie"]),
        (Address(name="A", company="A", city=" Lyon ", country="FR"), "fr", ["A", "Lyon"]),
        (Address(name="A", country="??"), "", ["A", "??"]),
        (Address(), "", []),
    ],
)
def test_an_address_is_written_as_its_country_does(address: Address, home: str, lines: list[str]) -> None:
    assert postal_lines(address, Locale("fr"), home) == lines


def test_type_is_as_large_as_fits() -> None:
    sizes = [(10, 2), (20, 4)]
    assert fitting(["short", "lines"], sizes) == (1, ["short", "lines"])
    assert fitting(["one that is longer", "line"], sizes) == (2, ["one that is longer", "line"])
    assert fitting(["東京都千代田区"], sizes) == (1, ["東京都千代田区"]), "two lines of the larger ones"
    assert fitting(["x" * 90, "y"], sizes) == (2, ["xxxxxxxxx…", "y"])


lines = st.lists(
    st.builds(
        PickLine,
        bin=st.sampled_from(["", "A-1", "A-2", "A-10", "B-1", "B-1-a", "Réserve"]),
        sku=st.sampled_from(["x", "y"]),
        name=st.just("n"),
        quantity=st.integers(1, 9),
        order_number=st.sampled_from(["1", "2", "10"]),
        weighed=st.booleans(),
    ),
    max_size=30,
)


@given(lines, st.randoms())
def test_a_round_takes_everything_once_whatever_the_order_of_its_lines(
    given_lines: list[PickLine], chance: random.Random
) -> None:
    mixed = list(given_lines)
    chance.shuffle(mixed)
    there = stops(mixed)
    assert sum(stop.quantity for stop in there) == sum(line.quantity for line in given_lines)
    visited = [(stop.first.bin, stop.first.sku, stop.first.weighed) for stop in there]
    assert len(set(visited)) == len(visited), "nobody goes to the same place twice"
    assert visited == [(stop.first.bin, stop.first.sku, stop.first.weighed) for stop in stops(given_lines)]
    named = [stop.first.bin for stop in there]
    assert sorted(named, key=["A-1", "A-2", "A-10", "B-1", "B-1-a", "Réserve", ""].index) == named


def test_an_aisle_begins_where_the_first_part_changes() -> None:
    made = [PickLine(bin=one, sku="s", name="n", quantity=1, order_number="1") for one in ("A-1", "A-2", "B-1", "C 4", "")]
    assert [stop.new_aisle for stop in stops(made)] == [False, False, True, True, True]
