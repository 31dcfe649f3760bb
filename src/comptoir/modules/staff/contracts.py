"""What crosses the door of staff."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

from comptoir.kernel.ids import ActorId
from comptoir.modules.locations.contracts import LocationId

UserId = NewType("UserId", UUID)
TokenId = NewType("TokenId", UUID)

USER_PREFIX = "user"
TOKEN_PREFIX = "tok"  # noqa: S105 - of its id

TOKEN_SECRET_PREFIX = "ctk"  # noqa: S105
SESSION_SECRET_PREFIX = "cse"  # noqa: S105


class Role(StrEnum):
    OWNER = "owner"
    OPERATIONS = "operations"
    STORE = "store"
    BUYER = "buyer"
    SUPPORT = "support"
    ANALYST = "analyst"


class Permission(StrEnum):
    """One thing that somebody may do. What each role may is in `domain.PERMISSIONS`."""

    ORDERS_READ = "orders.read"
    ORDERS_PLACE = "orders.place"
    ORDERS_ACT = "orders.act"
    """Cancel, release, ship, take back."""
    ORDERS_APPROVE = "orders.approve"
    """Approve changes that give much back, and put money on accounts."""
    STOCK_READ = "stock.read"
    STOCK_ADJUST = "stock.adjust"
    STOCK_COUNT = "stock.count"
    STOCK_RECEIVE = "stock.receive"
    STOCK_TRANSFER = "stock.transfer"
    CATALOGUE_READ = "catalogue.read"
    CATALOGUE_WRITE = "catalogue.write"
    PRICES_WRITE = "prices.write"
    CUSTOMERS_READ = "customers.read"
    CUSTOMERS_WRITE = "customers.write"
    CUSTOMERS_ERASE = "customers.erase"
    """Forget who somebody was, for good."""
    CHANNELS_READ = "channels.read"
    CHANNELS_WRITE = "channels.write"
    LOCATIONS_READ = "locations.read"
    LOCATIONS_WRITE = "locations.write"
    ROUTING_READ = "routing.read"
    """Rule sets, services of carriers, and how locations prepare and send."""
    ROUTING_WRITE = "routing.write"
    FULFIL = "fulfil"
    """Picks, packs, hands over and gives back what a location has to send."""
    PURCHASES_ANSWER = "purchases.answer"
    """Answer purchase orders, as a supplier or in their place."""
    IMPORTS_READ = "imports.read"
    IMPORTS_RUN = "imports.run"
    EXCEPTIONS_READ = "exceptions.read"
    EXCEPTIONS_RESOLVE = "exceptions.resolve"
    FIGURES_READ = "figures.read"
    """The live screen: revenue, lags, queues."""
    EVENTS_READ = "events.read"
    EXPORT = "export"
    """Take whole lists away as files."""
    AUDIT_READ = "audit.read"
    SETTINGS_USERS = "settings.users"
    SETTINGS_TOKENS = "settings.tokens"
    SETTINGS_WEBHOOKS = "settings.webhooks"


class Scope(StrEnum):
    """What an API token may do. `write` does not include `read`."""

    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    ORDERS_APPROVE = "orders:approve"
    STOCK_READ = "stock:read"
    STOCK_WRITE = "stock:write"
    CATALOGUE_READ = "catalogue:read"
    CATALOGUE_WRITE = "catalogue:write"
    PRICES_WRITE = "prices:write"
    CUSTOMERS_READ = "customers:read"
    CUSTOMERS_WRITE = "customers:write"
    CUSTOMERS_ERASE = "customers:erase"
    CHANNELS_READ = "channels:read"
    CHANNELS_WRITE = "channels:write"
    LOCATIONS_READ = "locations:read"
    LOCATIONS_WRITE = "locations:write"
    ROUTING_READ = "routing:read"
    ROUTING_WRITE = "routing:write"
    FULFILMENT_WRITE = "fulfilment:write"
    PURCHASES_ANSWER = "purchases:answer"
    """What suppliers do; their tokens are of one location and have nothing else."""
    IMPORTS_WRITE = "imports:write"
    EXCEPTIONS_READ = "exceptions:read"
    EXCEPTIONS_WRITE = "exceptions:write"
    EVENTS_READ = "events:read"
    WEBHOOKS_WRITE = "webhooks:write"
    STAFF_WRITE = "staff:write"
    """Users and tokens: what only owners can give."""
    AUDIT_READ = "audit:read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks: a user at the console, or the holder of an API token. `actor` is what events and the audit trail say."""

    actor: ActorId
    name: str
    permissions: frozenset[Permission]
    user_id: UserId | None = None
    token_id: TokenId | None = None
    role: Role | None = None
    expires_at: datetime | None = None
    """When this stops being so by itself."""
    location_id: LocationId | None = None
    """The supplier whose token it is: what is of another location is not there for them."""
    locations: frozenset[LocationId] = frozenset()
    """Whose work they do and whose stock they move; empty is everywhere."""

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions

    @property
    def limited(self) -> bool:
        """Whether there are locations whose work is not theirs."""
        return bool(self.locations)

    def reaches(self, location_id: UUID) -> bool:
        return not self.locations or location_id in self.locations


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDraft:
    """A user as somebody wants one. `locale` is fr or en, `time_zone` an IANA name; no `locations` are all of them."""

    email: str
    name: str
    role: Role
    locale: str = "fr"
    time_zone: str = "Europe/Paris"
    locations: tuple[LocationId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class User(UserDraft):
    """A user as they are. It is also a draft: `replace(user, role=…)` is what `update_user` takes."""

    id: UserId
    active: bool
    has_password: bool
    created_at: datetime
    signed_in_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFilter:
    """None and empty do not filter. `search` is words of the name, or the beginning of the e-mail address."""

    search: str = ""
    role: Role | None = None
    active: bool | None = None


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a sign-in is checked against. An address that nobody has gives credentials that nothing fits."""

    user_id: UserId | None
    password_hash: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A new session. `secret` goes into the browser's cookie and is stored nowhere."""

    secret: str = field(repr=False)
    user: User
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A session that holds. `renewable` says that it is time to `renew` it."""

    user: User
    principal: Principal
    expires_at: datetime
    renewable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session for a list: where its user is signed in. `handle` names it for `end_session`; it opens nothing."""

    handle: str
    created_at: datetime
    expires_at: datetime
    address: str
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    id: TokenId
    name: str
    scopes: tuple[Scope, ...]
    created_by: UserId | None
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    """Within the last minute or so."""
    revoked_at: datetime | None
    location_id: LocationId | None = None
    locations: tuple[LocationId, ...] = ()
    """Whose work it does; empty is everywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFilter:
    search: str = ""
    revoked: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Somebody did something. `subject` is the prefixed id or the name of what it was done to."""

    id: int
    at: datetime
    actor: ActorId
    action: str
    subject: str
    data: Mapping[str, object]
    address: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """None and empty do not filter. `search` is the beginning of the subject, or words of action and subject."""

    search: str = ""
    actor: str = ""
    action: str = ""
    """An action, or the beginning of several: `user.`."""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None
