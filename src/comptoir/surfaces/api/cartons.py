"""Cartons: what goods are packed in, and which of them a fulfilment order's units fit in."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import FulfilmentId
from comptoir.modules.fulfilment.errors import UnknownFulfilment
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.packing import api
from comptoir.modules.packing.api import MAX_COST, MAX_LENGTH, MAX_WEIGHT
from comptoir.modules.packing.contracts import Carton, CartonDraft, CartonFilter, CartonId
from comptoir.modules.packing.errors import CartonCodeTaken, UnknownCarton
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import Scope
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import parsed_some, show, show_some
from comptoir.surfaces.api.operations import Answer, PageOf, Resource
from comptoir.surfaces.api.shapes import (
    CartonRef,
    Code,
    Instant,
    LineNo,
    LocationRef,
    PageQuery,
    Quantity,
    Request,
    Search,
    Shape,
    SkuText,
    Version,
    Words,
    given,
)
from comptoir.surfaces.boxing import fitting

cartons = Resource("Cartons", "What goods are packed in. For each fulfilment order it is proposed which of them it fits in.")

_Inside = Annotated[int, Meta(ge=1, le=MAX_LENGTH, examples=[300], description="Millimetres, inside.")]
_Tare = Annotated[
    int, Meta(ge=0, le=MAX_WEIGHT, examples=[180], description="Grams of the empty carton, with what goes around the goods.")
]
_Most = Annotated[int, Meta(ge=1, le=MAX_WEIGHT, examples=[10_000], description="Grams that may lie in it.")]
_Cost = Annotated[
    int, Meta(ge=0, le=MAX_COST, examples=[45], description="Minor units (cents) of the currency that the house reckons in.")
]
_Name = Annotated[Words, Meta(examples=["Carton M"])]
_Place = Annotated[LocationRef, Meta(description="Where it is used; null is everywhere.")]
_Active = Annotated[bool, Meta(description="Whether it is proposed.", examples=[True])]


class CartonShape(Shape, frozen=True, kw_only=True):
    """A carton."""

    id: CartonRef
    code: Code
    name: str
    location_id: LocationRef | None
    length: _Inside
    width: _Inside
    height: _Inside
    weight: _Tare
    max_weight: _Most
    cost: _Cost
    active: _Active
    version: Version
    created_at: Instant
    updated_at: Instant


class NewCarton(Request, frozen=True, kw_only=True):
    """A carton that is to be."""

    code: Code
    name: _Name = ""
    location_id: _Place | None = None
    length: _Inside
    width: _Inside
    height: _Inside
    weight: _Tare = 0
    max_weight: _Most = 30_000
    cost: _Cost = 0
    active: _Active = True


class ChangeCarton(Request, frozen=True, kw_only=True):
    """What is to be otherwise; the rest stays."""

    code: Code | UnsetType = UNSET
    name: _Name | UnsetType = UNSET
    location_id: _Place | UnsetType | None = UNSET
    length: _Inside | UnsetType = UNSET
    width: _Inside | UnsetType = UNSET
    height: _Inside | UnsetType = UNSET
    weight: _Tare | UnsetType = UNSET
    max_weight: _Most | UnsetType = UNSET
    cost: _Cost | UnsetType = UNSET
    active: _Active | UnsetType = UNSET


class CartonQuery(PageQuery, frozen=True, kw_only=True):
    sort: Literal["code", "-code", "name", "-name"] = "code"
    search: Annotated[Search, Meta(description="Words of the name, or the beginning of the code.")] = ""
    location_id: Annotated[LocationRef, Meta(description="Those that are used there, with those of everywhere.")] | None = None
    active: bool | None = None


class ProposedLineShape(Shape, frozen=True, kw_only=True):
    line_no: LineNo
    quantity: Quantity


class ProposedBoxShape(Shape, frozen=True, kw_only=True):
    """One box of a proposal."""

    carton_id: Annotated[CartonRef, Meta(description="Null for a piece that fits in no carton: it goes alone.")] | None
    carton: Annotated[str, Meta(description="The carton's code, for packing.", examples=["M"])]
    lines: list[ProposedLineShape]
    weight: Annotated[int, Meta(description="Grams of goods and carton, as far as the catalogue knows.", examples=[1480])]
    length: Annotated[int, Meta(examples=[300])]
    width: Annotated[int, Meta(examples=[200])]
    height: Annotated[int, Meta(examples=[150])]
    filled: Annotated[float, Meta(description="The share of the carton's room that the goods take up.", examples=[0.62])]


class ProposalShape(Shape, frozen=True, kw_only=True):
    """Boxes for all units that are in none yet; without any carton in use there are none."""

    boxes: list[ProposedBoxShape]
    guessed: Annotated[
        list[SkuText],
        Meta(description="Whose measures nobody knows: five litres a kilogram, and a litre where there is no weight either."),
    ]
    unweighed: Annotated[list[SkuText], Meta(description="Whose weight nobody knows: they count as nothing.")]


_EXAMPLE = {"code": "M", "name": "Carton M", "length": 300, "width": 200, "height": 150, "weight": 180, "cost": 45}


@cartons.get("/v1/cartons", Scope.ROUTING_READ)
async def list_cartons(call: Call, query: CartonQuery) -> Answer[PageOf[CartonShape]]:
    """List cartons."""
    place = parsed_some("location", query.location_id)
    wanted = CartonFilter(search=query.search, location_id=None if place is None else LocationId(place), active=query.active)
    async with call.reading() as reader:
        page = await api.find(reader, wanted, sort=query.sort, limit=query.limit, cursor=query.cursor)
    return call.page(page, _shape)


@cartons.post("/v1/cartons", Scope.ROUTING_WRITE, status=201, refuses=(CartonCodeTaken,), example=_EXAMPLE)
async def create_carton(call: Call, body: NewCarton) -> Answer[CartonShape]:
    """Add a carton."""
    async with call.transaction() as tx:
        made = await api.create(tx, CartonDraft(**_fields(given(body))))
        data = {"code": made.code, "name": made.name}
        await staff.record(tx, "carton.created", show("carton", made.id), data, address=call.address)
        return await call.done(tx, _shape(made))


@cartons.get("/v1/cartons/{carton_id}", Scope.ROUTING_READ, refuses=(UnknownCarton,))
async def get_carton(call: Call) -> Answer[CartonShape]:
    """Get a carton."""
    async with call.reading() as reader:
        return call.answer(_shape(await api.get(reader, _id(call))))


@cartons.patch(
    "/v1/cartons/{carton_id}", Scope.ROUTING_WRITE, refuses=(UnknownCarton, CartonCodeTaken), example={"max_weight": 12_000}
)
async def change_carton(call: Call, body: ChangeCarton) -> Answer[CartonShape]:
    """Change a carton. Switched off, it is proposed no more; it is never deleted."""
    changes = _fields(given(body))
    async with call.transaction() as tx:
        there = await api.get(tx, _id(call))
        changed = await api.update(tx, there.id, replace(there, **changes), version=call.decided_on(there.version))
        data = {"code": changed.code, "changed": sorted(changes)}
        await staff.record(tx, "carton.changed", show("carton", changed.id), data, address=call.address)
        return await call.done(tx, _shape(changed))


@cartons.get("/v1/fulfilments/{fulfilment_id}/cartons", Scope.ORDERS_READ, refuses=(UnknownFulfilment,))
async def propose_cartons(call: Call) -> Answer[ProposalShape]:
    """Propose cartons for what is in no box yet.

    Each box names the carton and the units; packing takes both as they are. Nothing is proposed that does not fit by the
    measures and weights of the catalogue; where it lacks them, they are guessed and the SKUs are named.
    """
    async with call.reading() as reader:
        one = await fulfilment.get(reader, FulfilmentId(call.id("fulfilment")))
        found = (await fitting(reader, one)).proposal
    return call.answer(
        ProposalShape(
            boxes=[
                ProposedBoxShape(
                    carton_id=show_some("carton", box.carton.id if box.carton else None),
                    carton=box.carton.code if box.carton else "",
                    lines=[ProposedLineShape(line_no=no, quantity=quantity) for no, quantity in box.shares],
                    weight=box.weight,
                    length=box.carton.length if box.carton else 0,
                    width=box.carton.width if box.carton else 0,
                    height=box.carton.height if box.carton else 0,
                    filled=round(box.filled, 3),
                )
                for box in found.boxes
            ],
            guessed=list(found.guessed),
            unweighed=list(found.unweighed),
        )
    )


def _id(call: Call) -> CartonId:
    return CartonId(call.id("carton"))


def _fields(fields: dict[str, Any]) -> dict[str, Any]:
    if fields.get("location_id") is not None:
        fields["location_id"] = parsed_some("location", fields["location_id"])
    return fields


def _shape(one: Carton) -> CartonShape:
    return CartonShape(
        id=show("carton", one.id),
        code=one.code,
        name=one.name,
        location_id=show_some("location", one.location_id),
        length=one.length,
        width=one.width,
        height=one.height,
        weight=one.weight,
        max_weight=one.max_weight,
        cost=one.cost,
        active=one.active,
        version=one.version,
        created_at=one.created_at,
        updated_at=one.updated_at,
    )
