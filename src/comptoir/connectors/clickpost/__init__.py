"""ClickPost: serviceability with prices, orders, cancellation, pickups, tracking by poll and by webhook."""

from comptoir.connectors.clickpost.connector import INFO, ClickPost, ClickPostAccount
from comptoir.connectors.clickpost.mapping import NDR_REASONS

__all__ = ["INFO", "NDR_REASONS", "ClickPost", "ClickPostAccount"]
