"""The rules of customers, as functions of values: how keys are written, and whom they mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from comptoir.kernel.checking import Checks
from comptoir.kernel.quantities import sku as printable_key
from comptoir.modules.customers.contracts import (
    EMAIL,
    LOYALTY,
    PHONE,
    CustomerDraft,
    CustomerId,
    Identity,
    Sighting,
    channel_kind,
)

MAX_TAGS = 50
MAX_NAME = 200
_MAX_EMAIL = 254
_MAX_PHONE = 40
_LOCALE = re.compile(r"([a-z]{2,3}([-_][A-Za-z0-9]{2,8})*)?")
_CHANNEL = "channel:"


@lru_cache(maxsize=8192)
def email(text: str) -> str:
    """The address in the one form that we compare; raises ValueError for what is not one. It does not ask the network.

    All in small letters: the part before the @ could by the letter of RFC 5321 tell `A` from `a`, but no mail provider does,
    and buyers type it either way.
    """
    if len(text) > _MAX_EMAIL:
        msg = f"has at most {_MAX_EMAIL} characters"
        raise ValueError(msg)
    try:
        found = validate_email(text.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        msg = "is not an e-mail address"
        raise ValueError(msg) from None
    return found.normalized.lower()


@lru_cache(maxsize=8192)
def phone(text: str, region: str = "") -> str:
    """The number in E.164 (`+33612345678`); raises ValueError for what is not one.

    `region` is the country (ISO 3166-1 alpha-2) whose national numbers are understood; without it a number begins with `+`.
    """
    msg = "is not a phone number; begin with + and the country code"
    if len(text) > _MAX_PHONE:
        raise ValueError(msg)
    try:
        number = phonenumbers.parse(text, region.upper() or None)
    except phonenumbers.NumberParseException:
        raise ValueError(msg) from None
    if not phonenumbers.is_possible_number(number):
        raise ValueError(msg)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def number(text: str) -> str:
    """A loyalty number or an account's id, without spaces at its ends; raises ValueError for what cannot be one."""
    try:
        return printable_key(text)
    except ValueError:
        msg = "has 1 to 80 printable characters"
        raise ValueError(msg) from None


def identity(kind: str, text: str, region: str = "") -> Identity:
    """The key in its one form; raises ValueError for an unknown kind and for a value that is none."""
    if kind == EMAIL:
        return Identity(kind, email(text))
    if kind == PHONE:
        return Identity(kind, phone(text, region))
    if kind == LOYALTY or (kind.startswith(_CHANNEL) and len(kind) > len(_CHANNEL)):
        return Identity(kind, number(text))
    msg = "is of no kind that we know: email, phone, loyalty or channel:<code>"
    raise ValueError(msg)


def identities(sighting: Sighting) -> list[Identity]:
    """The keys of a buyer that can be used, in order. An order of a channel is a fact: a key that is none is left out."""
    buyer = sighting.buyer
    told = [(EMAIL, buyer.email), (PHONE, buyer.phone), (LOYALTY, buyer.loyalty_number)]
    if sighting.channel:
        told.append((channel_kind(sighting.channel), buyer.external_id))
    found = [_usable(kind, text, sighting.region) for kind, text in told if text]
    return sorted(key for key in found if key is not None)


def _usable(kind: str, text: str, region: str) -> Identity | None:
    try:
        return identity(kind, text, region)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Owner:
    """Whom a key means. Of two customers the older is the one that was there first."""

    customer_id: CustomerId
    since: datetime

    @property
    def age(self) -> tuple[datetime, CustomerId]:
        return self.since, self.customer_id


@dataclass(slots=True)
class Recognition:
    """Whom each sighting is of, and what has to be written for that to hold."""

    customers: list[CustomerId | None] = field(default_factory=list[CustomerId | None])
    created: dict[CustomerId, CustomerDraft] = field(default_factory=dict[CustomerId, CustomerDraft])
    attached: dict[Identity, CustomerId] = field(default_factory=dict[Identity, CustomerId])
    conflicts: dict[tuple[CustomerId, ...], set[str]] = field(default_factory=dict[tuple[CustomerId, ...], set[str]])
    """The customers that one buyer had keys of, the oldest first, with the kinds of these keys."""
    told: dict[CustomerId, CustomerDraft] = field(default_factory=dict[CustomerId, CustomerDraft])
    """Names of customers who were there: they fill what is empty."""


def recognise(
    sightings: Sequence[tuple[Sighting, Sequence[Identity]]],
    owners: Mapping[Identity, Owner],
    new_id: Callable[[], CustomerId],
    now: datetime,
) -> Recognition:
    """Goes through the sightings in order, each with its keys; what one brings to be known, the later ones know.

    Whoever has no key at all is nobody (None). One key of a customer is enough. Keys of several customers mean the oldest of
    them, who also gets the keys that nobody had; those that another had stay there.
    """
    known = dict(owners)
    result = Recognition()
    for sighting, keys in sightings:
        if not keys:
            result.customers.append(None)
            continue
        found = {known[key].customer_id: known[key] for key in keys if key in known}
        oldest = min(found.values(), key=lambda owner: owner.age, default=None)
        draft = named(sighting)
        if oldest is None:
            oldest = Owner(new_id(), now)
            result.created[oldest.customer_id] = draft
        elif oldest.customer_id in result.created:
            result.created[oldest.customer_id] = filled(result.created[oldest.customer_id], draft)
        elif draft.name or draft.company:
            result.told[oldest.customer_id] = filled(result.told.get(oldest.customer_id, CustomerDraft()), draft)
        if len(found) > 1:
            several = tuple(owner.customer_id for owner in sorted(found.values(), key=lambda owner: owner.age))
            result.conflicts.setdefault(several, set()).update(key.kind for key in keys if key in known)
        for key in keys:
            if key not in known:
                known[key] = oldest
                result.attached[key] = oldest.customer_id
        result.customers.append(oldest.customer_id)
    return result


def named(sighting: Sighting) -> CustomerDraft:
    """What a buyer says of themselves; what cannot be stored is cut off or left out."""
    checks = Checks()
    return CustomerDraft(
        name=checks.words("name", " ".join(sighting.buyer.name.split())[:MAX_NAME]),
        company=checks.words("company", " ".join(sighting.buyer.company.split())[:MAX_NAME]),
    )


def filled(there: CustomerDraft, told: CustomerDraft) -> CustomerDraft:
    """Only what is empty is filled: a name that somebody typed is not overwritten by a channel's."""
    return replace(there, name=there.name or told.name, company=there.company or told.company)


def checked(draft: CustomerDraft, checks: Checks) -> CustomerDraft:
    """The draft with clean values; what is wrong with it is in `checks`."""
    locale = draft.locale.strip()
    checks.require("locale", _LOCALE.fullmatch(locale) is not None, "is a language tag such as fr or en-GB")
    tags = [checks.words(f"tags[{n}]", tag, least=1, most=60) for n, tag in enumerate(draft.tags)]
    checks.require("tags", len(tags) <= MAX_TAGS, f"are at most {MAX_TAGS}")
    return replace(
        draft,
        name=checks.words("name", draft.name),
        company=checks.words("company", draft.company),
        locale=locale,
        tags=tuple(sorted(set(tags))),
    )
