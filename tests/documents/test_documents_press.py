"""Printing goes on beside the event loop, in a process that comes and goes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import cast

import pytest

from comptoir.kernel.errors import Remedy
from comptoir.surfaces.api.problems import tell
from comptoir.surfaces.documents import api, press
from comptoir.surfaces.documents.contracts import KINDS, Document, PackingSlip, PickLine
from comptoir.surfaces.documents.errors import DocumentNotPrinted, DocumentsBusy, DocumentsUnavailable, DocumentTooLarge
from comptoir.surfaces.documents.frames import packed
from comptoir.surfaces.documents.press import COMMAND, Press
from comptoir.surfaces.documents.rendering import Printer
from support import paper

SHEETS: list[tuple[Document, str]] = [(paper.parcel_label(), "fr")]
LACKING = """\
import sys, cffi
def no(*a, **k): raise OSError('cannot load library libpango: gone')
cffi.FFI.dlopen = no
from comptoir.surfaces.documents import process
sys.exit(process.main())
"""
"""The process on a machine without Pango."""
DEAF = "import time; time.sleep(60)"
SHORT_LIVED = "import sys; sys.stdin.buffer.read(1)"


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


@pytest.fixture(scope="module", autouse=True)
def the_press_ends_with_the_tests(printer: Printer) -> Iterator[None]:
    del printer  # without Pango there is nothing to test
    yield
    api._press.close()


@pytest.fixture
async def own() -> AsyncIterator[Press]:
    one = Press()
    yield one
    await asyncio.to_thread(one.close)


async def test_a_document_becomes_a_pdf() -> None:
    pdf = await api.render(paper.packing_slip(), "fr_FR")
    assert pdf.startswith(b"%PDF-1.7")
    assert "Bon de livraison" in paper.texts(pdf)[0]


async def test_every_kind_goes_through_the_pipe_and_comes_out_as_it_does_here(printer: Printer) -> None:
    documents = paper.every_kind()
    assert {type(one).__name__ for one in documents} == KINDS.keys()
    sheets = [(one, "fr") for one in documents]
    assert await api.render_many(sheets) == printer.printed(sheets).pdf


async def test_several_documents_are_one_pdf_each_with_its_language_and_page_numbers() -> None:
    many = tuple(replace(paper.LAMP, sku=f"S-{index}") for index in range(30))
    slips = [paper.packing_slip(order_number=str(index), lines=many if index == 1 else paper.ITEMS) for index in range(3)]
    pages = paper.texts(await api.render_many([(slips[0], "fr"), (slips[1], "en"), (slips[2], "fr")]))
    assert len(pages) > 4 - 1
    assert ["Packing slip" in page for page in pages] == [False, *[True] * (len(pages) - 2), False]
    assert "1\u202f/\u202f1" in pages[0]
    assert f"2\u202f/\u202f{len(pages) - 2}" in pages[2]


async def test_equal_input_gives_equal_bytes_in_any_process(own: Press) -> None:
    first = await own.printed([(paper.invoice(), "fr")])
    await own.printed([(paper.pick_list(), "en")])
    assert await own.printed([(paper.invoice(), "fr")]) == first, "whatever was printed in between"
    await asyncio.to_thread(own.close)
    assert await own.printed([(paper.invoice(), "fr")]) == first
    assert await own.printed([(paper.invoice(number="FA-2026-00124"), "fr")]) != first


async def test_the_event_loop_goes_on_while_pages_are_made(own: Press) -> None:
    lines = tuple(
        PickLine(bin=f"A-{one}", sku=f"S{one}", name="Produit", quantity=1, order_number="1", gtin=paper.GTIN)
        for one in range(150)
    )
    longest, last = 0.0, time.monotonic()
    job = asyncio.create_task(own.printed([(paper.pick_list(lines=lines), "fr")]))
    while not job.done():
        await asyncio.sleep(0.01)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    assert (await job).startswith(b"%PDF")
    assert longest < 0.4


async def test_jobs_that_come_together_are_all_printed(own: Press) -> None:
    labels = [paper.parcel_label(tracking_number=f"6C{index}") for index in range(6)]
    printed = await asyncio.gather(*(own.printed([(label, "fr")]) for label in labels))
    assert [f"6C{index}" in paper.texts(pdf)[0] for index, pdf in enumerate(printed)] == [True] * 6
    assert own._waiting == 0


async def test_a_process_that_was_killed_is_followed_by_another(own: Press) -> None:
    await own.printed(SHEETS)
    first = cast("subprocess.Popen[bytes]", own._process)
    first.kill()
    assert (await own.printed(SHEETS)).startswith(b"%PDF")
    assert cast("subprocess.Popen[bytes]", own._process).pid != first.pid
    assert first.returncode is not None, "and nobody has to bury it"


async def test_the_process_ends_when_nobody_listens(own: Press) -> None:
    await own.printed(SHEETS)
    process = cast("subprocess.Popen[bytes]", own._process)
    assert process.stdin is not None
    process.stdin.close()
    assert await asyncio.to_thread(process.wait, 10) == 0


async def test_a_process_that_went_idle_is_followed_by_another() -> None:
    hasty = Press(
        python("import sys; from comptoir.surfaces.documents import process; process.IDLE = 0.1; sys.exit(process.main())")
    )
    await hasty.printed(SHEETS)
    first = cast("subprocess.Popen[bytes]", hasty._process)
    assert await asyncio.to_thread(first.wait, 30) == 0
    assert (await hasty.printed(SHEETS)).startswith(b"%PDF")
    await asyncio.to_thread(hasty.close)


async def test_a_machine_without_pango_says_what_to_do() -> None:
    lacking = Press(python(LACKING))
    with pytest.raises(DocumentsUnavailable, match=r"tools/pango\.sh") as told:
        await lacking.printed(SHEETS)
    assert told.value.remedy is Remedy.MERCHANT
    await asyncio.to_thread(lacking.close)
    answer = tell(told.value, "req")
    assert (answer.status, answer.code) == (503, "documents_unavailable")
    assert b"tools/pango.sh" in answer.body


async def test_a_document_that_breaks_the_press_is_told_of_and_the_next_is_printed(own: Press) -> None:
    nonsense = cast("Document", paper.LAMP)
    with pytest.raises(DocumentNotPrinted):
        await own.printed([(nonsense, "fr")])
    assert (await own.printed(SHEETS)).startswith(b"%PDF")


async def test_a_press_that_breaks_off_is_given_up_after_the_second_time() -> None:
    short_lived = Press(python(SHORT_LIVED))
    with pytest.raises(DocumentNotPrinted, match="twice"):
        await short_lived.printed(SHEETS)
    await asyncio.to_thread(short_lived.close)


async def test_whoever_takes_too_long_is_ended() -> None:
    deaf = Press(python(DEAF), patience=0.3)
    with pytest.raises(DocumentNotPrinted, match="not printed within"):
        await deaf.printed(SHEETS)
    assert deaf._process is None
    await asyncio.to_thread(deaf.close)


async def test_no_more_wait_than_will_be_served_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(press, "MOST_WAITING", 2)
    deaf = Press(python(DEAF), patience=0.5)
    waiting = [asyncio.create_task(deaf.printed(SHEETS)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(DocumentsBusy):
        await deaf.printed(SHEETS)
    waiting[1].cancel()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(results[0], DocumentNotPrinted)
    assert deaf._waiting == 0, "who gave up does not count any more"
    await asyncio.to_thread(deaf.close)


async def test_what_is_too_much_for_one_pdf_is_refused() -> None:
    line = PickLine(bin="A", sku="S", name="N", quantity=1, order_number="1")
    with pytest.raises(DocumentTooLarge) as told:
        await api.render(paper.pick_list(lines=(line,) * (api.MAX_LINES + 1)), "fr")
    assert told.value.data["lines"] == api.MAX_LINES + 1
    with pytest.raises(DocumentTooLarge):
        await api.render_many([(paper.parcel_label(), "fr")] * (api.MAX_DOCUMENTS + 1))
    with pytest.raises(ValueError, match="at least one"):
        await api.render_many([])


def test_the_process_is_told_no_secrets() -> None:
    told = press._environment(
        {"PATH": "/bin", "DATABASE_URL": "postgresql://x:y@z", "COMPTOIR_SECRET_KEY": "k", "PGPASSWORD": "p"}
    )
    assert told == {"PATH": "/bin"}


def test_a_process_that_prints_nothing_pays_nothing() -> None:
    code = (
        "import sys, threading; from comptoir.surfaces.documents import api;"
        "print(sorted({'weasyprint', 'segno', 'barcode', 'jinja2', 'PIL'} & sys.modules.keys()), threading.active_count())"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.strip() == "[] 1"


async def test_a_copy_of_a_process_has_a_press_of_its_own(own: Press) -> None:
    await own.printed(SHEETS)
    process = cast("subprocess.Popen[bytes]", own._process)
    own._begin_anew()  # what happens in the copy
    assert own._process is None
    assert (await own.printed(SHEETS)).startswith(b"%PDF")
    os.kill(process.pid, 0)  # the parent's is still there
    for end in (process.stdin, process.stdout):
        assert end is not None
        end.close()
    await asyncio.to_thread(os.waitpid, process.pid, 0)
    assert threading.active_count() > 0


def test_a_job_holds_the_names_of_kinds_only() -> None:
    assert b"PackingSlip" in packed([(paper.packing_slip(), "fr")])
    assert b"comptoir.surfaces" not in packed([(paper.packing_slip(), "fr")])
    assert KINDS["PackingSlip"] is PackingSlip
    assert COMMAND[0] == sys.executable
