"""What is done about the label, the goods and the pictures of one return."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from litestar.handlers import HTTPRouteHandler

from comptoir.i18n import N_
from comptoir.kernel.errors import Fault, NotFound, Refusal
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import (
    PICTURE_PREFIX,
    RECEIVED_PREFIX,
    Fate,
    Goods,
    LabelStanding,
    PictureId,
    ReceivedId,
    ReturnCase,
    ReturnCaseId,
)
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import DatabaseUnavailable, Tx
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.guarding import Rule
from comptoir.surfaces.console.pages import return_page
from comptoir.surfaces.console.pages.carrier_words import problem_words
from comptoir.surfaces.console.pages.return_inspect import case_id_of
from comptoir.surfaces.console.pages.return_words import return_href
from comptoir.surfaces.console.web import Answer, Area, Console, Done, Route, Visit, Web, answer
from comptoir.surfaces.return_labels import ReturnLabels
from comptoir.surfaces.return_pictures import AT_ONCE, FORM_BYTES, drawn
from comptoir.surfaces.returned_lots import as_fact

area = Area("returns")

RECORDED = ("label_bought", "label_voided", "given_back", "kept", "pictures_added", "picture_removed")


def _labels(visit: Visit) -> ReturnLabels:
    return visit.console.services.return_labels


async def _record(visit: Visit, tx: Tx, what: str, case: ReturnCase, more: Mapping[str, object] | None = None) -> None:
    data = {"number": changes.return_code(case.number), **(more or {})}
    await visit.record(tx, f"return.{what}", return_href(case.id).rpartition("/")[2], data)


# The label


@area.post("/returns/{return_id:str}/label", Permission.ORDERS_ACT)
async def buy(visit: Visit) -> Answer:
    """Bought once, however often it is pressed; what goes wrong is said with a way on."""
    case_id, fields = case_id_of(visit), visit.fields()
    weight = fields.whole("weight", least=0, most=1_000_000, default=0)
    try:
        fields.done()
        async with visit.database.transaction(visit.context) as tx:
            await changes.want_label(tx, case_id, regardless=True)
        label = await _labels(visit).obtain(case_id, visit.context, weight=weight)
    except NotFound:
        raise
    except (Refusal, Fault) as problem:
        if isinstance(problem, DatabaseUnavailable):
            raise
        words = visit.say(N_("Something is not right yet.")) if fields.errors else problem_words(visit, problem)
        return await return_page.show(visit, case_id, fields, words)

    async def work(tx: Tx) -> Done:
        case = await changes.get_return(tx, case_id)
        await _record(visit, tx, "label_bought", case, {"tracking_number": label.tracking_number})
        return Done(return_href(case_id), visit.say(N_("The label is bought: %(number)s."), number=label.tracking_number))

    return await visit.act(work)


@area.post("/returns/{return_id:str}/label-void", Permission.ORDERS_ACT)
async def void(visit: Visit) -> Answer:
    case_id = case_id_of(visit)
    try:
        async with visit.database.transaction(visit.context) as tx:
            await changes.label_unwanted(tx, case_id)
        case = await _labels(visit).give_back(case_id, visit.context)
    except NotFound:
        raise
    except (Refusal, Fault) as problem:
        if isinstance(problem, DatabaseUnavailable):
            raise
        return visit.finish(Done(return_href(case_id), problem_words(visit, problem), tone="bad"))

    async def work(tx: Tx) -> Done:
        await _record(visit, tx, "label_voided", case)
        if case.label is LabelStanding.VOIDED and case.label_code:
            words = visit.say(N_("The carrier does not take the label back: it stays paid for."))
            return Done(return_href(case_id), words, detail=case.label_problem, tone="warn")
        return Done(return_href(case_id), visit.say(N_("The label is given back.")))

    return await visit.act(work)


# Goods that were declined


async def _acted(visit: Visit, fields: Fields, work: Callable[[Tx], Awaitable[Done]]) -> Answer:
    try:
        fields.done()
        return await visit.act(work)
    except NotFound:
        raise
    except Refusal as refusal:
        words = visit.say(N_("Something is not right yet.")) if fields.errors else visit.refusal(refusal)
        return await return_page.show(visit, case_id_of(visit), fields, words)


@area.post("/returns/{return_id:str}/give-back", Permission.ORDERS_ACT)
async def give_back(visit: Visit) -> Answer:
    case_id, fields = case_id_of(visit), visit.fields()
    by_hand = fields.raw("by") == "hand"
    carrier = fields.text("back_carrier", most=64)
    number = fields.text("back_number", most=120)

    async def work(tx: Tx) -> Done:
        done = await changes.give_back(tx, case_id, by_hand=by_hand, carrier=carrier, tracking_number=number)
        await _record(visit, tx, "given_back", done, {"by": "hand" if by_hand else "parcel"})
        words = N_("The buyer has it again.") if by_hand else N_("It is on its way back to the buyer, who is told.")
        return Done(return_href(case_id), visit.say(words))

    return await _acted(visit, fields, work)


@area.post("/returns/{return_id:str}/keep", Permission.ORDERS_APPROVE)
async def keep(visit: Visit) -> Answer:
    case_id, fields = case_id_of(visit), visit.fields()
    agreement = fields.text("agreement", required=True, most=500)
    fate = fields.choice("keep_fate", Fate, Fate.DESTROY)

    async def work(tx: Tx) -> Done:
        done = await changes.keep_declined(tx, case_id, agreement, fate)
        await as_fact(tx, done, Goods.KEPT)
        await _record(visit, tx, "kept", done, {"agreement": agreement})
        return Done(return_href(case_id), visit.say(N_("It stays here, and nobody is refunded for it.")))

    return await _acted(visit, fields, work)


# Pictures


@area.get("/returns/{return_id:str}/pictures/{picture_id:str}", Permission.ORDERS_READ)
async def picture(visit: Visit) -> Answer:
    """A JPEG that we have drawn ourselves; `?small` is a small one."""
    picture_id = PictureId(visit.path_id("picture_id", PICTURE_PREFIX))
    async with visit.read() as reader:
        found, content = await changes.picture(reader, case_id_of(visit), picture_id, small="small" in visit.page.query)
        case = await changes.get_return(reader, found.return_id)
    return visit.file(f"{changes.return_code(case.number)}.jpg", content, "image/jpeg")


async def add(visit: Visit) -> Answer:
    case_id, fields = case_id_of(visit), visit.fields()
    given = [file for name in ("picture", "camera") for file in visit.files.get(name, ()) if file.filename]
    row = fields.optional_id("received", RECEIVED_PREFIX)
    if not given:
        fields.refuse("picture", N_("Choose a picture."))
    elif len(given) > AT_ONCE:
        fields.refuse("picture", N_("At most %(most)s pictures at a time."), most=AT_ONCE)
    try:
        fields.done()
        made = await drawn([(file.filename, await file.read()) for file in given])
    except NotFound:
        raise
    except Refusal as refusal:
        words = visit.say(N_("Something is not right yet.")) if fields.errors else visit.refusal(refusal)
        return await return_page.show(visit, case_id, fields, words)

    async def work(tx: Tx) -> Done:
        await changes.add_pictures(tx, case_id, made, received_id=None if row is None else ReceivedId(row))
        case = await changes.get_return(tx, case_id)
        await _record(visit, tx, "pictures_added", case, {"pictures": len(made)})
        words = visit.says("%(num)s picture is added.", "%(num)s pictures are added.", len(made))
        back = f"{return_href(case_id)}/inspect" if fields.raw("back") == "inspect" else return_href(case_id)
        return Done(f"{back}#pictures", words)

    return await _acted(visit, fields, work)


@area.post("/returns/{return_id:str}/pictures/{picture_id:str}/remove", Permission.ORDERS_ACT)
async def remove(visit: Visit) -> Answer:
    case_id: ReturnCaseId = case_id_of(visit)
    picture_id = PictureId(visit.path_id("picture_id", PICTURE_PREFIX))

    async def work(tx: Tx) -> Done:
        await changes.remove_picture(tx, case_id, picture_id)
        await _record(visit, tx, "picture_removed", await changes.get_return(tx, case_id))
        return Done(f"{return_href(case_id)}#pictures", visit.say(N_("The picture is removed.")))

    return await visit.act(work)


def upload_route(console: Console) -> HTTPRouteHandler:
    """As `web.mounted` makes routes, but for bodies as large as pictures are."""
    path = "/returns/{return_id:str}/pictures"
    route = Route("POST", path, add, Rule(area.place, Permission.ORDERS_ACT, public=False))

    async def answer_page(request: Web) -> Answer:
        return await answer(console, route, request)

    return HTTPRouteHandler(
        route.path, http_method=["POST"], status_code=200, include_in_schema=False, request_max_body_size=FORM_BYTES
    )(answer_page)
