"""A Karrio server as its OpenAPI document and its source describe it, with a memory, before carriers of its own.

`modern` is a server of 2026: it says `created` for what is bought, sends the label along, and gives papers to whoever has the
key only. The others say `purchased` and give papers to everybody who has the address.
"""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import msgspec

from support.carriers import Call, Reply, Simulator

SERVICES = (
    ("canadapost", "canadapost_priority", 106.71, 2),
    ("canadapost", "canadapost_regular_parcel", 18.4, 6),
    ("dhl_express", "dhl_express_worldwide", 64.05, 1),
)
BEGIN = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
LABEL = b"%PDF-1.4 a label"
MANIFEST = b"%PDF-1.4 a manifest"
_ECHOED = ("shipper", "recipient", "parcels", "services", "reference", "label_type", "customs", "carrier_ids")

_OF_PICKUPS = ("pickup_date", "ready_time", "closing_time", "address", "metadata", "instruction")


def _errors(status: int, code: str, message: str | None = None, details: object = None) -> Reply:
    error = {"code": code, "message": message, "details": details}
    return Reply(status, {"errors": [{name: value for name, value in error.items() if value is not None}]})


def _messages(status: int, *told: tuple[str, str]) -> Reply:
    """What a carrier says, by Karrio's mouth."""
    one = {"carrier_name": "canadapost", "carrier_id": "canadapost", "details": {}}
    return Reply(status, {"messages": [{**one, "code": code, "message": message} for code, message in told]})


def _not_found(what: str) -> Reply:
    return _errors(404, "not_found", f"{what} not found")


class KarrioSimulator(Simulator):
    routes: ClassVar[Mapping[tuple[str, str], str]] = {
        ("POST", "/v1/proxy/rates"): "rates",
        ("POST", "/v1/shipments"): "create",
        ("GET", "/v1/shipments"): "shipment_list",
        ("GET", "/v1/shipments/([^/.]+)"): "shipment",
        ("PUT", "/v1/shipments/([^/]+)"): "update",
        ("POST", "/v1/shipments/([^/]+)/rates"): "rerate",
        ("POST", "/v1/shipments/([^/]+)/cancel"): "cancel",
        ("POST", "/v1/shipments/([^/]+)/documents/label"): "label",
        ("GET", "/v1/shipments/([^/]+)/label.pdf"): "label_file",
        ("GET", "/v1/pickups"): "pickup_list",
        ("GET", "/v1/pickups/([^/]+)"): "pickup",
        ("POST", "/v1/pickups/([^/]+)/cancel"): "cancel_pickup",
        ("POST", "/v1/manifests"): "manifest",
        ("POST", "/v1/manifests/([^/]+)/document"): "manifest_document",
        ("GET", "/v1/manifests/([^/]+)/manifest.pdf"): "manifest_file",
        ("POST", "/v1/trackers"): "add_tracker",
        ("GET", "/v1/trackers/([^/]+)"): "tracker",
    }
    purchases: ClassVar[Mapping[tuple[str, str], str]] = {
        ("POST", "/v1/shipments/([^/]+)/purchase"): "purchase",
        ("POST", "/v1/pickups/([^/]+)/schedule"): "schedule",
    }

    def __init__(self, api_key: str, webhook_secret: str, *, modern: bool = True) -> None:
        super().__init__()
        self._api_key = api_key
        self._secret = webhook_secret
        self.modern = modern
        self.shipments: dict[str, dict[str, Any]] = {}
        self.trackers: dict[str, dict[str, Any]] = {}
        self.pickups: dict[str, dict[str, Any]] = {}
        self.manifests: dict[str, dict[str, Any]] = {}
        self.purchase_refusal: Reply | None = None
        """What the next purchase is answered with, instead of being made."""
        self.cancel_refusal: Reply | None = None
        self.no_connection = False
        self.papers_away = False
        """Whether papers cannot be had just now, though all else can."""
        self.drops_a_purchase = False
        """The next purchase is not made, and its answer never comes."""
        self.slow_with_a_purchase = False
        """The answer to the next purchase never comes; it is made when the carrier gets round to it (`catch_up`)."""
        self.waiting: list[tuple[Call, str]] = []
        self._counted = itertools.count(1)

    def refused(self, call: Call) -> Reply | None:
        if not self.modern and call.path.endswith(".pdf"):
            return None
        if self.revoked or call.headers.get("authorization") != f"Token {self._api_key}":
            return _errors(401, "invalid_token", f"Given token {self._api_key} not valid for any token type")
        return None

    async def _answer(self, call: Call) -> Reply | None:
        if self.drops_a_purchase and call.path.endswith("/purchase"):
            self.drops_a_purchase = False
            return None
        if self.slow_with_a_purchase and call.path.endswith("/purchase"):
            self.slow_with_a_purchase = False
            self.waiting.append((call, call.path.split("/")[3]))
            return None
        return await super()._answer(call)

    def catch_up(self) -> None:
        """What was asked for and has not been answered is done now."""
        for call, name in self.waiting:
            self.purchase(call, name)
        self.waiting.clear()

    def bought(self) -> int:
        return sum(bool(one["tracking_number"]) for one in self.shipments.values())

    # Rates

    def _rates(self, wanted: Iterable[str] = ()) -> list[dict[str, Any]]:
        codes = set(wanted)
        return [
            {
                "id": f"rat_{next(self._counted):032x}",
                "object_type": "rate",
                "carrier_name": carrier,
                "carrier_id": f"{carrier}-main",
                "currency": "CAD",
                "service": service,
                "total_charge": charge,
                "transit_days": days,
                "extra_charges": [{"name": "Base charge", "amount": charge, "currency": "CAD", "id": None}],
                "estimated_delivery": None,
                "meta": {"carrier": carrier, "rate_provider": carrier, "service_name": service.upper().replace("_", " ")},
                "test_mode": True,
            }
            for carrier, service, charge, days in SERVICES
            if not codes or service in codes
        ]

    def rates(self, call: Call) -> Reply:
        asked = call.json()
        if self.no_connection:
            return _errors(404, "not_found", "No active carrier connection found to process the request")
        if not asked["recipient"].get("country_code"):
            return _errors(400, "invalid", details={"recipient": {"country_code": ["This field is required."]}})
        if not asked["recipient"].get("postal_code"):
            return _messages(424, ("1109", "Destination postal code is not valid"))
        return Reply(207, {"rates": self._rates(), "messages": [{"carrier_name": "ups", "code": "250003", "message": "no"}]})

    # Shipments

    def create(self, call: Call) -> Reply:
        asked = call.json()
        if not asked["recipient"].get("postal_code"):
            return _messages(424, ("1109", "Destination postal code is not valid"))
        number = next(self._counted)
        shipment: dict[str, Any] = {
            "id": f"shp_{number:032x}",
            "object_type": "shipment",
            "status": "draft",
            "carrier_name": None,
            "carrier_id": None,
            "tracking_number": None,
            "shipment_identifier": None,
            "tracking_url": None,
            "selected_rate": None,
            "selected_rate_id": None,
            "service": None,
            "label_url": None,
            "tracker_id": None,
            "created_at": (BEGIN + timedelta(seconds=number)).strftime("%Y-%m-%d %H:%M:%S.%f+00:00"),
            "options": {"shipping_date": "2026-03-02T10:00", **asked.get("options", {})},
            "payment": {"paid_by": "sender", "currency": None, "account_number": None},
            "metadata": asked.get("metadata", {}),
            "meta": {},
            "messages": [],
            "test_mode": True,
            "shipping_documents": [],
            **{name: asked[name] for name in _ECHOED if name in asked},
        }
        for name in ("shipper", "recipient"):
            shipment[name] = {
                "id": f"adr_{number:012x}",
                "object_type": "address",
                "validation": None,
                "meta": {},
                **asked[name],
            }
        if self.modern:
            shipment["is_return"] = asked.get("is_return", False)
        shipment["rates"] = self._rates(asked.get("services", ()))
        self.shipments[shipment["id"]] = shipment
        return Reply(201, shipment)

    def shipment_list(self, call: Call) -> Reply:
        """The newest first; a reference is found in the midst of another one."""
        wanted = call.query.get("reference", "").casefold()
        found = [one for one in self.shipments.values() if wanted in (one.get("reference") or "").casefold()]
        found.sort(key=lambda one: one["created_at"], reverse=True)
        return self._page(call, found)

    def _page(self, call: Call, found: list[dict[str, Any]]) -> Reply:
        limit, offset = min(100, int(call.query.get("limit", "20"))), int(call.query.get("offset", "0"))
        more = len(found) > offset + limit
        onward = f"{self.url}{call.path}?limit={limit}&offset={offset + limit}" if more else None
        return Reply(200, {"count": len(found), "next": onward, "previous": None, "results": found[offset : offset + limit]})

    def shipment(self, call: Call, name: str) -> Reply:
        found = self.shipments.get(name)
        return _not_found("Shipment") if found is None else Reply(200, found)

    def update(self, call: Call, name: str) -> Reply:
        """What only is about its metadata is taken in any state."""
        shipment, asked = self.shipments[name], call.json()
        if list(asked) != ["metadata"] and shipment["status"] != "draft":
            return _errors(409, "state_error", f"Shipment is {shipment['status']} and cannot be updated anymore...")
        shipment["metadata"] = {k: v for k, v in {**shipment["metadata"], **asked["metadata"]}.items() if v is not None}
        shipment["label_type"] = asked.get("label_type", "PDF")
        return Reply(200, shipment)

    def rerate(self, call: Call, name: str) -> Reply:
        self.shipments[name]["rates"] = self._rates(call.json().get("services", ()))
        return Reply(200, self.shipments[name])

    def purchase(self, call: Call, name: str) -> Reply:
        shipment, asked = self.shipments[name], call.json()
        if shipment["status"] != "draft":
            return _errors(409, "state_error", f"The shipment is '{shipment['status']}' and cannot be purchased again")
        if self.purchase_refusal is not None:
            reply, self.purchase_refusal = self.purchase_refusal, None
            return reply
        rate = next((one for one in shipment["rates"] if one["id"] == asked["selected_rate_id"]), None)
        if rate is None:
            return _errors(400, "service_unavailable", "The service you selected is not available for this shipment.")
        number = f"7{next(self._counted):011d}"
        kind = asked.get("label_type", "PDF")
        shipment |= {
            "status": "created" if self.modern else "purchased",
            "carrier_name": rate["carrier_name"],
            "carrier_id": rate["carrier_id"],
            "service": rate["service"],
            "selected_rate": rate,
            "selected_rate_id": rate["id"],
            "tracking_number": number,
            "shipment_identifier": number,
            "tracking_url": f"/v1/trackers/{rate['carrier_name']}/{number}",
            "label_type": kind,
            "label_url": f"/v1/shipments/{name}/label.{kind.lower()}",
            "meta": {"carrier_tracking_link": f"https://track.example.com/{number}", "rate_provider": rate["carrier_name"]},
        }
        self._tracker(number, rate["carrier_name"])
        if not self.modern:
            return Reply(200, shipment)
        paper = {"category": "label", "format": kind, "url": shipment["label_url"]}
        shipment["shipping_documents"] = [{**paper, "base64": None}]
        return Reply(200, {**shipment, "shipping_documents": [{**paper, "base64": base64.b64encode(LABEL).decode()}]})

    def cancel(self, call: Call, name: str) -> Reply:
        shipment = self.shipments[name]
        if shipment["status"] == "cancelled":
            return Reply(202, shipment) if self.modern else _errors(409, "state_error", "can not be cancelled anymore...")
        if shipment["status"] not in {"draft", "created", "purchased"}:
            return _errors(409, "state_error", f"The shipment is '{shipment['status']}' and can not be cancelled anymore...")
        if self.cancel_refusal is not None:
            return self.cancel_refusal
        shipment["status"] = "cancelled"
        return Reply(200, shipment)

    def label(self, call: Call, name: str) -> Reply:
        if self.papers_away:
            return Reply(503, {})
        if not self.modern:
            return Reply(405, {"detail": 'Method "POST" not allowed.'})
        if not self.shipments[name]["label_url"]:
            return _not_found("Document")
        paper = {"category": "label", "format": "PDF", "print_format": None, "base64": base64.b64encode(LABEL).decode()}
        return Reply(200, paper | {"url": self.shipments[name]["label_url"]})

    def label_file(self, call: Call, name: str) -> Reply:
        return Reply(403, b"Access token required. Use /api/tokens to generate one.") if self.modern else Reply(200, LABEL)

    # Pickups and manifests

    def schedule(self, call: Call, carrier: str) -> Reply:
        asked = call.json()
        known = {one["tracking_number"]: one for one in self.shipments.values()}
        if any(number not in known for number in asked["tracking_numbers"]):
            details = {"tracking_numbers": ["Shipment with the tracking numbers not found"]}
            return _errors(400, "invalid", details=details)
        pickup = {
            "id": f"pck_{next(self._counted):032x}",
            "object_type": "pickup",
            "carrier_name": carrier,
            "carrier_id": f"{carrier}-main",
            "status": "scheduled",
            "confirmation_number": f"2724{len(self.pickups) + 1}",
            "pickup_charge": {"name": "Pickup fees", "amount": 3.5, "currency": "CAD", "id": None},
            "options": {},
            "meta": {},
            "test_mode": True,
            **{
                name: asked[name]
                for name in ("pickup_date", "ready_time", "closing_time", "address", "metadata", "instruction")
            },
        }
        if not self.modern:
            del pickup["status"]
        self.pickups[str(pickup["id"])] = pickup
        return Reply(201, pickup)

    def pickup_list(self, call: Call) -> Reply:
        return self._page(call, list(reversed(self.pickups.values())))

    def pickup(self, call: Call, name: str) -> Reply:
        found = self.pickups.get(name)
        return _not_found("Pickup") if found is None else Reply(200, found)

    def cancel_pickup(self, call: Call, name: str) -> Reply:
        if self.modern:
            self.pickups[name]["status"] = "cancelled"
            return Reply(200, self.pickups[name])
        return Reply(200, {**self.pickups.pop(name), "id": None})

    def manifest(self, call: Call) -> Reply:
        asked = call.json()
        ours = [self.shipments[name] for name in asked["shipment_ids"] if name in self.shipments]
        fitting = [one for one in ours if one["carrier_name"] == asked["carrier_name"] and not one.get("manifested")]
        if not fitting:
            words = "One or more shipment ids are invalid or not found."
            return _errors(400, "invalid", details={"shipment_ids": [words]})
        for one in fitting:
            one["manifested"] = True
        name = f"manf_{next(self._counted):032x}"
        manifest = {
            "id": name,
            "object_type": "manifest",
            "carrier_name": asked["carrier_name"],
            "carrier_id": f"{asked['carrier_name']}-main",
            "address": asked["address"],
            "reference": asked["reference"],
            "shipment_identifiers": [one["shipment_identifier"] for one in fitting],
            "manifest_url": f"/v1/manifests/{name}/manifest.pdf",
            "meta": {},
            "metadata": {},
            "messages": [],
            "test_mode": True,
        }
        self.manifests[name] = manifest
        return Reply(201, manifest)

    def manifest_document(self, call: Call, name: str) -> Reply:
        if not self.modern:
            return Reply(404, b"<h1>Not Found</h1>")
        paper = {"category": "manifest", "format": "PDF", "base64": base64.b64encode(MANIFEST).decode()}
        return Reply(200, paper | {"url": self.manifests[name]["manifest_url"]})

    def manifest_file(self, call: Call, name: str) -> Reply:
        return Reply(403, b"") if self.modern else Reply(200, MANIFEST)

    # Tracking

    def _tracker(self, number: str, carrier: str) -> dict[str, Any]:
        created = {"code": "CREATED", "description": "Label created and ready for shipment", "location": ""}
        return self.trackers.setdefault(
            number,
            {
                "id": f"trk_{next(self._counted):032x}",
                "object_type": "tracker",
                "carrier_name": carrier,
                "carrier_id": f"{carrier}-main",
                "tracking_number": number,
                "status": "pending",
                "delivered": False,
                "estimated_delivery": "2026-03-05",
                "events": [created | {"date": "2026-03-02", "time": "08:00"}],
                "info": {"source": "api", "signed_by": None},
                "messages": [],
                "meta": {"carrier": carrier},
                "metadata": {},
                "test_mode": True,
            },
        )

    def add_tracker(self, call: Call) -> Reply:
        found = self.trackers.get(call.json()["tracking_number"])
        return _messages(404, ("004", "No Pin History")) if found is None else Reply(202, found)

    def tracker(self, call: Call, name: str) -> Reply:
        found = self.trackers.get(name)
        return _not_found("Tracker") if found is None else Reply(200, found)

    def scan(self, tracking_number: str, code: str, at: datetime, reason: str | None = None) -> None:
        tracker = self.trackers[tracking_number]
        event: dict[str, Any] = {
            "date": f"{at:%Y-%m-%d}",
            "time": f"{at:%I:%M %p}",
            "code": "0170",
            "description": f"Parcel: {code}",
            "location": "MONCTON, NB",
            "latitude": None,
            "longitude": None,
        }
        event |= {"status": code, "reason": reason, "timestamp": f"{at:%Y-%m-%dT%H:%M:%S}.000Z"}
        tracker["events"] = [event, *tracker["events"]]
        tracker |= {"status": code, "delivered": code == "delivered"}

    def webhook(self, tracking_number: str) -> tuple[dict[str, str], bytes]:
        """An event, with the secret that Karrio sends with every one of them."""
        body = msgspec.json.encode({"event": "tracker_updated", "data": self.trackers[tracking_number]})
        return {"X-Event-Id": self._secret}, body
