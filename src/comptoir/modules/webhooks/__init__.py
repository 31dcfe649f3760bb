"""Webhooks out: who listens to which events, and what became of each delivery."""
