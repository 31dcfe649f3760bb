"""Why nobody may send what is left of an order: how many locations each fence stops."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import numpy as np

from comptoir.modules.routing.contracts import Job, Rules
from comptoir.modules.routing.domain.choosing import look, to_counter
from comptoir.modules.routing.domain.network import FENCES, OPEN, Network
from comptoir.modules.routing.domain.stock import Situation

SPLIT = "split"
"""In place of a fence: nothing stops these, but each has a part of it, and the rules do not split it any further."""


def stops(
    network: Network, rules: Rules, job: Job, lacking: Mapping[int, int], situation: Situation, now: datetime
) -> dict[int, dict[str, int]]:
    """By line that lacks units, how many sites each fence stops: the one first that stops most, equals as they are asked.
    `SPLIT` comes before all. `situation` is what the decision has left.
    """
    return {
        need.line_no: _counted(network, rules, replace(job, needs=(replace(need, quantity=units),)), situation, now)
        for need in job.needs
        if (units := lacking.get(need.line_no, 0)) > 0
    }


def _counted(network: Network, rules: Rules, job: Job, situation: Situation, now: datetime) -> dict[str, int]:
    planned = job.planned_from(now)
    fences = look(network, rules, job, situation, planned).survey.fences
    if job.pickup_at is not None and job.pickup_at in network.position:  # others may send to the counter what it does not have
        counter = network.position[job.pickup_at]
        others = look(network, rules, to_counter(network, job, job.needs), situation, planned).survey.fences
        others[counter] = fences[counter]
        fences = others
    counts = np.bincount(fences, minlength=len(FENCES) + 1).tolist()
    found = {FENCES[code - 1].value: units for code, units in enumerate(counts) if code != OPEN and units}
    first = {SPLIT: counts[OPEN]} if counts[OPEN] else {}
    return first | dict(sorted(found.items(), key=lambda one: -one[1]))
