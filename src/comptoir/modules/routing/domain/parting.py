"""What goes apart because no carrier takes it together: dangerous goods, and what is heavy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from comptoir.modules.routing.contracts import Job, Need
from comptoir.modules.routing.domain.network import Network


def parts(network: Network, job: Job, site: int | None = None) -> list[tuple[Need, ...]]:
    """The needs in few groups, of which each has a carrier service that takes all of it: from this site, or from anywhere.
    One group where one takes everything; what nobody takes is a group of its own.
    """
    if _goes_together(network, job, site):
        return [job.needs]
    takers = _by_kind(network, job, site)
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
    return _in_order(job, [needs for _, needs in groups])


def by_takers(network: Network, job: Job) -> list[tuple[Need, ...]]:
    """The needs in groups that the same carrier services take: what may have to go from several places, since not every service
    collects at each.
    """
    groups: dict[frozenset[int], list[Need]] = {}
    takers = _by_kind(network, job, None)
    for need in job.needs:
        groups.setdefault(takers[need.dangerous, need.weight], []).append(need)
    return _in_order(job, groups.values())


def _in_order(job: Job, groups: Iterable[Sequence[Need]]) -> list[tuple[Need, ...]]:
    place = {id(need): n for n, need in enumerate(job.needs)}
    found = [tuple(sorted(needs, key=lambda need: place[id(need)])) for needs in groups]
    return sorted(found, key=lambda needs: place[id(needs[0])])


def go_together_never(network: Network, job: Job, site: int) -> bool:
    """Whether each of the needs has a carrier service that collects there, and no service takes them all."""
    if _goes_together(network, job, site):
        return False
    return len(job.needs) > 1 and all(_by_kind(network, job, site).values())


def _goes_together(network: Network, job: Job, site: int | None) -> bool:
    here = None if site is None else network.takers(site)
    return any(tariff.takes(job) for n, tariff in enumerate(network.tariffs) if here is None or n in here)


def _by_kind(network: Network, job: Job, site: int | None) -> dict[tuple[bool, int], frozenset[int]]:
    """Who takes what: the services, by whether goods are dangerous and what one weighs."""
    here = None if site is None else network.takers(site)
    takers: dict[tuple[bool, int], frozenset[int]] = {}
    for need in job.needs:
        kind = (need.dangerous, need.weight)
        if kind not in takers:
            takers[kind] = frozenset(
                n
                for n, tariff in enumerate(network.tariffs)
                if (here is None or n in here)
                and tariff.service.service is job.service
                and tariff.carries(need.weight, need.dangerous, job.country)
            )
    return takers
