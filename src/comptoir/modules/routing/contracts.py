"""What crosses the door of routing: what an order needs, who may serve it, under which rules, and what was decided.

Distances are kilometres on the great circle, weights grams, money minor units of the currency of the rule set, times UTC
instants, durations minutes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import ClassVar, NamedTuple, NewType
from uuid import UUID

from comptoir.modules.carriers.contracts import Service
from comptoir.modules.locations.contracts import DAY, LocationId, LocationKind, OpeningHours, PoolId
from comptoir.runtime.events import Event

RuleSetId = NewType("RuleSetId", UUID)
DecisionId = NewType("DecisionId", UUID)
SimulationId = NewType("SimulationId", UUID)
ScheduleId = NewType("ScheduleId", UUID)

RULE_SET_PREFIX = "rul"
DECISION_PREFIX = "dec"
SIMULATION_PREFIX = "sim"
SCHEDULE_PREFIX = "sch"


class Fence(StrEnum):
    """Why a location cannot serve an order at all, in the order in which they are asked."""

    EXCLUDED = "excluded"
    """The rules leave it out, or the buyer collects elsewhere."""
    REJECTED = "rejected"
    """It has had this order and gave it back."""
    UNABLE = "unable"
    """It is closed for good, or does not ship, or hands nothing out."""
    NO_CARRIER = "no_carrier"
    """No carrier takes these goods from there to the address. A split goes with who takes the whole order, if anybody does."""
    TOO_LATE = "too_late"
    """It cannot have it at the door, or on the counter, by the date that the order insists on."""
    CAPACITY = "capacity"
    """It has as many orders today as it can prepare."""
    STOCK = "stock"
    """It has nothing of this above its safety stock."""
    EXPIRY = "expiry"
    """What lies there expires too soon, or is recalled: without that it would have some. Deciding sees `STOCK`; who asks why is
    told this.
    """
    MINIMUM_PICK = "minimum_pick"
    """What it would send is less than it is worth starting for."""


class Detail(StrEnum):
    """What exactly a fence found, where one fence stands for several things."""

    LISTED = "listed"
    """`EXCLUDED`: the rules name it."""
    KIND = "kind"
    """`EXCLUDED`: the rules use no locations of its kind."""
    TOO_FAR = "too_far"
    """`EXCLUDED`: it is farther away than the rules allow, or nobody knows where it is."""
    OTHER_COUNTER = "other_counter"
    """`EXCLUDED`: the buyer collects elsewhere."""
    CLOSED = "closed"
    """`UNABLE`: it is closed for good."""
    SENDS_NOTHING = "sends_nothing"
    """`UNABLE`: it does not ship, or hands nothing out."""
    NEVER_OPEN = "never_open"
    """`UNABLE`: its door never opens."""
    SERVICE = "service"
    """`NO_CARRIER`: no carrier service is of this kind."""
    COUNTRY = "country"
    """`NO_CARRIER`: of those none goes to this country."""
    DANGEROUS = "dangerous"
    """`NO_CARRIER`: of those that go there none takes dangerous goods."""
    WEIGHT = "weight"
    """`NO_CARRIER`: a unit of it is too heavy for those that are left."""
    TOGETHER = "together"
    """`NO_CARRIER`: each thing has a carrier service, and none takes all of them; parts may go apart."""
    NOT_COLLECTED = "not_collected"
    """`NO_CARRIER`: those that would take it do not collect there (`Verdict.carriers`)."""
    DISTANCE = "distance"
    """`NO_CARRIER`: the address is beyond the last zone of those that are left."""
    NO_DAY = "no_day"
    """`NO_CARRIER`: no parcel ever leaves there, or none is ever delivered."""


class Rating(StrEnum):
    """What makes one location better than another; less is better in each."""

    PRIORITY = "priority"
    """Of the pool: 0 first."""
    DISTANCE = "distance"
    """Kilometres. Without an address all are equal; a site without a place is farther than any other."""
    DELIVERY = "delivery"
    """Days from the order to the door, or to the counter."""
    COST = "cost"
    """Picking, packing and the carrier, in minor units."""
    PARCELS = "parcels"
    """How many of the SKUs must come from others beside it, in whole or in part."""
    COVER = "cover"
    """How soon it will run out: the days that its stock lasts after this order, below zero, of the SKU that runs out first.

    By what it sold in the last four weeks (`inventory.sold_daily`), 3,650 days at most. Where nobody has sold anything of the
    order: the share of its stock that the order takes, from 0 to 1, of the SKU where it is greatest.
    """
    MARKDOWN = "markdown"
    """What lies longest is sent first: the days that its stock lasts, below zero, on the average of the SKUs; reckoned as for
    `COVER`. Where nobody has sold anything of the order: how many such orders it would last, below zero.
    """
    LOAD = "load"
    """The share of the day's capacity that is taken: fairness between stores. Without a limit of its own a site is measured
    against the average limit of the others; where nobody has one, against the busiest.
    """
    CARBON = "carbon"
    """Grams of CO2 for the way."""


class Mode(StrEnum):
    RANKED = "ranked"
    """The first rating decides; the next ones decide only between equals. In the end the priority decides, then the code."""
    WEIGHTED = "weighted"
    """Each rating counts by its weight, on a scale from the best (0) to the worst (1) of those who may serve."""


@dataclass(frozen=True, slots=True)
class Weight:
    """A rating and how much it counts (`WEIGHTED`), or from which difference on it decides (`RANKED`)."""

    rating: Rating
    weight: float = 1.0
    """Above 0."""
    tolerance: float = 0.0
    """In the rating's own unit: closer than this to the best is equal to it, and so on in steps of this size."""


@dataclass(frozen=True, slots=True)
class Splitting:
    """When an order is sent in parts."""

    parcels: int = 3
    """At most so many; 1 never splits."""
    least_value: int = 0
    """Each part is worth at least so much; what goes in one parcel is no part."""


@dataclass(frozen=True, slots=True)
class Condition:
    """For which orders a rule set or a schedule is; an empty one is for all."""

    channels: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    services: tuple[Service, ...] = ()
    categories: tuple[str, ...] = ()
    """As `category_text` writes them: an order is meant that has a product of one of them, or below it."""
    skus: tuple[str, ...] = ()
    """An order is meant that has one of them."""
    brands: tuple[str, ...] = ()
    """As products name them: an order is meant that has a product of one of them."""
    least_value: int | None = None
    most_value: int | None = None
    """What the buyer pays for the items, in minor units of `currency`, both ends included. Orders in another currency are not
    meant where there is either.
    """
    currency: str = ""


class Profile(NamedTuple):
    """What rule sets and schedules tell orders apart by."""

    channel: str
    country: str
    service: Service
    categories: frozenset[str] = frozenset()
    """Those of its products, and those above them; only looked at where a condition asks for categories."""
    skus: frozenset[str] = frozenset()
    brands: frozenset[str] = frozenset()
    value: int = 0
    """What the buyer pays for the items, in minor units of `currency`."""
    currency: str = ""


FARTHEST_BACK = 20
"""In the rules' own order: who stands farther back than this costs no more."""


@dataclass(frozen=True, slots=True)
class Objective:
    """What runs make small, in minor units: the cost of the parcels, and what else is worth money."""

    late_day: int = 300
    """For each day that a parcel comes after the date that was promised."""
    lacking_unit: int = 100_000
    """For each unit that nobody sends, beside what sending it could cost by `own_order`."""
    carbon_kg: int = 0
    """For each kilogram of CO2."""
    own_order: int | None = None
    """For each place that a parcel's location stands behind the first in the rules' own order, `FARTHEST_BACK` places at most;
    each further parcel of an order counts as much as the last of these places. Of rules None is the usual: see `aims`.
    """

    @property
    def lacking(self) -> int:
        """For each unit that nobody sends: always more than what the own order makes of sending it."""
        return self.lacking_unit + 2 * FARTHEST_BACK * (self.own_order or 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How locations are chosen. A value: what was decided under it can be explained for as long as it is kept."""

    condition: Condition = field(default_factory=Condition)
    mode: Mode = Mode.RANKED
    ratings: tuple[Weight, ...] = (Weight(Rating.PRIORITY), Weight(Rating.DISTANCE))
    splitting: Splitting = field(default_factory=Splitting)
    kinds: tuple[LocationKind, ...] = (LocationKind.WAREHOUSE, LocationKind.STORE, LocationKind.SUPPLIER)
    excluded: tuple[LocationId, ...] = ()
    safety: int = 0
    """Units of each SKU that a store keeps for its own customers, beside its safety stock."""
    minimum_pick: int = 0
    """The value below which a store does not begin a parcel. What is collected there is none."""
    max_distance: float | None = None
    respect_capacity: bool = True
    every: int = 0
    """Minutes from one run to the next, in which orders are decided together; 0 decides each at once."""
    answer_within: int = 0
    """Minutes in which whoever was chosen begins, or the order goes elsewhere; only those count in which it is open. 0 is no
    limit.
    """
    give_up_after: int = 0
    """Days after which what nobody may send is cancelled; 0 leaves it to a person."""
    insist_on_date: bool = False
    """Who cannot keep the date that was promised is out; otherwise being late only counts against it."""
    count_unanswered: bool = True
    """Also who does not begin in time, or has no staff, counts what it was to send; who does not find it always does."""
    objective: Objective = field(default_factory=Objective)
    """What runs improve. It decides nothing that is decided at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A location as routing sees it."""

    id: LocationId
    code: str
    name: str
    kind: LocationKind
    country: str
    time_zone: str
    latitude: float | None
    longitude: float | None
    priority: int = 0
    active: bool = True
    ships: bool = True
    pickup: bool = False
    hours: OpeningHours = field(default_factory=OpeningHours)
    capacity: int | None = None
    """Orders that it can prepare in a day."""
    pick_cost: int = 0
    """For each line."""
    pack_cost: int = 0
    """For each parcel."""
    cut_off: int = 14 * 60
    """Minutes after local midnight: what is routed to it later leaves on its next day."""
    preparation: int = 120
    """Minutes from the decision to the counter, for pickups."""
    works: tuple[bool, ...] = (True, True, True, True, True, False, False)
    """From Monday on: the days on which parcels leave."""
    slack: int = 0
    """Days that its parcels come later than planned, as was measured: they are added to what is promised."""


@dataclass(frozen=True, slots=True)
class Need:
    """So many units of a SKU, for one line of an order."""

    line_no: int
    sku: str
    quantity: int
    weight: int = 0
    """Of one unit."""
    value: int = 0
    """Of one unit."""
    dangerous: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """An order, or what is left of it, that wants a location."""

    id: UUID
    needs: tuple[Need, ...]
    service: Service = Service.STANDARD
    country: str = ""
    destination: tuple[float, float] | None = None
    """(latitude, longitude) in degrees; None where nobody knows."""
    pickup_at: LocationId | None = None
    """Where it is collected, if that is the service; None for any counter."""
    placed_at: datetime
    needed_by: date | None = None
    """The date that was promised."""
    rejected_by: tuple[LocationId, ...] = ()
    begins_at: datetime | None = None
    """When anybody may begin it, where it waits for a run; None is at once."""

    def planned_from(self, now: datetime) -> datetime:
        """From when on its parcels are planned."""
        return now if self.begins_at is None else max(now, self.begins_at)


@dataclass(frozen=True, slots=True)
class Pick:
    """So many units for one line from one location."""

    line_no: int
    sku: str
    site: LocationId
    quantity: int


@dataclass(frozen=True, slots=True)
class Parcel:
    """What one location does for a job."""

    site: LocationId
    picks: tuple[Pick, ...]
    carrier: str
    """The code of the carrier service; empty for a pickup, and where no carrier service is set up."""
    distance: float
    """That it is carried. Where nobody knows it, how far the carrier goes."""
    cost: int
    carbon: float
    ready_at: datetime
    """When it can leave, or be collected."""
    arrives_on: date
    weight: int
    slack: int = 0
    """Days in `arrives_on` that calendars and carriers do not ask for, but that were measured to be needed."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A parcel of an order that has come; with -1 parcels one that was told and is taken back."""

    order_id: UUID
    location_id: LocationId
    """From where it was sent."""
    day: date
    """At the door."""
    parcels: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What was learned of one carrier service or one location, and since when it has been so."""

    location_id: LocationId | None
    """None for a carrier service."""
    carrier: str
    parcels: int
    on_time: int
    slack: int
    """Days that are added to promises."""
    learned_at: datetime


class Withheld(NamedTuple):
    """Units of a lot that lie there and that nobody may get."""

    sku: str
    site: LocationId
    lot: str
    expires_on: date | None
    quantity: int
    why: str
    """`too_soon`, `expired` or `blocked`: recalled."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was thought of one location."""

    site: LocationId
    fence: Fence | None
    """What stopped it; None for who was rated."""
    ratings: Mapping[Rating, float]
    """As measured, in their own units."""
    score: float | None
    """Weighted: 0 is best. Ranked: its place, 0 first."""
    detail: Detail | None = None
    """What exactly the fence found, where it stands for several things."""
    lacking: int = 0
    """Units of the order that it does not have."""
    withheld: tuple[Withheld, ...] = ()
    """What lies there that it would have if it could be sold."""
    carriers: tuple[str, ...] = ()
    """`NOT_COLLECTED`: the names of the carrier services that would take it from elsewhere."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Where an order goes. `lacking` is what nobody may send: (line, units)."""

    job: UUID
    parcels: tuple[Parcel, ...]
    lacking: tuple[tuple[int, int], ...] = ()

    @property
    def cost(self) -> int:
        return sum(parcel.cost for parcel in self.parcels)


class DecisionKind(StrEnum):
    """On which occasion it was decided where an order comes from."""

    CAPTURED = "captured"
    """As it was promised."""
    ROUTED = "routed"
    """By a rule set, right after it was promised."""
    REROUTED = "rerouted"
    """A location gave it back, or nobody might send it and something has changed since."""
    BATCH = "batch"
    """With others, to make the best of all of them."""
    PERSON = "person"


class Cause(StrEnum):
    """Why it was decided then."""

    FIRST = "first"
    """The order was new."""
    ADDED = "added"
    """Units were promised that nothing had been decided about yet."""
    GIVEN_BACK = "given_back"
    """A location gave it back."""
    RULES = "rules"
    """Nobody might send it, and the rules are others since."""
    PLACES = "places"
    """Nobody might send it, and the locations or the carriers are not what they were."""
    STOCK = "stock"
    """Nobody might send it, and there is more of it since."""
    LATER = "later"
    """Nobody might send it, and it was tried again after some time."""
    RUN = "run"
    """It was the turn of a run."""
    PERSON = "person"
    """Somebody wanted it."""


@dataclass(frozen=True, slots=True)
class Run:
    """Orders that were decided together."""

    orders: int
    """That went elsewhere by it."""
    saved: int
    """What these cost less than before, all together, in minor units."""
    code: str = ""
    """Of the schedule that they waited for, or of the rule set whose own run it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """A decision in the log."""

    id: DecisionId
    order_id: UUID
    kind: DecisionKind
    at: datetime
    actor: str
    job: Job
    before: tuple[Pick, ...]
    """Where the units were promised before it, which it was free to use again."""
    parcels: tuple[Parcel, ...]
    lacking: tuple[tuple[int, int], ...]
    rule_set_id: RuleSetId | None
    """None where no rule set was live for it: the pool's priority decided, then the distance."""
    version: int
    load: Mapping[LocationId, int]
    """Orders that the sites had that day: those with a limit, or all where the rules rate it."""
    run: Run | None = None
    """With which others it was decided."""


@dataclass(frozen=True, slots=True)
class Explained:
    """A decision with what was thought of every location."""

    decision: Logged
    rules: Rules
    rule_set: str
    """Its name; empty where none was live."""
    sites: Mapping[LocationId, Site]
    """As they were."""
    verdicts: tuple[Verdict, ...]
    """The best first, then those that a fence stopped."""
    cause: Cause = Cause.FIRST
    by_days: bool = False
    """Whether cover and markdown are measured in days."""
    alone: Decision | None = None
    """Of what was decided together: what the rules would have decided for this order alone."""


LONGEST_SIMULATION = timedelta(days=366 * 3)


class SimulationState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a way of routing meant for past orders. Money in minor units, distances in kilometres, carbon in kilograms."""

    orders: int
    units: int
    parcels: int
    split: int
    """Orders in more than one parcel."""
    unserved: int
    """Orders of which nothing could be sent."""
    lacking: int
    """Units that nobody might send."""
    cost: int
    distance: float
    carbon: float
    days: int
    """From the order to its last parcel, summed up over the orders that were served."""
    late: int
    promised: int
    """Orders that were promised for a day; `late` of them missed it."""
    load: Mapping[LocationId, int]
    """Parcels by location."""
    by_day: Mapping[date, int]
    """Parcels by the day of the order."""
    cancelled: int = 0
    """Units that were cancelled for want of stock; of what is tried, those of them that could not have been sent either."""
    measured: int = 0
    """Promised orders of which it is known when they came, rather than reckoned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """What would have become of the days that buyers were told, with the mishaps that were measured."""

    promised: int
    kept: int
    days: int
    """From the orders to the days that they were told, summed up."""
    rejected: int
    """Parts that stores would have given back."""
    rejects: float
    """The share of parts that stores gave back in that time."""
    late: float
    """The share of parcels that came late in the last three months."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationDraft:
    """Which past is to be decided again: the orders of these channels of a pool, placed from `since` up to `until`."""

    name: str = ""
    pool_id: PoolId
    channels: tuple[str, ...]
    since: datetime
    until: datetime
    rule_set_id: RuleSetId | None = None
    """None tries what decides now."""
    for_all: bool = False
    """For all orders that the rule set is for, whatever its share; its position counts all the same."""
    with_runs: bool = False
    """Rules with runs gather orders and improve them together, as they do live; it takes long."""
    with_mishaps: bool = False
    """Also rehearse how many dates are kept when stores give back and parcels come late as they were measured to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation(SimulationDraft):
    """A simulation as it is: `happened` and `tried` are there when it is done."""

    id: SimulationId
    version: int
    """Of the rule set."""
    rules: Rules
    state: SimulationState
    orders: int
    done: int
    happened: Outcome | None
    tried: Outcome | None
    reached: int | None
    """Orders for which the rule set that is tried decided."""
    rehearsed: Rehearsed | None
    problem: str
    created_at: datetime
    created_by: str
    finished_at: datetime | None
    began_at: datetime | None = None
    groups: Mapping[str, Mapping[str, Mapping[str, int]]] = field(default_factory=dict[str, Mapping[str, Mapping[str, int]]])
    """How many orders would be done worse by: by what, by what they are grouped by, and by value."""


class RuleSetState(StrEnum):
    DRAFT = "draft"
    LIVE = "live"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSetDraft:
    """A rule set as somebody wants it. Of those that are live and meant for an order the first one by `position` decides, for
    `share` per cent of the orders; the others go on to the next.
    """

    code: str
    name: str = ""
    rules: Rules = field(default_factory=Rules)
    position: int = 0
    share: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet(RuleSetDraft):
    """A rule set as it is. It is also a draft: `replace(rule_set, name=…)` is what `update` takes."""

    id: RuleSetId
    state: RuleSetState
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class RuleSetVersion:
    """What a rule set said once, and in which state; decisions name it, so that they can be explained later."""

    rule_set_id: RuleSetId
    version: int
    rules: Rules
    at: datetime
    actor: str
    state: RuleSetState
    code: str
    name: str
    position: int
    share: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSettings:
    """What routing has to know of a location beside what it is: see `Site` for the units."""

    location_id: LocationId
    pick_cost: int = 0
    pack_cost: int = 0
    cut_off: int = 14 * 60
    preparation: int = 120
    works: tuple[bool, ...] = (True, True, True, True, True, False, False)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptSettings(SiteSettings):
    """The settings of a location as they are."""

    version: int = 0
    """0 as long as nobody has said anything: then they are the usual ones."""


class RuleSetChanged(Event, frozen=True, kw_only=True):
    """A rule set was made or changed, went live or was retired."""

    type: ClassVar[str] = "rule_set.changed"
    rule_set_id: RuleSetId
    code: str
    state: str
    created: bool = False

    @property
    def subject(self) -> UUID | None:
        return self.rule_set_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleDraft:
    """When orders that wait are decided together, as somebody wants it: by the clock of a place, in minutes after midnight.

    An order waits for the first active schedule, by priority, then code, that is for it; else for its rule set's own runs.
    """

    code: str
    name: str = ""
    active: bool = True
    condition: Condition = field(default_factory=Condition)
    rule_set_id: RuleSetId | None = None
    """Only orders that this rule set decides; None are all, also those that no rule set is live for."""
    time_zone: str = "UTC"
    works: tuple[bool, ...] = (True,) * 7
    """From Monday on: the days that have runs."""
    times: tuple[int, ...] = ()
    every: int = 0
    """Also so many minutes after one another, from `opens` up to `closes`; 0 has only the times."""
    opens: int = 0
    closes: int = DAY
    rests_in: str = ""
    """The country on whose public holidays there are no runs; empty has them on every day."""
    priority: int = 0
    """Of those that fall together the lower one decides first, and finds more stock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule(ScheduleDraft):
    """A schedule as it is. It is also a draft: `replace(schedule, name=…)` is what `update_schedule` takes."""

    id: ScheduleId
    version: int
    created_at: datetime
    updated_at: datetime


class ScheduleChanged(Event, frozen=True, kw_only=True):
    """A schedule of runs was made, changed, switched on or off, or deleted: what waits may wait for another run now."""

    type: ClassVar[str] = "run_schedule.changed"
    run_schedule_id: ScheduleId
    code: str
    active: bool
    deleted: bool = False

    @property
    def subject(self) -> UUID | None:
        return self.run_schedule_id
