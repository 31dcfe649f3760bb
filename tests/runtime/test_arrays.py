from __future__ import annotations

from uuid import UUID, uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from comptoir.runtime import arrays
from comptoir.runtime.database import Database

texts = st.lists(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(
    ints=st.lists(st.integers(-(2**31), 2**31 - 1)),
    longs=st.lists(st.integers(-(2**63), 2**63 - 1)),
    words=texts,
    maybe=st.lists(st.none() | st.uuids()),
    blobs=st.lists(st.binary()),
)
async def test_a_packed_column_arrives_as_it_was(
    database: Database, ints: list[int], longs: list[int], words: list[str], maybe: list[UUID | None], blobs: list[bytes]
) -> None:
    async with database.read() as reader:
        row = await reader.row(
            "SELECT %(ints)s::int[], %(longs)s::bigint[], %(words)s::text[], %(maybe)s::uuid[], %(blobs)s::bytea[]",
            {
                "ints": arrays.int4s(ints),
                "longs": arrays.int8s(longs),
                "words": arrays.texts(words),
                "maybe": arrays.optional_uuids(maybe),
                "blobs": arrays.byteas(blobs),
            },
        )
    assert row == (ints, longs, words, maybe, blobs)


async def test_nulls_keep_their_places(database: Database) -> None:
    one = uuid4()
    async with database.read() as reader:
        row = await reader.row(
            "SELECT %(words)s::text[], %(raw)s::text[], %(ids)s::uuid[]",
            {
                "words": arrays.optional_texts(["a", None, ""]),
                "raw": arrays.optional_raw_texts([None, "é".encode()]),
                "ids": arrays.uuids([one]),
            },
        )
    assert row == (["a", None, ""], [None, "é"], [one])
