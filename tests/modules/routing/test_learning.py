"""Promises that learn from those that were kept and broken."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from plainly import LILLE, PARIS, site

from comptoir.modules.carriers.contracts import CarrierServiceDraft, Zone
from comptoir.modules.locations.contracts import LocationId, LocationKind
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.contracts import Job, Need, Rules
from comptoir.modules.routing.domain.choosing import choose
from comptoir.modules.routing.domain.learning import ENOUGH, LATEST, MAX_SLACK, Came, Lesson, learn
from comptoir.modules.routing.domain.network import Network
from comptoir.modules.routing.domain.rehearsing import Mishaps, rehearse
from comptoir.modules.routing.domain.simulating import Flow, Past
from comptoir.modules.routing.domain.stock import Situation
from comptoir.modules.tracking.contracts import Tracked
from comptoir.runtime.database import Database
from support.depot import Depot, open_depot, scan

NOON = datetime(2026, 3, 4, 11, tzinfo=UTC)
POST = CarrierServiceDraft(code="post", zones=(Zone(1000, 400, 50, 2),))
S1, S2 = (LocationId(UUID(int=n)) for n in (1, 2))
COUNTS = st.lists(
    st.builds(
        Came,
        st.sampled_from([S1, S2]),
        st.sampled_from(["post", "van"]),
        st.integers(0, LATEST),
        st.integers(1, 200),
    ),
    max_size=12,
)


@given(COUNTS, st.floats(0.5, 0.99))
def test_the_days_added_are_the_fewest_with_which_enough_come_in_time(came: list[Came], target: float) -> None:
    found = learn(came, target)
    for carrier in {one.carrier for one in came}:
        own, lesson = [one for one in came if one.carrier == carrier], found.carriers[carrier]
        parcels = sum(one.parcels for one in own)
        assert (lesson.parcels, lesson.on_time) == (parcels, sum(one.parcels for one in own if one.late == 0))
        in_time = [sum(one.parcels for one in own if one.late <= days) / parcels for days in range(MAX_SLACK + 1)]
        if parcels < ENOUGH:
            assert lesson.slack == 0
        else:
            assert lesson.slack == MAX_SLACK or in_time[lesson.slack] >= target
            assert all(share < target for share in in_time[: lesson.slack])
    for place in {one.site for one in came}:
        own, lesson = [one for one in came if one.site == place], found.sites[place]
        parcels = sum(one.parcels for one in own)
        assert lesson.parcels == parcels
        ready = sum(one.parcels for one in own if one.late <= found.carriers[one.carrier].slack + lesson.slack)
        assert parcels < ENOUGH or lesson.slack == MAX_SLACK or ready / parcels >= target


def test_a_target_of_nothing_adds_nothing() -> None:
    assert learn([Came(S1, "post", 5, 1_000)], 0).sites[S1] == Lesson(1_000, 0, 0)


def test_what_was_learned_is_added_to_the_day_and_not_to_the_hour_of_leaving() -> None:
    order = Job(id=UUID(int=7), needs=(Need(1, "A", 1, 500),), country="FR", destination=PARIS, placed_at=NOON)

    def day(slack: int, of_carrier: int) -> tuple[date, datetime, int]:
        network = Network([site(1, slack=slack)], [POST], {"post": of_carrier})
        (parcel,) = choose(network, Rules(), order, Situation(network, {("A", S1): 1}), NOON).parcels
        return parcel.arrives_on, parcel.ready_at, parcel.slack

    (usual, leaves, nothing), careful = day(0, 0), day(1, 1)
    assert (usual, nothing) == (date(2026, 3, 6), 0)
    assert careful == (date(2026, 3, 9), leaves, 2), "Saturday, and Sunday is no day for the post"


def orders(count: int, minutes: int) -> list[Past]:
    made: list[Past] = []
    for n in range(count):
        at = NOON + timedelta(minutes=minutes * n)
        needs = (Need(1, "A", 1, 500),)
        made.append(Past(n, Job(id=UUID(int=n + 1), needs=needs, country="FR", destination=PARIS, placed_at=at), Rules()))
    return made


def test_rehearsed_promises_are_kept_as_often_as_was_asked_once_it_was_learned_what_goes_wrong() -> None:
    places = [site(1, kind=LocationKind.STORE), site(2, kind=LocationKind.STORE, latitude=LILLE[0], longitude=LILLE[1])]
    none = np.array([], dtype=np.int64)
    flow = Flow(["A"], np.full((1, 2), 10_000, np.int32), none, none.astype(np.int32), none.astype(np.int32), none)
    mishaps = Mishaps(came_late={1: 0.15}, careless=0.0)
    network, many = Network(places, [POST]), orders(1_200, 50)
    blind = rehearse(network, many, flow, mishaps, target=0, chance=random.Random(1), warm=2)
    careful = rehearse(network, many, flow, mishaps, target=0.95, chance=random.Random(1), warm=2)
    assert blind.share < 0.9
    assert careful.share >= 0.95
    assert careful.rejected > 0
    assert careful.weeks[0] == blind.weeks[0], "nothing is known in the first week"
    assert blind.days < careful.days < 1.5 * blind.days
    calm = rehearse(network, many, flow, Mishaps(0, left_late=0, came_late={}), target=0.95, chance=random.Random(1), warm=2)
    assert (calm.share, calm.days, calm.rejected) == (1.0, blind.days, 0), "who has no mishaps adds nothing"


async def test_parcels_that_come_late_make_the_next_promises_more_careful(database: Database) -> None:
    async with open_depot(database) as depot:
        late = await arrived_late(depot)
        async with depot.database.transaction() as tx:
            learned = await routing.learn_again(tx, 0.95)
            assert learned.sites[late.location_id] == Lesson(1, 0, 0), "one parcel is no proof"
            await tx.run("UPDATE routing.arrivals SET parcels = 100 WHERE late > 0")
            atlas = routing.Atlas()
            before = await atlas.refresh(tx)
            learned = await routing.learn_again(tx, 0.95)
            assert await atlas.refresh(tx) != before
            again = await atlas.refresh(tx)
            await routing.learn_again(tx, 0.95)
            assert await atlas.refresh(tx) == again, "nothing new was learned"
        assert learned.sites[late.location_id].parcels == 100
        assert sum(one.slack for one in learned.carriers.values()) >= 1
        await depot.say("LATE", scan("returned", hours=-24 * 13))
        async with depot.database.read() as reader:
            assert await reader.value("SELECT sum(parcels) FROM routing.arrivals") == 99, "it has not come after all"


async def arrived_late(depot: Depot) -> Tracked:
    """What was planned to come soon comes after twelve days."""
    order_id = await depot.order()
    await depot.settle()
    await depot.ship(order_id, "LATE")
    await depot.say("LATE", scan("delivered", at=datetime.now(UTC) + timedelta(days=12)))
    return await depot.parcel(order_id)
