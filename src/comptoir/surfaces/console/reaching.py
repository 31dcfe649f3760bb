"""What whoever is limited to some locations may do at the console: the guard of its pages, and the routes that are otherwise.

A page that is not named here is `WITHIN`: all that its address and its form name has to be of their locations. That is checked
before the page is asked (`guarding.prepare`). A form with no id of a location's thing in its address says here what it is; one
that says nothing is refused to them, whatever it names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from comptoir.kernel.ids import from_text
from comptoir.modules.locations.contracts import LOCATION_PREFIX, LocationId
from comptoir.modules.staff.errors import OtherLocation
from comptoir.surfaces import reach
from comptoir.surfaces.console.visits import STORE_COOKIE, Visit
from comptoir.surfaces.reach import ANYWHERE, SEEN, WITHIN, Bound, Named, Rule

SAFE = frozenset({"GET", "HEAD"})

_NAMED = Rule(bound=Bound.NAMED)
_HERE = Rule(bound=Bound.HERE)
_ORDER = Rule(bound=Bound.ORDER)
_COMPANY = Rule(bound=Bound.COMPANY)


@dataclass(frozen=True, slots=True)
class Steps:
    """A route whose last part says what is done."""

    part: str
    rules: Mapping[str, Rule]
    others: Rule = WITHIN


_ACTS = Steps(
    "act",
    {
        "release": _ORDER,
        "allocate": _COMPANY,
        "ship": _NAMED,
        "move": _NAMED,
        **dict.fromkeys(("payment", "spend", "refund", "payout", "withdraw", "note", "cancel", "return"), ANYWHERE),
    },
)
_CHANGES = Steps("kind", {"edit": _ORDER, "cancel": _ORDER}, _NAMED)
_LOTS = Steps("act", dict.fromkeys(("terms", "block", "unblock"), _COMPANY), _NAMED)
_TO_OR_FROM = Steps("step", dict.fromkeys(("receive", "settle", "found", "expect"), Rule(side="to")))

RULES: Mapping[tuple[str, str], Rule | Steps] = {
    # Who they are themselves
    ("POST", "/sign-in"): ANYWHERE,
    ("POST", "/sign-out"): ANYWHERE,
    ("POST", "/first-run"): ANYWHERE,
    ("POST", "/account/preferences"): ANYWHERE,
    ("POST", "/account/password"): ANYWHERE,
    ("POST", "/account/sessions/{handle:str}/end"): ANYWHERE,
    # Orders, which buyers place anywhere; their money, and what is given back for it
    ("GET", "/orders"): SEEN,
    ("GET", "/orders/refunds"): SEEN,
    ("GET", "/orders/new"): SEEN,
    ("GET", "/orders/new/products"): SEEN,
    ("GET", "/orders/new/line"): SEEN,
    ("GET", "/orders/new/promise"): SEEN,
    ("POST", "/orders/new"): ANYWHERE,
    ("GET", "/orders/{order_id:str}/{act:str}"): _ACTS,
    ("POST", "/orders/{order_id:str}/{act:str}"): _ACTS,
    ("GET", "/orders/{order_id:str}/change/{kind:str}"): SEEN,
    ("POST", "/orders/{order_id:str}/change/{kind:str}"): _CHANGES,
    ("POST", "/orders/changes/{change_id:str}/approve"): _ORDER,
    ("POST", "/orders/changes/{change_id:str}/confirm"): _ORDER,
    ("POST", "/orders/changes/{change_id:str}/decline"): ANYWHERE,
    ("POST", "/orders/changes/{change_id:str}/cancel"): ANYWHERE,
    ("POST", "/accounts/{account_id:str}/adjust"): ANYWHERE,
    ("POST", "/orders/{order_id:str}/invoices"): ANYWHERE,
    ("POST", "/customers/{customer_id:str}/accounts/new"): ANYWHERE,
    ("POST", "/customers/{customer_id:str}/messages"): ANYWHERE,
    ("POST", "/customers/{customer_id:str}/erase"): _COMPANY,
    ("POST", "/notices"): ANYWHERE,
    # Returns are taken back anywhere, at the desk where one stands
    ("GET", "/returns"): SEEN,
    ("POST", "/returns/new"): Rule(bound=Bound.HERE, free=("to-",)),
    ("POST", "/returns/receive"): _HERE,
    ("POST", "/returns/{return_id:str}/inspect"): Rule(bound=Bound.NAMED, free=("to-",)),
    ("POST", "/returns/{return_id:str}/{act:str}"): Steps(
        "act",
        dict.fromkeys(("approve", "decline", "cancel", "close", "send", "resend", "pay"), ANYWHERE),
        Rule(bound=Bound.HERE),
    ),
    # What is chosen in a list, or not yet
    ("POST", "/exceptions"): _NAMED,
    ("POST", "/operations/orders"): Rule(bound=Bound.NAMED, free=("to",)),
    ("POST", "/store/tasks/{fulfilment_id:str}/{step:str}"): Steps("step", {"move": Rule(free=("to",))}),
    ("POST", "/parcels/troubles"): _NAMED,
    ("POST", "/carriers/serviceability"): _NAMED,
    ("POST", "/stock-changes/{change:str}"): _NAMED,
    ("POST", "/counts/new"): _NAMED,
    ("POST", "/supplies/new"): _NAMED,
    ("POST", "/store/here"): _NAMED,
    ("GET", "/store/here"): SEEN,
    # The work of the store where one stands
    ("POST", "/store/waves"): _HERE,
    ("POST", "/store/out/scan"): _HERE,
    ("POST", "/store/out/unmark"): _HERE,
    ("POST", "/store/out"): _HERE,
    ("POST", "/store/out/manifest"): _HERE,
    ("POST", "/store/out/driver"): _HERE,
    ("POST", "/store/put-back"): _HERE,
    ("POST", "/store/bins"): _HERE,
    ("POST", "/store/lockers"): _HERE,
    ("POST", "/store/lockers/open"): _HERE,
    ("POST", "/store/terms"): WITHIN,
    # Transfers: who sends plans and cancels, who gets it receives
    ("GET", "/transfers/new"): SEEN,
    ("POST", "/transfers/new"): Rule(bound=Bound.NAMED, free=("to",)),
    ("POST", "/transfers/{transfer_id:str}/edit"): Rule(free=("to",)),
    ("POST", "/transfers/{transfer_id:str}/{step:str}"): _TO_OR_FROM,
    ("GET", "/transfers/proposals/{from_id:str}/{to_id:str}"): Rule(either=True),
    ("POST", "/transfers/proposals/{from_id:str}/{to_id:str}"): Rule(bound=Bound.NAMED, free=("to_id",)),
    ("GET", "/transfers/proposals/terms/edit"): SEEN,
    ("POST", "/transfers/proposals/terms/edit"): Rule(free=("source",)),
    ("POST", "/store/arriving/{transfer_id:str}/scan"): Rule(side="to"),
    ("POST", "/store/arriving/{transfer_id:str}/take-in"): Rule(side="to"),
    ("POST", "/store/arriving/{transfer_id:str}/{step:str}"): Rule(side="to"),
    # Stock, and what is set up, are seen of all locations
    ("GET", "/stock"): SEEN,
    ("GET", "/stock/{sku:path}"): SEEN,
    ("GET", "/lots"): SEEN,
    ("GET", "/lots/orders"): SEEN,
    ("GET", "/lots/changes/{act:str}"): SEEN,
    ("POST", "/lots/changes/{act:str}"): _LOTS,
    ("GET", "/locations"): SEEN,
    ("GET", "/locations/{location_id:str}"): SEEN,
    ("GET", "/purchases"): SEEN,
    ("GET", "/purchases/{purchase_id:str}"): SEEN,
    ("GET", "/purchases/{purchase_id:str}/order.pdf"): SEEN,
    ("GET", "/purchases/suppliers/{location_id:str}"): SEEN,
    ("GET", "/parcels/{tracked_id:str}"): SEEN,
    ("POST", "/pools/new"): _COMPANY,
    ("POST", "/pools/{pool_id:str}"): _COMPANY,
}  # fmt: skip


async def guard(visit: Visit, path: str) -> None:
    """Raises OtherLocation, with its trace in the audit trail. `path` is the route's, with the names of its parts."""
    if visit.signed is None or not visit.principal.limited:
        return
    method = "GET" if visit.request.method in SAFE else visit.request.method
    rule = rule_of(method, path, {name: str(value) for name, value in visit.request.path_params.items()})
    try:
        async with visit.read() as reader:
            await reach.check(
                reader,
                visit.principal,
                rule,
                _named(visit),
                writes=method not in SAFE,
                here=stands_at(visit) if rule.bound is Bound.HERE else None,
                unknown=has_id(path),
            )
    except OtherLocation as refusal:
        address = visit.page.url.partition("?")[0]
        await reach.leave_trace(visit.database, visit.context, refusal, method, address, address=visit.address)
        raise


def rule_of(method: str, path: str, parts: Mapping[str, str]) -> Rule:
    """The rule of a route, as it is asked with these parts."""
    found = RULES.get((method, path))
    if isinstance(found, Steps):
        return found.rules.get(parts.get(found.part, ""), found.others)
    if found is not None:
        return found
    return WITHIN if method in SAFE or has_id(path) else _COMPANY


BOUND_PARTS = frozenset({
    "location_id", "from_id", "to_id", "fulfilment_id", "wave_id", "label_id", "pickup_id", "locker_id", "terms_id", "count_id",
    "transfer_id", "supply_id", "purchase_id", "tracked_id", "scan_id", "exception_id",
})  # fmt: skip
"""The names of those parts of addresses that say what belongs to a location."""
FREE_PARTS = frozenset({
    "order_id", "account_id", "customer_id", "change_id", "return_id", "policy_id", "pool_id", "rule_set_id", "simulation_id",
    "service_id", "carton_id", "run_id", "user_id", "token_id", "endpoint_id", "delivery_id", "event_id", "code",
    "version", "file", "handle", "consumer", "sku", "act", "kind", "step", "change", "name",
    "picture_id", "invoice_id", "schedule_id",
})  # fmt: skip
"""And of those that do not, or whose value shows by itself what it is."""


def has_id(path: str) -> bool:
    """Whether the address itself says whose it is."""
    return any(part.strip("{}").partition(":")[0] in BOUND_PARTS for part in path.split("/") if part.startswith("{"))


def stands_at(visit: Visit) -> LocationId | None:
    """Where this device was told that it stands, whoever uses it now."""
    try:
        return LocationId(from_text(LOCATION_PREFIX, visit.request.cookies.get(STORE_COOKIE, "")))
    except ValueError:
        return None


def _named(visit: Visit) -> Iterator[Named]:
    given = dict(visit.page.query)
    for name, value in (*given.items(), *((name, str(value)) for name, value in visit.request.path_params.items())):
        yield from reach.named_in(name, value)
        yield from reach.named_in(name, name)
    for name, values in (visit.given or {}).items():
        yield from reach.named_in(name, name)
        for value in values:
            yield from reach.named_in(name, value)
