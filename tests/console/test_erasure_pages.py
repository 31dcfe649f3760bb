"""Erasing a customer on screen: what goes, what the law keeps, and a click that says that it is sure."""

from __future__ import annotations

from playwright.async_api import Browser

from comptoir.kernel.ids import to_text, uuid7
from comptoir.modules.customers import api as customers
from comptoir.modules.customers.contracts import CUSTOMER_PREFIX, CustomerDraft, CustomerId, Identity
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.staff.contracts import Permission, Role
from comptoir.modules.staff.domain import PERMISSIONS, within
from comptoir.surfaces.services import Services
from support.back_office import audited, looked_at, said, signed_in
from support.browser import browser
from support.console import Shop, Staff, counted_statements

__all__ = ["browser"]


async def somebody(parts: Services) -> CustomerId:
    async with parts.database.transaction() as tx:
        made = await customers.create(tx, CustomerDraft(name="Ada Byron"), [Identity("email", "ada@example.com")])
    return made.id


def page_of(customer_id: CustomerId) -> str:
    return f"/customers/{to_text(CUSTOMER_PREFIX, customer_id)}"


async def test_a_customer_is_erased_by_whoever_says_that_they_are_sure(owner: Staff, parts: Services, shop: Shop) -> None:
    customer_id = await somebody(parts)
    here = page_of(customer_id)
    assert f'{here}/erase"' in (await owner.get(here)).text
    with counted_statements() as statements:
        told = said((await owner.get(f"{here}/erase")).text)
    assert len(statements) <= 12, statements
    assert "for 10 years from the end of their year" in told
    assert "Code de commerce, article L123-22" in told
    unsure = await owner.submit(f"{here}/erase", f"{here}/erase", {})
    assert (unsure.status_code, "Nothing was erased." in said(unsure.text)) == (422, True)
    answer = await owner.submit(f"{here}/erase", f"{here}/erase", {"sure": "yes"})
    assert answer.status_code in {302, 303}
    async with parts.database.read() as reader:
        there = await customers.get(reader, customer_id)
    assert (there.name, there.identities) == ("", ())
    assert ("customer.erased", to_text(CUSTOMER_PREFIX, customer_id)) in [
        (one.action, one.subject) for one in await audited(parts)
    ]


def test_only_those_who_run_the_house_erase_somebody() -> None:
    may = {role for role, permissions in PERMISSIONS.items() if Permission.CUSTOMERS_ERASE in permissions}
    assert may == {Role.OWNER, Role.OPERATIONS}
    assert Permission.CUSTOMERS_ERASE not in within(PERMISSIONS[Role.OWNER], [LocationId(uuid7())])


async def test_the_page_is_fit_to_look_at(browser: Browser, parts: Services, shop: Shop) -> None:
    here = page_of(await somebody(parts))
    async with signed_in(browser, parts) as page:
        for language in ("en", "fr"):
            await looked_at(page, language, [f"{here}/erase", here])
