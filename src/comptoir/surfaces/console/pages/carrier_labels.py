"""Labels that were bought: what each cost, what is in doubt and what to do about it, and giving them back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from comptoir.i18n import N_
from comptoir.kernel.errors import Fault, NotFound, Refusal
from comptoir.kernel.ids import to_text
from comptoir.kernel.money import Currency
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import ParcelId
from comptoir.modules.orders import api as orders
from comptoir.modules.staff.contracts import Permission
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import (
    ACCOUNT_PREFIX,
    LABEL_PREFIX,
    Account,
    AccountId,
    LabelFilter,
    LabelId,
    LabelState,
    PurchasedLabel,
)
from comptoir.runtime.database import DatabaseUnavailable, Reader, Tx
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.exporting import plain_amount
from comptoir.surfaces.console.pages import asking, lists
from comptoir.surfaces.console.pages.asking import NOTHING_TYPED, Question
from comptoir.surfaces.console.pages.carrier_words import code_words, problem_words
from comptoir.surfaces.console.pages.naming import channels_of, people_of
from comptoir.surfaces.console.pages.orders import order_href
from comptoir.surfaces.console.pages.parcels import parcel_href
from comptoir.surfaces.console.pages.parcels_tabs import carrier_tabs, parcel_tabs
from comptoir.surfaces.console.pages.parcels_words import LABEL_TONES, LABEL_WORDS, Tones
from comptoir.surfaces.console.pages.store_desk import text_of
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Done, Visit

area = Area("parcels")

_DOUBT = (LabelState.ASKED, LabelState.UNKNOWN, LabelState.VOIDING)


@dataclass(frozen=True, slots=True)
class Row:
    label: PurchasedLabel
    href: str
    state: str
    tones: Tones
    number: int | None
    order_href: str
    account: str


def label_text(label_id: LabelId) -> str:
    return to_text(LABEL_PREFIX, label_id)


def label_href(label_id: LabelId) -> str:
    return f"/carriers/labels/{label_text(label_id)}"


def _label_id(visit: Visit) -> LabelId:
    return LabelId(visit.path_id("label_id", LABEL_PREFIX))


async def _wanted(visit: Visit, reader: Reader) -> LabelFilter:
    """Digits are an order's number where there is such an order, else the beginning of a tracking number."""
    state, text = visit.param("state"), visit.param("q").strip().removeprefix("#")
    account = visit.optional_id("account", ACCOUNT_PREFIX)
    order_id = None
    if text.isascii() and text.isdecimal() and len(text) < 10:
        order_id = await orders.id_of(reader, int(text))
    return LabelFilter(
        states=_DOUBT if state == "doubt" else (LabelState(state),) if state in set(LabelState) else (),
        account_id=None if account is None else AccountId(account),
        order_id=order_id,
        created_from=visit.day("on_from"),
        created_before=visit.day("on_to", end=True),
        search="" if order_id is not None else text,
    )


@area.get("/carriers/labels", Permission.ORDERS_READ)
async def label_list(visit: Visit) -> Answer:
    sort = visit.sort(("created",), "-created")
    month = visit.page.now.astimezone(visit.page.zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    async with visit.read() as reader:
        wanted = await _wanted(visit, reader)
        if visit.wants_csv:
            return visit.csv("labels", [visit.say(word) for word in _COLUMNS], _exported(visit, wanted, sort))
        page = await tracking.labels.find(reader, wanted, sort=sort, limit=PAGE_SIZE, cursor=visit.cursor)
        doubtful = await tracking.labels.count(reader, LabelFilter(states=_DOUBT))
        costs = await tracking.labels.costs(reader, month)
        accounts = {one.id: one for one in await tracking.accounts.everything(reader)}
        numbers = await orders.numbers(reader, list({one.order_id for one in page.items}))
    states = [("doubt", visit.say(N_("In doubt or unfinished"))), *lists.options_of(visit, LABEL_WORDS)]
    named = [(to_text(ACCOUNT_PREFIX, one.id), one.name) for one in accounts.values()]
    return visit.respond(
        "carrier_labels/list.html",
        "carrier_labels/_results.html",
        rows=[_row(visit, one, accounts, numbers.get(one.order_id)) for one in page.items],
        before=page.previous,
        after=page.next,
        sort=sort,
        costs=costs,
        doubtful=doubtful.rows,
        states=states,
        accounts=named,
        chips=lists.chips(
            visit,
            [
                (N_("State"), "state", dict(states)),
                (N_("Account"), "account", dict(named)),
                (N_("From"), "on_from", {}),
                (N_("To"), "on_to", {}),
            ],
        ),
        tabs=parcel_tabs(visit, "labels"),
        own_tabs=carrier_tabs(visit, "labels"),
        is_empty=not page.items and not visit.page.query,
    )


def _row(visit: Visit, label: PurchasedLabel, accounts: dict[AccountId, Account], number: int | None) -> Row:
    account = accounts.get(label.account_id)
    return Row(
        label,
        label_href(label.id),
        visit.say(LABEL_WORDS[label.state]),
        LABEL_TONES[label.state],
        number,
        order_href(label.order_id),
        account.name if account is not None else "",
    )


_COLUMNS = (
    N_("Tracking number"), N_("Order"), N_("Account"), N_("Carrier"), N_("Service"), N_("State"), N_("Cost"), N_("Currency"),
    N_("Asked for"), N_("Bought"), N_("Given back"), N_("Problem"),
)  # fmt: skip


async def _exported(visit: Visit, wanted: LabelFilter, sort: str) -> AsyncIterator[Sequence[object]]:
    async with visit.read() as reader:
        accounts = {one.id: one for one in await tracking.accounts.everything(reader)}
        batch: list[PurchasedLabel] = []
        async for one in tracking.labels.stream(reader, wanted, sort=sort):
            batch.append(one)
            if len(batch) == 500:
                for line in await _lines(visit, reader, batch, accounts):
                    yield line
                batch = []
        for line in await _lines(visit, reader, batch, accounts):
            yield line


async def _lines(
    visit: Visit, reader: Reader, batch: Sequence[PurchasedLabel], accounts: dict[AccountId, Account]
) -> list[Sequence[object]]:
    numbers = await orders.numbers(reader, list({one.order_id for one in batch}))
    return [
        (
            one.tracking_number, numbers.get(one.order_id), accounts[one.account_id].name, one.carrier, one.service,
            visit.say(LABEL_WORDS[one.state]),
            "" if one.cost is None else plain_amount(one.cost, Currency(one.currency), visit.page.locale), one.currency,
            one.created_at, one.bought_at, one.voided_at, one.problem,
        )
        for one in batch
    ]  # fmt: skip


# One label


@area.get("/carriers/labels/{label_id:str}", Permission.ORDERS_READ)
async def label_page(visit: Visit) -> Answer:
    async with visit.read() as reader:
        label = await tracking.labels.get(reader, _label_id(visit))
        account = await tracking.accounts.get(reader, label.account_id)
        boxes = await fulfilment.some_parcels(reader, [ParcelId(label.subject_id)])
        numbers = await orders.numbers(reader, [label.order_id])
        left = [box.shipment_id for box in boxes if box.shipment_id is not None]
        people = await people_of(visit, reader, [label.created_by], await channels_of(visit, reader))
        shipped = await tracking.of_shipments(reader, left) if left else {}
    tracked = next(iter(shipped.values()), None)
    may_act = visit.may(Permission.FULFIL)
    return visit.respond(
        "carrier_labels/label.html",
        label=label,
        href=label_href(label.id),
        name=label.tracking_number or visit.say(N_("Label of order %(number)s"), number=numbers.get(label.order_id, "")),
        state=visit.say(LABEL_WORDS[label.state]),
        tones=LABEL_TONES[label.state],
        what=_what(visit, label),
        rows=_facts(visit, label, account, people[label.created_by]),
        number=numbers.get(label.order_id),
        order_href=order_href(label.order_id),
        parcel_href=parcel_href(tracked.id) if tracked is not None else "",
        desk_href=f"/store/pack/{text_of(boxes[0].fulfilment_id)}" if boxes and boxes[0].shipment_id is None else "",
        paper=f"/store/labels/{label_text(label.id)}/paper" if label.state is LabelState.BOUGHT else "",
        voidable=may_act and label.state in {LabelState.BOUGHT, LabelState.VOIDING} and not left,
        unsettled=may_act and label.state in _DOUBT,
        left=bool(left),
        tabs=parcel_tabs(visit, "labels"),
    )


def _facts(visit: Visit, label: PurchasedLabel, account: Account, by: str) -> list[tuple[str, str]]:
    page = visit.page

    def at(value: object) -> str:
        return formatting.instant(value, page.locale, page.zone) if isinstance(value, type(page.now)) else ""

    rows = [
        (N_("Cost"), formatting.money(label.cost, label.currency, page.locale) if label.cost is not None else ""),
        (N_("Carrier"), label.carrier),
        (N_("Service"), label.service),
        (N_("Account"), account.name),
        (N_("Our reference"), label.reference),
        (N_("The carrier's number"), label.shipment_ref),
        (N_("Manifest"), label.manifest_ref),
        (N_("Asked for"), f"{at(label.created_at)} · {by}"),
        (N_("Bought"), at(label.bought_at)),
        (N_("Given back"), at(label.voided_at)),
        (N_("Tries"), formatting.number(label.attempts, page.locale) if label.attempts > 1 else ""),
    ]
    return [(visit.say(word), value) for word, value in rows if value]


def _what(visit: Visit, label: PurchasedLabel) -> tuple[str, str, str] | None:
    """(tone, what it means, what to do) where there is something to do, or to know."""
    problem = code_words(visit, label.problem_code, label.problem)
    match label.state:
        case LabelState.UNKNOWN:
            words = N_("No answer came when it was bought: it may be there, and it may not.")
            todo = N_(
                "Nobody buys it a second time. It is looked for by itself every two minutes; look for it now, or look at the "
                "carrier's page under our reference."
            )
            return "bad", visit.say(words), visit.say(todo)
        case LabelState.ASKED:
            words = N_("It was asked for, and is not bought as far as we know.")
            return "warn", visit.say(words), problem or visit.say(N_("Buy it again at the packing desk, or look for it."))
        case LabelState.REFUSED:
            words = N_("The carrier does not sell it as the box is described. Nothing was bought.")
            return "bad", visit.say(words), problem
        case LabelState.VOIDING:
            words = N_("The carrier takes its time to take it back.")
            return "warn", visit.say(words), visit.say(N_("It is asked every two minutes; some carriers take weeks."))
        case LabelState.BOUGHT if label.problem_code == "void_refused":
            return "warn", visit.say(N_("The carrier does not take it back: it stays paid for.")), label.problem
        case _:
            return None


@area.get("/carriers/labels/{label_id:str}/{step:str}", Permission.FULFIL)
async def ask_step(visit: Visit) -> Answer:
    async with visit.read() as reader:
        label = await tracking.labels.get(reader, _label_id(visit))
    if visit.path("step") != "give-back":
        raise NotFound(kind="page", id=visit.path("step")[:40])
    cost = formatting.money(label.cost, label.currency, visit.page.locale) if label.cost is not None else ""
    words = N_("The carrier is asked to take it back. The box then needs another one. This cannot be undone.")
    question = Question(
        title=visit.say(N_("Give the label back")),
        fields="",
        action=f"{label_href(label.id)}/give-back",
        back=label_href(label.id),
        confirm=visit.say(N_("Give back %(cost)s"), cost=cost) if cost else visit.say(N_("Give it back")),
        icon="ban",
        tone="danger",
        words=visit.say(words),
        crumbs=[(visit.say(N_("Labels")), "/carriers/labels"), (label.tracking_number, label_href(label.id))],
    )
    return asking.ask(visit, question, NOTHING_TYPED, {})


@area.post("/carriers/labels/{label_id:str}/{step:str}", Permission.FULFIL)
async def take_step(visit: Visit) -> Answer:
    """Looks for a label that is in doubt, or gives one back; done twice, either does no harm."""
    label_id, step = _label_id(visit), visit.path("step")
    desk, href = visit.console.services.parcels, label_href(label_id)
    if step not in {"look", "give-back"}:
        raise NotFound(kind="page", id=step[:40])
    async with visit.read() as reader:
        await tracking.labels.get(reader, label_id)
    try:
        after = await (
            desk.settle(label_id, visit.context, buy=False) if step == "look" else desk.void(label_id, visit.context)
        )
    except (Refusal, Fault) as problem:
        if isinstance(problem, DatabaseUnavailable):
            raise
        return visit.finish(Done(href, problem_words(visit, problem), tone="bad"))

    async def work(tx: Tx) -> Done:
        data = {"state": after.state.value, "number": after.tracking_number}
        if step == "look":
            await visit.record(tx, "label.looked_for", label_text(label_id), data)
        else:
            await visit.record(tx, "label.given_back", label_text(label_id), data)
        words, tone = _said(after)
        return Done(href, visit.say(words), tone=tone)

    return await visit.act(work)


def _said(label: PurchasedLabel) -> tuple[str, str]:
    match label.state:
        case LabelState.VOIDED:
            return N_("The carrier has taken the label back."), "good"
        case LabelState.VOIDING:
            return N_("The carrier has been asked to take it back, and takes its time."), "good"
        case LabelState.BOUGHT if label.problem_code == "void_refused":
            return N_("The carrier does not take it back: it stays paid for."), "warn"
        case LabelState.BOUGHT:
            return N_("The label is there, and stays bought."), "good"
        case LabelState.ASKED:
            return N_("The carrier has sold no such label: it can be bought again."), "warn"
        case _:
            return N_("It is still not known."), "warn"
