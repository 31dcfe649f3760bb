"""What exactly a fence found: worked out again for who asks, since deciding only has to know that there is one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from comptoir.modules.carriers.contracts import CarrierServiceDraft, Service
from comptoir.modules.routing.contracts import Detail, Fence, Job, Rules, Verdict, Withheld
from comptoir.modules.routing.domain.network import UNKNOWN_KM, Network
from comptoir.modules.routing.domain.parting import go_together_never


def detail(network: Network, rules: Rules, job: Job, site: int, fence: Fence) -> Detail | None:
    """None for fences that stand for one thing only."""
    match fence:
        case Fence.EXCLUDED:
            return _excluded(network, rules, job, site)
        case Fence.UNABLE:
            return _unable(network, job, site)
        case Fence.NO_CARRIER:
            return _uncarried(network, job, site)
        case _:
            return None


def _excluded(network: Network, rules: Rules, job: Job, site: int) -> Detail:
    place = network.sites[site]
    if place.id in rules.excluded:
        return Detail.LISTED
    if place.kind not in rules.kinds:
        return Detail.KIND
    if job.service is Service.PICKUP:
        return Detail.OTHER_COUNTER
    return Detail.TOO_FAR


def _unable(network: Network, job: Job, site: int) -> Detail:
    place = network.sites[site]
    if not place.active:
        return Detail.CLOSED
    able = place.pickup if job.service is Service.PICKUP else place.ships
    return Detail.NEVER_OPEN if able else Detail.SENDS_NOTHING


def _uncarried(network: Network, job: Job, site: int) -> Detail:
    """The last of the questions that no carrier service passes: who fails at an earlier one is not asked further."""
    heaviest = max((need.weight for need in job.needs), default=0)
    dangerous = any(need.dangerous for need in job.needs)
    place = network.sites[site]
    questions: tuple[tuple[Detail, Callable[[CarrierServiceDraft], bool]], ...] = (
        (Detail.SERVICE, lambda one: one.service is job.service),
        (Detail.COUNTRY, lambda one: not one.countries or job.country in one.countries),
        (Detail.DANGEROUS, lambda one: one.dangerous or not dangerous),
        (Detail.WEIGHT, lambda one: heaviest <= one.max_weight),
        (Detail.NOT_COLLECTED, lambda one: one.origins.include(place.id, place.kind, place.country)),
    )
    left = network.tariffs
    for what, passes in questions:
        left = tuple([tariff for tariff in left if passes(tariff.service)])
        if not left:
            return Detail.TOGETHER if what in _OF_GOODS and go_together_never(network, job, site) else what
    distance = float(network.distances(job.destination)[site])
    beyond = distance < UNKNOWN_KM and all(tariff.zone(distance) is None for tariff in left)
    return Detail.DISTANCE if beyond else Detail.NO_DAY


_OF_GOODS = frozenset({Detail.DANGEROUS, Detail.WEIGHT, Detail.NOT_COLLECTED})


def elsewhere(network: Network, job: Job) -> tuple[str, ...]:
    """The names of the carrier services that would take it, if they collected there."""
    return tuple(sorted({tariff.service.name or tariff.service.code for tariff in network.tariffs if tariff.takes(job)}))


def with_expiry(verdicts: Iterable[Verdict], freed: Iterable[Verdict], withheld: Iterable[Withheld]) -> tuple[Verdict, ...]:
    """The verdicts, those with what is withheld that would have less lacking (`freed`) if it were not."""
    lacking = {one.site: one.lacking for one in freed}
    told: list[Verdict] = []
    kept = list(withheld)
    for one in verdicts:
        rows = tuple([row for row in kept if row.site == one.site]) if lacking[one.site] < one.lacking else ()
        fence = Fence.EXPIRY if rows and one.fence is Fence.STOCK else one.fence
        told.append(replace(one, fence=fence, withheld=rows) if rows else one)
    return tuple(told)
