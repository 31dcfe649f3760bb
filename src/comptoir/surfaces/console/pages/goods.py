"""What moving a product takes: its weight and size, whether it is dangerous, what customs ask, and whether it has lots."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import urlencode

from comptoir.i18n import N_
from comptoir.kernel.errors import Stale
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import Product, Unit, Variant
from comptoir.modules.lots import api as lots
from comptoir.modules.lots.contracts import Terms, Tracks
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader, Tx
from comptoir.sdk.countries import country_code
from comptoir.surfaces import lot_terms
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import asking
from comptoir.surfaces.console.pages.asking import Question, Typed
from comptoir.surfaces.console.pages.lots import TRACKS_WORDS
from comptoir.surfaces.console.pages.stock import sku_href
from comptoir.surfaces.console.web import Answer, Area, Done, Visit

area = Area("stock")

_MOST_WEIGHT, _MOST_LENGTH = 100_000_000, 100_000
_SIZES = ("length", "width", "height")
_HS_CODE = re.compile(r"\d{6,10}")


def goods_href(sku: str) -> str:
    return "/goods?" + urlencode({"sku": sku})


async def _there(reader: Reader, sku: str) -> tuple[Product, Variant, Terms | None]:
    variant = await catalogue.by_sku(reader, sku)
    return await catalogue.get(reader, variant.product_id), variant, (await lots.terms(reader, [sku])).get(sku)


@area.get("/goods", Permission.CATALOGUE_WRITE)
async def goods_form(visit: Visit) -> Answer:
    return await _form(visit, visit.param("sku").strip(), asking.NOTHING_TYPED)


async def _form(visit: Visit, sku: str, typed: Typed) -> Answer:
    async with visit.read() as reader:
        product, variant, terms = await _there(reader, sku)
    question = Question(
        title=visit.say(N_("Shipping and lots")),
        fields="goods/_fields.html",
        action=goods_href(sku),
        back=sku_href(sku),
        confirm=visit.say(N_("Save")),
        icon="device-floppy",
        words=f"{variant.name} · {sku}",
        crumbs=[(visit.say(N_("Stock")), "/stock"), (variant.name, sku_href(sku))],
    )
    proposed: dict[str, object] = {name: getattr(variant, name) or "" for name in ("weight", *_SIZES, "hs_code", "origin")}
    proposed |= {
        "version": product.version,
        "dangerous": "yes" if variant.dangerous else "",
        "tracks": "" if terms is None else terms.tracks.value,
        "left": "" if terms is None else terms.shelf_life_left,
        "transit": "" if terms is None else terms.transit_days,
    }
    if typed.refused:  # a box that is not ticked is not sent
        proposed.pop("dangerous")
    if isinstance(typed.refusal, Stale):
        typed = replace(typed, values={**typed.values, "version": str(product.version)})
    return asking.ask(
        visit,
        question,
        typed,
        proposed,
        weighed=variant.unit is Unit.THOUSANDTH,
        tracks=[(one.value, visit.say(word)) for one, word in TRACKS_WORDS.items()],
    )


@area.post("/goods", Permission.CATALOGUE_WRITE)
async def save_goods(visit: Visit) -> Answer:
    sku, fields = visit.param("sku").strip(), visit.fields()
    async with visit.read() as reader:
        product, variant, _ = await _there(reader, sku)
    changed, terms, version = _meant(fields, variant), _terms(fields, sku), fields.whole("version", default=0)

    async def work(tx: Tx) -> Done:
        draft = replace(product, variants=(changed,))
        kept = await catalogue.update(tx, product.id, draft, version=version or None)
        await lot_terms.put(tx, {sku: terms})
        data = {
            "code": kept.code,
            "weight": changed.weight,
            "dangerous": changed.dangerous,
            "lots": "" if terms is None else terms.tracks.value,
            "shelf_life_left": 0 if terms is None else terms.shelf_life_left,
        }
        await visit.record(tx, "goods.changed", sku, data)
        return Done(sku_href(sku), visit.say(N_("It is saved. Routing and packing reckon with it from now on.")))

    return await asking.answer(visit, fields, work, lambda typed: _form(visit, sku, typed))


def _meant(fields: Fields, variant: Variant) -> Variant:
    hs_code = re.sub(r"[ .]", "", fields.text("hs_code", most=14))
    if hs_code and not _HS_CODE.fullmatch(hs_code):
        fields.refuse("hs_code", N_("It has six to ten digits."))
    origin = fields.text("origin", most=60)
    code = country_code(origin) if origin else ""
    if origin and not code:
        fields.refuse("origin", N_("Nobody knows the country %(country)s."), country=origin)
    length, width, height = (fields.whole(name, most=_MOST_LENGTH, default=0) for name in _SIZES)
    return replace(
        variant,
        weight=fields.whole("weight", most=_MOST_WEIGHT, default=0),
        length=length,
        width=width,
        height=height,
        dangerous=fields.checked("dangerous"),
        hs_code=hs_code,
        origin=code,
    )


def _terms(fields: Fields, sku: str) -> Terms | None:
    tracks = fields.one_of("tracks", ["", *(one.value for one in Tracks)], "")
    left, transit = fields.whole("left", most=3650, default=0), fields.whole("transit", most=60, default=2)
    if not tracks and left:
        fields.refuse("tracks", N_("Say what is written on it, so that the days can be counted."))
    return Terms(sku, Tracks(tracks), left, transit) if tracks else None
