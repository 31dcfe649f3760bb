from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.kernel.ids import from_text, to_text, uuid7


@given(st.uuids())
def test_text_and_back_is_the_same_id(value: UUID) -> None:
    assert from_text("ord", to_text("ord", value)) == value
    assert from_text("ord", to_text("ord", value).upper().replace("ORD", "ord")) == value


@given(st.uuids(), st.uuids())
def test_texts_sort_as_the_ids_do(a: UUID, b: UUID) -> None:
    assert (to_text("x", a) < to_text("x", b)) == (a < b)


@given(st.text())
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an id"):
        from_text("ord", text)


def test_an_id_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="ord_"):
        from_text("ord", to_text("loc", uuid7()))


def test_new_ids_grow_and_are_version_7() -> None:
    ids = [uuid7() for _ in range(10_000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)
    assert {(i.version, i.variant) for i in ids} == {(7, "specified in RFC 4122")}
