"""The payment ledger of orders: what was authorised, captured and refunded, by which method."""
