"""What suppliers are given: the address of their page, the purchase order on paper, and the same as a file."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import msgspec

from comptoir.kernel.ids import to_text
from comptoir.kernel.money import Currency, Money
from comptoir.modules.locations.contracts import Location
from comptoir.modules.notices import api as notices
from comptoir.modules.notices.contracts import Sender
from comptoir.modules.purchasing import api as purchasing
from comptoir.modules.purchasing.contracts import PURCHASE_PREFIX, Purchase, PurchaseId, PurchaseLine
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Reader
from comptoir.surfaces.documents.contracts import Address, PurchaseItem, PurchaseOrder, Seller

SUPPLYING: Final = "/supply"
_PURPOSE = "purchase-order"
_SEEN_FOR = timedelta(days=180)
_ADDRESS = ("name", "company", "line1", "line2", "postcode", "city", "region", "country", "phone")


class SupplierLinks:
    """The signed addresses of purchase orders. Whoever has one answers that one, and sees nothing else."""

    def __init__(self, keyring: Keyring, public_url: str) -> None:
        self._keyring = keyring
        self._url = public_url

    def page(self, purchase_id: UUID, now: datetime) -> str:
        return f"{self._url}{self.path(purchase_id, now)}"

    def path(self, purchase_id: UUID, now: datetime) -> str:
        return f"{SUPPLYING}/{self._keyring.sign(purchase_id.bytes, _PURPOSE, now + _SEEN_FOR)}"

    def purchase_of(self, token: str, now: datetime) -> PurchaseId | None:
        """None when it is not ours, or has expired."""
        payload = self._keyring.signed(token, _PURPOSE, now)
        return PurchaseId(UUID(bytes=payload)) if payload is not None and len(payload) == 16 else None


def name_of(one: Purchase) -> str:
    """What a purchase order is called outside."""
    return f"P{one.number}"


def sender_of(senders: dict[str, Sender], channel: str) -> Sender | None:
    """In whose name suppliers are written to: the channel's own, or any other of the house."""
    active = {code: one for code, one in senders.items() if one.active}
    return active.get(channel) or next((active[code] for code in sorted(active)), None)


def address(values: dict[str, Any]) -> Address:
    return Address(**{name: str(values.get(name) or "") for name in _ADDRESS})


async def paper_of(reader: Reader, one: Purchase, links: SupplierLinks, now: datetime) -> tuple[PurchaseOrder, str]:
    """The paper, and the language in which the supplier reads it."""
    place = await purchasing.supplier(reader, one.location_id)
    terms = await purchasing.terms_of(reader, one.location_id)
    sender = sender_of(await notices.senders(reader), one.channel_code)
    return paper(one, place, sender, links.page(one.id, now)), terms.locale


def paper(one: Purchase, place: Location, sender: Sender | None, link: str) -> PurchaseOrder:
    email = (sender.reply_to or sender.email) if sender else ""
    house = Seller(name=sender.name if sender else one.channel_code, address=Address(), email=email)
    lines = [line for line in one.lines if line.wanted]
    costed = bool(lines) and all(line.cost is not None for line in lines)
    return PurchaseOrder(
        seller=house,
        number=name_of(one),
        order_number=str(one.order_number),
        supplier=Address(
            name=place.name or place.code,
            line1=place.line1,
            line2=place.line2,
            postcode=place.postcode,
            city=place.city,
            region=place.region,
            country=place.country,
        ),
        ship_to=address(one.ship_to),
        lines=tuple([_item(line, one.currency) for line in lines]),
        revision=one.revision,
        ordered_on=one.created_at.date(),
        requested_on=one.requested_on,
        total=Money(one.cost or 0, Currency(one.currency)) if costed else None,
        answer_at=link,
    )


def _item(line: PurchaseLine, currency: str) -> PurchaseItem:
    cost = None if line.cost is None else Money(line.cost, Currency(currency))
    return PurchaseItem(
        sku=line.sku,
        name=line.name,
        quantity=line.wanted,
        supplier_sku=line.supplier_sku,
        weighed=line.weighed,
        cost=None if cost is None else cost.major,
        amount=None if line.cost is None else Money(purchasing.cost_of(line, line.wanted), Currency(currency)),
    )


COLUMNS = (
    "purchase_order", "revision", "state", "order", "line", "supplier_sku", "sku", "name", "quantity", "shipped", "cost",
    "currency", "leave_by", "service", *(f"ship_to_{name}" for name in _ADDRESS),
)  # fmt: skip


def csv_of(one: Purchase) -> bytes:
    """A row per line, for a machine: points in numbers, ISO dates, and the address on every row."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    where = address(one.ship_to)
    for line in one.lines:
        if line.wanted:
            cost = "" if line.cost is None else str(Money(line.cost, Currency(one.currency)).major)
            writer.writerow(
                [
                    name_of(one), one.revision, one.state.value, one.order_number, line.line_no, _plain(line.supplier_sku),
                    _plain(line.sku), _plain(line.name), _units(line, line.wanted), _units(line, line.shipped), cost,
                    one.currency, one.requested_on.isoformat() if one.requested_on else "", one.service.value,
                    *(_plain(getattr(where, name)) for name in _ADDRESS),
                ]
            )  # fmt: skip
    return text.getvalue().encode("utf-8-sig")


def _plain(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} and not text[1:].replace(" ", "").isdigit() else text


def _units(line: PurchaseLine, units: int) -> str:
    return str(Decimal(units) / 1000) if line.weighed else str(units)


def json_of(one: Purchase) -> bytes:
    """The same as the API gives it, for whoever has no token."""
    lines = [
        {
            "line_no": line.line_no, "sku": line.sku, "supplier_sku": line.supplier_sku, "name": line.name,
            "quantity": line.wanted, "open": line.open, "shipped": line.shipped, "weighed": line.weighed, "cost": line.cost,
        }
        for line in one.lines
    ]  # fmt: skip
    where = address(one.ship_to)
    return msgspec.json.encode(
        {
            "id": to_text(PURCHASE_PREFIX, one.id), "number": name_of(one), "revision": one.revision, "state": one.state,
            "order_number": one.order_number, "service": one.service, "currency": one.currency, "leave_by": one.requested_on,
            "answer_by": one.answer_by, "ship_to": {name: getattr(where, name) for name in _ADDRESS}, "lines": lines,
        }
    )  # fmt: skip
