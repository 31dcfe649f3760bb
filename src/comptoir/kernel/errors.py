"""The two failures that are expected: a business no, and a world that does not answer.

Everything else is a bug and is let through to the outermost edge.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not an error
    """A business no.

    A subclass is one reason: it has a stable `code`, an HTTP `status` and a `title` in English, and its `data` says what it was
    about in values rather than in prose, so that each surface words it in the reader's language.
    """

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 409
    title: ClassVar[str] = "Refused"

    def __init__(self, detail: str = "", **data: object) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.data = data

    def __reduce__(self) -> tuple[object, ...]:
        return (_restore_refusal, (type(self), self.detail, self.data))


def _restore_refusal(kind: type[Refusal], detail: str, data: dict[str, object]) -> Refusal:
    return kind(detail, **data)


class Invalid(Refusal):
    """The input does not say anything that could be done. `data["errors"]` is a list of {path, message}."""

    code = "invalid"
    status = 422
    title = "The input is not valid"


class NotFound(Refusal):
    """Nothing is known by that name. `data` has the kind and the id that were asked for."""

    code = "not_found"
    status = 404
    title = "Not found"


class Forbidden(Refusal):
    """Whoever asks may not do this."""

    code = "forbidden"
    status = 403
    title = "Not allowed"


class Conflict(Refusal):
    """What was asked contradicts what is there; `data` says what is."""

    code = "conflict"
    status = 409
    title = "Conflict"


class Stale(Refusal):
    """The caller decided on a version that has changed since (ETag or expected quantity)."""

    code = "stale"
    status = 412
    title = "This has changed since you read it"


class Remedy(StrEnum):
    """Who can put a fault right."""

    WAIT = "wait"
    """Time: retry later."""
    MERCHANT = "merchant"
    """The retailer: stop and ask (a wrong password, an unpaid account)."""
    NOBODY = "nobody"
    """No retry and no setting will help: park it for a person to look at."""


class Fault(Exception):  # noqa: N818 - named by what it is in the design
    """The world did not answer, or answered nonsense. An error is never an empty answer.

    A kind that whoever asked can put right has an HTTP `status` and a `title`; its detail and data are then for them.
    """

    code: ClassVar[str] = "fault"
    status: ClassVar[int] = 0
    title: ClassVar[str] = ""

    def __init__(self, detail: str, *, remedy: Remedy, retry_after: float | None = None, **data: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.remedy = remedy
        self.retry_after = retry_after
        self.data = data
