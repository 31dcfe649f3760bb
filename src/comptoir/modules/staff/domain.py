"""The rules of staff: who may what, what a password is, how long a session lasts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from email_validator import EmailNotValidError, validate_email

from comptoir.kernel.checking import Checks
from comptoir.kernel.time import time_zone
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.staff.contracts import Permission, Role, Scope, UserDraft

LOCALES = ("fr", "en")

SESSION_IDLE = timedelta(hours=12)
"""A session ends after so long without use."""
SESSION_LIFE = timedelta(days=30)
"""And after so long in any case."""
SESSION_RENEW = timedelta(minutes=10)
"""Use moves its end forward no more often than this, so that a page view is rarely a write."""
TOKEN_USE_STEP = timedelta(minutes=1)

MIN_PASSWORD = 10
MAX_PASSWORD = 1024
MAX_TOKEN_LIFE = timedelta(days=3650)

P = Permission

_READING = frozenset(
    {P.ORDERS_READ, P.STOCK_READ, P.CATALOGUE_READ, P.CHANNELS_READ, P.LOCATIONS_READ, P.ROUTING_READ, P.EXCEPTIONS_READ}
)

PERMISSIONS: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {
        Role.OWNER: frozenset(Permission),
        Role.OPERATIONS: frozenset(Permission) - {P.SETTINGS_USERS},
        Role.STORE: _READING
        | {P.ORDERS_PLACE, P.ORDERS_ACT, P.CUSTOMERS_READ, P.CUSTOMERS_WRITE, P.EXCEPTIONS_RESOLVE}
        | {P.STOCK_ADJUST, P.STOCK_COUNT, P.STOCK_RECEIVE, P.STOCK_TRANSFER, P.FULFIL},
        Role.BUYER: _READING
        | {P.CATALOGUE_WRITE, P.PRICES_WRITE, P.IMPORTS_READ, P.IMPORTS_RUN, P.FIGURES_READ, P.EXPORT}
        | {P.STOCK_RECEIVE, P.STOCK_TRANSFER, P.PURCHASES_ANSWER},
        Role.SUPPORT: _READING | {P.ORDERS_PLACE, P.ORDERS_ACT, P.CUSTOMERS_READ, P.CUSTOMERS_WRITE, P.EXCEPTIONS_RESOLVE},
        Role.ANALYST: _READING | {P.FIGURES_READ, P.IMPORTS_READ, P.EXPORT},
    }
)

SCOPES: Mapping[Scope, frozenset[Permission]] = MappingProxyType(
    {
        Scope.ORDERS_READ: frozenset({P.ORDERS_READ}),
        Scope.ORDERS_WRITE: frozenset({P.ORDERS_PLACE, P.ORDERS_ACT}),
        Scope.ORDERS_APPROVE: frozenset({P.ORDERS_APPROVE}),
        Scope.STOCK_READ: frozenset({P.STOCK_READ}),
        Scope.STOCK_WRITE: frozenset({P.STOCK_ADJUST, P.STOCK_COUNT, P.STOCK_RECEIVE, P.STOCK_TRANSFER}),
        Scope.CATALOGUE_READ: frozenset({P.CATALOGUE_READ}),
        Scope.CATALOGUE_WRITE: frozenset({P.CATALOGUE_WRITE}),
        Scope.PRICES_WRITE: frozenset({P.PRICES_WRITE}),
        Scope.CUSTOMERS_READ: frozenset({P.CUSTOMERS_READ}),
        Scope.CUSTOMERS_WRITE: frozenset({P.CUSTOMERS_WRITE}),
        Scope.CUSTOMERS_ERASE: frozenset({P.CUSTOMERS_ERASE}),
        Scope.CHANNELS_READ: frozenset({P.CHANNELS_READ}),
        Scope.CHANNELS_WRITE: frozenset({P.CHANNELS_WRITE}),
        Scope.LOCATIONS_READ: frozenset({P.LOCATIONS_READ}),
        Scope.LOCATIONS_WRITE: frozenset({P.LOCATIONS_WRITE}),
        Scope.ROUTING_READ: frozenset({P.ROUTING_READ}),
        Scope.ROUTING_WRITE: frozenset({P.ROUTING_WRITE}),
        Scope.FULFILMENT_WRITE: frozenset({P.FULFIL}),
        Scope.PURCHASES_ANSWER: frozenset({P.PURCHASES_ANSWER}),
        Scope.IMPORTS_WRITE: frozenset({P.IMPORTS_READ, P.IMPORTS_RUN}),
        Scope.EXCEPTIONS_READ: frozenset({P.EXCEPTIONS_READ}),
        Scope.EXCEPTIONS_WRITE: frozenset({P.EXCEPTIONS_RESOLVE}),
        Scope.EVENTS_READ: frozenset({P.EVENTS_READ}),
        Scope.WEBHOOKS_WRITE: frozenset({P.SETTINGS_WEBHOOKS}),
        Scope.STAFF_WRITE: frozenset({P.SETTINGS_USERS, P.SETTINGS_TOKENS}),
        Scope.AUDIT_READ: frozenset({P.AUDIT_READ}),
    }
)


COMPANY_WIDE = frozenset(
    {P.CATALOGUE_WRITE, P.PRICES_WRITE, P.CHANNELS_WRITE, P.ROUTING_WRITE, P.IMPORTS_RUN, P.EVENTS_READ, P.AUDIT_READ}
    | {P.CUSTOMERS_ERASE, P.SETTINGS_USERS, P.SETTINGS_TOKENS, P.SETTINGS_WEBHOOKS}
)
"""What cannot be done for some locations only: who is limited to some does none of it, whatever their role or scopes say."""
MAX_LOCATIONS = 10_000


def within(permissions: frozenset[Permission], locations: Collection[LocationId]) -> frozenset[Permission]:
    """What is left of the permissions of somebody who is limited to these locations; to none is to all."""
    return permissions - COMPANY_WIDE if locations else permissions


def permissions_of(scopes: Iterable[Scope]) -> frozenset[Permission]:
    return frozenset[Permission]().union(*(SCOPES[scope] for scope in scopes))


def checked(draft: UserDraft) -> UserDraft:
    """The draft in its clean form; raises Invalid."""
    checks = Checks()
    clean = UserDraft(
        email=checks.parsed("email", email_address, draft.email, ""),
        name=checks.words("name", draft.name, least=1),
        role=draft.role,
        locale=draft.locale,
        time_zone=draft.time_zone,
        locations=tuple(sorted(set(draft.locations))),
    )
    checks.require("locale", draft.locale in LOCALES, f"is one of {', '.join(LOCALES)}")
    checks.parsed("time_zone", time_zone, draft.time_zone, None)
    checks.require("locations", len(clean.locations) <= MAX_LOCATIONS, f"are at most {MAX_LOCATIONS}")
    checks.require("locations", not (clean.locations and draft.role is Role.OWNER), "are all of them for an owner")
    checks.done()
    return clean


def email_address(text: str) -> str:
    """An address in the form that it is stored and looked up in, small letters; raises ValueError."""
    try:
        found = validate_email(text.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError as problem:
        raise ValueError(str(problem)) from problem
    return found.normalized.lower()


def checked_password(password: str, *, email: str, name: str) -> None:
    """Raises Invalid for a password that is short, or that whoever knows the user would try first.

    Length is what counts (NIST SP 800-63B): there is no rule about kinds of characters.
    """
    checks = Checks()
    checks.require(
        "password", MIN_PASSWORD <= len(password) <= MAX_PASSWORD, f"has {MIN_PASSWORD} to {MAX_PASSWORD} characters"
    )
    folded = password.casefold()
    known = {email.casefold(), email.partition("@")[0].casefold(), name.casefold(), "comptoir"}
    bare = "".join(char for char in folded if char.isalpha())
    checks.require("password", folded not in known and bare not in known, "is too easy to guess from who you are")
    checks.require("password", len(set(folded)) >= 4, "has at least 4 different characters")
    checks.done()


def session_end(created_at: datetime, now: datetime) -> datetime:
    """Until when a session that is used now lasts."""
    return min(now + SESSION_IDLE, created_at + SESSION_LIFE)


def is_renewable(created_at: datetime, expires_at: datetime, now: datetime) -> bool:
    """Whether use now would move its end by enough to be worth a write."""
    return session_end(created_at, now) - expires_at >= SESSION_RENEW
