"""What exactly a fence found: worked out again for who asks, since deciding only has to know that there is one."""

from __future__ import annotations

from comptoir.modules.carriers.contracts import Service
from comptoir.modules.routing.contracts import Detail, Fence, Job, Rules
from comptoir.modules.routing.domain.network import UNKNOWN_KM, Network


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
    left = [tariff for tariff in network.tariffs if tariff.service.service is job.service]
    if not left:
        return Detail.SERVICE
    left = [tariff for tariff in left if not tariff.service.countries or job.country in tariff.service.countries]
    if not left:
        return Detail.COUNTRY
    if any(need.dangerous for need in job.needs):
        left = [tariff for tariff in left if tariff.service.dangerous]
        if not left:
            return Detail.DANGEROUS
    heaviest = max((need.weight for need in job.needs), default=0)
    left = [tariff for tariff in left if heaviest <= tariff.service.max_weight]
    if not left:
        return Detail.WEIGHT
    distance = float(network.distances(job.destination)[site])
    if distance < UNKNOWN_KM and all(tariff.zone(distance) is None for tariff in left):
        return Detail.DISTANCE
    return Detail.NO_DAY
