"""EasyPost: rates, labels, pickups, scan forms, trackers and their webhooks."""

from comptoir.connectors.easypost.connector import INFO, EasyPost, EasyPostAccount

__all__ = ["INFO", "EasyPost", "EasyPostAccount"]
