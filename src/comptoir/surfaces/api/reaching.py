"""What a token that is limited to some locations may ask: the guard of the operations, and those that are otherwise.

An operation that is not named here is `WITHIN`: all that its address and its body name has to be of its locations, and a
write names something. Lists with a `location_id` show no others: it is filled in where it is not given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec

from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LOCATION_PREFIX
from comptoir.modules.staff.contracts import Principal
from comptoir.modules.staff.errors import OtherLocation
from comptoir.runtime.database import Reader
from comptoir.surfaces import reach
from comptoir.surfaces.api.asking import query_pairs
from comptoir.surfaces.api.identifiers import show_location
from comptoir.surfaces.reach import ANYWHERE, SEEN, WITHIN, Bound, Named, Rule

if TYPE_CHECKING:
    from comptoir.surfaces.api.answering import Call
    from comptoir.surfaces.api.operations import Operation

T = TypeVar("T")

_NAMED = Rule(bound=Bound.NAMED)
_ORDER = Rule(bound=Bound.ORDER)
_COMPANY = Rule(bound=Bound.COMPANY)
_CODES = ("location_code",)
"""Fields that name a location by its code."""

RULES: Mapping[str, Rule] = {
    # Orders, which buyers place anywhere; their money, and what is written about them
    "place_order": ANYWHERE,
    "list_orders": SEEN,
    "list_refunds": SEEN,
    "cancel_order": _ORDER,
    "release_order": _ORDER,
    "note_order": ANYWHERE,
    "issue_invoice": ANYWHERE,
    "record_payment": _NAMED,
    "record_refund": _NAMED,
    "create_hold": ANYWHERE,
    "replace_hold": ANYWHERE,
    "release_hold": ANYWHERE,
    "put_order_substitutions": ANYWHERE,
    "preview_change": SEEN,
    "create_change": _ORDER,
    "approve_change": _ORDER,
    "confirm_change": _ORDER,
    "decline_change": ANYWHERE,
    "renew_change": ANYWHERE,
    "cancel_change": ANYWHERE,
    "grant_refund": ANYWHERE,
    "execute_refund": _NAMED,
    "withdraw_refund": ANYWHERE,
    "spend_on_order": _NAMED,
    "issue_account": ANYWHERE,
    "adjust_account": ANYWHERE,
    "look_up_account": SEEN,
    "retry_notice": ANYWHERE,
    # Returns are taken back anywhere; where they are received and inspected is named
    "request_return": ANYWHERE,
    "list_returns": SEEN,
    "approve_return": ANYWHERE,
    "approve_return_otherwise": ANYWHERE,
    "decline_return": ANYWHERE,
    "cancel_return": ANYWHERE,
    "send_return": ANYWHERE,
    "close_return": ANYWHERE,
    "pay_out_return": ANYWHERE,
    "inspect_return": Rule(free=("to_location_id",)),
    # Customers are the company's, whoever meets them
    "create_customer": ANYWHERE,
    "change_customer": ANYWHERE,
    "attach_identities": ANYWHERE,
    "detach_identity": ANYWHERE,
    "erase_customer": _COMPANY,
    # What is seen of all locations
    "get_availabilities": SEEN,
    "ask_promises": SEEN,
    "list_stock_levels": SEEN,
    "get_location": SEEN,
    "get_location_routing": SEEN,
    "get_supplier_terms": SEEN,
    "list_supplier_articles": SEEN,
    "list_cartons": SEEN,
    "get_purchase": SEEN,
    "list_purchases": SEEN,
    "get_parcel": SEEN,
    "list_pickup_points": SEEN,
    # Transfers: who sends plans and cancels, who gets it receives
    "list_transfers": Rule(free=("from_location_id", "to_location_id")),
    "create_transfer": Rule(free=("to_location_id",)),
    "edit_transfer": Rule(free=("to_location_id",)),
    "receive_transfer": Rule(side="to"),
    "scan_transfer": Rule(side="to"),
    "tally_transfer": Rule(side="to"),
    "untally_transfer": Rule(side="to"),
    "take_in_transfer": Rule(side="to"),
    "settle_transfer": Rule(side="to"),
    "find_lost": Rule(side="to"),
    "expect_transfer": Rule(side="to"),
    "name_received_lots": Rule(side="to"),
    "list_proposals": Rule(free=("from_location_id", "to_location_id")),
    "dismiss_proposals": Rule(side="to"),
    "put_replenishment_terms": Rule(free=("source_id",)),
    # For all locations at once
    "put_lot_terms": _COMPANY,
    "block_lot": _COMPANY,
    "unblock_lot": _COMPANY,
    "put_seller": _COMPANY,
    "create_pool": _COMPANY,
    "change_pool": _COMPANY,
}
"""By the name of the operation."""

_OF_THE_BUYER = frozenset({"return", "exchange", "claim", "adjustment"})
"""Kinds of changes that are about what the buyer has, and not about what locations keep for the order."""


async def guard(call: Call, body: bytes) -> None:
    """Raises OtherLocation, with its trace in the audit trail; nothing of it costs who is not limited anything."""
    operation, principal = call.operation, call.principal
    if principal is None or not principal.limited:
        return
    sent = _decoded(body)
    try:
        async with call.reading() as reader:
            named = [*_in_address(call), *_in_body(sent, ""), *await _by_code(reader, sent)]
            await reach.check(
                reader,
                principal,
                _rule(operation, sent),
                named,
                writes=operation.method != "GET" and not operation.asks,
                unknown=any(f"{kind}_id" in operation.parameters for kind in BOUND),
            )
    except OtherLocation as refusal:
        await reach.leave_trace(
            call.services.database, call.context, refusal, operation.method, call.path, address=call.address
        )
        raise


BOUND = frozenset({
    "location", "fulfilment", "wave", "parcel", "put_back", "terms", "locker", "transfer", "supply", "count", "purchase",
    "received", "exception", "tracked", "trouble", "scan", "label", "manifest", "pickup", "proposal",
})  # fmt: skip
"""The kinds (`identifiers.PREFIXES`) of what belongs to a location."""


def rule_of(operation: Operation) -> Rule:
    return RULES.get(operation.name, WITHIN)


def may_refuse(operation: Operation) -> bool:
    """Whether somebody limited may be told that something is another location's."""
    reads = operation.method == "GET" or operation.asks
    match rule_of(operation).bound:
        case Bound.ANYWHERE:
            return False
        case Bound.SEEN if reads:
            return False
        case _:
            named = any(f"{kind}_id" in operation.parameters for kind in BOUND)
            return not reads or named or operation.query_type is not None


def _rule(operation: Operation, sent: object) -> Rule:
    """The operation's; of a change, by what it is about."""
    if operation.name == "create_change" and isinstance(sent, dict):
        kind = cast("dict[str, object]", sent).get("kind")
        return _NAMED if kind in _OF_THE_BUYER else _ORDER
    return rule_of(operation)


def _decoded(body: bytes) -> object:
    """What was sent, of whatever form; what is no JSON is refused by whoever reads it."""
    try:
        return msgspec.json.decode(body) if body else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _in_address(call: Call) -> Iterator[Named]:
    for name, value in (*query_pairs(call.query_string), *call.parameters.items()):
        yield from reach.named_in(name, value)


def _in_body(value: object, field: str) -> Iterator[Named]:
    if isinstance(value, str):
        yield from reach.named_in(field, value)
    elif isinstance(value, dict):
        for name, item in cast("dict[str, object]", value).items():
            yield from reach.named_in(name, name)
            yield from _in_body(item, name)
    elif isinstance(value, list):
        for item in cast("list[object]", value):
            yield from _in_body(item, field)


async def _by_code(reader: Reader, value: object) -> list[Named]:
    codes = sorted(set(_codes(value, "")))
    found = await locations.ids(reader, codes) if codes else {}
    return [Named(LOCATION_PREFIX, one, _CODES[0]) for one in found.values()]


def _codes(value: object, field: str) -> Iterator[str]:
    if isinstance(value, str):
        if field in _CODES:
            yield value
    elif isinstance(value, dict):
        for name, item in cast("dict[str, object]", value).items():
            yield from _codes(item, name)
    elif isinstance(value, list):
        for item in cast("list[object]", value):
            yield from _codes(item, field)


def narrowed(operation: Operation, query: T, principal: Principal | None) -> T:
    """What is asked for, of no location but theirs. What was named has passed `guard`."""
    if principal is None or not principal.limited or rule_of(operation).bound is not Bound.WITHIN:
        return query
    if getattr(query, "location_id", None) != ():
        return query
    own = tuple(show_location(one) for one in sorted(principal.locations))
    return cast("T", msgspec.structs.replace(cast("Any", query), location_id=own))
