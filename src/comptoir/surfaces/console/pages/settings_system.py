"""The system: versions, how far the consumers of events are, what they could not handle, and the jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from comptoir import __version__
from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound
from comptoir.kernel.ids import to_text
from comptoir.modules.staff.contracts import Permission
from comptoir.modules.webhooks.contracts import EVENT_PREFIX
from comptoir.runtime import jobs
from comptoir.runtime.consumers import ParkedEvent, discard, lag, parked, unpark
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.jobs import JobCount
from comptoir.surfaces.console.pages.settings_tabs import tabs
from comptoir.surfaces.console.web import Answer, Area, Done, Visit

area = Area("settings")

_DATABASE = """
SELECT current_setting('server_version'), pg_database_size(current_database()),
  (SELECT version_num FROM public.alembic_version), pg_postmaster_start_time()
"""
_LATE = 60.0
"""Seconds behind that are worth a look."""
JOB_WORDS: Mapping[str, str] = {
    "todo": N_("waiting"),
    "doing": N_("running"),
    "succeeded": N_("succeeded"),
    "failed": N_("failed"),
    "cancelled": N_("cancelled"),
    "aborted": N_("aborted"),
    "aborting": N_("being aborted"),
}


@dataclass(frozen=True, slots=True)
class Queue:
    """The jobs of one queue by what has become of them."""

    name: str
    counts: Mapping[str, int]


@area.get("/settings/system", Permission.AUDIT_READ)
async def system(visit: Visit) -> Answer:
    async with visit.read() as reader:
        row = await reader.row(_DATABASE)
        assert row is not None, "a row of settings is always there"
        consumers = await lag(reader)
        waiting = await parked(reader)
        queues = await _queues(reader)
    return visit.respond(
        "settings/system.html",
        app_version=__version__,
        server_version=str(row[0]).partition(" ")[0],
        size=row[1],
        schema=row[2],
        up_since=row[3],
        consumers=consumers,
        late=_LATE,
        parked=waiting,
        event_text=_event_text,
        queues=queues,
        job_words={code: visit.say(word) for code, word in JOB_WORDS.items()},
        pool=visit.database.stats(),
        may_act=visit.may(Permission.SETTINGS_WEBHOOKS),
        public_url=visit.console.settings.public_url,
        tabs=tabs(visit, "system"),
    )


def _event_text(event: ParkedEvent) -> str:
    return to_text(EVENT_PREFIX, event.event_id)


async def _queues(reader: Reader) -> list[Queue]:
    found: dict[str, dict[str, int]] = {}
    for one in await jobs.counts(reader):
        _count(found, one)
    return [Queue(name, counts) for name, counts in sorted(found.items())]


def _count(found: dict[str, dict[str, int]], one: JobCount) -> None:
    found.setdefault(one.queue, {})[one.status] = one.count


@area.post("/settings/system/parked/{consumer:str}/{event_id:str}/{step:str}", Permission.SETTINGS_WEBHOOKS)
async def act_on_parked(visit: Visit) -> Answer:
    consumer, step = visit.path("consumer"), visit.path("step")
    event_id = UUID(int=visit.path_id("event_id", EVENT_PREFIX).int)

    async def work(tx: Tx) -> Done:
        match step:
            case "unpark":
                await unpark(tx, consumer, event_id)
                words = visit.say(N_("It is handled again. If it breaks once more, it comes back here."))
            case "discard":
                await discard(tx, consumer, event_id)
                words = visit.say(N_("It is given up: this consumer will never see it."))
            case _:
                raise NotFound(kind="page", id=step)
        await visit.record(tx, f"event.{step}", to_text(EVENT_PREFIX, event_id), {"consumer": consumer})
        return Done("/settings/system", words)

    return await visit.act(work)
