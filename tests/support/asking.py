"""A browser without a screen for an application that needs neither a start nor an end.

It asks on the loop of the test. A client that answers in a thread with a loop of its own blocks that of the test meanwhile:
whatever has a connection there, as the notice after a commit has for a moment, then keeps it until the pool gives up.
"""

from __future__ import annotations

from typing import Any, cast

import httpx2
from litestar import Litestar

Client = httpx2.AsyncClient


def asking(app: Litestar) -> Client:
    """To be closed by who asks: `async with asking(app) as client`."""
    transport = httpx2.ASGITransport(app=cast("Any", app), client=("testclient", 50_000))
    return Client(transport=transport, base_url="http://testserver.local", follow_redirects=True)
