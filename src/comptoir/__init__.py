"""Comptoir: one counter for every sales channel."""

__version__ = "0.1.0"
