"""The terms on which something may come back: written as sentences, asked in their order, tried out on an order."""

from __future__ import annotations

from dataclasses import dataclass

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound, Refusal
from comptoir.kernel.ids import to_text
from comptoir.kernel.money import Currency
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import POLICY_PREFIX, Policy, PolicyDraft, PolicyId, Reason
from comptoir.modules.orders import api as orders
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader, Tx
from comptoir.surfaces.changing import SETTING
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.pages import lists, picks, return_finding
from comptoir.surfaces.console.pages import return_policy_goods as goods
from comptoir.surfaces.console.pages.amounts import affixes
from comptoir.surfaces.console.pages.naming import channels_of
from comptoir.surfaces.console.pages.return_policy_form import (
    NO_PRODUCT,
    PATH,
    TAKING_WORDS,
    Sheet,
    choices,
    currency_of,
    fitting,
    known_categories,
    read,
    sentence,
    typed,
    with_id,
    written,
)
from comptoir.surfaces.console.pages.return_words import METHOD_WORDS, MOMENT_WORDS, REASON_WORDS, verdict_words
from comptoir.surfaces.console.web import Answer, Area, Done, Visit

area = Area("returns")

HERE = "/returns/policies"


@dataclass(frozen=True, slots=True)
class Tried:
    """What would hold for a line of an order."""

    name: str
    allowed: bool
    words: str
    fee: str
    policy: str


@area.get(HERE, Permission.ORDERS_READ)
async def policy_list(visit: Visit) -> Answer:
    async with visit.read() as reader:
        found = await changes.all_policies(reader)
        channels = dict((await channels_of(visit, reader)).options)
        currency = await currency_of(reader)
        names = await lists.goods(reader, {sku for one in found for sku in one.skus[: picks.SHOWN + 1]})
        number, tried, problem = await _tried(visit, reader, None)
    return visit.respond(
        "returns/policies.html",
        rows=[(one, policy_href(one), sentence(visit, one, channels, currency, names)) for one in found],
        standard=sentence(visit, changes.STANDARD, channels, currency, names),
        may_write=visit.may(Permission.CHANNELS_WRITE),
        action=HERE,
        reasons=lists.options_of(visit, REASON_WORDS),
        number=number,
        reason=visit.param("reason") or Reason.CHANGED_MIND.value,
        tried=tried,
        problem=problem,
    )


def policy_href(one: Policy) -> str:
    assert one.id is not None, "those that are kept have one"
    return f"{HERE}/{to_text(POLICY_PREFIX, one.id)}"


async def _tried(
    visit: Visit, reader: Reader, draft: Policy | None, number: str = "", reason: str = ""
) -> tuple[str, list[Tried], str]:
    """What would be allowed for the order that was named, with this draft among the policies."""
    number = (number or visit.param("order")).strip()[:40]
    reason = reason or visit.param("reason")
    if not number:
        return "", [], ""
    unknown = visit.say(N_("No order has this number."))
    text = return_finding.plain(number)
    if not text.isdecimal() or int(text) >= 2**63:
        return number, [], unknown
    try:
        order = (await orders.by_number(reader, int(text))).order
    except NotFound:
        return number, [], unknown
    why = Reason(reason) if reason in set(Reason) else Reason.CHANGED_MIND
    found = await changes.try_out(reader, order.id, why, SETTING, visit.page.now, draft)
    names = {line.line_no: line.name or line.sku or "" for line in order.lines}
    rows = [
        Tried(
            names[no],
            verdict.allowed,
            verdict_words(visit, verdict),
            formatting.money(verdict.fee, order.currency, visit.page.locale) if verdict.fee else "",
            _name(visit, found.fits[no], draft),
        )
        for no, verdict in found.verdicts.items()
    ]
    return number, rows, "" if rows else visit.say(N_("The buyer has nothing of this order that could come back."))


def _name(visit: Visit, fits: Policy, draft: Policy | None) -> str:
    if draft is not None and fits is draft:
        return visit.say(N_("this policy"))
    return visit.say(N_("the standard terms")) if fits.id is None else fits.code


@area.get(f"{HERE}/new", Permission.CHANNELS_WRITE)
async def new_policy(visit: Visit) -> Answer:
    async with visit.read() as reader:
        currency = await currency_of(reader)
        found = await changes.all_policies(reader)
    position = (max([one.position for one in found], default=0) // 10 + 1) * 10
    return await _show(visit, None, written(PolicyDraft(code="", position=position), currency, visit.page.locale))


@area.get(f"{HERE}/categories", Permission.CHANNELS_WRITE)
async def category_search(visit: Visit) -> Answer:
    """The categories that fit what is being typed."""
    async with visit.read() as reader:
        found = fitting(await known_categories(reader), visit.param("category"))
    return visit.fragment("returns/_categories.html", categories=found)


@area.get(f"{HERE}/products", Permission.CHANNELS_WRITE)
async def product_search(visit: Visit) -> Answer:
    """The products that fit what is being typed, to be ticked."""
    async with visit.read() as reader:
        found = await goods.found_goods(reader, visit.param(goods.FIND))
    return visit.fragment("returns/_found_skus.html", found=found, named=False)


@area.get(f"{HERE}/{{policy_id:str}}", Permission.ORDERS_READ)
async def policy_page(visit: Visit) -> Answer:
    async with visit.read() as reader:
        policy = await changes.get_policy(reader, _id(visit))
        currency = await currency_of(reader)
    return await _show(visit, policy, written(policy, currency, visit.page.locale, policy.version))


def _id(visit: Visit) -> PolicyId:
    return PolicyId(visit.path_id("policy_id", POLICY_PREFIX))


async def _show(
    visit: Visit, policy: Policy | None, sheet: Sheet, refused: str = "", draft: PolicyDraft | None = None
) -> Answer:
    fields = visit.fields() if visit.given is not None else None
    async with visit.read() as reader:
        currency = await currency_of(reader)
        options = await choices(visit, reader, sheet)
        own = None if draft is None else with_id(draft, policy)
        number, tried, problem = await _tried(
            visit, reader, own or policy, fields.raw("order") if fields else "", fields.raw("reason") if fields else ""
        )
    return visit.respond(
        "returns/policy.html",
        "returns/_policy.html",
        status=422 if refused or sheet.errors else 200,
        policy=policy,
        sheet=sheet,
        picks=options.picks,
        categories=options.categories,
        searched=options.searched,
        skus=options.skus,
        no_product=visit.say(NO_PRODUCT),
        found=options.found,
        href=f"{HERE}/new" if policy is None else policy_href(policy),
        title=visit.say(N_("New return policy")) if policy is None else policy.code,
        refused=refused,
        coin=affixes(currency, visit.page.locale),
        kinds=lists.options_of(visit, TAKING_WORDS),
        moments=lists.options_of(visit, MOMENT_WORDS),
        methods=lists.options_of(visit, METHOD_WORDS),
        reasons=lists.options_of(visit, REASON_WORDS),
        number=number,
        reason=(fields.raw("reason") if fields else "") or Reason.CHANGED_MIND.value,
        tried=tried,
        problem=problem,
        may_write=visit.may(Permission.CHANNELS_WRITE),
    )


@area.post(f"{HERE}/new", Permission.CHANNELS_WRITE)
async def create(visit: Visit) -> Answer:
    return await _save(visit, None)


@area.post(f"{HERE}/{{policy_id:str}}", Permission.CHANNELS_WRITE)
async def change(visit: Visit) -> Answer:
    async with visit.read() as reader:
        policy = await changes.get_policy(reader, _id(visit))
    return await _save(visit, policy)


async def _save(visit: Visit, policy: Policy | None) -> Answer:
    fields = visit.fields()
    step = fields.raw("step")
    if step == goods.STEP:
        return await _show(visit, policy, typed(fields))
    async with visit.read() as reader:
        currency: Currency = await currency_of(reader)
        categories = {"", *await known_categories(reader), *([PATH.join(policy.category)] if policy is not None else [])}
        skus = await goods.read_skus(reader, fields, () if policy is None else policy.skus)
    draft = read(fields, currency, skus)
    if PATH.join(draft.category) not in categories:
        fields.refuse("category", N_("No product of yours is in this category."))
    if step == "try":
        return await _show(visit, policy, typed(fields), draft=None if fields.errors else draft)

    async def work(tx: Tx) -> Done:
        if policy is None or policy.id is None:
            made = await changes.create_policy(tx, draft)
            await visit.record(tx, "return_policy.created", made.code, {"code": made.code})
            return Done(HERE, visit.say(N_("The return policy is written down.")))
        version = fields.whole("version", least=1)
        await changes.update_policy(tx, policy.id, draft, version=version)
        await visit.record(tx, "return_policy.changed", draft.code, {"code": draft.code})
        return Done(HERE, visit.say(N_("The return policy is changed.")))

    try:
        fields.done()
        return await visit.act(work)
    except NotFound:
        raise
    except Refusal as refusal:
        words = visit.say(N_("Something is not right yet.")) if fields.errors else visit.refusal(refusal)
        return await _show(visit, policy, typed(fields), words, None if fields.errors else draft)
