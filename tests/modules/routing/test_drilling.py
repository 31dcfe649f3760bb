"""What a simulation keeps of the orders that would be done worse by: counted in full, the worst of each group kept."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.kernel.ids import uuid7
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.routing.contracts import Decision, Job, Need, Parcel, Rules
from comptoir.modules.routing.domain.drilling import MOST, NEVER, By, Drill, Seen, Worse, groups, worse
from comptoir.modules.routing.domain.simulating import Past

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
DAY = date(2026, 3, 6)
HERE = LocationId(UUID(int=1))


def job(needed_by: date | None = DAY) -> Job:
    needs = (Need(1, "TEA", 1, 0, 0, dangerous=False),)
    return Job(
        id=uuid7(), needs=needs, service=Service.STANDARD, country="FR", destination=None, pickup_at=None, placed_at=NOON,
        needed_by=needed_by,
    )  # fmt: skip


def parcel(cost: int = 0, on: date = DAY) -> Parcel:
    return Parcel(HERE, (), "", 0.0, cost, 0.0, NOON, on, 0)


def decided(asked: Job, *parcels: Parcel, lacking: int = 0) -> Decision:
    return Decision(asked.id, parcels, ((1, lacking),) if lacking else ())


@pytest.mark.parametrize(
    ("tried", "found"),
    [
        ((parcel(),), {}),
        ((parcel(on=DAY + timedelta(days=2)),), {Worse.LATE: 2}),
        ((parcel(cost=9),), {Worse.DEARER: 4}),
        ((parcel(cost=2), parcel(cost=2)), {Worse.SPLIT: 1}),
        ((), {Worse.LATE: NEVER}),
    ],
)
def test_by_what_an_order_would_be_done_worse_by(tried: tuple[Parcel, ...], found: dict[Worse, int]) -> None:
    asked = job()
    assert worse(asked, decided(asked, *tried), decided(asked, parcel(cost=5))) == found


def test_what_was_promised_for_no_day_is_never_late() -> None:
    asked = job(None)
    assert worse(asked, decided(asked, lacking=1), decided(asked, parcel())) == {}


class _Unlooked(Drill):
    """Without what was thought of locations, which takes a network."""

    looked = 0

    def _look(self, past: Past, decision: Decision, real: Decision, situation: Any) -> Seen:
        self.looked += 1
        return Seen(past.job, past.rules, decision.parcels, decision.lacking, real.parcels, (), 0)


@given(st.lists(st.integers(min_value=-5, max_value=60), max_size=120))
def test_all_are_counted_and_the_worst_are_kept(dearer: list[int]) -> None:
    jobs = [job(None) for _ in dearer]
    real = {one.id: decided(one, parcel(cost=10)) for one in jobs}
    drill = _Unlooked(cast("Any", None), real.__getitem__, {one.id: "web" for one in jobs})
    for one, more in zip(jobs, dearer, strict=True):
        drill(Past(0, one, Rules()), decided(one, parcel(cost=10 + more)), cast("Any", None))
    worst = sorted((more for more in dearer if more > 0), reverse=True)
    assert drill.counts[Worse.DEARER, By.CHANNEL, "web"] == len(worst)
    assert sorted((one.amounts[Worse.DEARER] for one in drill.worst()), reverse=True) == worst[: MOST[By.CHANNEL]]
    told = groups(drill.counts)
    assert told == ({} if not worst else {
        "dearer": {
            "channel": {"web": len(worst)}, "place": {str(HERE): len(worst)}, "service": {"standard": len(worst)},
            "week": {"2026-03-02": len(worst)},
        }
    })  # fmt: skip
