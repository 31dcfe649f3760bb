"""Erasing a customer: what goes, what the law keeps and until when, and the click that cannot be undone."""

from __future__ import annotations

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound, Refusal
from comptoir.kernel.ids import to_text
from comptoir.modules.customers.contracts import CUSTOMER_PREFIX, CustomerId
from comptoir.modules.invoicing import api as invoicing
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Tx
from comptoir.surfaces import erasing
from comptoir.surfaces.console.web import Answer, Area, Done, Visit

area = Area("orders")


@area.get("/customers/{customer_id:str}/erase", Permission.CUSTOMERS_ERASE)
async def ask(visit: Visit) -> Answer:
    return await _page(visit)


async def _page(visit: Visit, refused: str = "") -> Answer:
    customer_id = CustomerId(visit.path_id("customer_id", CUSTOMER_PREFIX))
    async with visit.read() as reader:
        found = await erasing.outlook(reader, customer_id, visit.page.now.date())
    customer = found.customer
    first = next((key.value for key in customer.identities), "")
    return visit.respond(
        "customers/erase.html",
        status=422 if refused else 200,
        refused=refused,
        found=found,
        called=customer.name or customer.company or first,
        back=_href(customer_id),
        years=invoicing.KEPT_FOR_YEARS,
    )


def _href(customer_id: CustomerId) -> str:
    return f"/customers/{to_text(CUSTOMER_PREFIX, customer_id)}"


@area.post("/customers/{customer_id:str}/erase", Permission.CUSTOMERS_ERASE)
async def erase(visit: Visit) -> Answer:
    customer_id = CustomerId(visit.path_id("customer_id", CUSTOMER_PREFIX))
    fields = visit.fields()
    if not fields.checked("sure"):
        return await _page(visit, visit.say(N_("Say first that you are sure: this cannot be undone.")))

    async def work(tx: Tx) -> Done:
        fields.done()
        kept = await erasing.erase(tx, customer_id)
        await visit.record(tx, "customer.erased", to_text(CUSTOMER_PREFIX, customer_id), {"invoices_kept": len(kept)})
        return Done(_href(customer_id), visit.say(N_("The customer is erased.")))

    try:
        return await visit.act(work)
    except NotFound:
        raise
    except Refusal as refusal:
        return await _page(visit, visit.refusal(refusal))
