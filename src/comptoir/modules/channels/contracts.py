"""What crosses the door of channels."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, NewType
from uuid import UUID

from comptoir.modules.locations.contracts import PoolId
from comptoir.modules.pricing.contracts import Market
from comptoir.runtime.events import Event

ChannelId = NewType("ChannelId", UUID)

CHANNEL_PREFIX = "chan"


class ChannelKind(StrEnum):
    WEB = "web"
    APP = "app"
    POS = "pos"
    MARKETPLACE = "marketplace"
    SOCIAL = "social"
    PHONE = "phone"
    EMAIL = "email"
    B2B = "b2b"
    AGENT = "agent"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishRules:
    """How much of what its pool holds a channel may promise; `domain.publishable` is what they mean.

    Quantities are in the SKU's unit. The default is everything.
    """

    buffer: int = 0
    """Held back from this channel."""
    publish_percent: int = 100
    """Of what is left, rounded down."""
    publish_max: int | None = None
    """At most so many, however many there are."""
    publish_min: int = 0
    """At least so many where there are, whatever the percentage says."""
    stop_below: int = 0
    """Nothing at all while the whole pool has fewer available than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelDraft:
    """A channel as somebody wants it. `hold_for` is how many seconds a cart keeps what is put into it."""

    code: str
    name: str
    kind: ChannelKind
    pool_id: PoolId
    market: str
    active: bool = True
    backorder: bool = False
    """Whether it may take orders for what is not there now."""
    rules: PublishRules = field(default_factory=PublishRules)
    hold_for: int = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel(ChannelDraft):
    """A channel as it is. It is also a draft: `replace(channel, active=False)` is what `update` takes."""

    id: ChannelId
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelFilter:
    """None and empty do not filter. `search` is words of the name, or the beginning of the code."""

    search: str = ""
    kind: ChannelKind | None = None
    active: bool | None = None
    pool: PoolId | None = None
    market: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SellingChannel:
    """Everything that selling through a channel needs to know of it."""

    id: ChannelId
    code: str
    name: str
    kind: ChannelKind
    active: bool
    market: Market
    pool_id: PoolId
    backorder: bool
    rules: PublishRules
    hold_for: int


class ChannelChanged(Event, frozen=True, kw_only=True):
    """A channel was made, or something about it changed: its pool, its rules, its market, whether it sells."""

    type: ClassVar[str] = "channel.changed"
    channel_id: ChannelId
    code: str
    created: bool = False

    @property
    def subject(self) -> UUID | None:
        return self.channel_id
