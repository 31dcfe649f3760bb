"""How a shop looks to its buyers, what they say of messages, and what happens next with a parcel that went wrong."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar
from PIL import Image, ImageFile
from standardwebhooks import Webhook

from comptoir.kernel.errors import Invalid
from comptoir.kernel.time import utcnow
from comptoir.modules.notices import api as notices
from comptoir.modules.notices.branding import contrast
from comptoir.modules.notices.contracts import Brand, ConsentSource, Medium, Sender
from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime.database import Database
from comptoir.runtime.limits import Limiter
from comptoir.surfaces.hooks.texts import PATH as TEXTS
from comptoir.surfaces.hooks.texts import TextHooks
from comptoir.surfaces.logo_drawing import draw_logo
from comptoir.surfaces.public.links import PublicLinks
from comptoir.surfaces.public.web import PublicPages
from comptoir.surfaces.return_pictures import NoPicture
from support.asking import Client, asking
from support.depot import AGREED, Depot, open_depot, scan

PHONE = "+33612345678"


@pytest_asyncio.fixture
async def depot(database: Database) -> AsyncGenerator[Depot]:
    async with open_depot(database) as opened:
        async with database.transaction() as tx:
            media = (Medium.EMAIL, Medium.SMS)
            await notices.put_sender(tx, Sender(channel="web", name="Web", email="o@example.com", phone="S", media=media))
        yield opened


@pytest_asyncio.fixture
async def links(depot: Depot) -> PublicLinks:
    return PublicLinks(depot.keyring, "http://testserver.local")


@pytest_asyncio.fixture
async def client(depot: Depot, links: PublicLinks) -> AsyncGenerator[Client]:
    pages = PublicPages(depot.database, links, strangers=Limiter(burst=90, seconds=60))
    hooks = TextHooks(depot.database, depot.keyring, Limiter(burst=3, seconds=60))
    async with asking(Litestar([*pages.routes(), hooks.route()], openapi_config=None)) as client:
        yield client


def path(address: str) -> str:
    return urlsplit(address).path


def picture(kind: str = "PNG", size: tuple[int, int] = (1_200, 300)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (10, 90, 90)).save(out, kind)
    return out.getvalue()


async def branded(depot: Depot, channel: str, brand: Brand) -> Brand:
    async with depot.database.transaction() as tx:
        return await notices.put_brand(tx, channel, brand)


async def allowed(depot: Depot, order_id: OrderId) -> set[Medium]:
    async with depot.database.read() as reader:
        order = await notices_order(reader, order_id)
        return set(notices.wanted(await notices.standing(reader, order)))


async def notices_order(reader: Any, order_id: OrderId) -> Any:
    from comptoir.modules.orders import api as orders  # noqa: PLC0415

    return await orders.order(reader, order_id)


# The look


async def test_a_channel_looks_like_the_house_but_for_what_it_says_itself(
    depot: Depot, links: PublicLinks, client: Client
) -> None:
    order_id = await depot.shipped("B1")
    track = path(links.tracking(order_id, utcnow()))
    assert "<strong>Web</strong>" in (await client.get(track)).text
    logo = draw_logo("logo.png", picture())
    house = await branded(
        depot,
        "",
        Brand(name="Étoffes & Cie", colour="#8a1538", email="aide@example.com", imprint="https://example.com/i", logo=logo),
    )
    await branded(depot, "web", Brand(phone="+33 1 23 45 67 89"))
    page = (await client.get(track, headers={"accept-language": "fr"})).text
    for expected in (
        f'src="/track/assets/logos/{house.logo_tag}.png"', 'alt="Étoffes &amp; Cie"', 'href="/track/assets/colours/8a1538.css"',
        "mailto:aide@example.com", "tel:+33123456789", 'href="https://example.com/i"',
    ):  # fmt: skip
        assert expected in page, expected
    css = await client.get("/track/assets/colours/8a1538.css")
    assert "--accent: #8a1538; --on-accent: #fff" in css.text
    assert css.headers["content-type"].startswith("text/css")
    shown = await client.get(f"/track/assets/logos/{house.logo_tag}.png")
    assert (shown.status_code, shown.headers["content-type"], shown.content) == (200, "image/png", logo.body)
    for nowhere in ("/track/assets/colours/red.css", "/track/assets/colours/8a1538", "/track/assets/logos/x.png"):
        assert (await client.get(nowhere)).status_code == 404, nowhere


@pytest.mark.parametrize(
    "brand",
    [
        Brand(colour="#ffcc00"), Brand(colour="red"), Brand(colour="#12345"), Brand(imprint="javascript:alert(1)"),
        Brand(imprint="http://example.com"), Brand(email="nobody"), Brand(name="A\nB"),
    ],
)  # fmt: skip
async def test_what_nobody_could_read_or_should_follow_is_refused(depot: Depot, brand: Brand) -> None:
    with pytest.raises(Invalid):
        await branded(depot, "", brand)
    async with depot.database.read() as reader:
        assert await notices.own_brand(reader, "") == Brand()


@given(st.integers(0, 0xFFFFFF))
def test_whatever_the_colour_its_shades_can_be_read(number: int) -> None:
    colour = f"#{number:06x}"
    day, night = notices.shades(colour)
    assert notices.readable(day)
    assert contrast(day, "#ffffff") >= 4.5
    assert min(contrast(night, paper) for paper in ("#141614", "#1c1f1d", "#2c312d", "#000000")) >= 4.5
    assert day == colour or not notices.readable(colour)


def test_a_logo_is_drawn_anew_and_holds_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", False)  # documents set it
    logo = draw_logo("logo.jpg", picture("JPEG"))
    assert (logo.kind, logo.width, logo.height) == ("png", 640, 160)
    assert logo.body.startswith(b"\x89PNG")
    for bad in (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", b"", picture()[:60]):
        with pytest.raises(NoPicture):
            draw_logo("logo.svg", bad)


# What happens next


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("lost", "We send it again, or pay you back"),
        ("damaged", "Keep it as it is"),
        ("returning", "It could not be handed over"),
        ("available_for_pickup", "Fetch it there with an identity card"),
    ],
)
async def test_a_parcel_that_went_wrong_says_what_happens_next(
    depot: Depot, links: PublicLinks, client: Client, status: str, words: str
) -> None:
    await branded(depot, "", Brand(email="help@example.com"))
    order_id = await depot.shipped("B2")
    await depot.say("B2", scan("in_transit", hours=9), scan(status, hours=2, place="Tabac du Port, Marseille"))
    page = (await client.get(f"{path(links.tracking(order_id, utcnow()))}?lang=en")).text
    assert "What happens next" in page
    assert words in page
    assert ("Tabac du Port" in page.partition("What happens next")[0]) is (status == "available_for_pickup")


# Messages


async def test_a_buyer_stops_messages_on_the_page_of_the_letter_and_wants_them_again(
    depot: Depot, links: PublicLinks, client: Client
) -> None:
    order_id = await depot.order(buyer=AGREED)
    here = path(links.stopping(order_id, utcnow()))
    page = (await client.get(f"{here}?lang=en")).text
    assert "camille@example.com" not in page
    assert "c•••e@example.com" in page
    assert PHONE not in page
    assert Medium.SMS in await allowed(depot, order_id)
    shown = {"shown-email": "yes", "shown-sms": "yes", "shown-whatsapp": "yes"}
    done = await client.post(here, data={**shown, "email": "yes"}, follow_redirects=False)
    assert (done.status_code, "said=saved" in done.headers["location"]) == (303, True)
    assert await allowed(depot, order_id) == {Medium.EMAIL}
    async with depot.database.read() as reader:
        (one, two) = await notices.history(reader, PHONE)
    assert {one.source, two.source} == {ConsentSource.LINK}
    await client.post(here, data={**shown, "email": "yes", "sms": "yes"})
    assert await allowed(depot, order_id) == {Medium.EMAIL, Medium.SMS}
    assert (await client.get("/messages/nonsense")).status_code == 404


async def test_stop_comes_back_from_the_gateway_and_from_nobody_else(depot: Depot, client: Client) -> None:
    order_id = await depot.order(buyer=AGREED)
    async with depot.database.transaction() as tx:
        secret = await notices.put_gateway(tx, depot.keyring, "https://example.com/texts")
    assert secret is not None

    async def told(said: object, key: str) -> int:
        body, now = json.dumps(said), utcnow()
        stamp, signature = str(int(now.timestamp())), Webhook(key).sign("m1", now, body)
        headers = {"webhook-id": "m1", "webhook-timestamp": stamp, "webhook-signature": signature}
        return (await client.post(TEXTS, content=body, headers=headers)).status_code

    def stop(text: str, sender: str = PHONE) -> dict[str, object]:
        return {"type": "message.received", "data": {"from": sender, "text": text, "medium": "sms"}}

    assert await told(stop("STOP"), "whsec_c2VjcmV0LXRoYXQtaXMtbm90LW91cnM=") == 401
    assert Medium.SMS in await allowed(depot, order_id)
    assert await told(stop("thanks"), secret) == 204
    assert await told([1], secret) == 204
    assert await told(stop("STOP", "nobody"), secret) == 422
    assert Medium.SMS in await allowed(depot, order_id)
    assert await told(stop("STOP"), secret) == 204
    assert await allowed(depot, order_id) == {Medium.EMAIL, Medium.WHATSAPP}
    assert await told(stop("start"), secret) == 204
    assert Medium.SMS in await allowed(depot, order_id)
