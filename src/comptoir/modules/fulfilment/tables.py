"""Fulfilment orders, their lines and parcels, waves, bins, and counts that are in doubt."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Computed,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from comptoir.modules.fulfilment.domain import STAGE_SQL
from comptoir.runtime.columns import KeyText, amount, flag, id_column, instant, json, key, uuid_column, words

metadata = MetaData(schema="fulfilment")


def _counter(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default=text("0"))


orders = Table(
    "orders",
    metadata,
    id_column(),
    Column("number", BigInteger, Identity(start=1), nullable=False),
    uuid_column("order_id"),
    Column("order_number", BigInteger, nullable=False),
    key("channel_code"),
    uuid_column("location_id"),
    key("state"),
    key("request"),
    key("method"),
    key("service"),
    key("hold_reason", nullable=True),
    words("hold_note"),
    key("carrier"),
    instant("leaves_by", nullable=True),
    Column("arrives_on", Date),
    Column("promised_on", Date),
    instant("answer_by", nullable=True),
    _counter("answer_within"),
    flag("count_unanswered", default=False),
    instant("release_at", nullable=True),
    key("assignee"),
    uuid_column("wave_id", nullable=True),
    words("recipient"),
    words("city"),
    key("country"),
    instant("placed_at"),
    instant("created_at"),
    instant("begun_at", nullable=True),
    instant("picked_at", nullable=True),
    instant("packed_at", nullable=True),
    instant("ready_at", nullable=True),
    instant("closed_at", nullable=True),
    instant("asked_at", nullable=True),
    Column("quantity", Integer, nullable=False),
    _counter("picked"),
    _counter("packed"),
    _counter("gone"),
    Column("stage", KeyText, Computed(STAGE_SQL, persisted=True), nullable=False),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Index("orders_number", "number", unique=True),
    Index("orders_order", "order_id"),
    Index(
        "orders_work",
        "location_id",
        "stage",
        "placed_at",
        "id",
        postgresql_where=text("stage NOT IN ('done', 'cancelled')"),
    ),
    Index("orders_wave", "wave_id", postgresql_where=text("wave_id IS NOT NULL")),
    Index("orders_created", "location_id", "created_at"),
    Index("orders_answer", "answer_by", postgresql_where=text("state = 'open' AND answer_by IS NOT NULL")),
    Index(
        "orders_asked",
        "request",
        "placed_at",
        "id",
        postgresql_where=text("request <> 'unsubmitted' AND stage NOT IN ('done', 'cancelled')"),
    ),
    Index("orders_promised", "promised_on", "leaves_by", postgresql_using="brin"),
    Index("orders_unbegun", "placed_at", postgresql_where=text("state = 'open' AND begun_at IS NULL")),
    Index("orders_release", "release_at", postgresql_where=text("state IN ('scheduled', 'open') AND release_at IS NOT NULL")),
    CheckConstraint(
        "state IN ('scheduled', 'open', 'on_hold', 'in_progress', 'incomplete', 'closed', 'cancelled')", name="orders_state"
    ),
    CheckConstraint("(state = 'on_hold') = (hold_reason IS NOT NULL)", name="orders_hold"),
    CheckConstraint("gone >= 0 AND picked >= 0 AND packed >= 0 AND quantity >= 0", name="orders_counters"),
    CheckConstraint("gone <= quantity AND picked <= quantity AND packed <= picked", name="orders_order_of_things"),
)
"""The counters are the sums of the lines'; the stage derives from state, method and counters. `answer_within` is in minutes in
which the location is open, 0 for no limit. What is copied from the order stays as it was, but for who gets it and where they
live: those follow the order while there is work to do."""

lines = Table(
    "lines",
    metadata,
    Column("fulfilment_id", UUID(as_uuid=True), ForeignKey("fulfilment.orders.id"), primary_key=True),
    Column("line_no", Integer, primary_key=True, autoincrement=False),
    key("sku"),
    words("name"),
    Column("quantity", Integer, nullable=False),
    _counter("picked"),
    _counter("packed"),
    _counter("gone"),
    CheckConstraint(
        "gone >= 0 AND packed >= 0 AND gone <= quantity AND picked <= quantity AND packed <= picked", name="lines_counters"
    ),
)
"""Units of an order's lines at this location. What has `gone` has been picked and, where it is shipped, packed."""

parcels = Table(
    "parcels",
    metadata,
    id_column(),
    Column("fulfilment_id", UUID(as_uuid=True), ForeignKey("fulfilment.orders.id"), nullable=False, index=True),
    Column("number", Integer, nullable=False),
    key("carton"),
    *[Column(name, Integer, nullable=False, server_default=text("0")) for name in ("weight", "length", "width", "height")],
    key("carrier"),
    words("tracking_number"),
    words("tracking_url"),
    uuid_column("shipment_id", nullable=True),
    instant("packed_at"),
    key("packed_by"),
    instant("marked_at", nullable=True),
    instant("recalled_at", nullable=True),
    Index("parcels_number", "fulfilment_id", "number", unique=True),
    Index("parcels_recalled", "recalled_at", "id", postgresql_where=text("recalled_at IS NOT NULL AND shipment_id IS NULL")),
)
"""`recalled_at` is since when units are to be taken out of the box before anything of it leaves."""

parcel_lines = Table(
    "parcel_lines",
    metadata,
    Column("parcel_id", UUID(as_uuid=True), ForeignKey("fulfilment.parcels.id", ondelete="CASCADE"), primary_key=True),
    Column("line_no", Integer, primary_key=True, autoincrement=False),
    Column("quantity", Integer, nullable=False),
    _counter("recalled"),
    CheckConstraint("quantity >= 0 AND recalled >= 0", name="parcel_lines_quantity"),
)
"""What is wanted of a box, and what is still in it and is not wanted any more."""

waves = Table(
    "waves",
    metadata,
    id_column(),
    Column("number", BigInteger, Identity(start=1), nullable=False),
    uuid_column("location_id"),
    key("kind"),
    instant("created_at"),
    key("created_by"),
    Index("waves_location", "location_id", "created_at"),
)

wave_zones = Table(
    "wave_zones",
    metadata,
    Column("wave_id", UUID(as_uuid=True), ForeignKey("fulfilment.waves.id"), primary_key=True),
    key("zone", primary_key=True),
    key("assignee"),
    instant("taken_at"),
)
"""Who picks which zone of a zone wave; what nobody picks has no row."""

bins = Table(
    "bins",
    metadata,
    uuid_column("location_id", primary_key=True),
    key("sku", primary_key=True),
    key("bin"),
)
"""Where a SKU lies at a location."""

bin_places = Table(
    "bin_places",
    metadata,
    uuid_column("location_id", primary_key=True),
    key("bin", primary_key=True),
    words("zone"),
    Column("sequence", Integer),
    CheckConstraint("sequence >= 0", name="bin_places_sequence"),
)
"""The zone of a bin and its number on the walk, where somebody has said them; otherwise its code says both."""

count_tasks = Table(
    "count_tasks",
    metadata,
    uuid_column("location_id", primary_key=True),
    key("sku", primary_key=True),
    Column("units", Integer, nullable=False),
    key("reason"),
    uuid_column("order_id", nullable=True),
    instant("opened_at"),
    CheckConstraint("units >= 0", name="count_tasks_units"),
)
"""SKUs whose count is in doubt, until somebody counts them. `units` were not found and are held for quality until then."""

parked = Table(
    "parked",
    metadata,
    uuid_column("order_id", primary_key=True),
    key("stamp"),
    instant("parked_at"),
    instant("tried_at"),
    instant("due_at"),
    Index("parked_due", "due_at"),
    Index("parked_tried", "tried_at", "order_id"),
)
"""Orders of which nobody may send something, and when that is tried again; `stamp` is what the rules and the network were like
when it was tried last."""

parked_lines = Table(
    "parked_lines",
    metadata,
    Column("order_id", UUID(as_uuid=True), ForeignKey("fulfilment.parked.order_id", ondelete="CASCADE"), primary_key=True),
    Column("line_no", Integer, primary_key=True, autoincrement=False),
    key("sku"),
    Column("units", Integer, nullable=False),
    Index("parked_lines_sku", "sku"),
)

runs = Table(
    "runs",
    metadata,
    uuid_column("of_id", primary_key=True),
    instant("at"),
    _counter("orders"),
    _counter("moved"),
    amount("saved", default=0),
)
"""When orders were decided together for the last time, by the schedule that they waited for, or the rule set whose own run it
was: how many, how many of them went elsewhere, and what those cost less than before, in minor units of the house's currency."""

collections = Table(
    "collections",
    metadata,
    Column("fulfilment_id", UUID(as_uuid=True), ForeignKey("fulfilment.orders.id"), primary_key=True),
    uuid_column("order_id"),
    uuid_column("location_id"),
    uuid_column("origin_id", nullable=True),
    words("shelf"),
    instant("received_at", nullable=True),
    instant("waits_until", nullable=True),
    flag("extended", default=False),
    _counter("extension"),
    flag("curbside", default=False),
    Column("reminders", ARRAY(Integer), nullable=False, server_default=text("'{}'")),
    _counter("reminded"),
    instant("remind_at", nullable=True),
    _counter("tries"),
    instant("barred_until", nullable=True),
    instant("here_at", nullable=True),
    words("car"),
    words("spot"),
    instant("ended_at", nullable=True),
    Index("collections_order", "order_id"),
    Index("collections_open", "location_id", postgresql_where=text("ended_at IS NULL")),
    Index("collections_ends", "waits_until", postgresql_where=text("ended_at IS NULL AND waits_until IS NOT NULL")),
    Index("collections_reminded", "remind_at", postgresql_where=text("ended_at IS NULL AND remind_at IS NOT NULL")),
    CheckConstraint("extension >= 0 AND reminded >= 0 AND tries >= 0", name="collections_counters"),
)
"""What waits at a counter for its buyer: one row for a fulfilment order from when it is ready, or on its way to the counter."""

collectors = Table(
    "collectors",
    metadata,
    uuid_column("order_id", primary_key=True),
    words("name"),
    instant("named_at"),
    key("named_by"),
)

handouts = Table(
    "handouts",
    metadata,
    id_column(),
    Column("fulfilment_id", UUID(as_uuid=True), ForeignKey("fulfilment.orders.id"), nullable=False, index=True),
    words("collector"),
    key("checked"),
    key("at"),
    json("lines"),
    instant("handed_at"),
    key("actor"),
)
"""To whom what was handed, and what was looked at: the proof without a signature."""

put_backs = Table(
    "put_backs",
    metadata,
    id_column(),
    uuid_column("location_id"),
    Column("fulfilment_id", UUID(as_uuid=True), ForeignKey("fulfilment.orders.id"), nullable=False, index=True),
    key("sku"),
    words("name"),
    Column("units", Integer, nullable=False),
    key("reason"),
    words("shelf"),
    instant("opened_at"),
    instant("done_at", nullable=True),
    key("done_by", nullable=True),
    Index("put_backs_open", "location_id", "opened_at", postgresql_where=text("done_at IS NULL")),
    CheckConstraint("units > 0", name="put_backs_units"),
)

collection_terms = Table(
    "collection_terms",
    metadata,
    id_column(),
    uuid_column("location_id", nullable=True),
    uuid_column("pool_id", nullable=True),
    Column("days", Integer, nullable=False),
    Column("reminders", ARRAY(Integer), nullable=False),
    Column("extension", Integer, nullable=False),
    flag("curbside", default=False),
    Index("collection_terms_of", "location_id", "pool_id", unique=True, postgresql_nulls_not_distinct=True),
    CheckConstraint("days > 0 AND extension >= 0", name="collection_terms_numbers"),
    CheckConstraint("location_id IS NULL OR pool_id IS NULL", name="collection_terms_of_one"),
)

lockers = Table(
    "lockers",
    metadata,
    id_column(),
    uuid_column("location_id"),
    key("code"),
    words("bank"),
    key("size"),
    key("system"),
    key("state"),
    Column("fulfilment_id", UUID(as_uuid=True), ForeignKey("fulfilment.orders.id")),
    Column("sealed_code", LargeBinary),
    _counter("tries"),
    instant("barred_until", nullable=True),
    instant("changed_at"),
    Index("lockers_code", "location_id", "code", unique=True),
    Index("lockers_of", "fulfilment_id", unique=True, postgresql_where=text("state = 'taken'")),
    CheckConstraint("state IN ('free', 'taken', 'to_empty', 'out_of_order')", name="lockers_state"),
    CheckConstraint("(fulfilment_id IS NOT NULL) = (state IN ('taken', 'to_empty'))", name="lockers_holds"),
)
"""`sealed_code` opens it, and is forgotten with what lies in it."""
