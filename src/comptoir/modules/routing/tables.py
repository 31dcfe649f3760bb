"""Rule sets with everything that they ever said, what routing knows of locations, and the decision log."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from comptoir.runtime.columns import KeyText, Xid8, amount, flag, id_column, instant, json, key, uuid_column, words

metadata = MetaData(schema="routing")

rule_sets = Table(
    "rule_sets",
    metadata,
    id_column(),
    key("code", unique=True),
    words("name"),
    key("state"),
    Column("position", Integer, nullable=False, server_default=text("0")),
    Column("share", Integer, nullable=False, server_default=text("100")),
    json("rules"),
    instant("created_at", default=True),
    instant("updated_at", default=True),
    Column("version", Integer, nullable=False, server_default=text("1")),
    CheckConstraint("state IN ('draft', 'live', 'retired')", name="rule_sets_state"),
    CheckConstraint("share BETWEEN 0 AND 100", name="rule_sets_share"),
)

rule_set_versions = Table(
    "rule_set_versions",
    metadata,
    Column("rule_set_id", UUID(as_uuid=True), ForeignKey("routing.rule_sets.id"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    key("state"),
    key("code"),
    words("name"),
    Column("position", Integer, nullable=False),
    Column("share", Integer, nullable=False),
    json("rules"),
    instant("at"),
    key("actor"),
)
"""Written with every change and never changed: a decision names the version that it was taken under."""

schedules = Table(
    "schedules",
    metadata,
    id_column(),
    key("code"),
    words("name"),
    flag("active", default=True),
    json("condition"),
    uuid_column("rule_set_id", nullable=True),
    key("time_zone"),
    Column("works", ARRAY(Boolean), nullable=False),
    Column("times", ARRAY(Integer), nullable=False),
    Column("every", Integer, nullable=False, server_default=text("0")),
    Column("opens", Integer, nullable=False, server_default=text("0")),
    Column("closes", Integer, nullable=False, server_default=text("1440")),
    key("rests_in"),
    Column("priority", Integer, nullable=False, server_default=text("0")),
    instant("created_at", default=True),
    instant("updated_at", default=True),
    instant("deleted_at", nullable=True),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Index("schedules_code", "code", unique=True, postgresql_where=text("deleted_at IS NULL")),
    CheckConstraint("cardinality(works) = 7", name="schedules_works"),
    CheckConstraint("every BETWEEN 0 AND 1440 AND opens BETWEEN 0 AND closes AND closes <= 1440", name="schedules_clock"),
    CheckConstraint("every > 0 OR cardinality(times) > 0", name="schedules_runs"),
)
"""When orders that wait are decided together. Times are minutes after midnight in `time_zone`. What is deleted stays as a row,
so that the sum of versions, by which rules are kept at hand, never says the same of two states."""

sites = Table(
    "sites",
    metadata,
    uuid_column("location_id", primary_key=True),
    amount("pick_cost", default=0),
    amount("pack_cost", default=0),
    Column("cut_off", Integer, nullable=False),
    Column("preparation", Integer, nullable=False),
    Column("works", ARRAY(Boolean), nullable=False),
    instant("updated_at", default=True),
    Column("version", Integer, nullable=False, server_default=text("1")),
    CheckConstraint(
        "pick_cost >= 0 AND pack_cost >= 0 AND cut_off BETWEEN 0 AND 1440 AND preparation >= 0 AND cardinality(works) = 7",
        name="sites_limits",
    ),
)
"""`cut_off` and `preparation` are minutes; locations without a row have the defaults of `SiteSettings`."""

arrivals = Table(
    "arrivals",
    metadata,
    uuid_column("location_id", primary_key=True),
    key("carrier", primary_key=True),
    Column("month", Date, primary_key=True),
    Column("late", Integer, primary_key=True, autoincrement=False),
    Column("parcels", BigInteger, nullable=False, server_default=text("0")),
)
"""How many parcels came how many days after the first plan of their order, without the days that had been added to it. The
place and the carrier service are those of the plan, the month is that in which they came."""

lessons = Table(
    "lessons",
    metadata,
    key("subject", primary_key=True),
    key("key", primary_key=True),
    Column("parcels", BigInteger, nullable=False),
    Column("on_time", BigInteger, nullable=False),
    Column("slack", Integer, nullable=False),
    Column("version", Integer, nullable=False, server_default=text("1")),
    instant("learned_at"),
    CheckConstraint("subject IN ('carrier', 'site')", name="lessons_subject"),
    CheckConstraint("slack >= 0", name="lessons_slack"),
)
"""What was learned from arrivals, by the code of a carrier service or the id of a site. `version` moves with `slack` alone,
and no row is ever deleted: it is part of the stamp by which networks are kept."""

simulations = Table(
    "simulations",
    metadata,
    id_column(),
    words("name"),
    uuid_column("pool_id"),
    Column("channels", ARRAY(KeyText), nullable=False),
    instant("since"),
    instant("until"),
    uuid_column("rule_set_id", nullable=True),
    Column("version", Integer, nullable=False, server_default=text("0")),
    json("rules"),
    flag("for_all", default=False),
    flag("with_runs", default=False),
    flag("with_mishaps", default=False),
    key("state"),
    Column("orders", Integer, nullable=False, server_default=text("0")),
    Column("done", Integer, nullable=False, server_default=text("0")),
    json("result", nullable=True),
    words("problem"),
    instant("created_at"),
    key("created_by"),
    instant("finished_at", nullable=True),
    instant("began_at", nullable=True),
    Index("simulations_created", "created_at", "id"),
    CheckConstraint("state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name="simulations_state"),
)
"""Past orders under other rules: what was asked, how far it is, and what came out."""

simulated = Table(
    "simulated",
    metadata,
    uuid_column("simulation_id", primary_key=True),
    uuid_column("order_id", primary_key=True),
    key("channel"),
    key("service"),
    Column("week", Date, nullable=False),
    Column("places", ARRAY(UUID(as_uuid=True)), nullable=False),
    Column("late", Integer),
    Column("dearer", BigInteger),
    Column("split", Integer),
    json("seen"),
)
"""The orders that would be done worse by, the worst of each group: in days, minor units and parcels, null where not."""

networks = Table(
    "networks",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    key("digest", unique=True),
    Column("content", LargeBinary, nullable=False),
    instant("at"),
)
"""Sites and carrier services as they were when decisions were taken, packed: see `store.log`. Never changed."""

bases = Table(
    "bases",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    uuid_column("rule_set_id", nullable=True),
    Column("version", Integer, nullable=False),
    Column("network_id", Integer, ForeignKey("routing.networks.id"), nullable=False),
    UniqueConstraint("rule_set_id", "version", "network_id", name="bases_what", postgresql_nulls_not_distinct=True),
)
"""What a decision was taken on: a version of a rule set (null where none was live) and a network."""

decisions = Table(
    "decisions",
    metadata,
    id_column(),
    uuid_column("order_id"),
    key("kind"),
    instant("at"),
    key("actor"),
    Column("basis_id", Integer, ForeignKey("routing.bases.id"), nullable=False),
    Column("seen", Xid8, nullable=False),
    json("job"),
    json("before"),
    json("outcome"),
    json("load", nullable=True),
    Index("decisions_order", "order_id", "at"),
    CheckConstraint("kind IN ('captured', 'routed', 'rerouted', 'batch', 'person')", name="decisions_kind"),
)
"""The decision log: the inputs of a decision and what came out. The stock that it saw is what the ledger had before the
transaction `seen`; `before` is what was promised where, which the decision was free to use again."""
