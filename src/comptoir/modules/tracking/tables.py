"""Tracking: carriers' accounts, what they send, parcels on their way with their scans, labels, and how well lanes do."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    Double,
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

from comptoir.modules.tracking.contracts import CaseState, InstructionState, Kind, LabelState, PickupStanding, TroubleKind
from comptoir.runtime.columns import KeyText, flag, id_column, instant, json, key, uuid_column, words
from comptoir.sdk.carriers import InstructionKind
from comptoir.sdk.tracking import TrackingStatus

metadata = MetaData(schema="tracking")


def _one_of(column: str, *values: str) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


def _count(name: str, default: int = 0) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default=text(str(default)))


def _account() -> Column[object]:
    return Column("account_id", UUID(as_uuid=True), ForeignKey("tracking.accounts.id"), nullable=False)


accounts = Table(
    "accounts",
    metadata,
    id_column(),
    key("connector"),
    words("name"),
    Column("carriers", ARRAY(KeyText), nullable=False),
    Column("credentials", LargeBinary, nullable=False),
    flag("active", default=True),
    flag("test", default=False),
    words("problem"),
    instant("problem_at", nullable=True),
    instant("answered_at", nullable=True),
    _count("version", 1),
    instant("created_at"),
)
"""`credentials` is encrypted."""

parcels = Table(
    "parcels",
    metadata,
    id_column(),
    Column("shipment_id", UUID(as_uuid=True), nullable=False, unique=True),
    uuid_column("order_id"),
    Column("order_number", BigInteger, nullable=False),
    key("channel"),
    uuid_column("location_id"),
    key("kind"),
    Column("account_id", UUID(as_uuid=True), ForeignKey("tracking.accounts.id")),
    key("carrier"),
    key("service"),
    key("tracking_number"),
    words("tracking_url"),
    key("origin_country"),
    key("origin_region"),
    key("destination_country"),
    key("destination_region"),
    key("zone"),
    _count("usual_days"),
    instant("shipped_at"),
    Column("promised_on", Date),
    key("status"),
    instant("since", nullable=True),
    instant("last_at", nullable=True),
    instant("moved_at", nullable=True),
    instant("delivered_at", nullable=True),
    _count("attempts"),
    Column("carrier_estimate", Date),
    Column("estimated_on", Date),
    words("signed_by"),
    Column("claimed", KeyText, nullable=False, server_default=""),
    Column("delay_told", Date),
    instant("next_poll_at", nullable=True),
    _count("polls"),
    _count("version", 1),
    Index("parcels_order", "order_id"),
    Index("parcels_number", "tracking_number", postgresql_where=text("tracking_number <> ''")),
    Index("parcels_due", "next_poll_at", postgresql_where=text("next_poll_at IS NOT NULL")),
    Index("parcels_shipped", "shipped_at", "id"),
    Index("parcels_promised", "promised_on", postgresql_using="brin"),
    Index(
        "parcels_moving",
        "shipped_at",
        "id",
        postgresql_where=text(
            "kind = 'parcel' AND account_id IS NOT NULL "
            "AND status NOT IN ('delivered', 'returned', 'lost', 'damaged', 'cancelled', 'expired')"
        ),
    ),
    Index("parcels_order_number", "order_number", "id"),
    Index("parcels_carrier", "carrier", "shipped_at"),
    Index("parcels_country", "destination_country", "shipped_at"),
    _one_of("status", *TrackingStatus),
    _one_of("kind", *Kind),
)

scans = Table(
    "scans",
    metadata,
    Column("account_id", UUID(as_uuid=True), ForeignKey("tracking.accounts.id"), primary_key=True),
    key("tracking_number", primary_key=True),
    key("digest", primary_key=True),
    key("status"),
    instant("at"),
    key("raw_code"),
    words("detail"),
    words("text"),
    words("place"),
    Column("latitude", Double),
    Column("longitude", Double),
    key("carrier_id"),
    instant("seen_at"),
)
"""By what the carrier calls the parcel, so that a scan may come before anybody has told us of the parcel."""

hand_scans = Table(
    "hand_scans",
    metadata,
    id_column(),
    Column("tracked_id", UUID(as_uuid=True), ForeignKey("tracking.parcels.id"), nullable=False),
    key("status"),
    instant("at"),
    words("text"),
    words("place"),
    key("noted_by"),
    instant("noted_at"),
    Index("hand_scans_parcel", "tracked_id", "at"),
    _one_of("status", *TrackingStatus),
)
"""What one of us has seen or heard of a parcel: it counts as a scan of the carrier's does, and can be taken back."""

inbox = Table(
    "inbox",
    metadata,
    Column("seq", BigInteger, Identity(always=True), primary_key=True),
    _account(),
    key("dedup"),
    Column("body", LargeBinary, nullable=False),
    key("state"),
    _count("attempts"),
    words("problem"),
    instant("received_at"),
    instant("done_at", nullable=True),
    Index("inbox_once", "account_id", "dedup", unique=True),
    Index("inbox_waiting", "seq", postgresql_where=text("state = 'waiting'")),
    Index("inbox_failed", "account_id", "seq", postgresql_where=text("state = 'failed'")),
    Index("inbox_received", "account_id", "received_at"),
    _one_of("state", "waiting", "done", "failed"),
)

cases = Table(
    "cases",
    metadata,
    Column("tracked_id", UUID(as_uuid=True), ForeignKey("tracking.parcels.id"), primary_key=True),
    uuid_column("order_id"),
    key("state"),
    key("reason"),
    _count("attempts", 1),
    instant("opened_at"),
    instant("answer_until"),
    json("answer", nullable=True),
    instant("answered_at", nullable=True),
    instant("closed_at", nullable=True),
    instant("due_at", nullable=True),
    instant("reminded_at", nullable=True),
    _count("version", 1),
    Index("cases_due", "answer_until", postgresql_where=text("state = 'asked'")),
    Index("cases_chased", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    Index("cases_to_tell", "tracked_id", postgresql_where=text("state IN ('answered', 'unanswered')")),
    _one_of("state", *CaseState),
)

instructions = Table(
    "instructions",
    metadata,
    id_column(),
    Column("reference", KeyText, nullable=False, unique=True),
    Column("tracked_id", UUID(as_uuid=True), ForeignKey("tracking.parcels.id"), nullable=False),
    uuid_column("order_id"),
    Column("account_id", UUID(as_uuid=True), ForeignKey("tracking.accounts.id")),
    Column("case_version", Integer, nullable=False),
    key("kind"),
    key("state"),
    _count("attempts"),
    words("problem"),
    key("confirmation"),
    instant("created_at"),
    instant("told_at", nullable=True),
    instant("next_at"),
    instant("busy_until", nullable=True),
    Index("instructions_once", "tracked_id", "case_version", unique=True),
    _one_of("kind", *InstructionKind),
    _one_of("state", *InstructionState),
)
"""What exactly carriers are told is not here: it stands in the answers of cases."""

troubles = Table(
    "troubles",
    metadata,
    id_column(),
    key("kind"),
    uuid_column("about"),
    Column("tracked_id", UUID(as_uuid=True), ForeignKey("tracking.parcels.id")),
    uuid_column("order_id"),
    words("reason"),
    instant("opened_at"),
    instant("resolved_at", nullable=True),
    key("resolution", nullable=True),
    Index("troubles_open", "about", "kind", unique=True, postgresql_where=text("resolved_at IS NULL")),
    # All that was ever the matter with a parcel, which its page, its order's and its buyer's tell.
    Index("troubles_about", "about", "opened_at", "id"),
    Index("troubles_opened", "opened_at", "id"),
    _one_of("kind", *TroubleKind),
)
"""`about` is the parcel, or the label where there is no parcel yet."""

labels = Table(
    "labels",
    metadata,
    id_column(),
    Column("reference", KeyText, nullable=False, unique=True),
    _account(),
    uuid_column("subject_id"),
    uuid_column("order_id"),
    key("state"),
    key("service"),
    key("format"),
    Column("request", LargeBinary),
    _count("attempts"),
    words("problem"),
    key("problem_code"),
    key("tracking_number"),
    words("tracking_url"),
    key("shipment_ref"),
    key("carrier"),
    words("url"),
    Column("document", LargeBinary),
    Column("cost", BigInteger),
    key("currency"),
    key("manifest_ref"),
    instant("created_at"),
    key("created_by"),
    instant("bought_at", nullable=True),
    instant("voided_at", nullable=True),
    instant("busy_until", nullable=True),
    flag("is_return", default=False),
    _count("version", 1),
    Index(
        "labels_one",
        "subject_id",
        unique=True,
        postgresql_where=text("state NOT IN ('refused', 'voided')"),
    ),
    Index("labels_created", "created_at", "id"),
    Index("labels_order", "order_id"),
    Index("labels_number", "tracking_number", postgresql_where=text("tracking_number <> ''")),
    Index("labels_open", "created_at", postgresql_where=text("state IN ('asked', 'unknown', 'voiding')")),
    _one_of("state", *LabelState),
)
"""`request` is encrypted, and forgotten once the label is bought or refused: it holds who gets the parcel."""

coming = Table(
    "coming",
    metadata,
    id_column(),
    uuid_column("order_id"),
    _account(),
    key("tracking_number"),
    words("tracking_url"),
    key("carrier"),
    key("service"),
    key("status"),
    instant("since", nullable=True),
    instant("last_at", nullable=True),
    instant("begun_at"),
    instant("next_poll_at", nullable=True),
    Index("coming_number", "tracking_number", "account_id"),
    Index("coming_due", "next_poll_at", postgresql_where=text("next_poll_at IS NOT NULL")),
    _one_of("status", *TrackingStatus),
)
"""Parcels that come back to us with labels that we have bought; `id` is the return's."""

pickups = Table(
    "pickups",
    metadata,
    id_column(),
    Column("reference", KeyText, nullable=False, unique=True),
    _account(),
    uuid_column("location_id"),
    Column("label_ids", ARRAY(UUID(as_uuid=True)), nullable=False),
    key("state"),
    instant("from_at"),
    instant("until_at"),
    key("carrier_ref"),
    words("confirmation"),
    key("same"),
    _count("weight"),
    words("instructions"),
    words("problem"),
    instant("created_at"),
    instant("busy_until", nullable=True),
    Index("pickups_location", "location_id", "until_at"),
    Index("pickups_once", "same", unique=True, postgresql_where=text("state IN ('asked', 'scheduled', 'unknown')")),
    _one_of("state", *PickupStanding),
)
"""`same` stands for the labels and the hours: two who ask for the same driver get the same one."""

manifests = Table(
    "manifests",
    metadata,
    id_column(),
    _account(),
    uuid_column("location_id", nullable=True),
    Column("label_ids", ARRAY(UUID(as_uuid=True)), nullable=False),
    key("carrier_ref"),
    words("url"),
    Column("tracking_numbers", ARRAY(KeyText), nullable=False),
    Column("document", LargeBinary),
    instant("created_at"),
    key("created_by"),
    Index("manifests_location", "location_id", "created_at"),
)
"""That carriers have made for us."""

choice = Table(
    "choice",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    json("rules"),
    instant("updated_at"),
    _count("version", 1),
    CheckConstraint("id = 1", name="choice_one"),
)
"""How carriers are chosen, in one row."""

_LANE = ("carrier", "service", "origin_country", "origin_region", "destination_country", "destination_region")
_SUMS = ("parcels", "delivered", "promised", "on_time", "days", "first_time", "damaged", "lost", "late", "late_days")

lanes = Table(
    "lanes",
    metadata,
    *(key(name, primary_key=True) for name in _LANE),
    Column("month", Date, primary_key=True),
    *(Column(name, BigInteger, nullable=False, server_default=text("0")) for name in _SUMS),
)

spending = Table(
    "spending",
    metadata,
    *(key(name, primary_key=True) for name in _LANE),
    Column("month", Date, primary_key=True),
    key("currency", primary_key=True),
    Column("parcels", BigInteger, nullable=False, server_default=text("0")),
    Column("cost", BigInteger, nullable=False, server_default=text("0")),
)
"""What the labels of parcels cost, under the month in which they left."""
