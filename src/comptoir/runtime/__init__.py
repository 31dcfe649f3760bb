"""Plumbing: database, transactions, events, jobs, idempotency, http, settings, log."""
