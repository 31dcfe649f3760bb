"""What goes apart because no carrier takes it together: dangerous goods, and what is heavy."""

from __future__ import annotations

from comptoir.modules.routing.contracts import Job, Need
from comptoir.modules.routing.domain.network import Network


def parts(network: Network, job: Job) -> list[tuple[Need, ...]]:
    """The needs in few groups, of which each has a carrier service that takes all of it. One group where one takes everything;
    what nobody takes is a group of its own.
    """
    if any(tariff.takes(job) for tariff in network.tariffs):
        return [job.needs]
    takers: dict[tuple[bool, int], frozenset[int]] = {}
    for need in job.needs:
        kind = (need.dangerous, need.weight)
        if kind not in takers:
            takers[kind] = _takers(network, job, need)
    groups: list[tuple[frozenset[int], list[Need]]] = []
    # Who has the least choice chooses first.
    for kind in sorted(takers, key=lambda kind: (len(takers[kind]), kind)):
        needs = [need for need in job.needs if (need.dangerous, need.weight) == kind]
        own = takers[kind]
        for n, (common, there) in enumerate(groups):
            if (common & own) or (not common and not own):
                groups[n] = (common & own, [*there, *needs])
                break
        else:
            groups.append((own, needs))
    place = {id(need): n for n, need in enumerate(job.needs)}
    found = [tuple(sorted(needs, key=lambda need: place[id(need)])) for _, needs in groups]
    return sorted(found, key=lambda needs: place[id(needs[0])])


def go_together_never(network: Network, job: Job) -> bool:
    """Whether each of the needs has a carrier service, and no service takes them all."""
    if any(tariff.takes(job) for tariff in network.tariffs):
        return False
    return len(job.needs) > 1 and all(_takers(network, job, need) for need in job.needs)


def _takers(network: Network, job: Job, need: Need) -> frozenset[int]:
    return frozenset(
        n
        for n, tariff in enumerate(network.tariffs)
        if tariff.service.service is job.service and tariff.carries(need.weight, need.dangerous, job.country)
    )
