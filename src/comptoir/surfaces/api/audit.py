"""The audit trail: who did what, when, from where. It is read here, and written by what is done."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from comptoir.modules.staff import api
from comptoir.modules.staff.contracts import AuditEntry, AuditFilter, Scope
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import outward, parsed_actor, show_actor
from comptoir.surfaces.api.operations import Answer, PageOf, Resource
from comptoir.surfaces.api.shapes import PRINTABLE, Actor, Instant, PageQuery, Search, Shape

audit = Resource("Audit trail", "Who did what, when, from where: people, tokens and the system. Nothing changes or removes it.")

_Action = Annotated[str, Meta(max_length=100, pattern=r"^[a-z_]+(\.[a-z_]*)*$", examples=["token."])]
_Actor = Annotated[str, Meta(max_length=100, pattern=PRINTABLE, examples=["token:tok_01kag8v6w3e9n8r2t5y7z4c6bd"])]
_Subject = Annotated[str, Meta(max_length=200, pattern=PRINTABLE, examples=["ord_01kag8v6w3e9n8r2t5y7z4c6bd"])]


class AuditQuery(PageQuery, frozen=True, kw_only=True):
    search: Search = ""
    actor: Annotated[_Actor, Meta(description="Who did it, as `GET /v1/me` says it.")] = ""
    action: Annotated[_Action, Meta(description="An action, or the beginning of several: `token.`.")] | None = None
    subject: Annotated[_Subject, Meta(description="The id or name of what it was done to.")] = ""
    since: Instant | None = None
    until: Instant | None = None
    sort: Literal["time", "-time"] = "-time"


class AuditEntryShape(Shape, frozen=True, kw_only=True):
    """Somebody did something."""

    id: Annotated[int, Meta(examples=[42])]
    at: Instant
    actor: Actor
    action: Annotated[str, Meta(examples=["token.created"])]
    subject: Annotated[
        str, Meta(description="The id or name of what it was done to.", examples=["ord_01kag8v6w3e9n8r2t5y7z4c6bd"])
    ]
    data: dict[str, Any]
    address: Annotated[str, Meta(description="The network address that it was asked from.", examples=["192.0.2.7"])]
    request_id: str


@audit.get("/v1/audit", Scope.AUDIT_READ)
async def list_audit(call: Call, query: AuditQuery) -> Answer[PageOf[AuditEntryShape]]:
    """Read the audit trail."""
    wanted = AuditFilter(
        search=query.search,
        actor=parsed_actor(query.actor),
        action=query.action or "",
        subject=query.subject,
        since=query.since,
        until=query.until,
    )
    async with call.reading() as reader:
        page = await api.find_audit(reader, wanted, sort=query.sort, limit=query.limit, cursor=query.cursor)
    return call.page(page, _shape)


def _shape(entry: AuditEntry) -> AuditEntryShape:
    return AuditEntryShape(
        id=entry.id,
        at=entry.at,
        actor=show_actor(entry.actor),
        action=entry.action,
        subject=entry.subject,
        data=outward(entry.data),
        address=entry.address,
        request_id=entry.request_id,
    )
