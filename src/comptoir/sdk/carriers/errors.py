"""What goes wrong with carriers: faults say who can put it right, refusals are answers."""

from __future__ import annotations

from comptoir.kernel.errors import Conflict, Fault, Refusal, Remedy
from comptoir.kernel.money import Money
from comptoir.sdk.carriers.fields import field_of


class CarrierUnavailable(Fault):
    """The carrier does not answer, or says that it cannot just now. Nothing was bought."""

    code = "carrier_unavailable"

    def __init__(self, carrier: str, detail: str, *, retry_after: float | None = None) -> None:
        super().__init__(f"{carrier}: {detail}", remedy=Remedy.WAIT, retry_after=retry_after, carrier=carrier)


class CarrierBusy(CarrierUnavailable):
    """We ask too often. Nothing was bought."""

    code = "carrier_busy"


class OutcomeUnknown(Fault):
    """Something was asked for that costs money, and no answer came: it may have been bought, or not.

    Look for it by `data["reference"]` before asking again.
    """

    code = "outcome_unknown"

    def __init__(self, carrier: str, reference: str, detail: str, *, retry_after: float | None = None) -> None:
        super().__init__(
            f"{carrier}: {detail}: look for {reference} before trying again",
            remedy=Remedy.WAIT,
            retry_after=retry_after,
            carrier=carrier,
            reference=reference,
        )


class NotAuthorised(Fault):
    """The carrier does not accept our key, or the account may not do this: the retailer has to see to it."""

    code = "carrier_not_authorised"

    def __init__(self, carrier: str, detail: str) -> None:
        super().__init__(f"{carrier}: {detail}", remedy=Remedy.MERCHANT, carrier=carrier)


class PaymentNeeded(NotAuthorised):
    """The account with the carrier is empty, or has no means of payment."""

    code = "carrier_payment_needed"


class ShipmentRejected(Fault):
    """The carrier does not take the parcel as it is described: an address, a weight, customs. `data["reason"]` is its own code,
    `data["field"]` what its words are about, as far as they tell: `recipient.postcode`, `parcel.weight`, `items.hs_code`.

    Somebody has to correct it; nothing was bought.
    """

    code = "shipment_rejected"
    title = "The carrier does not take the parcel as it is described"
    status = 422

    def __init__(self, carrier: str, detail: str, *, reason: str = "", field: str = "") -> None:
        about = field or field_of(f"{reason.replace('.', ' ')} {detail}")
        super().__init__(f"{carrier}: {detail}", remedy=Remedy.MERCHANT, carrier=carrier, reason=reason, field=about)


class NotUnderstood(Fault):
    """The answer is not what the carrier's description says. Waiting does not help."""

    code = "carrier_not_understood"

    def __init__(self, carrier: str, detail: str) -> None:
        super().__init__(f"{carrier}: {detail}", remedy=Remedy.NOBODY, carrier=carrier)


class CarrierCannot(Refusal):
    """The connector does not do this. `data` has the `carrier`, the `capability` and the `reason`."""

    code = "carrier_cannot"
    status = 409
    title = "This carrier cannot do that"


class ServiceNotOffered(Conflict):
    """The carrier does not offer `data["service"]` for this parcel. `data["offered"]` are those that it does offer."""

    code = "service_not_offered"
    title = "The carrier does not offer this service here"


class LabelDearer(Conflict):
    """The label costs more than was agreed to: `data` has `cost`, `at_most` and `currency`. Nothing was bought."""

    code = "label_dearer"
    title = "The label has become dearer"

    @classmethod
    def than(cls, at_most: Money, cost: Money) -> LabelDearer:
        return cls(cost=cost.minor, at_most=at_most.minor, currency=cost.currency)


class ReferenceSpent(Conflict):
    """The label of this reference was given back: a new label needs a new reference."""

    code = "reference_spent"
    title = "The label with this reference was voided"


class ForgedWebhook(Refusal):
    """The message does not come from whom it says it comes from, or is too old. `data["reason"]` says what is wrong with it."""

    code = "webhook_forged"
    status = 401
    title = "The signature does not fit"


class UnreadableWebhook(Refusal):
    """The message is from the carrier and is not what the carrier's description says."""

    code = "webhook_unreadable"
    status = 422
    title = "The message cannot be read"
