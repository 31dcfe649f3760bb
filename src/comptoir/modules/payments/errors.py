"""What the payment ledger refuses."""

from __future__ import annotations

from comptoir.kernel.errors import NotFound, Refusal


class WrongCurrency(Refusal):
    """The order is in another currency: `data` has expected and found."""

    code = "wrong_currency"
    status = 422
    title = "The order is in another currency"


class UnknownGrant(NotFound):
    """No refund was granted under this id for this order."""

    code = "unknown_grant"
    title = "No such refund was granted"


class GrantClosed(Refusal):
    """It was executed or withdrawn: grant another. `data["state"]` says which."""

    code = "grant_closed"
    status = 409
    title = "This refund is executed or withdrawn"


class OverGrant(Refusal):
    """More would be executed than is promised and has not moved: `data` has open and asked."""

    code = "over_grant"
    status = 409
    title = "More than was granted"


class OverOwed(Refusal):
    """More would be granted than is owed: lower the price first, with a change. `data` has owed, granted and asked."""

    code = "over_owed"
    status = 409
    title = "More than the buyer is owed"


class OverMethod(Refusal):
    """More would go back by this method than was paid by it: `data` has method, left and asked. Refund the rest as it was
    paid, or as store credit.
    """

    code = "over_method"
    status = 409
    title = "More than was paid by this method"


class UnknownAccount(NotFound):
    """No gift card or store credit has this code or id."""

    code = "unknown_account"
    title = "No such gift card or store credit"


class AccountExpired(Refusal):
    """Its time is over: `data["expired_at"]`."""

    code = "account_expired"
    status = 409
    title = "This has expired"


class BalanceTooLow(Refusal):
    """There is less on it: `data` has balance and asked. Spend less, and pay the rest another way."""

    code = "balance_too_low"
    status = 409
    title = "There is not that much on it"


class ReferenceMissing(Refusal):
    """Payments by this method name the receipt of the terminal or till: send `reference`."""

    code = "reference_missing"
    status = 422
    title = "The receipt's number is missing"
