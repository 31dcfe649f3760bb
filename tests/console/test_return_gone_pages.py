"""An exchange whose goods are gone before somebody approves it, on screen: what is lacking, and every way on."""

from __future__ import annotations

from playwright.async_api import Browser

from comptoir.kernel.ids import to_text
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import (
    RETURN_CASE_PREFIX,
    Extra,
    PolicyDraft,
    ReturnCase,
    ReturnDraft,
    ReturnState,
    Units,
)
from comptoir.modules.orders import api as orders
from comptoir.surfaces.changing import SETTING
from comptoir.surfaces.services import Services
from support.back_office import looked_at, said, signed_in
from support.browser import browser
from support.console import Shop, Staff, counted_statements

__all__ = ["browser"]


async def waiting(parts: Services, shop: Shop) -> ReturnCase:
    """An exchange that wants far more than there is, above what may be without a person."""
    async with parts.database.transaction() as tx:
        await changes.create_policy(tx, PolicyDraft(code="careful", position=1, approval_above=1))
        order = await orders.load(tx, shop.orders["shipped"])
        line = next(line for line in order.lines if line.sku is not None and line.shipped > line.returned)
        units = (Units(line.line_no, 1),)
        draft = ReturnDraft(order_id=order.id, units=units, exchange=(Extra(line.sku or "", 90_000),))
        case, _ = await changes.announce_exchange(tx, draft, SETTING)
    assert case.state is ReturnState.REQUESTED
    return case


async def test_what_is_gone_goes_on_with_the_money(owner: Staff, parts: Services, shop: Shop) -> None:
    case = await waiting(parts, shop)
    page = f"/returns/{to_text(RETURN_CASE_PREFIX, case.id)}"
    with counted_statements() as statements:
        told = said((await owner.get(page)).text)
    assert len(statements) <= 40, statements
    for words in ("What they want instead is gone", "90000 wanted", "Approve, and let it wait for stock"):
        assert words in told
    form = (await owner.get(page)).text.split('value="refund"', 1)[1].split("</form>", 1)[0]
    assert "Approve, with the money instead" in said(form)
    token = (await owner.get(page)).text.split('name="_token" value="', 1)[1].split('"', 1)[0]
    answer = await owner.send(f"{page}/approve", {"_token": token, "instead": "refund"})
    assert answer.status_code in {302, 303}, answer.text
    async with parts.database.read() as reader:
        done = await changes.get_return(reader, case.id)
    assert (done.state, done.exchange) == (ReturnState.APPROVED, ())


async def test_its_page_is_fit_to_look_at(browser: Browser, parts: Services, shop: Shop) -> None:
    case = await waiting(parts, shop)
    async with signed_in(browser, parts) as page:
        for language in ("en", "fr"):
            await looked_at(page, language, [f"/returns/{to_text(RETURN_CASE_PREFIX, case.id)}"])
