"""Stock: the levels, the ledger that is their only writer, reservations, and what moves stock."""
