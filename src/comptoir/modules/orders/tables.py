"""The order book."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Numeric,
    Table,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from comptoir.modules.orders.domain import FULFILMENT_STATUS_SQL, OWED_SQL, PAYMENT_STATUS_SQL, RETURN_STATUS_SQL
from comptoir.runtime.columns import KeyText, amount, id_column, instant, json, key, uuid_column, words

metadata = MetaData(schema="orders")


def _counter(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default=text("0"))


def _sum(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default=text("0"))


orders = Table(
    "orders",
    metadata,
    id_column(),
    Column("number", BigInteger, Identity(start=1001), nullable=False),
    uuid_column("channel_id"),
    key("channel_code"),
    key("kind"),
    key("external_id", nullable=True),
    key("external_version", nullable=True),
    instant("placed_at"),
    instant("recorded_at"),
    key("market"),
    key("currency"),
    Column("tax_included", Boolean, nullable=False),
    uuid_column("customer_id", nullable=True),
    json("buyer", nullable=True),
    json("ship_to", nullable=True),
    json("bill_to", nullable=True),
    key("service"),
    Column("promised_on", Date),
    uuid_column("pickup_location_id", nullable=True),
    uuid_column("location_id", nullable=True),
    amount("amount"),
    amount("discount", default=0),
    amount("tax", default=0),
    amount("total"),
    amount("value"),
    amount("authorised", default=0),
    amount("captured", default=0),
    amount("refunded", default=0),
    Column("quantity", Integer, nullable=False),
    _counter("cancelled"),
    _counter("backordered"),
    _counter("shipped"),
    _counter("returned"),
    Column("fulfilment_status", KeyText, Computed(FULFILMENT_STATUS_SQL, persisted=True), nullable=False),
    Column("payment_status", KeyText, Computed(PAYMENT_STATUS_SQL, persisted=True), nullable=False),
    Column("return_status", KeyText, Computed(RETURN_STATUS_SQL, persisted=True), nullable=False),
    Column("owed", BigInteger, Computed(OWED_SQL, persisted=True), nullable=False),
    words("note", nullable=True),
    Column("tags", ARRAY(KeyText)),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Index("orders_number", "number", unique=True),
    Index("orders_placed", "placed_at", "id"),
    # The external id first, so that a search by its beginning finds it on whichever channel.
    Index("orders_external", "external_id", "channel_id", unique=True, postgresql_where=text("external_id IS NOT NULL")),
    Index("orders_customer", "customer_id", "placed_at", postgresql_where=text("customer_id IS NOT NULL")),
    Index(
        "orders_open",
        "placed_at",
        "id",
        postgresql_where=text("fulfilment_status IN ('unfulfilled', 'partial', 'backordered')"),
    ),
    # What is seldom the case, and looked for: an order that is captured is none of these, so that they cost it nothing.
    Index("orders_returned", "placed_at", "id", postgresql_where=text("return_status <> 'none'")),
    Index(
        "orders_unsettled", "placed_at", "id", postgresql_where=text("payment_status NOT IN ('pending', 'authorised', 'paid')")
    ),
    # Orders that are sold where they are handed over; those that are sent have no location of their own.
    Index("orders_location", "location_id", "placed_at", "id", postgresql_where=text("location_id IS NOT NULL")),
    Index("orders_owed_to_buyers", "placed_at", "id", postgresql_where=text("owed > 0")),
    Index("orders_owed_by_buyers", "placed_at", "id", postgresql_where=text("owed < 0")),
    CheckConstraint("kind IN ('sale', 'credit')", name="orders_kind"),
    CheckConstraint(
        "cancelled >= 0 AND backordered >= 0 AND shipped >= 0 AND returned BETWEEN 0 AND shipped "
        "AND cancelled + backordered + shipped <= quantity",
        name="orders_quantities",
    ),
)
"""The counters are the sums of the item lines' and the payment columns the sums of the payment ledger's; `value` is what is
left of `total` (see `allowances`); the statuses derive from them. `channel_code` is the channel's code, which never changes;
`promised_on` is the day that the buyer was told; `location_id` the store that sold it over the counter or hands it out, null
for what is sent."""

lines = Table(
    "lines",
    metadata,
    Column("order_id", UUID(as_uuid=True), ForeignKey("orders.orders.id"), primary_key=True),
    Column("line_no", Integer, primary_key=True, autoincrement=False),
    key("kind"),
    key("sku", nullable=True),
    words("name", default=None),
    Column("stocked", Boolean, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("unit_price", Numeric(20, 6), nullable=False),
    amount("amount"),
    amount("discount", default=0),
    amount("tax", default=0),
    amount("total"),
    json("discounts", nullable=True),
    json("taxes", nullable=True),
    key("external_id", nullable=True),
    _counter("cancelled"),
    _counter("backordered"),
    _counter("shipped"),
    _counter("returned"),
    # Whoever waits for a SKU that has come in; nearly empty, so that it costs capture nothing.
    Index("lines_waiting", "sku", "order_id", postgresql_where=text("backordered > 0")),
    # Orders are found by SKU. A B-tree would write to a page of its own for every line that is captured; this one gathers lines
    # and takes them in together, a fifth as large. An array of one needs no extension.
    Index("lines_by_sku", text("(ARRAY[sku])"), postgresql_using="gin", postgresql_where=text("sku IS NOT NULL")),
    CheckConstraint("quantity > 0", name="lines_quantity"),
    CheckConstraint(
        "cancelled >= 0 AND backordered >= 0 AND shipped >= 0 AND returned BETWEEN 0 AND shipped "
        "AND cancelled + backordered + shipped <= quantity",
        name="lines_quantities",
    ),
    CheckConstraint("(kind = 'item') = (sku IS NOT NULL)", name="lines_sku"),
    CheckConstraint("kind = 'item' OR NOT stocked", name="lines_stocked"),
)
"""The units of a stocked line that are neither cancelled, backordered nor shipped are reserved in inventory. Money is frozen at
placement. `amount` is before discounts; `total` is what the buyer pays. A unit's share of any of them is `kernel.money.split`
over the quantity, so that returning all units gives back exactly the line."""

rejections = Table(
    "rejections",
    metadata,
    Column("order_id", UUID(as_uuid=True), ForeignKey("orders.orders.id"), primary_key=True),
    Column("line_no", Integer, primary_key=True, autoincrement=False),
    uuid_column("location_id", primary_key=True),
    key("reason"),
    Column("quantity", Integer, nullable=False),
    instant("at"),
    key("actor"),
    Index("rejections_at", "at"),
    CheckConstraint("quantity > 0", name="rejections_quantity"),
)
"""Where units of a line were to come from and cannot: that location is not asked for this line again."""

choices = Table(
    "choices",
    metadata,
    Column("order_id", UUID(as_uuid=True), ForeignKey("orders.orders.id"), primary_key=True),
    Column("line_no", Integer, primary_key=True, autoincrement=False),
    uuid_column("location_id", primary_key=True),
    instant("at"),
    key("actor"),
)
"""Where a person wants units of a line to come from: it stays so until that location gives them back, or has none of them."""

consents = Table(
    "consents",
    metadata,
    Column("order_id", UUID(as_uuid=True), ForeignKey("orders.orders.id"), primary_key=True),
    Column("line_no", Integer, primary_key=True, autoincrement=False),
    key("consent"),
    CheckConstraint("consent IN ('none', 'same_price', 'any')", name="consents_consent"),
)
"""What the buyer has agreed to be given instead of what is not there: of the order (line 0), or of a line."""

shipments = Table(
    "shipments",
    metadata,
    id_column(),
    Column("order_id", UUID(as_uuid=True), ForeignKey("orders.orders.id"), nullable=False, index=True),
    uuid_column("location_id"),
    instant("shipped_at"),
    words("carrier"),
    words("tracking_number"),
    words("tracking_url"),
    key("actor"),
    Index("shipments_location", "location_id", "order_id"),
    Index("shipments_tracking", "tracking_number", postgresql_where=text("tracking_number <> ''")),
)

shipment_lines = Table(
    "shipment_lines",
    metadata,
    Column("shipment_id", UUID(as_uuid=True), ForeignKey("orders.shipments.id"), primary_key=True),
    Column("line_no", Integer, primary_key=True, autoincrement=False),
    Column("quantity", Integer, nullable=False),
)

returns = Table(
    "returns",
    metadata,
    id_column(),
    Column("order_id", UUID(as_uuid=True), ForeignKey("orders.orders.id"), nullable=False, index=True),
    uuid_column("location_id"),
    instant("received_at"),
    words("reason"),
    key("actor"),
)

return_lines = Table(
    "return_lines",
    metadata,
    Column("return_id", UUID(as_uuid=True), ForeignKey("orders.returns.id"), primary_key=True),
    Column("line_no", Integer, primary_key=True, autoincrement=False),
    key("disposition", primary_key=True),
    Column("quantity", Integer, nullable=False),
    amount("refundable"),
)
"""`refundable` is the exact share of the line's total that these units stand for."""

allowances = Table(
    "allowances",
    metadata,
    id_column(),
    Column("order_id", UUID(as_uuid=True), ForeignKey("orders.orders.id"), nullable=False, index=True),
    Column("line_no", Integer, nullable=False),
    Column("first", Integer, nullable=False),
    Column("units", Integer, nullable=False),
    amount("amount"),
    words("reason"),
    instant("at"),
    key("actor"),
    CheckConstraint("first >= 0 AND units > 0 AND amount > 0", name="allowances_amount"),
)
"""What was allowed off the price of units of a line after it was sold: of its units `first` to `first + units - 1`, counted
from 0. It goes with these units: they come back from the first on and are cancelled from the last on."""

exceptions = Table(
    "exceptions",
    metadata,
    id_column(),
    key("kind"),
    key("state"),
    uuid_column("order_id", nullable=True),
    Column("line_no", Integer),
    key("sku", nullable=True),
    uuid_column("location_id", nullable=True),
    Column("quantity", Integer, nullable=False, server_default=text("0")),
    json("data", default="{}"),
    instant("opened_at"),
    instant("resolved_at", nullable=True),
    key("resolution", nullable=True),
    key("actor", nullable=True),
    Index(
        "exceptions_open",
        "kind",
        "order_id",
        "line_no",
        "sku",
        "location_id",
        unique=True,
        postgresql_where=text("state = 'open'"),
        postgresql_nulls_not_distinct=True,
    ),
    Index("exceptions_opened", "opened_at", "id"),
    Index("exceptions_waiting", "opened_at", "id", postgresql_where=text("state = 'open'")),
    Index("exceptions_spot", "sku", "location_id", postgresql_where=text("state = 'open'")),
    Index("exceptions_order", "order_id", postgresql_where=text("order_id IS NOT NULL")),
    CheckConstraint("state IN ('open', 'resolved')", name="exceptions_state"),
)
"""What a fact broke: open until it is moved, filled, cancelled or dismissed."""

trade = Table(
    "trade",
    metadata,
    key("clock", primary_key=True),
    key("grain", primary_key=True),
    Column("at", DateTime(timezone=True), primary_key=True),
    key("channel_code", primary_key=True),
    key("currency", primary_key=True),
    _sum("orders"),
    _sum("credits"),
    _sum("lines"),
    _sum("units"),
    _sum("total"),
    _sum("cancelled"),
    _sum("cancelled_total"),
    _sum("returned"),
    _sum("returned_total"),
    CheckConstraint("clock IN ('placed', 'recorded')", name="trade_clock"),
    CheckConstraint("grain IN ('minute', 'hour')", name="trade_grain"),
)
"""What was sold per minute and per hour, rolled up from the event log by a consumer, so that live figures and charts scan no
orders. `clock` says which time counts: when the trade happened (a replayed year keeps its dates), or when we were told of it.
Totals are of what was sold, as orders stand after what their channels revised; what was cancelled and returned stands beside
them."""
