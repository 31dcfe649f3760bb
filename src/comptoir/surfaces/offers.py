"""What every account with a carrier asks for a box, how well each service did on that way, and which is the one to take."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from comptoir.kernel.errors import Fault, Refusal
from comptoir.kernel.money import Currency
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import AccountId, Counts
from comptoir.runtime.database import Database, Reader
from comptoir.sdk.carriers import Capability, CarrierCannot, CarrierUnavailable, Rate, RateRequest
from comptoir.surfaces.carriage import Carriage
from comptoir.surfaces.own_carriers import OwnCarrier

_LOOK_BACK = timedelta(days=180)
_SHARES_OF = timedelta(days=30)
"""Over which the load is shared among carriers."""
_PATIENCE = 20.0
_NOTHING = Counts()


@dataclass(frozen=True, slots=True)
class Offered:
    """A service that an account offers. `real_cost` is None where it is ruled out, for the reason that `against` says."""

    account_id: AccountId
    rate: Rate
    counts: Counts
    real_cost: int | None = None
    against: str = ""


@dataclass(frozen=True, slots=True)
class Silent:
    """An account that could not be asked, and why."""

    account_id: AccountId
    code: str
    problem: str


@dataclass(frozen=True, slots=True)
class Offers:
    """The best first, then what is ruled out; and who did not answer."""

    offered: tuple[Offered, ...]
    silent: tuple[Silent, ...]
    late: bool = False
    """None is quick enough: they are ranked as if there were no hurry."""

    @property
    def best(self) -> Offered | None:
        return self.offered[0] if self.offered and self.offered[0].real_cost is not None else None


async def ruling(
    reader: Reader, parcel: tracking.Sent | None, *, within_days: int | None = None, at_most: int | None = None
) -> tracking.Ruling:
    """What the house has said, by the first rule that fits this parcel, with what is said of it alone. None: not known yet."""
    house = replace((await tracking.ruling.get(reader))[0], within_days=within_days, at_most=at_most)
    return house if parcel is None else tracking.steered(house, parcel)


async def ask(
    database: Database,
    carriage: Carriage,
    shipment: RateRequest,
    ruling: tracking.Ruling,
    currency: Currency,
    now: datetime,
    *,
    relax: bool = False,
    needed: frozenset[Capability] = frozenset(),
) -> Offers:
    """Asks all active accounts at once, outside of any transaction. `currency` is the one that prices are compared in.

    What is `needed` besides selling labels rules out whoever cannot.

    With `relax`, where none of them is quick enough, the best of those that are not is told (`Offers.late`).
    """
    (told,) = await ask_each(database, carriage, [(shipment, ruling)], currency, now, relax=relax, needed=needed)
    return told


async def ask_each(
    database: Database,
    carriage: Carriage,
    asked: Sequence[tuple[RateRequest, tracking.Ruling]],
    currency: Currency,
    now: datetime,
    *,
    relax: bool = False,
    needed: frozenset[Capability] = frozenset(),
    patience: float = _PATIENCE,
) -> list[Offers]:
    """As `ask`, of several parcels to one country, each with its own ruling. Each account has `patience` seconds."""
    if not asked:
        return []
    async with database.read() as reader:
        accounts = await carriage.accounts(reader)
        country = asked[0][0].recipient.country
        lanes = await tracking.performance(reader, now.date() - _LOOK_BACK, destination_country=country)
        shared = any(ruling.shares for _, ruling in asked)
        given = await tracking.labels.given_out(reader, now - _SHARES_OF) if shared else {}
    calls = [_rates(carriage, account.id, shipment, needed, patience) for shipment, _ in asked for account in accounts]
    answers = iter(await asyncio.gather(*calls))
    told: list[Offers] = []
    for shipment, ruling in asked:
        measured = tracking.on_the_way(
            lanes,
            (shipment.sender.country, tracking.region_of(shipment.sender.region, shipment.sender.postcode)),
            (shipment.recipient.country, tracking.region_of(shipment.recipient.region, shipment.recipient.postcode)),
        )
        found: list[Offered] = []
        silent: list[Silent] = []
        for account in accounts:
            answer = next(answers)
            if isinstance(answer, Silent):
                silent.append(answer)
            else:
                found += [Offered(account.id, rate, _measured(measured, rate)) for rate in answer]
        told.append(_chosen(found, silent, ruling, given, currency, relax=relax))
    return told


def _chosen(
    found: Sequence[Offered],
    silent: Sequence[Silent],
    ruling: tracking.Ruling,
    given: Mapping[str, int],
    currency: Currency,
    *,
    relax: bool,
) -> Offers:
    offers = Offers(tuple(_ranked(found, ruling, given, currency)), tuple(silent))
    if offers.best is None and relax and ruling.within_days is not None:
        patient = replace(ruling, within_days=None)
        return replace(offers, offered=tuple(_ranked(found, patient, given, currency)), late=True)
    return offers


def _measured(measured: Mapping[tuple[str, str], Counts], rate: Rate) -> Counts:
    """Of a carrier by our own tables also what left without a label, and so without a service."""
    known = measured.get((rate.carrier, rate.service))
    if known is None and rate.carrier == rate.service:
        known = measured.get((rate.carrier, ""))
    return known or _NOTHING


async def _rates(
    carriage: Carriage, account_id: AccountId, shipment: RateRequest, needed: frozenset[Capability], patience: float
) -> list[Rate] | Silent:
    """None from an account that sells no labels: an offer that nobody can take is none."""
    try:
        _, carrier = await carriage.account(account_id)
        if not carrier.info.capabilities >= {Capability.RATES, Capability.LABELS}:
            return []
        if shipment.is_return and isinstance(carrier, OwnCarrier):
            return []
        lacking = sorted(needed - carrier.info.capabilities)
        if lacking:
            return Silent(account_id, CarrierCannot.code, carrier.info.missing[lacking[0]])
        return await asyncio.wait_for(carrier.rates(shipment), patience)
    except TimeoutError:
        return Silent(account_id, CarrierUnavailable.code, f"no answer within {patience:g} seconds")
    except (Refusal, Fault) as problem:
        return Silent(account_id, problem.code, str(problem))


def _ranked(found: Sequence[Offered], ruling: tracking.Ruling, given: Mapping[str, int], currency: Currency) -> list[Offered]:
    """Prices in another currency are shown, and not compared."""
    asked = {
        id(offer): (offer, one)
        for one in found
        if one.rate.cost.currency == currency
        for offer in [tracking.Offer(one.rate.carrier, one.rate.service, one.rate.cost.minor, one.rate.days, one.counts)]
    }
    chosen = tracking.choose([offer for offer, _ in asked.values()], ruling, given)
    ranked = [_told(asked[id(offer)][1], cost) for offer, cost in chosen.ranked]
    ranked += [_told(asked[id(offer)][1], None, reason) for offer, reason in chosen.ruled_out]
    return ranked + [_told(one, None, "another currency") for one in found if one.rate.cost.currency != currency]


def _told(one: Offered, real_cost: int | None, against: str = "") -> Offered:
    return Offered(one.account_id, one.rate, one.counts, real_cost, against)
