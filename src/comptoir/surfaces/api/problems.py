"""Failures, told as problem details (RFC 9457): one shape for all of them, with a `code` that does not change."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgspec
import structlog

from comptoir.kernel.errors import Fault, Refusal, Remedy
from comptoir.runtime.limits import TooManyRequests
from comptoir.surfaces.api.identifiers import outward

log = structlog.get_logger("comptoir.api")

CONTENT_TYPE = b"application/problem+json"
_SELDOM = 10.0
"""Seconds between two lines in the log about requests that the world let down: in an outage it is all of them."""


class MalformedJson(Refusal):
    """The body is no JSON text in UTF-8, or is nested too deeply."""

    code = "malformed_json"
    status = 400
    title = "The body is not JSON"


class InvalidRequest(Refusal):
    """The request has not the form that OpenAPI describes. `errors` says where, in JSON pointers."""

    code = "invalid_request"
    status = 422
    title = "The request has not the form that is asked for"


class UnknownRoute(Refusal):
    """There is nothing at this address."""

    code = "unknown_route"
    status = 404
    title = "No such address"


class BadRequest(Refusal):
    """The HTTP request itself makes no sense."""

    code = "bad_request"
    status = 400
    title = "Bad request"


class MethodNotAllowed(Refusal):
    """`Allow` says which methods this address has."""

    code = "method_not_allowed"
    status = 405
    title = "This address has no such method"


class RequestTimeout(Refusal):
    """The body did not come in time. Nothing was done."""

    code = "request_timeout"
    status = 408
    title = "The body did not come in time"


class BodyTooLarge(Refusal):
    """`data.limit` is how many bytes the body may have."""

    code = "body_too_large"
    status = 413
    title = "The body is too large"


class NotJson(Refusal):
    """Send `Content-Type: application/json`."""

    code = "unsupported_media_type"
    status = 415
    title = "The body has to be JSON"


class FieldError(msgspec.Struct, frozen=True):
    """One thing that is wrong with the input."""

    path: str
    """A JSON pointer into the body, or into the parameters of the query; or the name of a header."""
    message: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why something was not done (RFC 9457)."""

    type: str
    """Where the code is explained."""
    title: str
    status: int
    code: str
    """Stable: programs decide by it."""
    request_id: str
    """Name it when you ask for help."""
    detail: str = ""
    errors: list[FieldError] = []
    """For input that is not valid: all that is wrong with it."""
    data: dict[str, Any] = {}
    """What the refusal is about, in values."""


@dataclass(frozen=True, slots=True)
class Told:
    """A failure as it goes out."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    code: str = ""


def tell(problem: Exception, request_id: str) -> Told:
    """The answer to a request that failed. A bug is logged here and tells nothing but the request's id."""
    match problem:
        case Refusal():
            return _refusal(problem, request_id)
        case Fault():
            return _fault(problem, request_id)
        case _:
            log.error("request_broke", exc_info=problem)
            title = "Something broke here"
            detail = "It is our mistake and has been noted. Whether anything was done is not known: retry with the same key."
            return _told(500, "internal_error", title, request_id, detail)


def _refusal(refusal: Refusal, request_id: str) -> Told:
    data = outward(refusal.data)
    errors = [FieldError(pointer(one["path"]), one["message"]) for one in _errors(data.pop("errors", None))]
    headers: list[tuple[bytes, bytes]] = []
    if isinstance(refusal, TooManyRequests):
        headers.append(_retry_after(float(str(refusal.data.get("retry_after", 1)))))
    if refusal.status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="comptoir"'))
    if isinstance(refusal, MethodNotAllowed):
        headers.append((b"allow", str(data.get("allow", "")).encode()))
    detail = "" if refusal.detail == refusal.title else refusal.detail
    return _told(refusal.status, refusal.code, refusal.title, request_id, detail, errors, data, tuple(headers))


def _errors(value: object) -> Sequence[Mapping[str, str]]:
    return cast("Sequence[Mapping[str, str]]", value) if value else ()


def _fault(fault: Fault, request_id: str) -> Told:
    log.warning("fault", code=fault.code, problem=fault.detail, remedy=fault.remedy.value, seldom=_SELDOM)
    if fault.status:
        return _told(fault.status, fault.code, fault.title, request_id, fault.detail, data=outward(fault.data))
    waits = fault.remedy is Remedy.WAIT
    detail = _FAULT_DETAILS.get(fault.code) or (
        "Nothing that was asked for has been acknowledged. Retry later with the same Idempotency-Key: it is done once."
        if waits
        else "Retrying will not help before somebody has put it right. Nothing has been acknowledged."
    )
    headers = (_retry_after(fault.retry_after or 1),) if waits else ()
    status = 503 if waits or fault.remedy is Remedy.MERCHANT else 502
    return _told(
        status, fault.code, _FAULT_TITLES.get(fault.code, "Temporarily not possible"), request_id, detail, headers=headers
    )


_FAULT_TITLES = {
    "database_unavailable": "The database does not answer",
    "contended": "Two requests were in each other's way",
    "outrun": "Somebody else was faster",
    "locked": "Somebody else holds what this needs",
    "overloaded": "More is waiting than will be done soon",
    "document_not_printed": "The document could not be printed",
    "documents_busy": "More documents wait to be printed than will be soon",
    "documents_unavailable": "This machine lacks the libraries that PDFs are made with",
}

_FAULT_DETAILS = {
    "documents_unavailable": (
        "Whoever looks after the server runs tools/pango.sh there, or installs libpango-1.0-0, libpangoft2-1.0-0 and "
        "libharfbuzz-subset0. Nothing has to be started anew."
    ),
}


def _retry_after(seconds: float) -> tuple[bytes, bytes]:
    return (b"retry-after", str(max(1, -int(-seconds // 1))).encode())


def _told(
    status: int,
    code: str,
    title: str,
    request_id: str,
    detail: str = "",
    errors: Sequence[FieldError] = (),
    data: Mapping[str, Any] | None = None,
    headers: tuple[tuple[bytes, bytes], ...] = (),
) -> Told:
    problem = Problem(
        type=f"/docs/errors#{code}",
        title=title,
        status=status,
        code=code,
        request_id=request_id,
        detail=detail,
        errors=list(errors),
        data=dict(data or {}),
    )
    return Told(status, msgspec.json.encode(problem), headers, code)


_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")
_HEADERS = frozenset({"Idempotency-Key", "If-Match", "Content-Type"})


def pointer(path: str) -> str:
    """`lines[3].sku`, as modules and msgspec (after its `$`) say it, as the JSON pointer `/lines/3/sku`."""
    bare = path.removeprefix("$")
    if bare.startswith("/") or bare in _HEADERS:
        return bare
    return "".join(f"/{index or name.replace('~', '~0').replace('/', '~1')}" for index, name in _STEP.findall(bare))


@dataclass(frozen=True, slots=True, order=True)
class CatalogueEntry:
    """One code, for the documentation."""

    code: str
    status: int
    title: str
    description: str


_INTERNAL = CatalogueEntry("internal_error", 500, "Something broke here", "A bug. It has been noted with the request's id.")


def error_catalogue() -> list[CatalogueEntry]:
    """Every code that this program can answer with, by code."""
    entries = {_INTERNAL}
    for refusal in _subclasses(Refusal):
        entries.add(CatalogueEntry(refusal.code, refusal.status, refusal.title, _words(refusal)))
    for fault in _subclasses(Fault):
        if fault.code != Fault.code:
            title = fault.title or _FAULT_TITLES.get(fault.code, "Temporarily not possible")
            entries.add(CatalogueEntry(fault.code, fault.status or 503, title, _words(fault)))
    return sorted(entries)


def _subclasses(kind: type[Any]) -> Iterator[type[Any]]:
    for one in kind.__subclasses__():
        if one.__module__.startswith("comptoir."):
            yield one
        yield from _subclasses(one)


def _words(kind: type[Any]) -> str:
    """Its own docstring; an inherited one would explain something else."""
    return inspect.cleandoc(kind.__doc__) if "__doc__" in vars(kind) and kind.__doc__ else ""
