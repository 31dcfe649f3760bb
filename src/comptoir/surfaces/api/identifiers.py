"""Ids as the outside sees them: a prefix that says what it names, and 26 letters and digits."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, cast
from uuid import UUID

import msgspec

from comptoir.kernel.errors import NotFound
from comptoir.kernel.ids import from_text, to_text
from comptoir.modules.carriers.contracts import CARRIER_SERVICE_PREFIX
from comptoir.modules.catalogue.contracts import PRODUCT_PREFIX, VARIANT_PREFIX
from comptoir.modules.changes.contracts import CHANGE_PREFIX, PICTURE_PREFIX, POLICY_PREFIX, RECEIVED_PREFIX, RETURN_CASE_PREFIX
from comptoir.modules.channels.contracts import CHANNEL_PREFIX
from comptoir.modules.customers.contracts import CUSTOMER_PREFIX
from comptoir.modules.fulfilment.contracts import (
    FULFILMENT_PREFIX,
    LOCKER_PREFIX,
    PARCEL_PREFIX,
    PUT_BACK_PREFIX,
    TERMS_PREFIX,
    WAVE_PREFIX,
)
from comptoir.modules.imports.contracts import RUN_PREFIX
from comptoir.modules.invoicing.contracts import INVOICE_PREFIX
from comptoir.modules.locations.contracts import LOCATION_PREFIX, POOL_PREFIX
from comptoir.modules.notices.contracts import NOTICE_PREFIX
from comptoir.modules.orders.contracts import EXCEPTION_PREFIX, ORDER_PREFIX, RETURN_PREFIX, SHIPMENT_PREFIX
from comptoir.modules.packing.contracts import CARTON_PREFIX
from comptoir.modules.payments.contracts import ACCOUNT_PREFIX, GRANT_PREFIX
from comptoir.modules.purchasing.contracts import PURCHASE_PREFIX
from comptoir.modules.routing.contracts import DECISION_PREFIX, RULE_SET_PREFIX, SCHEDULE_PREFIX, SIMULATION_PREFIX
from comptoir.modules.staff.contracts import TOKEN_PREFIX, USER_PREFIX
from comptoir.modules.tracking.contracts import ACCOUNT_PREFIX as CARRIER_ACCOUNT_PREFIX
from comptoir.modules.tracking.contracts import (
    HAND_SCAN_PREFIX,
    LABEL_PREFIX,
    MANIFEST_PREFIX,
    PICKUP_PREFIX,
    TRACKED_PREFIX,
    TROUBLE_PREFIX,
)
from comptoir.modules.webhooks.contracts import DELIVERY_PREFIX, ENDPOINT_PREFIX, EVENT_PREFIX

PREFIXES: Final[Mapping[str, str]] = {
    "order": ORDER_PREFIX,
    "invoice": INVOICE_PREFIX,
    "shipment": SHIPMENT_PREFIX,
    "return": RETURN_PREFIX,
    "exception": EXCEPTION_PREFIX,
    "payment": "pay",
    "grant": GRANT_PREFIX,
    "account": ACCOUNT_PREFIX,
    "change": CHANGE_PREFIX,
    "return_case": RETURN_CASE_PREFIX,
    "received": RECEIVED_PREFIX,
    "policy": POLICY_PREFIX,
    "picture": PICTURE_PREFIX,
    "hold": "hold",
    "transfer": "trf",
    "purchase": PURCHASE_PREFIX,
    "proposal": "prp",
    "substitution": "sbt",
    "supply": "sup",
    "count": "cnt",
    "location": LOCATION_PREFIX,
    "pool": POOL_PREFIX,
    "channel": CHANNEL_PREFIX,
    "carrier_service": CARRIER_SERVICE_PREFIX,
    "rule_set": RULE_SET_PREFIX,
    "run_schedule": SCHEDULE_PREFIX,
    "decision": DECISION_PREFIX,
    "simulation": SIMULATION_PREFIX,
    "fulfilment": FULFILMENT_PREFIX,
    "parcel": PARCEL_PREFIX,
    "wave": WAVE_PREFIX,
    "put_back": PUT_BACK_PREFIX,
    "terms": TERMS_PREFIX,
    "locker": LOCKER_PREFIX,
    "tracked": TRACKED_PREFIX,
    "label": LABEL_PREFIX,
    "trouble": TROUBLE_PREFIX,
    "scan": HAND_SCAN_PREFIX,
    "manifest": MANIFEST_PREFIX,
    "pickup": PICKUP_PREFIX,
    "carton": CARTON_PREFIX,
    "carrier_account": CARRIER_ACCOUNT_PREFIX,
    "notice": NOTICE_PREFIX,
    "product": PRODUCT_PREFIX,
    "variant": VARIANT_PREFIX,
    "customer": CUSTOMER_PREFIX,
    "event": EVENT_PREFIX,
    "endpoint": ENDPOINT_PREFIX,
    "delivery": DELIVERY_PREFIX,
    "user": USER_PREFIX,
    "token": TOKEN_PREFIX,
    "import": RUN_PREFIX,
    "run": RUN_PREFIX,
}
"""By what an id names."""

_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
_EXAMPLE = "01kag8v6w3e9n8r2t5y7z4c6bd"


def id_pattern(kind: str) -> str:
    return f"^{PREFIXES[kind]}_[0-7][{_DIGITS}]{{25}}$"


def id_example(kind: str) -> str:
    return f"{PREFIXES[kind]}_{_EXAMPLE}"


def id_meta(kind: str, description: str = "") -> msgspec.Meta:
    """What OpenAPI and the decoder know of an id of that kind."""
    return msgspec.Meta(
        pattern=id_pattern(kind),
        description=description or None,
        examples=[id_example(kind)],
        title=f"Id of the {kind.replace('_', ' ')}",
    )


def show(kind: str, value: UUID) -> str:
    return to_text(PREFIXES[kind], value)


def show_some(kind: str, value: UUID | None) -> str | None:
    return None if value is None else to_text(PREFIXES[kind], value)


@lru_cache(maxsize=10_000)
def show_location(value: UUID) -> str:
    """There are hundreds of locations, and every answer names some."""
    return to_text(LOCATION_PREFIX, value)


def named(kind: str, text: str) -> UUID:
    """The id in a path; raises NotFound for what cannot be one, because nothing is there either."""
    try:
        return from_text(PREFIXES[kind], text)
    except ValueError as problem:
        raise NotFound(kind=kind, id=text[:64]) from problem


def parsed(kind: str, text: str) -> UUID:
    """The id in a body or a query, whose pattern has been checked."""
    return from_text(PREFIXES[kind], text)


def parsed_some(kind: str, text: str | None) -> UUID | None:
    return None if text is None else from_text(PREFIXES[kind], text)


def show_actor(actor: str) -> str:
    """`token:<uuid>` as `token:tok_…`; others are as they are."""
    kind, _, text = actor.partition(":")
    value = _uuid(text) if kind in PREFIXES else None
    return actor if value is None else f"{kind}:{show(kind, value)}"


def parsed_actor(text: str) -> str:
    """The other way round: `token:tok_…` as it is stored. What names nobody stays as it is, and finds nothing."""
    kind, _, name = text.partition(":")
    if kind in PREFIXES:
        with contextlib.suppress(ValueError):
            return f"{kind}:{from_text(PREFIXES[kind], name)}"
    return text


def outward(data: Mapping[str, object]) -> dict[str, object]:
    """Values of a refusal or an event, in which every id that is recognised by its name is written as the outside knows it."""
    own = data.get("kind")
    return {name: _outward(name, value, own if isinstance(own, str) else "") for name, value in data.items()}


def _outward(name: str, value: object, own: str) -> object:
    if isinstance(value, Mapping):
        return outward(cast("Mapping[str, object]", value))
    if isinstance(value, (list, tuple)):
        singular = name.removesuffix("s")
        return [_outward(singular, item, own) for item in cast("list[Any]", value)]
    kind = own if name == "id" else _kind(name)
    number = _uuid(value) if kind in PREFIXES else None
    if number is not None:
        return show(kind, number)
    return str(value) if isinstance(value, UUID) else value


def _kind(name: str) -> str:
    """`from_location_id` names a location, `run_id` an import."""
    words = name.removesuffix("_id")
    return words if words == name or words in PREFIXES else words.rpartition("_")[2]


def _uuid(value: object) -> UUID | None:
    if isinstance(value, UUID):
        return value
    if not isinstance(value, str) or len(value) != 36:
        return None
    try:
        return UUID(value)
    except ValueError:
        return None
