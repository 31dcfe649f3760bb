"""What the payment ledger refuses."""

from __future__ import annotations

from comptoir.kernel.errors import Refusal


class WrongCurrency(Refusal):
    """The order is in another currency: `data` has expected and found."""

    code = "wrong_currency"
    status = 422
    title = "The order is in another currency"
