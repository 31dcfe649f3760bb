"""The timeline has words for whatever can happen to an order."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import msgspec

import comptoir.modules
from comptoir.kernel.ids import to_text, uuid7
from comptoir.modules.changes.contracts import ChangeId, ChangeMoved, ReturnCaseId, ReturnMoved
from comptoir.modules.notices.contracts import NoticeId, NoticeSent
from comptoir.modules.orders.contracts import ORDER_PREFIX, OrderId
from comptoir.modules.payments.contracts import GrantId, RefundGranted
from comptoir.modules.tracking.contracts import ParcelFailed, ParcelMoved, TrackedId
from comptoir.runtime.events import Event
from comptoir.surfaces.console.pages.timelines import TELL
from comptoir.surfaces.services import Services
from support.back_office import said
from support.console import Shop, Staff


def kinds(parent: type[Event] = Event) -> list[type[Event]]:
    """Every event that the modules emit."""
    for found in pkgutil.iter_modules(comptoir.modules.__path__):
        importlib.import_module(f"comptoir.modules.{found.name}.contracts")
    below = [one for child in parent.__subclasses__() for one in (child, *kinds(child))]
    return [one for one in below if one.type]


def test_whatever_is_about_an_order_has_words() -> None:
    about = {one.type for one in kinds() if "order_id" in {field.name for field in msgspec.structs.fields(one)}}
    # An account's movements are its own, whatever order it was for.
    assert about - {"account.moved"} - TELL.keys() == set()


async def test_what_comes_after_the_sale_is_told(owner: Staff, parts: Services, shop: Shop) -> None:
    order = OrderId(shop.orders["shipped"])
    parcel: dict[str, Any] = {"order_id": order, "tracked_id": TrackedId(uuid7()), "shipment_id": uuid7()}
    async with parts.database.transaction() as tx:
        tx.emit(
            ParcelMoved(**parcel, status="out_for_delivery", was="in_transit", at=tx.now, estimated_on=tx.now.date()),
            ParcelFailed(**parcel, reason="absent", attempts=2, answer_until=tx.now),
            NoticeSent(order_id=order, notice_id=NoticeId(uuid7()), kind="failed", medium="email"),
            ChangeMoved(order_id=order, change_id=ChangeId(uuid7()), kind="exchange", state="requested", reason="size"),
            ReturnMoved(order_id=order, return_case_id=ReturnCaseId(uuid7()), state="received", step="receive"),
            RefundGranted(order_id=order, grant_id=GrantId(uuid7()), amount=1198, currency="USD", reason="return"),
        )
    href = f"/orders/{to_text(ORDER_PREFIX, order)}"
    told = said((await owner.get(href)).text)
    for words in (
        "Parcel: Out for delivery", "2 attempts", "The buyer was told: it could not be delivered", "Exchange: asked for",
        "Return received", "$11.98 to be refunded",
    ):  # fmt: skip
        assert words in told, words
    await owner.get("/preferences/language?to=fr&next=/orders")
    told = said((await owner.get(href)).text)
    for words in ("Colis : En cours de livraison", "2 tentatives", "Échange : demandé", "Retour reçu"):
        assert words in told.replace("\u202f", " "), words
