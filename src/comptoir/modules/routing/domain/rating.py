"""What makes one site better than another: the ratings, and the order that follows from several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from comptoir.modules.routing.contracts import Rating, Rules, Weight
from comptoir.modules.routing.domain.network import UNKNOWN_KM, Floats, Ints, Network, Positions, Survey
from comptoir.modules.routing.domain.stock import Situation

OF_STOCK = frozenset({Rating.PARCELS, Rating.COVER, Rating.MARKDOWN, Rating.LOAD})
"""Ratings that say nothing before stock and load are known."""


LONGEST = 3650.0
"""Days that stock lasts at most: who sells none has it for so long."""
_FOR_EVER = 2**40


def wanted(asked: Mapping[str, int]) -> Ints:
    """Units by SKU, as a column beside an array by SKU and site."""
    return np.array([[units] for units in asked.values()], dtype=np.int64).reshape(len(asked), 1)


def measured(
    rating: Rating, network: Network, situation: Situation, found: Survey, asked: Mapping[str, int], have: Ints
) -> Floats:
    match rating:
        case Rating.PARCELS:
            return (have < wanted(asked)).sum(axis=0).astype(np.float64)
        case Rating.COVER | Rating.MARKDOWN:
            return _stocked(rating, situation, asked, have)
        case Rating.LOAD:
            return _busy(network, situation)
        case _:
            return surveyed(rating, network, found)


def rates_lasting(rules: Rules) -> bool:
    """Whether who decides by these rules has to know how long stock lasts."""
    return any(weight.rating in {Rating.COVER, Rating.MARKDOWN} for weight in rules.ratings)


def _stocked(rating: Rating, situation: Situation, asked: Mapping[str, int], have: Ints) -> Floats:
    """How soon it runs out after this order, or how long it lies: in days where that is known, else by the order itself."""
    units = wanted(asked)
    days = by_days(situation, asked)
    if rating is Rating.MARKDOWN:
        lasting = _lasting(situation, asked, have) if days else have / np.maximum(units, 1)
        return -lasting.sum(axis=0) / max(1, len(asked))
    if days:
        left = np.where(have > 0, have - np.minimum(have, units), _FOR_EVER)
        return -_lasting(situation, asked, left).min(axis=0, initial=LONGEST)
    return (np.minimum(have, units) / np.maximum(have, 1)).max(axis=0, initial=0.0)


def by_days(situation: Situation, asked: Iterable[str]) -> bool:
    """Whether it is known of anything that is asked for how much of it is sold: then cover and markdown are days."""
    return any(situation.daily(sku) is not None for sku in asked)


def _lasting(situation: Situation, asked: Iterable[str], units: Ints) -> Floats:
    """Days that so many units last, by SKU and site; what never sells there, the longest."""
    days = np.zeros(units.shape)
    for row, sku in enumerate(asked):
        daily = situation.daily(sku)
        if daily is None:
            days[row] = np.where(units[row] > 0, LONGEST, 0.0)
        else:
            sells = daily > 0
            days[row] = np.where(sells, units[row] / np.where(sells, daily, 1.0), np.where(units[row] > 0, LONGEST, 0.0))
    return np.minimum(days, LONGEST)


def rates_load(rules: Rules) -> bool:
    """Whether who decides by these rules has to know how busy every site is, and not only those with a limit."""
    return any(weight.rating is Rating.LOAD for weight in rules.ratings)


def _busy(network: Network, situation: Situation) -> Floats:
    """Orders of the day as a share of what the site can prepare; one without a limit is measured against the average limit of
    the others, and where nobody has one against the busiest.
    """
    usual = network.usual_capacity or max(1.0, float(situation.load.max(initial=0.0)))
    # Who can prepare nothing is full from the beginning.
    most = np.where(np.isinf(network.capacity), usual, np.maximum(network.capacity, 1.0))
    return (situation.load + (network.capacity == 0)) / most


def surveyed(rating: Rating, network: Network, found: Survey) -> Floats:
    match rating:
        case Rating.PRIORITY:
            return network.priority
        case Rating.DISTANCE:
            return found.distance
        case Rating.DELIVERY:
            return found.days
        case Rating.COST:
            return found.cost
        case Rating.CARBON:
            return found.carbon
        case _:
            msg = f"{rating} is not known without stock"
            raise AssertionError(msg)


def ranked(weights: Sequence[Weight], ratings: Mapping[Rating, Floats], chosen: Positions) -> Positions:
    """The first rating decides, then the next."""
    keys = [ratings[weight.rating][chosen] for weight in weights]
    if any(weight.tolerance > 0 for weight in weights):
        keys = _stepped(weights, keys)
    return chosen[np.lexsort(keys[::-1])] if keys else chosen


def leading(weights: Sequence[Weight], ratings: Mapping[Rating, Floats], chosen: Positions, first: int) -> Positions:
    """The first so many of `ranked`, without sorting the others."""
    if len(chosen) <= first or any(weight.tolerance > 0 for weight in weights):
        return ranked(weights, ratings, chosen)[:first]
    ahead: list[Positions] = []
    among, wanted = chosen, first
    for weight in weights:
        values = ratings[weight.rating][among]
        last = np.partition(values, wanted - 1)[wanted - 1]
        better = values < last
        ahead.append(among[better])
        wanted -= len(ahead[-1])
        among = among[values == last]
        if len(among) == wanted:
            break
    return ranked(weights, ratings, np.sort(np.concatenate([*ahead, among[:wanted]])))


def _stepped(weights: Sequence[Weight], keys: Sequence[Floats]) -> list[Floats]:
    """What is closer than the tolerance falls on one step, counted from the best of those that were equal until then."""
    steps: list[Floats] = []
    for weight, values in zip(weights, keys, strict=True):
        if weight.tolerance > 0:
            best = _best_of_equals(steps, values)
            steps.append(np.floor((values - best) / weight.tolerance))
        else:
            steps.append(values)
    return steps


def _best_of_equals(keys: Sequence[Floats], values: Floats) -> Floats:
    """For each the least value of those that have the same keys."""
    if not keys:
        return values.min(initial=np.inf, keepdims=True)
    order = np.lexsort(keys)
    differs = np.zeros(len(values), dtype=np.bool_)
    for key in keys:
        differs[1:] |= key[order][1:] != key[order][:-1]
    group = np.empty(len(values), dtype=np.intp)
    group[order] = differs.cumsum()
    best = np.full(len(values), np.inf)
    np.minimum.at(best, group, values)
    return best[group]


def weighted(weights: Sequence[Weight], ratings: Mapping[Rating, Floats], chosen: Positions) -> Floats:
    total = sum(weight.weight for weight in weights) or 1.0
    sums = np.zeros(len(chosen))
    for weight in weights:
        values = ratings[weight.rating][chosen]
        if weight.rating is Rating.DISTANCE:
            # Else one site without a place would make all others equally near.
            values = np.where(values >= UNKNOWN_KM, np.inf, values)
        sums += weight.weight / total * _scaled(values)
    return sums


def _scaled(values: Floats) -> Floats:
    """From the best (0) to the worst (1); what is infinite is worst, unless everything is."""
    known = values < np.inf
    if not known.any():
        return np.zeros(len(values))
    low, high = values.min(), values.max(where=known, initial=-np.inf)
    scaled = (values - low) / (high - low) if high > low else np.where(known, 0.0, 1.0)
    return np.minimum(scaled, 1.0)
