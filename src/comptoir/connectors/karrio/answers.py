"""When Karrio says no: who can put it right, and what is to be done."""

from __future__ import annotations

from dataclasses import dataclass

from comptoir.connectors.karrio import mapping
from comptoir.connectors.karrio.mapping import KEY
from comptoir.connectors.karrio.messages import Failure as Body
from comptoir.kernel.errors import Fault
from comptoir.runtime.http import Response
from comptoir.sdk.carriers import Caller, CarrierUnavailable, NotUnderstood, OutcomeUnknown, ShipmentRejected

_ADDRESS = "no Karrio answers at this address: give the one of its API, which is not the one of its dashboard"
_CONNECTION = "add a connection to a carrier in Karrio's dashboard, or switch one on, and look which of them this account asks"
_LOST = "the carrier's answer did not reach Karrio: look in the carrier's own account for a label before another one is bought"


@dataclass(frozen=True, slots=True)
class Failure:
    """What an answer that is no yes says."""

    codes: tuple[str, ...]
    words: str
    read: bool
    """Whether it is Karrio's own way of saying no: a proxy, or another server, has other ways."""


def failure(response: Response, caller: Caller) -> Failure:
    try:
        body = caller.decoded(response, Body)
    except NotUnderstood:
        body = Body()
    told = [*(body.messages or ()), *(body.errors or ())]
    words = caller.clean(mapping.complaints(told))
    read = body.messages is not None or body.errors is not None
    return Failure(tuple(mapping.codes_of(told)), words or f"answered {response.status}", read)


def fault(response: Response, failed: Failure, reference: str = "") -> Fault:
    """`reference` is of what costs money: what is not certain is `OutcomeUnknown` then."""
    code = next((one for one in failed.codes if one), "")
    if response.status == 424 and mapping.is_unsettled(failed.codes):
        if reference:
            return OutcomeUnknown(KEY, reference, f"{_LOST} ({failed.words})")
        return CarrierUnavailable(KEY, f"the carrier does not answer Karrio: {failed.words}")
    if not failed.read or 300 <= response.status < 400:
        return NotUnderstood(KEY, f"{_ADDRESS} ({failed.words})")
    if response.status == 404:
        return ShipmentRejected(KEY, f"{failed.words}: {_CONNECTION}", reason=code or "not_found", field="service")
    return ShipmentRejected(KEY, failed.words, reason=code)
