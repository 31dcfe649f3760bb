from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import ean

from comptoir.modules.catalogue.domain import gtin


@pytest.mark.parametrize(
    ("written", "clean"),
    [
        ("3017620422003", "3017620422003"),
        (" 301-7620 422003", "3017620422003"),
        ("03017620422003", "3017620422003"),
        ("036000291452", "0036000291452"),
        ("00036000291452", "0036000291452"),
        ("96385074", "96385074"),
        ("0000096385074", "96385074"),
        ("10614141000415", "10614141000415"),
    ],
)
def test_a_gtin_has_one_form(written: str, clean: str) -> None:
    assert gtin(written) == clean


@pytest.mark.parametrize("written", ["", "3017620422004", "301762042200", "30176204220033", "abcdefgh", "123", "٣٠١٧٦٢٠٤٢٢٠٠٣"])
def test_a_gtin_with_a_wrong_length_or_check_digit_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="is not a GTIN"):
        gtin(written)


@given(st.sampled_from([7, 11, 12, 13]), st.integers(0, 10**13 - 1))
def test_the_form_of_a_gtin_stays_a_gtin_and_the_same_number(length: int, number: int) -> None:
    digits = str(number)[-length:].zfill(length)
    whole = digits + ean.calc_check_digit(digits)
    clean = gtin(whole)
    assert int(clean) == int(whole)
    assert gtin(clean) == clean
    assert gtin(whole.zfill(14)) == clean
