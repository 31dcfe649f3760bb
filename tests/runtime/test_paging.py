from __future__ import annotations

import base64
import random
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.kernel.errors import Invalid
from comptoir.runtime.database import Database, Reader
from comptoir.runtime.paging import (
    Count,
    Key,
    KeyKind,
    Listing,
    Place,
    Where,
    decode_cursor,
    encode_cursor,
    sorts,
)

SORTS = sorts(
    ("name", [Key("name"), Key("id", KeyKind.INTEGER)]),
    ("all", [Key("a"), Key("b", KeyKind.INTEGER), Key("c", KeyKind.INSTANT), Key("d", KeyKind.ID)]),
)
ROWS = Listing("id, name", "things", lambda row: (row[0], row[1]), SORTS)

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
integers = st.integers(-(2**63), 2**63 - 1)
instants = st.datetimes(timezones=st.just(UTC))


@given(text, integers, instants, st.uuids(), st.booleans(), st.booleans())
def test_a_cursor_gives_back_the_keys_that_it_was_made_of(
    a: str, b: int, c: datetime, d: UUID, backwards: bool, inclusive: bool
) -> None:
    place = Place((a, b, c, d), backwards, inclusive)
    assert decode_cursor(SORTS["all"], encode_cursor(SORTS["all"], place)) == place


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_a_cursor_that_nobody_gave_is_refused(cursor: str) -> None:
    with pytest.raises(Invalid) as refused:
        decode_cursor(SORTS["name"], cursor)
    assert refused.value.data["errors"] == [
        {"path": "cursor", "message": "is not one that this list gave in this order: begin again without it"}
    ]


def test_a_cursor_of_another_order_is_refused() -> None:
    with pytest.raises(Invalid):
        decode_cursor(SORTS["-name"], encode_cursor(SORTS["name"], Place(("x", 1))))


@pytest.mark.parametrize("values", [("x",), ("x", 1, 2), (1, 1), ("x", "1"), ("x", 2**63), ("x\0y", 1), ("x", None)])
def test_a_cursor_with_keys_of_other_kinds_is_refused(values: tuple[object, ...]) -> None:
    with pytest.raises(Invalid):
        decode_cursor(SORTS["name"], encode_cursor(SORTS["name"], Place(values)))


async def _fill(reader: Reader, names: list[str]) -> None:
    await reader.run('CREATE TEMPORARY TABLE things (id bigint PRIMARY KEY, name text COLLATE "C" NOT NULL)')
    await _add(reader, list(enumerate(names)))


async def _add(reader: Reader, rows: list[tuple[int, str]]) -> None:
    for key, name in rows:
        await reader.run("INSERT INTO things VALUES (%(id)s, %(name)s)", {"id": key, "name": name})


@pytest.mark.parametrize("sort", ["name", "-name"])
async def test_paging_meets_every_row_exactly_once_in_order_whatever_is_inserted_meanwhile(
    database: Database, sort: str
) -> None:
    names = ["anna", "bea", "bea", "bea", "carl", "dora", "dora", "emil", "fritz"]
    choice = random.Random(7)
    async with database.read() as reader:
        await _fill(reader, names)
        seen: list[tuple[int, str]] = []
        cursor: str | None = None
        added = 1000
        while True:
            page = await ROWS.page(reader, Where(), sort=sort, limit=2, cursor=cursor)
            seen += page.items
            cursor = page.next
            if cursor is None:
                break
            await _add(reader, [(added + n, choice.choice(names)) for n in range(2)] if added < 1020 else [])
            added += 2
        was_there = [row for row in seen if row[0] < 1000]
        assert sorted(was_there) == list(enumerate(names))
        assert len(seen) == len(set(seen))
        assert seen == sorted(seen, key=lambda row: (row[1], row[0]), reverse=sort.startswith("-"))


async def test_the_way_back_is_the_way_there(database: Database) -> None:
    async with database.read() as reader:
        await _fill(reader, list("abcdefg"))
        pages = [await ROWS.page(reader, Where(), sort="name", limit=3)]
        while pages[-1].next is not None:
            pages.append(await ROWS.page(reader, Where(), sort="name", limit=3, cursor=pages[-1].next))
        assert [[name for _, name in page.items] for page in pages] == [list("abc"), list("def"), list("g")]
        assert pages[0].previous is None
        for here, before in zip(pages[:0:-1], pages[-2::-1], strict=True):
            assert here.previous is not None
            back = await ROWS.page(reader, Where(), sort="name", limit=3, cursor=here.previous)
            assert back.items == before.items
            assert back.next is not None
            assert (await ROWS.page(reader, Where(), sort="name", limit=3, cursor=back.next)).items == here.items


async def test_from_a_page_that_lost_its_rows_one_gets_back_to_the_last_that_are_there(database: Database) -> None:
    async with database.read() as reader:
        await _fill(reader, list("abcd"))
        first = await ROWS.page(reader, Where(), sort="name", limit=2)
        await reader.run("DELETE FROM things WHERE name > 'b'")
        empty = await ROWS.page(reader, Where(), sort="name", limit=2, cursor=first.next)
        assert (empty.items, empty.next) == ([], None)
        assert empty.previous is not None
        back = await ROWS.page(reader, Where(), sort="name", limit=2, cursor=empty.previous)
        assert [name for _, name in back.items] == ["a", "b"]


@pytest.mark.parametrize(("sort", "limit", "path"), [("name", 0, "limit"), ("name", 201, "limit"), ("size", 10, "sort")])
async def test_a_list_refuses_what_it_cannot_do(database: Database, sort: str, limit: int, path: str) -> None:
    async with database.read() as reader:
        with pytest.raises(Invalid) as refused:
            await ROWS.page(reader, Where(), sort=sort, limit=limit)
    errors: Any = refused.value.data["errors"]
    assert [error["path"] for error in errors] == [path]


async def test_a_stream_gives_every_row_once_in_order(database: Database) -> None:
    async with database.read() as reader:
        await _fill(reader, [])
        await reader.run("INSERT INTO things SELECT n, 'row ' || n %% 7 FROM generate_series(1, 2500) AS n", {})
        rows = [row async for row in ROWS.stream(reader, Where(), sort="name")]
        assert len(rows) == 2500
        assert rows == sorted(rows, key=lambda row: (row[1], row[0]))


async def test_a_count_is_exact_while_that_is_cheap(database: Database) -> None:
    async with database.read() as reader:
        await _fill(reader, [])
        await reader.run("INSERT INTO things SELECT n, 'row' FROM generate_series(1, 30000) AS n")
        await reader.run("ANALYZE things")
        few = Where()
        few.add("id <= %(most)s", most=12)
        assert await ROWS.count(reader, few) == Count(12, exact=True)
        assert await ROWS.count(reader, Where()) == Count(30_000, exact=False)


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("creme", ["Crème brûlée"]),
        ("BRÛLÉE crème", ["Crème brûlée"]),
        ("100%", ["100% Cotton_T"]),
        ("cotton_t", ["100% Cotton_T"]),
        ("cotton t", ["100% Cotton_T"]),
        ("o%o", []),
        ("\\", []),
        ("nothing", []),
        (" \0 ", []),
        ("", ["100% Cotton_T", "Crème brûlée", "Pull"]),
    ],
)
async def test_search_finds_words_without_their_accents_and_takes_no_sign_for_more_than_itself(
    database: Database, search: str, found: list[str]
) -> None:
    async with database.read() as reader:
        await _fill(reader, ["Crème brûlée", "100% Cotton_T", "Pull"])
        where = Where()
        where.search(search, "name")
        page = await ROWS.page(reader, where, sort="name")
        assert [name for _, name in page.items] == found
