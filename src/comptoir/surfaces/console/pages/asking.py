"""Forms that open in a dialog, and are pages of their own without JavaScript or after a refusal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound, Refusal
from comptoir.runtime.database import Tx
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.web import Answer, Done, Visit

Work = Callable[[Tx], Awaitable[Done]]
Show = Callable[["Typed"], Awaitable[Answer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A form. `fields` is the template of what is in it, `back` where one goes who decides against it."""

    title: str
    fields: str
    action: str
    back: str
    confirm: str
    icon: str = "check"
    tone: Literal["primary", "danger"] = "primary"
    words: str = ""
    crumbs: Sequence[tuple[str, str]] = ()
    keep: bool = True
    """Whether the browser may remember what was typed until it has been sent."""


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody typed that was not taken, and why."""

    values: Mapping[str, str]
    errors: Mapping[str, str]
    refused: str
    refusal: Refusal | None = None


NOTHING_TYPED = Typed({}, {}, "")


def ask(visit: Visit, question: Question, typed: Typed, values: Mapping[str, object], **context: object) -> Answer:
    """The form with what it proposes, or with what was typed into it."""
    return visit.respond(
        "asking/form.html",
        "asking/_form.html",
        status=422 if typed.refused else 200,
        question=question,
        values=dict(values) | dict(typed.values),
        errors=typed.errors,
        refused=typed.refused,
        **context,
    )


async def answer(visit: Visit, fields: Fields, work: Work, show: Show) -> Answer:
    """Does what the form asks for, once; or shows it again with what is wrong and all that was typed."""
    try:
        fields.done()
        return await visit.act(work)
    except NotFound:
        raise
    except Refusal as refusal:
        return await show(typed_of(visit, fields, refusal))


def typed_of(visit: Visit, fields: Fields, refusal: Refusal, words: str = "") -> Typed:
    errors = fields.errors or _by_field(visit, fields, refusal)
    said = words or (visit.say(N_("Something is not right yet.")) if errors else visit.refusal(refusal))
    return Typed(fields.values, errors, said, refusal)


def _by_field(visit: Visit, fields: Fields, refusal: Refusal) -> dict[str, str]:
    """What a module says of values that have a field of the same name; it says it in English."""
    found = cast("Sequence[Mapping[str, str]]", refusal.data.get("errors", ()))
    named = {error["path"].removeprefix("rules."): error["message"] for error in found}
    if not named or not named.keys() <= fields.values.keys():
        return {}
    own = visit.say(N_("This cannot be taken as it is."))
    return {name: f"{own} ({words})" if visit.page.language == "en" else own for name, words in named.items()}
