"""Labels that we buy for returns, goods that are declined, and pictures of what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from comptoir.modules.changes import api
from comptoir.modules.changes.contracts import Fate, Goods, PictureId, ReceivedId, ReturnCaseId
from comptoir.modules.changes.errors import (
    NoLabelGiven,
    NothingToGiveBack,
    NotSoldByUs,
    ReturnStepRefused,
    TooManyPictures,
    UnknownPicture,
    UnknownReceived,
    UnknownReturn,
)
from comptoir.modules.inventory.errors import QuantityTooLarge
from comptoir.modules.staff.contracts import Scope
from comptoir.modules.tracking.errors import LabelBusy
from comptoir.sdk.carriers import CarrierCannot, LabelDearer, LabelFormat, ReferenceSpent, ServiceNotOffered
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import parsed
from comptoir.surfaces.api.operations import Answer
from comptoir.surfaces.api.return_shapes import (
    BuyReturnLabel,
    GiveBackReturn,
    KeepReturn,
    PictureContentQuery,
    PictureQuery,
    PicturesShape,
    ReturnCaseShape,
    picture_shape,
)
from comptoir.surfaces.api.returns import returns, told
from comptoir.surfaces.documents import api as documents
from comptoir.surfaces.public.returning_papers import papers
from comptoir.surfaces.return_labels import NoCarrierForReturns, WeightUnknown
from comptoir.surfaces.return_pictures import MOST_BYTES, NoPicture, PictureTooLarge, drawn
from comptoir.surfaces.returned_lots import as_fact
from comptoir.surfaces.sending import NowhereToSend

__all__ = ["returns"]

_TYPES: Mapping[LabelFormat, bytes] = {
    LabelFormat.PDF: b"application/pdf",
    LabelFormat.ZPL: b"application/zpl",
    LabelFormat.PNG: b"image/png",
}
_CARRIER = (LabelBusy, CarrierCannot, ServiceNotOffered, LabelDearer, ReferenceSpent)


@returns.post(
    "/v1/returns/{return_case_id}/label",
    Scope.ORDERS_WRITE,
    refuses=(UnknownReturn, NotSoldByUs, NoLabelGiven, NowhereToSend, WeightUnknown, NoCarrierForReturns, *_CARRIER),
)
async def buy_return_label(call: Call, body: BuyReturnLabel) -> Answer[ReturnCaseShape]:
    """Buy the label of a return, from the buyer's address to where it is expected.

    A return has one label: asked for again, the one that there is stays. Where no answer came from the carrier (503,
    `outcome_unknown`), it is looked for before it is bought; what is only delayed is tried again by itself. Where no carrier
    sells one (409, `no_carrier_for_returns`), the buyer prints our address label, or brings it to a store.
    """
    case_id = _id(call)
    async with call.transaction() as tx:
        await api.want_label(tx, case_id, regardless=body.regardless)
    await call.services.return_labels.obtain(case_id, call.context, weight=body.weight)
    async with call.transaction() as tx:
        return await call.done(tx, await told(tx, await api.get_return(tx, case_id)))


@returns.get(
    "/v1/returns/{return_case_id}/label/document",
    Scope.ORDERS_READ,
    content_type="application/pdf",
    refuses=(UnknownReturn, NotSoldByUs),
)
async def get_return_label_document(call: Call) -> Answer[bytes]:
    """Download the label of a return: the carrier's where we have bought one, in its format, else our own address label."""
    found = await call.services.return_labels.document(_id(call))
    if found is not None:
        label, content = found
        return Answer(200, content, _TYPES[label.format], _named(f"{label.tracking_number}.{label.format.value}"))
    async with call.reading() as reader:
        case = await api.get_return(reader, _id(call))
        if case.order_id is None:
            raise NotSoldByUs(return_case_id=case.id)
        own = await papers(reader, case)
    content = await documents.render(own.label(), own.locale)
    return Answer(200, content, b"application/pdf", _named(f"{api.return_code(case.number)}.pdf"))


def _named(name: str) -> tuple[tuple[bytes, bytes], ...]:
    safe = "".join(one if one.isascii() and (one.isalnum() or one in "._-") else "_" for one in name)
    return ((b"content-disposition", f'inline; filename="{safe}"'.encode()),)


@returns.post(
    "/v1/returns/{return_case_id}/label/void", Scope.ORDERS_WRITE, refuses=(UnknownReturn, LabelBusy, ReturnStepRefused)
)
async def void_return_label(call: Call) -> Answer[ReturnCaseShape]:
    """Give the label of a return back; where its carrier does not take it, `label_problem` says why.

    A label that is not used within four weeks is given back by itself, as is that of a return that is given up.
    """
    case_id = _id(call)
    async with call.transaction() as tx:
        await api.label_unwanted(tx, case_id)
    await call.services.return_labels.give_back(case_id, call.context)
    async with call.transaction() as tx:
        return await call.done(tx, await told(tx, await api.get_return(tx, case_id)))


@returns.post(
    "/v1/returns/{return_case_id}/give-back",
    Scope.ORDERS_WRITE,
    refuses=(UnknownReturn, ReturnStepRefused, NothingToGiveBack, QuantityTooLarge),
)
async def give_back_return(call: Call, body: GiveBackReturn) -> Answer[ReturnCaseShape]:
    """Record that what was declined has gone back to the buyer: the order is as if it had not come."""
    async with call.transaction() as tx:
        done = await api.give_back(
            tx, _id(call), by_hand=body.by == "hand", carrier=body.carrier, tracking_number=body.tracking_number
        )
        return await call.done(tx, await told(tx, done))


@returns.post(
    "/v1/returns/{return_case_id}/keep",
    Scope.ORDERS_APPROVE,
    refuses=(UnknownReturn, ReturnStepRefused, NothingToGiveBack, QuantityTooLarge),
)
async def keep_declined_return(call: Call, body: KeepReturn) -> Answer[ReturnCaseShape]:
    """Keep what was declined, as the buyer has agreed in writing: it is ours, and nobody is refunded for it."""
    async with call.transaction() as tx:
        done = await api.keep_declined(tx, _id(call), body.agreement, Fate(body.fate), body.condition)
        await as_fact(tx, done, Goods.KEPT)
        return await call.done(tx, await told(tx, done))


@returns.get("/v1/returns/{return_case_id}/pictures", Scope.ORDERS_READ, refuses=(UnknownReturn,))
async def list_return_pictures(call: Call) -> Answer[PicturesShape]:
    """List the pictures of what comes back, the buyer's and ours."""
    async with call.reading() as reader:
        await api.get_return(reader, _id(call))
        found = await api.pictures_of(reader, _id(call))
    return call.answer(PicturesShape(items=[picture_shape(one) for one in found]))


@returns.get(
    "/v1/returns/{return_case_id}/pictures/{picture_id}",
    Scope.ORDERS_READ,
    content_type="image/jpeg",
    refuses=(UnknownReturn, UnknownPicture),
)
async def get_return_picture(call: Call, query: PictureContentQuery) -> Answer[bytes]:
    """Download a picture, or a small one of it."""
    async with call.reading() as reader:
        _, content = await api.picture(reader, _id(call), PictureId(call.id("picture")), small=query.small)
    return Answer(200, content, b"image/jpeg")


@returns.post(
    "/v1/returns/{return_case_id}/pictures",
    Scope.ORDERS_WRITE,
    status=201,
    max_body=MOST_BYTES,
    streams=True,
    refuses=(UnknownReturn, UnknownReceived, NoPicture, PictureTooLarge, TooManyPictures),
    example="(the bytes of a JPEG)",
)
async def add_return_picture(call: Call, query: PictureQuery) -> Answer[PicturesShape]:
    """Add a picture to a return.

    The body is the picture as it is: JPEG, PNG or WebP of 12 MiB at most. It is drawn anew as JPEG of at most 2048 pixels on a
    side, without whatever else the file holds, such as where it was taken. The same picture twice is one.
    """
    content = b"".join([part async for part in call.parts()])
    call.take_key(sha256(content).digest())
    received_id = None if query.received_id is None else ReceivedId(parsed("received", query.received_id))
    async with call.reading() as reader:
        await api.get_return(reader, _id(call))
    made = await drawn([("picture", content)])
    async with call.transaction() as tx:
        found = await api.add_pictures(tx, _id(call), made, received_id=received_id)
        return await call.done(tx, PicturesShape(items=[picture_shape(one) for one in found]), 201)


@returns.delete(
    "/v1/returns/{return_case_id}/pictures/{picture_id}", Scope.ORDERS_WRITE, refuses=(UnknownReturn, UnknownPicture)
)
async def remove_return_picture(call: Call) -> Answer[None]:
    """Remove a picture that shows what it should not."""
    async with call.transaction() as tx:
        await api.get_return(tx, _id(call))
        await api.remove_picture(tx, _id(call), PictureId(call.id("picture")))
        return await call.done(tx, None)


def _id(call: Call) -> ReturnCaseId:
    return ReturnCaseId(call.id("return_case"))
