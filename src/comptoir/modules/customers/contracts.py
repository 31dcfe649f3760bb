"""What crosses the door of customers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, NewType
from uuid import UUID

from comptoir.runtime.events import Event
from comptoir.sdk.orders import Buyer

CustomerId = NewType("CustomerId", UUID)

CUSTOMER_PREFIX = "cust"

EMAIL = "email"
PHONE = "phone"
LOYALTY = "loyalty"


def channel_kind(channel: str) -> str:
    """The kind of the account ids of a channel."""
    return f"channel:{channel}"


@dataclass(frozen=True, slots=True, order=True)
class Identity:
    """One key that a customer is known by. `kind` is email, phone, loyalty, or channel:<code>."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerDraft:
    """A customer as somebody wants it. `locale` is a BCP 47 tag, empty where nobody said."""

    name: str = ""
    company: str = ""
    locale: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer(CustomerDraft):
    """A customer as it is. It is also a draft: `replace(customer, name=…)` is what `update` takes."""

    id: CustomerId
    version: int
    created_at: datetime
    updated_at: datetime
    identities: tuple[Identity, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerFilter:
    """Empty does not filter. `search` is words of the name, or a whole e-mail address, phone or loyalty number."""

    search: str = ""
    tag: str = ""
    region: str = ""
    """The country of a phone number that is searched for without its country code."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A buyer as a channel met one. `region` is the country of phone numbers without a country code."""

    buyer: Buyer
    channel: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True)
class Upserted:
    """What a bulk did."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0


class CustomerCreated(Event, frozen=True, kw_only=True):
    """Events name the kinds of keys and never the keys: the log outlives what a customer may ask us to forget."""

    type: ClassVar[str] = "customer.created"
    customer_id: CustomerId
    kinds: tuple[str, ...] = ()

    @property
    def subject(self) -> UUID | None:
        return self.customer_id


class CustomerChanged(Event, frozen=True, kw_only=True):
    """Something about the customer changed, or `attached` kinds of keys came to be known."""

    type: ClassVar[str] = "customer.changed"
    customer_id: CustomerId
    attached: tuple[str, ...] = ()
    detached: tuple[str, ...] = ()

    @property
    def subject(self) -> UUID | None:
        return self.customer_id


class CustomerErased(Event, frozen=True, kw_only=True):
    """Nobody knows any more who this customer was; the id stays with what they bought."""

    type: ClassVar[str] = "customer.erased"
    customer_id: CustomerId

    @property
    def subject(self) -> UUID | None:
        return self.customer_id


class CustomerAmbiguous(Event, frozen=True, kw_only=True):
    """One buyer has keys of several customers: the oldest was taken, and nobody was merged."""

    type: ClassVar[str] = "customer.ambiguous"
    customer_id: CustomerId
    other_customer_ids: Sequence[CustomerId]
    kinds: tuple[str, ...]

    @property
    def subject(self) -> UUID | None:
        return self.customer_id
