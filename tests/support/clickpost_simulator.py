"""ClickPost as its documentation describes it, with a memory: 200 to everything, and what it means in `meta`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import msgspec

from support.carriers import Call, Reply, Simulator

INDIA = ZoneInfo("Asia/Kolkata")
ACCOUNTS = {(4, "Delhivery_Express"): 64.5, (5, "Bluedart_Surface"): 88.0, (6, "Xpressbees"): None}


def _meta(status: int, message: str, **result: Any) -> Reply:
    return Reply(200, {"meta": {"status": status, "success": status in {200, 323}, "message": message}, **result})


class ClickPostSimulator(Simulator):
    routes: ClassVar[Mapping[tuple[str, str], str]] = {
        ("POST", "/api/v1/serviceability_api/"): "serviceability",
        ("GET", "/api/v3/create-order/"): "fetch",
        ("GET", "/api/v1/cancel-order/"): "cancel",
        ("GET", "/api/v2/track-order/"): "track",
    }
    purchases: ClassVar[Mapping[tuple[str, str], str]] = {
        ("POST", "/api/v3/create-order/"): "create",
        ("POST", "/api/v1/create-pickup/"): "pickup",
    }

    def __init__(self, username: str, key: str, webhook_key: str) -> None:
        super().__init__()
        self._username, self._key, self._webhook_key = username, key, webhook_key
        self.orders: dict[str, dict[str, Any]] = {}
        """By our reference."""
        self.asked: list[dict[str, Any]] = []
        self.scans: dict[str, list[dict[str, Any]]] = {}
        self.pending: set[str] = set()
        """References that the courier is still at."""
        self.tells_again = True
        """Whether 323 comes with the order."""
        self.order_status: tuple[int, str] | None = None
        """What the next order is refused with."""

    def refused(self, call: Call) -> Reply | None:
        if self.revoked or (call.query.get("username"), call.query.get("key")) != (self._username, self._key):
            return _meta(301, f"Authentication Failed: Invalid Token or API Key {self._key} of {self._username}")
        return None

    def bought(self) -> int:
        return len(self.orders)

    def serviceability(self, call: Call) -> Reply:
        (asked,) = call.json()
        if not asked["drop_pincode"].isdecimal():
            return _meta(200, "Pin code not serviceable")
        kilograms = -(-asked["optional"]["weight"] // 1)
        return _meta(
            200,
            "SUCCESS",
            result=[
                {
                    "cp_id": courier,
                    "service_type": "FORWARD",
                    "account_code": account,
                    "account_id": 186907 + courier,
                    "serviceable": {"COD": courier != 5, "PREPAID": True, "EXCHANGE": False},
                    "comitted_sla": courier - 2,
                    "shipping_charge": {
                        "PREPAID": None if price is None else price * kilograms,
                        "COD": None if price is None else price * kilograms + 30,
                    },
                    "zone": "CITY",
                }
                for (courier, account), price in ACCOUNTS.items()
            ],
        )

    def create(self, call: Call) -> Reply:
        asked = call.json()
        self.asked.append(asked)
        details, more = asked["shipment_details"], asked["additional"]
        reference = details["reference_number"]
        if self.order_status is not None:
            refused, self.order_status = self.order_status, None
            return _meta(*refused)
        if reference in self.pending:
            return _meta(102, "Order is under processing")
        if reference in self.orders:
            again = {"result": self._told(reference)} if self.tells_again else {}
            return _meta(323, "You have already placed this order", **again)
        wrong = self._wrong(details, more)
        if wrong is not None:
            return wrong
        courier = details["courier_partner"]
        waybill = f"{courier}{len(self.orders) + 1:011d}"
        self.orders[reference] = {"waybill": waybill, "courier": courier, "cancelled": False}
        self.scans[waybill] = []
        return _meta(200, "Order Placed Successfully", result=self._told(reference), order_id=1, tracking_id=2)

    def _wrong(self, details: dict[str, Any], more: dict[str, Any]) -> Reply | None:
        if (details["courier_partner"], more.get("account_code")) not in ACCOUNTS:
            return _meta(302, "Invalid Courier Partner Id with Field courier_partner")
        if (details["order_type"] == "COD") != (details["cod_value"] > 0):
            return _meta(315, "Invalid Cod Value")
        return None if details["items"] else _meta(312, "Items Data is missing from order details")

    def _told(self, reference: str) -> dict[str, Any]:
        order = self.orders[reference]
        return {
            "reference_number": reference,
            "waybill": order["waybill"],
            "label": f"{self.url}/labels/{order['waybill']}.pdf",
            "courier_partner_id": order["courier"],
            "courier_name": "Delhivery",
            "sort_code": None,
            "security_key": "560fee51-1af3-4d1d-a6e8-0149b0868d38",
        }

    def fetch(self, call: Call) -> Reply:
        reference = call.query["reference_number"]
        if reference in self.pending:
            return _meta(102, "Order is under processing")
        if reference not in self.orders:
            return _meta(400, "Bad Request: No order with this reference number")
        return _meta(200, "SUCCESS", result=self._told(reference))

    def cancel(self, call: Call) -> Reply:
        order = next((one for one in self.orders.values() if one["waybill"] == call.query["waybill"]), None)
        if order is None:
            return _meta(400, "Invalid waybill")
        if order["cancelled"]:
            return _meta(600, "Order already cancelled")
        order["cancelled"] = True
        if call.query.get("manually_update_status") == "True":
            self.scan(order["waybill"], "10", datetime(2026, 3, 2, 9, 0, tzinfo=INDIA))
        return _meta(200, "SUCCESS")

    def pickup(self, call: Call) -> Reply:
        return _meta(200, "SUCCESS", result={"location": "Surat_Kacholi_GW", "confirmation_number": 101847200})

    # Tracking

    def scan(self, tracking_number: str, code: str, at: datetime) -> None:
        here = at.astimezone(INDIA)
        self.scans[tracking_number].append(
            {
                "clickpost_status_code": int(code),
                "clickpost_status_description": "as the table says",
                "status": f"CARRIER-{code}",
                "remark": f"Remark of {code}",
                "location": "Surat_Kacholi_GW (Gujarat)",
                "timestamp": f"{here:%Y-%m-%d %H:%M:%S}",
                "checkpoint_id": 9_000_000_000 + sum(map(len, self.scans.values())),
                "created_at": "2026-03-02 00:00:00",
            }
        )

    def _latest(self, waybill: str) -> dict[str, Any]:
        return max(self.scans[waybill], key=lambda scan: scan["timestamp"])

    def track(self, call: Call) -> Reply:
        numbers = call.query["waybill"].split(",")
        assert len(numbers) <= 5, "five at a time"
        known = {
            number: {
                "latest_status": self._latest(number),
                "scans": list(reversed(self.scans[number])),
                "valid": True,
                "additional": {"courier_partner_edd": "2026-03-06", "courier_partner_name": "Delhivery"},
            }
            for number in numbers
            if self.scans.get(number)
        }
        return _meta(200, "SUCCESS", result=known or None)

    def webhook(self, tracking_number: str, scan: dict[str, Any] | None = None) -> tuple[dict[str, str], bytes]:
        """Of one scan, by default the last that was made; the time has a Z behind it and is India's all the same."""
        outer = dict(scan or self.scans[tracking_number][-1])
        latest = dict(self._latest(tracking_number))
        for one in (outer, latest):
            del one["checkpoint_id"], one["created_at"]
            one["timestamp"] = one["timestamp"].replace(" ", "T") + ".002000Z"
        additional: dict[str, Any] = {"latest_status": latest}
        if outer["clickpost_status_code"] == 9:
            additional |= {"ndr_status_code": 1, "ndr_status_description": "Customer Unavailable"}
        body = msgspec.json.encode({"waybill": tracking_number, "cp_id": 4, **outer, "additional": additional})
        return {"Content-Type": "application/json", "webhook_key": self._webhook_key}, body
