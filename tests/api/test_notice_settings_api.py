"""The look of the shop, the quiet hours and the gateway of messages to telephones, by API."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
from PIL import Image

from api.conftest import Api, problem
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import AuditFilter

NOTHING = {"name": "", "colour": "", "email": "", "phone": "", "imprint": "", "logo": ""}


def picture(width: int = 40, height: int = 20) -> str:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "#0b5b58").save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


async def actions(api: Api) -> list[str]:
    async with api.services.database.read() as reader:
        return [one.action for one in (await staff.find_audit(reader, AuditFilter())).items]


async def test_a_channel_looks_like_the_house_where_it_says_nothing_itself(api: Api) -> None:
    assert (await api.get("/v1/brand")).json() == {"own": NOTHING, "shown": NOTHING}
    house = {"name": "Étoffes & Cie", "colour": "0B5B58", "email": "shop@example.com"}
    put = await api.ask("PUT", "/v1/brand", house)
    assert put.status_code == 200, put.text
    assert put.json()["own"]["colour"] == "#0b5b58"
    own = await api.ask("PUT", "/v1/brands/web", {"name": "Étoffes en ligne"})
    assert (own.json()["own"]["colour"], own.json()["shown"]["colour"]) == ("", "#0b5b58")
    assert own.json()["shown"]["name"] == "Étoffes en ligne"
    assert (await api.get("/v1/brands/web")).json() == own.json()
    problem(await api.get("/v1/brands/nowhere"), 404, "unknown_channel")
    assert (await actions(api)).count("brand.set") == 2


async def test_a_colour_that_nobody_can_read_changes_nothing(api: Api) -> None:
    told = problem(await api.ask("PUT", "/v1/brand", {"colour": "#ffee00", "imprint": "ftp://x"}), 422, "invalid")
    assert {error["path"] for error in told["errors"]} == {"/colour", "/imprint"}
    assert (await api.get("/v1/brand")).json()["own"] == NOTHING


async def test_a_logo_is_drawn_anew_and_taken_away(api: Api) -> None:
    made = await api.post("/v1/brand/logo", {"picture": picture()})
    assert made.status_code == 200, made.text
    logo = made.json()["own"]["logo"]
    assert logo.endswith(".png")
    kept = await api.ask("PUT", "/v1/brand", {"name": "Étoffes"})
    assert kept.json()["own"]["logo"] == logo, "the logo stays"
    problem(await api.post("/v1/brand/logo", {"picture": "!!"}), 422, "invalid")
    problem(await api.post("/v1/brand/logo", {"picture": base64.b64encode(b"<svg/>").decode()}), 422, "no_picture")
    assert (await api.ask("DELETE", "/v1/brand/logo")).status_code == 204
    assert (await api.get("/v1/brand")).json()["own"]["logo"] == ""


async def test_quiet_hours_are_said_and_read(api: Api) -> None:
    assert (await api.get("/v1/notice-settings")).json() == {"quiet_from": "21:00", "quiet_until": "08:00", "gateway": None}
    said = {"quiet_from": "22:30", "quiet_until": "07:15"}
    assert (await api.ask("PUT", "/v1/notice-settings/quiet-hours", said)).json() == said | {"gateway": None}
    problem(await api.ask("PUT", "/v1/notice-settings/quiet-hours", said | {"quiet_from": "24:00"}), 422, "invalid_request")
    assert (await api.get("/v1/notice-settings")).json()["quiet_until"] == "07:15"
    assert (await actions(api)).count("notice_sender.quiet") == 1


async def test_the_secret_of_the_gateway_is_told_once(api: Api) -> None:
    there = {"url": "https://sms.example.com/send"}
    first = await api.post("/v1/notice-settings/gateway", there, key="g1")
    assert first.status_code == 200, first.text
    assert first.json()["secret"].startswith("whsec_")
    assert (await api.post("/v1/notice-settings/gateway", there, key="g1")).json() == first.json(), "the same request again"
    settings: dict[str, Any] = (await api.get("/v1/notice-settings")).json()
    assert settings["gateway"] == {"url": there["url"], "active": True}
    assert "whsec_" not in str(settings)
    off = await api.post("/v1/notice-settings/gateway", there | {"active": False})
    assert (off.json()["secret"], off.json()["active"]) == (None, False)
    anew = await api.post("/v1/notice-settings/gateway", there | {"new_secret": True})
    assert anew.json()["secret"] not in {None, first.json()["secret"]}
    async with api.services.database.read() as reader:
        entries = (await staff.find_audit(reader, AuditFilter(action="notice_sender.gateway"))).items
        assert "whsec_" not in str([one.data for one in entries])
        kept = await reader.values("SELECT answer FROM runtime.idempotency")
    assert all(b"whsec_" not in bytes(one) for one in kept if one is not None)
    assert (await api.ask("DELETE", "/v1/notice-settings/gateway")).status_code == 204
    assert (await api.get("/v1/notice-settings")).json()["gateway"] is None


@pytest.mark.parametrize("url", ["https://u:p@example.com/", "ftp://example.com"])
async def test_a_gateway_is_an_address_that_may_be_called(api: Api, url: str) -> None:
    problem(await api.post("/v1/notice-settings/gateway", {"url": url}), 422, "invalid")
