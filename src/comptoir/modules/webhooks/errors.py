"""What webhooks refuses."""

from __future__ import annotations

from comptoir.kernel.errors import NotFound


class UnknownEndpoint(NotFound):
    code = "unknown_endpoint"
    title = "No such webhook endpoint"


class UnknownDelivery(NotFound):
    code = "unknown_delivery"
    title = "No such webhook delivery"
