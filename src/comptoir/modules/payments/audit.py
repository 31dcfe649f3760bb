"""The doctor of refunds, gift cards and store credit: adds everything up again. What it finds is for a person."""

from __future__ import annotations

from comptoir.modules.payments import store
from comptoir.modules.payments.contracts import Finding, Report
from comptoir.runtime.database import Reader


async def audit(reader: Reader, *, limit: int = 1000) -> Report:
    """What does not add up, at most `limit` of each kind. Give it a `transaction(snapshot=True)`."""
    found: list[Finding] = [
        *await store.broken_balances(reader, limit),
        *await store.overdone_grants(reader, limit),
        *await store.miscounted_grants(reader, limit),
        *await store.overdone_refunds(reader, limit),
    ]
    grants, accounts = await store.counts(reader)
    return Report(grants, accounts, tuple(found))
