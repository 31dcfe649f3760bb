"""The life of a run, and what is kept of it."""

from __future__ import annotations

from itertools import product

import pytest

from comptoir.kernel.errors import NotFound
from comptoir.kernel.ids import uuid7
from comptoir.modules.imports import api as imports
from comptoir.modules.imports import domain
from comptoir.modules.imports.contracts import ImportKind, Rejection, Run, RunDraft, RunFilter, RunId, RunState, Step
from comptoir.modules.imports.errors import NotInThatState, TakenOver
from comptoir.runtime.database import Database, Tx

DRAFT = RunDraft(kind=ImportKind.ORDERS, file_name="orders.csv", file_hash="ab" * 32, options={"channel": "web"})
MISSHAPEN = Rejection(3, "bad_date", "InvoiceDate: 'yesterday' is not a date.", "Write it as YYYY-MM-DD.", {"Invoice": "1"})


async def _begun(tx: Tx) -> Run:
    return await imports.begin(tx, (await imports.create(tx, DRAFT)).id)


def test_what_is_done_or_cancelled_stays_so() -> None:
    for state, step in product((RunState.DONE, RunState.CANCELLED), Step):
        assert domain.after(state, step) is None


def test_every_state_but_the_last_two_can_be_left_and_reached() -> None:
    assert {state for state, _ in domain.STEPS} == set(RunState) - {RunState.DONE, RunState.CANCELLED}
    assert set(domain.STEPS.values()) == set(RunState)


async def test_a_run_goes_on_at_its_position(database: Database) -> None:
    async with database.transaction() as tx:
        run = await _begun(tx)
        run = await imports.advance(tx, run, position=10, size=30, report={"rows": 10}, layout="uci", rejections=[MISSHAPEN])
    async with database.transaction() as tx:
        await imports.pause(tx, run.id)
        assert (await imports.get(tx, run.id)).state is RunState.WAITING
        again = await imports.begin(tx, run.id)
    assert (again.position, again.size, again.layout, again.report) == (10, 30, "uci", {"rows": 10})


async def test_of_two_that_run_the_same_the_second_to_move_is_told_and_writes_nothing(database: Database) -> None:
    async with database.transaction() as tx:
        run = await _begun(tx)
    async with database.transaction() as tx:
        await imports.advance(tx, run, position=5, size=10, report={})
    with pytest.raises(TakenOver):
        async with database.transaction() as tx:
            await imports.advance(tx, run, position=7, size=10, report={}, rejections=[MISSHAPEN])
    async with database.read() as reader:
        assert (await imports.get(reader, run.id)).position == 5
        assert (await imports.count_rejections(reader, run.id)).rows == 0


async def test_a_run_that_was_cancelled_is_not_moved_on(database: Database) -> None:
    async with database.transaction() as tx:
        run = await _begun(tx)
        await imports.cancel(tx, run.id)
    with pytest.raises(TakenOver):
        async with database.transaction() as tx:
            await imports.advance(tx, run, position=5, size=10, report={})
    with pytest.raises(NotInThatState) as refusal:
        async with database.transaction() as tx:
            await imports.begin(tx, run.id)
    assert refusal.value.data["state"] == "cancelled"


async def test_a_run_that_failed_says_why_and_may_be_tried_again(database: Database) -> None:
    async with database.transaction() as tx:
        run = await _begun(tx)
        failed = await imports.fail(tx, run.id, "No known layout has these columns")
        assert (failed.state, failed.problem) == (RunState.FAILED, "No known layout has these columns")
        assert failed.finished_at == tx.now
        again = await imports.begin(tx, run.id)
    assert (again.state, again.problem, again.finished_at) == (RunState.RUNNING, "", None)


async def test_nobody_knows_a_run_that_is_not_there(database: Database) -> None:
    with pytest.raises(NotFound):
        async with database.transaction() as tx:
            await imports.begin(tx, RunId(uuid7()))


async def test_rejected_rows_are_paged_file_by_file_and_line_by_line(database: Database) -> None:
    rows = [Rejection(line, "bad", f"line {line}", "mend it", {"a": "\0x"}, file) for file in (1, 0) for line in (12, 2, 7)]
    async with database.transaction() as tx:
        run = await _begun(tx)
        await imports.advance(tx, run, position=6, size=6, report={"rejected": {"bad": 6}}, rejections=rows)
    async with database.read() as reader:
        first = await imports.rejections(reader, run.id, limit=4)
        rest = await imports.rejections(reader, run.id, limit=4, cursor=first.next)
        streamed = [row async for row in imports.stream_rejections(reader, run.id)]
    found = [*first.items, *rest.items]
    assert [(row.file, row.line) for row in found] == [(0, 2), (0, 7), (0, 12), (1, 2), (1, 7), (1, 12)]
    assert found == streamed
    assert found[0].cells == {"a": "\ufffdx"}


async def test_a_rejected_row_keeps_the_order_of_its_columns(database: Database) -> None:
    cells = {"on hand": "4", "sku": "A", "a very long name of a column": "", "Ort": "PAR1"}
    async with database.transaction() as tx:
        run = await _begun(tx)
        rows = [Rejection(2, "bad", "it is bad", "mend it", cells)]
        await imports.advance(tx, run, position=1, size=1, report={"rejected": {"bad": 1}}, rejections=rows)
    async with database.read() as reader:
        paged = (await imports.rejections(reader, run.id)).items
        streamed = [row async for row in imports.stream_rejections(reader, run.id)]
    assert [list(row.cells.items()) for row in [*paged, *streamed]] == [list(cells.items())] * 2


async def test_a_dry_run_that_begins_again_forgets_what_it_had_found(database: Database) -> None:
    async with database.transaction() as tx:
        run = await _begun(tx)
        other = await _begun(tx)
        for one in (run, other):
            await imports.advance(tx, one, position=5, size=9, report={"rejected": {"bad_date": 1}}, rejections=[MISSHAPEN])
    async with database.transaction() as tx:
        again = await imports.restart(tx, run.id)
        assert (again.state, again.position, again.size, again.report) == (RunState.RUNNING, 0, 0, {})
        assert (await imports.count_rejections(tx, run.id)).rows == 0
        assert (await imports.count_rejections(tx, other.id)).rows == 1
        await imports.cancel(tx, run.id)
    with pytest.raises(NotInThatState):
        async with database.transaction() as tx:
            await imports.restart(tx, run.id)


async def test_runs_are_found_by_kind_state_and_words_of_the_file(database: Database) -> None:
    async with database.transaction() as tx:
        first = await imports.create(tx, DRAFT)
        other = RunDraft(kind=ImportKind.STOCK, file_name="Été 2026.csv", file_hash="cd" * 32, dry_run=True)
        second = await imports.create(tx, other)
        await imports.cancel(tx, second.id)
    async with database.read() as reader:
        assert [run.id for run in (await imports.find(reader, RunFilter())).items] == [second.id, first.id]
        assert [run.id for run in (await imports.find(reader, RunFilter(kind=ImportKind.ORDERS))).items] == [first.id]
        assert [run.id for run in (await imports.find(reader, RunFilter(search="ete"))).items] == [second.id]
        assert (await imports.count(reader, RunFilter(state=RunState.CANCELLED))).rows == 1
        assert (await imports.count(reader, RunFilter(dry_run=False))).rows == 1


async def test_the_same_file_is_known_by_its_content_and_channel(database: Database) -> None:
    async with database.transaction() as tx:
        run = await _begun(tx)
        assert await imports.same_file(tx, ImportKind.ORDERS, DRAFT.file_hash, channel="web") == run
        await imports.finish(tx, run.id)
        waiting = await imports.create(tx, DRAFT)
        found = await imports.same_file(tx, ImportKind.ORDERS, DRAFT.file_hash, channel="web")
        assert found is not None
        assert found.id == run.id != waiting.id
        assert await imports.same_file(tx, ImportKind.ORDERS, DRAFT.file_hash, channel="pos") is None
        assert await imports.same_file(tx, ImportKind.STOCK, DRAFT.file_hash, channel="web") is None


async def test_a_correction_of_stock_is_claimed_once(database: Database) -> None:
    async with database.transaction() as tx:
        run = await _begun(tx)
        assert await imports.claim_adjustments(tx, run.id, "uci", ["1", "2"]) == {"1", "2"}
        assert await imports.claim_adjustments(tx, run.id, "uci", ["2", "3"]) == {"3"}
        assert await imports.claim_adjustments(tx, run.id, "other", ["2"]) == {"2"}
        assert await imports.claim_adjustments(tx, run.id, "uci", []) == set()


async def test_the_end_of_a_run_is_told(database: Database) -> None:
    async with database.transaction() as tx:
        run = await _begun(tx)
        run = await imports.advance(tx, run, position=3, size=3, report={"rejected": {"bad_date": 2, "blank": 1}})
        await imports.finish(tx, run.id)
        assert [event.type for event in tx.emitted] == ["import.started", "import.ended"]
        ended = tx.emitted[-1]
        assert (ended.subject, getattr(ended, "state", ""), getattr(ended, "rejected", 0)) == (run.id, "done", 3)
