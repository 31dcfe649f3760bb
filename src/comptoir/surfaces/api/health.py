"""Is this process alive, can it serve, and what are its figures."""

from __future__ import annotations

import asyncio
import ipaddress
from functools import lru_cache
from typing import Literal

import psycopg

from comptoir.kernel.errors import Fault, Refusal
from comptoir.migrations import schema
from comptoir.modules.staff.errors import Unauthenticated
from comptoir.runtime.metrics import CONTENT_TYPE
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.operations import Answer, Resource
from comptoir.surfaces.api.shapes import Shape

health = Resource("Health", "For whoever runs Comptoir: probes and figures.")

_READY_WITHIN = 3.0


class Alive(Shape, frozen=True, kw_only=True):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Ready(Shape, frozen=True, kw_only=True):
    """The process can take orders."""

    status: Literal["ready"] = "ready"


class NotReady(Refusal):
    """The process cannot serve now: `data` says of `database`, `migrations` and `desk` which are as they should be."""

    code = "not_ready"
    status = 503
    title = "Not ready"


@health.get("/healthz", public=True, quiet=True)
async def healthz(call: Call) -> Answer[Alive]:
    """Say whether the process is alive.

    It looks at nothing but itself: restart the process when this does not answer.
    """
    return call.answer(Alive())


@health.get("/readyz", public=True, quiet=True, refuses=(NotReady,))
async def readyz(call: Call) -> Answer[Ready]:
    """Say whether the process can serve.

    503 tells a load balancer to ask another process: the database does not answer, it is at another version, or this process is
    starting or stopping.
    """
    found, desk = await _version(call), call.services.ready.is_set()
    if found != _needed() or not desk:
        raise NotReady(database=found is not None, migrations=found == _needed(), desk=desk)
    return call.answer(Ready())


async def _version(call: Call) -> str | None:
    """What the database's version is; None when it does not answer."""
    try:
        async with asyncio.timeout(_READY_WITHIN), call.reading() as reader:
            return str(await reader.value("SELECT version_num FROM public.alembic_version"))
    except psycopg.errors.UndefinedTable:
        return ""
    except (Fault, TimeoutError):
        return None


@lru_cache(maxsize=1)
def _needed() -> str:
    return schema.head()


@health.get("/metrics", public=True, quiet=True, content_type="text/plain", refuses=(Unauthenticated,))
async def metrics(call: Call) -> Answer[str]:
    """Give the figures of every process that was started with this one.

    In Prometheus' text format. The label `process` says whose they are; `comptoir_process_up` is 0 for one that does not answer
    within a second. Without a token only to callers on the same machine that came through no proxy.
    """
    if not _at_home(call):
        await call.authenticate()
    return Answer(200, await call.services.metrics.render_all(), CONTENT_TYPE.encode())


def _at_home(call: Call) -> bool:
    if b"x-forwarded-for" in call.headers or b"forwarded" in call.headers:
        return False
    try:
        return ipaddress.ip_address(call.address).is_loopback
    except ValueError:
        return False
