"""Carriers that are spoken to by files: parcels go out as CSV, tracking numbers and scans come back as tables.

The files go by whatever way there is (a mail, an SFTP folder); this module makes and reads them. Every row that comes back is
taken or rejected with a reason.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from io import StringIO
from zoneinfo import ZoneInfo

from comptoir.connectors.plain.reading import plain_file, read_rows
from comptoir.kernel.money import Money
from comptoir.sdk.carriers import Address, AuthField, Capability, CarrierInfo, Label, LabelRequest, PartialCarrier
from comptoir.sdk.orderfiles import Field, FieldKind, Record, RejectedRow, the_currency
from comptoir.sdk.tabular import Options, Table, Watch, currency_in
from comptoir.sdk.tracking import Scan, TrackingStatus, TrackingUpdate

_BY_FILE = "This carrier is spoken to by files, not by calls: export the parcels, and import what comes back."

INFO = CarrierInfo(
    key="carrierfile",
    name="Files",
    capabilities=frozenset(),
    missing=dict.fromkeys(Capability, _BY_FILE),
    spec="none: our own columns",
    auth=(
        AuthField(
            "codes",
            "Their words for our statuses",
            secret=False,
            required=False,
            help="Such as LIV=delivered; ENL=picked_up. Ours are always understood.",
        ),
    ),
)

_ADDRESS = ("name", "company", "line1", "line2", "postcode", "city", "region", "country", "phone", "email")

EXPORT_COLUMNS = (
    "reference",
    "service",
    *(f"to_{name}" for name in _ADDRESS),
    *(f"from_{name}" for name in _ADDRESS),
    "weight_g",
    "length_mm",
    "width_mm",
    "height_mm",
    "collect",
    "currency",
    "contents",
    "ready_at",
)

LABEL_FIELDS = (
    Field("reference", ("reference", "our_reference", "order", "référence"), required=True),
    Field(
        "number", ("tracking_number", "tracking", "tracking_no", "awb", "waybill", "numéro de suivi", "suivi"), required=True
    ),
    Field("service", ("service",)),
    Field("carrier", ("carrier", "transporteur")),
    Field("cost", ("cost", "price", "coût", "prix"), FieldKind.NUMBER),
    Field("currency", ("currency", "devise")),
    Field("label_url", ("label_url", "label", "étiquette")),
    Field("tracking_url", ("tracking_url", "link", "lien")),
)

SCAN_FIELDS = (
    Field(
        "number", ("tracking_number", "tracking", "tracking_no", "awb", "waybill", "numéro de suivi", "suivi"), required=True
    ),
    Field("code", ("status", "code", "event", "statut", "événement"), required=True),
    Field("at", ("at", "time", "date", "timestamp", "heure"), FieldKind.DATE, required=True),
    Field("text", ("text", "description", "message", "libellé")),
    Field("place", ("place", "city", "location", "lieu", "ville")),
    Field("reference", ("reference", "our_reference", "order", "référence")),
    Field("estimated", ("estimated_on", "eta", "estimated_delivery", "livraison prévue"), FieldKind.DATE),
)

_TELEPHONE = re.compile(r"\+[\d ().-]+")


class FileCarrier(PartialCarrier):
    info = INFO

    def __init__(self, codes: Mapping[str, TrackingStatus] | None = None) -> None:
        """`codes` are the carrier's own words for our statuses; ours are always understood. Case does not count."""
        own = {status.value: status for status in TrackingStatus}
        self._codes = own | {code.casefold().strip(): status for code, status in (codes or {}).items()}

    def export(self, parcels: Iterable[LabelRequest], *, separator: str = ",") -> bytes:
        """The parcels as CSV in UTF-8 with a mark, every cell quoted, so that nothing is guessed."""
        text = StringIO()
        rows = csv.writer(text, delimiter=separator, quoting=csv.QUOTE_ALL)
        rows.writerow(EXPORT_COLUMNS)
        rows.writerows([_harmless(cell) for cell in _cells(parcel)] for parcel in parcels)
        return b"\xef\xbb\xbf" + text.getvalue().encode()

    def labels(self, table: Table, options: Options | None = None, watch: Watch | None = None) -> Iterator[Label | RejectedRow]:
        """What the carrier says it has taken, row by row; raises MissingColumns and Undecided before the first."""
        options = options or Options()
        return read_rows(plain_file(table, LABEL_FIELDS, options).records(watch), lambda record: _label(record, options))

    def scans(
        self, table: Table, options: Options | None = None, watch: Watch | None = None
    ) -> Iterator[TrackingUpdate | RejectedRow]:
        """What the carrier has scanned, row by row, in whatever order; raises as `labels` does."""
        file = plain_file(table, SCAN_FIELDS, options or Options())
        return read_rows(file.records(watch), lambda record: self._update(record, file.setting.zone))

    def _update(self, record: Record, zone: ZoneInfo) -> TrackingUpdate:
        number, code = record.needed("number"), record.needed("code")
        estimated = record.time("estimated")
        scan = Scan(
            status=self._codes.get(code.casefold(), TrackingStatus.UNKNOWN),
            at=record.needed_time("at"),
            raw_code=code,
            text=record.text("text"),
            place=record.text("place"),
        )
        return TrackingUpdate(
            tracking_number=number,
            scans=(scan,),
            latest=scan,
            estimated_on=None if estimated is None else estimated.astimezone(zone).date(),
            reference=record.text("reference"),
        )


def _cells(request: LabelRequest) -> list[str]:
    shipment = request.shipment
    parcel, collect = shipment.parcel, shipment.collect
    return [
        request.reference,
        request.service,
        *_address(shipment.recipient),
        *_address(shipment.sender),
        str(parcel.weight),
        *("" if side == 0 else str(side) for side in (parcel.length, parcel.width, parcel.height)),
        "" if collect is None else str(collect.major),
        "" if collect is None else collect.currency,
        "; ".join(f"{item.quantity} x {item.description}" for item in shipment.items),
        "" if shipment.ship_at is None else shipment.ship_at.isoformat(),
    ]


def _address(address: Address) -> list[str]:
    return [str(getattr(address, name)) for name in _ADDRESS]


def _harmless(cell: str) -> str:
    """A buyer's words must not become a formula in the carrier's spreadsheet; telephone numbers stay as they are."""
    if cell[:1] in {"=", "@", "\t", "\r"} or (cell[:1] in {"+", "-"} and not _TELEPHONE.fullmatch(cell)):
        return f"'{cell}"
    return cell


def _label(record: Record, options: Options) -> Label:
    number = record.needed("number")
    cost = None
    if text := record.text("cost"):
        code = the_currency(record, "currency", currency_in(text) or options.currency)
        cost = Money(record.amount("cost", code), code)
        if cost.minor < 0:
            record.refuse("negative_cost", f"The cost {text} is below zero.", "Correct the cost.")
    return Label(
        reference=record.needed("reference"),
        tracking_number=number,
        shipment_id=number,
        service=record.text("service"),
        carrier=record.text("carrier"),
        url=record.text("label_url"),
        cost=cost,
        tracking_url=record.text("tracking_url"),
    )
