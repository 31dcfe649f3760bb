"""Labels of boxes while packing: what carriers ask, why one is proposed, buying, printing, looking for one, giving one back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from comptoir.i18n import N_
from comptoir.kernel.errors import Fault, NotFound, Refusal
from comptoir.kernel.ids import from_text, to_text
from comptoir.kernel.money import Currency, Money
from comptoir.modules.carriers import api as carriers
from comptoir.modules.carriers.contracts import CarrierService, Service
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import PARCEL_PREFIX, Fulfilment, FulfilmentId, Parcel, ParcelId
from comptoir.modules.locations import api as locations
from comptoir.modules.staff.contracts import Permission
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import (
    ACCOUNT_PREFIX,
    HOUSE,
    LABEL_PREFIX,
    Account,
    AccountId,
    LabelId,
    LabelState,
    PurchasedLabel,
)
from comptoir.runtime.database import Reader
from comptoir.sdk.carriers import LabelFormat
from comptoir.surfaces import offers
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import store_desk
from comptoir.surfaces.console.pages.carrier_words import AGAINST_WORDS, code_words, problem_words
from comptoir.surfaces.console.pages.store_sheets import zone_of
from comptoir.surfaces.console.web import Answer, Area, Done, Visit
from comptoir.surfaces.offers import Offered, Offers
from comptoir.surfaces.sending import Box, box, buy

area = Area("store")

_TYPES: Mapping[LabelFormat, str] = {
    LabelFormat.PDF: "application/pdf",
    LabelFormat.ZPL: "application/zpl",
    LabelFormat.PNG: "image/png",
}
_FORMAT_COOKIE = "comptoir_label_format"
_YEAR = 365 * 24 * 3600
_EXPRESS_DAYS = 2
"""Within which an express parcel has to be there, where no day was promised."""
_MOST_WEIGHT = 1_000_000


# How the label of a box stands


@dataclass(frozen=True, slots=True)
class Tag:
    """The label of a box in words. `kind` is none, bought, doubt, failed, busy or voiding."""

    kind: str
    id: str = ""
    carrier: str = ""
    number: str = ""
    words: str = ""
    paper: str = ""

    @property
    def bought(self) -> bool:
        return self.kind == "bought"

    @property
    def open(self) -> bool:
        """A label may be bought."""
        return self.kind in {"none", "failed"}


NO_TAG = Tag("none")


async def tags(visit: Visit, reader: Reader, boxes: Sequence[Parcel]) -> dict[ParcelId, Tag]:
    """Of all these boxes; where none was ever asked for, one that says so."""
    found = {one.id: NO_TAG for one in boxes}
    for label in await tracking.labels.of_subjects(reader, [one.id for one in boxes]):
        if label.state is not LabelState.VOIDED:
            found[ParcelId(label.subject_id)] = _tag(visit, label)
    return found


def _tag(visit: Visit, label: PurchasedLabel) -> Tag:
    text = to_text(LABEL_PREFIX, label.id)
    busy = label.busy_until is not None and label.busy_until > visit.page.now
    said = code_words(visit, label.problem_code, label.problem) if label.problem_code else ""
    match label.state:
        case LabelState.BOUGHT:
            price = formatting.money(label.cost, label.currency, visit.page.locale) if label.cost is not None else ""
            words = " · ".join(part for part in (_service(label.service), price) if part)
            if label.problem_code:
                words = f"{words}. {said}"
            return Tag("bought", text, label.carrier, label.tracking_number, words, f"/store/labels/{text}/paper")
        case LabelState.VOIDING:
            words = visit.say(
                N_("The carrier takes its time to take it back. For another one, open the box and close it anew.")
            )
            return Tag("voiding", text, label.carrier, label.tracking_number, words)
        case LabelState.REFUSED:
            return Tag("failed", text, words=said)
        case _ if busy:
            return Tag("busy", text, words=visit.say(N_("The carrier is being asked for it right now.")))
        case LabelState.ASKED if label.problem_code:
            return Tag("failed", text, words=said)
        case _:
            words = visit.say(N_("No answer came: it may be bought. It is looked for by itself, and never bought twice."))
            return Tag("doubt", text, words=words)


def _service(text: str) -> str:
    return text.rpartition("/")[2] or text


def anybody(accounts: Iterable[Account], services: Iterable[CarrierService]) -> bool:
    """Whether anybody is there to be asked: an account, or a carrier by our own tables that nobody has switched off."""
    known = list(accounts)
    house = next((one for one in known if one.id == HOUSE), None)
    by_tables = (house is None or house.active) and any(one.active for one in services)
    return by_tables or any(one.active for one in known if one.id != HOUSE)


# Choosing


@dataclass(frozen=True, slots=True)
class Choice:
    """An offer in words."""

    value: str
    name: str
    price: str
    words: str
    against: str
    chosen: bool


@area.get("/store/pack/{fulfilment_id:str}/label", Permission.FULFIL)
async def choose(visit: Visit) -> Answer:
    parcel_id = visit.optional_id("parcel", PARCEL_PREFIX)
    return await _choose(visit, store_desk.id_of(visit), None if parcel_id is None else ParcelId(parcel_id))


async def _choose(visit: Visit, fulfilment_id: FulfilmentId, parcel_id: ParcelId | None, refused: str = "") -> Answer:
    weight = _weight(visit)
    async with visit.read() as reader:
        one = await fulfilment.get(reader, fulfilment_id)
        if parcel_id is None:
            raise NotFound(kind="parcel", id="")
        boxes = await fulfilment.parcels(reader, [one.id])
        parcel = next((each for each in boxes if each.id == parcel_id), None)
        if parcel is None:
            raise NotFound(kind="parcel", id=parcel_id)
        found, problem = await _described(reader, one, parcel_id, weight)
        zone = zone_of(await locations.get(reader, one.location_id))
        ruling = await offers.ruling(
            reader, found.sent if found else None, within_days=_within(one, visit.page.now.astimezone(zone).date())
        )
        accounts = {account.id: account for account in await tracking.accounts.everything(reader)}
        own = await carriers.everything(reader)
        tag = (await tags(visit, reader, [parcel]))[parcel.id]
        people = await store_desk.workers(visit, reader, [one])
    today = visit.page.now.astimezone(zone).date()
    services = visit.console.services
    told, sealed = Offers((), ()), not tag.open
    if found is not None and not sealed:
        told = await offers.ask(
            visit.database, services.carriage, found.shipment, ruling, found.currency, visit.page.now, relax=True
        )
    formats = sorted(
        {kind for one in accounts.values() if one.connector in services.carriage.kinds
         for kind in services.carriage.kinds[one.connector].info.formats}
    )  # fmt: skip
    before = visit.request.cookies.get(_FORMAT_COOKIE, "")
    return visit.respond(
        "store/label.html",
        "store/_label.html",
        status=409 if refused else 200,
        one=one,
        parcel=parcel,
        box_id=to_text(PARCEL_PREFIX, parcel_id),
        task=store_desk.task(visit, one, people),
        action=f"/store/pack/{store_desk.text_of(one.id)}/label",
        back=f"/store/pack/{store_desk.text_of(one.id)}",
        choices=[_choice(visit, each, told, one, today) for each in told.offered],
        why=" ".join(part for part in (rule_words(visit, ruling), _why(visit, told, one, ruling)) if part),
        silent=[
            (accounts[each.account_id].name if each.account_id in accounts else "", code_words(visit, each.code, each.problem))
            for each in told.silent
        ],
        weight=found.shipment.parcel.weight if found else weight or "",
        sealed=sealed,
        formats=[(kind.value, kind.value.upper()) for kind in formats] or [("pdf", "PDF")],
        chosen_format=before if before in {kind.value for kind in formats} else "pdf",
        any_account=anybody(accounts.values(), own),
        refused=refused or (visit.say(problem) if problem else ""),
    )


async def _described(reader: Reader, one: Fulfilment, parcel_id: ParcelId, weight: int) -> tuple[Box | None, str]:
    """The box as carriers are told of it; or why it cannot be told, as a field of the form is wrong."""
    try:
        return await box(reader, one.id, parcel_id, weight), ""
    except Refusal as refusal:
        if refusal.code != "invalid":
            raise
        return None, N_("Nobody knows what this box weighs. Type it from the scales, then ask the carriers again.")


def _weight(visit: Visit) -> int:
    text = visit.fields().raw("weight") if visit.given is not None else visit.param("weight").strip()
    return min(int(text), _MOST_WEIGHT) if text.isascii() and text.isdigit() else 0


def _within(one: Fulfilment, today: date) -> int | None:
    """Days that the carrier has; None where nothing was promised and there is no hurry."""
    if one.promised_on is not None:
        return max(0, (one.promised_on - today).days)
    return _EXPRESS_DAYS if one.service is Service.EXPRESS else None


def _choice(visit: Visit, each: Offered, told: Offers, one: Fulfilment, today: date) -> Choice:
    rate, locale = each.rate, visit.page.locale
    arrives = rate.deliver_on or (None if rate.days is None else today + timedelta(days=rate.days))
    parts: list[str] = []
    if rate.days is not None:
        parts.append(visit.says("%(num)s day", "%(num)s days", rate.days))
    if rate.deliver_on is not None:
        day = formatting.day(rate.deliver_on, locale, visit.page.zone)
        parts.append(visit.say(N_("there on %(day)s"), day=day))
    if arrives is not None and one.promised_on is not None:
        parts.append(visit.say(N_("arrives in time") if arrives <= one.promised_on else N_("arrives too late")))
    if each.counts.promised:
        share = formatting.percent(each.counts.on_time / each.counts.promised, locale, 0)
        parts.append(visit.say(N_("%(share)s on time of %(count)s"), share=share, count=each.counts.promised))
    if each.counts.lost or each.counts.damaged:
        parts.append(visit.says("%(num)s lost or damaged", "%(num)s lost or damaged", each.counts.lost + each.counts.damaged))
    return Choice(
        value="|".join((to_text(ACCOUNT_PREFIX, each.account_id), str(rate.cost.minor), rate.cost.currency, rate.service)),
        name=_name(each),
        price=formatting.money(rate.cost, None, locale),
        words=" · ".join(parts),
        against=visit.say(AGAINST_WORDS[each.against]) if each.against in AGAINST_WORDS else each.against,
        chosen=each is told.best,
    )


def _name(each: Offered) -> str:
    """Carrier and service; of a service by our own tables the name that we gave it."""
    rate = each.rate
    if rate.carrier == rate.service and rate.name:
        return rate.name
    return " ".join(dict.fromkeys(part for part in (rate.carrier, rate.name or _service(rate.service)) if part))


def rule_words(visit: Visit, ruling: tracking.Ruling) -> str:
    """Which rule of the house decides who may carry it; empty where none fits."""
    if ruling.rule is None:
        return ""
    if ruling.rule.name:
        return visit.say(N_("Rule %(number)s decides: “%(name)s”."), number=ruling.rule_no, name=ruling.rule.name)
    return visit.say(N_("Rule %(number)s decides."), number=ruling.rule_no)


def _why(visit: Visit, told: Offers, one: Fulfilment, ruling: tracking.Ruling) -> str:
    """Why the first is proposed, in a sentence."""
    best = told.best
    if best is None:
        return visit.say(N_("None of these may be taken by the rules of the house. Choose one all the same, if you have to."))
    allowed = [each for each in told.offered if each.real_cost is not None]
    cheapest = all(best.rate.cost.minor <= each.rate.cost.minor for each in allowed)
    behind = ruling.shares and any((each.real_cost or 0) < (best.real_cost or 0) for each in allowed)
    reasons = (
        (told.late, N_("None is quick enough for the promised day. This is the best of them all the same.")),
        (_is_preferred(best, allowed, ruling), N_("It is the best of those that the rule prefers.")),
        (len(allowed) == 1, N_("It is the only one that may be taken.")),
        (behind, N_("Its carrier is furthest behind its share of the load.")),
        (cheapest and one.promised_on is not None, N_("It costs least of those that arrive in time.")),
        (cheapest, N_("It costs least.")),
    )
    otherwise = N_("It is not the cheapest, but late or lost less often: with what that costs, it is the best.")
    return visit.say(next((words for holds, words in reasons if holds), otherwise))


def _is_preferred(best: Offered, allowed: Sequence[Offered], ruling: tracking.Ruling) -> bool:
    """Whether it goes before one that would have been better."""
    wanted = [one for one in ruling.effects if one.do is tracking.Do.PREFER]
    own = any(one.means(best.rate.carrier, best.rate.service) for one in wanted)
    return own and any((each.real_cost or 0) < (best.real_cost or 0) for each in allowed)


# Buying


@area.post("/store/pack/{fulfilment_id:str}/label", Permission.FULFIL)
async def buy_label(visit: Visit) -> Answer:
    fulfilment_id, fields = store_desk.id_of(visit), visit.fields()
    parcel_id = ParcelId(fields.id("parcel", PARCEL_PREFIX))
    kind = fields.choice("format", LabelFormat, LabelFormat.PDF)
    account_id, service, at_most = _offer(fields)
    weight = _weight(visit)
    back = f"/store/pack/{store_desk.text_of(fulfilment_id)}"
    if fields.raw("again"):  # another weight: carriers are asked anew
        return await _choose(visit, fulfilment_id, parcel_id)
    try:
        fields.done()
        async with visit.read() as reader:
            found = await box(reader, fulfilment_id, parcel_id, weight)
        wanted = tracking.labels.Wanted(
            account_id=account_id,
            subject_id=found.parcel_id,
            order_id=found.order_id,
            shipment=found.shipment,
            service=service,
            format=kind,
            at_most=at_most,
        )
        label = await buy(visit.console.services.parcels, visit.database, wanted, visit.context)
    except (Refusal, Fault) as problem:
        if not _is_carriers(problem):
            raise
        if problem.code == "outcome_unknown":
            return visit.finish(Done(back, problem_words(visit, problem), tone="warn"))
        return await _choose(visit, fulfilment_id, parcel_id, problem_words(visit, problem))
    visit.set_cookie(_FORMAT_COOKIE, kind.value, _YEAR)
    return visit.finish(_bought(visit, back, label))


def _bought(visit: Visit, back: str, label: PurchasedLabel) -> Done:
    if label.state is LabelState.BOUGHT:
        name = f"{label.carrier} {label.tracking_number}".strip()
        return Done(back, visit.say(N_("The label is bought: %(name)s."), name=name))
    return Done(back, visit.say(N_("The label is not there. Choose again.")), tone="warn")


def _is_carriers(problem: Refusal | Fault) -> bool:
    """What is shown beside the box, rather than as a page of its own."""
    return not isinstance(problem, NotFound) and problem.code not in {"database_unavailable", "contended"}


def _offer(fields: Fields) -> tuple[AccountId, str, Money | None]:
    parts = fields.raw("offer").split("|", 3)
    try:
        account, cost, currency, service = parts
        return AccountId(from_text(ACCOUNT_PREFIX, account)), service[:200], Money(int(cost), Currency(currency[:3]))
    except (ValueError, AssertionError):
        fields.refuse("offer", N_("Choose one."))
        return AccountId(UUID(int=0)), "", None


# Looking for one, giving one back, printing


@area.post("/store/labels/{label_id:str}/{step:str}", Permission.FULFIL)
async def label_step(visit: Visit) -> Answer:
    """Looks for a label that is in doubt, or gives one back."""
    label_id, step = LabelId(visit.path_id("label_id", LABEL_PREFIX)), visit.path("step")
    desk = visit.console.services.parcels
    async with visit.read() as reader:
        label = await tracking.labels.get(reader, label_id)
        boxes = await fulfilment.some_parcels(reader, [ParcelId(label.subject_id)])
    back = f"/store/pack/{store_desk.text_of(boxes[0].fulfilment_id)}" if boxes else "/store/pack"
    try:
        if step == "look":
            after = await desk.settle(label_id, visit.context, buy=False)
        elif step == "give-back":
            after = await desk.void(label_id, visit.context)
        else:
            raise NotFound(kind="page", id=step[:40])
    except (Refusal, Fault) as problem:
        if not _is_carriers(problem):
            raise
        return visit.finish(Done(back, problem_words(visit, problem), tone="bad"))
    if step == "look":
        return visit.finish(_bought(visit, back, after))
    return visit.finish(_given_back(visit, back, after))


def _given_back(visit: Visit, back: str, label: PurchasedLabel) -> Done:
    match label.state:
        case LabelState.VOIDED:
            return Done(back, visit.say(N_("The label is given back.")))
        case LabelState.VOIDING:
            return Done(back, visit.say(N_("The carrier takes its time to take the label back.")))
        case _:
            words = visit.say(N_("The carrier does not take the label back; it stays paid for."))
            return Done(back, words, detail=label.problem, tone="warn")


@area.get("/store/labels/{label_id:str}/paper", Permission.ORDERS_READ)
async def label_paper(visit: Visit) -> Answer:
    """The carrier's own label, in the format that it was bought in."""
    label_id = LabelId(visit.path_id("label_id", LABEL_PREFIX))
    async with visit.read() as reader:
        label = await tracking.labels.get(reader, label_id)
    if label.state is not LabelState.BOUGHT:
        raise NotFound(kind="label", id=label_id)
    try:
        content = await visit.console.services.parcels.document(label_id)
    except Fault as fault:
        words = visit.say(N_("The carrier does not give out the paper of this label just now."))
        return visit.respond(
            "store/no_label.html", status=503, words=words, problem=problem_words(visit, fault), again=visit.page.url
        )
    return visit.file(f"{label.tracking_number or label.reference}.{label.format.value}", content, _TYPES[label.format])
