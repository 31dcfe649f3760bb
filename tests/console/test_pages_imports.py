from __future__ import annotations

import asyncio
import gzip
import re
from pathlib import Path

import httpx2
import pytest
from playwright.async_api import Browser, expect

from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.imports import api as imports
from comptoir.modules.imports.contracts import Run, RunFilter, RunState
from comptoir.surfaces.imports import execute
from comptoir.surfaces.services import Services
from support import uci
from support.back_office import HOSTILE, as_role, audited, level, looked_at, rows, said, signed_in, statuses
from support.browser import browser
from support.console import Shop, Staff, counted_statements, fields_of

__all__ = ["browser"]

STOCK = b"sku,location,on_hand,comment\n1082185,WH-CIN,321,counted\n995242,S367,12,\nNOPE,S367,4,=1+1\n1029743,NOWHERE,4,\n"
PRODUCTS = "sku;name;price;tax_rate\nT1;Thé vert;12,50;5,5\nT2;Café;8,90;5,5\n".encode("cp1252")


async def upload(visitor: Staff, name: str, content: bytes, kind: str, page: str = "/imports") -> httpx2.Response:
    """A file that is dropped on the page."""
    form = fields_of((await visitor.get(page)).text, "/imports/upload") | {"kind": kind}
    files = {"file": (name, content, "text/csv")}
    return await visitor.client.post("/imports/upload", data=form, files=files, headers={"origin": "http://testserver"})


async def looked(visitor: Staff, name: str, content: bytes, kind: str) -> str:
    """The address at which the file is looked at."""
    answer = await upload(visitor, name, content, kind)
    assert answer.status_code == 303, said(answer.text)
    return answer.headers["location"]


async def start(visitor: Staff, new: str, step: str, **values: str) -> str:
    """The address of the run that was started."""
    form = fields_of((await visitor.get(new)).text, "/imports/start") | {"step": step} | values
    answer = await visitor.send("/imports/start", form)
    assert answer.status_code == 303, said(answer.text)
    return answer.headers["location"]


async def runs(parts: Services) -> list[Run]:
    async with parts.database.read() as reader:
        return (await imports.find(reader, RunFilter())).items


async def worked(parts: Services) -> None:
    """What a worker would do with all that waits."""
    for run in reversed(await runs(parts)):
        if run.state is RunState.WAITING:
            await execute(parts.database, run.id)


async def test_a_file_is_looked_at_rehearsed_and_imported(owner: Staff, parts: Services, shop: Shop) -> None:
    before = await level(parts, shop, "1082185", "WH-CIN")
    new = await looked(owner, "stock.csv", STOCK, "stock")
    words = said((await owner.get(new)).text)
    assert "utf-8" in words
    assert "comma" in words
    assert "counted" in words
    rehearsal = await start(owner, new, "rehearse")
    waiting = await owner.get(rehearsal)
    assert f'hx-get="{rehearsal}/progress"' in waiting.text
    assert "Waits for a worker" in waiting.text
    assert "hx-refresh" not in (await owner.get(f"{rehearsal}/progress")).headers
    await worked(parts)
    assert (await owner.get(f"{rehearsal}/progress")).headers["hx-refresh"] == "true"
    words = said((await owner.get(rehearsal)).text)
    assert "This was a rehearsal: nothing has been changed" in words
    assert await level(parts, shop, "1082185", "WH-CIN") == before
    answer = await owner.submit(rehearsal, f"{rehearsal}/import", {})
    assert answer.status_code == 303
    real = answer.headers["location"]
    assert real != rehearsal
    await worked(parts)
    words = said((await owner.get(real)).text)
    assert "4 rows, each in exactly one of these" in words
    assert "taken 2" in words
    assert "rejected 2" in words
    assert "There is no SKU NOPE" in words
    assert (await level(parts, shop, "1082185", "WH-CIN")).on_hand == 321
    assert [entry.action for entry in (await audited(parts))[:2]] == ["import.import", "import.started"]


async def test_a_rehearsal_of_orders_names_those_that_are_known(owner: Staff, parts: Services, tmp_path: Path) -> None:
    first = uci.write(tmp_path / "year.csv", uci.orders(7)).read_bytes()
    await start(owner, await looked(owner, "year.csv", first, "orders"), "import")
    await worked(parts)
    more = uci.write(tmp_path / "year.csv", uci.orders(9)).read_bytes()
    rehearsal = await start(owner, await looked(owner, "year.csv", more, "orders"), "rehearse")
    await worked(parts)
    words = said((await owner.get(rehearsal)).text)
    assert "known already 7" in words
    assert "Orders that are known already 7 (500001, 500002, 500003, 500004, 500005, …)" in words


async def test_rejected_rows_come_back_as_a_file_that_can_be_imported(owner: Staff, parts: Services, shop: Shop) -> None:
    here = await start(owner, await looked(owner, "stock.csv", STOCK, "stock"), "import")
    await worked(parts)
    answer = await owner.get(f"{here}/rejected/0")
    assert "stock.rejected.csv" in answer.headers["content-disposition"]
    lines = answer.content.decode("utf-8-sig").splitlines()
    assert lines[0] == '"sku","location","on_hand","comment","comptoir_line","comptoir_reason","comptoir_advice"'
    assert lines[1].startswith('"NOPE","S367","4",')
    assert len(lines) == 3
    corrected = answer.content.decode("utf-8-sig").replace("NOPE", "840361").replace("NOWHERE", "S406").encode()
    again = await start(owner, await looked(owner, "corrected.csv", corrected, "stock"), "import")
    await worked(parts)
    assert "taken 2" in said((await owner.get(again)).text)
    assert (await level(parts, shop, "840361", "S367")).on_hand == 4
    assert (await owner.get(f"{here}/rejected/7")).status_code == 404


SHUFFLED = b"on_hand;sku;comment;location;safety\n4;NOPE;;S367;2\n5;995242;;NOWHERE;1\n6;995242;;S367;0\n"
"""In none of the orders that the importer, the alphabet or PostgreSQL would give."""


async def test_rejected_rows_are_shown_and_come_back_in_the_order_of_the_file(
    owner: Staff, parts: Services, shop: Shop
) -> None:
    here = await start(owner, await looked(owner, "stock.csv", SHUFFLED, "stock"), "import")
    await worked(parts)
    page = (await owner.get(here)).text
    shown = [re.findall(r"<code>([^<]*)</code>", cells) for cells in re.findall(r'<span class="cells">(.*?)</span>', page)]
    assert shown == [["4", "NOPE", "S367", "2"], ["5", "995242", "NOWHERE", "1"]]
    kept = (await owner.get(f"{here}/rejected/0")).content.decode("utf-8-sig").splitlines()
    assert kept[0].startswith('"on_hand";"sku";"comment";"location";"safety";"comptoir_line"')
    assert kept[1].startswith('"4";"NOPE";"";"S367";"2";"2";')
    for path in (parts.settings.data / "imports").iterdir():
        path.unlink()  # it has been cleared away: the rows tell the columns themselves, all but those that were not read
    gone = (await owner.get(f"{here}/rejected/0")).content.decode("utf-8-sig")
    assert gone.splitlines()[0].startswith('"on_hand","sku","location","safety","comptoir_line"')
    corrected = gone.replace("NOPE", "840361").replace("NOWHERE", "S406").encode()
    again = await start(owner, await looked(owner, "corrected.csv", corrected, "stock"), "import")
    await worked(parts)
    assert "taken 2" in said((await owner.get(again)).text)
    found = await level(parts, shop, "840361", "S367")
    assert (found.on_hand, found.safety) == (4, 2)


async def test_the_advice_for_an_unknown_sku_can_be_followed_on_the_console(owner: Staff, parts: Services, shop: Shop) -> None:
    new = await looked(owner, "stock.csv", b"sku,location,on_hand\nNOPE,S367,4\n", "stock")
    here = await start(owner, new, "rehearse")
    await worked(parts)
    words = said((await owner.get(here)).text)
    assert "send the file again with “Make products of unknown SKUs” on yes" in words
    assert "--create-products" not in words
    assert re.search(r'<label[^>]*for="create_products"[^>]*>\s*Make products of unknown SKUs', (await owner.get(new)).text)
    made = await start(owner, new, "import", create_products="yes")
    await worked(parts)
    assert "taken 1" in said((await owner.get(made)).text)
    assert (await level(parts, shop, "NOPE", "S367")).on_hand == 4


async def test_a_file_that_has_been_imported_is_told_and_goes_again_only_when_asked(owner: Staff, parts: Services) -> None:
    here = await start(owner, await looked(owner, "stock.csv", STOCK, "stock"), "import")
    await worked(parts)
    new = await looked(owner, "stock.csv", STOCK, "stock")
    form = fields_of((await owner.get(new)).text, "/imports/start") | {"step": "import", "separator": ","}
    refused = await owner.send("/imports/start", form)
    assert refused.status_code == 422
    assert "This very file has been imported already." in refused.text
    assert '<option value="," selected>' in refused.text
    assert (await owner.send("/imports/start", form | {"again": "yes", "_key": "other"})).status_code == 303
    assert len(await runs(parts)) == 2
    assert here.startswith("/imports/imp_")


async def test_a_double_click_starts_one_run(owner: Staff, parts: Services) -> None:
    new = await looked(owner, "stock.csv", STOCK, "stock")
    form = fields_of((await owner.get(new)).text, "/imports/start") | {"step": "rehearse"}
    answers = await asyncio.gather(*(owner.send("/imports/start", form) for _ in range(2)))
    assert [answer.status_code for answer in answers] == [303, 303]
    assert len(await runs(parts)) == 1


async def test_how_a_file_is_written_is_found_out_and_can_be_set(owner: Staff, parts: Services) -> None:
    new = await looked(owner, "produits.csv", PRODUCTS, "products")
    words = said((await owner.get(new)).text)
    assert "Thé vert" in words
    assert "semicolon" in words
    assert "comma: 12,50" in words
    packed = await looked(owner, "produits.csv.gz", gzip.compress(PRODUCTS), "products")
    assert "gzip" in said((await owner.get(packed)).text)
    wrong = await owner.get(f"{new}&separator=%2C", **{"hx-request": "true"})
    assert "<html" not in wrong.text
    assert "The file lacks columns: sku" in said(wrong.text)
    here = await start(owner, new, "import", currency="eur", encoding="cp1252")
    await worked(parts)
    assert "taken 2" in said((await owner.get(here)).text)
    async with parts.database.read() as reader:
        assert (await catalogue.by_sku(reader, "T1")).name == "Thé vert"


async def test_a_file_that_reads_in_two_ways_asks(owner: Staff) -> None:
    content = b"sku,name,price\nA,Tea,1.250\nB,Coffee,2.500\n"
    new = await looked(owner, "prices.csv", content, "products")
    words = said((await owner.get(new)).text)
    assert "a decimal mark or a thousands separator?" in words
    settled = said((await owner.get(f"{new}&decimal=.")).text)
    assert "a decimal mark or a thousands separator?" not in settled


async def test_orders_are_known_by_their_columns(owner: Staff, parts: Services) -> None:
    unknown = said((await owner.get(await looked(owner, "x.csv", b"a,b\n1,2\n", "orders"))).text)
    assert "No layout of orders has these columns." in unknown
    header = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
    content = header + "536365,85123A,LANTERN,6,12/1/2010 8:26,2.55,17850,United Kingdom\n"
    new = await looked(owner, "retail.csv", content.encode(), "orders")
    assert "uci" in said((await owner.get(new)).text)
    assert "LANTERN" in (await owner.get(new)).text


async def test_what_is_no_table_is_told_and_kept_out(owner: Staff, parts: Services) -> None:
    for name, content, words in (
        ("empty.csv", b"", "is empty"),
        ("book.xlsx", b"PK\x03\x04rest of a workbook", "is a workbook"),
        ("nul.csv", b"sku,location,on_hand\na\0b,S367,3\n", "sku"),
    ):
        new = await looked(owner, name, content, "stock")
        assert words in said((await owner.get(new)).text), name
    assert (await upload(owner, "", b"", "stock")).status_code == 422
    assert "Choose a file." in (await upload(owner, "", b"", "stock")).text
    assert (await upload(owner, "x.csv", STOCK, "no-kind")).status_code == 422
    assert await runs(parts) == []


async def test_a_file_of_twenty_megabytes_is_taken(owner: Staff, parts: Services) -> None:
    row = b"1082185,WH-CIN,5," + b"x" * 200 + b"\n"
    content = b"sku,location,on_hand,comment\n" + row * 100_000
    answer = await upload(owner, "large.csv", content, "stock")
    assert answer.status_code == 303
    kept = await asyncio.to_thread(lambda: [path.stat().st_size for path in (parts.settings.data / "imports").iterdir()])
    assert kept == [len(content)]


async def test_hostile_files_are_shown_as_words(owner: Staff, parts: Services) -> None:
    content = f'sku,location,on_hand\n"{HOSTILE.replace(chr(34), chr(34) * 2)}",S367,3\n'.encode()
    new = await looked(owner, "<img src=x onerror=alert(2)>.csv", content, "stock")
    here = await start(owner, new, "import")
    await worked(parts)
    for address in (new, here, "/imports", "/settings/audit"):
        text = (await owner.get(address)).text
        assert "<script>alert" not in text, address
        assert "<img src=x" not in text, address
    outside = await upload(owner, "../../etc/passwd.csv", STOCK, "stock")
    assert outside.status_code == 303
    assert not (Path(parts.settings.data).parent / "passwd.csv").exists()


async def test_an_upload_belongs_to_whoever_made_it(owner: Staff) -> None:
    new = await looked(owner, "stock.csv", STOCK, "stock")
    assert (await owner.get(new.replace("file=", "file=x"))).status_code == 404
    assert (await owner.get("/imports/new?kind=stock&file=..%2F..%2Fetc%2Fpasswd")).status_code == 404
    visitor = await as_role(owner, "operations")
    assert (await visitor.get(new)).status_code == 404


async def test_a_run_is_stopped_and_a_failed_one_goes_on(owner: Staff, parts: Services) -> None:
    here = await start(owner, await looked(owner, "stock.csv", STOCK, "stock"), "import")
    assert (await owner.submit(here, f"{here}/cancel", {})).status_code == 303
    assert (await runs(parts))[0].state is RunState.CANCELLED
    again = await owner.send(
        f"{here}/cancel", {"_token": fields_of((await owner.get("/imports")).text, "/imports/upload")["_token"]}
    )
    assert again.status_code == 409
    broken = await start(owner, await looked(owner, "prices.csv", b"sku,name,price\nA,Tea,1.250\n", "products"), "import")
    with pytest.raises(Exception, match="decimal mark"):
        await worked(parts)
    words = said((await owner.get(broken)).text)
    assert "It stopped" in words
    assert (await owner.submit(broken, f"{broken}/resume", {})).status_code == 303


async def test_the_history_filters_and_is_a_file(owner: Staff, parts: Services) -> None:
    await start(owner, await looked(owner, "stock.csv", STOCK, "stock"), "import")
    await start(owner, await looked(owner, "produits.csv", PRODUCTS, "products"), "rehearse")
    assert await rows(owner, "/imports") == ["produits.csv", "stock.csv"]
    assert await rows(owner, "/imports?of=stock") == ["stock.csv"]
    assert await rows(owner, "/imports?dry=yes") == ["produits.csv"]
    assert await rows(owner, "/imports?q=prod&state=waiting") == ["produits.csv"]
    assert await rows(owner, "/imports?state=done") == []
    answer = await owner.get("/imports?format=csv")
    assert answer.content.decode("utf-8-sig").splitlines()[0].startswith("File,Kind,State")


async def test_roles_of_imports(owner: Staff) -> None:
    new = await looked(owner, "stock.csv", STOCK, "stock")
    here = await start(owner, new, "rehearse")
    visitor = await as_role(owner, "analyst")
    assert set((await statuses(visitor, ["/imports", here])).values()) == {200}
    assert "/imports/upload" not in (await visitor.get("/imports")).text
    assert (await visitor.get("/imports/new?kind=stock&file=x")).status_code == 403
    token = re.search(r'name="_token" value="(\w+)"', (await visitor.get("/account")).text)
    assert token is not None
    form = {"kind": "stock", "_token": token[1]}
    files = {"file": ("stock.csv", STOCK, "text/csv")}
    sent = await visitor.client.post("/imports/upload", data=form, files=files, headers={"origin": "http://testserver"})
    assert sent.status_code == 403
    visitor = await as_role(visitor, "store")
    assert (await visitor.get("/imports")).status_code == 403


async def test_a_foreign_upload_is_refused(owner: Staff, parts: Services) -> None:
    files = {"file": ("stock.csv", STOCK, "text/csv")}
    sent = await owner.client.post(
        "/imports/upload", data={"kind": "stock"}, files=files, headers={"origin": "http://testserver"}
    )
    assert sent.status_code == 403
    assert not (parts.settings.data / "imports").exists()
    assert (await owner.get("/imports?q=%00")).status_code == 422


async def test_pages_of_imports_ask_the_database_few_questions(owner: Staff, parts: Services) -> None:
    here = await start(owner, await looked(owner, "stock.csv", STOCK, "stock"), "import")
    await worked(parts)
    for address, most in (("/imports", 8), (here, 9), (f"{here}/progress", 5)):
        await owner.get(address)
        with counted_statements() as sent:
            assert (await owner.get(address)).status_code == 200
        assert len(sent) <= most, (address, len(sent), sent)


# In a browser


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_pages_of_imports_are_accessible_and_fit_their_width(
    browser: Browser, parts: Services, owner: Staff, language: str
) -> None:
    done = await start(owner, await looked(owner, "stock.csv", STOCK, "stock"), "import")
    await worked(parts)
    waiting = await start(owner, await looked(owner, "produits.csv", PRODUCTS, "products"), "rehearse")
    async with signed_in(browser, parts) as page:
        await page.goto("/imports")
        await page.set_input_files("#file", {"name": "stock.csv", "mimeType": "text/csv", "buffer": STOCK})
        await page.check("input[value=stock]")
        await page.get_by_role("button", name="Look at it").click()
        await expect(page.locator("#detected")).to_contain_text("utf-8")
        new = page.url
        await looked_at(page, language, ["/imports", "/imports?q=nothing", new, done, waiting])


async def test_the_page_of_a_run_follows_its_progress_to_the_report(browser: Browser, parts: Services, owner: Staff) -> None:
    here = await start(owner, await looked(owner, "stock.csv", STOCK, "stock"), "import")
    async with signed_in(browser, parts) as page:
        await page.goto(here)
        await expect(page.locator("#progress")).to_contain_text("Waits for a worker")
        await worked(parts)
        await expect(page.locator("h1")).to_contain_text("Done", timeout=10_000)
        await expect(page.locator("main")).to_contain_text("There is no SKU NOPE")
        async with page.expect_download() as download:
            await page.get_by_role("link", name="To correct").click()
        assert (await download.value).suggested_filename == "stock.rejected.csv"
