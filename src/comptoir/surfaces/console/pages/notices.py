"""What buyers were told: which messages went out, which have not, and sending those again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from comptoir.i18n import N_
from comptoir.kernel.ids import from_text, to_text
from comptoir.modules.notices import api as notices
from comptoir.modules.notices.contracts import (
    NOTICE_PREFIX,
    Medium,
    Notice,
    NoticeFilter,
    NoticeId,
    NoticeKind,
    NoticeState,
)
from comptoir.modules.notices.errors import UnknownNotice
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader, Tx
from comptoir.surfaces.console.pages import lists
from comptoir.surfaces.console.pages.naming import channels_of
from comptoir.surfaces.console.pages.orders import order_href
from comptoir.surfaces.console.pages.parcel_words import NOTICE_WORDS
from comptoir.surfaces.console.pages.parcels_tabs import parcel_tabs
from comptoir.surfaces.console.pages.parcels_words import MEDIUM_ICONS, MEDIUM_WORDS, NOTICE_STATE_WORDS, NOTICE_TONES, Tones
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Done, Visit, own_address

area = Area("parcels")

_HERE = "/notices"


@dataclass(frozen=True, slots=True)
class Row:
    notice: Notice
    id: str
    words: str
    medium: str
    icon: str
    state: str
    tones: Tones
    number: int | None
    order_href: str


async def _wanted(visit: Visit, reader: Reader) -> NoticeFilter | None:
    """None where the search means an order that there is not."""
    text = visit.param("q").strip().removeprefix("#")
    order_id = None
    if text:
        number = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
        order_id = await orders.id_of(reader, number)
        if order_id is None:
            return None
    return NoticeFilter(
        order_id=order_id,
        state=lists.chosen(visit, "state", NoticeState),
        channel=visit.param("channel"),
        kind=lists.chosen(visit, "kind", NoticeKind),
        medium=lists.chosen(visit, "medium", Medium),
        created_from=visit.day("on_from"),
        created_before=visit.day("on_to", end=True),
    )


@area.get(_HERE, Permission.ORDERS_READ)
async def notice_list(visit: Visit) -> Answer:
    sort = visit.sort(("created",), "-created")
    async with visit.read() as reader:
        wanted = await _wanted(visit, reader)
        if visit.wants_csv:
            return visit.csv("messages", [visit.say(word) for word in _COLUMNS], _exported(visit, wanted, sort))
        page = None
        if wanted is not None:
            page = await notices.find(reader, wanted, sort=sort, limit=PAGE_SIZE, cursor=visit.cursor)
        counts = await notices.counts(reader)
        senders = await notices.senders(reader)
        channels = await channels_of(visit, reader)
        found = page.items if page is not None else []
        numbers = await orders.numbers(reader, list({one.order_id for one in found}))
    kinds = [(kind.value, visit.say(word)) for kind, word in NOTICE_WORDS.items()]
    media = lists.options_of(visit, MEDIUM_WORDS)
    failed = any(one.state is NoticeState.FAILED for one in found)
    return visit.respond(
        "notices/list.html",
        "notices/_results.html",
        rows=[_row(visit, one, numbers) for one in found],
        before=page.previous if page is not None else None,
        after=page.next if page is not None else None,
        sort=sort,
        states=_tabs(visit, counts),
        kinds=kinds,
        media=media,
        channels=channels,
        chips=lists.chips(
            visit,
            [
                (N_("What"), "kind", dict(kinds)),
                (N_("How"), "medium", dict(media)),
                (N_("Channel"), "channel", dict(channels.options)),
                (N_("From"), "on_from", {}),
                (N_("To"), "on_to", {}),
            ],
        ),
        tabs=parcel_tabs(visit, "notices"),
        may_retry=visit.may(Permission.ORDERS_ACT) and failed,
        no_sender=not any(sender.active for sender in senders.values()),
        is_empty=not found and not visit.page.query,
    )


def _tabs(visit: Visit, counts: Mapping[NoticeState, int]) -> list[tuple[str, str, bool, int | None]]:
    state = visit.param("state")
    tabs: list[tuple[str, str, bool, int | None]] = [(visit.say(N_("All")), visit.page.href(state=None), not state, None)]
    return [
        *tabs,
        *(
            (visit.say(word), visit.page.href(state=code.value), state == code, counts.get(code) or None)
            for code, word in NOTICE_STATE_WORDS.items()
        ),
    ]


def _row(visit: Visit, one: Notice, numbers: Mapping[OrderId, int]) -> Row:
    return Row(
        one,
        to_text(NOTICE_PREFIX, one.id),
        visit.say(NOTICE_WORDS[one.kind]),
        visit.say(MEDIUM_WORDS[one.medium]),
        MEDIUM_ICONS[one.medium],
        visit.say(NOTICE_STATE_WORDS[one.state]),
        NOTICE_TONES[one.state],
        numbers.get(one.order_id),
        order_href(one.order_id),
    )


_COLUMNS = (
    N_("What"), N_("Order"), N_("Channel"), N_("How"), N_("Language"), N_("State"), N_("Attempts"), N_("Written"), N_("Sent"),
    N_("Problem"),
)  # fmt: skip


async def _exported(visit: Visit, wanted: NoticeFilter | None, sort: str) -> AsyncIterator[Sequence[object]]:
    if wanted is None:
        return
    async with visit.read() as reader:
        channels = await channels_of(visit, reader)
        async for some in lists.by_many(notices.stream(reader, wanted, sort=sort)):
            numbers = await orders.numbers(reader, list({one.order_id for one in some}))
            for one in some:
                yield (
                    visit.say(NOTICE_WORDS[one.kind]),
                    numbers.get(one.order_id),
                    channels[one.channel].name,
                    visit.say(MEDIUM_WORDS[one.medium]),
                    one.locale,
                    visit.say(NOTICE_STATE_WORDS[one.state]),
                    one.attempts,
                    one.created_at,
                    one.sent_at,
                    one.problem,
                )


@area.post(_HERE, Permission.ORDERS_ACT)
async def retry_notices(visit: Visit) -> Answer:
    """Those that are ticked, or the one whose button was pressed, are sent again with all the tries before them."""
    fields = visit.fields()
    one = fields.raw("one")
    ids = _ids([one] if one else fields.all("id"))
    back = own_address(fields.raw("back") or _HERE)

    async def work(tx: Tx) -> Done:
        again = 0
        for notice_id in ids:
            try:
                await notices.retry(tx, notice_id)
            except UnknownNotice:
                continue  # it has gone meanwhile, or whom it was for is forgotten
            await visit.record(tx, "notice.retried", to_text(NOTICE_PREFIX, notice_id))
            again += 1
        if not again:
            words = (
                N_("Tick what is to be sent again.") if not ids else N_("It cannot be sent again: its address is forgotten.")
            )
            return Done(back, visit.say(words), tone="warn")
        return Done(back, visit.says("%(num)s message is sent again.", "%(num)s messages are sent again.", again))

    return await visit.act(work)


def _ids(texts: Sequence[str]) -> list[NoticeId]:
    """In key order, each once; what is no id is nobody's."""
    found: set[NoticeId] = set()
    for text in texts:
        try:
            found.add(NoticeId(from_text(NOTICE_PREFIX, text)))
        except ValueError:
            continue
    return sorted(found)
