"""Pictures of what comes back: drawn anew, small enough, and without anything that one does not see."""

from __future__ import annotations

import io
from collections.abc import AsyncGenerator
from typing import Any

import pytest
import pytest_asyncio
from litestar import Litestar
from PIL import Image

from comptoir.kernel.ids import to_text
from comptoir.kernel.time import utcnow
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import RETURN_CASE_PREFIX, Picture
from comptoir.runtime.database import Database
from comptoir.runtime.limits import Limiter
from comptoir.surfaces.public.links import PublicLinks
from comptoir.surfaces.public.returning import ReturnPages
from comptoir.surfaces.return_drawing import draw
from comptoir.surfaces.return_pictures import NoPicture, PictureTooLarge
from support.asking import Client, asking
from support.depot import Depot, open_depot
from surfaces.test_return_portal import bought, confirm, hidden, path, portal, returns


def picture(kind: str = "JPEG", size: tuple[int, int] = (640, 480), mode: str = "RGB", **more: Any) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, (200, 30, 30) if mode == "RGB" else (200, 30, 30, 0)).save(out, kind, **more)
    return out.getvalue()


def placed() -> bytes:
    """A picture that says where it was taken, and that it lies on its side."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "SecretPhone"
    exif.get_ifd(0x8825)[1] = "N"
    return picture(exif=exif, comment=b"<script>alert(1)</script>")


def test_what_is_kept_is_upright_and_says_nothing_of_place_or_camera() -> None:
    sent = placed()
    assert b"SecretPhone" in sent
    made = draw("a.jpg", sent)
    assert (made.width, made.height) == (480, 640)
    with Image.open(io.BytesIO(made.content)) as image:
        assert (image.format, dict(image.getexif()), image.info.get("comment")) == ("JPEG", {}, None)
    for secret in (b"SecretPhone", b"script", b"Exif"):
        assert secret not in made.content
        assert secret not in made.thumb


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_each_kind_becomes_a_jpeg_of_bounded_size(kind: str) -> None:
    made = draw("a", picture(kind, (4000, 3000)))
    assert (made.width, made.height) == (2048, 1536)
    with Image.open(io.BytesIO(made.thumb)) as small:
        assert max(small.size) == 360


def test_what_is_transparent_lies_on_white() -> None:
    made = draw("a.png", picture("PNG", (10, 10), "RGBA"))
    with Image.open(io.BytesIO(made.content)) as image:
        pixel = image.convert("RGB").getpixel((5, 5))
    assert isinstance(pixel, tuple)
    assert min(pixel) > 250


@pytest.mark.parametrize(
    "content",
    [b"", b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", b"GIF89a\x01\x00\x01\x00", b"%PDF-1.7", placed()[:200]],
)
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    with pytest.raises(NoPicture):
        draw("a", content)


def test_a_small_file_with_more_pixels_than_anybody_needs_is_refused() -> None:
    bomb = picture("PNG", (8000, 8000))
    assert len(bomb) < 1_000_000
    with pytest.raises(PictureTooLarge):
        draw("bomb.png", bomb)


@pytest_asyncio.fixture
async def depot(database: Database) -> AsyncGenerator[Depot]:
    async with open_depot(database) as opened:
        yield opened


@pytest_asyncio.fixture
async def links(depot: Depot) -> PublicLinks:
    return PublicLinks(depot.keyring, "http://testserver.local")


@pytest_asyncio.fixture
async def client(depot: Depot, links: PublicLinks) -> AsyncGenerator[Client]:
    pages = ReturnPages(depot.database, depot.keyring, links, pictures=Limiter(burst=5, seconds=60))
    async with asking(Litestar(pages.routes(), openapi_config=None)) as client:
        yield client


async def kept(depot: Depot, case_id: Any) -> list[Picture]:
    async with depot.database.read() as reader:
        return await changes.pictures_of(reader, case_id)


async def test_a_buyer_adds_pictures_and_sees_them(depot: Depot, links: PublicLinks, client: Client) -> None:
    order_id = await bought(depot)
    address = portal(links, order_id)
    await confirm(client, address, **{"reason-1": "damaged"})
    (case,) = await returns(depot, order_id)
    there = f"{address}/{to_text(RETURN_CASE_PREFIX, case.id)}/pictures"
    page = (await client.get(f"{address}?lang=en")).text
    assert 'capture="environment"' in page
    form = {"form": hidden(page)["form"]} if "form" in hidden(page) else {}
    sent = {"camera": ("x.jpg", placed(), "image/jpeg")}
    done = await client.post(there, data=form, files=sent, follow_redirects=False)
    assert (done.status_code, done.headers["location"]) == (303, f"{address}#{changes.return_code(case.number)}")
    (one,) = await kept(depot, case.id)
    assert one.added_by == "buyer"
    again = await client.post(there, data=form, files=sent, follow_redirects=False)
    assert (again.status_code, len(await kept(depot, case.id))) == (303, 1)
    page = (await client.get(f"{address}?lang=en")).text
    found = [part.partition('"')[0] for part in page.split('src="') if "/pictures/" in part.partition('"')[0]]
    shown = await client.get(found[0])
    assert (shown.status_code, shown.headers["content-type"], shown.content[:3]) == (200, "image/jpeg", b"\xff\xd8\xff")
    assert shown.headers["x-content-type-options"] == "nosniff"


async def test_forged_forms_foreign_returns_and_floods_are_refused(depot: Depot, links: PublicLinks, client: Client) -> None:
    order_id, other = await bought(depot), await bought(depot, "BACK2")
    address = portal(links, order_id)
    await confirm(client, address)
    (case,) = await returns(depot, order_id)
    form = {"form": hidden((await client.get(f"{address}?lang=en")).text)["form"]}
    there = f"{address}/{to_text(RETURN_CASE_PREFIX, case.id)}/pictures"
    sent = {"picture": ("x.png", picture("PNG"), "image/png")}
    assert (await client.post(there, data={"form": "00"}, files=sent)).status_code == 403
    foreign = f"{portal(links, other)}/{to_text(RETURN_CASE_PREFIX, case.id)}/pictures"
    foreign_form = {"form": hidden((await client.get(portal(links, other))).text)["form"]}
    assert (await client.post(foreign, data=foreign_form, files=sent)).status_code == 404
    wrong = await client.post(there, data=form, files={"picture": ("x.png", b"<svg/>", "image/png")})
    assert (wrong.status_code, "JPEG, PNG" in wrong.text) == (422, True)
    assert await kept(depot, case.id) == []
    statuses = [(await client.post(there, data=form, files=sent, follow_redirects=False)).status_code for _ in range(4)]
    assert statuses[-1] == 429
    assert len(await kept(depot, case.id)) == 1
    assert path(links.returning(order_id, utcnow())).startswith("/return/")
