"""Labels and parcels over the API: an account, a label, the hand-over, the carrier's messages, and what goes wrong between."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest_asyncio

from api.conftest import Api, problem
from comptoir.app import consumers
from comptoir.connectors.easypost import INFO, EasyPost, EasyPostAccount
from comptoir.kernel.time import utcnow
from comptoir.modules.staff.contracts import Scope
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import AccountId, LabelId
from comptoir.runtime.consumers import ConsumerRunner
from comptoir.runtime.http import HttpClient
from comptoir.runtime.limits import Limiter
from comptoir.surfaces.api.identifiers import id_example, parsed
from comptoir.surfaces.carriage import Carriage, ConnectorKind
from comptoir.surfaces.hooks.carriers import CarrierHooks
from comptoir.surfaces.parcels import ParcelDesk
from comptoir.surfaces.services import Services
from support.carrier_rigs import API_KEY, PATIENCE, SIGNING
from support.carriers import Call, Reply, simulated
from support.doorstep import INFO as DOORSTEP
from support.doorstep import Doorstep, DoorstepSimulator
from support.easypost_simulator import EasyPostSimulator

BUYER = {"name": "Camille Roux", "email": "camille@example.com", "phone": "+33612345678"}
HOME = {"line1": "3 rue des Lilas", "postcode": "13001", "city": "Marseille", "country": "FR"}
GROUND = "USPS/GroundAdvantage"
PAPER = b"%PDF-1.7 a label"


class Far(EasyPostSimulator):
    """With the papers of its labels, which are asked for without a key."""

    def _handled(self, call: Call) -> Reply:
        if call.path.startswith("/labels/"):
            return Reply(200, PAPER, {"content-type": "application/pdf"})
        return super()._handled(call)


@pytest_asyncio.fixture
async def far() -> AsyncIterator[Far]:
    async with simulated(Far(API_KEY, SIGNING)) as simulator:
        yield simulator


@pytest_asyncio.fixture
async def services(services: Services, far: Far) -> AsyncIterator[Services]:
    """With EasyPost's simulator in EasyPost's place."""
    async with HttpClient(allow_private=True) as http:

        def make(client: HttpClient, given: Mapping[str, str]) -> EasyPost:
            account = EasyPostAccount(given["api_key"], given.get("webhook_secret", ""), url=f"{far.url}/v2")
            return EasyPost(client, account, seconds=PATIENCE)

        carriage = Carriage(services.database, services.keyring, http, {"easypost": ConnectorKind(INFO, make)})
        desk = ParcelDesk(services.database, services.keyring, http, carriage)
        yield replace(services, carriage=carriage, parcels=desk)


@pytest_asyncio.fixture
async def api(api: Api) -> Api:
    """Whose events are heard by all who hear them in production."""
    api.shop._runner = ConsumerRunner(api.services.database, consumers(api.services))
    await api.shop.settle()
    return api


async def connected(api: Api, **more: Any) -> dict[str, Any]:
    body = {
        "connector": "easypost",
        "name": "EasyPost",
        "credentials": {"api_key": API_KEY, "webhook_secret": SIGNING},
    }
    answer = await api.post("/v1/carrier-accounts", body | more)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def packed(api: Api, *, weight: int = 350, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A fulfilment order with all of it in one box, and the box."""
    body = {"channel": "web", "lines": [{"sku": "TEA", "quantity": 2}], "buyer": BUYER, "ship_to": HOME}
    placed = (await api.post("/v1/orders", body | more)).json()
    await api.shop.settle()
    (one,) = (await api.get("/v1/fulfilments", order_id=placed["id"])).json()["items"]
    await api.post(f"/v1/fulfilments/{one['id']}/pick", {})
    answer = await api.post(f"/v1/fulfilments/{one['id']}/pack", {"weight": weight})
    assert answer.status_code == 200, answer.text
    (box,) = answer.json()["parcels"]
    return one, box


def wanted(account: dict[str, Any], one: dict[str, Any], box: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"fulfilment_id": one["id"], "parcel_id": box["id"], "account_id": account["id"], "service": GROUND} | more


async def bought(api: Api, account: dict[str, Any], one: dict[str, Any], box: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = await api.post("/v1/labels", wanted(account, one, box), **more)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def sent(api: Api, account: dict[str, Any], **more: Any) -> tuple[str, str]:
    """The order and the tracking number of a box that has left with its label."""
    one, box = await packed(api, **more)
    label = await bought(api, account, one, box)
    answer = await api.post(f"/v1/fulfilments/{one['id']}/hand-over", {"use_labels": True})
    assert answer.status_code == 200, answer.text
    await api.shop.settle()
    return one["order_id"], label["tracking_number"]


async def heard(api: Api, far: Far, account: dict[str, Any], number: str, code: str, detail: str = "status_update") -> None:
    """The carrier scans a parcel and tells it."""
    far.scan(number, code, utcnow(), detail)
    headers, body = far.webhook(number, utcnow())
    services = api.services
    hooks = CarrierHooks(services.database, services.carriage, Limiter(burst=100, seconds=1))
    assert await hooks.take(account["webhook_url"].rpartition("/")[2], headers, body)
    assert await services.parcels.work_off() == 1
    await api.shop.settle()


async def parcel_of(api: Api, order_id: str) -> dict[str, Any]:
    (found,) = (await api.get("/v1/parcels", order_id=order_id)).json()["items"]
    return (await api.get(f"/v1/parcels/{found['id']}")).json()


async def test_from_the_account_to_the_door(api: Api, far: Far) -> None:
    account = await connected(api)
    day = (utcnow() + timedelta(days=3)).date().isoformat()
    one, box = await packed(api, promised_on=day)
    label = await bought(api, account, one, box)
    assert (label["state"], label["carrier"], label["cost"], label["currency"]) == ("bought", "USPS", 820, "USD")
    assert label["parcel_id"] == box["id"]
    (shipment,) = far.shipments.values()
    assert (shipment["reference"], shipment["to_address"]["zip"]) == (label["id"], "13001")
    assert shipment["to_address"]["name"] == "Camille Roux"
    paper = await api.get(f"/v1/labels/{label['id']}/document")
    assert (paper.headers["content-type"], paper.content) == ("application/pdf", PAPER)

    left = (await api.post(f"/v1/fulfilments/{one['id']}/hand-over", {"use_labels": True})).json()
    (gone,) = left["parcels"]
    assert (left["state"], gone["carrier"], gone["tracking_number"]) == ("closed", "USPS", label["tracking_number"])
    await api.shop.settle()
    await heard(api, far, account, label["tracking_number"], "in_transit")
    parcel = await parcel_of(api, one["order_id"])
    assert (parcel["status"], parcel["account_id"], parcel["service"]) == ("in_transit", account["id"], GROUND)
    assert [(scan["status"], scan["code"]) for scan in parcel["scans"]] == [("in_transit", "in_transit")]
    await heard(api, far, account, label["tracking_number"], "delivered")
    parcel = await parcel_of(api, one["order_id"])
    assert (parcel["status"], parcel["promised_on"], len(parcel["scans"])) == ("delivered", day, 2)

    (kept,) = (await api.get("/v1/promises/kept", order_id=one["order_id"])).json()["items"]
    assert (kept["kept"], kept["tracked_id"], kept["days_late"]) == ("kept", parcel["id"], 0)
    (lane,) = (await api.get("/v1/carrier-performance", carrier="USPS")).json()["items"]
    assert (lane["service"], lane["delivered"], lane["on_time"], lane["on_time_share"]) == (GROUND, 1, 1, 1.0)
    assert (await api.get("/v1/carrier-performance", carrier="UPS")).json()["items"] == []
    timeline = (await api.get(f"/v1/orders/{one['order_id']}/timeline", limit=100)).json()["items"]
    told = [entry["type"] for entry in timeline]
    for kind in ("label.bought", "order.shipped", "parcel.moved", "parcel.delivered"):
        assert kind in told, kind
    await api.shop.doctors()


async def test_a_box_has_one_label_however_often_it_is_asked_for(api: Api, far: Far) -> None:
    account = await connected(api)
    one, box = await packed(api)
    first = await api.post("/v1/labels", wanted(account, one, box), key="label-1")
    again = await api.post("/v1/labels", wanted(account, one, box), key="label-1")
    assert first.content == again.content
    assert again.headers["idempotency-replayed"] == "true"
    other = await bought(api, account, one, box)
    assert (other["id"], far.bought()) == (first.json()["id"], 1)
    assert first.headers["location"] == f"/v1/labels/{other['id']}"


async def test_a_label_whose_answer_was_lost_is_found_and_not_bought_again(api: Api, far: Far) -> None:
    account = await connected(api)
    one, box = await packed(api)
    far.lose_answer()
    told = problem(await api.post("/v1/labels", wanted(account, one, box), key="lost"), 503, "outcome_unknown")
    assert API_KEY not in str(told)
    (label,) = (await api.get("/v1/labels", fulfilment_id=one["id"])).json()["items"]
    assert label["state"] == "unknown"
    problem(await api.post(f"/v1/fulfilments/{one['id']}/hand-over", {"use_labels": True}), 409, "label_missing")
    found = (await api.post(f"/v1/labels/{label['id']}/settle")).json()
    assert (found["state"], far.bought()) == ("bought", 1)
    again = await api.post("/v1/labels", wanted(account, one, box), key="lost")
    assert (again.status_code, again.json()["id"], far.bought()) == (201, label["id"], 1)


async def test_a_label_that_is_given_back_makes_room_for_another(api: Api, far: Far) -> None:
    account = await connected(api)
    one, box = await packed(api)
    far.refund_status = "refunded"
    label = await bought(api, account, one, box)
    voided = await api.post(f"/v1/labels/{label['id']}/void", key="void")
    assert voided.json()["state"] == "voided"
    assert (await api.post(f"/v1/labels/{label['id']}/void", key="void")).content == voided.content
    problem(await api.get(f"/v1/labels/{label['id']}/document"), 409, "label_not_in_that_state")
    problem(await api.post(f"/v1/fulfilments/{one['id']}/hand-over", {"use_labels": True}), 409, "label_missing")
    other = await bought(api, account, one, box)
    assert other["id"] != label["id"]
    listed = (await api.get("/v1/labels", fulfilment_id=one["id"])).json()["items"]
    assert [(item["id"], item["state"]) for item in listed] == [(label["id"], "voided"), (other["id"], "bought")]


async def test_what_a_carrier_knows_us_by_is_never_shown(api: Api, far: Far) -> None:
    body = {"connector": "easypost", "name": "EasyPost", "credentials": {"api_key": API_KEY, "webhook_secret": SIGNING}}
    made = await api.post("/v1/carrier-accounts", body, key="account")
    account = made.json()
    path = f"/v1/carrier-accounts/{account['id']}"
    fresh = "EZTKanother0000000000000"
    changed = await api.patch(path, {"credentials": {"api_key": fresh}, "name": "Post"}, key="change")
    answers = [made, changed, await api.get(path), await api.get("/v1/carrier-accounts"), await api.get("/v1/audit")]
    async with api.services.database.read() as reader:
        kept = [
            await reader.rows("SELECT * FROM tracking.accounts"),
            await reader.rows("SELECT * FROM runtime.idempotency"),
            await reader.rows("SELECT * FROM runtime.events"),
        ]
    said = "".join([*(answer.text for answer in answers), repr(kept)])
    for secret in (API_KEY, fresh, SIGNING):
        assert secret not in said
        assert repr(secret.encode())[2:-1] not in said
    log = [(entry["action"], entry["subject"], entry["data"]) for entry in answers[-1].json()["items"]]
    assert ("carrier_account.created", account["id"], {"name": "EasyPost", "connector": "easypost"}) in log
    assert ("carrier_account.changed", account["id"], {"name": "Post", "changed": ["credentials", "name"]}) in log
    services = api.services
    fresh_eyes = Carriage(services.database, services.keyring, services.http, services.carriage.kinds)
    _, carrier = await fresh_eyes.account(AccountId(parsed("carrier_account", account["id"])))
    assert isinstance(carrier, EasyPost)
    assert carrier._account.webhook_secret == SIGNING, "what is not named stays"


async def test_an_account_says_what_it_can_and_where_it_is_called(api: Api) -> None:
    account = await connected(api, carriers=["USPS"])
    assert account["webhook_url"].endswith(f"/hooks/carriers/{account['id']}")
    assert "labels" in account["capabilities"]
    assert {"collect", "dangerous", "instruct", "points"} == {one["capability"] for one in account["missing"]}
    assert all(len(one["reason"]) > 10 for one in account["missing"])
    kinds = (await api.get("/v1/carrier-connectors")).json()["items"]
    assert [(kind["key"], [field["name"] for field in kind["credentials"]]) for kind in kinds] == [
        ("easypost", ["api_key", "webhook_secret", "customs_signer"])
    ]
    path = f"/v1/carrier-accounts/{account['id']}"
    changed = await api.patch(path, {"active": False}, headers={"if-match": f'"{account["version"]}"'})
    assert changed.json() == account | {"active": False, "version": account["version"] + 1}
    problem(await api.patch(path, {"active": True}, headers={"if-match": f'"{account["version"]}"'}), 412, "stale")
    for body, pointer in (
        ({"connector": "pigeon"}, "/connector"),
        ({"credentials": {}}, "/credentials/api_key"),
        ({"credentials": {"api_key": "x", "colour": "red"}}, "/credentials/colour"),
    ):
        base = {"connector": "easypost", "name": "EasyPost", "credentials": {"api_key": "x"}}
        told = problem(await api.post("/v1/carrier-accounts", base | body), 422, "invalid")
        assert [error["path"] for error in told["errors"]] == [pointer]
    problem(await api.get("/v1/carrier-accounts/cac_01kag8v6w3e9n8r2t5y7z4c6bd"), 404, "unknown_carrier_account")
    assert len((await api.get("/v1/carrier-accounts")).json()["items"]) == 1


async def test_a_key_that_the_carrier_does_not_take_is_told_and_seen(api: Api, far: Far) -> None:
    account = await connected(api)
    one, box = await packed(api)
    far.revoke()
    told = problem(await api.post("/v1/labels", wanted(account, one, box)), 503, "carrier_not_authorised")
    assert API_KEY not in str(told)
    seen = (await api.get(f"/v1/carrier-accounts/{account['id']}")).json()["problem"]
    assert "not accepted" in seen
    assert API_KEY not in seen
    (trouble,) = (await api.get("/v1/parcel-troubles")).json()["items"]
    assert (trouble["kind"], trouble["order_id"], trouble["tracked_id"]) == ("rejected", one["order_id"], None)
    assert (await api.post(f"/v1/parcel-troubles/{trouble['id']}/dismiss")).json() == {"troubles": 1}
    problem(await api.post(f"/v1/parcel-troubles/{trouble['id']}/dismiss"), 404, "unknown_trouble")


async def test_what_can_have_no_label_is_refused_and_nothing_is_bought(api: Api, far: Far) -> None:
    account = await connected(api)
    one, box = await packed(api, weight=0)
    told = problem(await api.post("/v1/labels", wanted(account, one, box)), 422, "invalid")
    assert [error["path"] for error in told["errors"]] == ["/weight"]
    elsewhere = box | {"id": id_example("parcel")}
    problem(await api.post("/v1/labels", wanted(account, one, elsewhere)), 404, "unknown_fulfilment")
    dear = wanted(account, one, box, weight=350, at_most=100, currency="USD")
    problem(await api.post("/v1/labels", dear), 409, "label_dearer")
    slow = wanted(account, one, box, weight=350, service="USPS/Snail")
    problem(await api.post("/v1/labels", slow), 409, "service_not_offered")
    await api.patch(f"/v1/carrier-accounts/{account['id']}", {"active": False})
    told = problem(await api.post("/v1/labels", wanted(account, one, box, weight=350)), 409, "carrier_account_inactive")
    assert told["data"]["id"] == account["id"]
    told = problem(await api.post(f"/v1/fulfilments/{one['id']}/hand-over", {"use_labels": True}), 409, "label_missing")
    assert told["data"] == {"parcel_ids": [box["id"]]}
    named = {"parcels": [{"parcel_id": box["id"], "carrier": "acme", "tracking_number": "1Z1"}], "use_labels": True}
    left = (await api.post(f"/v1/fulfilments/{one['id']}/hand-over", named)).json()
    assert [parcel["tracking_number"] for parcel in left["parcels"]] == ["1Z1"], "a number that is named goes first"
    problem(await api.post("/v1/labels", wanted(account, one, box, weight=350)), 409, "not_in_that_state")
    other, its = await packed(api, ship_to=None)
    problem(await api.post("/v1/labels", wanted(account, other, its)), 409, "nowhere_to_send")
    assert far.bought() == 0


async def test_customs_are_told_what_is_in_the_box_and_what_was_paid_for_it(api: Api, far: Far) -> None:
    account = await connected(api)
    one, box = await packed(api, ship_to=HOME | {"country": "CH", "postcode": "1201", "city": "Genève"})
    await bought(api, account, one, box)
    (shipment,) = far.shipments.values()
    assert (shipment["to_address"]["country"], shipment["from_address"]["country"]) == ("CH", "FR")
    (item,) = shipment["customs_info"]["customs_items"]
    assert (item["code"], item["quantity"], item["value"], item["currency"]) == ("TEA", 2, 10.0, "EUR")


async def test_a_label_that_is_just_being_given_back_leaves_with_nobody(api: Api, far: Far) -> None:
    account = await connected(api)
    one, box = await packed(api)
    label = await bought(api, account, one, box)
    async with api.services.database.transaction() as tx:
        await tracking.labels.ask_back(tx, LabelId(parsed("label", label["id"])))
    problem(await api.post(f"/v1/fulfilments/{one['id']}/hand-over", {"use_labels": True}), 409, "label_missing")
    told = problem(await api.post(f"/v1/labels/{label['id']}/void"), 409, "label_busy")
    assert told["data"]["id"] == label["id"]
    order = (await api.get(f"/v1/orders/{one['order_id']}")).json()
    assert (order["fulfilment_status"], order["shipments"]) == ("unfulfilled", [])


async def test_a_failed_delivery_is_answered_and_carried_out(api: Api, far: Far) -> None:
    account = await connected(api)
    order_id, number = await sent(api, account)
    parcel = await parcel_of(api, order_id)
    path = f"/v1/parcels/{parcel['id']}"
    problem(await api.post(f"{path}/answer", {"kind": "return"}), 404, "unknown_tracked_parcel")
    await heard(api, far, account, number, "failure", "recipient_unavailable")
    parcel = (await api.get(path)).json()
    failed = parcel["failed_delivery"]
    assert (parcel["status"], failed["state"], failed["reason"]) == ("delivery_failed", "asked", "absent")
    assert failed["choices"][0] == "date"
    found = (await api.get("/v1/parcels", troubled=True, status="delivery_failed", account_id=account["id"])).json()["items"]
    assert [one["id"] for one in found] == [parcel["id"]]
    told = problem(await api.post(f"{path}/answer", {"kind": "address"}), 422, "invalid")
    assert [error["path"] for error in told["errors"]] == ["/line1", "/postcode", "/city"]
    day = (utcnow() + timedelta(days=3)).date().isoformat()
    after = (await api.post(f"{path}/answer", {"kind": "date", "on": day, "note": "Ring twice."})).json()
    assert after["failed_delivery"]["state"] == "answered"
    assert (after["failed_delivery"]["answer"]["on"], after["failed_delivery"]["answer"]["note"]) == (day, "Ring twice.")
    after = (await api.post(f"{path}/carry-out", {"step": "try_again"})).json()
    assert after["failed_delivery"]["state"] == "reattempt"
    assert [trouble["resolution"] for trouble in after["troubles"]] == ["reattempt"]
    problem(await api.post(f"{path}/answer", {"kind": "return"}), 409, "case_closed")
    problem(await api.post(f"{path}/carry-out", {"step": "deliver"}), 422, "invalid_request")
    assert (await api.get("/v1/parcels", troubled=True)).json()["items"] == []


async def test_what_somebody_has_looked_at_is_dismissed_with_its_parcel(api: Api, far: Far) -> None:
    account = await connected(api)
    order_id, number = await sent(api, account)
    await heard(api, far, account, number, "failure", "recipient_unavailable")
    parcel = await parcel_of(api, order_id)
    path = f"/v1/parcels/{parcel['id']}/dismiss"
    assert (await api.post(path)).json() == {"troubles": 1}
    assert (await api.post(path)).json() == {"troubles": 0}
    assert (await api.get("/v1/parcel-troubles", order_id=order_id)).json()["items"] == []
    (past,) = (await api.get("/v1/parcel-troubles", order_id=order_id, open_only=False)).json()["items"]
    assert (past["tracked_id"], past["resolution"]) == (parcel["id"], "dismissed")


async def test_offers_of_all_accounts_are_compared_and_one_is_to_be_taken(api: Api, far: Far) -> None:
    account = await connected(api)
    other = await connected(api, name="Revoked", credentials={"api_key": "EZTKunknown"})
    await connected(api, name="Off", active=False)
    one, box = await packed(api)
    told = (await api.get("/v1/carrier-offers", fulfilment_id=one["id"], currency="USD")).json()
    assert told["parcel_id"] == box["id"]
    offered = [(item["service"], item["cost"], item["chosen"], item["against"]) for item in told["items"]]
    assert offered == [
        (GROUND, 820, True, ""),
        ("UPS/Ground", 975, False, ""),
        ("USPS/Priority", 1101, False, ""),
    ]
    assert {item["account_id"] for item in told["items"]} == {account["id"]}
    assert [(item["account_id"], item["code"]) for item in told["silent"]] == [(other["id"], "carrier_not_authorised")]
    fast = (await api.get("/v1/carrier-offers", fulfilment_id=one["id"], currency="USD", within_days=2)).json()["items"]
    assert [(item["service"], item["chosen"]) for item in fast if not item["against"]] == [("USPS/Priority", True)]
    euros = (await api.get("/v1/carrier-offers", fulfilment_id=one["id"])).json()["items"]
    assert {(item["chosen"], item["against"]) for item in euros} == {(False, "another currency")}
    assert far.bought() == 0


async def test_pickup_points_are_near_the_address_of_the_parcel(api: Api, far: Far) -> None:
    account = await connected(api)
    order_id, number = await sent(api, account)
    parcel = await parcel_of(api, order_id)
    await heard(api, far, account, number, "failure", "recipient_unavailable")
    path = f"/v1/parcels/{parcel['id']}"
    async with api.services.database.transaction() as tx:
        place = '{"latitude": 45.75, "longitude": 4.85, "country": "FR"}'
        await tx.run("UPDATE orders.orders SET ship_to = ship_to || %(place)s::jsonb", {"place": place})
    (lyon,) = (await api.get(f"{path}/pickup-points")).json()["items"]
    assert (lyon["name"], lyon["point_id"], lyon["lockers"], lyon["kilometres"]) == ("lyon", "", False, 1.5)
    said = {"kind": "pickup", "pickup_point": lyon["text"], "point_id": lyon["point_id"]}
    answered = (await api.post(f"{path}/answer", said)).json()["failed_delivery"]["answer"]
    assert (answered["pickup_point"], answered["point_id"]) == (lyon["text"], "")
    problem(await api.get("/v1/parcels/trk_01kag8v6w3e9n8r2t5y7z4c6bd/pickup-points"), 404, "unknown_tracked_parcel")


async def test_a_channel_writes_in_a_name_and_what_failed_is_sent_again(api: Api) -> None:
    sender = {"name": "Étoffes & Cie", "email": "orders@example.com"}
    put = await api.ask("PUT", "/v1/notice-senders/web", sender)
    assert put.json() == sender | {"channel": "web", "reply_to": "", "phone": "", "media": ["email"], "active": True}
    assert (await api.get("/v1/notice-senders/web")).json() == put.json()
    assert (await api.get("/v1/notice-senders")).json()["items"] == [put.json()]
    problem(await api.ask("PUT", "/v1/notice-senders/nope", sender), 404, "unknown_channel")
    problem(await api.get("/v1/notice-senders/nope"), 404, "unknown_sender")
    told = problem(await api.ask("PUT", "/v1/notice-senders/web", {"name": "X", "media": ["sms", "email"]}), 422, "invalid")
    assert {error["path"] for error in told["errors"]} == {"/email", "/phone"}
    one, _ = await packed(api)
    (notice,) = (await api.get("/v1/notices", order_id=one["order_id"])).json()["items"]
    assert (notice["kind"], notice["medium"], notice["state"], notice["channel"]) == ("confirmed", "email", "pending", "web")
    assert "camille" not in str(notice)
    problem(await api.post(f"/v1/notices/{notice['id']}/retry"), 404, "unknown_notice")
    async with api.services.database.transaction() as tx:
        await tx.run("UPDATE notices.outbox SET state = 'failed', problem = 'no such address', next_at = NULL")
    (failed,) = (await api.get("/v1/notices", state="failed")).json()["items"]
    assert failed["problem"] == "no such address"
    assert (await api.post(f"/v1/notices/{notice['id']}/retry")).status_code == 204
    assert (await api.get("/v1/notices", state="failed")).json()["items"] == []
    log = (await api.get("/v1/audit", action="notice_sender.")).json()["items"]
    assert [(entry["action"], entry["subject"]) for entry in log] == [("notice_sender.set", "web")]


async def test_what_somebody_says_of_messages_is_kept_and_holds(api: Api) -> None:
    number, agreed = "+33612345678", {"address": "+33 6 12 34 56 78", "media": ["sms"], "allowed": True}
    made = await api.ask("POST", "/v1/notice-consents", agreed)
    assert made.status_code == 201
    await api.ask("POST", "/v1/notice-consents", agreed | {"allowed": False})
    told = (await api.get("/v1/notice-consents", address=number)).json()["items"]
    assert [(one["medium"], one["address"], one["allowed"], one["source"]) for one in told] == [
        ("sms", number, False, "api"), ("sms", number, True, "api"),
    ]  # fmt: skip
    problem(await api.ask("POST", "/v1/notice-consents", agreed | {"address": "nobody"}), 422, "invalid")
    log = (await api.get("/v1/audit", action="notice_consent.")).json()["items"]
    assert len(log) == 2
    assert number not in str(log)


async def test_messages_can_be_looked_at_before_any_goes_out(api: Api) -> None:
    await api.ask("PUT", "/v1/notice-senders/web", {"name": "Étoffes & Cie", "email": "orders@example.com"})
    for kind in ("confirmed", "ready", "shipped", "out_for_delivery", "failed", "delivered", "delayed"):
        for locale, word in (("fr", "commande"), ("en", "order")):
            told = (await api.get("/v1/notice-senders/web/preview", kind=kind, locale=locale)).json()
            assert word in told["subject"].casefold(), kind
            assert "1042" in told["text"]
            assert "<html" in told["html"]
            assert told["short"].startswith("Étoffes & Cie: ")


async def test_who_may_read_orders_may_not_buy_and_accounts_are_for_others(api: Api, far: Far) -> None:
    account = await connected(api)
    one, box = await packed(api)
    label = await bought(api, account, one, box)
    reader = await api.new_token(Scope.ORDERS_READ)
    for path in ("/v1/parcels", "/v1/parcel-troubles", f"/v1/labels/{label['id']}", "/v1/notices", "/v1/carrier-performance"):
        assert (await api.get(path, token=reader)).status_code == 200, path
    for path in ("/v1/carrier-accounts", "/v1/carrier-connectors", "/v1/notice-senders"):
        problem(await api.get(path, token=reader), 403, "not_permitted")
    for path, body in (("/v1/labels", wanted(account, one, box)), (f"/v1/labels/{label['id']}/void", None)):
        problem(await api.post(path, body, token=reader), 403, "not_permitted")
    router = await api.new_token(Scope.ROUTING_READ)
    assert (await api.get("/v1/carrier-accounts", token=router)).status_code == 200
    problem(await api.patch(f"/v1/carrier-accounts/{account['id']}", {"active": False}, token=router), 403, "not_permitted")
    problem(await api.get(f"/v1/labels/{label['id']}", token=router), 403, "not_permitted")
    assert (await api.get(f"/v1/labels/{label['id']}")).json()["state"] == "bought"


async def test_a_carrier_is_asked_about_a_parcel_without_waiting_for_its_turn(api: Api, far: Far) -> None:
    account = await connected(api)
    order_id, number = await sent(api, account)
    parcel = await parcel_of(api, order_id)
    far.scan(number, "in_transit", utcnow(), "status_update")
    after = await api.post(f"/v1/parcels/{parcel['id']}/poll", key="poll-1")
    assert (after.status_code, after.json()["status"]) == (200, "in_transit")
    calls = len(far.calls)
    again = await api.post(f"/v1/parcels/{parcel['id']}/poll", key="poll-1")
    assert (again.json()["status"], len(far.calls)) == ("in_transit", calls)
    far.fail(503)
    problem(await api.post(f"/v1/parcels/{parcel['id']}/poll"), 503, "carrier_unavailable")
    problem(await api.post(f"/v1/parcels/{id_example('tracked')}/poll"), 404, "unknown_tracked_parcel")
    async with api.services.database.transaction() as tx:
        await tx.run("UPDATE tracking.parcels SET account_id = NULL")
    problem(await api.post(f"/v1/parcels/{parcel['id']}/poll"), 409, "parcel_not_followed")
    log = (await api.get("/v1/audit", action="parcel.asked")).json()["items"]
    assert [(entry["subject"], entry["data"]) for entry in log] == [(parcel["id"], {"news": 1})]


async def test_a_scan_is_written_down_by_hand_and_taken_back(api: Api, far: Far) -> None:
    account = await connected(api)
    order_id, _ = await sent(api, account)
    parcel = await parcel_of(api, order_id)
    path = f"/v1/parcels/{parcel['id']}/scans"
    told = problem(await api.post(path, {"status": "unknown"}), 422, "invalid")
    assert [error["path"] for error in told["errors"]] == ["/status"]
    future = (utcnow() + timedelta(days=1)).isoformat()
    problem(await api.post(path, {"status": "delivered", "at": future}), 422, "invalid")
    noted = await api.post(path, {"status": "delivered", "text": "The neighbour has it.", "place": "Marseille"})
    assert (noted.status_code, noted.json()["status"]) == (201, "delivered"), noted.text
    (scan,) = [one for one in noted.json()["scans"] if one["noted_id"]]
    assert (scan["text"], scan["place"]) == ("The neighbour has it.", "Marseille")
    problem(await api.ask("DELETE", f"{path}/{id_example('scan')}"), 404, "unknown_tracked_parcel")
    back = await api.ask("DELETE", f"{path}/{scan['noted_id']}")
    assert (back.status_code, back.json()["status"]) == (200, parcel["status"])
    assert [one["noted_id"] for one in back.json()["scans"] if one["noted_id"]] == []
    for action in ("parcel.scan_taken_back", "parcel.scan_noted"):
        log = (await api.get("/v1/audit", action=action)).json()["items"]
        assert [entry["subject"] for entry in log] == [parcel["id"]]


async def test_an_account_is_tested_without_buying_anything(api: Api, far: Far) -> None:
    account = await connected(api)
    path = f"/v1/carrier-accounts/{account['id']}/test"
    works = await api.post(path)
    assert (works.status_code, works.json()["problem"]) == (200, "")
    far.revoke()
    problem(await api.post(path), 503, "carrier_not_authorised")
    assert "not accepted" in (await api.get(f"/v1/carrier-accounts/{account['id']}")).json()["problem"]
    problem(await api.post(f"/v1/carrier-accounts/{id_example('carrier_account')}/test"), 404, "unknown_carrier_account")
    log = (await api.get("/v1/audit", action="carrier_account.tested")).json()["items"]
    assert [entry["data"] for entry in log] == [{"works": False}, {"works": True}]
    assert far.bought() == 0


async def test_a_carrier_is_told_or_the_answer_says_why_not(api: Api, far: Far) -> None:
    account = await connected(api)
    order_id, number = await sent(api, account)
    path = f"/v1/parcels/{(await parcel_of(api, order_id))['id']}"
    problem(await api.post(f"{path}/instruct"), 404, "unknown_tracked_parcel")
    await heard(api, far, account, number, "failure", "recipient_unavailable")
    problem(await api.post(f"{path}/instruct"), 409, "case_closed")
    await api.post(f"{path}/answer", {"kind": "return"})
    told = problem(await api.post(f"{path}/instruct"), 409, "carrier_cannot")
    assert "EasyPost takes no instructions" in told["data"]["reason"]
    failed = (await api.get(path)).json()["failed_delivery"]
    assert (failed["state"], failed["instruction"]["state"], failed["instruction"]["kind"]) == ("answered", "cannot", "return")
    (trouble,) = (await api.get("/v1/parcel-troubles", order_id=order_id)).json()["items"]
    assert trouble["reason"] == "call the carrier: return"


async def test_a_carrier_that_takes_instructions_is_told_once(api: Api, far: Far) -> None:
    account = await connected(api)
    order_id, number = await sent(api, account)
    path = f"/v1/parcels/{(await parcel_of(api, order_id))['id']}"
    await heard(api, far, account, number, "failure", "recipient_unavailable")
    async with HttpClient(allow_private=True) as http, simulated(DoorstepSimulator()) as door:
        door.parcels.add(number)
        carriage = api.services.carriage
        carriage.kinds = {**carriage.kinds, "easypost": ConnectorKind(DOORSTEP, lambda *_: Doorstep(http, door.url))}
        async with api.services.database.transaction() as tx:
            await tx.run("UPDATE tracking.accounts SET version = version + 1")
        carriage.forget(AccountId(parsed("carrier_account", account["id"])))
        await api.post(f"{path}/answer", {"kind": "return"})
        after = await api.post(f"{path}/instruct", key="tell-1")
        again = await api.post(f"{path}/instruct", key="tell-1")
        assert (after.status_code, after.json()) == (200, again.json())
        assert len(door.taken) == 1
    told = after.json()["failed_delivery"]
    assert (told["state"], told["instruction"]["state"], told["instruction"]["confirmation"]) == ("returning", "told", "DS-1")
