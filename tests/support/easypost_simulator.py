"""EasyPost as its documentation describes it, with a memory: shipments, pickups, scan forms, trackers and events."""

from __future__ import annotations

import base64
import hmac
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, ClassVar

import msgspec

from support.carriers import Call, Reply, Simulator

SERVICES = (("USPS", "GroundAdvantage", "8.20", 3), ("USPS", "Priority", "11.01", 2), ("UPS", "Ground", "9.75", 3))
BEGIN = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def _error(status: int, code: str, message: str) -> Reply:
    return Reply(status, {"error": {"code": code, "message": message, "errors": []}})


class EasyPostSimulator(Simulator):
    routes: ClassVar[Mapping[tuple[str, str], str]] = {
        ("POST", "/v2/shipments"): "create",
        ("GET", "/v2/shipments"): "listing",
        ("GET", "/v2/shipments/([^/]+)"): "retrieve",
        ("POST", "/v2/shipments/([^/]+)/rerate"): "rerate",
        ("POST", "/v2/shipments/([^/]+)/refund"): "refund",
        ("POST", "/v2/trackers"): "track",
        ("POST", "/v2/scan_forms"): "scan_form",
        ("POST", "/v2/pickups"): "create_pickup",
        ("GET", "/v2/pickups/([^/]+)"): "retrieve_pickup",
        ("POST", "/v2/pickups/([^/]+)/cancel"): "cancel_pickup",
    }
    purchases: ClassVar[Mapping[tuple[str, str], str]] = {
        ("POST", "/v2/shipments/([^/]+)/buy"): "buy",
        ("POST", "/v2/pickups/([^/]+)/buy"): "buy_pickup",
    }

    def __init__(self, api_key: str, webhook_secret: str) -> None:
        super().__init__()
        self._api_key = api_key
        self._secret = webhook_secret
        self.shipments: dict[str, dict[str, Any]] = {}
        self.trackers: dict[str, dict[str, Any]] = {}
        self.pickups: dict[str, dict[str, Any]] = {}
        self.on_scan_forms: set[str] = set()
        self.buy_error: tuple[int, str] | None = None
        """What the next purchase is refused with."""
        self.strangely_sold = False
        """The next purchase is made and answered with something that nobody can read."""
        self.raced = False
        """The next purchase finds that somebody else has made it a moment before."""
        self.refund_status = "submitted"
        self.events = 0

    def refused(self, call: Call) -> Reply | None:
        expected = "Basic " + base64.b64encode(f"{self._api_key}:".encode()).decode()
        if self.revoked or call.headers.get("authorization") != expected:
            return _error(401, "APIKEY.INACTIVE", f"This api key {self._api_key} is no longer active.")
        return None

    def bought(self) -> int:
        return sum(shipment["postage_label"] is not None for shipment in self.shipments.values())

    # Shipments

    def _found(self, name: str) -> dict[str, Any] | None:
        """By id, else the first with that reference: EasyPost does not say which of several it takes."""
        by_reference = (one for one in self.shipments.values() if one["reference"] == name)
        return self.shipments.get(name) or next(by_reference, None)

    def _next_moment(self) -> str:
        return (BEGIN + timedelta(seconds=len(self.shipments))).isoformat().replace("+00:00", "Z")

    def create(self, call: Call) -> Reply:
        asked = call.json()["shipment"]
        if asked.get("is_return"):  # the ends are switched by EasyPost
            asked |= {"to_address": asked["from_address"], "from_address": asked["to_address"]}
        if not asked["to_address"].get("zip"):
            return _error(422, "ADDRESS.VERIFY.FAILURE", "Unable to verify address.")
        number = len(self.shipments) + 1
        shipment: dict[str, Any] = {
            "object": "Shipment",
            "reference": None,
            "options": {"currency": "USD", "payment": {"type": "SENDER"}, "date_advance": 0},
            "customs_info": None,
            **asked,
            "id": f"shp_{number:032x}",
            "created_at": self._next_moment(),
            "mode": "test",
            "tracking_code": None,
            "postage_label": None,
            "selected_rate": None,
            "refund_status": None,
            "tracker": None,
            "messages": [],
        }
        shipment["rates"] = self._rates(shipment["id"])
        self.shipments[shipment["id"]] = shipment
        return Reply(201, shipment)

    def _rates(self, shipment_id: str) -> list[dict[str, Any]]:
        return [
            {
                "id": f"rate_{n}_{shipment_id}",
                "object": "Rate",
                "carrier": carrier,
                "service": service,
                "rate": rate,
                "currency": "USD",
                "delivery_days": days,
                "delivery_date": None,
                "delivery_date_guaranteed": False,
                "est_delivery_days": days,
                "shipment_id": shipment_id,
            }
            for n, (carrier, service, rate, days) in enumerate(SERVICES)
        ]

    def retrieve(self, call: Call, name: str) -> Reply:
        found = self._found(name)
        return _error(404, "NOT_FOUND", "The requested resource could not be found.") if found is None else Reply(200, found)

    def listing(self, call: Call) -> Reply:
        """A page, the newest first."""
        since = call.query.get("start_datetime", "").replace("+00:00", "Z")
        wanted = [one for one in self.shipments.values() if one["created_at"] >= since]
        if call.query.get("purchased", "true") == "true":
            wanted = [one for one in wanted if one["postage_label"]]
        wanted.sort(key=lambda one: one["created_at"], reverse=True)
        before = call.query.get("before_id")
        if before is not None:
            position = [one["id"] for one in wanted].index(before)
            wanted = wanted[position + 1 :]
        size = int(call.query.get("page_size", "20"))
        return Reply(200, {"shipments": wanted[:size], "has_more": len(wanted) > size})

    def rerate(self, call: Call, shipment_id: str) -> Reply:
        return Reply(200, {"rates": self._rates(shipment_id)})

    def buy(self, call: Call, shipment_id: str) -> Reply:
        shipment = self.shipments[shipment_id]
        if self.buy_error is not None:
            (status, code), self.buy_error = self.buy_error, None
            return _error(status, code, "It was not to be.")
        if shipment["postage_label"]:
            return _error(422, "SHIPMENT.POSTAGE.EXISTS", "Postage already exists for this shipment.")
        rates = {rate["id"]: rate for rate in shipment["rates"]}
        code = f"94001{len(self.trackers):010d}"
        form = shipment["options"].get("label_format", "PNG").lower()
        shipment |= {
            "selected_rate": rates[call.json()["rate"]["id"]],
            "tracking_code": code,
            "postage_label": {
                "object": "PostageLabel",
                "label_url": f"{self.url}/labels/{code}.{form}",
                "label_file_type": {"pdf": "application/pdf", "zpl": "application/zpl", "png": "image/png"}[form],
            },
        }
        shipment["tracker"] = self._tracker(code, shipment["selected_rate"]["carrier"])
        if self.raced:
            self.raced = False
            return _error(422, "SHIPMENT.POSTAGE.EXISTS", "Postage already exists for this shipment.")
        if self.strangely_sold:
            self.strangely_sold = False
            return Reply(200, b"<html>Welcome</html>")
        return Reply(200, shipment)

    def refund(self, call: Call, shipment_id: str) -> Reply:
        shipment = self.shipments[shipment_id]
        if shipment["refund_status"] is not None:
            return _error(422, "SHIPMENT.REFUND.UNAVAILABLE", "A refund was already requested.")
        shipment["refund_status"] = self.refund_status
        return Reply(200, shipment)

    # Pickups and scan forms

    def create_pickup(self, call: Call) -> Reply:
        asked = call.json()["pickup"]
        pickup = {
            "id": f"pickup_{len(self.pickups) + 1:032x}",
            "object": "Pickup",
            "status": "unknown",
            "reference": asked["reference"],
            "confirmation": None,
            "messages": [],
            "pickup_rates": [
                {"id": "pickuprate_1", "carrier": "USPS", "service": "NextDay", "rate": "0.00", "currency": "USD"},
                {"id": "pickuprate_2", "carrier": "USPS", "service": "SameDay", "rate": "4.00", "currency": "USD"},
            ],
        }
        self.pickups[str(pickup["id"])] = pickup
        return Reply(201, pickup)

    def retrieve_pickup(self, call: Call, name: str) -> Reply:
        found = next((one for one in self.pickups.values() if name in {one["id"], one["reference"]}), None)
        return _error(404, "NOT_FOUND", "No such pickup.") if found is None else Reply(200, found)

    def buy_pickup(self, call: Call, pickup_id: str) -> Reply:
        pickup = self.pickups[pickup_id]
        pickup |= {"status": "scheduled", "confirmation": f"WTC{len(self.pickups):08d}"}
        return Reply(200, pickup)

    def cancel_pickup(self, call: Call, pickup_id: str) -> Reply:
        pickup = self.pickups[pickup_id]
        if pickup["status"] == "canceled":
            return _error(422, "PICKUP.CANCEL.FAILURE", "The pickup is canceled already.")
        pickup["status"] = "canceled"
        return Reply(200, pickup)

    def scan_form(self, call: Call) -> Reply:
        ids = [one["id"] for one in call.json()["shipments"]]
        if self.on_scan_forms.intersection(ids):
            return _error(422, "SCANFORM.INVALID.STATE", "A shipment is on another scan form.")
        self.on_scan_forms.update(ids)
        codes = [self.shipments[one]["tracking_code"] for one in ids]
        form = {"id": "sf_1", "object": "ScanForm", "status": "created", "message": None, "tracking_codes": codes}
        return Reply(201, form | {"form_url": f"{self.url}/forms/sf_1.pdf"})

    # Tracking

    def _tracker(self, code: str, carrier: str) -> dict[str, Any]:
        return self.trackers.setdefault(
            code,
            {
                "id": f"trk_{len(self.trackers) + 1:032x}",
                "object": "Tracker",
                "tracking_code": code,
                "status": "unknown",
                "status_detail": "unknown",
                "created_at": BEGIN.isoformat(),
                "updated_at": BEGIN.isoformat(),
                "est_delivery_date": None,
                "carrier": carrier,
                "tracking_details": [],
                "carrier_detail": None,
                "signed_by": None,
                "public_url": f"https://track.easypost.com/{code}",
            },
        )

    def track(self, call: Call) -> Reply:
        asked = call.json()["tracker"]
        if asked["tracking_code"] not in self.trackers:
            return _error(422, "TRACKER.CREATE.ERROR", "The tracking code is not one of this carrier.")
        return Reply(201, self.trackers[asked["tracking_code"]])

    def scan(self, tracking_number: str, code: str, at: datetime, detail: str = "status_update") -> None:
        tracker = self.trackers[tracking_number]
        tracker["tracking_details"].append(
            {
                "object": "TrackingDetail",
                "message": f"Parcel: {code}",
                "description": None,
                "status": code,
                "status_detail": detail,
                "datetime": at.isoformat(),
                "source": tracker["carrier"],
                "carrier_code": None,
                "tracking_location": {"object": "TrackingLocation", "city": "HOUSTON", "state": "TX", "zip": "77063"},
            }
        )
        tracker |= {"status": code, "status_detail": detail, "updated_at": at.isoformat()}

    def webhook(self, tracking_number: str, at: datetime, path: str = "/hooks/easypost") -> tuple[dict[str, str], bytes]:
        """An event with both of its signatures."""
        self.events += 1
        event = {
            "id": f"evt_{self.events:032x}",
            "object": "Event",
            "description": "tracker.updated",
            "mode": "test",
            "previous_attributes": {"status": "unknown"},
            "result": self.trackers[tracking_number],
        }
        body = msgspec.json.encode(event)
        stamp = format_datetime(at)
        return {
            "X-Hmac-Signature": self._signed(body),
            "X-Hmac-Signature-V2": self._signed(f"{stamp}POST{path}".encode() + body),
            "X-Timestamp": stamp,
            "X-Path": path,
        }, body

    def _signed(self, message: bytes) -> str:
        secret = unicodedata.normalize("NFKD", self._secret).encode()
        return "hmac-sha256-hex=" + hmac.digest(secret, message, "sha256").hex()
