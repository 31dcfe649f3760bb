"""Store credit for returns whose buyer chose it: it is there when the money would be, and nobody has to press a button."""

from __future__ import annotations

from uuid import UUID

from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import RefundMethod, ReturnCaseId
from comptoir.modules.notices import api as notices
from comptoir.modules.notices.contracts import NoticeKind
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.payments import api as payments
from comptoir.modules.payments.contracts import Grant, GrantId
from comptoir.runtime.consumers import Consumer
from comptoir.runtime.database import Tx
from comptoir.runtime.events import Recorded
from comptoir.runtime.settings import Settings
from comptoir.surfaces.changing import SETTING
from comptoir.surfaces.notices.credit import tell_credit


def consumer(settings: Settings) -> Consumer:
    """Follows what is promised to buyers. Where nobody could tell a buyer the code of a new account, a person gives it out."""

    async def credit(tx: Tx, events: list[Recorded]) -> None:
        for event in sorted(events, key=lambda one: (str(one.subject), one.tx, one.seq)):  # orders are locked in their order
            assert event.subject is not None
            await _credit(tx, settings, OrderId(event.subject), GrantId(UUID(str(event.data["grant_id"]))))

    return Consumer("returns.credit", {"refund.granted": credit})


async def _credit(tx: Tx, settings: Settings, order_id: OrderId, grant_id: GrantId) -> None:
    grant = next((one for one in await payments.grants_of(tx, order_id) if one.id == grant_id), None)
    if grant is None or not grant.open or not await _wants_credit(tx, grant):
        return
    if not await notices.reaches(tx, order_id, NoticeKind.CREDITED) or await _marketplace_pays(tx, order_id):
        return
    _, code, amount = await changes.credit_out(tx, order_id, grant.id)
    await tell_credit(tx, settings, order_id, amount, code)


async def _marketplace_pays(tx: Tx, order_id: OrderId) -> bool:
    """Then the buyer gets the money there: store credit would be a second refund."""
    return (await SETTING.facts_of(tx, (await orders.order(tx, order_id)).channel_id)).marketplace


async def _wants_credit(tx: Tx, grant: Grant) -> bool:
    if grant.about != "return" or grant.about_id is None:
        return False
    return (await changes.get_return(tx, ReturnCaseId(grant.about_id))).method is RefundMethod.STORE_CREDIT
